//! `/api/privacy/consent`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use footfall_shared::event::segment::ID_CHARS_MAX;
use footfall_shared::identity::{BrowserHash, Email, EmailHash};
use footfall_shared::privacy::consent::{ConsentRecord, Purpose, stands};
use footfall_shared::text::{InvalidField, required};
use footfall_shared::time::UtcMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::consent::{self, Whose};
use crate::app::App;
use crate::auth::SecretOrAdminShop;
use crate::http::envelope::{AdminErrorReply, DataReply, Meta, Refusals};
use crate::http::error::AppError;
use crate::http::extract::{Wire, WireQuery};
use crate::shops::Shop;

/// Words that are told of one person, at most.
const HISTORY_MAX: usize = 1_000;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(record, show))
}

/// What somebody decided.
#[derive(Debug, Deserialize, ToSchema)]
struct ConsentRequest {
    /// Whose word it is; or `anonymous_id`, never both.
    email: Option<String>,
    /// The id that the browser keeps, of a visitor whose email is not known; 20 characters or more.
    anonymous_id: Option<String>,
    /// What it is about.
    purpose: Purpose,
    /// Whether it is allowed.
    granted: bool,
    /// Where it was decided, as `checkout` or `preference centre`: 1 to 100 characters.
    source: String,
    /// When it was decided, RFC 3339; now without it.
    at: Option<String>,
}

/// A recorded word.
#[derive(Debug, Serialize, ToSchema)]
struct ConsentRecordReply {
    /// What it is about.
    purpose: Purpose,
    /// Whether it was allowed.
    #[schema(example = false)]
    granted: bool,
    /// Where it was decided.
    #[schema(example = "preference centre")]
    source: String,
    /// When it was decided, RFC 3339.
    #[schema(example = "2026-11-24T12:00:00.000Z")]
    at: String,
}

impl From<ConsentRecord> for ConsentRecordReply {
    fn from(record: ConsentRecord) -> Self {
        let ConsentRecord {
            purpose,
            granted,
            source,
            at,
        } = record;
        Self {
            purpose,
            granted,
            source,
            at: at.to_rfc3339(),
        }
    }
}

/// Whose consent is asked for: exactly one of both.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ConsentQuery {
    /// The person's email.
    #[param(example = "shopper@example.com")]
    email: Option<String>,
    /// The id that the browser keeps.
    anonymous_id: Option<String>,
}

/// What somebody allows.
#[derive(Debug, Serialize, ToSchema)]
struct ConsentsReply {
    /// As it stands, by purpose.
    state: ConsentStateReply,
    /// All words, the last decision first; at most 1,000.
    history: Vec<ConsentRecordReply>,
}

/// As it stands, by purpose.
#[derive(Debug, Serialize, ToSchema)]
struct ConsentStateReply {
    tracking: ConsentStandingReply,
    personalization: ConsentStandingReply,
    email: ConsentStandingReply,
}

/// As it stands for a purpose.
#[derive(Debug, Serialize, ToSchema)]
struct ConsentStandingReply {
    /// The last word; null where nothing is recorded.
    granted: Option<bool>,
    /// What follows from it, or from the lack of it.
    allowed: bool,
    /// When it was decided, RFC 3339.
    since: Option<String>,
    /// Where it was decided.
    source: Option<String>,
}

impl ConsentStandingReply {
    fn of(records: &[ConsentRecord], purpose: Purpose, shop: &Shop) -> Self {
        let word = stands(records, purpose);
        let unasked = purpose.is_allowed_unasked(&shop.settings);
        Self {
            granted: word.map(|word| word.granted),
            allowed: word.map_or(unasked, |word| word.granted),
            since: word.map(|word| word.at.to_rfc3339()),
            source: word.map(|word| word.source.clone()),
        }
    }
}

/// Records what somebody allows or refuses.
///
/// Every word is kept. For a purpose the latest decision counts, whenever it is told. The same call again changes nothing. Of
/// two answers of the very same time the refusal is kept, and is what is answered.
#[utoipa::path(
    post, path = "/api/privacy/consent", tag = "privacy",
    request_body(content = ConsentRequest, example = json!({
        "email": "shopper@example.com", "purpose": "email", "granted": false, "source": "preference centre",
        "at": "2026-02-27T10:30:00Z"
    })),
    responses(
        (status = 201, description = "What is recorded of that time", body = DataReply<ConsentRecordReply>),
        (status = 400, description = "`INVALID_FIELD` or `INVALID_REQUEST` names the field", body = AdminErrorReply),
        Refusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn record(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    meta: Meta,
    Wire(asked): Wire<ConsentRequest>,
) -> Result<(StatusCode, Json<DataReply<ConsentRecordReply>>), AppError> {
    let now = app.now();
    let of = whose(asked.email.as_deref(), asked.anonymous_id.as_deref(), &shop)?;
    let at = decided_at(asked.at.as_deref(), now)?;
    let word = ConsentRecord::parse(asked.purpose, asked.granted, &asked.source, at, now)?;
    let recorded = consent::record(&app, &shop, of, word, now).await?;
    Ok((StatusCode::CREATED, meta.with(recorded.into())))
}

/// What somebody allows, and every word on it.
#[utoipa::path(
    get, path = "/api/privacy/consent", tag = "privacy",
    params(ConsentQuery),
    responses(
        (status = 200, description = "What is recorded", body = DataReply<ConsentsReply>),
        (status = 400, description = "`INVALID_FIELD` names the field", body = AdminErrorReply),
        Refusals,
    ),
    security(("bearer_key" = []), ("basic" = []), ("api_key" = []))
)]
async fn show(
    State(app): State<App>,
    SecretOrAdminShop(shop): SecretOrAdminShop,
    meta: Meta,
    WireQuery(asked): WireQuery<ConsentQuery>,
) -> Result<Json<DataReply<ConsentsReply>>, AppError> {
    let of = whose(asked.email.as_deref(), asked.anonymous_id.as_deref(), &shop)?;
    let records = consent::list(&mut app.db().read().await?, &shop.id, &of).await?;
    let standing = |purpose| ConsentStandingReply::of(&records, purpose, &shop);
    let state = ConsentStateReply {
        tracking: standing(Purpose::Tracking),
        personalization: standing(Purpose::Personalization),
        email: standing(Purpose::Email),
    };
    let history = records.into_iter().take(HISTORY_MAX);
    Ok(meta.with(ConsentsReply {
        state,
        history: history.map(ConsentRecordReply::from).collect(),
    }))
}

fn whose(
    email: Option<&str>,
    anonymous_id: Option<&str>,
    shop: &Shop,
) -> Result<Whose, InvalidField> {
    match (email, anonymous_id) {
        (Some(email), None) => {
            let email = Email::parse("email", email)?;
            Ok(Whose::Email(EmailHash::of(&email, &shop.salt)))
        }
        (None, Some(id)) => {
            let id = required("anonymous_id", id, ID_CHARS_MAX)?;
            let hash = BrowserHash::of(id, &shop.salt);
            let short = || InvalidField::new("anonymous_id", "must be 20 characters or more");
            hash.map(Whose::Browser).ok_or_else(short)
        }
        _ => Err(InvalidField::new(
            "email",
            "or anonymous_id must be given, and not both",
        )),
    }
}

fn decided_at(text: Option<&str>, now: UtcMillis) -> Result<UtcMillis, InvalidField> {
    let Some(text) = text else { return Ok(now) };
    let at = UtcMillis::parse_rfc3339(text);
    at.ok_or_else(|| InvalidField::new("at", "must be an RFC 3339 time"))
}
