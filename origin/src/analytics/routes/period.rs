//! Spans of days, as callers name them.

use footfall_shared::time::UtcMillis;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::bad;
use crate::analytics::calendar::{Days, date_of, day_of, local_time};
use crate::http::error::AppError;
use crate::shops::Shop;

/// Days that are told where nobody names any.
const USUAL_DAYS: i64 = 30;
/// Longest span: three years.
const DAYS_MAX: i64 = 3 * 366;

/// Which days.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Dates {
    /// ISO 8601, as `2026-11-01` or `2026-11-01T10:00:00.000Z` (then the day by the shop's clock counts). Without it, 30
    /// days end with `end_date`.
    pub(super) start_date: Option<String>,
    /// The last day that counts; without it, today.
    pub(super) end_date: Option<String>,
}

impl Dates {
    /// The span, by the shop's clock.
    ///
    /// # Errors
    /// What is no date, an end before the start, and more than three years.
    pub(super) fn parse(&self, shop: &Shop, now: UtcMillis) -> Result<Days, AppError> {
        let start = day("start_date", self.start_date.as_deref(), shop)?;
        let end = day("end_date", self.end_date.as_deref(), shop)?;
        let today = local_time(now, &shop.timezone).day;
        let last = end.unwrap_or_else(|| today.max(start.unwrap_or(today)));
        let from = start.unwrap_or(last - USUAL_DAYS + 1);
        span(from, last)
    }
}

/// The days from one to another, both in it.
fn span(from: i64, last: i64) -> Result<Days, AppError> {
    if last < from {
        return Err(AppError::Contradiction {
            field: "end_date",
            reason: "lies before start_date",
        });
    }
    if last - from >= DAYS_MAX {
        return Err(bad(
            "start_date",
            "must lie at most three years before end_date",
        ));
    }
    Ok(Days {
        from,
        until: last + 1,
    })
}

/// The day that a text names.
pub(super) fn day(field: &str, text: Option<&str>, shop: &Shop) -> Result<Option<i64>, AppError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let of_time = || UtcMillis::parse_rfc3339(text).map(|at| local_time(at, &shop.timezone).day);
    // Without an offset it is the shop's own time; then only its date counts.
    let local = text.split(['T', ' ']).next().unwrap_or(text);
    let of_date = || local.parse::<Date>().ok().map(day_of);
    let zoned = text.contains('T')
        && (text.ends_with(['Z', 'z']) || text[local.len()..].contains(['+', '-']));
    let found = if zoned { of_time() } else { of_date() };
    found
        .map(Some)
        .ok_or_else(|| bad(field, "must be an ISO 8601 date"))
}

/// The span of `date_range`: `7d`, `30d`, `90d`, `365d`, or two dates as `2026-11-01,2026-11-30`; `None` for `all`.
pub(super) fn range(
    text: Option<&str>,
    shop: &Shop,
    now: UtcMillis,
) -> Result<Option<Days>, AppError> {
    let wrong = || {
        bad(
            "date_range",
            "must be all, a number of days as 30d, or two dates as 2026-11-01,2026-11-30",
        )
    };
    let text = text.unwrap_or("30d").trim();
    if text == "all" {
        return Ok(None);
    }
    if let Some(days) = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<i64>().ok())
    {
        if !(1..=DAYS_MAX).contains(&days) {
            return Err(wrong());
        }
        let today = local_time(now, &shop.timezone).day;
        return Ok(Some(Days {
            from: today - days + 1,
            until: today + 1,
        }));
    }
    let (start, end) = text.split_once(',').ok_or_else(wrong)?;
    let [start, end] = [start, end].map(|text| day("date_range", Some(text), shop));
    let (start, end) = (start?.ok_or_else(wrong)?, end?.ok_or_else(wrong)?);
    match span(start, end) {
        Err(AppError::Contradiction { .. }) => Err(AppError::Contradiction {
            field: "date_range",
            reason: "ends before it begins",
        }),
        other => other.map(Some),
    }
}

/// A span of days, told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct PeriodReply {
    /// The first day.
    #[schema(example = "2026-11-01")]
    pub(super) start_date: String,
    /// The last day.
    #[schema(example = "2026-11-30")]
    pub(super) end_date: String,
}

impl PeriodReply {
    /// Tells a span.
    pub(super) fn of(span: Days) -> Self {
        Self {
            start_date: date_of(span.from).to_string(),
            end_date: date_of(span.until - 1).to_string(),
        }
    }
}
