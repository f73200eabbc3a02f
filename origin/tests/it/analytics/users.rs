//! Who did what.

use serde_json::{Value, json};

use super::{did, get, tell};
use crate::support::{TestShop, on_both};

fn names(page: &Value) -> Vec<String> {
    let told = page["interactions"].as_array().unwrap().iter();
    told.map(|one| {
        format!(
            "{} {}",
            one["user_id"].as_str().unwrap(),
            one["name"].as_str().unwrap()
        )
    })
    .collect()
}

on_both! {
    async fn interactions_are_told_page_by_page_while_more_arrive(database) {
        let shop = TestShop::start(database).await;
        let paths = ["/", "/search", "/a", "/b", "/checkout"];
        let mut deeds = Vec::new();
        for (n, visitor) in ["ann", "bob", "eve"].into_iter().enumerate() {
            for (m, path) in paths.into_iter().enumerate() {
                deeds.push(did(visitor, (n * 100 + m) as i64, path));
            }
        }
        tell(&shop, &deeds).await;
        let whole = names(&get(&shop, "/users/behavior").await);
        assert_eq!((whole.len(), whole[0].as_str(), whole[14].as_str()), (15, "eve /checkout", "ann /"));
        let (mut told, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = get(&shop, &format!("/users/behavior?limit=4{cursor}")).await;
            told.extend(names(&page));
            // What happens meanwhile comes on no later page and moves none.
            if told.len() == 4 {
                tell(&shop, &[did("eve", 206, "/later")]).await;
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(told, whole);
        let searched = get(&shop, "/users/behavior?page_type=search&limit=2").await;
        assert_eq!(names(&searched), ["eve /search", "bob /search"]);
        let next = searched["next_cursor"].as_str().unwrap();
        let rest = get(&shop, &format!("/users/behavior?page_type=search&limit=2&cursor={next}")).await;
        assert_eq!((names(&rest), &rest["next_cursor"]), (vec!["ann /search".to_owned()], &Value::Null));
        assert_eq!(names(&get(&shop, "/users/behavior?user_id=bob&page_type=payment").await), ["bob /checkout"]);
        let one = &get(&shop, "/users/behavior?user_id=ann").await["interactions"][4];
        assert_eq!((&one["seconds_until_next"], &one["interaction_type"], &one["page_type"]), (&json!(60.0), &json!("page"), &json!("home")));
    }

    async fn a_session_is_found_by_its_id(database) {
        let shop = TestShop::start(database).await;
        tell(&shop, &[did("ann", 0, "/").session("s1"), did("ann", 1, "/search").session("s2")]).await;
        let told = get(&shop, "/users/behavior?session_id=s2").await;
        assert_eq!(names(&told), ["ann /search"]);
        assert_eq!(told["interactions"][0]["session_id"], "s2");
    }

    async fn a_way_is_a_graph_with_times_and_an_outcome(database) {
        let shop = TestShop::start(database).await;
        let day = 24 * 60;
        tell(&shop, &[
            did("ann", -day, "/"), did("ann", 2 - day, "/search"), did("ann", 0, "/"), did("ann", 4, "/search"), did("ann", 5, "Order Completed"),
        ]).await;
        let told = get(&shop, "/users/journey/ann").await;
        let outcomes: Vec<&str> = told["sessions"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["converted", "left"]);
        assert_eq!(told["sessions"][1]["reached_step"], "search");
        let edge = |from: &str, to: &str| told["edges"].as_array().unwrap().iter().find(|edge| edge["from"] == from && edge["to"] == to).cloned().unwrap();
        assert_eq!(edge("home", "search"), json!({"from": "home", "to": "search", "count": 2, "average_seconds": 180.0}));
        assert_eq!(edge("start", "home")["count"], 2);
        assert_eq!(edge("Order Completed", "converted")["average_seconds"], Value::Null);
        let nodes = told["nodes"].as_array().unwrap();
        let home = nodes.iter().find(|node| node["id"] == "home").unwrap();
        assert_eq!((&home["count"], &home["average_seconds"], &home["page_type"]), (&json!(2), &json!(180.0), &json!("home")));
        for edge in told["edges"].as_array().unwrap() {
            for end in ["from", "to"] {
                assert!(nodes.iter().any(|node| node["id"] == edge[end]), "{edge}");
            }
        }
        assert_eq!(told["conversion"], json!({"converted": true, "conversions": 1, "first_conversion_at": "2026-11-24T12:00:00.000Z", "sessions_until_conversion": 2}));
    }
}
