//! The settings: a TOML file, overlaid by the environment, read once and checked before anything starts.
//!
//! **Invariant:** a wrong setting stops the start with its name, never with a fault later on.
//! Test: the table `every_wrong_setting_is_named`.

mod secrets;
mod texts;

use std::net::SocketAddr;
use std::path::PathBuf;

use footfall_shared::mode::{Access, Mode};

pub use secrets::{DatabaseUrl, EdgeKeys, JwtSecret, MetricsToken};
use texts::Texts;

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Open for a developer's machine, or closed.
    pub mode: Mode,
    /// Where the origin listens.
    pub origin_addr: SocketAddr,
    /// Where the embedded edge finds an origin of another machine; `None` is this one's.
    pub origin_url: Option<String>,
    /// Where the embedded edge host listens.
    pub edge_addr: SocketAddr,
    /// `sqlite:PATH` or `postgres://…`.
    pub database_url: DatabaseUrl,
    /// Where the host's own databases and the development secrets stay.
    pub data_dir: PathBuf,
    /// Where erasures are noted beside the database, for backups that are restored.
    pub erasure_journal: PathBuf,
    /// Where `footfall dev` tells what it started.
    pub dev_json: PathBuf,
    /// Keys of the signed calls between edge and origin.
    pub edge_keys: Option<EdgeKeys>,
    /// Signs the access tokens of people.
    pub jwt_secret: Option<JwtSecret>,
    /// Base URLs of the edges that are told of changes, without a trailing slash.
    pub edges: Vec<String>,
    /// A GeoIP database in the MMDB format.
    pub geo_mmdb: Option<PathBuf>,
    /// The edge component that the embedded host runs.
    pub edge_component: Option<PathBuf>,
    /// The shop's own policy, which the embedded host asks.
    pub edge_policy: Option<PathBuf>,
    /// How many proxies before the edge append to `X-Forwarded-For`; 0 trusts only the socket.
    pub trusted_proxy_hops: u8,
    /// How often a connected WooCommerce shop is reconciled, in milliseconds; 0 is never.
    pub woocommerce_every_ms: i64,
    /// Sessions of the demo shop's year; 0 is none.
    pub demo_sessions: u32,
    /// What a Prometheus server shows to read `/metrics` in production.
    pub metrics_token: Option<MetricsToken>,
    /// Filter of the log, as `info,footfall=debug`.
    pub log: String,
}

/// Why the settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration file {path} is not valid TOML")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The file sets something that does not exist.
    #[error("the configuration file sets `{name}`, which is no setting; known are: {known}")]
    Unknown {
        /// What it sets.
        name: String,
        /// What there is.
        known: String,
    },
    /// A setting has a wrong value, which is not repeated: it may be a secret.
    #[error("{setting} {reason}")]
    Invalid {
        /// Its name in the environment.
        setting: &'static str,
        /// A predicate: "must be …".
        reason: String,
    },
}

impl ConfigError {
    fn invalid(setting: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid {
            setting,
            reason: reason.into(),
        }
    }
}

impl Config {
    /// Reads the file at `path` (if any), lets `environment` overlay it and checks the whole.
    pub fn load(
        path: Option<&std::path::Path>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        Self::load_in(Mode::Production, path, environment)
    }

