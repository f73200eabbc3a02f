//! The page that a Prometheus server reads.

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::app::App;
use crate::db::StorageError;
use crate::edges::{self, Books};
use crate::ingest::silence::find_silent;
use crate::shops;

/// The gauges of one moment.
struct Moment {
    registry: Registry,
    ledger: Family<[(&'static str, String); 3], Gauge>,
    balances: Family<[(&'static str, String); 2], Gauge>,
    edge_up: Family<[(&'static str, String); 1], Gauge>,
    lookups: Family<[(&'static str, String); 2], Counter>,
    pushes: Family<[(&'static str, String); 1], Gauge>,
    silent: Family<[(&'static str, String); 1], Gauge>,
}

impl Moment {
    fn new() -> Self {
        let mut registry = Registry::with_prefix("footfall");
        let (ledger, balances) = <(Family<_, _>, Family<_, _>)>::default();
        let (edge_up, pushes, silent) = <(Family<_, _>, Family<_, _>, Family<_, _>)>::default();
        let help = "Events that an edge accepted, by what became of them";
        registry.register("ledger_events", help, ledger.clone());
        let help = "1 where every accepted event is accounted for";
        registry.register("ledger_balances", help, balances.clone());
        registry.register(
            "edge_up",
            "1 where the edge told its ledger",
            edge_up.clone(),
        );
        let lookups = Family::<_, _>::default();
        let help = "What an edge's cache was asked, by whether it knew";
        registry.register("edge_cache_lookups", help, lookups.clone());
        let help = "Changes that an edge has not taken yet";
        registry.register("pushes_waiting", help, pushes.clone());
        let help = "Hours for which a shop has been silent beyond its habit";
        registry.register("shop_silent_hours", help, silent.clone());
        Self {
            registry,
            ledger,
            balances,
            edge_up,
            lookups,
            pushes,
            silent,
        }
    }

    fn note(&self, edge: &str, shop: &str, books: &Books) {
        let ledger = &books.ledger;
        for (state, events) in [
            ("accepted", ledger.accepted),
            ("stored", ledger.stored),
            ("duplicate", ledger.duplicate),
            ("rejected", ledger.rejected),
            ("pending", ledger.pending),
        ] {
            let labels = [
                ("edge", edge.to_owned()),
                ("shop", shop.to_owned()),
                ("state", state.to_owned()),
            ];
            let events = i64::try_from(events).unwrap_or(i64::MAX);
            self.ledger.get_or_create(&labels).set(events);
        }
        let labels = [("edge", edge.to_owned()), ("shop", shop.to_owned())];
        let balances = self.balances.get_or_create(&labels);
        balances.set(i64::from(books.balance()));
    }
}

/// Everything, as text.
pub(super) async fn render(app: &App) -> Result<String, StorageError> {
    let moment = look(app).await?;
    let mut page = String::new();
    // Writing to a text does not fail.
    let _ = encode_registry(&mut page, &app.metrics().registry);
    let _ = encode_registry(&mut page, &moment.registry);
    let _ = encode_eof(&mut page);
    Ok(page)
}

async fn look(app: &App) -> Result<Moment, StorageError> {
    let moment = Moment::new();
    let mut db = app.db().read().await?;
    let shops = shops::list_shops(&mut db).await?;
    for silent in find_silent(&mut db, app.now()).await? {
        let labels = [("shop", silent.shop)];
        moment.silent.get_or_create(&labels).set(silent.hours);
    }
    for (edge, waiting) in edges::count_waiting(&mut db).await? {
        moment.pushes.get_or_create(&[("edge", edge)]).set(waiting);
    }
    drop(db);
    for edge in &app.config().edges {
        let books = edges::read_books(app, edge).await;
        let up = i64::from(books.is_ok());
        moment
            .edge_up
            .get_or_create(&[("edge", edge.clone())])
            .set(up);
        let Ok(books) = books else { continue };
        for (result, count) in [("hit", books.lookups.hits), ("miss", books.lookups.misses)] {
            let labels = [("edge", edge.clone()), ("result", result.to_owned())];
            moment.lookups.get_or_create(&labels).inc_by(count);
        }
        for books in books.shops {
            let id = books.ledger.shop.as_str();
            let slug = shops.iter().find(|shop| shop.id.as_str() == id);
            let slug = slug.map_or(id, |shop| shop.slug.as_str());
            moment.note(edge, slug, &books);
        }
    }
    Ok(moment)
}
