//! The static files that the edge serves: the tracker and the demo shop.
//!
//! `t.js` is built from `edge/tracker` before this crate is compiled (`make tracker`).

use footfall_shared::text::hex;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use sha2::{Digest, Sha256};

use crate::error::EdgeError;
use crate::http::{Request, Response};
use crate::platform::Platform;

const TRACKER: &str = include_str!("../../tracker/dist/t.js");
const DEMO: &str = include_str!("../../demo/index.html");

/// The tracker: an hour without asking, a week while asking in the background, then by its ETag.
pub(crate) fn tracker(request: &Request) -> Response {
    let etag = format!("\"{}\"", &hex(&Sha256::digest(TRACKER.as_bytes()))[..16]);
    let known = request
        .header("if-none-match")
        .is_some_and(|tags| tags.contains(&etag));
    let response = if known {
        Response::empty(StatusCode::NOT_MODIFIED)
    } else {
        let mut response =
            Response::empty(StatusCode::OK).with(CONTENT_TYPE, "text/javascript; charset=utf-8");
        response.body = TRACKER.into();
        response
    };
    response
        .with(
            CACHE_CONTROL,
            "public, max-age=3600, stale-while-revalidate=604800",
        )
        .with(http::header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .with(ETAG, &etag)
}

/// The demo shop, where a request without a key has a shop. Its page shows no key: it needs none there.
pub(crate) fn demo<P: Platform>(platform: &P) -> Result<Response, EdgeError> {
    platform
        .config()
        .access
        .keyless_shop
        .ok_or(EdgeError::NotFound)?;
    let mut response =
        Response::empty(StatusCode::OK).with(CONTENT_TYPE, "text/html; charset=utf-8");
    response.body = DEMO.replace("{{publishable_key}}", "").into_bytes();
    Ok(response.with(CACHE_CONTROL, "no-cache"))
}
