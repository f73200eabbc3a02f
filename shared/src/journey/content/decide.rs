//! The choice of a slot's content.
//!
//! **Invariant:** a decision follows from the kit, the session as it stood, and the names of shop, session and slot;
//! nothing else enters. So a replay from the log gives the same bytes (`a_decision_can_be_made_again`).

use serde::{Deserialize, Serialize};

use super::kit::{Conditions, Filling, Kit, Trait, Variant};
use super::slot::Slot;
use crate::experiment::choice::{self, ONE};
use crate::experiment::seed::{Seed, is_held_out};
use crate::journey::context::{DeviceType, SourceGroup};
use crate::journey::session::Session;
use crate::journey::stage::Stage;

/// The name of the built-in way to choose.
pub const THOMPSON: &str = "thompson";

/// Whom a decision is for.
#[derive(Debug, Clone, Copy)]
pub struct Whom<'a> {
    /// The shop's id.
    pub shop: &'a str,
    /// The session.
    pub session: &'a str,
}

/// What conditions may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<'a> {
    persona: Option<&'a str>,
    source: Option<&'a str>,
    device: DeviceType,
    stage: Stage,
    locale: Option<&'a str>,
    exit_intent: bool,
}

impl<'a> Seen<'a> {
    /// What conditions may look at of a session.
    #[must_use]
    pub fn of(session: &'a Session) -> Self {
        Self {
            persona: session
                .persona
                .as_ref()
                .map(|persona| persona.kind.as_str()),
            source: session.source.as_deref(),
            device: session.device,
            stage: session.stage,
            locale: session.locale.as_deref(),
            exit_intent: session.exit_intent,
        }
    }
}

/// Why a variant is no candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It is for other personas.
    Persona,
    /// It is for other sources.
    Source,
    /// It is for other devices.
    Device,
    /// It is for other stages.
    Stage,
    /// It is for other languages.
    Locale,
    /// It is for shoppers who are about to leave, or for those who are not.
    ExitIntent,
    /// A constraint forbids what it asks for.
    Forbidden(Trait),
}

/// Why a variant is no candidate; `None` where it is one.
#[must_use]
pub fn unfit(variant: &Variant, seen: &Seen<'_>, forbidden: &[Trait]) -> Option<Unfit> {
    let Conditions {
        persona,
        source,
        device,
        stage,
        locale,
        exit_intent,
    } = &variant.conditions;
    let named = |list: &[String], name: Option<&str>| {
        list.is_empty() || name.is_some_and(|name| list.iter().any(|one| same(one, name)))
    };
    let group = seen.source.map(|source| SourceGroup::of(source).as_str());
    if !named(persona, seen.persona) {
        return Some(Unfit::Persona);
    }
    if !named(source, seen.source) && !named(source, group) {
        return Some(Unfit::Source);
    }
    if !device.is_empty() && !device.contains(&seen.device) {
        return Some(Unfit::Device);
    }
    if !stage.is_empty() && !stage.contains(&seen.stage) {
        return Some(Unfit::Stage);
    }
    let speaks = |one: &String| seen.locale.is_some_and(|locale| speaks(locale, one));
    if !locale.is_empty() && !locale.iter().any(speaks) {
        return Some(Unfit::Locale);
    }
    if exit_intent.is_some_and(|wanted| wanted != seen.exit_intent) {
        return Some(Unfit::ExitIntent);
    }
    let banned = |asked: &&Trait| forbidden.contains(asked);
    let asked = variant.traits.iter().find(banned);
    asked.copied().map(Unfit::Forbidden)
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Whether a locale is of a language: `de-AT` of `de` and of `de-AT`.
fn speaks(locale: &str, language: &str) -> bool {
    same(locale, language)
        || locale
            .split_once(['-', '_'])
            .is_some_and(|(tongue, _)| same(tongue, language))
}

/// A candidate and how probable its choice was, in millionths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The variant.
    pub variant: String,
    /// Its probability.
    pub probability: u32,
}

/// What was decided for a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The slot.
    pub slot: Slot,
    /// Whether the session is left alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held_out: bool,
    /// Those among which was chosen, or among which would have been.
    pub candidates: Vec<Candidate>,
    /// Who chose, where it was not [`THOMPSON`]: the version of the shop's own policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The weights that the shop's own policy gave the candidates; none where Thompson sampling decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<u32>,
    /// Why, in the words of the shop's own policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The number that was drawn, below a million.
    pub drawn: u32,
    /// The variant; `None` is the neutral content.
    pub chosen: Option<String>,
}

impl Decision {
    /// What is to be shown.
    #[must_use]
    pub fn content<'k>(&self, filling: &'k Filling) -> Option<&'k str> {
        match &self.chosen {
            Some(id) => Some(&filling.variant(id)?.content),
            None => filling.neutral.as_deref(),
        }
    }
}

