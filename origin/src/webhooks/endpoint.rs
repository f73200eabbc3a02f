//! Endpoints: which addresses are taken, and which types of events there are.

use footfall_shared::mode::Mode;
use footfall_shared::text::{InvalidField, required};
use http::Uri;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::public_address::check_host;

/// Longest address, in characters.
const URL_CHARS_MAX: usize = 500;

/// A type of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// A session began.
    SessionStarted,
    /// A shopper stands elsewhere now.
    JourneyStageChange,
    /// A goal was reached.
    Conversion,
    /// Two sessions were found to be one person's.
    SessionLinked,
    /// They are not, after all.
    SessionUnlinked,
    /// Customers were segmented.
    #[serde(rename = "segmentation.completed")]
    SegmentationCompleted,
    /// It was found what is bought together.
    #[serde(rename = "affinity.completed")]
    AffinityCompleted,
    /// There are new recommendations.
    #[serde(rename = "recommendations.ready")]
    RecommendationsReady,
}

impl EventType {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SessionStarted,
        Self::JourneyStageChange,
        Self::Conversion,
        Self::SessionLinked,
        Self::SessionUnlinked,
        Self::SegmentationCompleted,
        Self::AffinityCompleted,
        Self::RecommendationsReady,
    ];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionStarted => "session_started",
            Self::JourneyStageChange => "journey_stage_change",
            Self::Conversion => "conversion",
            Self::SessionLinked => "session_linked",
            Self::SessionUnlinked => "session_unlinked",
            Self::SegmentationCompleted => "segmentation.completed",
            Self::AffinityCompleted => "affinity.completed",
            Self::RecommendationsReady => "recommendations.ready",
        }
    }

    /// What the contracts put behind every address: each has its own.
    pub(super) fn path_of(text: &str) -> &'static str {
        match text.contains('.') {
            true => "/behavior/events",
            false => "/journey/events",
        }
    }

    /// Reads a list of types; nothing is all.
    pub(super) fn parse_list(texts: &[String]) -> Result<Vec<Self>, InvalidField> {
        let parse = |(at, text): (usize, &String)| {
            let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
            found.ok_or_else(|| {
                let names = Self::ALL.map(Self::as_str).join(", ");
                let rule = format!("must be one of {names}");
                InvalidField::new(format!("event_types[{at}]"), rule)
            })
        };
        texts.iter().enumerate().map(parse).collect()
    }
}

/// Reads an address: https to a public host, without anything that could be mistaken for another one. In development
/// http to this machine will do, too.
///
/// # Errors
/// [`InvalidField`] names `url`.
pub(super) fn parse_url(text: &str, mode: Mode) -> Result<String, InvalidField> {
    let fault = |reason: &str| InvalidField::new("url", reason);
    let text = required("url", text, URL_CHARS_MAX)?.trim_end_matches('/');
    if text.contains(['#', '?', '\\', '@']) || !text.is_ascii() {
        return Err(fault("must be an address without user, query and fragment"));
    }
    let uri: Uri = text.parse().map_err(|_| fault("must be an address"))?;
    let host = uri.host().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| fault("must name a host"))?;
    if is_of_this_machine(&uri, mode) {
        return Ok(text.to_owned());
    }
    if uri.scheme_str() != Some("https") {
        return Err(fault("must begin with https://"));
    }
    check_host(host).map_err(fault)?;
    Ok(text.to_owned())
}

/// Whether an address is http on loopback, where that may be called.
pub(super) fn is_of_this_machine(uri: &Uri, mode: Mode) -> bool {
    let loopback = matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
    mode == Mode::Development && uri.scheme_str() == Some("http") && loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_to_a_public_host_is_taken() {
        for url in [
            "http://shop.example/hooks",
            "ftp://shop.example",
            "https://",
            "shop.example/hooks",
            "//shop.example",
            "https://127.0.0.1/",
            "https://user@shop.example/",
            "https://shop.example/?a=b",
            "https://shop.example/#x",
            "https://[::1]/",
            "https://169.254.169.254/latest",
            "https://2130706433/",
            "https://localhost/",
            "https://shop.example\\@10.0.0.1/",
            "http://127.0.0.1:9000",
            "",
        ] {
            assert!(parse_url(url, Mode::Production).is_err(), "{url}");
        }
        let taken = parse_url(
            "https://hooks.shop.example:8443/footfall/",
            Mode::Production,
        );
        assert_eq!(taken.unwrap(), "https://hooks.shop.example:8443/footfall");
        assert!(parse_url("http://127.0.0.1:9000", Mode::Development).is_ok());
        assert!(parse_url("http://10.0.0.1:9000", Mode::Development).is_err());
    }
}
