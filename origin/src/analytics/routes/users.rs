//! `/users/behavior` and `/users/journey/{user_id}`: who did what.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use footfall_shared::time::UtcMillis;
use footfall_shared::visits::funnel::{STEPS, reached};
use footfall_shared::visits::page::PageType;
use footfall_shared::visits::sums::page_name;
use footfall_shared::visits::visit::{Step, StepKind, Visit};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{bad, live_run, live_run_with_rules, mean_seconds, page, rounded};
use crate::analytics::queries::visits::{self, Filter};
use crate::app::App;
use crate::auth::OpenShop;
use crate::http::envelope::AnalyticsRefusals;
use crate::http::error::AppError;
use crate::http::extract::WireQuery;

/// Interactions that a page has where nobody says how many.
const USUAL: usize = 50;
/// And at most.
const MOST: usize = 500;
/// Visits read at once for a page.
const VISITS_AT_ONCE: i64 = 100;
/// The latest visits that a journey tells of.
const JOURNEY_VISITS: i64 = 50;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(behavior))
        .routes(routes!(journey))
}

/// Whose interactions.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// The shop's id of the visitor, else the browser's.
    user_id: Option<String>,
    /// The visit's session.
    session_id: Option<String>,
    /// `home`, `search`, `payment` or `confirmation`.
    page_type: Option<String>,
    /// Interactions of a page, 1 to 500; 50 without it.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Interactions.
#[derive(Debug, Serialize, ToSchema)]
struct InteractionsReply {
    /// Visit by visit, the visit that began last first; within a visit the latest first.
    interactions: Vec<Interaction>,
    /// What gets the next page; null at the end.
    next_cursor: Option<String>,
}

/// Something that a visitor did.
#[derive(Debug, Serialize, ToSchema)]
struct Interaction {
    /// RFC 3339.
    #[schema(example = "2026-11-24T12:00:00.000Z")]
    timestamp: String,
    /// The shop's id of the visitor, else the browser's.
    user_id: String,
    /// The session; null where the visit was told apart by its pauses.
    session_id: Option<String>,
    /// `page` or `event`.
    #[schema(example = "page")]
    interaction_type: &'static str,
    /// The page of the funnel; null for others.
    page_type: Option<PageType>,
    /// The page's path, or the event's name.
    #[schema(example = "/search")]
    name: String,
    /// The visit's kind of device.
    device_type: &'static str,
    /// Where the visit came from.
    source: String,
    /// How long the page took to load; null where it was not told.
    load_time_ms: Option<u32>,
    /// Whether something did not work.
    failed: bool,
    /// Seconds until the visit's next interaction; null for the last one.
    seconds_until_next: Option<f64>,
}

/// A place between two pages: the visit, and how many of its first interactions are still to be told.
struct Cursor {
    first_at: UtcMillis,
    key: String,
    left: usize,
}

impl Cursor {
    fn write(&self) -> String {
        let text = format!("{}.{}.{}", self.first_at.get(), self.left, self.key);
        URL_SAFE_NO_PAD.encode(text)
    }

    fn parse(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = text.splitn(3, '.');
        let first_at = UtcMillis::new(parts.next()?.parse().ok()?);
        let left = parts.next()?.parse().ok()?;
        let key = parts.next().filter(|key| !key.contains('\0'))?.to_owned();
        Some(Self {
            first_at,
            key,
            left,
        })
    }
}

