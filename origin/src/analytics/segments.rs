//! Visitors into segments: by how they behave, and by what files of customers tell of them.
//!
//! Behaviour is how often, how far and how lately, over the last ninety days; k-means groups it, with as many groups as the
//! silhouette finds best. Whether somebody bought is left out, so that it can be told of each group.

use std::collections::{BTreeMap, HashMap};

use footfall_shared::behavior::kmeans::Point;
use footfall_shared::id::ShopId;
use footfall_shared::upload::field::Kind;
use footfall_shared::upload::row::Row;
use footfall_shared::visits::funnel::STEPS;
use footfall_shared::visits::sums::{BOUGHT, COUNTS};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::calendar::local_time;
use super::queries::{results, runs, visits};
use crate::app::App;
use crate::behavior::cluster;
use crate::db::{StorageError, Tx};
use crate::jobs::{self, JobFault, JobKind, NewJob, Run};
use crate::shops;
use crate::uploads;

/// Days that are looked at.
const DAYS: i64 = 90;
/// Visitors whose groups are found; the others go to the nearest one.
const SAMPLE: usize = 50_000;
/// Days of visitors read at once.
const ROWS_AT_ONCE: i64 = 20_000;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Segmented {
    /// Visitors that were looked at.
    pub(super) visitors: i64,
    /// How well the groups are told apart, −1 to 1; `None` for one group.
    pub(super) silhouette: Option<f64>,
    /// By behaviour, the largest first.
    pub(super) behavioral: Vec<Segment>,
    /// By what files of customers tell, the largest first.
    pub(super) demographic: Vec<Segment>,
}

/// A group of visitors.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Segment {
    /// In words.
    pub(super) name: String,
    /// What the visitors share, where files tell it.
    pub(super) gender: Option<String>,
    pub(super) age_group: Option<String>,
    /// How many they are.
    pub(super) users: i64,
    /// Their visits.
    pub(super) sessions: i64,
    /// Steps of the funnel that their visits reached, all together.
    pub(super) steps: i64,
    /// Days since they were seen last, all together.
    pub(super) days_since: i64,
    /// Their visits by kind of device.
    pub(super) devices: BTreeMap<String, i64>,
    /// Those who bought.
    pub(super) buyers: i64,
    /// Their visits that bought.
    pub(super) purchases: i64,
}

/// What a visitor did.
#[derive(Debug, Clone, PartialEq, Default)]
struct Visitor {
    counts: [i64; COUNTS],
    last_day: i64,
    devices: BTreeMap<String, i64>,
}

impl Segment {
    fn add(&mut self, visitor: &Visitor, today: i64) {
        self.users += 1;
        self.sessions += visitor.counts[0];
        self.steps += visitor.counts[1..=STEPS].iter().sum::<i64>();
        self.days_since += today - visitor.last_day;
        for (device, visits) in &visitor.devices {
            *self.devices.entry(device.clone()).or_default() += visits;
        }
        self.buyers += i64::from(visitor.counts[BOUGHT] > 0);
        self.purchases += visitor.counts[BOUGHT];
    }
}

/// Asks for the segments to be found anew.
pub(super) async fn ask(app: &App, tx: &mut Tx, shop: &ShopId) -> Result<(), StorageError> {
    let what = NewJob {
        kind: JobKind::UserSegments,
        subject: String::new(),
        options: json!({}),
    };
    jobs::enqueue(app, tx, shop, &what, None).await.map(|_| ())
}

/// Finds the segments.
pub async fn segment(run: &Run) -> Result<(), JobFault> {
    let (app, id) = (&run.app, &run.job.shop);
    let (shop, live) = {
        let mut db = app.db().read().await?;
        let shop = shops::find_by_id(&mut db, id)
            .await?
            .ok_or(JobFault::Lost)?;
        let live = runs::find_live(&mut db, id).await?;
        (shop, live.map_or(0, |live| live.number))
    };
    // Where only files tell of visits, they may be years old: the last ninety days that there are count.
    let last = {
        let mut db = app.db().read().await?;
        visits::last_day(&mut db, id, live).await?
    };
    let today = last.unwrap_or_else(|| local_time(app.now(), &shop.timezone).day);
    let visitors = read_visitors(app, id, live, today).await?;
    let told = read_people(app, id, &visitors).await?;
    let count = visitors.len() as i64;
    let found = tokio::task::spawn_blocking(move || find(&visitors, &told, today)).await?;
    let mut tx = app.db().begin().await?;
    let result = json!({"visitors": count, "segments": found.behavioral.len()});
    run.finish(&mut tx, count, &result).await?;
    results::save(&mut tx, id, JobKind::UserSegments, app.now(), &found).await?;
    tx.commit().await?;
    Ok(())
}

