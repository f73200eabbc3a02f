//! The funnel: how many reach each stage, how long they stay, why they leave, and what could be won back.
//!
//! A reason is a measured sign: sessions that showed it in a stage go on from there less often than those that did not,
//! and the 95 % interval of the difference lies below zero. What it costs is the number of those sessions by that
//! difference. The reasons' names are the contract's where it has one for the sign:
//!
//! | sign | name | opportunity | effort |
//! |---|---|---|---|
//! | a page took more than 2.5 s | `slow_loading` | `load_time_optimization` | `medium` |
//! | a price was taken as too high | `price_concern` | `price_presentation` | `low` |
//! | an error, in the decision | `payment_friction` | `payment_error_removal` | `high` |
//! | an error, elsewhere | `page_errors` | `page_error_removal` | `medium` |
//! | a sign of leaving | `exit_intent` | `exit_intent_offer` | `low` |

use std::collections::BTreeMap;

use footfall_shared::experiment::lift::{Counts, Lift};
use footfall_shared::journey::session::Sign;
use footfall_shared::journey::stage::Stage;
use footfall_shared::money::Currency;
use serde::Serialize;
use utoipa::ToSchema;

use super::attribution::WHOLE;
use super::contribution::{CreditSums, FUNNEL, Sums, column};
use super::rollup::Group;

/// The funnel of a shop.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FunnelReply {
    /// Each stage; who reached one counts in all before it.
    funnel_metrics: FunnelMetrics,
    /// What could be won back, the most first.
    optimization_opportunities: Vec<Opportunity>,
    /// What sales are credited to, by model: `first`, `last`, `linear`, `position` (40 % first, 40 % last) and `decay`
    /// (half as much for each seven days). Of all visits, whatever the filters.
    attribution: BTreeMap<String, Vec<CreditReply>>,
}

/// The stages.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct FunnelMetrics {
    awareness: StageMetrics,
    consideration: StageMetrics,
    decision: StageMetrics,
    purchase: PurchaseMetrics,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StageMetrics {
    /// Visits that reached it.
    visitors: i64,
    /// The share of them that went on; `null` where nobody reached it.
    conversion_rate: Option<f64>,
    /// Seconds in it, on average.
    average_time: Option<f64>,
    /// Measured reasons to leave, the dearest first.
    drop_off_reasons: Vec<&'static str>,
}

/// The purchase.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PurchaseMetrics {
    /// Visits that reached it.
    visitors: i64,
    /// 1, since who reached it has bought; `null` where nobody did.
    conversion_rate: Option<f64>,
    /// In major units of the shop's currency.
    average_order_value: Option<f64>,
    /// ISO 4217.
    currency: String,
}

/// Something to mend.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Opportunity {
    /// Where.
    stage: Stage,
    /// What.
    opportunity: &'static str,
    /// By which share purchases would grow.
    potential_impact: f64,
    /// The same from the ends of the difference's 95 % interval.
    interval: [f64; 2],
    /// Purchases that would be won back in this time.
    recoverable_conversions: f64,
    /// `low`, `medium` or `high`.
    implementation_effort: &'static str,
}

/// What a type of touchpoint is credited with.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
struct CreditReply {
    /// The type.
    touchpoint: String,
    /// Sales.
    conversions: f64,
    /// Their value, in major units of the shop's currency.
    value: f64,
}

/// A sign in a stage that costs purchases.
struct Leak {
    place: usize,
    sign: Sign,
    /// Purchases, at the difference and at the ends of its interval.
    lost: [f64; 3],
}

