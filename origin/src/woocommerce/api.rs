//! Reads the lists of a shop's REST API, page by page.
//!
//! Pages are asked for in the sequence of ids: what the shop makes meanwhile comes at the end, and what it
//! changes keeps its place. In the sequence of changes it would move, and what stood behind it would slip to a
//! page that was read already.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use footfall_shared::time::UtcMillis;
use http::header::{ACCEPT, AUTHORIZATION, DATE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::value::RawValue;

use super::connection::ApiAccess;
use super::sync::Resource;
use crate::app::App;
use crate::http::outgoing::{Outgoing, OutgoingError, Patience};

/// Things on a page, the most that WooCommerce gives.
pub(super) const PER_PAGE: usize = 100;
/// How long a page may take, and how long it may be. Shops on small machines need seconds for a page.
const PATIENCE: Patience = Patience {
    timeout: Duration::from_secs(60),
    bytes_max: 32 * 1024 * 1024,
};
/// How often a page is asked for before the reading gives up until the next time.
const TRIES: u32 = 6;
/// The first pause after a fault of the shop; it doubles with each further one.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that a shop may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Why a list could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The consumer key or secret cannot stand in a header.
    #[error("the consumer key or secret holds characters that no header can carry")]
    Unusable,
    /// The shop does not answer.
    #[error("the shop does not answer")]
    NoAnswer(#[source] OutgoingError),
    /// 401 or 403.
    #[error("the shop refuses the consumer key: it needs the permission to read")]
    Refused,
    /// 404.
    #[error(
        "there is no WooCommerce API at this URL; is it the shop's, and are its permalinks switched on?"
    )]
    NoApi,
    /// Any other status, or 429 and 5xx for too long.
    #[error("the shop answers {0}")]
    Status(StatusCode),
    /// The answer is no list.
    #[error("the shop's answer is no JSON list")]
    NotAList(#[source] serde_json::Error),
}

/// A page of a list.
#[derive(Debug)]
pub(super) struct Page {
    /// The things on it, each still text: a broken one must not fail the rest.
    pub(super) items: Vec<Box<RawValue>>,
    /// How many things the list has, where the shop says so.
    pub(super) total: Option<i64>,
    /// Whether it is the last one.
    pub(super) is_last: bool,
    /// The shop's clock.
    pub(super) date: Option<UtcMillis>,
    /// Our clock, before it was asked for.
    pub(super) asked_at: UtcMillis,
}

/// A shop's API.
#[derive(Debug)]
pub(super) struct ShopApi {
    client: Outgoing,
    base: String,
    login: HeaderValue,
}

impl ShopApi {
    /// The API behind this access.
    pub(super) fn new(access: &ApiAccess) -> Result<Self, ApiError> {
        let ApiAccess {
            url,
            consumer_key,
            consumer_secret,
        } = access;
        let login = format!("{}:{}", consumer_key.reveal(), consumer_secret.reveal());
        let login = format!("Basic {}", STANDARD.encode(login));
        let mut login = HeaderValue::from_str(&login).map_err(|_| ApiError::Unusable)?;
        login.set_sensitive(true);
        Ok(Self {
            client: Outgoing::new(),
            base: format!("{}/wp-json/wc/v3", url.as_str()),
            login,
        })
    }

    /// A page, the first being 1. Waits as long as the shop asks for where it is asked too often.
    pub(super) async fn page(
        &self,
        app: &App,
        resource: Resource,
        modified_after: Option<UtcMillis>,
        page: i64,
    ) -> Result<Page, ApiError> {
        let url = format!("{}/{}", self.base, question(resource, modified_after, page));
        let mut tries = 0;
        loop {
            tries += 1;
            let asked_at = app.now();
            let answer = self.ask(&url).await;
            let pause = match answer {
                Ok(answer) if answer.status() == StatusCode::OK => {
                    return read_page(&answer, page, asked_at);
                }
                Ok(answer) => match fault_of(answer.status()) {
                    // A shop that is overloaded or being updated is asked again.
                    fault @ ApiError::Status(status) if is_passing(status) => {
                        if tries >= TRIES {
                            return Err(fault);
                        }
                        retry_after(answer.headers(), asked_at)
                    }
                    fault => return Err(fault),
                },
                Err(fault) if tries >= TRIES => return Err(ApiError::NoAnswer(fault)),
                Err(_) => None,
            };
            let pause = pause.unwrap_or(PAUSE * 2u32.pow(tries - 1));
            tokio::time::sleep(pause.min(PAUSE_MAX)).await;
        }
    }

