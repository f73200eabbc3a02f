use serde_json::{Value, json};

use super::*;
use crate::money::MinorUnits;

const NOW: UtcMillis = UtcMillis::new(1_790_000_000_000);

/// An order of two lines; the first costs 6.00 and 0.45 tax for two.
fn payload() -> Value {
    json!({
        "id": 727, "parent_id": 0, "number": "727", "order_key": "wc_order_58d2d042d1d",
        "status": "processing", "currency": "EUR", "total": "29.35", "customer_id": 0,
        "date_created": "2017-03-22T16:28:02", "date_created_gmt": "2017-03-22T19:28:02",
        "date_modified_gmt": "2017-03-22T19:28:08", "date_completed_gmt": null,
        "billing": {"first_name": "John", "last_name": "Doe", "email": "John.Doe@example.com", "company": ""},
        "line_items": [
            {"id": 315, "name": "Woo Single #1", "product_id": 93, "variation_id": 0, "quantity": 2,
             "subtotal": "6.00", "total": "6.00", "total_tax": "0.45", "price": 3, "parent_name": null},
            {"id": 316, "name": "Ship Your Idea &ndash; Black", "product_id": 22, "variation_id": 23,
             "quantity": 1, "total": "12.00", "total_tax": "0.90", "price": 12, "parent_name": "Ship Your Idea"},
        ],
        "tax_lines": [{"id": 318, "tax_total": "1.35"}], "refunds": [],
    })
}

fn with(changes: &Value) -> Value {
    let mut order = payload();
    for (path, value) in changes.as_object().unwrap() {
        *order.pointer_mut(path).unwrap() = value.clone();
    }
    order
}

fn parse(order: Value) -> Result<Told<ToldOrder>, InvalidField> {
    let order: WooOrder = serde_json::from_value(order).unwrap();
    order.parse(Currency::EUR, NOW)
}

fn told(order: Value) -> ToldOrder {
    match parse(order).unwrap() {
        Told::This(told) => told,
        Told::Nothing(reason) => panic!("{reason}"),
    }
}

fn status(changes: &Value) -> String {
    told(with(changes)).order.status
}

#[test]
fn an_order_is_read_with_text_prices_tax_and_a_guest() {
    let told = told(payload());
    let order = &told.order;
    assert_eq!(order.id, 727.into());
    assert_eq!(
        (order.email.as_str(), &order.customer_id),
        ("john.doe@example.com", &None)
    );
    assert_eq!(
        Some(order.at),
        UtcMillis::parse_rfc3339("2017-03-22T19:28:02Z")
    );
    assert_eq!(
        Some(told.modified_at),
        UtcMillis::parse_rfc3339("2017-03-22T19:28:08Z")
    );
    let items: Vec<(&str, u32, i64)> = order
        .items
        .iter()
        .map(|item| (item.name.as_str(), item.quantity, item.unit_price.get()))
        .collect();
    assert_eq!(
        items,
        [("Woo Single #1", 2, 323), ("Ship Your Idea", 1, 1290)]
    );
}

#[test]
fn what_php_writes_for_nothing_is_nothing() {
    for nothing in [json!(null), json!([]), json!(false), json!({}), json!("")] {
        let mut order = payload();
        for field in ["line_items", "refunds"] {
            if !nothing.is_string() {
                order[field] = nothing.clone();
            }
        }
        if !nothing.is_object() {
            order["customer_id"] = nothing.clone();
            order["number"] = nothing.clone();
            order["billing"]["first_name"] = nothing.clone();
        }
        let told = told(order);
        assert!(
            nothing.is_string() || told.order.items.is_empty(),
            "{nothing}"
        );
    }
}

#[test]
fn numbers_come_as_texts_and_lists_as_objects() {
    let mut order = with(&json!({
        "/id": "727", "/customer_id": "26", "/total": 29.35, "/line_items/0/quantity": "2",
        "/line_items/0/total": 6, "/line_items/0/product_id": "93",
    }));
    order["line_items"] = json!({"3": order["line_items"][0], "7": order["line_items"][1]});
    let told = told(order);
    assert_eq!(told.order.customer_id, Some(26.into()));
    assert_eq!(told.order.items[0].unit_price, MinorUnits::new(323));
    assert_eq!(told.order.items.len(), 2);
}