impl FunnelReply {
    /// The funnel from sums.
    pub(super) fn of(
        groups: &[(Group, Sums)],
        credits: Vec<(String, String, CreditSums)>,
        currency: Currency,
    ) -> Self {
        let mut stages = [Sums::default(); FUNNEL.len()];
        for ((place, ..), sums) in groups {
            if let Some(stage) = usize::try_from(*place)
                .ok()
                .and_then(|at| stages.get_mut(at))
            {
                for (sum, more) in stage.iter_mut().zip(sums) {
                    *sum += more;
                }
            }
        }
        let leaks = leaks(&stages);
        let [first, second, third, bought] = stages;
        let metrics = |place: usize, sums: &Sums| StageMetrics {
            visitors: sums[column::VISITORS],
            conversion_rate: share(sums[column::WENT_ON], sums[column::VISITORS]),
            average_time: share(sums[column::TIME_MS], sums[column::VISITORS] * 1000),
            drop_off_reasons: leaks
                .iter()
                .filter(|leak| leak.place == place)
                .map(Leak::reason)
                .collect(),
        };
        let value = share(bought[column::REVENUE], bought[column::ORDERS]);
        let opportunities = leaks
            .iter()
            .filter_map(|leak| leak.opportunity(bought[column::VISITORS]));
        Self {
            funnel_metrics: FunnelMetrics {
                awareness: metrics(0, &first),
                consideration: metrics(1, &second),
                decision: metrics(2, &third),
                purchase: PurchaseMetrics {
                    visitors: bought[column::VISITORS],
                    conversion_rate: share(bought[column::VISITORS], bought[column::VISITORS]),
                    average_order_value: value.map(|minor| in_major(minor, currency)),
                    currency: currency.as_str().to_owned(),
                },
            },
            optimization_opportunities: opportunities.collect(),
            attribution: attribution(credits, currency),
        }
    }
}

fn attribution(
    credits: Vec<(String, String, CreditSums)>,
    currency: Currency,
) -> BTreeMap<String, Vec<CreditReply>> {
    let mut by_model = BTreeMap::<String, Vec<CreditReply>>::new();
    for (model, touchpoint, [sales, revenue]) in credits {
        by_model.entry(model).or_default().push(CreditReply {
            touchpoint,
            conversions: float(sales) / float(WHOLE),
            value: in_major(float(revenue), currency),
        });
    }
    by_model
}

/// The signs that cost purchases, the dearest first.
fn leaks(stages: &[Sums; FUNNEL.len()]) -> Vec<Leak> {
    let buyers = float(stages[FUNNEL.len() - 1][column::VISITORS]);
    let mut leaks = Vec::new();
    for (place, sums) in stages.iter().enumerate().take(FUNNEL.len() - 1) {
        let (all, on) = (sums[column::VISITORS], sums[column::WENT_ON]);
        for (at, sign) in Sign::ALL.into_iter().enumerate() {
            let with = sums[column::SIGNS + 2 * at];
            let with_on = sums[column::SIGNS + 2 * at + 1];
            let Some(lift) = Lift::between(counts(all - with, on - with_on), counts(with, with_on))
            else {
                continue;
            };
            if lift.high >= 0.0 {
                continue;
            }
            // Of those who go on from here so many buy.
            let buys = buyers / float(on.max(1));
            let lost = [lift.difference, lift.high, lift.low];
            leaks.push(Leak {
                place,
                sign,
                lost: lost.map(|difference| -difference * float(with) * buys),
            });
        }
    }
    leaks.sort_by(|one, other| other.lost[0].total_cmp(&one.lost[0]));
    leaks
}

impl Leak {
    const fn reason(&self) -> &'static str {
        match self.sign {
            Sign::SlowLoad => "slow_loading",
            Sign::Price => "price_concern",
            Sign::Error if self.place == 2 => "payment_friction",
            Sign::Error => "page_errors",
            Sign::Leaving => "exit_intent",
        }
    }

    const fn mend(&self) -> (&'static str, &'static str) {
        match self.sign {
            Sign::SlowLoad => ("load_time_optimization", "medium"),
            Sign::Price => ("price_presentation", "low"),
            Sign::Error if self.place == 2 => ("payment_error_removal", "high"),
            Sign::Error => ("page_error_removal", "medium"),
            Sign::Leaving => ("exit_intent_offer", "low"),
        }
    }

    /// What could be won; `None` where nobody buys, so that nobody knows what a visitor is worth.
    fn opportunity(&self, buyers: i64) -> Option<Opportunity> {
        let (opportunity, implementation_effort) = self.mend();
        let [lost, low, high] = self.lost;
        (buyers > 0).then(|| Opportunity {
            stage: FUNNEL[self.place],
            opportunity,
            potential_impact: rounded(lost / float(buyers)),
            interval: [low, high].map(|lost| rounded(lost / float(buyers))),
            recoverable_conversions: rounded(lost),
            implementation_effort,
        })
    }
}

/// A share; `None` of nothing.
pub(super) fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| rounded(float(part) / float(whole)))
}

