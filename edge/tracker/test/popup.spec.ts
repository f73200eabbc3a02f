import assert from "node:assert/strict";
import { test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { type Edge, inShop, offer, quiet, type Shop, type ShopOptions, until, useBrowser } from "./support";

useBrowser();

const popup = (page: Page) => page.getByRole("dialog", { name: "Your bundle" });

/** A shop whose edge has an offer for everybody. */
const withOffer = (options: ShopOptions, run: (shop: Shop) => Promise<void>) =>
  inShop(options, async (shop) => {
    shop.edge.onBundle = () => ({ body: offer });
    await shop.page.goto(shop.url);
    await run(shop);
  });

const told = (edge: Edge) =>
  edge.messages().filter(({ event }) => event?.startsWith("bundle_")).map(({ event, properties }) => [event, properties]);

test("an offer is shown with its items, prices and points", withOffer({}, async ({ edge, page }) => {
  const text = (await popup(page).innerText()).replace(/\s+/g, " ");
  for (const part of ["3 × Full Moon", "€44.85", "2 × Blossom Drip", "€29.90", "Was €74.75", "€64.28", "-€10.47 (14%)", "+64 points"]) {
    assert.ok(text.includes(part), `${part} in ${text}`);
  }
  const [asked] = edge.to("/api/intelligence/bundle");
  assert.equal(asked!.query.get("anonymous_id"), edge.messages("page")[0]!.anonymousId);
  assert.equal(asked!.query.get("key"), "ff_pk_test");
  assert.match(asked!.query.get("fingerprint")!, /^[0-9a-f]{64}$/);
  await until("bundle_viewed", () => told(edge)[0]);
  assert.deepEqual(told(edge), [["bundle_viewed", { offer_id: "off_93" }]]);
}));

test("accepting is told once, to the edge and to the shop, and is final", withOffer({}, async ({ edge, page, errors }) => {
  await page.evaluate(() => document.addEventListener("footfall:bundle-accepted", (event) => Object.assign(window, { got: (event as CustomEvent).detail })));
  await page.getByRole("button", { name: "Add to cart" }).dblclick().catch(() => {});
  await until("bundle_accepted", () => told(edge)[1]);
  await quiet(edge);
  assert.deepEqual(told(edge).map(([event]) => event), ["bundle_viewed", "bundle_accepted"]);
  const got = await page.evaluate(() => (window as unknown as { got: unknown }).got);
  assert.deepEqual(got, { offer_id: offer.offer_id, bundle: offer.bundle, pricing: offer.pricing });
  await page.reload();
  await until("the offer again", () => edge.to("/api/intelligence/bundle")[1]);
  await quiet(edge);
  assert.equal(await page.locator("footfall-bundle").count(), 0);
  assert.equal(told(edge).length, 2);
  assert.deepEqual(errors, []);
}));

test("rejecting is told once and is final", withOffer({}, async ({ edge, page }) => {
  await page.getByRole("button", { name: "No thanks" }).click();
  await until("bundle_rejected", () => told(edge)[1]);
  // What a page is left with before it has read the reply is sent again.
  await quiet(edge);
  await page.reload();
  await until("the offer again", () => edge.to("/api/intelligence/bundle")[1]);
  await quiet(edge);
  assert.deepEqual(told(edge).map(([event]) => event), ["bundle_viewed", "bundle_rejected"]);
  assert.equal(await page.locator("footfall-bundle").count(), 0);
}));

for (const [way, hide] of [
  ["Escape", (page: Page) => page.keyboard.press("Escape")],
  ["the close button", (page: Page) => page.getByRole("button", { name: "Close" }).click()],
] as const) {
  test(`${way} only hides the offer`, withOffer({}, async ({ edge, page }) => {
    await popup(page).waitFor();
    await hide(page);
    assert.equal(await page.locator("footfall-bundle").count(), 0);
    await quiet(edge);
    assert.deepEqual(told(edge).map(([event]) => event), ["bundle_viewed"]);
    await page.reload();
    await popup(page).waitFor();
  }));
}

test("the keyboard alone can answer", withOffer({}, async ({ edge, page }) => {
  await popup(page).waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.textContent ?? document.activeElement?.tagName);
  assert.match((await focused())!, /Your bundle/, "the dialog itself has the focus");
  const order: unknown[] = [];
  for (let n = 0; n < 3; n++) {
    await page.keyboard.press("Tab");
    order.push(await focused());
  }
  assert.deepEqual(order, ["Add to cart", "No thanks", "Close"]);
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await until("bundle_rejected", () => told(edge)[1]);
  assert.equal(await focused(), "BODY");
}));

test("somebody who is typing is not interrupted, and gets the focus back", withOffer(
  { body: '<label>Search <input id="search" autofocus></label>' },
  async ({ page }) => {
    await popup(page).waitFor();
    await page.keyboard.type("moon");
    assert.equal(await page.inputValue("#search"), "moon");
    await page.getByRole("button", { name: "Close" }).focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement!.id), "search");
  },
));

