//! The audit log.

use footfall::audit::{chain, read_chain};
use footfall::db::During;
use footfall::on_db;
use http::Request;
use serde_json::json;

use crate::support::{TestShop, everything, on_both};

/// Actor's kind, action and outcome of each entry, the first first.
async fn deeds(shop: &TestShop) -> Vec<(String, String, String)> {
    let mut db = shop.app.db().read().await.unwrap();
    let all = read_chain(&mut db, &shop.shop().id, 0, 1_000)
        .await
        .unwrap();
    all.into_iter()
        .map(|one| (one.actor_kind, one.action, one.outcome))
        .collect()
}

fn deed(actor: &str, action: &str, outcome: &str) -> (String, String, String) {
    (actor.to_owned(), action.to_owned(), outcome.to_owned())
}

on_both! {
    async fn what_is_done_in_the_administration_is_in_the_chain(database) {
        let shop = TestShop::start(database).await;
        let before = deeds(&shop).await.len();
        let admin = shop.admin();
        let made = admin.post("/api/keys", &json!({"kind": "secret", "label": "Till", "scopes": ["orders:write"]})).await.expect(201);
        let key = made["data"]["id"].as_str().unwrap();
        let revoked = admin.send(Request::delete(format!("/api/keys/{key}")), Vec::new()).await;
        assert!(revoked.status.is_success());
        admin.send(Request::delete("/api/keys/key_01KB000000000000000000000A"), Vec::new()).await.expect(404);
        // Who may not is not let in, and nothing was begun.
        shop.backend().post("/api/keys", &json!({"kind": "secret", "label": "x"})).await.expect(403);
        shop.backend().post("/models/retrain", &json!({})).await;
        // Reading, and bringing data in, are not kept.
        admin.get("/api/keys").await.expect(200);
        shop.backend().post("/api/orders", &json!({"orders": []})).await;
        let told: Vec<_> = deeds(&shop).await.split_off(before);
        let kept: Vec<_> = told.into_iter().filter(|(_, action, _)| !action.contains("/api/auth")).collect();
        assert_eq!(kept, [
            deed("person", "POST /api/keys", "begun"),
            deed("person", "DELETE /api/keys/{id}", "begun"),
            deed("person", "DELETE /api/keys/{id}", "begun"),
            deed("person", "DELETE /api/keys/{id}", "failed 404"),
            deed("key", "POST /models/retrain", "begun"),
        ]);
        let told = admin.get("/api/audit?limit=2").await.expect(200);
        let entries = told["data"]["entries"].as_array().unwrap();
        assert_eq!((entries.len(), &entries[0]["action"]), (2, &json!("POST /models/retrain")));
        let next = told["data"]["next"].as_i64().unwrap();
        assert_eq!(admin.get(&format!("/api/audit?before={next}")).await.expect(200)["data"]["entries"][0]["seq"], next - 1);
        admin.get("/api/audit?limit=0").await.expect(400);
        let all = everything(&shop).await;
        let kept: Vec<&str> = all.lines().filter(|line| line.starts_with("audit_entries:")).collect();
        assert!(kept.len() >= 5 && kept.iter().all(|line| !line.contains('@') && !line.contains("Till")), "{kept:?}");
    }

    async fn entries_stay_as_they_are_and_who_gets_past_that_is_found(database) {
        let shop = TestShop::start(database).await;
        for label in ["one", "two", "three"] {
            shop.admin().post("/api/keys", &json!({"kind": "secret", "label": label})).await.expect(201);
        }
        let verify = async || {
            let mut db = shop.app.db().read().await.unwrap();
            let all = read_chain(&mut db, &shop.shop().id, 0, 1_000).await.unwrap();
            chain::first_break(shop.shop().id.as_str(), &all, (0, chain::BEFORE_ALL.to_owned()))
        };
        assert!(verify().await.is_ok());
        for sql in ["UPDATE audit_entries SET actor = 'nobody' WHERE seq = 2", "DELETE FROM audit_entries WHERE seq = 2"] {
            let mut tx = shop.app.db().begin().await.unwrap();
            let done = on_db!(&mut tx, |connection| sqlx::query(sql).execute(connection).await.map(|_| ()));
            assert!(done.during("tamper in a test").is_err());
        }
        let drop = match database {
            crate::support::Database::Sqlite => "DROP TRIGGER audit_entries_stay",
            crate::support::Database::Postgres => "DROP TRIGGER audit_entries_stay ON audit_entries",
        };
        let mut tx = shop.app.db().begin().await.unwrap();
        for sql in [drop, "UPDATE audit_entries SET actor = 'nobody' WHERE seq = 2"] {
            let done = on_db!(&mut tx, |connection| sqlx::query(sql).execute(connection).await.map(|_| ()));
            done.during("tamper in a test").unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(verify().await, Err(2));
    }

    async fn entries_at_once_are_one_chain(database) {
        let shop = TestShop::start(database).await;
        let all = (0..12).map(|_| {
            let backend = shop.backend();
            tokio::spawn(async move {
                backend.post("/models/retrain", &json!({})).await.expect(202);
            })
        });
        for one in all.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        let mut db = shop.app.db().read().await.unwrap();
        let all = read_chain(&mut db, &shop.shop().id, 0, 1_000).await.unwrap();
        let end = chain::first_break(shop.shop().id.as_str(), &all, (0, chain::BEFORE_ALL.to_owned())).unwrap();
        assert!(end.0 >= 12);
    }
}
