import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptAll, inShop, loaded, type Message, pause, quiet, until, useBrowser } from "./support";

useBrowser();

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const BATCH_BYTES_MAX = 51_200;

const ids = (messages: Message[]): string[] => messages.map(({ messageId }) => messageId);

test("a page view reaches the edge as a Segment message, without a preflight", inShop({}, async ({ edge, page, url }) => {
  await page.goto(url + "moon?size=1#top");
  await until("a batch", () => edge.batches()[0]);
  const [{ contentType, body }] = edge.batches() as [(typeof edge.asked)[0]];
  const [message] = body.batch as [Message];
  assert.match(contentType, /^text\/plain/);
  assert.equal(body.writeKey, "ff_pk_test");
  assert.ok(Math.abs(Date.parse(body.sentAt) - Date.now()) < 10_000);
  assert.equal(message.type, "page");
  assert.match(message.messageId, UUID);
  assert.match(message.anonymousId, UUID);
  assert.ok(Date.parse(message.timestamp) <= Date.parse(body.sentAt));
  assert.match(message.context.fingerprint!, /^[0-9a-f]{64}$/);
  assert.deepEqual(message.context.page, { path: "/moon", url: url + "moon?size=1", referrer: "", title: "A shop" });
  assert.ok(edge.asked.every(({ method }) => method !== "OPTIONS"));
}));

test("the same device has the same ids on its second visit", inShop({}, async ({ edge, page, url }) => {
  await page.goto(url);
  await until("the first view", () => edge.messages("page")[0]);
  await page.reload();
  const [first, second] = await until("the second view", () => edge.messages("page")[1] && edge.messages("page"));
  assert.equal(first!.anonymousId, second!.anonymousId);
  assert.equal(first!.context.fingerprint, second!.context.fingerprint);
  const asked = edge.to("/api/intelligence/track-customer");
  assert.ok(asked.every(({ body }) => body.fingerprint === first!.context.fingerprint && body.writeKey === "ff_pk_test"));
  assert.ok(asked.every(({ body }) => body.anonymous_id === first!.anonymousId));
}));

test("a device is the same one after its storage was cleared", inShop({}, async ({ edge, page, url }) => {
  await page.goto(url);
  await until("the first view", () => edge.messages("page")[0]);
  await quiet(edge);
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  const [first, second] = await until("the second view", () => edge.messages("page")[1] && edge.messages("page"));
  assert.notEqual(first!.anonymousId, second!.anonymousId);
  assert.equal(first!.context.fingerprint, second!.context.fingerprint);
}));

test("an event is stored before its first try and keeps its id", inShop({}, async ({ edge, page, url }) => {
  edge.onBatch = () => ({ hang: true });
  await page.goto(url);
  await page.evaluate(() => window.footfall("track", "Product Viewed", { product_id: 44 }));
  await until("a first try", () => edge.batches()[0]);
  edge.onBatch = acceptAll;
  const tried = edge.batches().length;
  await page.reload();
  const again = await until("a second try", () => edge.batches().slice(tried).flatMap(({ body }) => body.batch as Message[])
    .find(({ event }) => event === "Product Viewed"));
  const views = new Set(ids(edge.messages("page")));
  await quiet(edge);
  assert.equal(new Set(ids(edge.messages("Product Viewed"))).size, 1);
  assert.deepEqual(again.properties, { product_id: 44 });
  assert.ok(views.has(ids(edge.batches()[0]!.body.batch)[0]!), "the first page view is told again under its id");
}));

test("an event survives a failed send and a reload", inShop({}, async ({ edge, page, url }) => {
  edge.onBatch = () => ({ status: 500, body: "oops" });
  await page.goto(url);
  const [first] = ids((await until("a failure", () => edge.batches()[0])).body.batch);
  edge.onBatch = acceptAll;
  const tried = edge.batches().length;
  await page.reload();
  await until("another try", () => edge.batches().slice(tried).some(({ body }) => ids(body.batch).includes(first!)));
}));

test("only what a reply names leaves the queue", inShop({}, async ({ edge, page, url }) => {
  edge.onBatch = ({ body }) => ({
    body: { success: true, results: [{ messageId: body.batch[0].messageId, status: "dropped", reason: "too old" }] },
  });
  await page.goto(url);
  await page.evaluate(() => ["a", "b"].forEach((name) => window.footfall("track", name)));
  await until("b to be named", () => edge.batches().some(({ body }) => body.batch[0].event === "b"));
  await quiet(edge);
  const named = new Set<string>();
  for (const { body } of edge.batches()) {
    assert.ok(ids(body.batch).every((id) => !named.has(id)), "what was named is not sent again");
    named.add(body.batch[0].messageId);
  }
  assert.equal(named.size, 3);
}));

