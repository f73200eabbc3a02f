//! Erasure: nothing of the person stays anywhere, figures stay right, and nothing brings the person back.

use footfall::app::App;
use footfall::db::{Db, During as _};
use footfall::jobs::work_until_idle;
use footfall::privacy::{end_due, journal};
use footfall::{on_db, rebuild};
use footfall_shared::event::{Event, EventKind};
use footfall_shared::id::EventId;
use footfall_shared::identity::Trust;
use footfall_shared::journey::event::{Happening, Link};
use footfall_shared::permission::Scopes;
use footfall_shared::time::{DAY_MS, HOUR_MS};
use http::Request;
use serde_json::{Map, json};

use crate::analytics::figures::figures;
use crate::analytics::refresh;
use crate::content;
use crate::support::build::{
    browser_id, due_history, email_hash, entry, event, from_browser, from_device, known, order,
    send, take,
};
use crate::support::{Reply, START, TestShop, config_of, everything, on_both};
use crate::uploads::import;

pub(crate) const ADA: &str = "ada.lovelace@example.com";
pub(crate) const BOB: &str = "bob@example.com";

/// Words that are Ada's, and must be nowhere afterwards.
pub(crate) fn words(shop: &TestShop) -> Vec<String> {
    let device = from_device(event(shop.shop(), "any"), shop.shop(), "adas-laptop").device;
    let own = [
        "lovelace",
        "Lovelace",
        "ada.lovelace",
        "u-4711",
        "0612345678",
        "adas-session",
        "adas-journey",
        "adas-order-771",
        "WC-771",
        "difference engine",
    ];
    let hashes = [
        email_hash(shop.shop(), ADA).as_str().to_owned(),
        device.fingerprint.unwrap().as_str().to_owned(),
        browser_id("ada"),
    ];
    own.map(str::to_owned).into_iter().chain(hashes).collect()
}

/// An event of a page.
fn page(shop: &TestShop, id: &str, path: &str, minute: i64) -> Event {
    let whose = match id.starts_with("ada") {
        true => "Lovelace",
        false => "somebody",
    };
    Event {
        kind: EventKind::Page,
        name: None,
        at: START.plus(minute * 60_000),
        body: Map::from_iter([(
            "context".to_owned(),
            json!({"page": {"path": path, "url": format!("https://shop.example{path}?q=tea&for={whose}")}, "userAgent": "Mozilla/5.0 (X11)"}),
        )]),
        ..event(shop.shop(), id)
    }
}

/// What Ada does in her browser before and after she says who she is.
fn of_ada(shop: &TestShop) -> Vec<Event> {
    let hers = |event: Event, session: Option<&str>| Event {
        session_id: session.map(str::to_owned),
        ..from_browser(event, "ada")
    };
    let mut login = event(shop.shop(), "ada-login");
    login.kind = EventKind::Identify;
    login.at = START.plus(3 * 60_000);
    login.user_id = Some("u-4711".to_owned());
    login.body = Map::from_iter([(
        "traits".to_owned(),
        json!({"lastName": "Lovelace", "phone": "0612345678"}),
    )]);
    let login = known(
        from_device(login, shop.shop(), "adas-laptop"),
        ADA,
        Trust::Verified,
    );
    let mut said = event(shop.shop(), "ada-said");
    said.name = Some("Feedback".to_owned());
    said.at = START.plus(4 * 60_000);
    said.body = Map::from_iter([(
        "properties".to_owned(),
        json!({"comment": "I love it, yours Lovelace", "rating": 5, "page_type": "search"}),
    )]);
    vec![
        hers(page(shop, "ada-1", "/", 0), None),
        hers(page(shop, "ada-2", "/search", 1), Some("adas-session")),
        hers(login, Some("adas-session")),
        hers(said, Some("adas-session")),
        hers(page(shop, "ada-3", "/checkout", 5), Some("adas-session")),
    ]
}

