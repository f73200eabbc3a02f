//! The way to the origin: `fetch` to `ORIGIN_URL` alone.

use footfall_edge::config::InvalidSetting;
use footfall_edge::platform::{OriginLink, OriginRequest, OriginResponse, OriginUnreachable};
use futures_util::TryStreamExt as _;
use http::{Method, StatusCode};
use wasm_bindgen::JsCast as _;
use worker::js_sys::Uint8Array;
use worker::js_sys::futures::JsFuture;
use worker::{js_sys, web_sys};

use crate::border;
use crate::exchange::{header_lines, read_headers};

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

    async fn exchange(&self, request: OriginRequest) -> worker::Result<OriginResponse> {
        let init = web_sys::RequestInit::new();
        init.set_method(request.method.as_str());
        init.set_headers(&border::make_headers(&header_lines(&request.headers)));
        // A redirect is the client's to follow, not ours.
        init.set_redirect(web_sys::RequestRedirect::Manual);
        init.set_signal(Some(&web_sys::AbortSignal::timeout_with_u32(TIMEOUT_MS)));
        // `fetch` refuses a body that no method like these has a use for.
        let reads_only = matches!(request.method, Method::GET | Method::HEAD);
        if !request.body.is_empty() && !reads_only {
            init.set_body(&Uint8Array::from(request.body.as_slice()));
        }
        let url = format!("{}{}", self.base, request.path_and_query);
        let scope: web_sys::WorkerGlobalScope = js_sys::global().unchecked_into();
        let answer = JsFuture::from(scope.fetch_with_str_and_init(&url, &init)).await?;
        let answer: web_sys::Response = answer.unchecked_into();
        let status = StatusCode::from_u16(answer.status())
            .ok()
            // What a Worker cannot answer itself it cannot pass on.
            .filter(|status| (200..600).contains(&status.as_u16()))
            .ok_or("the origin answered with a status that is none")?;
        Ok(OriginResponse {
            status,
            headers: read_headers(&answer),
            body: match answer.body() {
                Some(_) => read_whole(&mut worker::Response::from(answer)).await?,
                None => Vec::new(),
            },
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

impl OriginLink for FetchOrigin {
    async fn send(&self, request: OriginRequest) -> Result<OriginResponse, OriginUnreachable> {
        self.exchange(request)
            .await
            .map_err(|fault| OriginUnreachable(fault.to_string()))
    }
}
