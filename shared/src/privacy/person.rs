//! An event without the person in it: what was done, when and where on the pages, but not by whom.
//!
//! What stays is listed; everything else goes, so that a property that nobody thought of takes nobody's name along. The
//! figures that are made of the event stay the same (`what_is_told_of_a_visit_stays`), but for what was said in words.

use serde_json::{Map, Value, json};

use crate::event::{Device, Event, EventKind};
use crate::identity::{Geo, keyed};
use crate::journey::content::decide::Decided;
use crate::journey::event::{Happening, Numbered};
use crate::text::hex;
use crate::visits::sight::{self, Context};

/// Properties that are about things, pages and money. A text among them is cut, and loses what may be an address.
const PROPERTIES: [&str; 39] = [
    "brand",
    "category",
    "coupon",
    "creative",
    "currency",
    "discount",
    "list",
    "list_id",
    "load_time_ms",
    "loadTime",
    "name",
    "offer_id",
    "page",
    "page_type",
    "pageType",
    "payment_method",
    "position",
    "price",
    "product_id",
    "products",
    "promotion_id",
    "quantity",
    "rating",
    "revenue",
    "shipping",
    "shipping_method",
    "sku",
    "slug",
    "sort",
    "status",
    "step",
    "stock",
    "subtotal",
    "tax",
    "topic",
    "total",
    "unit_price",
    "value",
    "variant",
];
/// Deepest list or object that stays: the products of an order.
const DEPTH_MAX: usize = 3;

/// Names that stand for others while this is kept, and for nobody once it is thrown away.
#[derive(Clone)]
pub struct Pseudonyms([u8; 32]);

impl Pseudonyms {
    /// From 32 random bytes that nobody keeps.
    #[must_use]
    pub const fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// The name that stands for a browser, a user or a session. The same for the same one; 32 hexadecimal digits.
    #[must_use]
    pub fn of(&self, name: &str) -> String {
        hex(&keyed(&self.0, &[name])[..16])
    }
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms(…)")
    }
}

/// The event without its person.
#[must_use]
pub fn without_person(event: &Event, names: &Pseudonyms) -> Event {
    let other = |name: &Option<String>| name.as_deref().map(|name| names.of(name));
    let geo = event.device.geo.as_ref();
    let country = geo.and_then(|geo| geo.country.clone());
    Event {
        shop: event.shop.clone(),
        id: event.id.clone(),
        kind: event.kind,
        name: event.name.as_deref().map(sight::clean),
        at: event.at,
        received_at: event.received_at,
        anonymous_id: other(&event.anonymous_id),
        user_id: other(&event.user_id),
        session_id: other(&event.session_id),
        email: None,
        trust: None,
        device: Device {
            geo: country.map(|country| Geo {
                country: Some(country),
                city: None,
            }),
            ..Device::default()
        },
        body: match event.kind {
            EventKind::Journey => of_journey(event, names),
            EventKind::Track | EventKind::Page | EventKind::Screen => of_page(event),
            EventKind::Identify | EventKind::Group | EventKind::Alias => with_context(event),
        },
    }
}

fn of_journey(event: &Event, names: &Pseudonyms) -> Map<String, Value> {
    let mut body = with_context(event);
    if let Some(decided) = event.body.get(Decided::BODY_KEY) {
        body.insert(Decided::BODY_KEY.to_owned(), decided.clone());
    }
    let Some(mut told) = Numbered::of(event) else {
        return body;
    };
    match &mut told.what {
        Happening::Linked(link) | Happening::Unlinked(link) => {
            link.with = names.of(&link.with);
            link.unified = names.of(&link.unified);
        }
        Happening::Started(start) => {
            start.landing_page = start
                .landing_page
                .as_deref()
                .map(sight::address_without_person);
        }
        Happening::Touchpoint(touch) => {
            touch.page = touch.page.as_deref().map(sight::address_without_person);
        }
        Happening::StageChanged(_) | Happening::Converted(_) => {}
    }
    told.put_into(&mut body);
    body
}