/// Ada's journey with what she was shown, and her sale.
async fn journey_of_ada(shop: &TestShop) -> Vec<Event> {
    let kit = content::kit(shop).await;
    let started = content::started(shop, "adas-journey");
    let decision = content::decision(shop, &kit, &started);
    let sale = content::sale(shop, "adas-journey", 2);
    let linked = link(shop, "adas-journey", 3, "partner-journey");
    let events = [started, decision, sale, linked].into_iter().enumerate();
    // Edges make ids that do not tell the session.
    let hers = events.map(|(n, event)| Event {
        id: EventId::parse(&format!("jny_{n}")).unwrap(),
        ..known(from_browser(event, "ada"), ADA, Trust::Verified)
    });
    hers.collect()
}

/// That a session was found to be the same person's as another one.
fn link(shop: &TestShop, session: &str, seq: u32, with: &str) -> Event {
    let link = Link {
        with: with.to_owned(),
        unified: format!("{session}+{with}"),
        method: None,
    };
    content::happening(shop, session, seq, Happening::Linked(link))
}

/// What others do: Bob on his own, and somebody who mentions Ada.
fn of_others(shop: &TestShop) -> Vec<Event> {
    let bobs = |event: Event| Event {
        session_id: Some("bobs-session".to_owned()),
        ..from_browser(event, "bob")
    };
    let mut bob = known(event(shop.shop(), "bob-1"), BOB, Trust::Verified);
    bob.kind = EventKind::Identify;
    let mut mention = event(shop.shop(), "bob-2");
    mention.name = Some("Feedback".to_owned());
    mention.body = Map::from_iter([(
        "properties".to_owned(),
        json!({"comment": "Ask Ada.Lovelace@example.com about it, she loves it", "page_type": "search"}),
    )]);
    let partner = |event| from_browser(event, "partner");
    vec![
        partner(content::started(shop, "partner-journey")),
        partner(link(shop, "partner-journey", 2, "adas-journey")),
        bobs(bob),
        bobs(page(shop, "bob-3", "/search", 2)),
        bobs(mention),
    ]
}

/// A file in which Ada stands by her email and, elsewhere, by a number that only the file tells.
const CUSTOMERS: &str = "customer id,email,location\n\
    file-ada-9,ada.lovelace@example.com,London\nfile-bob-8,bob@example.com,Leeds\n";
const LINES: &str = "order,product id,quantity,price,customer id,date\n\
    1,tea,1,5.00,file-ada-9,2026-11-01\n2,tea,1,5.00,file-bob-8,2026-11-02\n3,pot,2,5.00,file-ada-9,2026-11-03\n";

pub(crate) async fn fill(shop: &TestShop) {
    content::put(&shop.admin(), "/api/journey/content", &content::catalogue())
        .await
        .expect(200);
    let orders = due_history().map(|order| order.email(ADA));
    take(&shop.backend(), orders).await;
    let named = json!({"email": ADA, "first_name": "Ada", "last_name": "Lovelace", "customer_id": "u-4711"});
    let last = order(771)
        .item(44, 1)
        .with("order_id", json!("adas-order-771"));
    take(
        &shop.backend(),
        [last
            .with("order_number", json!("WC-771"))
            .with("customer", named)],
    )
    .await;
    take(&shop.backend(), [order(9).item(44, 2).email(BOB)]).await;
    let bundle = format!("/wp-json/wg/v1/intelligence/bundle?customer_email={ADA}");
    shop.backend().get(&bundle).await.expect(200);
    send(&shop.edge(), &of_ada(shop)).await;
    send(&shop.edge(), &of_others(shop)).await;
    send(&shop.edge(), &journey_of_ada(shop).await).await;
    let record = json!({"name": "Ada Lovelace", "email": ADA, "notes": "difference engine"});
    let made = shop
        .backend()
        .post("/api/v1/customers", &record)
        .await
        .expect(201);
    let path = format!(
        "/api/v1/customers/{}/interactions",
        made["id"].as_str().unwrap()
    );
    let met = json!({"interaction_type": "sales_call", "date": "2026-11-20T10:00:00Z", "salesperson_notes": "Lovelace likes the difference engine"});
    shop.backend().post(&path, &met).await.expect(201);
    let consent = json!({"email": ADA, "purpose": "email", "granted": true, "source": "checkout"});
    shop.backend()
        .post("/api/privacy/consent", &consent)
        .await
        .expect(201);
    // The log will not take it: it has no id.
    let broken = json!({"shop": shop.shop().id, "type": "track", "email": ADA});
    shop.edge()
        .post("/internal/events", &json!({"events": [broken]}))
        .await
        .expect(200);
    import(shop, "?kind=customers", CUSTOMERS.as_bytes()).await;
    import(shop, "", LINES.as_bytes()).await;
    shop.backend().post("/models/retrain", &json!({})).await;
    work_until_idle(&shop.app).await.unwrap();
}

