//! Cohorts: visits by how they began, and visitors by their first week.
//!
//! A visit belongs to the first cohort that it fits: who was here before is a returning customer; who comes by phone from
//! a social network is mobile video traffic; who sits at a computer and comes by search, directly or by another site is a
//! desktop researcher; the rest are other visitors.
//!
//! A characteristic is a measured difference to all other visits:
//!
//! | characteristic | measured by |
//! |---|---|
//! | `impulse_driven`, `analytical` | the time to the first order is under half, or over twice, that of the others |
//! | `visual_focused` | a larger share looked at pictures (95 % interval above zero, as below) |
//! | `comparison_focused` | a larger share compared products |
//! | `price_sensitive`, `value_conscious` | a larger, or smaller, share took a price as too high |
//! | `loyalty_driven` | a larger share buys, among those who came back |
//! | `hesitant` | a larger share showed signs of leaving |

use std::collections::BTreeMap;

use footfall_shared::experiment::lift::Lift;
use footfall_shared::journey::context::{DeviceType, SourceGroup};
use footfall_shared::money::Currency;
use footfall_shared::time::DAY_MS;
use serde::Serialize;
use utoipa::ToSchema;

use super::contribution::{Sums, column};
use super::funnel::{counts, float, in_major, share};
use super::rollup::{Group, WeekRow};

/// Orders in each group before times are compared.
const ORDERS_MIN: i64 = 20;

/// The cohorts of a shop.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CohortsReply {
    /// By how a visit began.
    cohort_analysis: BTreeMap<&'static str, Cohort>,
    /// By the week of a visitor's first visit, as `2026-W47`.
    by_first_week: BTreeMap<String, WeekCohort>,
}

/// Visits that began alike.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cohort {
    /// Visits.
    cohort_size: i64,
    /// The share of them that bought; `null` where there are none.
    conversion_rate: Option<f64>,
    /// Seconds from the visit's beginning to its first order, on average; `null` where nobody bought.
    average_time_to_conversion: Option<f64>,
    /// What a buying visit of this cohort brought, in major units of the shop's currency; `null` where nobody bought.
    life_time_value: Option<f64>,
    /// ISO 4217.
    currency: String,
    /// What sets it apart, as far as it is measured.
    characteristics: Vec<&'static str>,
}

/// Visitors of one first week.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WeekCohort {
    /// Visitors who came for the first time.
    cohort_size: i64,
    /// The share of the visits of that week that bought.
    conversion_rate: Option<f64>,
    /// Weeks since then: 0 is the first.
    weeks: Vec<WeekSince>,
}

/// One week of such visitors.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WeekSince {
    /// How many weeks after the first.
    week: i64,
    /// Visits.
    visits: i64,
    /// Those that bought.
    buyers: i64,
    /// In major units of the shop's currency.
    revenue: f64,
}

/// The sums of a cohort: of its first stage and of its purchases.
#[derive(Clone, Copy, Default)]
struct Both {
    all: Sums,
    bought: Sums,
}

impl CohortsReply {
    /// The cohorts from sums.
    pub(super) fn of(groups: &[(Group, Sums)], weeks: &[WeekRow], currency: Currency) -> Self {
        let mut whole = Both::default();
        let mut cohorts: BTreeMap<&'static str, Both> =
            NAMES.map(|name| (name, Both::default())).into();
        for ((place, device, source, returning), sums) in groups {
            let cohort = cohorts
                .entry(cohort_of(device, source, *returning))
                .or_default();
            for both in [cohort, &mut whole] {
                match place {
                    0 => add(&mut both.all, sums, 1),
                    3 => add(&mut both.bought, sums, 1),
                    _ => {}
                }
            }
        }
        let analysis = cohorts.into_iter().map(|(name, own)| {
            let mut others = whole;
            add(&mut others.all, &own.all, -1);
            add(&mut others.bought, &own.bought, -1);
            (name, cohort(name, &own, &others, currency))
        });
        Self {
            cohort_analysis: analysis.collect(),
            by_first_week: by_first_week(weeks, currency),
        }
    }
}

const RETURNING: &str = "returningCustomers";
const MOBILE_VIDEO: &str = "mobileVideoTraffic";
const RESEARCHERS: &str = "desktopResearchers";
const OTHERS: &str = "otherVisitors";
const NAMES: [&str; 4] = [RETURNING, MOBILE_VIDEO, RESEARCHERS, OTHERS];

