//! Checks of the database and of what stands in it: tables, shops, keys, what waits.

use footfall_shared::identity::Trust;
use footfall_shared::keys::KeyKind;
use footfall_shared::mode::Mode;
use footfall_shared::time::UtcMillis;

use super::finding::Finding;
use crate::app::Clock;
use crate::config::Config;
use crate::db::{Db, Reader, StorageError};
use crate::shops::keys::is_live;
use crate::shops::{self, Shop};
use crate::{demo, edges, ingest};

/// Changes that an edge may wait for without anything being wrong: an import makes as many at once.
const WAITING_WARN: i64 = 5_000;

/// Every check of this file.
pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let engine = config.database_url.engine();
    let file = config.database_url.reveal().strip_prefix("sqlite:");
    if file.is_some_and(|path| !std::path::Path::new(path.trim_start_matches("//")).is_file()) {
        // Connecting would make the file, and a check changes nothing.
        return vec![Finding::bad(
            format!("database: the {engine} file is not there"),
            "every command of this origin would begin with an empty one",
            "correct DATABASE_URL or FOOTFALL_DATA_DIR; for a new one, footfall migrate",
        )];
    }
    let Ok(db) = Db::connect(config.database_url.reveal()).await else {
        return vec![Finding::bad(
            format!("database: {engine} does not answer"),
            "the origin does not start without it; meanwhile the edges keep what they accept",
            "start it, or correct DATABASE_URL (host, port, user, password, name)",
        )];
    };
    let mut findings = vec![Finding::good(format!("database: {engine} answers"))];
    match check_tables(&db).await {
        Ok(tables) => {
            findings.push(tables);
            findings.extend(check_content(config, &db).await);
        }
        Err(tables) => findings.push(tables),
    }
    db.close().await;
    findings
}

/// Whether the tables are this binary's; an error is a fault that leaves nothing further to look at.
async fn check_tables(db: &Db) -> Result<Finding, Finding> {
    let state = async {
        Ok::<_, StorageError>((db.pending_migrations().await?, db.newer_migrations().await?))
    };
    match state.await {
        Ok((0, 0)) => Ok(Finding::good("tables: every migration is done")),
        Ok((pending, 0)) => Err(Finding::bad(
            format!("tables: {pending} migrations are pending"),
            "a running origin calls itself not ready and answers with errors",
            "footfall migrate",
        )),
        Ok((_, newer)) => Err(Finding::bad(
            format!("tables: {newer} migrations are newer than this binary"),
            "a newer version has worked here; this one does not know what it has written",
            "install the newer version of footfall on every node",
        )),
        Err(_) => Err(Finding::bad(
            "tables: the migrations cannot be read",
            "nobody can tell whether the tables fit this binary",
            "give the database's user the rights on its own schema",
        )),
    }
}

async fn check_content(config: &Config, db: &Db) -> Vec<Finding> {
    let now = Clock::System.now();
    let looked = async {
        let mut reader = db.read().await?;
        let mut findings = check_shops(config, &mut reader, now).await?;
        findings.extend(check_waiting(config, &mut reader).await?);
        Ok::<_, StorageError>(findings)
    };
    looked.await.unwrap_or_else(|error| {
        vec![Finding::bad(
            format!("content: {error}"),
            "what the origin works on cannot be read",
            "see the database's log",
        )]
    })
}

async fn check_shops(
    config: &Config,
    db: &mut Reader,
    now: UtcMillis,
) -> Result<Vec<Finding>, StorageError> {
    let shops = shops::list_shops(db).await?;
    if shops.is_empty() {
        return Ok(vec![Finding::warn(
            "shops: there is none",
            "every key is unknown, so every request is refused",
            "footfall admin shop create --slug SLUG --name NAME, or footfall demo",
        )]);
    }
    let mut findings = Vec::new();
    for shop in &shops {
        let keys = shops::list_keys(db, &shop.id).await?;
        let live = |kind: KeyKind| {
            let mut live = keys.iter().filter(|key| is_live(key, now));
            live.any(|key| key.kind == kind.as_str())
        };
        let pages = live(KeyKind::Publishable);
        if !pages && !live(KeyKind::Secret) {
            findings.push(no_key(&shop.slug));
        }
        if config.mode == Mode::Production {
            findings.extend(check_openness(shop, pages));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::good(format!("shops: {}", shops.len())));
    }
    for silent in ingest::silence::find_silent(db, now).await? {
        findings.push(Finding::warn(
            format!("shop {}: silent for {} hours", silent.shop, silent.hours),
            "its events stopped, although it usually has some at this time",
            "look whether the script tag is still in its pages, and whether its key is live",
        ));
    }
    Ok(findings)
}

fn no_key(slug: &str) -> Finding {
    Finding::bad(
        format!("shop {slug}: it has no live key"),
        "its pages and its server are refused",
        format!("footfall admin key create --shop {slug} --kind publishable --label web"),
    )
}

/// What a shop leaves open that production would rather have closed.
fn check_openness(shop: &Shop, has_pages_key: bool) -> Vec<Finding> {
    let slug = &shop.slug;
    let mut findings = Vec::new();
    if slug == demo::SLUG {
        findings.push(Finding::warn(
            format!("shop {slug}: the demo shop stands in a production database"),
            "its made-up customers and events look like real ones",
            "use a database of its own for the demo; revoke its keys here (footfall admin key list)",
        ));
    } else if has_pages_key && shop.settings.allowed_origins.is_empty() {
        findings.push(Finding::warn(
            format!("shop {slug}: pages of any site may use its publishable keys"),
            "a copied key sends false events from anywhere that a browser is",
            format!("footfall admin shop set --shop {slug} --set allowed_origins=https://SHOP"),
        ));
    }
    if shop.settings.reveal_from < Trust::Verified {
        findings.push(Finding::warn(
            format!("shop {slug}: reveal_from is weaker than verified"),
            "whoever types a customer's email sees that customer's data",
            format!("footfall admin shop set --shop {slug} --set reveal_from=verified"),
        ));
    }
    findings
}

/// What does not get on.
async fn check_waiting(config: &Config, db: &mut Reader) -> Result<Vec<Finding>, StorageError> {
    let mut findings = Vec::new();
    for (edge, waiting) in edges::count_waiting(db).await? {
        if !config.edges.contains(&edge) {
            findings.push(Finding::warn(
                format!(
                    "pushes: {waiting} changes wait for {edge}, which FOOTFALL_EDGES does not name"
                ),
                "if it still serves, it shows what is stale for a minute, and revoked keys as long",
                "name it in FOOTFALL_EDGES on every node and for every command",
            ));
        } else if waiting > WAITING_WARN {
            findings.push(Finding::warn(
                format!("pushes: {waiting} changes wait for {edge}"),
                "it shows entries that are up to a minute old, and does not hear of revoked keys",
                "see what is said of this edge below, and the origin's log",
            ));
        }
    }
    let mut rejected = ingest::count_rejected(db, "").await?;
    for shop in shops::list_shops(db).await? {
        rejected += ingest::count_rejected(db, shop.id.as_str()).await?;
    }
    if rejected > 0 {
        findings.push(Finding::warn(
            format!("events: {rejected} were rejected and wait for somebody"),
            "they are in no figure until they are replayed",
            "read the reasons at GET /api/events/rejected, mend, then POST /api/events/rejected/replay",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::good("queues: nothing waits too long"));
    }
    Ok(findings)
}
