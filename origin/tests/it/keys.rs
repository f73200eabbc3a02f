//! A shop's keys and settings through the administration's routes, and what the edges are told of them.

use footfall_shared::keys::ApiKey;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Client, Credential, Reply, TestShop, on_both};

const HOUR_MS: i64 = 3_600_000;
const RESOLVE: &str = "/internal/shops/resolve";

async fn call(client: &Client, method: Method, path: &str, body: &Value) -> Reply {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    client.send(request, body.to_string().into_bytes()).await
}

/// Makes a key as the owner; its id and text.
async fn make(shop: &TestShop, body: Value) -> (String, String) {
    let made = shop.admin().post("/api/keys", &body).await.expect(201);
    let text = |name: &str| made["data"][name].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

async fn rotate(shop: &TestShop, id: &str, grace_s: i64) -> Reply {
    let path = format!("/api/keys/{id}/rotate");
    shop.admin()
        .post(&path, &json!({"grace_seconds": grace_s}))
        .await
}

async fn opens(shop: &TestShop, key: &str) -> u16 {
    let client = shop.client(Credential::Key(key.to_owned()));
    client.get("/api/events").await.status.as_u16()
}

/// What an edge learns of a key.
async fn resolved(shop: &TestShop, key: &str) -> Value {
    let hash = ApiKey::parse(key).unwrap().hash;
    shop.edge()
        .post(RESOLVE, &json!({"key_hash": hash}))
        .await
        .expect(200)["shop"]
        .clone()
}

on_both! {
    async fn a_key_is_shown_once_and_listed_without_its_text(database) {
        let shop = TestShop::start(database).await;
        let (id, key) = make(&shop, json!({"kind": "secret", "label": "export", "scopes": ["events:read"]})).await;
        assert_eq!(opens(&shop, &key).await, 200);
        let reply = shop.admin().get("/api/keys").await;
        assert!(!String::from_utf8_lossy(&reply.bytes).contains(&key[6..]));
        let keys = reply.expect(200)["data"]["keys"].clone();
        let listed = keys.as_array().unwrap().iter().find(|one| one["id"] == id.as_str()).unwrap();
        assert_eq!(listed["scopes"], json!(["events:read"]));
        assert_eq!(listed["label"], "export");
        assert_eq!(listed["live"], true);
        assert_eq!(reply.headers["cache-control"], "no-store");
    }

    async fn a_key_without_scopes_has_all(database) {
        let shop = TestShop::start(database).await;
        let (_, key) = make(&shop, json!({"kind": "secret", "label": "all"})).await;
        assert_eq!(resolved(&shop, &key).await["scopes"], json!(["*"]));
        assert_eq!(resolved(&shop, &shop.tenant.secret_key).await["scopes"], json!(["*"]));
    }

    async fn a_key_that_breaks_a_rule_is_refused_with_its_field(database) {
        let shop = TestShop::start(database).await;
        let wrong = [
            (json!({"kind": "secret", "label": "a", "scopes": ["moon:write"]}), "scopes[0]"),
            (json!({"kind": "secret", "label": "a", "scopes": ["users:write"]}), "scopes[0]"),
            (json!({"kind": "secret", "label": "a", "scopes": []}), "scopes"),
            (json!({"kind": "publishable", "label": "a", "scopes": ["events:read"]}), "scopes"),
            (json!({"kind": "golden", "label": "a"}), "kind"),
            (json!({"kind": "secret", "label": ""}), "label"),
            (json!({"kind": "secret"}), "label"),
        ];
        for (body, field) in wrong {
            let told = shop.admin().post("/api/keys", &body).await.expect(400);
            assert_eq!(told["error"]["details"][0]["field"], field, "{told}");
        }
    }

    async fn a_rotated_key_works_on_until_its_grace_is_over(database) {
        let shop = TestShop::start(database).await;
        let (id, old) = make(&shop, json!({"kind": "secret", "label": "a", "scopes": ["events:read"]})).await;
        let rotated = rotate(&shop, &id, 3600).await.expect(201)["data"].clone();
        let new = rotated["key"].as_str().unwrap();
        assert_eq!(rotated["scopes"], json!(["events:read"]));
        assert_eq!(rotated["replaces"]["expires_at"], "2026-11-24T13:00:00.000Z");
        shop.pass(HOUR_MS - 1);
        assert_eq!([opens(&shop, &old).await, opens(&shop, new).await], [200, 200]);
        shop.pass(1);
        assert_eq!([opens(&shop, &old).await, opens(&shop, new).await], [401, 200]);
        assert_eq!(resolved(&shop, &old).await, Value::Null);
    }

    async fn an_edge_learns_the_end_of_a_key_in_advance(database) {
        let shop = TestShop::start(database).await;
        let (id, old) = make(&shop, json!({"kind": "publishable", "label": "page"})).await;
        assert_eq!(resolved(&shop, &old).await["key_expires_at"], Value::Null);
        rotate(&shop, &id, 60).await.expect(201);
        let end = shop.app.now().plus(60_000).get();
        assert_eq!(resolved(&shop, &old).await["key_expires_at"], end);
    }

    async fn a_rotation_and_a_revocation_are_queued_for_the_edges(database) {
        let edges = [("FOOTFALL_EDGES", "http://127.0.0.1:9")];
        let shop = TestShop::start_with(database, footfall_shared::mode::Mode::Production, &edges).await;
        let (first, key) = make(&shop, json!({"kind": "secret", "label": "a"})).await;
        let (second, other) = make(&shop, json!({"kind": "secret", "label": "b"})).await;
        rotate(&shop, &first, 60).await.expect(201);
        call(&shop.admin(), Method::DELETE, &format!("/api/keys/{second}"), &Value::Null).await.expect(200);
        let mut expected = [key, other].map(|key| format!("key:{}", ApiKey::parse(&key).unwrap().hash));
        expected.sort_unstable();
        assert_eq!(queued(&shop).await, expected);
    }

    async fn a_key_is_rotated_once(database) {
        let shop = TestShop::start(database).await;
        let (id, _) = make(&shop, json!({"kind": "secret", "label": "a"})).await;
        rotate(&shop, &id, 60).await.expect(201);
        assert_eq!(rotate(&shop, &id, 60).await.expect(409)["error"]["code"], "CONFLICT");
        shop.pass(60_000);
        assert_eq!(rotate(&shop, &id, 60).await.expect(404)["error"]["code"], "NOT_FOUND");
    }

    async fn a_grace_out_of_bounds_is_refused_and_changes_nothing(database) {
        let shop = TestShop::start(database).await;
        let (id, key) = make(&shop, json!({"kind": "secret", "label": "a"})).await;
        for grace in [-1, 90 * 86_400 + 1, i64::MAX] {
            let told = rotate(&shop, &id, grace).await.expect(400);
            assert_eq!(told["error"]["details"][0]["field"], "grace_seconds", "{told}");
        }
        shop.pass(HOUR_MS);
        assert_eq!(opens(&shop, &key).await, 200);
        rotate(&shop, &id, 0).await.expect(201);
        assert_eq!(opens(&shop, &key).await, 401);
    }

    async fn a_revoked_key_opens_nothing(database) {
        let shop = TestShop::start(database).await;
        let (id, key) = make(&shop, json!({"kind": "secret", "label": "a"})).await;
        let path = format!("/api/keys/{id}");
        let owner = shop.admin();
        let told = call(&owner, Method::DELETE, &path, &Value::Null).await.expect(200);
        assert_eq!(told["data"]["live"], false);
        assert_eq!(opens(&shop, &key).await, 401);
        call(&owner, Method::DELETE, &path, &Value::Null).await.expect(404);
        rotate(&shop, &id, 60).await.expect(404);
        call(&owner, Method::DELETE, "/api/keys/none", &Value::Null).await.expect(404);
    }

    async fn settings_are_merged_and_the_edges_are_told(database) {
        let edges = [("FOOTFALL_EDGES", "http://127.0.0.1:9")];
        let shop = TestShop::start_with(database, footfall_shared::mode::Mode::Production, &edges).await;
        let owner = shop.admin();
        let before = owner.get("/api/settings").await.expect(200)["data"]["settings"].clone();
        let change = json!({"locale": "en", "allowed_origins": ["https://shop.example"]});
        let after = call(&owner, Method::PATCH, "/api/settings", &change).await.expect(200);
        let after = after["data"]["settings"].clone();
        assert_eq!(after["locale"], "en");
        assert_eq!(after["excluded_products"], before["excluded_products"]);
        assert_eq!(owner.get("/api/settings").await.expect(200)["data"]["settings"], after);
        // An edge is told those that it needs, and no others.
        let told = resolved(&shop, &shop.tenant.publishable_key).await["settings"].clone();
        let told = told.as_object().unwrap();
        assert!(told.iter().all(|(name, value)| after[name] == *value), "{told:?}");
        assert_eq!((&told["locale"], told.len()), (&json!("en"), 6));
        assert_eq!(queued(&shop).await.len(), 3, "both keys and the slug");
    }

    async fn a_wrong_setting_is_named_and_nothing_changes(database) {
        let shop = TestShop::start(database).await;
        let owner = shop.admin();
        let before = owner.get("/api/settings").await.expect(200)["data"]["settings"].clone();
        let wrong = [
            (json!({"locale": "en", "lokale": "en"}), "lokale"),
            (json!({"locale": "de"}), "locale"),
            (json!({"locale": "en", "allowed_origins": ["*"]}), "allowed_origins[0]"),
            (json!({"reveal_from": "anybody"}), "reveal_from"),
        ];
        for (change, field) in wrong {
            let told = call(&owner, Method::PATCH, "/api/settings", &change).await.expect(400);
            assert_eq!(told["error"]["details"][0]["field"], field, "{told}");
        }
        call(&owner, Method::PATCH, "/api/settings", &json!([])).await.expect(400);
        assert_eq!(owner.get("/api/settings").await.expect(200)["data"]["settings"], before);
    }

    async fn changes_of_settings_at_once_are_all_kept(database) {
        let shop = TestShop::start(database).await;
        let owner = shop.admin();
        let changes = [
            json!({"locale": "en"}),
            json!({"allowed_origins": ["https://shop.example"]}),
            json!({"trust_order_numbers": true}),
        ];
        let [one, two, three] = &changes;
        let (one, two, three) = tokio::join!(
            call(&owner, Method::PATCH, "/api/settings", one),
            call(&owner, Method::PATCH, "/api/settings", two),
            call(&owner, Method::PATCH, "/api/settings", three),
        );
        for reply in [one, two, three] {
            reply.expect(200);
        }
        let settings = owner.get("/api/settings").await.expect(200)["data"]["settings"].clone();
        for change in changes {
            for (name, value) in change.as_object().unwrap() {
                assert_eq!(&settings[name], value);
            }
        }
    }
}

/// What waits for the edges.
async fn queued(shop: &TestShop) -> Vec<String> {
    use footfall::db::During;
    const SQL: &str = "SELECT subject FROM edge_pushes ORDER BY subject";
    let mut db = shop.app.db().read().await.unwrap();
    let rows = footfall::on_db!(&mut db, |c| sqlx::query_scalar(SQL).fetch_all(c).await);
    rows.during("test").unwrap()
}
