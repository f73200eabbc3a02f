//! Payloads in the shape of the REST API's documentation, and deliveries as WooCommerce signs them.

use base64::Engine;
use footfall::woocommerce::connection::{Secret, set_webhook_secret};
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::build::entry;
use crate::support::{Reply, TestShop};

/// The webhooks' secret in tests.
pub(super) const SECRET: &str = "example-secret";
/// Who orders.
pub(super) const JOHN: &str = "john.doe@example.com";

/// A processing order of two Full Moons, 6.00 and 0.45 tax together, placed and last changed in 2026.
pub(super) fn woo_order(id: u64) -> Value {
    let line = json!({
        "id": 315, "name": "Full Moon", "product_id": 44, "variation_id": 0, "quantity": 2, "tax_class": "",
        "subtotal": "6.00", "subtotal_tax": "0.45", "total": "6.00", "total_tax": "0.45",
        "taxes": [{"id": 75, "total": "0.45", "subtotal": "0.45"}], "sku": "", "price": 3, "parent_name": null,
    });
    let billing = json!({"first_name": "John", "last_name": "Doe", "company": "", "email": JOHN, "phone": ""});
    // PHP's private properties have NULs in their names.
    let attribution =
        json!({"id": 13106, "key": "_attribution", "value": {"\u{0}*\u{0}type": "typein"}});
    json!({
        "id": id, "parent_id": 0, "number": id.to_string(), "order_key": format!("wc_order_{id}"),
        "status": "processing", "currency": "EUR", "total": "16.45", "total_tax": "0.45", "customer_id": 0,
        "date_created": "2026-11-20T11:00:00", "date_created_gmt": "2026-11-20T10:00:00",
        "date_modified_gmt": "2026-11-20T10:00:08", "date_paid_gmt": null,
        "billing": billing, "shipping": [], "meta_data": [attribution], "line_items": [line],
        "tax_lines": [{"id": 318, "tax_total": "0.45"}], "fee_lines": [], "coupon_lines": [], "refunds": [],
    })
}

/// A product at 14.95.
pub(super) fn woo_product(id: u64) -> Value {
    json!({
        "id": id, "name": "Full Moon", "slug": "full-moon-2", "type": "simple", "status": "publish",
        "price": "14.95", "regular_price": "16.95", "sale_price": "14.95", "variations": [], "images": [],
        "date_created_gmt": "2026-10-01T08:00:00", "date_modified_gmt": "2026-11-01T08:00:00",
    })
}

/// A registered customer.
pub(super) fn woo_customer(id: u64, email: &str) -> Value {
    json!({
        "id": id, "email": email, "first_name": "João", "last_name": "Silva", "role": "customer",
        "date_modified_gmt": "2026-11-01T08:00:00", "billing": {"email": email}, "is_paying_customer": false,
    })
}

/// The same payload with other fields, by their JSON pointers.
pub(super) fn with(mut payload: Value, changes: &Value) -> Value {
    for (path, value) in changes.as_object().unwrap() {
        *payload.pointer_mut(path).unwrap() = value.clone();
    }
    payload
}

/// The same payload, changed then.
pub(super) fn changed_at(payload: Value, time: &str) -> Value {
    with(
        payload,
        &json!({"/date_modified_gmt": format!("2026-11-20T{time}")}),
    )
}

/// A shop whose webhooks sign.
pub(super) async fn connected(shop: &TestShop) {
    let secret = Secret::parse("secret", SECRET).unwrap();
    let mut tx = shop.app.db().begin().await.unwrap();
    let set = set_webhook_secret(&mut tx, &shop.shop().id, &secret, shop.app.now());
    set.await.unwrap();
    tx.commit().await.unwrap();
}

/// The signature that WooCommerce makes.
pub(super) fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

/// Delivers raw bytes with these headers.
pub(super) async fn deliver_bytes(
    shop: &TestShop,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Reply {
    let mut request =
        Request::post("/webhooks/woocommerce/demo").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    shop.anonymous().send(request, body).await
}

/// Delivers a payload, signed, with a delivery id of its own or a replayed one.
pub(super) async fn deliver_as(
    shop: &TestShop,
    delivery: &str,
    topic: &str,
    body: &Value,
) -> Reply {
    let body = serde_json::to_vec(body).unwrap();
    let signature = sign(SECRET, &body);
    let headers = [
        ("x-wc-webhook-topic", topic),
        ("x-wc-webhook-signature", signature.as_str()),
        ("x-wc-webhook-delivery-id", delivery),
    ];
    deliver_bytes(shop, &headers, body).await
}

/// Delivers a payload that must be answered with a 200; what became of it.
pub(super) async fn deliver(shop: &TestShop, topic: &str, body: &Value) -> String {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let reply = deliver_as(shop, &format!("delivery-{number}"), topic, body).await;
    reply.expect(200)["result"].as_str().unwrap().to_owned()
}

/// How many orders of this customer count.
pub(super) async fn counted(shop: &TestShop, email: &str) -> u64 {
    let profile = entry(&shop.edge(), shop.shop(), email).await["profile"].clone();
    profile["total_orders"].as_u64().unwrap_or_default()
}
