//! The command line: parses it, reads the settings, and calls one use case.

mod admin;
mod audit;
mod doctor;
mod edge;
mod import;
mod journey;
mod ledger;
mod output;
mod policy;
mod privacy;
mod serve;
pub mod stop;
mod woocommerce;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use footfall_shared::mode::Mode;
use opentelemetry::global::BoxedTracer;
use tracing_subscriber::EnvFilter;

use crate::app::App;
use crate::config::Config;
use crate::db::Db;
use crate::demo;
use crate::traces::{self, Export};
pub(crate) use output::say;

/// Customer intelligence for online shops.
#[derive(Debug, Parser)]
#[command(name = "footfall", version, arg_required_else_help = true)]
struct Arguments {
    /// A TOML file with settings; the environment overlays it.
    #[arg(long, global = true, env = "FOOTFALL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the origin.
    Serve {
        /// Run the edge component in this process, too.
        #[arg(long)]
        with_edge: bool,
        /// The shop's own policy: a component that ranks what shoppers are shown.
        #[arg(long, value_name = "FILE", requires = "with_edge")]
        policy: Option<PathBuf>,
        /// Stop when standard input closes.
        #[arg(long, hide = true)]
        supervised: bool,
    },
    /// Run the edge component in the embedded host.
    Edge {
        /// The shop's own policy: a component that ranks what shoppers are shown.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// Stop when standard input closes.
        #[arg(long, hide = true)]
        supervised: bool,
    },
    /// Run origin and edge on this machine, with the demo shop (development mode).
    Dev,
    /// Bring the database's tables up to date.
    Migrate,
    /// Make the demo shop and its data, if it is not there.
    Demo,
    /// Shops, keys and users.
    #[command(subcommand)]
    Admin(admin::Command),
    /// The log of what people and keys did.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Erasures, and backups that are restored.
    #[command(subcommand)]
    Privacy(privacy::Command),
    /// Read what another system has, and mend what is missing here.
    #[command(subcommand)]
    Sync(woocommerce::SyncCommand),
    /// Import a file of orders, reviews, customers, products or page events.
    Import(import::Import),
    /// Make every projection anew from the log.
    Rebuild,
    /// Fit a conversion model: the one that is shipped, or a shop's own.
    #[command(subcommand)]
    Fit(journey::Fit),
    /// Tell how good a model is.
    #[command(subcommand)]
    Evaluate(journey::Evaluate),
    /// Print the OpenAPI document.
    Openapi,
    /// Look for what is set up wrong, and name the mend.
    Doctor {
        /// Instead show what became of every event that the edges accepted, and whether it balances.
        #[arg(long)]
        ledger: bool,
    },
}

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match prepare(arguments) {
        Ok(code) => code,
        Err(error) => {
            // Before the log is up, and for people: the whole chain in one line.
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "footfall: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn prepare(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments {
        config: path,
        command,
    } = arguments;
    let default_mode = if matches!(command, Command::Dev) {
        Mode::Development
    } else {
        Mode::Production
    };
    let config = Config::load_in(default_mode, path.as_deref(), |name| {
        std::env::var(name).ok()
    })?;
    start_log(&config)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all();
    edge::tune(&mut runtime);
    let runtime = runtime.build().context("the runtime could not start")?;
    let export = start_traces(&command, &runtime)?;
    let tracer = export.as_ref().map(Export::tracer);
    let done = runtime.block_on(dispatch(command, config, tracer));
    if let Some(export) = export {
        export.stop();
    }
    done
}

/// Only what serves is traced.
fn start_traces(
    command: &Command,
    runtime: &tokio::runtime::Runtime,
) -> anyhow::Result<Option<Export>> {
    let service = match command {
        Command::Serve {
            with_edge: true, ..
        } => "footfall",
        Command::Serve { .. } => "footfall-origin",
        Command::Edge { .. } => "footfall-edge",
        _ => return Ok(None),
    };
    let _entered = runtime.enter();
    let export = traces::start(service, |name| std::env::var(name).ok());
    export.context("traces cannot be exported")
}

async fn dispatch(
    command: Command,
    mut config: Config,
    tracer: Option<BoxedTracer>,
) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve {
            with_edge,
            policy,
            supervised,
        } => {
            config.edge_policy = policy.or(config.edge_policy);
            serve::serve(config, with_edge, supervised, tracer).await?;
        }
        Command::Fit(command) => journey::run_fit(&config, command).await?,
        Command::Evaluate(command) => journey::run_evaluate(&config, command).await?,
        Command::Edge { policy, supervised } => {
            config.edge_policy = policy.or(config.edge_policy);
            edge::run(&config, supervised, tracer).await?;
        }
        Command::Dev => return crate::dev::run(config).await,
        Command::Migrate => {
            open(&config).await?;
            say(format_args!("{}: up to date", config.database_url.engine()));
        }
        Command::Demo => make_demo(config).await?,
        Command::Admin(command) => {
            let db = open(&config).await?;
            admin::run(&App::new(config, db), command).await?;
        }
        Command::Audit(command) => {
            let db = open(&config).await?;
            return audit::run(&App::new(config, db), command).await;
        }
        Command::Privacy(command) => {
            let db = open(&config).await?;
            privacy::run(&App::new(config, db), command).await?;
        }
        Command::Sync(command) => {
            let db = open(&config).await?;
            woocommerce::run_sync(&App::new(config, db), command).await?;
        }
        Command::Import(file) => import::run(&config, &file).await?,
        Command::Rebuild => rebuild_all(config).await?,
        Command::Openapi => say(crate::router::document().to_pretty_json()?),
        Command::Doctor { ledger: false } => return doctor::run(&config).await,
        Command::Doctor { ledger: true } => return ledger::run(&config).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens the database and brings it up to date.
pub(crate) async fn open(config: &Config) -> anyhow::Result<Db> {
    let engine = config.database_url.engine();
    let db = Db::connect(config.database_url.reveal())
        .await
        .with_context(|| format!("DATABASE_URL: {engine} cannot be opened"))?;
    db.migrate()
        .await
        .with_context(|| format!("{engine} cannot be migrated"))?;
    Ok(db)
}

async fn make_demo(config: Config) -> anyhow::Result<()> {
    let app = App::new(config.clone(), open(&config).await?);
    match demo::seed(&app, &|line| say(line)).await? {
        None => say(format_args!("the shop `{}` is there already", demo::SLUG)),
        Some(shop) => {
            let made = demo::make_credentials(&app, &shop).await?;
            say("the demo shop is made; its credentials are shown only now:");
            say(format_args!("  publishable key  {}", made.publishable_key));
            say(format_args!("  secret key       {}", made.secret_key));
            say(format_args!(
                "  admin            {} / {}",
                made.identifier, made.password
            ));
        }
    }
    app.db().close().await;
    Ok(())
}

async fn rebuild_all(config: Config) -> anyhow::Result<()> {
    let app = App::new(config.clone(), open(&config).await?);
    for crate::rebuild::Rebuilt {
        shop,
        events,
        customers,
    } in crate::rebuild::run(&app).await?
    {
        say(format_args!(
            "{shop}: {events} events, {customers} customers"
        ));
    }
    app.db().close().await;
    Ok(())
}

/// Structured lines for machines in production, plain ones for a developer.
fn start_log(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log).context("FOOTFALL_LOG is not a log filter")?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    let begun = match config.mode {
        Mode::Development => log.compact().try_init(),
        Mode::Production => log.json().flatten_event(true).try_init(),
    };
    begun.map_err(|fault| anyhow::anyhow!("the log could not start: {fault}"))
}
