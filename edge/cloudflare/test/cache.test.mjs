// The cache on real workerd. Its KV shows a change at once; the tests put the old entry back, as another
// location would still see it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { signed } from "./origin.mjs";
import { until, world } from "./support.mjs";

const KEY = "shop/demo";

/** Asks for the demo shop and says whether the origin had to be asked. */
async function asksOrigin({ origin, url }) {
  const before = origin.resolved;
  const body = JSON.stringify({ event: "Viewed", anonymousId: "a" });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/v1/track`, { method: "POST", headers, body });
  assert.equal(answer.status, 200, await answer.text());
  return origin.resolved > before;
}

test("a shop is asked for once, then it is cached", async (t) => {
  const here = await world(t);
  assert.equal(await asksOrigin(here), true);
  assert.equal(await asksOrigin(here), false);
});

test("an entry that KV still shows elsewhere is not used after its key was taken back", async (t) => {
  const here = await world(t);
  await asksOrigin(here);
  const kv = await here.edge.miniflare.getKVNamespace("CACHE", "edge");
  const stale = await kv.get(KEY, "text");
  // The origin's clock is an hour slow, which must not matter.
  const change = { kind: "key", key: "demo", version: Date.now() - 3_600_000 };
  assert.equal((await signed(here.url, "/internal/push", { changes: [change] })).status, 200);
  await kv.put(KEY, stale);
  assert.equal(await asksOrigin(here), true);
});

test("an isolate that did not take the push knows of it within the promised time", async (t) => {
  const here = await world(t);
  await asksOrigin(here);
  const kv = await here.edge.miniflare.getKVNamespace("CACHE", "edge");
  const stale = await kv.get(KEY, "text");
  // Past this isolate: what it knows of pushes is what another one would.
  const recent = await here.edge.miniflare.getDurableObjectNamespace("RECENT", "edge");
  const raise = [{ key: KEY, version: Date.now(), takes_back: true }];
  const told = await recent.getByName("all").fetch("http://object", { method: "POST", body: JSON.stringify({ raise }) });
  assert.deepEqual(await told.json(), [true]);
  assert.equal(await kv.get(KEY, "text"), stale);
  await until("the origin is asked", 5, () => asksOrigin(here));
});

test("an older push is not kept over a newer one", async (t) => {
  const here = await world(t);
  const email_hash = "0a".repeat(32);
  const push = (version) => {
    const change = { kind: "customer", shop: "shop_01ARZ3NDEKTSV4RRFFQ69G5FAV", email_hash, version, entry: null };
    return signed(here.url, "/internal/push", { changes: [change] });
  };
  const kv = await here.edge.miniflare.getKVNamespace("CACHE", "edge");
  const version = async () => {
    const { keys } = await kv.list({ prefix: "shop_" });
    assert.equal(keys.length, 1);
    return (await kv.get(keys[0].name, "json")).v;
  };
  assert.equal((await push(7)).status, 200);
  assert.equal((await push(6)).status, 200);
  assert.equal(await version(), 7);
  assert.equal((await push(8)).status, 200);
  assert.equal(await version(), 8);
});

test("what was forgotten is neither in KV nor among the latest pushes", async (t) => {
  const here = await world(t);
  const shop = "shop_01ARZ3NDEKTSV4RRFFQ69G5FAV";
  const email_hash = "0a".repeat(32);
  const push = (change) => signed(here.url, "/internal/push", { changes: [{ shop, version: 7, ...change }] });
  const kv = await here.edge.miniflare.getKVNamespace("CACHE", "edge");
  const recent = await here.edge.miniflare.getDurableObjectNamespace("RECENT", "edge");
  const kept = async () => {
    const { keys } = await kv.list({ prefix: "shop_" });
    const body = JSON.stringify({ since: 0 });
    const latest = await recent.getByName("all").fetch("http://object", { method: "POST", body });
    return [keys.map(({ name }) => name), (await latest.json()).floors.map(([key]) => key)];
  };
  const name = `customer/${email_hash}`;
  assert.equal((await push({ kind: "customer", email_hash, entry: null })).status, 200);
  assert.deepEqual(await kept(), [[`${shop}/${name}`], [`${shop}/${name}`]]);
  assert.equal((await push({ kind: "forget", key: name })).status, 200);
  assert.deepEqual(await kept(), [[], []]);
});
