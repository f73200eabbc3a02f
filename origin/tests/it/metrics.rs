//! What a Prometheus server reads.

use footfall_shared::id::OutboxId;
use footfall_shared::mode::Mode;
use http::Request;
use serde_json::json;

use crate::support::build::event;
use crate::support::{Credential, START, TestShop, on_both};

const TOKEN: &str = "a-token-of-the-prometheus-server";

async fn page(shop: &TestShop) -> String {
    let request = Request::get("/metrics").header("authorization", format!("Bearer {TOKEN}"));
    let reply = shop.anonymous().send(request, Vec::new()).await;
    assert_eq!(reply.status, 200);
    String::from_utf8(reply.bytes).unwrap()
}

on_both! {
    async fn the_page_counts_events_refusals_and_requests(database) {
        let settings = [("FOOTFALL_METRICS_TOKEN", TOKEN)];
        let shop = TestShop::start_with(database, Mode::Production, &settings).await;
        let batch = json!({
            "outbox": OutboxId::generate(START, [1; 10]), "handles": [1, 2, 3],
            "events": [event(shop.shop(), "a"), event(shop.shop(), "b"), {"no": "event"}],
        });
        shop.edge().post("/internal/events", &batch).await.expect(200);
        shop.anonymous().get("/api/events").await.expect(401);
        let page = page(&shop).await;
        for line in [
            "footfall_events_total{verdict=\"appended\"} 2",
            "footfall_events_total{verdict=\"rejected\"} 1",
            "footfall_refusals_total{code=\"unauthorized\"} 1",
            "footfall_requests_total{route=\"/api/events\",status=\"401\"} 1",
            "footfall_event_lag_seconds_count 2",
        ] {
            assert!(page.lines().any(|one| one == line), "{line}: {page}");
        }
        assert!(page.ends_with("# EOF\n"));
        assert_eq!(page.matches("# EOF").count(), 1);
    }

    async fn in_production_it_is_for_whoever_has_the_token(database) {
        let closed = TestShop::start(database).await;
        closed.admin().get("/metrics").await.expect(404);
        let settings = [("FOOTFALL_METRICS_TOKEN", TOKEN)];
        let shop = TestShop::start_with(database, Mode::Production, &settings).await;
        shop.anonymous().get("/metrics").await.expect(401);
        let key = shop.tenant.secret_key.clone();
        shop.client(Credential::Key(key)).get("/metrics").await.expect(401);
        page(&shop).await;
    }

    async fn in_development_it_is_open(database) {
        let shop = TestShop::start_in(database, Mode::Development).await;
        let request = Request::get("/metrics");
        assert_eq!(shop.anonymous().send(request, Vec::new()).await.status, 200);
    }
}
