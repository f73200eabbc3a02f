//! All SQL over the log.

use std::collections::{BTreeMap, HashMap, HashSet};

use footfall_shared::event::{Event, EventKind};
use footfall_shared::id::{OutboxId, ShopId};
use footfall_shared::identity::{Email, EmailHash, FingerprintHash, IpHash};
use footfall_shared::text::hex;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::events::RejectCode;
use sha2::{Digest, Sha256};

use super::lanes::Lane;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// Which acceptance of an edge an event came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Acceptance {
    /// The edge's outbox.
    pub(super) outbox: OutboxId,
    /// The event's handle there.
    pub(super) handle: i64,
}

/// An event to append.
pub(super) struct Row<'a> {
    /// The event.
    pub(super) event: &'a Event,
    /// The keyed hash of its email.
    pub(super) email_hash: Option<&'a EmailHash>,
    /// The event as text.
    pub(super) json: &'a str,
    /// Where it comes from, unless the origin made it.
    pub(super) acceptance: Option<&'a Acceptance>,
    /// The user agent that it tells.
    pub(super) agent: Option<&'a str>,
    /// Where it is counted.
    pub(super) lane: Lane,
}

/// Appends events whose ids are not in the log; their ids are all different. Returns the ids of the new
/// ones.
pub(super) async fn insert_events(
    tx: &mut Tx,
    shop: &ShopId,
    rows: &[Row<'_>],
    now: UtcMillis,
) -> Result<HashSet<String>, StorageError> {
    const INSERT: &str = "INSERT INTO events (shop_id, id, kind, name, at, received_at, stored_at, \
        anonymous_id, user_id, session_id, email_hash, email, fingerprint, ip, body, outbox, outbox_handle, agent, lane) ";
    const ONCE: &str = " ON CONFLICT (shop_id, id) DO NOTHING RETURNING id";
    let mut appended = HashSet::with_capacity(rows.len());
    for chunk in rows.chunks(ROWS_A_STATEMENT) {
        let ids: Vec<String> = on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(chunk, |mut values, row| {
                let event = row.event;
                values
                    .push_bind(shop.as_str())
                    .push_bind(event.id.as_str())
                    .push_bind(event.kind.as_str())
                    .push_bind(event.name.as_deref())
                    .push_bind(event.at.get())
                    .push_bind(event.received_at.get())
                    .push_bind(now.get())
                    .push_bind(event.anonymous_id.as_deref())
                    .push_bind(event.user_id.as_deref())
                    .push_bind(event.session_id.as_deref())
                    .push_bind(row.email_hash.map(EmailHash::as_str))
                    .push_bind(event.email.as_ref().map(Email::as_str))
                    .push_bind(
                        event
                            .device
                            .fingerprint
                            .as_ref()
                            .map(FingerprintHash::as_str),
                    )
                    .push_bind(event.device.ip.as_ref().map(IpHash::as_str))
                    .push_bind(row.json)
                    .push_bind(row.acceptance.map(|from| from.outbox.as_str()))
                    .push_bind(row.acceptance.map(|from| from.handle))
                    .push_bind(row.agent)
                    .push_bind(row.lane.as_str());
            });
            sql.push(ONCE)
                .build_query_scalar()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during("append events")?;
        appended.extend(ids);
    }
    Ok(appended)
}

/// Which acceptance those of these events came from that the log has from an edge.
pub(super) async fn find_acceptances(
    tx: &mut Tx,
    shop: &ShopId,
    ids: &[&str],
) -> Result<HashMap<String, Acceptance>, StorageError> {
    const STEP: &str = "find acceptances";
    const SQL: &str =
        "SELECT id, outbox, outbox_handle FROM events WHERE outbox IS NOT NULL AND shop_id = ";
    let mut found = HashMap::new();
    for chunk in ids.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(String, String, i64)> = on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND id IN (");
            let mut list = sql.separated(", ");
            for id in chunk {
                list.push_bind(*id);
            }
            sql.push(")")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during(STEP)?;
        for (id, outbox, handle) in rows {
            let outbox =
                OutboxId::parse(&outbox).map_err(|cause| StorageError::corrupt(STEP, cause))?;
            found.insert(id, Acceptance { outbox, handle });
        }
    }
    Ok(found)
}

/// Counts events of an outbox that are in the log now.
pub(super) async fn count_outbox(
    tx: &mut Tx,
    shop: &ShopId,
    outbox: &OutboxId,
    events: i64,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO outbox_counts (shop_id, outbox, stored) VALUES ($1, $2, $3) \
        ON CONFLICT (shop_id, outbox) DO UPDATE SET stored = outbox_counts.stored + excluded.stored";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(outbox.as_str())
            .bind(events)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("count an outbox's events")
}

/// How many events of each shop are in the log from an outbox, by the shop's id.
pub async fn stored_of_outbox(
    db: &mut impl Handle,
    outbox: &OutboxId,
) -> Result<HashMap<String, u64>, StorageError> {
    const SQL: &str = "SELECT shop_id, stored FROM outbox_counts WHERE outbox = $1";
    let rows: Vec<(String, i64)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(outbox.as_str())
            .fetch_all(connection)
            .await
    })
    .during("read an outbox's counts")?;
    let counts = rows
        .into_iter()
        .map(|(shop, stored)| (shop, stored.unsigned_abs()));
    Ok(counts.collect())
}

