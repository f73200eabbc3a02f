//! After a full run, every table, cache and log is searched for the addresses, fingerprints and email domain
//! that the run used.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use rustix::process::Signal;
use serde_json::json;

use crate::support::database::{columns_holding, first_text, new_database, refuse_poison};
use crate::support::deployment::Deployment;
use crate::support::http::{Call, Target};
use crate::support::shop::{logged, send_orders, user_hash};
use crate::support::world::{Pair, read_ledger};
use crate::support::{PATIENCE, until};

/// Addresses of the run's visitors, as they write them and as a network that holds them.
const ADDRESSES: [&str; 2] = ["203.0.113.77", "2001:db8:77:88:99:aa:bb:cc"];
const NETWORKS: [&str; 2] = ["203.0.113.", "2001:db8:77:88"];
/// Every fingerprint of the run begins so.
const FINGERPRINT: &str = "raw-fingerprint-of-the-privacy-run";
/// Every shopper's email ends so.
const DOMAIN: &str = "shopper-of-the-privacy-run.example";

/// Where emails belong: with the people at the origin, and in the log that they are made from, also where an
/// event waits for a mend. Everywhere else a person is a keyed hash.
const EMAILS_BELONG: [(&str, &str); 4] = [
    ("customers", "email"),
    ("events", "body"),
    ("events", "email"),
    ("rejected_events", "body"),
];

/// In the names of the files of an edge's cache, by deployment.
const CACHES: [&str; 2] = ["/kv", "key_value"];

fn email(name: &str) -> String {
    format!("{name}@{DOMAIN}")
}

fn fingerprint(name: &str) -> String {
    format!("{FINGERPRINT}-{name}")
}

/// A production shop and everything that can be known of it from outside.
struct Shop {
    pair: Pair,
    database: String,
    page_key: String,
    server_key: String,
    identity_secret: String,
    webhook_secret: String,
}

impl Shop {
    fn start(database: Option<String>) -> Self {
        // What little a log says in production is not the test: it must be silent when it is told to talk.
        let mut settings = vec![
            ("FOOTFALL_LOG", "debug"),
            ("FOOTFALL_TRUSTED_PROXY_HOPS", "1"),
        ];
        if let Some(database) = &database {
            settings.push(("DATABASE_URL", database));
        }
        let mut pair = Pair::new(&settings);
        let home = pair.home();
        // The log comes behind what a command prints.
        let secret_of = |told: &str| {
            let line = told.lines().find(|line| line.contains("secret")).unwrap();
            line.rsplit(' ').next().unwrap().to_owned()
        };
        let run = |command: &str| home.run(&command.split(' ').collect::<Vec<_>>());
        let made = run("admin shop create --slug moon --name Moon");
        let key = |kind: &str, prefix: &str| {
            let made = run(&format!(
                "admin key create --shop moon --kind {kind} --label test"
            ));
            made.split_whitespace()
                .find(|word| word.starts_with(prefix))
                .unwrap()
                .to_owned()
        };
        let webhook = run("admin woocommerce webhook --shop moon");
        let (page_key, server_key) = (key("publishable", "ff_pk_"), key("secret", "ff_sk_"));
        let own = format!("sqlite:{}", home.path().join("footfall.db").display());
        pair.start_origin();
        pair.start_edge();
        Self {
            pair,
            database: database.unwrap_or(own),
            page_key,
            server_key,
            identity_secret: secret_of(&made),
            webhook_secret: secret_of(&webhook),
        }
    }

    fn edge(&self) -> Target {
        self.pair.edge()
    }

    fn server(&self) -> Target {
        self.pair.origin().with(&self.server_key)
    }
}

/// Sends a request as one of the run's visitors.
fn visit(call: Call, visitor: usize) -> Call {
    let address = ADDRESSES[visitor % ADDRESSES.len()];
    // Whoever stands in front of the edge says it in one of these ways.
    call.header("x-forwarded-for", address)
        .header("cf-connecting-ip", address)
}

