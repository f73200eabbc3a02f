//! Notes on the journey engine's routes that the edge serves from its own state.

use footfall_shared::wire::error::ErrorReply;
use footfall_shared::wire::journey::{
    ConversionReply, ConversionRequest, LinkReply, LinkRequest, OptimizeReply, OptimizeRequest,
    RecommendationsReply, StageMoved, StageRequest, StartReply, StartRequest, TouchpointRequest,
    TouchpointTaken,
};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// A router without routes that brings the notes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(JourneyRoutes::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(
    start,
    stage,
    touchpoint,
    conversion,
    recommendations,
    optimize,
    link,
    unlink
))]
struct JourneyRoutes;

/// Begins a session. Of one that runs already it gives the state.
#[utoipa::path(
    post, path = "/api/journey/sessions/start", tag = "journey",
    request_body(content = StartRequest, example = json!({"sessionId": "session_12345", "deviceContext": {"type": "mobile"}, "entryPoint": {"source": "tiktok"}, "intentSignals": {"purchase_intent": 0.65}})),
    responses(
        (status = 200, description = "The session runs", body = StartReply),
        (status = 400, description = "`invalid_json` or `invalid_field`, with the field", body = ErrorReply),
        (status = 401, description = "`invalid_key`", body = ErrorReply),
        (status = 403, description = "`origin_not_allowed`, `missing_scope`", body = ErrorReply),
        (status = 404, description = "`invalid_key`: no such shop", body = ErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = ErrorReply),
        (status = 415, description = "Neither JSON nor text", body = ErrorReply),
        (status = 429, description = "`rate_limit_exceeded`: 1,000 a minute and session", body = ErrorReply),
        (status = 503, description = "`outbox_full` or `not_stored`: nothing was taken, send it again", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("api_key" = []))
)]
#[expect(dead_code, reason = "only the document reads it")]
const fn start() {}

/// Moves a session to another stage. `purchase` is reached by a conversion alone.
#[utoipa::path(
    put, path = "/api/journey/sessions/{session_id}/stage", tag = "journey",
    params(("session_id" = String, Path, description = "The session")),
    request_body(content = StageRequest, example = json!({"newStage": "consideration", "triggerEvent": "product_gallery_viewed", "engagementMetrics": {"timeOnPage": 45, "scrollDepth": 0.8}})),
    responses(
        (status = 200, description = "It stands there now", body = StageMoved),
        (status = 400, description = "`invalid_json` or `invalid_field`, with the field", body = ErrorReply),
        (status = 401, description = "`invalid_key`", body = ErrorReply),
        (status = 403, description = "`origin_not_allowed`, `missing_scope`", body = ErrorReply),
        (status = 404, description = "`session_not_found`", body = ErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = ErrorReply),
        (status = 415, description = "Neither JSON nor text", body = ErrorReply),
        (status = 429, description = "`rate_limit_exceeded`: 1,000 a minute and session", body = ErrorReply),
        (status = 503, description = "`outbox_full` or `not_stored`: nothing was taken, send it again", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("api_key" = []))
)]
#[expect(dead_code, reason = "only the document reads it")]
const fn stage() {}

/// Reports a touchpoint. `touchpoint.id` or the header `Idempotency-Key` makes a retry harmless.
#[utoipa::path(
    post, path = "/api/journey/touchpoints/track", tag = "journey",
    request_body(content = TouchpointRequest, example = json!({"sessionId": "session_12345", "touchpoint": {"type": "product_gallery_swipe", "pageUrl": "/smart-ring-tracker#gallery", "interactionData": {"interactionDuration": 5.2}}})),
    responses(
        (status = 200, description = "It is durable", body = TouchpointTaken),
        (status = 400, description = "`invalid_json` or `invalid_field`, with the field", body = ErrorReply),
        (status = 401, description = "`invalid_key`", body = ErrorReply),
        (status = 403, description = "`origin_not_allowed`, `missing_scope`", body = ErrorReply),
        (status = 404, description = "`session_not_found`", body = ErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = ErrorReply),
        (status = 415, description = "Neither JSON nor text", body = ErrorReply),
        (status = 429, description = "`rate_limit_exceeded`: 1,000 a minute and session", body = ErrorReply),
        (status = 503, description = "`outbox_full` or `not_stored`: nothing was taken, send it again", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("api_key" = []))
)]
#[expect(dead_code, reason = "only the document reads it")]
const fn touchpoint() {}

/// Reports a goal that was reached. An email is kept only with `consentGiven`.
#[utoipa::path(
    post, path = "/api/journey/conversions/track", tag = "journey",
    request_body(content = ConversionRequest, example = json!({"sessionId": "session_12345", "conversionEvent": {"type": "email_signup", "conversionData": {"email": "user@example.com", "consentGiven": true}}})),
    responses(
        (status = 200, description = "It is durable", body = ConversionReply),
        (status = 400, description = "`invalid_json` or `invalid_field`, with the field", body = ErrorReply),
        (status = 401, description = "`invalid_key`", body = ErrorReply),
        (status = 403, description = "`origin_not_allowed`, `missing_scope`", body = ErrorReply),
        (status = 404, description = "`session_not_found`", body = ErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = ErrorReply),
        (status = 415, description = "Neither JSON nor text", body = ErrorReply),
        (status = 429, description = "`rate_limit_exceeded`: 1,000 a minute and session", body = ErrorReply),
        (status = 503, description = "`outbox_full` or `not_stored`: nothing was taken, send it again", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("api_key" = []))
)]
#[expect(dead_code, reason = "only the document reads it")]
const fn conversion() {}

