//! What people are given of their data: all of it, and nothing of anybody else.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use footfall::jobs::work_until_idle;
use footfall::privacy::end_due;
use footfall_shared::event::{Event, EventKind};
use footfall_shared::identity::Trust;
use footfall_shared::permission::Scopes;
use footfall_shared::time::DAY_MS;
use http::Request;
use serde_json::{Map, Value, json};

use crate::content;
use crate::support::build::{
    due_history, event, from_browser, from_device, known, order, send, take,
};
use crate::support::{Client, Credential, Reply, START, TestShop, everything, on_both};
use crate::uploads::import;

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

/// Words that are Bob's.
const OF_BOB: [&str; 9] = [
    BOB,
    "Bernard",
    "bobs-session",
    "bobs-order-11",
    "bob-1",
    "browser-bob",
    "file-bob-8",
    "about it, she loves it",
    "bobs-notes",
];

async fn ask(client: &Client, email: &str) -> Reply {
    client
        .get(&format!("/api/privacy/export?email={email}"))
        .await
}

/// The files of a ZIP, by their names.
fn unzip(bytes: Vec<u8>) -> BTreeMap<String, Value> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        files.insert(name, serde_json::from_str(&text).unwrap());
    }
    files
}

/// Asserts that no word of somebody else is in any file.
#[track_caller]
fn assert_nothing_of_bob(files: &BTreeMap<String, Value>) {
    for (name, file) in files {
        for word in OF_BOB {
            assert!(!file.to_string().contains(word), "{word} in {name}");
        }
    }
}

/// What is told of a field in all rows of a file.
fn all<'a>(files: &'a BTreeMap<String, Value>, file: &str, field: &str) -> Vec<&'a Value> {
    let rows = files[file].as_array().unwrap();
    rows.iter().map(|row| &row[field]).collect()
}

fn track(shop: &TestShop, id: &str, name: &str, properties: Value) -> Event {
    let mut made = event(shop.shop(), id);
    made.name = Some(name.to_owned());
    made.body = Map::from_iter([("properties".to_owned(), properties)]);
    made
}

/// What Ada did in her browser, before and after she said who she is.
fn of_ada(shop: &TestShop) -> Vec<Event> {
    let hers = |event: Event, session: Option<&str>| Event {
        session_id: session.map(str::to_owned),
        ..from_browser(event, "ada")
    };
    let mut login = from_device(event(shop.shop(), "ada-2"), shop.shop(), "adas-laptop");
    login.kind = EventKind::Identify;
    let said = json!({"comment": "I love it", "rating": 5, "page_type": "search"});
    vec![
        hers(event(shop.shop(), "ada-1"), None),
        hers(known(login, ADA, Trust::Verified), Some("adas-session")),
        hers(track(shop, "ada-3", "Feedback", said), Some("adas-session")),
        hers(
            track(shop, "ada-4", "Order Completed", json!({"order_id": "3"})),
            Some("adas-session"),
        ),
    ]
}

/// What Bob did, and what he says of Ada.
fn of_bob(shop: &TestShop) -> Vec<Event> {
    let his = |event: Event| Event {
        session_id: Some("bobs-session".to_owned()),
        ..from_browser(event, "bob")
    };
    let said =
        json!({"comment": "Ask ada@example.com about it, she loves it", "page_type": "search"});
    vec![
        his(known(event(shop.shop(), "bob-1"), BOB, Trust::Verified)),
        his(track(shop, "bob-2", "Feedback", said)),
    ]
}

/// Ada's journey, and what she was shown in it.
async fn journey_of_ada(shop: &TestShop) -> Vec<Event> {
    content::put(&shop.admin(), "/api/journey/content", &content::catalogue())
        .await
        .expect(200);
    let kit = content::kit(shop).await;
    let started = content::started(shop, "adas-journey");
    let decision = content::decision(shop, &kit, &started);
    let events = [started, decision].map(|event| known(event, ADA, Trust::Verified));
    events.map(|event| from_browser(event, "ada")).to_vec()
}

