//! All that tables hold of a person, for an export.
//!
//! Here and in erasures a feature reads the tables of all others: what there is of a person has to be found in one place, or
//! it is forgotten somewhere. What is not here is nobody's: sums, settings, staff, jobs, and what was erased.

use footfall_shared::id::{CustomerId, ShopId};
use footfall_shared::identity::{Email, EmailHash};

use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, keep_prepared};
use crate::on_db;

/// The rows in which a column has one of these values. The statement ends behind the shop's equals sign; what follows it ends
/// at the list.
macro_rules! rows_with {
    ($row:ty, $db:expr, $shop:expr, $select:expr, $which:expr, $values:expr, $step:literal) => {{
        let mut found: Vec<$row> = Vec::new();
        for chunk in $values.chunks(ROWS_A_STATEMENT) {
            let rows: Vec<$row> = on_db!($db, |connection| {
                let mut sql = sqlx::QueryBuilder::new($select);
                sql.push_bind($shop.as_str()).push($which);
                let mut list = sql.separated(", ");
                for value in chunk {
                    list.push_bind(value.as_str());
                }
                sql.push(")")
                    .build_query_as()
                    .persistent(keep_prepared(chunk.len()))
                    .fetch_all(connection)
                    .await
            })
            .during($step)?;
            found.extend(rows);
        }
        found
    }};
}

/// The email that a hash stands for, where a shopper, an event or a sales record tells it.
pub(in crate::privacy) async fn find_email(
    db: &mut impl Handle,
    shop: &ShopId,
    hash: &EmailHash,
) -> Result<Option<Email>, StorageError> {
    const STEP: &str = "find whose hash it is";
    const TEXTS: [&str; 2] = [
        "SELECT email FROM customers WHERE shop_id = $1 AND email_hash = $2",
        "SELECT email FROM events WHERE shop_id = $1 AND email_hash = $2 AND email IS NOT NULL LIMIT 1",
    ];
    const RECORD: &str = "SELECT body FROM customer_records WHERE shop_id = $1 AND email_hash = $2";
    for sql in TEXTS {
        let text: Option<String> = on_db!(db, |connection| {
            sqlx::query_scalar(sql)
                .bind(shop.as_str())
                .bind(hash.as_str())
                .fetch_optional(connection)
                .await
        })
        .during(STEP)?;
        if let Some(text) = text {
            let email = Email::parse("email", &text);
            return email
                .map(Some)
                .map_err(|cause| StorageError::corrupt(STEP, cause));
        }
    }
    let record: Option<String> = on_db!(db, |connection| {
        sqlx::query_scalar(RECORD)
            .bind(shop.as_str())
            .bind(hash.as_str())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    let Some(record) = record else {
        return Ok(None);
    };
    let record: serde_json::Value =
        serde_json::from_str(&record).map_err(|cause| StorageError::corrupt(STEP, cause))?;
    let text = record["email"].as_str().unwrap_or_default();
    Ok(Email::parse("email", text).ok())
}

/// A shopper's profile.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct ProfileRow {
    pub(in crate::privacy) body: String,
    pub(in crate::privacy) created_at: i64,
    pub(in crate::privacy) updated_at: i64,
}

/// A shopper's profile.
pub(in crate::privacy) async fn list_profiles(
    db: &mut impl Handle,
    shop: &ShopId,
    customer: &CustomerId,
) -> Result<Vec<ProfileRow>, StorageError> {
    const SQL: &str = "SELECT body, created_at, updated_at FROM profiles \
        WHERE shop_id = $1 AND customer_id = $2";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(customer.as_str())
            .fetch_all(connection)
            .await
    })
    .during("read somebody's profile")
}

/// An order.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct OrderRow {
    pub(in crate::privacy) order_id: String,
    pub(in crate::privacy) number: String,
    pub(in crate::privacy) status: String,
    pub(in crate::privacy) ordered_at: i64,
    pub(in crate::privacy) currency: String,
    pub(in crate::privacy) total_minor: i64,
    pub(in crate::privacy) created_at: i64,
    pub(in crate::privacy) updated_at: i64,
}

