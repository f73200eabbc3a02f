//! What every platform must honour; each platform's tests call [`check`] with its own capabilities.

use footfall_shared::event::{Device, Event, EventKind};
use footfall_shared::id::{EventId, ShopId};
use footfall_shared::journey::event::{Happening, Measured, Start, Touch};
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::{Lookups, ShopLedger, Verdict};

use crate::cache::{self, Entry};
use crate::journey::step::{Command, Outcome};
use crate::platform::{Cache, Limiter, Outbox, Platform, QueuedEvent, Sessions, Settled, Tally};

/// Runs the whole suite; it panics at the first promise that is broken.
pub async fn check<P: Platform>(platform: &P) {
    a_value_reads_back_and_a_missing_one_is_none(platform.cache()).await;
    an_older_push_never_replaces_a_newer_one(platform.cache()).await;
    a_removed_key_leaves_neither_entry_nor_floor(platform.cache()).await;
    an_id_waits_once_and_goes_when_it_is_settled(platform.outbox()).await;
    uses_are_counted_and_places_taken(platform.limiter()).await;
    look_ups_add_up(platform.tally()).await;
    a_session_goes_on_once_for_each_id(platform.sessions(), platform.outbox()).await;
    an_erased_session_leaves_nothing_but_its_events(platform).await;
    two_draws_of_entropy_differ(platform);
}

async fn a_value_reads_back_and_a_missing_one_is_none(cache: &impl Cache) {
    assert_eq!(cache.get("conformance/none").await.unwrap(), None);
    for value in [&b"\0\xffone"[..], b"", b"two"] {
        cache.put("conformance/key", value).await.unwrap();
        assert_eq!(
            cache.get("conformance/key").await.unwrap().as_deref(),
            Some(value)
        );
    }
}

async fn an_older_push_never_replaces_a_newer_one(cache: &impl Cache) {
    let key = "conformance/pushed";
    let push = |version: i64| {
        let entry = Entry::fresh(version, Some(version), UtcMillis::new(0));
        cache::pushed(key.to_owned(), &entry)
    };
    let newest = push(3);
    cache.push(&[push(2), newest.clone()]).await.unwrap();
    cache.push(&[push(1)]).await.unwrap();
    assert_eq!(cache.get(key).await.unwrap(), Some(newest.entry));
    assert_eq!(cache.floor(key).await.unwrap(), Some(3));
    assert_eq!(cache.floor("conformance/none").await.unwrap(), None);
}

async fn a_removed_key_leaves_neither_entry_nor_floor(cache: &impl Cache) {
    let key = "conformance/removed";
    let gone = Entry::<i64>::fresh(7, None, UtcMillis::new(0));
    let pushed = [cache::pushed(key.to_owned(), &gone)];
    cache.push(&pushed).await.unwrap();
    assert_eq!(cache.floor(key).await.unwrap(), Some(7));
    // What is sent again after it was done changes nothing.
    for _ in 0..2 {
        cache.remove(key).await.unwrap();
        assert_eq!(cache.get(key).await.unwrap(), None);
        assert_eq!(cache.floor(key).await.unwrap(), None);
        let beside = cache.get(&cache::floor_key(key)).await.unwrap();
        assert_eq!(beside, None);
    }
}

