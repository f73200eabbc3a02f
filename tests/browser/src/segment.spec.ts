// A Segment client library from npm, unchanged, with the edge as its host.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Analytics } from "@segment/analytics-node";
import { events, type LoggedEvent, until, useWorld, world } from "./world";

useWorld();

/** The library as a shop's server uses it: the edge as host, the shop's key as write key. */
function client(writeKey: string, onError: (fault: unknown) => void): Analytics {
  const analytics = new Analytics({ host: world().edge, writeKey, flushAt: 20, maxRetries: 1 });
  analytics.on("error", onError);
  return analytics;
}

/** What the log holds of this visitor, by type. */
async function logged(visitor: string, count: number): Promise<Map<string, LoggedEvent>> {
  const mine = async () => {
    const found = (await events("")).filter(({ anonymousId, userId }) => [anonymousId, userId].includes(visitor));
    return found.length >= count && found;
  };
  return new Map((await until("the events are in the log", mine)).map((event) => [event.type, event]));
}

test("every kind of message of a Segment library is in the log as it was sent", async () => {
  const faults: unknown[] = [];
  const analytics = client(world().publishable_key, (fault) => faults.push(fault));
  const userId = "segment-user-1";
  analytics.track({ userId, event: "Product Added", properties: { product_id: "44", quantity: 2 } });
  analytics.page({ userId, name: "Coffees", properties: { path: "/coffees" } });
  analytics.identify({ userId, traits: { email: "Segment.User@example.com", plan: "gold" } });
  analytics.group({ userId, groupId: "roasters", traits: { seats: 3 } });
  analytics.alias({ userId, previousId: "segment-anonymous-1" });
  analytics.screen({ userId, name: "Cart" });
  await analytics.closeAndFlush();
  assert.deepEqual(faults, []);

  const found = await logged(userId, 6);
  assert.deepEqual([...found.keys()].sort(), ["alias", "group", "identify", "page", "screen", "track"]);
  assert.equal(found.get("track")!.event, "Product Added");
  assert.deepEqual(found.get("track")!.properties, { product_id: "44", quantity: 2 });
  assert.equal(found.get("page")!.name, "Coffees");
  assert.equal(found.get("screen")!.name, "Cart");
  assert.equal(found.get("identify")!.email, "segment.user@example.com");
  assert.equal(found.get("identify")!.traits!["plan"], "gold");
  assert.equal(found.get("group")!.groupId, "roasters");
  assert.equal(found.get("alias")!.previousId, "segment-anonymous-1");
  for (const [type, { context }] of found) assert.equal(context?.library?.name, "@segment/analytics-node", type);
});

test("a library's batches are all in the log, each message once", async () => {
  const faults: unknown[] = [];
  const analytics = client(world().secret_key, (fault) => faults.push(fault));
  const event = "Batched";
  for (let n = 0; n < 120; n++) analytics.track({ anonymousId: "segment-batch", event, properties: { n } });
  await analytics.closeAndFlush();
  assert.deepEqual(faults, []);
  const found = await until("all are there", async () => {
    const found = await events(`event=${event}`);
    return found.length >= 120 && found;
  });
  const numbers = found.map(({ properties }) => Number(properties!["n"])).sort((a, b) => a - b);
  assert.deepEqual(numbers, Array.from({ length: 120 }, (_, n) => n));
});

test("a library with a wrong key is told so", async () => {
  const faults: unknown[] = [];
  const analytics = client(`ff_pk_${"x".repeat(40)}`, (fault) => faults.push(fault));
  analytics.track({ userId: "nobody", event: "Lost" });
  await analytics.closeAndFlush();
  const reasons = faults.map((fault) => String((fault as { reason: Error }).reason));
  assert.equal(reasons.length, 1);
  assert.match(reasons[0]!, /401/);
  assert.deepEqual(await events("event=Lost"), []);
});
