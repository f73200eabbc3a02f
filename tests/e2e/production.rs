//! Production: keys everywhere, and personal data only to the verified.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use http::Method;
use serde_json::{Value, json};

use crate::support::http::{Call, Target};
use crate::support::shop::{new_shopper, send_history, user_hash};
use crate::support::unique;
use crate::support::world::{Home, Pair};

const TRACK: &str = "/api/intelligence/track-customer";

/// A shop in production, made by the command line as an operator makes it.
#[derive(Debug)]
struct Shop {
    pair: Pair,
    publishable_key: String,
    secret_key: String,
    identity_secret: String,
    /// The page's key of another shop, which lets an address ask [`NARROW`] times an hour.
    narrow_key: String,
}

/// The narrow shop's limit.
const NARROW: usize = 100;

/// Makes a key of a shop.
fn make_key(home: &Home, shop: &str, kind: &str) -> String {
    let told = home.run(&[
        "admin", "key", "create", "--shop", shop, "--kind", kind, "--label", "test",
    ]);
    let mut words = told.split_whitespace();
    let key = words.find(|word| word.starts_with("ff_pk_") || word.starts_with("ff_sk_"));
    key.unwrap().to_owned()
}

impl Shop {
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Shop> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn start() -> Self {
        // Nothing says production: it is the binary's default.
        let mut pair = Pair::new(&[]);
        let home = pair.home();
        // All tests but one come from a few addresses and claim many emails.
        let made = home.run(&[
            "admin",
            "shop",
            "create",
            "--slug",
            "moon",
            "--name",
            "Moon",
            "--requests-per-hour",
            "1000000",
            "--emails-per-day",
            "1000000",
        ]);
        let identity_secret = made.trim().rsplit(' ').next().unwrap().to_owned();
        let publishable_key = make_key(home, "moon", "publishable");
        let secret_key = make_key(home, "moon", "secret");
        home.run(&[
            "admin",
            "shop",
            "create",
            "--slug",
            "narrow",
            "--name",
            "Narrow",
            "--requests-per-hour",
            "100",
        ]);
        let narrow_key = make_key(home, "narrow", "publishable");
        pair.start_origin();
        pair.start_edge();
        Self {
            pair,
            publishable_key,
            secret_key,
            identity_secret,
            narrow_key,
        }
    }

    /// The edge, as a page of the shop asks it.
    fn page(&self) -> Target {
        self.pair.edge().with(&self.publishable_key)
    }

    /// The origin, as the shop's server asks it.
    fn server(&self) -> Target {
        self.pair.origin().with(&self.secret_key)
    }

    /// A shopper to whom an offer is due.
    fn shopper(&self) -> String {
        let email = new_shopper();
        send_history(&self.server(), &email);
        email
    }
}

/// Every route of the contract, and the others that give or take data, with a good request for each.
fn every_route(target: &Target) -> Vec<Call> {
    let email = "customer_email=shopper@example.com";
    let wp = "/wp-json/wg/v1/intelligence";
    let status = json!({"offer_id": 1, "status": "viewed"});
    let event = json!({"type": "track", "event": "Product Viewed", "anonymousId": "a"});
    vec![
        target.get(&format!("{wp}/profile?{email}")),
        target.post(
            &format!("{wp}/recalculate"),
            &json!({"customer_email": "shopper@example.com"}),
        ),
        target.get(&format!("{wp}/bundle?{email}")),
        target.post(&format!("{wp}/bundle-status"), &status),
        target.post("/api/orders", &json!({"orders": []})),
        target.get("/api/events"),
        target.post(TRACK, &json!({"email": "shopper@example.com"})),
        target.get(&format!("/api/intelligence/bundle?{email}")),
        target.post("/api/intelligence/bundle-status-update", &status),
        target.post("/v1/batch", &json!({"batch": [event]})),
        target.post("/v1/track", &event),
        target.post("/v1/page", &event),
        target.post("/v1/identify", &event),
        target.post("/v1/screen", &event),
        target.post("/v1/group", &event),
        target.post("/v1/alias", &event),
    ]
}

#[test]
fn without_a_key_every_route_is_closed() {
    let shop = Shop::shared();
    let at_origin = every_route(&shop.pair.origin()).into_iter().take(6);
    for call in every_route(&shop.pair.edge()).into_iter().chain(at_origin) {
        let reply = call.expect(401);
        assert_eq!(reply["success"], false, "{reply}");
    }
}

#[test]
fn a_key_that_is_none_opens_nothing() {
    let shop = Shop::shared();
    let wrong = format!("ff_sk_{}", "a".repeat(40));
    let at_origin = every_route(&shop.pair.origin().with(&wrong))
        .into_iter()
        .take(6);
    for call in every_route(&shop.pair.edge().with(&wrong))
        .into_iter()
        .chain(at_origin)
    {
        call.expect(401);
    }
}

