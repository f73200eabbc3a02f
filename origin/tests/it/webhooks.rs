//! Webhooks: what happens in sessions is told to endpoints, signed, in sequence, until they take it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use base64::Engine as _;
use footfall::http::outgoing::{Outgoing, Patience};
use footfall::rebuild;
use footfall::webhooks::{Postman, deliver_due};
use footfall_shared::event::{Event, EventKind};
use footfall_shared::identity::Trust;
use footfall_shared::journey::event::{
    Conversion, Happening, Link, Measured, Numbered, StageChange, Start,
};
use footfall_shared::journey::stage::Stage;
use footfall_shared::mode::Mode;
use footfall_shared::money::{Currency, MinorUnits};
use footfall_shared::time::{DAY_MS, HOUR_MS};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};

use crate::support::build::{event, known, send};
use crate::support::{Credential, START, TestShop, on_both};

const WEBHOOKS: &str = "/api/webhooks";
/// More than the postman reads of an answer.
const ANSWER_BYTES: usize = 70 * 1024;

/// A message as it arrived.
#[derive(Clone)]
struct Message {
    headers: HeaderMap,
    body: String,
}

impl Message {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// An endpoint that notes what it takes, and answers what it is told to.
#[derive(Clone, Default)]
struct Receiver {
    taken: Arc<Mutex<Vec<Message>>>,
    /// Statuses for the next calls of a session; then 204.
    answers: Arc<Mutex<BTreeMap<String, Vec<u16>>>>,
}

impl Receiver {
    async fn start(&self) -> String {
        let router = Router::new()
            .route("/hooks/journey/events", post(take))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/hooks")
    }

    fn answer(&self, session: &str, statuses: &[u16]) {
        let mut answers = self.answers.lock().unwrap();
        answers.insert(session.to_owned(), statuses.iter().rev().copied().collect());
    }

    fn taken(&self) -> Vec<Message> {
        self.taken.lock().unwrap().clone()
    }

