//! A shop's REST API as WooCommerce answers it: pages of lists by id, changes since a time, totals in headers,
//! HTTP basic login, and the faults that a test asks for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use footfall::woocommerce::connection::{ApiAccess, Secret, ShopUrl};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// A running shop; it stops with the test's runtime.
#[derive(Clone)]
pub(super) struct WooShop {
    url: String,
    state: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    hangs: Notify,
    released: Notify,
}

#[derive(Default)]
struct Inner {
    lists: BTreeMap<String, Vec<Value>>,
    asked: Vec<String>,
    faults: Vec<(StatusCode, Option<String>)>,
    hang_at: Option<String>,
    shrink_after: Option<(String, u64)>,
}

impl WooShop {
    /// A shop without anything.
    pub(super) async fn start() -> Self {
        let state = Arc::<Shared>::default();
        let router = Router::new()
            .route("/shop/wp-json/wc/v3/{list}", get(answer))
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/shop", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// Its base URL.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The way in.
    pub(super) fn access(&self) -> ApiAccess {
        ApiAccess {
            url: ShopUrl::parse(&self.url).unwrap(),
            consumer_key: Secret::parse("key", "ck_1").unwrap(),
            consumer_secret: Secret::parse("secret", "cs_1").unwrap(),
        }
    }

    /// Puts a thing onto a list, in place of the one with its id.
    pub(super) fn put(&self, list: &str, thing: Value) {
        let mut inner = self.lock();
        let things = inner.lists.entry(list.to_owned()).or_default();
        things.retain(|known| known["id"] != thing["id"]);
        things.push(thing);
        things.sort_by_key(|thing| thing["id"].as_u64());
    }

    /// Answers the next questions with these statuses, the first one first.
    pub(super) fn fail_with(&self, faults: &[(u16, Option<&str>)]) {
        let faults = faults.iter().rev().map(|(status, retry_after)| {
            let status = StatusCode::from_u16(*status).unwrap();
            (status, retry_after.map(str::to_owned))
        });
        self.lock().faults = faults.collect();
    }

    /// Does not answer this question, `orders 3`, until it is released.
    pub(super) fn hang_at(&self, question: Option<&str>) {
        self.lock().hang_at = question.map(str::to_owned);
    }

    /// Waits until the question is asked that gets no answer.
    pub(super) async fn hangs(&self) {
        self.state.hangs.notified().await;
    }

    /// Answers the question that waits.
    pub(super) fn release(&self) {
        self.state.released.notify_one();
    }

    /// Deletes a thing once this question was answered.
    pub(super) fn delete_after(&self, question: &str, id: u64) {
        self.lock().shrink_after = Some((question.to_owned(), id));
    }

    /// The questions so far, as `orders 1`, and forgets them.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().asked)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.state
            .inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(
    State(state): State<Arc<Shared>>,
    Path(list): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    // ck_1:cs_1
    if headers["authorization"] != "Basic Y2tfMTpjc18x" {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({"code": "woocommerce_rest_cannot_view"})),
        )
            .into_response();
    }
    let in_trash = query.get("status").is_some_and(|status| status == "trash");
    let shown = if in_trash { "trash" } else { list.as_str() };
    let question = format!("{shown} {}", query["page"]);
    let hangs = {
        let mut inner = state.inner.lock().unwrap();
        inner.asked.push(question.clone());
        if let Some((status, retry_after)) = inner.faults.pop() {
            let mut response = (status, "a fault page, no JSON").into_response();
            if let Some(after) = retry_after {
                response
                    .headers_mut()
                    .insert("retry-after", after.parse().unwrap());
            }
            return response;
        }
        inner.hang_at.as_ref() == Some(&question)
    };
    if hangs {
        state.hangs.notify_one();
        state.released.notified().await;
    }
    let mut inner = state.inner.lock().unwrap();
    let response = page(
        inner.lists.get(&list).map_or(&[], Vec::as_slice),
        &query,
        in_trash,
    );
    if let Some((_, id)) = inner.shrink_after.take_if(|(after, _)| *after == question) {
        inner
            .lists
            .get_mut(&list)
            .unwrap()
            .retain(|thing| thing["id"] != id);
    }
    response
}

fn page(things: &[Value], query: &BTreeMap<String, String>, in_trash: bool) -> Response {
    assert_eq!(
        (query["orderby"].as_str(), query["order"].as_str()),
        ("id", "asc")
    );
    let after = query.get("modified_after");
    assert_eq!(after.is_some(), query.contains_key("dates_are_gmt"));
    let found: Vec<&Value> = things
        .iter()
        .filter(|thing| (thing["status"] == "trash") == in_trash)
        // Texts of one form are in the sequence of their times.
        .filter(|thing| {
            after.is_none_or(|after| thing["date_modified_gmt"].as_str().unwrap() > after.as_str())
        })
        .collect();
    let (per_page, page): (usize, usize) = (
        query["per_page"].parse().unwrap(),
        query["page"].parse().unwrap(),
    );
    assert!(per_page <= 100, "WooCommerce refuses more");
    let shown: Vec<&Value> = found
        .iter()
        .skip((page - 1) * per_page)
        .take(per_page)
        .copied()
        .collect();
    let headers = [
        ("x-wp-total", found.len().to_string()),
        (
            "x-wp-totalpages",
            found.len().div_ceil(per_page).to_string(),
        ),
        // The shop's clock, at the start of the test.
        ("date", "Tue, 24 Nov 2026 12:00:00 GMT".to_owned()),
    ];
    (headers, Json(shown)).into_response()
}