async fn erase(shop: &TestShop, email: &str, policy: &str) -> Reply {
    let path = format!("/api/privacy/subject?email={email}&data_retention_policy={policy}");
    shop.backend().send(Request::delete(path), Vec::new()).await
}

/// Sums and counts of everything that is told of visits, journeys, exposures and orders.
async fn all_figures(shop: &TestShop) -> Vec<String> {
    let mut all = figures(shop).await;
    let mut db = shop.app.db().read().await.unwrap();
    for sql in [
        "SELECT 'journey_days ' || day || ' ' || stage || ' ' || source || ' ' || visitors || ' ' || orders || ' ' || revenue \
            FROM journey_days WHERE shop_id = $1 AND visitors <> 0 ORDER BY 1",
        "SELECT 'exposures ' || slot || ' ' || variant || ' ' || held_out || ' ' || sessions || ' ' || conversions \
            FROM exposure_counts WHERE shop_id = $1 AND sessions <> 0 ORDER BY 1",
        "SELECT 'journey ' || session_id || ' ' || body FROM journeys WHERE shop_id = $1 ORDER BY 1",
        "SELECT 'orders ' || COUNT(*) || ' ' || SUM(total_minor) FROM orders WHERE shop_id = $1",
    ] {
        let rows: Vec<String> = on_db!(&mut db, |connection| {
            sqlx::query_scalar(sql)
                .bind(shop.shop().id.as_str())
                .fetch_all(connection)
                .await
        })
        .during("read figures in a test")
        .unwrap();
        all.extend(rows);
    }
    all
}

/// The figures without names of visits and visitors.
fn nameless(figures: &[String]) -> Vec<&String> {
    let named = ["visits:", "visitor_days:", "journey ", "feedback_days:"];
    figures
        .iter()
        .filter(|line| !named.iter().any(|start| line.starts_with(start)))
        .collect()
}

