//! Requests and replies between Workers' types and the core's.

use std::net::IpAddr;

use footfall_edge::error::EdgeError;
use footfall_edge::{Request, Response};
use footfall_shared::identity::Geo;
use futures_util::TryStreamExt as _;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use worker::{Cf, Headers, ResponseBody, ResponseBuilder, console_error};

use crate::platform::Unusable;

/// No more than this is read of a body, in bytes: more than any route takes, so that the route itself
/// refuses what is longer.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024 + 1;
/// After this much the connection is left to the runtime.
const DRAINED_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;
/// Header in which Cloudflare tells the client's address. Its front writes it over whatever came in.
const CLIENT_ADDRESS_HEADER: &str = "cf-connecting-ip";
/// Longest name of a city taken, in bytes.
const CITY_BYTES_MAX: usize = 200;

/// Reads a request. An error means that it broke off.
pub(crate) async fn read(mut request: worker::Request) -> Result<Request, EdgeError> {
    // worker's own reading makes a GET of a method that it does not know.
    let method = Method::from_bytes(request.inner().method().as_bytes())
        .map_err(|_| EdgeError::MethodNotAllowed("GET, HEAD, POST"))?;
    let url = request.inner().url();
    let target = url.split('#').next().unwrap_or_default();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let headers = read_headers(request.headers());
    let peer = headers
        .get(CLIENT_ADDRESS_HEADER)
        .and_then(|value| value.to_str().ok()?.trim().parse::<IpAddr>().ok());
    let body = read_body(&mut request, &headers).await?;
    Ok(Request {
        method,
        path: request.path(),
        query: query.to_owned(),
        headers,
        body,
        peer,
        geo: request.cf().and_then(geo),
    })
}

/// The headers; what HTTP's own types do not take is left out.
pub(crate) fn read_headers(headers: &Headers) -> HeaderMap {
    let mut read = HeaderMap::new();
    for (name, value) in headers.entries() {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            read.append(name, value);
        }
    }
    read
}

/// The same headers as JavaScript has them.
pub(crate) fn write_headers(headers: &HeaderMap) -> Headers {
    let written = Headers::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        // The runtime refuses what it would not send; the rest of the headers go on.
        let _ = written.append(name.as_str(), &value);
    }
    written
}

async fn read_body(
    request: &mut worker::Request,
    headers: &HeaderMap,
) -> Result<Vec<u8>, EdgeError> {
    if request.inner().body().is_none() {
        return Ok(Vec::new());
    }
    let unread = |_| EdgeError::InvalidBody("the body could not be read".to_owned());
    let told = headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    // The runtime cuts a body at the length that was told, so one step takes it whole.
    if told.is_some_and(|bytes| bytes <= BODY_BYTES_MAX) {
        return request.bytes().await.map_err(unread);
    }
    let mut stream = request.stream().map_err(unread)?;
    let (mut body, mut read) = (Vec::new(), 0);
    // A client that still sends does not hear why it is refused, so somewhat more is read and dropped.
    while read < DRAINED_BYTES_MAX
        && let Some(chunk) = stream.try_next().await.map_err(unread)?
    {
        read += chunk.len();
        if body.len() < BODY_BYTES_MAX {
            body.extend(chunk);
        }
    }
    body.truncate(BODY_BYTES_MAX);
    Ok(body)
}

/// Where Cloudflare places the client. `XX` and `T1` (Tor) are no countries.
fn geo(cf: &Cf) -> Option<Geo> {
    let country = cf
        .country()
        .filter(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()))
        .filter(|code| code != "XX")?;
    Some(Geo {
        country: Some(country.to_ascii_uppercase()),
        city: cf
            .city()
            .filter(|city| !city.is_empty() && city.len() <= CITY_BYTES_MAX),
    })
}

/// Makes the reply.
pub(crate) fn reply(response: Response) -> worker::Response {
    let Response {
        status,
        headers,
        body,
    } = response;
    // JavaScript throws at a body beside a status that has none, even at an empty one.
    let body = if body.is_empty() || has_no_body(status) {
        ResponseBody::Empty
    } else {
        ResponseBody::Body(body)
    };
    ResponseBuilder::new()
        .with_status(status.as_u16())
        .with_headers(write_headers(&headers))
        .body(body)
}

fn has_no_body(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
    )
}

/// The reply of a Worker whose settings are wrong. The operator's log names the setting, the reply does not.
pub(crate) fn misconfigured(fault: &Unusable) -> worker::Response {
    console_error!("the Worker cannot serve: {fault}");
    let body = serde_json::json!({
        "success": false,
        "code": "misconfigured",
        "message": "the service is not set up",
    });
    reply(Response::json(StatusCode::SERVICE_UNAVAILABLE, &body))
}