/// What visitors did, the latest visits first. A user or session that was never seen is a 404.
#[utoipa::path(
    get, path = "/users/behavior", tag = "funnel analytics",
    params(Wanted),
    responses((status = 200, description = "What they did", body = InteractionsReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn behavior(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    WireQuery(wanted): WireQuery<Wanted>,
) -> Result<Json<InteractionsReply>, AppError> {
    let limit = wanted.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(bad("limit", "must be from 1 to 500"));
    }
    let page = wanted.page_type.as_deref().map(page).transpose()?;
    let cursor = wanted.cursor.as_deref().map(|text| {
        Cursor::parse(text)
            .ok_or_else(|| bad("cursor", "must be a next_cursor of an earlier reply"))
    });
    let cursor = cursor.transpose()?;
    let keys = wanted
        .session_id
        .as_deref()
        .map(|session| [format!("s:{session}"), format!("fs:{session}")]);
    let mut db = app.db().read().await?;
    let run = live_run(&mut db, &shop).await?;
    let mut filter = Filter {
        visitor: wanted.user_id.as_deref(),
        keys,
        page,
        until: cursor
            .as_ref()
            .map(|cursor| (cursor.first_at, cursor.key.clone())),
    };
    let mut interactions = Vec::new();
    let mut resume = cursor;
    loop {
        let found = visits::list(&mut db, &shop.id, run, &filter, VISITS_AT_ONCE).await?;
        let whole = found.len();
        for (key, visit) in found {
            let cut = resume
                .take()
                .filter(|cursor| cursor.key == key && cursor.first_at == visit.first_at);
            let told = told(&key, &visit, page);
            let left = cut.map_or(told.len(), |cursor| cursor.left.min(told.len()));
            let room = limit - interactions.len();
            if left > room {
                interactions.extend(told.into_iter().take(left).skip(left - room).rev());
                let next = Cursor {
                    first_at: visit.first_at,
                    key,
                    left: left - room,
                };
                return Ok(Json(InteractionsReply {
                    interactions,
                    next_cursor: Some(next.write()),
                }));
            }
            interactions.extend(told.into_iter().take(left).rev());
            filter.until = Some((visit.first_at, key));
        }
        if (whole as i64) < VISITS_AT_ONCE {
            break;
        }
        // The last visit is told; it comes once more, with nothing left of it.
        resume = filter.until.clone().map(|(first_at, key)| Cursor {
            first_at,
            key,
            left: 0,
        });
    }
    let asked = wanted.user_id.is_some() || wanted.session_id.is_some();
    if interactions.is_empty() && asked && wanted.cursor.is_none() && page.is_none() {
        return Err(AppError::UserNotFound);
    }
    Ok(Json(InteractionsReply {
        interactions,
        next_cursor: None,
    }))
}

/// The interactions of a visit, the first one first.
fn told(key: &str, visit: &Visit, page: Option<PageType>) -> Vec<Interaction> {
    let steps: Vec<&Step> = visit.counted_steps().collect();
    let next = steps.iter().skip(1).map(|step| Some(step.at)).chain([None]);
    let wanted = steps
        .iter()
        .zip(next)
        .filter(|(step, _)| page.is_none() || step.page == page);
    let told = wanted.map(|(step, next)| Interaction {
        timestamp: step.at.to_rfc3339(),
        user_id: visit.visitor(key).to_owned(),
        session_id: session_of(key),
        interaction_type: match step.kind {
            StepKind::Page | StepKind::JourneyPage => "page",
            StepKind::Deed => "event",
        },
        page_type: step.page,
        name: step.what.clone(),
        device_type: visit.device_type().as_str(),
        source: visit.source_name().to_owned(),
        load_time_ms: step.load_ms,
        failed: step.failed,
        seconds_until_next: next.map(|next| seconds(next.since(step.at))),
    });
    told.collect()
}

fn session_of(key: &str) -> Option<String> {
    let of_session = key.strip_prefix("s:").or_else(|| key.strip_prefix("fs:"));
    of_session.map(str::to_owned)
}

fn seconds(ms: i64) -> f64 {
    rounded(ms as f64 / 1000.0, 3)
}

/// A visitor's way.
#[derive(Debug, Serialize, ToSchema)]
struct UserJourneyReply {
    user_id: String,
    /// The latest visits, at most 50, the latest first.
    sessions: Vec<JourneySession>,
    /// The pages and events of these visits, as nodes of a graph.
    nodes: Vec<JourneyNode>,
    /// The ways between them.
    edges: Vec<JourneyEdge>,
    /// What came of it.
    conversion: JourneyOutcome,
}

/// A visit.
#[derive(Debug, Serialize, ToSchema)]
struct JourneySession {
    /// The session; null where the visit was told apart by its pauses.
    session_id: Option<String>,
    /// RFC 3339.
    started_at: String,
    /// RFC 3339.
    ended_at: String,
    duration_seconds: f64,
    device_type: &'static str,
    source: String,
    /// `converted` where something was bought, else `left`.
    outcome: &'static str,
    /// The last step of the funnel that was reached in order; null where it did not begin.
    reached_step: Option<PageType>,
    /// What was done, the first thing first.
    path: Vec<JourneyStep>,
}

/// A step of a visit.
#[derive(Debug, Serialize, ToSchema)]
struct JourneyStep {
    /// The node that it is.
    node: String,
    page_type: Option<PageType>,
    /// The page's path, or the event's name.
    name: String,
    /// RFC 3339.
    timestamp: String,
    /// Until the next step; null for the last one.
    seconds: Option<f64>,
}

/// A node: a page by its type or the first part of its path, or an event by its name; `start`, `converted` and `left` are
/// where visits begin and end.
#[derive(Debug, Serialize, ToSchema)]
struct JourneyNode {
    #[schema(example = "search")]
    id: String,
    page_type: Option<PageType>,
    /// How often it was there.
    count: i64,
    /// Seconds until the next step, on average; null where none followed.
    average_seconds: Option<f64>,
}

/// A way from one node to another.
#[derive(Debug, Serialize, ToSchema)]
struct JourneyEdge {
    from: String,
    to: String,
    /// How often it was taken.
    count: i64,
    /// Seconds that it took, on average; null from and to the ends.
    average_seconds: Option<f64>,
}

/// What came of the visits.
#[derive(Debug, Serialize, ToSchema)]
struct JourneyOutcome {
    /// Whether something was bought.
    converted: bool,
    /// Visits in which something was bought.
    conversions: i64,
    /// The visit in which it was bought first, RFC 3339.
    first_conversion_at: Option<String>,
    sessions_until_conversion: Option<i64>,
}

/// A visitor's way through the shop, as a graph that is ready to be drawn.
#[utoipa::path(
    get, path = "/users/journey/{user_id}", tag = "funnel analytics",
    params(("user_id" = String, Path, description = "The shop's id of the visitor, else the browser's")),
    responses((status = 200, description = "The way", body = UserJourneyReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn journey(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
    Path(user_id): Path<String>,
) -> Result<Json<UserJourneyReply>, AppError> {
    if user_id.contains('\0') {
        return Err(bad("user_id", "must not contain a NUL character"));
    }
    let mut db = app.db().read().await?;
    let (run, rules) = live_run_with_rules(&mut db, &shop).await?;
    let filter = Filter {
        visitor: Some(&user_id),
        ..Filter::default()
    };
    let visits = visits::list(&mut db, &shop.id, run, &filter, JOURNEY_VISITS).await?;
    if visits.is_empty() {
        return Err(AppError::UserNotFound);
    }
    let mut graph = Graph::default();
    visits.iter().for_each(|(_, visit)| graph.add(visit));
    let bought: Vec<usize> = (0..visits.len())
        .filter(|at| visits[*at].1.bought)
        .collect();
    let first = bought.last().copied();
    Ok(Json(UserJourneyReply {
        sessions: visits
            .iter()
            .map(|(key, visit)| session(key, visit, rules.window_ms))
            .collect(),
        nodes: graph.nodes(),
        edges: graph.edges(),
        conversion: JourneyOutcome {
            converted: !bought.is_empty(),
            conversions: bought.len() as i64,
            first_conversion_at: first.map(|at| visits[at].1.first_at.to_rfc3339()),
            sessions_until_conversion: first.map(|at| (visits.len() - at) as i64),
        },
        user_id,
    }))
}

fn session(key: &str, visit: &Visit, window_ms: i64) -> JourneySession {
    let steps: Vec<&Step> = visit.counted_steps().collect();
    let next = steps.iter().skip(1).map(|step| Some(step.at)).chain([None]);
    let path = steps.iter().zip(next).map(|(step, next)| JourneyStep {
        node: node_of(step),
        page_type: step.page,
        name: step.what.clone(),
        timestamp: step.at.to_rfc3339(),
        seconds: next.map(|next| seconds(next.since(step.at))),
    });
    let reached = reached(visit, window_ms).steps.min(STEPS);
    JourneySession {
        session_id: session_of(key),
        started_at: visit.first_at.to_rfc3339(),
        ended_at: visit.last_at.to_rfc3339(),
        duration_seconds: seconds(visit.last_at.since(visit.first_at)),
        device_type: visit.device_type().as_str(),
        source: visit.source_name().to_owned(),
        outcome: outcome(visit),
        reached_step: reached.checked_sub(1).map(|at| PageType::ALL[at]),
        path: path.collect(),
    }
}

const START: &str = "start";

fn outcome(visit: &Visit) -> &'static str {
    if visit.bought { "converted" } else { "left" }
}

fn node_of(step: &Step) -> String {
    match step.kind {
        StepKind::Deed => step.what.clone(),
        StepKind::Page | StepKind::JourneyPage => page_name(step),
    }
}

/// Counts of a graph: how often, how often with a time, and the time.
type Times = (i64, i64, i64);

#[derive(Default)]
struct Graph {
    nodes: BTreeMap<String, (Option<PageType>, Times)>,
    edges: BTreeMap<(String, String), Times>,
}

impl Graph {
    fn add(&mut self, visit: &Visit) {
        let mut before: Option<&Step> = None;
        for step in visit.counted_steps() {
            let took = before.map(|before| step.at.since(before.at));
            let from = before.map_or_else(|| START.to_owned(), node_of);
            if before.is_none() {
                self.node(START, None, None);
            }
            if let Some(before) = before {
                self.node(&node_of(before), before.page, took);
            }
            self.edge(from, node_of(step), took);
            before = Some(step);
        }
        if let Some(last) = before {
            self.node(&node_of(last), last.page, None);
            self.node(outcome(visit), None, None);
            self.edge(node_of(last), outcome(visit).to_owned(), None);
        }
    }

    fn node(&mut self, id: &str, page: Option<PageType>, took: Option<i64>) {
        let (of, times) = self.nodes.entry(id.to_owned()).or_default();
        *of = of.or(page);
        count(times, took);
    }

    fn edge(&mut self, from: String, to: String, took: Option<i64>) {
        count(self.edges.entry((from, to)).or_default(), took);
    }

    fn nodes(&self) -> Vec<JourneyNode> {
        let nodes = self
            .nodes
            .iter()
            .map(|(id, (page_type, times))| JourneyNode {
                id: id.clone(),
                page_type: *page_type,
                count: times.0,
                average_seconds: mean_seconds(times.2, times.1),
            });
        nodes.collect()
    }

    fn edges(&self) -> Vec<JourneyEdge> {
        let edges = self.edges.iter().map(|((from, to), times)| JourneyEdge {
            from: from.clone(),
            to: to.clone(),
            count: times.0,
            average_seconds: mean_seconds(times.2, times.1),
        });
        edges.collect()
    }
}

fn count((all, timed, ms): &mut Times, took: Option<i64>) {
    *all += 1;
    if let Some(took) = took {
        *timed += 1;
        *ms += took;
    }
}
