//! Reading a shop's lists.

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use footfall::shops::list_products;
use footfall::woocommerce::connection::{disconnect, find_connection, set_api};
use footfall::woocommerce::{ApiError, Counts, Resource, SyncError, reconcile_due, sync};
use serde_json::json;

use super::payload::{
    JOHN, changed_at, connected, counted, deliver, deliver_as, with, woo_customer, woo_order,
    woo_product,
};
use super::server::WooShop;
use crate::support::build::entry;
use crate::support::{TestShop, on_both};

/// An order of a customer of its own.
fn order_of(id: u64) -> serde_json::Value {
    with(
        woo_order(id),
        &json!({"/billing/email": format!("c{id}@example.com")}),
    )
}

/// A shop with so many orders.
async fn with_orders(count: u64) -> WooShop {
    let woo = WooShop::start().await;
    for id in 1..=count {
        woo.put("orders", order_of(id));
    }
    woo
}

/// Reads lists; what each found.
async fn read(
    shop: &TestShop,
    woo: &WooShop,
    lists: &[Resource],
    whole: bool,
) -> Result<Vec<(Resource, Counts)>, SyncError> {
    let found = Mutex::new(Vec::new());
    let tell = |progress: footfall::woocommerce::Progress| {
        if progress.done {
            found
                .lock()
                .unwrap()
                .push((progress.resource, progress.counts));
        }
    };
    sync(&shop.app, shop.shop(), &woo.access(), lists, whole, &tell).await?;
    Ok(found.into_inner().unwrap())
}

fn counts(checked: i64, missing: i64, mended: i64, refused: i64) -> Counts {
    Counts {
        checked,
        missing,
        mended,
        refused,
    }
}

