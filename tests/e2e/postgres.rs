//! The main job with the origin on PostgreSQL.

use crate::main_job::{a_purchase_ends_the_offer, orders_become_an_offer};
use crate::support::database::new_database;
use crate::support::shop::new_shopper;
use crate::support::world::{Home, World};

#[test]
fn the_main_job_is_done_on_postgresql_too() {
    let world = World::start(Home::new(&[("DATABASE_URL", &new_database())]));
    let ready = world.stranger().get("/ready").expect(200);
    assert_eq!(ready["database"], "PostgreSQL");
    let email = new_shopper();
    orders_become_an_offer(&world.edge(), &world.origin(), &email);
    a_purchase_ends_the_offer(&world.edge(), &world.origin(), &email);
}