    /// As [`Config::load`], with the mode that holds where none is set.
    pub fn load_in(
        default_mode: Mode,
        path: Option<&std::path::Path>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let texts = Texts::read(path, environment)?;
        let mode: Mode = texts.parse(
            "FOOTFALL_MODE",
            "must be development or production",
            default_mode.as_str(),
        )?;
        let data_dir = PathBuf::from(
            texts
                .get("FOOTFALL_DATA_DIR")
                .unwrap_or_else(|| ".footfall".into()),
        );
        let dev_json = texts
            .path("FOOTFALL_DEV_JSON")
            .unwrap_or_else(|| data_dir.join("dev.json"));
        let erasure_journal = texts
            .path("FOOTFALL_ERASURE_JOURNAL")
            .unwrap_or_else(|| data_dir.join("erasures.jsonl"));
        let mut config = Self {
            mode,
            origin_addr: texts.address("FOOTFALL_ORIGIN_ADDR", "127.0.0.1:8000")?,
            origin_url: texts.origin_url()?,
            edge_addr: texts.address("FOOTFALL_EDGE_ADDR", "127.0.0.1:8787")?,
            database_url: texts.database_url(&data_dir)?,
            data_dir,
            erasure_journal,
            dev_json,
            edge_keys: texts.edge_keys()?,
            jwt_secret: texts.jwt_secret()?,
            edges: texts.edges()?,
            geo_mmdb: texts.path("FOOTFALL_GEO_MMDB"),
            edge_component: texts.path("FOOTFALL_EDGE_COMPONENT"),
            edge_policy: texts.path("FOOTFALL_EDGE_POLICY"),
            trusted_proxy_hops: texts.proxy_hops()?,
            woocommerce_every_ms: texts.woocommerce_every_ms()?,
            demo_sessions: texts.demo_sessions()?,
            metrics_token: texts.metrics_token()?,
            log: texts.get("FOOTFALL_LOG").unwrap_or_else(|| "info".into()),
        };
        config.check_addresses()?;
        if config.mode == Mode::Development && config.edges.is_empty() {
            // On a developer's machine there is one edge, and every command is to reach it.
            config.edges.push(config.edge_url());
        }
        Ok(config)
    }

    /// What the mode opens.
    #[must_use]
    pub fn access(&self) -> Access {
        Access::of(self.mode)
    }

    /// Where an edge on this machine reaches the origin.
    #[must_use]
    pub fn origin_url(&self) -> String {
        self.origin_url
            .clone()
            .unwrap_or_else(|| base_url(self.origin_addr))
    }

    /// Where this machine reaches the embedded edge.
    #[must_use]
    pub fn edge_url(&self) -> String {
        base_url(self.edge_addr)
    }

    /// What only a serving origin needs: in production the keys of the edges and the secret of the tokens.
    pub fn check_serving(&self) -> Result<(), ConfigError> {
        self.check_edge_keys()?;
        if self.mode == Mode::Production && self.jwt_secret.is_none() {
            return Err(ConfigError::invalid(
                "FOOTFALL_JWT_SECRET",
                "is required in production: at least 32 random characters (openssl rand -hex 32), the same on every node",
            ));
        }
        Ok(())
    }

    /// What a serving edge needs, too: in production the keys.
    pub fn check_edge_keys(&self) -> Result<(), ConfigError> {
        match (self.mode, &self.edge_keys) {
            (Mode::Production, None) => Err(ConfigError::invalid(
                "FOOTFALL_EDGE_KEYS",
                "is required in production: one or two keys of at least 32 characters, separated by a comma",
            )),
            _ => Ok(()),
        }
    }

    fn check_addresses(&self) -> Result<(), ConfigError> {
        if !self.access().loopback_only {
            return Ok(());
        }
        let listening = [
            ("FOOTFALL_ORIGIN_ADDR", self.origin_addr),
            ("FOOTFALL_EDGE_ADDR", self.edge_addr),
        ];
        match listening
            .iter()
            .find(|(_, address)| !address.ip().is_loopback())
        {
            Some((setting, _)) => Err(ConfigError::invalid(
                setting,
                "must be a loopback address in development mode, which asks for no keys; \
                 use 127.0.0.1 or FOOTFALL_MODE=production",
            )),
            None => Ok(()),
        }
    }
}

