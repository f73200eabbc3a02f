//! A person logs in through a production edge, and a key is rotated while it is in use.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::http::Target;
use crate::support::world::Pair;
use crate::support::{SHOWN_WITHIN, unique, until};

/// How long the old key goes on in the test; long enough to be seen at work.
const GRACE: &str = "10s";
/// The grace, and the time that an edge may take to hear of anything.
const GRACE_IS_OVER_WITHIN: Duration = Duration::from_secs(16);

/// A production shop with an owner.
fn shop() -> &'static (Pair, String) {
    static SHOP: OnceLock<(Pair, String)> = OnceLock::new();
    SHOP.get_or_init(|| {
        let mut pair = Pair::new(&[]);
        let home = pair.home();
        home.run(&["admin", "shop", "create", "--slug", "sun", "--name", "Sun"]);
        let user = [
            "admin", "user", "create", "--shop", "sun", "--role", "owner",
        ];
        let made = home.run(&[&user[..], &["--identifier", "ada@sun.example"]].concat());
        let password = made.trim().rsplit(' ').next().unwrap().to_owned();
        pair.start_origin();
        pair.start_edge();
        (pair, password)
    })
}

fn log_in(target: &Target, password: &str) -> Value {
    let body = json!({"identifier": "ada@sun.example", "password": password});
    target.post("/api/auth/login", &body).expect(200)["data"].clone()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

#[test]
fn a_person_logs_in_through_the_edge_works_and_logs_out() {
    let (pair, password) = shop();
    for target in [pair.edge(), pair.origin()] {
        let tokens = log_in(&target, password);
        let person = target.with(&text(&tokens, "access_token"));
        let users = person.get("/api/users").expect(200);
        assert_eq!(users["data"]["users"][0]["identifier"], "ada@sun.example");
        let body = json!({"refresh_token": tokens["refresh_token"]});
        target.post("/api/auth/logout", &body).expect(200);
        person.get("/api/users").expect(401);
        target.post("/api/auth/refresh", &body).expect(401);
    }
}

#[test]
fn a_token_opens_the_edges_own_routes_until_its_person_has_logged_out() {
    let (pair, password) = shop();
    let tokens = log_in(&pair.edge(), password);
    let person = pair.edge().with(&text(&tokens, "access_token"));
    let start = json!({"sessionId": unique("session")});
    let status = || {
        person
            .post("/api/journey/sessions/start", &start)
            .send()
            .status
    };
    assert_eq!(status(), 200);
    let broken = format!("{}x", text(&tokens, "access_token"));
    let forged = pair
        .edge()
        .with(&broken)
        .post("/api/journey/sessions/start", &start);
    forged.expect(401);
    let body = json!({"refresh_token": tokens["refresh_token"]});
    pair.edge().post("/api/auth/logout", &body).expect(200);
    until("the token is refused", SHOWN_WITHIN, || {
        (status() == 401).then_some(())
    });
}

#[test]
fn a_password_with_each_request_opens_nothing_in_production() {
    let (pair, password) = shop();
    let call = pair.edge().get("/api/users");
    call.basic("ada@sun.example", password).expect(401);
}

#[test]
fn one_guesser_behind_the_edge_does_not_pause_the_others() {
    let (pair, password) = shop();
    let guess = |number: u8| {
        let body = json!({"identifier": format!("nobody{number}"), "password": "wrong"});
        let call = pair.edge().post("/api/auth/login", &body);
        call.from(77).send().status
    };
    let statuses: Vec<u16> = (0..21).map(guess).collect();
    assert!(
        statuses[..20].iter().all(|status| *status == 401),
        "{statuses:?}"
    );
    assert_eq!(statuses[20], 429);
    log_in(&pair.edge(), password);
}

#[test]
fn a_rotated_key_is_refused_by_the_edge_when_its_grace_is_over() {
    let (pair, _) = shop();
    let home = pair.home();
    let key = ["admin", "key", "create", "--shop", "sun", "--label", "page"];
    let made = home.run(&[&key[..], &["--kind", "publishable"]].concat());
    let word = |told: &str, prefix: &str| {
        let mut words = told.split([' ', '\n', '(', ';']);
        words
            .find(|word| word.starts_with(prefix))
            .unwrap()
            .to_owned()
    };
    let status = |key: &str| {
        let event = json!({"event": "Opened", "anonymousId": "a"});
        let call = pair.edge().with(key).post("/v1/track", &event);
        call.send().status
    };
    let old = word(&made, "ff_pk_");
    assert_eq!(status(&old), 200);
    let rotate = ["admin", "key", "rotate", "--shop", "sun", "--grace", GRACE];
    let rotated = home.run(&[&rotate[..], &["--id", &word(&made, "key_")]].concat());
    let new = word(&rotated, "ff_pk_");
    assert_eq!([status(&old), status(&new)], [200, 200]);
    until("the old key is refused", GRACE_IS_OVER_WITHIN, || {
        (status(&old) == 401).then_some(())
    });
    assert_eq!(status(&new), 200);
}