for (const scheme of ["light", "dark"]) {
  test(`the popup has no accessibility fault on a ${scheme} page`, withOffer(
    { html: `lang="en" style="color-scheme: ${scheme}"` },
    async ({ page }) => {
      await popup(page).waitFor();
      const { violations, passes } = await new AxeBuilder({ page }).include("footfall-bundle").analyze();
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
      assert.ok(passes.some(({ id }) => id === "color-contrast"), "axe looked inside the shadow root");
    },
  ));
}

test("a page in another encoding shows the same signs", withOffer({ charset: "windows-1252" }, async ({ page }) => {
  assert.match(await popup(page).innerText(), /3 × Full Moon/);
}));

test("a Dutch page is answered in Dutch", withOffer({ html: 'lang="nl-NL"' }, async ({ page }) => {
  const text = (await page.getByRole("dialog", { name: "Jouw bundel" }).innerText()).replace(/\s+/g, " ");
  for (const part of ["€ 64,28", "+64 punten", "In winkelwagen", "Nee, bedankt"]) assert.ok(text.includes(part), `${part} in ${text}`);
}));

test("a page with an odd language still shows the offer", withOffer({ html: 'lang="en_US"' }, async ({ page }) => {
  await popup(page).waitFor();
}));

test("the reply's currency is used", inShop({}, async ({ edge, page, url }) => {
  edge.onBundle = () => ({ body: { ...offer, pricing: { ...offer.pricing, currency: "GBP" } } });
  await page.goto(url);
  assert.match(await popup(page).innerText(), /£64\.28/);
}));

test("a name with HTML in it stays text", inShop({}, async ({ edge, page, errors, url }) => {
  const name = '<img src=x onerror="window.hacked=1">';
  edge.onBundle = () => ({ body: { ...offer, bundle: [{ ...offer.bundle[0], name }] } });
  await page.goto(url);
  assert.ok((await popup(page).innerText()).includes(name));
  assert.equal(await page.evaluate(() => "hacked" in window), false);
  assert.deepEqual(errors, []);
}));

test("a strict content security policy leaves the popup its looks", withOffer(
  { head: `<meta http-equiv="Content-Security-Policy" content="style-src 'none'; require-trusted-types-for 'script'">` },
  async ({ page, errors }) => {
    await popup(page).waitFor();
    assert.equal(await page.locator("footfall-bundle").evaluate((host) => getComputedStyle(host).position), "fixed");
    assert.deepEqual(errors, []);
  },
));

test("a shop themes the popup from outside", withOffer(
  { head: "<style>:not(:defined){visibility:hidden} footfall-bundle{--footfall-accent:#060;left:16px} footfall-bundle::part(title){color:#00f}</style>" },
  async ({ page }) => {
    await popup(page).waitFor();
    const color = (part: string, property: string) =>
      popup(page).locator(`[part=${part}]`).evaluate((element, name) => getComputedStyle(element).getPropertyValue(name), property);
    assert.equal(await color("accept", "background-color"), "rgb(0, 102, 0)");
    assert.equal(await color("title", "color"), "rgb(0, 0, 255)");
  },
));

test("data-popup=\"off\" asks for no offer", withOffer({ tag: 'data-popup="off"' }, async ({ edge }) => {
  await until("recognition", () => edge.to("/api/intelligence/track-customer")[0]);
  await quiet(edge);
  assert.equal(edge.to("/api/intelligence/bundle").length, 0);
}));

test("an email in the checkout brings the offer", inShop(
  { body: '<label>Mail <input data-footfall-email></label><button>Next</button>' },
  async ({ edge, page, url }) => {
    await page.goto(url);
    await until("no offer", () => edge.to("/api/intelligence/bundle")[0]);
    edge.onBundle = () => ({ body: offer });
    await page.fill("input", "ada@example.com");
    await page.locator("button").focus();
    await popup(page).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement!.tagName), "BUTTON");
  },
));

test("an offer that is on the page is not shown twice", withOffer({}, async ({ edge, page }) => {
  await popup(page).waitFor();
  await page.evaluate(() => window.footfall("identify", { email: "ada@example.com" }));
  await until("the second reply", () => edge.to("/api/intelligence/bundle")[1]);
  await quiet(edge);
  assert.equal(await page.locator("footfall-bundle").count(), 1);
  assert.equal(told(edge).length, 1);
}));

test("whoever is named meanwhile gets the offer, and nobody else", inShop({}, async ({ edge, page, url }) => {
  let answer = () => {};
  const after = new Promise<void>((done) => (answer = done));
  edge.onBundle = () => ({ body: offer });
  edge.onTrack = ({ body }) => ({ body: { success: true }, ...(body.email ? {} : { after }) });
  await page.goto(url);
  await until("the question who this is", () => edge.to("/api/intelligence/track-customer")[0]);
  await page.evaluate(() => window.footfall("identify", { email: "ada@example.com" }));
  await popup(page).waitFor();
  answer();
  await quiet(edge);
  assert.equal(edge.to("/api/intelligence/bundle").length, 1);
}));
