//! Reads the contract's requests: shares, seconds and names become whole numbers and bounded texts.

use serde_json::{Map, Value, json};

use super::event::{Conversion, Happening, Measured, Persona, StageChange, Start, Touch};
use super::stage::Stage;
use crate::event::segment::no_nul;
use crate::money::{Currency, MinorUnits};
use crate::text::{InvalidField, bounded, required};
use crate::wire::journey::{
    ConversionRequest, DeviceContext, EngagementMetrics, EntryPoint, Fields, IntentSignals,
    PerformanceMetrics, StageRequest, StartRequest, TouchpointRequest,
};

/// Longest session id, in characters.
pub const SESSION_CHARS_MAX: usize = 128;
/// Longest language tag that is kept, in characters.
const LOCALE_CHARS_MAX: usize = 16;
/// Longest name of a touchpoint, goal, persona, feature or source, in characters.
const NAME_CHARS_MAX: usize = 64;
/// Longest page or referrer, in characters.
const PAGE_CHARS_MAX: usize = 500;
/// Largest free fields of a request, in bytes of JSON.
const FIELDS_BYTES_MAX: usize = 8 * 1024;
/// Most names in a list.
const LIST_MAX: usize = 20;
/// Longest time that a page may tell: a day. A tab that was left open longer tells nothing.
const SECONDS_MAX: f64 = 86_400.0;

/// A request that was read: what happened, and what the log keeps of the page's own fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// What happened.
    pub what: Happening,
    /// The page's own fields.
    pub properties: Fields,
}

/// Reads a session's id.
///
/// # Errors
/// [`InvalidField`] when it is empty, over-long or holds control characters.
pub fn session_id(field: &str, text: &str) -> Result<String, InvalidField> {
    required(field, text, SESSION_CHARS_MAX).map(str::to_owned)
}

/// The language that a browser likes best, as `de-AT`; `None` where the header names none.
#[must_use]
pub fn locale(accept_language: &str) -> Option<String> {
    let first = accept_language.split([',', ';']).next()?.trim();
    let is_tag = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let fits = (2..=LOCALE_CHARS_MAX).contains(&first.len()) && first.bytes().all(is_tag);
    fits.then(|| first.to_owned())
}

/// Reads the start of a session; its language is the browser's.
///
/// # Errors
/// [`InvalidField`] names the field that breaks the contract.
pub fn start(request: StartRequest, accept_language: Option<&str>) -> Result<Read, InvalidField> {
    let persona = request
        .persona
        .map(|persona| {
            Ok(Persona {
                kind: required("persona.type", &persona.kind, NAME_CHARS_MAX)?.to_owned(),
                confidence_milli: share("persona.confidence", persona.confidence)?.unwrap_or(1000),
            })
        })
        .transpose()?;
    let DeviceContext {
        kind,
        screen_size,
        connection_speed,
        user_agent: _,
    } = request.device_context.unwrap_or_default();
    let EntryPoint {
        source,
        campaign,
        landing_page,
        referrer,
    } = request.entry_point.unwrap_or_default();
    let IntentSignals {
        purchase_intent,
        urgency_level,
        price_sensitivity,
    } = request.intent_signals.unwrap_or_default();
    let mut properties = Map::new();
    for (name, field, given) in [
        ("screenSize", "deviceContext.screen_size", screen_size),
        (
            "connectionSpeed",
            "deviceContext.connection_speed",
            connection_speed,
        ),
        ("urgencyLevel", "intentSignals.urgency_level", urgency_level),
        (
            "priceSensitivity",
            "intentSignals.price_sensitivity",
            price_sensitivity,
        ),
    ] {
        if let Some(text) = name_of(field, given)? {
            properties.insert(name.to_owned(), Value::String(text));
        }
    }
    if let Some(referrer) = page("entryPoint.referrer", referrer)? {
        properties.insert("referrer".to_owned(), Value::String(referrer));
    }
    Ok(Read {
        what: Happening::Started(Start {
            persona,
            device: name_of("deviceContext.type", kind)?,
            source: name_of("entryPoint.source", source)?,
            campaign: name_of("entryPoint.campaign", campaign)?,
            landing_page: page("entryPoint.landing_page", landing_page)?,
            intent_milli: share("intentSignals.purchase_intent", purchase_intent)?,
            locale: accept_language.and_then(locale),
            returning: request.returning_visitor.unwrap_or(false),
        }),
        properties,
    })
}

