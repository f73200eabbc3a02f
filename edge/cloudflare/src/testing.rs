//! Routes of the test build, which no deployment has: the feature `testing` brings them.

use worker::{Request, Response};

use crate::platform::CloudflarePlatform;

/// Answers a route of the tests.
pub(crate) async fn answer(platform: &CloudflarePlatform, request: &Request) -> Option<Response> {
    match request.path().as_str() {
        "/testing/conformance" => {
            footfall_edge::conformance::check(platform).await;
            Response::ok("conforms").ok()
        }
        #[expect(clippy::panic, reason = "to see what it leaves behind")]
        "/testing/panic" => panic!("forced by a test"),
        _ => None,
    }
}
