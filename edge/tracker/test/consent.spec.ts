import assert from "node:assert/strict";
import { test } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { inShop, loaded, offer, quiet, type Shop, type ShopOptions, until, useBrowser } from "./support";

useBrowser();

const FIELD = "<label>Mail <input data-footfall-email></label><button>Next</button>";

/** Writes down what the page reads and stores: storage, cookies, fields, the canvas that a fingerprint needs. */
const watchDevice = () => {
  // Where a page goes when it is left.
  if (location.href === "about:blank") return;
  const touched: string[] = [];
  for (const name of ["localStorage", "sessionStorage"] as const) {
    const value = new Proxy(window[name], {
      get: (storage, key) => (touched.push(`read ${String(key)}`), Reflect.get(storage, key)),
      set: (storage, key, text) => (touched.push(`write ${String(key)}`), Reflect.set(storage, key, text)),
      ownKeys: (storage) => (touched.push("list"), Reflect.ownKeys(storage)),
    });
    Object.defineProperty(window, name, { value });
  }
  Object.defineProperty(document, "cookie", { get: () => (touched.push("read cookie"), ""), set: () => touched.push("write cookie") });
  HTMLCanvasElement.prototype.getContext = () => (touched.push("canvas"), null);
  const { get } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")!;
  Object.defineProperty(HTMLInputElement.prototype, "value", {
    get(this: HTMLInputElement) {
      touched.push("read field");
      return get!.call(this);
    },
  });
  Object.assign(window, { touched });
};

const touched = (page: Page) => page.evaluate(() => (window as unknown as { touched: string[] }).touched);

/** What is stored in the browser, by whomever. There are no cookies. */
const stored = async (context: BrowserContext): Promise<Record<string, string>> => {
  const { origins, cookies } = await context.storageState();
  assert.deepEqual(cookies, []);
  return Object.fromEntries(origins.flatMap(({ localStorage }) => localStorage.map(({ name, value }) => [name, value])));
};

/** Everything that a shop and its visitor can do, leaving included. */
const doEverything = async ({ edge, page }: Shop): Promise<void> => {
  await page.evaluate(() => {
    window.footfall("track", "Product Viewed", { product_id: 44 });
    window.footfall("page", "Moon");
    window.footfall("identify", { email: "ada@example.com" });
    history.pushState(null, "", "/moon");
  });
  await page.locator("input").pressSequentially("ada@example.com");
  await page.locator("button").focus();
  await page.evaluate(() => {
    dispatchEvent(new PageTransitionEvent("pageshow"));
    // The visitor looks at another tab.
    Object.defineProperty(document, "hidden", { value: true });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  });
  await quiet(edge);
};

const leave = async ({ edge, page }: Shop): Promise<void> => {
  await page.goto("about:blank");
  await quiet(edge);
};

const signals: [string, () => void][] = [
  ["Global Privacy Control", () => Object.defineProperty(navigator, "globalPrivacyControl", { value: true })],
  ["Do Not Track", () => Object.defineProperty(navigator, "doNotTrack", { value: "1" })],
  ["an older browser's Do Not Track", () => Object.defineProperty(window, "doNotTrack", { value: "1" })],
];

for (const [signal, init] of signals) {
  test(`with ${signal} nothing is read, stored or sent, and nothing stays`, inShop({ body: FIELD }, async (shop) => {
    const { edge, page, context, errors, url } = shop;
    edge.onBundle = () => ({ body: offer });
    await page.goto(url);
    await page.getByRole("button", { name: "No thanks" }).click();
    await page.evaluate(() => {
      window.footfall.consent(true);
      localStorage.cart = "the shop's own";
    });
    await quiet(edge);
    assert.deepEqual(Object.keys(await stored(context)).sort(), ["cart", "ff_consent", "ff_done", "ff_fp", "ff_id", "ff_q", "ff_wait"]);

    await page.addInitScript(init);
    await page.addInitScript(watchDevice);
    edge.asked = [];
    await page.reload();
    await loaded(page);
    await doEverything(shop);
    await page.evaluate(() => {
      window.footfall("consent", true);
      window.footfall.consent(true);
      window.footfall.consent(false);
    });
    assert.deepEqual(await touched(page), []);
    await leave(shop);
    assert.deepEqual(edge.asked, []);
    assert.deepEqual(await stored(context), { cart: "the shop's own" });
    assert.deepEqual(errors, []);
  }));
}

