//! Requests and replies between Workers' types and the core's.

use std::net::IpAddr;

use footfall_edge::error::EdgeError;
use footfall_edge::{Request, Response};
use footfall_shared::identity::Geo;
use futures_util::TryStreamExt as _;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use worker::{console_error, web_sys};

use crate::border;
use crate::platform::Unusable;

/// No more than this is read of a body, in bytes: more than any route takes, so that the route itself
/// refuses what is longer.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024 + 1;
/// After this much the connection is left to the runtime.
const DRAINED_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;
/// Header in which Cloudflare tells the client's address. Its front writes it over whatever came in.
const CLIENT_ADDRESS_HEADER: &str = "cf-connecting-ip";
/// Longest name of a location taken, in bytes; airports have three letters.
const LOCATION_BYTES_MAX: usize = 8;
/// Longest name of a city taken, in bytes.
const CITY_BYTES_MAX: usize = 200;

/// A request whose body is still to be read.
pub(crate) struct Head {
    request: Request,
    /// Which of Cloudflare's locations it came in at, by its airport, where that is told.
    pub(crate) location: Option<String>,
}

/// Reads all of a request but its body.
pub(crate) fn read_head(request: &web_sys::Request) -> Result<Head, EdgeError> {
    let text = border::read_head(request);
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, url, location, country, city) = (line(), line(), line(), line(), line());
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| EdgeError::MethodNotAllowed("GET, HEAD, POST"))?;
    let (path, query) = target(url);
    let headers = parse_headers(lines);
    let peer = headers
        .get(CLIENT_ADDRESS_HEADER)
        .and_then(|value| value.to_str().ok()?.trim().parse::<IpAddr>().ok());
    let location = (1..=LOCATION_BYTES_MAX)
        .contains(&location.len())
        .then(|| location.to_owned());
    Ok(Head {
        request: Request {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: Vec::new(),
            peer,
            geo: geo(country, city),
        },
        location,
    })
}

/// Path and query of a URL as the runtime writes it.
fn target(url: &str) -> (&str, &str) {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let target = after_scheme
        .find('/')
        .map_or("/", |at| &after_scheme[at..])
        .split('#')
        .next()
        .unwrap_or_default();
    target.split_once('?').unwrap_or((target, ""))
}

/// Headers from lines of names and values; what HTTP's own types do not take is left out.
fn parse_headers<'a>(mut lines: impl Iterator<Item = &'a str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

/// The headers of the origin's answer.
pub(crate) fn read_headers(response: &web_sys::Response) -> HeaderMap {
    parse_headers(border::read_headers(response).split('\n'))
}

/// Headers as lines of names and values.
pub(crate) fn header_lines(headers: &HeaderMap) -> String {
    let mut lines = String::new();
    for (name, value) in headers {
        lines.push_str(name.as_str());
        lines.push('\n');
        lines.push_str(&String::from_utf8_lossy(value.as_bytes()));
        lines.push('\n');
    }
    lines
}

/// Reads the body to a head. An error means that it broke off.
pub(crate) async fn read_body(head: Head, request: web_sys::Request) -> Result<Request, EdgeError> {
    let mut read = head.request;
    if request.body().is_none() {
        return Ok(read);
    }
    let mut request = worker::Request::from(request);
    let unread = |_| EdgeError::InvalidBody("the body could not be read".to_owned());
    let told = read
        .headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    // The runtime cuts a body at the length that was told, so one step takes it whole.
    if told.is_some_and(|bytes| bytes <= BODY_BYTES_MAX) {
        read.body = request.bytes().await.map_err(unread)?;
        return Ok(read);
    }
    let mut stream = request.stream().map_err(unread)?;
    let mut bytes = 0;
    // A client that still sends does not hear why it is refused, so somewhat more is read and dropped.
    while bytes < DRAINED_BYTES_MAX
        && let Some(chunk) = stream.try_next().await.map_err(unread)?
    {
        bytes += chunk.len();
        if read.body.len() < BODY_BYTES_MAX {
            read.body.extend(chunk);
        }
    }
    read.body.truncate(BODY_BYTES_MAX);
    Ok(read)
}

/// Where Cloudflare places the client. `XX` and `T1` (Tor) are no countries.
fn geo(country: &str, city: &str) -> Option<Geo> {
    let is_code = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_code && country != "XX").then(|| Geo {
        country: Some(country.to_ascii_uppercase()),
        city: (1..=CITY_BYTES_MAX)
            .contains(&city.len())
            .then(|| city.to_owned()),
    })
}

/// Makes the reply.
pub(crate) fn reply(response: &Response) -> worker::Result<web_sys::Response> {
    // JavaScript throws at a body beside a status that has none.
    let body = if has_no_body(response.status) {
        &[]
    } else {
        response.body.as_slice()
    };
    let lines = header_lines(&response.headers);
    Ok(border::make_response(
        response.status.as_u16(),
        &lines,
        body,
    )?)
}

fn has_no_body(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
    )
}

/// The reply of a Worker whose settings are wrong. The operator's log names the setting, the reply does not.
pub(crate) fn misconfigured(fault: &Unusable) -> worker::Result<web_sys::Response> {
    console_error!("the Worker cannot serve: {fault}");
    let body = serde_json::json!({
        "success": false,
        "code": "misconfigured",
        "message": "the service is not set up",
    });
    reply(&Response::json(StatusCode::SERVICE_UNAVAILABLE, &body))
}
