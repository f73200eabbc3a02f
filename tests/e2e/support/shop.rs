//! What shops and shoppers do: send orders, look at offers, have events.

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::http::Target;
use super::unique;

/// A shopper whom no other test knows.
pub(crate) fn new_shopper() -> String {
    format!("{}@example.com", unique("shopper"))
}

/// An order that counts: `(product, pieces)` for 14.95 each, so many days ago.
pub(crate) fn order(email: &str, days_ago: i64, lines: &[(u64, u64)]) -> Value {
    let items = lines.iter().map(|(product, quantity)| {
        json!({"product_id": product, "name": format!("Product {product}"), "quantity": quantity, "unit_price": 14.95})
    });
    let id = unique("order");
    let at = Timestamp::now() - SignedDuration::from_hours(24 * days_ago);
    json!({
        "order_id": id, "order_number": id, "status": "completed",
        "ordered_at": at.to_string(), "currency": "EUR",
        "customer": {"email": email, "first_name": "Mira", "last_name": "Moon", "customer_id": 4711},
        "items": items.collect::<Vec<_>>(),
    })
}

/// Sends orders with the shop's secret key; every one must be taken.
#[track_caller]
pub(crate) fn send_orders(origin: &Target, orders: &[Value]) {
    let reply = origin
        .post("/api/orders", &json!({"orders": orders}))
        .expect(200);
    assert_eq!(reply["accepted"], orders.len(), "{reply}");
}

/// A history to which an offer is due: two orders of 3 × 44 and 1 × 38, the last 16 days ago.
#[track_caller]
pub(crate) fn send_history(origin: &Target, email: &str) {
    let lines = [(44, 3), (38, 1)];
    send_orders(
        origin,
        &[order(email, 40, &lines), order(email, 16, &lines)],
    );
}

/// The storefront's question for an offer, by email.
pub(crate) fn bundle_path(email: &str) -> String {
    format!("/api/intelligence/bundle?customer_email={email}")
}

/// Where an offer stands, asked by a move that is illegal from everywhere and so changes nothing.
#[track_caller]
pub(crate) fn status_of(origin: &Target, offer: &Value) -> String {
    let path = "/wp-json/wg/v1/intelligence/bundle-status";
    let answer = origin
        .post(path, &json!({"offer_id": offer, "status": "pending"}))
        .send();
    if answer.status == 200 {
        return "pending".to_owned();
    }
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    let rest = message.strip_prefix("an offer cannot go from ");
    rest.unwrap_or_else(|| panic!("{message}"))
        .split(' ')
        .next()
        .unwrap()
        .to_owned()
}

/// The proof by which a shop's back end vouches for an email, made as the documents tell shops to.
pub(crate) fn user_hash(email: &str, identity_secret: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(identity_secret.as_bytes()).unwrap();
    mac.update(email.to_lowercase().as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A track message with this id.
pub(crate) fn message(id: &str) -> Value {
    json!({"type": "track", "event": "Product Viewed", "messageId": id, "anonymousId": "visitor-of-the-tests",
           "properties": {"product_id": 44}})
}

/// How often each event with this name is in the log, by message id. Reads every page of it.
#[track_caller]
pub(crate) fn logged(origin: &Target, event: &str) -> std::collections::BTreeMap<String, usize> {
    let mut found = std::collections::BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/events?limit=500&event={event}{cursor}");
        let page = origin.get(&path).expect(200);
        for one in page["events"].as_array().unwrap() {
            let id = one["messageId"].as_str().unwrap().to_owned();
            *found.entry(id).or_default() += 1;
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}