/// Counts events that were accepted in an hour.
pub(super) async fn count_hour(
    tx: &mut Tx,
    shop: &ShopId,
    hour: i64,
    events: i64,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO intake_hours (shop_id, hour, events) VALUES ($1, $2, $3) \
        ON CONFLICT (shop_id, hour) DO UPDATE SET events = intake_hours.events + excluded.events";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(hour)
            .bind(events)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("count an hour's events")
}

/// The hours since then in which events of a shop were accepted, from early to late.
pub(super) async fn active_hours(
    db: &mut impl Handle,
    shop: &ShopId,
    since_hour: i64,
) -> Result<Vec<i64>, StorageError> {
    const SQL: &str =
        "SELECT hour FROM intake_hours WHERE shop_id = $1 AND hour >= $2 ORDER BY hour";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(since_hour)
            .fetch_all(connection)
            .await
    })
    .during("read the hours with events")
}

/// An event that the log will not take.
pub(super) struct Rejected<'a> {
    shop: Option<&'a ShopId>,
    json: &'a str,
    hash: String,
    code: RejectCode,
    reason: &'a str,
}

impl<'a> Rejected<'a> {
    /// A refused text of the shop that it names.
    pub(super) fn new(
        shop: Option<&'a ShopId>,
        json: &'a str,
        code: RejectCode,
        reason: &'a str,
    ) -> Self {
        Self {
            shop,
            json,
            hash: hex(&Sha256::digest(json.as_bytes())),
            code,
            reason,
        }
    }
}

/// Keeps rejected events; of one that was kept before the latest reason counts.
pub(super) async fn keep_rejected(
    tx: &mut Tx,
    rejected: &[Rejected<'_>],
    now: UtcMillis,
) -> Result<(), StorageError> {
    const INSERT: &str =
        "INSERT INTO rejected_events (shop_id, body_hash, body, code, reason, rejected_at) ";
    const ONCE: &str = " ON CONFLICT (shop_id, body_hash) DO UPDATE SET \
        code = excluded.code, reason = excluded.reason";
    for chunk in rejected.chunks(ROWS_A_STATEMENT) {
        on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(chunk, |mut values, one| {
                values
                    .push_bind(one.shop.map_or("", ShopId::as_str))
                    .push_bind(one.hash.as_str())
                    .push_bind(one.json)
                    .push_bind(one.code.as_str())
                    .push_bind(one.reason)
                    .push_bind(now.get());
            });
            sql.push(ONCE)
                .build()
                .persistent(keep_prepared(chunk.len()))
                .execute(connection)
                .await
                .map(|_| ())
        })
        .during("keep rejected events")?;
    }
    Ok(())
}

/// How many events of a shop were rejected; the empty text counts those whose shop could not be read.
pub async fn count_rejected(db: &mut impl Handle, shop: &str) -> Result<i64, StorageError> {
    const SQL: &str = "SELECT COUNT(*) FROM rejected_events WHERE shop_id = $1";
    on_db!(db, |connection| sqlx::query_scalar(SQL)
        .bind(shop)
        .fetch_one(connection)
        .await)
    .during("count rejected events")
}

/// A rejected event as it is kept.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Kept {
    pub(super) body_hash: String,
    pub(super) body: String,
    pub(super) code: String,
    pub(super) reason: String,
    pub(super) rejected_at: i64,
}

/// A shop's rejected events, the latest first, after a place in that sequence.
pub(super) async fn find_rejected(
    db: &mut impl Handle,
    shop: &ShopId,
    after: Option<&(i64, String)>,
    limit: i64,
) -> Result<Vec<Kept>, StorageError> {
    const SQL: &str = "SELECT body_hash, body, code, reason, rejected_at FROM rejected_events \
        WHERE shop_id = $1 AND (rejected_at < $2 OR (rejected_at = $2 AND body_hash > $3)) \
        ORDER BY rejected_at DESC, body_hash LIMIT $4";
    let (at, hash) = after
        .map(|(at, hash)| (*at, hash.as_str()))
        .unwrap_or((i64::MAX, ""));
    on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(at)
            .bind(hash)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("find rejected events")
}

