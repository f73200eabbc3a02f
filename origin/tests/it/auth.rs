//! Who may do what: each kind of credential, each role and each scope against the routes.

use footfall::shops::Role;
use footfall_shared::mode::Mode;
use footfall_shared::permission::{Permission, Scopes, needed};
use http::Request;
use serde_json::json;

use crate::support::{Credential, Door, TestShop, doors, on_both};

/// Routes that ask nobody who they are: health, files, and what proves itself by its body.
const OPEN: [(&str, &str); 9] = [
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/t.js"),
    ("GET", "/demo/"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/refresh"),
    ("POST", "/api/auth/logout"),
    // The operator's own token, or development.
    ("GET", "/metrics"),
    ("POST", "/webhooks/woocommerce/{shop}"),
];
/// Routes that only a secret key gets through, whatever the role.
const SERVERS_ONLY: [&str; 1] = ["/api/orders"];
/// Routes that only people get through, whatever the scope.
const PEOPLE_ONLY: [&str; 4] = [
    "/api/keys",
    "/api/keys/{id}",
    "/api/keys/{id}/rotate",
    "/api/users",
];

/// One route for each extractor: a server's, a server's or a person's, the contract's open ones, a person's.
async fn statuses(shop: &TestShop, credential: Credential) -> [u16; 4] {
    let client = shop.client(credential);
    let profile = "/wp-json/wg/v1/intelligence/profile?customer_email=nobody@example.com";
    let replies = [
        client.post("/api/orders", &json!({"orders": []})).await,
        client.get("/api/events").await,
        client.get(profile).await,
        client.get("/api/keys").await,
    ];
    replies.map(|reply| {
        if reply.status != 200 {
            assert_eq!(reply.json()["success"], false);
        }
        reply.status.as_u16()
    })
}

fn credentials(shop: &TestShop) -> [Credential; 5] {
    let (identifier, password) = shop.tenant.admin.clone();
    [
        Credential::None,
        Credential::Key(shop.tenant.publishable_key.clone()),
        Credential::Key(shop.tenant.secret_key.clone()),
        Credential::Login(identifier.clone(), password.clone()),
        Credential::Basic(identifier, password),
    ]
}

/// The routes of the document that the origin asks a credential for.
fn guarded() -> Vec<(Door, &'static [Permission])> {
    let served = |door: &Door| {
        let edge = ["/v1/", "/api/intelligence/", "/api/journey/"];
        let by_edge = edge.iter().any(|start| door.path.starts_with(start));
        // Both tell how a session stands; the others are the origin's.
        let own = ["/state", "/content", "/model", "/funnel", "/cohorts"];
        !by_edge || own.iter().any(|end| door.path.ends_with(end))
    };
    let doors = doors().into_iter().filter(served);
    let guarded = doors.filter_map(|door| {
        let needed = needed(&door.method, &door.path)?;
        Some((door, needed))
    });
    guarded.collect()
}

#[test]
fn every_documented_route_is_in_the_table_of_permissions_or_known_to_be_open() {
    for Door { method, path, .. } in doors() {
        let open = OPEN.contains(&(method.as_str(), path.as_str()));
        let known = needed(&method, &path).is_some();
        assert!(
            open != known,
            "{method} {path}: say in the table what it needs"
        );
    }
    for (method, path) in OPEN {
        let documented = doors()
            .iter()
            .any(|door| door.method == method && door.path == path);
        assert!(documented, "{method} {path} is gone");
    }
}

on_both! {
    async fn in_production_each_door_opens_to_its_credential_only(database) {
        let shop = TestShop::start(database).await;
        let expected =
            [[401; 4], [403; 4], [200, 200, 404, 403], [403, 200, 404, 200], [401; 4]];
        for (credential, expected) in credentials(&shop).into_iter().zip(expected) {
            assert_eq!(statuses(&shop, credential.clone()).await, expected, "{credential:?}");
        }
    }

    async fn in_development_only_the_contracts_own_routes_are_open(database) {
        let shop = TestShop::start_in(database, Mode::Development).await;
        let expected = [
            [401, 401, 404, 401],
            [403, 403, 404, 403],
            [200, 200, 404, 403],
            [403, 200, 404, 200],
            [403, 200, 404, 200],
        ];
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
            Credential::Basic(identifier.clone(), "wrong password".into()),
            Credential::Basic(identifier.to_uppercase(), password.clone()),
            Credential::Basic("nobody@example.com".into(), password),
            Credential::Basic(identifier, String::new()),
            Credential::Token("a.b.c".into()),
        ] {
            assert_eq!(statuses(&shop, wrong.clone()).await, [401; 4], "{wrong:?}");
        }
    }

    async fn each_role_gets_what_the_table_says(database) {
        let shop = TestShop::start(database).await;
        for role in Role::ALL {
            let person = shop.person(role).await;
            for (door, needed) in guarded() {
                let may = needed.iter().all(|one| role.may(*one)) && !SERVERS_ONLY.contains(&door.path.as_str());
                let status = door.knock_as_shown(&person).await.status.as_u16();
                let about = format!("{} {} as {}: {status}", door.method, door.path, role.as_str());
                assert_eq!(status == 403, !may, "{about}");
                assert!(status != 401 && status < 500, "{about}");
            }
        }
    }

    async fn each_key_gets_what_its_scopes_name(database) {
        let shop = TestShop::start(database).await;
        let names = Scopes::names().map(|name| vec![name]).chain([vec!["*"]]);
        for names in names {
            let scopes = Scopes::parse("scopes", &names).unwrap();
            let server = shop.scoped(scopes).await;
            for (door, needed) in guarded() {
                let people = PEOPLE_ONLY.contains(&door.path.as_str()) || door.path.starts_with("/api/users");
                let may = needed.iter().all(|one| scopes.allow(*one)) && !people;
                let status = door.knock_as_shown(&server).await.status.as_u16();
                let about = format!("{} {} with {names:?}: {status}", door.method, door.path);
                assert_eq!(status == 403, !may, "{about}");
                assert!(status != 401 && status < 500, "{about}");
            }
        }
    }

    async fn a_refusal_names_what_is_missing(database) {
        let shop = TestShop::start(database).await;
        let server = shop.scoped(Scopes::parse("scopes", &["orders:write"]).unwrap()).await;
        let told = server.get("/api/events").await.expect_error(403, "forbidden");
        assert_eq!(told["message"], "This needs events:read");
    }

    async fn a_refusal_says_how_to_prove_oneself_and_nothing_of_the_credential(database) {
        let shop = TestShop::start(database).await;
        let request = Request::get("/api/events").header("x-api-key", "ff_sk_very-secret-text");
        let reply = shop.anonymous().send(request, Vec::new()).await;
        reply.expect_error(401, "unauthorized");
        assert!(reply.headers.contains_key("www-authenticate"));
        assert!(!String::from_utf8_lossy(&reply.bytes).contains("very-secret"));
    }
}