#[test]
fn only_what_came_back_whole_is_refunded() {
    assert_eq!(status(&json!({})), "processing");
    assert_eq!(status(&json!({"/status": "wc-Completed"})), "completed");
    let refunds = |amounts: &[&str]| {
        let list: Vec<Value> = amounts
            .iter()
            .map(|total| json!({"id": 1, "total": total}))
            .collect();
        json!({"/refunds": list})
    };
    assert_eq!(status(&refunds(&["-10.00", "-9.00"])), "processing");
    assert_eq!(status(&refunds(&["-20.35", "-9.00"])), "refunded");
    assert_eq!(
        status(&json!({"/status": "cancelled", "/refunds": [{"total": "-29.35"}]})),
        "cancelled"
    );
    assert_eq!(
        status(&json!({"/total": "0.00"})),
        "processing",
        "a free order is a purchase"
    );
}

#[test]
fn what_is_no_product_or_was_not_bought_is_left_out() {
    for (path, value) in [
        ("/line_items/0/product_id", json!(0)),
        ("/line_items/0/quantity", json!(0)),
        ("/line_items/0/total", json!("-6.00")),
    ] {
        let told = told(with(&json!({path: value})));
        assert_eq!(told.order.items.len(), 1, "{path}");
    }
}

#[test]
fn an_order_that_is_nothing_for_us_says_why() {
    for (path, value, reason) in [
        ("/currency", json!("USD"), "currency"),
        ("/billing/email", json!(""), "email"),
        ("/billing/email", json!(null), "email"),
        ("/billing", json!([]), "email"),
    ] {
        let read = parse(with(&json!({path: value}))).unwrap();
        assert!(
            matches!(read, Told::Nothing(text) if text.contains(reason)),
            "{read:?}"
        );
    }
}

#[test]
fn a_fault_names_the_payloads_own_field() {
    for (path, value, field) in [
        ("/status", json!(""), "status"),
        (
            "/date_created_gmt",
            json!("2099-01-01T00:00:00"),
            "date_created_gmt",
        ),
        (
            "/line_items/1/quantity",
            json!("many"),
            "line_items[1].quantity",
        ),
        ("/line_items/1/total", json!("1,50"), "line_items[1].total"),
        (
            "/line_items/1/total",
            json!("99999999999999"),
            "line_items[1].total",
        ),
        (
            "/line_items/1/total_tax",
            json!("x"),
            "line_items[1].total_tax",
        ),
        ("/total", json!("x"), "total"),
    ] {
        let fault = parse(with(&json!({path: value, "/line_items/0/product_id": 0}))).unwrap_err();
        assert_eq!(fault.field, field);
    }
    let undated = with(&json!({"/date_created_gmt": null, "/date_modified_gmt": null}));
    assert_eq!(parse(undated).unwrap_err().field, "date_created_gmt");
}

#[test]
fn an_order_without_its_day_is_of_the_day_it_was_changed() {
    let told = told(with(&json!({"/date_created_gmt": null})));
    assert_eq!(
        Some(told.order.at),
        UtcMillis::parse_rfc3339("2017-03-22T19:28:08Z")
    );
}

/// Where the documentation's own samples lie beside the project.
fn samples() -> Option<std::path::PathBuf> {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/data/payloads/woocommerce"))
        .find(|folder| folder.is_dir())
}

#[test]
fn the_documentations_samples_are_read() {
    let Some(folder) = samples() else {
        eprintln!("skipped: the samples do not lie beside the project");
        return;
    };
    let files = std::fs::read_dir(folder).unwrap();
    let usd = Currency::parse("currency", "USD").unwrap();
    let mut read = 0;
    for file in files.map(|file| file.unwrap().path()) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("orders__") || name.contains("batch") {
            continue;
        }
        let json: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let list = json.as_array().cloned().unwrap_or_else(|| vec![json]);
        for one in list {
            let order: WooOrder = serde_json::from_value(one).unwrap();
            let told = order.parse(usd, NOW).unwrap();
            let Told::This(told) = told else {
                panic!("{name}: {told:?}")
            };
            assert!(!told.order.items.is_empty(), "{name}");
            read += 1;
        }
    }
    assert!(read >= 6, "{read}");
}

proptest::proptest! {
    #[test]
    fn any_texts_never_panic(status in ".*", total in ".*", quantity in ".*", date in ".*", email in ".*") {
        let order = with(&json!({
            "/status": status, "/total": total, "/line_items/0/quantity": quantity,
            "/line_items/0/total": total, "/date_created_gmt": date, "/billing/email": email,
        }));
        let _ = serde_json::from_value::<WooOrder>(order).unwrap().parse(Currency::EUR, NOW);
    }
}
