//! Checks of what runs: this origin, and each edge that it is told of.

use axum::body::Bytes;
use footfall_shared::mode::Mode;
use footfall_shared::signing::{SIGNATURE_HEADER, TIMESTAMP_HEADER, WINDOW_MS};
use footfall_shared::wire::internal::path;
use http::header::{CONTENT_TYPE, DATE};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::Value;

use super::finding::Finding;
use crate::app::Clock;
use crate::config::{Config, EdgeKeys};
use crate::http::outgoing::{Outgoing, OutgoingError, Patience};

/// A clock further off than this deserves a word, in milliseconds; HTTP dates have whole seconds.
const SKEW_MS_WARN: i64 = 10_000;

/// Every check of this file.
pub(super) async fn check(config: &Config, outgoing: &Outgoing) -> Vec<Finding> {
    let mut findings = vec![check_origin(config, outgoing).await];
    if config.edges.is_empty() {
        findings.push(Finding::warn(
            "edges: FOOTFALL_EDGES names none",
            "no edge is told of changes: entries are stale for a minute, revoked keys as long",
            "set it to the base URLs of all edges, on every node and for every command",
        ));
    }
    for edge in &config.edges {
        findings.extend(check_edge(config, outgoing, edge).await);
    }
    findings.extend(check_proxy(config, outgoing).await);
    findings
}

async fn check_origin(config: &Config, outgoing: &Outgoing) -> Finding {
    let url = config.origin_url();
    match outgoing.get(&format!("{url}/ready"), Patience::SHORT).await {
        Ok(reply) if reply.status() == StatusCode::OK => {
            Finding::good(format!("origin: {url} is ready"))
        }
        Ok(reply) => Finding::bad(
            format!("origin: {url}/ready answers {}", reply.status().as_u16()),
            "edges fall back to neutral answers, and keep their events",
            "see its log; an origin that is not ready says what it lacks",
        ),
        Err(_) => Finding::warn(
            format!("origin: nothing answers at {url}"),
            "edges fall back to neutral answers, and keep their events",
            "footfall serve; where it runs elsewhere, set FOOTFALL_ORIGIN_URL",
        ),
    }
}

async fn check_edge(config: &Config, outgoing: &Outgoing, edge: &str) -> Vec<Finding> {
    let reply = match outgoing
        .get(&format!("{edge}/health"), Patience::SHORT)
        .await
    {
        Ok(reply) if reply.status().is_success() => reply,
        Ok(reply) => {
            let status = reply.status().as_u16();
            return vec![unreachable_edge(format!("{edge}/health answers {status}"))];
        }
        Err(cause) => return vec![unreachable_edge(format!("{edge}: {cause}"))],
    };
    let health: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    let mut findings = vec![
        Finding::good(format!("edge: {edge} answers")),
        check_mode(config.mode, edge, &health),
        check_clock(edge, &reply),
    ];
    if let Some(keys) = &config.edge_keys {
        findings.push(check_signature(outgoing, edge, keys).await);
    }
    findings
}

fn unreachable_edge(what: String) -> Finding {
    Finding::bad(
        format!("edge: {what}"),
        "its shops get no answer, or it hears of no change and of no revoked key",
        "start it, or correct FOOTFALL_EDGES: base URLs, without a path",
    )
}

fn check_mode(ours: Mode, edge: &str, health: &Value) -> Finding {
    let theirs = health["mode"].as_str().unwrap_or("no mode");
    if theirs == ours.as_str() {
        return Finding::good(format!("mode: {edge} runs in {theirs}, too"));
    }
    let what = format!("mode: {edge} says {theirs}, and this is {}", ours.as_str());
    let mend = "set FOOTFALL_MODE, or the edge's variable `mode`, to the same at both";
    match ours {
        Mode::Production => Finding::bad(
            what,
            "an edge in development asks for no key and shows customers to whoever claims to be one",
            mend,
        ),
        Mode::Development => Finding::bad(
            what,
            "the edge asks for keys that development does without",
            mend,
        ),
    }
}

