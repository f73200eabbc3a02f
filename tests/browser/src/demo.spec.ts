// Shoppers in Chromium on the demo shop, with the real edge and the real origin behind it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { ask, events, statusOf, until, useWorld, world } from "./world";

useWorld();

let browser: Browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ],
  });
});
after(() => browser?.close());

interface Shopper {
  page: Page;
  context: BrowserContext;
  /** Whatever the page complained of, but for the one answer that is a 404 by contract. */
  complaints: string[];
}

/** A browser profile of its own on the demo shop's first page. */
async function enter(options: BrowserContextOptions = {}): Promise<Shopper> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A device that nobody knows has no offer: the contract answers 404, and Chromium notes it.
    const unrecognized = message.location().url.includes("/api/intelligence/bundle?") && message.text().includes("404");
    if (["error", "warning"].includes(message.type()) && !unrecognized) complaints.push(message.text());
  });
  await page.goto(`${world().edge}/demo/`);
  return { page, context, complaints };
}

const popup = (page: Page) => page.getByRole("dialog", { name: "Your bundle" });
const panel = (page: Page) => page.getByRole("complementary", { name: "Footfall at work" });

/** Puts something into the cart and types an email into the checkout's marked field. */
async function tellEmail(page: Page, email: string): Promise<void> {
  await page.getByRole("main").getByRole("button", { name: "Add to cart: First Light" }).click();
  await page.getByRole("link", { name: /Checkout/ }).click();
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Name").fill("Whoever");
}

interface Offer {
  offer_id: number;
  pricing: { base_price: number; final_price: number; discount_amount: number };
  bundle: { name: string; quantity: number }[];
}

/** The offer as the origin knows it. */
async function offerOf(email: string): Promise<Offer> {
  const { status, body } = await ask<Offer>(`/wp-json/wg/v1/intelligence/bundle?customer_email=${email}`);
  assert.equal(status, 200);
  return body;
}

/** The popup shows what the origin offers, to the cent. */
async function assertShown(page: Page, { bundle, pricing }: Offer): Promise<void> {
  const text = (await popup(page).innerText()).replace(/\s+/g, " ");
  const euros = (amount: number) => `€${amount.toFixed(2)}`;
  const items = bundle.map(({ name, quantity }) => `${quantity} × ${name}`);
  for (const part of [...items, euros(pricing.base_price), euros(pricing.final_price), euros(pricing.discount_amount)]) {
    assert.ok(text.includes(part), `${part} in ${text}`);
  }
}

const logged = (event: string) => until(`${event} is in the log`, async () => (await events(`event=${event}`))[0]);

