//! The way of the spans to a collector: OTLP over HTTP, set by OpenTelemetry's own variables.
//!
//! Spans wait in a bounded queue and are sent by a thread of the SDK; a full queue drops them. So a collector
//! that is away or slow costs no request anything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use opentelemetry::KeyValue;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;

use super::TRACER;
use crate::http::outgoing::{Outgoing, Patience};

/// Where the collector is; either switches the export on.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
/// How the collector is spoken to.
const PROTOCOLS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];
/// For one batch: OpenTelemetry's own default; and how much is read of the answer.
const PATIENCE: Patience = Patience {
    timeout: Duration::from_secs(10),
    bytes_max: 64 * 1024,
};
/// How long the end of a process waits for the last spans.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// Why nothing can be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The collector is to be spoken to in a way that this binary does not speak.
    #[error("{setting} must be http/protobuf or http/json; a collector's port for these is 4318")]
    Protocol {
        /// The variable.
        setting: &'static str,
    },
    /// A variable of OpenTelemetry is wrong.
    #[error("the variables OTEL_EXPORTER_OTLP_… cannot be used")]
    Settings(#[source] ExporterBuildError),
}

/// A running export. It goes on until it is stopped.
#[derive(Debug)]
pub struct Export(SdkTracerProvider);

/// Begins to export the spans of this process, as `service`, where the environment names a collector. Called
/// on the runtime that the exporter's connections live on.
pub fn start(
    service: &'static str,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<Export>, ExportError> {
    let set = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
    let wanted = ENDPOINTS.iter().any(|name| set(name).is_some())
        && set("OTEL_SDK_DISABLED").is_none_or(|value| !value.eq_ignore_ascii_case("true"))
        && set("OTEL_TRACES_EXPORTER").is_none_or(|value| value != "none");
    if !wanted {
        return Ok(None);
    }
    let protocol = PROTOCOLS.iter().find_map(|name| Some((*name, set(name)?)));
    if let Some((setting, protocol)) = protocol
        && !["http/protobuf", "http/json"].contains(&protocol.to_ascii_lowercase().as_str())
    {
        return Err(ExportError::Protocol { setting });
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector {
            outgoing: Outgoing::new(),
            runtime: Handle::current(),
            answers: AtomicBool::new(true),
        })
        .build()
        .map_err(ExportError::Settings)?;
    let named = set("OTEL_SERVICE_NAME").is_some()
        || set("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|list| list.contains("service.name="));
    let mut resource = Resource::builder();
    if !named {
        resource = resource.with_service_name(service);
    }
    let resource =
        resource.with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .build();
    let export = Export(provider);
    let _ = TRACER.set(export.tracer());
    tracing::info!(service, "traces are exported");
    Ok(Some(export))
}

impl Export {
    /// A tracer for a part that makes its own spans.
    #[must_use]
    pub fn tracer(&self) -> BoxedTracer {
        BoxedTracer::new(Box::new(self.0.tracer("footfall")))
    }

    /// Sends what still waits, for a bounded time. It blocks; the runtime must still run.
    pub fn stop(self) {
        if self.0.shutdown_with_timeout(STOP_PATIENCE).is_err() {
            tracing::warn!("the last traces did not reach the collector");
        }
    }
}

/// The collector, over the client that everything else outside is called with.
#[derive(Debug)]
struct Collector {
    outgoing: Outgoing,
    runtime: Handle,
    answers: AtomicBool,
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let outgoing = self.outgoing.clone();
        // The exporter's thread is none of the runtime's, and connections need one.
        let sending = self
            .runtime
            .spawn(async move { outgoing.send(request.map(Full::new), PATIENCE).await });
        let answer = sending.await?;
        let answers = answer
            .as_ref()
            .is_ok_and(|answer| answer.status().is_success());
        // Every batch would be too much to log; the changes say all.
        match (self.answers.swap(answers, Ordering::Relaxed), answers) {
            (true, false) => tracing::warn!("the collector of traces does not take them"),
            (false, true) => tracing::info!("the collector takes traces again"),
            _ => {}
        }
        Ok(answer?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start_with(settings: &[(&str, &str)]) -> Result<Option<Export>, ExportError> {
        start("test", |name| {
            let found = settings.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_is_exported_unless_a_collector_is_named() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        for settings in [
            vec![],
            vec![("OTEL_EXPORTER_OTLP_ENDPOINT", " ")],
            vec![("OTEL_SERVICE_NAME", "shop")],
            vec![endpoint, ("OTEL_SDK_DISABLED", "true")],
            vec![endpoint, ("OTEL_TRACES_EXPORTER", "none")],
        ] {
            assert!(start_with(&settings).unwrap().is_none(), "{settings:?}");
        }
    }

    #[test]
    fn a_protocol_that_is_not_spoken_is_refused_by_name() {
        let settings = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ];
        let fault = start_with(&settings).unwrap_err().to_string();
        assert!(fault.starts_with("OTEL_EXPORTER_OTLP_PROTOCOL"), "{fault}");
    }
}
