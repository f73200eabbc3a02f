//! The contract's own examples, as they stand: its TypeScript over the client, its Python over `requests`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::deployment::Deployment;
use crate::support::until;
use crate::support::world::World;

/// How long an upload and all that follows from it may take.
const COMPUTED_WITHIN: Duration = Duration::from_secs(60);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Orders and ratings in one file: all analyses follow from it.
fn orders() -> String {
    let mut text = "order,product,category,price,customer id,rating,date\n".to_owned();
    for n in 0..300 {
        let (day, customer) = (n % 28 + 1, n % 40);
        let month = if customer < 20 { 11 } else { 3 };
        for (product, price) in [("Tea", 20), ("Cup", 30)] {
            if product == "Tea" || n % 3 > 0 {
                text += &format!(
                    "{n},{product},Kitchen,{price},C{customer},5,2026-{month:02}-{day:02}\n"
                );
            }
        }
        text += &format!("s{n},Sock,Clothing,5,C{customer},2,2026-{month:02}-{day:02}\n");
    }
    text
}

/// A token and an upload that everything is computed from.
fn prepare(world: &World) -> (String, String) {
    let origin = world.origin();
    let sent = origin
        .call(Method::POST, "/api/uploads")
        .header("content-type", "text/csv")
        .body(orders())
        .send();
    assert!(matches!(sent.status, 200 | 202), "{}", sent.text());
    let upload = sent.json()["data"]["upload_id"]
        .as_str()
        .unwrap()
        .to_owned();
    until("the recommendations are there", COMPUTED_WITHIN, || {
        let path = format!("/api/behavior/recommendations?upload_id={upload}");
        let answer = origin.get(&path).send();
        (answer.status == 200 && answer.json()["data"]["summary"]["total"] != 0).then_some(())
    });
    let identifier = crate::support::unique("analyst") + "@shop.example";
    let user = [
        "admin",
        "user",
        "create",
        "--shop",
        "demo",
        "--role",
        "analyst",
        "--identifier",
        &identifier,
    ];
    let password = world
        .run(&user)
        .trim()
        .rsplit(' ')
        .next()
        .unwrap()
        .to_owned();
    let login = json!({"identifier": identifier, "password": password});
    let tokens = world.stranger().post("/api/auth/login", &login).expect(200);
    (
        tokens["data"]["access_token"].as_str().unwrap().to_owned(),
        upload,
    )
}

fn example(path: &str) -> String {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    let contract = root().join("../shared/contracts/behavior-analytics.md");
    match std::fs::read_to_string(contract) {
        Ok(contract) => assert!(contract.contains(&text), "{path} is not the contract's"),
        Err(_) => eprintln!("{path} is not compared: ../shared is not here"),
    }
    text
}

#[track_caller]
fn print_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_contracts_examples_run_as_they_stand() {
    if Deployment::chosen() != Deployment::Host {
        eprintln!("skipped: it is about the origin, and runs with the embedded host");
        return;
    }
    let world = World::shared();
    let (token, upload) = prepare(world);
    let api = format!("{}/api", world.report().origin);

    example("clients/typescript/test/example.ts");
    let told = print_of(
        Command::new("node")
            .arg(root().join("clients/typescript/test/run.mjs"))
            .env("FOOTFALL_API_URL", &api)
            .env("FOOTFALL_TOKEN", &token)
            .env("FOOTFALL_UPLOAD", &upload),
    );
    assert!(
        told.contains("Segments: [") && told.contains(" customers\n"),
        "{told}"
    );
    assert!(
        told.contains("Network: ") && told.contains("High Priority Actions: ["),
        "{told}"
    );
    assert!(!told.contains("Error"), "{told}");

    let script = example("tests/fixtures/behavior/example.py")
        .replace("http://localhost:8000/api", &api)
        .replace("your_jwt_token", &token)
        .replace("upload_abc123", &upload);
    let more = format!(
        "\nimport json\nprint(json.dumps([get_affinity_rules('{upload}'), get_recommendations('{upload}')]))\ntry:\n    get_segments('upload_none')\nexcept Exception as fault:\n    print(fault)\n"
    );
    let told = print_of(Command::new("python3").arg("-c").arg(script + &more));
    assert!(
        told.lines().next().unwrap().ends_with(" customers"),
        "{told}"
    );
    let mut last = told.lines().rev();
    assert!(last.next().unwrap().contains("INVALID_UPLOAD"), "{told}");
    let lists: Vec<Vec<Value>> = serde_json::from_str(last.next().unwrap()).unwrap();
    assert!(lists.iter().all(|list| !list.is_empty()), "{told}");
    assert!(
        lists[0]
            .iter()
            .all(|rule| rule["lift"].as_f64() >= Some(1.5)),
        "{told}"
    );
}
