//! The public data sets that hold sessions with their outcome, recognized by their header.
//!
//! - Online Shoppers Purchasing Intention (Sakar et al., 2018): real sessions, each as a whole, without stages
//! - clickstream-ecom (retentioneering): made up, but event by event

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use footfall_shared::journey::event::{Happening, Measured, Numbered, StageChange, Start, Touch};
use footfall_shared::journey::features::features;
use footfall_shared::journey::observed::Observed;
use footfall_shared::journey::reducer::fold;
use footfall_shared::journey::session::Session;
use footfall_shared::journey::stage::Stage;
use footfall_shared::time::UtcMillis;
use serde::Deserialize;

use super::Sample;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// It cannot be opened.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A row is not what the header promises.
    #[error("{path} is no such table")]
    Malformed {
        /// The file.
        path: String,
        /// Where and why.
        #[source]
        cause: csv::Error,
    },
    /// Nobody knows this header.
    #[error(
        "the columns are those of no known set of sessions; known are `Administrative, …, Revenue` and \
             `user_id, session_id, event, timestamp, …`"
    )]
    Unknown,
}

/// A set of sessions.
#[derive(Debug)]
pub enum Dataset {
    /// Whole sessions, in no sequence of time.
    Whole(Vec<WholeSession>),
    /// Sessions event by event, by their beginning.
    Steps(Vec<SteppedSession>),
}

/// A session that is told as a whole.
#[derive(Debug, Clone)]
pub struct WholeSession {
    /// What can be known of it by the features of a running session.
    pub observed: Observed,
    /// The mean value of its pages, measured over the shop's whole history: it gives away a part of the outcome.
    pub page_values: f64,
    /// Whether it ended in a purchase.
    pub bought: bool,
}

/// A session event by event.
#[derive(Debug, Clone, Default)]
pub struct SteppedSession {
    /// After each event until the purchase: what can be known, and when.
    pub moments: Vec<(Observed, UtcMillis)>,
    /// When it ended in a purchase.
    pub bought_at: Option<UtcMillis>,
}

impl SteppedSession {
    /// An example for each moment.
    pub fn samples(&self) -> impl Iterator<Item = Sample> {
        let bought = self.bought_at.is_some();
        self.moments.iter().map(move |(observed, _)| Sample {
            features: features(observed).to_vec(),
            bought,
        })
    }
}

/// Reads a file, packed by gzip or not.
///
/// # Errors
/// [`DatasetError`]: it cannot be read, or is none of the known sets.
pub fn read(path: &Path) -> Result<Dataset, DatasetError> {
    let name = path.display().to_string();
    let unreadable = |cause| DatasetError::Unreadable {
        path: name.clone(),
        cause,
    };
    let mut text = Vec::new();
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    file.read_to_end(&mut text).map_err(unreadable)?;
    if text.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(text.as_slice())
            .read_to_end(&mut plain)
            .map_err(unreadable)?;
        text = plain;
    }
    let malformed = |cause| DatasetError::Malformed {
        path: name.clone(),
        cause,
    };
    let mut table = csv::Reader::from_reader(text.as_slice());
    let header = table.headers().map_err(malformed)?;
    let has = |column: &str| header.iter().any(|one| one == column);
    if has("ProductRelated_Duration") && has("Revenue") {
        let rows = table.deserialize().collect::<Result<Vec<ShopperRow>, _>>();
        return Ok(Dataset::Whole(
            rows.map_err(malformed)?
                .iter()
                .map(ShopperRow::session)
                .collect(),
        ));
    }
    if has("session_id") && has("event") && has("acquisition_channel") {
        let rows = table.deserialize().collect::<Result<Vec<ClickRow>, _>>();
        return Ok(Dataset::Steps(sessions_of(rows.map_err(malformed)?)));
    }
    Err(DatasetError::Unknown)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShopperRow {
    administrative: u32,
    #[serde(rename = "Administrative_Duration")]
    administrative_duration: f64,
    informational: u32,
    #[serde(rename = "Informational_Duration")]
    informational_duration: f64,
    product_related: u32,
    #[serde(rename = "ProductRelated_Duration")]
    product_related_duration: f64,
    page_values: f64,
    visitor_type: String,
    revenue: String,
}

