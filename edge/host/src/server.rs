//! HTTP/1.1 over TCP in front of the component.

use crate::dispatch::Dispatcher;
use crate::error::HostError;
use crate::unreadable::EnvelopeStream;
use http::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;

/// Open connections; more wait in the listener's backlog.
const CONNECTIONS_MAX: u32 = 8192;
/// Request line and headers together.
const HEAD_BYTES_MAX: usize = 64 << 10;
const HEADERS_MAX: usize = 100;
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// A pause when the system has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The listening server.
pub(crate) struct Server {
    address: SocketAddr,
    stopping: watch::Sender<bool>,
    connections: Arc<Semaphore>,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(
        address: SocketAddr,
        dispatcher: Arc<Dispatcher>,
    ) -> Result<Self, HostError> {
        let failed = |source| HostError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stopping, stop) = watch::channel(false);
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
        let accepting = tokio::spawn(accept(listener, dispatcher, Arc::clone(&connections), stop));
        Ok(Self {
            address,
            stopping,
            connections,
            accepting,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting at once and waits, at most `patience`, for the requests in flight.
    pub(crate) async fn stop(self, patience: Duration) {
        self.accepting.abort();
        let _ = self.accepting.await;
        let _ = self.stopping.send(true);
        // Every connection holds one permit: all of them back means that all are closed.
        let all = self.connections.acquire_many(CONNECTIONS_MAX);
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("some requests were cut off at the stop");
        }
    }
}

async fn accept(
    listener: TcpListener,
    dispatcher: Arc<Dispatcher>,
    connections: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
) {
    while let Ok(permit) = Arc::clone(&connections).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let connection = serve(stream, peer, Arc::clone(&dispatcher), stop.clone(), permit);
                tokio::spawn(connection);
            }
            Err(error) => {
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    dispatcher: Arc<Dispatcher>,
    mut stop: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
) {
    // Replies are small and whole; waiting to fill a segment only delays them.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    let Ok(client) = HeaderValue::try_from(peer.to_string()) else {
        return;
    };
    let service = service_fn(|request| {
        let answer = dispatcher.answer(request, &client);
        async { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(EnvelopeStream::new(stream)), service);
    let mut connection = pin!(connection);
    // A connection that breaks is the client's affair, nothing to log.
    let stopping = tokio::select! {
        _ = connection.as_mut() => false,
        _ = stop.wait_for(|stopping| *stopping) => true,
    };
    if stopping {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}