fn of_page(event: &Event) -> Map<String, Value> {
    let mut body = with_context(event);
    let properties = event.body.get("properties").and_then(Value::as_object);
    let kept = properties.map(|properties| of_things(properties, 0));
    if let Some(kept) = kept.filter(|kept| !kept.is_empty()) {
        body.insert("properties".to_owned(), Value::Object(kept));
    }
    body
}

fn of_things(properties: &Map<String, Value>, depth: usize) -> Map<String, Value> {
    let known = properties
        .iter()
        .filter(|(name, _)| PROPERTIES.contains(&name.as_str()));
    let kept = known.filter_map(|(name, value)| Some((name.clone(), of_thing(value, depth + 1)?)));
    kept.collect()
}

fn of_thing(value: &Value, depth: usize) -> Option<Value> {
    match value {
        Value::Number(_) | Value::Bool(_) => Some(value.clone()),
        Value::String(text) => Some(Value::String(sight::clean(text))),
        Value::Array(list) if depth < DEPTH_MAX => {
            let kept = list.iter().filter_map(|one| of_thing(one, depth + 1));
            Some(Value::Array(kept.collect()))
        }
        Value::Object(object) if depth < DEPTH_MAX => Some(Value::Object(of_things(object, depth))),
        _ => None,
    }
}

