// Setup of the generated client.

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./generated/api.js";

export type Api = Client<paths>;
export type Job = components["schemas"]["CustomTemplateJob"];
export type ServiceError = components["schemas"]["Error"];

/** The credentials act as a password: they come from the environment, and are never logged. */
export function connect(apiId: string, apiKey: string): Api {
  return createClient<paths>({
    baseUrl: process.env["CREATIFY_BASE_URL"] ?? "https://api.creatify.ai",
    headers: { "X-API-ID": apiId, "X-API-KEY": apiKey },
    redirect: "error", // credentials go nowhere else
  });
}

export function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}`);
  return value;
}