fn cohort_of(device: &str, source: &str, returning: bool) -> &'static str {
    // A visit that tells no source was typed in, for all that anybody knows.
    let group = match source {
        "" => SourceGroup::Direct,
        source => SourceGroup::of(source),
    };
    match (returning, DeviceType::of(device), group) {
        (true, ..) => RETURNING,
        (_, DeviceType::Mobile, SourceGroup::Social) => MOBILE_VIDEO,
        (
            _,
            DeviceType::Desktop,
            SourceGroup::Search | SourceGroup::Direct | SourceGroup::Referral,
        ) => RESEARCHERS,
        _ => OTHERS,
    }
}

fn add(sums: &mut Sums, more: &Sums, sign: i64) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += sign * more;
    }
}

fn cohort(name: &str, own: &Both, others: &Both, currency: Currency) -> Cohort {
    let (size, buyers) = (own.all[column::VISITORS], own.bought[column::VISITORS]);
    let value = share(own.bought[column::REVENUE], buyers);
    Cohort {
        cohort_size: size,
        conversion_rate: share(buyers, size),
        average_time_to_conversion: share(own.bought[column::ORDER_MS], buyers * 1000),
        life_time_value: value.map(|minor| in_major(minor, currency)),
        currency: currency.as_str().to_owned(),
        characteristics: characteristics(name, own, others),
    }
}

fn characteristics(name: &str, own: &Both, others: &Both) -> Vec<&'static str> {
    let mut found = Vec::new();
    let time = |both: &Both| {
        let buyers = both.bought[column::VISITORS];
        (buyers >= ORDERS_MIN).then(|| float(both.bought[column::ORDER_MS]) / float(buyers))
    };
    if let (Some(own), Some(others)) = (time(own), time(others)) {
        if own < others / 2.0 {
            found.push("impulse_driven");
        } else if own > others * 2.0 {
            found.push("analytical");
        }
    }
    let lift = |part: fn(&Both) -> i64| {
        let group = |both: &Both| counts(both.all[column::VISITORS], part(both));
        Lift::between(group(others), group(own))
    };
    let more = |lift: Option<Lift>| lift.is_some_and(|lift| lift.low > 0.0);
    let price = lift(|both| both.all[column::SIGNS + 4]);
    for (holds, characteristic) in [
        (
            more(lift(|both| both.all[column::VISUAL])),
            "visual_focused",
        ),
        (
            more(lift(|both| both.all[column::COMPARED])),
            "comparison_focused",
        ),
        (more(price), "price_sensitive"),
        (price.is_some_and(|lift| lift.high < 0.0), "value_conscious"),
        (
            name == RETURNING && more(lift(|both| both.bought[column::VISITORS])),
            "loyalty_driven",
        ),
        (more(lift(|both| both.all[column::SIGNS + 2])), "hesitant"),
    ] {
        if holds {
            found.push(characteristic);
        }
    }
    found
}

fn by_first_week(rows: &[WeekRow], currency: Currency) -> BTreeMap<String, WeekCohort> {
    let mut cohorts = BTreeMap::<String, WeekCohort>::new();
    for (first, week, began, visits, buyers, revenue) in rows {
        let cohort = cohorts.entry(iso_week(*first)).or_default();
        if first == week {
            cohort.cohort_size = *began;
            cohort.conversion_rate = share(*buyers, *visits);
        }
        cohort.weeks.push(WeekSince {
            week: (week - first) / 7,
            visits: *visits,
            buyers: *buyers,
            revenue: in_major(float(*revenue), currency),
        });
    }
    cohorts
}

/// The ISO week of a Monday, in days since 1970.
fn iso_week(monday: i64) -> String {
    let date = jiff::Timestamp::from_millisecond(monday * DAY_MS).unwrap_or_default();
    let week = date
        .to_zoned_datetime(jiff::tz::TimeZone::UTC)
        .date()
        .iso_week_date();
    format!("{}-W{:02}", week.year(), week.week())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_belongs_to_the_first_cohort_that_it_fits() {
        for (device, source, returning, cohort) in [
            ("mobile", "tiktok", false, MOBILE_VIDEO),
            ("mobile", "tiktok", true, RETURNING),
            ("desktop", "google", false, RESEARCHERS),
            ("desktop", "", false, RESEARCHERS),
            ("desktop", "newsletter", false, OTHERS),
            ("tablet", "google", false, OTHERS),
        ] {
            assert_eq!(
                cohort_of(device, source, returning),
                cohort,
                "{device} {source}"
            );
        }
    }

    #[test]
    fn weeks_are_named_as_iso_names_them() {
        // 2026-11-23 is the Monday of week 48; 2027-01-03 still belongs to week 53 of 2026.
        assert_eq!(iso_week(20_780), "2026-W48");
        assert_eq!(iso_week(20_815), "2026-W53");
    }
}