on_both! {
    async fn after_an_erasure_no_table_has_a_word_of_the_person(database) {
        for policy in ["anonymize", "erase"] {
            let shop = TestShop::start(database).await;
            fill(&shop).await;
            let before = everything(&shop).await;
            for word in words(&shop) {
                assert!(before.contains(&word), "{word} has to be there first");
            }
            let figures_before = all_figures(&shop).await;
            let told = erase(&shop, ADA, policy).await.expect(202)["data"].clone();
            assert_eq!(told["found"]["orders"], 4, "{told}");
            assert_eq!(told["status"], "sweeping");
            let at_once = all_figures(&shop).await;
            work_until_idle(&shop.app).await.unwrap();
            let left = everything(&shop).await;
            let found: Vec<&str> = left
                .lines()
                .filter(|line| words(&shop).iter().chain(&["file-ada-9".to_owned()]).any(|word| line.contains(word.as_str())))
                .collect();
            assert_eq!(found, [""; 0], "{policy}");
            for word in [BOB, "bobs-session", "partner-journey", "file-bob-8", "about it, she loves it"] {
                assert!(left.contains(word), "{word} is somebody else's");
            }
            let show = format!("/api/privacy/erasures/{}", told["erasure_id"].as_str().unwrap());
            let shown = shop.backend().get(&show).await.expect(200)["data"].clone();
            assert_eq!(shown["status"], "completed");
            match policy {
                "anonymize" => assert_eq!(nameless(&at_once), nameless(&figures_before), "nothing is lost from the figures"),
                _ => assert_ne!(nameless(&at_once), nameless(&figures_before)),
            }
            shop.backend().get(&format!("/api/privacy/export?email={ADA}")).await.expect(404);
        }
    }

    async fn figures_after_an_erasure_are_those_of_the_log(database) {
        for policy in ["anonymize", "erase"] {
            let shop = TestShop::start(database).await;
            fill(&shop).await;
            // Somebody else in the same visit, whom nobody knows.
            let guest = Event { session_id: Some("adas-session".to_owned()), ..page(&shop, "guest", "/search", 2) };
            let guest = known(from_browser(guest, "guest"), BOB, Trust::Claimed);
            send(&shop.edge(), &[guest]).await;
            erase(&shop, ADA, policy).await.expect(202);
            work_until_idle(&shop.app).await.unwrap();
            let grown = all_figures(&shop).await;
            refresh(&shop).await;
            assert_eq!(all_figures(&shop).await, grown, "{policy}");
            rebuild::run(&shop.app).await.unwrap();
            work_until_idle(&shop.app).await.unwrap();
            assert_eq!(all_figures(&shop).await, grown, "{policy}, rebuilt");
        }
    }

    async fn what_comes_late_or_again_does_not_bring_the_person_back(database) {
        let shop = TestShop::start(database).await;
        fill(&shop).await;
        shop.pass(HOUR_MS);
        erase(&shop, ADA, "erase").await.expect(202);
        work_until_idle(&shop.app).await.unwrap();
        // What an edge still had, and what the shop's own system still has.
        let late: Vec<Event> = of_ada(&shop).into_iter().enumerate().map(|(n, event)| Event {
            id: EventId::parse(&format!("late-{n}")).unwrap(),
            ..event
        }).collect();
        assert_eq!(send(&shop.edge(), &late).await, ["appended"; 5], "nothing acknowledged is lost");
        take(&shop.backend(), due_history().map(|order| order.email(ADA))).await;
        import(&shop, "?kind=customers", format!("{CUSTOMERS}new,new@example.com,York\n").as_bytes()).await;
        let left = everything(&shop).await;
        for word in words(&shop).into_iter().chain(["file-ada-9".to_owned()]) {
            assert!(!left.contains(&word), "{word} came back");
        }
        assert!(left.contains("new@example.com"));
        // Ada herself may come back.
        shop.pass(DAY_MS);
        let now = shop.app.now();
        take(&shop.backend(), [order(5000).item(44, 1).email(ADA).at(now)]).await;
        let back = entry(&shop.edge(), shop.shop(), ADA).await;
        assert_eq!(back["card"]["email"], ADA);
        let again = known(from_browser(event(shop.shop(), "again"), "ada"), ADA, Trust::Verified);
        send(&shop.edge(), &[Event { at: now, received_at: now, ..again }]).await;
        assert!(everything(&shop).await.contains(&browser_id("ada")));
    }

    async fn a_restored_backup_is_erased_again(database) {
        let mut shop = TestShop::start(database).await;
        fill(&shop).await;
        let backup = shop.back_up().await;
        erase(&shop, ADA, "anonymize").await.expect(202);
        assert!(journal::of_database(&shop.app).await.unwrap().len() == 1);
        let noted = std::fs::read_to_string(&shop.app.config().erasure_journal).unwrap();
        assert!(words(&shop).iter().all(|word| !noted.contains(word)), "{noted}");
        assert_eq!(journal::apply_own(&shop.app).await.unwrap(), 0);
        // The backup takes the database's place; the journal has stayed.
        let config = config_of(&shop, &[
            ("DATABASE_URL", backup.url()),
            ("FOOTFALL_ERASURE_JOURNAL", shop.app.config().erasure_journal.to_str().unwrap()),
        ]);
        let db = Db::connect(backup.url()).await.unwrap();
        shop.app = App::new(config, db);
        assert!(everything(&shop).await.contains("Lovelace"));
        assert_eq!(journal::apply_own(&shop.app).await.unwrap(), 1);
        work_until_idle(&shop.app).await.unwrap();
        let left = everything(&shop).await;
        for word in words(&shop) {
            assert!(!left.contains(&word), "{word} came back with the backup");
        }
        assert_eq!(journal::apply_own(&shop.app).await.unwrap(), 0);
        shop.app.db().close().await;
    }

    async fn after_thirteen_months_the_log_has_nobody_and_the_same_figures(database) {
        let shop = TestShop::start(database).await;
        fill(&shop).await;
        let before = all_figures(&shop).await;
        shop.pass(390 * DAY_MS);
        assert_eq!(end_due(&shop.app).await.unwrap(), 0, "the month is not over");
        shop.pass(40 * DAY_MS);
        let young = Event { at: shop.app.now(), ..from_browser(event(shop.shop(), "young"), "young") };
        send(&shop.edge(), &[young]).await;
        assert!(end_due(&shop.app).await.unwrap() > 8);
        assert_eq!(end_due(&shop.app).await.unwrap(), 0);
        let left = everything(&shop).await;
        let log: Vec<&str> = left.lines().filter(|line| {
            ["events:", "visits:", "visitor_days:", "journeys:", "exposures:", "rejected_events:"].iter().any(|table| line.starts_with(table))
        }).collect();
        for word in words(&shop) {
            let found: Vec<&&str> = log.iter().filter(|line| line.contains(&word)).collect();
            assert!(found.is_empty(), "{word}: {found:?}");
        }
        assert!(log.iter().any(|line| line.contains(&browser_id("young"))));
        // Old events that arrive after that are kept without their people, too.
        send(&shop.edge(), &[from_browser(event(shop.shop(), "old"), "latecomer")]).await;
        assert!(!everything(&shop).await.contains(&browser_id("latecomer")));
        let after = all_figures(&shop).await;
        let old = |figures: &[String]| -> Vec<String> {
            nameless(figures).into_iter().filter(|line| line.starts_with("exposures") || line.starts_with("journey_days")).cloned().collect()
        };
        assert_eq!(old(&after), old(&before));
        refresh(&shop).await;
        assert_eq!(all_figures(&shop).await, after);
    }

    async fn an_erasure_is_refused_with_the_field_that_is_wrong(database) {
        let shop = TestShop::start(database).await;
        assert_eq!(erase(&shop, ADA, "anonymize").await.expect(404)["error"]["code"], "NOT_FOUND");
        for (query, field) in [("", "email"), ("?email=nobody", "email"), ("?email=a@b.cd&data_retention_policy=keep", "data_retention_policy")] {
            let path = format!("/api/privacy/subject{query}");
            let fault = shop.backend().send(Request::delete(path), Vec::new()).await.expect(400);
            assert_eq!(fault["error"]["details"][0]["field"], field, "{fault}");
        }
        let reader = shop.scoped(Scopes::parse("scopes", &["customers:read".to_owned()]).unwrap()).await;
        let path = format!("/api/privacy/subject?email={ADA}");
        reader.send(Request::delete(path), Vec::new()).await.expect(403);
        shop.backend().get("/api/privacy/erasures/era_01ARZ3NDEKTSV4RRFFQ69G5FAV").await.expect(404);
    }

    async fn erasures_are_in_the_audit_log_without_the_person(database) {
        let shop = TestShop::start(database).await;
        take(&shop.backend(), due_history().map(|order| order.email(ADA))).await;
        erase(&shop, ADA, "erase").await.expect(202);
        let log = shop.admin().get("/api/audit").await.expect(200);
        assert_eq!(log["data"]["entries"][0]["action"], "DELETE /api/privacy/subject");
        assert!(!log.to_string().contains("lovelace"));
    }
}
