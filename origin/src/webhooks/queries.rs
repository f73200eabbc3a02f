//! The SQL of webhooks.

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;

use super::endpoint::EventType;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// An endpoint as it is kept.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) id: String,
    pub(super) url: String,
    pub(super) types: Vec<EventType>,
    pub(super) active: bool,
    pub(super) created_at: UtcMillis,
    pub(super) succeeded_at: Option<UtcMillis>,
    pub(super) failed_at: Option<UtcMillis>,
    pub(super) fault: Option<String>,
    pub(super) pending: i64,
    pub(super) parked: i64,
}

/// An event on its way to an endpoint.
#[derive(Debug, Clone)]
pub(super) struct NewDelivery {
    pub(super) webhook: String,
    pub(super) event: String,
    pub(super) session: String,
    pub(super) event_type: &'static str,
    pub(super) body: String,
}

/// A delivery that may be tried.
#[derive(Debug, Clone)]
pub(super) struct Due {
    place: i64,
    pub(super) shop: ShopId,
    pub(super) webhook: String,
    session: String,
    /// As it stands in the row; once it is taken, when that ends.
    next_at: i64,
    pub(super) event: String,
    pub(super) event_type: String,
    pub(super) body: String,
    pub(super) attempts: i64,
    pub(super) until: UtcMillis,
    pub(super) url: String,
    pub(super) secret: String,
}

/// What becomes of a delivery that was tried.
#[derive(Debug)]
pub(super) enum Outcome {
    Delivered,
    /// The endpoint wants no more: it and all that waits for it end here.
    Gone,
    Later(UtcMillis, String),
    Parked(String),
}

/// A delivery, for people.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) place: i64,
    pub(super) event: String,
    pub(super) session: String,
    pub(super) event_type: String,
    pub(super) state: String,
    pub(super) made_at: UtcMillis,
    pub(super) attempts: i64,
    pub(super) next_at: UtcMillis,
    pub(super) done_at: Option<UtcMillis>,
    pub(super) fault: Option<String>,
}

fn types_of(step: &'static str, text: &str) -> Result<Vec<EventType>, StorageError> {
    serde_json::from_str(text).map_err(|cause| StorageError::corrupt(step, cause))
}

/// Keeps a new endpoint.
pub(super) async fn insert_endpoint(
    tx: &mut Tx,
    shop: &ShopId,
    (id, url, types, secret): (&str, &str, &[EventType], &str),
    now: UtcMillis,
) -> Result<(), StorageError> {
    const STEP: &str = "keep a webhook";
    const SQL: &str = "INSERT INTO webhooks (shop_id, id, url, types, secret, state, created_at) \
        VALUES ($1, $2, $3, $4, $5, 'active', $6)";
    let types = serde_json::to_string(types).map_err(|cause| StorageError::corrupt(STEP, cause))?;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id)
            .bind(url)
            .bind(&types)
            .bind(secret)
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during(STEP)
}

