//! `footfall admin user create|list|change|remove`.

use anyhow::Context;
use clap::Subcommand;
use footfall_shared::id::UserId;
use footfall_shared::text::hex;

use super::{date, find_shop};
use crate::app::{App, system_entropy};
use crate::cli::output::{say, table};
use crate::shops::users::{self, UserChange};
use crate::shops::{self, Role, Shop, create};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum UserCommand {
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
    /// Give a user another role, or another password, which ends every login of the user.
    Change {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
        /// What the user logs in with.
        #[arg(long)]
        identifier: String,
        /// owner, admin, analyst or support.
        #[arg(long)]
        role: Option<Role>,
        /// Make a new password and show it once.
        #[arg(long, conflicts_with = "password_stdin")]
        new_password: bool,
        /// Read the new password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Remove a user with every login.
    Remove {
        /// The shop's slug.
        #[arg(long)]
        shop: String,
        /// What the user logs in with.
        #[arg(long)]
        identifier: String,
    },
}

/// Runs one command.
pub(super) async fn run(app: &App, command: UserCommand) -> anyhow::Result<()> {
    match command {
        UserCommand::Create {
            shop,
            identifier,
            role,
            password_stdin,
        } => create_user(app, &shop, &identifier, role, password_stdin).await,
        UserCommand::List { shop } => list(app, &shop).await,
        UserCommand::Change {
            shop,
            identifier,
            role,
            new_password,
            password_stdin,
        } => {
            let password = (new_password || password_stdin).then_some(password_stdin);
            change(app, &shop, &identifier, role, password).await
        }
        UserCommand::Remove { shop, identifier } => remove(app, &shop, &identifier).await,
    }
}

/// The password from standard input, or a made one, which is to be shown.
fn take_password(from_stdin: bool) -> anyhow::Result<String> {
    if !from_stdin {
        return Ok(hex(&system_entropy::<12>()));
    }
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .context("the password cannot be read")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn show_password(password: &str, from_stdin: bool) {
    if !from_stdin {
        say(format_args!("password, shown only now: {password}"));
    }
}

async fn create_user(
    app: &App,
    slug: &str,
    identifier: &str,
    role: Role,
    from_stdin: bool,
) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let password = take_password(from_stdin)?;
    let hash = users::prepare_password(password.clone()).await?;
    let mut tx = app.db().begin().await?;
    let id = create::record_user(&mut tx, &shop.id, identifier, &hash, role, app.now()).await?;
    tx.commit().await?;
    say(format_args!("{} {identifier} ({id})", role.as_str()));
    show_password(&password, from_stdin);
    Ok(())
}

async fn list(app: &App, slug: &str) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let mut rows = vec![["ID", "IDENTIFIER", "ROLE", "CREATED"].map(str::to_owned)];
    for user in shops::list_users(&mut app.db().read().await?, &shop.id).await? {
        rows.push([user.id, user.identifier, user.role, date(user.created_at)]);
    }
    table(&rows);
    Ok(())
}

async fn find_user(app: &App, shop: &Shop, identifier: &str) -> anyhow::Result<UserId> {
    let found = shops::find_login(&mut app.db().read().await?, identifier).await?;
    found
        .filter(|found| found.shop.id == shop.id)
        .map(|found| found.user)
        .with_context(|| format!("the shop `{}` has no user `{identifier}`", shop.slug))
}

async fn change(
    app: &App,
    slug: &str,
    identifier: &str,
    role: Option<Role>,
    password_from_stdin: Option<bool>,
) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let user = find_user(app, &shop, identifier).await?;
    let password = password_from_stdin.map(take_password).transpose()?;
    let hash = match &password {
        Some(password) => Some(users::prepare_password(password.clone()).await?),
        None => None,
    };
    let change = UserChange {
        role,
        password: hash,
    };
    let mut tx = app.db().begin().await?;
    users::change_user(&mut tx, &shop.id, &user, change, app.now()).await?;
    tx.commit().await?;
    say(format_args!("{identifier} is changed"));
    if let (Some(password), Some(from_stdin)) = (password, password_from_stdin) {
        show_password(&password, from_stdin);
    }
    Ok(())
}

async fn remove(app: &App, slug: &str, identifier: &str) -> anyhow::Result<()> {
    let shop = find_shop(app.db(), slug).await?;
    let user = find_user(app, &shop, identifier).await?;
    let mut tx = app.db().begin().await?;
    users::remove_user(&mut tx, &shop.id, &user).await?;
    tx.commit().await?;
    say(format_args!("{identifier} is removed"));
    Ok(())
}
