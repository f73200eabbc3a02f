//! The way to the origin: `fetch` to `ORIGIN_URL` alone.

use footfall_edge::config::InvalidSetting;
use footfall_edge::platform::{OriginLink, OriginRequest, OriginResponse, OriginUnreachable};
use futures_util::TryStreamExt as _;
use http::{Method, StatusCode};
use wasm_bindgen::JsValue;
use worker::js_sys::Uint8Array;
use worker::web_sys;
use worker::{AbortSignal, Fetch, RequestInit, RequestRedirect};

use crate::exchange::{read_headers, write_headers};

/// How long the origin may take for its whole answer, in milliseconds.
const TIMEOUT_MS: u32 = 5_000;
/// Largest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Sends requests to the origin.
pub(crate) struct FetchOrigin {
    base: String,
}

impl FetchOrigin {
    /// The origin's URL without a trailing slash, where it can be one.
    pub(crate) fn check(url: &str) -> Result<String, InvalidSetting> {
        let base = url.trim().trim_end_matches('/');
        let rest = base
            .strip_prefix("https://")
            .or_else(|| base.strip_prefix("http://"));
        if rest.is_none_or(|host| host.is_empty() || host.contains(['?', '#', ' ', '@'])) {
            return Err(InvalidSetting {
                setting: "origin_url",
                reason: "must be an absolute URL, https:// or http://".to_owned(),
            });
        }
        Ok(base.to_owned())
    }

    /// The origin at a URL that [`Self::check`] gave.
    pub(crate) fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
        }
    }

    async fn exchange(
        &self,
        request: OriginRequest,
        signal: &AbortSignal,
    ) -> worker::Result<OriginResponse> {
        let mut init = RequestInit::new();
        init.with_method(as_worker(&request.method)?)
            .with_headers(write_headers(&request.headers))
            // A redirect is the client's to follow, not ours.
            .with_redirect(RequestRedirect::Manual);
        // `fetch` refuses a body that no method like these has a use for.
        let reads_only = matches!(request.method, Method::GET | Method::HEAD);
        if !request.body.is_empty() && !reads_only {
            init.with_body(Some(JsValue::from(Uint8Array::from(
                request.body.as_slice(),
            ))));
        }
        let url = format!("{}{}", self.base, request.path_and_query);
        let request = worker::Request::new_with_init(&url, &init)?;
        let mut answer = Fetch::Request(request).send_with_signal(signal).await?;
        let status = StatusCode::from_u16(answer.status_code())
            .ok()
            // What a Worker cannot answer itself it cannot pass on.
            .filter(|status| (200..600).contains(&status.as_u16()))
            .ok_or("the origin answered with a status that is none")?;
        let headers = read_headers(answer.headers());
        let body = match answer.body() {
            worker::ResponseBody::Stream(_) => read_whole(&mut answer).await?,
            worker::ResponseBody::Body(_) | worker::ResponseBody::Empty => Vec::new(),
        };
        Ok(OriginResponse {
            status,
            headers,
            body,
        })
    }
}

async fn read_whole(answer: &mut worker::Response) -> worker::Result<Vec<u8>> {
    let mut stream = answer.stream()?;
    let mut body = Vec::new();
    while let Some(chunk) = stream.try_next().await? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err("the origin's answer is too large".into());
        }
        body.extend(chunk);
    }
    Ok(body)
}

fn as_worker(method: &Method) -> worker::Result<worker::Method> {
    // worker makes a GET of what it does not know, which would be another request.
    let known = worker::Method::from(method.as_str().to_owned());
    if known.as_ref() == method.as_str() {
        Ok(known)
    } else {
        Err("this method cannot be sent".into())
    }
}

impl OriginLink for FetchOrigin {
    async fn send(&self, request: OriginRequest) -> Result<OriginResponse, OriginUnreachable> {
        let signal = AbortSignal::from(web_sys::AbortSignal::timeout_with_u32(TIMEOUT_MS));
        self.exchange(request, &signal)
            .await
            .map_err(|fault| OriginUnreachable(fault.to_string()))
    }
}