/// A sales record with a call, and a word on mails.
async fn sell(shop: &TestShop, email: &str, name: &str, notes: &str) {
    let record = json!({"name": name, "email": email, "notes": notes});
    let made = shop
        .backend()
        .post("/api/v1/customers", &record)
        .await
        .expect(201);
    let path = format!(
        "/api/v1/customers/{}/interactions",
        made["id"].as_str().unwrap()
    );
    let call = json!({"interaction_type": "sales_call", "date": "2026-11-24T10:00:00Z", "salesperson_notes": notes});
    shop.backend().post(&path, &call).await.expect(201);
    let consent =
        json!({"email": email, "purpose": "email", "granted": true, "source": "checkout"});
    shop.backend()
        .post("/api/privacy/consent", &consent)
        .await
        .expect(201);
}

/// Everything that a shop can hold of two people, but for files.
async fn furnish(shop: &TestShop) {
    take(&shop.backend(), due_history().map(|order| order.email(ADA))).await;
    let bob = json!({"email": BOB, "first_name": "Bernard", "last_name": "Brot"});
    let his = order(11)
        .item(44, 2)
        .with("order_id", json!("bobs-order-11"));
    take(&shop.backend(), [his.with("customer", bob)]).await;
    let bundle = format!("/wp-json/wg/v1/intelligence/bundle?customer_email={ADA}");
    shop.backend().get(&bundle).await.expect(200);
    send(&shop.edge(), &of_ada(shop)).await;
    send(&shop.edge(), &of_bob(shop)).await;
    send(&shop.edge(), &journey_of_ada(shop).await).await;
    sell(shop, ADA, "Ada Example", "difference engine").await;
    sell(shop, BOB, "Bernard Brot", "bobs-notes").await;
    // The log takes neither: they have no id. Bob only speaks of Ada.
    let id = &shop.shop().id;
    let broken = [
        json!({"shop": id, "type": "track", "email": "Ada@Example.com"}),
        json!({"shop": id, "type": "track", "email": BOB, "note": format!("greetings to {ADA}")}),
    ];
    shop.edge()
        .post("/internal/events", &json!({"events": broken}))
        .await
        .expect(200);
}

/// Files in which Ada stands by her email and by a number. Another number is two people's.
const CUSTOMERS: &str = "customer id,email,location\n\
    file-ada-9,ada@example.com,London\nfile-bob-8,bob@example.com,Leeds\n";
const LINES: &str = "order,product id,quantity,price,customer id,email,date\n\
    1,tea,1,5.00,file-ada-9,,2026-11-01\n2,tea,1,5.00,file-bob-8,,2026-11-02\n\
    3,pot,2,5.00,file-ada-9,,2026-11-03\n4,cup,1,5.00,file-both,ada@example.com,2026-11-04\n\
    5,cup,1,5.00,file-both,bob@example.com,2026-11-05\n6,jug,1,5.00,file-both,,2026-11-06\n";

async fn upload(shop: &TestShop) {
    import(shop, "?kind=customers", CUSTOMERS.as_bytes()).await;
    import(shop, "", LINES.as_bytes()).await;
}

