//! Requests and replies between the component's interface and the core's types.
//!
//! spin-sdk's own conversion asks the runtime for parts that nobody here reads (scheme, authority, options,
//! the body of a request that has none) and copies the headers once more. Each question crosses the border
//! of the component, and together they are a good part of what a look-up costs.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use footfall_edge::{Request, Response};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, Full};
use spin_sdk::wasip3::http::types;
use spin_sdk::wasip3::http_compat::{BodyWriter, IncomingRequestBody};
use spin_sdk::wit_bindgen;

use crate::geo;

/// No more than this is read of a body, in bytes: more than any route takes, so that the route itself
/// refuses what is longer.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024 + 1;
/// Header in which Spin tells the socket's address, `ip:port`.
const CLIENT_ADDRESS_HEADER: &str = "spin-client-addr";

/// Reads a request. `geo_header` names the header that tells where the client is. An error means that it
/// is no request, or broke off; the runtime is told.
pub(crate) async fn read(
    request: types::Request,
    geo_header: &str,
) -> Result<Request, types::ErrorCode> {
    let method = Method::try_from(request.get_method())
        .map_err(|_| types::ErrorCode::HttpRequestMethodInvalid)?;
    let target = request.get_path_with_query().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let headers = HeaderMap::try_from(request.get_headers())?;
    // Spin appends its own behind whatever the client sent under this name.
    let told = headers.get_all(CLIENT_ADDRESS_HEADER).iter().next_back();
    let peer = told.and_then(|value| {
        let text = value.to_str().ok()?;
        let address = text.parse::<SocketAddr>().map(|socket| socket.ip());
        address.or_else(|_| text.parse::<IpAddr>()).ok()
    });
    let reads_only = matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
    let body = if reads_only && !headers.contains_key(CONTENT_LENGTH) {
        Vec::new()
    } else {
        read_body(request).await?
    };
    Ok(Request {
        method,
        path: if path.is_empty() { "/" } else { path }.to_owned(),
        query: query.to_owned(),
        geo: geo::read(&headers, geo_header),
        headers,
        body,
        peer,
    })
}

async fn read_body(request: types::Request) -> Result<Vec<u8>, types::ErrorCode> {
    let mut stream = IncomingRequestBody::new(request)?;
    let mut body = Vec::new();
    while body.len() < BODY_BYTES_MAX
        && let Some(frame) = stream.frame().await
    {
        if let Ok(data) = frame?.into_data() {
            body.extend_from_slice(&data);
        }
    }
    body.truncate(BODY_BYTES_MAX);
    Ok(body)
}

/// Makes the reply; its body follows once the runtime has it.
pub(crate) fn reply(response: Response) -> Result<types::Response, types::ErrorCode> {
    let Response {
        status,
        headers,
        body,
    } = response;
    let internal = |text: &str| types::ErrorCode::InternalError(Some(text.to_owned()));
    let fields: Vec<(String, Vec<u8>)> = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    let fields = types::Fields::from_list(&fields).map_err(|_| internal("invalid headers"))?;
    let (writer, content, trailers) = BodyWriter::new();
    let (reply, _sent) = types::Response::new(fields, Some(content), trailers);
    reply
        .set_status_code(status.as_u16())
        .map_err(|()| internal("invalid status"))?;
    wit_bindgen::spawn(async move {
        let mut body = Full::new(Bytes::from(body));
        // A client that is gone does not read it.
        let _ = writer.send_http_body(&mut body).await;
    });
    Ok(reply)
}
