//! What visits change in the figures.

use std::collections::BTreeMap;

use footfall_shared::shop::ShopSettings;
use footfall_shared::visits::page::PagePaths;
use footfall_shared::visits::sums::{COUNTS, FacetKey, VisitSums};
use footfall_shared::visits::users::{self, GapKey, VisitorDays};
use footfall_shared::visits::visit::Visit;
use serde::{Deserialize, Serialize};

/// What visits of a run are made by. A run keeps its own, so that what it takes away is what it added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rules {
    /// A pause that ends a visit, in milliseconds.
    pub(super) idle_ms: i64,
    /// The funnel's window, in milliseconds.
    pub(super) window_ms: i64,
    /// Which paths are pages of the funnel.
    pub(super) pages: PagePaths,
}

impl Rules {
    /// As the shop's settings are now.
    pub(super) fn of(settings: &ShopSettings) -> Self {
        Self {
            idle_ms: i64::from(settings.session_idle_minutes) * 60_000,
            window_ms: i64::from(settings.funnel_window_minutes) * 60_000,
            pages: settings.page_paths(),
        }
    }
}

/// Sums of [`super::queries`]'s `visit_days`: visits, time, page views.
pub(super) type DaySums = [i64; 3];
/// Day, device, count.
pub(super) type DayPlace = (i64, &'static str, usize);

/// Changes of the figures; what is negative is taken away.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// Of `visit_days`.
    pub(super) days: BTreeMap<DayPlace, DaySums>,
    /// Of `visit_facets`: visits, and those that went on.
    pub(super) facets: BTreeMap<(i64, FacetKey), [i64; 2]>,
    /// Of `visitor_gaps`.
    pub(super) gaps: BTreeMap<GapKey, i64>,
    /// What is to be added to visitors' days.
    visitors: BTreeMap<String, VisitorDays>,
}

impl Change {
    /// Adds a visit, or takes it away.
    pub(super) fn add_visit(&mut self, key: &str, visit: &Visit, sums: VisitSums, sign: i64) {
        let VisitSums {
            key: at,
            counts,
            took_ms,
            page_views,
            facets,
            went_on,
        } = sums;
        for count in (0..COUNTS).filter(|count| counts[*count] > 0) {
            let sums = self.days.entry((at.day, at.device, count)).or_default();
            let views = if count == 0 { page_views } else { 0 };
            for (sum, more) in sums.iter_mut().zip([counts[count], took_ms[count], views]) {
                *sum += more * sign;
            }
        }
        for facet in facets {
            let on = i64::from(went_on[facet.step]);
            let sums = self.facets.entry((at.day, facet)).or_default();
            sums[0] += sign;
            sums[1] += on * sign;
        }
        let days = self
            .visitors
            .entry(visit.visitor(key).to_owned())
            .or_default();
        users::add(days, &at, &counts, sign);
    }

    /// The visitors whose days change.
    pub(super) fn visitors(&self) -> Vec<&str> {
        self.visitors.keys().map(String::as_str).collect()
    }

    /// Brings visitors' days up to date and notes where the visitors are counted now; gives the days that are others than
    /// before.
    pub(super) fn settle(
        &mut self,
        held: &BTreeMap<String, VisitorDays>,
    ) -> BTreeMap<String, VisitorDays> {
        let mut changed = BTreeMap::new();
        for (visitor, more) in std::mem::take(&mut self.visitors) {
            let before = held.get(&visitor).cloned().unwrap_or_default();
            let mut after = before.clone();
            for (day, counts) in &more {
                let sums = after.entry(day.clone()).or_default();
                for (sum, more) in sums.iter_mut().zip(counts) {
                    *sum += more;
                }
            }
            let is_there = |days: &VisitorDays| -> VisitorDays {
                let kept = days
                    .iter()
                    .filter(|(_, counts)| counts.iter().any(|count| *count != 0));
                kept.map(|(day, counts)| (day.clone(), *counts)).collect()
            };
            for (gap, sign) in tagged(&before, -1).chain(tagged(&is_there(&after), 1)) {
                *self.gaps.entry(gap).or_default() += sign;
            }
            let others = after
                .into_iter()
                .filter(|(day, counts)| before.get(day) != Some(counts));
            let others: VisitorDays = others.collect();
            if !others.is_empty() {
                changed.insert(visitor, others);
            }
        }
        self.gaps.retain(|_, visitors| *visitors != 0);
        changed
    }
}

fn tagged(days: &VisitorDays, sign: i64) -> impl Iterator<Item = (GapKey, i64)> {
    users::gaps(days).into_iter().map(move |gap| (gap, sign))
}
