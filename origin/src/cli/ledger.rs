//! `footfall doctor --ledger`: whether every accepted event is where it should be, shop by shop.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context;

use super::output::{say, table};
use crate::app::App;
use crate::config::Config;
use crate::db::Db;
use crate::edges::{Books, read_books};
use crate::ingest::silence::find_silent;
use crate::shops;

/// Prints the books; the exit code tells whether they balance.
pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let db = Db::connect(config.database_url.reveal())
        .await
        .context("the database does not answer")?;
    let app = App::new(config.clone(), db);
    let mut slugs = BTreeMap::new();
    for shop in shops::list_shops(&mut app.db().read().await?).await? {
        slugs.insert(shop.id.as_str().to_owned(), shop.slug);
    }
    let heads = [
        "EDGE",
        "SHOP",
        "ACCEPTED",
        "STORED",
        "DUPLICATE",
        "REJECTED",
        "PENDING",
        "IN LOG",
        "",
    ];
    let mut rows = vec![heads.map(str::to_owned)];
    let mut balanced = true;
    for edge in &config.edges {
        match read_books(&app, edge).await {
            Ok(books) => {
                balanced &= books.shops.iter().all(Books::balance);
                rows.extend(books.shops.iter().map(|books| row(edge, books, &slugs)));
            }
            Err(fault) => {
                balanced = false;
                say(format_args!(
                    "  BAD   {edge}: {fault}; start it, or correct FOOTFALL_EDGES"
                ));
            }
        }
    }
    table(&rows);
    for silent in find_silent(&mut app.db().read().await?, app.now()).await? {
        say(format_args!(
            "  warn  {}: silent for {} hours",
            silent.shop, silent.hours
        ));
    }
    app.db().close().await;
    say(format_args!(
        "{}",
        if balanced {
            "the ledger balances"
        } else {
            "the ledger does NOT balance"
        }
    ));
    Ok(if balanced {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn row(edge: &str, books: &Books, slugs: &BTreeMap<String, String>) -> [String; 9] {
    let ledger = &books.ledger;
    let shop = ledger.shop.as_str();
    let verdict = if books.balance() {
        "balances"
    } else {
        "DOES NOT BALANCE"
    };
    [
        edge.to_owned(),
        slugs.get(shop).map_or(shop, String::as_str).to_owned(),
        ledger.accepted.to_string(),
        ledger.stored.to_string(),
        ledger.duplicate.to_string(),
        ledger.rejected.to_string(),
        ledger.pending.to_string(),
        books.logged_after.to_string(),
        verdict.to_owned(),
    ]
}
