// The yardstick: the cached bundle look-up as a plain JavaScript Worker, without router, limits, tracing, pushes
// or anything else that a product needs. It reads the entry that the measured Worker has cached, and answers the
// same.
const encoder = new TextEncoder();
const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.match(/../g), (pair) => Number.parseInt(pair, 16));
const DAY_MS = 86_400_000;
let salt;

async function known(request, env) {
  const key = request.headers.get("authorization")?.slice("Bearer ".length) ?? "";
  return hex(await crypto.subtle.digest("SHA-256", encoder.encode(key))) === env.KEY_HASH;
}

async function hash(email, env) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  salt ??= await crypto.subtle.importKey("raw", unhex(env.SALT), algorithm, false, ["sign"]);
  return hex(await crypto.subtle.sign("HMAC", salt, encoder.encode(`email:${email}`)));
}

const line = ({ product_id, name, slug, quantity, unit_price }) => ({
  product_id,
  name,
  slug,
  quantity,
  unit_price: unit_price / 100,
  subtotal: (unit_price * quantity) / 100,
});

const favourite = ({ product_id, name, slug, score, total_quantity, appearances, order_numbers }) => ({
  product_id,
  name,
  slug,
  score,
  total_quantity,
  appearances,
  order_numbers,
});

function reply({ card, currency, profile, offer }, now) {
  const { items, pricing, bonus_points } = offer.bundle;
  return {
    success: true,
    offer_id: offer.id,
    bundle: items.map(line),
    pricing: {
      base_price: pricing.base_price / 100,
      discount_percentage: pricing.discount_percentage,
      discount_amount: pricing.discount_amount / 100,
      final_price: pricing.final_price / 100,
      currency,
    },
    bonus_points,
    customer: { first_name: card.first_name, last_name: card.last_name, email: card.email },
    profile: {
      total_orders: profile.total_orders,
      days_since_last_order: Math.floor((now - profile.last_order.at) / DAY_MS),
      favorite_products: profile.favourites.products.map(favourite),
    },
  };
}

export default {
  async fetch(request, env) {
    if (!(await known(request, env))) return Response.json({ success: false }, { status: 401 });
    const email = new URL(request.url).searchParams.get("customer_email").trim().toLowerCase();
    const entry = await env.CACHE.get(`${env.SHOP}/customer/${await hash(email, env)}`, "json");
    const offer = entry?.d?.offer;
    const now = Date.now();
    const stands = offer && ["pending", "viewed", "added_to_cart"].includes(offer.status) && now < offer.expires_at;
    if (!stands) return Response.json({ success: false }, { status: 404 });
    return Response.json(reply(entry.d, now), { headers: { "cache-control": "no-store" } });
  },
};