/// The texts of these rejected events, or of the first ones where none are named.
pub(super) async fn find_rejected_bodies(
    db: &mut impl Handle,
    shop: &ShopId,
    ids: Option<&[String]>,
    limit: i64,
) -> Result<Vec<(String, String)>, StorageError> {
    const SQL: &str = "SELECT body_hash, body FROM rejected_events WHERE shop_id = ";
    on_db!(db, |connection| {
        let mut sql = sqlx::QueryBuilder::new(SQL);
        sql.push_bind(shop.as_str());
        if let Some(ids) = ids {
            sql.push(" AND body_hash IN (");
            let mut list = sql.separated(", ");
            for id in ids {
                list.push_bind(id.as_str());
            }
            sql.push(")");
        }
        sql.push(" ORDER BY rejected_at, body_hash LIMIT ")
            .push_bind(limit);
        sql.build_query_as()
            .persistent(false)
            .fetch_all(connection)
            .await
    })
    .during("find rejected events")
}

/// Forgets a rejected event, which is in the log now.
pub(super) async fn forget_rejected(
    tx: &mut Tx,
    shop: &ShopId,
    id: &str,
) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM rejected_events WHERE shop_id = $1 AND body_hash = $2";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("forget a rejected event")
}

/// Which events are wanted.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// Of this kind.
    pub(super) kind: Option<EventKind>,
    /// Track events of this name.
    pub(super) event: Option<String>,
    /// Of this visit.
    pub(super) session: Option<String>,
    /// Of this customer.
    pub(super) customer: Option<Who>,
    /// Of this lane.
    pub(super) lane: Option<Lane>,
    /// That happened then or later.
    pub(super) since: Option<UtcMillis>,
    /// That arrived before this one.
    pub(super) before: Option<i64>,
}

/// A customer, as a caller names one.
#[derive(Debug)]
pub(super) enum Who {
    /// By email.
    Email(EmailHash),
    /// By the shop's id or the browser's.
    Id(String),
}

/// The wanted events with their place in the log, the latest first.
pub(super) async fn find_events(
    db: &mut impl Handle,
    shop: &ShopId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<(i64, Event)>, StorageError> {
    const SQL: &str = "SELECT seq, body FROM events WHERE shop_id = ";
    // What a customer's events are, by the shop's id: those that say it, and those with the email of
    // the customer who has it.
    const BY_EXTERNAL_ID: &str = " OR email_hash IN (SELECT c.email_hash FROM customers c \
        WHERE c.shop_id = events.shop_id AND c.external_id = ";
    let Filter {
        kind,
        event,
        session,
        customer,
        lane,
        since,
        before,
    } = filter;
    let rows: Vec<(i64, String)> = on_db!(db, |connection| {
        let mut sql = sqlx::QueryBuilder::new(SQL);
        sql.push_bind(shop.as_str());
        if let Some(kind) = kind {
            sql.push(" AND kind = ").push_bind(kind.as_str());
        }
        if let Some(name) = event {
            sql.push(" AND kind = 'track' AND name = ").push_bind(name);
        }
        if let Some(session) = session {
            sql.push(" AND session_id = ").push_bind(session);
        }
        match customer {
            Some(Who::Email(hash)) => {
                sql.push(" AND email_hash = ").push_bind(hash.as_str());
            }
            Some(Who::Id(id)) => {
                sql.push(" AND (user_id = ").push_bind(id);
                sql.push(" OR anonymous_id = ").push_bind(id);
                sql.push(BY_EXTERNAL_ID).push_bind(id).push("))");
            }
            None => {}
        }
        if let Some(lane) = lane {
            sql.push(" AND lane = ").push_bind(lane.as_str());
        }
        if let Some(since) = since {
            sql.push(" AND at >= ").push_bind(since.get());
        }
        if let Some(before) = before {
            sql.push(" AND seq < ").push_bind(*before);
        }
        sql.push(" ORDER BY seq DESC LIMIT ").push_bind(limit);
        sql.build_query_as().fetch_all(connection).await
    })
    .during("find events")?;
    rows.into_iter().map(parse_row).collect()
}

/// The shop's events after a place in the log, in the sequence in which they arrived.
pub(super) async fn find_after(
    tx: &mut Tx,
    shop: &ShopId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, Event)>, StorageError> {
    const SQL: &str = "SELECT seq, body FROM events WHERE shop_id = $1 AND seq > $2 \
        ORDER BY seq LIMIT $3";
    let rows: Vec<(i64, String)> = on_db!(tx, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(after)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("read the log")?;
    rows.into_iter().map(parse_row).collect()
}

fn parse_row((seq, body): (i64, String)) -> Result<(i64, Event), StorageError> {
    let event = serde_json::from_str(&body)
        .map_err(|cause| StorageError::corrupt("read an event's row", cause))?;
    Ok((seq, event))
}

/// Which lane the shop's people put which user agents in.
pub(super) async fn decided_lanes(
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
pub(super) async fn decide_lane(
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
pub(super) struct BotRow {
    pub(super) agent: String,
    pub(super) events: i64,
    pub(super) last_at: i64,
}

/// The user agents in the lane of bots, those with most events first; at most 200.
pub(super) async fn list_bots(
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
