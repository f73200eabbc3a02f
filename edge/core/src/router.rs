//! From a request to a response, whatever the request is.

use footfall_shared::id::RequestId;
use footfall_shared::traceparent::TraceParent;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, HeaderName, VARY,
};
use http::{Method, StatusCode};
use serde_json::json;

use crate::error::EdgeError;
use crate::http::{Request, Response};
use crate::intelligence::{
    bundle::bundle, bundle_status::bundle_status, recommendations::recommendations,
    track_customer::track_customer,
};
use crate::platform::Platform;
use crate::trace::Trace;
use crate::{assets, events, forward, guard, journey, limits, lookups, outbox, push};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// The contract's headers: requests in a window, those left, and when the next window begins (epoch seconds).
const RATE_LIMIT: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

/// The contract's routes that the origin answers.
const SHOP_ROUTES: &str = "/wp-json/wg/v1/intelligence/";

/// The journey engine's routes; the origin answers those of its analytics.
const JOURNEY_ROUTES: &str = "/api/journey/";

/// Answers a request. No error leaves this function.
pub async fn route<P: Platform>(platform: &P, request: Request) -> Response {
    let parent = request
        .header(TraceParent::HEADER)
        .and_then(TraceParent::parse);
    let trace = Trace::start(request_id(platform, &request), parent, platform.now());
    let asks_first = request.method == Method::OPTIONS && is_storefront(&request.path);
    let welcome = !asks_first || guard::welcomes_page(platform, &trace, &request).await;
    let mut response = if is_from_outside(platform, &request) {
        EdgeError::DevelopmentOnly.to_response()
    } else if !welcome {
        EdgeError::OriginNotAllowed.to_response()
    } else if asks_first {
        preflight(&request)
    } else {
        answer(platform, &trace, &request)
            .await
            .unwrap_or_else(|fault| fault.to_response())
    };
    lookups::count(platform, trace.lookups()).await;
    if welcome && is_storefront(&request.path) {
        allow_page(&request, &mut response);
    }
    response.set(
        HeaderName::from_static(RequestId::HEADER),
        trace.request_id.as_str(),
    );
    response.set(SERVER_TIMING, &trace.server_timing(platform.now()));
    if let Some(standing) = trace.rate_limit.get() {
        let [limit, remaining, reset] = RATE_LIMIT;
        response.set(limit, &standing.limit.to_string());
        response.set(remaining, &standing.remaining.to_string());
        response.set(reset, &standing.reset.get().div_euclid(1000).to_string());
    }
    if request.method == Method::HEAD {
        response.body.clear();
    }
    response
}

async fn answer<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Response, EdgeError> {
    let (read, write) = ("GET, HEAD", "POST");
    let only = |methods: &'static str| {
        let known = methods
            .split(", ")
            .any(|method| method == request.method.as_str());
        if known {
            Ok(())
        } else {
            Err(EdgeError::MethodNotAllowed(methods))
        }
    };
    match request.path.as_str() {
        "/api/intelligence/track-customer" => {
            only(write)?;
            or_neutral(track_customer(platform, trace, request).await)
        }
        "/api/intelligence/bundle" => {
            only(read)?;
            bundle(platform, trace, request).await
        }
        "/api/intelligence/recommendations" => {
            only(read)?;
            recommendations(platform, trace, request).await
        }
        "/api/intelligence/bundle-status-update" => {
            only(write)?;
            Ok(bundle_status(platform, trace, request).await)
        }
        "/t.js" => only(read).map(|()| assets::tracker(request)),
        "/demo/" => {
            only(read)?;
            assets::demo(platform)
        }
        "/demo" => {
            Ok(Response::empty(StatusCode::PERMANENT_REDIRECT)
                .with(http::header::LOCATION, "/demo/"))
        }
        "/health" => {
            only(read)?;
            let mode = platform.config().mode.as_str();
            let body = json!({"status": "ok", "service": "footfall-edge", "mode": mode});
            Ok(Response::json(StatusCode::OK, &body))
        }
        "/internal/push" => {
            only(write)?;
            push::push(platform, request).await
        }
        "/internal/flush" => {
            only(write)?;
            outbox::flush(platform, trace, request).await
        }
        "/internal/ledger" => {
            only(write)?;
            outbox::ledger(platform, request).await
        }
        path => match path.strip_prefix("/v1/").and_then(events::kind_of_route) {
            Some(kind) => {
                only(write)?;
                match kind {
                    None => events::batch(platform, trace, request).await,
                    Some(kind) => events::single(platform, trace, request, kind).await,
                }
            }
            None if path.starts_with(JOURNEY_ROUTES) => {
                match journey::answer(platform, trace, request).await {
                    Some(answered) => answered,
                    None => forward::forward(platform, trace, request).await,
                }
            }
            None if forward::belongs_to_origin(path) => {
                if path.starts_with(SHOP_ROUTES) {
                    limit_shop_route(platform, trace, request).await?;
                }
                forward::forward(platform, trace, request).await
            }
            None => Err(EdgeError::NotFound),
        },
    }
}

/// The shop's own routes have the storefront's limit. Whom no key names (an admin, a stranger) the origin judges.
async fn limit_shop_route<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<(), EdgeError> {
    match guard::admit(platform, trace, request, None).await {
        Ok(asked) => limits::spend(platform, trace, &asked).await,
        Err(_) => Ok(()),
    }
}

/// A page that asks who its shopper is never sees a 5xx: it is told, with a 200, that nothing was done.
fn or_neutral(answered: Result<Response, EdgeError>) -> Result<Response, EdgeError> {
    match answered {
        Err(fault @ EdgeError::OriginUnreachable(_)) => {
            let mut response = fault.to_response();
            response.status = StatusCode::OK;
            Ok(response)
        }
        other => other,
    }
}

/// Development opens what production closes, so it answers this machine alone, wherever the runtime listens.
fn is_from_outside<P: Platform>(platform: &P, request: &Request) -> bool {
    let loopback_only = platform.config().access.loopback_only;
    loopback_only
        && request
            .peer
            .is_some_and(|peer| !peer.to_canonical().is_loopback())
}

/// Routes that pages of other origins call.
fn is_storefront(path: &str) -> bool {
    ["/api/intelligence/", JOURNEY_ROUTES, "/v1/"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

/// Any page may read the answer; whether its shop's key may be used there is checked with the key itself,
/// in a preflight where its URL shows the key.
fn allow_page(request: &Request, response: &mut Response) {
    if let Some(origin) = request.header("origin") {
        response.set(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.set(VARY, "Origin");
        response.set(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            "ETag, Server-Timing, X-Request-Id, X-Footfall-Dropped, Retry-After, X-RateLimit-Limit, \
             X-RateLimit-Remaining, X-RateLimit-Reset",
        );
    }
}

fn preflight(request: &Request) -> Response {
    let response = Response::empty(StatusCode::NO_CONTENT);
    if request.header("access-control-request-method").is_none() {
        return response.with(ALLOW, "GET, POST, PUT, DELETE, OPTIONS");
    }
    response
        .with(ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE")
        .with(
            ACCESS_CONTROL_ALLOW_HEADERS,
            "Content-Type, Content-Encoding, Authorization, X-API-Key, X-Client-ID, Idempotency-Key",
        )
        .with(ACCESS_CONTROL_MAX_AGE, "86400")
}

fn request_id<P: Platform>(platform: &P, request: &Request) -> RequestId {
    let given = request.header(RequestId::HEADER).and_then(RequestId::parse);
    given.unwrap_or_else(|| RequestId::generate(platform.now(), platform.entropy()))
}
