//! The brake on guessing passwords: so many failures for an identifier or an address, then a pause.
//!
//! A try is counted before the password is looked at and taken back when it was right, so that tries made
//! at once cannot slip through together. The counts stand in the database, since there may be many nodes.
//!
//! **Invariant:** identifiers and addresses are kept as keyed hashes only. Test:
//! `a_failed_login_leaves_neither_identifier_nor_address`.

use footfall_shared::identity::IpHash;
use footfall_shared::text::hex;
use footfall_shared::time::UtcMillis;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::queries;
use crate::app::App;
use crate::db::StorageError;

/// How long failures are remembered after the first of them, in milliseconds.
pub(super) const WINDOW_MS: i64 = 15 * 60 * 1000;
/// Failures of one identifier before the pause.
const IDENTIFIER_FAILURES_MAX: i64 = 10;
/// Failures of one address before the pause; several people may share one.
const ADDRESS_FAILURES_MAX: i64 = 20;

/// Too many failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paused {
    /// Until when.
    pub(super) ends_at: UtcMillis,
}

/// One try to log in, with whom it counts for.
pub(super) struct Try {
    subjects: Vec<(String, i64)>,
}

impl Try {
    /// A try for an identifier, from an address where it is known.
    pub(super) fn of(app: &App, identifier: &str, caller: Option<&IpHash>) -> Self {
        let key = app.tokens().salt().reveal();
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes())
            .unwrap_or_else(|_| Hmac::<Sha256>::new(&hmac::digest::Key::<Hmac<Sha256>>::default()));
        mac.update(identifier.as_bytes());
        let identifier = format!("identifier:{}", hex(&mac.finalize().into_bytes()));
        let mut subjects = vec![(identifier, IDENTIFIER_FAILURES_MAX)];
        subjects.extend(caller.map(|caller| {
            let subject = format!("address:{}", caller.as_str());
            (subject, ADDRESS_FAILURES_MAX)
        }));
        Self { subjects }
    }

    /// Counts the try as a failure, until [`Try::succeeded`] says otherwise.
    pub(super) async fn begin(
        &self,
        app: &App,
        now: UtcMillis,
    ) -> Result<Result<(), Paused>, StorageError> {
        // Whoever is paused costs no write, so a flood does not take the writer from others.
        let mut db = app.db().read().await?;
        for (subject, max) in &self.subjects {
            let held = queries::find_failures(&mut db, subject, now).await?;
            if let Some((_, ends_at)) = held.filter(|(failures, _)| failures >= max) {
                return Ok(Err(Paused { ends_at }));
            }
        }
        drop(db);
        for (subject, max) in &self.subjects {
            // Each in a transaction of its own: nobody waits for one row while holding another.
            let mut tx = app.db().begin().await?;
            let (failures, ends_at) =
                queries::count_failure(&mut tx, subject, now, now.plus(WINDOW_MS)).await?;
            tx.commit().await?;
            if failures > *max {
                return Ok(Err(Paused { ends_at }));
            }
        }
        Ok(Ok(()))
    }

    /// The password was right: the identifier's failures are forgotten, the address has one less.
    pub(super) async fn succeeded(&self, app: &App, now: UtcMillis) -> Result<(), StorageError> {
        for (index, (subject, _)) in self.subjects.iter().enumerate() {
            let mut tx = app.db().begin().await?;
            if index == 0 {
                queries::forget_failures(&mut tx, subject).await?;
            } else {
                queries::take_back_failure(&mut tx, subject).await?;
            }
            tx.commit().await?;
        }
        let mut tx = app.db().begin().await?;
        tx.serialize("sweep login failures", "").await?;
        queries::sweep_failures(&mut tx, now).await?;
        tx.commit().await
    }
}
