//! `/api/behavior/personas`: who the customers of each segment are.

use axum::Json;
use axum::extract::{Path, State};
use footfall_shared::behavior::persona::{Said, advice, colour, describe, name};
use footfall_shared::money::Currency;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Addresses, OfUpload, find};
use crate::app::App;
use crate::auth::CountedShop;
use crate::behavior::limit;
use crate::behavior::routes::{ReadRefusals, major, rounded};
use crate::behavior::scope::Scope;
use crate::behavior::segments::job::Segmented;
use crate::behavior::segments::portrait::Segment;
use crate::behavior::segments::queries::{self, Asked, Sort};
use crate::http::envelope::{DataReply, Meta};
use crate::http::error::AppError;
use crate::http::extract::WireQuery;

/// Customers that stand for a persona.
const SAMPLE: i64 = 5;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(personas))
        .routes(routes!(detail))
}

/// Names with numbers, in their order.
#[derive(Debug, Clone, ToSchema)]
#[schema(value_type = std::collections::BTreeMap<String, f64>)]
struct Ranked<T>(Vec<(String, T)>);

impl<T: Serialize> Serialize for Ranked<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, number) in &self.0 {
            map.serialize_entry(name, number)?;
        }
        map.end()
    }
}

/// A persona.
#[derive(Debug, Serialize, ToSchema)]
struct PersonaReply {
    /// Its id, that of its segment.
    persona_id: i64,
    /// A name that tells the segment, and nothing of anybody.
    #[schema(example = "Premium Alex")]
    name: String,
    /// The segment's name.
    #[schema(example = "Champions")]
    role: String,
    /// What was measured, in two sentences.
    description: String,
    avatar_initials: String,
    color: &'static str,
    demographics: DemographicsReply,
    behavior: BehaviorReply,
    preferences: PreferencesReply,
    segment_id: i64,
}

/// Who they are, where it is known of five or more.
#[derive(Debug, Serialize, ToSchema)]
struct DemographicsReply {
    /// Where the middle half lies.
    #[schema(example = "30-40")]
    age_range: Option<String>,
    /// Shares of those whose gender is known.
    #[schema(value_type = std::collections::BTreeMap<String, f64>)]
    gender_split: Ranked<f64>,
    /// Customers by where they live, the most first.
    #[schema(value_type = std::collections::BTreeMap<String, i64>)]
    top_locations: Ranked<i64>,
}

/// What they do.
#[derive(Debug, Serialize, ToSchema)]
struct BehaviorReply {
    avg_order_value: f64,
    /// In words; null where it is not known.
    #[schema(example = "Weekly")]
    purchase_frequency: Option<String>,
    total_customers: i64,
    total_revenue: f64,
}

/// What they prefer; null where it is not known.
#[derive(Debug, Serialize, ToSchema)]
struct PreferencesReply {
    preferred_payment: Option<String>,
    preferred_shipping: Option<String>,
    /// The share of orders that were cheaper than usual.
    discount_sensitivity: Option<f64>,
}

impl PersonaReply {
    fn of(segment: &Segment, all: &Segmented, currency: Currency) -> Self {
        let revenue: i64 = all.segments.iter().map(|one| one.revenue).sum();
        let portrait = &segment.portrait;
        let order_value = major(
            segment.revenue as f64 / segment.orders.max(1) as f64,
            currency,
        );
        let (name, avatar_initials) = name(&segment.name, segment.id);
        let digits = currency.digits() as usize;
        Self {
            persona_id: segment.id,
            description: describe(&Said {
                segment: &segment.name,
                customers: segment.customers.unsigned_abs(),
                revenue_share: segment.revenue as f64 / revenue.max(1) as f64,
                order_value: &format!("{} {order_value:.digits$}", currency.as_str()),
                orders: segment.frequency,
                age: portrait.age,
                frequency: portrait.purchase_frequency.as_deref(),
            }),
            name,
            role: segment.name.clone(),
            avatar_initials,
            color: colour(segment.id),
            demographics: DemographicsReply {
                age_range: portrait.age_range.clone(),
                gender_split: Ranked(
                    portrait
                        .genders
                        .iter()
                        .map(|(name, share)| (name.clone(), rounded(*share, 4)))
                        .collect(),
                ),
                top_locations: Ranked(portrait.locations.clone()),
            },
            behavior: BehaviorReply {
                avg_order_value: order_value,
                purchase_frequency: portrait.purchase_frequency.clone(),
                total_customers: segment.customers,
                total_revenue: major(segment.revenue as f64, currency),
            },
            preferences: PreferencesReply {
                preferred_payment: portrait.payment.clone(),
                preferred_shipping: portrait.shipping.clone(),
                discount_sensitivity: portrait.discount_sensitivity.map(|share| rounded(share, 4)),
            },
            segment_id: segment.id,
        }
    }
}