    /// The types that were taken of a session.
    fn types_of(&self, session: &str) -> Vec<String> {
        let of_session = self
            .taken()
            .into_iter()
            .filter(|one| one.json()["sessionId"] == session);
        of_session
            .map(|one| one.json()["eventType"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Answers, and at more length than anybody reads: only the status counts.
async fn take(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let long = "a".repeat(ANSWER_BYTES);
    let body = String::from_utf8(body.to_vec()).unwrap();
    let session = serde_json::from_str::<Value>(&body).unwrap()["sessionId"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut answers = receiver.answers.lock().unwrap();
    if let Some(status) = answers.get_mut(&session).and_then(Vec::pop) {
        return (StatusCode::from_u16(status).unwrap(), long);
    }
    receiver
        .taken
        .lock()
        .unwrap()
        .push(Message { headers, body });
    (StatusCode::OK, long)
}

/// Makes an endpoint and gives its id and secret.
async fn make(shop: &TestShop, url: &str, types: &[&str]) -> (String, String) {
    let made = shop
        .backend()
        .post(WEBHOOKS, &json!({"url": url, "event_types": types}))
        .await
        .expect(201);
    let text = |name: &str| made["data"][name].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

fn happening(shop: &TestShop, session: &str, seq: u32, what: Happening) -> Event {
    let mut made = event(shop.shop(), &format!("{session}-{seq}"));
    made.kind = EventKind::Journey;
    made.name = Some(what.name().to_owned());
    made.session_id = Some(session.to_owned());
    made.at = START.plus(i64::from(seq) * 1000);
    Numbered {
        seq,
        visit: 1,
        what,
    }
    .put_into(&mut made.body);
    made
}

fn to(stage: Stage) -> Happening {
    Happening::StageChanged(StageChange {
        to: stage,
        trigger: None,
        measured: Measured::default(),
        features: Vec::new(),
        comparisons: Vec::new(),
    })
}

/// A session from its start to the purchase and a link.
fn journey(shop: &TestShop, session: &str) -> Vec<Event> {
    let sale = Happening::Converted(Conversion {
        kind: Conversion::PURCHASE.to_owned(),
        value: MinorUnits::new(9750),
        currency: Currency::EUR,
        funnel_step: None,
        influencer: None,
    });
    let link = Happening::Linked(Link {
        with: "other".to_owned(),
        unified: "unified_other".to_owned(),
        method: None,
    });
    [
        Happening::Started(Start::default()),
        to(Stage::Consideration),
        to(Stage::Decision),
        sale,
        link,
    ]
    .into_iter()
    .zip(1..)
    .map(|(what, seq)| happening(shop, session, seq, what))
    .collect()
}

const TOLD: [&str; 6] = [
    "session_started",
    "journey_stage_change",
    "journey_stage_change",
    "conversion",
    "journey_stage_change",
    "session_linked",
];

async fn shop(database: crate::support::Database) -> TestShop {
    TestShop::start_in(database, Mode::Development).await
}

/// Delivers until nothing is due.
async fn deliver(shop: &TestShop) {
    let postman = Postman::new(Mode::Development);
    while deliver_due(&shop.app, &postman).await.unwrap() > 0 {}
}

on_both! {
    async fn an_event_arrives_with_the_contracts_payload_and_a_good_signature(database) {
        let shop = shop(database).await;
        let receiver = Receiver::default();
        let (_, secret) = make(&shop, &receiver.start().await, &[]).await;
        let mut events = journey(&shop, "session_12345");
        events[3] = known(events[3].clone(), "shopper@example.com", Trust::Claimed);
        send(&shop.edge(), &events).await;
        deliver(&shop).await;
        assert_eq!(receiver.types_of("session_12345"), TOLD);
        let taken = receiver.taken();
        let moved = taken[1].json();
        assert_eq!(moved["timestamp"], START.plus(2000).to_rfc3339());
        assert_eq!(moved["eventData"]["previousStage"], "awareness");
        assert_eq!(moved["eventData"]["newStage"], "consideration");
        assert!(moved["eventData"]["conversionProbabilityChange"].as_f64().is_some_and(|change| change != 0.0));
        let keys: Vec<&String> = moved.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["eventData", "eventType", "sessionId", "timestamp"]);
        assert_eq!(taken[3].json()["eventData"]["value"], 97.5);
        assert_eq!(taken[3].json()["eventData"]["journeyComplete"], true);
        let key = base64::engine::general_purpose::STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        for one in &taken {
            assert!(!one.body.contains("shopper@example.com"), "{}", one.body);
            let signed = format!("{}.{}.{}", one.header("webhook-id"), one.header("webhook-timestamp"), one.body);
            let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
            mac.update(signed.as_bytes());
            let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
            assert_eq!(one.header("webhook-signature"), format!("v1,{signature}"));
        }
        // The same again, and a rebuild, are no news.
        send(&shop.edge(), &events).await;
        rebuild::run(&shop.app).await.unwrap();
        deliver(&shop).await;
        assert_eq!(receiver.taken().len(), TOLD.len());
    }

    async fn events_of_a_session_arrive_in_sequence_whatever_fails(database) {
        let shop = shop(database).await;
        let receiver = Receiver::default();
        make(&shop, &receiver.start().await, &[]).await;
        receiver.answer("slow", &[500, 503]);
        for session in ["slow", "quick"] {
            send(&shop.edge(), &journey(&shop, session)).await;
        }
        // Two nodes at once: each delivery is one node's.
        let (one, other) = (Postman::new(Mode::Development), Postman::new(Mode::Development));
        for _ in 0..20 {
            let (one, other) = tokio::join!(deliver_due(&shop.app, &one), deliver_due(&shop.app, &other));
            one.unwrap();
            other.unwrap();
        }
        assert_eq!(receiver.types_of("quick"), TOLD, "the others do not wait");
        assert_eq!(receiver.types_of("slow"), [""; 0]);
        shop.pass(HOUR_MS);
        deliver(&shop).await;
        shop.pass(HOUR_MS);
        deliver(&shop).await;
        assert_eq!(receiver.types_of("slow"), TOLD);
        assert_eq!(receiver.taken().len(), 2 * TOLD.len());
    }

    async fn what_is_not_taken_for_a_day_is_parked_and_can_be_sent_again(database) {
        let shop = shop(database).await;
        let receiver = Receiver::default();
        let (id, _) = make(&shop, &receiver.start().await, &["conversion"]).await;
        receiver.answer("s", &[500; 40]);
        send(&shop.edge(), &journey(&shop, "s")).await;
        for _ in 0..40 {
            deliver(&shop).await;
            shop.pass(HOUR_MS);
        }
        let path = format!("{WEBHOOKS}/{id}/deliveries");
        let parked = shop.backend().get(&path).await.expect(200);
        let one = &parked["data"]["deliveries"][0];
        assert_eq!((&one["state"], &one["event_type"]), (&json!("parked"), &json!("conversion")));
        assert_eq!(one["fault"], "it answered 500");
        assert!(one["attempts"].as_i64().unwrap() > 10, "{one}");
        let listed = shop.backend().get(WEBHOOKS).await.expect(200);
        assert_eq!(listed["data"]["webhooks"][0]["parked"], 1);
        receiver.answer("s", &[]);
        let again = shop.backend().post(&format!("{WEBHOOKS}/{id}/replay"), &json!({})).await.expect(200);
        assert_eq!(again["data"]["replayed"], 1);
        deliver(&shop).await;
        assert_eq!(receiver.types_of("s"), ["conversion"]);
        let done = shop.backend().get(&format!("{path}?state=delivered")).await.expect(200);
        assert_eq!(done["data"]["deliveries"].as_array().unwrap().len(), 1);
    }

    async fn an_endpoint_that_is_gone_is_told_nothing_more(database) {
        let shop = shop(database).await;
        let receiver = Receiver::default();
        let (id, _) = make(&shop, &receiver.start().await, &[]).await;
        receiver.answer("s", &[410]);
        send(&shop.edge(), &journey(&shop, "s")).await;
        deliver(&shop).await;
        send(&shop.edge(), &journey(&shop, "later")).await;
        deliver(&shop).await;
        assert_eq!(receiver.taken().len(), 0);
        let listed = shop.backend().get(WEBHOOKS).await.expect(200);
        let one = &listed["data"]["webhooks"][0];
        assert_eq!((&one["state"], &one["parked"]), (&json!("gone"), &json!(TOLD.len())));
        let remove = Request::delete(format!("{WEBHOOKS}/{id}"));
        shop.backend().send(remove, Vec::new()).await.expect(204);
        assert_eq!(shop.backend().get(WEBHOOKS).await.expect(200)["data"]["webhooks"], json!([]));
    }

    async fn endpoints_are_a_shops_own_and_their_secrets_are_shown_once(database) {
        let shop = shop(database).await;
        let (id, secret) = make(&shop, "https://hooks.shop.example/footfall", &["conversion"]).await;
        assert!(secret.starts_with("whsec_"));
        let listed = shop.backend().get(WEBHOOKS).await.expect(200);
        assert!(!listed.to_string().contains("whsec_"), "{listed}");
        assert_eq!(listed["data"]["webhooks"][0]["event_types"], json!(["conversion"]));
        let neighbour = shop.neighbour().await;
        let other = shop.client(Credential::Key(neighbour.secret_key));
        assert_eq!(other.get(WEBHOOKS).await.expect(200)["data"]["webhooks"], json!([]));
        other.get(&format!("{WEBHOOKS}/{id}/deliveries")).await.expect(404);
        other.post(&format!("{WEBHOOKS}/{id}/replay"), &json!({})).await.expect(404);
        other.send(Request::delete(format!("{WEBHOOKS}/{id}")), Vec::new()).await.expect(404);
        for (body, field) in [
            (json!({"url": "http://hooks.shop.example"}), "url"),
            (json!({"url": "https://10.0.0.1"}), "url"),
            (json!({"url": "https://a.example", "event_types": ["everything"]}), "event_types[0]"),
        ] {
            let fault = shop.backend().post(WEBHOOKS, &body).await.expect(400);
            assert_eq!(fault["error"]["details"][0]["field"], field, "{fault}");
        }
        for at in 1..20 {
            make(&shop, &format!("https://hooks{at}.shop.example"), &[]).await;
        }
        shop.backend().post(WEBHOOKS, &json!({"url": "https://one.too.many.example"})).await.expect(409);
    }

    async fn private_addresses_are_refused_when_added_and_when_called(database) {
        let shop = shop(database).await;
        let receiver = Receiver::default();
        let (id, _) = make(&shop, &receiver.start().await, &["conversion"]).await;
        send(&shop.edge(), &journey(&shop, "s")).await;
        // Added in development, called in production.
        let postman = Postman::new(Mode::Production);
        assert_eq!(deliver_due(&shop.app, &postman).await.unwrap(), 1);
        assert_eq!(receiver.taken().len(), 0);
        let path = format!("{WEBHOOKS}/{id}/deliveries?state=pending");
        let waiting = shop.backend().get(&path).await.expect(200);
        assert_eq!(waiting["data"]["deliveries"][0]["fault"], "its host must not be a private or special address");
        shop.pass(2 * DAY_MS);
    }
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_not_called() {
    let receiver = Receiver::default();
    let url = receiver.start().await.replace("127.0.0.1", "localhost");
    let url = format!("{url}/journey/events");
    let refused = Outgoing::to_the_public().get(&url, Patience::SHORT).await;
    let told = format!("{:?}", refused.unwrap_err());
    assert!(told.contains("not public"), "{told}");
    assert!(
        Outgoing::new().get(&url, Patience::SHORT).await.is_ok(),
        "others may"
    );
}