/// What storefronts send, in all the ways in which it can be right or wrong.
fn shop_and_be_watched(shop: &Shop) {
    let page = shop.edge().with(&shop.page_key);
    let vouched = email("vouched");
    let hash = user_hash(&vouched, &shop.identity_secret);
    let track = "/api/intelligence/track-customer";
    let bodies = [
        json!({"fingerprint": fingerprint("alone")}),
        json!({"email": email("claimed"), "fingerprint": fingerprint("claimed"), "customer_id": 4711}),
        json!({"email": vouched, "user_hash": hash, "fingerprint": fingerprint("vouched"),
               "anonymous_id": "the-random-id-of-a-browser", "event_type": "checkout_email_entered"}),
    ];
    for (visitor, body) in bodies.iter().enumerate() {
        // The second one of each is answered from what the first has left.
        for _ in 0..2 {
            visit(page.post(track, body), visitor).expect(200);
        }
    }
    for question in [
        format!("customer_email={vouched}&user_hash={hash}"),
        format!("customer_email={}", email("claimed")),
        format!("fingerprint={}", fingerprint("vouched")),
    ] {
        let path = format!("/api/intelligence/bundle?{question}");
        visit(page.get(&path), 0).expect(200);
        let path = format!("/wp-json/wg/v1/intelligence/bundle?{question}");
        visit(shop.edge().with(&shop.server_key).get(&path), 0).send();
    }
    let message = |id: &str| {
        json!({"type": "identify", "messageId": id, "anonymousId": "visitor", "traits": {"email": email("segment")},
               "context": {"ip": ADDRESSES[0], "fingerprint": fingerprint("segment")}})
    };
    let batch = json!({"batch": [message("identified"), message("poison-1")],
                       "context": {"ip": ADDRESSES[1]}});
    for target in [&page, &shop.edge().with(&shop.server_key)] {
        visit(target.post("/v1/batch", &batch), 1).expect(200);
    }
    let done = json!({"event": "Order Completed", "messageId": "done", "anonymousId": "visitor",
                      "properties": {"order_id": 727, "email": email("segment")},
                      "context": {"ip": ADDRESSES[0]}});
    visit(page.post("/v1/track", &done), 0).expect(200);
    // More emails than one address may claim, and more than one device should have.
    for n in 0..8 {
        let body =
            json!({"email": email(&format!("tried-{n}")), "fingerprint": fingerprint("alone")});
        visit(page.post(track, &body), 0).send();
    }
}

/// What is refused or fails, with the marks where they may end up in a message.
fn be_refused(shop: &Shop) {
    let page = shop.edge().with(&shop.page_key);
    let track = "/api/intelligence/track-customer";
    let said = format!(
        "{} {} {}",
        email("broken"),
        fingerprint("broken"),
        ADDRESSES[0]
    );
    for body in [
        format!("{{\"email\": \"{said}\""),
        json!({"email": said, "fingerprint": 7}).to_string(),
        json!({"email": email("broken"), "user_hash": said}).to_string(),
        json!({"fingerprint": format!("{}{}", fingerprint("long"), "x".repeat(5000))}).to_string(),
    ] {
        visit(page.send_json(track, body), 0).send();
    }
    for path in [
        format!("/wp-json/wg/v1/intelligence/{}", email("in-a-path")),
        format!("/{}", fingerprint("in-a-path")),
        format!("/api/events?customer={}", email("filter")),
    ] {
        for key in [&shop.page_key, &shop.server_key] {
            visit(shop.edge().with(key).get(&path), 1).send();
            visit(shop.pair.origin().with(key).get(&path), 1).send();
        }
    }
    let nobody = json!({"identifier": email("nobody"), "password": "wrong"});
    for _ in 0..12 {
        visit(shop.edge().post("/api/auth/login", &nobody), 0).send();
    }
    visit(
        shop.edge().with("ff_pk_none").get(&format!(
            "/api/intelligence/bundle?customer_email={}",
            email("x")
        )),
        0,
    )
    .expect(401);
    visit(page.call(Method::PUT, track), 0).send();
}

/// What the shop's server sends.
fn tell_of_orders(shop: &Shop) {
    let order = |email: &str, id: &str| {
        let mut order = crate::support::shop::order(email, 20, &[(44, 3), (38, 1)]);
        order["order_id"] = json!(id);
        order
    };
    send_orders(
        &shop.server(),
        &[
            order(&email("vouched"), "o-1"),
            order(&email("vouched"), "o-2"),
        ],
    );
    let refused = json!({"orders": [{"order_id": "o-3", "customer": {"email": format!("no email {DOMAIN}")}}]});
    shop.server().post("/api/orders", &refused).send();
    let hook = json!({
        "id": 727, "number": "727", "status": "processing", "currency": "EUR", "order_key": "wc_order_of_the_run",
        "date_created_gmt": "2026-11-20T10:00:00", "date_modified_gmt": "2026-11-20T10:00:00",
        "customer_id": 0, "customer_ip_address": ADDRESSES[0], "total": "29.90",
        "billing": {"first_name": "Mira", "last_name": "Moon", "email": email("woo"), "phone": "555"},
        "line_items": [{"id": 1, "product_id": 44, "name": "Tea", "quantity": 2, "total": "29.90", "subtotal": "29.90", "price": 14.95}],
    });
    for body in [
        hook.to_string(),
        hook.to_string()
            .replace("\"id\":727", "\"id\":\"no number\""),
    ] {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(shop.webhook_secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let signature =
            base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        let call = shop.edge().send_json("/webhooks/woocommerce/moon", body);
        let call = call
            .header("x-wc-webhook-topic", "order.updated")
            .header("x-wc-webhook-signature", &signature);
        visit(call, 1).send();
    }
}

/// Everything in a directory, at any depth.
fn files_in(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_in(&path));
        } else {
            files.push(path);
        }
    }
    files
}

