//! The clock of edges that have none: each is called to drain its outbox.
//!
//! The embedded host ticks its component itself, and faster; a component under Spin has only this.

use std::time::Duration;

use footfall_shared::wire::internal::path;

use super::call::Caller;
use crate::app::App;

/// The pace: an event of an edge without a clock is in the log within about a second.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// The pace while an edge does not answer.
const FLUSH_EVERY_FAILING: Duration = Duration::from_secs(5);

/// Calls an edge for as long as the task lives.
pub(super) async fn keep_flushing(app: App, caller: Caller, edge: String) {
    loop {
        let pause = match caller.post(&app, &edge, path::FLUSH, b"{}".to_vec()).await {
            Ok(_) => FLUSH_EVERY,
            Err(error) => {
                // The pusher tells aloud that an edge cannot be reached.
                tracing::debug!(%error, edge, "the edge did not flush");
                FLUSH_EVERY_FAILING
            }
        };
        tokio::time::sleep(pause).await;
    }
}
