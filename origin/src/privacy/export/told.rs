//! Rows as people read them: words instead of codes, times as RFC 3339, money in the currency's main unit.

use footfall_shared::customer::Interaction;
use footfall_shared::event::value_of;
use footfall_shared::identity::Email;
use footfall_shared::journey::session::Session;
use footfall_shared::money::{Currency, MinorUnits};
use footfall_shared::offers::Offer;
use footfall_shared::profile::Profile;
use footfall_shared::time::{DAY_MS, UtcMillis};
use footfall_shared::upload::row::Row;
use footfall_shared::visits::page::PageType;
use footfall_shared::visits::visit::Visit;
use footfall_shared::wire::events::LoggedEvent;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::queries::export::personal as rows;
use crate::db::StorageError;
use crate::ingest::Logged;
use crate::intelligence::Customer;
use crate::uploads::Sourced;

/// Reads a column that holds JSON.
pub(super) fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, StorageError> {
    serde_json::from_str(text)
        .map_err(|cause| StorageError::corrupt("tell what is held of somebody", cause))
}

/// A text that should be JSON; as it is where it is not.
fn json_or_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

fn time(millis: i64) -> String {
    UtcMillis::new(millis).to_rfc3339()
}

fn major(minor: i64, currency: Currency) -> f64 {
    MinorUnits::new(minor).to_major(currency)
}

/// The shopper.
pub(super) fn customer(one: &Customer) -> Value {
    json!({
        "id": one.id,
        "number": one.number,
        "email": one.email,
        "email_hash": one.email_hash,
        "id_in_the_shop": one.external_id,
        "first_name": one.first_name,
        "last_name": one.last_name,
        "last_device": {
            "fingerprint_hash": one.seen.fingerprint,
            "address_hash": one.seen.ip,
            "place": one.seen.geo,
            "seen_at": one.seen.at.map(UtcMillis::to_rfc3339),
        },
        "created_at": one.created_at.to_rfc3339(),
        "updated_at": one.updated_at.to_rfc3339(),
    })
}

/// The profile, with when it was made.
pub(super) fn profile(row: &rows::ProfileRow, currency: Currency) -> Result<Value, StorageError> {
    let mut told = profile_of(&parsed(&row.body)?, currency);
    told["created_at"] = json!(time(row.created_at));
    told["updated_at"] = json!(time(row.updated_at));
    Ok(told)
}

fn profile_of(profile: &Profile, currency: Currency) -> Value {
    let favourites = profile.favourites.products().iter().map(|one| {
        json!({
            "product_id": one.product_id,
            "name": one.name,
            "unit_price": one.unit_price.to_major(currency),
            "score": one.score,
            "quantity": one.total_quantity,
            "orders": one.order_numbers,
        })
    });
    let window = profile.window.map(
        |window| json!({"from": window.start.at.to_rfc3339(), "until": window.end.at.to_rfc3339()}),
    );
    json!({
        "favourite_products": favourites.collect::<Vec<Value>>(),
        "largest_order": {
            "order_id": profile.peak.order_id,
            "number": profile.peak.order_number,
            "quantity": profile.peak.quantity,
            "amount": profile.peak.amount.to_major(currency),
            "ordered_at": profile.peak.at.at.to_rfc3339(),
        },
        "average_order_value": profile.avg_order_value.to_major(currency),
        "total_spent": profile.total_spent.to_major(currency),
        "currency": currency,
        "orders": profile.total_orders,
        "last_order_at": profile.last_order.at.to_rfc3339(),
        "days_between_orders": profile.cycle_days(),
        "next_order_expected": window,
        "score_of_100": profile.score.to_f64(),
        "calculated_at": profile.recalculated.at.to_rfc3339(),
    })
}

/// An order with its lines among those of all of them.
pub(super) fn order(row: &rows::OrderRow, items: &[rows::ItemRow], shop: Currency) -> Value {
    let currency = Currency::parse("currency", &row.currency).unwrap_or(shop);
    let lines = items.iter().filter(|item| item.order_id == row.order_id);
    let lines = lines.map(|item| {
        json!({
            "product_id": item.product_id,
            "name": item.name,
            "quantity": item.quantity,
            "unit_price": major(item.unit_price_minor, currency),
        })
    });
    json!({
        "order_id": row.order_id,
        "number": row.number,
        "status": row.status,
        "ordered_at": time(row.ordered_at),
        "total": major(row.total_minor, currency),
        "currency": currency,
        "lines": lines.collect::<Vec<Value>>(),
        "created_at": time(row.created_at),
        "updated_at": time(row.updated_at),
    })
}

