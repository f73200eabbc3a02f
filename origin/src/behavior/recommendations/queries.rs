//! Ids of recommendations, and what people made of them.

use footfall_shared::behavior::advice::Advice;
use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;

use crate::db::{During, Handle, StorageError, Tx};
use crate::on_db;

/// What somebody made of a recommendation.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mark {
    /// Nothing yet.
    Open,
    /// It is done.
    Done,
    /// It is not wanted.
    Dismissed,
}

impl Mark {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Dismissed => "dismissed",
        }
    }
}

/// The id of a finding: the one that it had before, else the next of its category. The caller holds the shop's turn.
pub(super) async fn find_or_give_id(
    tx: &mut Tx,
    shop: &ShopId,
    advice: &Advice,
    now: UtcMillis,
) -> Result<String, StorageError> {
    const FIND: &str = "SELECT id FROM recommendation_marks WHERE shop_id = $1 AND subject = $2";
    const COUNT: &str =
        "SELECT COUNT(*) FROM recommendation_marks WHERE shop_id = $1 AND id LIKE $2";
    const INSERT: &str = "INSERT INTO recommendation_marks (shop_id, id, subject, state, marked_at) \
        VALUES ($1, $2, $3, 'open', $4)";
    let known: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(FIND)
            .bind(shop.as_str())
            .bind(advice.subject.as_str())
            .fetch_optional(connection)
            .await
    })
    .during("find a recommendation's id")?;
    if let Some(known) = known {
        return Ok(known);
    }
    let prefix = advice.category.prefix();
    let count: i64 = on_db!(tx, |connection| {
        sqlx::query_scalar(COUNT)
            .bind(shop.as_str())
            .bind(format!("{prefix}-%"))
            .fetch_one(connection)
            .await
    })
    .during("count recommendations")?;
    let id = format!("{prefix}-{:03}", count + 1);
    on_db!(tx, |connection| {
        sqlx::query(INSERT)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(advice.subject.as_str())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("give a recommendation its id")?;
    Ok(id)
}

/// The ids of what is done or dismissed.
pub(super) async fn list_settled(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<String>, StorageError> {
    const SQL: &str = "SELECT id FROM recommendation_marks WHERE shop_id = $1 AND state <> 'open'";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during("list settled recommendations")
}

/// Notes what somebody made of a recommendation; whether there is such a one.
pub(super) async fn mark(
    tx: &mut Tx,
    shop: &ShopId,
    id: &str,
    mark: Mark,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    const SQL: &str = "UPDATE recommendation_marks SET state = $3, marked_at = $4 \
        WHERE shop_id = $1 AND id = $2 RETURNING id";
    let marked: Option<String> = on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(id)
            .bind(mark.as_str())
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("mark a recommendation")?;
    Ok(marked.is_some())
}