test("an edge that asks for a pause gets it, also from the next page", inShop({}, async ({ edge, page, url }) => {
  edge.onBatch = () => ({ status: 503, headers: { "Retry-After": "3" } });
  await page.goto(url);
  const refused = await until("a refusal", () => edge.batches()[0]);
  edge.onBatch = acceptAll;
  await pause(200);
  await page.reload();
  const next = await until("another try", () => edge.batches()[1]);
  assert.ok(next.at - refused.at >= 2950, `came back after ${next.at - refused.at} ms`);
  assert.equal(next.body.batch.length, 2);
}));

test("a queue that cannot be sent is bounded and keeps the newest", inShop({}, async ({ edge, page, url }) => {
  edge.onBatch = () => ({ status: 500 });
  await page.goto(url);
  await until("a failure", () => edge.batches()[0]);
  await page.evaluate(() => {
    for (let n = 0; n < 620; n++) window.footfall("track", "n", { n });
  });
  edge.asked = [];
  edge.onBatch = acceptAll;
  await until("the newest", () => edge.messages("n").some(({ properties }) => properties!.n === 619));
  const numbers = edge.messages("n").map(({ properties }) => properties!.n as number);
  assert.equal(Math.min(...numbers), 120);
  assert.equal(new Set(numbers).size, 500);
  assert.ok(edge.batches().every(({ bytes }) => bytes <= BATCH_BYTES_MAX));
}));

test("large events are split into batches that fit the keepalive budget", inShop({}, async ({ edge, page, url }) => {
  await page.goto(url);
  await page.evaluate(() => {
    for (let n = 0; n < 6; n++) window.footfall("track", "large", { n, text: "é".repeat(12_000) });
    window.footfall("track", "far too large", { text: "x".repeat(40_000) });
  });
  await until("all", () => edge.messages("large").length >= 6);
  await quiet(edge);
  assert.equal(new Set(ids(edge.messages("large"))).size, 6);
  assert.equal(edge.messages("far too large").length, 0);
  assert.ok(edge.batches().every(({ bytes }) => bytes <= BATCH_BYTES_MAX));
}));

test("what happens while the page goes away is handed over", inShop({}, async ({ edge, page, url }) => {
  await page.goto(url);
  await until("the view", () => edge.messages("page")[0]);
  await quiet(edge);
  await page.evaluate(() => {
    addEventListener("pagehide", () => window.footfall("track", "Left"));
    location.href = "about:blank";
  }).catch(() => {});
  const left = await until("the last event", () => edge.messages("Left")[0]);
  assert.equal(left.type, "track");
  assert.match(edge.batches().at(-1)!.contentType, /^text\/plain/);
}));

test("each new address is a page view; a fragment is not", inShop({}, async ({ edge, page, url }) => {
  await page.goto(url);
  await loaded(page);
  await page.evaluate(async () => {
    const tick = () => new Promise((done) => setTimeout(done, 30));
    history.pushState(null, "", "/one");
    document.title = "One";
    await tick();
    history.pushState(null, "", "/one#part");
    history.replaceState({ scroll: 9 }, "");
    await tick();
    history.replaceState(null, "", "/two");
    window.footfall("track", "Product Viewed");
    await tick();
    history.back();
  });
  await until("four views", () => edge.messages("page").length >= 4);
  await quiet(edge);
  const told = edge.messages().map(({ type, context: { page: seen } }) => `${type} ${seen.path} ${seen.title}`);
  assert.deepEqual(told, ["page / A shop", "page /one One", "page /two One", "track /two One", "page /one One"]);
  assert.equal(edge.messages("page")[2]!.context.page.referrer, url + "one");
}));

test("an address that is replaced at once is no page view", inShop({}, async ({ edge, page, url }) => {
  await page.goto(url);
  await loaded(page);
  await page.evaluate(() => {
    history.pushState(null, "", "/guarded");
    history.replaceState(null, "", "/login");
  });
  await until("the second view", () => edge.messages("page")[1]);
  await quiet(edge);
  assert.deepEqual(edge.messages().map(({ context: { page: seen } }) => [seen.path, seen.referrer]), [["/", ""], ["/login", url]]);
}));

test("early calls are kept and follow the page view", inShop(
  { head: '<script>footfall("track", "Early", { n: 1 }); footfall("identify", { email: "ada@example.com", user_hash: "h" })</script>' },
  async ({ edge, page, url }) => {
    await page.goto(url);
    await until("both", () => edge.messages()[1]);
    await quiet(edge);
    assert.deepEqual(edge.messages().map(({ type, event }) => event ?? type), ["page", "Early"]);
    const known = edge.to("/api/intelligence/track-customer").map(({ body }) => [body.email, body.user_hash]);
    assert.deepEqual(known, [["ada@example.com", "h"]]);
  },
));

test("an address in a link stays in the browser", inShop({}, async ({ edge, page, url }) => {
  await page.goto(url + "me@example.com/?email=ada%40example.com&utm_source=mail#ada@example.com");
  await until("the view", () => edge.messages("page")[0]);
  await quiet(edge);
  assert.doesNotMatch(JSON.stringify(edge.asked), /example\.com/);
  assert.match(edge.messages("page")[0]!.context.page.url!, /utm_source=mail$/);
}));

