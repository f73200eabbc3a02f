//! The database layer: migrations, transactions, and faults told apart.

use footfall::db::{Db, During, Fault, Handle, StorageError, Tx};
use footfall::on_db;
use footfall_shared::id::ExternalId;
use footfall_shared::money::MinorUnits;

use crate::support::{Database, Store, TestShop, on_both};

async fn execute(db: &mut impl Handle, sql: &'static str) -> Result<(), StorageError> {
    on_db!(db, |connection| sqlx::query(sql)
        .execute(connection)
        .await
        .map(|_| ()))
    .during("test")
}

async fn count(db: &mut impl Handle, sql: &'static str) -> i64 {
    on_db!(db, |connection| sqlx::query_scalar(sql)
        .fetch_one(connection)
        .await)
    .during("test")
    .unwrap()
}

async fn add(tx: &mut Tx, step: i64) -> Result<i64, StorageError> {
    const SQL: &str = "INSERT INTO counters (shop_id, name, value) VALUES ('s', 'n', $1) \
        ON CONFLICT (shop_id, name) DO UPDATE SET value = counters.value + $1 RETURNING value";
    on_db!(tx, |connection| sqlx::query_scalar(SQL)
        .bind(step)
        .fetch_one(connection)
        .await)
    .during("test")
}

