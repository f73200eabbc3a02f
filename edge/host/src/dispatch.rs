//! One request into the component and its reply out of it, within bounded time, space and number.

use crate::engine::{CONCURRENT_REQUESTS_MAX, Handler, REQUEST_TIME_MAX};
use crate::fault::{Asked, Fault};
use crate::geo::{GEO_HEADER, GeoLookup};
use crate::traces;
use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use opentelemetry::global::BoxedTracer;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::InstantiationError;

/// No route of the component takes more; its own limits are lower and answer better.
const BODY_BYTES_MAX: usize = 8 << 20;
/// All bodies that are held at once, in KiB.
const BODIES_KIB_MAX: u32 = 256 << 10;
const BODY_TIME_MAX: Duration = Duration::from_secs(10);
/// What is still read of a body that is refused.
const DISCARDED_BYTES_MAX: usize = 32 << 20;
const DISCARD_TIME_MAX: Duration = Duration::from_secs(2);
/// The longest reply that is passed on.
const REPLY_BYTES_MAX: usize = 32 << 20;
/// Where Spin, and so this host, tells the component who asks.
const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("spin-client-addr");
/// Headers of Spin itself. From outside they are lies.
const RUNTIME_PREFIX: &str = "spin-";

/// The component's front door, for the server and the ticker.
pub(crate) struct Dispatcher {
    handler: Handler,
    free: Semaphore,
    body_kib: Semaphore,
    geo: Option<GeoLookup>,
    tracer: Option<Arc<BoxedTracer>>,
}

impl Dispatcher {
    pub(crate) fn new(
        handler: Handler,
        geo: Option<GeoLookup>,
        tracer: Option<Arc<BoxedTracer>>,
    ) -> Self {
        Self {
            tracer,
            handler,
            free: Semaphore::new(CONCURRENT_REQUESTS_MAX),
            body_kib: Semaphore::new(BODIES_KIB_MAX as usize),
            geo,
        }
    }

    /// Answers a request from outside. `client` is the peer's "ip:port".
    pub(crate) async fn answer<B>(
        &self,
        request: Request<B>,
        client: &HeaderValue,
    ) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes, Error: std::error::Error + Send + Sync + 'static>,
    {
        let (mut head, body) = request.into_parts();
        let asked = Asked::of(&head.headers);
        let span = self.tracer.as_deref().and_then(|tracer| {
            traces::receive(tracer, &head.method, head.uri.path(), &mut head.headers)
        });
        let prepared = async {
            head.uri = target(&head.method, &head.uri, head.headers.get(header::HOST))?;
            mark_client(&mut head.headers, client);
            let geo = self
                .geo
                .as_ref()
                .and_then(|geo| geo.header(&head.headers, client));
            if let Some(geo) = geo {
                head.headers.insert(GEO_HEADER, geo);
            }
            self.read_body(body).await
        };
        let answered = match prepared.await {
            Ok((body, _kib)) => self.call(Request::from_parts(head, body)).await,
            Err(fault) => Err(fault),
        };
        let reply = answered.unwrap_or_else(|fault| fault.reply(asked));
        if let Some(span) = span {
            span.end(Some(reply.status().as_u16()), 500);
        }
        reply
    }

