use serde_json::json;

use crate::support::World;

fn fill(world: &World, count: usize) {
    let batch: Vec<_> = (0..count)
        .map(|id| json!({"type": "page", "messageId": id.to_string(), "userId": "u"}))
        .collect();
    assert_eq!(
        world.post("/v1/batch", &json!({"batch": batch})).status,
        200
    );
}

#[test]
fn a_flush_brings_everything_to_the_origin() {
    let world = World::development();
    fill(&world, 500);
    world.post("/v1/page", &json!({"messageId": "last", "userId": "u"}));
    let reply = world.flush();
    assert_eq!(reply.json, json!({"settled": 501, "pending": 0}));
    assert_eq!(world.origin.log.borrow().len(), 501);
}

#[test]
fn what_no_receipt_names_is_sent_again() {
    let world = World::development();
    fill(&world, 5);
    world.origin.settles.set(Some(2));
    assert_eq!(world.flush().json, json!({"settled": 5, "pending": 0}));
    assert_eq!(world.origin.log.borrow().len(), 5);
    world.origin.settles.set(Some(0));
    world.post("/v1/page", &json!({"messageId": "x", "userId": "u"}));
    assert_eq!(world.flush().json, json!({"settled": 0, "pending": 1}));
}

#[test]
fn an_origin_that_fails_is_left_alone_for_longer_and_longer() {
    let world = World::development();
    fill(&world, 1);
    world.origin.down.set(true);
    let mut waits = Vec::new();
    for _ in 0..8 {
        world.flush();
        let asked = world.asked();
        let mut waited = 0;
        while world.asked() == asked {
            world.later(50);
            waited += 50;
            world.flush();
        }
        waits.push(waited);
    }
    assert!(waits[0] >= 250 && waits[0] <= 1000, "{waits:?}");
    assert!(
        waits.last().unwrap() > &5_000 && waits.last().unwrap() <= &22_600,
        "{waits:?}"
    );
    world.origin.down.set(false);
    world.later(22_500);
    assert_eq!(world.flush().json, json!({"settled": 1, "pending": 0}));
}

#[test]
fn only_a_signed_call_flushes() {
    let world = World::development();
    let reply = world.post("/internal/flush", &json!({}));
    assert_eq!((reply.status, reply.code()), (401, "invalid_signature"));
}

#[test]
fn a_platform_that_wakes_by_itself_delivers_what_it_chose_and_settles_what_receipts_name() {
    use footfall_edge::outbox::{deliver, drain};
    use footfall_edge::platform::Outbox;
    use futures_executor::block_on;

    let world = World::development();
    fill(&world, 3);
    let waiting = block_on(world.edge.outbox.peek(2)).unwrap();
    let chosen: Vec<_> = waiting.iter().map(|event| event.handle).collect();
    let settled = block_on(deliver(&world.edge, waiting));
    let handles: Vec<i64> = settled.iter().map(|one| one.handle).collect();
    assert_eq!(handles, chosen);
    block_on(world.edge.outbox.settle(&settled)).unwrap();
    assert_eq!(block_on(drain(&world.edge)).unwrap(), 1);
    assert_eq!(world.origin.log.borrow().len(), 3);
}

#[test]
fn nothing_is_settled_of_what_the_origin_did_not_take() {
    use footfall_edge::outbox::deliver;
    use footfall_edge::platform::Outbox;
    use futures_executor::block_on;

    let world = World::development();
    fill(&world, 3);
    world.origin.down.set(true);
    let waiting = block_on(world.edge.outbox.peek(9)).unwrap();
    assert!(block_on(deliver(&world.edge, waiting)).is_empty());
}

#[test]
fn a_full_outbox_sheds_and_takes_again_when_the_origin_has_taken_some() {
    let world = World::development();
    world.edge.outbox.most.set(Some(3));
    fill(&world, 3);
    let page = json!({"messageId": "one more", "userId": "u"});
    let shed = world.post("/v1/page", &page);
    assert_eq!((shed.status, shed.code()), (503, "outbox_full"));
    assert_eq!(shed.header("retry-after"), Some("10"));
    world.flush();
    assert_eq!(world.post("/v1/page", &page).status, 200);
}

#[test]
fn the_ledger_tells_what_became_of_everything_that_was_accepted() {
    let world = World::development();
    fill(&world, 3);
    world.flush();
    world.post("/v1/page", &json!({"messageId": "waits", "userId": "u"}));
    assert_eq!(world.post("/internal/ledger", &json!({})).status, 401);
    let ledger = world.signed("/internal/ledger", &json!({})).json;
    assert!(ledger["outbox"].as_str().unwrap().starts_with("out_"));
    let expected = json!([{
        "shop": crate::support::shop(), "accepted": 4, "stored": 3, "duplicate": 0, "rejected": 0, "pending": 1,
    }]);
    assert_eq!(ledger["shops"], expected);
}
