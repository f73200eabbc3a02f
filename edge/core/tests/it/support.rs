//! The test world: an edge in memory whose origin knows one shop and whatever a test gives it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use footfall_edge::memory::{Memory, request};
use footfall_edge::platform::{OriginRequest, OriginResponse};
use footfall_edge::{Request, Response, route};
use footfall_shared::id::{CustomerId, OfferId, ShopId};
use footfall_shared::identity::{DeviceKey, Email, EmailHash, FingerprintHash, Salt, Trust};
use footfall_shared::intelligence::Owner;
use footfall_shared::journey::content::Kit;
use footfall_shared::keys::{ApiKey, KeyKind};
use footfall_shared::money::{Currency, MinorUnits};
use footfall_shared::offers::{Decision, Offer, decide};
use footfall_shared::order::{Order, OrderItem};
use footfall_shared::permission::Scopes;
use footfall_shared::profile::Profile;
use footfall_shared::shop::{ShopEntry, ShopSettings};
use footfall_shared::time::{DAY_MS, UtcMillis};
use footfall_shared::wire::internal::{
    AppendReceipt, AskRecommendations, CustomerCard, CustomerEntry, CustomerReply, DeviceLink,
    KitReply, Receipt, RecognizeDevice, Recognized, RecommendationList, RecommendationsAnswer,
    ResolvedShop, Verdict, path,
};
use serde_json::{Value, json};

pub const NOW: UtcMillis = UtcMillis::new(1_790_000_000_000);
pub const EMAIL: &str = "shopper@example.com";
pub const SECRET: &str = "identity-secret";
/// A browser's own id, as SDKs make them.
pub const ANONYMOUS: &str = "8c0e1f4a-5b7d-4c39-9e02-6d1f0a3b5c7e";
const SALT: Salt = Salt::new([5; 32]);

/// What the origin of a test knows and does.
#[derive(Default)]
pub struct Origin {
    pub down: Cell<bool>,
    pub entry: RefCell<Option<CustomerEntry>>,
    /// The device that the origin knows, by the name of its key's kind.
    pub link: RefCell<Option<(&'static str, DeviceLink)>>,
    pub settings: RefCell<ShopSettings>,
    /// What the shop's content is chosen from.
    pub kit: RefCell<Option<Kit>>,
    /// Products that are recommended to the customer it knows, and to everybody else.
    pub wanted: RefCell<(Vec<&'static str>, Vec<&'static str>)>,
    /// Of the secret key.
    pub scopes: Cell<Scopes>,
    /// When every key ends.
    pub key_expires_at: Cell<Option<UtcMillis>>,
    /// Settles only so many events of each batch.
    pub settles: Cell<Option<usize>>,
    pub log: RefCell<Vec<Value>>,
}

pub struct World {
    pub edge: Memory,
    pub origin: Rc<Origin>,
}

pub struct Reply {
    pub status: u16,
    pub json: Value,
    pub response: Response,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    }

    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }
}

pub fn shop() -> ShopId {
    ShopId::generate(UtcMillis::new(0), [3; 10])
}

pub fn publishable() -> String {
    ApiKey::generate(KeyKind::Publishable, [1; 20])
}

pub fn secret() -> String {
    ApiKey::generate(KeyKind::Secret, [2; 20])
}

pub fn email_hash() -> EmailHash {
    EmailHash::of(&Email::parse("email", EMAIL).unwrap(), &SALT)
}

pub fn fingerprint(raw: &str) -> DeviceKey {
    DeviceKey::Fingerprint(FingerprintHash::of(raw, &SALT))
}

pub fn link(trust: Trust, version: i64) -> DeviceLink {
    let owner = Owner::Person {
        email_hash: email_hash(),
        trust,
    };
    DeviceLink { owner, version }
}

/// The entry of a steady buyer whose last order is so many days old.
pub fn entry(days_since_last_order: i64, version: i64) -> CustomerEntry {
    let zone = footfall_shared::time::UtcMillis::in_zone;
    let utc = jiff_utc();
    let order = |number: i64| Order {
        id: number.unsigned_abs().into(),
        number: number.to_string(),
        at: NOW.plus(-(days_since_last_order + (3 - number) * 10) * DAY_MS),
        items: vec![OrderItem {
            product_id: 44.into(),
            name: "Full Moon".into(),
            slug: "full-moon".into(),
            quantity: 4,
            unit_price: MinorUnits::new(1495),
        }],
    };
    let orders: Vec<Order> = (1..=3).map(order).collect();
    CustomerEntry {
        version,
        card: CustomerCard {
            id: CustomerId::generate(NOW, [4; 10]),
            number: 123,
            email: Email::parse("email", EMAIL).unwrap(),
            external_id: Some(42.into()),
            first_name: Some("Ada".into()),
            last_name: Some("Example".into()),
            fingerprint: None,
            ip: None,
            geo: None,
            created: zone(NOW, &utc),
            updated: zone(NOW, &utc),
        },
        currency: Currency::EUR,
        profile: Profile::recalculate(&orders, &BTreeSet::new(), &utc, NOW),
        offer: None,
    }
}

fn jiff_utc() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::UTC
}

/// The same entry with the offer that is due.
pub fn with_offer(mut entry: CustomerEntry) -> CustomerEntry {
    let Decision::Make(bundle) = decide(entry.profile.as_ref(), None, NOW) else {
        panic!("no offer is due")
    };
    entry.offer = Some(Offer::new(OfferId::generate(NOW, [6; 10]), 93, bundle, NOW));
    entry.version += 1;
    entry
}

impl World {
    pub fn development() -> Self {
        Self::new("development")
    }

    pub fn production() -> Self {
        Self::new("production")
    }

