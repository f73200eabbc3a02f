//! A file for somebody that takes longer than a request: a job makes it, and it is there for a week.
//!
//! Neither the job nor its result names the person: the export's row has the email's keyed hash, and goes with an erasure.

use footfall_shared::id::{JobId, PrivacyExportId};
use footfall_shared::identity::{Email, EmailHash};
use footfall_shared::time::{DAY_MS, UtcMillis};
use serde_json::json;

use super::export::collect;
use super::queries::export::{self as queries, Export};
use crate::app::App;
use crate::db::StorageError;
use crate::intelligence::take_turn;
use crate::jobs::{self, JobFault, JobKind, NewJob, Run};
use crate::shops::{self, Shop};

/// How long a file is there.
const KEPT_MS: i64 = 7 * DAY_MS;

/// Asks for a file for whoever has an email; one that is being made already is that one.
pub(super) async fn ask(
    app: &App,
    shop: &Shop,
    hash: &EmailHash,
    now: UtcMillis,
) -> Result<Export, StorageError> {
    let mut tx = app.db().begin().await?;
    take_turn(&mut tx, &shop.id).await?;
    if let Some(asked) = queries::find_unmade(&mut tx, &shop.id, hash).await? {
        return Ok(asked);
    }
    let id = PrivacyExportId::generate(now, app.entropy());
    let what = NewJob {
        kind: JobKind::PrivacyExport,
        subject: id.to_string(),
        options: json!({}),
    };
    let job: JobId = jobs::enqueue(app, &mut tx, &shop.id, &what, None).await?;
    let export = Export {
        id: id.to_string(),
        email_hash: hash.as_str().to_owned(),
        job_id: job.to_string(),
        bytes: None,
        created_at: now.get(),
        expires_at: now.plus(KEPT_MS).get(),
    };
    queries::insert(&mut tx, &shop.id, &export).await?;
    tx.commit().await?;
    Ok(export)
}

/// Makes the file.
///
/// # Errors
/// [`JobFault::Lost`] where it is not wanted any more.
pub async fn export(run: &Run) -> Result<(), JobFault> {
    let (app, id) = (&run.app, run.job.what.subject.as_str());
    let now = app.now();
    let (shop, email) = {
        let mut db = app.db().read().await?;
        let shop = shops::find_by_id(&mut db, &run.job.shop).await?;
        let shop = shop.ok_or(JobFault::Lost)?;
        let export = queries::find(&mut db, &shop.id, id, now).await?;
        let export = export.ok_or(JobFault::Lost)?;
        let email = queries::find_email(&mut db, &shop.id, &export.email_hash).await?;
        (shop, email)
    };
    let email = email.and_then(|text| Email::parse("email", &text).ok());
    let Some(email) = email else {
        return Err(JobFault::Impossible(
            "nothing is held of this person any more".to_owned(),
        ));
    };
    let bytes = collect(app, &shop, &email, now).await?.unwrap_or_default();
    let mut tx = app.db().begin().await?;
    if !queries::put_bytes(&mut tx, &shop.id, id, &bytes, app.now()).await? {
        return Err(JobFault::Lost);
    }
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    run.finish(&mut tx, size, &json!({"bytes": size})).await?;
    tx.commit().await?;
    Ok(())
}
