//! The recommender: trained by a job, read as the contract has it.

use footfall::jobs::work_until_idle;
use footfall_shared::time::DAY_MS;
use serde_json::{Value, json};

use crate::support::{START, TestShop, on_both};
use crate::uploads::import;

/// Four tastes of forty things each, of which a customer buys the next two every fifteen days; everybody buys tea and coffee
/// each time, coffee but for the first.
fn orders() -> String {
    let mut text =
        "order,product id,product,category,quantity,price,customer id,date,country\n".to_owned();
    for n in 0..32 {
        for at in 0..8 {
            let when = START.plus((at * 15 + n % 10 - 130) * DAY_MS).to_rfc3339();
            let mut line = |product: String, category: i64| {
                text += &format!(
                    "{n}-{at},{product},Thing {product},Taste {category},1,5.00,c{n},{when},NL\n"
                );
            };
            for k in 0..2 {
                line(
                    format!("{}", n % 4 * 40 + (n / 4 * 7 + at * 2 + k) % 40),
                    n % 4,
                );
            }
            line("tea".to_owned(), 9);
            if at > 0 {
                line("coffee".to_owned(), 9);
            }
        }
    }
    text
}

async fn get(shop: &TestShop, path: &str) -> Value {
    shop.backend().get(path).await.expect(200)
}

on_both! {
    async fn a_shop_is_served_by_what_does_best_on_its_own_last_month(database) {
        let shop = TestShop::start(database).await;
        assert_eq!(get(&shop, "/models/status").await["status"], "untrained");
        assert_eq!(get(&shop, "/recommendations/c1").await["basis"], "untrained");
        shop.backend().get("/users/similar/c1").await.expect(404);
        import(&shop, "", orders().as_bytes()).await;
        let unsold = "product id,name,category\nnew,Thing,Taste 1\nodd,Anvil,Ironmongery\n";
        import(&shop, "?kind=products", unsold.as_bytes()).await;
        let asked = shop.backend().post("/models/retrain", &json!({})).await.expect(202);
        work_until_idle(&shop.app).await.unwrap();
        let id = asked["job_id"].as_str().unwrap();
        let job = shop.backend().get(&format!("/api/jobs/{id}")).await.expect(200);
        assert_eq!((&job["data"]["status"], &job["data"]["result"]["version"]), (&json!("done"), &json!(1)), "{job}");

        let status = get(&shop, "/models/status").await;
        assert_eq!((&status["serving_version"], &status["health"]["status"]), (&json!(1), &json!("healthy")), "{status}");
        let report = &status["versions"][0]["report"];
        assert_eq!((&report["customers"], &report["products"]), (&json!(32), &json!(162)));
        let names: Vec<&str> = report["models"].as_array().unwrap().iter().map(|one| one["model"].as_str().unwrap()).collect();
        for name in ["popularity", "item_knn", "ease", "two_tower"] {
            assert!(names.contains(&name), "{names:?}");
        }
        assert!(report["metrics"]["recall_vs_popularity"].as_f64().unwrap() > 1.5, "{report}");
        assert_eq!(report["models"].as_array().unwrap().iter().filter(|one| one["serves"] == true).count(), 1);

        let told = get(&shop, "/recommendations/c1?limit=20").await;
        assert_eq!((&told["basis"], &told["model_version"]), (&json!("personal"), &json!(1)));
        let list = told["recommendations"].as_array().unwrap();
        let tea = list.iter().find(|one| one["product_id"] == "tea").unwrap();
        assert_eq!((&tea["reason"], &tea["name"], &tea["explanation"]), (&json!("bought_before"), &json!("Thing tea"), &json!("Bought 8 times before")));
        let owned: Vec<String> = (40..56).map(|n| n.to_string()).collect();
        assert!(list.iter().all(|one| one["product_id"] == "tea" || !owned.contains(&one["product_id"].as_str().unwrap().to_owned())), "{told}");
        // What nobody has bought yet is on lists of those whom it suits, with the reason, and without a figure that nobody measured.
        let mut new = Vec::new();
        for n in (1..32).step_by(4) {
            let told = get(&shop, &format!("/recommendations/c{n}?limit=20")).await;
            new.extend(told["recommendations"].as_array().unwrap().iter().find(|one| one["product_id"] == "new").cloned());
        }
        assert!(!new.is_empty() && new.iter().all(|one| one["reason"] == "new" && one["confidence"].is_null()), "{new:?}");
        let cold = get(&shop, "/recommendations/nobody").await;
        assert_eq!((&cold["basis"], cold["recommendations"].as_array().unwrap().len(), &cold["recommendations"][0]["product_id"]), (&json!("cold"), 10, &json!("tea")));
        let alike = get(&shop, "/users/similar/c1?limit=5").await;
        let alike = alike["similar_users"].as_array().unwrap();
        assert!(alike.len() == 5 && alike.iter().all(|one| one["user_id"] != "c1"), "{alike:?}");
        shop.backend().get("/users/similar/nobody").await.expect(404);

        let fault = shop.backend().get("/recommendations/c1?limit=21").await.expect(422);
        assert_eq!(fault["error_code"], "INVALID_REQUEST");
    }

    async fn a_version_is_trained_once_and_can_be_rolled_back_to(database) {
        let shop = TestShop::start(database).await;
        // Nobody came back, so what is popular serves: no model is long to train.
        import(&shop, "", b"order,product id,customer id,quantity,price,date\n1,tea,c1,1,5.00,2026-11-01\n2,pot,c2,1,5.00,2026-11-02\n").await;
        shop.backend().post("/models/retrain", &json!({})).await.expect(202);
        work_until_idle(&shop.app).await.unwrap();
        assert_eq!(get(&shop, "/models/status").await["health"]["status"], "degraded", "nothing was measured");
        let again = shop.backend().post("/models/retrain", &json!({})).await.expect(200);
        assert_eq!((&again["status"], &again["serving"]["version"]), (&json!("up_to_date"), &json!(1)));
        shop.backend().post("/models/retrain?force=true", &json!({})).await.expect(202);
        work_until_idle(&shop.app).await.unwrap();
        assert_eq!(get(&shop, "/recommendations/c1").await["model_version"], 2);
        assert_eq!(shop.backend().post("/models/rollback", &json!({})).await.expect(200)["version"], 1);
        assert_eq!(get(&shop, "/recommendations/c1").await["model_version"], 1);
        shop.backend().post("/models/rollback?version=9", &json!({})).await.expect(404);
    }

    async fn a_shop_without_purchases_cannot_be_trained_and_says_so(database) {
        let shop = TestShop::start(database).await;
        let asked = shop.backend().post("/models/retrain?force=true", &json!({})).await.expect(202);
        work_until_idle(&shop.app).await.unwrap();
        let id = asked["job_id"].as_str().unwrap();
        let job = shop.backend().get(&format!("/api/jobs/{id}")).await.expect(200);
        assert_eq!((&job["data"]["status"], &job["data"]["error"]), (&json!("failed"), &json!("there are no purchases of known customers yet")));
    }
}