/// The base URL of a listener on this machine. Who listens on every address is reached by loopback.
fn base_url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let find = |name: &str| {
            settings
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Config::load(None, find)
    }

    #[test]
    fn nothing_set_is_a_closed_origin_on_loopback() {
        let config = load(&[]).unwrap();
        assert_eq!(config.mode, Mode::Production);
        assert!(config.origin_addr.ip().is_loopback());
        assert_eq!(config.database_url.engine(), "SQLite");
        assert!(
            config.check_serving().is_err(),
            "production needs edge keys"
        );
        let keys = "k".repeat(32);
        let keyed = load(&[("FOOTFALL_EDGE_KEYS", &keys)]).unwrap();
        let fault = keyed.check_serving().unwrap_err().to_string();
        assert!(fault.starts_with("FOOTFALL_JWT_SECRET"), "{fault}");
    }

    #[test]
    fn every_wrong_setting_is_named() {
        let wrong = [
            ("FOOTFALL_MODE", "dev"),
            ("FOOTFALL_ORIGIN_ADDR", "localhost"),
            ("FOOTFALL_EDGE_ADDR", "127.0.0.1:99999"),
            ("DATABASE_URL", "mysql://x"),
            ("DATABASE_URL", "sqlite:"),
            ("FOOTFALL_EDGE_KEYS", "too-short"),
            ("FOOTFALL_JWT_SECRET", "too-short"),
            ("FOOTFALL_ORIGIN_URL", "https://origin.shop.example"),
            ("FOOTFALL_EDGES", "edge.shop.example"),
            ("FOOTFALL_EDGES", "https://edge.shop.example/path"),
            ("FOOTFALL_TRUSTED_PROXY_HOPS", "-1"),
            ("FOOTFALL_TRUSTED_PROXY_HOPS", "11"),
            ("FOOTFALL_WOOCOMMERCE_MINUTES", "hourly"),
            ("FOOTFALL_WOOCOMMERCE_MINUTES", "10081"),
        ];
        for (setting, value) in wrong {
            let fault = load(&[(setting, value)]).unwrap_err().to_string();
            assert!(fault.starts_with(setting), "{setting}: {fault}");
            assert!(
                !fault.contains("too-short"),
                "a refused secret is not repeated"
            );
        }
    }

    #[test]
    fn development_refuses_to_listen_anywhere_but_on_loopback() {
        for setting in ["FOOTFALL_ORIGIN_ADDR", "FOOTFALL_EDGE_ADDR"] {
            for address in ["0.0.0.0:9000", "192.0.2.1:9000", "[::]:9000"] {
                let settings = [("FOOTFALL_MODE", "development"), (setting, address)];
                assert!(
                    load(&settings).unwrap_err().to_string().contains(setting),
                    "{address}"
                );
                assert!(
                    load(&[(setting, address)]).is_ok(),
                    "production may listen on {address}"
                );
            }
        }
    }

    #[test]
    fn the_environment_wins_over_the_file_and_unknown_names_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("footfall.toml");
        std::fs::write(
            &path,
            "origin_addr = '127.0.0.1:1'\nedges = ['http://a/', 'http://b']\n",
        )
        .unwrap();
        let config = Config::load(Some(&path), |name| {
            (name == "FOOTFALL_ORIGIN_ADDR").then(|| "127.0.0.1:2".into())
        })
        .unwrap();
        assert_eq!(config.origin_addr.port(), 2);
        assert_eq!(config.edges, ["http://a", "http://b"]);
        std::fs::write(&path, "orign_addr = '127.0.0.1:1'\n").unwrap();
        let fault = Config::load(Some(&path), |_| None).unwrap_err().to_string();
        assert!(fault.contains("orign_addr"), "{fault}");
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let (key, secret) = ("k".repeat(40), "s".repeat(40));
        let url = "postgres://u:hunter2@db/x";
        let settings = [
            ("FOOTFALL_EDGE_KEYS", key.as_str()),
            ("FOOTFALL_JWT_SECRET", &secret),
            ("DATABASE_URL", url),
        ];
        let printed = format!("{:?}", load(&settings).unwrap());
        assert!(
            ![&key, &secret, "hunter2"]
                .iter()
                .any(|text| printed.contains(*text)),
            "{printed}"
        );
    }
}