test("a browser that asks for nothing is told of as ever", inShop(
  { init: () => Object.defineProperty(navigator, "doNotTrack", { value: "0" }) },
  async ({ edge, page, url }) => {
    await page.goto(url);
    await until("the view", () => edge.messages("page")[0]);
  },
));

const asking: ShopOptions = { tag: 'data-consent="required"', body: FIELD };

test("before consent nothing is read, stored or sent", inShop({ ...asking, init: watchDevice }, async (shop) => {
  const { edge, page, context, errors, url } = shop;
  await page.goto(url);
  await loaded(page);
  await doEverything(shop);
  assert.deepEqual([...new Set(await touched(page))], ["read ff_consent"]);
  await leave(shop);
  assert.deepEqual(edge.asked, []);
  assert.deepEqual(await stored(context), {});
  assert.deepEqual(errors, []);
}));

for (const [form, consent] of [
  ["command", () => window.footfall("consent", true)],
  ["method", () => window.footfall.consent(true)],
] as const) {
  test(`the ${form} of consent lets begin what was kept, in order, and is remembered`, inShop(
    { ...asking, head: '<script>footfall("track", "Early")</script>' },
    async ({ edge, page, context, url }) => {
      await page.goto(url);
      await loaded(page);
      await page.evaluate(() => {
        history.pushState(null, "", "/moon");
        window.footfall("identify", { email: "ada@example.com", user_hash: "h" });
        window.footfall("track", "Later");
      });
      await quiet(edge);
      assert.deepEqual(edge.asked, []);
      await page.evaluate(consent);
      await until("all", () => edge.messages("Later")[0]);
      await quiet(edge);
      assert.deepEqual(edge.messages().map(({ type, event, context: { page } }) => event ?? `${type} ${page.path}`), ["page /moon", "Early", "Later"]);
      assert.deepEqual(edge.to("/api/intelligence/track-customer").map(({ body }) => [body.email, body.user_hash]), [["ada@example.com", "h"]]);
      assert.equal((await stored(context)).ff_consent, "1");

      edge.asked = [];
      await page.reload();
      const view = await until("the next view, unasked", () => edge.messages("page")[0]);
      assert.equal(view.anonymousId, (await stored(context)).ff_id);
    },
  ));
}

test("consent may be given before the script is there", inShop(
  { ...asking, head: '<script>footfall("track", "Early"); footfall("consent", true); footfall("identify", { email: "ada@example.com" })</script>' },
  async ({ edge, page, url }) => {
    await page.goto(url);
    await until("the event", () => edge.messages("Early")[0]);
    await quiet(edge);
    assert.deepEqual(edge.messages().map(({ type, event }) => event ?? type), ["page", "Early"]);
    assert.deepEqual(edge.to("/api/intelligence/track-customer").map(({ body }) => body.email), ["ada@example.com"]);
  },
));

test("nothing but true is consent", inShop({ ...asking, head: '<script>footfall("consent", "false")</script>' }, async (shop) => {
  const { edge, page, context, url } = shop;
  await page.goto(url);
  await loaded(page);
  await page.evaluate(() => ["true", 1, {}, null, undefined].forEach((given) => window.footfall.consent(given)));
  await doEverything(shop);
  assert.deepEqual(edge.asked, []);
  assert.deepEqual(await stored(context), {});
}));

test("a page without an answer keeps its first hundred commands, and runs them once", inShop(asking, async ({ edge, page, url }) => {
  await page.goto(url);
  await loaded(page);
  await page.evaluate(() => {
    for (let n = 0; n < 150; n++) window.footfall("track", "n", { n });
    window.footfall.consent(true);
  });
  await until("the last", () => edge.messages("n").length >= 100);
  await quiet(edge);
  await page.evaluate(() => {
    window.footfall.consent(false);
    window.footfall.consent(true);
  });
  await quiet(edge);
  assert.deepEqual(edge.messages("n").map(({ properties }) => properties!.n), [...Array(100).keys()]);
}));

for (const [shop, options, kept] of [
  ["that asks", asking, {}],
  ["that does not ask", { body: FIELD }, { ff_consent: "0" }],
] as const) {
  test(`consent is withdrawn in a shop ${shop}: the offer closes, all is removed, all is silent`, inShop(options, async (shop) => {
    const { edge, page, context, errors, url } = shop;
    edge.onBundle = () => ({ body: offer });
    await page.goto(url);
    await loaded(page);
    await page.evaluate(() => window.footfall.consent(true));
    await page.getByRole("dialog", { name: "Your bundle" }).waitFor();
    await quiet(edge);
    edge.asked = [];
    await page.evaluate(() => window.footfall.consent(false));
    assert.equal(await page.locator("footfall-bundle").count(), 0);
    assert.deepEqual(await stored(context), kept);

    await doEverything(shop);
    await page.reload();
    await loaded(page);
    await doEverything(shop);
    await leave(shop);
    assert.deepEqual(edge.asked, []);
    assert.deepEqual(await stored(context), kept);
    assert.deepEqual(errors, []);
  }));
}