#[test]
fn a_secret_key_in_a_url_opens_nothing() {
    let shop = Shop::shared();
    let query = format!("customer_email=shopper@example.com&key={}", shop.secret_key);
    let wp = format!("/wp-json/wg/v1/intelligence/profile?{query}");
    let bundle = format!("/api/intelligence/bundle?{query}");
    shop.pair.origin().get(&wp).expect(401);
    shop.pair.edge().get(&wp).expect(401);
    shop.pair.edge().get(&bundle).expect(401);
}

#[test]
fn a_pages_key_does_not_open_the_shops_own_routes() {
    let shop = Shop::shared();
    for target in [shop.pair.edge(), shop.pair.origin()] {
        for call in every_route(&target.with(&shop.publishable_key))
            .into_iter()
            .take(6)
        {
            call.expect(403);
        }
    }
}

/// Whether anything in the reply tells of the person beyond what the caller said and the digests of it, whose digits
/// may happen to be an order's.
fn tells_of(reply: &Value, email: &str) -> bool {
    let mut reply = reply.clone();
    if let Some(tracked) = reply["tracked"].as_object_mut() {
        tracked.retain(|field, _| !matches!(field.as_str(), "fingerprint" | "ip_hash"));
    }
    let text = reply.to_string().replace(email, "");
    [
        "Mira",
        "Moon",
        "Product 44",
        "4711",
        "29.9",
        "59.8",
        "example.com",
    ]
    .iter()
    .any(|part| text.contains(part))
}

#[test]
fn a_claimed_email_shows_nothing_personal() {
    let shop = Shop::shared();
    let (email, device) = (shop.shopper(), unique("device"));
    let body = json!({"email": email, "fingerprint": device});
    let first = shop.page().post(TRACK, &body).from(21).expect(200);
    let again = shop.page().post(TRACK, &json!({"fingerprint": device}));
    let again = again.from(21).expect(200);
    for reply in [&first, &again] {
        assert_eq!(reply["success"], true);
        assert!(!tells_of(reply, &email), "{reply}");
        let shown = reply["profile"].as_object().into_iter().flatten();
        let personal: Vec<_> = shown.filter(|(_, value)| !value.is_null()).collect();
        assert!(
            personal.len() <= 1,
            "only the masked email may stand there: {personal:?}"
        );
    }
    assert!(!again.to_string().contains(&email), "{again}");
    for question in [
        format!("customer_email={email}"),
        format!("fingerprint={device}"),
    ] {
        let path = format!("/api/intelligence/bundle?{question}");
        let reply = shop.page().get(&path).expect(200);
        assert_eq!(reply["reason"], "identity_not_verified", "{reply}");
    }
}

#[test]
fn an_unknown_email_is_answered_like_a_known_one() {
    let shop = Shop::shared();
    let ask = |email: &str| {
        let path = format!("/api/intelligence/bundle?customer_email={email}");
        shop.page().get(&path).expect(200)
    };
    assert_eq!(ask(&shop.shopper()), ask(&new_shopper()));
}

#[test]
fn an_email_that_the_shop_vouches_for_shows_all() {
    let shop = Shop::shared();
    let (email, device) = (shop.shopper(), unique("device"));
    let hash = user_hash(&email, &shop.identity_secret);
    let path = format!("/api/intelligence/bundle?customer_email={email}&user_hash={hash}");
    let offer = shop.page().get(&path).expect(200);
    assert_eq!(offer["customer"]["first_name"], "Mira", "{offer}");
    let browser = unique("a-random-id-of-a-browser");
    let visit = json!({"fingerprint": device, "anonymous_id": browser});
    let mut body = visit.clone();
    (body["email"], body["user_hash"]) = (json!(email), json!(hash));
    let reply = shop.page().post(TRACK, &body).from(22).expect(200);
    assert_eq!(reply["profile"]["total_orders"], 2, "{reply}");
    // The browser was vouched for, so it is still known on its next visit; another one of the same make
    // is not.
    let again = shop.page().post(TRACK, &visit).from(23).expect(200);
    let shown = &again["profile"]["customer_email"];
    assert_eq!(shown, email.as_str(), "{again}");
    let other = json!({"fingerprint": device, "anonymous_id": unique("the-id-of-another-browser")});
    let other = shop.page().post(TRACK, &other).from(23).expect(200);
    assert!(!tells_of(&other, &email), "{other}");
}

#[test]
fn another_shops_proof_or_anothers_email_proves_nothing() {
    let shop = Shop::shared();
    let email = shop.shopper();
    let wrong = [
        user_hash(&email, "another-shops-secret"),
        user_hash(&new_shopper(), &shop.identity_secret),
        "0".repeat(64),
    ];
    for hash in wrong {
        let path = format!("/api/intelligence/bundle?customer_email={email}&user_hash={hash}");
        assert_eq!(
            shop.page().get(&path).expect(200)["reason"],
            "identity_not_verified"
        );
    }
}

