//! Puts segments together and keeps them.

use std::collections::HashMap;

use footfall_shared::behavior::rfm::{Scores, features, score};
use footfall_shared::behavior::segment::{keep_ids, name};
use footfall_shared::id::ShopId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::attributes;
use super::cluster::cluster;
use super::customers::Customers;
use super::portrait::{Group, Segment};
use super::queries::{self, Member};
use crate::behavior::data::scan;
use crate::behavior::refresh::then_recommend;
use crate::behavior::results::{self, Computed};
use crate::behavior::scope::{Need, Scope, find_sources_of_job};
use crate::db::{Handle, StorageError};
use crate::intelligence::take_turn;
use crate::jobs::{JobFault, JobKind, Run};
use crate::shops;
use crate::webhooks::{Announcement, EventType, announce};

/// Members written in one transaction, and read at once.
const MEMBERS_AT_ONCE: usize = 10_000;

/// What a run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::behavior) struct Segmented {
    /// The run whose members count.
    pub(in crate::behavior) run: String,
    /// How many segments were asked for; `None` left it to the silhouette.
    pub(in crate::behavior) asked: Option<usize>,
    /// The end of the day of the last order: recencies count from there. Epoch milliseconds.
    pub(in crate::behavior) snapshot: Option<i64>,
    /// Customers in all.
    pub(in crate::behavior) customers: i64,
    /// How well the segments are told apart, −1 to 1.
    pub(in crate::behavior) silhouette: Option<f64>,
    /// The one with the highest spending first.
    pub(in crate::behavior) segments: Vec<Segment>,
}

/// What the job may be asked for.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Options {
    /// How many segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) n_clusters: Option<usize>,
}

/// What the last run found.
pub(in crate::behavior) async fn find_segmented(
    db: &mut impl Handle,
    shop: &ShopId,
    scope: &Scope,
) -> Result<Option<Computed<Segmented>>, StorageError> {
    results::find(db, shop, scope, JobKind::Segments).await
}

/// Segments the customers of a scope.
pub async fn segment(run: &Run) -> Result<(), JobFault> {
    let (app, job) = (&run.app, &run.job);
    let scope = Scope::of(Some(job.what.subject.clone()));
    let options: Options = serde_json::from_value(job.what.options.clone()).unwrap_or_default();
    let (shop, sources, before) = {
        let mut db = app.db().read().await?;
        let shop = shops::find_by_id(&mut db, &job.shop)
            .await?
            .ok_or(JobFault::Lost)?;
        let sources = find_sources_of_job(&mut db, &job.shop, &scope, Need::Lines).await?;
        let before = find_segmented(&mut db, &job.shop, &scope)
            .await?
            .map(|found| found.body);
        (shop, sources, before)
    };
    let mut customers = scan(app, &shop, &sources, Customers::default()).await?;
    attributes::add(app, &job.shop, &mut customers).await?;
    // A number that was asked for once holds until another one is.
    let asked = options
        .n_clusters
        .or(before.as_ref().and_then(|before| before.asked));
    let grouped = tokio::task::spawn_blocking(move || group(customers, asked)).await?;
    let ids = find_ids(run, &scope, &grouped, before.as_ref()).await?;
    let run_name = format!("{}.{}", job.id, job.attempt);
    write_members(run, &run_name, &grouped, &ids).await?;
    let segmented = Segmented {
        run: run_name,
        asked,
        snapshot: grouped.snapshot,
        customers: i64::try_from(grouped.customers.all.len()).unwrap_or(i64::MAX),
        silhouette: grouped.silhouette,
        segments: grouped.describe(&ids),
    };
    finish(run, &sources.version(), sources.rows(), segmented).await
}

/// Customers with their scores and groups.
struct Grouped {
    customers: Customers,
    snapshot: Option<i64>,
    scores: Vec<Scores>,
    of: Vec<usize>,
    count: usize,
    silhouette: Option<f64>,
}

impl Grouped {
    fn groups(&self) -> Vec<Group<'_>> {
        Group::all(
            &self.customers,
            self.snapshot,
            &self.scores,
            &self.of,
            self.count,
        )
    }

    /// What is told of the groups, by their ids, the one whose customers spend most first.
    fn describe(&self, ids: &[i64]) -> Vec<Segment> {
        let groups = self.groups();
        let names = name(&groups.iter().map(Group::scores).collect::<Vec<_>>());
        let order = by_spending(&groups).into_iter();
        let told = order.map(|at| groups[at].describe(ids[at], names[at].clone(), &self.customers));
        told.collect()
    }
}

