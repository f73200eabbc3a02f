//! Recognizing a device: whom its keys stand for, the strongest first.

use footfall_shared::id::ShopId;
use footfall_shared::identity::{DeviceKey, EmailHash, Trust};
use footfall_shared::intelligence::Owner;
use footfall_shared::wire::internal::{DeviceLink, RecognizeDevice, Recognized, path};

use crate::cache::{self, Entry, key};
use crate::origin::ask;
use crate::platform::{OriginUnreachable, Platform};
use crate::trace::Trace;

/// Whom a request is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) email_hash: EmailHash,
    pub(crate) trust: Trust,
}

/// Who was seen on the device. The origin is asked once about a key that is not held; its answers are
/// remembered, the negative ones too.
pub(crate) async fn recognize<P: Platform>(
    platform: &P,
    trace: &Trace,
    shop: &ShopId,
    keys: &[DeviceKey],
) -> Result<Option<Person>, OriginUnreachable> {
    for key in keys {
        match held(platform, trace, shop, key).await {
            Some(Some(link)) => return Ok(person(key, &link)),
            Some(None) => {}
            None => return ask_origin(platform, trace, shop, keys).await,
        }
    }
    Ok(None)
}

async fn ask_origin<P: Platform>(
    platform: &P,
    trace: &Trace,
    shop: &ShopId,
    keys: &[DeviceKey],
) -> Result<Option<Person>, OriginUnreachable> {
    let question = RecognizeDevice {
        shop: shop.clone(),
        keys: keys.to_vec(),
    };
    let answer: Recognized = ask(platform, trace, path::RECOGNIZE, &question).await?;
    let mut found = None;
    for (key, link) in keys.iter().zip(answer.links) {
        if let (None, Some(link)) = (&found, &link) {
            found = Some(person(key, link));
        }
        let version = link.as_ref().map_or(0, |link| link.version);
        let entry = Entry::fresh(version, link, platform.now());
        cache::put_fetched(platform.cache(), &key::device(shop, key), &entry).await;
    }
    Ok(found.flatten())
}

/// A key that two people share recognizes nobody, and hides what a weaker key would say.
fn person(key: &DeviceKey, link: &DeviceLink) -> Option<Person> {
    let (email_hash, trust) = link.owner.recognized_by(key)?;
    Some(Person {
        email_hash: email_hash.clone(),
        trust,
    })
}

/// Keeps the links that a request just made, until the origin's own word arrives.
pub(crate) async fn learn<P: Platform>(
    platform: &P,
    shop: &ShopId,
    keys: &[DeviceKey],
    person: &Person,
) {
    for key in keys {
        let name = key::device(shop, key);
        let held = cache::get::<DeviceLink>(platform.cache(), &name)
            .await
            .and_then(|entry| entry.value);
        let version = held.as_ref().map_or(0, |held| held.version);
        let held = held.map(|held| held.owner);
        let owner = Owner::after(held.clone(), &person.email_hash, person.trust);
        if held.as_ref() != Some(&owner) {
            let entry = Entry::fresh(version, Some(DeviceLink { owner, version }), platform.now());
            cache::put_local(platform.cache(), &name, &entry).await;
        }
    }
}

/// What the cache says of a key: `None` where it must be asked, `Some(None)` where nobody was seen.
async fn held<P: Platform>(
    platform: &P,
    trace: &Trace,
    shop: &ShopId,
    key: &DeviceKey,
) -> Option<Option<DeviceLink>> {
    let now = platform.now();
    let entry = cache::get::<DeviceLink>(platform.cache(), &key::device(shop, key)).await;
    let entry = entry.filter(|entry| entry.is_fresh(now));
    trace.cache(entry.is_some());
    entry.map(|entry| entry.value)
}