#[test]
fn the_shops_own_server_sees_its_customers() {
    let shop = Shop::shared();
    let email = shop.shopper();
    let path = format!("/wp-json/wg/v1/intelligence/profile?customer_email={email}");
    for target in [shop.pair.edge(), shop.pair.origin()] {
        let reply = target.with(&shop.secret_key).get(&path).expect(200);
        assert_eq!(reply["profile"]["customer_email"], email.as_str());
    }
}

#[test]
fn offers_cannot_be_counted_through_with_a_pages_key() {
    let shop = Shop::shared();
    let (email, path) = (shop.shopper(), "/api/intelligence/bundle-status-update");
    let made = format!("/wp-json/wg/v1/intelligence/bundle?customer_email={email}");
    let number = shop.server().get(&made).expect(200)["offer_id"].clone();
    assert!(number.is_i64(), "{number}");
    let body = json!({"offer_id": number, "status": "rejected"});
    shop.page().post(path, &body).expect(404);
}

#[test]
fn a_revoked_key_is_refused_within_the_promised_time() {
    let shop = Shop::shared();
    let home = shop.pair.home();
    let made = [
        "admin",
        "key",
        "create",
        "--shop",
        "moon",
        "--kind",
        "publishable",
        "--label",
        "gone",
    ];
    let told = home.run(&made);
    let word = |prefix: &str| {
        let mut words = told
            .split_whitespace()
            .map(|word| word.trim_matches(['(', ';', ')']));
        words
            .find(|word| word.starts_with(prefix))
            .unwrap()
            .to_owned()
    };
    let page = shop.pair.edge().with(&word("ff_pk_"));
    let status = || {
        page.post("/v1/track", &json!({"event": "x", "anonymousId": "a"}))
            .send()
            .status
    };
    assert_eq!(status(), 200);
    home.run(&[
        "admin",
        "key",
        "revoke",
        "--shop",
        "moon",
        "--id",
        &word("key_"),
    ]);
    let within = crate::support::SHOWN_WITHIN;
    crate::support::until("the key is refused", within, || {
        (status() == 401).then_some(())
    });
}

#[test]
fn production_does_not_start_without_edge_keys() {
    let home = Shop::shared().pair.home();
    for command in ["serve", "edge"] {
        let mut settings = home.settings.clone();
        settings.retain(|(name, _)| name != "FOOTFALL_EDGE_KEYS");
        let output = crate::support::process::footfall(&[command], &settings)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && told.contains("FOOTFALL_EDGE_KEYS"),
            "{told}"
        );
    }
}

#[test]
fn a_preflight_and_the_open_files_need_no_key() {
    let edge = Shop::shared().pair.edge();
    let preflight = edge.call(Method::OPTIONS, "/v1/batch");
    let preflight = preflight.header("origin", "https://moon.example");
    let answer = preflight
        .header("access-control-request-method", "POST")
        .send();
    assert_eq!(answer.status, 204);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://moon.example"
    );
    for path in ["/t.js", "/health", "/openapi.json"] {
        assert_eq!(edge.get(path).send().status, 200, "{path}");
    }
}

#[test]
fn exactly_as_many_requests_are_served_as_the_limit_allows_however_they_come() {
    let shop = Shop::shared();
    let page = shop.pair.edge().with(&shop.narrow_key);
    let ask = || {
        let call = page.get("/api/intelligence/bundle?fingerprint=nobodys-device");
        let answer = call.from(77).send();
        assert_eq!(answer.header("x-ratelimit-limit"), NARROW.to_string());
        (answer.header("x-ratelimit-reset").to_owned(), answer.status)
    };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..NARROW / 4).map(|_| ask()).collect::<Vec<_>>()))
            .collect();
        asking
            .into_iter()
            .flat_map(|asking| asking.join().unwrap())
            .collect()
    });
    // The test may see the end of an hour, and then each of the two has a limit of its own.
    let mut hours: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (hour, status) in answers {
        let (served, refused) = hours.entry(hour).or_default();
        match status {
            404 => *served += 1,
            429 => *refused += 1,
            other => panic!("{other}"),
        }
    }
    for (served, refused) in hours.values() {
        assert!(
            *served == NARROW || *refused == 0,
            "{served} served, {refused} refused"
        );
    }
    let other = page.get("/api/intelligence/bundle?fingerprint=nobodys-device");
    assert_eq!(
        other.from(78).send().status,
        404,
        "another address has its own"
    );
}

#[test]
fn one_address_may_try_five_emails_a_day() {
    let shop = Shop::shared();
    let page = shop.pair.edge().with(&shop.narrow_key);
    let tried: Vec<u16> = (0..7)
        .map(|_| {
            let path = format!("/api/intelligence/bundle?customer_email={}", new_shopper());
            page.get(&path).from(79).send().status
        })
        .collect();
    assert_eq!(
        tried.iter().filter(|status| **status == 429).count(),
        2,
        "{tried:?}"
    );
    assert_eq!(tried[..5], [200; 5]);
}