/// Which browser said that it placed an order.
pub(super) fn order_link(row: &rows::OrderLinkRow) -> Value {
    json!({
        "order_id": row.order_id,
        "browser": row.anonymous_id,
        "session": row.session_id,
        "fingerprint_hash": row.fingerprint,
        "address_hash": row.ip,
        "at": time(row.at),
    })
}

/// An offer, with what it was decided on.
pub(super) fn offer(row: &rows::OfferRow, currency: Currency) -> Result<Value, StorageError> {
    let offer: Offer = parsed(&row.body)?;
    let decided_on = match &row.decided_on {
        Some(text) => Some(profile_of(&parsed(text)?, currency)),
        None => None,
    };
    let bundle = &offer.bundle;
    let lines = bundle.items.iter().map(|item| {
        json!({
            "product_id": item.product_id,
            "name": item.name,
            "quantity": item.quantity,
            "unit_price": item.unit_price.to_major(currency),
        })
    });
    Ok(json!({
        "offer_id": offer.id,
        "number": offer.number,
        "status": offer.status,
        "lines": lines.collect::<Vec<Value>>(),
        "base_price": bundle.pricing.base_price.to_major(currency),
        "discount_percent": bundle.pricing.discount_percentage,
        "discount": bundle.pricing.discount_amount.to_major(currency),
        "price": bundle.pricing.final_price.to_major(currency),
        "currency": currency,
        "bonus_points": bundle.bonus_points,
        "created_at": offer.created_at.to_rfc3339(),
        "expires_at": offer.expires_at.to_rfc3339(),
        "viewed_at": offer.viewed_at.map(UtcMillis::to_rfc3339),
        "answered_at": offer.responded_at.map(UtcMillis::to_rfc3339),
        "decided_on": decided_on,
    }))
}

/// A key by which a device is known.
pub(super) fn device(row: &rows::DeviceRow) -> Value {
    json!({
        "known_by": row.kind,
        "hash": row.hash,
        "how_sure": row.trust,
        "visits": row.visit_count,
        "country": row.geo_country,
        "city": row.geo_city,
        "first_seen": time(row.first_seen),
        "last_seen": time(row.last_seen),
    })
}

/// An event, as the log shows it, with by what its sender was recognized.
pub(super) fn event(logged: &Logged) -> Value {
    let event = &logged.event;
    let mut told = value_of(&LoggedEvent::from_event(event.clone()));
    told["recognition"] = json!({
        "how_sure": event.trust,
        "fingerprint_hash": event.device.fingerprint,
        "address_hash": event.device.ip,
        "place": event.device.geo,
        "counted_as_a_person": logged.by_people,
    });
    told
}

/// A session; of those that are linked with it only the person's own.
pub(super) fn session(row: &rows::JourneyRow, own: &[String]) -> Result<Value, StorageError> {
    let session: Session = parsed(&row.body)?;
    let stages = session.stages.iter().map(
        |step| json!({"stage": step.stage, "at": step.at.to_rfc3339(), "after": step.trigger}),
    );
    let met = session.history.iter().map(|met| {
        json!({
            "touchpoint": met.kind,
            "at": met.at.to_rfc3339(),
            "duration_ms": met.duration_ms,
            "engagement": share(met.engagement_milli),
        })
    });
    let conversions = session.conversions.iter().map(|one| {
        json!({
            "goal": one.kind,
            "at": one.at.to_rfc3339(),
            "value": one.value.to_major(one.currency),
            "currency": one.currency,
        })
    });
    let linked = session.links.iter().map(|link| &link.session);
    let linked: Vec<&String> = linked.filter(|other| own.contains(*other)).collect();
    Ok(json!({
        "session": row.session_id,
        "visits": session.visit,
        "first_at": session.first_at.to_rfc3339(),
        "last_visit_began_at": session.started_at.to_rfc3339(),
        "last_at": session.last_at.to_rfc3339(),
        "stage": session.stage,
        "stages": stages.collect::<Vec<Value>>(),
        "touchpoints": session.touchpoints,
        "latest_touchpoints": met.collect::<Vec<Value>>(),
        "features_looked_at": session.features,
        "time_spent_ms": session.dwell_ms,
        "deepest_scroll": share(session.scroll_milli),
        "engagement": share(session.engagement_milli),
        "declared_intent": session.intent_milli.map(share),
        "price_reaction": session.price_reaction,
        "left_an_email": session.lead,
        "was_here_before": session.returning,
        "persona": session.persona,
        "device": session.device.as_str(),
        "source": session.source,
        "language": session.locale,
        "goals_reached": session.converted,
        "latest_goals": conversions.collect::<Vec<Value>>(),
        "linked_with": linked,
    }))
}

