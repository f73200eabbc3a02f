//! What callers of the journey engine send.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::journey::observed::PriceReaction;

/// Free fields of a page's own.
pub type Fields = Map<String, Value>;

/// Begins a session.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartRequest {
    /// The page's own id of the session.
    pub session_id: String,
    /// Who the shop takes the visitor for.
    pub persona: Option<PersonaField>,
    /// The device.
    pub device_context: Option<DeviceContext>,
    /// Where the visitor came from.
    pub entry_point: Option<EntryPoint>,
    /// What the page knows of the visitor's intent.
    pub intent_signals: Option<IntentSignals>,
    /// Whether the browser was here before. Beside the contract: it names no such field, and who comes back buys
    /// differently.
    pub returning_visitor: Option<bool>,
}

/// A persona.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PersonaField {
    /// Its name.
    #[serde(rename = "type")]
    pub kind: String,
    /// How sure the shop is, 0 to 1.
    pub confidence: Option<f64>,
    /// What makes it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub attributes: Option<Fields>,
}

/// A device, as a page sees it.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceContext {
    /// `mobile`, `desktop` or `tablet`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// As `375x812`.
    pub screen_size: Option<String>,
    /// As `4g`.
    pub connection_speed: Option<String>,
    /// The browser's user agent.
    pub user_agent: Option<String>,
}

/// Where a visitor came from.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EntryPoint {
    /// As `tiktok` or `google`.
    pub source: Option<String>,
    /// The campaign.
    pub campaign: Option<String>,
    /// The first page.
    pub landing_page: Option<String>,
    /// The page before it.
    pub referrer: Option<String>,
}

/// What a page knows of a visitor's intent.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IntentSignals {
    /// 0 to 1.
    pub purchase_intent: Option<f64>,
    /// As `medium`.
    pub urgency_level: Option<String>,
    /// As `low`.
    pub price_sensitivity: Option<String>,
}

/// Moves a session to another stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StageRequest {
    /// The new stage.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "consideration"))]
    pub new_stage: String,
    /// What set it off.
    pub trigger_event: Option<String>,
    /// What the page measured.
    pub engagement_metrics: Option<EngagementMetrics>,
    /// What the shopper looked at.
    pub contextual_data: Option<ContextualData>,
}

/// What a page measured since the last change of stage.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EngagementMetrics {
    /// Seconds.
    pub time_on_page: Option<f64>,
    /// 0 to 1.
    pub scroll_depth: Option<f64>,
    /// Clicks, swipes and the like.
    pub interaction_count: Option<u32>,
    /// Whether the shopper is about to leave.
    pub exit_intent: Option<bool>,
}

/// What a shopper looked at.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContextualData {
    /// Features of the product.
    #[serde(default)]
    pub features_viewed: Vec<String>,
    /// Others that it was compared with.
    #[serde(default)]
    pub comparisons_made: Vec<String>,
    /// `positive`, `neutral` or `negative`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub price_reaction: Option<PriceReaction>,
}

/// Reports a touchpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TouchpointRequest {
    /// The session.
    pub session_id: String,
    /// What was met.
    pub touchpoint: TouchpointField,
    /// What the page saw beside it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub contextual_signals: Option<Fields>,
}

/// A touchpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TouchpointField {
    /// The page's own id of it, for safe retries.
    pub id: Option<String>,
    /// Its type, a name that the shop chooses.
    #[serde(rename = "type")]
    pub kind: String,
    /// The page.
    pub page_url: Option<String>,
    /// What the shopper did; `interactionDuration` is seconds.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub interaction_data: Option<Fields>,
    /// How the page performed.
    pub performance_metrics: Option<PerformanceMetrics>,
}

/// How a page performed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PerformanceMetrics {
    /// Seconds.
    pub load_time: Option<f64>,
    /// Seconds.
    pub render_time: Option<f64>,
    /// Errors for each request, 0 to 1.
    pub error_rate: Option<f64>,
    /// Largest contentful paint, seconds.
    pub lcp: Option<f64>,
    /// Cumulative layout shift.
    pub cls: Option<f64>,
    /// Interaction to next paint, seconds.
    pub inp: Option<f64>,
}