fn holds(bytes: &[u8], mark: &str) -> bool {
    bytes
        .windows(mark.len())
        .any(|window| window == mark.as_bytes())
}

/// Marks and the files that hold them, byte by byte: also what a database has deleted counts.
fn found_in_files(shop: &Shop, marks: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files_in(shop.pair.home().path()) {
        // A database's own side files come and go with who reads it.
        let Ok(bytes) = std::fs::read(&file) else {
            continue;
        };
        for mark in marks.iter().filter(|mark| holds(&bytes, mark)) {
            let place = bytes
                .windows(mark.len())
                .position(|window| window == mark.as_bytes())
                .unwrap();
            let around = &bytes[place.saturating_sub(120)..(place + 120).min(bytes.len())];
            found.push(format!(
                "{}: {}",
                file.display(),
                String::from_utf8_lossy(around)
            ));
        }
    }
    found
}

/// The SQLite files of which a row holds a mark.
fn found_in_rows(shop: &Shop, mark: &str) -> Vec<String> {
    let files = files_in(shop.pair.home().path()).into_iter();
    let databases = files.filter(|file| {
        let bytes = std::fs::read(file).unwrap_or_default();
        bytes.starts_with(b"SQLite format 3\0")
    });
    let holding = databases
        .map(|file| file.display().to_string())
        .filter(|file| !columns_holding(&format!("sqlite:{file}"), mark).is_empty());
    holding.collect()
}

fn leaves_nothing_behind(database: Option<String>) {
    let mut shop = Shop::start(database);
    refuse_poison(&shop.database);
    tell_of_orders(&shop);
    shop_and_be_watched(&shop);
    be_refused(&shop);
    until("nothing waits at the edge", PATIENCE, || {
        let ledger = read_ledger(&shop.edge())?;
        ledger
            .shops
            .iter()
            .all(|shop| shop.pending == 0)
            .then_some(())
    });
    assert!(logged(&shop.server(), "Order%20Completed").contains_key("done"));
    let rejected = shop.server().get("/api/events/rejected").expect(200);
    assert!(rejected.to_string().contains("poison-1"), "{rejected}");
    // A clean stop, so that all that is kept stands in the files.
    shop.pair.end_edge(Signal::TERM);
    shop.pair.end_origin(Signal::TERM);

    // The search itself is no blind one: what is put there is found, and what belongs there.
    let probe = shop.pair.home().path().join("some/where/probe");
    std::fs::create_dir_all(probe.parent().unwrap()).unwrap();
    std::fs::write(&probe, format!("\0{FINGERPRINT}\0")).unwrap();
    assert_eq!(found_in_files(&shop, &[FINGERPRINT]).len(), 1);
    std::fs::remove_file(&probe).unwrap();
    let emails: BTreeSet<_> = columns_holding(&shop.database, DOMAIN);
    let belong = EMAILS_BELONG.map(|(table, column)| (table.to_owned(), column.to_owned()));
    assert_eq!(emails, BTreeSet::from(belong));
    for mark in ADDRESSES.iter().chain(&NETWORKS).chain(&[FINGERPRINT]) {
        assert_eq!(
            columns_holding(&shop.database, mark),
            BTreeSet::new(),
            "{mark}"
        );
    }
    let nowhere = [NETWORKS[0], NETWORKS[1], FINGERPRINT];
    assert_eq!(found_in_files(&shop, &nowhere), Vec::<String>::new());
    // An edge's cache holds the cards of the origin's customers, with which it answers those whom the shop
    // vouches for.
    let emails = match Deployment::chosen() {
        Deployment::Host => found_in_files(&shop, &[DOMAIN]),
        // What others than our host delete stays in their files until they use the place again.
        Deployment::Workerd | Deployment::Jco => found_in_rows(&shop, DOMAIN),
    };
    let belongs = |file: &str| {
        ["/footfall.db"]
            .iter()
            .chain(&CACHES)
            .any(|known| file.contains(known))
    };
    let elsewhere: Vec<_> = emails.iter().filter(|file| !belongs(file)).collect();
    assert_eq!(elsewhere, Vec::<&String>::new());
    let of_nobody = ["broken", "nobody", "filter", "in-a-path"].map(email);
    let of_nobody: Vec<&str> = of_nobody.iter().map(String::as_str).collect();
    assert_eq!(found_in_files(&shop, &of_nobody), Vec::<String>::new());
}