test("an email is read only where the shop marks the field", inShop(
  { body: '<label>Mail <input id="plain" type="email"></label><label>Checkout <input id="marked" data-footfall-email></label>' },
  async ({ edge, page, url }) => {
    await page.goto(url);
    await until("the view", () => edge.messages("page")[0]);
    await page.fill("#plain", "secret@example.com");
    await page.fill("#marked", "not yet");
    await page.fill("#plain", "secret@example.org");
    await quiet(edge);
    const before = edge.to("/api/intelligence/track-customer").length;
    await page.fill("#marked", " ada@example.com ");
    await page.locator("#plain").focus();
    await until("the capture", () => edge.to("/api/intelligence/track-customer")[before]);
    await quiet(edge);
    const captured = edge.to("/api/intelligence/track-customer").slice(before);
    assert.deepEqual(captured.map(({ body }) => [body.email, body.event_type]), [["ada@example.com", "checkout_email_entered"]]);
    assert.doesNotMatch(JSON.stringify(edge.asked), /secret|not yet/);
    assert.equal(edge.to("/api/intelligence/bundle").length, 2);
    const stored = await page.evaluate(() => JSON.stringify(localStorage));
    assert.doesNotMatch(stored, /example/);
  },
));

test("a page without storage loses nothing but the memory of it", inShop(
  {
    init: () => {
      Object.defineProperty(window, "localStorage", { get() { throw new DOMException("denied", "SecurityError"); } });
    },
  },
  async ({ edge, page, errors, url }) => {
    await page.goto(url);
    await page.evaluate(() => window.footfall("track", "Product Viewed"));
    await until("the event", () => edge.messages("Product Viewed")[0]);
    await quiet(edge);
    assert.deepEqual(ids(edge.messages()).length, 2);
    assert.deepEqual(errors, []);
  },
));

test("a full storage loses nothing while the page lives", inShop({}, async ({ edge, page, errors, url }) => {
  await page.goto(url);
  await page.evaluate(() => {
    for (let exponent = 22; exponent >= 0; exponent--) {
      try {
        for (;;) localStorage["fill" + Math.random()] = "x".repeat(2 ** exponent);
      } catch {
        // Full for this size: go on with smaller ones.
      }
    }
    window.footfall("track", "Product Viewed", { text: "y".repeat(9000) });
  });
  await until("the event", () => edge.messages("Product Viewed")[0]);
  assert.deepEqual(errors, []);
}));

test("an insecure page sends no fingerprint, only a random id", inShop({ host: "shop.test" }, async ({ edge, page, errors, url }) => {
  await page.goto(url);
  const view = await until("the view", () => edge.messages("page")[0]);
  await quiet(edge);
  assert.equal(view.context.fingerprint, undefined);
  assert.match(view.anonymousId, UUID);
  assert.ok(edge.to("/api/intelligence/track-customer").every(({ body }) => !("fingerprint" in body)));
  const [asked] = edge.to("/api/intelligence/bundle");
  assert.deepEqual([...asked!.query], [["anonymous_id", view.anonymousId], ["key", "ff_pk_test"]]);
  assert.deepEqual(errors, []);
}));

test("whatever the page or the edge does, nothing is thrown into the page", inShop({}, async ({ edge, page, errors, url }) => {
  edge.onBatch = () => ({ body: { results: "nonsense" } });
  edge.onTrack = () => ({ status: 500, body: "<html>" });
  edge.onBundle = () => ({ body: { success: true, bundle: null } });
  await page.goto(url);
  await until("a batch", () => edge.batches()[0]);
  await page.evaluate(() => {
    const circle: Record<string, unknown> = {};
    circle.circle = circle;
    window.footfall("track", "circle", circle);
    window.footfall("track", "big", { n: 1n });
    window.footfall("no such command");
    window.footfall();
    window.footfall("identify");
    for (const broken of ["{", "7", "[null]", '{"a":1}']) {
      localStorage.ff_q = broken;
      window.footfall("track", "after");
    }
    document.dispatchEvent(new Event("change"));
  });
  await quiet(edge, 1500);
  assert.deepEqual(errors, []);
}));

test("a second tag on the page changes nothing", inShop({}, async ({ edge, page, url }) => {
  await page.goto(url);
  await until("the view", () => edge.messages("page")[0]);
  await page.evaluate(() => {
    const tag = document.querySelector("script[data-key]")!;
    const copy = document.createElement("script");
    for (const { name, value } of tag.attributes) copy.setAttribute(name, value);
    return new Promise((done) => { copy.onload = done; document.head.append(copy); });
  });
  await quiet(edge);
  assert.equal(edge.messages("page").length, 1);
}));
