//! Who listens to a shop, and what they are told.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use footfall_shared::id::ShopId;
use footfall_shared::time::UtcMillis;
use tokio::sync::{broadcast, watch};

use super::frame::Frame;
use super::now::NowReply;
use super::tail;
use crate::app::App;
use crate::db::{Db, StorageError};

/// Where PostgreSQL tells every node that a shop's log has grown.
pub const TOPIC: &str = "footfall_events";
/// Frames that wait for a client before it has fallen behind: some seconds of a busy shop.
const FRAMES_MAX: usize = 256;
/// Clients of a shop on a node. More would be more than its own people and their screens.
const CLIENTS_MAX: usize = 5_000;
/// How long to wait before a lost connection to the database's word is made again.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// What is told to the clients of this process.
#[derive(Debug)]
pub struct Feed {
    grown: watch::Sender<()>,
    ending: watch::Sender<bool>,
    shops: Mutex<HashMap<ShopId, broadcast::Sender<Arc<Frame>>>>,
    figures: Mutex<HashMap<ShopId, (UtcMillis, Arc<NowReply>)>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            grown: watch::Sender::new(()),
            ending: watch::Sender::new(false),
            shops: Mutex::default(),
            figures: Mutex::default(),
        }
    }
}

impl Feed {
    /// Some shop's log has grown.
    pub fn wake(&self) {
        self.grown.send_replace(());
    }

    /// Tells when some shop's log has grown.
    pub(super) fn growth(&self) -> watch::Receiver<()> {
        self.grown.subscribe()
    }

    /// Sends all clients to another node: this one ends.
    pub fn end(&self) {
        self.ending.send_replace(true);
    }

    /// Tells when this node ends.
    pub(super) fn ending(&self) -> watch::Receiver<bool> {
        self.ending.subscribe()
    }

    /// Listens to a shop from now on; `None` where too many do.
    pub(super) fn listen(app: &App, shop: &ShopId) -> Option<broadcast::Receiver<Arc<Frame>>> {
        let mut shops = lock(&app.live().shops);
        if let Some(told) = shops.get(shop) {
            return (told.receiver_count() < CLIENTS_MAX).then(|| told.subscribe());
        }
        let (tell, told) = broadcast::channel(FRAMES_MAX);
        shops.insert(shop.clone(), tell.clone());
        tokio::spawn(tail::follow(app.clone(), shop.clone(), tell));
        Some(told)
    }

    /// Ends the telling of a shop if nobody listens any more.
    pub(super) fn end_if_unheard(&self, shop: &ShopId) -> bool {
        let mut shops = lock(&self.shops);
        let unheard = shops
            .get(shop)
            .is_none_or(|told| told.receiver_count() == 0);
        if unheard {
            shops.remove(shop);
        }
        unheard
    }

    /// The figures of a moment that is not over yet.
    pub(super) fn figures(&self, shop: &ShopId, since: UtcMillis) -> Option<Arc<NowReply>> {
        let figures = lock(&self.figures);
        let (at, held) = figures.get(shop)?;
        (*at > since).then(|| Arc::clone(held))
    }

    /// Keeps the figures of a moment.
    pub(super) fn keep_figures(&self, shop: &ShopId, at: UtcMillis, figures: &Arc<NowReply>) {
        lock(&self.figures).insert(shop.clone(), (at, Arc::clone(figures)));
    }
}

fn lock<T>(held: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing under these locks can panic half way.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hears from PostgreSQL what other nodes append, until `stop` is done; with SQLite there is no other node. Then the
/// clients are sent away.
pub async fn keep_hearing(app: App, stop: impl Future<Output = ()> + Send) {
    let hearing = async {
        let Db::Pg(pool) = app.db() else {
            return std::future::pending().await;
        };
        loop {
            if let Err(error) = hear(&app, pool).await {
                // The tails look by themselves as well, only later.
                tracing::warn!(%error, "other nodes cannot be heard");
            }
            tokio::time::sleep(RETRY_EVERY).await;
        }
    };
    tokio::select! {
        () = hearing => {}
        () = stop => {}
    }
    app.live().end();
}

async fn hear(app: &App, pool: &sqlx::PgPool) -> Result<(), StorageError> {
    use crate::db::During;
    let mut listener = sqlx::postgres::PgListener::connect_with(pool)
        .await
        .during("listen to other nodes")?;
    listener
        .listen(TOPIC)
        .await
        .during("listen to other nodes")?;
    loop {
        listener.recv().await.during("hear other nodes")?;
        app.live().wake();
    }
}