/// Reads a change of stage. A purchase is reached by a conversion alone.
///
/// # Errors
/// [`InvalidField`] names the field that breaks the contract; of an unknown stage it lists those that are.
pub fn stage(request: StageRequest) -> Result<Read, InvalidField> {
    let to = Stage::parse(request.new_stage.trim()).ok_or_else(|| {
        let names = Stage::ALL.map(Stage::as_str).join(", ");
        InvalidField::new("newStage", format!("must be one of {names}"))
    })?;
    if to == Stage::Purchase {
        let rule = "purchase is reached by a conversion, POST /api/journey/conversions/track";
        return Err(InvalidField::new("newStage", rule));
    }
    let EngagementMetrics {
        time_on_page,
        scroll_depth,
        interaction_count,
        exit_intent,
    } = request.engagement_metrics.unwrap_or_default();
    let context = request.contextual_data.unwrap_or_default();
    Ok(Read {
        what: Happening::StageChanged(StageChange {
            to,
            trigger: name_of("triggerEvent", request.trigger_event)?,
            measured: Measured {
                dwell_ms: seconds("engagementMetrics.timeOnPage", time_on_page)?,
                scroll_milli: share("engagementMetrics.scrollDepth", scroll_depth)?,
                interactions: interaction_count,
                exit_intent,
                price_reaction: context.price_reaction,
                load_ms: None,
                errors: None,
            },
            features: names("contextualData.featuresViewed", context.features_viewed)?,
            comparisons: names("contextualData.comparisonsMade", context.comparisons_made)?,
        }),
        properties: Map::new(),
    })
}

/// Reads a touchpoint.
///
/// # Errors
/// [`InvalidField`] names the field that breaks the contract.
pub fn touchpoint(request: TouchpointRequest) -> Result<Read, InvalidField> {
    let touchpoint = request.touchpoint;
    let signals = request.contextual_signals.unwrap_or_default();
    let data = touchpoint.interaction_data.unwrap_or_default();
    let PerformanceMetrics {
        load_time,
        render_time,
        error_rate,
        lcp,
        cls,
        inp,
    } = touchpoint.performance_metrics.unwrap_or_default();
    let number = |name: &str| data.get(name).and_then(Value::as_f64);
    let dwell = number("interactionDuration").or_else(|| number("dwellTime"));
    let scroll = number("scrollDepth");
    let touch = Touch {
        kind: required("touchpoint.type", &touchpoint.kind, NAME_CHARS_MAX)?.to_owned(),
        page: page("touchpoint.pageUrl", touchpoint.page_url)?,
        interacted: data
            .keys()
            .any(|name| !matches!(name.as_str(), "dwellTime" | "scrollDepth")),
        measured: Measured {
            dwell_ms: seconds("touchpoint.interactionData.interactionDuration", dwell)?,
            scroll_milli: share("touchpoint.interactionData.scrollDepth", scroll)?,
            interactions: None,
            exit_intent: signals.get("exitIntent").and_then(Value::as_bool),
            price_reaction: None,
            load_ms: seconds("touchpoint.performanceMetrics.loadTime", load_time)?,
            errors: share("touchpoint.performanceMetrics.errorRate", error_rate)?
                .map(|rate| rate > 0),
        },
    };
    let mut properties = Map::new();
    keep(
        &mut properties,
        "interactionData",
        "touchpoint.interactionData",
        data,
    )?;
    keep(
        &mut properties,
        "contextualSignals",
        "contextualSignals",
        signals,
    )?;
    for (name, field, time) in [
        (
            "renderMs",
            "touchpoint.performanceMetrics.renderTime",
            render_time,
        ),
        ("lcpMs", "touchpoint.performanceMetrics.lcp", lcp),
        ("inpMs", "touchpoint.performanceMetrics.inp", inp),
    ] {
        if let Some(time) = seconds(field, time)? {
            properties.insert(name.to_owned(), json!(time));
        }
    }
    if let Some(shift) = cls.filter(|shift| shift.is_finite()) {
        properties.insert("cls".to_owned(), json!(shift));
    }
    Ok(Read {
        what: Happening::Touchpoint(touch),
        properties,
    })
}

