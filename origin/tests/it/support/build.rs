//! Builders of what goes in: orders and events with every field that is not under test filled.

use footfall::shops::Shop;
use footfall_shared::event::{Device, Event, EventKind};
use footfall_shared::id::EventId;
use footfall_shared::identity::{Email, EmailHash, FingerprintHash, Geo, IpHash, Trust};
use footfall_shared::time::{DAY_MS, UtcMillis};
use serde_json::{Map, Value, json};

use super::{Client, START};

/// An order of Ada's in the making.
pub(crate) struct Order(Value);

/// A completed order of `shopper@example.com`, placed at the start of the test, without items.
pub(crate) fn order(id: u64) -> Order {
    Order(json!({
        "order_id": id, "order_number": id, "status": "completed",
        "ordered_at": START.to_rfc3339(), "currency": "EUR",
        "customer": {"email": "shopper@example.com", "first_name": "Ada", "last_name": "Example"},
        "items": [],
    }))
}

impl Order {
    /// Another line at 14.95.
    pub(crate) fn item(mut self, product: u64, quantity: u64) -> Self {
        let name = match product {
            44 => "Full Moon".to_owned(),
            38 => "Blossom Drip".to_owned(),
            other => format!("Product {other}"),
        };
        let item =
            json!({"product_id": product, "name": name, "quantity": quantity, "unit_price": 14.95});
        self.0["items"].as_array_mut().unwrap().push(item);
        self
    }

    /// Placed so many days before the test begins.
    pub(crate) fn days_ago(self, days: i64) -> Self {
        self.at(START.plus(-days * DAY_MS))
    }

    /// Placed then.
    pub(crate) fn at(self, at: UtcMillis) -> Self {
        self.with("ordered_at", json!(at.to_rfc3339()))
    }

    /// Of another customer.
    pub(crate) fn email(mut self, email: &str) -> Self {
        self.0["customer"]["email"] = json!(email);
        self
    }

    /// With any field of any value, right or wrong.
    pub(crate) fn with(mut self, field: &str, value: Value) -> Self {
        self.0[field] = value;
        self
    }

    pub(crate) fn json(self) -> Value {
        self.0
    }
}

/// The body of a call with these orders.
pub(crate) fn orders(orders: impl IntoIterator<Item = Order>) -> Value {
    json!({"orders": orders.into_iter().map(Order::json).collect::<Vec<_>>()})
}

/// Sends orders that must all be taken.
pub(crate) async fn take(client: &Client, list: impl IntoIterator<Item = Order>) -> Value {
    let reply = client.post("/api/orders", &orders(list)).await.expect(200);
    assert_eq!(reply["refused"], json!([]));
    reply
}

/// Three orders, the last 20 days ago, with a peak of 4: an offer of 3 × 44 and 2 × 38 is due.
pub(crate) fn due_history() -> [Order; 3] {
    [
        order(1).days_ago(40).item(44, 2).item(38, 1),
        order(2).days_ago(30).item(44, 2).item(38, 2),
        order(3).days_ago(20).item(44, 2),
    ]
}

/// A track event of nobody in particular that happened at the start of the test.
pub(crate) fn event(shop: &Shop, id: &str) -> Event {
    Event {
        shop: shop.id.clone(),
        id: EventId::parse(id).unwrap(),
        kind: EventKind::Track,
        name: Some("Product Viewed".into()),
        at: START,
        received_at: START,
        anonymous_id: Some("anonymous-1".into()),
        user_id: None,
        session_id: Some("session-1".into()),
        email: None,
        trust: None,
        device: Device::default(),
        body: Map::from_iter([("properties".to_owned(), json!({"product_id": 44}))]),
    }
}

/// The same event with an email.
pub(crate) fn known(event: Event, email: &str, trust: Trust) -> Event {
    Event {
        email: Some(Email::parse("email", email).unwrap()),
        trust: Some(trust),
        ..event
    }
}

/// The same event from a device in Amsterdam.
pub(crate) fn from_device(event: Event, shop: &Shop, fingerprint: &str) -> Event {
    let device = Device {
        fingerprint: Some(FingerprintHash::of(fingerprint, &shop.salt)),
        ip: Some(IpHash::of("192.0.2.1".parse().unwrap(), &shop.salt)),
        geo: Some(Geo {
            country: Some("NL".into()),
            city: Some("Amsterdam".into()),
        }),
    };
    Event { device, ..event }
}

/// Sends a batch and returns the verdicts in its sequence.
pub(crate) async fn send(edge: &Client, events: &[Event]) -> Vec<String> {
    let reply = edge
        .post("/internal/events", &json!({"events": events}))
        .await
        .expect(200);
    verdicts(&reply)
}

/// The verdicts of a receipt.
pub(crate) fn verdicts(receipt: &Value) -> Vec<String> {
    let receipts = receipt["receipts"].as_array().unwrap();
    receipts
        .iter()
        .map(|one| one["verdict"].as_str().unwrap().to_owned())
        .collect()
}

/// The keyed hash of an email.
pub(crate) fn email_hash(shop: &Shop, email: &str) -> EmailHash {
    EmailHash::of(&Email::parse("email", email).unwrap(), &shop.salt)
}

/// The customer's entry, as an edge is told it.
pub(crate) async fn entry(edge: &Client, shop: &Shop, email: &str) -> Value {
    let question = json!({"shop": shop.id, "email_hash": email_hash(shop, email)});
    edge.post("/internal/customers/entry", &question)
        .await
        .expect(200)["entry"]
        .clone()
}

/// A browser's own id, as SDKs make them.
pub(crate) fn browser_id(name: &str) -> String {
    format!("a-random-id-of-the-browser-{name}")
}

/// The same event from a browser with an id of its own.
pub(crate) fn from_browser(event: Event, name: &str) -> Event {
    Event {
        anonymous_id: Some(browser_id(name)),
        ..event
    }
}

/// Whom the keys of a device stand for: its browser of the same name, its fingerprint, and the builders'
/// address. Each is null, or the owner with the link's version.
pub(crate) async fn recognize(edge: &Client, shop: &Shop, fingerprint: &str) -> Value {
    let device = from_device(event(shop, "any"), shop, fingerprint).device;
    let keys = device.keys(Some(&browser_id(fingerprint)), &shop.salt);
    let question = json!({"shop": shop.id, "keys": keys});
    let reply = edge
        .post("/internal/devices/recognize", &question)
        .await
        .expect(200);
    let links = reply["links"].as_array().unwrap().iter();
    let told = keys.iter().zip(links).map(|(key, link)| {
        let mut told = link["owner"].clone();
        if let Some(owner) = told.as_object_mut() {
            owner.insert("version".to_owned(), link["version"].clone());
        }
        (key.parts().0.to_owned(), told)
    });
    Value::Object(told.collect())
}