test("a shopper is recognized by the email and again on the second visit, sees the offer and accepts it", async () => {
  const [email, began] = [world().sample_customer_email, Date.now()];
  const { page, context, complaints } = await enter();
  await panel(page).getByText("not recognized yet").waitFor();
  const views = await until("the page view is in the log", async () => (await events("type=page"))[0]);
  assert.equal(views.context?.page?.path, "/demo/");

  await tellEmail(page, email);
  await panel(page).getByText(`recognized as ${email}`).waitFor();
  const offer = await offerOf(email);
  await assertShown(page, offer);
  const entered = `customer=${email}&event=checkout_email_entered&since=${began}`;
  await until("the origin has the entered email", async () => (await events(entered))[0]);
  await until("the offer is viewed", async () => (await statusOf(offer.offer_id)) === "viewed");

  // The second visit: the same browser, nothing typed.
  await page.goto(`${world().edge}/demo/`);
  await panel(page).getByText(`recognized as ${email}`).waitFor();
  await assertShown(page, offer);
  await popup(page).getByRole("button", { name: "Add to cart" }).click();
  await page.getByText(`−€${offer.pricing.discount_amount.toFixed(2)}`).waitFor();
  const accepted = await logged("bundle_accepted");
  assert.match(String(accepted.properties!["offer_id"]), /^off_/);
  await until("the origin knows", async () => (await statusOf(offer.offer_id)) === "added_to_cart");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("another shopper on another device rejects the offer", async () => {
  const email = "bram.dewit@example.com";
  // Another language is another device; the address alone must not give it the first shopper's offer.
  const { page, context, complaints } = await enter({ locale: "nl-NL", timezoneId: "Europe/Amsterdam" });
  await until("the edge has said who this is not", () => page.evaluate(() => !document.getElementById("offer")!.textContent!.includes("asking")));
  assert.equal(await popup(page).count(), 0);
  await tellEmail(page, email);
  await popup(page).waitFor();
  const offer = await offerOf(email);
  await assertShown(page, offer);
  await popup(page).getByRole("button", { name: "No thanks" }).click();
  await logged("bundle_rejected");
  await until("the origin knows", async () => (await statusOf(offer.offer_id)) === "rejected");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("a walk through the shop is in the log, in its own words", async () => {
  const { page, context, complaints } = await enter({ locale: "fr-FR" });
  await page.getByRole("link", { name: "Blossom Drip" }).first().click();
  await page.getByRole("main").getByRole("button", { name: "Add to cart" }).click();
  const mine = await page.evaluate(() => localStorage["ff_id"] as string);
  const told = await until("the walk is in the log", async () => {
    const found = (await events("")).filter(({ anonymousId }) => anonymousId === mine).map(({ type, event }) => event ?? type);
    return found.length >= 4 && found.reverse();
  });
  assert.deepEqual(told, ["page", "page", "Product Viewed", "Product Added"]);
  assert.deepEqual(complaints, []);
  await context.close();
});

/** The contract's class, as the classic script makes it. */
interface JourneyTracker {
  getRecommendations(): Promise<{ recommendations: { type: string; reasoning: string }[]; decisionId: string | null } | null>;
  optimize(wanted: object): Promise<{ optimizationApplied: { adaptations: { change: string }[] } } | null>;
}
declare const CustomerJourneyTracker: new (options?: object) => JourneyTracker;

interface Session {
  journeyState: { currentStage: string; totalTouchpoints: number };
  touchpointHistory: { touchpointType: string; duration: number | null }[];
}

test("the shopper's journey is told as it goes, answered by the edge, and explained by the origin", async () => {
  const { page, context, complaints } = await enter({ locale: "de-AT" });
  await page.getByRole("link", { name: "Full Moon" }).first().click();
  await page.getByRole("main").getByRole("button", { name: "Add to cart" }).click();
  const [advice, applied] = await page.evaluate(async () => {
    const journey = new CustomerJourneyTracker();
    const wanted = {
      optimizationType: "real_time_adaptation",
      contextualConstraints: { deviceLimitations: ["touch_only"], performanceBudget: "mobile_3g" },
    };
    return [await journey.getRecommendations(), await journey.optimize(wanted)] as const;
  });
  assert.equal(advice?.recommendations[0]?.type, "next_touchpoint");
  assert.ok(applied?.optimizationApplied.adaptations.every(({ change }) => change.length > 0));

  const session = await page.evaluate(() => sessionStorage["ff_session"] as string);
  const state = () => ask<Session>(`/api/journey/sessions/${session}/state`);
  const told = await until("the origin has the touchpoints", async () => {
    const { status, body } = await state();
    const kinds = status === 200 ? body.touchpointHistory.map(({ touchpointType }) => touchpointType) : [];
    return kinds.includes("product_added") && kinds;
  });
  for (const kind of ["page_view", "product_card"]) assert.ok(told.includes(kind), `${kind} in ${told}`);

  await page.getByRole("link", { name: /Checkout/ }).click();
  await page.getByLabel("Email").fill("journey@example.com");
  await page.getByLabel("Name").fill("Whoever");
  await page.getByLabel("Address").fill("1 Quiet Lane");
  await page.getByRole("main").getByRole("button", { name: /Order for/ }).click();
  await until("the purchase is in the journey", async () => (await state()).body.journeyState.currentStage === "purchase");

  assert.ok(advice.decisionId);
  const decided = () => ask<{ data: { replay: { same: boolean } } }>(`/api/decisions/${advice.decisionId}`);
  const explained = await until("the log has the decision", async () => (await decided()).status === 200 && decided());
  assert.equal(explained.body.data.replay.same, true);
  assert.deepEqual(complaints, []);
  await context.close();
});