/// Ids and wanted types of the endpoints that are told.
pub(super) async fn list_active(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<(String, Vec<EventType>)>, StorageError> {
    const STEP: &str = "list webhooks that are told";
    const SQL: &str = "SELECT id, types FROM webhooks WHERE shop_id = $1 AND state = 'active'";
    let rows: Vec<(String, String)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    rows.into_iter()
        .map(|(id, types)| Ok((id, types_of(STEP, &types)?)))
        .collect()
}

type EndpointRow = (
    String,
    String,
    String,
    String,
    i64,
    Option<i64>,
    Option<i64>,
    Option<String>,
    i64,
    i64,
);

/// A shop's endpoints, the oldest first.
pub(super) async fn list_endpoints(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<Endpoint>, StorageError> {
    const STEP: &str = "list webhooks";
    const SQL: &str = "SELECT id, url, types, state, created_at, succeeded_at, failed_at, fault, \
        (SELECT COUNT(*) FROM deliveries d WHERE d.shop_id = w.shop_id AND d.webhook_id = w.id \
            AND d.state = 'pending'), \
        (SELECT COUNT(*) FROM deliveries d WHERE d.shop_id = w.shop_id AND d.webhook_id = w.id \
            AND d.state = 'parked') \
        FROM webhooks w WHERE shop_id = $1 ORDER BY id";
    let rows: Vec<EndpointRow> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    rows.into_iter()
        .map(|row| {
            let (
                id,
                url,
                types,
                state,
                created_at,
                succeeded_at,
                failed_at,
                fault,
                pending,
                parked,
            ) = row;
            Ok(Endpoint {
                types: types_of(STEP, &types)?,
                id,
                url,
                active: state == "active",
                created_at: UtcMillis::new(created_at),
                succeeded_at: succeeded_at.map(UtcMillis::new),
                failed_at: failed_at.map(UtcMillis::new),
                fault,
                pending,
                parked,
            })
        })
        .collect()
}

/// Forgets an endpoint with all its deliveries; whether it was there.
pub(super) async fn delete_endpoint(
    tx: &mut Tx,
    shop: &ShopId,
    id: &str,
) -> Result<bool, StorageError> {
    const DELIVERIES: &str = "DELETE FROM deliveries WHERE shop_id = $1 AND webhook_id = $2";
    const SQL: &str = "DELETE FROM webhooks WHERE shop_id = $1 AND id = $2 RETURNING id";
    on_db!(tx, |connection| {
        sqlx::query(DELIVERIES)
            .bind(shop.as_str())
            .bind(id)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("forget a webhook's deliveries")?;
    let gone: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(id)
            .fetch_optional(connection)
            .await
    })
    .during("forget a webhook")?;
    Ok(gone.is_some())
}

/// Puts deliveries into the queue; one that is there already stays as it is.
pub(super) async fn insert_deliveries(
    tx: &mut Tx,
    shop: &ShopId,
    deliveries: &[NewDelivery],
    now: UtcMillis,
    until: UtcMillis,
) -> Result<(), StorageError> {
    const INSERT: &str = "INSERT INTO deliveries (shop_id, webhook_id, event_id, session_id, type, \
        body, state, made_at, attempts, next_at, until) ";
    for chunk in deliveries.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(chunk, |mut row, one| {
                row.push_bind(shop.as_str())
                    .push_bind(one.webhook.as_str())
                    .push_bind(one.event.as_str())
                    .push_bind(one.session.as_str())
                    .push_bind(one.event_type)
                    .push_bind(one.body.as_str())
                    .push_bind("pending")
                    .push_bind(now.get())
                    .push_bind(0_i64)
                    .push_bind(now.get())
                    .push_bind(until.get());
            });
            sql.push(" ON CONFLICT (shop_id, webhook_id, event_id) DO NOTHING")
                .build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("put webhooks on their way")?;
    }
    Ok(())
}

/// Deliveries that may be tried now, but for these endpoints': of each session and endpoint only the first that waits.
pub(super) async fn find_due(
    db: &mut impl Handle,
    now: UtcMillis,
    but: &[&str],
    limit: i64,
) -> Result<Vec<Due>, StorageError> {
    const STEP: &str = "find webhooks that are due";
    const SQL: &str = "SELECT d.place, d.shop_id, d.webhook_id, d.session_id, d.next_at, d.event_id, d.type, d.body, \
        d.attempts, d.until, w.url, w.secret FROM deliveries d \
        JOIN webhooks w ON w.shop_id = d.shop_id AND w.id = d.webhook_id AND w.state = 'active' \
        WHERE d.state = 'pending' AND NOT EXISTS (SELECT 1 FROM deliveries e \
            WHERE e.shop_id = d.shop_id AND e.webhook_id = d.webhook_id \
            AND e.session_id = d.session_id AND e.state = 'pending' AND e.place < d.place) \
        AND d.next_at <= ";
    type Row = (
        i64,
        String,
        String,
        String,
        i64,
        String,
        String,
        String,
        i64,
        i64,
        String,
        String,
    );
    let rows: Vec<Row> = on_db!(db, |connection| {
        let mut sql = sqlx::QueryBuilder::new(SQL);
        sql.push_bind(now.get());
        if !but.is_empty() {
            let mut list = sql.push(" AND d.webhook_id NOT IN (").separated(", ");
            for webhook in but {
                list.push_bind(*webhook);
            }
            sql.push(")");
        }
        sql.push(" ORDER BY d.next_at, d.place LIMIT ")
            .push_bind(limit)
            .build_query_as()
            .persistent(but.is_empty())
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    let due = rows.into_iter().map(|row| {
        let (
            place,
            shop,
            webhook,
            session,
            next_at,
            event,
            event_type,
            body,
            attempts,
            until,
            url,
            secret,
        ) = row;
        Ok(Due {
            place,
            shop: ShopId::parse(&shop).map_err(|cause| StorageError::corrupt(STEP, cause))?,
            webhook,
            session,
            next_at,
            event,
            event_type,
            body,
            attempts,
            until: UtcMillis::new(until),
            url,
            secret,
        })
    });
    due.collect()
}

/// Takes a delivery until then; whether nobody else has it.
pub(super) async fn take(
    tx: &mut Tx,
    due: &mut Due,
    until: UtcMillis,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE deliveries SET next_at = $3 WHERE place = $1 AND next_at = $2 \
        AND state = 'pending' RETURNING place";
    let taken: Option<i64> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(due.place)
            .bind(due.next_at)
            .bind(until.get())
            .fetch_optional(connection)
            .await
    })
    .during("take a webhook")?;
    due.next_at = until.get();
    Ok(taken.is_some())
}

/// Writes down what became of a delivery. A failure counts only while it is still taken by who tried it: another node
/// may have delivered it since. What has arrived has arrived, whoever brought it.
pub(super) async fn settle(
    tx: &mut Tx,
    due: &Due,
    outcome: &Outcome,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const DELIVERY: &str = "UPDATE deliveries SET state = $2, attempts = attempts + 1, next_at = $3, \
        done_at = $4, fault = $5 \
        WHERE place = $1 AND ((state = 'pending' AND next_at = $6) OR $2 = 'delivered') RETURNING place";
    const WELL: &str = "UPDATE webhooks SET succeeded_at = $3, fault = NULL \
        WHERE shop_id = $1 AND id = $2";
    const FAILED: &str = "UPDATE webhooks SET failed_at = $3, fault = $4 \
        WHERE shop_id = $1 AND id = $2";
    const GONE: &str = "UPDATE webhooks SET state = 'gone', failed_at = $3, fault = $4 \
        WHERE shop_id = $1 AND id = $2";
    const PARK: &str = "UPDATE deliveries SET state = 'parked', done_at = $3, fault = $4 \
        WHERE shop_id = $1 AND webhook_id = $2 AND state = 'pending'";
    let (state, next, fault) = match outcome {
        Outcome::Delivered => ("delivered", now, None),
        Outcome::Gone => ("parked", now, Some("it answered 410: it wants no more")),
        Outcome::Later(next, fault) => ("pending", *next, Some(fault.as_str())),
        Outcome::Parked(fault) => ("parked", now, Some(fault.as_str())),
    };
    let done = (state != "pending").then_some(now.get());
    let settled: Option<i64> = on_db!(tx, |connection| {
        sqlx::query_scalar(DELIVERY)
            .bind(due.place)
            .bind(state)
            .bind(next.get())
            .bind(done)
            .bind(fault)
            .bind(due.next_at)
            .fetch_optional(connection)
            .await
    })
    .during("settle a webhook")?;
    if settled.is_none() && !matches!(outcome, Outcome::Gone) {
        return Ok(());
    }
    if let Outcome::Later(next, _) = outcome {
        put_off(tx, due, *next).await?;
    }
    let statements: &[&str] = match outcome {
        Outcome::Delivered => &[WELL],
        Outcome::Gone => &[GONE, PARK],
        Outcome::Later(..) | Outcome::Parked(_) => &[FAILED],
    };
    for sql in statements {
        on_db!(tx, |connection| {
            let mut query = sqlx::query(*sql)
                .bind(due.shop.as_str())
                .bind(due.webhook.as_str())
                .bind(now.get());
            if let Some(fault) = fault {
                query = query.bind(fault);
            }
            query.execute(connection).await.map(|_| ())
        })
        .during("note how a webhook does")?;
    }
    Ok(())
}

/// Lets the rest of a session wait as long as its first: it must not go before, and nobody need look at it.
async fn put_off(tx: &mut Tx, due: &Due, next: UtcMillis) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE deliveries SET next_at = $4 WHERE shop_id = $1 AND webhook_id = $2 \
        AND session_id = $3 AND state = 'pending' AND next_at < $4";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(due.shop.as_str())
            .bind(&due.webhook)
            .bind(&due.session)
            .bind(next.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("put the rest of a session off")
}

/// Forgets what was delivered before then.
pub(super) async fn forget_delivered(tx: &mut Tx, before: UtcMillis) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM deliveries WHERE state = 'delivered' AND done_at < $1";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(before.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("forget delivered webhooks")
}

