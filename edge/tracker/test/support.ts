// A shop's page, an edge that writes down what it is asked, and a real browser between them.

import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before } from "node:test";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import type { CustomerJourneyTracker } from "../src/journey";

const script = readFileSync(new URL("../t.js", import.meta.url));
const module = readFileSync(new URL("../journey.mjs", import.meta.url));
const demo = readFileSync(new URL("../../../demo/index.html", import.meta.url), "utf8");

export interface Message {
  type: string;
  messageId: string;
  anonymousId: string;
  timestamp: string;
  event?: string;
  properties?: Record<string, unknown>;
  context: { page: Record<string, string>; fingerprint?: string };
}

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  contentType: string;
  headers: IncomingMessage["headers"];
  bytes: number;
  body: any;
  at: number;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** Leave the request open, as an edge that never comes back. */
  hang?: boolean;
  /** Answer only then. */
  after?: Promise<unknown>;
}

type Handler = (asked: Asked) => Answer;

export const acceptAll: Handler = ({ body }) => ({
  body: {
    success: true,
    results: body.batch.map(({ messageId }: Message) => ({ messageId, status: "accepted" })),
  },
});

export const offer = {
  success: true,
  offer_id: "off_93",
  bundle: [
    { product_id: 44, name: "Full Moon", slug: "full-moon", quantity: 3, unit_price: 14.95, subtotal: 44.85 },
    { product_id: 38, name: "Blossom Drip", slug: "blossom-drip", quantity: 2, unit_price: 14.95, subtotal: 29.9 },
  ],
  pricing: { base_price: 74.75, discount_percentage: 14, discount_amount: 10.47, final_price: 64.28 },
  bonus_points: 64,
};

const noOffer = { success: false, message: "No active bundle offer found", reason: "not_in_prime_window" };

const JOURNEY = "/api/journey/";

/** The contract's examples; a session, a touchpoint and a conversion are answered under their own ids. */
export const answerJourney: Handler = ({ method, path, body }) => {
  const route = path.slice(JOURNEY.length);
  if (route === "sessions/start") {
    return { body: { success: true, sessionId: body.sessionId, journeyState: { currentStage: "awareness", conversionProbability: 0.42 } } };
  }
  if (route === "touchpoints/track") {
    return {
      body: {
        success: true,
        touchpointId: body.touchpoint.id,
        journeyImpact: { engagementDelta: 0.12, conversionProbabilityChange: 0.08, nextRecommendedAction: "show_comparison_table" },
        realTimeAdaptation: { adaptationApplied: true, adaptationType: "content_personalization", expectedImpact: 0.15 },
      },
    };
  }
  if (route === "conversions/track") {
    return { body: { success: true, conversionId: body.conversionEvent.id, journeyComplete: false, nextJourneyGoal: "purchase_conversion" } };
  }
  if (route.startsWith("recommendations/") && method === "GET") {
    const recommendation = { type: "next_touchpoint", recommendation: "comparison_table", reasoning: "High intent", expectedImpact: 0.18, priority: "high" };
    return { body: { sessionId: route.split("/")[1], recommendations: [recommendation] } };
  }
  if (route === "optimize") return { body: { success: true, optimizationApplied: { adaptations: [], totalExpectedLift: 0.35 } } };
  if (route === "sessions/link") return { body: { success: true, linkedSessionId: "unified_session_999" } };
  if (route.endsWith("/stage") && method === "PUT") return { body: { success: true, updatedJourneyState: { currentStage: body.newStage } } };
  if (route.endsWith("/state") && method === "GET") return { body: { sessionId: route.split("/")[1], journeyState: { totalTouchpoints: 8 } } };
  return { status: 404, body: { success: false, code: "not_found", message: "no such route" } };
};

export class Edge {
  asked: Asked[] = [];
  demoKey = "";
  onBatch: Handler = acceptAll;
  onTrack: Handler = () => ({ body: { success: true, tracked: null, profile: null } });
  onBundle: Handler = () => ({ body: noOffer });
  onJourney: Handler = answerJourney;

  to(path: string): Asked[] {
    return this.asked.filter((one) => one.path === path);
  }

  batches(): Asked[] {
    return this.to("/v1/batch").filter(({ method }) => method === "POST");
  }

  /** What was asked of the journey engine, by the end of its path; a retry of a step is asked again. */
  journey(route = ""): Asked[] {
    return this.asked.filter(({ path }) => path.startsWith(JOURNEY) && path.endsWith(route));
  }

  /** Touchpoints by their type, each once. */
  touchpoints(type?: string): any[] {
    const all = new Map<string, any>();
    for (const { body } of this.journey("touchpoints/track")) all.set(body.touchpoint.id, { ...body.touchpoint, signals: body.contextualSignals });
    return [...all.values()].filter((touchpoint) => !type || touchpoint.type === type);
  }

  messages(event?: string): Message[] {
    const all: Message[] = this.batches().flatMap(({ body }) => body.batch);
    return event ? all.filter((message) => message.event === event || message.type === event) : all;
  }