async fn an_id_waits_once_and_goes_when_it_is_settled(outbox: &impl Outbox) {
    let event = |shop: u8, id: &str| QueuedEvent {
        shop: ShopId::generate(UtcMillis::new(0), [shop; 10]),
        id: EventId::parse(id).unwrap(),
        json: format!("{{\"quote\":\"'\\\"\",\"id\":\"{id}\"}}"),
    };
    let batch = [event(1, "a"), event(1, "b"), event(1, "a"), event(2, "a")];
    assert_eq!(outbox.append(&batch).await.unwrap(), [0, 1, 3].into());
    assert!(outbox.append(&batch[..2]).await.unwrap().is_empty());
    assert_eq!(outbox.pending().await.unwrap(), 3);

    let first = outbox.peek(2).await.unwrap();
    let texts: Vec<&str> = first.iter().map(|event| event.json.as_str()).collect();
    assert_eq!(
        texts,
        [&batch[0].json, &batch[1].json],
        "the longest waiting come first, unchanged"
    );
    assert_eq!(
        outbox.peek(2).await.unwrap(),
        first,
        "a peek takes nothing away"
    );

    let settled = |handle, verdict| Settled { handle, verdict };
    let unknown = settled(987_654_321, Verdict::Appended);
    let told = [settled(first[0].handle, Verdict::Duplicate), unknown];
    outbox.settle(&told).await.unwrap();
    assert_eq!(outbox.pending().await.unwrap(), 2);
    assert_eq!(
        outbox.append(&batch[..1]).await.unwrap(),
        [0].into(),
        "a settled id is new again"
    );
    let ledger = |shop: u8, accepted, stored, duplicate, pending| ShopLedger {
        accepted,
        stored,
        duplicate,
        pending,
        ..ShopLedger::empty(ShopId::generate(UtcMillis::new(0), [shop; 10]))
    };
    let mut shops = outbox.ledger().await.unwrap();
    shops.sort_by(|one, other| one.shop.cmp(&other.shop));
    assert_eq!(shops, [ledger(1, 3, 0, 1, 2), ledger(2, 1, 0, 0, 1)]);
    assert!(shops.iter().all(ShopLedger::balances));

    let rest = outbox.peek(9).await.unwrap();
    let rest: Vec<Settled> = rest
        .iter()
        .map(|event| settled(event.handle, Verdict::Appended))
        .collect();
    // A receipt that comes twice counts once.
    outbox.settle(&rest).await.unwrap();
    outbox.settle(&rest).await.unwrap();
    assert_eq!(outbox.pending().await.unwrap(), 0);
    let mut shops = outbox.ledger().await.unwrap();
    shops.sort_by(|one, other| one.shop.cmp(&other.shop));
    assert_eq!(shops, [ledger(1, 3, 2, 1, 0), ledger(2, 1, 1, 0, 0)]);
    assert_eq!(outbox.id().await.unwrap(), outbox.id().await.unwrap());
}

async fn uses_are_counted_and_places_taken(limiter: &impl Limiter) {
    let (early, late) = (UtcMillis::new(1000), UtcMillis::new(2000));
    for expected in 1..=3 {
        assert_eq!(limiter.hit("conformance/a", early).await.unwrap(), expected);
    }
    assert_eq!(limiter.hit("conformance/b", late).await.unwrap(), 1);
    for (member, admitted) in [
        ("x", true),
        ("y", true),
        ("z", false),
        ("x", true),
        ("z", false),
    ] {
        let answer = limiter.admit("conformance/c", member, 2, late).await;
        assert_eq!(answer.unwrap(), admitted, "{member}");
    }
    limiter.sweep(UtcMillis::new(1500)).await.unwrap();
    assert_eq!(
        limiter.hit("conformance/a", early).await.unwrap(),
        1,
        "ended"
    );
    assert_eq!(limiter.hit("conformance/b", late).await.unwrap(), 2);
    let answer = limiter.admit("conformance/c", "z", 2, late).await;
    assert!(!answer.unwrap());
}

async fn look_ups_add_up(tally: &impl Tally) {
    let before = tally.total().await.unwrap();
    for (hits, misses) in [(3, 1), (0, 2)] {
        tally.add(Lookups { hits, misses }).await.unwrap();
    }
    let added = Lookups { hits: 3, misses: 3 };
    assert_eq!(tally.total().await.unwrap(), before.plus(added));
}

