//! A host with the test guest in it, and a client for it.

use footfall_edge_host::{Host, HostOptions};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tempfile::TempDir;

/// A running host in a directory of its own.
pub(crate) struct TestHost {
    host: Host,
    pub(crate) directory: TempDir,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// A reply, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl TestHost {
    pub(crate) async fn start() -> Self {
        Self::start_in(
            tempfile::tempdir().unwrap(),
            "http://127.0.0.1:9",
            Duration::from_secs(3600),
        )
        .await
    }

    pub(crate) async fn start_in(
        directory: TempDir,
        origin_url: &str,
        flush_every: Duration,
    ) -> Self {
        let host = Host::start(HostOptions {
            listen: ([127, 0, 0, 1], 0).into(),
            component: guest().to_owned(),
            data_dir: directory.path().join("edge"),
            variables: BTreeMap::from([("greeting".to_owned(), "hello".to_owned())]),
            origin_url: origin_url.to_owned(),
            flush_every,
            flush_signer: Arc::new(|path, body| {
                vec![(
                    "x-test-signature".to_owned(),
                    format!("{path} {}", body.len()),
                )]
            }),
            geo: None,
            policy: None,
            tracer: None,
        });
        Self {
            host: host.await.unwrap(),
            directory,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Stops the host and starts another one on the same data.
    pub(crate) async fn restart(self) -> Self {
        self.host.stop().await;
        Self::start_in(
            self.directory,
            "http://127.0.0.1:9",
            Duration::from_secs(3600),
        )
        .await
    }

    /// Stops the host and leaves its data.
    pub(crate) async fn stop(self) -> TempDir {
        self.host.stop().await;
        self.directory
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.host.address()
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], "").await
    }

    /// Runs statements on one guest connection and gives their results.
    pub(crate) async fn sql(&self, statements: &[&str]) -> Value {
        let body = serde_json::to_string(statements).unwrap();
        let reply = self.send(Method::POST, "/sql", &[], body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let uri = format!("http://{}{path}", self.host.address());
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let reply = self.client.request(request);
        let reply = tokio::time::timeout(Duration::from_secs(20), reply)
            .await
            .unwrap()
            .unwrap();
        let (head, body) = reply.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply {
            status: head.status,
            headers: head.headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }
}

/// The test guest, built once for all tests.
pub(crate) fn guest() -> &'static Path {
    static GUEST: OnceLock<PathBuf> = OnceLock::new();
    GUEST.get_or_init(|| build("guest", "footfall_host_guest"))
}

/// The policy that does what the slot's name says, built once for all tests.
pub(crate) fn bad_policy() -> &'static Path {
    static POLICY: OnceLock<PathBuf> = OnceLock::new();
    POLICY.get_or_init(|| build("bad-policy", "bad_policy"))
}

/// Builds a crate of this folder to a component.
fn build(folder: &str, name: &str) -> PathBuf {
    let manifest = format!("{}/tests/{folder}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("host-{folder}"));
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--locked",
            "--release",
            "--target",
            "wasm32-wasip2",
            "--manifest-path",
        ])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target)
        .status()
        .unwrap();
    assert!(status.success(), "{folder} does not build");
    target.join(format!("wasm32-wasip2/release/{name}.wasm"))
}
