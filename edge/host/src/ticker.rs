//! The clock that a component does not have: calls its `POST /internal/flush` at a steady pace.

use crate::FlushSigner;
use crate::dispatch::Dispatcher;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

const PATH: &str = "/internal/flush";
const BODY: &[u8] = b"{}";
/// Quicker would only burn time.
const PACE_MIN: Duration = Duration::from_millis(10);
/// The guest sees an address on every request; this one is the host itself.
const OWN_ADDRESS: &str = "127.0.0.1:0";

/// The running ticker.
pub(crate) struct Ticker {
    stopping: watch::Sender<bool>,
    ticking: JoinHandle<()>,
}

impl Ticker {
    /// Ticks every `pace`. A flush that takes longer delays the next one: never two at once.
    pub(crate) fn start(dispatcher: Arc<Dispatcher>, signer: FlushSigner, pace: Duration) -> Self {
        let (stopping, mut stop) = watch::channel(false);
        let ticking = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(pace.max(PACE_MIN));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut well = true;
            loop {
                let last = tokio::select! {
                    _ = ticks.tick() => false,
                    _ = stop.wait_for(|stopping| *stopping) => true,
                };
                let now_well = flush(&dispatcher, &signer).await;
                // Every tick would be too much to log; the changes say all.
                match (well, now_well) {
                    (true, false) => tracing::warn!("the component's flush fails"),
                    (false, true) => tracing::info!("the component's flush works again"),
                    _ => {}
                }
                well = now_well;
                if last {
                    return;
                }
            }
        });
        Self { stopping, ticking }
    }

    /// Waits for the flush in flight, then does a last one. At most `patience` in all.
    pub(crate) async fn stop(self, patience: Duration) {
        let _ = self.stopping.send(true);
        let mut ticking = self.ticking;
        if tokio::time::timeout(patience, &mut ticking).await.is_err() {
            ticking.abort();
            tracing::warn!("the last flush was cut off; the next start does it");
        }
    }
}

async fn flush(dispatcher: &Dispatcher, signer: &FlushSigner) -> bool {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("http://localhost{PATH}"))
        .header("content-type", "application/json")
        .header("spin-client-addr", OWN_ADDRESS);
    for (name, value) in signer(PATH, BODY) {
        request = request.header(name, value);
    }
    let Ok(request) = request.body(Full::new(Bytes::from_static(BODY))) else {
        return false;
    };
    let reply = dispatcher.call(request).await;
    reply
        .as_ref()
        .map(Response::status)
        .is_ok_and(|status: StatusCode| status.is_success())
}
