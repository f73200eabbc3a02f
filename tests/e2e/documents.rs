//! The OpenAPI document, the page that shows it, and the files that pages load.

use http::Method;
use serde_json::Value;

use crate::support::measured;
use crate::support::world::World;

/// Routes that the edge component serves itself; the document describes them beside the origin's.
const AT_EDGE: [&str; 11] = [
    "/api/intelligence/",
    "/api/journey/sessions/start",
    "/api/journey/sessions/link",
    "/api/journey/sessions/{session_id}/stage",
    "/api/journey/touchpoints/",
    "/api/journey/conversions/",
    "/api/journey/optimize",
    "/api/journey/recommendations/{session_id}",
    "/v1/",
    "/t.js",
    "/demo",
];
/// Routes that no edge passes on: they are for whoever runs the origin, and for the shop's people.
const AT_ORIGIN: [&str; 9] = [
    "/metrics",
    "/analytics/",
    "/dashboard/",
    "/models/",
    "/realtime/",
    "/recommendations/",
    "/sentiment/",
    "/users/",
    "/ws/",
];

#[test]
fn every_documented_path_is_a_route() {
    let world = World::shared();
    let document = world.stranger().get("/openapi.json").expect(200);
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        document["openapi"]
    );
    let mut count = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let concrete = path.replace(['{', '}'], "");
        for method in operations.as_object().unwrap().keys() {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else {
                continue;
            };
            let at_edge = AT_EDGE.iter().any(|start| path.starts_with(start));
            let at_origin = AT_ORIGIN.iter().any(|start| path.starts_with(start));
            let mut targets = Vec::new();
            targets.extend((!at_origin).then(|| world.edge()));
            targets.extend((!at_edge).then(|| world.origin()));
            for target in targets {
                let answer = target.call(method.clone(), &concrete).send();
                let unknown = answer.status == 404 && answer.text().contains("\"not_found\"");
                assert!(
                    !unknown && answer.status != 405,
                    "{method} {path}: {}",
                    answer.text()
                );
                count += 1;
            }
        }
    }
    measured(format_args!("{count} documented operations answer"));
    for path in AT_ORIGIN {
        assert_eq!(world.edge().get(path).send().status, 404, "{path}");
    }
}

#[test]
fn the_document_tells_every_route_of_the_contract() {
    let document = World::shared().edge().get("/openapi.json").expect(200);
    let paths = document["paths"].as_object().unwrap();
    for path in [
        "/wp-json/wg/v1/intelligence/profile",
        "/wp-json/wg/v1/intelligence/recalculate",
        "/wp-json/wg/v1/intelligence/bundle",
        "/wp-json/wg/v1/intelligence/bundle-status",
        "/api/intelligence/track-customer",
        "/api/intelligence/bundle",
        "/api/intelligence/recommendations",
        "/api/v1/customers",
        "/api/v1/customers/{id}",
        "/api/v1/customers/{id}/interactions",
        "/api/audit",
        "/api/privacy/consent",
        "/api/privacy/export",
        "/api/privacy/subject",
        "/api/intelligence/bundle-status-update",
        "/v1/batch",
        "/api/orders",
        "/api/events",
        "/webhooks/woocommerce/{shop}",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
    assert_ne!(document["info"]["license"], Value::Null);
    assert!(
        !document.to_string().contains("/internal/"),
        "signed routes are nobody else's business"
    );
}

/// The values of `src` and `href` in a page.
fn links(html: &str) -> Vec<String> {
    let parts = ["src=\"", "href=\""]
        .into_iter()
        .flat_map(|start| html.split(start).skip(1));
    parts
        .filter_map(|rest| rest.split('"').next().map(str::to_owned))
        .collect()
}

#[test]
fn the_docs_page_needs_no_other_site() {
    let world = World::shared();
    for target in [world.stranger(), world.edge()] {
        let page = target.get("/docs/").send();
        assert_eq!(page.status, 200, "{}", page.text());
        let html = page.text();
        assert!(
            !html.contains("http://") && !html.contains("https://") && !html.contains("\"//"),
            "{html}"
        );
        let links = links(&html);
        assert!(links.iter().any(|link| link.ends_with(".js")), "{html}");
        for link in links {
            let path = format!("/docs/{}", link.trim_start_matches("./"));
            assert_eq!(target.get(&path).send().status, 200, "{path}");
        }
    }
}

#[test]
fn the_tracker_is_cached_long_and_asked_again_by_its_tag() {
    let edge = World::shared().edge();
    let script = edge.get("/t.js").send();
    assert_eq!(script.status, 200);
    assert!(
        script.header("cache-control").contains("max-age"),
        "{}",
        script.header("cache-control")
    );
    assert!(script.header("content-type").contains("javascript"));
    let tag = script.header("etag").to_owned();
    let again = edge.get("/t.js").header("if-none-match", &tag).send();
    assert_eq!((again.status, again.text().as_str()), (304, ""), "{tag}");
}

#[test]
fn the_demo_shop_needs_no_other_site() {
    let page = World::shared().edge().get("/demo/").send();
    assert_eq!(page.status, 200);
    let other: Vec<_> = links(&page.text())
        .into_iter()
        .filter(|link| link.contains("//"))
        .collect();
    // The icon is an inline drawing, whose name space is no address that is loaded.
    assert!(
        other.iter().all(|link| link.starts_with("data:")),
        "{other:?}"
    );
}

#[test]
fn a_request_id_runs_from_the_edge_through_to_the_reply() {
    let world = World::shared();
    for path in ["/health", "/ready", "/api/intelligence/bundle", "/nowhere"] {
        let answer = world
            .edge()
            .get(path)
            .header("x-request-id", "my-own-id-7")
            .send();
        assert_eq!(answer.header("x-request-id"), "my-own-id-7", "{path}");
        let wild = world
            .edge()
            .get(path)
            .header("x-request-id", "a b/../c")
            .send();
        let id = wild.header("x-request-id");
        assert!(!id.is_empty() && !id.contains(' '), "{path}: {id}");
        assert_ne!(wild.header("server-timing"), "", "{path}");
    }
}
