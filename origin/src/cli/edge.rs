//! `footfall edge`: the edge component in the embedded host, in a binary that has it.

#[cfg(not(feature = "edge-host"))]
use absent as host;
#[cfg(feature = "edge-host")]
use present as host;

use anyhow::Context;
use opentelemetry::global::BoxedTracer;

use super::stop::Stop;
use crate::config::Config;

/// Sets the runtime up as the host needs it.
pub(super) fn tune(runtime: &mut tokio::runtime::Builder) {
    host::tune(runtime);
}

/// Runs the edge alone until a signal, or until standard input closes where it is supervised.
pub(super) async fn run(
    config: &Config,
    supervised: bool,
    tracer: Option<BoxedTracer>,
) -> anyhow::Result<()> {
    config.check_edge_keys()?;
    let stop = Stop::listen(supervised).context("signals cannot be listened to")?;
    host::run(config, stop, tracer).await
}

/// Runs the edge until `stop`.
pub(super) async fn run_until(
    config: &Config,
    stop: Stop,
    tracer: Option<BoxedTracer>,
) -> anyhow::Result<()> {
    host::run(config, stop, tracer).await
}

#[cfg(feature = "edge-host")]
mod present {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::time::Duration;

    use anyhow::Context;
    use footfall_edge_host::{FlushSigner, GeoOptions, Host, HostOptions};
    use footfall_shared::signing::{SIGNATURE_HEADER, SigningKeys, TIMESTAMP_HEADER};
    use opentelemetry::global::BoxedTracer;

    use crate::app::Clock;
    use crate::cli::stop::Stop;
    use crate::config::Config;

    /// The pace at which the edge's outbox is drained.
    const FLUSH_EVERY: Duration = Duration::from_millis(200);
    /// The component's file where none is named: beside the binary.
    const COMPONENT: &str = "footfall-edge.wasm";
    /// Likewise, where the shop brings its own policy.
    const POLICY_COMPONENT: &str = "footfall-edge-policy.wasm";

    pub(super) fn tune(runtime: &mut tokio::runtime::Builder) {
        footfall_edge_host::tune(runtime);
    }

    pub(super) async fn run(
        config: &Config,
        mut stop: Stop,
        tracer: Option<BoxedTracer>,
    ) -> anyhow::Result<()> {
        let host = Host::start(options(config, tracer)?)
            .await
            .with_context(|| {
                format!(
                    "FOOTFALL_EDGE_ADDR: the edge cannot start on {}",
                    config.edge_addr
                )
            })?;
        tracing::info!(address = %host.address(), mode = config.mode.as_str(), "the edge listens");
        stop.requested().await;
        host.stop().await;
        tracing::info!("the edge has stopped");
        Ok(())
    }

    fn options(config: &Config, tracer: Option<BoxedTracer>) -> anyhow::Result<HostOptions> {
        let keys = config.edge_keys.as_ref().context(
            "FOOTFALL_EDGE_KEYS is required by the edge: a key of at least 32 characters that the origin has, too",
        )?;
        let variables = BTreeMap::from([
            ("mode".to_owned(), config.mode.as_str().to_owned()),
            ("origin_url".to_owned(), config.origin_url()),
            ("edge_keys".to_owned(), keys.reveal().to_owned()),
            (
                "trusted_proxy_hops".to_owned(),
                config.trusted_proxy_hops.to_string(),
            ),
        ]);
        Ok(HostOptions {
            listen: config.edge_addr,
            component: component(config)?,
            policy: config.edge_policy.clone(),
            data_dir: config.data_dir.join("edge"),
            variables,
            origin_url: config.origin_url(),
            flush_every: FLUSH_EVERY,
            tracer,
            flush_signer: signer(keys.keys().clone()),
            geo: config.geo_mmdb.clone().map(|mmdb| GeoOptions {
                mmdb,
                trusted_proxy_hops: config.trusted_proxy_hops.into(),
            }),
        })
    }

    fn component(config: &Config) -> anyhow::Result<PathBuf> {
        let name = match &config.edge_policy {
            Some(_) => POLICY_COMPONENT,
            None => COMPONENT,
        };
        let beside = || Some(std::env::current_exe().ok()?.parent()?.join(name));
        let path = config
            .edge_component
            .clone()
            .or_else(beside)
            .filter(|path| path.is_file());
        path.context(format!(
            "FOOTFALL_EDGE_COMPONENT must name the edge component (or put {name} beside this binary); \
             `make build` makes it"
        ))
    }

    fn signer(keys: SigningKeys) -> FlushSigner {
        Arc::new(move |path, body| {
            let made = keys.sign(Clock::System.now(), path, body);
            vec![
                (TIMESTAMP_HEADER.to_owned(), made.timestamp),
                (SIGNATURE_HEADER.to_owned(), made.signature),
            ]
        })
    }
}

#[cfg(not(feature = "edge-host"))]
mod absent {
    use opentelemetry::global::BoxedTracer;

    use crate::cli::stop::Stop;
    use crate::config::Config;

    pub(super) fn tune(_: &mut tokio::runtime::Builder) {}

    pub(super) async fn run(_: &Config, _: Stop, _: Option<BoxedTracer>) -> anyhow::Result<()> {
        anyhow::bail!(
            "this binary was built without the edge; build it with `cargo build -p footfall --features edge-host`"
        )
    }
}
