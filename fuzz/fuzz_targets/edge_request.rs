//! A storefront call with any body: event batches, single messages, track-customer. The first byte chooses
//! the route, the second one the content coding.
#![no_main]

use footfall_edge::memory::{Memory, request};
use footfall_edge::platform::OriginResponse;
use footfall_edge::route;
use footfall_shared::time::UtcMillis;
use libfuzzer_sys::fuzz_target;

const PATHS: [&str; 6] = [
    "/v1/batch",
    "/v1/track",
    "/v1/identify",
    "/api/intelligence/track-customer",
    "/api/intelligence/bundle-status-update",
    "/internal/push",
];
/// What the origin answers when it is asked for the shop; anything else it does not know.
const SHOP: &str = r#"{"shop":{"shop":"shop_01ARZ3NDEKTSV4RRFFQ69G5FAV","slug":"demo","key":null,
    "salt":"0000000000000000000000000000000000000000000000000000000000000000","identity_secret":"s",
    "currency":"EUR","settings":{}}}"#;

fuzz_target!(|data: &[u8]| {
    let [path, coding, body @ ..] = data else {
        return;
    };
    let edge = Memory::new("development", UtcMillis::new(1_790_000_000_000), |asked| {
        let known = asked.path_and_query == "/internal/shops/resolve";
        let body = if known { SHOP } else { "{}" };
        Some(OriginResponse {
            status: 200.try_into().ok()?,
            headers: Default::default(),
            body: body.into(),
        })
    });
    let mut asked = request("POST", PATHS[usize::from(*path) % PATHS.len()]);
    if coding % 4 == 1
        && let Ok(gzip) = "gzip".parse()
    {
        asked.headers.insert("content-encoding", gzip);
    }
    asked.body = body.to_vec();
    let reply = futures_executor::block_on(route(&edge, asked));
    assert!(reply.status.as_u16() < 500, "{}", reply.status);
});