/// Joins two sessions of one person. In production an email joins them only with its `user_hash` or the secret key.
#[utoipa::path(
    post, path = "/api/journey/sessions/link", tag = "journey",
    request_body(content = LinkRequest, example = json!({"primarySessionId": "session_12345", "secondarySessionId": "session_67890", "linkingMethod": "email_identification"})),
    responses(
        (status = 200, description = "They are one journey", body = LinkReply),
        (status = 400, description = "`invalid_json` or `invalid_field`, with the field", body = ErrorReply),
        (status = 401, description = "`invalid_key`", body = ErrorReply),
        (status = 403, description = "`origin_not_allowed`, `missing_scope`, `identity_not_verified`", body = ErrorReply),
        (status = 404, description = "`session_not_found`", body = ErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = ErrorReply),
        (status = 415, description = "Neither JSON nor text", body = ErrorReply),
        (status = 429, description = "`rate_limit_exceeded`: 1,000 a minute and session", body = ErrorReply),
        (status = 503, description = "`outbox_full` or `not_stored`: nothing was taken, send it again", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("api_key" = []))
)]
#[expect(dead_code, reason = "only the document reads it")]
const fn link() {}

/// Parts two sessions again.
#[utoipa::path(
    delete, path = "/api/journey/sessions/link", tag = "journey",
    request_body(content = LinkRequest, example = json!({"primarySessionId": "session_12345", "secondarySessionId": "session_67890"})),
    responses(
        (status = 200, description = "They are two journeys"),
        (status = 400, description = "`invalid_json` or `invalid_field`, with the field", body = ErrorReply),
        (status = 401, description = "`invalid_key`", body = ErrorReply),
        (status = 403, description = "`origin_not_allowed`, `missing_scope`, `identity_not_verified`", body = ErrorReply),
        (status = 404, description = "`session_not_found`", body = ErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = ErrorReply),
        (status = 415, description = "Neither JSON nor text", body = ErrorReply),
        (status = 429, description = "`rate_limit_exceeded`: 1,000 a minute and session", body = ErrorReply),
        (status = 503, description = "`outbox_full` or `not_stored`: nothing was taken, send it again", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("api_key" = []))
)]
#[expect(dead_code, reason = "only the document reads it")]
const fn unlink() {}

/// What to do with a session, and what each advice is worth, as far as it is measured.
#[utoipa::path(
    get, path = "/api/journey/recommendations/{session_id}", tag = "journey",
    params(("session_id" = String, Path, description = "The session")),
    responses(
        (status = 200, description = "The advice", body = RecommendationsReply),
        (status = 401, description = "`invalid_key`", body = ErrorReply),
        (status = 403, description = "`origin_not_allowed`, `missing_scope`", body = ErrorReply),
        (status = 404, description = "`session_not_found`", body = ErrorReply),
        (status = 429, description = "`rate_limit_exceeded`: 1,000 a minute and session", body = ErrorReply),
        (status = 503, description = "`outbox_full` or `not_stored`: nothing was decided, ask again", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("api_key" = []))
)]
#[expect(dead_code, reason = "only the document reads it")]
const fn recommendations() {}

/// Chooses what to change on the page, within its constraints, and says why. What is answered counts as shown.
#[utoipa::path(
    post, path = "/api/journey/optimize", tag = "journey",
    request_body(content = OptimizeRequest, example = json!({"sessionId": "session_12345", "optimizationType": "real_time_adaptation", "optimizationParameters": {"adaptationStrength": "moderate"}, "contextualConstraints": {"deviceLimitations": ["small_screen"], "performanceBudget": "mobile_3g"}})),
    responses(
        (status = 200, description = "What to change", body = OptimizeReply),
        (status = 400, description = "`invalid_json` or `invalid_field`, with the field", body = ErrorReply),
        (status = 401, description = "`invalid_key`", body = ErrorReply),
        (status = 403, description = "`origin_not_allowed`, `missing_scope`", body = ErrorReply),
        (status = 404, description = "`session_not_found`", body = ErrorReply),
        (status = 413, description = "The body is longer than 64 KiB", body = ErrorReply),
        (status = 415, description = "Neither JSON nor text", body = ErrorReply),
        (status = 429, description = "`rate_limit_exceeded`: 50 a minute and session", body = ErrorReply),
        (status = 503, description = "`outbox_full` or `not_stored`: nothing was decided, ask again", body = ErrorReply),
    ),
    security(("bearer_key" = []), ("api_key" = []))
)]
#[expect(dead_code, reason = "only the document reads it")]
const fn optimize() {}
