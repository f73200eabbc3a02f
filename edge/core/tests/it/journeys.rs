use footfall_edge::memory::request;
use footfall_shared::event::Event;
use footfall_shared::journey::event::{Happening, Numbered};
use http::Method;
use serde_json::{Value, json};

use crate::support::{EMAIL, Reply, SECRET, World, post, publishable, secret};

const START: &str = "/api/journey/sessions/start";
const TOUCH: &str = "/api/journey/touchpoints/track";
const CONVERT: &str = "/api/journey/conversions/track";
const LINK: &str = "/api/journey/sessions/link";
const MINUTE_MS: i64 = 60_000;

/// The contract's own start.
fn start(world: &World, session: &str) -> Reply {
    let body = json!({
        "sessionId": session,
        "persona": {"type": "TechEarlyAdopter", "confidence": 0.85},
        "deviceContext": {"type": "mobile", "screen_size": "375x812"},
        "entryPoint": {"source": "tiktok", "landing_page": "/smart-ring-tracker"},
        "intentSignals": {"purchase_intent": 0.65}
    });
    world.post(START, &body)
}

fn touch(world: &World, session: &str, kind: &str) -> Reply {
    world.post(
        TOUCH,
        &json!({"sessionId": session, "touchpoint": {"type": kind}}),
    )
}

fn stage(world: &World, session: &str, stage: &str) -> Reply {
    let body = json!({"newStage": stage}).to_string().into_bytes();
    let mut request = post(&format!("/api/journey/sessions/{session}/stage"), body);
    request.method = Method::PUT;
    world.send(request)
}

fn state(world: &World, session: &str) -> Reply {
    world.get(&format!("/api/journey/sessions/{session}/state"))
}

/// What waits for the origin, as numbers and names.
fn told(world: &World) -> Vec<(u32, u32, &'static str)> {
    let waiting = world.edge.outbox.waiting();
    let events = waiting
        .iter()
        .map(|json| serde_json::from_str::<Event>(json).unwrap());
    let numbered = events.map(|event| Numbered::of(&event).unwrap());
    numbered
        .map(|event| (event.seq, event.visit, event.what.name()))
        .collect()
}

#[test]
fn a_journey_is_answered_from_the_edges_own_state() {
    let world = World::development();
    let started = start(&world, "s");
    assert_eq!(started.status, 200, "{}", started.json);
    let asked = world.asked();
    let begun = &started.json["journeyState"];
    assert_eq!(begun["currentStage"], "awareness");
    assert_eq!(begun["personalizedPath"], "mobile_tiktok_fast_track");
    assert_eq!(begun["basis"], "prior");
    let at_first = begun["conversionProbability"].as_f64().unwrap();
    touch(&world, "s", "product_gallery_swipe");
    let moved = stage(&world, "s", "decision");
    let updated = &moved.json["updatedJourneyState"];
    assert_eq!(updated["currentStage"], "decision");
    assert!(updated["conversionProbability"].as_f64().unwrap() > at_first);
    let read = state(&world, "s");
    assert_eq!(read.json["journeyState"]["totalTouchpoints"], 1);
    assert_eq!(
        read.json["touchpointHistory"][0]["touchpointType"],
        "product_gallery_swipe"
    );
    assert_eq!(world.asked(), asked, "nobody else was asked");
    assert_eq!(
        told(&world),
        [
            (1, 1, "session_started"),
            (2, 1, "touchpoint"),
            (3, 1, "stage_changed")
        ]
    );
}

#[test]
fn a_session_that_nobody_began_is_a_404_and_a_start_twice_is_one() {
    let world = World::development();
    for reply in [
        touch(&world, "s", "a"),
        stage(&world, "s", "decision"),
        state(&world, "s"),
    ] {
        assert_eq!((reply.status, reply.code()), (404, "session_not_found"));
    }
    let first = start(&world, "s").json;
    world.later(1000);
    assert_eq!(start(&world, "s").json["sessionId"], first["sessionId"]);
    assert_eq!(told(&world), [(1, 1, "session_started")]);
}

#[test]
fn an_unknown_stage_lists_the_stages_and_a_purchase_needs_a_conversion() {
    let world = World::development();
    start(&world, "s");
    let unknown = stage(&world, "s", "nirvana");
    assert_eq!(unknown.status, 400);
    let message = unknown.json["message"].as_str().unwrap();
    assert!(
        message.contains("awareness, consideration, decision, purchase, retention"),
        "{message}"
    );
    assert_eq!(stage(&world, "s", "purchase").status, 400);
    let body = json!({"sessionId": "s", "conversionEvent": {"type": "purchase", "value": 97.5}});
    let sold = world.post(CONVERT, &body);
    assert_eq!(sold.json["journeyComplete"], true);
    assert_eq!(sold.json["nextJourneyGoal"], "repeat_conversion");
    let after = state(&world, "s").json;
    assert_eq!(after["journeyState"]["currentStage"], "purchase");
    assert_eq!(after["journeyState"]["conversionProbability"], 1.0);
}