/// A shopper's orders, the first first.
pub(in crate::privacy) async fn list_orders(
    db: &mut impl Handle,
    shop: &ShopId,
    customer: &CustomerId,
) -> Result<Vec<OrderRow>, StorageError> {
    const SQL: &str = "SELECT order_id, number, status, ordered_at, currency, total_minor, created_at, updated_at \
        FROM orders WHERE shop_id = $1 AND customer_id = $2 ORDER BY ordered_at, order_id";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(customer.as_str())
            .fetch_all(connection)
            .await
    })
    .during("read somebody's orders")
}

/// A line of an order.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct ItemRow {
    pub(in crate::privacy) order_id: String,
    pub(in crate::privacy) product_id: String,
    pub(in crate::privacy) name: String,
    pub(in crate::privacy) quantity: i64,
    pub(in crate::privacy) unit_price_minor: i64,
}

/// The lines of a shopper's orders, in their sequence.
pub(in crate::privacy) async fn list_items(
    db: &mut impl Handle,
    shop: &ShopId,
    customer: &CustomerId,
) -> Result<Vec<ItemRow>, StorageError> {
    const SQL: &str = "SELECT i.order_id, i.product_id, i.name, i.quantity, i.unit_price_minor FROM orders o \
        JOIN order_items i ON i.shop_id = o.shop_id AND i.order_id = o.order_id \
        WHERE o.shop_id = $1 AND o.customer_id = $2 ORDER BY i.order_id, i.line";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(customer.as_str())
            .fetch_all(connection)
            .await
    })
    .during("read the lines of somebody's orders")
}

/// An offer.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct OfferRow {
    pub(in crate::privacy) body: String,
    pub(in crate::privacy) decided_on: Option<String>,
}

/// A shopper's offers, the first first.
pub(in crate::privacy) async fn list_offers(
    db: &mut impl Handle,
    shop: &ShopId,
    customer: &CustomerId,
) -> Result<Vec<OfferRow>, StorageError> {
    const SQL: &str = "SELECT body, decided_on FROM offers WHERE shop_id = $1 AND customer_id = $2 \
        ORDER BY created_at, id";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(customer.as_str())
            .fetch_all(connection)
            .await
    })
    .during("read somebody's offers")
}

/// A key by which a device is known.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct DeviceRow {
    pub(in crate::privacy) kind: String,
    pub(in crate::privacy) hash: String,
    pub(in crate::privacy) trust: Option<String>,
    pub(in crate::privacy) visit_count: i64,
    pub(in crate::privacy) geo_country: Option<String>,
    pub(in crate::privacy) geo_city: Option<String>,
    pub(in crate::privacy) first_seen: i64,
    pub(in crate::privacy) last_seen: i64,
}

/// The devices that recognize somebody.
pub(in crate::privacy) async fn list_devices(
    db: &mut impl Handle,
    shop: &ShopId,
    hash: &EmailHash,
) -> Result<Vec<DeviceRow>, StorageError> {
    const SQL: &str = "SELECT kind, hash, trust, visit_count, geo_country, geo_city, first_seen, last_seen \
        FROM devices WHERE shop_id = $1 AND email_hash = $2 ORDER BY first_seen, kind, hash";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(hash.as_str())
            .fetch_all(connection)
            .await
    })
    .during("read somebody's devices")
}

/// Which browser said that it placed an order.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct OrderLinkRow {
    pub(in crate::privacy) order_id: String,
    pub(in crate::privacy) anonymous_id: String,
    pub(in crate::privacy) session_id: Option<String>,
    pub(in crate::privacy) fingerprint: Option<String>,
    pub(in crate::privacy) ip: Option<String>,
    pub(in crate::privacy) at: i64,
}

/// Of which orders these browsers said that they placed them.
pub(in crate::privacy) async fn list_order_links(
    db: &mut impl Handle,
    shop: &ShopId,
    browsers: &[String],
) -> Result<Vec<OrderLinkRow>, StorageError> {
    const SQL: &str = "SELECT order_id, anonymous_id, session_id, fingerprint, ip, at FROM order_links \
        WHERE shop_id = ";
    Ok(rows_with!(
        OrderLinkRow,
        db,
        shop,
        SQL,
        " AND anonymous_id IN (",
        browsers,
        "read what browsers said of orders"
    ))
}

