//! A collector of traces, as small as one can be: it takes OTLP over HTTP as JSON.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// Whether a collector answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manners {
    Answers,
    /// It takes connections and says nothing, as one behind a broken network does.
    KeepsSilent,
}

/// A listening collector, and what it was sent. It ends with the test process.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// A span as it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    /// 2 is a server's, 3 a client's.
    pub(crate) kind: i64,
    attributes: Value,
}

impl Collector {
    pub(crate) fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let bodies = Arc::default();
        let taken = Arc::clone(&bodies);
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming().flatten() {
                match manners {
                    Manners::Answers => {
                        let taken = Arc::clone(&taken);
                        std::thread::spawn(move || take(&stream, &taken));
                    }
                    Manners::KeepsSilent => held.push(stream),
                }
            }
        });
        Self { endpoint, bodies }
    }

    /// The settings of a process that sends here, at once.
    pub(crate) fn settings(&self) -> [(&'static str, &str); 3] {
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &self.endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ]
    }

    /// Every byte that it was sent.
    pub(crate) fn text(&self) -> String {
        let bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(bodies.concat()).unwrap()
    }

    /// Every span that it was sent.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        let mut spans = Vec::new();
        for body in bodies.iter() {
            let sent: Value = serde_json::from_slice(body).unwrap();
            for resource in list(&sent["resourceSpans"]) {
                let service = attribute(&resource["resource"]["attributes"], "service.name");
                for scope in list(&resource["scopeSpans"]) {
                    spans.extend(
                        list(&scope["spans"])
                            .iter()
                            .map(|span| read(&service, span)),
                    );
                }
            }
        }
        spans
    }
}

impl Span {
    /// A text among its attributes; empty where there is none.
    pub(crate) fn text(&self, key: &str) -> String {
        attribute(&self.attributes, key)
    }
}

fn read(service: &str, span: &Value) -> Span {
    let text = |key: &str| span[key].as_str().unwrap_or_default().to_owned();
    Span {
        service: service.to_owned(),
        name: text("name"),
        trace: text("traceId"),
        id: text("spanId"),
        parent: text("parentSpanId"),
        kind: span["kind"].as_i64().unwrap_or_default(),
        attributes: span["attributes"].clone(),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn attribute(attributes: &Value, key: &str) -> String {
    let found = list(attributes).iter().find(|one| one["key"] == key);
    let text = found.and_then(|one| one["value"]["stringValue"].as_str());
    text.unwrap_or_default().to_owned()
}

/// Takes one request, and closes the connection.
fn take(mut stream: &TcpStream, bodies: &Mutex<Vec<Vec<u8>>>) {
    let mut reader = BufReader::new(stream);
    let (mut length, mut line) = (0, String::new());
    while reader.read_line(&mut line).is_ok_and(|read| read > 0) && line.trim() != "" {
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or_default();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    if length == 0 || reader.read_exact(&mut body).is_err() {
        return;
    }
    let mut bodies = bodies.lock().unwrap_or_else(PoisonError::into_inner);
    bodies.push(body);
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    let _ = stream.write_all(answer.as_bytes());
}
