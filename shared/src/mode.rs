//! The two modes, and the one settings object in which they differ.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::identity::Trust;

/// How open a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// For a developer's own machine: the contracts' "no authentication required" to the letter.
    Development,
    /// Closed: keys everywhere, personal data only to the verified.
    #[default]
    Production,
}

impl Mode {
    /// The mode as it is written in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

/// A text that names no mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be development or production")]
pub struct UnknownMode;

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        match text.trim() {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            _ => Err(UnknownMode),
        }
    }
}

/// What the mode opens or closes. Handlers ask this, never the mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Slug of the shop that a request without any key belongs to.
    pub keyless_shop: Option<&'static str>,
    /// The weakest trust that is shown names, emails and order data.
    pub reveal_from: Trust,
    /// Whether a browser may speak for any customer by number or email on the shop's own routes
    /// (`/wp-json/…`), as the contract has it.
    pub open_shop_routes: bool,
    /// Whether a person may send identifier and password with each request instead of logging in.
    pub basic_login: bool,
    /// Whether only loopback addresses may be listened on.
    pub loopback_only: bool,
}

impl Access {
    /// The settings of a mode.
    #[must_use]
    pub const fn of(mode: Mode) -> Self {
        match mode {
            Mode::Development => Self {
                keyless_shop: Some("demo"),
                reveal_from: Trust::Address,
                open_shop_routes: true,
                basic_login: true,
                loopback_only: true,
            },
            Mode::Production => Self {
                keyless_shop: None,
                reveal_from: Trust::Verified,
                open_shop_routes: false,
                basic_login: false,
                loopback_only: false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_means_closed() {
        assert_eq!(Mode::default(), Mode::Production);
        let access = Access::of(Mode::default());
        assert_eq!(
            (access.keyless_shop, access.open_shop_routes),
            (None, false)
        );
        assert!(!access.basic_login);
        assert_eq!(access.reveal_from, Trust::Verified);
        assert!("dev".parse::<Mode>().is_err());
    }

    #[test]
    fn what_is_open_stays_on_loopback() {
        assert!(Access::of(Mode::Development).loopback_only);
    }
}
