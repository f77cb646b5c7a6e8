// Messages of the service's errors, which come in several shapes.

import type { ServiceError } from "./client.js";

/** Returns a line for each message, with the field it belongs to. Gateways send pages or nothing instead of JSON. */
export function messages(error: ServiceError | string | undefined, field = ""): string[] {
  if (typeof error === "string") return [field ? `${field}: ${error}` : error];
  if (Array.isArray(error)) return error.flatMap((inner) => messages(inner, field));
  if (typeof error !== "object" || error === null) return [];
  return Object.entries(error).flatMap(([name, inner]) => {
    const shown = name === "detail" || name === "non_field_errors" ? field : [field, name].filter(Boolean).join(".");
    return messages(inner as ServiceError | string, shown);
  });
}