on_both! {
    async fn a_new_database_is_migrated_once_and_again_without_change(database) {
        let store = Store::make_empty(database).await;
        let db = Db::connect(store.url()).await.unwrap();
        assert!(db.pending_migrations().await.unwrap() > 0);
        db.migrate().await.unwrap();
        db.migrate().await.unwrap();
        assert_eq!(db.pending_migrations().await.unwrap(), 0);
        db.close().await;
    }

    async fn a_migration_of_a_later_binary_is_counted_as_newer(database) {
        const LATER: &str = "INSERT INTO _sqlx_migrations \
            (version, description, success, checksum, execution_time) \
            SELECT 9999, 'later', success, checksum, 1 FROM _sqlx_migrations WHERE version = 1";
        let store = Store::make_empty(database).await;
        let db = Db::connect(store.url()).await.unwrap();
        assert_eq!(db.newer_migrations().await.unwrap(), 0, "nothing was ever migrated");
        db.migrate().await.unwrap();
        assert_eq!(db.newer_migrations().await.unwrap(), 0);
        let mut tx = db.begin().await.unwrap();
        execute(&mut tx, LATER).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(db.newer_migrations().await.unwrap(), 1);
        assert_eq!(db.pending_migrations().await.unwrap(), 0);
        db.close().await;
    }

    async fn concurrent_writers_all_succeed(database) {
        let shop = TestShop::start(database).await;
        let db = shop.app.db();
        let writes = (0..40).map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut tx = db.begin().await.unwrap();
                add(&mut tx, 1).await.unwrap();
                tx.commit().await.unwrap();
            })
        });
        for write in writes.collect::<Vec<_>>() {
            write.await.unwrap();
        }
        let mut reader = db.read().await.unwrap();
        assert_eq!(count(&mut reader, "SELECT value FROM counters").await, 40);
    }

    async fn a_transaction_that_is_dropped_leaves_nothing(database) {
        let shop = TestShop::start(database).await;
        let mut tx = shop.app.db().begin().await.unwrap();
        add(&mut tx, 1).await.unwrap();
        drop(tx);
        let mut reader = shop.app.db().read().await.unwrap();
        assert_eq!(count(&mut reader, "SELECT COUNT(*) FROM counters").await, 0);
    }

    async fn serialized_transactions_run_one_after_another(database) {
        let shop = TestShop::start(database).await;
        let db = shop.app.db().clone();
        let tasks = (0..8).map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut tx = db.begin().await.unwrap();
                tx.serialize("test", "s").await.unwrap();
                // Without the lock two of them read the same number, and one insert conflicts.
                let next = count(&mut tx, "SELECT COUNT(*) FROM counters").await;
                const SQL: &str = "INSERT INTO counters (shop_id, name, value) VALUES ('s', $1, 1)";
                on_db!(&mut tx, |c| sqlx::query(SQL).bind(next.to_string()).execute(c).await.map(|_| ()))
                    .during("test")
                    .unwrap();
                tx.commit().await.unwrap();
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    }

    async fn a_fault_is_told_apart_by_what_it_means(database) {
        let shop = TestShop::start(database).await;
        let db = shop.app.db();
        let cases = [
            ("INSERT INTO counters VALUES ('s', 'n', 1), ('s', 'n', 2)", Fault::Conflict),
            ("INSERT INTO keys VALUES ('no shop', 'k', 'secret', 'h', 'l', 1, NULL, NULL, NULL)", Fault::Conflict),
            ("SELECT * FROM no_such_table", Fault::Bug),
            ("NOT SQL AT ALL", Fault::Bug),
        ];
        for (sql, expected) in cases {
            let mut tx = db.begin().await.unwrap();
            assert_eq!(execute(&mut tx, sql).await.unwrap_err().fault(), expected, "{sql}");
        }
        db.close().await;
        assert_eq!(db.begin().await.unwrap_err().fault(), Fault::Gone);
    }

    async fn a_customer_has_at_most_one_active_offer(database) {
        let shop = TestShop::start(database).await;
        const FIRST: &str = "INSERT INTO offers (shop_id, id, number, customer_id, status, body, \
            created_at, expires_at, updated_at) VALUES ('s', 'a', 1, 'c', 'viewed', '{}', 1, 2, 1)";
        const SECOND: &str = "INSERT INTO offers (shop_id, id, number, customer_id, status, body, \
            created_at, expires_at, updated_at) VALUES ('s', 'b', 2, 'c', 'pending', '{}', 1, 2, 1)";
        let mut tx = shop.app.db().begin().await.unwrap();
        execute(&mut tx, FIRST).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = shop.app.db().begin().await.unwrap();
        assert_eq!(execute(&mut tx, SECOND).await.unwrap_err().fault(), Fault::Conflict);
        drop(tx);
        let mut tx = shop.app.db().begin().await.unwrap();
        execute(&mut tx, "UPDATE offers SET status = 'rejected'").await.unwrap();
        execute(&mut tx, SECOND).await.unwrap();
    }

    async fn the_catalogues_word_about_a_product_outranks_an_orders(database) {
        use footfall::shops::{Product, list_product, list_products, record_products, unlist_product};
        let shop = TestShop::start(database).await;
        let product = |price| Product {
            id: ExternalId::from(44),
            name: "Full Moon".into(),
            slug: "full-moon".into(),
            unit_price: MinorUnits::new(price),
        };
        let (now, id) = (shop.app.now(), &shop.shop().id);
        let mut tx = shop.app.db().begin().await.unwrap();
        record_products(&mut tx, id, &[(product(1), now)]).await.unwrap();
        list_product(&mut tx, id, &product(2), now.plus(-9)).await.unwrap();
        record_products(&mut tx, id, &[(product(3), now.plus(9))]).await.unwrap();
        list_product(&mut tx, id, &product(4), now.plus(-10)).await.unwrap();
        assert_eq!(list_products(&mut tx, id).await.unwrap(), [product(2)]);
        assert!(unlist_product(&mut tx, id, &product(2).id).await.unwrap());
        assert!(!unlist_product(&mut tx, id, &product(2).id).await.unwrap());
        record_products(&mut tx, id, &[(product(3), now.plus(9))]).await.unwrap();
        assert_eq!(list_products(&mut tx, id).await.unwrap(), [product(3)]);
    }

    async fn the_newest_word_about_a_product_wins(database) {
        use footfall::shops::{Product, list_products, record_products};
        let shop = TestShop::start(database).await;
        let product = |name: &str| Product {
            id: ExternalId::from(44),
            name: name.into(),
            slug: "full-moon".into(),
            unit_price: MinorUnits::new(1495),
        };
        let (now, id) = (shop.app.now(), &shop.shop().id);
        let mut tx = shop.app.db().begin().await.unwrap();
        record_products(&mut tx, id, &[(product("Full Moon"), now)]).await.unwrap();
        record_products(&mut tx, id, &[(product("Old Moon"), now.plus(-1))]).await.unwrap();
        assert_eq!(list_products(&mut tx, id).await.unwrap(), [product("Full Moon")]);
        tx.commit().await.unwrap();
        let neighbour = shop.neighbour().await;
        let mut reader = shop.app.db().read().await.unwrap();
        assert_eq!(list_products(&mut reader, &neighbour.shop.id).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_gone_and_not_a_bug() {
    let fault = Db::connect("postgres://nobody@127.0.0.1:1/none")
        .await
        .unwrap_err()
        .fault();
    assert!(matches!(fault, Fault::Gone | Fault::Busy), "{fault:?}");
    let fault = Db::connect("sqlite:/proc/no/such/place.db")
        .await
        .unwrap_err()
        .fault();
    assert_eq!(fault, Fault::Gone);
}

#[tokio::test]
async fn sqlite_readers_cannot_write_and_a_held_lock_is_busy() {
    let shop = TestShop::start(Database::Sqlite).await;
    let mut reader = shop.app.db().read().await.unwrap();
    execute(&mut reader, "DELETE FROM counters")
        .await
        .unwrap_err();
    let _held = shop.app.db().begin().await.unwrap();
    let other = Db::connect(shop.app.config().database_url.reveal()).await;
    // The second process opens the same file; its writer waits for the first one's and gives up.
    let fault = match other {
        Ok(other) => other.begin().await.unwrap_err().fault(),
        Err(error) => error.fault(),
    };
    assert_eq!(fault, Fault::Busy);
}
