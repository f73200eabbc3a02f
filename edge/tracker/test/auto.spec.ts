import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { inShop, loaded, pause, quiet, type Shop, type ShopOptions, until, useBrowser } from "./support";

useBrowser();

const LONG = '<div style="height:4000px"></div>';
const MARKED = `<button data-footfall-touchpoint="product_gallery_swipe" data-footfall-image-index="3"><b>Next</b></button>
<button id="plain">Plain</button>`;

/** A shop whose page tracks by itself. */
const watching = (options: ShopOptions, test: (shop: Shop) => Promise<void>) =>
  inShop(options, async (shop) => {
    await shop.page.goto(shop.url);
    await watch(shop.page);
    await until("the first view", () => shop.edge.touchpoints("page_view")[0]);
    await test(shop);
  });

const watch = async (page: Page): Promise<void> => {
  await loaded(page);
  await page.evaluate(() => void (window.journey = new window.CustomerJourneyTracker({ autoTrack: true })));
};

/** The visitor looks at another tab, and back. */
const hide = (page: Page, hidden: boolean) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  }, hidden);

test("each page is a view, also where the address changes without loading", watching({}, async ({ edge, page }) => {
  await page.evaluate(() => {
    history.pushState(null, "", "/moon?size=1");
    history.replaceState(null, "", "/moon?size=1#top");
  });
  await until("the second view", () => edge.touchpoints("page_view")[1]);
  await quiet(edge);
  assert.deepEqual(edge.touchpoints("page_view").map(({ pageUrl }) => pageUrl), ["/", "/moon"]);
  const [dwell] = edge.touchpoints("dwell");
  assert.equal(dwell.pageUrl, "/", "what is told of the page before names that page");
}));

test("each quarter of a page is told once, and a jump as its end", watching({ body: LONG }, async ({ edge, page }) => {
  for (const y of [1200, 600, 1300]) {
    await page.evaluate((y) => scrollTo(0, y), y);
    await until("the scroll", () => page.evaluate((y) => scrollY === y, y));
  }
  await until("a quarter", () => edge.touchpoints("scroll_depth")[0]);
  await page.evaluate(() => scrollTo(0, 1e6));
  await until("the end", () => edge.touchpoints("scroll_depth").some(({ interactionData }) => interactionData.scrollDepth === 1));
  await quiet(edge);
  const depths = edge.touchpoints("scroll_depth").map(({ interactionData }) => interactionData.scrollDepth);
  assert.equal(new Set(depths).size, depths.length);
  assert.deepEqual(depths, [...depths].sort());
  assert.ok(depths.every((depth) => [0.25, 0.5, 0.75, 1].includes(depth)));
}));

test("only a marked element's click is told, with its fields", watching({ body: MARKED }, async ({ edge, page }) => {
  await page.locator("#plain").click();
  await page.getByText("Next").click();
  const touchpoint = await until("the click", () => edge.touchpoints("product_gallery_swipe")[0]);
  const { dwellTime, ...data } = touchpoint.interactionData;
  assert.ok(dwellTime >= 0);
  assert.deepEqual(data, { touchpoint: "product_gallery_swipe", imageIndex: "3" });
  assert.deepEqual(new Set(edge.touchpoints().map(({ type }) => type)), new Set(["page_view", "product_gallery_swipe"]));
}));

test("dwell is the visible time alone, and performance is told once", watching({}, async ({ edge, page }) => {
  await pause(1200);
  await hide(page, true);
  const first = await until("the first look", () => edge.touchpoints("dwell")[0]);
  await pause(1500);
  await hide(page, false);
  await pause(1100);
  await hide(page, true);
  const second = await until("the second look", () => edge.touchpoints("dwell")[1]);
  const seconds = [first, second].map(({ interactionData }) => interactionData.dwellTime);
  assert.ok(seconds[0] >= 1.1 && seconds[0] < 4, `${seconds[0]} s`);
  assert.ok(seconds[1] >= 1 && seconds[1] < 1.5 + 1, `${seconds[1]} s, without the 1.5 s that the page was hidden`);
  assert.equal(second.performanceMetrics, undefined);
  const { loadTime, renderTime, lcp } = first.performanceMetrics;
  assert.ok(loadTime > 0 && loadTime < 30, `${loadTime} s`);
  assert.ok(renderTime > 0 && renderTime < 30, `${renderTime} s`);
  assert.ok(lcp >= renderTime, `${lcp} s`);
}));

