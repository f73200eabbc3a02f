use footfall_edge::memory::request;
use serde_json::json;

use crate::support::{EMAIL, World, post, publishable};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What the origin was told of the trace in each call.
fn told(world: &World) -> Vec<Option<String>> {
    let asked = world.edge.origin.asked.borrow();
    let told = asked.iter().map(|sent| {
        for name in ["tracestate", "baggage"] {
            assert!(!sent.headers.contains_key(name), "{name}");
        }
        let parent = sent.headers.get("traceparent")?;
        Some(parent.to_str().unwrap().to_owned())
    });
    told.collect()
}

/// Calls that ask the origin: signed questions on a miss, and one that is passed on.
fn ask(parent: Option<&str>) -> Vec<Option<String>> {
    let world = World::production();
    let bundle = format!("/api/intelligence/bundle?customer_email={EMAIL}");
    let mut calls = [
        request("GET", &bundle),
        post("/api/orders", json!({"orders": []}).to_string().into()),
    ];
    for call in &mut calls {
        let key = format!("Bearer {}", publishable());
        call.headers.insert("authorization", key.parse().unwrap());
        call.headers.insert("tracestate", "a=b".parse().unwrap());
        call.headers.insert("baggage", "email=a".parse().unwrap());
        if let Some(parent) = parent {
            call.headers.insert("traceparent", parent.parse().unwrap());
        }
    }
    for call in calls {
        world.send(call);
    }
    told(&world)
}

#[test]
fn every_call_to_the_origin_belongs_to_the_trace_of_its_request() {
    let told = ask(Some(PARENT));
    assert!(told.len() >= 2, "{told:?}");
    assert!(
        told.iter().all(|told| told.as_deref() == Some(PARENT)),
        "{told:?}"
    );
}

#[test]
fn what_is_no_parent_is_not_passed_on() {
    let wild = PARENT.replace("4bf9", "shop");
    for parent in [None, Some(wild.as_str())] {
        let told = ask(parent);
        assert!(told.len() >= 2, "{told:?}");
        assert!(told.iter().all(Option::is_none), "{told:?}");
    }
}