fn group(customers: Customers, asked: Option<usize>) -> Grouped {
    let snapshot = customers.snapshot();
    let figures: Vec<_> = customers.all.iter().map(|one| one.rfm(snapshot)).collect();
    let clusters = cluster(&features(&figures), asked);
    Grouped {
        scores: score(&figures),
        of: clusters.of,
        count: if figures.is_empty() {
            0
        } else {
            clusters.count
        },
        silhouette: clusters.silhouette,
        snapshot,
        customers,
    }
}

/// The ids of the groups: those that they had. The first time, who spends most is 0.
async fn find_ids(
    run: &Run,
    scope: &Scope,
    grouped: &Grouped,
    before: Option<&Segmented>,
) -> Result<Vec<i64>, JobFault> {
    if let Some(before) = before {
        let old: Vec<i64> = before.segments.iter().map(|segment| segment.id).collect();
        let overlaps = count_overlaps(run, scope, grouped, before, &old).await?;
        return Ok(keep_ids(&overlaps, &old));
    }
    let mut ids = vec![0; grouped.count];
    for (id, at) in (0..).zip(by_spending(&grouped.groups())) {
        ids[at] = id;
    }
    Ok(ids)
}

/// The groups' places, the one whose customers spend most first.
fn by_spending(groups: &[Group<'_>]) -> Vec<usize> {
    let spending: Vec<f64> = groups.iter().map(Group::mean_spend).collect();
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by(|a, b| spending[*b].total_cmp(&spending[*a]));
    order
}

/// Customers that each group shares with each segment before.
async fn count_overlaps(
    run: &Run,
    scope: &Scope,
    grouped: &Grouped,
    before: &Segmented,
    old: &[i64],
) -> Result<Vec<Vec<u64>>, StorageError> {
    let named = grouped.customers.all.iter().zip(&grouped.of);
    let groups: HashMap<&str, usize> = named.map(|(one, group)| (one.name(), *group)).collect();
    let mut overlaps = vec![vec![0; old.len()]; grouped.count];
    let mut after = String::new();
    loop {
        let page = {
            let mut db = run.app.db().read().await?;
            let limit = i64::try_from(MEMBERS_AT_ONCE).unwrap_or(i64::MAX);
            queries::list_after(&mut db, &run.job.shop, scope, &before.run, &after, limit).await?
        };
        let Some((last, _)) = page.last() else {
            return Ok(overlaps);
        };
        after = last.clone();
        for (customer, segment) in &page {
            let old = old.iter().position(|id| id == segment);
            if let (Some(group), Some(old)) = (groups.get(customer.as_str()), old) {
                overlaps[*group][old] += 1;
            }
        }
    }
}

async fn write_members(
    run: &Run,
    name: &str,
    grouped: &Grouped,
    ids: &[i64],
) -> Result<(), JobFault> {
    let words = &grouped.customers.words.texts;
    let word = |number: Option<u32>| words.get(number? as usize).map(String::as_str);
    let members: Vec<Member<'_>> = grouped
        .customers
        .all
        .iter()
        .zip(&grouped.scores)
        .zip(&grouped.of)
        .map(|((one, scores), group)| Member {
            segment: ids[*group],
            customer: one.name(),
            email: one.email.as_deref(),
            recency_days: one.rfm(grouped.snapshot).recency_days,
            frequency: one.frequency(),
            spend: one.spend,
            scores: *scores,
            age: one.age,
            gender: word(one.gender),
            location: word(one.location),
        })
        .collect();
    let mut done = 0;
    for chunk in members.chunks(MEMBERS_AT_ONCE) {
        let mut tx = run.app.db().begin().await?;
        done += i64::try_from(chunk.len()).unwrap_or(0);
        run.note(&mut tx, done, i64::try_from(members.len()).ok())
            .await?;
        queries::insert(&mut tx, &run.job, name, chunk).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn finish(
    run: &Run,
    version: &str,
    units: i64,
    segmented: Segmented,
) -> Result<(), JobFault> {
    let (app, job) = (&run.app, &run.job);
    let now = app.now();
    let count = segmented.segments.len();
    let name = segmented.run.clone();
    let computed = Computed {
        version: version.to_owned(),
        at: now,
        body: segmented,
    };
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, &job.shop).await?;
    run.finish(&mut tx, units, &json!({"segments_count": count}))
        .await?;
    results::save(&mut tx, job, &computed).await?;
    queries::delete_others(&mut tx, job, &name).await?;
    let data = json!({
        "upload_id": Some(job.what.subject.as_str()).filter(|upload| !upload.is_empty()),
        "job_id": job.id.as_str(),
        "segments_count": count,
    });
    let told = Announcement::of_analysis(EventType::SegmentationCompleted, job, now, data);
    announce(&mut tx, &job.shop, &[told], now).await?;
    then_recommend(app, &mut tx, job).await?;
    tx.commit().await?;
    Ok(())
}