for (const [reply, late] of [
  ["the batch's", { onBatch: "/v1/batch" }],
  ["the recognition's", { onTrack: "/api/intelligence/track-customer" }],
  ["the offer's", { onBundle: "/api/intelligence/bundle" }],
] as const) {
  test(`${reply} reply after the withdrawal changes nothing`, inShop({}, async ({ edge, page, context, url }) => {
    const [[name, path]] = Object.entries(late) as [["onBatch" | "onTrack" | "onBundle", string]];
    let answer = () => {};
    const after = new Promise<void>((done) => (answer = done));
    edge.onBundle = () => ({ body: offer });
    const original = edge[name];
    edge[name] = (asked) => ({ ...original(asked), after });
    await page.goto(url);
    await until("the question", () => edge.to(path)[0]);
    await quiet(edge);
    await page.evaluate(() => window.footfall("consent", false));
    edge.asked = [];
    const answered = page.waitForResponse((response) => new URL(response.url()).pathname === path);
    answer();
    await (await answered).finished();
    await quiet(edge);
    assert.deepEqual(edge.asked, []);
    assert.deepEqual(await stored(context), { ff_consent: "0" });
    assert.equal(await page.locator("footfall-bundle").count(), 0);
  }));
}

test("who comes back after a refusal is somebody new", inShop({}, async ({ edge, page, context, url }) => {
  await page.goto(url);
  const before = await until("the view", () => edge.messages("page")[0]);
  await page.evaluate(() => window.footfall("consent", false));
  await page.goto(url + "silent");
  await loaded(page);
  edge.asked = [];
  await page.evaluate(() => window.footfall("consent", true));
  const after = await until("the view", () => edge.messages("page")[0]);
  assert.equal(after.context.page.path, "/silent");
  assert.notEqual(after.anonymousId, before.anonymousId);
  assert.equal((await stored(context)).ff_consent, "1");
}));

test("the choice counts in every tab at once", inShop(asking, async ({ edge, page, context, url }) => {
  edge.onBundle = () => ({ body: offer });
  const other = await context.newPage();
  await other.goto(url + "other");
  await page.goto(url);
  await Promise.all([page, other].map(loaded));
  await page.evaluate(() => window.footfall("consent", true));
  await other.getByRole("dialog").waitFor();
  await until("both views", () => new Set(edge.messages("page").map(({ messageId }) => messageId)).size > 1);
  await quiet(edge);
  edge.asked = [];
  await page.evaluate(() => window.footfall("consent", false));
  await other.locator("footfall-bundle").waitFor({ state: "detached" });
  await other.evaluate(() => window.footfall("track", "Product Viewed"));
  await quiet(edge);
  assert.deepEqual(edge.asked, []);
  assert.deepEqual(await stored(context), {});
}));

test("a page that is shown again looks at the choice again", inShop({}, async ({ edge, page, context, url }) => {
  await page.goto(url);
  await until("the view", () => edge.messages("page")[0]);
  await quiet(edge);
  edge.asked = [];
  // What a page after this one does, while this one rests in the browser's memory.
  await page.evaluate(() => {
    localStorage.clear();
    localStorage.ff_consent = "0";
    dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
    window.footfall("track", "Product Viewed");
  });
  await quiet(edge);
  assert.deepEqual(edge.asked, []);
  assert.deepEqual(await stored(context), { ff_consent: "0" });
}));

test("consent holds for the page where nothing can be stored", inShop(
  {
    ...asking,
    init: () => {
      Object.defineProperty(window, "localStorage", { get() { throw new DOMException("denied", "SecurityError"); } });
    },
  },
  async ({ edge, page, errors, url }) => {
    await page.goto(url);
    await loaded(page);
    await page.evaluate(() => window.footfall.consent(true));
    await until("the view", () => edge.messages("page")[0]);
    await quiet(edge);
    edge.asked = [];
    await page.evaluate(() => {
      window.footfall.consent(false);
      window.footfall("track", "Product Viewed");
      dispatchEvent(new PageTransitionEvent("pageshow"));
    });
    await quiet(edge);
    assert.deepEqual(edge.asked, []);
    assert.deepEqual(errors, []);
  },
));
