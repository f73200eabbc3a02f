//! `POST /internal/push`: the origin's changes, taken into the cache by version.

use footfall_shared::shop::ShopEntry;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::{Change, Push};
use http::StatusCode;
use serde_json::json;

use crate::cache::{self, Entry, key};
use crate::error::EdgeError;
use crate::guard;
use crate::http::{Request, Response};
use crate::platform::{Cache, Platform, Pushed};

pub(crate) async fn push<P: Platform>(
    platform: &P,
    request: &Request,
) -> Result<Response, EdgeError> {
    let push: Push = guard::signed(platform, request)?;
    let keys_changed = push.changes.iter().any(is_of_a_key);
    let now = platform.now();
    let changes: Vec<Pushed> = push
        .changes
        .into_iter()
        .map(|change| pushed(change, now))
        .collect();
    // What is not kept is not acknowledged: the origin sends it again.
    let kept = platform.cache().push(&changes).await;
    if keys_changed {
        platform.shops().clear();
    }
    kept.map_err(EdgeError::CacheFailed)?;
    Ok(Response::json(
        StatusCode::OK,
        &json!({ "success": true, "taken": changes.len() }),
    ))
}

fn is_of_a_key(change: &Change) -> bool {
    matches!(change, Change::Key { .. })
}

/// The entry that a change makes, and where it is kept.
fn pushed(change: Change, now: UtcMillis) -> Pushed {
    match change {
        Change::Customer {
            shop,
            email_hash,
            version,
            entry,
        } => {
            let entry = Entry::fresh(version, entry, now);
            cache::pushed(key::customer(&shop, &email_hash), &entry)
        }
        Change::Device {
            shop,
            key,
            version,
            link,
        } => {
            let entry = Entry::fresh(version, link, now);
            cache::pushed(key::device(&shop, &key), &entry)
        }
        Change::Key { key, version } => {
            // Never fresh: the next request asks the origin anew.
            let entry = Entry::<ShopEntry> {
                version,
                until: UtcMillis::new(0),
                value: None,
            };
            cache::pushed(key::shop(&key), &entry)
        }
    }
}
