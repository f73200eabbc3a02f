//! Makes the database ready: tables, demo shop, and the keys and admin that the secrets file holds.

use anyhow::Context;
use footfall_shared::keys::{ApiKey, KeyKind};

use super::secrets::Secrets;
use crate::app::App;
use crate::auth::password_matches;
use crate::cli::{open, say};
use crate::config::Config;
use crate::demo;
use crate::shops::create::{self, CreateError};
use crate::shops::users::{self, UserChange};
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
        let found = shops::find_by_key(&mut app.db().read().await?, &key, app.now()).await?;
        if found.is_some_and(|(found, ..)| found.id == shop.id) {
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
    let known = shops::find_login(&mut app.db().read().await?, identifier).await?;
    let known = known.filter(|known| known.shop.id == shop.id);
    let now = app.now();
    if let Some(known) = &known
        && password_matches(password.clone(), known.password.clone()).await
    {
        return Ok(());
    }
    let hash = users::prepare_password(password.clone()).await?;
    let mut tx = app.db().begin().await?;
    if let Some(known) = known {
        // Whatever password it had in this database, dev.json is to be right.
        let change = UserChange {
            password: Some(hash),
            ..UserChange::default()
        };
        users::change_user(&mut tx, &shop.id, &known.user, change, now).await?;
    } else {
        create::record_user(&mut tx, &shop.id, identifier, &hash, Role::Owner, now).await?;
    }
    Ok(tx.commit().await?)
}
