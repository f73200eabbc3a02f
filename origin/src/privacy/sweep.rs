//! The job that looks through what can only be looked through: rows of files, words in texts, lists of others.
//!
//! It goes by the digests of all who were erased, so it needs nobody's name, and one run is enough for many.

use footfall_shared::customer::list::RetentionPolicy;
use footfall_shared::id::{JobId, ShopId};
use footfall_shared::privacy::erased::{covers, without_addresses};
use footfall_shared::privacy::person::Pseudonyms;
use footfall_shared::time::UtcMillis;
use footfall_shared::upload::row::Row;
use serde_json::{Value, json};

use super::known::{Known, Mark};
use super::queries::{erased, erasure, lists, uploads as rows};
use crate::app::App;
use crate::db::{StorageError, Tx};
use crate::ingest::person;
use crate::jobs::{self, JobFault, JobKind, NewJob, Run};
use crate::shops::{self, Shop};
use crate::uploads::block::BlockBuilder;
use crate::uploads::{self, Sourced};
use crate::{analytics, behavior};

/// Events and lists that are read at once.
const AT_ONCE: i64 = 1_000;

/// Asks for it; the job's id.
pub(super) async fn ask(app: &App, tx: &mut Tx, shop: &ShopId) -> Result<JobId, StorageError> {
    let what = NewJob {
        kind: JobKind::Erasure,
        subject: String::new(),
        options: json!({}),
    };
    jobs::enqueue(app, tx, shop, &what, None).await
}

/// Asks for it after a file was imported, where it may tell of somebody who was erased.
pub async fn ask_after_import(app: &App, tx: &mut Tx, shop: &ShopId) -> Result<(), StorageError> {
    if erased::last_at(tx, shop).await?.is_some() {
        ask(app, tx, shop).await?;
    }
    Ok(())
}

/// Looks through everything.
pub async fn sweep(run: &Run) -> Result<(), JobFault> {
    let (app, id) = (&run.app, &run.job.shop);
    let began = app.now();
    let (shop, mut known, files) = {
        let mut db = app.db().read().await?;
        let shop = shops::find_by_id(&mut db, id).await?;
        let shop = shop.ok_or(JobFault::Lost)?;
        let known = Known::read(&mut db, &shop).await?;
        (shop, known, uploads::list_sources(&mut db, id).await?)
    };
    let mut swept = Swept {
        run,
        shop: &shop,
        names: Pseudonyms::new(app.entropy()),
        done: 0,
    };
    for file in &files {
        swept.learn_names(file, &mut known).await?;
    }
    let mut changed = Vec::new();
    for file in &files {
        let gone = swept.rewrite(file, &mut known).await?;
        if gone > 0 {
            changed.push(file);
        }
    }
    swept.clear_lists(&mut known).await?;
    swept.clear_texts(&known).await?;
    let mut tx = app.db().begin().await?;
    for file in &changed {
        behavior::refresh(app, &mut tx, id, file.kind, &file.id, file.rows).await?;
        behavior::refresh(app, &mut tx, id, file.kind, "", file.rows).await?;
    }
    if changed.iter().any(|file| analytics::depends_on(file.kind)) {
        analytics::ask_refresh(app, &mut tx, id).await?;
    }
    erased::note_swept(&mut tx, id, began, app.now()).await?;
    let result = json!({"changed": swept.done, "files": changed.len()});
    run.finish(&mut tx, swept.done, &result).await?;
    tx.commit().await?;
    Ok(())
}

/// A sweep under way.
struct Swept<'a> {
    run: &'a Run,
    shop: &'a Shop,
    names: Pseudonyms,
    /// Rows, lists and texts that were changed.
    done: i64,
}

