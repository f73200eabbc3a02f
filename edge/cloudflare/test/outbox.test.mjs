// The outbox on real workerd: what was acknowledged reaches the origin, whatever fails on the way.
import assert from "node:assert/strict";
import { test } from "node:test";
import { signed } from "./origin.mjs";
import { until, world } from "./support.mjs";

const ids = (prefix, count) => Array.from({ length: count }, (_, at) => `${prefix}-${at}`);

test("an event reaches the origin by the queue, without anybody's call", async (t) => {
  const { origin, take } = await world(t);
  assert.deepEqual(await take(["one"]), ["accepted"]);
  await until("it arrives", 5, () => origin.seen.has("one"));
});

test("many at once are each taken once, and a retried batch is a duplicate while it waits", async (t) => {
  const { origin, take, url } = await world(t);
  await take(["first"]);
  origin.takes = () => false;
  const batches = Array.from({ length: 40 }, (_, at) => ids(`batch-${at % 20}`, 25));
  const verdicts = (await Promise.all(batches.map((batch) => take(batch)))).flat();
  assert.equal(verdicts.filter((verdict) => verdict === "accepted").length, 500);
  assert.equal(verdicts.filter((verdict) => verdict === "duplicate").length, 500);
  origin.takes = () => true;
  await until("all arrive", 20, async () => (await signed(url, "/internal/flush")).json.pending === 0);
  assert.equal(origin.seen.size, 501);
});

test("what no receipt names is sent again until one does", async (t) => {
  const { origin, take, url } = await world(t);
  origin.takes = (event) => Number(event.id.split("-")[1]) % 3 === 0;
  await take(ids("some", 30));
  await until("a third arrives", 5, () => origin.seen.size === 10);
  assert.equal((await signed(url, "/internal/ledger")).json.shops[0].pending, 20);
  origin.takes = () => true;
  await until("the rest arrives", 10, () => origin.seen.size === 30);
  assert.ok([...origin.seen.values()].every((times) => times === 1));
});

test("what ended in the dead-letter queue is offered again", async (t) => {
  const { origin, take, url } = await world(t, { queue: { maxRetries: 0 } });
  await take(["known"]);
  await until("it arrives", 5, () => origin.seen.has("known"));
  origin.down = true;
  assert.deepEqual(await take(["dead"]), ["accepted"]);
  // Longer than the message needs to die: it is tried once.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  origin.down = false;
  await until("it arrives", 25, () => origin.seen.has("dead"));
  await until("it is settled", 5, async () => {
    const [shop] = (await signed(url, "/internal/ledger")).json.shops;
    return shop.accepted === 2 && shop.stored === 2 && shop.pending === 0;
  });
});

test("the clock drains what the queue does not know of", async (t) => {
  const { origin, edge, take } = await world(t, { queue: false });
  await take(ids("one", 400));
  await take(ids("two", 300));
  assert.equal(origin.seen.size, 0);
  const worker = await edge.miniflare.getWorker("edge");
  assert.equal((await worker.scheduled({ cron: "* * * * *" })).outcome, "ok");
  assert.equal(origin.seen.size, 700);
});

test("an outbox that holds as much as it may sheds, and takes again when it is drained", async (t) => {
  const { origin, take, url } = await world(t, { queue: false, vars: { OUTBOX_BYTES_MAX: "1000" } });
  await take(ids("fill", 10));
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ event: "Shed", messageId: "shed", anonymousId: "a" });
  const shed = await fetch(`${url}/v1/track`, { method: "POST", headers, body });
  assert.equal(shed.status, 503);
  assert.ok(Number(shed.headers.get("retry-after")) > 0);
  assert.equal((await shed.json()).code, "outbox_full");
  await signed(url, "/internal/flush");
  assert.deepEqual(await take(["again"]), ["accepted"]);
  assert.equal(origin.seen.has("shed"), false);
});

test("an event that waits in a session's object outlives the session", async (t) => {
  const { origin, take, url } = await world(t, { queue: false, vars: { OUTBOX_BYTES_MAX: "1000" } });
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ sessionId: "s" });
  const begin = () => fetch(`${url}/api/journey/sessions/start`, { method: "POST", headers, body });
  await take(ids("fill", 10));
  assert.equal((await begin()).status, 503);
  const change = { kind: "forget", shop: "shop_01ARZ3NDEKTSV4RRFFQ69G5FAV", key: "session/s", version: Date.now() };
  assert.equal((await signed(url, "/internal/push", { changes: [change] })).status, 200);
  assert.equal((await fetch(`${url}/api/journey/sessions/s/state`)).status, 404);
  await until("its event arrives", 10, async () => {
    await signed(url, "/internal/flush");
    return origin.events.some((event) => event.session_id === "s");
  });
  // The object that was emptied serves the next session of that name.
  assert.equal((await begin()).status, 200);
});

test("what was acknowledged survives a restart of workerd", async (t) => {
  const { mkdtemp, rm } = await import("node:fs/promises");
  const persist = await mkdtemp("/tmp/footfall-worker-");
  t.after(() => rm(persist, { recursive: true }));
  const before = await world(t, { persist, queue: false });
  await before.take(ids("kept", 50));
  await before.edge.stop();
  const after = await world(t, { persist, queue: false });
  const { json } = await signed(after.url, "/internal/flush");
  assert.deepEqual(json, { settled: 50, pending: 0 });
  assert.equal(after.origin.seen.size, 50);
});