/// An amount of minor units in major ones, to the cent.
pub(super) fn in_major(minor: f64, currency: Currency) -> f64 {
    let digits = i32::try_from(currency.digits()).unwrap_or(2);
    minor.round() / 10_f64.powi(digits)
}

pub(super) fn counts(sessions: i64, conversions: i64) -> Counts {
    let number = |count: i64| u32::try_from(count.max(0)).unwrap_or(u32::MAX);
    Counts {
        sessions: number(sessions),
        conversions: number(conversions),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sums of visits are far below 2⁵³"
)]
pub(super) fn float(count: i64) -> f64 {
    count as f64
}

fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(pairs: &[(usize, i64)]) -> Sums {
        let mut sums = Sums::default();
        for (at, value) in pairs {
            sums[*at] = *value;
        }
        sums
    }

    fn reply(stages: [Sums; 4]) -> FunnelReply {
        let groups: Vec<(Group, Sums)> = (0..)
            .zip(stages)
            .map(|(place, sums)| ((place, String::new(), String::new(), false), sums))
            .collect();
        FunnelReply::of(&groups, Vec::new(), Currency::EUR)
    }

    #[test]
    fn the_contracts_own_numbers_come_out() {
        let stage = |visitors, on, time_ms| {
            sums(&[
                (column::VISITORS, visitors),
                (column::WENT_ON, on),
                (column::TIME_MS, time_ms),
            ])
        };
        let told = reply([
            stage(10_000, 4_500, 150_000_000),
            stage(4_500, 2_790, 540_000_000),
            stage(2_790, 948, 125_550_000),
            sums(&[
                (column::VISITORS, 948),
                (column::ORDERS, 948),
                (column::REVENUE, 948 * 9750),
            ]),
        ]);
        let metrics = &told.funnel_metrics;
        assert_eq!(metrics.awareness.conversion_rate, Some(0.45));
        assert_eq!(metrics.awareness.average_time, Some(15.0));
        assert_eq!(metrics.consideration.conversion_rate, Some(0.62));
        assert_eq!(metrics.decision.conversion_rate, Some(0.3398));
        assert_eq!(metrics.purchase.conversion_rate, Some(1.0));
        assert_eq!(metrics.purchase.average_order_value, Some(97.5));
    }

    #[test]
    fn where_nobody_was_there_is_no_number() {
        let told = reply([Sums::default(); 4]);
        assert_eq!(told.funnel_metrics.decision.visitors, 0);
        assert_eq!(told.funnel_metrics.decision.conversion_rate, None);
        assert_eq!(told.funnel_metrics.decision.average_time, None);
        assert_eq!(told.funnel_metrics.purchase.conversion_rate, None);
        assert_eq!(told.funnel_metrics.purchase.average_order_value, None);
        assert_eq!(told.optimization_opportunities, []);
    }

    #[test]
    fn a_sign_is_a_reason_only_where_it_costs_for_certain() {
        // Of 1,000 with a slow page 300 go on, of 1,000 without one 500; prices make no difference.
        let first = sums(&[
            (column::VISITORS, 2_000),
            (column::WENT_ON, 800),
            (column::SIGNS, 1_000),
            (column::SIGNS + 1, 300),
            (column::SIGNS + 4, 500),
            (column::SIGNS + 5, 195),
        ]);
        let second = sums(&[(column::VISITORS, 800), (column::WENT_ON, 400)]);
        let third = sums(&[(column::VISITORS, 400), (column::WENT_ON, 80)]);
        let bought = sums(&[(column::VISITORS, 80)]);
        let told = reply([first, second, third, bought]);
        assert_eq!(
            told.funnel_metrics.awareness.drop_off_reasons,
            ["slow_loading"]
        );
        let [one] = &told.optimization_opportunities[..] else {
            panic!("{:?}", told.optimization_opportunities)
        };
        assert_eq!(
            (one.stage, one.opportunity),
            (Stage::Awareness, "load_time_optimization")
        );
        // 200 more would go on, of whom a tenth buys.
        assert!((one.recoverable_conversions - 20.0).abs() < 1e-9);
        assert!((one.potential_impact - 0.25).abs() < 1e-9);
        assert!(
            one.interval[0] > 0.15 && one.interval[1] < 0.35,
            "{:?}",
            one.interval
        );
    }
}
