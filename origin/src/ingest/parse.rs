//! Reads one event of a batch, and refuses what the log could not hold.

use footfall_shared::event::Event;
use footfall_shared::event::segment::{ID_CHARS_MAX, NAME_CHARS_MAX};
use footfall_shared::identity::Geo;
use footfall_shared::text::{InvalidField, bounded};
use footfall_shared::time::UtcMillis;

use crate::http::extract::parse_json;

/// Longest country or city, in characters.
const PLACE_CHARS_MAX: usize = 100;
/// The last instant of the year 9999; beyond lies no date that a text can tell.
const TIME_MAX: UtcMillis = UtcMillis::new(253_402_300_799_999);

/// Reads an event as the outbox holds it; the reason is free of personal data.
pub(super) fn parse(json: &str) -> Result<Event, String> {
    let event: Event = parse_json(json.as_bytes()).map_err(|fault| fault.public_message())?;
    check(&event).map_err(|fault| fault.to_string())?;
    Ok(event)
}

/// The shop that a refused event names, where that much can be read.
pub(super) fn shop_of(json: &str) -> Option<footfall_shared::id::ShopId> {
    #[derive(serde::Deserialize)]
    struct Owner {
        shop: footfall_shared::id::ShopId,
    }
    serde_json::from_str(json).ok().map(|Owner { shop }| shop)
}

/// Edges keep to these bounds. Should one not, its event must not fail the statement that holds 499 others:
/// an index takes no long text, PostgreSQL no NUL.
fn check(event: &Event) -> Result<(), InvalidField> {
    let texts = [
        ("name", &event.name, NAME_CHARS_MAX),
        ("anonymous_id", &event.anonymous_id, ID_CHARS_MAX),
        ("user_id", &event.user_id, ID_CHARS_MAX),
        ("session_id", &event.session_id, ID_CHARS_MAX),
    ];
    for (field, text, chars_max) in texts {
        bounded(field, text.as_deref().unwrap_or_default(), chars_max)?;
    }
    let Geo { country, city } = event.device.geo.clone().unwrap_or_default();
    for (field, text) in [("country", country), ("city", city)] {
        bounded(field, &text.unwrap_or_default(), PLACE_CHARS_MAX)?;
    }
    for (field, at) in [("at", event.at), ("received_at", event.received_at)] {
        if !(UtcMillis::new(0)..=TIME_MAX).contains(&at) {
            return Err(InvalidField::new(field, "must lie between 1970 and 9999"));
        }
    }
    Ok(())
}