on_both! {
    async fn a_shop_is_read_page_by_page_and_again_without_a_change(database) {
        let shop = TestShop::start(database).await;
        let woo = with_orders(205).await;
        woo.put("orders", with(order_of(206), &json!({"/currency": "USD"})));
        woo.put("products", woo_product(44));
        woo.put("customers", woo_customer(26, "joao@example.com"));
        let found = read(&shop, &woo, &Resource::ALL, false).await.unwrap();
        assert_eq!(found, [
            (Resource::Products, counts(1, 1, 1, 0)), (Resource::Orders, counts(206, 205, 205, 1)),
            (Resource::Trash, counts(0, 0, 0, 0)), (Resource::Customers, counts(1, 1, 1, 0)),
        ]);
        assert_eq!(woo.asked(), ["products 1", "orders 1", "orders 2", "orders 3", "trash 1", "customers 1"]);
        assert_eq!(counted(&shop, "c205@example.com").await, 1);
        let products = list_products(&mut shop.app.db().read().await.unwrap(), &shop.shop().id).await.unwrap();
        assert_eq!(products[0].slug, "full-moon-2");
        let customer = entry(&shop.edge(), shop.shop(), "joao@example.com").await;
        assert_eq!(customer["card"]["first_name"], "João");
        // Nothing changed at the shop since; asked for everything, nothing changes here.
        let found = read(&shop, &woo, &Resource::ALL, false).await.unwrap();
        assert_eq!(found[1].1, counts(0, 0, 0, 0));
        let found = read(&shop, &woo, &Resource::ALL, true).await.unwrap();
        let all: Vec<Counts> = found.into_iter().map(|(_, counts)| counts).collect();
        assert_eq!(all, [counts(1, 0, 0, 0), counts(206, 0, 0, 1), counts(0, 0, 0, 0), counts(1, 0, 0, 0)]);
    }

    async fn the_schedule_finds_and_mends_what_webhooks_missed(database) {
        let shop = TestShop::start(database).await;
        connected(&shop).await;
        let woo = with_orders(3).await;
        let store = async || {
            let mut tx = shop.app.db().begin().await.unwrap();
            set_api(&mut tx, &shop.shop().id, &woo.access(), shop.app.now()).await.unwrap();
            tx.commit().await.unwrap();
        };
        assert_eq!(reconcile_due(&shop.app).await.unwrap(), 0, "nothing is stored to read it with");
        store().await;
        assert_eq!(reconcile_due(&shop.app).await.unwrap(), 1);
        assert_eq!(counted(&shop, "c3@example.com").await, 1);
        // Since then the shop refunded one, threw one away, and got one, and none of it was delivered.
        let later = "2026-11-24T12:30:00";
        let since = |order, status| with(order, &json!({"/status": status, "/date_modified_gmt": later}));
        woo.put("orders", since(order_of(1), "refunded"));
        woo.put("orders", since(order_of(2), "trash"));
        woo.put("orders", since(order_of(4), "processing"));
        assert_eq!(reconcile_due(&shop.app).await.unwrap(), 0, "it is not due yet");
        shop.pass(60 * 60 * 1000);
        assert_eq!(reconcile_due(&shop.app).await.unwrap(), 1);
        for (id, counts) in [(1, 0), (2, 0), (3, 1), (4, 1)] {
            assert_eq!(counted(&shop, &format!("c{id}@example.com")).await, counts, "{id}");
        }
        let passes = footfall::woocommerce::list_passes(&mut shop.app.db().read().await.unwrap(), &shop.shop().id).await.unwrap();
        let told: Vec<(&str, Counts)> = passes.iter().map(|pass| (pass.resource.as_str(), pass.counts)).collect();
        assert_eq!(told, [
            ("orders", counts(2, 1, 2, 0)), ("products", counts(0, 0, 0, 0)), ("trash", counts(1, 0, 1, 0)),
        ]);
        assert!(passes.iter().all(|pass| !pass.under_way && pass.finished_at.is_some()));
    }

    async fn a_list_asked_for_after_a_deletion_brings_the_order_back(database) {
        let shop = TestShop::start(database).await;
        connected(&shop).await;
        let woo = WooShop::start().await;
        woo.put("orders", woo_order(1));
        deliver(&shop, "order.created", &woo_order(1)).await;
        deliver(&shop, "order.deleted", &json!({"id": 1})).await;
        read(&shop, &woo, &[Resource::Orders], true).await.unwrap();
        assert_eq!(counted(&shop, JOHN).await, 0, "the list may be older than the deletion");
        shop.pass(1);
        let found = read(&shop, &woo, &[Resource::Orders], true).await.unwrap();
        assert_eq!((counted(&shop, JOHN).await, found[0].1), (1, counts(1, 0, 1, 0)));
    }

    async fn an_order_that_left_the_trash_meanwhile_counts_on(database) {
        let shop = TestShop::start(database).await;
        connected(&shop).await;
        let woo = WooShop::start().await;
        woo.put("orders", with(woo_order(1), &json!({"/status": "trash"})));
        deliver(&shop, "order.restored", &changed_at(woo_order(1), "11:00:00")).await;
        let found = read(&shop, &woo, &[Resource::Trash], true).await.unwrap();
        assert_eq!((counted(&shop, JOHN).await, found[0].1), (1, counts(1, 0, 0, 0)));
        woo.put("orders", changed_at(with(woo_order(1), &json!({"/status": "trash"})), "12:00:00"));
        read(&shop, &woo, &[Resource::Trash], true).await.unwrap();
        assert_eq!(counted(&shop, JOHN).await, 0);
    }

    async fn an_order_that_slipped_to_a_page_that_was_read_is_not_missed(database) {
        let shop = TestShop::start(database).await;
        let woo = with_orders(150).await;
        woo.delete_after("orders 1", 7);
        read(&shop, &woo, &[Resource::Orders], false).await.unwrap();
        assert_eq!(woo.asked(), ["orders 1", "orders 2", "orders 2"]);
        woo.delete_after("orders 1", 8);
        read(&shop, &woo, &[Resource::Orders], true).await.unwrap();
        assert_eq!(counted(&shop, "c101@example.com").await, 1);
    }

    async fn a_reading_that_another_one_overtook_stops_and_moves_nothing(database) {
        let shop = TestShop::start(database).await;
        let woo = with_orders(350).await;
        woo.hang_at(Some("orders 3"));
        let slow = {
            let (app, tenant, access) = (shop.app.clone(), shop.tenant.clone(), woo.access());
            tokio::spawn(async move { sync(&app, &tenant.shop, &access, &[Resource::Orders], false, &|_| ()).await })
        };
        woo.hangs().await;
        woo.hang_at(None);
        let found = read(&shop, &woo, &[Resource::Orders], false).await.unwrap();
        assert_eq!(found[0].1, counts(350, 350, 350, 0));
        woo.release();
        assert!(matches!(slow.await.unwrap(), Err(SyncError::Overtaken)));
        let passes = footfall::woocommerce::list_passes(&mut shop.app.db().read().await.unwrap(), &shop.shop().id).await.unwrap();
        assert_eq!((passes[0].under_way, passes[0].counts), (false, counts(350, 350, 350, 0)));
    }

    async fn a_connection_that_is_forgotten_takes_and_reads_nothing(database) {
        let shop = TestShop::start(database).await;
        connected(&shop).await;
        let woo = with_orders(1).await;
        let mut tx = shop.app.db().begin().await.unwrap();
        let (id, now) = (&shop.shop().id, shop.app.now());
        set_api(&mut tx, id, &woo.access(), now).await.unwrap();
        assert!(find_connection(&mut tx, id).await.unwrap().unwrap().api.is_some());
        assert!(disconnect(&mut tx, id).await.unwrap());
        assert!(!disconnect(&mut tx, id).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(reconcile_due(&shop.app).await.unwrap(), 0);
        deliver_as(&shop, "d", "order.created", &woo_order(1)).await.expect_error(401, "unauthorized");
    }

    async fn a_shop_that_is_asked_too_often_is_given_the_time_that_it_wants(database) {
        let shop = TestShop::start(database).await;
        let woo = with_orders(1).await;
        woo.fail_with(&[(429, Some("1")), (503, Some("0")), (502, Some("0"))]);
        let begun = Instant::now();
        read(&shop, &woo, &[Resource::Orders], false).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(1));
        assert_eq!(woo.asked(), vec!["orders 1"; 4]);
        assert_eq!(counted(&shop, "c1@example.com").await, 1);
    }

    async fn a_shop_that_cannot_be_read_is_told_plainly(database) {
        let shop = TestShop::start(database).await;
        let woo = with_orders(1).await;
        let fault = async |faults: &[(u16, Option<&str>)]| {
            woo.fail_with(faults);
            match read(&shop, &woo, &[Resource::Orders], false).await {
                Err(SyncError::Api { source, .. }) => source,
                other => panic!("{other:?}"),
            }
        };
        assert!(matches!(fault(&[(401, None)]).await, ApiError::Refused));
        assert!(matches!(fault(&[(404, None)]).await, ApiError::NoApi));
        assert!(matches!(fault(&[(301, None)]).await, ApiError::Status(status) if status == 301));
        assert!(matches!(fault(&[(200, None)]).await, ApiError::NotAList(_)));
        let for_long = [(503, Some("0")); 6];
        assert!(matches!(fault(&for_long).await, ApiError::Status(status) if status == 503));
        assert_eq!(counted(&shop, "c1@example.com").await, 0);
    }
}