/// Deliveries of an endpoint in a state, the latest first, before a place.
pub(super) async fn list_deliveries(
    db: &mut impl Handle,
    shop: &ShopId,
    webhook: &str,
    state: &str,
    before: i64,
    limit: i64,
) -> Result<Vec<Delivery>, StorageError> {
    const SQL: &str = "SELECT place, event_id, session_id, type, state, made_at, attempts, next_at, \
        done_at, fault FROM deliveries WHERE shop_id = $1 AND webhook_id = $2 AND state = $3 \
        AND place < $4 ORDER BY place DESC LIMIT $5";
    type Row = (
        i64,
        String,
        String,
        String,
        String,
        i64,
        i64,
        i64,
        Option<i64>,
        Option<String>,
    );
    let rows: Vec<Row> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(webhook)
            .bind(state)
            .bind(before)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("list a webhook's deliveries")?;
    let deliveries = rows.into_iter().map(|row| {
        let (place, event, session, event_type, state, made_at, attempts, next_at, done_at, fault) =
            row;
        Delivery {
            place,
            event,
            session,
            event_type,
            state,
            made_at: UtcMillis::new(made_at),
            attempts,
            next_at: UtcMillis::new(next_at),
            done_at: done_at.map(UtcMillis::new),
            fault,
        }
    });
    Ok(deliveries.collect())
}

/// Puts what is parked at an endpoint on its way again, one event or all; how many. An endpoint that wanted no more is
/// told again.
pub(super) async fn replay(
    tx: &mut Tx,
    shop: &ShopId,
    webhook: &str,
    event: Option<&str>,
    now: UtcMillis,
    until: UtcMillis,
) -> Result<u64, StorageError> {
    const AGAIN: &str = "UPDATE deliveries SET state = 'pending', attempts = 0, next_at = $3, until = $4, \
        done_at = NULL WHERE shop_id = $1 AND webhook_id = $2 AND state = 'parked' \
        AND (CAST($5 AS TEXT) IS NULL OR event_id = $5)";
    const ACTIVE: &str = "UPDATE webhooks SET state = 'active' WHERE shop_id = $1 AND id = $2";
    let count = on_db!(tx, |connection| {
        sqlx::query(AGAIN)
            .bind(shop.as_str())
            .bind(webhook)
            .bind(now.get())
            .bind(until.get())
            .bind(event)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
    })
    .during("replay webhooks")?;
    on_db!(tx, |connection| {
        sqlx::query(ACTIVE)
            .bind(shop.as_str())
            .bind(webhook)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("tell a webhook again")?;
    Ok(count)
}
