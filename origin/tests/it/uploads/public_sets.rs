//! The public sets of ../shared/data and exports of shops' programs, as they are.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::import;
use crate::support::{TestShop, on_both};

fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.is_dir() {
        eprintln!("skipped: ../shared/data is not here");
        return None;
    }
    Some(data)
}

on_both! {
    async fn the_public_sets_are_read_as_they_are(database) {
        let Some(data) = data() else { return };
        let shop = TestShop::start(database).await;
        for (file, kind, rows) in [
            ("completejourney/products.csv.gz", "products", 52_426),
            ("completejourney/demographics.csv", "customers", 801),
            ("page-funnel/payment_page_table.csv", "page_events", 6_030),
            ("clickstream-ecom/ecom.csv.gz", "page_events", 31_106),
            ("reviews-clothing/womens_clothing_reviews.csv.gz", "reviews", 23_486),
            ("shopping-trends/shopping_trends.csv", "transactions", 3_900),
        ] {
            let upload = import(&shop, "", &std::fs::read(data.join(file)).unwrap()).await;
            assert_eq!((&upload["status"], &upload["kind"]), (&json!("done"), &json!(kind)), "{file}: {upload}");
            // One row of reviews has neither text nor rating in no set; nothing is refused.
            assert_eq!((&upload["rows_taken"], &upload["rows_refused"]), (&json!(rows), &json!(0)), "{file}: {upload}");
        }
        let trends = shop.backend().get("/api/behavior/segments").await.expect(200);
        let revenue = trends["data"]["segments"].as_array().unwrap().iter().map(|one| one["total_revenue"].as_f64().unwrap());
        assert_eq!(revenue.sum::<f64>(), 233_081.0);
        assert_eq!(trends["data"]["total_customers"], 3_900);
        assert_eq!(trends["data"]["snapshot_date"], serde_json::Value::Null);
    }

    async fn online_retail_gives_the_figures_that_are_known_of_it(database) {
        let Some(data) = data() else { return };
        let shop = TestShop::start(database).await;
        let file = data.join("online-retail/online_retail.csv.gz");
        let upload = import(&shop, "", &std::fs::read(file).unwrap()).await;
        assert_eq!((&upload["rows_taken"], &upload["rows_refused"]), (&json!(541_909), &json!(0)), "{upload}");
        let found = shop.backend().get("/api/behavior/segments").await.expect(200);
        assert_eq!(found["data"]["total_customers"], 4_338);
        let revenue = found["data"]["segments"].as_array().unwrap().iter().map(|one| one["total_revenue"].as_f64().unwrap());
        assert!((revenue.sum::<f64>() - 8_911_407.90).abs() < 0.005, "{found}");
        let best = shop.backend().get("/api/behavior/segments/0/customers?limit=3").await.expect(200);
        let best: Vec<(&str, f64, i64)> = best["data"]["customers"].as_array().unwrap().iter().map(|one| {
            (one["customer_id"].as_str().unwrap(), one["total_spend"].as_f64().unwrap(), one["total_purchases"].as_i64().unwrap())
        }).collect();
        assert_eq!(best, [("14646", 280_206.02, 73), ("18102", 259_657.30, 60), ("17450", 194_550.79, 46)]);
    }

    async fn shopifys_export_is_read_as_it_is(database) {
        let Some(data) = data() else { return };
        let shop = TestShop::start(database).await;
        let file = data.join("payloads/shopify/orders_export_synthetic.csv");
        let upload = import(&shop, "", &std::fs::read(file).unwrap()).await;
        assert_eq!((&upload["status"], &upload["program"]), (&json!("done"), &json!("shopify")), "{upload}");
        assert_eq!((&upload["rows_taken"], &upload["rows_refused"]), (&json!(10), &json!(0)), "{upload}");
    }
}
