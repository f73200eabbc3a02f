//! The main job with the origin on PostgreSQL.

use crate::main_job::{a_purchase_ends_the_offer, orders_become_an_offer};
use crate::support::http::wait;
use crate::support::shop::new_shopper;
use crate::support::unique;
use crate::support::world::{Home, World};

/// Makes a database of the test's own and gives its URL.
fn new_database() -> String {
    let admin = std::env::var("FOOTFALL_TEST_POSTGRES").expect(
        "FOOTFALL_TEST_POSTGRES must name a PostgreSQL server: `scripts/postgres-test.sh start` prints one",
    );
    let name = unique("footfall_e2e").replace('-', "_");
    wait(async {
        use sqlx::{AssertSqlSafe, Connection, PgConnection};
        let mut server = PgConnection::connect(&admin).await.unwrap();
        for text in [
            format!("DROP DATABASE IF EXISTS {name}"),
            format!("CREATE DATABASE {name}"),
        ] {
            sqlx::query(AssertSqlSafe(text))
                .execute(&mut server)
                .await
                .unwrap();
        }
    });
    let (server, _) = admin.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

#[test]
fn the_main_job_is_done_on_postgresql_too() {
    let world = World::start(Home::new(&[("DATABASE_URL", &new_database())]));
    let ready = world.stranger().get("/ready").expect(200);
    assert_eq!(ready["database"], "PostgreSQL");
    let email = new_shopper();
    orders_become_an_offer(&world.edge(), &world.origin(), &email);
    a_purchase_ends_the_offer(&world.edge(), &world.origin(), &email);
}
