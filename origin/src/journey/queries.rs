//! The SQL of journeys.

use std::collections::BTreeMap;

use footfall_shared::event::{Event, EventKind};
use footfall_shared::id::ShopId;
use footfall_shared::journey::session::Session;

use super::fold::Told;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;
use footfall_shared::time::UtcMillis;

/// A session as it stands.
pub async fn find_journey(
    db: &mut impl Handle,
    shop: &ShopId,
    session: &str,
) -> Result<Option<Session>, StorageError> {
    Ok(find_journeys(db, shop, &[session]).await?.remove(session))
}

/// The sessions with these names.
pub(super) async fn find_journeys(
    db: &mut impl Handle,
    shop: &ShopId,
    sessions: &[&str],
) -> Result<BTreeMap<String, Session>, StorageError> {
    const STEP: &str = "find journeys";
    const SQL: &str = "SELECT session_id, body FROM journeys WHERE shop_id = ";
    let mut found = BTreeMap::new();
    for chunk in sessions.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(String, String)> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND session_id IN (");
            let mut list = sql.separated(", ");
            for session in chunk {
                list.push_bind(*session);
            }
            sql.push(")")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during(STEP)?;
        for (session, body) in rows {
            let read = serde_json::from_str(&body);
            found.insert(
                session,
                read.map_err(|cause| StorageError::corrupt(STEP, cause))?,
            );
        }
    }
    Ok(found)
}

/// All that the log has of a session, in no sequence.
pub(super) async fn find_happenings(
    db: &mut impl Handle,
    shop: &ShopId,
    session: &str,
) -> Result<Vec<Told>, StorageError> {
    const STEP: &str = "find a journey's events";
    const SQL: &str = "SELECT body FROM events WHERE shop_id = $1 AND session_id = $2 AND kind = $3 \
        ORDER BY seq";
    let rows: Vec<String> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(session)
            .bind(EventKind::Journey.as_str())
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    let mut told = Vec::with_capacity(rows.len());
    for body in rows {
        let event: Event =
            serde_json::from_str(&body).map_err(|cause| StorageError::corrupt(STEP, cause))?;
        told.extend(Told::of(&event));
    }
    Ok(told)
}

/// Where a page of sessions ends: when something last happened in its last session, and that session.
pub(super) type Place = (UtcMillis, String);

/// The next page of sessions, from the newest back. With an empty name the place is a time, and what happened then or
/// later is left out.
pub(super) async fn list_before(
    db: &mut impl Handle,
    shop: &ShopId,
    (last_at, session): &Place,
    limit: i64,
) -> Result<Vec<Place>, StorageError> {
    const SQL: &str = "SELECT last_at, session_id FROM journeys \
        WHERE shop_id = $1 AND (last_at, session_id) < ($2, $3) \
        ORDER BY last_at DESC, session_id DESC LIMIT $4";
    let rows: Vec<(i64, String)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(last_at.get())
            .bind(session.as_str())
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("list journeys, the newest first")?;
    let place = |(last_at, session)| (UtcMillis::new(last_at), session);
    Ok(rows.into_iter().map(place).collect())
}

/// Forgets sessions.
pub(super) async fn delete_journeys(
    tx: &mut Tx,
    shop: &ShopId,
    sessions: &[&str],
) -> Result<(), StorageError> {
    for chunk in sessions.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new("DELETE FROM journeys WHERE shop_id = ");
            sql.push_bind(shop.as_str()).push(" AND session_id IN (");
            let mut list = sql.separated(", ");
            for session in chunk {
                list.push_bind(*session);
            }
            sql.push(")").build().execute(connection).await.map(|_| ())
        })
        .during("forget journeys")?;
    }
    Ok(())
}

/// Keeps sessions as they are now.
pub(super) async fn save_journeys(
    tx: &mut Tx,
    shop: &ShopId,
    sessions: &[(&str, Session)],
) -> Result<(), StorageError> {
    const STEP: &str = "save journeys";
    const INSERT: &str = "INSERT INTO journeys (shop_id, session_id, seq, last_at, body) ";
    const OVER: &str = " ON CONFLICT (shop_id, session_id) DO UPDATE SET seq = excluded.seq, \
        last_at = excluded.last_at, body = excluded.body";
    for chunk in sessions.chunks(ROWS_A_STATEMENT) {
        let mut rows = Vec::with_capacity(chunk.len());
        for (name, session) in chunk {
            let body = serde_json::to_string(session)
                .map_err(|cause| StorageError::corrupt(STEP, cause))?;
            rows.push((*name, i64::from(session.seq), session.last_at.get(), body));
        }
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(&rows, |mut values, (name, seq, last_at, body)| {
                values
                    .push_bind(shop.as_str())
                    .push_bind(*name)
                    .push_bind(*seq)
                    .push_bind(*last_at)
                    .push_bind(body.as_str());
            });
            sql.push(OVER)
                .build()
                .persistent(keep_prepared(rows.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during(STEP)?;
    }
    Ok(())
}

/// Forgets all sessions of a shop, before its log is replayed.
pub async fn clear_journeys(tx: &mut Tx, shop: &ShopId) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM journeys WHERE shop_id = $1";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("clear journeys")
}
