//! The log itself: appending and reading.

use std::collections::HashSet;

use footfall_shared::event::{Event, EventKind};
use footfall_shared::id::ShopId;
use footfall_shared::identity::{Email, EmailHash, FingerprintHash, IpHash};
use footfall_shared::time::UtcMillis;

use super::Acceptance;
use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::ingest::lanes::Lane;
use crate::on_db;

/// An event to append.
pub(in crate::ingest) struct Row<'a> {
    /// The event.
    pub(in crate::ingest) event: &'a Event,
    /// The keyed hash of its email.
    pub(in crate::ingest) email_hash: Option<&'a EmailHash>,
    /// The event as text.
    pub(in crate::ingest) json: &'a str,
    /// Where it comes from, unless the origin made it.
    pub(in crate::ingest) acceptance: Option<&'a Acceptance>,
    /// The user agent that it tells.
    pub(in crate::ingest) agent: Option<&'a str>,
    /// Where it is counted.
    pub(in crate::ingest) lane: Lane,
}

/// Appends events whose ids are not in the log; their ids are all different. Returns the ids of the new
/// ones.
pub(in crate::ingest) async fn insert_events(
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

/// Which events are wanted.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Filter {
    /// Of this kind.
    pub(in crate::ingest) kind: Option<EventKind>,
    /// Track events of this name.
    pub(in crate::ingest) event: Option<String>,
    /// Of this visit.
    pub(in crate::ingest) session: Option<String>,
    /// Of this customer.
    pub(in crate::ingest) customer: Option<Who>,
    /// Of this lane.
    pub(in crate::ingest) lane: Option<Lane>,
    /// That happened then or later.
    pub(in crate::ingest) since: Option<UtcMillis>,
    /// That arrived before this one.
    pub(in crate::ingest) before: Option<i64>,
}

/// A customer, as a caller names one.
#[derive(Debug)]
pub(in crate::ingest) enum Who {
    /// By email.
    Email(EmailHash),
    /// By the shop's id or the browser's.
    Id(String),
}

/// The wanted events with their place in the log, the latest first.
pub(in crate::ingest) async fn find_events(
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

/// An event of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// Its place: later ones have higher places, and none comes in between.
    pub place: i64,
    /// The event.
    pub event: Event,
    /// Whether it is counted: its lane is that of people.
    pub by_people: bool,
}

/// The shop's events after a place in the log, in the sequence in which they arrived.
pub async fn read_after(
    db: &mut impl Handle,
    shop: &ShopId,
    after: i64,
    limit: i64,
) -> Result<Vec<Logged>, StorageError> {
    const SQL: &str = "SELECT seq, body, lane FROM events WHERE shop_id = $1 AND seq > $2 \
        ORDER BY seq LIMIT $3";
    let rows: Vec<(i64, String, String)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(after)
            .bind(limit)
            .fetch_all(connection)
            .await
    })
    .during("read the log")?;
    rows.into_iter().map(read_row).collect()
}

/// An event of a row: place, text and lane.
pub(super) fn read_row((seq, body, lane): (i64, String, String)) -> Result<Logged, StorageError> {
    let (place, event) = parse_row((seq, body))?;
    Ok(Logged {
        place,
        event,
        by_people: lane == Lane::People.as_str(),
    })
}

/// The place of the shop's last event; 0 without any.
pub async fn last_place(db: &mut impl Handle, shop: &ShopId) -> Result<i64, StorageError> {
    const SQL: &str = "SELECT COALESCE(MAX(seq), 0) FROM events WHERE shop_id = $1";
    on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .fetch_one(connection)
            .await
    })
    .during("find the end of the log")
}

/// An event of the log.
pub async fn find_event(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &str,
) -> Result<Option<Event>, StorageError> {
    const STEP: &str = "find an event";
    const SQL: &str = "SELECT body FROM events WHERE shop_id = $1 AND id = $2";
    let body: Option<String> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(id)
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    body.map(|body| serde_json::from_str(&body).map_err(|cause| StorageError::corrupt(STEP, cause)))
        .transpose()
}

fn parse_row((seq, body): (i64, String)) -> Result<(i64, Event), StorageError> {
    let event = serde_json::from_str(&body)
        .map_err(|cause| StorageError::corrupt("read an event's row", cause))?;
    Ok((seq, event))
}
