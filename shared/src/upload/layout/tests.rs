use super::*;

fn recognize(headers: &str, rows: &[&str]) -> Result<Layout, InvalidField> {
    let split = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let sample: Vec<_> = rows.iter().map(|row| split(row)).collect();
    Layout::recognize(
        &split(headers),
        &sample,
        &Asked::default(),
        DateOrder::MonthFirst,
    )
}

fn columns(layout: &Layout) -> String {
    let texts = layout
        .columns
        .iter()
        .map(|(field, at)| format!("{}={at}", field.as_str()));
    texts.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_public_sets_are_recognized_as_they_are() {
    for (headers, row, kind, expected) in [
        (
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
            "536365,85123A,A,6,2010-12-01 08:26:00,2.55,17850,United Kingdom",
            Kind::Transactions,
            "order=0 customer=6 product=1 name=2 quantity=3 unit_price=5 at=4 location=7",
        ),
        (
            "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country",
            "489434,85048,A,12,2009-12-01 07:45:00,6.95,13085,United Kingdom",
            Kind::Transactions,
            "order=0 customer=6 product=1 name=2 quantity=3 unit_price=5 at=4 location=7",
        ),
        (
            "household_id,store_id,basket_id,product_id,quantity,sales_value,retail_disc,coupon_disc,coupon_match_disc,week,transaction_timestamp",
            "900,330,31198570044,1095275,1,0.5,0.0,0.0,0.0,1,2017-01-01 11:53:26",
            Kind::Transactions,
            "order=2 customer=0 product=3 quantity=4 total=5 at=10 discount=6",
        ),
        (
            "product_id,manufacturer_id,department,brand,product_category,product_type,package_size",
            "25671,2,GROCERY,National,FRZN ICE,ICE,22 LB",
            Kind::Products,
            "product=0 name=5 category=4 brand=3",
        ),
        (
            "household_id,age,income,home_ownership,marital_status,household_size,household_comp,kids_count",
            "1,65+,35-49K,Homeowner,Married,2,2 Adults No Kids,0",
            Kind::Customers,
            "customer=0 age=1",
        ),
        (
            ",Clothing ID,Age,Title,Review Text,Rating,Recommended IND,Positive Feedback Count,Division Name,Department Name,Class Name",
            "0,767,33,,Absolutely wonderful,4,1,0,Initmates,Intimate,Intimates",
            Kind::Reviews,
            "product=1 category=9 age=2 rating=5 title=3 text=4",
        ),
        (
            "user_id,session_id,event,timestamp,platform,acquisition_channel,user_cohort,user_lifecycle",
            "user_0000,sess_000001,home,2024-03-13 10:21:14,desktop,email,2024-01,returning",
            Kind::PageEvents,
            "customer=0 at=3 session=1 page=2 device=4 source=5",
        ),
        (
            "user_id,date,device,sex",
            "450007,2015-02-28,Desktop,Female",
            Kind::Customers,
            "customer=0 at=1 gender=3 device=2",
        ),
        (
            "user_id,home_page",
            "313593,home_page",
            Kind::PageEvents,
            "customer=0 page=1",
        ),
        (
            "Customer ID,Age,Gender,Item Purchased,Category,Purchase Amount (USD),Location,Size,Color,Season,Review Rating,Subscription Status,Payment Method,Shipping Type,Discount Applied,Promo Code Used,Previous Purchases,Preferred Payment Method,Frequency of Purchases",
            "1,55,Male,Blouse,Clothing,53,Kentucky,L,Gray,Winter,3.10,Yes,Credit Card,Express,Yes,Yes,14,Venmo,Fortnightly",
            Kind::Transactions,
            "customer=0 name=3 category=4 total=5 discount=14 location=6 age=1 gender=2 payment=12 shipping=13 rating=10 previous_purchases=16 purchase_frequency=18",
        ),
    ] {
        let layout = recognize(headers, &[row]).unwrap();
        assert_eq!(
            (layout.kind, columns(&layout).as_str()),
            (kind, expected),
            "{headers}"
        );
    }
}

#[test]
fn the_order_exports_of_shops_are_recognized() {
    let shopify = recognize("Name,Email,Financial Status,Paid at,Currency,Total,Discount Code,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Billing Country,Payment Method,Id,Location", &[]).unwrap();
    assert_eq!(shopify.program, Program::Shopify);
    assert_eq!(shopify.columns[&Field::Order], 0);
    assert_eq!(shopify.columns[&Field::UnitPrice], 11);
    let report = recognize(
        "Date,Order #,Status,Customer,Customer type,Product(s),Items sold,Coupon(s),N. Revenue,Attribution",
        &[],
    );
    let report = report.unwrap();
    assert_eq!(
        (report.program, report.kind),
        (Program::WooCommerceReport, Kind::Transactions)
    );
    let lines = recognize("Order Number,Order Status,Order Date,Email (Billing),Item #,SKU,Item Name,Quantity,Item Cost", &[]).unwrap();
    assert_eq!(
        columns(&lines),
        "order=0 email=3 product=5 name=6 quantity=7 unit_price=8 at=2 status=1"
    );
}

#[test]
fn what_headers_do_not_tell_the_cells_do() {
    let layout = recognize(
        "order,was,product,price,who",
        &["1,13/02/2026,A,2,a@b.example"],
    )
    .unwrap();
    assert_eq!(columns(&layout), "order=0 email=4 name=2 unit_price=3 at=1");
    assert_eq!(
        (layout.dates, layout.dates_shown),
        (DateOrder::DayFirst, true)
    );
}

#[test]
fn what_is_not_recognized_is_said_and_can_be_mapped() {
    assert_eq!(recognize("a,b,c", &["1,2,3"]).unwrap_err().field, "kind");
    let headers: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
    let mut asked = Asked {
        kind: Some(Kind::Transactions),
        ..Asked::default()
    };
    let fault = Layout::recognize(&headers, &[], &asked, DateOrder::DayFirst).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "mapping must name the column of product or name"
    );
    asked.mapping = [
        (Field::Product, "a"),
        (Field::Customer, "b"),
        (Field::Total, "C "),
    ]
    .map(|(field, header)| (field, header.to_owned()))
    .into();
    let layout = Layout::recognize(&headers, &[], &asked, DateOrder::DayFirst).unwrap();
    assert_eq!(columns(&layout), "customer=1 product=0 total=2");
    asked.mapping = [(Field::Product, "z".to_owned())].into();
    let fault = Layout::recognize(&headers, &[], &asked, DateOrder::DayFirst).unwrap_err();
    assert_eq!(fault.field, "mapping.product");
}
