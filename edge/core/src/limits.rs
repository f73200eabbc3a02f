//! How often one address may ask, and how many emails it may try: by the shop's settings, exact within one
//! edge location.
//!
//! A limiter that does not answer stops nobody: a shop's pages matter more than its limits.

use footfall_shared::identity::EmailHash;
use footfall_shared::text::hex;
use footfall_shared::time::{DAY_MS, HOUR_MS, UtcMillis};
use sha2::{Digest, Sha256};

use crate::error::EdgeError;
use crate::guard::ShopRequest;
use crate::platform::{Limiter, Platform};
use crate::trace::Trace;

/// A minute in milliseconds.
const MINUTE_MS: i64 = 60_000;

/// How a caller stands with its limit, for the `X-RateLimit` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateLimit {
    /// Requests in the window.
    pub(crate) limit: u32,
    /// Those that are left in it.
    pub(crate) remaining: u32,
    /// When the next one begins.
    pub(crate) reset: UtcMillis,
}

/// Counts one request of an address; an address that has used up its hour is refused. The shop's own server
/// has no limit: its address stands for all its visitors.
pub(crate) async fn spend<P: Platform>(
    platform: &P,
    trace: &Trace,
    asked: &ShopRequest,
) -> Result<(), EdgeError> {
    let Some(ip) = &asked.address else {
        return Ok(());
    };
    let (hour, reset) = window(platform.now(), HOUR_MS);
    let limit = asked.shop.settings.requests_per_hour;
    let key = format!("{}/hits/{}/{hour}", asked.shop.shop, ip.as_str());
    spend_key(platform, trace, &key, limit, reset).await
}

async fn spend_key<P: Platform>(
    platform: &P,
    trace: &Trace,
    key: &str,
    limit: u32,
    reset: UtcMillis,
) -> Result<(), EdgeError> {
    let Ok(used) = platform.limiter().hit(key, reset).await else {
        return Ok(());
    };
    trace.rate_limit.set(Some(RateLimit {
        limit,
        remaining: limit.saturating_sub(used),
        reset,
    }));
    if used > limit {
        return Err(EdgeError::RateLimited {
            retry_after_s: seconds_until(reset, platform.now()),
        });
    }
    Ok(())
}

/// What a session may do so many times a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfSession {
    /// Tell what happened in it.
    Tracking,
    /// Ask for an optimization.
    Optimization,
}

impl OfSession {
    /// The contract's numbers a minute.
    const fn most(self) -> u32 {
        match self {
            Self::Tracking => 1000,
            Self::Optimization => 50,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Tracking => "tracking",
            Self::Optimization => "optimization",
        }
    }
}

/// Counts one use by a session; one that has used up its minute is refused, whoever speaks for it.
pub(crate) async fn spend_of_session<P: Platform>(
    platform: &P,
    trace: &Trace,
    asked: &ShopRequest,
    session: &str,
    of: OfSession,
) -> Result<(), EdgeError> {
    let (minute, reset) = window(platform.now(), MINUTE_MS);
    let name = unnamed(&format!("{minute}/{session}"));
    let key = format!("{}/{}/{name}", asked.shop.shop, of.as_str());
    spend_key(platform, trace, &key, of.most(), reset).await
}

/// Notes an email that an address claims; one that claims too many different ones a day is refused, since it
/// rather searches for customers than is one.
pub(crate) async fn try_email<P: Platform>(
    platform: &P,
    asked: &ShopRequest,
    email: &EmailHash,
) -> Result<(), EdgeError> {
    let Some(ip) = &asked.address else {
        return Ok(());
    };
    let (day, reset) = window(platform.now(), DAY_MS);
    let key = format!("{}/emails/{}/{day}", asked.shop.shop, ip.as_str());
    let most = asked.shop.settings.emails_per_day;
    let member = unnamed(&format!("{key}/{}", email.as_str()));
    let admitted = platform.limiter().admit(&key, &member, most, reset);
    if admitted.await.unwrap_or(true) {
        return Ok(());
    }
    Err(EdgeError::TooManyEmails {
        retry_after_s: seconds_until(reset, platform.now()),
    })
}

/// What stands for a session or an email in this window alone: counts stay until they end, also of whoever is erased
/// meanwhile, so they must name nobody.
fn unnamed(text: &str) -> String {
    hex(&Sha256::digest(text)[..16])
}

/// The number of the window that holds `now`, and its end.
fn window(now: UtcMillis, length_ms: i64) -> (i64, UtcMillis) {
    let number = now.get().div_euclid(length_ms);
    (number, UtcMillis::new((number + 1) * length_ms))
}

fn seconds_until(then: UtcMillis, now: UtcMillis) -> i64 {
    then.since(now).max(0).div_euclid(1000) + 1
}
