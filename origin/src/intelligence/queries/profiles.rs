//! SQL over profiles.

use footfall_shared::id::{CustomerId, ShopId};
use footfall_shared::profile::Profile;
use footfall_shared::time::UtcMillis;

use super::parsed;
use crate::db::{During, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// Writes profiles whole.
pub(in super::super) async fn save_profiles(
    tx: &mut Tx,
    shop: &ShopId,
    profiles: &[(CustomerId, Profile)],
    now: UtcMillis,
) -> Result<(), StorageError> {
    const STEP: &str = "save profiles";
    const INSERT: &str = "INSERT INTO profiles \
        (shop_id, customer_id, body, score, recalculated_at, created_at, updated_at) ";
    const UPDATE: &str = " ON CONFLICT (shop_id, customer_id) DO UPDATE SET body = excluded.body, \
        score = excluded.score, recalculated_at = excluded.recalculated_at, \
        updated_at = excluded.updated_at";
    for chunk in profiles.chunks(ROWS_A_STATEMENT) {
        let mut rows = Vec::with_capacity(chunk.len());
        for (customer, profile) in chunk {
            let body = parsed(STEP, serde_json::to_string(profile))?;
            rows.push((customer.as_str(), body, profile));
        }
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(&rows, |mut row, (customer, body, profile)| {
                row.push_bind(shop.as_str())
                    .push_bind(*customer)
                    .push_bind(body.as_str())
                    .push_bind(profile.score.to_f64())
                    .push_bind(profile.recalculated.at.get())
                    .push_bind(now.get())
                    .push_bind(now.get());
            });
            sql.push(UPDATE)
                .build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during(STEP)?;
    }
    Ok(())
}

/// Deletes the profiles of customers who have no counted order any more.
pub(in super::super) async fn delete_profiles_of(
    tx: &mut Tx,
    shop: &ShopId,
    customers: &[CustomerId],
) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM profiles WHERE shop_id = ";
    for chunk in customers.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND customer_id IN (");
            let mut list = sql.separated(", ");
            for customer in chunk {
                list.push_bind(customer.as_str());
            }
            sql.push(")")
                .build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("delete profiles of customers")?;
    }
    Ok(())
}

/// Deletes all of the shop's profiles; its orders tell them again.
pub(in super::super) async fn delete_profiles(
    tx: &mut Tx,
    shop: &ShopId,
) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM profiles WHERE shop_id = $1";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("delete profiles")
}
