//! A client that sends exactly what a test says, each request on a connection of its own, from a
//! loopback address of the test's choice: whoever calls from 127.0.0.9 is another visitor.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use footfall_shared::signing::{SIGNATURE_HEADER, SigningKeys, TIMESTAMP_HEADER};
use footfall_shared::time::UtcMillis;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The tests are plain functions; what is asynchronous stays in here.
static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
});

/// Waits for something asynchronous.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.block_on(work)
}

/// A server that is asked, with the credential that goes along.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) base: String,
    key: Option<String>,
}

impl Target {
    pub(crate) fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            key: None,
        }
    }

    /// The same, with a key.
    pub(crate) fn with(&self, key: &str) -> Self {
        Self {
            base: self.base.clone(),
            key: Some(key.to_owned()),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Call {
        self.send_json(path, body.to_string())
    }

    /// Posts a text as JSON, whether it is or not.
    pub(crate) fn send_json(&self, path: &str, body: impl Into<Bytes>) -> Call {
        let call = self.call(Method::POST, path);
        call.header("content-type", "application/json").body(body)
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        let call = Call {
            method,
            url: format!("{}{path}", self.base),
            path: path.split('?').next().unwrap_or_default().to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
            from: Ipv4Addr::LOCALHOST,
        };
        match &self.key {
            Some(key) => call.header("authorization", &format!("Bearer {key}")),
            None => call,
        }
    }
}

/// A request that is being written.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    from: Ipv4Addr,
}

impl Call {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn basic(self, name: &str, password: &str) -> Self {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
        self.header("authorization", &format!("Basic {pair}"))
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it from 127.0.0.`visitor`.
    pub(crate) fn from(mut self, visitor: u8) -> Self {
        self.from = Ipv4Addr::new(127, 0, 0, visitor);
        self
    }

    /// Signs it as edge and origin sign their calls to each other.
    pub(crate) fn signed(self, keys: &SigningKeys, now: UtcMillis) -> Self {
        let path = self.path.clone();
        self.signed_for(&path, keys, now)
    }

    /// Signs it as a call to `path`, wherever it goes.
    pub(crate) fn signed_for(self, path: &str, keys: &SigningKeys, now: UtcMillis) -> Self {
        let made = keys.sign(now, path, &self.body);
        self.header(TIMESTAMP_HEADER, &made.timestamp)
            .header(SIGNATURE_HEADER, &made.signature)
    }

    /// Sends it; no answer at all is a failed test.
    #[track_caller]
    pub(crate) fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.url);
        match self.try_send() {
            Ok(answer) => answer,
            Err(fault) => panic!("{what}: no answer: {fault}"),
        }
    }

    /// Sends it and wants this status; gives the JSON of the answer.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        let what = format!("{} {}", self.method, self.url);
        let answer = self.send();
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        answer.json()
    }

    /// Sends it; the process at the other end may be gone.
    pub(crate) fn try_send(self) -> Result<Answer, String> {
        wait(async { tokio::time::timeout(TIMEOUT, self.exchange()).await })
            .map_err(|_| "timed out".to_owned())?
    }

    async fn exchange(self) -> Result<Answer, String> {
        let mut connector = HttpConnector::new();
        connector.set_local_address(Some(IpAddr::V4(self.from)));
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let mut request = Request::builder().method(self.method).uri(self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(self.body))
            .map_err(|fault| fault.to_string())?;
        let response = client
            .request(request)
            .await
            .map_err(|fault| format!("{fault:?}"))?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|fault| fault.to_string())?;
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.to_bytes(),
        })
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(json) => json,
            Err(fault) => panic!(
                "status {}, not JSON ({fault}): {}",
                self.status,
                self.text()
            ),
        }
    }
}
