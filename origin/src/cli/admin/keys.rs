//! `footfall admin key create|list|rotate|revoke`.

use anyhow::Context;
use clap::Subcommand;
use footfall_shared::id::KeyId;
use footfall_shared::keys::KeyKind;
use footfall_shared::permission::Scopes;

use super::{Kind, date, find_shop};
use crate::app::App;
use crate::cli::output::{say, table};
use crate::edges;
use crate::shops::{self, keys};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeyCommand {
    /// Make a key; it is shown once.
    Create {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
        /// For pages, or for servers.
        #[arg(long)]
        kind: Kind,
        /// What you call it.
        #[arg(long)]
        label: String,
        /// What a secret key may be used for, as orders:write (repeat it; none is everything).
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
    },
    /// List a shop's keys.
    List {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
    },
    /// Make a key in another's place, which goes on until the grace is over.
    Rotate {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
        /// The old key's id, as `key list` shows it.
        #[arg(long)]
        id: String,
        /// How long the old key goes on: a number with s, m, h or d.
        #[arg(long, default_value = "24h", value_parser = parse_grace)]
        grace: GraceMs,
    },
    /// Revoke a key; the edges are told.
    Revoke {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
        /// The key's id, as `key list` shows it.
        #[arg(long)]
        id: String,
    },
}

/// A span in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct GraceMs(i64);

fn parse_grace(text: &str) -> Result<GraceMs, String> {
    let fault = || "must be a number with s, m, h or d, as 24h".to_owned();
    let unit = text.chars().last().ok_or_else(fault)?;
    let unit_ms = match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return Err(fault()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| fault())?;
    Ok(GraceMs(i64::from(number) * unit_ms))
}

/// Runs one command.
pub(super) async fn run(app: &App, command: KeyCommand) -> anyhow::Result<()> {
    match command {
        KeyCommand::Create {
            shop,
            kind,
            label,
            scopes,
        } => create(app, &shop, kind, &label, &scopes).await,
        KeyCommand::List { shop } => list(app, &shop).await,
        KeyCommand::Rotate { shop, id, grace } => rotate(app, &shop, &id, grace).await,
        KeyCommand::Revoke { shop, id } => revoke(app, &shop, &id).await,
    }
}

async fn create(
    app: &App,
    slug: &str,
    kind: Kind,
    label: &str,
    scopes: &[String],
) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let kind = match kind {
        Kind::Publishable => KeyKind::Publishable,
        Kind::Secret => KeyKind::Secret,
    };
    let scopes = match scopes {
        [] => Scopes::ALL,
        named => Scopes::parse("scope", named)?,
    };
    let mut tx = app.db().begin().await?;
    let made = keys::create_key(&mut tx, &shop.id, kind, scopes, label, app.now()).await?;
    tx.commit().await?;
    say(format_args!("{}", made.text));
    say(format_args!("({}; it is shown only now)", made.id));
    Ok(())
}

async fn list(app: &App, slug: &str) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let head = [
        "ID", "KIND", "LABEL", "SCOPES", "CREATED", "ENDS", "REVOKED",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    for key in shops::list_keys(&mut app.db().read().await?, &shop.id).await? {
        rows.push([
            key.id,
            key.kind,
            key.label,
            key.scopes.to_texts().join(","),
            date(key.created_at),
            key.expires_at.map(date).unwrap_or_default(),
            key.revoked_at.map(date).unwrap_or_default(),
        ]);
    }
    table(&rows);
    Ok(())
}

async fn rotate(app: &App, slug: &str, id: &str, grace: GraceMs) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let id = KeyId::parse(id)?;
    let mut tx = app.db().begin().await?;
    let (made, ends_at) = keys::rotate_key(app, &mut tx, &shop.id, &id, grace.0, app.now()).await?;
    edges::commit(app, tx).await?;
    say(format_args!("{}", made.text));
    say(format_args!("({}; it is shown only now)", made.id));
    say(format_args!("{id} goes on until {}", ends_at.to_rfc3339()));
    Ok(())
}

async fn revoke(app: &App, slug: &str, id: &str) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let id = KeyId::parse(id)?;
    let mut tx = app.db().begin().await?;
    let revoked = keys::revoke_key(app, &mut tx, &shop.id, &id, app.now()).await?;
    revoked
        .then_some(())
        .with_context(|| format!("the shop `{slug}` has no live key {id}"))?;
    edges::commit(app, tx).await?;
    say(format_args!("{id} is revoked"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_is_a_number_with_its_unit() {
        for (text, millis) in [
            ("0s", 0),
            ("90m", 5_400_000),
            ("24h", 86_400_000),
            ("7d", 604_800_000),
        ] {
            assert_eq!(parse_grace(text), Ok(GraceMs(millis)), "{text}");
        }
        for text in ["", "h", "24", "-1h", "1.5h", "24 h", "1w", "24é"] {
            assert!(parse_grace(text).is_err(), "{text}");
        }
    }
}
