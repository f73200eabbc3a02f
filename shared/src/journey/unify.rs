//! Several sessions of one person seen as one journey, and what their devices tell.
//!
//! **Invariant:** the sessions themselves stay as they are, so that a link can be undone; and it does not matter in
//! which sequence they are given (`a_unified_journey_does_not_depend_on_who_was_named_first`).

use super::context::DeviceType;
use super::session::{CONVERSIONS_MAX, HISTORY_MAX, LINKS_MAX, NAMES_MAX, STAGES_MAX, Session};
use super::stage::Stage;
use crate::sequence::sort_short;
use crate::text::hex;

/// What the name of a unified journey begins with; the first of its sessions follows.
const UNIFIED_PREFIX: &str = "unified_";
/// From here on intent counts as a will to buy, in thousandths.
const INTENT_MILLI_MIN: u16 = 500;

/// The name that two sessions together have, whichever is named first.
#[must_use]
pub fn unified_id(one: &str, other: &str) -> String {
    format!("{UNIFIED_PREFIX}{}", one.min(other))
}

/// The session that a unified journey is named after; `None` where the name is of no unified journey.
#[must_use]
pub fn first_of_unified(name: &str) -> Option<&str> {
    name.strip_prefix(UNIFIED_PREFIX)
}

/// A session's bytes in short, 64 hexadecimal digits: who holds the same session has the same digest.
#[must_use]
pub fn digest(session: &Session) -> String {
    use sha2::{Digest, Sha256};
    hex(&Sha256::digest(
        serde_json::to_vec(session).unwrap_or_default(),
    ))
}

/// Sessions that those of a group are linked with and that are not in it yet, as many as fit.
#[must_use]
pub fn missing_of(group: &[(String, Session)]) -> Vec<String> {
    let mut missing: Vec<&str> = Vec::new();
    for link in group.iter().flat_map(|(_, session)| &session.links) {
        let name = link.session.as_str();
        let is_new = group.iter().all(|(held, _)| held != name) && !missing.contains(&name);
        if is_new && group.len() + missing.len() <= LINKS_MAX {
            missing.push(name);
        }
    }
    missing.into_iter().map(str::to_owned).collect()
}

/// The sessions as one: times and lists put together in the sequence of their time, counts added up, and what
/// only the latest can tell taken from the session in which something happened last.
#[must_use]
pub fn unify(sessions: &[Session]) -> Session {
    let mut by_age: Vec<&Session> = sessions.iter().collect();
    // The bytes break ties, so that the sequence is the same for everybody.
    by_age.sort_by_cached_key(|session| {
        (
            session.last_at,
            session.started_at,
            serde_json::to_string(session).unwrap_or_default(),
        )
    });
    let Some(latest) = by_age.last() else {
        return Session::default();
    };
    let mut whole = Session {
        links: Vec::new(),
        history: Vec::new(),
        stages: Vec::new(),
        conversions: Vec::new(),
        kinds: Vec::new(),
        features: Vec::new(),
        touchpoints: 0,
        product_touchpoints: 0,
        dwell_ms: 0,
        errors: 0,
        slow_loads: 0,
        converted: 0,
        ..(*latest).clone()
    };
    for session in &by_age {
        add(&mut whole, session);
    }
    if by_age
        .iter()
        .any(|session| session.stage == Stage::Purchase)
    {
        whole.stage = whole.stage.max(Stage::Purchase);
    }
    sort_short(&mut whole.stages, |step| step.at);
    sort_short(&mut whole.history, |met| met.at);
    sort_short(&mut whole.conversions, |one| one.at);
    keep_last(&mut whole.stages, STAGES_MAX);
    keep_last(&mut whole.history, HISTORY_MAX);
    keep_last(&mut whole.conversions, CONVERSIONS_MAX);
    whole.kinds.truncate(NAMES_MAX);
    whole.features.truncate(NAMES_MAX);
    whole
}

