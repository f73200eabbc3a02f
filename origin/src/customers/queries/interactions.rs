//! SQL over interactions, and over the model that is fitted on them.

use footfall_shared::customer::history::{History, RecordedInteraction};
use footfall_shared::customer::success::SuccessModel;
use footfall_shared::customer::{CustomerRecord, Interaction};
use footfall_shared::id::{CustomerRecordId, InteractionId, ShopId};
use footfall_shared::time::UtcMillis;

use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

const STEP: &str = "read interactions";

fn fault(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StorageError {
    StorageError::corrupt(STEP, cause)
}

/// Takes an interaction; whether there was none of the same type at the same time.
pub(in super::super) async fn insert(
    tx: &mut Tx,
    shop: &ShopId,
    customer: &CustomerRecordId,
    recorded: &RecordedInteraction,
) -> Result<bool, StorageError> {
    const SQL: &str = "INSERT INTO customer_interactions (shop_id, customer_id, id, type, at, recorded_at, body) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id";
    let body = serde_json::to_string(&recorded.interaction).map_err(fault)?;
    let id: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(customer.as_str())
            .bind(recorded.id.as_str())
            .bind(recorded.interaction.kind.as_str())
            .bind(recorded.interaction.at.get())
            .bind(recorded.recorded_at.get())
            .bind(body.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("take an interaction")?;
    Ok(id.is_some())
}

/// Everything that was done with a customer.
pub(in super::super) async fn history(
    db: &mut impl Handle,
    shop: &ShopId,
    customer: &CustomerRecordId,
) -> Result<History, StorageError> {
    const SQL: &str = "SELECT id, recorded_at, body FROM customer_interactions \
        WHERE shop_id = $1 AND customer_id = $2";
    let rows: Vec<(String, i64, String)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(customer.as_str())
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    let read = |(id, recorded_at, body): (String, i64, String)| {
        Ok(RecordedInteraction {
            id: InteractionId::parse(&id).map_err(fault)?,
            recorded_at: UtcMillis::new(recorded_at),
            interaction: serde_json::from_str(&body).map_err(fault)?,
        })
    };
    let all: Result<Vec<RecordedInteraction>, StorageError> = rows.into_iter().map(read).collect();
    all.map(History::new)
}

/// Writes other words over an interaction's.
pub(in super::super) async fn rewrite(
    tx: &mut Tx,
    shop: &ShopId,
    customer: &CustomerRecordId,
    id: &InteractionId,
    left: &Interaction,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE customer_interactions SET body = $4 \
        WHERE shop_id = $1 AND customer_id = $2 AND id = $3";
    let body = serde_json::to_string(left).map_err(fault)?;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(customer.as_str())
            .bind(id.as_str())
            .bind(body.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("take what is personal out of an interaction")
}

/// Deletes everything that was done with a customer.
pub(in super::super) async fn delete_all(
    tx: &mut Tx,
    shop: &ShopId,
    customer: &CustomerRecordId,
) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM customer_interactions WHERE shop_id = $1 AND customer_id = $2";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(customer.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("delete interactions")
}

/// Records whose sale is closed, also those that nobody is named in any more, at most so many after a number; with the
/// number of the last.
pub(in super::super) async fn list_closed(
    db: &mut impl Handle,
    shop: &ShopId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, CustomerRecordId, CustomerRecord)>, StorageError> {
    const SQL: &str = "SELECT number, id, body FROM customer_records WHERE shop_id = $1 \
        AND sales_stage IN ('closed_won', 'closed_lost') AND number > $2 ORDER BY number LIMIT $3";
    let rows: Vec<(i64, String, String)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(after)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("list closed sales")?;
    let read = |(number, id, body): (i64, String, String)| {
        let id = CustomerRecordId::parse(&id).map_err(fault)?;
        Ok((number, id, serde_json::from_str(&body).map_err(fault)?))
    };
    rows.into_iter().map(read).collect()
}

/// How many sales are closed.
pub(in super::super) async fn count_closed(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<i64, StorageError> {
    const SQL: &str = "SELECT COUNT(*) FROM customer_records WHERE shop_id = $1 \
        AND sales_stage IN ('closed_won', 'closed_lost')";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_one(connection)
            .await
    })
    .during("count closed sales")
}

/// The shop's model, and how many sales were closed when it was looked for last.
pub(in super::super) async fn find_model(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Option<(Option<SuccessModel>, i64)>, StorageError> {
    const SQL: &str = "SELECT body, closed FROM customer_success_models WHERE shop_id = $1";
    let row: Option<(Option<String>, i64)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("find the model of success")?;
    let read = |(body, closed): (Option<String>, i64)| {
        let model = body.map(|body| serde_json::from_str(&body).map_err(fault));
        Ok((model.transpose()?, closed))
    };
    row.map(read).transpose()
}

/// Keeps the shop's model, or that its sales prove none.
pub(in super::super) async fn save_model(
    tx: &mut Tx,
    shop: &ShopId,
    model: Option<&SuccessModel>,
    closed: i64,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO customer_success_models (shop_id, closed, body, fitted_at) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (shop_id) DO UPDATE SET closed = excluded.closed, \
        body = excluded.body, fitted_at = excluded.fitted_at";
    let body = model
        .map(serde_json::to_string)
        .transpose()
        .map_err(fault)?;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(closed)
            .bind(body.as_deref())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("keep the model of success")
}