async fn a_session_goes_on_once_for_each_id(sessions: &impl Sessions, outbox: &impl Outbox) {
    let shop = ShopId::generate(UtcMillis::new(0), [3; 10]);
    let begun = UtcMillis::new(1_790_000_000_000);
    let command =
        |session: &str, id: &str, what: Happening| command(&shop, begun, session, id, what);
    let unknown = sessions
        .step(&command("s'1", "t0", touch("a")))
        .await
        .unwrap();
    assert_eq!(unknown, Outcome::Unknown, "only a start makes a session");
    assert_eq!(sessions.read(&shop, "s'1").await.unwrap(), None);
    for (session, id, what) in [
        ("s'1", "c1", start()),
        ("s'1", "c2", touch("a")),
        ("other", "c3", start()),
        ("s'1", "c4", touch("b")),
    ] {
        let outcome = sessions.step(&command(session, id, what)).await.unwrap();
        assert!(
            matches!(outcome, Outcome::Stepped { .. }),
            "{id}: {outcome:?}"
        );
    }
    let again = sessions
        .step(&command("s'1", "c2", touch("a")))
        .await
        .unwrap();
    let held = sessions.read(&shop, "s'1").await.unwrap().unwrap();
    assert_eq!(
        again,
        Outcome::Same(Box::new(held.clone())),
        "an id steps once"
    );
    assert_eq!((held.seq, held.touchpoints), (3, 2));
    let other = sessions.read(&shop, "other").await.unwrap().unwrap();
    assert_eq!(other.seq, 1, "sessions are apart");
    let waiting = outbox.peek(99).await.unwrap();
    let told = waiting
        .iter()
        .filter(|event| event.json.contains(shop.as_str()));
    assert_eq!(
        told.count(),
        4,
        "each step is told to the log, and told once"
    );
    settle_all(outbox).await;
    sessions.forget(begun).await.unwrap();
    assert!(sessions.read(&shop, "other").await.unwrap().is_some());
}

async fn an_erased_session_leaves_nothing_but_its_events(platform: &impl Platform) {
    let (sessions, outbox) = (platform.sessions(), platform.outbox());
    let shop = ShopId::generate(UtcMillis::new(0), [4; 10]);
    let now = platform.now();
    let command = |session: &str, id: &str, what: Happening| command(&shop, now, session, id, what);
    sessions
        .step(&command("kept", "k1", start()))
        .await
        .unwrap();
    // The second round tells that the ids of the first are gone, too.
    for round in 1..=2 {
        for (id, what) in [("e1", start()), ("e2", touch("a"))] {
            let outcome = sessions.step(&command("erased", id, what)).await.unwrap();
            assert!(
                matches!(outcome, Outcome::Stepped { .. }),
                "{round} {id}: {outcome:?}"
            );
        }
        let held = sessions.read(&shop, "erased").await.unwrap().unwrap();
        assert_eq!(held.seq, 2, "it begins anew");
        sessions.erase(&shop, "erased").await.unwrap();
        assert_eq!(sessions.read(&shop, "erased").await.unwrap(), None);
    }
    sessions.erase(&shop, "erased").await.unwrap();
    let late = command("erased", "e3", touch("a"));
    assert_eq!(sessions.step(&late).await.unwrap(), Outcome::Unknown);
    assert!(sessions.read(&shop, "kept").await.unwrap().is_some());
    let waiting = outbox.peek(99).await.unwrap();
    let told = waiting
        .iter()
        .filter(|event| event.json.contains(shop.as_str()));
    assert_eq!(told.count(), 3, "the events still go to the log");
    settle_all(outbox).await;
}

/// Something that happens in a session.
fn command(shop: &ShopId, at: UtcMillis, session: &str, id: &str, what: Happening) -> Command {
    Command {
        event: Event {
            shop: shop.clone(),
            id: EventId::parse(id).unwrap(),
            kind: EventKind::Journey,
            name: None,
            at,
            received_at: at,
            anonymous_id: None,
            user_id: None,
            session_id: Some(session.to_owned()),
            email: None,
            trust: None,
            device: Device::default(),
            body: serde_json::Map::new(),
        },
        what,
        idle_ms: 60_000,
    }
}

fn start() -> Happening {
    Happening::Started(Start::default())
}

fn touch(kind: &str) -> Happening {
    Happening::Touchpoint(Touch {
        kind: kind.to_owned(),
        page: None,
        interacted: false,
        measured: Measured::default(),
    })
}

/// Empties the outbox, as receipts would.
async fn settle_all(outbox: &impl Outbox) {
    let waiting = outbox.peek(99).await.unwrap();
    let all: Vec<Settled> = waiting
        .iter()
        .map(|event| Settled {
            handle: event.handle,
            verdict: Verdict::Appended,
        })
        .collect();
    outbox.settle(&all).await.unwrap();
}

fn two_draws_of_entropy_differ(platform: &impl Platform) {
    assert_ne!(platform.entropy(), platform.entropy());
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_memory_platform_conforms() {
        let platform = crate::memory::Memory::new("production", super::UtcMillis::new(0), |_| None);
        futures_executor::block_on(super::check(&platform));
    }
}
