//! The settings as text, wherever they come from, and the parsing of each.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{ConfigError, DatabaseUrl, EdgeKeys, JwtSecret, MetricsToken};

/// Most proxies that may stand before the edge.
const PROXY_HOPS_MAX: u8 = 10;
/// Fewest characters of the metrics token.
const METRICS_TOKEN_MIN: usize = 20;
/// Most sessions of the demo shop's year.
const DEMO_SESSIONS_MAX: u32 = 1_000_000;
/// Longest time between two reconciles of a shop, in minutes: a week.
const WOOCOMMERCE_MINUTES_MAX: i64 = 7 * 24 * 60;

/// Each setting: its name in the environment and in the file.
const NAMES: [(&str, &str); 19] = [
    ("FOOTFALL_MODE", "mode"),
    ("FOOTFALL_ORIGIN_ADDR", "origin_addr"),
    ("FOOTFALL_ORIGIN_URL", "origin_url"),
    ("FOOTFALL_EDGE_ADDR", "edge_addr"),
    ("DATABASE_URL", "database_url"),
    ("FOOTFALL_DATA_DIR", "data_dir"),
    ("FOOTFALL_ERASURE_JOURNAL", "erasure_journal"),
    ("FOOTFALL_DEV_JSON", "dev_json"),
    ("FOOTFALL_EDGE_KEYS", "edge_keys"),
    ("FOOTFALL_JWT_SECRET", "jwt_secret"),
    ("FOOTFALL_EDGES", "edges"),
    ("FOOTFALL_GEO_MMDB", "geo_mmdb"),
    ("FOOTFALL_METRICS_TOKEN", "metrics_token"),
    ("FOOTFALL_EDGE_COMPONENT", "edge_component"),
    ("FOOTFALL_EDGE_POLICY", "edge_policy"),
    ("FOOTFALL_TRUSTED_PROXY_HOPS", "trusted_proxy_hops"),
    ("FOOTFALL_WOOCOMMERCE_MINUTES", "woocommerce_minutes"),
    ("FOOTFALL_DEMO_SESSIONS", "demo_sessions"),
    ("FOOTFALL_LOG", "log"),
];

/// The settings as text, wherever they come from.
pub(super) struct Texts<E> {
    file: toml::Table,
    environment: E,
}

impl<E: Fn(&str) -> Option<String>> Texts<E> {
    /// Reads the file, if there is one, and refuses names that are no settings.
    pub(super) fn read(path: Option<&Path>, environment: E) -> Result<Self, ConfigError> {
        let file = path.map(read_file).transpose()?.unwrap_or_default();
        Ok(Self { file, environment })
    }

