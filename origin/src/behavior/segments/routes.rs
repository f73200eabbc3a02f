//! `/api/behavior/segments` and `/api/behavior/personas`.

mod personas;

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use footfall_shared::identity::{Email, EmailHash};
use footfall_shared::time::UtcMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cluster::CLUSTERS_MAX;
use super::job::{Options, Segmented, find_segmented};
use super::portrait::Segment;
use super::queries::{self, Asked, Kept, Sort};
use crate::app::App;
use crate::auth::CountedShop;
use crate::behavior::limit;
use crate::behavior::results::Computed;
use crate::behavior::routes::{
    AskedReply, OfUpload, ReadRefusals, WriteRefusals, ask, bad, major, no_data, rounded,
    shown_email, why_missing,
};
use crate::behavior::scope::{Need, Scope};
use crate::db::{Handle, StorageError};
use crate::http::envelope::{DataReply, Meta};
use crate::http::error::AppError;
use crate::http::extract::{Wire, WireQuery};
use crate::jobs::JobKind;
use crate::privacy::consent;
use crate::shops::Shop;

/// Customers of a page, at most.
const PAGE_MAX: i64 = 500;

pub(in crate::behavior) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(segments))
        .routes(routes!(compute))
        .routes(routes!(customers))
        .merge(personas::routes())
}

/// A segment.
#[derive(Debug, Serialize, ToSchema)]
struct SegmentReply {
    /// Its id, the same from run to run.
    #[schema(example = 0)]
    segment_id: i64,
    /// What it is called.
    #[schema(example = "Champions")]
    segment_name: String,
    /// Customers.
    customer_count: i64,
    /// What they spent.
    total_revenue: f64,
    /// What an order brought.
    avg_order_value: f64,
    /// Means over its customers.
    characteristics: CharacteristicsReply,
}

/// Means over the customers of a segment.
#[derive(Debug, Serialize, ToSchema)]
struct CharacteristicsReply {
    /// Days since the last order; null where orders have no dates.
    avg_recency: Option<f64>,
    /// Orders.
    avg_frequency: f64,
    /// What a customer spent.
    avg_monetary: f64,
    /// Of the scores' three digits; null where orders have no dates.
    avg_rfm_score: Option<f64>,
}

impl SegmentReply {
    fn of(segment: &Segment, currency: footfall_shared::money::Currency) -> Self {
        Self {
            segment_id: segment.id,
            segment_name: segment.name.clone(),
            customer_count: segment.customers,
            total_revenue: major(segment.revenue as f64, currency),
            avg_order_value: major(
                segment.revenue as f64 / segment.orders.max(1) as f64,
                currency,
            ),
            characteristics: CharacteristicsReply {
                avg_recency: segment.recency.map(|days| rounded(days, 1)),
                avg_frequency: rounded(segment.frequency, 2),
                avg_monetary: major(segment.monetary, currency),
                avg_rfm_score: segment.score.map(|score| rounded(score, 1)),
            },
        }
    }
}

/// The segments.
#[derive(Debug, Serialize, ToSchema)]
struct SegmentsReply {
    /// The one whose customers spend most first.
    segments: Vec<SegmentReply>,
    /// Names by ids.
    segment_mapping: BTreeMap<String, String>,
    /// Customers in all.
    total_customers: i64,
    /// The end of the day of the last order, from which recencies count, RFC 3339; null where orders have no dates.
    snapshot_date: Option<String>,
    /// How well the segments are told apart, −1 to 1.
    silhouette: Option<f64>,
    /// When it was computed, RFC 3339.
    computed_at: String,
}

/// What a run found, or why there is nothing.
async fn find(
    app: &App,
    caller: &CountedShop,
    scope: &Scope,
) -> Result<Computed<Segmented>, AppError> {
    let found = {
        let mut db = app.db().read().await?;
        find_segmented(&mut db, &caller.shop.id, scope).await?
    };
    match found {
        Some(found) if found.body.segments.is_empty() => Err(no_data(scope)),
        Some(found) => Ok(found),
        None => {
            match why_missing(app, &caller.shop.id, scope, Need::Lines, JobKind::Segments).await? {}
        }
    }
}

