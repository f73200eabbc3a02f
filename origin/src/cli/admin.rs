//! `footfall admin`: shops, keys and users.

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use footfall_shared::id::{ExternalId, KeyId};
use footfall_shared::keys::KeyKind;
use footfall_shared::shop::ShopSettings;
use footfall_shared::text::hex;
use footfall_shared::time::UtcMillis;

use super::output::{say, table};
use crate::app::{App, system_entropy};
use crate::db::Db;
use crate::edges;
use crate::shops::create::{self, NewShop};
use crate::shops::{self, Role, Shop};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Shops.
    #[command(subcommand)]
    Shop(ShopCommand),
    /// API keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Users.
    #[command(subcommand)]
    User(UserCommand),
    /// The connection with a shop's WooCommerce.
    #[command(subcommand)]
    Woocommerce(super::woocommerce::AdminCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum ShopCommand {
    /// Make a shop.
    Create(CreateShop),
    /// List all shops.
    List,
}

#[derive(Debug, Args)]
pub(super) struct CreateShop {
    /// Short name: lower-case letters, digits and dashes.
    #[arg(long)]
    slug: String,
    /// For people.
    #[arg(long)]
    name: String,
    /// IANA name of the shop's time zone.
    #[arg(long, default_value = "Europe/Amsterdam")]
    timezone: String,
    /// ISO 4217 code of its money.
    #[arg(long, default_value = "EUR")]
    currency: String,
    /// Language of texts for shoppers, nl or en.
    #[arg(long, default_value = "nl")]
    locale: String,
    /// Products that are never offered (repeat it; default 1893 and 334999).
    #[arg(long = "exclude", value_name = "PRODUCT_ID")]
    excluded: Vec<String>,
    /// Origins whose pages may use the publishable keys (repeat it; none allows all).
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    allowed_origins: Vec<String>,
    /// Requests an hour that one address may send to the intelligence routes.
    #[arg(long, default_value_t = ShopSettings::default().requests_per_hour)]
    requests_per_hour: u32,
    /// Different emails that one address may claim a day.
    #[arg(long, default_value_t = ShopSettings::default().emails_per_day)]
    emails_per_day: u32,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
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
    },
    /// List a shop's keys.
    List {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
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

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Kind {
    /// Stands in storefront pages.
    Publishable,
    /// Stays on the shop's servers.
    Secret,
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Make a user. The password is made and shown once, or read from standard input.
    Create {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
        /// What the user logs in with, usually an email.
        #[arg(long)]
        identifier: String,
        /// owner, admin, analyst or support.
        #[arg(long, default_value = "admin")]
        role: Role,
        /// Read the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// List a shop's users.
    List {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
    },
}

/// Runs one command.
pub(super) async fn run(app: &App, command: Command) -> anyhow::Result<()> {
    let (db, now) = (app.db(), app.now());
    match command {
        Command::Shop(ShopCommand::Create(arguments)) => create_shop(db, arguments, now).await?,
        Command::Shop(ShopCommand::List) => list_shops(db).await?,
        Command::Key(KeyCommand::Create { shop, kind, label }) => {
            create_key(db, &shop, kind, &label, now).await?;
        }
        Command::Key(KeyCommand::List { shop }) => list_keys(db, &shop).await?,
        Command::Key(KeyCommand::Revoke { shop, id }) => revoke_key(app, &shop, &id, now).await?,
        Command::User(UserCommand::Create {
            shop,
            identifier,
            role,
            password_stdin,
        }) => {
            create_user(db, &shop, &identifier, role, password_stdin, now).await?;
        }
        Command::User(UserCommand::List { shop }) => list_users(db, &shop).await?,
        Command::Woocommerce(command) => super::woocommerce::admin(app, command).await?,
    }
    db.close().await;
    Ok(())
}

/// The shop with this slug; says where to look where there is none.
pub(super) async fn find_shop(db: &Db, slug: &str) -> anyhow::Result<Shop> {
    let mut reader = db.read().await?;
    shops::find_by_slug(&mut reader, slug)
        .await?
        .with_context(|| format!("there is no shop `{slug}`; see `footfall admin shop list`"))
}

async fn create_shop(db: &Db, arguments: CreateShop, now: UtcMillis) -> anyhow::Result<()> {
    let CreateShop {
        slug,
        name,
        timezone,
        currency,
        locale,
        excluded,
        allowed_origins,
        requests_per_hour,
        emails_per_day,
    } = arguments;
    let mut settings = ShopSettings {
        allowed_origins,
        locale,
        requests_per_hour,
        emails_per_day,
        ..ShopSettings::default()
    };
    if !excluded.is_empty() {
        let ids = excluded.iter().map(|id| ExternalId::parse("exclude", id));
        settings.excluded_products = ids.collect::<Result<_, _>>()?;
    }
    let mut tx = db.begin().await?;
    let new = NewShop {
        slug,
        name,
        timezone,
        currency,
        settings,
    };
    let shop = create::create_shop(&mut tx, new, now).await?;
    tx.commit().await?;
    say(format_args!("shop {} ({})", shop.slug, shop.id));
    say(format_args!(
        "identity secret, for the shop's back end: {}",
        shop.identity_secret
    ));
    Ok(())
}

async fn list_shops(db: &Db) -> anyhow::Result<()> {
    let mut rows = vec![["SLUG", "NAME", "TIME ZONE", "CURRENCY", "ID"].map(str::to_owned)];
    for shop in shops::list_shops(&mut db.read().await?).await? {
        let zone = shop.timezone.iana_name().unwrap_or_default().to_owned();
        let currency = shop.currency.as_str().to_owned();
        rows.push([shop.slug, shop.name, zone, currency, shop.id.to_string()]);
    }
    table(&rows);
    Ok(())
}

async fn create_key(
    db: &Db,
    slug: &str,
    kind: Kind,
    label: &str,
    now: UtcMillis,
) -> anyhow::Result<()> {
    let shop = find_shop(db, slug).await?;
    let kind = match kind {
        Kind::Publishable => KeyKind::Publishable,
        Kind::Secret => KeyKind::Secret,
    };
    let mut tx = db.begin().await?;
    let (id, text) = create::create_key(&mut tx, &shop.id, kind, label, now).await?;
    tx.commit().await?;
    say(format_args!("{text}"));
    say(format_args!("({id}; it is shown only now)"));
    Ok(())
}

async fn list_keys(db: &Db, slug: &str) -> anyhow::Result<()> {
    let shop = find_shop(db, slug).await?;
    let mut rows = vec![["ID", "KIND", "LABEL", "CREATED", "REVOKED"].map(str::to_owned)];
    for key in shops::list_keys(&mut db.read().await?, &shop.id).await? {
        let revoked = key.revoked_at.map(date).unwrap_or_default();
        rows.push([key.id, key.kind, key.label, date(key.created_at), revoked]);
    }
    table(&rows);
    Ok(())
}

async fn revoke_key(app: &App, slug: &str, id: &str, now: UtcMillis) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let id = KeyId::parse(id)?;
    let mut tx = app.db().begin().await?;
    let hash = create::revoke_key(&mut tx, &shop.id, &id, now)
        .await?
        .with_context(|| format!("the shop `{slug}` has no live key {id}"))?;
    edges::queue_key(app, &mut tx, &shop.id, &hash, now).await?;
    edges::commit(app, tx).await?;
    say(format_args!("{id} is revoked"));
    Ok(())
}

async fn create_user(
    db: &Db,
    slug: &str,
    identifier: &str,
    role: Role,
    password_stdin: bool,
    now: UtcMillis,
) -> anyhow::Result<()> {
    let shop = find_shop(db, slug).await?;
    let password = if password_stdin {
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .context("the password cannot be read")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    } else {
        hex(&system_entropy::<12>())
    };
    let mut tx = db.begin().await?;
    let id =
        create::create_user(&mut tx, &shop.id, identifier, password.clone(), role, now).await?;
    tx.commit().await?;
    say(format_args!("{} {identifier} ({id})", role.as_str()));
    if !password_stdin {
        say(format_args!("password, shown only now: {password}"));
    }
    Ok(())
}

async fn list_users(db: &Db, slug: &str) -> anyhow::Result<()> {
    let shop = find_shop(db, slug).await?;
    let mut rows = vec![["ID", "IDENTIFIER", "ROLE", "CREATED"].map(str::to_owned)];
    for user in shops::list_users(&mut db.read().await?, &shop.id).await? {
        rows.push([user.id, user.identifier, user.role, date(user.created_at)]);
    }
    table(&rows);
    Ok(())
}

fn date(millis: i64) -> String {
    UtcMillis::new(millis).to_rfc3339()
}