    async fn ask(&self, url: &str) -> Result<Response<Bytes>, OutgoingError> {
        let request = Request::get(url)
            .header(AUTHORIZATION, self.login.clone())
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("Footfall/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::new()))
            .map_err(|cause| OutgoingError::Unreachable(cause.into()))?;
        self.client.send(request, PATIENCE).await
    }
}

fn question(resource: Resource, modified_after: Option<UtcMillis>, page: i64) -> String {
    let path = resource.path();
    let mut question = format!("{path}?per_page={PER_PAGE}&page={page}&orderby=id&order=asc");
    if resource == Resource::Trash {
        question.push_str("&status=trash");
    }
    if let Some(after) = modified_after.filter(|_| resource.tells_changes()) {
        // Without an offset: WordPress would turn one into the shop's own zone.
        let after = after.to_rfc3339();
        let after = after.split('.').next().unwrap_or_default();
        question.push_str("&dates_are_gmt=true&modified_after=");
        question.extend(form_urlencoded::byte_serialize(after.as_bytes()));
    }
    question
}

fn fault_of(status: StatusCode) -> ApiError {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ApiError::Refused,
        StatusCode::NOT_FOUND => ApiError::NoApi,
        other => ApiError::Status(other),
    }
}

fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// How long the shop asks us to wait: seconds, or until a date.
fn retry_after(headers: &HeaderMap, now: UtcMillis) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(text)?;
    // The shop's own clock tells how far away its date is.
    let from = date_of(headers).unwrap_or(now);
    Some(Duration::from_millis(
        until.since(from).max(0).unsigned_abs(),
    ))
}

fn date_of(headers: &HeaderMap) -> Option<UtcMillis> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<UtcMillis> {
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(UtcMillis::new(date.timestamp().as_millisecond()))
}

fn read_page(answer: &Response<Bytes>, page: i64, asked_at: UtcMillis) -> Result<Page, ApiError> {
    let items: Vec<Box<RawValue>> =
        serde_json::from_slice(answer.body()).map_err(ApiError::NotAList)?;
    let number = |name| -> Option<i64> {
        let value = answer.headers().get(name)?;
        value.to_str().ok()?.trim().parse().ok()
    };
    let is_last = match number("x-wp-totalpages") {
        Some(pages) => page >= pages,
        // A proxy took the header away: a page that is not full is the last one.
        None => items.len() < PER_PAGE,
    };
    Ok(Page {
        is_last: is_last || items.is_empty(),
        items,
        total: number("x-wp-total"),
        date: date_of(answer.headers()),
        asked_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_by_id_and_by_what_changed_in_utc() {
        let after = UtcMillis::parse_rfc3339("2026-11-24T12:00:00.500Z");
        assert_eq!(
            question(Resource::Orders, after, 3),
            "orders?per_page=100&page=3&orderby=id&order=asc&dates_are_gmt=true\
             &modified_after=2026-11-24T12%3A00%3A00"
        );
        assert_eq!(
            question(Resource::Customers, after, 1),
            "customers?per_page=100&page=1&orderby=id&order=asc"
        );
        assert!(question(Resource::Trash, None, 1).contains("orders?"));
        assert!(question(Resource::Trash, None, 1).ends_with("&status=trash"));
    }

    #[test]
    fn a_shop_says_how_long_to_wait_in_seconds_or_by_a_date() {
        let wait = |value: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            retry_after(&headers, UtcMillis::new(0))
        };
        assert_eq!(wait("7", None), Some(Duration::from_secs(7)));
        let now = Some("Tue, 24 Nov 2026 12:00:00 GMT");
        assert_eq!(
            wait("Tue, 24 Nov 2026 12:00:30 GMT", now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            wait("Tue, 24 Nov 2026 11:00:00 GMT", now),
            Some(Duration::ZERO)
        );
        assert_eq!(wait("soon", now), None);
    }

    #[test]
    fn the_last_page_is_known_with_and_without_the_header() {
        let page = |count: usize, pages: Option<&str>| {
            let body = format!("[{}]", vec!["1"; count].join(","));
            let mut answer = Response::new(Bytes::from(body));
            if let Some(pages) = pages {
                answer
                    .headers_mut()
                    .insert("x-wp-totalpages", pages.parse().unwrap());
            }
            read_page(&answer, 2, UtcMillis::new(0)).unwrap().is_last
        };
        assert!(!page(100, Some("3")));
        assert!(page(100, Some("2")));
        assert!(
            page(0, Some("3")),
            "beyond the end of a list that became shorter"
        );
        assert!(!page(100, None));
        assert!(page(99, None));
        let broken = Response::new(Bytes::from_static(b"<html>"));
        assert!(matches!(
            read_page(&broken, 1, UtcMillis::new(0)),
            Err(ApiError::NotAList(_))
        ));
    }
}