async fn read_visitors(
    app: &App,
    shop: &ShopId,
    run: i64,
    today: i64,
) -> Result<HashMap<String, Visitor>, StorageError> {
    let mut visitors = HashMap::<String, Visitor>::new();
    let mut after = None;
    loop {
        let days = {
            let mut db = app.db().read().await?;
            visits::list_visitor_days(&mut db, shop, run, after.as_ref(), ROWS_AT_ONCE).await?
        };
        let Some((visitor, day, device, _)) = days.last() else {
            return Ok(visitors);
        };
        after = Some((visitor.clone(), *day, device.clone()));
        for (visitor, day, device, counts) in days {
            if day <= today - DAYS {
                continue;
            }
            let of = visitors.entry(visitor).or_default();
            of.last_day = of.last_day.max(day);
            *of.devices.entry(device).or_default() += counts[0];
            for (sum, more) in of.counts.iter_mut().zip(counts) {
                *sum += more;
            }
        }
    }
}

/// What files of customers tell of a person: gender and age group.
type Person = (Option<String>, Option<String>);

async fn read_people(
    app: &App,
    shop: &ShopId,
    visitors: &HashMap<String, Visitor>,
) -> Result<HashMap<String, Person>, StorageError> {
    let files = {
        let mut db = app.db().read().await?;
        uploads::list_sources(&mut db, shop).await?
    };
    let mut people = HashMap::new();
    for file in files
        .iter()
        .filter(|file| file.done && file.kind == Kind::Customers)
    {
        let add = |row: &Row<'_>| {
            let Row::Customer(customer) = row else { return };
            let (gender, age) = (customer.gender.as_deref(), customer.age.map(age_group));
            let known = visitors.contains_key(customer.customer.as_ref());
            if known && (gender.is_some() || age.is_some()) {
                let person = (gender.map(str::to_lowercase), age.map(str::to_owned));
                people
                    .entry(customer.customer.as_ref().to_owned())
                    .or_insert(person);
            }
        };
        uploads::each_row(app, shop, file, add).await?;
    }
    Ok(people)
}

fn age_group(years: i64) -> &'static str {
    match years {
        ..25 => "under 25",
        25..35 => "25-34",
        35..45 => "35-44",
        45..55 => "45-54",
        55..65 => "55-64",
        _ => "65 and over",
    }
}

fn find(
    visitors: &HashMap<String, Visitor>,
    told: &HashMap<String, Person>,
    today: i64,
) -> Segmented {
    // In a sequence that is the same in every process, so that the same visitors make the same groups.
    let mut names: Vec<&String> = visitors.keys().collect();
    names.sort_unstable();
    let all: Vec<&Visitor> = names
        .iter()
        .filter_map(|name| visitors.get(*name))
        .collect();
    let (groups, silhouette) = group(&all, today);
    let mut behavioral = BTreeMap::<usize, Segment>::new();
    for (visitor, group) in all.iter().zip(groups) {
        behavioral.entry(group).or_default().add(visitor, today);
    }
    let mut behavioral: Vec<Segment> = behavioral.into_values().collect();
    name(&mut behavioral);
    let mut demographic = BTreeMap::<&Person, Segment>::new();
    for (visitor, person) in told {
        if let Some(visitor) = visitors.get(visitor) {
            demographic.entry(person).or_default().add(visitor, today);
        }
    }
    let demographic = demographic
        .into_iter()
        .map(|((gender, age_group), segment)| {
            let words: Vec<&str> = [gender, age_group]
                .into_iter()
                .flatten()
                .map(String::as_str)
                .collect();
            Segment {
                name: words.join(", "),
                gender: gender.clone(),
                age_group: age_group.clone(),
                ..segment
            }
        });
    let mut demographic: Vec<Segment> = demographic.collect();
    for segments in [&mut behavioral, &mut demographic] {
        segments.sort_by_key(|segment| -segment.users);
    }
    Segmented {
        visitors: all.len() as i64,
        silhouette,
        behavioral,
        demographic,
    }
}

/// The group of each visitor, and how well the groups are told apart.
fn group(visitors: &[&Visitor], today: i64) -> (Vec<usize>, Option<f64>) {
    let points = standardized(visitors, today);
    let every = points.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<Point> = points.iter().step_by(every).copied().collect();
    let found = cluster(&sample, None);
    let mut centres = vec![([0.0; 3], 0.0_f64); found.count];
    for (point, group) in sample.iter().zip(&found.of) {
        let (sum, members) = &mut centres[*group];
        for (sum, value) in sum.iter_mut().zip(point) {
            *sum += value;
        }
        *members += 1.0;
    }
    let centres: Vec<Point> = centres
        .into_iter()
        .map(|(sum, members)| sum.map(|sum| sum / members.max(1.0)))
        .collect();
    let distance = |one: &Point, other: &Point| -> f64 {
        one.iter()
            .zip(other)
            .map(|(one, other)| (one - other) * (one - other))
            .sum()
    };
    let nearest = |point: &Point| {
        let by_distance = |one: &usize, other: &usize| {
            distance(&centres[*one], point).total_cmp(&distance(&centres[*other], point))
        };
        (0..centres.len()).min_by(by_distance).unwrap_or(0)
    };
    (points.iter().map(nearest).collect(), found.silhouette)
}