    fn new(mode: &str) -> Self {
        let origin = Rc::new(Origin::default());
        let answering = Rc::clone(&origin);
        let edge = Memory::new(mode, NOW, move |request| {
            (!answering.down.get()).then(|| answering.answer(request))
        });
        Self { edge, origin }
    }

    pub fn knows(self, entry: CustomerEntry) -> Self {
        *self.origin.entry.borrow_mut() = Some(entry);
        self
    }

    /// The origin knows this of every key of a kind.
    pub fn recognizes(self, kind: &'static str, link: DeviceLink) -> Self {
        *self.origin.link.borrow_mut() = Some((kind, link));
        self
    }

    pub fn send(&self, request: Request) -> Reply {
        let response = futures_executor::block_on(route(&self.edge, request));
        let json = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        Reply {
            status: response.status.as_u16(),
            json,
            response,
        }
    }

    pub fn get(&self, target: &str) -> Reply {
        self.send(request("GET", target))
    }

    pub fn post(&self, target: &str, body: &Value) -> Reply {
        self.send(post(target, body.to_string().into_bytes()))
    }

    /// A POST signed as the origin or the host signs.
    pub fn signed(&self, path: &str, body: &Value) -> Reply {
        let body = body.to_string().into_bytes();
        let made = self.edge.config.keys.sign(self.edge.now.get(), path, &body);
        let mut request = post(path, body);
        request
            .headers
            .insert("x-footfall-timestamp", made.timestamp.parse().unwrap());
        request
            .headers
            .insert("x-footfall-signature", made.signature.parse().unwrap());
        self.send(request)
    }

    pub fn flush(&self) -> Reply {
        self.signed(path::FLUSH, &json!({}))
    }

    /// How often the origin was asked.
    pub fn asked(&self) -> usize {
        self.edge.origin.asked.borrow().len()
    }

    pub fn later(&self, millis: i64) {
        self.edge.now.set(self.edge.now.get().plus(millis));
    }
}

pub fn post(target: &str, body: Vec<u8>) -> Request {
    let mut request = request("POST", target);
    request
        .headers
        .insert("content-type", "application/json".parse().unwrap());
    request.body = body;
    request
}

impl Origin {
    fn answer(&self, request: &OriginRequest) -> OriginResponse {
        let body = match request.path_and_query.as_str() {
            path::RESOLVE_SHOP => to_json(&ResolvedShop {
                shop: self.shop(&request.body),
            }),
            path::RECOGNIZE => {
                let asked: RecognizeDevice = serde_json::from_slice(&request.body).unwrap();
                let known = self.link.borrow();
                let link = |key: &DeviceKey| {
                    let (kind, link) = known.as_ref()?;
                    (key.parts().0 == *kind).then(|| link.clone())
                };
                to_json(&Recognized {
                    links: asked.keys.iter().map(link).collect(),
                })
            }
            path::CUSTOMER_ENTRY => to_json(&CustomerReply {
                entry: self.entry.borrow().clone(),
            }),
            path::ENSURE_OFFER => {
                let made = self.entry.borrow().clone().map(with_offer);
                to_json(&CustomerReply { entry: made })
            }
            path::EVENTS => self.append(&request.body),
            path::KIT => {
                let kit = self.kit.borrow().clone();
                let version = kit.as_ref().map_or(0, |kit| kit.version);
                to_json(&KitReply { version, kit })
            }
            path::RECOMMENDATIONS => {
                let asked: AskRecommendations = serde_json::from_slice(&request.body).unwrap();
                let (own, all) = &*self.wanted.borrow();
                let list = match asked.whom {
                    Some(_) => (!own.is_empty()).then(|| list_of("personal", own)),
                    None => Some(list_of("cold", all)),
                };
                to_json(&RecommendationsAnswer { version: 7, list })
            }
            _ => json!({"forwarded": request.path_and_query}),
        };
        OriginResponse {
            status: http::StatusCode::OK,
            headers: http::HeaderMap::new(),
            body: body.to_string().into_bytes(),
        }
    }

    fn shop(&self, question: &[u8]) -> Option<ShopEntry> {
        let question = String::from_utf8_lossy(question).into_owned();
        let is = |text: &str| question.contains(&ApiKey::parse(text).unwrap().hash);
        let key = match () {
            () if is(&publishable()) => Some(KeyKind::Publishable),
            () if is(&secret()) => Some(KeyKind::Secret),
            () if question.contains("demo") => None,
            () => return None,
        };
        Some(ShopEntry {
            shop: shop(),
            slug: "demo".into(),
            key,
            scopes: self.scopes.get(),
            key_expires_at: self.key_expires_at.get(),
            salt: SALT,
            identity_secret: SECRET.into(),
            currency: Currency::EUR,
            settings: self.settings.borrow().clone().into(),
        })
    }

    fn append(&self, body: &[u8]) -> Value {
        let batch: Value = serde_json::from_slice(body).unwrap();
        let events = batch["events"].as_array().unwrap();
        let count = self.settles.get().unwrap_or(events.len()).min(events.len());
        self.log
            .borrow_mut()
            .extend(events[..count].iter().cloned());
        let receipt = |index| Receipt {
            index,
            verdict: Verdict::Appended,
            reason: None,
        };
        to_json(&AppendReceipt {
            receipts: (0..count).map(receipt).collect(),
        })
    }
}

/// A list of products, as the origin writes it.
pub fn list_of(basis: &str, products: &[&str]) -> RecommendationList<Value> {
    RecommendationList {
        basis: basis.to_owned(),
        model_version: Some(3),
        recommendations: products
            .iter()
            .map(|id| json!({"product_id": id}))
            .collect(),
    }
}

fn to_json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}
