// Exact cost estimates from credit-rates.json, without a request.

export interface RateCards {
  default: string;
  cards: Record<string, { rates: Rate[] }>;
}

interface Rate {
  operation: string;
  model_version?: string; // without one, for every model that has no rate of its own
  credits?: string;
  block_seconds?: number;
  between?: [Bound, Bound];
}

type Bound = "create" | "create_less_preview";

/** Decimals as whole billionths: exact, as floats are not. */
type Billionths = bigint;
const ONE: Billionths = 1_000_000_000n;

export function parse(decimal: string): Billionths {
  const [whole = "0", fraction = ""] = decimal.split(".");
  return BigInt(whole + fraction.padEnd(9, "0"));
}

export function show(amount: Billionths): string {
  const fraction = (amount % ONE).toString().padStart(9, "0").replace(/0+$/, "");
  return fraction ? `${amount / ONE}.${fraction}` : `${amount / ONE}`;
}

export interface Question {
  rate_card: string;
  operation: string;
  model_version: string;
  seconds: { min: string; max: string };
  count: number;
}

/** Returns the least and the most it may cost; null when the card has no price for it. */
export function estimate(cards: RateCards, asked: Question): { min: string; max: string } | null {
  const rates = cards.cards[asked.rate_card]?.rates ?? [];
  const find = (operation: string) => {
    const own = rates.filter((rate) => rate.operation === operation);
    return own.find((rate) => rate.model_version === asked.model_version) ?? own.find((rate) => !rate.model_version);
  };
  const rate = find(asked.operation);
  const create = find("create");
  const preview = find("preview");
  if (!rate || (rate.between && !(create && preview))) return null;

  const [shortest, longest] = [parse(asked.seconds.min), parse(asked.seconds.max)];
  const cost = (bound: Bound | undefined, seconds: Billionths): Billionths => {
    if (!bound) return perBlock(rate, seconds);
    const whole = perBlock(create!, seconds);
    if (bound === "create") return whole;
    const less = whole - perBlock(preview!, seconds);
    return less > 0n ? less : 0n;
  };
  // A price changes only where a block starts. With a difference of prices, the cheapest duration
  // need not be the shortest.
  const durations = [shortest, longest];
  if (rate.between) {
    for (const block of [blockOf(create!), blockOf(preview!)]) {
      for (let end = ceil(shortest, block) * block; end < longest; end += block) durations.push(end, end + 1n);
    }
  }
  const times = BigInt(asked.count);
  const least = durations.map((seconds) => cost(rate.between?.[0], seconds)).reduce((a, b) => (a < b ? a : b));
  const most = durations.map((seconds) => cost(rate.between?.[1], seconds)).reduce((a, b) => (a > b ? a : b));
  return { min: show(least * times), max: show(most * times) };
}

/** Returns the price of a duration. A started block is charged whole, and at least one. */
function perBlock(rate: Rate, seconds: Billionths): Billionths {
  const started = ceil(seconds, blockOf(rate));
  return parse(rate.credits ?? "0") * (started > 1n ? started : 1n);
}

function blockOf(rate: Rate): Billionths {
  return BigInt(rate.block_seconds ?? 1) * ONE;
}

function ceil(amount: bigint, of: bigint): bigint {
  return (amount + of - 1n) / of;
}
