//! `POST /internal/push`: the origin's changes, taken into the cache by version.

use footfall_shared::time::UtcMillis;
use footfall_shared::wire::internal::{Change, Push};
use http::StatusCode;
use serde_json::json;

use crate::cache::{self, Entry, key};
use crate::error::EdgeError;
use crate::guard;
use crate::http::{Request, Response};
use crate::platform::Platform;

pub(crate) async fn push<P: Platform>(
    platform: &P,
    request: &Request,
) -> Result<Response, EdgeError> {
    let push: Push = guard::signed(platform, request)?;
    let taken = push.changes.len();
    for change in push.changes {
        take(platform, change).await;
    }
    Ok(Response::json(
        StatusCode::OK,
        &json!({ "success": true, "taken": taken }),
    ))
}

async fn take<P: Platform>(platform: &P, change: Change) {
    let (cache, now) = (platform.cache(), platform.now());
    match change {
        Change::Customer {
            shop,
            email_hash,
            version,
            entry,
        } => {
            let entry = Entry::fresh(version, entry.map(|entry| *entry), now);
            cache::put_pushed(cache, &key::customer(&shop, &email_hash), &entry).await;
        }
        Change::Device {
            shop,
            key,
            version,
            link,
        } => {
            let entry = Entry::fresh(version, link, now);
            cache::put_pushed(cache, &key::device(&shop, &key), &entry).await;
        }
        Change::Key { key, version } => {
            platform.shops().clear();
            // Never fresh: the next request asks the origin anew.
            let entry = Entry::<footfall_shared::shop::ShopEntry> {
                version,
                until: UtcMillis::new(0),
                value: None,
            };
            cache::put_pushed(cache, &key::shop(&key), &entry).await;
        }
    }
}