/// How long an edge keeps the keys of somebody who was erased, and what it takes to tell it.
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(150);

/// Everything in which somebody stands: of origin and edge.
fn holders(shop: &Shop, words: &[&str]) -> Vec<String> {
    let at_edge = words.iter().flat_map(|word| found_in_rows(shop, word));
    let of_origin = words.iter().flat_map(|word| {
        let columns = columns_holding(&shop.database, word);
        columns
            .into_iter()
            .map(move |(table, column)| format!("{table}.{column}: {word}"))
    });
    at_edge.chain(of_origin).collect()
}

fn forgets_whoever_is_erased(database: Option<String>) {
    let mut shop = Shop::start(database);
    tell_of_orders(&shop);
    shop_and_be_watched(&shop);
    let page = shop.edge().with(&shop.page_key);
    let session = "the-visit-of-the-erased";
    let start = json!({"sessionId": session, "deviceContext": {"type": "mobile"}});
    visit(page.post("/api/journey/sessions/start", &start), 0).expect(200);
    let vouched = email("vouched");
    let lead = json!({"sessionId": session, "conversionEvent": {"type": "email_signup",
        "conversionData": {"email": vouched, "consentGiven": true}}});
    // From the address that has not yet claimed too many emails.
    visit(page.post("/api/journey/conversions/track", &lead), 1).expect(200);
    let state = format!("/api/journey/sessions/{session}/state");
    visit(page.get(&state), 0).expect(200);
    until("nothing waits at the edge", PATIENCE, || {
        let ledger = read_ledger(&shop.edge())?;
        ledger
            .shops
            .iter()
            .all(|shop| shop.pending == 0)
            .then_some(())
    });
    let sql = format!("SELECT email_hash AS text FROM customers WHERE email = '{vouched}'");
    let hash = first_text(&shop.database, &sql).unwrap();
    let words = [
        vouched.as_str(),
        hash.as_str(),
        session,
        "the-random-id-of-a-browser",
    ];
    let before = holders(&shop, &words);
    for place in ["events.email:", "journeys.session_id:"] {
        assert!(
            before.iter().any(|found| found.starts_with(place)),
            "{place} {before:?}"
        );
    }
    let path = format!("/api/privacy/subject?email={vouched}&data_retention_policy=erase");
    let told = shop.server().call(Method::DELETE, &path).expect(202);
    let show = format!(
        "/api/privacy/erasures/{}",
        told["data"]["erasure_id"].as_str().unwrap()
    );
    until("all was looked through", PATIENCE, || {
        let told = shop.server().get(&show).expect(200);
        (told["data"]["status"] == "completed").then_some(())
    });
    let waiting = "SELECT subject AS text FROM edge_pushes LIMIT 1";
    until("the edge has forgotten", FORGOTTEN_WITHIN, || {
        first_text(&shop.database, waiting).is_none().then_some(())
    });
    visit(page.get(&state), 0).expect(404);
    shop.pair.end_edge(Signal::TERM);
    shop.pair.end_origin(Signal::TERM);
    assert_eq!(holders(&shop, &words), Vec::<String>::new());
    // Nobody else was forgotten.
    assert!(!holders(&shop, &[email("segment").as_str()]).is_empty());
}

#[test]
fn whoever_is_erased_is_in_no_row_of_origin_or_edge_on_sqlite() {
    forgets_whoever_is_erased(None);
}

#[test]
fn whoever_is_erased_is_in_no_row_of_origin_or_edge_on_postgresql() {
    forgets_whoever_is_erased(Some(new_database()));
}

#[test]
fn a_full_run_leaves_no_address_fingerprint_or_email_where_none_belongs_on_sqlite() {
    leaves_nothing_behind(None);
}

#[test]
fn a_full_run_leaves_no_address_fingerprint_or_email_where_none_belongs_on_postgresql() {
    leaves_nothing_behind(Some(new_database()));
}
