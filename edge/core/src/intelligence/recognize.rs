//! Recognizing a device: who was seen with this fingerprint, else at this address.

use footfall_shared::event::Device;
use footfall_shared::id::ShopId;
use footfall_shared::identity::{EmailHash, Trust};
use footfall_shared::intelligence::track;
use footfall_shared::wire::internal::{DeviceLink, RecognizeDevice, Recognized, path};

use crate::cache::{self, Entry, key};
use crate::origin::ask;
use crate::platform::{OriginUnreachable, Platform};
use crate::trace::Trace;

/// Who was seen on the device. Both answers of the origin are remembered, the negative ones too.
pub(crate) async fn recognize<P: Platform>(
    platform: &P,
    trace: &Trace,
    shop: &ShopId,
    device: &Device,
) -> Result<Option<DeviceLink>, OriginUnreachable> {
    let by_fingerprint = match &device.fingerprint {
        Some(print) => held(platform, trace, &key::fingerprint(shop, print)).await,
        None => Some(None),
    };
    if let Some(Some(link)) = by_fingerprint {
        return Ok(Some(link));
    }
    let by_address = match &device.ip {
        Some(ip) => held(platform, trace, &key::address(shop, ip)).await,
        None => Some(None),
    };
    if let (Some(_), Some(link)) = (by_fingerprint, by_address) {
        return Ok(link.map(as_address));
    }
    let question = RecognizeDevice {
        shop: shop.clone(),
        fingerprint: device.fingerprint.clone(),
        ip: device.ip.clone(),
    };
    let answer: Recognized = ask(platform, trace, path::RECOGNIZE, &question).await?;
    remember(platform, shop, device, &answer).await;
    Ok(answer.fingerprint.or(answer.ip.map(as_address)))
}

/// Keeps the link that a request just made, until the origin's own word arrives.
pub(crate) async fn learn<P: Platform>(
    platform: &P,
    shop: &ShopId,
    device: &Device,
    email_hash: &EmailHash,
    trust: Trust,
) {
    let keys = [
        device
            .fingerprint
            .as_ref()
            .map(|print| (key::fingerprint(shop, print), trust)),
        device
            .ip
            .as_ref()
            .map(|ip| (key::address(shop, ip), Trust::Address)),
    ];
    for (key, trust) in keys.into_iter().flatten() {
        let held = cache::get::<DeviceLink>(platform.cache(), &key)
            .await
            .and_then(|entry| entry.value);
        if held
            .as_ref()
            .is_some_and(|held| !track::replaces(held.trust, trust))
        {
            continue;
        }
        let version = held.map_or(0, |held| held.version);
        let link = DeviceLink {
            email_hash: email_hash.clone(),
            trust,
            version,
        };
        let entry = Entry::fresh(version, Some(link), platform.now());
        cache::put_local(platform.cache(), &key, &entry).await;
    }
}

/// What the cache says of a key: `None` where it must be asked, `Some(None)` where nobody was seen.
async fn held<P: Platform>(platform: &P, trace: &Trace, key: &str) -> Option<Option<DeviceLink>> {
    let now = platform.now();
    let entry = cache::get::<DeviceLink>(platform.cache(), key).await;
    let entry = entry.filter(|entry| entry.is_fresh(now));
    trace.cache(entry.is_some());
    entry.map(|entry| entry.value)
}

async fn remember<P: Platform>(platform: &P, shop: &ShopId, device: &Device, answer: &Recognized) {
    let now = platform.now();
    let entry = |link: &Option<DeviceLink>| {
        Entry::fresh(
            link.as_ref().map_or(0, |link| link.version),
            link.clone(),
            now,
        )
    };
    if let Some(print) = &device.fingerprint {
        let key = key::fingerprint(shop, print);
        cache::put_fetched(platform.cache(), &key, &entry(&answer.fingerprint)).await;
    }
    if let Some(ip) = &device.ip {
        cache::put_fetched(
            platform.cache(),
            &key::address(shop, ip),
            &entry(&answer.ip),
        )
        .await;
    }
}

/// An address alone never says more than [`Trust::Address`].
fn as_address(link: DeviceLink) -> DeviceLink {
    DeviceLink {
        trust: Trust::Address,
        ..link
    }
}
