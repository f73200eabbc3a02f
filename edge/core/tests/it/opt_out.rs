use serde_json::{Value, json};

use crate::support::{ANONYMOUS, EMAIL, Reply, World, entry, link, post, publishable};
use footfall_shared::identity::Trust;

const TRACK: &str = "/api/intelligence/track-customer";

/// Every way in which a page tells of its visitor.
fn tell(world: &World, header: &'static str) -> Vec<Reply> {
    let message = json!({"type": "page", "messageId": "m", "anonymousId": ANONYMOUS,
        "context": {"fingerprint": "raw-print"}});
    let track = json!({"email": EMAIL, "fingerprint": "raw-print", "anonymous_id": ANONYMOUS});
    let calls: [(&str, Value); 4] = [
        (TRACK, track),
        (
            TRACK,
            json!({"fingerprint": "raw-print", "event_type": "bundle_viewed"}),
        ),
        ("/v1/batch", json!({"batch": [message]})),
        ("/v1/page", message),
    ];
    let send = |(path, mut body): (&str, Value)| {
        body["writeKey"] = json!(publishable());
        let mut request = post(path, body.to_string().into_bytes());
        request.headers.insert(header, "1".parse().unwrap());
        world.send(request)
    };
    calls.into_iter().map(send).collect()
}

#[test]
fn of_a_visitor_who_asks_not_to_be_tracked_nothing_is_stored() {
    for header in ["dnt", "sec-gpc"] {
        let world = World::production().knows(entry(30, 7));
        let replies = tell(&world, header);
        let stranger = json!({"success": true, "tracked": null, "profile": null});
        assert_eq!((replies[0].status, &replies[0].json), (200, &stranger));
        assert_eq!(replies[1].json, stranger);
        for reply in &replies[2..] {
            let result = &reply.json["results"][0];
            assert_eq!(
                (reply.status, &result["status"]),
                (200, &json!("dropped")),
                "{header}"
            );
            assert_eq!(result["messageId"], "m", "so that the sender forgets it");
        }
        assert!(world.edge.outbox.waiting().is_empty());
        let kept = world.edge.cache.dump();
        for kind in ["/fingerprint/", "/browser/", "/ip/"] {
            assert!(!kept.contains(kind), "{header}: {kept}");
        }
    }
}

#[test]
fn nor_is_such_a_visitor_recognized() {
    let world = World::production()
        .knows(entry(30, 7))
        .recognizes("browser", link(Trust::Verified, 1));
    let target = format!(
        "/api/intelligence/bundle?fingerprint=f&anonymous_id={ANONYMOUS}&key={}",
        publishable()
    );
    let mut request = footfall_edge::memory::request("GET", &target);
    request.headers.insert("sec-gpc", "1".parse().unwrap());
    assert_eq!(world.send(request).code(), "fingerprint_not_found");
}

#[test]
fn whoever_says_nothing_or_no_is_tracked() {
    let world = World::production().knows(entry(30, 7));
    let body = json!({"fingerprint": "f", "email": EMAIL, "writeKey": publishable()});
    let mut request = post(TRACK, body.to_string().into_bytes());
    request.headers.insert("dnt", "0".parse().unwrap());
    assert_eq!(world.send(request).json["tracked"]["customer_email"], EMAIL);
    assert_eq!(world.edge.outbox.waiting().len(), 1);
}
