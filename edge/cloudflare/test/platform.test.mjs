// The platform on real workerd: the conformance suite of the core, what comes in and goes out, and a panic.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { test } from "node:test";
import { signed } from "./origin.mjs";
import { testing, until, world } from "./support.mjs";

const json = { "content-type": "application/json" };

test("the platform keeps every promise of the core", async (t) => {
  // Without the queue: the suite settles its events itself.
  const { url } = await world(t, { queue: false });
  const answer = await fetch(`${url}/testing/conformance`);
  assert.equal(answer.status, 204);
});

test("after a panic the next request is served, and nothing acknowledged is lost", async (t) => {
  const { origin, take, url } = await world(t, { queue: false });
  await take(["before"]);
  const panicked = await fetch(`${url}/testing/panic`);
  assert.equal(panicked.status, 500);
  assert.equal((await fetch(`${url}/health`)).status, 200);
  assert.deepEqual(await take(["before", "after"]), ["duplicate", "accepted"]);
  assert.deepEqual((await signed(url, "/internal/flush")).json, { settled: 2, pending: 0 });
  assert.deepEqual([...origin.seen], [["before", 1], ["after", 1]]);
});

test("a panic takes no other request with it", async (t) => {
  const { origin, url } = await world(t, { queue: false });
  const others = Array.from({ length: 10 }, () => fetch(`${url}/api/unhurried`));
  await until("the others are at the origin", 10, () => origin.held.length === others.length);
  assert.equal((await fetch(`${url}/testing/panic`)).status, 500);
  for (const go of origin.held) go();
  const statuses = (await Promise.all(others)).map((answer) => answer.status);
  // Without a nightly toolchain the Worker is built so that a panic ends them all; then they must end, too.
  const unwinds = readFileSync(`${testing}/panic.txt`, "utf8").trim() === "unwind";
  assert.deepEqual(statuses, Array(others.length).fill(unwinds ? 200 : 500));
  assert.equal((await fetch(`${url}/health`)).status, 200);
});

test("the build that is deployed has no route of the tests", async (t) => {
  const { url } = await world(t, { build: new URL("../build", import.meta.url).pathname });
  for (const path of ["/testing/panic", "/testing/conformance"]) {
    assert.equal((await fetch(url + path)).status, 404, path);
  }
});

test("a wrong setting is named in the log and not in the reply", async (t) => {
  const { url } = await world(t, { vars: { EDGE_KEYS: "short" } });
  const answer = await fetch(`${url}/health`);
  assert.equal(answer.status, 503);
  assert.deepEqual(Object.keys(await answer.json()).sort(), ["code", "message", "success"]);
});

test("development answers this machine only", async (t) => {
  const { edge } = await world(t);
  const worker = await edge.miniflare.getWorker("edge");
  const from = (address) => worker.fetch("http://edge/health", { headers: { "cf-connecting-ip": address } });
  assert.equal((await from("127.0.0.1")).status, 200);
  assert.equal((await from("203.0.113.9")).status, 403);
});

test("what the origin answers is passed on as it is", async (t) => {
  const { url } = await world(t);
  const unchanged = await fetch(`${url}/api/unchanged`);
  assert.deepEqual([unchanged.status, unchanged.headers.get("etag")], [304, '"one"']);
  const elsewhere = await fetch(`${url}/api/elsewhere`, { redirect: "manual" });
  assert.deepEqual([elsewhere.status, elsewhere.headers.get("location")], [302, "/api/other"]);
  const body = "{}";
  const asked = await fetch(`${url}/api/x?a=b%20c&d`, { method: "PUT", headers: { ...json, "x-own": "y" }, body });
  const heard = await asked.json();
  assert.deepEqual([heard.method, heard.url, heard.body], ["PUT", "/api/x?a=b%20c&d", body]);
  assert.equal(heard.headers["x-own"], "y");
  assert.equal(heard.headers["cf-connecting-ip"], undefined);
});

test("the country that Cloudflare tells goes with the event, the address does not", async (t) => {
  const { origin, take } = await world(t, { geo: { country: "NL", city: "Amsterdam" } });
  await take(["placed"]);
  await until("it arrives", 5, () => origin.events.length === 1);
  const [event] = origin.events;
  assert.deepEqual(event.device.geo, { country: "NL", city: "Amsterdam" });
  assert.ok(!JSON.stringify(event).includes("127.0.0.1"));
});

test("a limit is exact, however many ask at once", async (t) => {
  const { origin, url } = await world(t, { geo: { colo: "AMS" } });
  origin.settings = { requests_per_hour: 7 };
  const ask = () => fetch(`${url}/api/intelligence/track-customer`, { method: "POST", headers: json, body: "{}" });
  const answers = await Promise.all(Array.from({ length: 40 }, ask));
  const statuses = answers.map((answer) => answer.status);
  assert.equal(statuses.filter((status) => status === 200).length, 7);
  assert.equal(statuses.filter((status) => status === 429).length, 33);
  const refused = answers.find((answer) => answer.status === 429);
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  assert.equal(refused.headers.get("x-ratelimit-remaining"), "0");
});

/** Sends a request that `fetch` would not. */
function send(url, options, chunks = []) {
  return new Promise((resolve, reject) => {
    const call = request(url, options, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode));
    });
    call.on("error", reject);
    for (const chunk of chunks) call.write(chunk);
    call.end();
  });
}

test("odd requests are answered, never by a 5xx", async (t) => {
  const { url } = await world(t);
  const megabytes = Array.from({ length: 6 }, () => Buffer.alloc(1 << 20, " "));
  const at = (path, options = {}, chunks = []) => send(url + path, options, chunks);
  assert.equal(await at("/v1/batch", { method: "POST", headers: json }, megabytes), 413, "a long body in chunks");
  assert.equal(await at("/api/orders", { method: "POST", headers: json }, megabytes), 413, "the same for the origin");
  assert.equal(await at("/health", { method: "PROPFIND" }), 405, "a method that is not known");
  assert.equal(await at("/health", { headers: { "x-odd": "caf\u00e9 \u00ff" } }), 200, "bytes beyond ASCII");
  assert.equal(await at("/health", { headers: { "cf-connecting-ip": "nonsense" } }), 200);
  assert.equal(await at("/t.js", { method: "HEAD" }), 200, "a reply without its body");
  assert.equal(await at("/api/x", { method: "GET", headers: { "content-length": 2 } }, ["{}"]), 200, "a GET with a body");
  assert.equal(await at("/%ff%00//..%2f/?%zz", {}), 404, "a path that is no text");
});
