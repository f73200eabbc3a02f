//! Routes of the test build, which no deployment has: the feature `testing` brings them.

use footfall_edge::{Request, Response};
use http::StatusCode;

use crate::platform::CloudflarePlatform;

/// Whether a request goes to a route of the tests.
pub(crate) fn is_for_us(request: &Request) -> bool {
    request.path.starts_with("/testing/")
}

/// Answers it.
pub(crate) async fn answer(platform: &CloudflarePlatform, request: &Request) -> Response {
    match request.path.as_str() {
        "/testing/conformance" => {
            footfall_edge::conformance::check(platform).await;
            Response::empty(StatusCode::NO_CONTENT)
        }
        #[expect(clippy::panic, reason = "to see what it leaves behind")]
        "/testing/panic" => panic!("forced by a test"),
        _ => Response::empty(StatusCode::NOT_FOUND),
    }
}