/// Customers in segments, by how recently, how often and for how much they buy.
#[utoipa::path(
    get, path = "/api/behavior/segments", tag = "behavior",
    params(OfUpload),
    responses(
        (status = 200, description = "The segments", body = DataReply<SegmentsReply>),
        ReadRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn segments(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    WireQuery(asked): WireQuery<OfUpload>,
) -> Result<Json<DataReply<SegmentsReply>>, AppError> {
    limit::read(&app, &caller, app.now()).await?;
    let found = find(&app, &caller, &Scope::of(asked.upload_id)).await?;
    let Segmented {
        segments,
        snapshot,
        customers,
        silhouette,
        ..
    } = found.body;
    let currency = caller.shop.currency;
    let mapping = segments
        .iter()
        .map(|one| (one.id.to_string(), one.name.clone()));
    Ok(meta.with(SegmentsReply {
        segment_mapping: mapping.collect(),
        segments: segments
            .iter()
            .map(|one| SegmentReply::of(one, currency))
            .collect(),
        total_customers: customers,
        snapshot_date: snapshot.map(|at| UtcMillis::new(at).to_rfc3339()),
        silhouette: silhouette.map(|score| rounded(score, 4)),
        computed_at: found.at.to_rfc3339(),
    }))
}

/// What is to be computed.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct SegmentRequest {
    /// One upload; without it all of the shop's data count.
    #[schema(example = "upload_abc123")]
    upload_id: Option<String>,
    /// How many segments, 2 to 11; without it the number is chosen by the silhouette, or stays what was asked for last.
    #[schema(example = 4)]
    n_clusters: Option<usize>,
}

/// Has segments computed.
#[utoipa::path(
    post, path = "/api/behavior/segments/compute", tag = "behavior",
    request_body = SegmentRequest,
    responses(
        (status = 202, description = "The job", body = DataReply<AskedReply>),
        WriteRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn compute(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    Wire(asked): Wire<SegmentRequest>,
) -> Result<(StatusCode, Json<DataReply<AskedReply>>), AppError> {
    limit::compute(&app, &caller, app.now()).await?;
    if asked
        .n_clusters
        .is_some_and(|count| !(2..=CLUSTERS_MAX).contains(&count))
    {
        return Err(AppError::BadRequest {
            field: Some("n_clusters".into()),
            reason: format!("must be 2 to {CLUSTERS_MAX}"),
        });
    }
    let options = serde_json::to_value(Options {
        n_clusters: asked.n_clusters,
    });
    let options = options.map_err(|cause| AppError::internal("write options", cause))?;
    let scope = Scope::of(asked.upload_id);
    let (status, reply) = ask(
        &app,
        &caller,
        &scope,
        Need::Lines,
        JobKind::Segments,
        options,
    )
    .await?;
    Ok((status, meta.with(reply)))
}

/// Which customers of a segment.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CustomersQuery {
    /// One upload; without it all of the shop's data count.
    upload_id: Option<String>,
    /// The page, from 1.
    page: Option<i64>,
    /// Customers of a page, 1 to 500; 50 where it is missing.
    limit: Option<i64>,
    /// `total_spend` (the default, highest first), `total_purchases`, `recency` or `customer_id`; a `-` before it turns it
    /// round.
    sort: Option<String>,
    /// A part of the customer's id or email.
    search: Option<String>,
}

/// A customer of a segment.
#[derive(Debug, Serialize, ToSchema)]
struct CustomerReply {
    /// The shop's id, else the email.
    #[schema(example = "C001")]
    customer_id: String,
    /// Masked for callers without `customers:read`; null where it is not known, or the customer may not be written to.
    email: Option<String>,
    /// From 1 to 5.
    rfm_scores: ScoresReply,
    /// Orders.
    total_purchases: i64,
    /// What they brought.
    total_spend: f64,
    /// Days since the last one; null where orders have no dates.
    recency_days: Option<f64>,
}

/// Scores from 1 to 5.
#[derive(Debug, Serialize, ToSchema)]
struct ScoresReply {
    /// Null where orders have no dates.
    recency: Option<i64>,
    frequency: i64,
    monetary: i64,
}

/// Where a page lies.
#[derive(Debug, Serialize, ToSchema)]
struct PaginationReply {
    page: i64,
    limit: i64,
    total: i64,
    total_pages: i64,
}

/// Customers of a segment.
#[derive(Debug, Serialize, ToSchema)]
struct CustomersReply {
    customers: Vec<CustomerReply>,
    pagination: PaginationReply,
}

impl CustomersQuery {
    fn sort(&self) -> Result<(Sort, bool), AppError> {
        let text = self.sort.as_deref().unwrap_or("total_spend");
        let (turned, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text),
        };
        // By spending and purchases the highest first, by the others the lowest.
        let (sort, descending) = match name {
            "total_spend" => (Sort::Spend, true),
            "total_purchases" => (Sort::Purchases, true),
            "recency" => (Sort::Recency, false),
            "customer_id" => (Sort::Customer, false),
            _ => {
                return Err(bad(
                    "sort",
                    "must be total_spend, total_purchases, recency or customer_id",
                ));
            }
        };
        Ok((sort, descending != turned))
    }

    fn page(&self) -> Result<(i64, i64), AppError> {
        let (page, limit) = (self.page.unwrap_or(1), self.limit.unwrap_or(50));
        if !(1..=1_000_000_000).contains(&page) {
            return Err(bad("page", "must be 1 or more"));
        }
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(bad("limit", "must be 1 to 500"));
        }
        Ok((page, limit))
    }
}

