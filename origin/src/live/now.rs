//! The figures of this moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::analytics;
use crate::app::App;
use crate::db::StorageError;
use crate::shops::Shop;

/// How long figures are the moment's.
const MOMENT_MS: i64 = 1_000;
/// Who did something since then is active.
const ACTIVE_MS: i64 = 5 * 60_000;
/// The visits of which the conversion rate is told: who still shops counts, too.
const CURRENT_MS: i64 = 30 * 60_000;
/// The orders that are told.
const RECENT_MS: i64 = 60 * 60_000;
/// Active visits whose pages are looked at.
const VISITS_MAX: i64 = 1_000;
/// Orders that are told one by one.
const ORDERS_MAX: usize = 10;
/// Orders that are counted.
const ORDERS_COUNTED: i64 = 10_000;
/// Pages that are told.
const PAGES_MAX: usize = 10;

/// The figures of this moment.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct NowReply {
    /// When they were made, RFC 3339; they are at most a second old.
    #[schema(example = "2026-11-24T12:00:00.000Z")]
    timestamp: String,
    /// Visitors who did something in the last five minutes.
    active_users: i64,
    /// Visits in which something was done in the last half hour, and those of them that came to the confirmation.
    current_sessions: i64,
    current_conversions: i64,
    /// Their share; null without visits.
    conversion_rate: Option<f64>,
    /// The orders of the last hour.
    transactions: TransactionsReply,
    /// Where the active visitors are, the most first: the last page of each visit of the last five minutes.
    top_pages: Vec<TopPage>,
}

/// Orders.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct TransactionsReply {
    /// How many in the last hour.
    count: usize,
    /// What they came to, in the currency's main unit.
    revenue: f64,
    /// ISO 4217.
    currency: String,
    /// The latest ones, at most ten.
    latest: Vec<TransactionReply>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct TransactionReply {
    order_id: String,
    /// RFC 3339.
    timestamp: String,
    value: f64,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct TopPage {
    /// Its type, else the first part of its path.
    page: String,
    /// Visits that are there.
    active_users: i64,
}

/// The figures of this moment: made once a second for all who ask.
pub(super) async fn figures(app: &App, shop: &Shop) -> Result<Arc<NowReply>, StorageError> {
    let now = app.now();
    if let Some(held) = app.live().figures(&shop.id, now.plus(-MOMENT_MS)) {
        return Ok(held);
    }
    let mut db = app.db().read().await?;
    let active = analytics::count_active(&mut db, &shop.id, now.plus(-ACTIVE_MS)).await?;
    let current = analytics::count_active(&mut db, &shop.id, now.plus(-CURRENT_MS)).await?;
    let pages = analytics::last_pages(&mut db, &shop.id, now.plus(-ACTIVE_MS), VISITS_MAX).await?;
    let orders =
        analytics::list_orders_since(&mut db, shop, now.plus(-RECENT_MS), ORDERS_COUNTED).await?;
    let mut counts = BTreeMap::<String, i64>::new();
    for page in pages {
        *counts.entry(page).or_default() += 1;
    }
    let mut pages: Vec<(String, i64)> = counts.into_iter().collect();
    pages.sort_by_key(|(_, count)| -count);
    pages.truncate(PAGES_MAX);
    let value = |minor: i64| footfall_shared::money::MinorUnits::new(minor).to_major(shop.currency);
    let latest = orders
        .iter()
        .take(ORDERS_MAX)
        .map(|(order_id, at, total)| TransactionReply {
            order_id: order_id.clone(),
            timestamp: footfall_shared::time::UtcMillis::new(*at).to_rfc3339(),
            value: value(*total),
        });
    let rate = |part: i64, whole: i64| (whole > 0).then(|| part as f64 / whole as f64);
    let made = Arc::new(NowReply {
        timestamp: now.to_rfc3339(),
        active_users: active.visitors,
        current_sessions: current.visits,
        current_conversions: current.confirmed,
        conversion_rate: rate(current.confirmed, current.visits),
        transactions: TransactionsReply {
            count: orders.len(),
            revenue: value(orders.iter().map(|(_, _, total)| total).sum()),
            currency: shop.currency.as_str().to_owned(),
            latest: latest.collect(),
        },
        top_pages: pages
            .into_iter()
            .map(|(page, active_users)| TopPage { page, active_users })
            .collect(),
    });
    app.live().keep_figures(&shop.id, now, &made);
    Ok(made)
}
