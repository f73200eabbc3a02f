//! What somebody is given of their data: all of it, and nothing of anybody else's.

use std::io::{Cursor, Read as _};

use footfall::jobs::work_until_idle;
use footfall_shared::time::DAY_MS;
use serde_json::{Value, json};

use crate::privacy::{ADA, BOB, fill, words};
use crate::support::build::{due_history, take};
use crate::support::{TestShop, on_both};

/// The files of an archive.
fn unzip(bytes: &[u8]) -> Vec<(String, Value)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let files = (0..archive.len()).map(|at| {
        let mut file = archive.by_index(at).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        (
            file.name().unwrap().into_owned(),
            serde_json::from_str(&text).unwrap(),
        )
    });
    files.collect()
}

fn find<'a>(files: &'a [(String, Value)], name: &str) -> &'a Value {
    let found = files.iter().find(|(file, _)| file == name);
    &found.unwrap_or_else(|| panic!("there is no {name}")).1
}

on_both! {
    async fn a_person_is_given_everything_and_nothing_of_others(database) {
        let shop = TestShop::start(database).await;
        fill(&shop).await;
        let path = format!("/api/privacy/export?email={ADA}");
        let asked = shop.backend().get(&path).await.expect(202)["data"].clone();
        let again = shop.backend().get(&path).await.expect(202)["data"].clone();
        assert_eq!(again["export_id"], asked["export_id"], "one at a time");
        let download = asked["download_url"].as_str().unwrap();
        shop.backend().get(download).await.expect(202);
        work_until_idle(&shop.app).await.unwrap();
        let job = shop.backend().get(asked["status_url"].as_str().unwrap()).await.expect(200);
        assert!(!job.to_string().contains("lovelace"), "{job}");
        let file = shop.backend().get(download).await;
        assert_eq!(file.header("content-type"), Some("application/zip"));
        let files = unzip(&file.bytes);
        let count = |name: &str| find(&files, name).as_array().unwrap().len();
        for (name, rows) in [
            ("customer.json", 1), ("orders.json", 4), ("offers.json", 1), ("devices.json", 3), ("events.json", 8),
            ("sessions.json", 1), ("feedback.json", 1), ("sales_record.json", 1), ("interactions.json", 1),
            ("consents.json", 1), ("rejected_events.json", 1), ("uploads.json", 3),
        ] {
            assert_eq!(count(name), rows, "{name}: {}", find(&files, name));
        }
        assert!(count("visits.json") >= 2 && count("order_lines.json") >= 5, "{files:?}");
        assert_eq!(find(&files, "customer.json")[0]["last_name"], "Lovelace");
        assert_eq!(find(&files, "order_lines.json")[0]["unit_price"], 14.95);
        let placed = find(&files, "orders.json")[0]["ordered_at"].as_str().unwrap();
        assert!(placed.starts_with("2026-"), "{placed}");
        let all: String = files.iter().map(|(_, content)| content.to_string()).collect();
        for word in words(&shop) {
            assert!(all.contains(&word), "{word} is held, and not told");
        }
        for other in [BOB, "bobs-session", "file-bob-8", "about it, she loves it"] {
            assert!(!all.contains(other), "{other} is somebody else's");
        }
        let manifest = find(&files, "manifest.json");
        assert_eq!(manifest["email"], ADA);
        assert_eq!(manifest["files"].as_array().unwrap().len(), files.len() - 1);
        // It is over after a week.
        shop.pass(7 * DAY_MS);
        shop.backend().get(download).await.expect(404);
        footfall::privacy::end_due(&shop.app).await.unwrap();
        assert!(!crate::support::everything(&shop).await.contains("privacy_export_pieces:"));
    }

    async fn a_small_export_is_made_at_once_for_the_own_shop_alone(database) {
        let shop = TestShop::start(database).await;
        take(&shop.backend(), due_history().map(|order| order.email(ADA))).await;
        let path = format!("/api/privacy/export?email={ADA}");
        let file = shop.backend().get(&path).await;
        assert_eq!(file.status.as_u16(), 200);
        assert_eq!(find(&unzip(&file.bytes), "orders.json").as_array().unwrap().len(), 3);
        let neighbour = shop.neighbour().await;
        let other = shop.client(crate::support::Credential::Key(neighbour.secret_key));
        other.get(&path).await.expect(404);
        shop.backend().get("/api/privacy/export").await.expect(400);
        shop.anonymous().get(&path).await.expect(401);
        let log = shop.admin().get("/api/audit").await.expect(200);
        let entries = log["data"]["entries"].as_array().unwrap();
        assert!(entries.iter().any(|one| one["action"] == "GET /api/privacy/export"), "{log}");
        assert!(!log.to_string().contains("lovelace"));
    }

    async fn an_erasure_takes_exports_along(database) {
        let shop = TestShop::start(database).await;
        fill(&shop).await;
        let asked = shop.backend().get(&format!("/api/privacy/export?email={ADA}")).await.expect(202)["data"].clone();
        let erase = http::Request::delete(format!("/api/privacy/subject?email={ADA}"));
        shop.backend().send(erase, Vec::new()).await.expect(202);
        work_until_idle(&shop.app).await.unwrap();
        shop.backend().get(asked["download_url"].as_str().unwrap()).await.expect(404);
        assert!(!json!(asked).to_string().contains("lovelace"));
    }
}
