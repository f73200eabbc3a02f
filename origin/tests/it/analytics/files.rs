//! Files of pages, orders and reviews in the figures.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{get, refresh, users_of};
use crate::support::{TestShop, on_both};
use crate::uploads::import;

fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.is_dir() {
        eprintln!("skipped: ../shared/data is not here");
        return None;
    }
    Some(data)
}

on_both! {
    async fn the_public_page_tables_give_what_a_direct_count_gives(database) {
        let Some(data) = data() else { return };
        let shop = TestShop::start(database).await;
        for file in ["user_table.csv.gz", "home_page_table.csv.gz", "search_page_table.csv", "payment_page_table.csv", "payment_confirmation_table.csv"] {
            let bytes = std::fs::read(data.join("page-funnel").join(file)).unwrap();
            crate::uploads::send(&shop.backend(), "", &bytes).await.expect(202);
        }
        footfall::jobs::work_until_idle(&shop.app).await.unwrap();
        // The figures of the sets' README.
        for (query, users) in [
            ("", [90_400, 45_200, 6_030, 452]),
            ("&device_type=desktop", [60_200, 30_100, 3_010, 150]),
            ("&device_type=mobile", [30_200, 15_100, 3_020, 302]),
        ] {
            let path = format!("/analytics/funnel?start_date=2015-01-01&end_date=2015-04-30{query}");
            assert_eq!(users_of(&get(&shop, &path).await), users, "{query}");
        }
        for (start, end, users) in [
            ("2015-01-01", "2015-01-31", [22_600, 13_554, 2_390, 189]),
            ("2015-02-01", "2015-02-28", [22_600, 13_687, 2_412, 173]),
            ("2015-03-01", "2015-03-31", [22_600, 8_879, 631, 44]),
            ("2015-04-01", "2015-04-30", [22_600, 9_080, 597, 46]),
        ] {
            let path = format!("/analytics/funnel?start_date={start}&end_date={end}");
            assert_eq!(users_of(&get(&shop, &path).await), users, "{start}");
        }
        let rates = get(&shop, "/analytics/conversion-rates?start_date=2015-01-01&end_date=2015-04-30&interval=monthly").await;
        let searched: Vec<i64> = rates["trend"].as_array().unwrap().iter().map(|point| point["steps"][1]["sessions"].as_i64().unwrap()).collect();
        assert_eq!(searched, [13_554, 13_687, 8_879, 9_080]);
        let lost = get(&shop, "/analytics/funnel/dropoffs?start_date=2015-01-01&end_date=2015-04-30").await;
        let first = lost["dropoffs"].as_array().unwrap().iter().find(|one| one["from_step"] == "search").unwrap();
        assert_eq!(first["reasons"][0]["value"], "desktop", "{first}");
        assert_eq!(get(&shop, "/analytics/user-segments").await["status"], "pending");
        footfall::jobs::work_until_idle(&shop.app).await.unwrap();
        let told = get(&shop, "/analytics/user-segments").await;
        let sexes: Vec<(&str, i64, i64)> = told["demographic"].as_array().unwrap().iter().map(|one| {
            (one["name"].as_str().unwrap(), one["users"].as_i64().unwrap(), one["conversion"]["converted_users"].as_i64().unwrap())
        }).collect();
        // Of the last ninety days, by a count of the tables.
        assert_eq!(sexes, [("male", 34_497, 135), ("female", 34_024, 134)]);
        let users: i64 = told["behavioral"].as_array().unwrap().iter().map(|one| one["users"].as_i64().unwrap()).sum();
        assert_eq!((told["users"].as_i64().unwrap(), sexes.iter().map(|one| one.1).sum::<i64>()), (users, users));
    }

    async fn the_public_clickstream_keeps_its_sessions(database) {
        let Some(data) = data() else { return };
        let shop = TestShop::start(database).await;
        let bytes = std::fs::read(data.join("clickstream-ecom/ecom.csv.gz")).unwrap();
        import(&shop, "", &bytes).await;
        let path = "/analytics/funnel?start_date=2024-01-01&end_date=2024-06-30";
        let funnel = get(&shop, path).await;
        assert_eq!(funnel["all_sessions"]["sessions"], 3_605);
        assert_eq!(funnel["all_sessions"]["conversions"], 470);
        for (device, sessions, bought) in [("desktop", 1_890, 277), ("mobile", 1_295, 126), ("tablet", 420, 67)] {
            let told = get(&shop, &format!("{path}&device_type={device}")).await;
            assert_eq!((&told["all_sessions"]["sessions"], &told["all_sessions"]["conversions"]), (&json!(sessions), &json!(bought)), "{device}");
        }
        let dashboard = get(&shop, "/dashboard/metrics?start_date=2024-01-01&end_date=2024-06-30").await;
        assert_eq!(dashboard["total_users"]["value"], 600.0);
    }

    async fn orders_of_files_count_unless_the_shop_has_them_itself(database) {
        let shop = TestShop::start(database).await;
        crate::support::build::take(&shop.backend(), [crate::support::build::order(7).item(44, 2)]).await;
        let rows = "order,product,price,quantity,customer id,date\n7,44,14.95,2,a,2026-11-24\n8,44,10.00,1,a,2026-11-23\n8,45,5.00,2,a,2026-11-23\n9,45,5.00,1,b,2026-10-01\n";
        import(&shop, "", rows.as_bytes()).await;
        let told = get(&shop, "/dashboard/metrics").await;
        assert_eq!((&told["orders"]["value"], &told["revenue"]["value"]), (&json!(2.0), &json!(49.9)), "{told}");
        assert_eq!(told["orders"]["previous"], 1.0);
    }

    async fn a_file_that_is_forgotten_is_not_counted_any_more(database) {
        let shop = TestShop::start(database).await;
        let upload = import(&shop, "", b"user_id,session_id,page,timestamp\na,s1,home,2026-11-24 10:00:00\na,s1,search,2026-11-24 10:01:00\nb,,home,2026-11-24 10:00:00\n").await;
        assert_eq!(upload["kind"], "page_events", "{upload}");
        assert_eq!(users_of(&get(&shop, "/analytics/funnel").await), [2, 1, 0, 0]);
        let id = upload["upload_id"].as_str().unwrap();
        shop.backend().send(http::Request::delete(format!("/api/uploads/{id}")), Vec::new()).await.expect(200);
        footfall::jobs::work_until_idle(&shop.app).await.unwrap();
        assert_eq!(users_of(&get(&shop, "/analytics/funnel").await), [0, 0, 0, 0]);
        refresh(&shop).await;
    }
}
