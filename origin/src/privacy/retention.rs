//! The end of what is kept: events lose their people when the shop's time for them is over, month by month.
//!
//! The log keeps what happened, without anybody in it, so that figures stay right and can be made anew from it
//! (docs/decisions/019). Of a month's events each visitor has one other name, which nobody can trace; so figures of a month
//! stay what they were, and over several months a visitor counts once for each.
//!
//! Devices are forgotten by [`crate::intelligence::devices`].

use std::future::Future;
use std::time::Duration;

use footfall_shared::privacy::person::Pseudonyms;
use footfall_shared::time::UtcMillis;
use jiff::civil::Date;
use jiff::{Span, Timestamp};

use super::queries::{export, retention as queries};
use super::strip::{Fate, strip};
use crate::app::App;
use crate::db::StorageError;
use crate::edges;
use crate::ingest::person;
use crate::intelligence::take_turn;
use crate::shops::{self, Shop};

/// How often it is looked for what is over.
const LOOK_EVERY: Duration = Duration::from_secs(6 * 3600);
/// Events that one transaction takes people out of.
const EVENTS_A_STEP: i64 = 500;

/// Ends what is over, every few hours, until `stop` is done.
pub async fn keep_ending(app: App, stop: impl Future<Output = ()> + Send) {
    let ending = async {
        loop {
            match end_due(&app).await {
                Ok(0) => {}
                Ok(events) => tracing::info!(events, "old events lost their people"),
                Err(error) => tracing::warn!(%error, "what is over could not be ended"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        () = ending => {}
        () = stop => {}
    }
}

/// Takes people out of the events of all shops whose time is over, and deletes files for people that are; how many events.
pub async fn end_due(app: &App) -> Result<usize, StorageError> {
    let now = app.now();
    let mut tx = app.db().begin().await?;
    export::delete_expired(&mut tx, now).await?;
    tx.commit().await?;
    let shops = shops::list_shops(&mut app.db().read().await?).await?;
    let mut ended = 0;
    for shop in shops {
        ended += end_events(app, &shop, now).await?;
    }
    Ok(ended)
}

async fn end_events(app: &App, shop: &Shop, now: UtcMillis) -> Result<usize, StorageError> {
    let months = i32::try_from(shop.settings.event_months).unwrap_or(i32::MAX);
    let horizon = month_before(now, months, shop);
    let (done, first) = {
        let mut db = app.db().read().await?;
        let done = queries::find_until(&mut db, &shop.id).await?;
        (done, person::first_at(&mut db, &shop.id).await?)
    };
    if done.is_some_and(|done| done >= horizon) {
        return Ok(0);
    }
    let mut ended = 0;
    let first = done.or(first.map(UtcMillis::new)).unwrap_or(horizon);
    let mut from = month_before(first, 0, shop);
    while from < horizon {
        let until = month_before(from, -1, shop);
        ended += end_month(app, shop, (from, until), now).await?;
        from = until;
    }
    let mut tx = app.db().begin().await?;
    queries::delete_old_texts(&mut tx, &shop.id, horizon).await?;
    queries::note_until(&mut tx, &shop.id, horizon).await?;
    tx.commit().await?;
    Ok(ended)
}

async fn end_month(
    app: &App,
    shop: &Shop,
    (from, until): (UtcMillis, UtcMillis),
    now: UtcMillis,
) -> Result<usize, StorageError> {
    let names = Pseudonyms::new(app.entropy());
    let (mut after, mut ended) = (0, 0);
    loop {
        let mut tx = app.db().begin().await?;
        take_turn(&mut tx, &shop.id).await?;
        let span = (from.get(), until.get());
        let places =
            person::find_places_between(&mut tx, &shop.id, span, after, EVENTS_A_STEP).await?;
        let Some(last) = places.last() else {
            queries::note_until(&mut tx, &shop.id, until).await?;
            tx.commit().await?;
            return Ok(ended);
        };
        after = *last;
        ended += places.len();
        strip(
            app,
            &mut tx,
            shop,
            &places,
            &[],
            Fate::Anonymize(&names),
            now,
        )
        .await?;
        edges::commit(app, tx).await?;
    }
}

/// When the month began that lies so many months before a time, by the shop's clock.
fn month_before(at: UtcMillis, months: i32, shop: &Shop) -> UtcMillis {
    let at = Timestamp::from_millisecond(at.get()).unwrap_or_default();
    let first = shop.timezone.to_datetime(at).date().first_of_month();
    let month = first.checked_sub(Span::new().months(months));
    let month: Date = month.unwrap_or(Date::MIN);
    let began = month.to_zoned_datetime(shop.timezone.clone());
    began.map_or(UtcMillis::new(i64::MIN), |began| {
        UtcMillis::new(began.timestamp().as_millisecond())
    })
}