/// The customers of a segment, page by page.
#[utoipa::path(
    get, path = "/api/behavior/segments/{segment_id}/customers", tag = "behavior",
    params(("segment_id" = String, Path, description = "The segment's id, a whole number"), CustomersQuery),
    responses(
        (status = 200, description = "The page", body = DataReply<CustomersReply>),
        ReadRefusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn customers(
    State(app): State<App>,
    caller: CountedShop,
    meta: Meta,
    Path(segment): Path<String>,
    WireQuery(query): WireQuery<CustomersQuery>,
) -> Result<Json<DataReply<CustomersReply>>, AppError> {
    limit::read(&app, &caller, app.now()).await?;
    let (sort, descending) = query.sort()?;
    let (page, limit) = query.page()?;
    let scope = Scope::of(query.upload_id.clone());
    let found = find(&app, &caller, &scope).await?.body;
    let segment: i64 = segment.parse().map_err(|_| AppError::NotFound)?;
    let segment = found
        .segments
        .iter()
        .find(|one| one.id == segment)
        .ok_or(AppError::NotFound)?;
    let search = query.search.as_deref().filter(|search| !search.is_empty());
    let asked = Asked {
        run: &found.run,
        segment: segment.id,
        search,
        sort,
        descending,
        limit,
        offset: (page - 1) * limit,
    };
    let mut db = app.db().read().await?;
    let total = match search {
        Some(_) => queries::count(&mut db, &caller.shop.id, &scope, &asked).await?,
        None => segment.customers,
    };
    let kept = queries::list(&mut db, &caller.shop.id, &scope, &asked).await?;
    let addresses = Addresses::of(&mut db, &caller, &kept).await?;
    let told = kept.into_iter().map(|one| {
        let (customer_id, email) = addresses.shown(one.customer_id, one.email);
        CustomerReply {
            customer_id,
            email,
            rfm_scores: ScoresReply {
                recency: one.score_r,
                frequency: one.score_f,
                monetary: one.score_m,
            },
            total_purchases: one.frequency,
            total_spend: major(one.spend_minor as f64, caller.shop.currency),
            recency_days: one.recency_days.map(|days| rounded(days, 1)),
        }
    });
    Ok(meta.with(CustomersReply {
        customers: told.collect(),
        pagination: PaginationReply {
            page,
            limit,
            total,
            total_pages: (total + limit - 1) / limit,
        },
    }))
}

/// What is shown of the addresses of a page's customers.
struct Addresses<'a> {
    caller: &'a CountedShop,
    /// The same caller, were they not to see who customers are.
    unseeing: CountedShop,
    /// Who may not be written to.
    unwritten: BTreeSet<EmailHash>,
}

impl<'a> Addresses<'a> {
    /// Asks once for the whole page who may not be written to.
    async fn of(
        db: &mut impl Handle,
        caller: &'a CountedShop,
        page: &[Kept],
    ) -> Result<Self, StorageError> {
        let mut hashes: Vec<EmailHash> = Vec::with_capacity(page.len());
        for one in page {
            hashes.extend(hash_of(one.email.as_deref(), &caller.shop));
            hashes.extend(hash_of(Some(one.customer_id.as_str()), &caller.shop));
        }
        hashes.sort();
        hashes.dedup();
        Ok(Self {
            unwritten: consent::not_to_email(db, &caller.shop, &hashes).await?,
            unseeing: CountedShop {
                sees_people: false,
                ..caller.clone()
            },
            caller,
        })
    }

    /// A customer's id and email as the caller may see them.
    fn shown(&self, customer_id: String, email: Option<String>) -> (String, Option<String>) {
        // An id that is an email is one for who may not see it, too.
        let customer_id = match customer_id.contains('@') {
            true => {
                let caller = match self.is_unwritten(&customer_id) {
                    true => &self.unseeing,
                    false => self.caller,
                };
                shown_email(Some(customer_id), caller).unwrap_or_default()
            }
            false => customer_id,
        };
        let email = email.filter(|email| !self.is_unwritten(email));
        (customer_id, shown_email(email, self.caller))
    }

    fn is_unwritten(&self, email: &str) -> bool {
        hash_of(Some(email), &self.caller.shop).is_some_and(|hash| self.unwritten.contains(&hash))
    }
}

/// The keyed hash of what may be an email.
fn hash_of(text: Option<&str>, shop: &Shop) -> Option<EmailHash> {
    let email = Email::parse("email", text?).ok()?;
    Some(EmailHash::of(&email, &shop.salt))
}
