// Waiting for a job, until it has the output it was made for or a deadline.

import { setTimeout as sleep } from "node:timers/promises";
import type { Api, Job } from "./client.js";

/**
 * Output that a job is waited for. The status alone is not enough: while its video is rendered, a job may still say
 * `done` from its preview.
 */
export type Goal = "preview" | "video_output";

/** The wait ended; the job may go on, and has been paid for. Keep its id. */
export class WaitEnded extends Error {
  constructor(readonly id: string, reason: string) {
    super(`job ${id}: ${reason}`);
  }
}

/** The job ended without its output. */
export class JobEnded extends WaitEnded {
  constructor(id: string, readonly status: Job["status"], reason: string) {
    super(id, `${status}: ${reason}`);
  }
}

const REQUEST_MS = 30_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A job that is rendered again may show for this long how it had ended before. */
const LEFTOVER_MS = 120_000;

/**
 * Polls the job until it has its output, and returns the link to it. Polling is free.
 *
 * `before` is the status that the job had before it was rendered just now: `failed` or `rejected`
 * may be left over from then.
 */
export async function waitFor(
  api: Api,
  id: string,
  goal: Goal,
  deadline: Date,
  before?: Job["status"],
): Promise<string> {
  const started = Date.now();
  let leftover = before;
  let last = "never seen";
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
    const left = deadline.getTime() - Date.now();
    if (left <= 0) throw new WaitEnded(id, `still going at the deadline (${last})`);
    const job = await read(api, id, Math.min(left, REQUEST_MS));
    if (job) {
      if (last !== job.status) console.log(`status ${job.status}`);
      last = job.status;
      if (job.status !== leftover) leftover = undefined;
      switch (job.status) {
        case "done": {
          const link = job[goal];
          if (link) return link;
          break; // done with something else
        }
        case "failed":
        case "rejected":
          if (job.status === leftover && Date.now() - started < LEFTOVER_MS) break;
          throw new JobEnded(id, job.status, job.failed_reason || "no reason given");
        default: // still going, also when this client has never heard of the status
      }
    }
    await sleep(Math.min(pause, Math.max(deadline.getTime() - Date.now(), 0)));
  }
}

/** Returns the job as it is now, or nothing when it may be read again. */
async function read(api: Api, id: string, timeout: number): Promise<Job | undefined> {
  try {
    const { data, response } = await api.GET("/api/custom_template_jobs/{id}/", {
      params: { path: { id } },
      signal: AbortSignal.timeout(timeout),
    });
    if (data) return data;
    if (response.status === 429 || response.status >= 500) return undefined;
    throw new WaitEnded(id, `its status was refused with ${response.status}`);
  } catch (error) {
    if (error instanceof WaitEnded) throw error;
    return undefined; // the network, a time-out, or a gateway's page instead of JSON
  }
}
