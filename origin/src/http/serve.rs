//! Serves until it is told to stop, then lets requests in flight end.

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;

/// How long requests in flight may take to end after a stop. Shorter than the ten seconds after which
/// systemd and container runtimes kill.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(8);

/// Serves `router` on `listener` until `stop` is done.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let signal = async move {
        stop.await;
        let _ = stopping.send(true);
    };
    // The login's brake wants to know the caller's address.
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service)
        .with_graceful_shutdown(signal)
        .into_future();
    let deadline = async move {
        let told = stopped.wait_for(|stopped| *stopped).await.is_ok();
        if told {
            tokio::time::sleep(DRAIN_TIMEOUT).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        done = serving => done,
        () = deadline => {
            tracing::warn!("requests in flight did not end in time and are dropped");
            Ok(())
        }
    }
}
