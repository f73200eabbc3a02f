//! Checks of the settings alone: nothing is asked, only two files are looked at.

use std::collections::BTreeSet;

use footfall_shared::mode::Mode;

use super::finding::Finding;
use crate::config::{Config, EdgeKeys, JwtSecret};

/// Different characters that a random key of 32 has at least; fewer look typed.
const KEY_VARIETY_MIN: usize = 10;
/// How a secret is made.
const MAKE_SECRET: &str = "openssl rand -hex 32";

/// Every check of this file.
pub(super) fn check(config: &Config) -> Vec<Finding> {
    let mode = config.mode.as_str();
    let mut findings = vec![
        Finding::good(format!("settings: read, mode {mode}")),
        check_edge_keys(config.mode, config.edge_keys.as_ref()),
        check_jwt_secret(config.mode, config.jwt_secret.as_ref()),
        check_geography(config),
        check_component(config),
    ];
    if config.mode == Mode::Production && config.metrics_token.is_none() {
        findings.push(Finding::warn(
            "metrics: FOOTFALL_METRICS_TOKEN is not set, so there is no /metrics",
            "nobody is told when events are late or an edge is away",
            "set it to 20 random characters or more, and give it to Prometheus as a bearer token",
        ));
    }
    findings
}

fn check_edge_keys(mode: Mode, keys: Option<&EdgeKeys>) -> Finding {
    let Some(keys) = keys else {
        let what = "edge keys: FOOTFALL_EDGE_KEYS is not set";
        let why = "edge and origin know each other by it: no event arrives and no change is told";
        let mend = format!("set it here and at every edge to the same value; {MAKE_SECRET}");
        return match mode {
            Mode::Production => Finding::bad(what, why, mend),
            Mode::Development => Finding::warn(what, why, mend),
        };
    };
    if keys.reveal().split(',').any(looks_typed) {
        return Finding::bad(
            "edge keys: a key of FOOTFALL_EDGE_KEYS looks typed, not random",
            "whoever guesses it can write events and read customers as an edge",
            format!("{MAKE_SECRET}; keep the old one second until every edge has the new one"),
        );
    }
    Finding::good("edge keys: set, long enough, varied")
}

fn check_jwt_secret(mode: Mode, secret: Option<&JwtSecret>) -> Finding {
    let mend = format!("{MAKE_SECRET}; the same on every node");
    match (secret, mode) {
        (Some(secret), _) if looks_typed(secret.reveal()) => Finding::bad(
            "token secret: FOOTFALL_JWT_SECRET looks typed, not random",
            "whoever guesses it is every user of every shop",
            mend,
        ),
        (Some(_), _) => Finding::good("token secret: set, long enough, varied"),
        (None, Mode::Production) => Finding::bad(
            "token secret: FOOTFALL_JWT_SECRET is not set",
            "the origin does not start without it, since nobody could log in",
            mend,
        ),
        (None, Mode::Development) => Finding::good("token secret: made anew at each start"),
    }
}

fn looks_typed(key: &str) -> bool {
    let different: BTreeSet<char> = key.trim().chars().collect();
    different.len() < KEY_VARIETY_MIN
}

fn check_geography(config: &Config) -> Finding {
    let Some(file) = &config.geo_mmdb else {
        return Finding::good(
            "geography: FOOTFALL_GEO_MMDB is not set; countries come from the platform or not at all",
        );
    };
    match maxminddb::Reader::open_readfile(file) {
        Ok(reader) => Finding::good(format!("geography: {}", reader.metadata().database_type)),
        Err(cause) => Finding::bad(
            format!("geography: {} is no MMDB file ({cause})", file.display()),
            "the edge does not start with a file that it cannot read",
            "set FOOTFALL_GEO_MMDB to an MMDB file that this user may read, or unset it",
        ),
    }
}

fn check_component(config: &Config) -> Finding {
    match &config.edge_component {
        None => Finding::good(
            "edge component: FOOTFALL_EDGE_COMPONENT is not set; the one beside the binary is taken",
        ),
        Some(file) if file.is_file() => {
            Finding::good(format!("edge component: {}", file.display()))
        }
        Some(file) => Finding::bad(
            format!("edge component: {} is not there", file.display()),
            "`footfall edge` and `serve --with-edge` do not start",
            "make build, or set FOOTFALL_EDGE_COMPONENT to where it is",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Grade;
    use super::*;

    const RANDOM: &str = "3f9d1c07be52a846f01d7c93e5b82a64";

    #[test]
    fn a_typed_or_missing_edge_key_is_found() {
        let check = |mode, text: Option<&str>, expected| {
            let keys: Option<EdgeKeys> = text.map(|text| text.parse().unwrap());
            assert_eq!(check_edge_keys(mode, keys.as_ref()).grade, expected);
        };
        let typed = "a".repeat(32);
        check(Mode::Production, None, Grade::Bad);
        check(Mode::Development, None, Grade::Warn);
        check(Mode::Production, Some(&typed), Grade::Bad);
        check(
            Mode::Production,
            Some(&format!("{RANDOM},{typed}")),
            Grade::Bad,
        );
        check(Mode::Production, Some(RANDOM), Grade::Good);
    }

    #[test]
    fn a_typed_or_missing_token_secret_is_found() {
        let check = |mode, text: Option<&str>, expected| {
            let secret = text.map(|text| JwtSecret::parse(text).unwrap());
            assert_eq!(check_jwt_secret(mode, secret.as_ref()).grade, expected);
        };
        check(Mode::Production, None, Grade::Bad);
        check(Mode::Development, None, Grade::Good);
        check(Mode::Development, Some(&"a".repeat(32)), Grade::Bad);
        check(Mode::Production, Some(RANDOM), Grade::Good);
    }
}
