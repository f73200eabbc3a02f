//! Makes the database ready: tables, demo shop, and the keys and admin that the secrets file holds.

use anyhow::Context;
use footfall_shared::keys::{ApiKey, KeyKind};

use super::secrets::Secrets;
use crate::app::App;
use crate::cli::{open, say};
use crate::config::Config;
use crate::demo;
use crate::shops::create::{self, CreateError};
use crate::shops::{self, Role, Shop};

/// What the keys are called in the shop's list.
const LABEL: &str = "footfall dev";

/// Migrates, seeds a new database, and makes the secrets valid in it.
pub(super) async fn database(config: &Config, secrets: &mut Secrets) -> anyhow::Result<()> {
    say(format_args!("opening {} …", config.database_url.engine()));
    // No edge runs yet, so none holds anything that it would have to be told of.
    let quiet = Config {
        edges: Vec::new(),
        ..config.clone()
    };
    let app = App::new(quiet, open(config).await?);
    let known = shops::find_by_slug(&mut app.db().read().await?, demo::SLUG).await?;
    if known.is_none() {
        say("making the demo shop …");
        demo::seed(&app, &|line| say(line)).await?;
    }
    let shop = shops::find_by_slug(&mut app.db().read().await?, demo::SLUG)
        .await?
        .context("the demo shop was made but cannot be found")?;
    ensure_key(&app, &shop, secrets, KeyKind::Publishable).await?;
    ensure_key(&app, &shop, secrets, KeyKind::Secret).await?;
    ensure_admin(&app, &shop, secrets).await?;
    app.db().close().await;
    Ok(())
}

async fn ensure_key(
    app: &App,
    shop: &Shop,
    secrets: &mut Secrets,
    kind: KeyKind,
) -> anyhow::Result<()> {
    let text = match kind {
        KeyKind::Publishable => secrets.publishable_key.clone(),
        KeyKind::Secret => secrets.secret_key.clone(),
    };
    if let Some(key) = ApiKey::parse(&text).filter(|key| key.kind == kind) {
        let found = shops::find_by_key(&mut app.db().read().await?, &key).await?;
        if found.is_some_and(|found| found.id == shop.id) {
            return Ok(());
        }
        let mut tx = app.db().begin().await?;
        match create::record_key(&mut tx, &shop.id, &text, LABEL, app.now()).await {
            Ok(_) => return Ok(tx.commit().await?),
            // It is there and was revoked, or belongs to another shop.
            Err(CreateError::Taken { .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    secrets.replace_key(kind)?;
    Box::pin(ensure_key(app, shop, secrets, kind)).await
}

async fn ensure_admin(app: &App, shop: &Shop, secrets: &Secrets) -> anyhow::Result<()> {
    let (identifier, password) = (&secrets.admin_identifier, &secrets.admin_password);
    let users = shops::list_users(&mut app.db().read().await?, &shop.id).await?;
    let known = users.iter().any(|user| user.identifier == *identifier);
    let mut tx = app.db().begin().await?;
    if known {
        // Whatever password it had in this database, dev.json is to be right.
        create::reset_password(&mut tx, &shop.id, identifier, password.clone()).await?;
    } else {
        let now = app.now();
        create::create_user(
            &mut tx,
            &shop.id,
            identifier,
            password.clone(),
            Role::Owner,
            now,
        )
        .await?;
    }
    Ok(tx.commit().await?)
}
