import assert from "node:assert/strict";
import { test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { type Edge, inShop, offer, quiet, until, useBrowser } from "./support";

useBrowser();

const told = (edge: Edge): string[] => edge.messages().map(({ type, event, context: { page } }) => event ?? `${type} ${new URL(page.url!).search}`);

test("a visit to the demo shop is told from the first page to the order", inShop({}, async ({ edge, page, errors, demoUrl }) => {
  const origins = new Set<string>();
  page.on("request", (request) => origins.add(new URL(request.url()).origin));
  await page.goto(demoUrl);
  await page.getByRole("link", { name: "Blossom Drip" }).click();
  await page.getByRole("button", { name: "Add to cart" }).click();
  await page.getByRole("link", { name: /Checkout/ }).click();
  await page.getByLabel("Email").fill("ada@example.com");
  await page.getByLabel("Name").fill("Ada Example");
  await page.getByLabel("Address").fill("1 Moon Street");
  await page.getByRole("button", { name: "Order for €14.95" }).click();
  await page.getByRole("heading", { name: /Thank you/ }).waitFor();
  await until("the last page", () => told(edge).includes("page ?view=thanks"));
  assert.deepEqual(told(edge), [
    ...["page ", "page ?product=blossom-drip", "Product Viewed", "Product Added"],
    ...["page ?view=checkout", "Checkout Started", "Order Completed", "page ?view=thanks"],
  ]);
  const line = { product_id: 38, name: "Blossom Drip", price: 14.95, quantity: 1 };
  const { order_id, ...order } = edge.messages("Order Completed")[0]!.properties!;
  assert.match(String(order_id), /^demo-/);
  assert.deepEqual(order, { total: 14.95, value: 14.95, currency: "EUR", products: [line] });
  assert.doesNotMatch(JSON.stringify(edge.messages()), /Ada Example|ada@example|Moon Street/);
  assert.deepEqual([...origins], [new URL(demoUrl).origin]);
  assert.deepEqual(errors, []);
}));

test("an accepted bundle is in the demo shop's cart, and what was typed stays", inShop({}, async ({ edge, page, demoUrl }) => {
  edge.onBundle = () => ({ body: offer });
  await page.goto(demoUrl + "?product=first-light");
  await page.getByRole("main").getByRole("button", { name: "Add to cart" }).click();
  await page.getByRole("link", { name: /Checkout/ }).click();
  await page.getByLabel("Name").fill("Ada");
  await page.getByRole("dialog").getByRole("button", { name: "Add to cart" }).click();
  await page.getByText("−€10.47").waitFor();
  const cart = (await page.getByRole("list", { name: "Cart" }).innerText()).replace(/\s+/g, " ");
  assert.equal(cart, "1 × First Light €13.75 3 × Full Moon €44.85 2 × Blossom Drip €29.90 Your bundle −€10.47 Total €78.03");
  assert.equal(await page.getByLabel("Name").inputValue(), "Ada");
}));

test("the demo shop's panel says what the edge found out", inShop({}, async ({ edge, page, demoUrl }) => {
  edge.onTrack = () => ({ body: { success: true, tracked: { customer_email: "<b>shopper@example.com" }, profile: { total_orders: 43 } } });
  edge.onBundle = () => ({ body: offer });
  await page.goto(demoUrl);
  const panel = page.getByRole("complementary", { name: "Footfall at work" });
  await panel.getByText("recognized as <b>shopper@example.com, 43 orders").waitFor();
  await panel.getByText("off_93: 5 bags for €64.28").waitFor();
  await panel.getByText("page /demo/").waitFor();
}));

test("the demo shop sends the key that the edge put in, and none without", inShop({}, async ({ edge, page, demoUrl }) => {
  await page.goto(demoUrl);
  await until("the bundle", () => edge.to("/api/intelligence/bundle")[0]);
  await quiet(edge);
  const keys = () => edge.asked.map(({ body, query, headers }) => body.writeKey ?? query.get("key") ?? headers["x-api-key"]);
  assert.ok(keys().every((key) => !key));
  // The page that goes away still tells how long it was looked at.
  await page.goto("about:blank");
  await quiet(edge);
  edge.asked = [];
  edge.demoKey = "ff_pk_demo";
  await page.goto(demoUrl);
  await until("the bundle", () => edge.to("/api/intelligence/bundle")[0]);
  await until("the view", () => edge.touchpoints("page_view")[0]);
  assert.deepEqual([...new Set(keys())], ["ff_pk_demo"]);
}));

test("the demo shop has no accessibility fault", inShop({}, async ({ page, demoUrl }) => {
  await page.goto(demoUrl);
  for (const place of ["", "?product=tidal-wave", "?view=checkout", "?view=thanks"]) {
    if (place === "?view=checkout") await page.getByRole("main").getByRole("button", { name: "Add to cart" }).click();
    await page.goto(demoUrl + place);
    await page.getByRole("heading", { level: 1 }).waitFor();
    const { violations } = await new AxeBuilder({ page }).analyze();
    assert.deepEqual(violations.map(({ id, nodes }) => [place, id, nodes.map(({ html }) => html)]), []);
  }
}));

test("the demo shop's journey is told from the first page to the purchase", inShop({}, async ({ edge, page, errors, demoUrl }) => {
  await page.goto(demoUrl);
  await until("the class", () => page.evaluate(() => "CustomerJourneyTracker" in window));
  await until("the first view", () => edge.touchpoints("page_view")[0]);
  await page.getByRole("link", { name: "Blossom Drip" }).click();
  await page.getByRole("button", { name: "Add to cart" }).click();
  await page.getByRole("link", { name: /Checkout/ }).click();
  for (const [label, text] of [["Email", "ada@example.com"], ["Name", "Ada Example"], ["Address", "1 Moon Street"]] as const) {
    await page.getByLabel(label).fill(text);
  }
  await page.getByRole("button", { name: "Order for €14.95" }).click();
  const purchase = await until("the purchase", () => edge.journey("conversions/track")[0]);
  const { id, ...event } = purchase.body.conversionEvent;
  assert.match(id, /^demo-/);
  assert.deepEqual(event, { type: "purchase", value: 14.95, currency: "EUR" });
  const types = edge.touchpoints().map(({ type }) => type).filter((type) => !["dwell", "scroll_depth"].includes(type));
  assert.deepEqual(types.slice(0, 6), ["page_view", "product_card", "page_view", "product_added", "checkout_link", "page_view"]);
  assert.equal(edge.touchpoints("product_card")[0].interactionData.productId, "38");
  assert.doesNotMatch(JSON.stringify(edge.journey().map(({ body }) => body)), /Ada Example|ada@example|Moon Street/);
  assert.deepEqual(errors, []);
}));

test("the demo shop works at an edge that knows no journeys", inShop({}, async ({ edge, page, errors, demoUrl }) => {
  edge.onJourney = () => ({ status: 404, body: { success: false, code: "not_found" } });
  await page.goto(demoUrl);
  await until("a try", () => edge.journey("touchpoints/track")[0]);
  await page.getByRole("link", { name: "Blossom Drip" }).click();
  await page.getByRole("heading", { level: 1, name: "Blossom Drip" }).waitFor();
  await until("the page's event", () => told(edge).includes("Product Viewed"));
  assert.deepEqual(errors, []);
}));
