// `footfall dev` on free ports and in a directory of its own, for one test file.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";

const root = new URL("../../..", import.meta.url).pathname;
const START_MS = 60_000;
const STOP_MS = 20_000;

/** What dev.json tells. */
export interface Report {
  edge: string;
  origin: string;
  publishable_key: string;
  secret_key: string;
  sample_customer_email: string;
}

/** An event as `GET /api/events` shows it. */
export interface LoggedEvent {
  messageId: string;
  type: string;
  event?: string;
  userId?: string;
  anonymousId?: string;
  email?: string;
  properties?: Record<string, unknown>;
  traits?: Record<string, unknown>;
  context?: { library?: { name: string }; page?: { path: string; url: string } };
  groupId?: string;
  previousId?: string;
  name?: string;
}

let report: Report;

/** What runs. */
export const world = (): Report => report;

/** Starts a world before the file's tests and stops it after them. */
export function useWorld(): void {
  const dir = mkdtempSync(join(tmpdir(), "footfall-browser-"));
  let supervisor: ChildProcess | undefined;
  before(async () => {
    supervisor = await start(dir);
    report = await until("dev.json is written", () => readReport(dir, supervisor!), START_MS);
  });
  after(async () => {
    await stop(supervisor);
    rmSync(dir, { recursive: true });
  });
}

async function start(dir: string): Promise<ChildProcess> {
  const log = openSync(join(dir, "log"), "a");
  const target = process.env["CARGO_TARGET_DIR"] ?? `${root}target`;
  return spawn(built("FOOTFALL_BIN", `${target}/release/footfall`), ["dev"], {
    stdio: ["ignore", log, log],
    env: {
      FOOTFALL_LOG: "warn",
      FOOTFALL_DEMO_SESSIONS: "0",
      FOOTFALL_DATA_DIR: dir,
      FOOTFALL_EDGE_ADDR: `127.0.0.1:${await freePort()}`,
      FOOTFALL_ORIGIN_ADDR: `127.0.0.1:${await freePort()}`,
      FOOTFALL_EDGE_COMPONENT: built("FOOTFALL_EDGE_COMPONENT", `${root}edge/spin/dist/edge.wasm`),
    },
  });
}

function built(variable: string, otherwise: string): string {
  const path = process.env[variable] ?? otherwise;
  if (!existsSync(path)) throw new Error(`${path} is not there: run \`make build\`, or name it in ${variable}`);
  return path;
}

/** A free port below the range from which the system takes ports for clients. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const free = await new Promise((done) => {
      server.once("error", () => done(false));
      server.listen(port, "127.0.0.1", () => done(true));
    });
    await new Promise((done) => server.close(done));
    if (free) return port;
  }
}

function readReport(dir: string, supervisor: ChildProcess): Report | undefined {
  if (supervisor.exitCode !== null) throw new Error(`footfall dev ended:\n${readFileSync(join(dir, "log"), "utf8")}`);
  const file = join(dir, "dev.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

async function stop(supervisor: ChildProcess | undefined): Promise<void> {
  if (!supervisor || supervisor.exitCode !== null) return;
  const ended = new Promise((done) => supervisor.once("exit", done));
  supervisor.kill("SIGINT");
  const late = setTimeout(() => supervisor.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(late);
}

/** Asks the origin with the shop's secret key. */
export async function ask<T>(path: string, body?: object): Promise<{ status: number; body: T }> {
  const reply = await fetch(report.origin + path, {
    headers: { authorization: `Bearer ${report.secret_key}`, "content-type": "application/json" },
    ...(body && { method: "POST", body: JSON.stringify(body) }),
  });
  return { status: reply.status, body: (await reply.json()) as T };
}

/** The newest events of the log. */
export async function events(query: string): Promise<LoggedEvent[]> {
  const { status, body } = await ask<{ events: LoggedEvent[] }>(`/api/events?limit=500&${query}`);
  if (status !== 200) throw new Error(`GET /api/events: ${status} ${JSON.stringify(body)}`);
  return body.events;
}

/** Where an offer stands, asked by a move that is illegal from everywhere and so changes nothing. */
export async function statusOf(offer: string | number): Promise<string> {
  const path = "/wp-json/wg/v1/intelligence/bundle-status";
  const { status, body } = await ask<{ message: string }>(path, { offer_id: offer, status: "pending" });
  if (status === 200) return "pending";
  return /^an offer cannot go from (\w+) /.exec(body.message)?.[1] ?? body.message;
}

type Truthy<T> = Exclude<T, null | undefined | false | 0 | "">;

/** Waits until the question has a truthy answer. */
export async function until<T>(what: string, question: () => T | Promise<T>, ms = 10_000): Promise<Truthy<T>> {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await question();
    if (answer) return answer as Truthy<T>;
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise((done) => setTimeout(done, 30));
  }
}