/// The command line over a data directory of its own.
fn footfall(folder: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_footfall"));
    command
        .env_clear()
        .env("FOOTFALL_DATA_DIR", folder)
        .env("FOOTFALL_WOOCOMMERCE_KEY", "ck_1")
        .env("FOOTFALL_WOOCOMMERCE_SECRET", "cs_1")
        .args(arguments)
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end without holding up the shop, which answers on the same runtime.
async fn run(folder: &std::path::Path, arguments: &[&str]) -> (bool, String) {
    let mut command = footfall(folder, arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.success(), told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_sync_goes_on_at_its_page() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(
        folder,
        &[
            "admin", "shop", "create", "--slug", "moon", "--name", "Moon",
        ],
    )
    .await;
    let woo = with_orders(350).await;
    woo.hang_at(Some("orders 3"));
    let command = [
        "sync",
        "woocommerce",
        "--shop",
        "moon",
        "--only",
        "orders",
        "--url",
        woo.url(),
    ];
    let mut child = footfall(folder, &command)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    woo.hangs().await;
    child.kill().unwrap();
    child.wait().unwrap();
    woo.hang_at(None);
    assert_eq!(woo.asked(), ["orders 1", "orders 2", "orders 3"]);
    let (ok, told) = run(folder, &command).await;
    assert!(ok, "{told}");
    assert_eq!(woo.asked(), ["orders 3", "orders 4", "trash 1"]);
    let last = told
        .lines()
        .find(|line| line.starts_with("orders: page 4"))
        .unwrap();
    assert_eq!(
        last,
        "orders: page 4, 350 of 350 checked, 350 missing, 350 mended, 0 refused, done"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_is_connected_shown_and_disconnected_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(
        folder,
        &[
            "admin", "shop", "create", "--slug", "moon", "--name", "Moon",
        ],
    )
    .await;
    let woo = with_orders(1).await;
    let (ok, told) = run(
        folder,
        &["admin", "woocommerce", "webhook", "--shop", "moon"],
    )
    .await;
    assert!(ok && told.contains("/webhooks/woocommerce/moon"), "{told}");
    let api = |url| {
        [
            "admin",
            "woocommerce",
            "api",
            "--shop",
            "moon",
            "--url",
            url,
        ]
    };
    let (ok, told) = run(folder, &api("http://shop.example")).await;
    assert!(!ok && told.contains("https://"), "{told}");
    assert!(run(folder, &api(woo.url())).await.0);
    let (ok, told) = run(folder, &["sync", "woocommerce", "--shop", "moon"]).await;
    assert!(
        ok && told.contains("orders: page 1, 1 of 1 checked, 1 missing, 1 mended"),
        "{told}"
    );
    let (_, shown) = run(folder, &["admin", "woocommerce", "show", "--shop", "moon"]).await;
    assert!(
        shown.contains("webhook secret: set") && shown.contains(woo.url()),
        "{shown}"
    );
    assert!(
        !shown.contains("cs_1") && !shown.contains("ck_1"),
        "{shown}"
    );
    let disconnect = ["admin", "woocommerce", "disconnect", "--shop", "moon"];
    assert!(run(folder, &disconnect).await.0);
    assert!(!run(folder, &disconnect).await.0);
    let (ok, told) = run(folder, &["sync", "woocommerce", "--shop", "moon"]).await;
    assert!(!ok && told.contains("--url"), "{told}");
}
