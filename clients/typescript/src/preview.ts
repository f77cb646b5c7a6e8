// Makes an asynchronous preview and its video, and shows refusals: node dist/preview.js TEMPLATE_ID CREDIT_RATES

import { readFileSync } from "node:fs";
import { connect, required, type Job } from "./client.js";
import { estimate, type RateCards } from "./estimate.js";
import { messages } from "./problem.js";
import { JobEnded, waitFor } from "./wait.js";

const [template_id = "", ratesFile = "../credit-rates.json"] = process.argv.slice(2);
const apiId = required("CREATIFY_API_ID");
const api = connect(apiId, required("CREATIFY_API_KEY"));
const variables = {
  headline: { type: "text", properties: { content: "Summer sale" } },
  hero: { type: "image", properties: { url: "https://cdn.example.com/shoes/hero.png" } },
} as const;

// The cost. The template decides the video's length; 20 to 45 s are assumed here.
const rates = JSON.parse(readFileSync(ratesFile, "utf8")) as RateCards;
const asked = { rate_card: rates.default, model_version: "standard", seconds: { min: "20", max: "45" }, count: 1 };
const cost = estimate(rates, { ...asked, operation: "preview" });
console.log(`a preview will cost ${cost?.min} to ${cost?.max} credits`);

// This is charged. When no answer comes, the outcome is unknown: search for the job in the list,
// and do not send it again.
const submitted = await api.POST("/api/custom_template_jobs/preview_async/", {
  body: { template_id, variables, name: "From TypeScript" },
});
if (!submitted.data) throw new Error(`${submitted.response.status}: ${messages(submitted.error).join("; ")}`);
console.log(`job ${submitted.data.id} was accepted`); // write it down: any process can wait for it

const deadline = new Date(Date.now() + 20 * 60_000);
const link = await waitFor(api, submitted.data.id, "preview", deadline);
console.log(`preview ${link}`); // for an iframe

// The video, which is charged too. One that failed is rendered once more.
const id = submitted.data.id;
let before: Job["status"] = "done";
let video: string | undefined;
for (let attempt = 1; !video; attempt++) {
  const rendering = await api.POST("/api/custom_template_jobs/{id}/render/", {
    params: { path: { id } },
    body: {},
  });
  if (!rendering.data) {
    throw new Error(`${rendering.response.status}: ${messages(rendering.error).join("; ")}`);
  }
  try {
    video = await waitFor(api, id, "video_output", deadline, before);
  } catch (error) {
    if (attempt > 1 || !(error instanceof JobEnded)) throw error;
    before = error.status;
  }
}
console.log(`video ${video}`);

// Wrong credentials.
const nobody = await connect(apiId, "wrong").GET("/api/remaining_credits/");
console.log(`refused with ${nobody.response.status}: ${messages(nobody.error).join("; ")}`);

// A wrong request: every field that is wrong is named. Nothing is charged.
const wrong = await api.POST("/api/custom_template_jobs/preview_async/", {
  body: { template_id: "not-a-uuid", variables: { hero: { type: "image", properties: { url: "nowhere" } } } },
});
console.log(`refused with ${wrong.response.status}: ${messages(wrong.error).join("; ")}`);

if (nobody.response.status !== 401 || wrong.response.status !== 400) process.exitCode = 1;
