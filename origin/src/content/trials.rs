//! The decisions of the log, as off-policy evaluation needs them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use footfall_shared::event::Event;
use footfall_shared::id::ShopId;
use footfall_shared::journey::content::decide::{
    Choosing, Decided, Decision, Question, Ranked, Whom,
};
use footfall_shared::journey::content::{Kit, Seen};
use footfall_shared::journey::session::Session;
use footfall_shared::time::UtcMillis;

use super::evaluation::{Arm, Trial};
use super::exposures::decided_of;
use super::queries::counts::{find_decisions, find_exposures};
use super::queries::kits::find_kit;
use crate::db::{Handle, StorageError};
use crate::journey;

/// Decisions read at once.
const PAGE: i64 = 500;

/// What another policy is asked: the session as it stood, the kit, the candidates.
pub trait OtherPolicy {
    /// What it says; `None` leaves the choice to Thompson sampling.
    fn rank(
        &self,
        shop: &ShopId,
        kit: &Kit,
        session: &Session,
        asked: Question<'_>,
    ) -> Option<Ranked>;
}

/// The first decision of each visit and slot since then, with what another policy would have chosen. Visits that were
/// left alone and decisions that cannot be made again are no trials.
pub async fn collect(
    db: &mut impl Handle,
    shop: &ShopId,
    since: UtcMillis,
    policy: &impl OtherPolicy,
) -> Result<Vec<Trial>, StorageError> {
    let (mut trials, mut after) = (Vec::new(), 0);
    let mut kits = BTreeMap::from([(0, Some(Kit::built_in()))]);
    loop {
        let page = find_decisions(db, shop, since, after, PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(trials);
        };
        after = *last;
        for (_, event) in &page {
            let (Some(decided), Some(session)) = (decided_of(event), event.session_id.as_deref())
            else {
                continue;
            };
            if let Entry::Vacant(kit) = kits.entry(decided.kit) {
                kit.insert(find_kit(db, shop, decided.kit).await?);
            }
            let kit = kits.get(&decided.kit).and_then(Option::as_ref);
            let on = journey::fold_until(db, shop, session, decided.on).await?;
            let (Some(kit), Some(on)) = (kit, on) else {
                continue;
            };
            let again = decide_as(policy, shop, session, kit, &on, &decided);
            let sold = sold_after(db, shop, event, &decided).await?;
            trials.extend(decided.decisions.iter().filter_map(|decision| {
                let sold = *sold.get(decision.slot.as_str())?;
                trial(
                    decision,
                    again.iter().find(|one| one.slot == decision.slot)?,
                    sold,
                )
            }));
        }
    }
}

fn decide_as(
    policy: &impl OtherPolicy,
    shop: &ShopId,
    session: &str,
    kit: &Kit,
    on: &Session,
    decided: &Decided,
) -> Vec<Decision> {
    let choosing = Choosing {
        kit,
        whom: Whom {
            shop: shop.as_str(),
            session,
        },
        seen: Seen::of(on),
        forbidden: &decided.forbidden,
        policy: &|asked: Question<'_>| policy.rank(shop, kit, on, asked),
    };
    let slots: Vec<_> = decided.decisions.iter().map(|one| one.slot).collect();
    choosing.slots(&slots)
}

/// By slot whether the visit bought after this decision; a slot that was decided before in this visit is missing.
async fn sold_after(
    db: &mut impl Handle,
    shop: &ShopId,
    event: &Event,
    decided: &Decided,
) -> Result<BTreeMap<String, bool>, StorageError> {
    let session = event.session_id.as_deref().unwrap_or_default();
    let exposures = find_exposures(db, shop, &[session]).await?;
    let of_this = exposures
        .into_iter()
        .filter(|((_, visit, _), exposure)| *visit == decided.visit && exposure.on == decided.on);
    Ok(of_this
        .map(|((_, _, slot), exposure)| (slot, exposure.sold))
        .collect())
}

fn trial(logged: &Decision, wanted: &Decision, sold: bool) -> Option<Trial> {
    let chosen = logged.chosen.as_ref()?;
    let arms: Vec<Arm> = logged
        .candidates
        .iter()
        .map(|candidate| {
            let same = wanted
                .candidates
                .iter()
                .find(|one| one.variant == candidate.variant);
            Arm {
                name: format!("{}/{}", logged.slot.as_str(), candidate.variant),
                logged: candidate.probability,
                wanted: same.map_or(0, |one| one.probability),
            }
        })
        .collect();
    let place = logged
        .candidates
        .iter()
        .position(|one| one.variant == *chosen)?;
    // Where there was one candidate only, every policy is the same.
    (arms.len() > 1).then_some(Trial {
        arms,
        chosen: place,
        sold,
    })
}
