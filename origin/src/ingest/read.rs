//! A page of the log.

use footfall_shared::event::EventKind;
use footfall_shared::event::segment::{ID_CHARS_MAX, NAME_CHARS_MAX};
use footfall_shared::identity::{Email, EmailHash};
use footfall_shared::text::{InvalidField, required};
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::events::{EventsReply, LoggedEvent};
use serde::Deserialize;
use utoipa::IntoParams;

use super::lanes::Lane;
use super::queries::{self, Filter, Who};
use crate::db::{Handle, StorageError};
use crate::shops::Shop;

/// Events on a page where the caller does not say.
const LIMIT_DEFAULT: u32 = 100;
/// Most events on a page.
const LIMIT_MAX: u32 = 500;
/// Longest email, in characters; longer than any id.
const WHO_CHARS_MAX: usize = 254;

/// Which part of the log is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// `track`, `page`, `identify`, `screen`, `group` or `alias`.
    #[serde(rename = "type")]
    #[param(example = "track")]
    kind: Option<String>,
    /// Name of a track event, as `Order Completed`.
    event: Option<String>,
    /// The visit.
    session: Option<String>,
    /// Email, the shop's id of the customer, or the browser's anonymous id.
    customer: Option<String>,
    /// `people` or `bots`; both where it is not given.
    lane: Option<String>,
    /// Only what happened then or later: RFC 3339, or epoch milliseconds.
    #[param(example = "2026-01-01T00:00:00Z")]
    since: Option<String>,
    /// Events on the page, 1 to 500; 100 where it is not given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A wanted part of the log that is one.
#[derive(Debug)]
pub(super) struct Wanted {
    filter: Filter,
    limit: u32,
}

impl Wanted {
    /// Reads a query of this shop.
    pub(super) fn parse(query: EventsQuery, shop: &Shop) -> Result<Self, InvalidField> {
        let EventsQuery {
            kind,
            event,
            session,
            customer,
            lane,
            since,
            limit,
            cursor,
        } = query;
        let lane = lane.map(|text| {
            Lane::parse(&text).ok_or_else(|| InvalidField::new("lane", "must be people or bots"))
        });
        let text = |field: &str, text: Option<String>, chars_max| {
            text.map(|text| required(field, &text, chars_max).map(str::to_owned))
                .transpose()
        };
        let kind = kind.map(|text| {
            EventKind::parse(&text).ok_or_else(|| {
                let names = EventKind::ALL.map(EventKind::as_str).join(", ");
                InvalidField::new("type", format!("must be one of {names}"))
            })
        });
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(InvalidField::new(
                "limit",
                format!("must be 1 to {LIMIT_MAX}"),
            ));
        }
        let cursor = cursor.map(|text| {
            let seq = text.parse().ok().filter(|seq: &i64| *seq > 0);
            seq.ok_or_else(|| InvalidField::new("cursor", "must be the next_cursor of a page"))
        });
        Ok(Self {
            filter: Filter {
                kind: kind.transpose()?,
                event: text("event", event, NAME_CHARS_MAX)?,
                session: text("session", session, ID_CHARS_MAX)?,
                customer: text("customer", customer, WHO_CHARS_MAX)?
                    .map(|text| who(&text, shop))
                    .transpose()?,
                lane: lane.transpose()?,
                since: since.map(|text| parse_since(&text)).transpose()?,
                before: cursor.transpose()?,
            },
            limit,
        })
    }
}

fn who(text: &str, shop: &Shop) -> Result<Who, InvalidField> {
    if text.contains('@') {
        let email = Email::parse("customer", text)?;
        return Ok(Who::Email(EmailHash::of(&email, &shop.salt)));
    }
    Ok(Who::Id(text.to_owned()))
}

fn parse_since(text: &str) -> Result<UtcMillis, InvalidField> {
    let millis = text.trim().parse().ok().map(UtcMillis::new);
    millis
        .or_else(|| UtcMillis::parse_rfc3339(text))
        .ok_or_else(|| InvalidField::new("since", "must be an RFC 3339 time or epoch milliseconds"))
}

/// Reads a page, the latest first. An event that arrives later stands before the first page and moves
/// nothing on the others.
pub(super) async fn read_page(
    db: &mut impl Handle,
    shop: &Shop,
    wanted: &Wanted,
) -> Result<EventsReply, StorageError> {
    let limit = i64::from(wanted.limit);
    // One more than asked for tells whether there is a next page.
    let mut found = queries::find_events(db, &shop.id, &wanted.filter, limit + 1).await?;
    let more = i64::try_from(found.len()).is_ok_and(|count| count > limit);
    found.truncate(wanted.limit as usize);
    let last = found.last().map(|(seq, _)| seq.to_string());
    Ok(EventsReply {
        events: found
            .into_iter()
            .map(|(_, event)| LoggedEvent::from_event(event))
            .collect(),
        next_cursor: last.filter(|_| more),
    })
}