/// A session, as it was folded.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct JourneyRow {
    pub(in crate::privacy) session_id: String,
    pub(in crate::privacy) body: String,
}

/// These sessions.
pub(in crate::privacy) async fn list_journeys(
    db: &mut impl Handle,
    shop: &ShopId,
    sessions: &[String],
) -> Result<Vec<JourneyRow>, StorageError> {
    const SQL: &str = "SELECT session_id, body FROM journeys WHERE shop_id = ";
    Ok(rows_with!(
        JourneyRow,
        db,
        shop,
        SQL,
        " AND session_id IN (",
        sessions,
        "read somebody's sessions"
    ))
}

/// What a session was shown.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct ExposureRow {
    pub(in crate::privacy) session_id: String,
    pub(in crate::privacy) visit: i64,
    pub(in crate::privacy) slot: String,
    pub(in crate::privacy) held_out: i64,
    pub(in crate::privacy) variants: String,
    pub(in crate::privacy) sold: i64,
}

/// What these sessions were shown.
pub(in crate::privacy) async fn list_exposures(
    db: &mut impl Handle,
    shop: &ShopId,
    sessions: &[String],
) -> Result<Vec<ExposureRow>, StorageError> {
    const SQL: &str =
        "SELECT session_id, visit, slot, held_out, variants, sold FROM exposures WHERE shop_id = ";
    Ok(rows_with!(
        ExposureRow,
        db,
        shop,
        SQL,
        " AND session_id IN (",
        sessions,
        "read what somebody was shown"
    ))
}

/// The number of the making of the figures that is read; `None` before the first.
pub(in crate::privacy) async fn find_live_run(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Option<i64>, StorageError> {
    const SQL: &str = "SELECT run FROM analytics_runs WHERE shop_id = $1 AND state = 'live'";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("find the figures that are read")
}

/// A visit.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct VisitRow {
    pub(in crate::privacy) key: String,
    pub(in crate::privacy) first_at: i64,
    pub(in crate::privacy) body: String,
}

/// The visits of these visitors in a making of the figures.
pub(in crate::privacy) async fn list_visits_of(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    visitors: &[String],
) -> Result<Vec<VisitRow>, StorageError> {
    const SQL: &str = "SELECT key, first_at, body FROM visits WHERE shop_id = ";
    Ok(rows_with!(
        VisitRow,
        db,
        shop,
        SQL,
        format_args!(" AND run = {run} AND visitor IN ("),
        visitors,
        "read somebody's visits"
    ))
}

/// The visits with these keys in a making of the figures.
pub(in crate::privacy) async fn list_visits(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    keys: &[String],
) -> Result<Vec<VisitRow>, StorageError> {
    const SQL: &str = "SELECT key, first_at, body FROM visits WHERE shop_id = ";
    Ok(rows_with!(
        VisitRow,
        db,
        shop,
        SQL,
        format_args!(" AND run = {run} AND key IN ("),
        keys,
        "read visits by their keys"
    ))
}

/// What a visitor's visits came to on a day.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct VisitDayRow {
    pub(in crate::privacy) visitor: String,
    pub(in crate::privacy) day: i64,
    pub(in crate::privacy) device: String,
    pub(in crate::privacy) counts: String,
}

/// What the visits of these visitors came to, by the day, in a making of the figures.
pub(in crate::privacy) async fn list_visit_days(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    visitors: &[String],
) -> Result<Vec<VisitDayRow>, StorageError> {
    const SQL: &str = "SELECT visitor, day, device, counts FROM visitor_days WHERE shop_id = ";
    Ok(rows_with!(
        VisitDayRow,
        db,
        shop,
        SQL,
        format_args!(" AND run = {run} AND visitor IN ("),
        visitors,
        "read the days of somebody's visits"
    ))
}

/// What somebody said of a page.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct FeedbackRow {
    pub(in crate::privacy) id: String,
    pub(in crate::privacy) at: i64,
    pub(in crate::privacy) page: String,
    pub(in crate::privacy) score: i64,
    pub(in crate::privacy) topic: String,
    pub(in crate::privacy) rating: Option<i64>,
    pub(in crate::privacy) said: Option<String>,
}

