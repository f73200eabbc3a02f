//! Records what was done with a customer.

use footfall_shared::customer::history::{History, RecordedInteraction};
use footfall_shared::customer::stage;
use footfall_shared::customer::success::SuccessModel;
use footfall_shared::customer::{CustomerRecord, Interaction};
use footfall_shared::id::{CustomerRecordId, InteractionId};
use footfall_shared::identity::EmailHash;
use footfall_shared::time::UtcMillis;

use super::queries::interactions;
use super::{refuse, success, write};
use crate::app::App;
use crate::db::Handle;
use crate::http::error::AppError;
use crate::privacy::consent;
use crate::shops::Shop;

/// A customer with the interaction that was recorded just now.
pub(super) struct Recorded {
    pub(super) record: CustomerRecord,
    pub(super) history: History,
    pub(super) recorded: RecordedInteraction,
    pub(super) model: SuccessModel,
}

/// Records an interaction.
///
/// # Errors
/// `customer_not_found`, `profile_incomplete`, `interaction_conflict`.
pub(super) async fn record(
    app: &App,
    shop: &Shop,
    id: &CustomerRecordId,
    interaction: Interaction,
    now: UtcMillis,
) -> Result<Recorded, AppError> {
    let mut tx = app.db().begin().await?;
    let (stored, history) = write::hold(&mut tx, shop, id).await?;
    require_reachable(&mut tx, shop, &stored.record, &interaction).await?;
    let recorded = RecordedInteraction {
        id: InteractionId::generate(now, app.entropy()),
        recorded_at: now,
        interaction,
    };
    if !interactions::insert(&mut tx, &shop.id, id, &recorded).await? {
        let same = |one: &&RecordedInteraction| {
            (one.interaction.kind, one.interaction.at)
                == (recorded.interaction.kind, recorded.interaction.at)
        };
        let there = history.all().iter().find(same);
        return Err(refuse::interaction_conflict(
            there.map_or("", |there| there.id.as_str()),
        ));
    }
    let all = [history.all(), std::slice::from_ref(&recorded)].concat();
    let history = History::new(all);
    write::save(&mut tx, shop, &stored, &stored.record, &history, now).await?;
    // Only a sale that was closed is something to learn from.
    if stage::current(&history).is_closed() {
        success::ask_if_due(app, &mut tx, shop).await?;
    }
    let model = success::model_of(&mut tx, shop).await?;
    tx.commit().await?;
    Ok(Recorded {
        record: stored.record,
        history,
        recorded,
        model,
    })
}

/// A follow-up by email needs an address, if nothing else says that the customer is written to, and a customer who may be
/// written to.
async fn require_reachable(
    db: &mut impl Handle,
    shop: &Shop,
    record: &CustomerRecord,
    interaction: &Interaction,
) -> Result<(), AppError> {
    let follow_up = interaction.follow_up.as_ref();
    let by_email =
        follow_up.is_some_and(|one| one.required && one.kind.as_deref() == Some("email"));
    if !by_email {
        return Ok(());
    }
    let channels = &record.communication_preferences.preferred_channels;
    let Some(email) = &record.email else {
        return match channels.iter().any(|one| one == "email") {
            true => Ok(()),
            false => Err(refuse::incomplete(
                "A follow-up by email needs the customer's email",
                "email",
            )),
        };
    };
    if !consent::may_email(db, shop, &EmailHash::of(email, &shop.salt)).await? {
        let message = "A follow-up by email needs the customer's consent to be written to";
        return Err(refuse::incomplete(message, "email_consent"));
    }
    Ok(())
}