impl Swept<'_> {
    /// Learns under which other names a file knows somebody: a row with their email tells their id.
    async fn learn_names(&self, file: &Sourced, known: &mut Known) -> Result<(), JobFault> {
        let (app, shop) = (&self.run.app, &self.shop.id);
        let mut after = 0;
        while let Some((place, block)) = uploads::read_rows(app, shop, file, after).await? {
            after = place;
            let mut told: Vec<(String, Mark)> = Vec::new();
            for row in block.rows(file.kind) {
                let (names, at) = names_of(&row);
                let mark = names.iter().find_map(|name| known.find(name, at));
                let Some(mark) = mark else { continue };
                for name in names {
                    if known.find(name, at).is_none() {
                        told.push((name.to_owned(), mark.clone()));
                    }
                }
            }
            for (name, mark) in told {
                let digest = known.add_user(&name, &mark);
                let mut tx = app.db().begin().await?;
                erased::insert_keys(&mut tx, shop, &mark.erasure, mark.at, &[digest]).await?;
                let named = [name];
                for rows in [
                    ("segment_members", "customer_id"),
                    ("recommendations", "customer"),
                ] {
                    erasure::delete_rows(&mut tx, shop, rows, &named).await?;
                }
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// Writes the blocks of a file anew in which somebody is; how many rows were theirs.
    async fn rewrite(&mut self, file: &Sourced, known: &mut Known) -> Result<i64, JobFault> {
        let (app, shop) = (&self.run.app, &self.shop.id);
        let (mut after, mut all) = (0, 0);
        while let Some((place, block)) = uploads::read_rows(app, shop, file, after).await? {
            after = place;
            let mut builder = BlockBuilder::default();
            let (mut changed, mut gone) = (0, 0);
            for row in block.rows(file.kind) {
                let (names, at) = names_of(&row);
                let mark = names.iter().find_map(|name| known.find(name, at));
                let Some(mark) = mark else {
                    builder.push(&row);
                    continue;
                };
                changed += 1;
                match row_without(row, mark.policy, &self.names) {
                    Some(row) => builder.push(&row),
                    None => gone += 1,
                }
            }
            if changed == 0 {
                continue;
            }
            let bytes = builder
                .take()
                .map_err(|cause| StorageError::corrupt("write a block of rows", cause))?;
            self.done += changed;
            all += changed;
            let mut tx = app.db().begin().await?;
            rows::rewrite_block(&mut tx, shop, (&file.id, place), &bytes, gone).await?;
            self.run.note(&mut tx, self.done, None).await?;
            tx.commit().await?;
        }
        Ok(all)
    }

    /// Takes erased people out of the lists of others who are like them.
    async fn clear_lists(&mut self, known: &mut Known) -> Result<(), JobFault> {
        let (app, shop) = (&self.run.app, &self.shop.id);
        let (mut version, mut customer) = (i64::MIN, String::new());
        loop {
            let page = {
                let mut db = app.db().read().await?;
                lists::list_similar(&mut db, shop, (version, &customer), AT_ONCE).await?
            };
            let Some(last) = page.last() else {
                return Ok(());
            };
            (version, customer) = (last.0, last.1.clone());
            for (version, customer, list) in page {
                let read: Result<Vec<Value>, _> = serde_json::from_str(&list);
                let before =
                    read.map_err(|cause| StorageError::corrupt("read similar customers", cause))?;
                let is_gone = |one: &Value, known: &mut Known| {
                    texts_of(one).any(|text| known.find(text, None).is_some())
                };
                let mut after = before.clone();
                after.retain(|one| !is_gone(one, known));
                if after.len() == before.len() {
                    continue;
                }
                self.done += 1;
                let list = Value::Array(after).to_string();
                let mut tx = app.db().begin().await?;
                lists::save_similar(&mut tx, shop, &(version, customer, list)).await?;
                self.run.note(&mut tx, self.done, None).await?;
                tx.commit().await?;
            }
        }
    }

    /// Takes the addresses of erased people out of what others wrote and did.
    async fn clear_texts(&mut self, known: &Known) -> Result<(), JobFault> {
        let (app, shop) = (&self.run.app, &self.shop.id);
        let said = lists::list_said(&mut app.db().read().await?, shop).await?;
        for (run, id, at, text) in said {
            let Some(without) = clear(&text, UtcMillis::new(at), known) else {
                continue;
            };
            self.done += 1;
            let mut tx = app.db().begin().await?;
            lists::save_said(&mut tx, shop, (run, &id), &without).await?;
            self.run.note(&mut tx, self.done, None).await?;
            tx.commit().await?;
        }
        let mut after = 0;
        loop {
            let events = {
                let mut db = app.db().read().await?;
                person::find_with_addresses(&mut db, shop, after, AT_ONCE).await?
            };
            let Some((last, _)) = events.last() else {
                return Ok(());
            };
            after = *last;
            for (place, at, text) in events
                .iter()
                .map(|(place, text)| (*place, at_of(text), text))
            {
                let Some(without) = clear(text, at, known) else {
                    continue;
                };
                self.done += 1;
                let mut tx = app.db().begin().await?;
                person::rewrite_text(&mut tx, shop, place, &without).await?;
                self.run.note(&mut tx, self.done, None).await?;
                tx.commit().await?;
            }
        }
    }
}

/// When an event happened, by its text.
fn at_of(text: &str) -> UtcMillis {
    #[derive(serde::Deserialize)]
    struct At {
        at: UtcMillis,
    }
    serde_json::from_str(text).map_or(UtcMillis::new(0), |At { at }| at)
}

fn clear(text: &str, at: UtcMillis, known: &Known) -> Option<String> {
    without_addresses(text, |email| {
        known
            .find_email(email)
            .is_some_and(|mark| covers(mark.at, Some(at)))
    })
}

/// A value's own text, or the texts of its fields.
fn texts_of(value: &Value) -> impl Iterator<Item = &str> {
    let own = value.as_str();
    let fields = value
        .as_object()
        .into_iter()
        .flat_map(|object| object.values());
    own.into_iter().chain(fields.filter_map(Value::as_str))
}

/// Whom a row is about, and when.
fn names_of<'a>(row: &'a Row<'_>) -> (Vec<&'a str>, Option<UtcMillis>) {
    match row {
        Row::Line(line) => {
            let names = [line.customer.as_deref(), line.email.as_deref()];
            (names.into_iter().flatten().collect(), line.at)
        }
        Row::Review(review) => (review.customer.as_deref().into_iter().collect(), review.at),
        Row::PageEvent(event) => {
            let names = [Some(event.visitor.as_ref()), event.session.as_deref()];
            (names.into_iter().flatten().collect(), event.at)
        }
        Row::Customer(customer) => {
            let names = [Some(customer.customer.as_ref()), customer.email.as_deref()];
            (names.into_iter().flatten().collect(), customer.at)
        }
        Row::Product(_) => (Vec::new(), None),
    }
}

/// What stays of a row whose person is erased; `None` where nothing does. Of a row about the person alone nothing does.
fn row_without<'a>(row: Row<'a>, policy: RetentionPolicy, names: &Pseudonyms) -> Option<Row<'a>> {
    if policy == RetentionPolicy::Erase {
        return None;
    }
    let other = |name: &str| names.of(name).into();
    match row {
        Row::Line(mut line) => {
            let person = line
                .customer
                .as_deref()
                .or(line.email.as_deref())
                .map(other);
            line.customer = person;
            line.order = other(&line.order);
            (line.email, line.location, line.gender, line.age) = (None, None, None, None);
            Some(Row::Line(line))
        }
        Row::Review(mut review) => {
            (review.customer, review.text, review.age) = (None, None, None);
            Some(Row::Review(review))
        }
        Row::PageEvent(mut event) => {
            event.visitor = other(&event.visitor);
            event.session = event.session.as_deref().map(other);
            Some(Row::PageEvent(event))
        }
        Row::Customer(_) | Row::Product(_) => None,
    }
}
