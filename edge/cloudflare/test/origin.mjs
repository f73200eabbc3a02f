// An origin for the Worker's own tests: it knows one shop, keeps events, and fails as it is told. The real one
// stands behind the end-to-end tests.
import { createHash, createHmac } from "node:crypto";
import { createServer } from "node:http";

export const KEYS = "an-edge-key-of-the-workers-own-tests-01";
const SHOP = {
  shop: "shop_01ARZ3NDEKTSV4RRFFQ69G5FAV",
  slug: "demo",
  key: null,
  salt: "05".repeat(32),
  identity_secret: "identity-secret",
  currency: "EUR",
  settings: {},
};

/**
 * Starts one; `seen` counts how often each event came, by its id. `settings` are the shop's. What asks for
 * `/api/unhurried` waits until it is called in `held`.
 */
export async function startOrigin() {
  const origin = { down: false, takes: () => true, seen: new Map(), events: [], resolved: 0, settings: {}, held: [] };
  const server = createServer(async (request, reply) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (origin.down) return reply.destroy();
    const body = Buffer.concat(chunks).toString();
    if (request.url === "/api/unhurried") await new Promise((go) => origin.held.push(go));
    const { status = 200, headers = {}, answer } = respond(origin, request, body);
    reply.writeHead(status, { "content-type": "application/json", ...headers });
    reply.end(typeof answer === "string" || answer === undefined ? answer : JSON.stringify(answer));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin.url = `http://127.0.0.1:${server.address().port}`;
  origin.stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return origin;
}

function respond(origin, request, body) {
  switch (request.url) {
    case "/internal/shops/resolve":
      origin.resolved += 1;
      return { answer: { shop: { ...SHOP, settings: origin.settings } } };
    case "/internal/events":
      return { answer: { receipts: append(origin, JSON.parse(body).events) } };
    case "/internal/devices/recognize":
      return { answer: { links: JSON.parse(body).keys.map(() => null) } };
    case "/api/unchanged":
      return { status: 304, headers: { etag: '"one"' } };
    case "/api/elsewhere":
      return { status: 302, headers: { location: "/api/other" } };
    default:
      return { answer: { method: request.method, url: request.url, headers: request.headers, body } };
  }
}

function append(origin, events) {
  const receipts = [];
  events.forEach((event, index) => {
    if (!origin.takes(event)) return;
    const times = (origin.seen.get(event.id) ?? 0) + 1;
    origin.seen.set(event.id, times);
    origin.events.push(event);
    receipts.push({ index, verdict: times === 1 ? "appended" : "duplicate" });
  });
  return receipts;
}

/** Calls a signed route of the edge as the origin does; gives its JSON. */
export async function signed(edge, path, value = {}) {
  const body = JSON.stringify(value);
  const timestamp = String(Date.now());
  const digest = createHash("sha256").update(body).digest("hex");
  const signature = createHmac("sha256", KEYS).update(`${timestamp}.${path}.${digest}`).digest("hex");
  const headers = {
    "content-type": "application/json",
    "x-footfall-timestamp": timestamp,
    "x-footfall-signature": `v1=${signature}`,
  };
  const answer = await fetch(edge + path, { method: "POST", headers, body });
  return { status: answer.status, json: await answer.json() };
}
