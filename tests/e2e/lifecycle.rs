//! How the process tree starts, tells what it is, and ends.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::main_job::offer_at_edge;
use crate::support::deployment::only_on_the_host;
use crate::support::measured;
use crate::support::process::{assert_all_end, footfall, runs};
use crate::support::shop::{new_shopper, send_history};
use crate::support::world::{Home, World};

/// A second start is quick: seconds, on a machine that runs tests beside it.
const SECOND_START: Duration = Duration::from_secs(10);
const STOP: Duration = Duration::from_secs(10);

#[test]
fn dev_json_has_exactly_the_promised_fields() {
    if only_on_the_host("`footfall dev` runs no other edge") {
        return;
    }
    let world = World::shared();
    let told = world.dev_json().unwrap();
    let kinds = |value: &Value| match value {
        Value::Object(fields) => fields.keys().cloned().collect::<Vec<_>>().join(" "),
        Value::String(text) if !text.is_empty() => "text".to_owned(),
        other => other.to_string(),
    };
    assert_eq!(
        kinds(&told),
        "admin edge mode origin pids publishable_key sample_customer_email sample_user_id secret_key"
    );
    assert_eq!(kinds(&told["admin"]), "identifier password");
    assert_eq!(kinds(&told["pids"]), "edge origin");
    assert_eq!(told["mode"], "development");
    for name in [
        "edge",
        "origin",
        "publishable_key",
        "secret_key",
        "sample_customer_email",
        "sample_user_id",
    ] {
        assert_eq!(kinds(&told[name]), "text", "{name}");
    }
    for name in ["edge", "origin"] {
        assert!(!told[name].as_str().unwrap().ends_with('/'), "{told}");
        assert!(
            runs(u32::try_from(told["pids"][name].as_u64().unwrap()).unwrap()),
            "{name}"
        );
    }
}

#[test]
fn what_dev_json_tells_opens_the_doors() {
    let (world, report) = (World::shared(), World::shared().report());
    world.origin().get("/api/events?limit=1").expect(200);
    let admin = world.stranger().get("/api/events?limit=1");
    admin
        .basic(&report.admin.identifier, &report.admin.password)
        .expect(200);
    let track = json!({"event": "Opened", "anonymousId": "a"});
    world
        .edge()
        .with(&report.publishable_key)
        .post("/v1/track", &track)
        .expect(200);
    let path = format!(
        "/wp-json/wg/v1/intelligence/profile?customer_email={}",
        report.sample_customer_email
    );
    world.stranger().get(&path).expect(200);
}

#[test]
fn ctrl_c_stops_everything_and_the_next_start_is_quick_and_remembers() {
    if only_on_the_host("`footfall dev` runs no other edge") {
        return;
    }
    let (world, email) = (World::start(Home::new(&[])), new_shopper());
    send_history(&world.origin(), &email);
    let offer = offer_at_edge(&world.edge(), &email);
    let (report, pids) = (world.report().clone(), world.report().pids);
    let (home, code) = world.end(Signal::INT);
    assert_eq!(code, Some(0));
    let log = std::fs::read_to_string(home.path().join("dev.log")).unwrap();
    assert!(!log.contains("ERROR"), "{log}");
    assert_all_end(&[pids.origin, pids.edge], Duration::from_millis(100));
    assert!(
        !home.path().join("dev.json").exists(),
        "dev.json is there only while it is true"
    );
    let begun = Instant::now();
    let again = World::start(home);
    let took = begun.elapsed();
    measured(format_args!("second start: {} ms", took.as_millis()));
    assert!(took < SECOND_START, "{took:?}");
    assert_eq!(again.report().secret_key, report.secret_key);
    assert_eq!(offer_at_edge(&again.edge(), &email), offer);
}

#[test]
fn a_killed_supervisor_leaves_no_orphan() {
    if only_on_the_host("`footfall dev` runs no other edge") {
        return;
    }
    let world = World::start(Home::new(&[]));
    let pids = world.report().pids;
    let (_home, code) = world.end(Signal::KILL);
    assert_eq!(code, None);
    assert_all_end(&[pids.origin, pids.edge], STOP);
}

#[test]
fn two_supervisors_do_not_fight_over_one_directory() {
    if only_on_the_host("`footfall dev` runs no other edge") {
        return;
    }
    let world = World::shared();
    let settings = world.settings();
    let output = footfall(&["dev"], settings).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && told.contains("another `footfall dev` runs"),
        "{told}"
    );
    assert!(runs(world.supervisor()) && world.dev_json().is_some());
}

#[test]
fn development_refuses_to_listen_where_others_could_reach_it() {
    for command in ["dev", "serve", "edge"] {
        for setting in ["FOOTFALL_EDGE_ADDR", "FOOTFALL_ORIGIN_ADDR"] {
            let home = Home::new(&[("FOOTFALL_MODE", "development"), (setting, "0.0.0.0:18787")]);
            let output = footfall(&[command], &home.settings).output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success(), "{command} {setting}");
            assert!(
                told.contains(setting) && told.contains("loopback"),
                "{command}: {told}"
            );
        }
    }
}
