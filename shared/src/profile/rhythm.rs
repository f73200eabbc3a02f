//! Peak, cycle and prime window: how much and how often a customer buys.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::id::ExternalId;
use crate::money::MinorUnits;
use crate::order::Order;
use crate::time::{Moment, UtcMillis};

/// The counted order with the largest number of pieces over all history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    /// Pieces in that order.
    pub quantity: u64,
    /// Price of all its pieces.
    pub amount: MinorUnits,
    /// The order.
    pub order_id: ExternalId,
    /// Its number.
    pub order_number: String,
    /// When it was placed.
    pub at: Moment,
}

/// The days in which the next order is due, first to last inclusive, in the shop's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// 00:00:00 of the first day.
    pub start: Moment,
    /// 23:59:59 of the last day.
    pub end: Moment,
}

/// The peak of orders in the sequence in which they were placed: most pieces, then the higher amount,
/// then the later order.
#[must_use]
pub fn peak(orders: &[&Order], zone: &TimeZone) -> Option<Peak> {
    let order = orders
        .iter()
        .max_by_key(|order| (order.quantity(), order.amount()))?;
    Some(Peak {
        quantity: order.quantity(),
        amount: order.amount(),
        order_id: order.id.clone(),
        order_number: order.number.clone(),
        at: order.at.in_zone(zone),
    })
}

/// Mean time between orders in the sequence in which they were placed; `None` for fewer than two.
#[must_use]
pub fn cycle_ms(orders: &[&Order]) -> Option<i64> {
    let gaps = i64::try_from(orders.len()).ok()? - 1;
    let span = orders.last()?.at.since(orders.first()?.at);
    (gaps > 0).then(|| span / gaps)
}

impl Window {
    /// The window after an order: from 80 % to 120 % of the cycle later, widened to whole local days.
    #[must_use]
    pub fn after(last: UtcMillis, cycle_ms: i64, zone: &TimeZone) -> Self {
        let day_at = |after_ms: i64, time: Time| -> Moment {
            let instant = last.plus(after_ms);
            let at = jiff::Timestamp::from_millisecond(instant.get()).unwrap_or_default();
            // A local midnight that a change of clocks skips is the first instant after it.
            let local = zone.to_datetime(at).date().to_datetime(time);
            zone.to_timestamp(local)
                .map_or(instant, |at| UtcMillis::new(at.as_millisecond()))
                .in_zone(zone)
        };
        Self {
            start: day_at(cycle_ms / 5 * 4, Time::midnight()),
            end: day_at(cycle_ms / 5 * 6, Time::constant(23, 59, 59, 0)),
        }
    }

    /// Whether `now` lies within; the last second counts whole.
    #[must_use]
    pub fn contains(&self, now: UtcMillis) -> bool {
        now >= self.start.at && now < self.end.at.plus(1000)
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::testing::{order, profile};
    use crate::time::DAY_MS;

    use super::*;

    #[test]
    fn the_peak_is_the_largest_order_ever_and_amount_breaks_ties() {
        let orders = [
            order(1, 1, &[(1, 3, 100), (2, 2, 100)]),
            order(2, 2, &[(1, 5, 300)]),
            order(3, 3, &[(1, 5, 200)]),
            order(4, 4, &[(1, 1, 99_000)]),
        ];
        let peak = profile(&orders, 9).peak;
        assert_eq!((peak.order_number.as_str(), peak.quantity), ("2", 5));
        assert_eq!(peak.amount, MinorUnits::new(1500));
    }

    #[test]
    fn one_order_has_no_cycle_and_no_window() {
        let profile = profile(&[order(1, 1, &[(1, 1, 100)])], 9);
        assert_eq!((profile.cycle_ms, profile.window), (None, None));
    }

    #[test]
    fn the_window_spans_whole_days_from_eighty_to_a_hundred_and_twenty_percent() {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        let last = UtcMillis::parse_rfc3339("2024-09-29T12:34:56+02:00").unwrap();
        let window = Window::after(last, 10 * DAY_MS, &zone);
        assert_eq!(window.start.to_local_text(), "2024-10-07 00:00:00");
        assert_eq!(window.end.to_local_text(), "2024-10-11 23:59:59");
        assert!(!window.contains(window.start.at.plus(-1)));
        assert!(window.contains(window.start.at));
        assert!(window.contains(window.end.at.plus(999)));
        assert!(!window.contains(window.end.at.plus(1000)));
    }

    #[test]
    fn the_window_keeps_to_the_local_clock_over_a_change_of_clocks() {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        let last = UtcMillis::parse_rfc3339("2024-10-20T23:30:00+02:00").unwrap();
        let window = Window::after(last, 10 * DAY_MS, &zone);
        // Eight times 24 hours later the clocks have gone back, so it is still the 28th.
        assert_eq!(window.start.to_local_text(), "2024-10-28 00:00:00");
        assert_eq!(window.end.to_local_text(), "2024-11-01 23:59:59");
    }
}
