//! Events of the log by whom they are about, and taking people out of it.

use footfall_shared::event::Event;
use footfall_shared::id::ShopId;

use super::log::{Logged, read_row};
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx};
use crate::on_db;

/// The events at these places.
pub async fn read_places(
    db: &mut impl Handle,
    shop: &ShopId,
    places: &[i64],
) -> Result<Vec<Logged>, StorageError> {
    let mut found = Vec::with_capacity(places.len());
    for chunk in places.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(i64, String, String)> = on_db!(db, |connection| {
            let mut sql =
                sqlx::QueryBuilder::new("SELECT seq, body, lane FROM events WHERE shop_id = ");
            sql.push_bind(shop.as_str()).push(" AND seq IN (");
            let mut list = sql.separated(", ");
            for place in chunk {
                list.push_bind(*place);
            }
            sql.push(") ORDER BY seq")
                .build_query_as()
                .fetch_all(connection)
                .await
        })
        .during("read events by their places")?;
        for row in rows {
            found.push(read_row(row)?);
        }
    }
    Ok(found)
}

/// What a browser, a visit or a user is called in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The browser's own id.
    Browser,
    /// The shop's id of the visitor.
    User,
    /// The visit.
    Session,
    /// The email's keyed hash.
    Email,
}

impl Column {
    const fn name(self) -> &'static str {
        match self {
            Self::Browser => "anonymous_id",
            Self::User => "user_id",
            Self::Session => "session_id",
            Self::Email => "email_hash",
        }
    }
}

/// An event, by whom it is about.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct About {
    /// Its place.
    #[sqlx(rename = "seq")]
    pub place: i64,
    /// The browser's own id.
    pub anonymous_id: Option<String>,
    /// The shop's id of the visitor.
    pub user_id: Option<String>,
    /// The visit.
    pub session_id: Option<String>,
    /// The email's keyed hash.
    pub email_hash: Option<String>,
}

/// All events with one of these names.
pub async fn find_about(
    db: &mut impl Handle,
    shop: &ShopId,
    column: Column,
    names: &[String],
) -> Result<Vec<About>, StorageError> {
    let mut found = Vec::new();
    for chunk in names.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<About> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(
                "SELECT seq, anonymous_id, user_id, session_id, email_hash FROM events WHERE shop_id = ",
            );
            sql.push_bind(shop.as_str());
            sql.push(format_args!(" AND {} IN (", column.name()));
            let mut list = sql.separated(", ");
            for name in chunk {
                list.push_bind(name.as_str());
            }
            sql.push(") ORDER BY seq")
                .build_query_as()
                .fetch_all(connection)
                .await
        })
        .during("find events about somebody")?;
        found.extend(rows);
    }
    Ok(found)
}

/// The next events behind a place whose text has an at sign: an address may be in it.
pub async fn find_with_addresses(
    db: &mut impl Handle,
    shop: &ShopId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>, StorageError> {
    const SQL: &str = "SELECT seq, body FROM events WHERE shop_id = $1 AND seq > $2 \
        AND (body LIKE '%@%' OR body LIKE '%\\%40%' ESCAPE '\\') ORDER BY seq LIMIT $3";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(after)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("look for addresses in the log")
}

/// The next events behind a place that happened in a span of time.
pub async fn find_places_between(
    db: &mut impl Handle,
    shop: &ShopId,
    (from, until): (i64, i64),
    after: i64,
    limit: i64,
) -> Result<Vec<i64>, StorageError> {
    const SQL: &str = "SELECT seq FROM events WHERE shop_id = $1 AND at >= $2 AND at < $3 AND seq > $4 \
        ORDER BY seq LIMIT $5";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(from)
            .bind(until)
            .bind(after)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("find old events")
}

/// When the first event of the log happened.
pub async fn first_at(db: &mut impl Handle, shop: &ShopId) -> Result<Option<i64>, StorageError> {
    const SQL: &str = "SELECT MIN(at) FROM events WHERE shop_id = $1";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_one(connection)
            .await
    })
    .during("find when the log begins")
}

/// Takes events out of the log. What was projected from them is the caller's to withdraw.
pub async fn delete(tx: &mut Tx, shop: &ShopId, places: &[i64]) -> Result<(), StorageError> {
    for chunk in places.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new("DELETE FROM events WHERE shop_id = ");
            sql.push_bind(shop.as_str()).push(" AND seq IN (");
            let mut list = sql.separated(", ");
            for place in chunk {
                list.push_bind(*place);
            }
            sql.push(")").build().execute(connection).await.map(|_| ())
        })
        .during("take events out of the log")?;
    }
    Ok(())
}

/// Writes an event without its person over the one at its place. What was projected is the caller's to withdraw.
pub async fn overwrite(
    tx: &mut Tx,
    shop: &ShopId,
    place: i64,
    event: &Event,
) -> Result<(), StorageError> {
    const STEP: &str = "take a person out of an event";
    const SQL: &str = "UPDATE events SET name = $3, anonymous_id = $4, user_id = $5, session_id = $6, \
        email_hash = NULL, email = NULL, fingerprint = NULL, ip = NULL, agent = NULL, body = $7 \
        WHERE shop_id = $1 AND seq = $2";
    let body = serde_json::to_string(event).map_err(|cause| StorageError::corrupt(STEP, cause))?;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(place)
            .bind(event.name.as_deref())
            .bind(event.anonymous_id.as_deref())
            .bind(event.user_id.as_deref())
            .bind(event.session_id.as_deref())
            .bind(body.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during(STEP)
}

/// Writes an event's text over the one at its place: the same event, with words left out.
pub async fn rewrite_text(
    tx: &mut Tx,
    shop: &ShopId,
    place: i64,
    text: &str,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE events SET body = $3 WHERE shop_id = $1 AND seq = $2";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(place)
            .bind(text)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("take words out of an event")
}
