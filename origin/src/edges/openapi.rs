//! Notes on the edge's own routes. The edge component serves them, not this process, but callers see one
//! API, so there is one document.

use footfall_shared::id::ExternalId;
use footfall_shared::wire::error::ErrorReply;
use footfall_shared::wire::events::BatchReply;
use footfall_shared::wire::intelligence::{
    BundleReply, BundleStatusReply, BundleStatusRequest, NoOfferReply,
    StorefrontRecommendationsReply, TrackCustomerReply, TrackCustomerRequest,
};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::recommend::RecommendedProduct;

/// A router without routes that brings the notes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(EdgeRoutes::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(
    track_customer,
    bundle,
    recommendations,
    bundle_status_update,
    batch,
    track,
    page,
    identify,
    screen,
    group,
    alias,
    tracker,
    demo
))]
struct EdgeRoutes;

/// An offer, or why there is none.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only the document reads it")]
enum OfferOrNot {
    Offer(Box<BundleReply>),
    Not(NoOfferReply),
}

/// A message of the Segment spec. What is not named here is kept as it is sent.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only the document reads it")]
struct Message {
    /// `track`, `page`, `identify`, `screen`, `group` or `alias`; only in a batch.
    r#type: Option<String>,
    /// The client's own id of it: a message sent again with the same id counts once.
    message_id: Option<String>,
    /// The browser's id of the visitor; this or `userId` is required.
    anonymous_id: Option<String>,
    /// The shop's id of the visitor.
    user_id: Option<ExternalId>,
    /// Name of a track event.
    event: Option<String>,
    /// Name of a page or screen.
    name: Option<String>,
    /// When it happened, RFC 3339, by the client's clock.
    timestamp: Option<String>,
    /// When it was sent, RFC 3339, by the same clock: what that clock is off by is corrected.
    sent_at: Option<String>,
    /// What is told of the event.
    #[schema(value_type = Option<Object>)]
    properties: Option<()>,
    /// What is told of the visitor.
    #[schema(value_type = Option<Object>)]
    traits: Option<()>,
    /// What is told of page, device and library.
    #[schema(value_type = Option<Object>)]
    context: Option<()>,
    /// The publishable key, where it cannot be a header.
    write_key: Option<String>,
}

/// Messages, at most 500.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only the document reads it")]
struct MessageBatch {
    /// The messages, each judged alone.
    batch: Vec<Message>,
    /// For messages without their own.
    sent_at: Option<String>,
    /// The publishable key, where it cannot be a header.
    write_key: Option<String>,
}

/// Tracks a shopper: recognizes the device, remembers it with the email that is given, and shows the
/// profile to whom it may be shown.
///
/// Served by the edge. In production personal data is shown only where the email is verified with
/// `user_hash`; else the profile is masked.
#[utoipa::path(
    post, path = "/api/intelligence/track-customer", tag = "edge",
    request_body(content = TrackCustomerRequest, example = json!({
        "email": "shopper@example.com", "customer_id": 42, "event_type": "checkout_email_entered",
        "fingerprint": "990eb8b7fb69ad20206fb31cda3944a701ea3a3b6aae5f23316cbdaea789075a"
    })),
    responses(
        (status = 200, description = "Who was tracked; both parts are `null` where nobody is recognized. Without a \
         reachable origin `success` is `false`", body = TrackCustomerReply),
        (status = 400, description = "`invalid_json`, `invalid_field` or `invalid_email`", body = ErrorReply),
        (status = 401, description = "`invalid_key`", body = ErrorReply),
        (status = 403, description = "`origin_not_allowed`: not from this page; `missing_scope`: not with this secret key", body = ErrorReply),
        (status = 413, description = "The body is larger than 64 KiB", body = ErrorReply),
        (status = 415, description = "Neither JSON nor text that holds JSON", body = ErrorReply),
        (status = 503, description = "`not_stored`: send it again", body = ErrorReply),
    ),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
#[expect(dead_code, reason = "the edge serves it; only the note is read")]
fn track_customer() {}