fn share(milli: u16) -> f64 {
    f64::from(milli) / 1000.0
}

/// What a visit was shown.
pub(super) fn exposure(row: &rows::ExposureRow) -> Value {
    json!({
        "session": row.session_id,
        "visit": row.visit,
        "slot": row.slot,
        "left_alone": row.held_out != 0,
        "variants": json_or_text(&row.variants),
        "bought_afterwards": row.sold != 0,
    })
}

/// A visit.
pub(super) fn visit(row: &rows::VisitRow) -> Result<Value, StorageError> {
    let visit: Visit = parsed(&row.body)?;
    let steps = visit.steps.iter().map(|step| {
        json!({
            "at": step.at.to_rfc3339(),
            "what": step.what,
            "page": step.page,
            "load_ms": step.load_ms,
            "failed": step.failed,
        })
    });
    let who = |word: &Option<(UtcMillis, String)>| word.as_ref().map(|(_, id)| id.clone());
    Ok(json!({
        "visit": row.key,
        "first_at": visit.first_at.to_rfc3339(),
        "last_at": visit.last_at.to_rfc3339(),
        "browser": who(&visit.browser),
        "user": who(&visit.user),
        "device": visit.device_type().as_str(),
        "source": visit.source_name(),
        "events": visit.events,
        "pages": visit.pages.max(visit.journey_pages),
        "slow_pages": visit.slow,
        "failures": visit.failures,
        "bought": visit.bought,
        "steps": steps.collect::<Vec<Value>>(),
    }))
}

/// What a visitor's visits came to on a day.
pub(super) fn visit_day(row: &rows::VisitDayRow) -> Result<Value, StorageError> {
    let counts: Vec<i64> = parsed(&row.counts)?;
    let count = |place: usize| counts.get(place).copied().unwrap_or_default();
    let pages =
        PageType::ALL.map(|page| (page.as_str().to_owned(), json!(count(page.place() + 1))));
    let mut day = time(row.day.saturating_mul(DAY_MS));
    day.truncate("2026-11-24".len());
    Ok(json!({
        "visitor": row.visitor,
        "day": day,
        "device": row.device,
        "visits": count(0),
        "visits_that_reached": Value::Object(pages.into_iter().collect()),
        "visits_that_bought": count(PageType::ALL.len() + 1),
    }))
}

/// What was said of a page.
pub(super) fn feedback(row: &rows::FeedbackRow) -> Value {
    json!({
        "event": row.id,
        "at": time(row.at),
        "page": row.page,
        "topic": row.topic,
        "stars": row.rating.map(|hundredths| hundredths as f64 / 100.0),
        "said": row.said,
        "mood": row.score as f64 / 1000.0,
    })
}

/// What a segment is called, and whether the run is the one that counts; by what was found of the scope.
pub(super) fn segment(
    row: &rows::SegmentRow,
    segmented: Option<&Value>,
    currency: Currency,
) -> Value {
    let segments = segmented.and_then(|found| found["segments"].as_array());
    let segment = segments.and_then(|all| all.iter().find(|one| one["id"] == row.segment_id));
    json!({
        "customer": row.customer_id,
        "email": row.email,
        "segment": segment.map(|one| &one["name"]),
        "segment_id": row.segment_id,
        "computed_from": if row.scope.is_empty() { "all data of the shop" } else { row.scope.as_str() },
        "counts_now": segmented.is_some_and(|found| found["run"] == row.run.as_str()),
        "days_since_last_order": row.recency_days,
        "orders": row.frequency,
        "spent": major(row.spend_minor, currency),
        "currency": currency,
        "scores": {"recency": row.score_r, "frequency": row.score_f, "spending": row.score_m},
        "age": row.age,
        "gender": row.gender,
        "location": row.location,
    })
}

/// What somebody is recommended. Of the customers who are like them only how many there are: who they are is theirs.
pub(super) fn recommendation(row: &rows::RecommendationRow) -> Result<Value, StorageError> {
    let list: Vec<Value> = parsed(&row.list)?;
    let similar: Vec<Value> = parsed(&row.similar_customers)?;
    let list = list.iter().map(|one| {
        let why = &one["w"];
        json!({
            "product": one["p"],
            "name": one["n"],
            "category": one["c"],
            "probability_of_purchase": one["s"],
            "because": {"reason": why["k"], "times": why["times"], "with": why["with"]},
        })
    });
    Ok(json!({
        "customer": row.customer,
        "model": row.version,
        "model_trained_at": time(row.trained_at),
        "model_state": row.state,
        "recommended": list.collect::<Vec<Value>>(),
        "similar_customers": similar.len(),
    }))
}

