//! `/analytics/user-segments`: groups of visitors, and how they convert.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use footfall_shared::experiment::lift::{Counts, interval};
use footfall_shared::time::HOUR_MS;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{rounded, share};
use crate::analytics::queries::results;
use crate::analytics::segments::{self, Segment, Segmented};
use crate::app::App;
use crate::auth::OpenShop;
use crate::http::envelope::AnalyticsRefusals;
use crate::http::error::AppError;
use crate::jobs::JobKind;

/// How old segments may be before they are found anew.
const FRESH_MS: i64 = HOUR_MS;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(user_segments))
}

/// Segments of visitors.
#[derive(Debug, Serialize, ToSchema)]
struct UserSegmentsReply {
    /// `ready`; `pending` until they are found for the first time.
    #[schema(example = "ready")]
    status: &'static str,
    /// When they were found, RFC 3339; null while they are pending. Older than an hour they are found anew.
    computed_at: Option<String>,
    /// Visitors that were looked at: of the last ninety days that there are visits of.
    users: i64,
    /// How well the groups by behaviour are told apart, −1 to 1; null for one group.
    silhouette: Option<f64>,
    /// By how often they come, how far they get and how lately they came; the largest first.
    behavioral: Vec<UserSegment>,
    /// By gender and age group, of visitors whom files of customers name by the same id; the largest first.
    demographic: Vec<UserSegment>,
}

/// A segment of visitors.
#[derive(Debug, Serialize, ToSchema)]
struct UserSegment {
    #[schema(example = "Regulars who go far")]
    name: String,
    users: i64,
    /// Their share of all that were looked at.
    share: Option<f64>,
    characteristics: SegmentCharacteristics,
    conversion: SegmentConversion,
}

/// What a segment is like.
#[derive(Debug, Serialize, ToSchema)]
struct SegmentCharacteristics {
    /// Visits of a visitor.
    average_sessions: f64,
    /// Steps of the funnel that a visit reaches, 0 to 4.
    average_funnel_steps: f64,
    /// Days since a visitor's last visit, until the last day with visits.
    average_days_since_last_visit: f64,
    /// Shares of their visits by kind of device.
    devices: BTreeMap<String, f64>,
    /// Null for segments by behaviour.
    gender: Option<String>,
    /// Null for segments by behaviour.
    age_group: Option<String>,
}

/// How a segment converts.
#[derive(Debug, Serialize, ToSchema)]
struct SegmentConversion {
    /// Visitors who bought.
    converted_users: i64,
    /// Their share.
    rate: Option<f64>,
    /// Its 95 % interval (Wilson).
    interval: Option<[f64; 2]>,
    /// Visits that bought, by all visits.
    session_rate: Option<f64>,
}

/// Groups of visitors by behaviour and by what is known of them, with what they are like and how they convert.
#[utoipa::path(
    get, path = "/analytics/user-segments", tag = "funnel analytics",
    responses((status = 200, description = "The segments", body = UserSegmentsReply), AnalyticsRefusals),
    security((), ("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn user_segments(
    State(app): State<App>,
    OpenShop(shop): OpenShop,
) -> Result<Json<UserSegmentsReply>, AppError> {
    let now = app.now();
    let found = {
        let mut db = app.db().read().await?;
        results::find::<Segmented>(&mut db, &shop.id, JobKind::UserSegments).await?
    };
    if found
        .as_ref()
        .is_none_or(|(at, _)| now.since(*at) >= FRESH_MS)
    {
        let mut tx = app.db().begin().await?;
        segments::ask(&app, &mut tx, &shop.id).await?;
        tx.commit().await?;
    }
    let (at, found) = found.unzip();
    let told = |list: Option<&Vec<Segment>>| -> Vec<UserSegment> {
        let users = found.as_ref().map_or(0, |found| found.visitors);
        list.map_or_else(Vec::new, |list| {
            list.iter().map(|one| reply(one, users)).collect()
        })
    };
    Ok(Json(UserSegmentsReply {
        status: if found.is_some() { "ready" } else { "pending" },
        computed_at: at.map(|at| at.to_rfc3339()),
        users: found.as_ref().map_or(0, |found| found.visitors),
        silhouette: found
            .as_ref()
            .and_then(|found| found.silhouette)
            .map(|value| rounded(value, 4)),
        behavioral: told(found.as_ref().map(|found| &found.behavioral)),
        demographic: told(found.as_ref().map(|found| &found.demographic)),
    }))
}

fn reply(one: &Segment, users: i64) -> UserSegment {
    let mean = |sum: i64, of: i64| rounded(sum as f64 / of.max(1) as f64, 3);
    let counts = Counts {
        sessions: u32::try_from(one.users).unwrap_or(u32::MAX),
        conversions: u32::try_from(one.buyers).unwrap_or(u32::MAX),
    };
    let devices = one.devices.iter();
    UserSegment {
        name: one.name.clone(),
        users: one.users,
        share: share(one.users, users),
        characteristics: SegmentCharacteristics {
            average_sessions: mean(one.sessions, one.users),
            average_funnel_steps: mean(one.steps, one.sessions),
            average_days_since_last_visit: mean(one.days_since, one.users),
            devices: devices
                .map(|(device, visits)| (device.clone(), mean(*visits, one.sessions)))
                .collect(),
            gender: one.gender.clone(),
            age_group: one.age_group.clone(),
        },
        conversion: SegmentConversion {
            converted_users: one.buyers,
            rate: share(one.buyers, one.users),
            interval: interval(counts).map(|(low, high)| [rounded(low, 6), rounded(high, 6)]),
            session_rate: share(one.purchases, one.sessions),
        },
    }
}
