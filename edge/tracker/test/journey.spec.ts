import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { answerJourney, inShop, loaded, pause, quiet, type Shop, type ShopOptions, until, useBrowser } from "./support";

useBrowser();

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const asking = { tag: 'data-consent="required"' };

/** Makes the page's tracker. */
const make = async (page: Page, options?: object): Promise<void> => {
  await loaded(page);
  await page.evaluate((options) => void (window.journey = new window.CustomerJourneyTracker(options as object)), options);
};

/** A shop whose page has a tracker. */
const withTracker = (options: ShopOptions, test: (shop: Shop) => Promise<void>, tracker?: object) =>
  inShop(options, async (shop) => {
    await shop.page.goto(shop.url);
    await make(shop.page, tracker);
    await test(shop);
  });

const routes = ({ edge }: Shop): string[] => edge.journey().map(({ method, path }) => `${method} ${path.slice("/api/journey/".length)}`);

test("a touchpoint begins the session first, and is answered as the contract says", inShop({}, async (shop) => {
  const { edge, page, url } = shop;
  await page.goto(url + "moon?utm_source=tiktok&utm_campaign=viral_tech#top");
  await make(page, { sessionId: "session_12345" });
  const reply = await page.evaluate(() => window.journey.trackTouchpoint({
    type: "product_gallery_swipe",
    interactionData: { imageIndex: 3 },
    contextualSignals: { exitIntent: false },
  }));
  const [start, touchpoint] = edge.journey();
  assert.deepEqual(routes(shop), ["POST sessions/start", "POST touchpoints/track"]);
  const { deviceContext, ...begun } = start!.body;
  assert.deepEqual(begun, {
    sessionId: "session_12345",
    entryPoint: { source: "tiktok", campaign: "viral_tech", landing_page: "/moon", referrer: "" },
    returningVisitor: false,
  });
  assert.equal(deviceContext.type, "desktop");
  assert.match(deviceContext.screen_size, /^\d+x\d+$/);
  const { id, ...sent } = touchpoint!.body.touchpoint;
  assert.match(id, UUID);
  assert.deepEqual(sent, { type: "product_gallery_swipe", pageUrl: "/moon", interactionData: { imageIndex: 3 } });
  assert.deepEqual(touchpoint!.body.contextualSignals, { exitIntent: false });
  assert.equal(touchpoint!.body.sessionId, "session_12345");
  assert.equal(touchpoint!.headers["x-api-key"], "ff_pk_test");
  assert.equal(touchpoint!.headers["idempotency-key"], id);
  assert.equal(reply!.touchpointId, id);
  assert.equal(reply!.journeyImpact.nextRecommendedAction, "show_comparison_table");
}));

test("each method asks what the contract names and gives its reply", withTracker({}, async (shop) => {
  const replies = await shop.page.evaluate(async () => {
    const { journey } = window;
    return [
      (await journey.updateStage({ newStage: "consideration", engagementMetrics: { timeOnPage: 45 } }))!.updatedJourneyState.currentStage,
      (await journey.trackConversion({ type: "email_signup", value: 0, journeyContext: { totalTouchpoints: 8 } }))!.nextJourneyGoal,
      (await journey.getRecommendations())!.recommendations[0]!.recommendation,
      (await journey.optimize({ optimizationType: "real_time_adaptation", contextualConstraints: { performanceBudget: "mobile_3g" } }))!
        .optimizationApplied.totalExpectedLift,
      (await journey.getState())!.journeyState.totalTouchpoints,
      (await journey.link({ secondarySessionId: "b", linkingMethod: "email_identification" }))!.linkedSessionId,
    ];
  });
  assert.deepEqual(replies, ["consideration", "purchase_conversion", "comparison_table", 0.35, 8, "unified_session_999"]);
  assert.deepEqual(routes(shop), [
    ...["POST sessions/start", "PUT sessions/a%20b/stage", "POST conversions/track", "GET recommendations/a%20b"],
    ...["POST optimize", "GET sessions/a%20b/state", "POST sessions/link"],
  ]);
  const [, stage, conversion, , optimize, , link] = shop.edge.journey().map(({ body }) => body);
  assert.deepEqual(stage, { newStage: "consideration", engagementMetrics: { timeOnPage: 45 } });
  const { id, ...event } = conversion.conversionEvent;
  assert.match(id, UUID);
  assert.deepEqual(event, { type: "email_signup", value: 0 });
  assert.deepEqual([conversion.sessionId, conversion.journeyContext], ["a b", { totalTouchpoints: 8 }]);
  assert.deepEqual(optimize, {
    ...{ sessionId: "a b", optimizationType: "real_time_adaptation" },
    contextualConstraints: { performanceBudget: "mobile_3g" },
  });
  assert.deepEqual(link, { primarySessionId: "a b", secondarySessionId: "b", linkingMethod: "email_identification" });
}, { sessionId: "a b" }));

