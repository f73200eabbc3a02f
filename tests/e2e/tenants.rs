//! Two shops behind one edge: with the keys of one, nothing of the other can be seen or moved.

use http::Method;
use serde_json::{Value, json};

use crate::support::http::{Call, Target};
use crate::support::shop::{message, new_shopper, send_history, user_hash};
use crate::support::unique;
use crate::support::world::{Home, Pair};

const TRACK: &str = "/api/intelligence/track-customer";

/// What a shop's customer is known by.
struct Ids {
    email: String,
    user_hash: String,
    fingerprint: String,
    browser: String,
    message: String,
    session: String,
    offer: Value,
}

impl Ids {
    /// Those of somebody whom no shop knows.
    fn of_nobody() -> Self {
        Self {
            email: new_shopper(),
            user_hash: "0".repeat(64),
            fingerprint: unique("device"),
            browser: unique("the-random-id-of-a-browser"),
            message: unique("message"),
            session: unique("session"),
            offer: json!("off_01AAAAAAAAAAAAAAAAAAAAAAAA"),
        }
    }
}

fn make_shop(home: &Home, slug: &str) -> (String, String, String) {
    let run = |command: &str| home.run(&command.split(' ').collect::<Vec<_>>());
    let made = run(&format!(
        "admin shop create --slug {slug} --name {slug} --emails-per-day 1000"
    ));
    let secret = made.trim().rsplit(' ').next().unwrap().to_owned();
    let key = |kind: &str, prefix: &str| {
        let told = run(&format!(
            "admin key create --shop {slug} --kind {kind} --label test"
        ));
        let mut words = told.split_whitespace();
        words
            .find(|word| word.starts_with(prefix))
            .unwrap()
            .to_owned()
    };
    (
        key("publishable", "ff_pk_"),
        key("secret", "ff_sk_"),
        secret,
    )
}

/// A customer of the shop, with orders, an offer, a vouched device and an event.
fn customer(edge: &Target, origin: &Target, identity_secret: &str) -> Ids {
    let ids = Ids::of_nobody();
    send_history(origin, &ids.email);
    let hash = user_hash(&ids.email, identity_secret);
    let visit = json!({"email": ids.email, "user_hash": hash, "fingerprint": ids.fingerprint,
                       "anonymous_id": ids.browser});
    let known = edge.post(TRACK, &visit).expect(200);
    assert_eq!(known["profile"]["total_orders"], 2, "{known}");
    edge.post("/v1/track", &message(&ids.message)).expect(200);
    let start = json!({"sessionId": ids.session, "entryPoint": {"landing_page": "/moonstone"}});
    edge.post("/api/journey/sessions/start", &start).expect(200);
    let met = json!({"sessionId": ids.session, "touchpoint": {"type": "moonstone_view"}});
    edge.post("/api/journey/touchpoints/track", &met)
        .expect(200);
    let path = format!(
        "/api/intelligence/bundle?customer_email={}&user_hash={hash}",
        ids.email
    );
    let offer = edge.get(&path).expect(200)["offer_id"].clone();
    assert!(offer.is_string(), "{offer}");
    Ids {
        user_hash: hash,
        offer,
        ..ids
    }
}