on_both! {
    async fn an_export_has_all_of_the_person_and_nothing_of_others(database) {
        let shop = TestShop::start(database).await;
        furnish(&shop).await;
        let reply = ask(&shop.backend(), ADA).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.bytes));
        assert_eq!(reply.header("content-type"), Some("application/zip"));
        assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"export-2026-11-24.zip\""));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let files = unzip(reply.bytes);
        assert_eq!(files["customer.json"][0]["first_name"], "Ada");
        assert_eq!(all(&files, "orders.json", "order_id"), ["1", "2", "3"]);
        let order = &files["orders.json"][0];
        assert_eq!((&order["total"], &order["currency"]), (&json!(44.85), &json!("EUR")));
        assert_eq!(order["lines"][0]["unit_price"], 14.95);
        assert_eq!(files["profile.json"][0]["orders"], 3);
        assert_eq!(files["offers.json"][0]["decided_on"]["orders"], 3);
        assert_eq!(all(&files, "order_links.json", "order_id"), ["3"]);
        let events = all(&files, "events.json", "messageId");
        for id in ["ada-1", "ada-2", "ada-3", "ada-4", "adas-journey-1"] {
            assert!(events.contains(&&json!(id)), "{id}: {events:?}");
        }
        assert_eq!(files["events.json"][0]["timestamp"], START.to_rfc3339());
        assert_eq!(all(&files, "sessions.json", "session"), ["adas-journey"]);
        assert_eq!(files["feedback.json"][0]["said"], "I love it");
        assert_eq!(files["sales_record.json"][0]["record"]["notes"], "difference engine");
        assert_eq!(files["interactions.json"][0]["at"], "2026-11-24T10:00:00.000Z");
        assert_eq!(files["consents.json"][0]["granted"], true);
        assert_eq!(all(&files, "rejected_events.json", "code"), ["invalid_event"]);
        assert_eq!(files["uploads.json"], json!([]));
        for name in ["devices.json", "shown.json", "visits.json", "visit_days.json"] {
            assert_ne!(files[name], json!([]), "{name}");
        }
        let manifest = &files["manifest.json"];
        assert_eq!((&manifest["email"], &manifest["shop"]), (&json!(ADA), &json!("The demo shop")));
        let notes = manifest["files"].as_array().unwrap();
        assert_eq!(notes.len(), files.len() - 1, "each file is explained");
        for note in notes {
            let rows = files[note["file"].as_str().unwrap()].as_array().unwrap().len();
            assert_eq!(note["rows"], rows, "{note}");
        }
        assert_nothing_of_bob(&files);
    }

    async fn with_files_a_job_makes_it_and_knows_nobody_by_name(database) {
        let shop = TestShop::start(database).await;
        furnish(&shop).await;
        upload(&shop).await;
        shop.backend().post("/models/retrain", &json!({})).await.expect(202);
        work_until_idle(&shop.app).await.unwrap();
        let asked = ask(&shop.backend(), ADA).await.expect(202)["data"].clone();
        let again = ask(&shop.backend(), ADA).await.expect(202)["data"].clone();
        assert_eq!(asked, again, "one is under way already");
        let (download, status) = (asked["download_url"].as_str().unwrap(), asked["status_url"].as_str().unwrap());
        let waiting = shop.backend().get(download).await.expect(202)["data"].clone();
        assert_eq!(waiting, asked);
        work_until_idle(&shop.app).await.unwrap();
        assert_eq!(shop.backend().get(status).await.expect(200)["data"]["status"], "done");
        for line in everything(&shop).await.lines() {
            let told = ["jobs:", "privacy_exports:", "privacy_export_pieces:"].iter().any(|table| line.starts_with(table));
            assert!(!told || !line.contains("ada@"), "{line}");
        }
        let reply = shop.backend().get(download).await;
        assert_eq!(reply.status, 200);
        let files = unzip(reply.bytes);
        let rows = all(&files, "uploads.json", "row");
        let mut customers: Vec<&str> = rows.iter().map(|row| row["customer"].as_str().unwrap()).collect();
        customers.sort_unstable();
        assert_eq!(customers, ["file-ada-9", "file-ada-9", "file-ada-9", "file-both"]);
        assert!(rows.iter().all(|row| row["product"] != "jug"), "nobody knows whose it is");
        assert_ne!(files["recommendations.json"], json!([]));
        assert_eq!(files["customer.json"][0]["email"], ADA);
        assert_nothing_of_bob(&files);
    }

    async fn whom_only_a_file_names_is_found_there(database) {
        let shop = TestShop::start(database).await;
        upload(&shop).await;
        let asked = ask(&shop.backend(), ADA).await.expect(202)["data"].clone();
        work_until_idle(&shop.app).await.unwrap();
        let reply = shop.backend().get(asked["download_url"].as_str().unwrap()).await;
        let files = unzip(reply.bytes);
        assert_eq!(files["uploads.json"].as_array().unwrap().len(), 4);
        assert_eq!(files["customer.json"], json!([]));
        let nobody = ask(&shop.backend(), "nobody@example.com").await.expect(404);
        assert_eq!(nobody["error"]["code"], "NOTHING_HELD");
    }

    async fn an_export_that_is_being_made_ends_with_the_erasure_of_its_person(database) {
        let shop = TestShop::start(database).await;
        furnish(&shop).await;
        upload(&shop).await;
        let asked = ask(&shop.backend(), ADA).await.expect(202)["data"].clone();
        let erase = Request::delete(format!("/api/privacy/subject?email={ADA}"));
        shop.backend().send(erase, Vec::new()).await.expect(202);
        work_until_idle(&shop.app).await.unwrap();
        shop.backend().get(asked["download_url"].as_str().unwrap()).await.expect(404);
        let job = shop.backend().get(asked["status_url"].as_str().unwrap()).await.expect(200);
        assert_eq!(job["data"]["status"], "failed");
        let left = everything(&shop).await;
        assert!(left.lines().all(|line| !line.starts_with("privacy_export")), "nothing of it is kept");
    }

    async fn an_export_is_over_after_a_week_and_is_its_shops_alone(database) {
        let shop = TestShop::start(database).await;
        furnish(&shop).await;
        upload(&shop).await;
        let asked = ask(&shop.backend(), ADA).await.expect(202)["data"].clone();
        work_until_idle(&shop.app).await.unwrap();
        let download = asked["download_url"].as_str().unwrap();
        let other = shop.neighbour().await;
        let stranger = shop.client(Credential::Key(other.secret_key));
        stranger.get(download).await.expect(404);
        assert_eq!(ask(&stranger, ADA).await.expect(404)["error"]["code"], "NOTHING_HELD");
        assert_eq!(shop.backend().get(download).await.status, 200);
        shop.pass(7 * DAY_MS);
        shop.backend().get(download).await.expect(404);
        end_due(&shop.app).await.unwrap();
        let left = everything(&shop).await;
        assert!(left.lines().all(|line| !line.starts_with("privacy_export")), "its bytes are gone");
    }

    async fn what_two_people_did_in_one_browser_is_in_nobodys_export(database) {
        let shop = TestShop::start(database).await;
        let shared = |event: Event| Event {
            session_id: None,
            ..from_browser(event, "library")
        };
        let events = [
            shared(known(event(shop.shop(), "as-ada"), ADA, Trust::Verified)),
            shared(event(shop.shop(), "as-whoever")),
            shared(known(event(shop.shop(), "as-bob"), BOB, Trust::Verified)),
        ];
        send(&shop.edge(), &events).await;
        let reply = ask(&shop.backend(), ADA).await;
        assert_eq!(reply.status, 200);
        let files = unzip(reply.bytes);
        assert_eq!(all(&files, "events.json", "messageId"), ["as-ada"]);
    }

    async fn who_may_not_ask_is_refused_and_who_asks_is_in_the_audit_log(database) {
        let shop = TestShop::start(database).await;
        furnish(&shop).await;
        let fault = shop.backend().get("/api/privacy/export").await.expect(400);
        assert_eq!(fault["error"]["details"][0]["field"], "email");
        ask(&shop.backend(), "nobody").await.expect(400);
        let reader = shop.scoped(Scopes::parse("scopes", &["customers:read".to_owned()]).unwrap()).await;
        ask(&reader, ADA).await.expect(403);
        shop.backend().get("/api/privacy/exports/export_01ARZ3NDEKTSV4RRFFQ69G5FAV").await.expect(404);
        assert_eq!(ask(&shop.admin(), ADA).await.status, 200);
        let log = shop.admin().get("/api/audit").await.expect(200);
        let entry = &log["data"]["entries"][0];
        assert_eq!((&entry["action"], &entry["actor_kind"]), (&json!("GET /api/privacy/export"), &json!("person")));
        assert!(!log.to_string().contains("ada@"), "but not about whom");
    }
}
