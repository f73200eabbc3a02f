//! `footfall evaluate policy`: what a shop's own policy would have converted, before it meets a single shopper.

#[cfg(not(feature = "edge-host"))]
use absent as guest;
#[cfg(feature = "edge-host")]
use present as guest;

use std::path::Path;

use anyhow::Context;
use footfall_shared::time::UtcMillis;

use super::{admin, open, say};
use crate::config::Config;
use crate::content::evaluation::{Estimate, Evaluation, evaluate};

/// Evaluates a policy on the decisions of a shop since a day, and prints what it tells.
pub(super) async fn run(
    config: &Config,
    file: &Path,
    since: &str,
    slug: &str,
) -> anyhow::Result<()> {
    let since = UtcMillis::parse_rfc3339(&format!("{since}T00:00:00Z"))
        .context("--since must be a date, as 2026-11-01")?;
    let db = open(config).await?;
    let shop = admin::find_shop(&db, slug).await?;
    let trials = guest::collect(&mut db.read().await?, &shop.id, since, file).await?;
    let lines = match evaluate(&trials) {
        Some(told) => lines(&told),
        None => vec![format!(
            "{} decisions with a choice since then: fewer than 100 tell nothing",
            trials.len()
        )],
    };
    for line in lines {
        say(&line);
    }
    db.close().await;
    Ok(())
}

fn lines(told: &Evaluation) -> Vec<String> {
    let percent = |name: &str, one: Estimate| {
        let [mean, low, high] = [one.mean, one.low, one.high].map(|share| share * 100.0);
        format!("{name:<28} {mean:7.3} %   95 %: {low:7.3} to {high:7.3}")
    };
    vec![
        format!(
            "{} decisions with a choice, as good as {:.0} of the policy's own",
            told.trials, told.effective
        ),
        percent("converted, as it was", told.logged),
        percent("by inverse propensity", told.inverse_propensity),
        percent("doubly robust", told.doubly_robust),
        percent("difference, doubly robust", told.difference),
    ]
}

#[cfg(feature = "edge-host")]
mod present {
    use std::path::Path;

    use footfall_edge_host::policy::{Candidate, Context, Lift, Policy, Shopper};
    use footfall_shared::id::ShopId;
    use footfall_shared::journey::content::decide::{Question, Ranked};
    use footfall_shared::journey::content::{Kit, Variant};
    use footfall_shared::journey::session::Session;

    use crate::content::evaluation::Trial;
    use crate::content::trials::{self, OtherPolicy};
    use crate::db::Handle;

    struct OfFile(Policy);

    pub(super) async fn collect(
        db: &mut impl Handle,
        shop: &ShopId,
        since: footfall_shared::time::UtcMillis,
        file: &Path,
    ) -> anyhow::Result<Vec<Trial>> {
        let policy = OfFile(Policy::load(file)?);
        let trials = trials::collect(db, shop, since, &policy).await?;
        let faults = policy.0.faults();
        if faults > 0 {
            super::say(format_args!(
                "the policy failed {faults} times; Thompson sampling answered for it"
            ));
        }
        Ok(trials)
    }

    impl OtherPolicy for OfFile {
        fn rank(
            &self,
            shop: &ShopId,
            kit: &Kit,
            session: &Session,
            asked: Question<'_>,
        ) -> Option<Ranked> {
            let pairs = asked.candidates.iter().zip(asked.probabilities);
            let candidates: Vec<Candidate> = pairs
                .map(|(variant, chance)| candidate(variant, *chance))
                .collect();
            let context = Context {
                shop: shop.as_str().to_owned(),
                slot: asked.slot.as_str().to_owned(),
                kit: kit.version,
            };
            let ranking = self.0.rank(&shopper(kit, session), &candidates, &context)?;
            let (weights, reasons) = ranking
                .ranked
                .into_iter()
                .map(|one| (one.weight, one.reason))
                .unzip();
            Some(Ranked {
                version: ranking.version,
                weights,
                reasons,
            })
        }
    }

    fn candidate(variant: &Variant, probability: u32) -> Candidate {
        Candidate {
            id: variant.id.clone(),
            content: variant.content.clone(),
            traits: variant
                .traits
                .iter()
                .map(|one| one.as_str().to_owned())
                .collect(),
            probability,
            lift: variant.lift.map(|lift| Lift {
                difference: lift.difference,
                low: lift.low,
                high: lift.high,
            }),
        }
    }

    /// As the edge tells it (edge/spin/src/policy.rs).
    fn shopper(kit: &Kit, session: &Session) -> Shopper {
        let persona = session.persona.as_ref();
        let probability = kit.model.probability(&session.observed(session.last_at));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a probability is 0 to 1"
        )]
        let conversion_millionths = (probability * 1e6) as u32;
        Shopper {
            stage: session.stage.as_str().to_owned(),
            device: session.device.as_str().to_owned(),
            source: session.source.clone(),
            persona: persona.map(|persona| persona.kind.clone()),
            locale: session.locale.clone(),
            returning: session.returning,
            exit_intent: session.exit_intent,
            touchpoints: session.touchpoints,
            engagement_milli: session.engagement_milli.into(),
            intent_milli: session.intent_strength_milli().into(),
            conversion_millionths,
        }
    }
}

#[cfg(not(feature = "edge-host"))]
mod absent {
    use std::path::Path;

    use footfall_shared::id::ShopId;
    use footfall_shared::time::UtcMillis;

    use crate::content::evaluation::Trial;
    use crate::db::Handle;

    #[expect(
        clippy::unused_async,
        reason = "as the one in a binary that has the host"
    )]
    pub(super) async fn collect(
        _: &mut impl Handle,
        _: &ShopId,
        _: UtcMillis,
        _: &Path,
    ) -> anyhow::Result<Vec<Trial>> {
        anyhow::bail!(
            "this binary was built without the embedded host: cargo build --features edge-host"
        )
    }
}