test("a look that is too short is told with the next", watching({}, async ({ edge, page }) => {
  await hide(page, true);
  await until("the first look, with how the page loaded", () => edge.touchpoints("dwell")[0]);
  await hide(page, false);
  await hide(page, true);
  await quiet(edge);
  assert.equal(edge.touchpoints("dwell").length, 1);
}));

test("shifts and slow answers are measured", watching({ body: '<div id="top"></div><p>Text</p><button>Slow</button>' }, async ({ edge, page }) => {
  await page.evaluate(() => {
    document.querySelector("button")!.onclick = () => {
      const end = performance.now() + 300;
      while (performance.now() < end);
    };
    // Long enough after any input, and only once something was painted.
    return new Promise<void>((done) => {
      new PerformanceObserver(() => done()).observe({ type: "layout-shift", buffered: true });
      requestAnimationFrame(() => requestAnimationFrame(() => (document.getElementById("top")!.style.height = "300px")));
    });
  });
  await page.evaluate(() => {
    const seen = new Promise<void>((done) => new PerformanceObserver(() => done()).observe({ type: "event", buffered: true }));
    Object.assign(window, { seen });
  });
  await page.getByText("Slow").click();
  await page.evaluate(() => (window as unknown as { seen: Promise<void> }).seen);
  await hide(page, true);
  const { performanceMetrics: { cls, inp } } = await until("the figures", () => edge.touchpoints("dwell")[0]);
  assert.ok(cls > 0 && cls < 2, `a shift of ${cls}`);
  assert.ok(inp >= 0.25 && inp < 5, `${inp} s`);
}));

test("the mouse that leaves through the top is exit intent, once, until it comes back", watching({}, async ({ edge, page }) => {
  const move = (type: string, clientY: number) =>
    page.evaluate(([type, clientY]) => {
      document.body.dispatchEvent(new MouseEvent(type as string, { bubbles: true, clientY: clientY as number }));
    }, [type, clientY]);
  await move("mouseout", 300);
  await quiet(edge);
  assert.deepEqual(edge.touchpoints("exit_intent"), []);
  await move("mouseout", -1);
  const [intent] = await until("the intent", () => edge.touchpoints("exit_intent")[0] && edge.touchpoints("exit_intent"));
  assert.equal(intent.signals.exitIntent, true);
  await move("mouseover", 20);
  await move("mouseout", -1);
  await hide(page, true);
  const left = await until("the leave", () => edge.touchpoints("dwell")[0]);
  assert.equal(left.signals.exitIntent, true, "who is outside is still leaving");
  assert.equal(edge.touchpoints("exit_intent").length, 1);
  await hide(page, false);
  await pause(1100);
  await hide(page, true);
  const back = await until("the second leave", () => edge.touchpoints("dwell")[1]);
  assert.equal(back.signals.exitIntent, false);
}));

const byTouch = () => {
  const original = window.matchMedia;
  window.matchMedia = (query) => (query === "(pointer:coarse)" ? ({ matches: true } as MediaQueryList) : original.call(window, query));
};

test("on a phone, a fling up and a look elsewhere are exit intent", watching({ body: LONG, init: byTouch }, async ({ edge, page }) => {
  await page.evaluate(async () => {
    const frame = () => new Promise(requestAnimationFrame);
    for (const y of [2500, 2490, 100]) {
      scrollTo(0, y);
      await frame();
      await frame();
    }
  });
  await until("the fling", () => edge.touchpoints("exit_intent")[0]);
  await hide(page, true);
  const left = await until("the leave", () => edge.touchpoints("dwell")[0]);
  assert.equal(left.signals.exitIntent, true);
}));

test("on a phone, the shop's next page is no exit intent", watching({ init: byTouch }, async ({ edge, page, url }) => {
  await page.goto(url + "next");
  const left = await until("the leave", () => edge.touchpoints("dwell")[0]);
  assert.equal(left.pageUrl, "/");
  assert.equal(left.signals.exitIntent, false);
}));