#[test]
fn after_thirty_idle_minutes_a_later_event_opens_the_next_visit() {
    let world = World::development();
    start(&world, "s");
    touch(&world, "s", "a");
    world.later(30 * MINUTE_MS - 1);
    touch(&world, "s", "b");
    world.later(30 * MINUTE_MS);
    touch(&world, "s", "c");
    let visits: Vec<u32> = told(&world).iter().map(|(_, visit, _)| *visit).collect();
    assert_eq!(visits, [1, 1, 1, 2]);
    let now = state(&world, "s").json["journeyState"].clone();
    assert_eq!(
        (&now["visitId"], &now["continues"]),
        (&json!("s.2"), &json!("s"))
    );
    assert_eq!(now["totalTouchpoints"], 1);
}

#[test]
fn a_retry_with_the_same_key_changes_nothing() {
    let world = World::development();
    start(&world, "s");
    let body = json!({"sessionId": "s", "touchpoint": {"type": "a", "id": "mine"}});
    let first = world.post(TOUCH, &body);
    assert_eq!(first.json["touchpointId"], "mine");
    assert_eq!(world.post(TOUCH, &body).json["touchpointId"], "mine");
    let keyed = |kind: &str| {
        let body = json!({"sessionId": "s", "touchpoint": {"type": kind}}).to_string();
        let mut request = post(TOUCH, body.into_bytes());
        request
            .headers
            .insert("idempotency-key", "k1".parse().unwrap());
        world.send(request).json["touchpointId"].clone()
    };
    assert_eq!(keyed("b"), keyed("b"));
    assert_eq!(
        state(&world, "s").json["journeyState"]["totalTouchpoints"],
        2
    );
    assert_eq!(told(&world).len(), 3);
}

#[test]
fn an_address_is_kept_only_with_consent() {
    let world = World::development();
    start(&world, "s");
    for consent in [false, true] {
        let data = json!({"email": EMAIL, "consentGiven": consent});
        let event = json!({"type": "email_signup", "conversionData": data});
        let reply = world.post(
            CONVERT,
            &json!({"sessionId": "s", "conversionEvent": event}),
        );
        assert_eq!(reply.json["nextJourneyGoal"], "purchase_conversion");
        assert_eq!(
            reply.json["personalizedNurturing"]["emailSequence"],
            "tech_early_adopter_7_day"
        );
        let kept = world
            .edge
            .outbox
            .waiting()
            .iter()
            .any(|json| json.contains(EMAIL));
        assert_eq!(kept, consent);
    }
}

#[test]
fn an_address_that_tries_many_emails_leaves_no_more_of_them() {
    let world = World::production();
    world.origin.settings.borrow_mut().emails_per_day = 2;
    let begin = json!({"sessionId": "s", "writeKey": publishable()});
    assert_eq!(world.post(START, &begin).status, 200);
    for at in 0..4 {
        let data = json!({"email": format!("p{at}@example.com"), "consentGiven": true});
        let event = json!({"type": "email_signup", "conversionData": data});
        let body = json!({"sessionId": "s", "conversionEvent": event, "writeKey": publishable()});
        assert_eq!(
            world.post(CONVERT, &body).status,
            200,
            "the conversion counts all the same"
        );
        let kept = world
            .edge
            .outbox
            .waiting()
            .iter()
            .any(|json| json.contains(&format!("p{at}@")));
        assert_eq!(kept, at < 2, "{at}");
    }
}

fn linking(world: &World, method: Method, body: &Value, key: &str) -> Reply {
    let mut request = post(LINK, body.to_string().into_bytes());
    request.method = method;
    request.headers.insert("x-api-key", key.parse().unwrap());
    world.send(request)
}

fn pair(email: Option<&str>, user_hash: Option<String>) -> Value {
    json!({
        "primarySessionId": "phone", "secondarySessionId": "laptop",
        "linkingMethod": "email_identification",
        "linkingData": {"email": email, "user_hash": user_hash}
    })
}

fn two_sessions(world: World) -> World {
    for session in ["phone", "laptop"] {
        let body = json!({"sessionId": session, "writeKey": publishable()});
        assert_eq!(world.post(START, &body).status, 200);
    }
    world
}

#[test]
fn linked_sessions_are_one_journey_by_either_name_until_they_are_parted() {
    let world = two_sessions(World::production());
    let body = pair(None, None);
    let linked = linking(&world, Method::POST, &body, &publishable());
    assert_eq!(linked.status, 200, "{}", linked.json);
    assert_eq!(linked.json["linkedSessionId"], "unified_laptop");
    let swapped = json!({"primarySessionId": "laptop", "secondarySessionId": "phone"});
    let again = linking(&world, Method::POST, &swapped, &publishable());
    assert_eq!(again.json["linkedSessionId"], "unified_laptop");
    assert_eq!(told(&world).len(), 4, "a repetition changes nothing");
    for name in ["phone", "laptop", "unified_laptop"] {
        let read = world.get(&format!(
            "/api/journey/sessions/{name}/state?key={}",
            publishable()
        ));
        let mut aliases: Vec<String> =
            serde_json::from_value(read.json["journeyState"]["aliases"].clone()).unwrap();
        aliases.sort();
        assert_eq!(aliases, ["laptop", "phone"], "{name}");
    }
    assert_eq!(
        linking(&world, Method::DELETE, &body, &publishable()).status,
        200
    );
    let read = world.get(&format!(
        "/api/journey/sessions/phone/state?key={}",
        publishable()
    ));
    assert_eq!(read.json["journeyState"]["aliases"], json!(["phone"]));
}

