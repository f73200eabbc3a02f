//! The one reducer: what a session is after something happened in it.
//!
//! **Invariant:** pure and total. The edge folds as it goes, the origin folds the log; both end in the same
//! bytes (`folding_in_any_split_gives_the_same_bytes`, and over the wasm build in tests/e2e/journey.rs).

use super::context::DeviceType;
use super::event::{Conversion, Happening, Link, Measured, Numbered, Start, Touch};
use super::model::Model;
use super::next::Impact;
use super::observed::PriceReaction;
use super::session::Sign;
use super::session::{
    CONVERSIONS_MAX, Converted, HISTORY_MAX, LINKS_MAX, LinkedWith, NAMES_MAX, STAGES_MAX, Session,
    StageStep, Touchpoint, Visit,
};
use super::stage::Stage;
use crate::time::UtcMillis;

/// A page that takes longer loads slowly: the bound above which Google's Core Web Vitals no longer call the
/// largest paint good.
pub const SLOW_LOAD_MS: u32 = 2500;
/// At this time spent on a touchpoint half of its engagement is reached.
const HALF_ENGAGED_MS: u64 = 8000;
/// Engagement of a touchpoint of unknown length, in thousandths.
const ENGAGEMENT_UNKNOWN: u16 = 300;
/// What doing something adds to looking, in thousandths.
const ENGAGEMENT_INTERACTED: u16 = 50;
/// Words in a touchpoint's type by which it has to do with a product.
const PRODUCT_WORDS: [&str; 12] = [
    "product", "gallery", "spec", "compar", "feature", "review", "variant", "cart", "checkout",
    "price", "wishlist", "bundle",
];

/// The session after `event`, which happened at `now`, and what that changed by the model.
#[must_use]
pub fn apply(
    session: Session,
    event: &Numbered,
    model: &Model,
    now: UtcMillis,
) -> (Session, Impact) {
    let after = fold(session.clone(), event, now);
    let impact = Impact::between(&session, &after, model, now);
    (after, impact)
}

/// The session after `event`, which happened at `now`. What was folded in already changes nothing.
#[must_use]
pub fn fold(mut session: Session, event: &Numbered, now: UtcMillis) -> Session {
    if event.seq <= session.seq {
        return session;
    }
    // Clocks of two edges may differ; a session's own time never runs backwards.
    let now = now.max(session.last_at);
    if event.visit > session.visit {
        session = begin_visit(session, event.visit, now);
    }
    session.seq = event.seq;
    match &event.what {
        Happening::Started(start) => begin(&mut session, start),
        Happening::StageChanged(change) => {
            measure(&mut session, &change.measured);
            for feature in &change.features {
                count_feature(&mut session, feature);
            }
            move_to(&mut session, change.to, change.trigger.as_deref(), now);
        }
        Happening::Touchpoint(touch) => meet(&mut session, touch, now),
        Happening::Converted(conversion) => convert(&mut session, conversion, now),
        Happening::Linked(link) => {
            unlink(&mut session, &link.with);
            join(&mut session, link, now);
        }
        Happening::Unlinked(link) => unlink(&mut session, &link.with),
    }
    session.last_at = now;
    session
}

/// A new visit of the same session; of the one before only a summary stays. Links are the person's, not the
/// visit's.
fn begin_visit(before: Session, visit: u32, now: UtcMillis) -> Session {
    let bought = matches!(before.stage, Stage::Purchase | Stage::Retention);
    let stage = if bought {
        Stage::Retention
    } else {
        Stage::Awareness
    };
    let first = before.visit == 0;
    Session {
        visit,
        first_at: if first { now } else { before.first_at },
        started_at: now,
        stage,
        stages: vec![StageStep {
            stage,
            at: now,
            trigger: None,
        }],
        returning: !first,
        persona: before.persona,
        device: before.device,
        source: before.source,
        locale: before.locale,
        links: before.links,
        previous: (!first).then_some(Visit {
            visit: before.visit,
            started_at: before.started_at,
            last_at: before.last_at,
            stage: before.stage,
            touchpoints: before.touchpoints,
            converted: before.converted,
        }),
        ..Session::default()
    }
}

fn begin(session: &mut Session, start: &Start) {
    session.persona = start.persona.clone().or(session.persona.take());
    if let Some(device) = &start.device {
        session.device = DeviceType::of(device);
    }
    session.source = start.source.clone().or(session.source.take());
    session.locale = start.locale.clone().or(session.locale.take());
    session.intent_milli = start.intent_milli.or(session.intent_milli);
    session.returning |= start.returning;
}

fn move_to(session: &mut Session, stage: Stage, trigger: Option<&str>, now: UtcMillis) {
    if stage == session.stage {
        return;
    }
    session.stage = stage;
    push_bounded(
        &mut session.stages,
        STAGES_MAX,
        StageStep {
            stage,
            at: now,
            trigger: trigger.map(str::to_owned),
        },
    );
}

