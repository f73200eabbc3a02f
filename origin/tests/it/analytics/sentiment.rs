//! What people say of pages.

use footfall_shared::event::Event;
use serde_json::{Value, json};

use super::{did, get};
use crate::support::build::send;
use crate::support::{TestShop, on_both};
use crate::uploads::import;

async fn say(shop: &TestShop, said: &[(&'static str, i64, Value)]) {
    let events: Vec<Event> = said
        .iter()
        .enumerate()
        .map(|(n, (name, minute, properties))| {
            let mut event = did("ann", *minute, name).event(shop, &format!("f{n}"));
            event.body.insert("properties".into(), properties.clone());
            event
        })
        .collect();
    send(&shop.edge(), &events).await;
}

on_both! {
    async fn feedback_is_counted_by_page_category_and_day(database) {
        let shop = TestShop::start(database).await;
        say(&shop, &[
            ("Feedback Submitted", 0, json!({"page_type": "payment", "comment": "My card was declined, terrible", "rating": 1})),
            ("Feedback Submitted", 0, json!({"page_type": "payment", "comment": "Paying was easy, love it"})),
            ("feedback", -24 * 60, json!({"page_type": "search", "comment": "Great search", "category": "usability"})),
            ("Product Reviewed", 0, json!({"product_id": "44", "review_body": "Awful taste", "rating": 1})),
            ("Feedback", 0, json!({"page_type": "home"})),
        ]).await;
        let told = get(&shop, "/sentiment/analysis?date_range=7d").await;
        assert_eq!((&told["overall"]["total"], &told["overall"]["positive"], &told["overall"]["negative"]), (&json!(4), &json!(2), &json!(2)), "{told}");
        let pages: Vec<(&str, i64)> = told["by_page"].as_array().unwrap().iter()
            .map(|one| (one["page_type"].as_str().unwrap(), one["sentiment"]["total"].as_i64().unwrap())).collect();
        assert_eq!(pages, [("payment", 2), ("product", 1), ("search", 1)]);
        assert_eq!(told["categories"][0]["category"], "payment");
        let days: Vec<i64> = told["trend"].as_array().unwrap().iter().map(|point| point["sentiment"]["total"].as_i64().unwrap()).collect();
        assert_eq!(days, [0, 0, 0, 0, 0, 1, 3]);
        let page = get(&shop, "/sentiment/page/payment").await;
        assert_eq!((&page["overall"]["total"], page["feedback"].as_array().unwrap().len()), (&json!(2), 2));
        assert!(page["feedback"].as_array().unwrap().iter().any(|one| one["rating"] == 1.0 && one["sentiment"] == "negative"), "{page}");
        let one = get(&shop, "/sentiment/page/payment?category=delivery").await;
        assert_eq!(one["feedback"], json!([]));
    }

    async fn reviews_of_files_are_said_of_products(database) {
        let shop = TestShop::start(database).await;
        let rows = "product id,rating,review,date\ntea,5,Lovely tea,2026-11-20\ntea,1,Awful,2026-11-21\ncup,3,,\n";
        import(&shop, "", rows.as_bytes()).await;
        let told = get(&shop, "/sentiment/analysis?page_type=product").await;
        assert_eq!(told["overall"]["total"], 2, "{told}");
        let all = get(&shop, "/sentiment/analysis?date_range=all").await;
        assert_eq!((&all["overall"]["total"], &all["overall"]["neutral"], &all["period"]), (&json!(3), &json!(1), &Value::Null));
    }
}
