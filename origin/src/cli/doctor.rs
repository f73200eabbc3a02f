//! `footfall doctor`: looks for what is set up wrong and names the mend. It changes nothing.

use std::collections::BTreeSet;
use std::process::ExitCode;

use axum::body::Bytes;
use footfall_shared::mode::Mode;
use footfall_shared::signing::{SIGNATURE_HEADER, TIMESTAMP_HEADER, WINDOW_MS};
use footfall_shared::wire::internal::path;
use http::header::{CONTENT_TYPE, DATE};
use http::{Request, Response, StatusCode};

use super::output::say;
use crate::app::Clock;
use crate::config::{Config, EdgeKeys, JwtSecret};
use crate::db::Db;
use crate::http::client::{self, AskError};
use crate::shops;

/// A clock further off than this deserves a word, in milliseconds; HTTP dates have whole seconds.
const SKEW_MS_WARN: i64 = 10_000;
/// Different characters that a random key of 32 has at least; fewer look typed.
const KEY_VARIETY_MIN: usize = 10;

/// What a check found.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    Good(String),
    /// Works, but look at it.
    Warn(String),
    /// Does not work; the text ends with the mend.
    Bad(String),
}
use Finding::{Bad, Good, Warn};

/// Runs every check; the exit code tells whether one found a fault.
pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let mut findings = vec![
        Good(format!("settings: read, mode {}", config.mode.as_str())),
        check_keys(config.mode, config.edge_keys.as_ref()),
        check_jwt_secret(config.mode, config.jwt_secret.as_ref()),
        check_mmdb(config),
        check_component(config),
    ];
    findings.extend(check_database(config).await);
    findings.push(check_origin(config).await);
    if config.edges.is_empty() {
        findings.push(Warn(
            "edges: none is told of changes; set FOOTFALL_EDGES to their base URLs, else entries \
             there are stale for up to a minute"
                .into(),
        ));
    }
    for edge in &config.edges {
        findings.extend(check_edge(config, edge).await);
    }
    for finding in &findings {
        match finding {
            Good(text) => say(format_args!("  ok    {text}")),
            Warn(text) => say(format_args!("  warn  {text}")),
            Bad(text) => say(format_args!("  BAD   {text}")),
        }
    }
    let bad = findings
        .iter()
        .filter(|finding| matches!(finding, Bad(_)))
        .count();
    say(format_args!("{} checks, {bad} faults", findings.len()));
    Ok(if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn check_keys(mode: Mode, keys: Option<&EdgeKeys>) -> Finding {
    let Some(keys) = keys else {
        let text = "edge keys: FOOTFALL_EDGE_KEYS is not set, so no edge can send events; \
                    set it here and at the edges (openssl rand -hex 32)";
        return match mode {
            Mode::Production => Bad(text.into()),
            Mode::Development => Warn(text.into()),
        };
    };
    if keys.reveal().split(',').any(looks_typed) {
        return Bad(
            "edge keys: a key looks typed, not random; make one with `openssl rand -hex 32`".into(),
        );
    }
    Good("edge keys: set, long enough, varied".into())
}

fn check_jwt_secret(mode: Mode, secret: Option<&JwtSecret>) -> Finding {
    let mend = "make one with `openssl rand -hex 32`, the same for every node";
    match (secret, mode) {
        (Some(secret), _) if looks_typed(secret.reveal()) => Bad(format!(
            "token secret: FOOTFALL_JWT_SECRET looks typed, not random; {mend}"
        )),
        (Some(_), _) => Good("token secret: set, long enough, varied".into()),
        (None, Mode::Production) => Bad(format!(
            "token secret: FOOTFALL_JWT_SECRET is not set, so nobody can log in; {mend}"
        )),
        (None, Mode::Development) => Good("token secret: made anew at each start".into()),
    }
}

fn looks_typed(key: &str) -> bool {
    let different: BTreeSet<char> = key.trim().chars().collect();
    different.len() < KEY_VARIETY_MIN
}

fn check_mmdb(config: &Config) -> Finding {
    let Some(file) = &config.geo_mmdb else {
        return Good("geography: FOOTFALL_GEO_MMDB is not set; countries come from the platform or not at all".into());
    };
    match maxminddb::Reader::open_readfile(file) {
        Ok(reader) => Good(format!("geography: {}", reader.metadata().database_type)),
        Err(cause) => Bad(format!(
            "geography: {} is no MMDB file ({cause}); set FOOTFALL_GEO_MMDB to one, or unset it",
            file.display()
        )),
    }
}

fn check_component(config: &Config) -> Finding {
    match &config.edge_component {
        None => Good("edge component: FOOTFALL_EDGE_COMPONENT is not set; the one beside the binary is taken".into()),
        Some(file) if file.is_file() => Good(format!("edge component: {}", file.display())),
        Some(file) => Bad(format!(
            "edge component: {} is not there; build it, or set FOOTFALL_EDGE_COMPONENT",
            file.display()
        )),
    }
}

async fn check_database(config: &Config) -> Vec<Finding> {
    let engine = config.database_url.engine();
    let missing = config
        .database_url
        .reveal()
        .strip_prefix("sqlite:")
        .is_some_and(|path| !std::path::Path::new(path.trim_start_matches("//")).is_file());
    if missing {
        // Connecting would make the file, and a check changes nothing.
        return vec![Bad(format!(
            "database: the {engine} file is not there; run `footfall migrate`"
        ))];
    }
    let db = match Db::connect(config.database_url.reveal()).await {
        Ok(db) => db,
        Err(_) => {
            let mend = "start it, or correct DATABASE_URL";
            return vec![Bad(format!("database: {engine} does not answer; {mend}"))];
        }
    };
    let mut findings = vec![Good(format!("database: {engine} answers"))];
    let pending = db.pending_migrations().await;
    findings.push(match pending {
        Ok(0) => Good("database: every migration is done".into()),
        Ok(pending) => Bad(format!(
            "database: {pending} migrations are pending; run `footfall migrate`"
        )),
        Err(_) => Bad(
            "database: its migrations cannot be read; check the rights of the database's user"
                .into(),
        ),
    });
    if pending.is_ok_and(|pending| pending == 0) {
        findings.push(check_shops(&db).await);
    }
    db.close().await;
    findings
}

async fn check_shops(db: &Db) -> Finding {
    let count = async { shops::list_shops(&mut db.read().await?).await };
    match count.await {
        Ok(shops) if shops.is_empty() => Warn(
            "shops: there is none; run `footfall admin shop create`, or `footfall demo`".into(),
        ),
        Ok(shops) => Good(format!("shops: {}", shops.len())),
        Err(error) => Bad(format!("shops: {error}; its log tells more")),
    }
}

async fn check_origin(config: &Config) -> Finding {
    let url = config.origin_url();
    match client::get(&format!("{url}/ready")).await {
        Ok(reply) if reply.status() == StatusCode::OK => Good(format!("origin: {url} is ready")),
        Ok(reply) => Bad(format!(
            "origin: {url}/ready answers {}; see its log",
            reply.status().as_u16()
        )),
        Err(_) => Warn(format!(
            "origin: nothing answers at {url}; start `footfall serve`"
        )),
    }
}

async fn check_edge(config: &Config, edge: &str) -> Vec<Finding> {
    let reply = match client::get(&format!("{edge}/health")).await {
        Ok(reply) if reply.status().is_success() => reply,
        Ok(reply) => {
            let status = reply.status().as_u16();
            return vec![Bad(format!(
                "edge: {edge}/health answers {status}; is FOOTFALL_EDGES its base URL?"
            ))];
        }
        Err(AskError::Url) => {
            return vec![Warn(format!(
                "edge: {edge} cannot be checked from here: this command speaks plain HTTP only"
            ))];
        }
        Err(cause) => {
            return vec![Bad(format!(
                "edge: {edge}: {cause}; start it, or correct FOOTFALL_EDGES"
            ))];
        }
    };
    let mut findings = vec![
        Good(format!("edge: {edge} answers")),
        check_clock(edge, &reply),
    ];
    if let Some(keys) = &config.edge_keys {
        findings.push(check_signature(edge, keys).await);
    }
    findings
}

fn check_clock(edge: &str, reply: &Response<Bytes>) -> Finding {
    let body: serde_json::Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    let date = || {
        let text = reply.headers().get(DATE)?.to_str().ok()?;
        jiff::fmt::rfc2822::parse(text)
            .ok()
            .map(|date| date.timestamp().as_millisecond())
    };
    let Some(theirs) = body["now"].as_i64().or_else(date) else {
        return Warn(format!("clock: {edge} does not tell its time"));
    };
    judge_skew(edge, theirs - Clock::System.now().get())
}

fn judge_skew(edge: &str, skew_ms: i64) -> Finding {
    let seconds = skew_ms / 1000;
    match skew_ms.abs() {
        skew if skew > WINDOW_MS => Bad(format!(
            "clock: {edge} is {seconds} s off, so signed calls are refused; run a time service on both machines"
        )),
        skew if skew > SKEW_MS_WARN => Warn(format!(
            "clock: {edge} is {seconds} s off; run a time service"
        )),
        _ => Good(format!("clock: {edge} agrees")),
    }
}

/// An empty push changes nothing and is refused exactly when a real one would be.
async fn check_signature(edge: &str, keys: &EdgeKeys) -> Finding {
    let body = Bytes::from_static(b"{\"changes\":[]}");
    let made = keys.keys().sign(Clock::System.now(), path::PUSH, &body);
    let request = Request::post(format!("{edge}{}", path::PUSH))
        .header(CONTENT_TYPE, "application/json")
        .header(TIMESTAMP_HEADER, made.timestamp)
        .header(SIGNATURE_HEADER, made.signature);
    match client::send(request, body).await {
        Ok(reply) if reply.status().is_success() => {
            Good(format!("signature: {edge} takes our pushes"))
        }
        Ok(reply) if matches!(reply.status().as_u16(), 401 | 403) => Bad(format!(
            "signature: {edge} refuses our pushes; FOOTFALL_EDGE_KEYS here and its edge_keys must share a key"
        )),
        Ok(reply) => Bad(format!(
            "signature: {edge} answers a push with {}; see its log",
            reply.status().as_u16()
        )),
        Err(cause) => Bad(format!("signature: {edge}: {cause}; see its log")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_or_missing_key_is_found() {
        let check = |mode, text: Option<&str>| {
            let keys: Option<EdgeKeys> = text.map(|text| text.parse().unwrap());
            check_keys(mode, keys.as_ref())
        };
        assert!(matches!(check(Mode::Production, None), Bad(_)));
        assert!(matches!(check(Mode::Development, None), Warn(_)));
        assert!(matches!(
            check(Mode::Production, Some(&"a".repeat(32))),
            Bad(_)
        ));
        let random = "3f9d1c07be52a846f01d7c93e5b82a64";
        assert!(matches!(check(Mode::Production, Some(random)), Good(_)));
        let check = |mode, text: Option<&str>| {
            let secret = text.map(|text| JwtSecret::parse(text).unwrap());
            check_jwt_secret(mode, secret.as_ref())
        };
        assert!(matches!(check(Mode::Production, None), Bad(_)));
        assert!(matches!(
            check(Mode::Production, Some(&"a".repeat(32))),
            Bad(_)
        ));
        assert!(matches!(check(Mode::Production, Some(random)), Good(_)));
    }

    #[test]
    fn a_clock_outside_the_window_is_a_fault_and_one_near_its_end_a_word() {
        assert!(matches!(judge_skew("e", 0), Good(_)));
        assert!(matches!(judge_skew("e", -SKEW_MS_WARN - 1), Warn(_)));
        assert!(matches!(judge_skew("e", WINDOW_MS + 1), Bad(_)));
    }
}
