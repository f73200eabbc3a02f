//! `footfall admin woocommerce` and `footfall sync woocommerce`.

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use footfall_shared::text::hex;
use footfall_shared::time::UtcMillis;

use super::admin::find_shop;
use super::output::{say, table};
use crate::app::{App, system_entropy};
use crate::shops::Shop;
use crate::woocommerce::connection::{
    ApiAccess, Secret, ShopUrl, disconnect, find_connection, set_api, set_webhook_secret,
};
use crate::woocommerce::{Progress, Resource, list_passes, sync};

#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Set the secret that the shop's webhooks sign with. It is made and shown once, or read from standard
    /// input.
    Webhook {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
        /// Read the secret from the first line of standard input.
        #[arg(long)]
        secret_stdin: bool,
    },
    /// Store how the shop's API is read; the serving origin then reconciles on schedule.
    Api {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
        #[command(flatten)]
        access: Access,
    },
    /// Show how the shop is connected and how far its lists are read.
    Show {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
    },
    /// Forget the secrets; orders and products stay.
    Disconnect {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
    },
}

/// The way to a shop's API. Secrets are better in the environment than in a command line, which other users of
/// the machine can see.
#[derive(Debug, Args)]
pub(super) struct Access {
    /// Base URL of the shop, as https://shop.example.
    #[arg(long)]
    url: Option<String>,
    /// Consumer key with the permission to read, ck_….
    #[arg(long, env = "FOOTFALL_WOOCOMMERCE_KEY", hide_env_values = true)]
    consumer_key: Option<String>,
    /// Consumer secret, cs_….
    #[arg(long, env = "FOOTFALL_WOOCOMMERCE_SECRET", hide_env_values = true)]
    consumer_secret: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum SyncCommand {
    /// Read products, orders and customers from a WooCommerce shop, and mend what is missing here. A killed
    /// reading goes on where it was.
    Woocommerce {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
        /// Where and with which key; what is not given is what `admin woocommerce api` stored.
        #[command(flatten)]
        access: Access,
        /// Only these lists, separated by commas.
        #[arg(long, value_delimiter = ',')]
        only: Vec<List>,
        /// Read everything, not only what changed since the last time.
        #[arg(long)]
        full: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum List {
    /// The catalogue.
    Products,
    /// Orders, and those in the trash.
    Orders,
    /// Registered customers.
    Customers,
}

/// Runs `footfall admin woocommerce …`.
pub(super) async fn admin(app: &App, command: AdminCommand) -> anyhow::Result<()> {
    match command {
        AdminCommand::Webhook { shop, secret_stdin } => set_secret(app, &shop, secret_stdin).await,
        AdminCommand::Api { shop, access } => store_access(app, &shop, access).await,
        AdminCommand::Show { shop } => show(app, &shop).await,
        AdminCommand::Disconnect { shop } => forget(app, &shop).await,
    }
}

async fn set_secret(app: &App, slug: &str, from_stdin: bool) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let text = if from_stdin {
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .context("the secret cannot be read")?;
        line
    } else {
        hex(&system_entropy::<32>())
    };
    let secret = Secret::parse("secret", &text)?;
    let mut tx = app.db().begin().await?;
    set_webhook_secret(&mut tx, &shop.id, &secret, app.now()).await?;
    tx.commit().await?;
    say(format_args!("delivery path: /webhooks/woocommerce/{slug}"));
    if !from_stdin {
        say(format_args!("secret, shown only now: {text}"));
    }
    Ok(())
}

async fn store_access(app: &App, slug: &str, access: Access) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let access = complete(access, None)?;
    let mut tx = app.db().begin().await?;
    set_api(&mut tx, &shop.id, &access, app.now()).await?;
    tx.commit().await?;
    say(format_args!("{slug} is read from {}", access.url.as_str()));
    Ok(())
}

/// The access that is given, what is not given being what is stored.
fn complete(given: Access, stored: Option<ApiAccess>) -> anyhow::Result<ApiAccess> {
    let Access {
        url,
        consumer_key,
        consumer_secret,
    } = given;
    let secret =
        |name, text: Option<String>| text.map(|text| Secret::parse(name, &text)).transpose();
    let url = url.map(|url| ShopUrl::parse(&url)).transpose()?;
    let key = secret("consumer key", consumer_key)?;
    let proof = secret("consumer secret", consumer_secret)?;
    let (stored_url, stored_key, stored_proof) = match stored {
        Some(ApiAccess {
            url,
            consumer_key,
            consumer_secret,
        }) => (Some(url), Some(consumer_key), Some(consumer_secret)),
        None => (None, None, None),
    };
    Ok(ApiAccess {
        url: url.or(stored_url).context("--url is needed")?,
        consumer_key: key
            .or(stored_key)
            .context("FOOTFALL_WOOCOMMERCE_KEY or --consumer-key is needed")?,
        consumer_secret: proof
            .or(stored_proof)
            .context("FOOTFALL_WOOCOMMERCE_SECRET or --consumer-secret is needed")?,
    })
}

async fn show(app: &App, slug: &str) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let mut db = app.db().read().await?;
    let connection = find_connection(&mut db, &shop.id)
        .await?
        .unwrap_or_default();
    let is_set = if connection.webhook_secret.is_some() {
        "set"
    } else {
        "not set"
    };
    say(format_args!("webhook secret: {is_set}"));
    let url = connection
        .api
        .as_ref()
        .map_or("not set", |api| api.url.as_str());
    say(format_args!("API: {url}"));
    let head = [
        "LIST", "STATE", "CHECKED", "MISSING", "MENDED", "REFUSED", "FINISHED",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    for pass in list_passes(&mut db, &shop.id).await? {
        let state = if pass.under_way { "under way" } else { "read" };
        let counts = pass.counts;
        rows.push([
            pass.resource,
            state.to_owned(),
            counts.checked.to_string(),
            counts.missing.to_string(),
            counts.mended.to_string(),
            counts.refused.to_string(),
            pass.finished_at
                .map(UtcMillis::to_rfc3339)
                .unwrap_or_default(),
        ]);
    }
    table(&rows);
    Ok(())
}

async fn forget(app: &App, slug: &str) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let mut tx = app.db().begin().await?;
    let was_there = disconnect(&mut tx, &shop.id).await?;
    tx.commit().await?;
    anyhow::ensure!(was_there, "the shop `{slug}` is not connected");
    say(format_args!("{slug} is disconnected"));
    Ok(())
}