/// What these events said of pages, in a making of the figures.
pub(in crate::privacy) async fn list_feedback(
    db: &mut impl Handle,
    shop: &ShopId,
    run: i64,
    events: &[String],
) -> Result<Vec<FeedbackRow>, StorageError> {
    const SQL: &str =
        "SELECT id, at, page, score, topic, rating, said FROM feedback WHERE shop_id = ";
    Ok(rows_with!(
        FeedbackRow,
        db,
        shop,
        SQL,
        format_args!(" AND run = {run} AND id IN ("),
        events,
        "read what somebody said"
    ))
}

/// Somebody in a segment.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct SegmentRow {
    pub(in crate::privacy) scope: String,
    pub(in crate::privacy) run: String,
    pub(in crate::privacy) segment_id: i64,
    pub(in crate::privacy) customer_id: String,
    pub(in crate::privacy) email: Option<String>,
    pub(in crate::privacy) recency_days: Option<f64>,
    pub(in crate::privacy) frequency: i64,
    pub(in crate::privacy) spend_minor: i64,
    pub(in crate::privacy) score_r: Option<i64>,
    pub(in crate::privacy) score_f: i64,
    pub(in crate::privacy) score_m: i64,
    pub(in crate::privacy) age: Option<i64>,
    pub(in crate::privacy) gender: Option<String>,
    pub(in crate::privacy) location: Option<String>,
}

/// In which segments people of these names are, by the shop's ids of them and by emails. Who is found by both stands there
/// twice.
pub(in crate::privacy) async fn list_segments(
    db: &mut impl Handle,
    shop: &ShopId,
    names: &[String],
) -> Result<Vec<SegmentRow>, StorageError> {
    const SQL: &str = "SELECT scope, run, segment_id, customer_id, email, recency_days, frequency, spend_minor, \
        score_r, score_f, score_m, age, gender, location FROM segment_members WHERE shop_id = ";
    let mut found = Vec::new();
    for which in [" AND customer_id IN (", " AND email IN ("] {
        found.extend(rows_with!(
            SegmentRow,
            db,
            shop,
            SQL,
            which,
            names,
            "read in which segments somebody is"
        ));
    }
    Ok(found)
}

/// What was found when customers were segmented last, as JSON.
pub(in crate::privacy) async fn find_segmented(
    db: &mut impl Handle,
    shop: &ShopId,
    scope: &str,
) -> Result<Option<String>, StorageError> {
    const SQL: &str =
        "SELECT body FROM behavior_results WHERE shop_id = $1 AND scope = $2 AND kind = 'segments'";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(scope)
            .fetch_optional(connection)
            .await
    })
    .during("read what segments are called")
}

/// What somebody is recommended.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct RecommendationRow {
    pub(in crate::privacy) customer: String,
    pub(in crate::privacy) version: i64,
    pub(in crate::privacy) trained_at: i64,
    pub(in crate::privacy) state: String,
    pub(in crate::privacy) list: String,
    pub(in crate::privacy) similar_customers: String,
}

/// What people of these names are recommended.
pub(in crate::privacy) async fn list_recommendations(
    db: &mut impl Handle,
    shop: &ShopId,
    names: &[String],
) -> Result<Vec<RecommendationRow>, StorageError> {
    const SQL: &str = "SELECT l.customer, l.version, r.trained_at, r.state, l.list, l.similar_customers \
        FROM recommendations l JOIN recommenders r ON r.shop_id = l.shop_id AND r.version = l.version \
        WHERE l.shop_id = ";
    Ok(rows_with!(
        RecommendationRow,
        db,
        shop,
        SQL,
        " AND l.customer IN (",
        names,
        "read what somebody is recommended"
    ))
}

/// A sales record.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct RecordRow {
    pub(in crate::privacy) id: String,
    pub(in crate::privacy) body: String,
    pub(in crate::privacy) personality_type: Option<String>,
    pub(in crate::privacy) budget_range: Option<String>,
    pub(in crate::privacy) sales_stage: String,
    pub(in crate::privacy) current_interest: Option<String>,
    pub(in crate::privacy) completeness: i64,
    pub(in crate::privacy) created_at: i64,
    pub(in crate::privacy) updated_at: i64,
}

