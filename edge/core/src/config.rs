//! The deployment's settings, read once by the platform and checked here.

use footfall_shared::mode::{Access, Mode};
use footfall_shared::signing::SigningKeys;

/// What an operator sets for an edge.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// The mode, for people and for `/health`.
    pub mode: Mode,
    /// What the mode opens or closes.
    pub access: Access,
    /// Live keys of the calls between edge and origin.
    pub keys: SigningKeys,
    /// How many trusted proxies stand in front: 0 takes the socket's address, n the n-th address from
    /// the right of `X-Forwarded-For`.
    pub trusted_proxy_hops: usize,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("setting {setting}: {reason}")]
pub struct InvalidSetting {
    /// Its name.
    pub setting: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl EdgeConfig {
    /// Reads the settings from their texts; an empty text takes the default where there is one.
    ///
    /// # Errors
    /// [`InvalidSetting`] names the first one that cannot be used.
    pub fn parse(
        mode: &str,
        edge_keys: &str,
        trusted_proxy_hops: &str,
    ) -> Result<Self, InvalidSetting> {
        let invalid = |setting, reason: String| InvalidSetting { setting, reason };
        let mode = match mode.trim() {
            "" => Mode::default(),
            text => text
                .parse()
                .map_err(|fault| invalid("mode", format!("{fault}")))?,
        };
        let hops = match trusted_proxy_hops.trim() {
            "" => 0,
            text => text
                .parse()
                .map_err(|_| invalid("trusted_proxy_hops", "must be a small integer".to_owned()))?,
        };
        Ok(Self {
            mode,
            access: Access::of(mode),
            keys: SigningKeys::parse(edge_keys)
                .map_err(|fault| invalid("edge_keys", fault.to_string()))?,
            trusted_proxy_hops: hops,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_mode_is_production_and_a_wrong_setting_is_named() {
        let keys = "k".repeat(32);
        assert_eq!(
            EdgeConfig::parse("", &keys, "").unwrap().mode,
            Mode::Production
        );
        for (mode, keys, hops, setting) in [
            ("dev", keys.as_str(), "0", "mode"),
            ("production", "short", "0", "edge_keys"),
            ("production", keys.as_str(), "-1", "trusted_proxy_hops"),
        ] {
            assert_eq!(
                EdgeConfig::parse(mode, keys, hops).unwrap_err().setting,
                setting
            );
        }
    }
}
