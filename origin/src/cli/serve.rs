//! `footfall serve`: the origin, until it is told to stop.

use anyhow::Context;
use opentelemetry::global::BoxedTracer;
use tokio::net::TcpListener;

use super::stop::Stop;
use super::{edge, open};
use crate::app::App;
use crate::config::Config;

/// Serves the origin, with the edge beside it when asked.
pub(super) async fn serve(
    mut config: Config,
    with_edge: bool,
    supervised: bool,
    tracer: Option<BoxedTracer>,
) -> anyhow::Result<()> {
    config.check_serving()?;
    let stop = Stop::listen(supervised).context("signals cannot be listened to")?;
    if with_edge && config.edges.is_empty() {
        // The edge in this process wants to hear of changes like any other.
        config.edges.push(config.edge_url());
    }
    let listener = bind(&config).await?;
    let db = open(&config).await?;
    let app = App::new(config.clone(), db);
    let again = crate::privacy::journal::apply_own(&app)
        .await
        .context("erasures that the database does not know cannot be applied again")?;
    if again > 0 {
        tracing::warn!(
            erasures = again,
            "the database did not know of erasures; they were applied again"
        );
    }
    crate::analytics::ask_where_missing(&app)
        .await
        .context("figures that are missing cannot be asked for")?;
    let mut told = stop.clone();
    let pushing = tokio::spawn(crate::edges::run(app.clone(), async move {
        told.requested().await
    }));
    let mut told = stop.clone();
    let retiring = tokio::spawn(crate::intelligence::devices::keep_retiring(
        app.clone(),
        async move { told.requested().await },
    ));
    let mut told = stop.clone();
    let ending = tokio::spawn(crate::privacy::keep_ending(app.clone(), async move {
        told.requested().await
    }));
    let mut told = stop.clone();
    let watching = tokio::spawn(crate::ingest::silence::watch(app.clone(), async move {
        told.requested().await
    }));
    let mut told = stop.clone();
    let reconciling = tokio::spawn(crate::woocommerce::run(app.clone(), async move {
        told.requested().await
    }));
    let mut told = stop.clone();
    let fitting = tokio::spawn(crate::journey::model::job::keep_fitting(
        app.clone(),
        async move { told.requested().await },
    ));
    let mut told = stop.clone();
    let delivering = tokio::spawn(crate::webhooks::keep_delivering(app.clone(), async move {
        told.requested().await
    }));
    let mut told = stop.clone();
    let publishing = tokio::spawn(crate::content::keep_publishing(app.clone(), async move {
        told.requested().await
    }));
    let mut told = stop.clone();
    let working = tokio::spawn(crate::jobs::keep_working(app.clone(), async move {
        told.requested().await
    }));
    let mut told = stop.clone();
    let refreshing = tokio::spawn(crate::behavior::keep_refreshing(app.clone(), async move {
        told.requested().await
    }));
    let mut told = stop.clone();
    let training = tokio::spawn(crate::recommend::keep_training(app.clone(), async move {
        told.requested().await
    }));
    let mut told = stop.clone();
    let hearing = tokio::spawn(crate::live::keep_hearing(app.clone(), async move {
        told.requested().await
    }));
    tracing::info!(
        address = %config.origin_addr,
        mode = config.mode.as_str(),
        database = config.database_url.engine(),
        "the origin listens"
    );
    let origin = run_origin(&app, listener, stop.clone());
    let served = if with_edge {
        let edge = edge::run_until(&config, stop, tracer);
        let (origin, edge) = tokio::join!(origin, edge);
        origin.and(edge)
    } else {
        origin.await
    };
    pushing.await.context("the pushes to the edges failed")?;
    watching.await.context("the silence alarm failed")?;
    retiring.await.context("the end of devices failed")?;
    ending.await.context("the end of old events failed")?;
    fitting.await.context("the fits of models failed")?;
    delivering.await.context("the webhooks failed")?;
    publishing.await.context("the kits failed")?;
    working.await.context("the jobs failed")?;
    refreshing.await.context("the analyses failed")?;
    hearing.await.context("the live data failed")?;
    training.await.context("the trainings failed")?;
    reconciling.await.context("the reconcile of shops failed")?;
    app.db().close().await;
    tracing::info!("the origin has stopped");
    served
}

async fn bind(config: &Config) -> anyhow::Result<TcpListener> {
    let address = config.origin_addr;
    TcpListener::bind(address)
        .await
        .with_context(|| format!("FOOTFALL_ORIGIN_ADDR: {address} cannot be listened on"))
}

async fn run_origin(app: &App, listener: TcpListener, mut stop: Stop) -> anyhow::Result<()> {
    let router = crate::router::router(app.clone());
    let until = async move { stop.requested().await };
    crate::http::serve::serve(listener, router, until)
        .await
        .context("the origin failed")
}
