//! What a visit adds to the figures of its day.

use super::funnel::{Reached, STEPS, reached};
use super::page::PageType;
use super::visit::{Step, StepKind, Visit};

/// What is counted of visits: all of them, those that reached each step of the funnel, and those that bought.
pub const COUNTS: usize = STEPS + 2;
/// The place of the visits that bought.
pub const BOUGHT: usize = STEPS + 1;
/// Longest value of a facet, in characters.
const VALUE_CHARS_MAX: usize = 40;

/// A day (days since 1970 in the shop's time) and a kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayKey {
    /// The day on which the visit began.
    pub day: i64,
    /// The device's name.
    pub device: &'static str,
}

/// What a visit adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitSums {
    /// Where.
    pub key: DayKey,
    /// 1 where the visit counts, by [`COUNTS`].
    pub counts: [i64; COUNTS],
    /// Milliseconds: the visit's length, then from step to step, then from the beginning to the purchase.
    pub took_ms: [i64; COUNTS],
    /// Pages that were seen.
    pub page_views: i64,
    /// What marks it, for each step of the funnel that it reached and that is not the last.
    pub facets: Vec<FacetKey>,
    /// Whether it went on from each step.
    pub went_on: [bool; STEPS],
}

/// A mark of visits that reached a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FacetKey {
    /// The step, from 0.
    pub step: usize,
    /// What it is about.
    pub facet: Facet,
    /// What it is.
    pub value: String,
}

/// What marks visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    /// The kind of device.
    Device,
    /// Where they came from.
    Source,
    /// Three hours of the day in which they began, as `09-12`.
    TimeOfDay,
    /// Whether a page was `slow`, all were `fast`, or it is `unknown`.
    LoadTime,
    /// Whether something did not work: `errors` or `none`.
    Errors,
    /// The page on which those ended that did not go on.
    LastPage,
}

impl Facet {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Device,
        Self::Source,
        Self::TimeOfDay,
        Self::LoadTime,
        Self::Errors,
        Self::LastPage,
    ];

    /// As it is stored and told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Source => "source",
            Self::TimeOfDay => "time_of_day",
            Self::LoadTime => "load_time",
            Self::Errors => "errors",
            Self::LastPage => "last_page",
        }
    }

    /// Reads what [`Facet::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|facet| facet.as_str() == text)
    }
}

/// When a visit began, by the shop's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// Days since 1970.
    pub day: i64,
    /// The hour, 0 to 23.
    pub hour: i64,
}

/// What a visit adds.
#[must_use]
pub fn sums(visit: &Visit, began: LocalTime, window_ms: i64) -> VisitSums {
    let Reached { steps, took_ms } = reached(visit, window_ms);
    let mut counts = [0; COUNTS];
    counts[..=steps].fill(1);
    counts[BOUGHT] = i64::from(visit.bought);
    let mut took = [0; COUNTS];
    took[0] = visit.last_at.since(visit.first_at);
    took[1..=STEPS].copy_from_slice(&took_ms);
    let bought_at = visit
        .counted_steps()
        .find(|step| step.page == Some(PageType::Confirmation))
        .map(|step| step.at.since(visit.first_at));
    took[BOUGHT] = bought_at.filter(|_| visit.bought).unwrap_or(0);
    let device = visit.device_type().as_str();
    let mut facets = Vec::new();
    let mut went_on = [false; STEPS];
    let open = went_on.iter_mut().take(steps.min(STEPS - 1)).enumerate();
    for (step, on) in open {
        *on = steps > step + 1;
        let mut mark = |facet, value: &str| {
            facets.push(FacetKey {
                step,
                facet,
                value: value.to_owned(),
            });
        };
        mark(Facet::Device, device);
        mark(Facet::Source, &short(visit.source_name()));
        let hour = began.hour / 3 * 3;
        mark(Facet::TimeOfDay, &format!("{hour:02}-{:02}", hour + 3));
        mark(Facet::LoadTime, load_of(visit));
        mark(
            Facet::Errors,
            if visit.failures > 0 { "errors" } else { "none" },
        );
        if !*on {
            mark(Facet::LastPage, &last_page(visit));
        }
    }
    VisitSums {
        key: DayKey {
            day: began.day,
            device,
        },
        counts,
        took_ms: took,
        page_views: i64::from(visit.page_views()),
        facets,
        went_on,
    }
}

fn load_of(visit: &Visit) -> &'static str {
    match (visit.slow, visit.loads) {
        (1.., _) => "slow",
        (0, 1..) => "fast",
        (0, 0) => "unknown",
    }
}

/// The last page by its type, else by the first part of its path: whole paths are too many to be counted.
fn last_page(visit: &Visit) -> String {
    let last = visit
        .counted_steps()
        .rev()
        .find(|step| step.kind != StepKind::Deed);
    last.map_or_else(|| "unknown".to_owned(), page_name)
}

/// A page's name in figures.
#[must_use]
pub fn page_name(step: &Step) -> String {
    if let Some(page) = step.page {
        return page.as_str().to_owned();
    }
    let first = step.what.split('/').find(|part| !part.is_empty());
    match (step.what.starts_with('/'), first) {
        (true, Some(first)) => short(&format!("/{first}")),
        _ => short(&step.what),
    }
}

fn short(text: &str) -> String {
    let text = text.trim().to_lowercase();
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::visit::gather;
    use super::super::visit::tests::step;
    use super::*;

    const NOON: LocalTime = LocalTime { day: 5, hour: 13 };

    #[test]
    fn a_visit_counts_in_each_step_that_it_reached() {
        let parts = vec![
            step(0, Some(PageType::Home)),
            step(60, Some(PageType::Search)),
            step(90, None),
        ];
        let mut visit = gather(parts, None).remove(0);
        visit.device = Some((visit.first_at, "Mobile".into()));
        visit.failures = 1;
        let told = sums(&visit, NOON, 100);
        assert_eq!(
            told.key,
            DayKey {
                day: 5,
                device: "mobile"
            }
        );
        assert_eq!(
            (told.counts, told.took_ms),
            ([1, 1, 1, 0, 0, 0], [90, 0, 60, 0, 0, 0])
        );
        assert_eq!(
            (told.went_on, told.page_views),
            ([true, false, false, false], 3)
        );
        let marks: Vec<(usize, &str, &str)> = told
            .facets
            .iter()
            .map(|one| (one.step, one.facet.as_str(), one.value.as_str()))
            .collect();
        assert!(
            marks.contains(&(0, "device", "mobile"))
                && marks.contains(&(1, "time_of_day", "12-15"))
        );
        assert!(
            marks.contains(&(1, "errors", "errors"))
                && marks.contains(&(1, "load_time", "unknown"))
        );
        let ends: Vec<_> = marks
            .iter()
            .filter(|(_, facet, _)| *facet == "last_page")
            .collect();
        assert_eq!(ends, [&(1, "last_page", "/")]);
    }

    #[test]
    fn pages_are_named_by_the_first_part_of_their_path() {
        let named = |what: &str| {
            page_name(&Step {
                what: what.into(),
                ..step(0, None).steps.remove(0)
            })
        };
        assert_eq!(named("/product/blue-shoe"), "/product");
        assert_eq!(named("Catalog"), "catalog");
        assert_eq!(named("/"), "/");
        assert_eq!(named(&"ö".repeat(90)).chars().count(), VALUE_CHARS_MAX);
    }
}
