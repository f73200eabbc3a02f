//! A visit: what one visitor did without a long pause.
//!
//! A visit keeps the first of its steps and sums of all. Two parts of a visit merge into one; merging goes in any
//! sequence, so a visit does not depend on when its events arrive.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::page::PageType;
use crate::journey::context::DeviceType;
use crate::time::UtcMillis;

/// Steps that a visit keeps; later ones are only counted. People hardly do so much in one visit.
pub const STEPS_MAX: usize = 200;

/// Something that was done or seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    #[serde(rename = "t")]
    pub at: UtcMillis,
    /// Which page of the funnel, if it is one.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PageType>,
    /// A page's path, else the event's name.
    #[serde(rename = "w")]
    pub what: String,
    /// How it is known.
    #[serde(rename = "k")]
    pub kind: StepKind,
    /// How long the page took to load, in milliseconds.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub load_ms: Option<u32>,
    /// Whether something did not work.
    #[serde(rename = "e", default, skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
}

/// How a step is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StepKind {
    /// A page was shown.
    #[serde(rename = "p")]
    Page,
    /// Something was done.
    #[serde(rename = "d")]
    Deed,
    /// A page was shown, as the journey tells it: counts where nobody else tells of pages.
    #[serde(rename = "j")]
    JourneyPage,
}

impl Step {
    /// In time; at one time in the funnel's order, since files may tell days only.
    fn compare(&self, other: &Self) -> Ordering {
        let key = |step: &Self| {
            (
                step.at,
                step.page.map_or(PageType::ALL.len(), PageType::place),
                step.kind,
            )
        };
        key(self)
            .cmp(&key(other))
            .then_with(|| self.what.cmp(&other.what))
            .then_with(|| (self.load_ms, self.failed).cmp(&(other.load_ms, other.failed)))
    }
}

/// The earliest word on something; at one time the lesser one, so that the sequence does not matter.
pub type Earliest<T> = Option<(UtcMillis, T)>;

/// A visit, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Visit {
    /// When it began.
    #[serde(rename = "a")]
    pub first_at: UtcMillis,
    /// When something was last seen of it.
    #[serde(rename = "z")]
    pub last_at: UtcMillis,
    /// The first steps, in order.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Events in all.
    #[serde(rename = "n")]
    pub events: u32,
    /// Pages in all.
    #[serde(rename = "pn", default)]
    pub pages: u32,
    /// Pages in all, as the journey tells them.
    #[serde(rename = "jn", default)]
    pub journey_pages: u32,
    /// The kind of device.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub device: Earliest<String>,
    /// Where the visitor came from.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub source: Earliest<String>,
    /// The browser's id of the visitor.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub browser: Earliest<String>,
    /// The shop's id of the visitor.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub user: Earliest<String>,
    /// Pages that took too long to load.
    #[serde(rename = "sl", default)]
    pub slow: u32,
    /// Pages whose time of loading is known.
    #[serde(rename = "ld", default)]
    pub loads: u32,
    /// Things that did not work.
    #[serde(rename = "er", default)]
    pub failures: u32,
    /// Whether something was bought.
    #[serde(rename = "o", default)]
    pub bought: bool,
}

impl Visit {
    /// Takes another part of the same visit in.
    pub fn merge(&mut self, other: Self) {
        if self.events == 0 {
            *self = other;
            return;
        }
        let Self {
            first_at,
            last_at,
            steps,
            events,
            pages,
            journey_pages,
            device,
            source,
            browser,
            user,
            slow,
            loads,
            failures,
            bought,
        } = other;
        self.first_at = self.first_at.min(first_at);
        self.last_at = self.last_at.max(last_at);
        self.steps.extend(steps);
        self.steps.sort_by(Step::compare);
        self.steps.truncate(STEPS_MAX);
        for (sum, more) in [
            (&mut self.events, events),
            (&mut self.pages, pages),
            (&mut self.journey_pages, journey_pages),
            (&mut self.slow, slow),
            (&mut self.loads, loads),
            (&mut self.failures, failures),
        ] {
            *sum = sum.saturating_add(more);
        }
        keep_earliest(&mut self.device, device);
        keep_earliest(&mut self.source, source);
        keep_earliest(&mut self.browser, browser);
        keep_earliest(&mut self.user, user);
        self.bought |= bought;
    }

    /// Whose visit it is: the shop's id of the visitor, else the browser's, else `key`.
    #[must_use]
    pub fn visitor<'a>(&'a self, key: &'a str) -> &'a str {
        let known = self.user.as_ref().or(self.browser.as_ref());
        known.map_or(key, |(_, id)| id)
    }