#[test]
fn an_email_links_sessions_only_with_a_verified_identity() {
    let world = two_sessions(World::production());
    let vouched = footfall_vouch(EMAIL);
    for (email, hash, key, status) in [
        (Some(EMAIL), None, publishable(), 403),
        (Some(EMAIL), Some("00".repeat(32)), publishable(), 400),
        (Some("nobody"), None, publishable(), 400),
        (Some(EMAIL), Some(vouched), publishable(), 200),
        (Some(EMAIL), None, secret(), 200),
    ] {
        let reply = linking(&world, Method::POST, &pair(email, hash), &key);
        assert_eq!(reply.status, status, "{}", reply.json);
    }
    let itself = json!({"primarySessionId": "phone", "secondarySessionId": "phone"});
    assert_eq!(
        linking(&world, Method::POST, &itself, &publishable()).status,
        400
    );
    let unknown = json!({"primarySessionId": "phone", "secondarySessionId": "other"});
    assert_eq!(
        linking(&world, Method::POST, &unknown, &publishable()).status,
        404
    );
}

fn footfall_vouch(email: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(email.as_bytes());
    footfall_shared::text::hex(&mac.finalize().into_bytes())
}

#[test]
fn who_asks_not_to_be_tracked_has_no_journey() {
    let world = World::development();
    let quiet = |target: &str, body: Value| {
        let mut request = post(target, body.to_string().into_bytes());
        request.headers.insert("sec-gpc", "1".parse().unwrap());
        world.send(request)
    };
    assert_eq!(quiet(START, json!({"sessionId": "s"})).status, 200);
    let met = quiet(
        TOUCH,
        json!({"sessionId": "s", "touchpoint": {"type": "a"}}),
    );
    assert_eq!((met.status, &met.json["success"]), (200, &json!(true)));
    assert!(world.edge.outbox.waiting().is_empty());
    assert_eq!(state(&world, "s").status, 404);
}

#[test]
fn a_full_outbox_keeps_the_session_as_it_was() {
    let world = World::development();
    start(&world, "s");
    world.edge.outbox.most.set(Some(0));
    let refused = touch(&world, "s", "a");
    assert_eq!((refused.status, refused.code()), (503, "outbox_full"));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(
        state(&world, "s").json["journeyState"]["totalTouchpoints"],
        0
    );
}

#[test]
fn a_session_may_tell_a_thousand_things_a_minute() {
    let world = World::development();
    start(&world, "s");
    for left in (0..999).rev() {
        let reply = touch(&world, "s", "a");
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.header("x-ratelimit-remaining").unwrap(),
            left.to_string()
        );
    }
    let refused = touch(&world, "s", "a");
    assert_eq!(
        (refused.status, refused.code()),
        (429, "rate_limit_exceeded")
    );
    assert_eq!(start(&world, "other").status, 200);
    world.later(MINUTE_MS);
    assert_eq!(touch(&world, "s", "a").status, 200);
}

#[test]
fn an_old_session_is_forgotten_with_a_flush() {
    let world = World::development();
    start(&world, "s");
    world.later(31 * 24 * 60 * MINUTE_MS);
    assert_eq!(world.flush().status, 200);
    assert_eq!(state(&world, "s").status, 404);
}

#[test]
fn a_wrong_method_names_the_right_ones_and_analytics_are_the_origins() {
    let world = World::development();
    let wrong = world.send(request("PATCH", "/api/journey/sessions/s/stage"));
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("PUT")));
    world.get("/api/journey/analytics/funnel");
    let asked = world.edge.origin.paths();
    assert!(
        asked
            .iter()
            .any(|path| path.starts_with("/api/journey/analytics/funnel")),
        "{asked:?}"
    );
}

#[test]
fn what_is_read_of_a_touchpoint_is_what_the_log_is_told() {
    let world = World::development();
    start(&world, "s");
    touch(&world, "s", "product_gallery_swipe");
    let event: Event = serde_json::from_str(world.edge.outbox.waiting().last().unwrap()).unwrap();
    let Happening::Touchpoint(touch) = Numbered::of(&event).unwrap().what else {
        panic!("a touchpoint");
    };
    assert_eq!(
        (touch.kind.as_str(), event.session_id.as_deref()),
        ("product_gallery_swipe", Some("s"))
    );
}