    pub(super) fn get(&self, setting: &str) -> Option<String> {
        // An empty variable is how a shell or a container file says "not set".
        let text = (self.environment)(setting).or_else(|| self.file_value(setting))?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn file_value(&self, setting: &str) -> Option<String> {
        let (_, name) = NAMES.iter().find(|(variable, _)| *variable == setting)?;
        match self.file.get(*name)? {
            toml::Value::String(text) => Some(text.clone()),
            toml::Value::Array(values) => {
                let texts = values
                    .iter()
                    .map(|value| value.as_str().unwrap_or_default());
                Some(texts.collect::<Vec<_>>().join(","))
            }
            other => Some(other.to_string()),
        }
    }

    pub(super) fn path(&self, setting: &str) -> Option<PathBuf> {
        self.get(setting).map(PathBuf::from)
    }

    pub(super) fn parse<T: FromStr>(
        &self,
        setting: &'static str,
        reason: &str,
        default: &str,
    ) -> Result<T, ConfigError> {
        let text = self.get(setting).unwrap_or_else(|| default.to_owned());
        text.parse()
            .map_err(|_| ConfigError::invalid(setting, reason))
    }

    pub(super) fn address(
        &self,
        setting: &'static str,
        default: &str,
    ) -> Result<SocketAddr, ConfigError> {
        self.parse(
            setting,
            "must be an IP address and a port, as 127.0.0.1:8000",
            default,
        )
    }

    pub(super) fn database_url(&self, data_dir: &Path) -> Result<DatabaseUrl, ConfigError> {
        let url = self
            .get("DATABASE_URL")
            .unwrap_or_else(|| format!("sqlite:{}", data_dir.join("footfall.db").display()));
        let path = url
            .strip_prefix("sqlite:")
            .map(|path| path.trim_start_matches("//"));
        let known = ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme));
        if path.is_some_and(|path| !path.is_empty()) || known {
            return Ok(DatabaseUrl(url));
        }
        Err(ConfigError::invalid(
            "DATABASE_URL",
            "must be sqlite:PATH or postgres://…",
        ))
    }

    pub(super) fn edge_keys(&self) -> Result<Option<EdgeKeys>, ConfigError> {
        let Some(text) = self.get("FOOTFALL_EDGE_KEYS") else {
            return Ok(None);
        };
        let keys = text
            .parse()
            .map_err(|fault: footfall_shared::signing::InvalidKeys| {
                ConfigError::invalid("FOOTFALL_EDGE_KEYS", format!("is refused: {fault}"))
            })?;
        Ok(Some(keys))
    }

    pub(super) fn jwt_secret(&self) -> Result<Option<JwtSecret>, ConfigError> {
        let Some(text) = self.get("FOOTFALL_JWT_SECRET") else {
            return Ok(None);
        };
        JwtSecret::parse(&text).map(Some).ok_or_else(|| {
            let reason = format!("must have at least {} characters", JwtSecret::CHARS_MIN);
            ConfigError::invalid("FOOTFALL_JWT_SECRET", reason)
        })
    }

    pub(super) fn metrics_token(&self) -> Result<Option<MetricsToken>, ConfigError> {
        const NAME: &str = "FOOTFALL_METRICS_TOKEN";
        match self.get(NAME) {
            Some(token) if token.len() < METRICS_TOKEN_MIN => {
                let reason = format!("must have at least {METRICS_TOKEN_MIN} characters");
                Err(ConfigError::invalid(NAME, reason))
            }
            token => Ok(token.map(MetricsToken)),
        }
    }

    pub(super) fn edges(&self) -> Result<Vec<String>, ConfigError> {
        let text = self.get("FOOTFALL_EDGES").unwrap_or_default();
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        parts
            .map(|part| {
                let url = part.trim_end_matches('/');
                let uri: Option<http::Uri> = url.parse().ok();
                let fits = uri.is_some_and(|uri| {
                    matches!(uri.scheme_str(), Some("http" | "https")) && uri.path() == "/"
                });
                fits.then(|| url.to_owned()).ok_or_else(|| {
                    ConfigError::invalid(
                        "FOOTFALL_EDGES",
                        "must be base URLs separated by commas, as https://edge.shop.example",
                    )
                })
            })
            .collect()
    }

    /// Where the embedded edge finds the origin; plain HTTP, as the host speaks it.
    pub(super) fn origin_url(&self) -> Result<Option<String>, ConfigError> {
        let Some(text) = self.get("FOOTFALL_ORIGIN_URL") else {
            return Ok(None);
        };
        let url = text.trim_end_matches('/');
        let uri: Option<http::Uri> = url.parse().ok();
        let fits = uri.is_some_and(|uri| uri.scheme_str() == Some("http") && uri.path() == "/");
        fits.then(|| Some(url.to_owned())).ok_or_else(|| {
            ConfigError::invalid(
                "FOOTFALL_ORIGIN_URL",
                "must be http://host[:port]; put TLS in front of it",
            )
        })
    }

    pub(super) fn proxy_hops(&self) -> Result<u8, ConfigError> {
        let reason = format!("must be a whole number from 0 to {PROXY_HOPS_MAX}");
        let hops: u8 = self.parse("FOOTFALL_TRUSTED_PROXY_HOPS", &reason, "0")?;
        if hops > PROXY_HOPS_MAX {
            return Err(ConfigError::invalid("FOOTFALL_TRUSTED_PROXY_HOPS", reason));
        }
        Ok(hops)
    }

    pub(super) fn demo_sessions(&self) -> Result<u32, ConfigError> {
        let name = "FOOTFALL_DEMO_SESSIONS";
        let reason = format!("must be a whole number from 0 to {DEMO_SESSIONS_MAX}");
        let sessions: u32 = self.parse(name, &reason, "4000")?;
        if sessions > DEMO_SESSIONS_MAX {
            return Err(ConfigError::invalid(name, reason));
        }
        Ok(sessions)
    }

    pub(super) fn woocommerce_every_ms(&self) -> Result<i64, ConfigError> {
        let name = "FOOTFALL_WOOCOMMERCE_MINUTES";
        let reason = format!(
            "must be a whole number of minutes from 0 (never) to {WOOCOMMERCE_MINUTES_MAX}"
        );
        let minutes: i64 = self.parse(name, &reason, "60")?;
        if !(0..=WOOCOMMERCE_MINUTES_MAX).contains(&minutes) {
            return Err(ConfigError::invalid(name, reason));
        }
        Ok(minutes * 60_000)
    }
}

fn read_file(path: &Path) -> Result<toml::Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let table: toml::Table = text.parse().map_err(|source| ConfigError::Syntax {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    match table
        .keys()
        .find(|key| !NAMES.iter().any(|(_, name)| name == key))
    {
        Some(unknown) => Err(ConfigError::Unknown {
            name: unknown.clone(),
            known: NAMES.map(|(_, name)| name).join(", "),
        }),
        None => Ok(table),
    }
}
