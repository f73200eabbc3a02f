//! `POST /api/intelligence/track-customer`: who is this, and what do we know of them?

use footfall_shared::event::{Device, Event, EventKind};
use footfall_shared::id::EventId;
use footfall_shared::identity::{Email, EmailHash, Trust};
use footfall_shared::intelligence::{Disclosure, TrackCustomer};
use footfall_shared::wire::intelligence::{
    Audience, ProfileReply, TrackCustomerReply, TrackCustomerRequest, TrackedReply,
};
use serde_json::{Map, json};

use crate::error::EdgeError;
use crate::events::enqueue;
use crate::guard::{self, ShopRequest};
use crate::http::{Request, Response};
use crate::intelligence::recognize::{self, Person};
use crate::intelligence::{customer, disclosure};
use crate::limits;
use crate::platform::Platform;
use crate::trace::Trace;

pub(crate) async fn track_customer<P: Platform>(
    platform: &P,
    trace: &Trace,
    request: &Request,
) -> Result<Response, EdgeError> {
    let (asked, body) =
        guard::admit_with_body::<P, TrackCustomerRequest>(platform, trace, request).await?;
    let mut track = TrackCustomer::parse(body, &asked.shop.salt, &asked.shop.identity_secret)
        .map_err(EdgeError::field)?;
    if asked.is_backend() {
        // The shop's own server needs no proof of whom it speaks for.
        track.email = track.email.map(|(email, _)| (email, Trust::Verified));
    }
    limits::spend(platform, trace, &asked).await?;
    if let Some((email, Trust::Claimed)) = &track.email {
        let email = EmailHash::of(email, &asked.shop.salt);
        limits::try_email(platform, &asked, &email).await?;
    }
    if asked.opted_out {
        return Ok(reply(None, None));
    }
    let device = Device {
        fingerprint: track.fingerprint.clone(),
        ..asked.device.clone()
    };

    remember(platform, &asked, &track, &device).await?;
    let person = identify(platform, trace, &asked, &track, &device).await;
    let Some(person) = person else {
        return Ok(reply(None, None));
    };
    let tracked = |customer_email: Option<String>| TrackedReply {
        customer_email,
        ip_hash: device.ip.as_ref().map(|ip| ip.as_str().to_owned()),
        fingerprint: device
            .fingerprint
            .as_ref()
            .map(|print| print.as_str().to_owned()),
    };
    // What the caller said tells it nothing new.
    let said = track
        .email
        .as_ref()
        .map(|(email, _)| email.as_str().to_owned());
    if disclosure(platform, &asked, person.trust) == Disclosure::Masked {
        // Whether an email is a customer's is personal too, so nothing is looked up.
        let shown = said.unwrap_or_else(|| Email::MASKED.to_owned());
        return Ok(reply(
            Some(tracked(Some(shown))),
            Some(ProfileReply::masked()),
        ));
    }
    // The profile is an extra; without the origin the shopper is tracked all the same.
    let entry = customer::find(platform, trace, &asked.shop.shop, &person.email_hash).await;
    let entry = entry.ok().flatten();
    let profile = entry
        .as_ref()
        .and_then(|entry| ProfileReply::from_entry(entry, Audience::Storefront, platform.now()));
    let known = entry.map(|entry| entry.card.email.as_str().to_owned());
    Ok(reply(Some(tracked(said.or(known))), profile))
}

fn reply(tracked: Option<TrackedReply>, profile: Option<ProfileReply>) -> Response {
    Response::json(
        http::StatusCode::OK,
        &TrackCustomerReply {
            success: true,
            tracked,
            profile,
        },
    )
}

/// Makes what the request says durable: the device with its email, and the event where one is named.
async fn remember<P: Platform>(
    platform: &P,
    asked: &ShopRequest,
    track: &TrackCustomer,
    device: &Device,
) -> Result<(), EdgeError> {
    let now = platform.now();
    let mut context = json!({"library": {"name": "track-customer"}});
    if let Some(agent) = &asked.user_agent {
        context["userAgent"] = json!(agent);
    }
    let event = |kind: EventKind, name: Option<&str>| Event {
        shop: asked.shop.shop.clone(),
        id: EventId::generate(now, platform.entropy()),
        kind,
        name: name.map(str::to_owned),
        at: now,
        received_at: now,
        anonymous_id: track.anonymous_id.clone(),
        user_id: track.customer_id.as_ref().map(|id| id.as_str().to_owned()),
        session_id: None,
        email: track.email.as_ref().map(|(email, _)| email.clone()),
        trust: track.email.as_ref().map(|(_, trust)| *trust),
        device: device.clone(),
        body: Map::from_iter([("context".to_owned(), context.clone())]),
    };
    let mut events = Vec::new();
    if track.email.is_some() {
        events.push(event(EventKind::Identify, None));
    }
    if let Some(name) = track.event_type {
        events.push(event(EventKind::Track, Some(name)));
    }
    enqueue(platform, &events).await?;
    Ok(())
}

/// Whom the request is taken for: the email it names, else whoever was seen on the device.
async fn identify<P: Platform>(
    platform: &P,
    trace: &Trace,
    asked: &ShopRequest,
    track: &TrackCustomer,
    device: &Device,
) -> Option<Person> {
    let shop = &asked.shop.shop;
    let keys = device.keys(track.anonymous_id.as_deref(), &asked.shop.salt);
    if let Some((email, trust)) = &track.email {
        let person = Person {
            email_hash: EmailHash::of(email, &asked.shop.salt),
            trust: *trust,
        };
        recognize::learn(platform, shop, &keys, &person).await;
        return Some(person);
    }
    // An origin that is down makes a stranger of the shopper, never an error.
    recognize::recognize(platform, trace, shop, &keys)
        .await
        .ok()
        .flatten()
}
