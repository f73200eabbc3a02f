//! A customer's entry: from the cache, else from the origin, which is asked once.

use footfall_shared::id::ShopId;
use footfall_shared::identity::EmailHash;
use footfall_shared::wire::internal::{CustomerEntry, CustomerKey, path};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cache::{self, Entry, key};
use crate::origin::ask;
use crate::platform::{OriginUnreachable, Platform};
use crate::trace::Trace;

/// The customer's entry; `None` where the origin knows no such customer, which is remembered too.
pub(crate) async fn find<P: Platform>(
    platform: &P,
    trace: &Trace,
    shop: &ShopId,
    email_hash: &EmailHash,
) -> Result<Option<CustomerEntry>, OriginUnreachable> {
    let key = key::customer(shop, email_hash);
    let now = platform.now();
    let held = cache::get::<CustomerEntry>(platform.cache(), &key).await;
    if let Some(entry) = held.filter(|entry| entry.is_fresh(now)) {
        trace.cache(true);
        return Ok(entry.value);
    }
    trace.cache(false);
    fetch(platform, trace, path::CUSTOMER_ENTRY, shop, email_hash).await
}

/// Asks the origin to make the offer that is due; its answer is the new entry.
pub(crate) async fn ensure_offer<P: Platform>(
    platform: &P,
    trace: &Trace,
    shop: &ShopId,
    email_hash: &EmailHash,
) -> Result<Option<CustomerEntry>, OriginUnreachable> {
    fetch(platform, trace, path::ENSURE_OFFER, shop, email_hash).await
}

async fn fetch<P: Platform>(
    platform: &P,
    trace: &Trace,
    path: &'static str,
    shop: &ShopId,
    email_hash: &EmailHash,
) -> Result<Option<CustomerEntry>, OriginUnreachable> {
    let question = CustomerKey {
        shop: shop.clone(),
        email_hash: email_hash.clone(),
    };
    let Reply { entry: text } = ask(platform, trace, path, &question).await?;
    let entry = text
        .as_ref()
        .map(|text| serde_json::from_slice::<CustomerEntry>(text.get().as_bytes()));
    let entry = entry
        .transpose()
        .map_err(|fault| OriginUnreachable(format!("{path} answered unreadably: {fault}")))?;
    let version = entry.as_ref().map_or(0, |entry| entry.version);
    // It is kept as it came.
    let kept = Entry::fresh(version, text, platform.now());
    cache::put_fetched(platform.cache(), &key::customer(shop, email_hash), &kept).await;
    Ok(entry)
}

/// A [`CustomerReply`] whose entry is not looked into.
///
/// [`CustomerReply`]: footfall_shared::wire::internal::CustomerReply
#[derive(Deserialize)]
struct Reply {
    entry: Option<Box<RawValue>>,
}