/// How often (by its logarithm), how far and how lately, each with mean 0 and deviation 1.
fn standardized(visitors: &[&Visitor], today: i64) -> Vec<Point> {
    let features = visitors.iter().map(|visitor| {
        let sessions = visitor.counts[0].max(1) as f64;
        let steps = visitor.counts[1..=STEPS].iter().sum::<i64>() as f64;
        [
            sessions.ln_1p(),
            steps / sessions,
            (today - visitor.last_day) as f64,
        ]
    });
    let mut points: Vec<Point> = features.collect();
    let count = points.len().max(1) as f64;
    for at in 0..3 {
        let mean = points.iter().map(|point| point[at]).sum::<f64>() / count;
        let variance = points
            .iter()
            .map(|point| (point[at] - mean).powi(2))
            .sum::<f64>()
            / count;
        let deviation = variance.sqrt();
        for point in &mut points {
            point[at] = if deviation > 0.0 {
                (point[at] - mean) / deviation
            } else {
                0.0
            };
        }
    }
    points
}

/// Names groups by what sets them apart from all visitors; the same name twice gets a number.
fn name(segments: &mut [Segment]) {
    let total = |of: fn(&Segment) -> i64, segments: &[Segment]| {
        segments.iter().map(of).sum::<i64>().max(1) as f64
    };
    let users = total(|one| one.users, segments);
    let sessions = total(|one| one.sessions, segments);
    let steps = total(|one| one.steps, segments) / sessions;
    let days = segments.iter().map(|one| one.days_since).sum::<i64>() as f64 / users;
    let mut used = BTreeMap::<&str, usize>::new();
    for segment in segments.iter_mut() {
        let of = segment.users.max(1) as f64;
        let often = segment.sessions as f64 / of > 1.5 * sessions / users;
        let far = segment.steps as f64 / segment.sessions.max(1) as f64 > steps;
        let lately = segment.days_since as f64 / of <= days;
        let name = match (often, far, lately) {
            (true, true, true) => "Regulars who go far",
            (true, false, true) => "Regulars who look around",
            (true, _, false) => "Regulars who stay away",
            (false, true, true) => "New and determined",
            (false, false, true) => "New and looking around",
            (false, true, false) => "Determined, but gone",
            (false, false, false) => "Passers-by",
        };
        let count = used.entry(name).or_default();
        *count += 1;
        segment.name = if *count > 1 {
            format!("{name} {count}")
        } else {
            name.to_owned()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(sessions: i64, steps: usize, last_day: i64) -> Visitor {
        let mut counts = [0; COUNTS];
        counts[..=steps].fill(sessions);
        counts[BOUGHT] = i64::from(steps == STEPS);
        Visitor {
            counts,
            last_day,
            devices: BTreeMap::from([("mobile".to_owned(), sessions)]),
        }
    }

    #[test]
    fn visitors_fall_into_groups_by_how_they_behave() {
        let mut visitors = HashMap::new();
        for n in 0..40 {
            visitors.insert(format!("a{n}"), visitor(10, 4, 99));
            visitors.insert(format!("b{n}"), visitor(1, 1, 98));
            visitors.insert(format!("c{n}"), visitor(1, 0, 20));
        }
        let told = HashMap::from([(
            "a1".to_owned(),
            (Some("f".to_owned()), Some("25-34".to_owned())),
        )]);
        let found = find(&visitors, &told, 100);
        let names: Vec<(&str, i64, i64)> = found
            .behavioral
            .iter()
            .map(|one| (one.name.as_str(), one.users, one.buyers))
            .collect();
        assert_eq!(names.len(), 3, "{names:?}");
        assert!(
            names.contains(&("Regulars who go far", 40, 40))
                && names.contains(&("Passers-by", 40, 0)),
            "{names:?}"
        );
        assert_eq!(
            (found.demographic.len(), found.demographic[0].name.as_str()),
            (1, "f, 25-34")
        );
        assert_eq!(find(&visitors, &told, 100), found);
        assert_eq!(find(&HashMap::new(), &told, 100).behavioral, []);
    }
}
