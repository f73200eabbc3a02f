//! What a shopper may want next: made at the origin, told at the edge without asking it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::shop::{new_shopper, order, send_orders};
use crate::support::world::World;
use crate::support::{SHOWN_WITHIN, until};

/// A training on a small shop, on a machine that is busy with other tests.
const TRAINED_WITHIN: Duration = Duration::from_secs(120);

fn products(list: &Value) -> Vec<&str> {
    let all = list["recommendations"].as_array().unwrap().iter();
    all.map(|one| one["product_id"].as_str().unwrap()).collect()
}

/// An order of somebody whom the shop knows by email only.
fn order_of(email: &str, days_ago: i64, lines: &[(u64, u64)]) -> Value {
    let mut order = order(email, days_ago, lines);
    order["customer"]["customer_id"] = Value::Null;
    order
}

#[test]
fn a_list_that_the_origin_makes_is_told_by_the_edge_and_loses_what_is_bought() {
    let world = World::shared();
    let (shopper, other) = (new_shopper(), new_shopper());
    send_orders(
        &world.origin(),
        &[
            order_of(&shopper, 20, &[(71_001, 1), (71_002, 1)]),
            order_of(&other, 20, &[(71_002, 1), (71_003, 1)]),
        ],
    );
    let asked = world
        .origin()
        .post("/models/retrain?force=true", &json!({}));
    let job = asked.expect(202)["job_id"].as_str().unwrap().to_owned();
    until("the recommender is trained", TRAINED_WITHIN, || {
        let job = world.origin().get(&format!("/api/jobs/{job}")).expect(200);
        assert_ne!(job["data"]["status"], "failed", "{job}");
        (job["data"]["status"] == "done").then_some(())
    });
    let path = format!("/api/intelligence/recommendations?customer_email={shopper}&limit=20");
    let (told, _) = until("the edge tells the list", SHOWN_WITHIN, || {
        let told = world.edge().get(&path).expect(200);
        (told["basis"] == "personal").then_some(told)
    });
    let at_origin = format!("/recommendations/{shopper}?limit=20");
    let at_origin = world.origin().get(&at_origin).expect(200);
    assert_eq!(told["recommendations"], at_origin["recommendations"]);
    until("the edge tells it from what it holds", SHOWN_WITHIN, || {
        let again = world.edge().get(&path).send();
        again
            .header("server-timing")
            .contains("not asked")
            .then_some(())
    });
    let first = products(&told)[0].to_owned();
    let mut bought = order_of(&shopper, 0, &[(1, 1)]);
    bought["items"][0]["product_id"] = json!(first);
    send_orders(&world.origin(), &[bought]);
    until("what was bought leaves the list", SHOWN_WITHIN, || {
        let told = world.edge().get(&path).expect(200);
        let is_gone = !products(&told).contains(&first.as_str());
        is_gone.then_some(())
    });
    let nobody = world
        .edge()
        .get("/api/intelligence/recommendations")
        .expect(200);
    assert_eq!(
        (&nobody["basis"], &nobody["reason"]),
        (&json!("cold"), &json!("not_recognized"))
    );
}