    /// The kind of device.
    #[must_use]
    pub fn device_type(&self) -> DeviceType {
        let told = self.device.as_ref();
        told.map_or(DeviceType::Other, |(_, text)| DeviceType::of(text))
    }

    /// The source, `direct` where none is known.
    #[must_use]
    pub fn source_name(&self) -> &str {
        self.source.as_ref().map_or("direct", |(_, text)| text)
    }

    /// The steps that count: pages that the journey tells of only where nobody else does.
    pub fn counted_steps(&self) -> impl DoubleEndedIterator<Item = &Step> {
        let journeys = self.pages == 0;
        let counts = move |step: &&Step| journeys || step.kind != StepKind::JourneyPage;
        self.steps.iter().filter(counts)
    }

    /// Pages that were seen.
    #[must_use]
    pub const fn page_views(&self) -> u32 {
        if self.pages > 0 {
            self.pages
        } else {
            self.journey_pages
        }
    }
}

fn keep_earliest<T: Ord>(held: &mut Earliest<T>, other: Earliest<T>) {
    *held = match (held.take(), other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
}

/// Puts parts of one visitor's visits together: what lies no further apart than `idle_ms` is one visit; without a bound
/// all is one. In time.
#[must_use]
pub fn gather(mut parts: Vec<Visit>, idle_ms: Option<i64>) -> Vec<Visit> {
    parts.sort_by_key(|part| part.first_at);
    let mut visits: Vec<Visit> = Vec::with_capacity(parts.len());
    for part in parts {
        match visits.last_mut() {
            Some(last) if idle_ms.is_none_or(|idle| part.first_at.since(last.last_at) <= idle) => {
                last.merge(part)
            }
            _ => visits.push(part),
        }
    }
    visits
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A part that is one step.
    pub(crate) fn step(at: i64, page: Option<PageType>) -> Visit {
        let at = UtcMillis::new(at);
        Visit {
            first_at: at,
            last_at: at,
            steps: vec![Step {
                at,
                page,
                what: page.map_or("/", PageType::as_str).to_owned(),
                kind: StepKind::Page,
                load_ms: None,
                failed: false,
            }],
            events: 1,
            pages: 1,
            bought: page == Some(PageType::Confirmation),
            ..Visit::default()
        }
    }

    prop_compose! {
        fn part()(at in 0i64..400, page in 0usize..5, who in proptest::option::of("[ab]"), device in proptest::option::of("(mobile|desktop)")) -> Visit {
            let mut part = step(at * 10, PageType::ALL.get(page).copied());
            part.user = who.map(|who| (part.first_at, who));
            part.device = device.map(|device| (part.first_at, device));
            part
        }
    }

    proptest! {
        #[test]
        fn a_visit_is_the_same_in_any_sequence(parts in proptest::collection::vec(part(), 1..300), swaps in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..50), cut: prop::sample::Index) {
            for idle in [None, Some(30)] {
                let whole = gather(parts.clone(), idle);
                let mut mixed = parts.clone();
                for (one, other) in &swaps {
                    let (one, other) = (one.index(mixed.len()), other.index(mixed.len()));
                    mixed.swap(one, other);
                }
                let later = mixed.split_off(cut.index(mixed.len()));
                let mut halves = gather(mixed, idle);
                halves.extend(gather(later, idle));
                prop_assert_eq!(&gather(halves, idle), &whole);
                prop_assert_eq!(whole.iter().map(|visit| visit.events as usize).sum::<usize>(), parts.len());
                prop_assert!(whole.iter().all(|visit| visit.steps.len() <= STEPS_MAX));
            }
        }
    }

    #[test]
    fn a_long_pause_ends_a_visit() {
        let parts: Vec<Visit> = [0, 100, 131, 162].map(|at| step(at, None)).into();
        let ends: Vec<i64> = gather(parts, Some(30))
            .iter()
            .map(|visit| visit.last_at.get())
            .collect();
        assert_eq!(ends, [0, 100, 131, 162]);
        let parts: Vec<Visit> = [162, 100, 131, 0].map(|at| step(at, None)).into();
        let ends: Vec<i64> = gather(parts, Some(31))
            .iter()
            .map(|visit| visit.last_at.get())
            .collect();
        assert_eq!(ends, [0, 162]);
    }

    #[test]
    fn pages_count_once_where_the_journey_tells_them_too() {
        let mut visit = step(0, Some(PageType::Home));
        let mut told = step(1, Some(PageType::Home));
        told.steps[0].kind = StepKind::JourneyPage;
        (told.pages, told.journey_pages) = (0, 1);
        assert_eq!((told.page_views(), told.counted_steps().count()), (1, 1));
        visit.merge(told);
        assert_eq!((visit.page_views(), visit.counted_steps().count()), (1, 1));
    }
}