/// Runs `footfall sync …`.
pub(super) async fn run_sync(app: &App, command: SyncCommand) -> anyhow::Result<()> {
    let SyncCommand::Woocommerce {
        shop,
        access,
        only,
        full,
    } = command;
    let shop: Shop = find_shop(app.db(), &shop).await?;
    let connection = find_connection(&mut app.db().read().await?, &shop.id).await?;
    let access = complete(access, connection.and_then(|connection| connection.api))?;
    let wanted = |resource: &Resource| {
        let list = match resource {
            Resource::Products => List::Products,
            Resource::Orders | Resource::Trash => List::Orders,
            Resource::Customers => List::Customers,
        };
        only.is_empty() || only.contains(&list)
    };
    let resources: Vec<Resource> = Resource::ALL.into_iter().filter(wanted).collect();
    let synced = sync(app, &shop, &access, &resources, full, &tell).await;
    app.db().close().await;
    Ok(synced?)
}

fn tell(progress: Progress) {
    let Progress {
        resource,
        page,
        total,
        counts,
        done,
    } = progress;
    let of = total
        .map(|total| format!(" of {total}"))
        .unwrap_or_default();
    let state = if done { "done" } else { "going on" };
    say(format_args!(
        "{}: page {page}, {}{of} checked, {} missing, {} mended, {} refused, {state}",
        resource.as_str(),
        counts.checked,
        counts.missing,
        counts.mended,
        counts.refused,
    ));
}
