//! Whatever comes in, signed or not: the answer is never a 5xx but for a pause that was asked for, nothing
//! panics, and the next request is served.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::build::{event, order};
use crate::support::{TestShop, on_both};

const ROUNDS: usize = 400;

/// Each route with a body that it takes.
fn routes(shop: &TestShop) -> Vec<(&'static str, Value)> {
    let orders = json!({"orders": [order(1).item(44, 2).json()]});
    vec![
        (
            "/internal/events",
            json!({"events": [event(shop.shop(), "a")]}),
        ),
        (
            "/internal/devices/recognize",
            json!({"shop": shop.shop().id, "keys": []}),
        ),
        (
            "/internal/offers/status",
            json!({"shop": shop.shop().id, "offer": "1", "status": "viewed"}),
        ),
        ("/api/orders", orders),
        (
            "/api/devices/reset",
            json!({"customer_email": "a@example.com"}),
        ),
        ("/api/events/rejected/replay", json!({"ids": ["x"]})),
        (
            "/wp-json/wg/v1/intelligence/recalculate",
            json!({"customer_email": "a@example.com"}),
        ),
        (
            "/wp-json/wg/v1/intelligence/bundle-status",
            json!({"offer_id": 1, "status": "viewed"}),
        ),
        (
            "/api/auth/login",
            json!({"identifier": "a", "password": "b"}),
        ),
        ("/api/auth/refresh", json!({"refresh_token": "a"})),
    ]
}

fn any_leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!("\u{0}")),
        Just(json!("x".repeat(5000))),
    ]
}

/// Puts `value` somewhere into `body`, at a place that `steps` choose.
fn put(body: &mut Value, steps: &[usize], value: Value) {
    let Some((step, rest)) = steps.split_first() else {
        *body = value;
        return;
    };
    match body {
        Value::Object(fields) if !fields.is_empty() => {
            let at = step % fields.len();
            if let Some((_, field)) = fields.iter_mut().nth(at) {
                put(field, rest, value);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = step % items.len();
            put(&mut items[at], rest, value);
        }
        other => *other = value,
    }
}

on_both! {
    async fn no_body_is_answered_with_a_5xx(database) {
        let shop = TestShop::start(database).await;
        let routes = routes(&shop);
        let (steps, bytes) = (prop::collection::vec(0..9usize, 0..5), prop::collection::vec(any::<u8>(), 0..80));
        let strategy = (0..routes.len(), 0..4u8, steps, any_leaf(), bytes);
        let mut runner = TestRunner::default();
        for _ in 0..ROUNDS {
            let (at, how, steps, leaf, bytes) = strategy.new_tree(&mut runner).unwrap().current();
            let (path, mut body) = routes[at].clone();
            put(&mut body, &steps, leaf);
            let sent = match how {
                0 => bytes,
                1 => {
                    let text = body.to_string();
                    text.as_bytes()[..text.len() / 2].to_vec()
                }
                _ => serde_json::to_vec(&body).unwrap(),
            };
            let client = if path.starts_with("/internal/") { shop.edge() } else { shop.backend() };
            let reply = client.post_bytes(path, sent.clone()).await;
            let told = String::from_utf8_lossy(&reply.bytes);
            assert!(reply.status.as_u16() < 500, "{path} {}: {told}", String::from_utf8_lossy(&sent));
        }
        shop.anonymous().get("/ready").await.expect(200);
    }
}
