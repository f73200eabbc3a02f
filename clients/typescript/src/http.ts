// One request: its address, its token, and a reply that says whether it succeeded.

/** Where Footfall's API is, and who asks. */
export interface Settings {
  /** As `https://api.shop.example/api`, without a slash at its end. */
  baseUrl: string;
  /** An access token of `POST /api/auth/login`, or a secret key. */
  token: string;
  /** Another `fetch`, for runtimes without one. */
  fetch?: typeof fetch;
}

/** What is wrong. */
export interface Refusal {
  success: false;
  error: {
    /** A stable name for programs, as `NO_DATA`. */
    code: string;
    /** A sentence for people. */
    message: string;
    /** The fields at fault. */
    details?: { field: string; message: string }[];
  };
  /** What to name when asking for help. */
  request_id: string;
}

/** What was asked for, or why it was not given. */
export type Result<Data> = { success: true; data: Data; meta: { timestamp: string; request_id: string } } | Refusal;

/** Parts of a query; what is undefined is left out. */
export type Query = Record<string, string | number | undefined>;

/** Asks, and reads the reply. Rejects only where nothing was answered, or something else than Footfall did. */
export async function ask<Data>(
  settings: Settings,
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  query: Query = {},
  body?: unknown,
): Promise<Result<Data>> {
  const url = new URL(settings.baseUrl + path);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const headers: Record<string, string> = { authorization: `Bearer ${settings.token}` };
  const init: RequestInit = { method, headers };
  if (body instanceof Blob || body instanceof FormData || body instanceof Uint8Array) {
    init.body = body as BodyInit;
  } else if (body !== undefined) {
    headers["content-type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  const response = await (settings.fetch ?? fetch)(url, init);
  const reply: unknown = await response.json().catch(() => undefined);
  if (typeof reply !== "object" || reply === null || !("success" in reply)) {
    throw new Error(`${method} ${path} was answered ${response.status}, and not by Footfall`);
  }
  return reply as Result<Data>;
}
