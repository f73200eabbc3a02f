//! `wasi:http/client`: requests of the component, to the origin only.

use crate::error::HostError;
use crate::traces;
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry::global::BoxedTracer;
use std::sync::Arc;
use std::time::Duration;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

const CONNECT_TIME_MAX: Duration = Duration::from_secs(1);
/// For the whole exchange, the reply's body included.
const TOTAL_TIME_MAX: Duration = Duration::from_secs(5);
/// The longest reply of the origin: the guest must hold it in its memory, too.
const REPLY_BYTES_MAX: usize = 16 << 20;
const IDLE_CONNECTIONS_MAX: usize = 64;
/// Shorter than the origin's own, so that a connection is rarely closed under a request.
const IDLE_TIME_MAX: Duration = Duration::from_secs(20);

/// One pooled client for all instances, and the only place that it may talk to.
#[derive(Clone)]
pub(crate) struct OriginClient {
    authority: Authority,
    client: Client<HttpConnector, WasiBody>,
    tracer: Option<Arc<BoxedTracer>>,
}

impl OriginClient {
    /// `origin_url` is `http://host[:port]`.
    pub(crate) fn new(
        origin_url: &str,
        tracer: Option<Arc<BoxedTracer>>,
    ) -> Result<Self, HostError> {
        let parts = origin_url
            .parse::<Uri>()
            .map_err(|_| HostError::OriginUrl)?
            .into_parts();
        let no_path = parts.path_and_query.is_none_or(|path| path.as_str() == "/");
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(HostError::OriginUrl);
        };
        if scheme != Scheme::HTTP || !no_path || authority.as_str().contains('@') {
            return Err(HostError::OriginUrl);
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIME_MAX));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIME_MAX)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .build(connector);
        Ok(Self {
            authority,
            client,
            tracer,
        })
    }

    fn allows(&self, uri: &Uri) -> bool {
        uri.scheme() == Some(&Scheme::HTTP)
            && uri.authority().is_some_and(|authority| {
                !authority.as_str().contains('@')
                    && authority.host().eq_ignore_ascii_case(self.authority.host())
                    && port(authority) == port(&self.authority)
            })
    }

    async fn send(
        self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<Response<WasiBody>, Error> {
        if !self.allows(request.uri()) {
            tracing::warn!("the component asked for another place than the origin");
            return Err(Error::HttpRequestDenied);
        }
        let span = self.tracer.as_deref().and_then(|tracer| {
            let path = request.uri().path().to_owned();
            let method = request.method().clone();
            traces::call(tracer, &method, &path, request.headers_mut())
        });
        // The guest may ask for less time, not for more.
        let first_byte = options
            .and_then(|o| o.first_byte_timeout)
            .unwrap_or(TOTAL_TIME_MAX);
        let exchange = async {
            let sent = self.client.request(request);
            let reply = tokio::time::timeout(first_byte, sent).await;
            let reply = reply
                .map_err(|_| Error::HttpResponseTimeout)?
                .map_err(client_error)?;
            let (head, body) = reply.into_parts();
            let body = Limited::new(body, REPLY_BYTES_MAX).collect().await;
            let body = body.map_err(|_| Error::HttpResponseIncomplete)?.to_bytes();
            let body = Full::new(body)
                .map_err(|never| match never {})
                .boxed_unsync();
            Ok(Response::from_parts(head, body))
        };
        let done = tokio::time::timeout(TOTAL_TIME_MAX, exchange).await;
        let done = done.unwrap_or(Err(Error::HttpResponseTimeout));
        if let Some(span) = span {
            span.end(done.as_ref().ok().map(|reply| reply.status().as_u16()), 400);
        }
        done
    }
}

fn port(authority: &Authority) -> u16 {
    authority.port_u16().unwrap_or(80)
}

fn client_error(error: hyper_util::client::legacy::Error) -> Error {
    tracing::debug!(error = %error, "the origin did not answer");
    if error.is_connect() {
        Error::ConnectionRefused
    } else {
        Error::ConnectionTerminated
    }
}

/// The outgoing side of an instance's `wasi:http`.
pub(crate) struct OriginHooks(pub(crate) OriginClient);

type Sent = Result<
    (
        Response<WasiBody>,
        Box<dyn Future<Output = Result<(), Error>> + Send>,
    ),
    Error,
>;

impl WasiHttpHooks for OriginHooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let client = self.0.clone();
        Box::new(async move {
            let reply = client.send(request, options).await?;
            // The reply is here as a whole: there is no more to wait for.
            let nothing_left: Box<dyn Future<Output = _> + Send> = Box::new(async { Ok(()) });
            Ok((reply, nothing_left))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_origin_may_be_asked() {
        let client = OriginClient::new("http://Origin.example:8000/", None).unwrap();
        let check = |uri: &str, expected| {
            assert_eq!(client.allows(&uri.parse().unwrap()), expected, "{uri}");
        };
        check("http://origin.example:8000/internal/events", true);
        check("https://origin.example:8000/", false);
        check("http://origin.example/", false);
        check("http://origin.example:8001/", false);
        check("http://user@origin.example:8000/", false);
        check("http://origin.example:8000@other.example/", false);
        check("http://other.example:8000/", false);
    }

    #[test]
    fn an_origin_url_is_a_plain_http_authority() {
        for url in [
            "",
            "origin",
            "https://origin",
            "http://origin/path",
            "http://u@origin",
            "ftp://o",
        ] {
            assert!(
                matches!(OriginClient::new(url, None), Err(HostError::OriginUrl)),
                "{url}"
            );
        }
        assert!(OriginClient::new("http://127.0.0.1:8000", None).is_ok());
    }
}
