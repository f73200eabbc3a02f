//! `footfall admin`: shops, keys and users.

mod keys;
mod settings;
mod users;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use footfall_shared::id::ExternalId;
use footfall_shared::shop::ShopSettings;
use footfall_shared::time::UtcMillis;

use super::output::{say, table};
use crate::app::App;
use crate::audit::{
    self,
    chain::{Actor, Deed},
};
use crate::db::Db;
use crate::shops::create::{self, NewShop};
use crate::shops::{self, Shop};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Shops.
    #[command(subcommand)]
    Shop(ShopCommand),
    /// API keys.
    #[command(subcommand)]
    Key(keys::KeyCommand),
    /// Users.
    #[command(subcommand)]
    User(users::UserCommand),
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
    /// Show a shop's settings.
    Show {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
    },
    /// Change a shop's settings; the edges are told.
    Set {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
        /// A setting and its value, as locale=en or allowed_origins=https://a.example,https://b.example;
        /// null is the default again (repeat it).
        #[arg(long, value_name = "NAME=VALUE", required = true)]
        set: Vec<String>,
    },
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

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Kind {
    /// Stands in storefront pages.
    Publishable,
    /// Stays on the shop's servers.
    Secret,
}

/// Runs one command.
pub(super) async fn run(app: &App, command: Command) -> anyhow::Result<()> {
    let (db, now) = (app.db(), app.now());
    if let Some((shop, action)) = audited(&command) {
        keep(app, shop, action).await?;
    }
    match command {
        Command::Shop(ShopCommand::Create(arguments)) => create_shop(db, arguments, now).await?,
        Command::Shop(ShopCommand::List) => list_shops(db).await?,
        Command::Shop(ShopCommand::Show { shop }) => settings::show(app, &shop).await?,
        Command::Shop(ShopCommand::Set { shop, set }) => settings::set(app, &shop, &set).await?,
        Command::Key(command) => keys::run(app, command).await?,
        Command::User(command) => users::run(app, command).await?,
        Command::Woocommerce(command) => super::woocommerce::admin(app, command).await?,
    }
    db.close().await;
    Ok(())
}

/// The shop and the name of a command that changes something there.
fn audited(command: &Command) -> Option<(&str, &'static str)> {
    use keys::KeyCommand as Key;
    use users::UserCommand as User;
    match command {
        Command::Shop(ShopCommand::Set { shop, .. }) => Some((shop, "admin shop set")),
        Command::Key(Key::Create { shop, .. }) => Some((shop, "admin key create")),
        Command::Key(Key::Rotate { shop, .. }) => Some((shop, "admin key rotate")),
        Command::Key(Key::Revoke { shop, .. }) => Some((shop, "admin key revoke")),
        Command::User(User::Create { shop, .. }) => Some((shop, "admin user create")),
        Command::User(User::Change { shop, .. }) => Some((shop, "admin user change")),
        Command::User(User::Remove { shop, .. }) => Some((shop, "admin user remove")),
        _ => None,
    }
}

/// Has the audit log tell what somebody is about to do at the command line.
async fn keep(app: &App, slug: &str, action: &'static str) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let deed = Deed {
        actor: Actor::Command,
        action: action.to_owned(),
        subject: String::new(),
        outcome: "begun".to_owned(),
        request_id: String::new(),
    };
    let mut tx = app.db().begin().await?;
    audit::append(app, &mut tx, &shop.id, deed).await?;
    tx.commit().await?;
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

fn date(millis: i64) -> String {
    UtcMillis::new(millis).to_rfc3339()
}