fn add(whole: &mut Session, session: &Session) {
    whole.started_at = whole.started_at.min(session.started_at);
    whole.touchpoints = whole.touchpoints.saturating_add(session.touchpoints);
    whole.product_touchpoints = whole
        .product_touchpoints
        .saturating_add(session.product_touchpoints);
    whole.dwell_ms = whole.dwell_ms.saturating_add(session.dwell_ms);
    whole.errors = whole.errors.saturating_add(session.errors);
    whole.slow_loads = whole.slow_loads.saturating_add(session.slow_loads);
    whole.converted = whole.converted.saturating_add(session.converted);
    whole.scroll_milli = whole.scroll_milli.max(session.scroll_milli);
    whole.engagement_milli = whole.engagement_milli.max(session.engagement_milli);
    whole.intent_milli = whole.intent_milli.max(session.intent_milli);
    whole.price_reaction = session.price_reaction.or(whole.price_reaction);
    whole.lead |= session.lead;
    whole.returning |= session.returning;
    whole.stages.extend_from_slice(&session.stages);
    whole.history.extend_from_slice(&session.history);
    whole.conversions.extend_from_slice(&session.conversions);
    for kind in &session.kinds {
        if !whole.kinds.contains(kind) {
            whole.kinds.push(kind.clone());
        }
    }
    for (feature, count) in &session.features {
        match whole.features.iter().position(|(name, _)| name == feature) {
            Some(at) => {
                let (_, held) = &mut whole.features[at];
                *held = held.saturating_add(*count);
            }
            None => whole.features.push((feature.clone(), *count)),
        }
    }
}

fn keep_last<T>(list: &mut Vec<T>, most: usize) {
    list.drain(..list.len().saturating_sub(most));
}

/// What the devices of one person tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInsights {
    /// Whether a product was looked at closely on a computer.
    pub research_on_desktop: bool,
    /// Whether the will to buy showed on a phone.
    pub intent_on_mobile: bool,
    /// The kind of device on which the person bought, else on which the will to buy was the strongest.
    pub best: Option<DeviceType>,
}

/// Reads what the devices of linked sessions tell.
#[must_use]
pub fn insights(sessions: &[Session]) -> DeviceInsights {
    let on = |device: DeviceType| {
        sessions
            .iter()
            .filter(move |session| session.device == device)
    };
    // The most converted, then the strongest intent; the kind breaks ties, so that the sequence does not count.
    let rank = |session: &&Session| {
        (
            session.converted,
            session.intent_strength_milli(),
            session.device.as_str(),
        )
    };
    DeviceInsights {
        research_on_desktop: on(DeviceType::Desktop)
            .any(|session| session.product_touchpoints > 0 || !session.features.is_empty()),
        intent_on_mobile: on(DeviceType::Mobile)
            .any(|session| session.intent_strength_milli() >= INTENT_MILLI_MIN),
        best: sessions
            .iter()
            .filter(|session| session.device != DeviceType::Other)
            .max_by_key(rank)
            .map(|session| session.device),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journey::event::{Happening, Measured, Numbered, Start, Touch};
    use crate::journey::reducer::fold;
    use crate::time::UtcMillis;

    fn session(device: &str, kinds: &[&str], at: i64) -> Session {
        let start = Happening::Started(Start {
            device: Some(device.to_owned()),
            ..Start::default()
        });
        let touch = |kind: &&str| {
            Happening::Touchpoint(Touch {
                kind: (*kind).to_owned(),
                page: None,
                interacted: false,
                measured: Measured::default(),
            })
        };
        let all = std::iter::once(start).chain(kinds.iter().map(touch));
        all.zip(1..)
            .fold(Session::default(), |session, (what, seq)| {
                let event = Numbered {
                    seq,
                    visit: 1,
                    what,
                };
                fold(
                    session,
                    &event,
                    UtcMillis::new(at + i64::from(seq) * 10_000),
                )
            })
    }

    #[test]
    fn a_unified_journey_does_not_depend_on_who_was_named_first() {
        let phone = session("mobile", &["landing", "price_view"], 0);
        let laptop = session("desktop", &["landing", "comparison_table"], 5_000);
        let whole = unify(&[phone.clone(), laptop.clone()]);
        assert_eq!(whole, unify(&[laptop.clone(), phone.clone()]));
        assert_eq!(whole.touchpoints, 4);
        let kinds: Vec<&str> = whole.history.iter().map(|met| met.kind.as_str()).collect();
        assert_eq!(
            kinds,
            ["landing", "landing", "price_view", "comparison_table"]
        );
        assert_eq!(
            insights(&[phone.clone(), laptop.clone()]),
            insights(&[laptop, phone])
        );
        assert_eq!(unified_id("b", "a"), unified_id("a", "b"));
        assert_eq!(first_of_unified(&unified_id("b", "a")), Some("a"));
    }

    #[test]
    fn one_session_alone_is_itself_but_for_its_links() {
        let phone = session("mobile", &["landing"], 0);
        assert_eq!(unify(std::slice::from_ref(&phone)), phone);
    }
}
