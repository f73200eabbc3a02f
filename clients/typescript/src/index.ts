// Ready to use: `configure` once, or set FOOTFALL_API_URL and FOOTFALL_TOKEN where there is an environment.

import { createBehaviorApi, createUploadsApi } from "./api";
import type { Settings } from "./http";

export { createBehaviorApi, createUploadsApi } from "./api";
export type { CustomersQuery, Reading, RulesQuery } from "./api";
export type { Query, Refusal, Result, Settings } from "./http";
export type { components, paths } from "./schema";

const environment = typeof process === "undefined" ? {} : process.env;

let current: Settings = {
  baseUrl: environment.FOOTFALL_API_URL ?? "http://localhost:8000/api",
  token: environment.FOOTFALL_TOKEN ?? "",
};

/** Says where Footfall is and who asks. */
export function configure(settings: Partial<Settings>): void {
  current = { ...current, ...settings };
}

/** Behaviour analytics. */
export const behaviorApi = createBehaviorApi(() => current);
/** Files of rows, and jobs. */
export const uploadsApi = createUploadsApi(() => current);