  listener: RequestListener = async (request, response) => {
    const url = new URL(request.url!, "http://edge");
    if (url.pathname === "/t.js") {
      response.setHeader("content-type", "text/javascript").end(script);
      return;
    }
    if (url.pathname === "/journey.mjs") {
      response.setHeader("access-control-allow-origin", "*").setHeader("content-type", "text/javascript").end(module);
      return;
    }
    if (request.method === "OPTIONS") {
      response.writeHead(204, {
        "access-control-allow-origin": request.headers.origin ?? "*",
        "access-control-allow-methods": "GET, POST, PUT, DELETE",
        "access-control-allow-headers": "Content-Type, X-API-Key, Idempotency-Key",
      });
      response.end();
      return;
    }
    if (url.pathname === "/demo/") {
      response.setHeader("content-type", "text/html").end(demo.replaceAll("{{publishable_key}}", this.demoKey));
      return;
    }
    const text = await read(request);
    const asked: Asked = {
      method: request.method!,
      path: url.pathname,
      query: url.searchParams,
      contentType: request.headers["content-type"] ?? "",
      headers: request.headers,
      bytes: Buffer.byteLength(text),
      body: text && JSON.parse(text),
      at: Date.now(),
    };
    this.asked.push(asked);
    const handler = url.pathname.startsWith(JOURNEY)
      ? this.onJourney
      : ({ "/v1/batch": this.onBatch, "/api/intelligence/track-customer": this.onTrack }[url.pathname] ?? this.onBundle);
    const { status = 200, headers = {}, body = {}, hang, after } = handler(asked);
    if (hang) return;
    await after;
    response.writeHead(status, {
      "content-type": "application/json",
      "access-control-allow-origin": request.headers.origin ?? "*",
      "access-control-allow-credentials": "true",
      "access-control-expose-headers": "Retry-After",
      ...headers,
    });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

async function listen(listener: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { server, port: (server.address() as AddressInfo).port };
}

let browser: Browser;

/** Starts one browser for the file's tests; a machine without Chromium fails here. */
export function useBrowser(): void {
  before(async () => {
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
        ...["--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP *.test 127.0.0.1"],
      ],
    });
  });
  after(() => browser?.close());
}

export interface ShopOptions {
  /** More attributes of the script tag. */
  tag?: string;
  html?: string;
  body?: string;
  head?: string;
  /** A host name that is no secure context. */
  host?: string;
  /** How the shop says that its pages are encoded. */
  charset?: string;
  /** Runs before anything on the page. */
  init?: () => void;
  locale?: string;
  reducedMotion?: "reduce";
}

export interface Shop {
  edge: Edge;
  page: Page;
  context: BrowserContext;
  url: string;
  /** The edge serves a page of its own, the demo shop. */
  demoUrl: string;
  /** Whatever went wrong in the page, promises that nobody caught included. */
  errors: Error[];
}

/** Runs the test against a fresh shop, edge and browser profile, with the page loaded. */
export const inShop =
  (options: ShopOptions, test: (shop: Shop) => Promise<void>) => async (): Promise<void> => {
    const edge = new Edge();
    const atEdge = await listen(edge.listener);
    const host = options.host ?? "127.0.0.1";
    const html = shopPage(options, `http://${host}:${atEdge.port}`);
    const atShop = await listen((_, response) => void response.setHeader("content-type", `text/html; charset=${options.charset ?? "utf-8"}`).end(html));
    const context = await browser.newContext({ reducedMotion: options.reducedMotion ?? "no-preference" });
    try {
      context.setDefaultTimeout(8000);
      const page = await context.newPage();
      const errors: Error[] = [];
      page.on("pageerror", (error) => errors.push(error));
      if (options.init) await page.addInitScript(options.init);
      await test({
        ...{ edge, page, context, errors },
        url: `http://${host}:${atShop.port}/`,
        demoUrl: `http://${host}:${atEdge.port}/demo/`,
      });
    } finally {
      await context.close();
      for (const { server } of [atEdge, atShop]) {
        server.closeAllConnections();
        server.close();
      }
    }
  };

const shopPage = ({ tag = "", html = 'lang="en"', body = "", head = "" }: ShopOptions, edge: string): string => `<!doctype html>
<html ${html}><head><title>A shop</title><link rel="icon" href="data:,">
<script>window.footfall = window.footfall || function () { (footfall.q = footfall.q || []).push(arguments) }</script>
${head}<script async src="${edge}/t.js" data-key="ff_pk_test" ${tag}></script></head>
<body><main><h1>A shop</h1>${body}</main></body></html>`;

/** Waits until the question has a truthy answer. */
export async function until<T>(what: string, question: () => T | Promise<T>): Promise<NonNullable<T>> {
  const end = Date.now() + 8000;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await pause(20);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** The tracker has been read, and has done what it does at once. */
export const loaded = (page: Page) => page.waitForFunction(() => "on" in window.footfall);

/** The tracker has said everything it had to say. */
export async function quiet(edge: Edge, ms = 300): Promise<void> {
  let count = -1;
  while (count !== edge.asked.length) {
    count = edge.asked.length;
    await pause(ms);
  }
}

declare global {
  interface Window {
    footfall: { (...command: unknown[]): void; consent(given?: unknown): void };
    CustomerJourneyTracker: typeof CustomerJourneyTracker;
    /** The tracker that a test has made. */
    journey: CustomerJourneyTracker;
  }
}