impl ShopperRow {
    fn session(&self) -> WholeSession {
        let pages = [
            self.administrative,
            self.informational,
            self.product_related,
        ];
        let seconds = self.administrative_duration
            + self.informational_duration
            + self.product_related_duration;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds of a visit"
        )]
        let dwell_ms = (seconds * 1000.0) as u64;
        let kinds = pages.iter().filter(|pages| **pages > 0).count();
        WholeSession {
            observed: Observed {
                touchpoints: pages.iter().sum(),
                product_touchpoints: self.product_related,
                kinds: u32::try_from(kinds).unwrap_or(u32::MAX),
                dwell_ms,
                elapsed_ms: dwell_ms,
                returning: self.visitor_type == "Returning_Visitor",
                ..Observed::default()
            },
            page_values: self.page_values,
            bought: self.revenue.eq_ignore_ascii_case("true"),
        }
    }
}

#[derive(Debug, Deserialize)]
struct ClickRow {
    session_id: String,
    event: String,
    timestamp: String,
    platform: String,
    acquisition_channel: String,
    user_lifecycle: String,
}

/// The sessions of the clicks, folded by the very reducer that serves shoppers.
fn sessions_of(rows: Vec<ClickRow>) -> Vec<SteppedSession> {
    let mut clicks = BTreeMap::<String, Vec<(UtcMillis, ClickRow)>>::new();
    for row in rows {
        let text = format!("{}Z", row.timestamp.replace(' ', "T"));
        if let Some(at) = UtcMillis::parse_rfc3339(&text) {
            clicks
                .entry(row.session_id.clone())
                .or_default()
                .push((at, row));
        }
    }
    let mut sessions: Vec<(UtcMillis, SteppedSession)> = clicks
        .into_values()
        .filter_map(|mut clicks| {
            clicks.sort_by_key(|(at, _)| *at);
            Some((clicks.first()?.0, session_of(&clicks)))
        })
        .collect();
    sessions.sort_by_key(|(begun, _)| *begun);
    sessions.into_iter().map(|(_, session)| session).collect()
}

fn session_of(clicks: &[(UtcMillis, ClickRow)]) -> SteppedSession {
    let mut session = Session::default();
    let mut moments = Vec::new();
    let mut bought_at = None;
    let mut seq = 0;
    let mut go_on = |session: &mut Session, what, at| {
        seq += 1;
        let event = Numbered {
            seq,
            visit: 1,
            what,
        };
        *session = fold(std::mem::take(session), &event, at);
    };
    if let Some((at, first)) = clicks.first() {
        let source = match first.acquisition_channel.as_str() {
            "organic" => "search",
            "paid_search" => "paid",
            other => other,
        };
        let start = Start {
            device: Some(first.platform.clone()),
            source: Some(source.to_owned()),
            returning: first.user_lifecycle != "new",
            ..Start::default()
        };
        go_on(&mut session, Happening::Started(start), *at);
    }
    for (at, click) in clicks {
        if click.event == "purchase" {
            bought_at = Some(*at);
            break;
        }
        let touch = Touch {
            kind: click.event.clone(),
            page: None,
            interacted: false,
            measured: Measured {
                errors: click.event.contains("error").then_some(true),
                ..Measured::default()
            },
        };
        go_on(&mut session, Happening::Touchpoint(touch), *at);
        if let Some(to) = stage_of(&click.event).filter(|to| *to > session.stage) {
            let change = StageChange {
                to,
                trigger: None,
                measured: Measured::default(),
                features: Vec::new(),
                comparisons: Vec::new(),
            };
            go_on(&mut session, Happening::StageChanged(change), *at);
        }
        moments.push((session.observed(*at), *at));
    }
    SteppedSession { moments, bought_at }
}

/// The stage that an event of the set shows; others show none.
fn stage_of(event: &str) -> Option<Stage> {
    match event {
        "product_view" | "compare" | "review_page" | "wishlist_add" | "filter_results" => {
            Some(Stage::Consideration)
        }
        "add_to_cart" | "cart" | "shipping_details" | "payment_details" => Some(Stage::Decision),
        _ => None,
    }
}