fn meet(session: &mut Session, touch: &Touch, now: UtcMillis) {
    // What the last touchpoint did not tell itself is known now: it lasted until this one.
    if let Some(last) = session
        .history
        .last_mut()
        .filter(|last| last.duration_ms.is_none())
    {
        let gap = u32::try_from(now.since(last.at)).unwrap_or(u32::MAX);
        last.duration_ms = Some(gap);
        session.dwell_ms = session.dwell_ms.saturating_add(u64::from(gap));
    }
    let engagement_milli = engagement(touch);
    session.touchpoints = session.touchpoints.saturating_add(1);
    if PRODUCT_WORDS.iter().any(|word| touch.kind.contains(word)) {
        session.product_touchpoints = session.product_touchpoints.saturating_add(1);
    }
    if session.kinds.len() < NAMES_MAX && !session.kinds.contains(&touch.kind) {
        session.kinds.push(touch.kind.clone());
    }
    push_bounded(
        &mut session.history,
        HISTORY_MAX,
        Touchpoint {
            kind: touch.kind.clone(),
            at: now,
            duration_ms: touch.measured.dwell_ms,
            engagement_milli,
        },
    );
    engage(session, engagement_milli);
    measure(session, &touch.measured);
}

/// How engaged a shopper was with a touchpoint, in thousandths: t / (t + 8 s) of the time spent, so that half
/// is reached at 8 seconds and each further second counts less; a little more where they did something.
fn engagement(touch: &Touch) -> u16 {
    let looked = match touch.measured.dwell_ms.map(u64::from) {
        None => ENGAGEMENT_UNKNOWN,
        Some(time) => u16::try_from(1000 * time / (time + HALF_ENGAGED_MS)).unwrap_or(1000),
    };
    let did = if touch.interacted {
        ENGAGEMENT_INTERACTED
    } else {
        0
    };
    (looked + did).min(1000)
}

/// The session's score takes a third of the way to the touchpoint's where that is higher, and a tenth where
/// it is lower: interest shows soon and fades slowly.
fn engage(session: &mut Session, touched: u16) {
    let (score, touched) = (i32::from(session.engagement_milli), i32::from(touched));
    let way = touched - score;
    let step = if way > 0 { (way + 2) / 3 } else { way / 10 };
    session.engagement_milli = u16::try_from(score + step).unwrap_or(0);
}

fn measure(session: &mut Session, measured: &Measured) {
    let Measured {
        dwell_ms,
        scroll_milli,
        interactions,
        exit_intent,
        price_reaction,
        load_ms,
        errors,
    } = measured;
    session.dwell_ms = session
        .dwell_ms
        .saturating_add(dwell_ms.unwrap_or(0).into());
    session.scroll_milli = session
        .scroll_milli
        .max(scroll_milli.unwrap_or(0).min(1000));
    if interactions.is_some_and(|count| count > 0) {
        engage(session, 1000);
    }
    // A page that does not tell it saw no sign of leaving.
    session.exit_intent = exit_intent.unwrap_or(false);
    session.price_reaction = price_reaction.or(session.price_reaction);
    if load_ms.is_some_and(|time| time > SLOW_LOAD_MS) {
        session.slow_loads = session.slow_loads.saturating_add(1);
    }
    if *errors == Some(true) {
        session.errors = session.errors.saturating_add(1);
    }
    let signs = [
        (
            Sign::SlowLoad,
            load_ms.is_some_and(|time| time > SLOW_LOAD_MS),
        ),
        (Sign::Leaving, *exit_intent == Some(true)),
        (
            Sign::Price,
            *price_reaction == Some(PriceReaction::Negative),
        ),
        (Sign::Error, *errors == Some(true)),
    ];
    let seen = signs.iter().filter(|(_, seen)| *seen);
    let seen = seen.fold(0, |all, (sign, _)| all | *sign as u8);
    if seen != 0 {
        session.signs.resize(Stage::ALL.len(), 0);
        session.signs[session.stage as usize] |= seen;
    }
}

fn count_feature(session: &mut Session, feature: &str) {
    let features = &mut session.features;
    if let Some((_, count)) = features.iter_mut().find(|(name, _)| name == feature) {
        *count = count.saturating_add(1);
    } else if features.len() < NAMES_MAX {
        features.push((feature.to_owned(), 1));
    }
}

fn convert(session: &mut Session, conversion: &Conversion, now: UtcMillis) {
    session.converted = session.converted.saturating_add(1);
    session.exit_intent = false;
    session.lead |= conversion.kind == Conversion::EMAIL_SIGNUP;
    push_bounded(
        &mut session.conversions,
        CONVERSIONS_MAX,
        Converted {
            kind: conversion.kind.clone(),
            at: now,
            value: conversion.value,
            currency: conversion.currency,
        },
    );
    if conversion.is_sale() {
        move_to(session, Stage::Purchase, Some(&conversion.kind), now);
    }
}

fn join(session: &mut Session, link: &Link, now: UtcMillis) {
    push_bounded(
        &mut session.links,
        LINKS_MAX,
        LinkedWith {
            session: link.with.clone(),
            unified: link.unified.clone(),
            at: now,
        },
    );
}

fn unlink(session: &mut Session, with: &str) {
    session.links.retain(|link| link.session != with);
}

fn push_bounded<T>(list: &mut Vec<T>, most: usize, item: T) {
    if list.len() >= most {
        list.remove(0);
    }
    list.push(item);
}

#[cfg(test)]
mod tests;