/// The sales record of whoever has an email.
pub(in crate::privacy) async fn list_records(
    db: &mut impl Handle,
    shop: &ShopId,
    hash: &EmailHash,
) -> Result<Vec<RecordRow>, StorageError> {
    const SQL: &str = "SELECT id, body, personality_type, budget_range, sales_stage, current_interest, \
        completeness, created_at, updated_at FROM customer_records WHERE shop_id = $1 AND email_hash = $2";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(hash.as_str())
            .fetch_all(connection)
            .await
    })
    .during("read somebody's sales record")
}

/// What was done with somebody once.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct InteractionRow {
    pub(in crate::privacy) id: String,
    pub(in crate::privacy) recorded_at: i64,
    pub(in crate::privacy) body: String,
}

/// What was done with the customer of a sales record, the first first.
pub(in crate::privacy) async fn list_interactions(
    db: &mut impl Handle,
    shop: &ShopId,
    record: &str,
) -> Result<Vec<InteractionRow>, StorageError> {
    const SQL: &str = "SELECT id, recorded_at, body FROM customer_interactions \
        WHERE shop_id = $1 AND customer_id = $2 ORDER BY at, id";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(record)
            .fetch_all(connection)
            .await
    })
    .during("read what was done with somebody")
}

/// What somebody allowed or refused.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct ConsentRow {
    pub(in crate::privacy) subject: String,
    pub(in crate::privacy) purpose: String,
    pub(in crate::privacy) at: i64,
    pub(in crate::privacy) granted: bool,
    pub(in crate::privacy) source: String,
    pub(in crate::privacy) recorded_at: i64,
}

/// Every word of these people and browsers.
pub(in crate::privacy) async fn list_consents(
    db: &mut impl Handle,
    shop: &ShopId,
    subjects: &[String],
) -> Result<Vec<ConsentRow>, StorageError> {
    const SQL: &str =
        "SELECT subject, purpose, at, granted, source, recorded_at FROM consents WHERE shop_id = ";
    Ok(rows_with!(
        ConsentRow,
        db,
        shop,
        SQL,
        " AND subject IN (",
        subjects,
        "read what somebody allows"
    ))
}

/// An event that the log did not take.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct RejectedRow {
    pub(in crate::privacy) body: String,
    pub(in crate::privacy) code: String,
    pub(in crate::privacy) reason: String,
    pub(in crate::privacy) rejected_at: i64,
}

/// Events of the shop that the log did not take and that have an email in their text, wherever.
pub(in crate::privacy) async fn list_rejected(
    db: &mut impl Handle,
    shop: &ShopId,
    email: &Email,
) -> Result<Vec<RejectedRow>, StorageError> {
    const SQL: &str = "SELECT body, code, reason, rejected_at FROM rejected_events \
        WHERE shop_id = $1 AND LOWER(body) LIKE $2 ESCAPE '\\' ORDER BY rejected_at, body_hash";
    // An address may have signs that stand for any others in a pattern, and none that escapes them.
    let plain = email.as_str().replace('%', "\\%").replace('_', "\\_");
    let pattern = format!("%{plain}%");
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(pattern.as_str())
            .fetch_all(connection)
            .await
    })
    .during("read rejected events of somebody")
}

/// What was told to a webhook.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::privacy) struct DeliveryRow {
    pub(in crate::privacy) webhook_id: String,
    pub(in crate::privacy) session_id: String,
    #[sqlx(rename = "type")]
    pub(in crate::privacy) kind: String,
    pub(in crate::privacy) body: String,
    pub(in crate::privacy) state: String,
    pub(in crate::privacy) made_at: i64,
    pub(in crate::privacy) done_at: Option<i64>,
}

/// What webhooks were told of these sessions.
pub(in crate::privacy) async fn list_deliveries(
    db: &mut impl Handle,
    shop: &ShopId,
    sessions: &[String],
) -> Result<Vec<DeliveryRow>, StorageError> {
    const SQL: &str = "SELECT webhook_id, session_id, type, body, state, made_at, done_at FROM deliveries \
        WHERE shop_id = ";
    Ok(rows_with!(
        DeliveryRow,
        db,
        shop,
        SQL,
        " AND session_id IN (",
        sessions,
        "read what webhooks were told of somebody"
    ))
}
