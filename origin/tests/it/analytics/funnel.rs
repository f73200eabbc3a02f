//! The funnel and what is made of it.

use footfall_shared::mode::Mode;
use serde_json::{Value, json};

use super::{did, get, tell, users_of};
use crate::support::build::{order, take};
use crate::support::{TestShop, on_both};

on_both! {
    async fn steps_count_in_order_within_a_visit(database) {
        let shop = TestShop::start(database).await;
        tell(&shop, &[
            did("ann", 0, "/").on("mobile"), did("ann", 1, "/search?q=tea"), did("ann", 3, "/checkout"), did("ann", 7, "Order Completed"),
            did("bob", 0, "/").on("desktop"), did("bob", 2, "/search"), did("bob", 3, "/product/tea"),
            // Not in order: the search before the first page, and payment in another visit.
            did("eve", 0, "/search"), did("eve", 1, "/"), did("eve", 90, "/checkout"),
        ]).await;
        let funnel = get(&shop, "/analytics/funnel").await;
        assert_eq!(users_of(&funnel), [3, 2, 1, 1], "{funnel}");
        let names: Vec<&str> = funnel["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
        assert_eq!(names, ["home", "search", "payment", "confirmation"]);
        assert_eq!(funnel["steps"][1]["average_seconds_from_previous"], 90.0);
        assert_eq!((&funnel["steps"][0]["drop_off"], &funnel["overall_conversion_rate"]), (&json!(1), &json!(0.333333)));
        assert_eq!(funnel["all_sessions"], json!({"sessions": 4, "conversions": 1, "conversion_rate": 0.25}));
        let mobile = get(&shop, "/analytics/funnel?device_type=mobile").await;
        assert_eq!(users_of(&mobile), [1, 1, 1, 1]);
        assert_eq!(users_of(&get(&shop, "/analytics/funnel?end_date=2026-11-23").await), [0, 0, 0, 0]);
    }

    async fn a_visitor_counts_once_in_a_span_and_on_each_of_its_days(database) {
        let shop = TestShop::start(database).await;
        let day = 24 * 60;
        tell(&shop, &[
            did("ann", 0, "/").on("mobile"), did("ann", -day, "/").on("desktop"), did("ann", -3 * day, "/").on("mobile"), did("bob", -day, "/"),
        ]).await;
        let users = |query: &'static str| {
            let shop = &shop;
            async move { users_of(&get(shop, &format!("/analytics/funnel?{query}")).await)[0] }
        };
        assert_eq!(users("").await, 2);
        assert_eq!(users("start_date=2026-11-23&end_date=2026-11-24").await, 2);
        assert_eq!(users("start_date=2026-11-24").await, 1);
        assert_eq!(users("end_date=2026-11-22").await, 1);
        assert_eq!((users("device_type=mobile").await, users("device_type=desktop").await), (1, 1));
        let trends = get(&shop, "/dashboard/trends?start_date=2026-11-20&end_date=2026-11-24").await;
        let of = |name: &str| -> Vec<i64> {
            trends["points"].as_array().unwrap().iter().map(|point| point[name].as_i64().unwrap()).collect()
        };
        assert_eq!((of("active_users"), of("new_users"), of("sessions")), (vec![0, 1, 0, 2, 1], vec![0, 1, 0, 1, 0], vec![0, 1, 0, 2, 1]));
        let weekly = get(&shop, "/dashboard/trends?start_date=2026-11-20&end_date=2026-11-24&interval=weekly").await;
        let weeks: Vec<(&str, i64)> = weekly["points"].as_array().unwrap().iter()
            .map(|point| (point["start_date"].as_str().unwrap(), point["active_users"].as_i64().unwrap())).collect();
        assert_eq!(weeks, [("2026-11-20", 1), ("2026-11-23", 2)]);
    }

    async fn the_dashboard_tells_each_figure_with_the_one_before(database) {
        let shop = TestShop::start(database).await;
        let day = 24 * 60;
        tell(&shop, &[
            did("ann", 0, "/"), did("ann", 1, "Order Completed"), did("bob", 0, "/"), did("bob", -31 * day, "/"),
        ]).await;
        take(&shop.backend(), [order(1).item(44, 2), order(2).item(44, 1).days_ago(1), order(3).item(44, 4).days_ago(40), order(4).item(44, 9).with("status", json!("cancelled"))]).await;
        let told = get(&shop, "/dashboard/metrics").await;
        assert_eq!(told["period"], json!({"start_date": "2026-10-26", "end_date": "2026-11-24"}));
        assert_eq!(told["previous_period"], json!({"start_date": "2026-09-26", "end_date": "2026-10-25"}));
        let of = |name: &str| (told[name]["value"].clone(), told[name]["previous"].clone());
        assert_eq!(of("total_users"), (json!(2.0), json!(1.0)));
        assert_eq!(of("active_users"), (json!(2.0), json!(1.0)));
        assert_eq!(of("new_users"), (json!(1.0), json!(1.0)));
        assert_eq!(of("sessions"), (json!(2.0), json!(1.0)));
        assert_eq!(of("conversion_rate"), (json!(0.5), json!(0.0)));
        assert_eq!(of("orders"), (json!(2.0), json!(1.0)));
        assert_eq!(of("revenue"), (json!(44.85), json!(59.8)));
        assert_eq!(of("average_order_value"), (json!(22.43), json!(59.8)));
        assert_eq!((&told["sessions"]["change"], &told["revenue"]["change"]), (&json!(1.0), &json!(-0.25)));
        assert!(told["sessions"]["p_value"].is_f64() && told["conversion_rate"]["p_value"].is_null(), "{told}");
        assert_eq!((&told["currency"], &told["timezone"]), (&json!("EUR"), &json!("Europe/Amsterdam")));
    }

    async fn days_are_the_shops_where_its_clock_changes(database) {
        let shop = TestShop::start(database).await;
        // The test begins on 2026-11-24T12:00Z. Clocks went back on 2026-10-25 at 01:00Z, a day of 25 hours.
        let minute = |text: &str| {
            let at = footfall_shared::time::UtcMillis::parse_rfc3339(text).unwrap();
            at.since(crate::support::START) / 60_000
        };
        tell(&shop, &[
            did("a", minute("2026-10-24T21:59:00Z"), "/"), did("b", minute("2026-10-24T22:00:00Z"), "/"),
            did("c", minute("2026-10-25T22:59:00Z"), "/"), did("d", minute("2026-10-25T23:00:00Z"), "/"),
        ]).await;
        take(&shop.backend(), [
            order(1).item(44, 1).at(crate::analytics::at(minute("2026-10-25T22:59:00Z"))),
            order(2).item(44, 1).at(crate::analytics::at(minute("2026-10-25T23:00:00Z"))),
        ]).await;
        let trends = get(&shop, "/dashboard/trends?start_date=2026-10-24&end_date=2026-10-26").await;
        let of = |name: &str| -> Vec<i64> {
            trends["points"].as_array().unwrap().iter().map(|point| point[name].as_i64().unwrap()).collect()
        };
        assert_eq!((of("sessions"), of("orders")), (vec![1, 2, 1], vec![0, 1, 1]));
    }

    async fn drop_offs_are_told_with_what_marks_them(database) {
        let shop = TestShop::start(database).await;
        let mut deeds = Vec::new();
        let names: Vec<&'static str> = (0..400).map(|n| &*format!("visitor{n}").leak()).collect();
        for (n, name) in names.iter().enumerate() {
            // Phones go on in one case of ten, computers in nine.
            let phone = n % 2 == 0;
            deeds.push(did(name, 0, "/").on(if phone { "mobile" } else { "desktop" }));
            if (n / 2) % 10 == 0 || (!phone && (n / 2) % 10 < 9) {
                deeds.push(did(name, 1, "/search"));
                deeds.push(did(name, 2, "/checkout"));
                deeds.push(did(name, 3, "Order Completed"));
            }
        }
        tell(&shop, &deeds).await;
        take(&shop.backend(), [order(1).item(44, 1)]).await;
        let told = get(&shop, "/analytics/funnel/dropoffs").await;
        let first = &told["dropoffs"][0];
        assert_eq!((&first["from_step"], &first["sessions"], &first["dropped"]), (&json!("home"), &json!(400), &json!(200)));
        assert_eq!((&first["lost_conversions"], &first["lost_revenue"]), (&json!(200.0), &json!(2_990.0)));
        let reason = &first["reasons"][0];
        assert_eq!((&reason["pattern"], &reason["value"], &reason["sessions"]), (&json!("device"), &json!("mobile"), &json!(200)));
        assert_eq!((&reason["continued_rate"], &reason["others_rate"]), (&json!(0.1), &json!(0.9)));
        assert_eq!(first["reasons"].as_array().unwrap().len(), 1, "{first}");
        assert_eq!(first["patterns"]["last_page"][0], json!({"value": "home", "sessions": 200, "dropped": 200, "drop_off_rate": 1.0}));
        assert_eq!(told["insights"][0]["pattern"], "device");
    }

    async fn rates_are_told_over_time_and_against_another_span(database) {
        let shop = TestShop::start(database).await;
        let day = 24 * 60;
        tell(&shop, &[
            did("a", 0, "/"), did("a", 1, "/search"), did("b", 0, "/"), did("c", -40 * day, "/"), did("c", 1 - 40 * day, "/search"),
        ]).await;
        let told = get(&shop, "/analytics/conversion-rates?start_date=2026-11-23&compare_start_date=2026-10-01&compare_end_date=2026-10-31").await;
        let first = &told["steps"][0];
        assert_eq!((&first["name"], &first["rate"], &first["previous_rate"], &first["change"]), (&json!("home_to_search"), &json!(0.5), &json!(1.0), &json!(-0.5)));
        assert_eq!(first["interval"], json!([0.094531, 0.905469]));
        let points: Vec<&Value> = told["trend"].as_array().unwrap().iter().map(|point| &point["steps"][0]["rate"]).collect();
        assert_eq!(points, [&Value::Null, &json!(0.5)]);
        assert_eq!(told["by_device"][0]["device_type"], "other");
    }

    async fn what_is_asked_wrongly_is_named(database) {
        let shop = TestShop::start(database).await;
        for (path, status, code) in [
            ("/dashboard/metrics?start_date=soon", 422, "INVALID_REQUEST"),
            ("/dashboard/metrics?start_date=2026-11-02&end_date=2026-11-01", 400, "CONTRADICTION"),
            ("/dashboard/metrics?start_date=2016-11-02", 422, "INVALID_REQUEST"),
            ("/dashboard/trends?interval=hourly", 422, "INVALID_REQUEST"),
            ("/analytics/funnel?device_type=fridge", 422, "INVALID_REQUEST"),
            ("/users/behavior?limit=many", 422, "INVALID_REQUEST"),
            ("/users/behavior?cursor=x", 422, "INVALID_REQUEST"),
            ("/users/behavior?user_id=nobody", 404, "USER_NOT_FOUND"),
            ("/users/journey/nobody", 404, "USER_NOT_FOUND"),
            ("/sentiment/page/basement", 404, "NOT_FOUND"),
            ("/sentiment/analysis?date_range=lately", 422, "INVALID_REQUEST"),
            ("/sentiment/analysis?date_range=2026-11-02,2026-11-01", 400, "CONTRADICTION"),
            ("/dashboard/nothing", 404, "NOT_FOUND"),
        ] {
            let told = shop.backend().get(path).await.expect(status);
            assert_eq!(told["error_code"], code, "{path}: {told}");
            assert!(told["detail"].as_str().is_some_and(|text| !text.is_empty()) && told.as_object().unwrap().len() == 2, "{told}");
        }
    }

    async fn development_is_open_and_production_is_closed(database) {
        let shop = TestShop::start(database).await;
        let told = shop.anonymous().get("/dashboard/metrics").await.expect(401);
        assert_eq!(told["error_code"], "UNAUTHORIZED");
        shop.browser().get("/dashboard/metrics").await.expect(403);
        shop.admin().get("/dashboard/metrics").await.expect(200);
        let open = TestShop::start_in(database, Mode::Development).await;
        open.anonymous().get("/dashboard/metrics").await.expect(200);
        open.anonymous().get("/analytics/funnel").await.expect(200);
    }
}
