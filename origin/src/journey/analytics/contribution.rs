//! What a session adds to the roll-ups.

use std::collections::BTreeMap;

use footfall_shared::journey::session::{Session, Sign};
use footfall_shared::journey::stage::Stage;
use footfall_shared::time::{DAY_MS, UtcMillis};

use super::attribution::Credit;

/// The columns of a stage's sums, in their sequence.
pub(super) const COLUMNS: [&str; 16] = [
    "visitors",
    "went_on",
    "time_ms",
    "slow",
    "slow_on",
    "leaving",
    "leaving_on",
    "price",
    "price_on",
    "failed",
    "failed_on",
    "visual",
    "compared",
    "orders",
    "revenue",
    "order_ms",
];

/// Places in [`COLUMNS`].
pub(super) mod column {
    pub(in super::super) const VISITORS: usize = 0;
    pub(in super::super) const WENT_ON: usize = 1;
    pub(in super::super) const TIME_MS: usize = 2;
    /// The first of the signs: each has a count and one of those that went on, in the sequence of `Sign::ALL`.
    pub(in super::super) const SIGNS: usize = 3;
    pub(in super::super) const VISUAL: usize = 11;
    pub(in super::super) const COMPARED: usize = 12;
    pub(in super::super) const ORDERS: usize = 13;
    pub(in super::super) const REVENUE: usize = 14;
    pub(in super::super) const ORDER_MS: usize = 15;
}

/// Sums of a stage.
pub(super) type Sums = [i64; COLUMNS.len()];

/// The stages of the funnel. Who came back to a shop where they bought begins anew at the first.
pub(super) const FUNNEL: [Stage; 4] = [
    Stage::Awareness,
    Stage::Consideration,
    Stage::Decision,
    Stage::Purchase,
];

/// Words in a touchpoint's type by which it shows pictures.
const VISUAL_WORDS: [&str; 4] = ["gallery", "image", "photo", "video"];
/// Words by which it compares.
const COMPARE_WORDS: [&str; 2] = ["compar", "versus"];

/// Whose sums they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DayKey {
    pub(super) day: i64,
    /// Its place in [`FUNNEL`].
    pub(super) stage: i64,
    pub(super) persona: String,
    pub(super) device: &'static str,
    pub(super) source: String,
    pub(super) returning: bool,
}

impl DayKey {
    fn of(visit: &Session, place: usize) -> Self {
        let small = |text: Option<&str>| text.unwrap_or_default().to_lowercase();
        Self {
            day: day_of(visit.started_at),
            stage: place as i64,
            persona: small(visit.persona.as_ref().map(|persona| persona.kind.as_str())),
            device: visit.device.as_str(),
            source: small(visit.source.as_deref()),
            returning: visit.returning,
        }
    }
}

fn week_key(visit: &Session) -> WeekKey {
    (week_of(visit.first_at), week_of(visit.started_at))
}

/// First week and week, as days of their Mondays.
pub(super) type WeekKey = (i64, i64);
/// First visits, visits, buyers, orders and revenue.
pub(super) type WeekSums = [i64; 5];
/// Day, model and touchpoint.
pub(super) type CreditKey = (i64, &'static str, String);
/// Sales in millionths, and revenue.
pub(super) type CreditSums = [i64; 2];

/// What is added to the roll-ups, or taken away.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::journey) struct Contribution {
    pub(super) days: BTreeMap<DayKey, Sums>,
    pub(super) weeks: BTreeMap<WeekKey, WeekSums>,
    pub(super) credits: BTreeMap<CreditKey, CreditSums>,
}

impl Contribution {
    /// Adds a visit as it stands, or takes it away with −1.
    pub(in crate::journey) fn add_visit(&mut self, visit: &Session, sign: i64) {
        if visit.seq == 0 {
            return;
        }
        let furthest = reached(visit);
        for (place, stage) in FUNNEL.into_iter().enumerate().take(furthest + 1) {
            let sums = self.days.entry(DayKey::of(visit, place)).or_default();
            let mut stage_sums = of_stage(visit, stage, furthest > place);
            if stage == Stage::Purchase {
                stage_sums[column::ORDER_MS] = time_to_order(visit);
            }
            for (sum, more) in sums.iter_mut().zip(stage_sums) {
                *sum += sign * more;
            }
        }
        let sums = self.weeks.entry(week_key(visit)).or_default();
        let began = i64::from(visit.visit == 1);
        let buyer = i64::from(furthest + 1 == FUNNEL.len());
        for (sum, more) in sums.iter_mut().zip([began, 1, buyer, 0, 0]) {
            *sum += sign * more;
        }
    }

