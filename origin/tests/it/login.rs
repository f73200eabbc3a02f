//! Logging in: tokens, their rotation, and the brake on guessing.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use footfall::db::During;
use footfall::shops::Role;
use footfall_shared::signing::{CALLER_HEADER, SIGNATURE_HEADER, SigningKeys, TIMESTAMP_HEADER};
use http::Request;
use serde_json::{Value, json};

use crate::support::{Client, Credential, EDGE_KEY, Reply, TestShop, on_both};

const MINUTE_MS: i64 = 60_000;

/// Logs the owner in; access and refresh token.
async fn log_in(shop: &TestShop) -> (String, String) {
    let (identifier, password) = &shop.tenant.admin;
    tokens(&shop.anonymous().log_in(identifier, password).await)
}

#[track_caller]
fn tokens(reply: &Reply) -> (String, String) {
    let data = reply.expect(200)["data"].clone();
    let text = |name: &str| data[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

async fn refresh(shop: &TestShop, token: &str) -> Reply {
    let body = json!({"refresh_token": token});
    shop.anonymous().post("/api/auth/refresh", &body).await
}

async fn opens(shop: &TestShop, access: &str) -> u16 {
    let client = shop.client(Credential::Token(access.to_owned()));
    client.get("/api/events").await.status.as_u16()
}

/// An error of the administration's envelope.
#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) -> Value {
    let body = reply.expect(status);
    assert_eq!(body["success"], false, "{body}");
    assert_eq!(body["error"]["code"], code, "{body}");
    assert!(
        body["error"]["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{body}"
    );
    assert_eq!(
        body["request_id"],
        reply.headers["x-request-id"].to_str().unwrap()
    );
    body
}

async fn count(shop: &TestShop, sql: &'static str) -> i64 {
    let mut db = shop.app.db().read().await.unwrap();
    footfall::on_db!(&mut db, |c| sqlx::query_scalar(sql).fetch_one(c).await)
        .during("test")
        .unwrap()
}

async fn guess(client: &Client, identifier: &str) -> u16 {
    client
        .log_in(identifier, "a wrong password")
        .await
        .status
        .as_u16()
}

/// A guess for nobody in particular from an address.
async fn guess_from(
    shop: &TestShop,
    number: usize,
    address: &str,
    headers: &[(&str, &str)],
) -> u16 {
    let body = json!({"identifier": format!("nobody{number}"), "password": "a wrong password"});
    let peer: SocketAddr = address.parse().unwrap();
    let mut request = Request::post("/api/auth/login")
        .header("content-type", "application/json")
        .extension(ConnectInfo(peer));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let reply = shop
        .anonymous()
        .send(request, body.to_string().into_bytes())
        .await;
    reply.status.as_u16()
}

on_both! {
    async fn a_login_answers_as_the_contract_has_it(database) {
        let shop = TestShop::start(database).await;
        let (identifier, password) = &shop.tenant.admin;
        let reply = shop.anonymous().log_in(identifier, password).await;
        let body = reply.expect(200);
        assert_eq!(body["success"], true);
        assert_eq!(body["data"]["expires_in"], 900);
        let access = body["data"]["access_token"].as_str().unwrap();
        assert!(access.starts_with("eyJ") && access.split('.').count() == 3, "{access}");
        assert!(body["data"]["refresh_token"].is_string());
        assert_eq!(body["meta"]["timestamp"], "2026-11-24T12:00:00Z");
        assert_eq!(body["meta"]["request_id"], reply.headers["x-request-id"].to_str().unwrap());
        assert_eq!(reply.headers["cache-control"], "no-store");
        assert_eq!(opens(&shop, access).await, 200);
    }

    async fn a_wrong_password_and_an_unknown_identifier_are_told_the_same(database) {
        let shop = TestShop::start(database).await;
        let client = shop.anonymous();
        let wrong = client.log_in(&shop.tenant.admin.0, "a wrong password").await;
        let unknown = client.log_in("nobody@example.com", "a wrong password").await;
        let (wrong, unknown) = (refused(&wrong, 401, "UNAUTHORIZED"), refused(&unknown, 401, "UNAUTHORIZED"));
        assert_eq!(wrong["error"], unknown["error"]);
    }

    async fn a_broken_call_names_its_field_in_the_contracts_envelope(database) {
        let shop = TestShop::start(database).await;
        let client = shop.anonymous();
        let cases = [
            (json!({"password": "x"}), "INVALID_REQUEST", "identifier"),
            (json!({"identifier": "a"}), "INVALID_REQUEST", "password"),
            (json!({"identifier": 5, "password": "x"}), "INVALID_REQUEST", "identifier"),
            (json!({"identifier": "", "password": "x"}), "INVALID_FIELD", "identifier"),
            (json!({"identifier": "a", "password": "x".repeat(1025)}), "INVALID_FIELD", "password"),
        ];
        for (body, code, field) in cases {
            let told = refused(&client.post("/api/auth/login", &body).await, 400, code);
            assert_eq!(told["error"]["details"][0]["field"], field, "{told}");
        }
        let get = client.get("/api/auth/login").await;
        refused(&get, 405, "METHOD_NOT_ALLOWED");
        assert_eq!(get.headers["allow"], "POST");
        refused(&client.get("/api/auth/nowhere").await, 404, "NOT_FOUND");
        refused(&client.get("/api/users").await, 401, "UNAUTHORIZED");
    }

    async fn an_access_token_ends_after_fifteen_minutes(database) {
        let shop = TestShop::start(database).await;
        let (access, _) = log_in(&shop).await;
        shop.pass(15 * MINUTE_MS - 1);
        assert_eq!(opens(&shop, &access).await, 200);
        shop.pass(1);
        assert_eq!(opens(&shop, &access).await, 401);
    }

    async fn a_forged_token_opens_nothing(database) {
        use base64::Engine as _;
        let shop = TestShop::start(database).await;
        let (access, _) = log_in(&shop).await;
        let parts: Vec<&str> = access.split('.').collect();
        let head = |json: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
        let other_role = String::from_utf8(claims).unwrap().replace("footfall", "footfalI");
        let forged = [
            format!("{}.{}.", head(r#"{"alg":"none"}"#), parts[1]),
            format!("{}.{}.{}", head(r#"{"alg":"none"}"#), parts[1], parts[2]),
            format!("{}.{}.{}", head(r#"{"alg":"RS256","typ":"JWT"}"#), parts[1], parts[2]),
            format!("{}.{}.{}", parts[0], head(&other_role), parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
        ];
        for token in forged {
            assert_eq!(opens(&shop, &token).await, 401, "{token}");
        }
        assert_eq!(opens(&shop, &access).await, 200);
    }

    async fn a_token_of_an_origin_with_another_secret_opens_nothing(database) {
        let shop = TestShop::start(database).await;
        let secret = [("FOOTFALL_JWT_SECRET", "another-secret-of-the-tests-0123456789ab")];
        let config = crate::support::config_of(&shop, &secret);
        let other = footfall::app::App::new(config, shop.app.db().clone());
        let client = Client::new(footfall::router::router(other.clone()), other, Credential::None);
        let (identifier, password) = &shop.tenant.admin;
        let (access, _) = tokens(&client.log_in(identifier, password).await);
        assert_eq!(opens(&shop, &access).await, 401);
    }

    async fn a_refresh_gives_new_tokens_and_the_old_access_token_works_on(database) {
        let shop = TestShop::start(database).await;
        let (access, first) = log_in(&shop).await;
        shop.pass(14 * MINUTE_MS);
        let (next, second) = tokens(&refresh(&shop, &first).await);
        assert_ne!(first, second);
        assert_eq!([opens(&shop, &access).await, opens(&shop, &next).await], [200, 200]);
        shop.pass(5 * MINUTE_MS);
        assert_eq!([opens(&shop, &access).await, opens(&shop, &next).await], [401, 200]);
    }

    async fn a_used_refresh_token_ends_the_whole_login(database) {
        let shop = TestShop::start(database).await;
        let (access, first) = log_in(&shop).await;
        let (next, second) = tokens(&refresh(&shop, &first).await);
        let (_, elsewhere) = log_in(&shop).await;
        refused(&refresh(&shop, &first).await, 401, "UNAUTHORIZED");
        assert_eq!([opens(&shop, &access).await, opens(&shop, &next).await], [401, 401]);
        refused(&refresh(&shop, &second).await, 401, "UNAUTHORIZED");
        tokens(&refresh(&shop, &elsewhere).await);
    }

    async fn of_two_refreshes_at_once_one_wins_and_the_login_ends(database) {
        let shop = TestShop::start(database).await;
        let (_, first) = log_in(&shop).await;
        let (one, two) = tokio::join!(refresh(&shop, &first), refresh(&shop, &first));
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
        let won = if one.status == 200 { one } else { two };
        let (access, second) = tokens(&won);
        assert_eq!(opens(&shop, &access).await, 401);
        refused(&refresh(&shop, &second).await, 401, "UNAUTHORIZED");
    }

    async fn a_refresh_token_that_is_none_or_too_old_is_refused(database) {
        let shop = TestShop::start(database).await;
        let (access, first) = log_in(&shop).await;
        for wrong in ["", "x", &access, &first.replace("ff_rt_", "ff_sk_"), &format!("ff_rt_{}", "0".repeat(64))] {
            refused(&refresh(&shop, wrong).await, 401, "UNAUTHORIZED");
        }
        shop.pass(30 * 24 * 60 * MINUTE_MS);
        refused(&refresh(&shop, &first).await, 401, "UNAUTHORIZED");
    }

    async fn a_login_ends_after_ninety_days_however_often_it_is_refreshed(database) {
        let shop = TestShop::start(database).await;
        let (_, mut token) = log_in(&shop).await;
        for _ in 0..4 {
            shop.pass(20 * 24 * 60 * MINUTE_MS);
            token = tokens(&refresh(&shop, &token).await).1;
        }
        shop.pass(10 * 24 * 60 * MINUTE_MS);
        refused(&refresh(&shop, &token).await, 401, "UNAUTHORIZED");
    }

    async fn a_logout_ends_the_login_at_once_and_no_other(database) {
        let shop = TestShop::start(database).await;
        let ((access, token), (other, _)) = (log_in(&shop).await, log_in(&shop).await);
        let body = json!({"refresh_token": token});
        let reply = shop.anonymous().post("/api/auth/logout", &body).await.expect(200);
        assert_eq!(reply["data"]["logged_out"], true);
        assert_eq!([opens(&shop, &access).await, opens(&shop, &other).await], [401, 200]);
        refused(&refresh(&shop, &token).await, 401, "UNAUTHORIZED");
        shop.anonymous().post("/api/auth/logout", &body).await.expect(200);
    }

    async fn tokens_are_stored_only_as_hashes(database) {
        let shop = TestShop::start(database).await;
        let (access, token) = log_in(&shop).await;
        const SQL: &str = "SELECT hash || login_id || shop_id FROM refresh_tokens";
        let mut db = shop.app.db().read().await.unwrap();
        let rows: Vec<String> =
            footfall::on_db!(&mut db, |c| sqlx::query_scalar(SQL).fetch_all(c).await).during("test").unwrap();
        assert_eq!(rows.len(), 1);
        assert!(!rows[0].contains(&token[6..]) && !rows[0].contains(&access));
    }

    async fn after_ten_failures_an_identifier_is_paused_for_a_quarter_of_an_hour(database) {
        let shop = TestShop::start(database).await;
        let (identifier, password) = shop.tenant.admin.clone();
        let client = shop.anonymous();
        for _ in 0..10 {
            assert_eq!(guess(&client, &identifier).await, 401);
        }
        shop.pass(MINUTE_MS);
        let paused = client.log_in(&identifier, &password).await;
        refused(&paused, 429, "RATE_LIMITED");
        assert_eq!(paused.headers["retry-after"], "840");
        assert_eq!(guess(&client, "somebody else").await, 401);
        shop.pass(14 * MINUTE_MS);
        tokens(&client.log_in(&identifier, &password).await);
    }

    async fn a_pause_does_not_touch_who_is_logged_in(database) {
        let shop = TestShop::start(database).await;
        let (access, token) = log_in(&shop).await;
        for _ in 0..11 {
            guess(&shop.anonymous(), &shop.tenant.admin.0).await;
        }
        assert_eq!(opens(&shop, &access).await, 200);
        tokens(&refresh(&shop, &token).await);
    }

    async fn guesses_made_at_once_do_not_slip_through_together(database) {
        let shop = TestShop::start(database).await;
        let client = shop.anonymous();
        let mut guesses = tokio::task::JoinSet::new();
        let client = std::sync::Arc::new(client);
        for _ in 0..30 {
            let client = std::sync::Arc::clone(&client);
            guesses.spawn(async move { guess(&client, "victim@example.com").await });
        }
        let statuses = guesses.join_all().await;
        assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10);
        assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 20);
    }

    async fn a_right_password_forgets_the_failures_before_it(database) {
        let shop = TestShop::start(database).await;
        let (identifier, password) = shop.tenant.admin.clone();
        let client = shop.anonymous();
        for _ in 0..3 {
            for _ in 0..9 {
                assert_eq!(guess(&client, &identifier).await, 401);
            }
            tokens(&client.log_in(&identifier, &password).await);
        }
    }

    async fn after_twenty_failures_an_address_is_paused_and_no_other(database) {
        let shop = TestShop::start(database).await;
        for number in 0..20 {
            assert_eq!(guess_from(&shop, number, "192.0.2.7:1000", &[]).await, 401);
        }
        assert_eq!(guess_from(&shop, 20, "192.0.2.7:2000", &[]).await, 429);
        assert_eq!(guess_from(&shop, 20, "192.0.2.8:1000", &[]).await, 401);
        // What a client says of itself is not believed.
        let spoofed = [("x-forwarded-for", "192.0.2.9"), (CALLER_HEADER, &"ab".repeat(32))];
        assert_eq!(guess_from(&shop, 21, "192.0.2.7:2000", &spoofed).await, 429);
    }

    async fn clients_behind_an_edge_are_told_apart_by_what_it_signs(database) {
        let shop = TestShop::start(database).await;
        let keys = SigningKeys::parse(EDGE_KEY).unwrap();
        let edge = "192.0.2.1:1000";
        for (client, expected) in [("198.51.100.1", 401), ("198.51.100.1", 429), ("198.51.100.2", 401)] {
            let hash = keys.hash_caller(client.parse().unwrap());
            let made = keys.sign_caller(shop.app.now(), &hash);
            let headers = [
                (CALLER_HEADER, hash.as_str()),
                (TIMESTAMP_HEADER, &made.timestamp),
                (SIGNATURE_HEADER, &made.signature),
            ];
            let guesses = if expected == 401 && client.ends_with(".1") { 20 } else { 1 };
            for number in 0..guesses {
                assert_eq!(guess_from(&shop, number, edge, &headers).await, expected, "{client}");
            }
        }
    }

    async fn a_failed_login_leaves_neither_identifier_nor_address(database) {
        let shop = TestShop::start(database).await;
        guess_from(&shop, 77, "192.0.2.7:1000", &[]).await;
        const SQL: &str = "SELECT subject FROM login_failures ORDER BY subject";
        let mut db = shop.app.db().read().await.unwrap();
        let rows: Vec<String> =
            footfall::on_db!(&mut db, |c| sqlx::query_scalar(SQL).fetch_all(c).await).during("test").unwrap();
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert!(rows.iter().all(|row| !row.contains("nobody77") && !row.contains("192.0.2.7")), "{rows:?}");
    }

    async fn what_is_forgotten_is_swept_away(database) {
        let shop = TestShop::start(database).await;
        guess_from(&shop, 1, "192.0.2.7:1000", &[]).await;
        shop.pass(15 * MINUTE_MS);
        log_in(&shop).await;
        assert_eq!(count(&shop, "SELECT COUNT(*) FROM login_failures").await, 0);
    }

    async fn what_has_ended_is_removed_and_a_used_token_is_kept_until_then(database) {
        let shop = TestShop::start(database).await;
        let day = 24 * 60 * MINUTE_MS;
        let (_, mut token) = log_in(&shop).await;
        for (wait, kept) in [(20 * day, 2), (20 * day, 2), (20 * day, 2), (9 * day, 3)] {
            shop.pass(wait);
            token = tokens(&refresh(&shop, &token).await).1;
            assert_eq!(count(&shop, "SELECT COUNT(*) FROM refresh_tokens").await, kept);
        }
        shop.pass(21 * day);
        log_in(&shop).await;
        assert_eq!(count(&shop, "SELECT COUNT(*) FROM logins").await, 1);
        assert_eq!(count(&shop, "SELECT COUNT(*) FROM refresh_tokens").await, 1);
    }

    async fn a_role_that_changes_counts_from_the_next_request(database) {
        let shop = TestShop::start(database).await;
        let analyst = shop.person(Role::Analyst).await;
        assert_eq!(analyst.get("/api/settings").await.status, 200);
        let owner = shop.admin();
        let users = owner.get("/api/users").await.expect(200)["data"]["users"].clone();
        let id = users.as_array().unwrap().iter().find(|user| user["role"] == "analyst").unwrap()["id"].clone();
        let path = format!("/api/users/{}", id.as_str().unwrap());
        let request = Request::patch(path).header("content-type", "application/json");
        owner.send(request, br#"{"role": "support"}"#.to_vec()).await.expect(200);
        assert_eq!(analyst.get("/api/settings").await.status, 403);
    }
}