/// What a shop's own policy says of a slot's candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// The policy's version.
    pub version: String,
    /// A weight for each candidate, in their sequence.
    pub weights: Vec<u32>,
    /// Why, for each candidate.
    pub reasons: Vec<String>,
}

/// What a shop's own policy is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The slot.
    pub slot: Slot,
    /// The candidates.
    pub candidates: &'a [&'a Variant],
    /// The probability of each by Thompson sampling, in millionths.
    pub probabilities: &'a [u32],
}

/// A shop's own policy; `None` where it has no answer.
pub type Policy<'a> = &'a dyn Fn(Question<'_>) -> Option<Ranked>;

/// The built-in policy has no answer of its own: Thompson sampling decides.
#[must_use]
pub const fn built_in(_: Question<'_>) -> Option<Ranked> {
    None
}

/// All that a decision follows from.
#[derive(Clone, Copy)]
pub struct Choosing<'a> {
    /// The shop's kit.
    pub kit: &'a Kit,
    /// Whom for.
    pub whom: Whom<'a>,
    /// What is seen of them.
    pub seen: Seen<'a>,
    /// What constraints forbid.
    pub forbidden: &'a [Trait],
    /// The shop's own policy.
    pub policy: Policy<'a>,
}

impl Choosing<'_> {
    /// Decides all of these slots that the shop has content for.
    #[must_use]
    pub fn slots(&self, slots: &[Slot]) -> Vec<Decision> {
        let fillings = slots.iter().filter_map(|slot| self.kit.filling(*slot));
        fillings.map(|filling| self.slot(filling)).collect()
    }

    /// Decides a slot.
    #[must_use]
    pub fn slot(&self, filling: &Filling) -> Decision {
        let Self { kit, whom, .. } = self;
        let slot = filling.slot;
        let fit = |variant: &&Variant| unfit(variant, &self.seen, self.forbidden).is_none();
        let candidates: Vec<&Variant> = filling.variants.iter().filter(fit).collect();
        let held_out = is_held_out(whom.shop, whom.session, kit.holdout_permille);
        let beliefs: Vec<_> = candidates.iter().map(|variant| &variant.belief).collect();
        let thompson = choice::probabilities(&beliefs);
        let question = Question {
            slot,
            candidates: &candidates,
            probabilities: &thompson,
        };
        // Where there is no choice nobody is asked.
        let ranked = Some(question)
            .filter(|question| question.candidates.len() > 1)
            .and_then(self.policy)
            .filter(|ranked| ranked.weights.len() == candidates.len());
        let probabilities = match &ranked {
            Some(ranked) => choice::by_weights(&ranked.weights),
            None => thompson,
        };
        let drawn = Seed::of(&["content", whom.shop, whom.session, slot.as_str()]).below(ONE);
        let place = choice::draw(&probabilities, drawn);
        let chosen = candidates.get(place).filter(|_| !held_out);
        let reason = ranked
            .as_ref()
            .and_then(|ranked| ranked.reasons.get(place).cloned());
        let probable = candidates.iter().zip(&probabilities);
        Decision {
            slot,
            held_out,
            candidates: probable
                .map(|(variant, probability)| Candidate {
                    variant: variant.id.clone(),
                    probability: *probability,
                })
                .collect(),
            reason: reason.filter(|_| chosen.is_some()),
            policy: ranked.as_ref().map(|ranked| ranked.version.clone()),
            weights: ranked.map(|ranked| ranked.weights).unwrap_or_default(),
            drawn,
            chosen: chosen.map(|variant| variant.id.clone()),
        }
    }
}

/// What a decision was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Purpose {
    /// A session's start.
    Start,
    /// A change of stage.
    Stage,
    /// A touchpoint.
    Touchpoint,
    /// Recommendations.
    Recommendations,
    /// An optimization.
    Optimization,
}

impl Purpose {
    /// The purpose's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stage => "stage",
            Self::Touchpoint => "touchpoint",
            Self::Recommendations => "recommendations",
            Self::Optimization => "optimization",
        }
    }
}

/// Decisions that were made together, as the log keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// What for.
    pub purpose: Purpose,
    /// The number of the last happening that the session knew.
    pub on: u32,
    /// The visit.
    pub visit: u32,
    /// The kit's version.
    pub kit: i64,
    /// The model's version.
    pub model: String,
    /// What constraints forbade.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forbidden: Vec<Trait>,
    /// The decisions.
    pub decisions: Vec<Decision>,
}

impl Decided {
    /// The event's name in the log.
    pub const EVENT: &'static str = "decision";
    /// The key in the event's body.
    pub const BODY_KEY: &'static str = "decided";
}

#[cfg(test)]
mod tests;