    /// Gives a request to the component as it stands.
    pub(crate) async fn call(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, Fault> {
        let free = tokio::time::timeout(REQUEST_TIME_MAX, self.free.acquire()).await;
        let _permit = free
            .map_err(|_| Fault::Overloaded)?
            .map_err(|_| Fault::Overloaded)?;
        let request = request.map(|body| body.map_err(|never| match never {}).boxed_unsync());
        let started = Instant::now();
        let exchange = tokio::time::timeout(REQUEST_TIME_MAX, self.exchange(request)).await;
        match exchange {
            // On a busy machine the end of the instance may be seen before the end of the time.
            Ok(Err(Fault::Internal)) | Err(_) if started.elapsed() >= REQUEST_TIME_MAX => {
                tracing::error!("the component did not answer in time");
                Err(Fault::Timeout)
            }
            Ok(answered) => answered,
            Err(_) => Err(Fault::Timeout),
        }
    }

    async fn exchange(&self, request: Request<WasiBody>) -> Result<Response<Full<Bytes>>, Fault> {
        let reply = self.handler.handle((), request).await.map_err(|error| {
            if error.is::<InstantiationError<()>>() {
                tracing::warn!(error = %error, "no instance of the component could be made");
                return Fault::Overloaded;
            }
            tracing::error!(error = format!("{error:#}"), "the component failed");
            Fault::Internal
        })?;
        let (head, body) = reply.into_parts();
        // As a whole, so that it goes out with its length and not in chunks.
        let body = Limited::new(body, REPLY_BYTES_MAX)
            .collect()
            .await
            .map_err(|error| {
                tracing::error!(error = %error, "the component broke off its reply");
                Fault::Internal
            })?;
        Ok(Response::from_parts(head, Full::new(body.to_bytes())))
    }

    /// Takes the whole body before an instance is asked for: a slow client holds no instance. What
    /// it may hold of memory is counted.
    async fn read_body<B>(
        &self,
        body: B,
    ) -> Result<(Full<Bytes>, Option<SemaphorePermit<'_>>), Fault>
    where
        B: Body<Data = Bytes, Error: std::error::Error + Send + Sync + 'static>,
    {
        if body.is_end_stream() {
            return Ok((Full::default(), None));
        }
        let mut body = pin!(body);
        let bytes = body.size_hint().upper().unwrap_or(BODY_BYTES_MAX as u64);
        let read = async {
            if bytes > BODY_BYTES_MAX as u64 {
                return Err(Fault::PayloadTooLarge);
            }
            // At most 8 MiB, so that the count of KiB fits.
            let kib = self.body_kib.acquire_many((bytes / 1024) as u32 + 1).await;
            let kib = kib.map_err(|_| Fault::Overloaded)?;
            let read = Limited::new(body.as_mut(), BODY_BYTES_MAX).collect().await;
            let read = read.map_err(|error| match error.is::<LengthLimitError>() {
                true => Fault::PayloadTooLarge,
                false => Fault::BodyIncomplete,
            })?;
            Ok((Full::new(read.to_bytes()), Some(kib)))
        };
        let read = tokio::time::timeout(BODY_TIME_MAX, read).await;
        let read = read.unwrap_or(Err(Fault::BodyIncomplete));
        if matches!(read, Err(Fault::PayloadTooLarge)) {
            discard(body).await;
        }
        read
    }
}

/// Reads on for a while. Many clients look for the reply only when they have sent everything, and
/// would see nothing but a broken connection.
async fn discard<B: Body<Data = Bytes>>(mut body: Pin<&mut B>) {
    let mut left = DISCARDED_BYTES_MAX;
    let read = async {
        while let Some(Ok(frame)) = body.as_mut().frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_TIME_MAX, read).await;
}

/// The guest sees `http://<Host header>/path?query`, whatever form the request line had.
fn target(method: &Method, uri: &Uri, host: Option<&HeaderValue>) -> Result<Uri, Fault> {
    let path = uri
        .path_and_query()
        .filter(|path| path.as_str().starts_with('/'));
    let (Some(path), false) = (path, method == Method::CONNECT) else {
        return Err(Fault::BadRequest);
    };
    let host = host.map_or("localhost".as_bytes(), HeaderValue::as_bytes);
    let uri = Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(host)
        .path_and_query(path.clone());
    uri.build().map_err(|_| Fault::BadRequest)
}

/// Only the host may say who the client is.
fn mark_client(headers: &mut http::HeaderMap, client: &HeaderValue) {
    let lies: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with(RUNTIME_PREFIX))
        .cloned()
        .collect();
    for name in lies {
        headers.remove(name);
    }
    headers.insert(CLIENT_ADDRESS, client.clone());
}
