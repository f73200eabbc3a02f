//! What every platform must honour; each platform's tests call [`check`] with its own capabilities.

use footfall_shared::id::{EventId, ShopId};
use footfall_shared::time::UtcMillis;

use crate::cache::{self, Entry};
use crate::platform::{Cache, Outbox, Platform, QueuedEvent};

/// Runs the whole suite; it panics at the first promise that is broken.
pub async fn check<P: Platform>(platform: &P) {
    a_value_reads_back_and_a_missing_one_is_none(platform.cache()).await;
    an_older_push_never_replaces_a_newer_one(platform.cache()).await;
    an_id_waits_once_and_goes_when_it_is_settled(platform.outbox()).await;
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

    outbox
        .settle(&[first[0].handle, 987_654_321])
        .await
        .unwrap();
    assert_eq!(outbox.pending().await.unwrap(), 2);
    assert_eq!(
        outbox.append(&batch[..1]).await.unwrap(),
        [0].into(),
        "a settled id is new again"
    );
    let rest: Vec<i64> = outbox
        .peek(9)
        .await
        .unwrap()
        .iter()
        .map(|event| event.handle)
        .collect();
    outbox.settle(&rest).await.unwrap();
    assert_eq!(outbox.pending().await.unwrap(), 0);
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