    /// Adds a sale of a visit as it stood afterwards, or takes it away with −1. Sales are added one by one, because a
    /// session remembers its latest only.
    pub(in crate::journey) fn add_sale(&mut self, visit: &Session, value: i64, sign: i64) {
        let purchase = DayKey::of(visit, FUNNEL.len() - 1);
        let sums = self.days.entry(purchase).or_default();
        sums[column::ORDERS] += sign;
        sums[column::REVENUE] += sign * value;
        let sums = self.weeks.entry(week_key(visit)).or_default();
        sums[3] += sign;
        sums[4] += sign * value;
    }

    /// Adds what sales are credited to, or takes it away with −1.
    pub(in crate::journey) fn add_credits(&mut self, credits: &[(UtcMillis, Credit)], sign: i64) {
        for (at, credit) in credits {
            let key = (
                day_of(*at),
                credit.model.as_str(),
                credit.touchpoint.clone(),
            );
            let sums = self.credits.entry(key).or_default();
            sums[0] += sign * credit.share;
            sums[1] += sign * credit.value;
        }
    }
}

/// The day of a time, since 1970.
pub(super) fn day_of(at: UtcMillis) -> i64 {
    at.get().div_euclid(DAY_MS)
}

/// The Monday of a time's week, in days since 1970, which began on a Thursday.
pub(super) fn week_of(at: UtcMillis) -> i64 {
    let day = day_of(at);
    day - (day + 3).rem_euclid(7)
}

fn is_sale(kind: &str) -> bool {
    use footfall_shared::journey::event::Conversion;
    kind == Conversion::PURCHASE || kind == Conversion::REPEAT
}

/// The place in [`FUNNEL`] of the furthest stage that a visit reached.
fn reached(visit: &Session) -> usize {
    let steps = visit.stages.iter().map(|step| step.stage);
    // A long visit forgets its first steps, but a sale stays one.
    let sold = visit.conversions.iter().any(|one| is_sale(&one.kind));
    let sold = sold.then_some(Stage::Purchase);
    let places = steps
        .chain([visit.stage])
        .chain(sold)
        .map(|stage| match stage {
            Stage::Awareness | Stage::Retention => 0,
            Stage::Consideration => 1,
            Stage::Decision => 2,
            Stage::Purchase => 3,
        });
    places.max().unwrap_or(0)
}

fn of_stage(visit: &Session, stage: Stage, went_on: bool) -> Sums {
    // Those who came back begin in their own stage.
    let parts: &[Stage] = match stage {
        Stage::Awareness => &[Stage::Awareness, Stage::Retention],
        _ => &[stage],
    };
    let went_on = i64::from(went_on);
    let mut sums = Sums::default();
    sums[column::VISITORS] = 1;
    sums[column::WENT_ON] = went_on;
    sums[column::TIME_MS] = parts.iter().map(|part| time_in(visit, *part)).sum();
    for (place, sign) in Sign::ALL.into_iter().enumerate() {
        let seen = i64::from(parts.iter().any(|part| visit.showed(*part, sign)));
        sums[column::SIGNS + 2 * place] = seen;
        sums[column::SIGNS + 2 * place + 1] = seen * went_on;
    }
    let met = |words: &[&str]| {
        let of_kind = |kind: &String| words.iter().any(|word| kind.contains(word));
        i64::from(visit.kinds.iter().any(of_kind))
    };
    sums[column::VISUAL] = met(&VISUAL_WORDS);
    sums[column::COMPARED] = met(&COMPARE_WORDS);
    sums
}

/// How long a visit was in a stage: from each step there to the next one, or to the last happening.
fn time_in(visit: &Session, stage: Stage) -> i64 {
    let ends = visit.stages.iter().skip(1).map(|step| step.at);
    let ends = ends.chain([visit.last_at]);
    let steps = visit.stages.iter().zip(ends);
    let in_stage = steps.filter(|(step, _)| step.stage == stage);
    in_stage.map(|(step, end)| end.since(step.at).max(0)).sum()
}

fn time_to_order(visit: &Session) -> i64 {
    let first = visit
        .stages
        .iter()
        .find(|step| step.stage == Stage::Purchase);
    first.map_or(0, |step| step.at.since(visit.started_at).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_mondays() {
        // 2026-11-23 is a Monday.
        let monday = UtcMillis::parse_rfc3339("2026-11-23T00:00:00Z").unwrap();
        let sunday = UtcMillis::parse_rfc3339("2026-11-29T23:59:59Z").unwrap();
        assert_eq!(week_of(monday), day_of(monday));
        assert_eq!(week_of(sunday), day_of(monday));
    }
}
