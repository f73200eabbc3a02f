//! `POST /internal/push`: the origin's changes, taken into the cache by version.
//!
//! What was pushed is kept as the text that it came as ([`Change`] tells how the origin writes it): whoever reads it
//! from the cache parses it, and an entry that this release cannot read counts as none.
//!
//! An erased person is taken back in two phases. A change without an entry beats the fetches that are on their way, by
//! the floor that it leaves behind. About a minute later `forget` removes entry and floor, so that no key names the
//! person any more (`an_erased_customer_leaves_no_key_behind`).
//!
//! [`Change`]: footfall_shared::wire::internal::Change

use footfall_shared::id::ShopId;
use footfall_shared::identity::{DeviceKey, EmailHash};
use footfall_shared::time::UtcMillis;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::cache::{self, Entry, key};
use crate::error::EdgeError;
use crate::guard;
use crate::http::{Request, Response};
use crate::intelligence::recommendations::LIST_FRESH_MS;
use crate::journey::KIT_FRESH_MS;
use crate::platform::{Cache, Platform, Pushed, Sessions};

/// The kind of change that removes a key.
const FORGET: &str = "forget";

/// A push, its entries not looked into.
#[derive(Deserialize)]
struct Push<'a> {
    #[serde(borrow)]
    changes: Vec<Told<'a>>,
}

/// A change of any kind: which fields it has depends on it.
#[derive(Deserialize)]
struct Told<'a> {
    kind: &'a str,
    version: i64,
    shop: Option<ShopId>,
    email_hash: Option<EmailHash>,
    #[serde(borrow)]
    key: Option<&'a RawValue>,
    #[serde(borrow)]
    entry: Option<&'a RawValue>,
    #[serde(borrow)]
    link: Option<&'a RawValue>,
}

pub(crate) async fn push<P: Platform>(
    platform: &P,
    request: &Request,
) -> Result<Response, EdgeError> {
    let push: Push<'_> = guard::signed(platform, request)?;
    let now = platform.now();
    let entries = push.changes.iter().filter(|told| told.kind != FORGET);
    let changes: Option<Vec<Pushed>> = entries.map(|told| pushed(told, now)).collect();
    let changes = changes.ok_or_else(lacking)?;
    // What is not kept is not acknowledged: the origin sends it again.
    let kept = platform.cache().push(&changes).await;
    if push.changes.iter().any(|told| told.kind == "key") {
        platform.shops().clear();
    }
    if push.changes.iter().any(|told| told.kind == "kit") {
        platform.kits().clear();
    }
    kept.map_err(EdgeError::CacheFailed)?;
    // Last, so that nothing in this push leaves a floor where one was removed.
    for told in push.changes.iter().filter(|told| told.kind == FORGET) {
        forget(platform, told).await?;
    }
    Ok(Response::json(
        StatusCode::OK,
        &json!({ "success": true, "taken": push.changes.len() }),
    ))
}

/// Removes an entry and its floor, or a session. A key lies in its shop's namespace because it begins with the shop.
async fn forget<P: Platform>(platform: &P, told: &Told<'_>) -> Result<(), EdgeError> {
    let shop = told.shop.as_ref().ok_or_else(lacking)?;
    let name = text_key(told).filter(|name| !name.is_empty());
    let name = name.ok_or_else(lacking)?;
    if let Some(session) = name.strip_prefix("session/") {
        let erased = platform.sessions().erase(shop, session).await;
        return erased.map_err(EdgeError::SessionsFailed);
    }
    let removed = platform.cache().remove(&key::of_shop(shop, &name)).await;
    removed.map_err(EdgeError::CacheFailed)
}

fn lacking() -> EdgeError {
    EdgeError::InvalidBody("a change lacks a field".to_owned())
}

/// The key of a change whose key is a text.
fn text_key(told: &Told<'_>) -> Option<String> {
    serde_json::from_slice(told.key?.get().as_bytes()).ok()
}

/// The entry that a change makes, and where it is kept; `None` where it is no change.
fn pushed(told: &Told<'_>, now: UtcMillis) -> Option<Pushed> {
    let version = told.version;
    Some(match told.kind {
        "customer" => {
            let key = key::customer(told.shop.as_ref()?, told.email_hash.as_ref()?);
            cache::pushed(key, &Entry::fresh(version, told.entry, now))
        }
        "recommendations" => {
            let key = key::recommendations(told.shop.as_ref()?, told.email_hash.as_ref());
            let mut entry = Entry::fresh(version, told.entry, now);
            entry.until = now.plus(LIST_FRESH_MS);
            cache::pushed(key, &entry)
        }
        "device" => {
            let device: DeviceKey = serde_json::from_slice(told.key?.get().as_bytes()).ok()?;
            let key = key::device(told.shop.as_ref()?, &device);
            cache::pushed(key, &Entry::fresh(version, told.link, now))
        }
        "kit" => {
            let key = key::kit(told.shop.as_ref()?);
            let mut entry = Entry::fresh(version, told.entry, now);
            entry.until = now.plus(KIT_FRESH_MS);
            cache::pushed(key, &entry)
        }
        "key" => {
            let name = text_key(told)?;
            // Never fresh: the next request asks the origin anew.
            let entry = Entry::<&RawValue> {
                version,
                until: UtcMillis::new(0),
                value: None,
            };
            cache::pushed(key::shop(&name), &entry)
        }
        _ => return None,
    })
}
