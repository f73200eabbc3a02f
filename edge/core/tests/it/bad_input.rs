//! Bad input gets the envelope with the right 4xx, and the next request is served as before.

use footfall_edge::memory::request;
use proptest::prelude::*;

use crate::support::{World, post};

const TRACK: &str = "/api/intelligence/track-customer";

fn check(world: &World, path: &str, body: &[u8], status: u16, code: &str, field: Option<&str>) {
    let reply = world.send(post(path, body.to_vec()));
    let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
    assert_eq!(
        (reply.status, reply.code()),
        (status, code),
        "{path} {shown}"
    );
    assert_eq!(reply.json["success"], false);
    assert!(
        reply.json["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty())
    );
    assert_eq!(
        reply.json["details"]["field"].as_str(),
        field,
        "{path} {shown}"
    );
    assert_eq!(world.get("/health").status, 200);
}

#[test]
fn each_kind_of_broken_body_is_told_what_is_wrong() {
    let world = World::development();
    let long = format!(r#"{{"fingerprint":"{}"}}"#, "x".repeat(257));
    for (body, code, field) in [
        (&b"{"[..], "invalid_json", None),
        (b"", "invalid_json", None),
        (b"[]", "invalid_json", None),
        (b"\xff\xfe", "invalid_json", None),
        (b"{\"unknown\":\"\xff\"}", "invalid_json", None),
        (b"{} trailing", "invalid_json", None),
        (br#"{"email": 5}"#, "invalid_email", Some("email")),
        (br#"{"email": "nobody"}"#, "invalid_email", Some("email")),
        (
            br#"{"email": "a\u0000@b.cd"}"#,
            "invalid_email",
            Some("email"),
        ),
        (
            br#"{"customer_id": -1}"#,
            "invalid_field",
            Some("customer_id"),
        ),
        (
            br#"{"customer_id": 1e400}"#,
            "invalid_field",
            Some("customer_id"),
        ),
        (
            br#"{"event_type": "nonsense"}"#,
            "invalid_field",
            Some("event_type"),
        ),
        (
            br#"{"fingerprint": {}}"#,
            "invalid_field",
            Some("fingerprint"),
        ),
        (long.as_bytes(), "invalid_field", Some("fingerprint")),
    ] {
        check(&world, TRACK, body, 400, code, field);
    }
    check(
        &world,
        TRACK,
        br#"{"fingerprint": "\ud800"}"#,
        400,
        "invalid_field",
        Some("fingerprint"),
    );
    check(
        &world,
        "/v1/batch",
        br#"{"batch": []}"#,
        400,
        "invalid_field",
        Some("batch"),
    );
    check(
        &world,
        "/v1/batch",
        br#"{"batch": {}}"#,
        400,
        "invalid_field",
        Some("batch"),
    );
    check(&world, "/v1/batch", b"{}", 400, "invalid_json", None);
}

#[test]
fn bodies_have_bounds() {
    let world = World::development();
    let big = vec![b' '; 64 * 1024 + 1];
    check(&world, TRACK, &big, 413, "payload_too_large", None);
    check(&world, "/v1/track", &big, 413, "payload_too_large", None);
    check(
        &world,
        "/v1/batch",
        &vec![b' '; 256 * 1024 + 1],
        413,
        "payload_too_large",
        None,
    );
}

#[test]
fn a_bomb_of_gzip_is_stopped() {
    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b' '; 8 << 20]).unwrap();
    let mut bomb = post("/v1/batch", gzip.finish().unwrap());
    bomb.headers
        .insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(World::development().send(bomb).status, 413);
}

#[test]
fn wrong_methods_paths_types_and_keys_have_their_codes() {
    let world = World::development();
    let check = |request, status, code: &str| {
        let reply = world.send(request);
        assert_eq!((reply.status, reply.code()), (status, code));
    };
    check(request("GET", TRACK), 405, "method_not_allowed");
    check(
        request("DELETE", "/api/intelligence/bundle"),
        405,
        "method_not_allowed",
    );
    check(request("GET", "/v1/batch"), 405, "method_not_allowed");
    check(request("GET", "/nowhere"), 404, "not_found");
    check(request("POST", "/v1/nothing"), 404, "not_found");
    let mut xml = post(TRACK, b"<a/>".to_vec());
    xml.headers
        .insert("content-type", "application/xml".parse().unwrap());
    check(xml, 415, "unsupported_media_type");
    for key in ["nonsense", "ff_pk_0000000000000000000000000000000000000000"] {
        let mut keyed = post(TRACK, b"{}".to_vec());
        keyed.headers.insert("x-api-key", key.parse().unwrap());
        check(keyed, 401, "invalid_key");
    }
}

#[test]
fn development_answers_this_machine_only() {
    let mut outside = request("GET", "/health");
    outside.peer = "192.0.2.1".parse().ok();
    let reply = World::development().send(outside.clone());
    assert_eq!((reply.status, reply.code()), (403, "development_only"));
    assert_eq!(World::production().send(outside).status, 200);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_give_a_server_error(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        route in prop_oneof![Just(TRACK), Just("/v1/batch"), Just("/v1/track"), Just("/v1/alias"),
            Just("/api/intelligence/bundle-status-update"), Just("/internal/push"), Just("/internal/flush")],
    ) {
        let reply = World::development().send(post(route, body));
        prop_assert!(reply.status < 500, "{} {}", route, reply.status);
    }

    #[test]
    fn arbitrary_messages_never_give_a_server_error(text in "\\PC{0,60}", kind in "[a-z]{0,9}", deep in 0usize..200) {
        let nested = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
        let body = format!(r#"{{"batch":[{{"type":"{kind}","userId":{0},"event":{0},"properties":{{"a":{nested}}}}}]}}"#,
            serde_json::to_string(&text).unwrap());
        let reply = World::development().send(post("/v1/batch", body.into_bytes()));
        prop_assert!(reply.status < 500);
    }
}

#[test]
fn a_batchs_context_is_bounded_since_each_message_gets_a_copy() {
    use serde_json::json;
    let world = World::development();
    let batch = |context: serde_json::Value| {
        let messages = vec![json!({"type": "page", "userId": "u"}); 500];
        world.post("/v1/batch", &json!({"batch": messages, "context": context}))
    };
    assert_eq!(batch(json!({"library": {"name": "x"}})).status, 200);
    assert_eq!(batch(json!(null)).status, 200);
    for wrong in [json!({"pad": "x".repeat(9000)}), json!("text"), json!([])] {
        let reply = batch(wrong);
        assert_eq!((reply.status, reply.code()), (400, "invalid_field"));
        assert_eq!(reply.json["details"]["field"], "context");
    }
}

#[test]
fn a_journeys_broken_fields_are_named() {
    let world = World::development();
    let start = "/api/journey/sessions/start";
    let begun = world.send(post(start, br#"{"sessionId": "s"}"#.to_vec()));
    assert_eq!(begun.status, 200);
    let touch = "/api/journey/touchpoints/track";
    let convert = "/api/journey/conversions/track";
    let optimize = "/api/journey/optimize";
    let long = format!(r#"{{"sessionId": "{}"}}"#, "x".repeat(129));
    for (path, body, field) in [
        (start, r#"{"sessionId": 5}"#, "sessionId"),
        (start, r#"{"sessionId": "  "}"#, "sessionId"),
        (start, r#"{"sessionId": "a\u0000"}"#, "sessionId"),
        (start, long.as_str(), "sessionId"),
        (
            start,
            r#"{"sessionId": "s", "persona": {"type": "a", "confidence": 1.5}}"#,
            "persona.confidence",
        ),
        (
            start,
            r#"{"sessionId": "s", "intentSignals": {"purchase_intent": -0.1}}"#,
            "intentSignals.purchase_intent",
        ),
        (
            touch,
            r#"{"sessionId": "s", "touchpoint": {"type": 7}}"#,
            "touchpoint.type",
        ),
        (
            touch,
            r#"{"sessionId": "s", "touchpoint": {"type": "a", "interactionData": {"interactionDuration": 1e9}}}"#,
            "touchpoint.interactionData.interactionDuration",
        ),
        (
            touch,
            r#"{"sessionId": "s", "touchpoint": {"type": "a", "interactionData": {"b": "\u0000"}}}"#,
            "touchpoint.interactionData",
        ),
        (
            convert,
            r#"{"sessionId": "s", "conversionEvent": {"type": "a", "value": -5}}"#,
            "conversionEvent.value",
        ),
        (
            optimize,
            r#"{"sessionId": "s", "optimizationType": "magic"}"#,
            "optimizationType",
        ),
        (
            optimize,
            r#"{"sessionId": "s", "optimizationType": "layout_optimization", "contextualConstraints": {"deviceLimitations": [7]}}"#,
            "contextualConstraints.deviceLimitations[0]",
        ),
    ] {
        check(
            &world,
            path,
            body.as_bytes(),
            400,
            "invalid_field",
            Some(field),
        );
    }
}