/// The context: on what page, with what kind of device, from where.
fn with_context(event: &Event) -> Map<String, Value> {
    let Context {
        path,
        asks,
        device,
        source,
    } = sight::context_of(event);
    let mut page = Map::new();
    page.extend(path.map(|path| ("path".to_owned(), json!(path))));
    if asks {
        page.insert("search".to_owned(), json!("?q=…"));
    }
    let mut context = Map::new();
    if !page.is_empty() {
        context.insert("page".to_owned(), Value::Object(page));
    }
    context.extend(device.map(|device| ("device".to_owned(), json!({"type": device}))));
    context.extend(source.map(|source| ("campaign".to_owned(), json!({"source": source}))));
    if context.is_empty() {
        return Map::new();
    }
    Map::from_iter([("context".to_owned(), Value::Object(context))])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::{EventId, ShopId};
    use crate::identity::{Email, FingerprintHash, Salt, Trust};
    use crate::journey::event::{Link, Touch};
    use crate::time::UtcMillis;
    use crate::visits::feedback;
    use crate::visits::page::PagePaths;
    use crate::visits::visit::Visit;

    const AT: UtcMillis = UtcMillis::new(1_700_000_000_000);

    fn event(kind: EventKind, name: Option<&str>, body: &Value) -> Event {
        let salt = Salt::new([3; 32]);
        Event {
            shop: ShopId::generate(AT, [0; 10]),
            id: EventId::generate(AT, [0; 10]),
            kind,
            name: name.map(str::to_owned),
            at: AT,
            received_at: AT,
            anonymous_id: Some("b2f0c8e6-1111-4222-8333-123456789abc".into()),
            user_id: Some("user-77".into()),
            session_id: Some("session-of-ann".into()),
            email: Some(Email::parse("email", "ann@shop.example").unwrap()),
            trust: Some(Trust::Verified),
            device: Device {
                fingerprint: Some(FingerprintHash::of("f", &salt)),
                ip: None,
                geo: Some(Geo {
                    country: Some("NL".into()),
                    city: Some("Utrecht".into()),
                }),
            },
            body: body.as_object().cloned().unwrap_or_default(),
        }
    }

    fn stripped(event: &Event) -> (Event, String) {
        let stripped = without_person(event, &Pseudonyms::new([9; 32]));
        let text = serde_json::to_string(&stripped).unwrap();
        (stripped, text)
    }

    #[test]
    fn nothing_of_the_person_stays() {
        let bodies = [
            json!({"traits": {"firstName": "Annabel", "phone": "0612345678"}, "context": {"ip": "203.0.113.9"}}),
            json!({
                "properties": {"order_id": "9917", "email": "ann@shop.example", "query": "gift for Annabel",
                    "products": [{"product_id": "p1", "price": 5, "engraving": "Annabel"}], "comment": "Annabel was here"},
                "context": {"page": {"path": "/account/ann@shop.example", "url": "https://x/?token=0612345678"},
                    "userAgent": "Mozilla/5.0 (iPhone) Mobile", "locale": "Annabel"},
            }),
        ];
        for (kind, body) in [
            (EventKind::Identify, &bodies[0]),
            (EventKind::Track, &bodies[1]),
            (EventKind::Page, &bodies[1]),
        ] {
            let (stripped, text) = stripped(&event(kind, Some("Order Completed"), body));
            for gone in [
                "ann@",
                "Annabel",
                "0612345678",
                "203.0.113.9",
                "9917",
                "user-77",
                "session-of-ann",
                "b2f0c8e6",
                "Utrecht",
                "iPhone",
            ] {
                assert!(!text.contains(gone), "{gone} in {text}");
            }
            assert!(stripped.device.fingerprint.is_none() && stripped.email.is_none());
        }
    }

    #[test]
    fn a_linked_session_has_another_name_too() {
        let told = Numbered {
            seq: 2,
            visit: 1,
            what: Happening::Linked(Link {
                with: "session-of-ann".into(),
                unified: "both".into(),
                method: None,
            }),
        };
        let mut body = Map::new();
        told.put_into(&mut body);
        let (stripped, text) = stripped(&event(EventKind::Journey, None, &Value::Object(body)));
        assert!(!text.contains("session-of-ann") && !text.contains("both"));
        let Happening::Linked(link) = Numbered::of(&stripped).unwrap().what else {
            unreachable!()
        };
        assert_eq!(Some(link.with), stripped.session_id);
    }

    /// What an event says of a visit, without the names.
    fn told(event: &Event) -> Option<Visit> {
        let sight = sight::of_event(event, &PagePaths::default())?;
        Some(Visit {
            browser: None,
            user: None,
            ..sight.part
        })
    }

    fn word() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("/search/".to_owned()),
            Just("/checkout?q=tea".to_owned()),
            Just("https://shop.example/zoeken?s=tea&utm_source=News".to_owned()),
            Just("https://www.google.com/".to_owned()),
            "[a-z/@?=]{0,12}",
        ]
    }

    proptest! {
        #[test]
        fn what_is_told_of_a_visit_stays(
            (path, url, referrer, search) in (word(), word(), word(), word()),
            agent in prop_oneof![Just("Mozilla/5.0 (iPad) Mobile"), Just("Mozilla/5.0 (X11)"), Just("App/1")],
            load in proptest::option::of(0u32..9_000),
            name in prop_oneof![Just(None), Just(Some("Checkout Started")), Just(Some("Payment Failed")), Just(Some("Home"))],
            kind in prop_oneof![Just(EventKind::Page), Just(EventKind::Track), Just(EventKind::Identify)],
            in_properties: bool,
        ) {
            let page = json!({"path": path, "url": url, "referrer": referrer, "search": search});
            let mut properties = if in_properties { page.clone() } else { json!({}) };
            properties["load_time_ms"] = json!(load);
            let body = json!({"properties": properties, "context": {"page": page, "userAgent": agent}});
            let event = event(kind, name, &body);
            prop_assert_eq!(told(&event), told(&stripped(&event).0));
        }

        #[test]
        fn a_touchpoints_page_tells_the_same(page in word()) {
            let told_of = Numbered {
                seq: 1,
                visit: 1,
                what: Happening::Touchpoint(Touch {
                    kind: "page_view".into(),
                    page: Some(page),
                    interacted: false,
                    measured: Default::default(),
                }),
            };
            let mut body = Map::new();
            told_of.put_into(&mut body);
            let event = event(EventKind::Journey, None, &Value::Object(body));
            prop_assert_eq!(told(&event), told(&stripped(&event).0));
        }
    }

    #[test]
    fn stars_stay_and_words_go() {
        let body = json!({"properties": {"rating": 2, "comment": "Annabel is slow", "page_type": "payment"}});
        let (stripped, _) = stripped(&event(EventKind::Track, Some("Feedback"), &body));
        let said = feedback::of_event(&stripped, &PagePaths::default()).unwrap();
        assert_eq!(
            (said.rating, said.text, said.page),
            (Some(200), None, "payment")
        );
    }
}
