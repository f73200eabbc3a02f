//! What the owner has decided about agents, and what bots there are.

use std::collections::BTreeMap;

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;

use crate::db::{During, Handle, StorageError, Tx};
use crate::ingest::lanes::Lane;
use crate::on_db;

/// Which lane the shop's people put which user agents in.
pub(in crate::ingest) async fn decided_lanes(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<BTreeMap<String, Lane>, StorageError> {
    const STEP: &str = "read the lanes that were decided";
    const SQL: &str = "SELECT agent, lane FROM agent_lanes WHERE shop_id = $1";
    let rows: Vec<(String, String)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during(STEP)?;
    let lane = |(agent, lane): (String, String)| {
        let lane = Lane::parse(&lane).ok_or_else(|| StorageError::corrupt(STEP, "lane"))?;
        Ok((agent, lane))
    };
    rows.into_iter().map(lane).collect()
}

/// Decides the lane of a user agent, for what is in the log and for what will come. How many events moved.
pub(in crate::ingest) async fn decide_lane(
    tx: &mut Tx,
    shop: &ShopId,
    agent: &str,
    lane: Lane,
    now: UtcMillis,
) -> Result<u64, StorageError> {
    const DECIDE: &str = "INSERT INTO agent_lanes (shop_id, agent, lane, decided_at) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (shop_id, agent) DO UPDATE SET \
        lane = excluded.lane, decided_at = excluded.decided_at";
    const MOVE: &str =
        "UPDATE events SET lane = $3 WHERE shop_id = $1 AND agent = $2 AND lane <> $3";
    on_db!(tx, |connection| {
        sqlx::query(DECIDE)
            .bind(shop.as_str())
            .bind(agent)
            .bind(lane.as_str())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("decide a lane")?;
    on_db!(tx, |connection| {
        sqlx::query(MOVE)
            .bind(shop.as_str())
            .bind(agent)
            .bind(lane.as_str())
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
    })
    .during("move events to their lane")
}

/// A user agent in the lane of bots.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::ingest) struct BotRow {
    pub(in crate::ingest) agent: String,
    pub(in crate::ingest) events: i64,
    pub(in crate::ingest) last_at: i64,
}

/// The user agents in the lane of bots, those with most events first; at most 200.
pub(in crate::ingest) async fn list_bots(
    db: &mut impl Handle,
    shop: &ShopId,
) -> Result<Vec<BotRow>, StorageError> {
    const SQL: &str = "SELECT agent, COUNT(*) AS events, MAX(at) AS last_at FROM events \
        WHERE shop_id = $1 AND lane = 'bots' AND agent IS NOT NULL \
        GROUP BY agent ORDER BY COUNT(*) DESC, agent LIMIT 200";
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .fetch_all(connection)
            .await
    })
    .during("list bots")
}
