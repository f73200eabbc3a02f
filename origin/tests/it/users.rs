//! A shop's people through the administration's routes.

use footfall::shops::Role;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestShop, on_both};

const PASSWORD: &str = "a long enough password";

async fn call(client: &Client, method: Method, path: &str, body: &Value) -> Reply {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    client.send(request, body.to_string().into_bytes()).await
}

/// Makes a user as the owner; its path.
async fn make(shop: &TestShop, identifier: &str, role: &str) -> String {
    let body = json!({"identifier": identifier, "password": PASSWORD, "role": role});
    let made = shop.admin().post("/api/users", &body).await.expect(201);
    format!("/api/users/{}", made["data"]["id"].as_str().unwrap())
}

/// The path of the owner whom every test shop has.
async fn first_owner(shop: &TestShop) -> String {
    let users = shop.admin().get("/api/users").await.expect(200)["data"]["users"].clone();
    format!("/api/users/{}", users[0]["id"].as_str().unwrap())
}

on_both! {
    async fn a_made_user_logs_in_and_is_listed_without_a_password(database) {
        let shop = TestShop::start(database).await;
        make(&shop, "ada@demo.example", "analyst").await;
        shop.anonymous().log_in("ada@demo.example", PASSWORD).await.expect(200);
        let reply = shop.admin().get("/api/users").await;
        let text = String::from_utf8_lossy(&reply.bytes).into_owned();
        assert!(!text.contains(PASSWORD) && !text.contains("argon2"), "{text}");
        let users = reply.expect(200)["data"]["users"].clone();
        assert_eq!(users.as_array().unwrap().len(), 2);
        let ada = users.as_array().unwrap().iter().find(|user| user["role"] == "analyst").unwrap();
        assert_eq!(ada["identifier"], "ada@demo.example");
    }

    async fn what_breaks_a_rule_is_refused_with_its_field(database) {
        let shop = TestShop::start(database).await;
        let owner = shop.admin();
        let wrong = [
            (json!({"identifier": "a", "password": "short", "role": "admin"}), "password"),
            (json!({"identifier": "a", "password": PASSWORD, "role": "king"}), "role"),
            (json!({"identifier": "a:b", "password": PASSWORD, "role": "admin"}), "identifier"),
            (json!({"identifier": "", "password": PASSWORD, "role": "admin"}), "identifier"),
            (json!({"identifier": "a", "password": PASSWORD}), "role"),
        ];
        for (body, field) in wrong {
            let told = owner.post("/api/users", &body).await.expect(400);
            assert_eq!(told["error"]["details"][0]["field"], field, "{told}");
        }
        let taken = json!({"identifier": shop.tenant.admin.0, "password": PASSWORD, "role": "admin"});
        assert_eq!(owner.post("/api/users", &taken).await.expect(409)["error"]["code"], "CONFLICT");
    }

    async fn a_new_password_ends_every_login(database) {
        let shop = TestShop::start(database).await;
        let path = make(&shop, "ada@demo.example", "analyst").await;
        let tokens = shop.anonymous().log_in("ada@demo.example", PASSWORD).await.expect(200);
        let change = json!({"password": "another long password"});
        call(&shop.admin(), Method::PATCH, &path, &change).await.expect(200);
        let body = json!({"refresh_token": tokens["data"]["refresh_token"]});
        shop.anonymous().post("/api/auth/refresh", &body).await.expect(401);
        shop.anonymous().log_in("ada@demo.example", PASSWORD).await.expect(401);
        shop.anonymous().log_in("ada@demo.example", "another long password").await.expect(200);
    }

    async fn who_is_removed_is_out_at_once(database) {
        let shop = TestShop::start(database).await;
        let analyst = shop.person(Role::Analyst).await;
        analyst.get("/api/events").await.expect(200);
        let users = shop.admin().get("/api/users").await.expect(200)["data"]["users"].clone();
        let found = users.as_array().unwrap().iter().find(|user| user["role"] == "analyst").unwrap();
        let path = format!("/api/users/{}", found["id"].as_str().unwrap());
        call(&shop.admin(), Method::DELETE, &path, &Value::Null).await.expect(200);
        analyst.get("/api/events").await.expect_error(401, "unauthorized");
        call(&shop.admin(), Method::DELETE, &path, &Value::Null).await.expect(404);
    }

    async fn the_last_owner_can_neither_be_removed_nor_become_less(database) {
        let shop = TestShop::start(database).await;
        let (owner, path) = (shop.admin(), first_owner(&shop).await);
        let less = json!({"role": "admin"});
        let told = call(&owner, Method::PATCH, &path, &less).await.expect(409);
        assert_eq!(told["error"]["code"], "CONFLICT");
        call(&owner, Method::DELETE, &path, &Value::Null).await.expect(409);
        make(&shop, "second@demo.example", "owner").await;
        call(&owner, Method::PATCH, &path, &less).await.expect(200);
    }

    async fn two_owners_who_make_each_other_less_at_once_do_not_both_succeed(database) {
        let shop = TestShop::start(database).await;
        let first = first_owner(&shop).await;
        let second = make(&shop, "second@demo.example", "owner").await;
        let less = json!({"role": "support"});
        let (one, two) = (shop.admin(), shop.person_of("second@demo.example", PASSWORD).await);
        let (one, two) = tokio::join!(
            call(&one, Method::PATCH, &second, &less),
            call(&two, Method::PATCH, &first, &less),
        );
        let succeeded = [one, two].iter().filter(|reply| reply.status == 200).count();
        assert_eq!(succeeded, 1);
    }

    async fn another_shops_user_is_not_found(database) {
        let shop = TestShop::start(database).await;
        let neighbour = shop.neighbour().await;
        let path = make(&shop, "ada@demo.example", "analyst").await;
        let stranger = shop.person_of(&neighbour.admin.0, &neighbour.admin.1).await;
        call(&stranger, Method::PATCH, &path, &json!({"role": "owner"})).await.expect(404);
        call(&stranger, Method::DELETE, &path, &Value::Null).await.expect(404);
        shop.anonymous().log_in("ada@demo.example", PASSWORD).await.expect(200);
    }
}
