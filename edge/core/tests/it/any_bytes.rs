//! Whatever comes in: the answer is never a 5xx, and nothing panics.

use footfall_edge::memory::request;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{ANONYMOUS, EMAIL, World, entry, publishable, secret, with_offer};

const PATHS: [&str; 25] = [
    "/api/intelligence/track-customer",
    "/api/intelligence/bundle",
    "/api/intelligence/bundle-status-update",
    "/api/journey/sessions/start",
    "/api/journey/sessions/link",
    "/api/journey/sessions/s/stage",
    "/api/journey/sessions/s/state",
    "/api/journey/sessions/%ff%00/state",
    "/api/journey/sessions/",
    "/api/journey/touchpoints/track",
    "/api/journey/conversions/track",
    "/api/journey/optimize",
    "/api/journey/recommendations/s",
    "/api/journey/recommendations/%ff",
    "/v1/batch",
    "/v1/track",
    "/v1/identify",
    "/v1/alias",
    "/wp-json/wg/v1/intelligence/profile",
    "/webhooks/woocommerce/demo",
    "/internal/push",
    "/internal/flush",
    "/internal/ledger",
    "/t.js",
    "/health",
];
const HEADERS: [&str; 14] = [
    "authorization",
    "x-api-key",
    "content-type",
    "content-encoding",
    "content-length",
    "origin",
    "x-request-id",
    "x-forwarded-for",
    "x-footfall-timestamp",
    "x-footfall-signature",
    "dnt",
    "if-none-match",
    "connection",
    "access-control-request-method",
];

/// JSON of any shape, whose fields have the names that the routes know.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        Just(json!(EMAIL)),
        Just(json!(ANONYMOUS)),
        Just(json!("2026-11-24T12:00:00Z")),
        Just(json!("viewed")),
        Just(json!("s")),
        Just(json!("decision")),
        (-2_i64..3).prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "email",
        "fingerprint",
        "anonymous_id",
        "anonymousId",
        "userId",
        "messageId",
        "type",
        "event",
        "batch",
        "traits",
        "properties",
        "context",
        "timestamp",
        "sentAt",
        "writeKey",
        "offer_id",
        "status",
        "changes",
        "customer_id",
        "event_type",
        "user_hash",
        "previousId",
        "ip",
        "page",
        "sessionId",
        "touchpoint",
        "newStage",
        "engagementMetrics",
        "scrollDepth",
        "interactionData",
        "conversionEvent",
        "conversionData",
        "value",
        "currency",
        "primarySessionId",
        "secondarySessionId",
        "linkingData",
    ]);
    leaf.prop_recursive(4, 60, 8, move |inner| {
        let object = prop::collection::vec((names.clone(), inner.clone()), 0..8);
        prop_oneof![
            prop::collection::vec(inner, 0..8).prop_map(Value::from),
            object.prop_map(|fields| {
                let named = fields
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value));
                Value::Object(named.collect())
            }),
        ]
    })
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => any_json().prop_map(|json| json.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..300),
    ]
}

fn any_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(publishable().into_bytes()),
        Just(secret().into_bytes()),
        Just(b"gzip".to_vec()),
        Just(b"application/json".to_vec()),
        Just(b"text/plain".to_vec()),
        Just(b"1".to_vec()),
        prop::collection::vec(any::<u8>(), 0..60),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_request_is_answered_with_a_5xx(
        production in any::<bool>(),
        method in prop::sample::select(vec!["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "BREW"]),
        path in prop_oneof![9 => prop::sample::select(PATHS.to_vec()).prop_map(str::to_owned), 1 => "/.{0,30}"],
        query in prop_oneof![Just(String::new()), "[a-z_]{1,12}=.{0,30}", Just(format!("key={}", publishable()))],
        headers in prop::collection::vec((prop::sample::select(HEADERS.to_vec()), any_value()), 0..5),
        body in any_body(),
    ) {
        let world = if production { World::production() } else { World::development() };
        let world = world.knows(with_offer(entry(30, 7)));
        let begin = json!({"sessionId": "s", "writeKey": publishable()});
        prop_assert_eq!(world.post("/api/journey/sessions/start", &begin).status, 200);
        let mut asked = request(method, "/");
        (asked.path, asked.query, asked.body) = (path, query, body);
        for (name, value) in headers {
            if let Ok(value) = http::HeaderValue::from_bytes(&value) {
                asked.headers.insert(name, value);
            }
        }
        let reply = world.send(asked);
        prop_assert!(reply.status < 500, "{} {}", reply.status, reply.json);
        prop_assert!(reply.header("x-request-id").is_some());
        // The next one is served as before.
        prop_assert_eq!(world.get("/health").status, 200);
    }
}
