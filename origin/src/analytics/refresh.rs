//! Makes visits and figures anew from the log and the files, beside those that are read, and puts them in their place.
//!
//! Meanwhile events go on into the live figures. The new ones read the log by its sequence; the last events are read with
//! the shop's turn held, so none is missing and none counts twice.

use std::collections::{BTreeMap, HashMap};

use footfall_shared::event::Event;
use footfall_shared::id::{JobId, ShopId};
use footfall_shared::time::UtcMillis;
use footfall_shared::upload::field::Kind;
use footfall_shared::upload::row::Row;
use footfall_shared::visits::feedback::{self, PRODUCT};
use footfall_shared::visits::sight::{self, Sight};
use footfall_shared::visits::users::NEVER;
use serde_json::json;

use super::calendar::local_time;
use super::project::{apply, apply_events};
use super::queries::sales::Sales;
use super::queries::{feedback as said, runs, sales};
use crate::app::App;
use crate::behavior::{LineBlock, LineSink, scan_all};
use crate::db::{StorageError, Tx};
use crate::ingest::{self, Logged};
use crate::intelligence::take_turn;
use crate::jobs::{self, JobFault, JobKind, NewJob, Run};
use crate::shops::{self, Shop};
use crate::uploads::block::number_of_line as number;
use crate::uploads::{self, Sourced};

/// Events of the log in one step.
const EVENTS_A_STEP: i64 = 2_000;
/// Rows of files in one step.
const ROWS_A_STEP: usize = 5_000;

/// Asks for the figures to be made anew; the job's id.
pub async fn ask(app: &App, tx: &mut Tx, shop: &ShopId) -> Result<JobId, StorageError> {
    let what = NewJob {
        kind: JobKind::Analytics,
        subject: String::new(),
        options: json!({}),
    };
    jobs::enqueue(app, tx, shop, &what, None).await
}

/// Asks for the figures of shops that have a log and none: those of a release that had no figures.
pub async fn ask_where_missing(app: &App) -> Result<usize, StorageError> {
    let shops = shops::list_shops(&mut app.db().read().await?).await?;
    let mut asked = 0;
    for shop in shops {
        let missing = {
            let mut db = app.db().read().await?;
            runs::find_live(&mut db, &shop.id).await?.is_none()
                && ingest::last_place(&mut db, &shop.id).await? > 0
        };
        if missing {
            let mut tx = app.db().begin().await?;
            ask(app, &mut tx, &shop.id).await?;
            tx.commit().await?;
            asked += 1;
        }
    }
    Ok(asked)
}

/// Whether rows of a kind change the figures.
#[must_use]
pub const fn depends_on(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::PageEvents | Kind::Customers | Kind::Reviews | Kind::Transactions
    )
}

/// Makes the figures anew.
pub async fn refresh(run: &Run) -> Result<(), JobFault> {
    let (app, id) = (&run.app, &run.job.shop);
    let (shop, files) = {
        let mut db = app.db().read().await?;
        let shop = shops::find_by_id(&mut db, id)
            .await?
            .ok_or(JobFault::Lost)?;
        let files = uploads::list_sources(&mut db, id).await?;
        (shop, files)
    };
    let files: Vec<Sourced> = files.into_iter().filter(|file| file.done).collect();
    let making = {
        let mut tx = app.db().begin().await?;
        take_turn(&mut tx, id).await?;
        let making = runs::begin_building(&mut tx, &shop, app.now()).await?;
        tx.commit().await?;
        making
    };
    delete_old(run, making.number).await?;
    let mut made = Made {
        run,
        shop: &shop,
        making: &making,
        done: 0,
    };
    made.read_pages(&files).await?;
    made.read_reviews(&files).await?;
    made.read_orders().await?;
    made.read_log().await?;
    delete_old(run, making.number).await
}

/// What is being made.
struct Made<'a> {
    run: &'a Run,
    shop: &'a Shop,
    making: &'a runs::Run,
    /// Events and rows that are read.
    done: i64,
}