fn check_clock(edge: &str, reply: &Response<Bytes>) -> Finding {
    let date = || {
        let text = reply.headers().get(DATE)?.to_str().ok()?;
        let date = jiff::fmt::rfc2822::parse(text).ok()?;
        Some(date.timestamp().as_millisecond())
    };
    match date() {
        Some(theirs) => judge_skew(edge, theirs - Clock::System.now().get()),
        None => Finding::warn(
            format!("clock: {edge} does not tell its time"),
            "calls are refused where clocks are five minutes apart",
            "let what stands in front of it pass the header Date on",
        ),
    }
}

fn judge_skew(edge: &str, skew_ms: i64) -> Finding {
    let what = format!("clock: {edge} is {} s off", skew_ms / 1000);
    let why = "signed calls are refused where clocks are five minutes apart";
    let mend = "run a time service on both machines (timedatectl set-ntp true)";
    match skew_ms.abs() {
        skew if skew > WINDOW_MS => Finding::bad(what, why, mend),
        skew if skew > SKEW_MS_WARN => Finding::warn(what, why, mend),
        _ => Finding::good(format!("clock: {edge} agrees")),
    }
}

/// An empty push changes nothing and is refused exactly when a real one would be.
async fn check_signature(outgoing: &Outgoing, edge: &str, keys: &EdgeKeys) -> Finding {
    let body = Bytes::from_static(b"{\"changes\":[]}");
    let made = keys.keys().sign(Clock::System.now(), path::PUSH, &body);
    let request = Request::post(format!("{edge}{}", path::PUSH))
        .header(CONTENT_TYPE, "application/json")
        .header(TIMESTAMP_HEADER, made.timestamp)
        .header(SIGNATURE_HEADER, made.signature)
        .body(Full::new(body))
        .map_err(|cause| OutgoingError::Unreachable(cause.into()));
    let reply = match request {
        Ok(request) => outgoing.send(request, Patience::SHORT).await,
        Err(error) => Err(error),
    };
    let fault = |what: String| {
        Finding::bad(
            what,
            "no change reaches it, and no event leaves it",
            "give FOOTFALL_EDGE_KEYS here and the edge's edge_keys a key in common, and agree the clocks",
        )
    };
    match reply {
        Ok(reply) if reply.status().is_success() => {
            Finding::good(format!("signature: {edge} takes our pushes"))
        }
        Ok(reply) => fault(format!(
            "signature: {edge} answers a push with {}",
            reply.status().as_u16()
        )),
        Err(cause) => fault(format!("signature: {edge}: {cause}")),
    }
}

/// An embedded edge that listens on loopback in production has a proxy before it, or nobody reaches it.
async fn check_proxy(config: &Config, outgoing: &Outgoing) -> Option<Finding> {
    let alone = config.mode == Mode::Production
        && config.trusted_proxy_hops == 0
        && config.edge_addr.ip().is_loopback();
    if !alone {
        return None;
    }
    let health = format!("{}/health", config.edge_url());
    outgoing.get(&health, Patience::SHORT).await.ok()?;
    Some(Finding::warn(
        "proxies: the edge listens on loopback, and FOOTFALL_TRUSTED_PROXY_HOPS is 0",
        "all shoppers have the proxy's address: they share one limit, and one household",
        "set it to the number of proxies that append to X-Forwarded-For; 1 for one",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Grade;
    use super::*;

    #[test]
    fn a_clock_outside_the_window_is_a_fault_and_one_near_its_end_a_word() {
        assert_eq!(judge_skew("e", 0).grade, Grade::Good);
        assert_eq!(judge_skew("e", -SKEW_MS_WARN - 1).grade, Grade::Warn);
        assert_eq!(judge_skew("e", WINDOW_MS + 1).grade, Grade::Bad);
    }
}
