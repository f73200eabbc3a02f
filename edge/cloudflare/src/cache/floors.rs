//! What this isolate knows of the latest pushes.
//!
//! **Invariant:** nobody is shown an entry by a knowledge older than [`AGE_MS_MAX`]; with the second for
//! which a shop is remembered ([`footfall_edge::shops::MEMO_MS`]) a revoked key is refused within five.

use std::cell::RefCell;
use std::collections::HashMap;

use footfall_edge::cache::{FRESH_MS, PUSH_SEEN_MS, head_of};
use worker::{Context, ObjectNamespace, console_warn};

use super::recent::{self, Floor, KEPT_MS, Latest, Question};
use crate::platform::now;

/// Oldest knowledge that is used. A second less than promised: a push takes its time as well.
const AGE_MS_MAX: i64 = PUSH_SEEN_MS - 1_000;
/// From this age on it is renewed beside the requests, so that a busy isolate keeps none waiting.
const RENEW_MS: i64 = AGE_MS_MAX / 2;
/// By how much the clocks of two machines may differ.
const CLOCKS_MS: i64 = 2_000;

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::new(Known::default());
}

#[derive(Default)]
struct Known {
    /// The floor of each key, and when it was learned.
    floors: HashMap<String, (Floor, i64)>,
    /// What was cached before this is not shown, whatever its key.
    hidden_before: i64,
    /// How far the object's list was read.
    seq: i64,
    /// When the question that led to this was asked.
    asked_at: i64,
    /// When the question that is under way was asked.
    asking_since: i64,
}

/// A look into what the isolate knows, recent enough to rely on.
pub(super) struct FloorsHere(());

impl FloorsHere {
    /// The newest version that was pushed for a key.
    #[expect(
        clippy::unused_self,
        reason = "whoever looks has made sure that it is recent"
    )]
    pub(super) fn floor(&self, key: &str) -> Option<i64> {
        KNOWN.with_borrow(|known| known.floors.get(key).map(|(floor, _)| floor.version))
    }

    /// Whether an entry of KV is older than a push.
    #[expect(clippy::unused_self, reason = "as above")]
    pub(super) fn hide(&self, key: &str, entry: &[u8]) -> bool {
        KNOWN.with_borrow(|known| known.hide(key, entry))
    }
}

/// What is known, renewed where it is too old.
pub(super) async fn lately(
    recent: &ObjectNamespace,
    context: Option<&Context>,
) -> worker::Result<FloorsHere> {
    let now = now().get();
    let (age, asking) = KNOWN.with_borrow(|known| (now - known.asked_at, now - known.asking_since));
    // A clock that was set back makes what is known useless.
    if !(0..AGE_MS_MAX).contains(&age) {
        renew(recent.clone()).await?;
    } else if age >= RENEW_MS
        && asking >= RENEW_MS
        && let Some(context) = context
    {
        let recent = recent.clone();
        KNOWN.with_borrow_mut(|known| known.asking_since = now);
        context.wait_until(async move {
            if let Err(fault) = renew(recent).await {
                console_warn!("the latest pushes are not to be had: {fault}");
            }
        });
    }
    Ok(FloorsHere(()))
}

/// Has the next look ask anew: this isolate was just pushed something itself.
pub(super) fn forget_age() {
    KNOWN.with_borrow_mut(|known| known.asked_at = 0);
}

/// Forgets the floor of a key that was removed.
pub(super) fn forget(key: &str) {
    KNOWN.with_borrow_mut(|known| known.floors.remove(key));
}

async fn renew(recent: ObjectNamespace) -> worker::Result<()> {
    let asked_at = now().get();
    let seq = KNOWN.with_borrow_mut(|known| {
        known.asking_since = asked_at;
        known.seq
    });
    let latest: Latest = recent::ask(&recent, &Question::Since(seq)).await?;
    KNOWN.with_borrow_mut(|known| known.learn(latest, asked_at));
    Ok(())
}

impl Known {
    fn hide(&self, key: &str, entry: &[u8]) -> bool {
        let floor = self.floors.get(key).map(|(floor, _)| floor);
        if floor.is_none() && self.hidden_before == 0 {
            return false;
        }
        let taken_back_at = floor.map_or(0, |floor| floor.taken_back_at);
        let hidden_before = self.hidden_before.max(taken_back_at);
        head_of(entry).is_some_and(|head| {
            let cached_at = head.until.get() - FRESH_MS;
            floor.is_some_and(|floor| head.version < floor.version)
                || (hidden_before > 0 && cached_at < hidden_before + CLOCKS_MS)
        })
    }

    fn learn(&mut self, latest: Latest, asked_at: i64) {
        for (key, floor) in latest.floors {
            let held = self.floors.entry(key).or_insert((floor, asked_at));
            if held.0.version <= floor.version {
                *held = (floor, asked_at);
            }
        }
        self.floors
            .retain(|_, (_, learned_at)| asked_at - *learned_at < KEPT_MS);
        // Two questions may be answered in another order than they were asked.
        self.seq = self.seq.max(latest.seq);
        self.asked_at = self.asked_at.max(asked_at);
        self.hidden_before = latest.hidden_before;
    }
}