impl Made<'_> {
    /// Reads the log to its end, and puts what was made in its place.
    async fn read_log(&mut self) -> Result<(), JobFault> {
        let (app, id) = (&self.run.app, &self.shop.id);
        let mut after = 0;
        loop {
            let events = {
                let mut db = app.db().read().await?;
                ingest::read_after(&mut db, id, after, EVENTS_A_STEP).await?
            };
            let Some(last) = events.last() else { break };
            after = last.place;
            let whole = events.len();
            let mut tx = app.db().begin().await?;
            self.take_events(&mut tx, &events, after).await?;
            tx.commit().await?;
            if (whole as i64) < EVENTS_A_STEP {
                break;
            }
        }
        let mut tx = app.db().begin().await?;
        take_turn(&mut tx, id).await?;
        loop {
            let events = ingest::read_after(&mut tx, id, after, EVENTS_A_STEP).await?;
            let Some(last) = events.last() else { break };
            after = last.place;
            self.take_events(&mut tx, &events, after).await?;
        }
        if !runs::put_live(&mut tx, id, self.making.number, app.now()).await? {
            return Err(JobFault::Lost);
        }
        let result = json!({"events": self.done, "run": self.making.number});
        self.run.finish(&mut tx, self.done, &result).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn take_events(
        &mut self,
        tx: &mut Tx,
        events: &[Logged],
        after: i64,
    ) -> Result<(), JobFault> {
        let people: Vec<&Event> = events
            .iter()
            .filter(|one| one.by_people)
            .map(|one| &one.event)
            .collect();
        apply_events(tx, self.shop, self.making, &people).await?;
        self.note(tx, after, events.len()).await
    }

    async fn note(&mut self, tx: &mut Tx, after: i64, more: usize) -> Result<(), JobFault> {
        let more = i64::try_from(more).unwrap_or(i64::MAX);
        self.done += more;
        runs::note(tx, &self.shop.id, self.making.number, after, more).await?;
        self.run.note(tx, self.done, None).await
    }

    /// Reads the files of pages and events.
    async fn read_pages(&mut self, files: &[Sourced]) -> Result<(), JobFault> {
        let files: Vec<&Sourced> = files
            .iter()
            .filter(|file| file.kind == Kind::PageEvents)
            .collect();
        if files.is_empty() {
            return Ok(());
        }
        let visitors = self.read_visitors().await?;
        for file in files {
            let mut after = 0;
            while let Some((place, rows)) =
                uploads::read_rows(&self.run.app, &self.shop.id, file, after).await?
            {
                after = place;
                let mut sights = Vec::with_capacity(rows.rows);
                for row in rows.rows(Kind::PageEvents) {
                    let Row::PageEvent(row) = row else { continue };
                    let known = visitors.get(row.visitor.as_ref());
                    let at = row
                        .at
                        .or(known.and_then(|known| known.at))
                        .unwrap_or(file.created_at);
                    let device = known.and_then(|known| known.device.as_deref());
                    sights.extend(sight::of_row(&row, at, device));
                }
                self.take_sights(sights).await?;
            }
        }
        Ok(())
    }

    async fn take_sights(&mut self, mut sights: Vec<Sight>) -> Result<(), JobFault> {
        while !sights.is_empty() {
            let rest = sights.split_off(sights.len().min(ROWS_A_STEP));
            let step = std::mem::replace(&mut sights, rest);
            let rows = step.len();
            let mut tx = self.run.app.db().begin().await?;
            apply(&mut tx, self.shop, self.making, step).await?;
            self.note(&mut tx, 0, rows).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// What files of customers tell of visitors: pages in files often have neither time nor device.
    async fn read_visitors(&self) -> Result<HashMap<String, Visitor>, JobFault> {
        let files = {
            let mut db = self.run.app.db().read().await?;
            uploads::list_sources(&mut db, &self.shop.id).await?
        };
        let mut visitors = HashMap::new();
        for file in files
            .iter()
            .filter(|file| file.done && file.kind == Kind::Customers)
        {
            let add = |row: &Row<'_>| {
                let Row::Customer(customer) = row else { return };
                if customer.at.is_none() && customer.device.is_none() {
                    return;
                }
                let visitor = Visitor {
                    at: customer.at,
                    device: customer.device.as_deref().map(str::to_owned),
                };
                // Files come the newest first.
                visitors
                    .entry(customer.customer.as_ref().to_owned())
                    .or_insert(visitor);
            };
            uploads::each_row(&self.run.app, &self.shop.id, file, add).await?;
        }
        Ok(visitors)
    }

    /// Counts the reviews of files as what is said of products.
    async fn read_reviews(&mut self, files: &[Sourced]) -> Result<(), JobFault> {
        for file in files.iter().filter(|file| file.kind == Kind::Reviews) {
            let (mut sums, mut rows) = (BTreeMap::new(), 0);
            let add = |row: &Row<'_>| {
                let Row::Review(review) = row else { return };
                rows += 1;
                let stars = review.rating.map(|hundredths| hundredths as f64 / 100.0);
                if let Some(one) = feedback::of(review.text.as_deref(), stars, PRODUCT) {
                    let day = review
                        .at
                        .map_or(NEVER, |at| local_time(at, &self.shop.timezone).day);
                    said::count(&mut sums, day, &one);
                }
            };
            uploads::each_row(&self.run.app, &self.shop.id, file, add).await?;
            let mut tx = self.run.app.db().begin().await?;
            said::add_days(&mut tx, &self.shop.id, self.making.number, &sums).await?;
            self.note(&mut tx, 0, rows).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Sums the orders of files.
    async fn read_orders(&mut self) -> Result<(), JobFault> {
        let OfFiles { orders } = scan_all(&self.run.app, self.shop, OfFiles::default()).await?;
        let mut days = BTreeMap::<i64, Sales>::new();
        let rows = orders.len();
        for (at, amount) in orders.into_values() {
            let day = local_time(UtcMillis::new(at), &self.shop.timezone).day;
            let of_day = days.entry(day).or_default();
            let squares = (amount as f64) * (amount as f64);
            *of_day = of_day.plus(Sales {
                orders: 1,
                revenue: amount,
                squares,
            });
        }
        let mut tx = self.run.app.db().begin().await?;
        sales::insert_days(&mut tx, &self.shop.id, self.making.number, &days).await?;
        self.note(&mut tx, 0, rows).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// What a file of customers tells of a visitor.
struct Visitor {
    at: Option<UtcMillis>,
    device: Option<String>,
}

/// The orders of files by their numbers: when, and what they come to. An order without a time is on no day.
#[derive(Debug, Default)]
struct OfFiles {
    orders: HashMap<u64, (i64, i64)>,
}

impl LineSink for OfFiles {
    fn take(&mut self, lines: &LineBlock) {
        if lines.is_own {
            return;
        }
        for row in (0..lines.block.rows).filter(|row| lines.is_sale(*row)) {
            let (Some(order), Some(at)) =
                (lines.orders.get(row), lines.block.number(number::AT, row))
            else {
                continue;
            };
            let (first, amount) = self.orders.entry(*order).or_insert((at, 0));
            *first = at.min(*first);
            *amount += lines.block.number(number::AMOUNT, row).unwrap_or(0);
        }
    }
}

/// Deletes what nobody reads any more, a little at a time.
async fn delete_old(run: &Run, but: i64) -> Result<(), JobFault> {
    let (app, shop) = (&run.app, &run.job.shop);
    loop {
        let old = runs::find_old(&mut app.db().read().await?, shop, but).await?;
        let Some(old) = old else { return Ok(()) };
        loop {
            let mut tx = app.db().begin().await?;
            let more = runs::delete_some(&mut tx, shop, old).await?;
            tx.commit().await?;
            if !more {
                break;
            }
        }
    }
}
