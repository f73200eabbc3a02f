//! The boundary: bad input of every kind gets the contract's envelope, and the next request is served.

use axum::body::Body;
use footfall_shared::mode::Mode;
use footfall_shared::wire::internal::path::RESOLVE_SHOP;
use http::Request;
use serde_json::json;

use crate::support::{Credential, TestShop, on_both};

on_both! {
    async fn what_no_handler_answers_has_the_envelope_too(database) {
        let shop = TestShop::start(database).await;
        let client = shop.anonymous();
        client.get("/nowhere").await.expect_error(404, "not_found");
        let reply = client.send(Request::delete("/health"), Vec::new()).await;
        reply.expect_error(405, "method_not_allowed");
        assert_eq!(reply.headers["allow"], "GET,HEAD");
    }

    async fn a_bad_body_gets_its_own_4xx_and_the_next_request_is_served(database) {
        let shop = TestShop::start(database).await;
        let edge = shop.edge();
        let cases: [(&[u8], &str); 7] = [
            (b"", "invalid_request"),
            (b"not json", "invalid_request"),
            (b"{\"slug\":5}", "invalid_request"),
            (b"{\"other\":\"demo\"}", "invalid_request"),
            (b"{\"slug\":\"a\\u0000\"}", "invalid_request"),
            (b"{\"slug\":\"\\ud800\"}", "invalid_request"),
            (b"{\"slug\":\"\xff\"}", "invalid_request"),
        ];
        for (body, code) in cases {
            edge.post_bytes(RESOLVE_SHOP, body.to_vec()).await.expect_error(400, code);
        }
        edge.post(RESOLVE_SHOP, &json!({"slug": "demo"})).await.expect(200);
    }

    async fn a_body_that_is_not_called_json_is_a_415(database) {
        let shop = TestShop::start(database).await;
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
            let request = Request::post(RESOLVE_SHOP).header("content-type", content_type);
            let reply = shop.edge().send(request, b"{\"slug\":\"demo\"}".to_vec()).await;
            reply.expect_error(415, "unsupported_media_type");
        }
        let request = Request::post(RESOLVE_SHOP).header("content-type", "Application/JSON; charset=utf-8");
        shop.edge().send(request, b"{\"slug\":\"demo\"}".to_vec()).await.expect(200);
    }

    async fn a_body_over_its_limit_is_a_413(database) {
        let shop = TestShop::start(database).await;
        let body = vec![b' '; 8 * 1024 * 1024 + 1];
        shop.edge().post_bytes(RESOLVE_SHOP, body).await.expect_error(413, "body_too_large");
    }

    async fn a_request_id_runs_through_and_a_wild_one_is_replaced(database) {
        let shop = TestShop::start(database).await;
        let ask = async |id: &str| {
            let request = Request::get("/health").header("x-request-id", id);
            let reply = shop.anonymous().send(request, Vec::new()).await;
            reply.headers["x-request-id"].to_str().unwrap().to_owned()
        };
        assert_eq!(ask("order-17_a").await, "order-17_a");
        for wild in ["", "a b", "<script>", &"a".repeat(65)] {
            let made = ask(wild).await;
            assert_ne!(made, wild);
            assert!(made.starts_with("req_"), "{made}");
        }
        assert_ne!(ask("").await, ask("").await);
    }

    async fn a_ready_origin_says_so_and_names_its_database(database) {
        let shop = TestShop::start(database).await;
        let body = shop.anonymous().get("/ready").await.expect(200);
        assert_eq!(body["database"], shop.app.config().database_url.engine());
        assert_eq!(shop.anonymous().get("/health").await.expect(200)["status"], "ok");
    }

    async fn an_origin_whose_database_is_gone_lives_but_is_not_ready(database) {
        let shop = TestShop::start(database).await;
        shop.app.db().close().await;
        shop.anonymous().get("/health").await.expect(200);
        let reply = shop.anonymous().get("/ready").await;
        reply.expect_error(503, "unavailable");
        assert!(reply.headers.contains_key("retry-after"));
    }

    async fn the_document_and_its_page_need_no_other_site(database) {
        let shop = TestShop::start_in(database, Mode::Development).await;
        let document = shop.anonymous().get("/openapi.json").await.expect(200);
        assert_eq!(document["openapi"], "3.1.0");
        assert!(document["paths"]["/health"]["get"].is_object());
        let page = shop.anonymous().get("/docs/").await;
        assert_eq!(page.status, 200);
        let text = String::from_utf8(page.bytes).unwrap();
        assert!(!text.contains("https://"), "{text}");
    }
}

#[tokio::test]
async fn a_panic_is_a_500_in_the_envelope_and_the_next_request_is_served() {
    use tower::ServiceExt;
    let panics = axum::Router::new()
        .route(
            "/panic",
            axum::routing::get(|| async { panic!("on purpose") as &'static str }),
        )
        .route("/fine", axum::routing::get(|| async { "fine" }));
    let router = footfall::http::middleware::surround(panics, std::sync::Arc::default());
    let ask = |path: &str| {
        router
            .clone()
            .oneshot(Request::get(path).body(Body::empty()).unwrap())
    };
    let response = ask("/panic").await.unwrap();
    assert_eq!(response.status(), 500);
    assert!(response.headers().contains_key("x-request-id"));
    let body = axum::body::to_bytes(response.into_body(), 1 << 16)
        .await
        .unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body,
        json!({"success": false, "code": "internal_error", "message": "Internal server error"})
    );
    assert_eq!(ask("/fine").await.unwrap().status(), 200);
}

on_both! {
    async fn a_signed_call_is_refused_when_anything_about_it_is_wrong(database) {
        let shop = TestShop::start(database).await;
        let body = json!({"slug": "demo"});
        for credential in [
            Credential::None,
            Credential::Key(shop.tenant.secret_key.clone()),
            Credential::Edge("another-key-of-somebody-else-0123456789".into()),
        ] {
            shop.client(credential).post(RESOLVE_SHOP, &body).await.expect_error(401, "unauthorized");
        }
        let stale = footfall_shared::signing::SigningKeys::parse(crate::support::EDGE_KEY).unwrap();
        let made = stale.sign(shop.app.now().plus(-301_000), RESOLVE_SHOP, b"{}");
        let request = Request::post(RESOLVE_SHOP)
            .header("content-type", "application/json")
            .header("x-footfall-timestamp", made.timestamp)
            .header("x-footfall-signature", made.signature);
        shop.anonymous().send(request, b"{}".to_vec()).await.expect_error(401, "unauthorized");
    }

    async fn an_edge_learns_of_a_shop_by_its_key_or_slug_and_of_nothing_by_another(database) {
        let shop = TestShop::start(database).await;
        let key = footfall_shared::keys::ApiKey::parse(&shop.tenant.publishable_key).unwrap();
        let by_key = shop.edge().post(RESOLVE_SHOP, &json!({"key_hash": key.hash})).await.expect(200);
        assert_eq!(by_key["shop"]["shop"], shop.shop().id.as_str());
        assert_eq!(by_key["shop"]["key"], "publishable");
        let by_slug = shop.edge().post(RESOLVE_SHOP, &json!({"slug": "demo"})).await.expect(200);
        assert_eq!(by_slug["shop"]["key"], serde_json::Value::Null);
        let unknown = shop.edge().post(RESOLVE_SHOP, &json!({"slug": "nobody"})).await.expect(200);
        assert_eq!(unknown, json!({"shop": null}));
    }
}