/// A sales record.
pub(super) fn sales_record(row: &rows::RecordRow) -> Value {
    json!({
        "id": row.id,
        "record": json_or_text(&row.body),
        "personality_type": row.personality_type,
        "budget_range": row.budget_range,
        "sales_stage": row.sales_stage,
        "current_interest": row.current_interest,
        "completeness": row.completeness as f64 / 100.0,
        "created_at": time(row.created_at),
        "updated_at": time(row.updated_at),
    })
}

/// What was done with somebody once.
pub(super) fn interaction(row: &rows::InteractionRow) -> Result<Value, StorageError> {
    let interaction: Interaction = parsed(&row.body)?;
    let mut told = value_of(&interaction);
    told["id"] = json!(row.id);
    told["at"] = json!(interaction.at.to_rfc3339());
    told["recorded_at"] = json!(time(row.recorded_at));
    if let Some(at) = interaction.follow_up.and_then(|follow_up| follow_up.at) {
        told["follow_up"]["at"] = json!(at.to_rfc3339());
    }
    Ok(told)
}

/// What was allowed or refused.
pub(super) fn consent(row: &rows::ConsentRow) -> Value {
    json!({
        "given_by": row.subject,
        "purpose": row.purpose,
        "granted": row.granted,
        "decided_at": time(row.at),
        "source": row.source,
        "recorded_at": time(row.recorded_at),
    })
}

/// An event that the log did not take; `None` where another event only speaks of the person.
pub(super) fn rejected(row: &rows::RejectedRow, email: &Email) -> Option<Value> {
    let body = json_or_text(&row.body);
    // What cannot be read names somebody wherever the address stands.
    let names = body.is_string() || holds(&body, email.as_str());
    names.then(|| {
        json!({
            "rejected_at": time(row.rejected_at),
            "code": row.code,
            "reason": row.reason,
            "event": body,
        })
    })
}

/// Whether a text in JSON is an email and nothing else.
fn holds(value: &Value, email: &str) -> bool {
    match value {
        Value::String(text) => text.trim().to_lowercase() == email,
        Value::Array(items) => items.iter().any(|item| holds(item, email)),
        Value::Object(fields) => fields.values().any(|field| holds(field, email)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What a webhook was told.
pub(super) fn delivery(row: &rows::DeliveryRow) -> Value {
    json!({
        "webhook": row.webhook_id,
        "session": row.session_id,
        "type": row.kind,
        "body": json_or_text(&row.body),
        "state": row.state,
        "made_at": time(row.made_at),
        "ended_at": row.done_at.map(time),
    })
}

/// A row of a file.
pub(super) fn row_of_file(row: &Row<'_>, file: &Sourced, currency: Currency) -> Value {
    let at = |at: Option<UtcMillis>| at.map(UtcMillis::to_rfc3339);
    let stars = |hundredths: Option<i64>| hundredths.map(|rating| rating as f64 / 100.0);
    let money = |amount: Option<MinorUnits>| amount.map(|amount| amount.to_major(currency));
    let told = match row {
        Row::Line(line) => json!({
            "order": line.order,
            "customer": line.customer,
            "email": line.email,
            "product": line.product,
            "name": line.name,
            "category": line.category,
            "location": line.location,
            "gender": line.gender,
            "payment": line.payment,
            "shipping": line.shipping,
            "purchase_frequency": line.purchase_frequency,
            "kind": line.kind,
            "quantity": line.quantity_milli as f64 / 1000.0,
            "amount": money(line.amount),
            "currency": currency,
            "at": at(line.at),
            "discounted": line.discounted,
            "age": line.age,
            "stars": stars(line.rating),
            "previous_purchases": line.previous_purchases,
        }),
        Row::Review(review) => json!({
            "product": review.product,
            "name": review.name,
            "category": review.category,
            "text": review.text,
            "customer": review.customer,
            "stars": stars(review.rating),
            "at": at(review.at),
            "age": review.age,
        }),
        Row::PageEvent(event) => json!({
            "visitor": event.visitor,
            "session": event.session,
            "page": event.page,
            "device": event.device,
            "source": event.source,
            "at": at(event.at),
        }),
        Row::Product(product) => json!({
            "product": product.product,
            "name": product.name,
            "category": product.category,
            "brand": product.brand,
            "price": money(product.price),
            "currency": currency,
        }),
        Row::Customer(customer) => json!({
            "customer": customer.customer,
            "email": customer.email,
            "gender": customer.gender,
            "location": customer.location,
            "device": customer.device,
            "age": customer.age,
            "since": at(customer.at),
        }),
    };
    json!({
        "upload_id": file.id,
        "kind": file.kind,
        "uploaded_at": file.created_at.to_rfc3339(),
        "row": told,
    })
}