/// The shopper's active offer, made where one is due.
///
/// Served by the edge from its own state. Where there is none the answer is a 200 with the reason.
#[utoipa::path(
    get, path = "/api/intelligence/bundle", tag = "edge",
    params(
        ("customer_email" = Option<String>, Query, description = "Customer email; this or the fingerprint is required",
         example = "shopper@example.com"),
        ("fingerprint" = Option<String>, Query, description = "Browser fingerprint"),
        ("user_hash" = Option<String>, Query, description = "HMAC-SHA256 of the email under the shop's identity secret"),
        ("key" = Option<String>, Query, description = "The publishable key, where it cannot be a header"),
    ),
    responses(
        (status = 200, description = "The offer, or `reason`: `not_in_prime_window`, `no_favorites`, `only_excluded`, \
         `peak_too_low`, `profile_not_found`, `identity_not_verified` or `temporarily_unavailable`",
         body = inline(OfferOrNot)),
        (status = 400, description = "`missing_parameters`, `invalid_field` or `invalid_email`", body = ErrorReply),
        (status = 401, description = "`invalid_key`", body = ErrorReply),
        (status = 403, description = "`origin_not_allowed`: not from this page; `missing_scope`: not with this secret key", body = ErrorReply),
        (status = 404, description = "`customer_not_found` or `fingerprint_not_found`", body = ErrorReply),
    ),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
#[expect(dead_code, reason = "the edge serves it; only the note is read")]
fn bundle() {}

/// What the shopper may want next.
///
/// Served by the edge, from lists that the origin pushes to it. Whom nobody knows, or who does not prove who they are
/// (as for the bundle), is told what everybody is told.
#[utoipa::path(
    get, path = "/api/intelligence/recommendations", tag = "edge",
    params(
        ("customer_email" = Option<String>, Query, description = "The customer"),
        ("user_hash" = Option<String>, Query, description = "Proof that the shop vouches for the email"),
        ("fingerprint" = Option<String>, Query, description = "The browser's fingerprint"),
        ("anonymous_id" = Option<String>, Query, description = "The browser's own id of the visitor"),
        ("limit" = Option<usize>, Query, description = "1 to 20; 10 without it"),
        ("key" = Option<String>, Query, description = "The publishable key, where it cannot be a header"),
    ),
    responses(
        (status = 200, description = "The recommendations, or why there are none",
         body = StorefrontRecommendationsReply<RecommendedProduct>),
        (status = 400, description = "`invalid_field`", body = ErrorReply),
        (status = 401, description = "`invalid_key`", body = ErrorReply),
        (status = 403, description = "`origin_not_allowed`: not from this page; `missing_scope`: not with this secret key", body = ErrorReply),
        (status = 429, description = "`rate_limited`", body = ErrorReply),
    ),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
#[expect(dead_code, reason = "the edge serves it; only the note is read")]
fn recommendations() {}

/// Moves an offer. Use `/wp-json/wg/v1/intelligence/bundle-status` instead.
///
/// Served by the edge, with the headers `Deprecation`, `Sunset` and `Link`. Where browsers are not trusted
/// the offer must be named by its id, not by its number.
#[utoipa::path(
    post, path = "/api/intelligence/bundle-status-update", tag = "edge",
    request_body(content = BundleStatusRequest, example = json!({"offer_id": 93, "status": "viewed"})),
    responses(
        (status = 200, description = "The offer stands there now. Without a reachable origin `success` is `false`",
         body = BundleStatusReply),
        (status = 400, description = "`missing_parameters`, `invalid_status`, `illegal_move`, `invalid_email` or `invalid_json`",
         body = ErrorReply),
        (status = 401, description = "`invalid_key`", body = ErrorReply),
        (status = 403, description = "`origin_not_allowed`: not from this page; `missing_scope`: not with this secret key", body = ErrorReply),
        (status = 404, description = "`offer_not_found`", body = ErrorReply),
        (status = 413, description = "The body is larger than 64 KiB", body = ErrorReply),
        (status = 415, description = "Neither JSON nor text that holds JSON", body = ErrorReply),
    ),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
#[deprecated = "the contract deprecates it"]
#[expect(dead_code, reason = "the edge serves it; only the note is read")]
fn bundle_status_update() {}

