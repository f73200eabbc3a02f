//! Appends to the chain.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::MatchedPath;
use footfall_shared::id::{RequestId, ShopId};
use footfall_shared::permission::is_audited;
use http::StatusCode;
use http::request::Parts;

use super::chain::{Actor, BEFORE_ALL, Deed, Entry};
use super::queries;
use crate::app::App;
use crate::db::{StorageError, Tx};

/// Appends a deed, in the caller's transaction.
pub async fn append(app: &App, tx: &mut Tx, shop: &ShopId, deed: Deed) -> Result<(), StorageError> {
    tx.serialize("audit", shop.as_str()).await?;
    let last = queries::find_last(tx, shop).await?;
    let before = last
        .as_ref()
        .map_or((0, BEFORE_ALL), |(seq, digest)| (*seq, digest.as_str()));
    let entry = Entry::after(shop.as_str(), before, deed, app.now());
    queries::insert(tx, shop, &entry).await
}

/// Where a request leaves what it began, so that it can be told if it failed.
#[derive(Debug, Clone, Default)]
pub struct AuditSlot(Arc<Mutex<Option<Begun>>>);

/// A deed that was begun.
#[derive(Debug, Clone)]
pub struct Begun {
    app: App,
    shop: ShopId,
    deed: Deed,
}

impl AuditSlot {
    fn set(&self, begun: Begun) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun);
    }

    /// What was begun.
    #[must_use]
    pub fn take(&self) -> Option<Begun> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Appends what a caller is about to do, if it is one of the things that are kept.
pub async fn begin(
    app: &App,
    parts: &Parts,
    shop: &ShopId,
    actor: Actor,
) -> Result<(), StorageError> {
    let Some(route) = parts.extensions.get::<MatchedPath>() else {
        return Ok(());
    };
    if !is_audited(parts.method.as_str(), route.as_str()) {
        return Ok(());
    }
    let id = parts.headers.get(RequestId::HEADER);
    let deed = Deed {
        actor,
        action: format!("{} {}", parts.method, route.as_str()),
        subject: parts.uri.path().to_owned(),
        outcome: "begun".to_owned(),
        request_id: id
            .and_then(|id| id.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
    };
    let mut tx = app.db().begin().await?;
    append(app, &mut tx, shop, deed.clone()).await?;
    tx.commit().await?;
    if let Some(slot) = parts.extensions.get::<AuditSlot>() {
        slot.set(Begun {
            app: app.clone(),
            shop: shop.clone(),
            deed,
        });
    }
    Ok(())
}

impl Begun {
    /// Appends that the deed failed, if it did.
    pub async fn settle(self, status: StatusCode) {
        if !status.is_client_error() && !status.is_server_error() {
            return;
        }
        let Self { app, shop, deed } = self;
        let deed = Deed {
            outcome: format!("failed {}", status.as_u16()),
            ..deed
        };
        let appended = async {
            let mut tx = app.db().begin().await?;
            append(&app, &mut tx, &shop, deed).await?;
            tx.commit().await
        };
        if let Err(error) = appended.await {
            tracing::error!(%error, "the audit log does not tell that something failed");
        }
    }
}