test("a tab keeps its session from page to page, another tab has its own", withTracker({}, async ({ edge, page, context, url }) => {
  const touch = (where: Page) => where.evaluate(() => window.journey.trackTouchpoint({ type: "look" }));
  await touch(page);
  await page.goto(url + "next");
  await make(page);
  await touch(page);
  const other = await context.newPage();
  await other.goto(url);
  await make(other);
  await touch(other);
  const [first, second, third] = edge.journey("touchpoints/track").map(({ body }) => body.sessionId);
  assert.match(first, UUID);
  assert.equal(first, second);
  assert.notEqual(first, third);
  assert.equal(edge.journey("sessions/start").at(-1)!.body.returningVisitor, true);
}));

test("a search engine and the shop's own pages are told apart as sources", inShop({}, async ({ edge, page, url }) => {
  for (const referer of ["https://www.google.com/search?q=moon", url + "before"]) {
    await page.goto(url + "moon", { referer });
    await make(page, { sessionId: referer });
    await page.evaluate(() => window.journey.trackTouchpoint({ type: "look" }));
  }
  const sources = edge.journey("sessions/start").map(({ body }) => body.entryPoint.source);
  assert.deepEqual(sources, ["google.com", "direct"]);
}));

test("a touchpoint that meets no edge is null at once, and arrives under its id later", withTracker({}, async ({ edge, page, url }) => {
  edge.onJourney = ({ path }) => ({ status: path.endsWith("start") ? 200 : 503, body: { success: true } });
  assert.equal(await page.evaluate(() => window.journey.trackTouchpoint({ type: "look", id: "look-1" })), null);
  const tried = edge.journey("touchpoints/track").length;
  edge.onJourney = answerJourney;
  await page.goto(url + "next");
  await make(page);
  const again = await until("another try", () => edge.journey("touchpoints/track")[tried]);
  assert.equal(again.body.touchpoint.id, "look-1");
  await quiet(edge);
  assert.equal(edge.touchpoints().length, 1);
  assert.equal(await page.evaluate(() => localStorage.ff_jq), "[]");
}));

test("an edge that asks for a pause gets it for journeys, too", withTracker({}, async ({ edge, page }) => {
  edge.onJourney = () => ({ status: 429, headers: { "Retry-After": "2" }, body: {} });
  assert.equal(await page.evaluate(() => window.journey.trackTouchpoint({ type: "look" })), null);
  edge.onJourney = answerJourney;
  const [refused] = edge.journey();
  assert.equal(await page.evaluate(() => window.journey.getState()), null, "nobody waits that long");
  const next = await until("another try", () => edge.journey()[1]);
  assert.ok(next.at - refused!.at >= 1950, `came back after ${next.at - refused!.at} ms`);
}));

for (const [what, answer] of [
  ["a refusal", { status: 400, body: { success: false, code: "invalid_field" } }],
  ["no such route", { status: 404, body: "<html>" }],
] as const) {
  test(`${what} is null, final and quiet`, withTracker({}, async ({ edge, page, errors }) => {
    edge.onJourney = () => answer;
    assert.equal(await page.evaluate(() => window.journey.trackTouchpoint({ type: "look" })), null);
    await quiet(edge, 1500);
    assert.equal(edge.journey().length, 2, "the start and the touchpoint, once each");
    assert.deepEqual(errors, []);
  }));
}

test("steps arrive one after the other, in order", withTracker({}, async ({ edge, page }) => {
  await page.evaluate(async () => {
    await Promise.all(Array.from({ length: 20 }, (_, n) => window.journey.trackTouchpoint({ type: "n", interactionData: { n } })));
  });
  const asked = edge.journey();
  assert.equal(asked.length, 21);
  assert.deepEqual(asked.slice(1).map(({ body }) => body.touchpoint.interactionData.n), Array.from({ length: 20 }, (_, n) => n));
}));

test("an email is sent with a conversion, but never stored", withTracker({}, async ({ edge, page }) => {
  edge.onJourney = () => ({ status: 503 });
  const stored = await page.evaluate(async () => {
    const told = window.journey.trackConversion({ type: "email_signup", conversionData: { email: "ada@example.com", consentGiven: true } });
    const stored = JSON.stringify({ ...localStorage, ...sessionStorage });
    await told;
    return stored;
  });
  assert.match(stored, /email_signup/);
  assert.doesNotMatch(stored, /ada@example/);
  edge.onJourney = answerJourney;
  const sent = await until("the conversion", () => edge.journey("conversions/track")[0]);
  assert.deepEqual(sent.body.conversionEvent.conversionData, { email: "ada@example.com", consentGiven: true });
}));