/// Takes up to 500 messages of the Segment spec, gzipped or not.
///
/// Served by the edge, and answered when they are durable there. The header `X-Footfall-Dropped` tells how
/// many were dropped and why the first was.
#[utoipa::path(
    post, path = "/v1/batch", tag = "edge",
    request_body(content = MessageBatch, example = json!({"sentAt": "2026-01-01T12:00:01Z", "batch": [{
        "type": "track", "messageId": "01", "anonymousId": "a", "event": "Product Viewed",
        "timestamp": "2026-01-01T12:00:00Z", "properties": {"product_id": 44}
    }]})),
    responses(
        (status = 200, description = "A verdict on each message, in their sequence", body = BatchReply),
        (status = 400, description = "`invalid_json` or `invalid_field`", body = ErrorReply),
        (status = 401, description = "`invalid_key`", body = ErrorReply),
        (status = 403, description = "`origin_not_allowed`: not from this page; `missing_scope`: not with this secret key", body = ErrorReply),
        (status = 413, description = "The body is larger than 256 KiB", body = ErrorReply),
        (status = 415, description = "Neither JSON nor text that holds JSON", body = ErrorReply),
        (status = 503, description = "`not_stored` or `origin_unreachable`: send it again", body = ErrorReply),
    ),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
#[expect(dead_code, reason = "the edge serves it; only the note is read")]
fn batch() {}

/// The note of a route that takes one message.
macro_rules! single_message {
    ($($(#[$doc:meta])* $name:ident, $path:literal, $example:expr;)+) => {
        $(
            $(#[$doc])*
            ///
            /// Served by the edge, and answered when it is durable there.
            #[utoipa::path(
                post, path = $path, tag = "edge",
                request_body(content = Message, example = json!($example)),
                responses(
                    (status = 200, description = "The verdict on the message", body = BatchReply),
                    (status = 400, description = "`invalid_json` or `invalid_message`", body = ErrorReply),
                    (status = 401, description = "`invalid_key`", body = ErrorReply),
                    (status = 403, description = "`origin_not_allowed`: not from this page; `missing_scope`: not with this secret key", body = ErrorReply),
                    (status = 413, description = "The body is larger than 64 KiB", body = ErrorReply),
                    (status = 415, description = "Neither JSON nor text that holds JSON", body = ErrorReply),
                    (status = 503, description = "`not_stored` or `origin_unreachable`: send it again", body = ErrorReply),
                ),
                security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
            )]
            #[expect(dead_code, reason = "the edge serves it; only the note is read")]
            fn $name() {}
        )+
    };
}

single_message! {
    /// Takes one message: something happened.
    track, "/v1/track", serde_json::json!({"anonymousId": "a", "event": "Cart Viewed"});
    /// Takes one message: a page was shown.
    page, "/v1/page", serde_json::json!({"anonymousId": "a", "name": "Home"});
    /// Takes one message: who the visitor is.
    identify, "/v1/identify", serde_json::json!({"userId": "42", "traits": {"email": "shopper@example.com"}});
    /// Takes one message: a screen of an app was shown.
    screen, "/v1/screen", serde_json::json!({"anonymousId": "a", "name": "Start"});
    /// Takes one message: the visitor belongs to a group.
    group, "/v1/group", serde_json::json!({"userId": "42", "groupId": "7"});
    /// Takes one message: two ids are one visitor.
    alias, "/v1/alias", serde_json::json!({"userId": "42", "previousId": "a"});
}

/// The tracker for a shop's pages.
#[utoipa::path(get, path = "/t.js", tag = "edge", responses(
    (status = 200, description = "The script", body = String, content_type = "text/javascript"),
    (status = 304, description = "The caller has it: its `ETag` is unchanged"),
))]
#[expect(dead_code, reason = "the edge serves it; only the note is read")]
fn tracker() {}

/// The demo shop's page, in development.
#[utoipa::path(get, path = "/demo/", tag = "edge", responses(
    (status = 200, description = "The page", body = String, content_type = "text/html"),
    (status = 404, description = "In production there is none", body = ErrorReply),
))]
#[expect(dead_code, reason = "the edge serves it; only the note is read")]
fn demo() {}