/// The personas.
#[derive(Debug, Serialize, ToSchema)]
struct PersonasReply {
    /// One for each segment.
    personas: Vec<PersonaReply>,
}

/// Who the customers of each segment are, as far as it is known.
#[utoipa::path(
    get, path = "/api/behavior/personas", tag = "behavior",
    params(OfUpload),
    responses(
        (status = 200, description = "The personas", body = DataReply<PersonasReply>),
        ReadRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn personas(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    WireQuery(asked): WireQuery<OfUpload>,
) -> Result<Json<DataReply<PersonasReply>>, AppError> {
    limit::read(&app, &caller, app.now()).await?;
    let found = find(&app, &caller, &Scope::of(asked.upload_id)).await?.body;
    let currency = caller.shop.currency;
    let personas = found
        .segments
        .iter()
        .map(|one| PersonaReply::of(one, &found, currency));
    Ok(meta.with(PersonasReply {
        personas: personas.collect(),
    }))
}

/// A customer who stands for a persona.
#[derive(Debug, Serialize, ToSchema)]
struct SampleReply {
    /// The shop's id.
    #[schema(example = "C001")]
    customer_id: String,
    /// Masked for callers without `customers:read`; null where it is not known, or the customer may not be written to.
    email: Option<String>,
    age: Option<i64>,
    gender: Option<String>,
    location: Option<String>,
    total_spend: f64,
}

/// A persona with customers who stand for it.
#[derive(Debug, Serialize, ToSchema)]
struct PersonaDetailReply {
    persona: PersonaReply,
    /// Those who spent most.
    sample_customers: Vec<SampleReply>,
    marketing_recommendations: [&'static str; 3],
}

/// A persona with customers who stand for it.
#[utoipa::path(
    get, path = "/api/behavior/personas/{persona_id}/detail", tag = "behavior",
    params(("persona_id" = String, Path, description = "The persona's id, a whole number"), OfUpload),
    responses(
        (status = 200, description = "The persona", body = DataReply<PersonaDetailReply>),
        ReadRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn detail(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    Path(persona): Path<String>,
    WireQuery(asked): WireQuery<OfUpload>,
) -> Result<Json<DataReply<PersonaDetailReply>>, AppError> {
    limit::read(&app, &caller, app.now()).await?;
    let scope = Scope::of(asked.upload_id);
    let found = find(&app, &caller, &scope).await?.body;
    let persona: i64 = persona.parse().map_err(|_| AppError::NotFound)?;
    let segment = found
        .segments
        .iter()
        .find(|one| one.id == persona)
        .ok_or(AppError::NotFound)?;
    let sample = Asked {
        run: &found.run,
        segment: segment.id,
        search: None,
        sort: Sort::Spend,
        descending: true,
        limit: SAMPLE,
        offset: 0,
    };
    let (kept, addresses) = {
        let mut db = app.db().read().await?;
        let kept = queries::list(&mut db, &caller.shop.id, &scope, &sample).await?;
        let addresses = Addresses::of(&mut db, &caller, &kept).await?;
        (kept, addresses)
    };
    let currency = caller.shop.currency;
    let told = kept.into_iter().map(|one| {
        let (customer_id, email) = addresses.shown(one.customer_id, one.email);
        SampleReply {
            customer_id,
            email,
            age: one.age,
            gender: one.gender,
            location: one.location,
            total_spend: major(one.spend_minor as f64, currency),
        }
    });
    Ok(meta.with(PersonaDetailReply {
        sample_customers: told.collect(),
        persona: PersonaReply::of(segment, &found, currency),
        marketing_recommendations: advice(&segment.name),
    }))
}