test("what happens while the page goes away is handed over as text with the key in it", withTracker({}, async ({ edge, page }) => {
  await page.evaluate(() => window.journey.trackTouchpoint({ type: "first" }));
  await page.evaluate(() => addEventListener("pagehide", () => void window.journey.trackTouchpoint({ type: "last" })));
  await page.goto("about:blank");
  const last = await until("the last touchpoint", () => edge.journey("touchpoints/track").find(({ body }) => body.touchpoint.type === "last"));
  assert.match(last.contentType, /^text\/plain/);
  assert.equal(last.body.writeKey, "ff_pk_test");
}));

test("no method throws or rejects, whatever it is given", withTracker({}, async ({ page, errors }) => {
  const replies = await page.evaluate(async () => {
    const circle: any = {};
    circle.circle = circle;
    const journey: any = new window.CustomerJourneyTracker(null as any);
    const given = [undefined, null, circle, { n: 1n }, { text: "x".repeat(40_000) }];
    const names = ["trackTouchpoint", "trackConversion", "updateStage", "optimize", "link"];
    const all = names.flatMap((name) => given.map((one) => journey[name](one)));
    await Promise.all(all);
    const broken: any = new window.CustomerJourneyTracker({ sessionId: "\ud800", endpoint: 7 as any, apiKey: "\n" });
    return [await journey.trackTouchpoint(circle), await broken.trackTouchpoint({ type: "look" }), await broken.getState()];
  });
  assert.deepEqual(replies, [null, null, null]);
  assert.deepEqual(errors, []);
}));

test("before consent nothing is told; what waited is told with it, and nothing after its end", inShop(asking, async (shop) => {
  const { edge, page, url } = shop;
  await page.goto(url);
  await make(page, { autoTrack: true });
  const early = await page.evaluate(() => window.journey.trackTouchpoint({ type: "early" }));
  await quiet(edge);
  assert.equal(early, null);
  assert.deepEqual(edge.asked, []);
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
  await page.evaluate(() => window.footfall.consent(true));
  await until("both", () => edge.touchpoints("early")[0] && edge.touchpoints("page_view")[0]);
  await quiet(edge);
  const session = edge.journey("sessions/start")[0]!.body.sessionId;
  await page.evaluate(() => window.footfall.consent(false));
  edge.asked = [];
  assert.equal(await page.evaluate(() => window.journey.getState()), null);
  await page.goto(url + "after");
  await make(page, { autoTrack: true });
  await quiet(edge);
  assert.deepEqual(edge.asked, []);
  assert.deepEqual(await page.evaluate(() => Object.keys({ ...localStorage, ...sessionStorage })), []);
  await page.evaluate(() => window.footfall.consent(true));
  const again = await until("a new session", () => edge.journey("sessions/start")[0]);
  assert.notEqual(again.body.sessionId, session);
}));

for (const [signal, init] of [
  ["Global Privacy Control", () => Object.defineProperty(navigator, "globalPrivacyControl", { value: true })],
  ["Do Not Track", () => Object.defineProperty(navigator, "doNotTrack", { value: "1" })],
] as const) {
  test(`with ${signal} no journey is told`, inShop({ init }, async ({ edge, page, errors, url }) => {
    await page.goto(url);
    await make(page, { autoTrack: true });
    await page.evaluate(() => window.footfall.consent(true));
    assert.equal(await page.evaluate(() => window.journey.trackTouchpoint({ type: "look" })), null);
    await page.goto("about:blank");
    await quiet(edge);
    assert.deepEqual(edge.asked, []);
    assert.deepEqual(errors, []);
  }));
}

test("the class alone can be imported as a module, with consent of its own", inShop({}, async ({ edge, page, demoUrl, url }) => {
  const module = new URL("/journey.mjs", demoUrl).href;
  await page.route("**/t.js", (route) => route.abort());
  await page.goto(url);
  const reply = await page.evaluate(async ({ module, endpoint }) => {
    const { CustomerJourneyTracker, consent } = await import(module);
    const journey = new CustomerJourneyTracker({ apiKey: "ff_pk_module", endpoint, consent: "required" });
    const before = await journey.trackTouchpoint({ type: "before" });
    consent(true);
    return [before, (await journey.trackTouchpoint({ type: "look" })).success];
  }, { module, endpoint: new URL(demoUrl).origin });
  assert.deepEqual(reply, [null, true]);
  assert.deepEqual(edge.touchpoints().map(({ type }) => type), ["before", "look"]);
  assert.ok(edge.journey().every(({ headers }) => headers["x-api-key"] === "ff_pk_module"));
  assert.deepEqual(edge.batches(), []);
}));

test("tabs that write in the same moment lose nothing of each other", inShop({}, async ({ edge, page, errors, url }) => {
  edge.onJourney = () => ({ status: 503 });
  await page.goto(url);
  await make(page);
  await page.evaluate(async () => {
    await window.journey.trackTouchpoint({ type: "mine" });
    // What another tab writes that read the queue before.
    localStorage.ff_jq = "[]";
  });
  await pause(50);
  edge.onJourney = answerJourney;
  await until("the touchpoint", () => edge.touchpoints("mine")[0]);
  assert.deepEqual(errors, []);
}));
