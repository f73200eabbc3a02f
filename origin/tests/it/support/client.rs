//! A client with one credential. It goes through the whole router, layers included.

use axum::Router;
use axum::body::Body;
use base64::Engine;
use footfall::app::App;
use footfall_shared::signing::{SIGNATURE_HEADER, SigningKeys, TIMESTAMP_HEADER};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// What a client proves itself with.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    /// Nothing.
    None,
    /// An API key, as a bearer.
    Key(String),
    /// Identifier and password: the client logs in for each call, and shows what it gets.
    Login(String, String),
    /// Identifier and password with each call, as HTTP basic has it.
    Basic(String, String),
    /// An access token.
    Token(String),
    /// Signs each call with this key.
    Edge(String),
}

/// A client of the service.
pub(crate) struct Client {
    router: Router,
    app: App,
    credential: Credential,
}

/// A reply, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// Asserts the status and returns the JSON body; says what came instead.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}",
            String::from_utf8_lossy(&self.bytes)
        );
        self.json()
    }

    /// Asserts that it is an error in the contract's envelope.
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["success"], false, "{body}");
        assert_eq!(body["code"], code, "{body}");
        assert!(
            body["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{body}"
        );
        body
    }
}

impl Client {
    pub(crate) fn new(router: Router, app: App, credential: Credential) -> Self {
        Self {
            router,
            app,
            credential,
        }
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path), Vec::new()).await
    }

    /// POST with a JSON body.
    pub(crate) async fn post(&self, path: &str, body: &impl serde::Serialize) -> Reply {
        self.post_bytes(path, serde_json::to_vec(body).unwrap())
            .await
    }

    /// POST with raw bytes that say they are JSON.
    pub(crate) async fn post_bytes(&self, path: &str, body: Vec<u8>) -> Reply {
        self.send(
            Request::post(path).header("content-type", "application/json"),
            body,
        )
        .await
    }

    /// Any request; the credential is added.
    pub(crate) async fn send(&self, request: http::request::Builder, body: Vec<u8>) -> Reply {
        let request = match &self.credential {
            Credential::Login(identifier, password) => {
                let tokens = self.log_in(identifier, password).await.expect(200);
                let token = tokens["data"]["access_token"].as_str().unwrap();
                request.header("authorization", format!("Bearer {token}"))
            }
            _ => self.prove(request, &body),
        };
        self.pass_on(request.body(Body::from(body)).unwrap()).await
    }

    /// Logs in, whatever the client's own credential is.
    pub(crate) async fn log_in(&self, identifier: &str, password: &str) -> Reply {
        let body = serde_json::json!({"identifier": identifier, "password": password});
        let request = Request::post("/api/auth/login").header("content-type", "application/json");
        self.pass_on(request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    async fn pass_on(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Reply {
            status: parts.status,
            headers: parts.headers,
            bytes,
        }
    }

    fn prove(&self, request: http::request::Builder, body: &[u8]) -> http::request::Builder {
        match &self.credential {
            Credential::None | Credential::Login(..) => request,
            Credential::Key(secret) | Credential::Token(secret) => {
                request.header("authorization", format!("Bearer {secret}"))
            }
            Credential::Basic(identifier, password) => {
                let text = format!("{identifier}:{password}");
                let basic = base64::engine::general_purpose::STANDARD.encode(text);
                request.header("authorization", format!("Basic {basic}"))
            }
            Credential::Edge(key) => {
                let path = request.uri_ref().unwrap().path().to_owned();
                let made = SigningKeys::parse(key)
                    .unwrap()
                    .sign(self.app.now(), &path, body);
                request
                    .header(TIMESTAMP_HEADER, made.timestamp)
                    .header(SIGNATURE_HEADER, made.signature)
            }
        }
    }
}
