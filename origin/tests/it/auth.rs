//! Who may do what: each extractor against each credential, in both modes.

use axum::Router;
use axum::routing::get;
use footfall::app::App;
use footfall::auth::{OpenShop, PublishableShop, SecretOrAdminShop, SecretShop};
use footfall::http::middleware::surround;
use footfall_shared::id::KeyId;
use footfall_shared::mode::Mode;
use http::Request;

use crate::support::{Client, Credential, TestShop, on_both};

/// One route for each extractor; it answers the shop's id.
fn doors(app: &App) -> Router {
    let router = Router::new()
        .route(
            "/publishable",
            get(|shop: PublishableShop| async move { shop.0.id.to_string() }),
        )
        .route(
            "/secret",
            get(|shop: SecretShop| async move { shop.0.id.to_string() }),
        )
        .route(
            "/admin",
            get(|shop: SecretOrAdminShop| async move { shop.0.id.to_string() }),
        )
        .route(
            "/open",
            get(|shop: OpenShop| async move { shop.0.id.to_string() }),
        );
    surround(router.with_state(app.clone()), app.metrics().clone())
}

async fn statuses(shop: &TestShop, credential: Credential) -> [u16; 4] {
    let client = Client::new(doors(&shop.app), shop.app.clone(), credential);
    let mut statuses = [0; 4];
    for (status, door) in statuses
        .iter_mut()
        .zip(["/publishable", "/secret", "/admin", "/open"])
    {
        let reply = client.get(door).await;
        if reply.status == 200 {
            assert_eq!(
                reply.bytes,
                shop.shop().id.as_str().as_bytes(),
                "the caller's own shop"
            );
        } else {
            assert_eq!(reply.json()["success"], false);
        }
        *status = reply.status.as_u16();
    }
    statuses
}

fn credentials(shop: &TestShop) -> [Credential; 4] {
    let (identifier, password) = shop.tenant.admin.clone();
    [
        Credential::None,
        Credential::Key(shop.tenant.publishable_key.clone()),
        Credential::Key(shop.tenant.secret_key.clone()),
        Credential::Login(identifier, password),
    ]
}

on_both! {
    async fn in_production_each_door_opens_to_its_credential_only(database) {
        let shop = TestShop::start(database).await;
        let expected = [[401; 4], [200, 403, 403, 403], [200; 4], [403, 403, 200, 200]];
        for (credential, expected) in credentials(&shop).into_iter().zip(expected) {
            assert_eq!(statuses(&shop, credential.clone()).await, expected, "{credential:?}");
        }
    }

    async fn in_development_only_the_contracts_own_routes_are_open(database) {
        let shop = TestShop::start_in(database, Mode::Development).await;
        let expected =
            [[401, 401, 401, 200], [200, 403, 403, 200], [200; 4], [403, 403, 200, 200]];
        for (credential, expected) in credentials(&shop).into_iter().zip(expected) {
            assert_eq!(statuses(&shop, credential.clone()).await, expected, "{credential:?}");
        }
    }

    async fn a_wrong_credential_is_refused_even_where_none_is_needed(database) {
        let shop = TestShop::start_in(database, Mode::Development).await;
        let (identifier, password) = shop.tenant.admin.clone();
        for wrong in [
            Credential::Key("ff_sk_ffffffffffffffffffffffffffffffffffffffff".into()),
            Credential::Key("no key at all".into()),
            // The prefix says secret, the stored key is publishable.
            Credential::Key(shop.tenant.publishable_key.replace("ff_pk_", "ff_sk_")),
            Credential::Login(identifier.clone(), "wrong password".into()),
            Credential::Login(identifier.to_uppercase(), password.clone()),
            Credential::Login("nobody@example.com".into(), password),
            Credential::Login(identifier, String::new()),
        ] {
            assert_eq!(statuses(&shop, wrong.clone()).await, [401; 4], "{wrong:?}");
        }
    }

    async fn a_revoked_key_opens_nothing(database) {
        let shop = TestShop::start(database).await;
        let mut tx = shop.app.db().begin().await.unwrap();
        let keys = footfall::shops::list_keys(&mut tx, &shop.shop().id).await.unwrap();
        let secret = keys.iter().find(|key| key.kind == "secret").unwrap();
        let id = KeyId::parse(&secret.id).unwrap();
        let revoke = footfall::shops::create::revoke_key;
        assert!(revoke(&mut tx, &shop.shop().id, &id, shop.app.now()).await.unwrap().is_some());
        assert!(revoke(&mut tx, &shop.shop().id, &id, shop.app.now()).await.unwrap().is_none());
        tx.commit().await.unwrap();
        let credential = Credential::Key(shop.tenant.secret_key.clone());
        assert_eq!(statuses(&shop, credential).await, [401; 4]);
    }

    async fn another_shops_key_cannot_be_revoked(database) {
        let shop = TestShop::start(database).await;
        let neighbour = shop.neighbour().await;
        let mut tx = shop.app.db().begin().await.unwrap();
        let theirs = footfall::shops::list_keys(&mut tx, &neighbour.shop.id).await.unwrap();
        let id = KeyId::parse(&theirs[0].id).unwrap();
        let now = shop.app.now();
        let revoked = footfall::shops::create::revoke_key(&mut tx, &shop.shop().id, &id, now).await;
        assert_eq!(revoked.unwrap(), None);
    }

    async fn a_refusal_says_how_to_prove_oneself_and_nothing_of_the_credential(database) {
        let shop = TestShop::start(database).await;
        let client = Client::new(doors(&shop.app), shop.app.clone(), Credential::None);
        let request = Request::get("/secret").header("x-api-key", "ff_sk_very-secret-text");
        let reply = client.send(request, Vec::new()).await;
        reply.expect_error(401, "unauthorized");
        assert!(reply.headers.contains_key("www-authenticate"));
        assert!(!String::from_utf8_lossy(&reply.bytes).contains("very-secret"));
    }
}
