//! What the demo shop's visitors did before the demo begins: enough to be recognized.

use footfall_shared::event::{Device, Event, EventKind};
use footfall_shared::id::EventId;
use footfall_shared::identity::{Email, FingerprintHash, Geo, IpHash, Trust};
use footfall_shared::text::InvalidField;
use footfall_shared::time::{DAY_MS, UtcMillis};
use serde_json::{Map, json};

use super::people::PEOPLE;
use super::{SAMPLE_EMAIL, SAMPLE_USER_ID};
use crate::app::App;
use crate::shops::Shop;

/// The fingerprint of the contract's examples, and the same cut off as some of them print it: whoever
/// copies an example is recognized.
const ADAS_FINGERPRINTS: [&str; 2] = [
    "990eb8b7fb69ad20206fb31cda3944a701ea3a3b...",
    "990eb8b7fb69ad20206fb31cda3944a701ea3a3b6aae5f23316cbdaea789075a",
];
/// The last part of her address.
const ADAS_ADDRESS: u8 = 42;
/// The others' addresses begin after this one.
const FIRST_ADDRESS: u8 = 100;

/// The events, the earliest first.
pub(super) fn of_everybody(
    app: &App,
    shop: &Shop,
    now: UtcMillis,
) -> Result<Vec<Event>, InvalidField> {
    let mut events = Vec::new();
    for (days_ago, fingerprint) in [31, 30].into_iter().zip(ADAS_FINGERPRINTS) {
        let device = Device {
            fingerprint: Some(FingerprintHash::of(fingerprint, &shop.salt)),
            ip: Some(address(shop, ADAS_ADDRESS)),
            geo: Some(amsterdam()),
        };
        let at = now.plus(-days_ago * DAY_MS);
        let mut event = seen(app, shop, SAMPLE_EMAIL, device, at)?;
        event.user_id = Some(SAMPLE_USER_ID.to_owned());
        events.push(event);
    }
    for ((person, number), last) in PEOPLE.iter().zip(1..).zip(FIRST_ADDRESS..) {
        let device = Device {
            fingerprint: Some(FingerprintHash::of(
                &format!("demo-device-{number}"),
                &shop.salt,
            )),
            ip: Some(address(shop, last)),
            geo: Some(amsterdam()),
        };
        let at = now.plus(-DAY_MS * number / 2);
        events.push(seen(app, shop, person.email, device, at)?);
    }
    // Somebody who only left an address: known, but without any order.
    let device = Device {
        fingerprint: Some(FingerprintHash::of("demo-device-new", &shop.salt)),
        ..Device::default()
    };
    events.push(seen(
        app,
        shop,
        "new.visitor@example.com",
        device,
        now.plus(-3_600_000),
    )?);
    Ok(events)
}

/// From the block that is reserved for documents (RFC 5737).
fn address(shop: &Shop, last: u8) -> IpHash {
    IpHash::of(
        std::net::Ipv4Addr::new(203, 0, 113, last).into(),
        &shop.salt,
    )
}

fn amsterdam() -> Geo {
    Geo {
        country: Some("NL".to_owned()),
        city: Some("Amsterdam".to_owned()),
    }
}

/// A shopper typed the email into the checkout.
fn seen(
    app: &App,
    shop: &Shop,
    email: &str,
    device: Device,
    at: UtcMillis,
) -> Result<Event, InvalidField> {
    let context = json!({"page": {"path": "/checkout/", "title": "Checkout"}});
    Ok(Event {
        shop: shop.id.clone(),
        id: EventId::generate(at, app.entropy()),
        kind: EventKind::Track,
        name: Some("checkout_email_entered".to_owned()),
        at,
        received_at: at,
        anonymous_id: Some(format!(
            "demo-{}",
            email.split('@').next().unwrap_or_default()
        )),
        user_id: None,
        session_id: None,
        email: Some(Email::parse("email", email)?),
        trust: Some(Trust::Claimed),
        device,
        body: Map::from_iter([("context".to_owned(), context)]),
    })
}
