// Compares the estimates with those of the Rust crate: node dist/check_estimates.js CREDIT_RATES
// ESTIMATES

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { estimate, type Question, type RateCards } from "./estimate.js";

const [rates, vectors] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")) as unknown);
const all = vectors as (Question & { credits: { min: string; max: string } | null })[];
const wrong = all.filter((vector) => !isDeepStrictEqual({ ...estimate(rates as RateCards, vector) }, { ...vector.credits }));
for (const vector of wrong) console.error(JSON.stringify(vector), "but here", estimate(rates as RateCards, vector));
console.log(`${all.length - wrong.length} of ${all.length} estimates are equal`);
process.exitCode = wrong.length === 0 && all.length > 0 ? 0 : 1;