/// Reads a conversion, all but the address that may come with it; `currency` is the shop's own.
///
/// # Errors
/// [`InvalidField`] names the field that breaks the contract.
pub fn conversion(request: &ConversionRequest, currency: Currency) -> Result<Read, InvalidField> {
    let event = &request.conversion_event;
    let currency = match &event.currency {
        Some(text) => Currency::parse("conversionEvent.currency", text)?,
        None => currency,
    };
    let data = event.conversion_data.as_ref();
    let context = request.journey_context.as_ref();
    let mut properties = Map::new();
    let lead_score = data.and_then(|data| data.lead_score);
    if let Some(score) = share("conversionEvent.conversionData.leadScore", lead_score)? {
        properties.insert("leadScoreMilli".to_owned(), json!(score));
    }
    let source = data.and_then(|data| data.source_attribution.clone());
    if let Some(source) = name_of("conversionEvent.conversionData.sourceAttribution", source)? {
        properties.insert("sourceAttribution".to_owned(), Value::String(source));
    }
    let second = context.and_then(|context| context.secondary_influencer.clone());
    if let Some(second) = name_of("journeyContext.secondaryInfluencer", second)? {
        properties.insert("secondaryInfluencer".to_owned(), Value::String(second));
    }
    let first = context.and_then(|context| context.primary_influencer.clone());
    Ok(Read {
        what: Happening::Converted(Conversion {
            kind: required("conversionEvent.type", &event.kind, NAME_CHARS_MAX)?.to_owned(),
            value: value(
                "conversionEvent.value",
                event.value.unwrap_or(0.0),
                currency,
            )?,
            currency,
            funnel_step: name_of("conversionEvent.funnelStep", event.funnel_step.clone())?,
            influencer: name_of("journeyContext.primaryInfluencer", first)?,
        }),
        properties,
    })
}

/// A number from 0 to 1 in thousandths.
fn share(field: &str, given: Option<f64>) -> Result<Option<u16>, InvalidField> {
    let Some(share) = given else {
        return Ok(None);
    };
    if !(0.0..=1.0).contains(&share) {
        return Err(InvalidField::new(field, "must be a number from 0 to 1"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 1000 by the check above"
    )]
    Ok(Some((share * 1000.0).round() as u16))
}

/// Seconds in milliseconds.
fn seconds(field: &str, given: Option<f64>) -> Result<Option<u32>, InvalidField> {
    let Some(seconds) = given else {
        return Ok(None);
    };
    if !(0.0..=SECONDS_MAX).contains(&seconds) {
        return Err(InvalidField::new(field, "must be seconds, from 0 to 86400"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 86,400,000 by the check above"
    )]
    Ok(Some((seconds * 1000.0).round() as u32))
}

/// An amount in major units, as its shortest text says it.
fn value(field: &str, given: f64, currency: Currency) -> Result<MinorUnits, InvalidField> {
    let text = serde_json::Number::from_f64(given).map(|number| number.to_string());
    let text = text.unwrap_or_default();
    // `0.0` is how a whole number is written here.
    MinorUnits::parse(field, text.strip_suffix(".0").unwrap_or(&text), currency)
}

fn name_of(field: &str, given: Option<String>) -> Result<Option<String>, InvalidField> {
    text(field, given, NAME_CHARS_MAX)
}

fn text(
    field: &str,
    given: Option<String>,
    chars_max: usize,
) -> Result<Option<String>, InvalidField> {
    let Some(text) = given else {
        return Ok(None);
    };
    let text = bounded(field, &text, chars_max)?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// A page without its query and fragment's values: those may hold what is personal.
fn page(field: &str, given: Option<String>) -> Result<Option<String>, InvalidField> {
    let page = text(field, given, PAGE_CHARS_MAX)?;
    Ok(page.map(|page| page.split('?').next().unwrap_or_default().to_owned()))
}

fn names(field: &str, given: Vec<String>) -> Result<Vec<String>, InvalidField> {
    if given.len() > LIST_MAX {
        return Err(InvalidField::new(
            field,
            format!("must be at most {LIST_MAX} names"),
        ));
    }
    let given = given.iter().enumerate();
    given
        .map(|(at, name)| {
            required(&format!("{field}[{at}]"), name, NAME_CHARS_MAX).map(str::to_owned)
        })
        .collect()
}

/// Keeps free fields for the log, bounded.
fn keep(
    properties: &mut Fields,
    name: &str,
    field: &str,
    fields: Fields,
) -> Result<(), InvalidField> {
    if fields.is_empty() {
        return Ok(());
    }
    let fields = Value::Object(fields);
    no_nul(field, &fields)?;
    if fields.to_string().len() > FIELDS_BYTES_MAX {
        return Err(InvalidField::new(field, "must be at most 8 KiB"));
    }
    properties.insert(name.to_owned(), fields);
    Ok(())
}

#[cfg(test)]
mod tests;