/// Reports that a goal was reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversionRequest {
    /// The session.
    pub session_id: String,
    /// What was reached.
    pub conversion_event: ConversionField,
    /// What the page thinks of the way there.
    pub journey_context: Option<JourneyContext>,
}

/// A goal that was reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversionField {
    /// The page's own id of it, for safe retries.
    pub id: Option<String>,
    /// As `email_signup` or `purchase`.
    #[serde(rename = "type")]
    pub kind: String,
    /// In major units of the currency.
    pub value: Option<f64>,
    /// ISO 4217; the shop's own where it is missing.
    pub currency: Option<String>,
    /// The shop's own step of its funnel.
    pub funnel_step: Option<String>,
    /// What came with it.
    pub conversion_data: Option<ConversionData>,
}

/// What comes with a conversion.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversionData {
    /// The shopper's address. It is kept only with `consentGiven`.
    pub email: Option<String>,
    /// 0 to 1.
    pub lead_score: Option<f64>,
    /// Whether the shopper agreed to it.
    #[serde(default)]
    pub consent_given: bool,
    /// What the shop thinks that brought the shopper.
    pub source_attribution: Option<String>,
}

/// What a page thinks of the way to a conversion.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JourneyContext {
    /// Touchpoints that the page counted.
    pub total_touchpoints: Option<u32>,
    /// Seconds since the session began, as the page counted them.
    pub time_to_conversion: Option<f64>,
    /// What led to it most.
    pub primary_influencer: Option<String>,
    /// What led to it, too.
    pub secondary_influencer: Option<String>,
}

/// Joins two sessions of one person, or (DELETE) parts them again.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkRequest {
    /// One session.
    pub primary_session_id: String,
    /// The other.
    pub secondary_session_id: String,
    /// As `email_identification`.
    pub linking_method: Option<String>,
    /// What shows that they belong together.
    pub linking_data: Option<LinkingData>,
}

/// What shows that two sessions belong together.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkingData {
    /// The shopper's address.
    pub email: Option<String>,
    /// HMAC-SHA256 of the address under the shop's identity secret.
    #[serde(rename = "user_hash")]
    pub user_hash: Option<String>,
    /// As `mobile_to_desktop`.
    pub device_transition: Option<String>,
    /// Seconds between the two.
    pub time_gap: Option<f64>,
    /// Whether the second goes on where the first ended.
    pub contextual_continuity: Option<bool>,
}

/// Asks for a page's optimization.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OptimizeRequest {
    /// The session.
    pub session_id: String,
    /// `real_time_adaptation` for all kinds, or one of `layout_optimization`, `content_personalization`,
    /// `interaction_optimization` and `timing_optimization`.
    pub optimization_type: String,
    /// What is wanted.
    pub optimization_parameters: Option<OptimizationParameters>,
    /// What is possible.
    pub contextual_constraints: Option<ContextualConstraints>,
}

/// What is wanted of an optimization.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OptimizationParameters {
    /// `conversion_probability`, which is what variants are measured by.
    pub target_metric: Option<String>,
    /// `subtle` changes one thing, `moderate` three, `strong` all that can be.
    pub adaptation_strength: Option<String>,
    /// Leaves out what interrupts the shopper.
    pub preserve_user_experience: Option<bool>,
}

/// What is possible where an optimization is to show.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContextualConstraints {
    /// `small_screen`, `touch_only`, `no_hover`, `low_memory`, `slow_cpu`.
    pub device_limitations: Option<Vec<String>>,
    /// `save_data`, `mobile_2g`, `mobile_3g`, `mobile_4g`, `mobile_5g`, `wifi` or `desktop`.
    pub performance_budget: Option<String>,
    /// `maintain_premium_feel`, `no_pressure` or `none`.
    pub brand_guidelines: Option<String>,
}