/// Every route of the edge that names somebody or something, asked for these.
fn calls(target: &Target, ids: &Ids) -> Vec<Call> {
    let Ids {
        email,
        user_hash,
        fingerprint,
        browser,
        message,
        session,
        offer,
    } = ids;
    let journey = "/api/journey/sessions";
    let stage = target.call(Method::PUT, &format!("{journey}/{session}/stage"));
    let pair = json!({"primarySessionId": session, "secondarySessionId": "another"}).to_string();
    let unlink = target.call(Method::DELETE, &format!("{journey}/link"));
    let wp = "/wp-json/wg/v1/intelligence";
    let status = json!({"offer_id": offer, "status": "rejected"});
    vec![
        target.get(&format!("/api/intelligence/bundle?customer_email={email}")),
        target.get(&format!(
            "/api/intelligence/bundle?customer_email={email}&user_hash={user_hash}"
        )),
        target.get(&format!(
            "/api/intelligence/bundle?fingerprint={fingerprint}&anonymous_id={browser}"
        )),
        target.post(
            TRACK,
            &json!({"fingerprint": fingerprint, "anonymous_id": browser}),
        ),
        target.post("/api/intelligence/bundle-status-update", &status),
        target.post(&format!("{wp}/bundle-status"), &status),
        target.get(&format!("{wp}/profile?customer_email={email}")),
        target.get(&format!("{wp}/bundle?customer_email={email}")),
        target.post(
            &format!("{wp}/recalculate"),
            &json!({"customer_email": email}),
        ),
        target.get(&format!("/api/events?customer={email}")),
        target.get(&format!("/api/events?customer={browser}")),
        target.get(&format!("/api/devices?customer_email={email}")),
        target.post(
            "/api/devices/reset",
            &json!({"fingerprint": fingerprint, "anonymous_id": browser}),
        ),
        target.get(&format!("/api/events/rejected?id={message}")),
        target.get(&format!("{journey}/{session}/state")),
        target.get(&format!("{journey}/unified_{session}/state")),
        stage
            .header("content-type", "application/json")
            .body(json!({"newStage": "decision"}).to_string()),
        target.post(
            "/api/journey/touchpoints/track",
            &json!({"sessionId": session, "touchpoint": {"type": "a"}}),
        ),
        target.post(
            "/api/journey/conversions/track",
            &json!({"sessionId": session, "conversionEvent": {"type": "purchase"}}),
        ),
        target.send_json(&format!("{journey}/link"), pair.clone()),
        unlink.header("content-type", "application/json").body(pair),
    ]
}

#[test]
fn with_the_keys_of_one_shop_nothing_of_another_is_seen_or_moved() {
    let mut pair = Pair::new(&[]);
    let (page_a, server_a, secret_a) = make_shop(pair.home(), "aurora");
    let (page_b, server_b, _) = make_shop(pair.home(), "boreas");
    pair.start_origin();
    pair.start_edge();
    let (edge, origin) = (pair.edge(), pair.origin().with(&server_a));
    let of_a = customer(&edge.with(&page_a), &origin, &secret_a);

    for key in [&page_b, &server_b] {
        let target = edge.with(key);
        let as_of_a = calls(&target, &of_a).into_iter();
        for (call, unknown) in as_of_a.zip(calls(&target, &Ids::of_nobody())) {
            let what = call.url.clone();
            let (answer, unknown) = (call.send(), unknown.send());
            assert_eq!(answer.status, unknown.status, "{what}: {}", answer.text());
            let text = answer.text().replace(&of_a.email, "");
            for mark in [
                "Mira",
                "Moon",
                "Product 44",
                "4711",
                "29.9",
                "59.8",
                "example.com",
                "moonstone",
                &of_a.message,
            ] {
                assert!(!text.contains(mark), "{what}: {text}");
            }
        }
        for path in [
            "/api/intelligence/bundle-status-update",
            "/wp-json/wg/v1/intelligence/bundle-status",
        ] {
            let status = json!({"offer_id": of_a.offer, "status": "rejected"});
            let refused = target.post(path, &status).send().status;
            assert!(refused == 403 || refused == 404, "{path}: {refused}");
        }
    }

    // The session, the offer and the device are as they were.
    let path = format!("/api/journey/sessions/{}/state", of_a.session);
    let still = edge.with(&page_a).get(&path).expect(200);
    assert_eq!(
        still["journeyState"]["currentStage"], "awareness",
        "{still}"
    );
    assert_eq!(still["journeyState"]["totalTouchpoints"], 1, "{still}");
    let path = format!(
        "/api/intelligence/bundle?customer_email={}&user_hash={}",
        of_a.email, of_a.user_hash
    );
    let still = edge.with(&page_a).get(&path).expect(200);
    assert_eq!(still["offer_id"], of_a.offer, "{still}");
    let visit = json!({"fingerprint": of_a.fingerprint, "anonymous_id": of_a.browser});
    let still = edge.with(&page_a).post(TRACK, &visit).expect(200);
    assert_eq!(
        still["profile"]["customer_email"],
        of_a.email.as_str(),
        "{still}"
    );
}
