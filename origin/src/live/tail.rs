//! Reads a shop's log as it grows, once for all who listen on this node.

use std::sync::Arc;
use std::time::Duration;

use footfall_shared::id::ShopId;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::frame::{EventsFrame, Frame, metrics};
use super::now::figures;
use crate::app::App;
use crate::db::StorageError;
use crate::ingest;
use crate::shops;

/// How often the log is looked at without being woken: the command line appends, too.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long events are gathered once there is one: what comes in bursts goes out in few frames.
const GATHER: Duration = Duration::from_millis(20);
/// Events of a frame.
const EVENTS_A_FRAME: i64 = 500;
/// How often the figures of the moment are told while something happens.
const METRICS_EVERY: Duration = Duration::from_secs(1);
/// How long the telling goes on when nobody listens: clients come back.
const LINGER: Duration = Duration::from_secs(5);

/// Tells a shop's events until nobody listens any more.
pub(super) async fn follow(app: App, shop: ShopId, tell: broadcast::Sender<Arc<Frame>>) {
    let mut grown = app.live().growth();
    let mut place = None;
    let mut told_metrics = None::<Instant>;
    let mut changed = true;
    let mut heard = Instant::now();
    loop {
        match step(&app, &shop, &tell, &mut place).await {
            Ok(0) => {}
            Ok(events) => {
                changed = true;
                if events as i64 >= EVENTS_A_FRAME {
                    continue;
                }
            }
            Err(error) => tracing::warn!(%error, "live events cannot be read"),
        }
        if changed && told_metrics.is_none_or(|at| at.elapsed() >= METRICS_EVERY) {
            match tell_metrics(&app, &shop, &tell).await {
                Ok(()) => (told_metrics, changed) = (Some(Instant::now()), false),
                Err(error) => tracing::warn!(%error, "the figures of the moment cannot be read"),
            }
        }
        if tell.receiver_count() > 0 {
            heard = Instant::now();
        } else if heard.elapsed() >= LINGER && app.live().end_if_unheard(&shop) {
            return;
        }
        tokio::select! {
            // The sender lives in `app`, which this task holds, so the channel never closes.
            _ = grown.changed() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Tells what is new; how many events. The first step only finds out where the log ends.
async fn step(
    app: &App,
    shop: &ShopId,
    tell: &broadcast::Sender<Arc<Frame>>,
    place: &mut Option<i64>,
) -> Result<usize, StorageError> {
    let mut db = app.db().read().await?;
    let Some(after) = *place else {
        let end = ingest::last_place(&mut db, shop).await?;
        *place = Some(end);
        // Who came in between hears from where on it is told. Nobody may be there to hear it; likewise below.
        let _ = tell.send(Arc::new(Frame::Events(EventsFrame::begin(end))));
        return Ok(0);
    };
    let logged = ingest::read_after(&mut db, shop, after, EVENTS_A_FRAME).await?;
    if logged.is_empty() {
        return Ok(0);
    }
    let shop = shops::find_by_id(&mut db, shop).await?;
    let pages = shop.map(|shop| shop.settings.page_paths());
    let frame = EventsFrame::of(after, &logged, &pages.unwrap_or_default());
    *place = Some(frame.last);
    let _ = tell.send(Arc::new(Frame::Events(frame)));
    Ok(logged.len())
}

async fn tell_metrics(
    app: &App,
    shop: &ShopId,
    tell: &broadcast::Sender<Arc<Frame>>,
) -> Result<(), StorageError> {
    let shop = {
        let mut db = app.db().read().await?;
        shops::find_by_id(&mut db, shop).await?
    };
    if let Some(shop) = shop {
        let figures = figures(app, &shop).await?;
        let _ = tell.send(Arc::new(Frame::Metrics(metrics(&figures))));
    }
    Ok(())
}
