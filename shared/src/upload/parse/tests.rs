use super::super::date::DateOrder;
use super::super::layout::Asked;
use super::*;
use crate::money::MinorUnits;

struct File {
    parser: Parser,
    number: u64,
}

fn file(headers: &str, sample: &[&str]) -> File {
    let split = |line: &str| line.split(';').map(str::to_owned).collect::<Vec<_>>();
    let rows: Vec<_> = sample.iter().map(|row| split(row)).collect();
    let layout = Layout::recognize(
        &split(headers),
        &rows,
        &Asked::default(),
        DateOrder::DayFirst,
    );
    let parser = Parser::new(layout.unwrap(), TimeZone::UTC, Currency::EUR);
    File { parser, number: 0 }
}

impl File {
    fn rows(&mut self, row: &str) -> Result<Vec<String>, RowFault> {
        self.number += 1;
        let cells: Vec<&str> = row.split(';').collect();
        let mut told = Vec::new();
        self.parser
            .read(self.number, cells.as_slice(), |row| told.push(tell(&row)))?;
        Ok(told)
    }

    fn row(&mut self, row: &str) -> String {
        self.rows(row).unwrap().join(" + ")
    }

    fn fault(&mut self, row: &str) -> String {
        let fault = self.rows(row).unwrap_err();
        format!("{} {}", fault.column, fault.reason)
    }
}

fn tell(row: &Row<'_>) -> String {
    let some = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or("-").to_owned();
    match row {
        Row::Line(line) => format!(
            "{} {} {}x{} = {} {:?}",
            line.order,
            some(&line.customer.clone().or(line.email.clone())),
            line.quantity_milli as f64 / 1000.0,
            line.product,
            line.amount
                .map_or("-".to_owned(), |amount| amount.get().to_string()),
            line.kind,
        ),
        Row::Review(review) => format!("{:?} {}", review.rating, some(&review.text)),
        Row::PageEvent(event) => format!("{} {}", event.visitor, event.page),
        Row::Product(product) => format!(
            "{} {} {:?}",
            product.product,
            some(&product.name),
            product.price
        ),
        Row::Customer(customer) => format!("{} {:?}", customer.customer, customer.age),
    }
}

const RETAIL: &str =
    "InvoiceNo;StockCode;Description;Quantity;InvoiceDate;UnitPrice;CustomerID;Country";

#[test]
fn sales_returns_gifts_and_guests_are_told_apart() {
    let mut file = file(
        RETAIL,
        &["536365;85123A;A;6;2010-12-01 08:26:00;2.55;17850;UK"],
    );
    assert_eq!(
        file.row("536365;85123A;A;6;2010-12-01 08:26:00;2.55;17850;UK"),
        "536365 17850 6x85123A = 1530 Sale"
    );
    assert_eq!(
        file.row("C536379;D;Discount;-1;2010-12-01 09:41:00;27.5;14527.0;UK"),
        "C536379 14527 -1xD = -2750 Return"
    );
    assert_eq!(
        file.row("536414;22139;;56;2010-12-01 11:52:00;0;;UK"),
        "536414 - 56x22139 = 0 Free"
    );
    assert_eq!(
        file.row("536544;21773;B;1;2010-12-01 14:32:00;2.51;;UK"),
        "536544 - 1x21773 = 251 Sale"
    );
    assert_eq!(
        file.row("A563186;B;Adjust bad debt;1;2011-08-12 14:51:00;-11062.06;;UK"),
        "A563186 - 1xB = -1106206 Return"
    );
}

#[test]
fn a_bad_row_names_its_column_and_never_its_cell() {
    let mut file = file(
        RETAIL,
        &["536365;85123A;A;6;2010-12-01 08:26:00;2.55;17850;UK"],
    );
    assert_eq!(
        file.fault("536365;85123A;A;six;2010-12-01;2.55;1;UK"),
        "Quantity is no number"
    );
    assert_eq!(
        file.fault("536365;85123A;A;6;yesterday;2.55;1;UK"),
        "InvoiceDate is no date in the file's order"
    );
    assert_eq!(
        file.fault(";85123A;A;6;2010-12-01;2.55;1;UK"),
        "InvoiceNo is missing"
    );
    assert_eq!(
        file.fault("536365;;;6;2010-12-01;2.55;1;UK"),
        "StockCode is missing"
    );
    assert_eq!(
        file.fault("536365;85123A;A;6;2010-12-01;;1;UK"),
        "UnitPrice is missing"
    );
    assert_eq!(
        file.fault("536365;85123A"),
        " has more or fewer cells than there are headers"
    );
}

#[test]
fn shopifys_lines_share_what_their_order_says_once() {
    let headers = "Name;Email;Financial Status;Currency;Total;Created at;Lineitem quantity;Lineitem name;Lineitem price;Lineitem sku";
    let mut file = file(headers, &[]);
    assert_eq!(
        file.row("#1;Ann@shop.example;paid;EUR;34.98;2024-05-01 10:00:00 -0500;2;Tee;9.99;TEE"),
        "#1 ann@shop.example 2xTEE = 1998 Sale"
    );
    assert_eq!(
        file.row("#1;;;;;;1;Mug;10.00;"),
        "#1 ann@shop.example 1xMug = 1000 Sale"
    );
    assert_eq!(
        file.row("#2;;voided;EUR;5;2024-05-01 10:00:00 -0500;1;Mug;5;MUG"),
        "#2 - 1xMUG = 500 Void"
    );
    assert_eq!(
        file.row("#3;;refunded;EUR;5;2024-05-01 10:00:00 -0500;1;Mug;5;MUG"),
        "#3 - 1xMUG = 500 Return"
    );
    assert_eq!(
        file.fault("#4;;paid;USD;5;2024-05-01 10:00:00 -0500;1;Mug;5;MUG"),
        "Currency is not the shop's currency"
    );
}

#[test]
fn an_order_report_gives_a_line_for_each_product() {
    let headers =
        "Date;Order #;Status;Customer;Customer type;Product(s);Items sold;Coupon(s);N. Revenue";
    let mut file = file(headers, &[]);
    let row = "2024-05-01 10:00:00;12;completed;Ann;new;2× Hoodie, 1× Cap;3;;55,50";
    file.parser.layout.decimal = super::super::number::Decimal::Comma;
    assert_eq!(
        file.row(row),
        "12 Ann 2xHoodie = 5550 Sale + 12 Ann 1xCap = - Sale"
    );
    assert_eq!(
        file.row("2024-05-01 10:00:00;13;cancelled;Ann;new;1× Cap;1;;5"),
        "13 Ann 1xCap = 500 Void"
    );
}

#[test]
fn orders_without_a_name_are_what_a_customer_buys_at_one_time() {
    let mut file = file("customer id;product;amount;date", &["1;A;5;2024-05-01"]);
    assert_eq!(
        file.row("1;A;5;2024-05-01"),
        "1@1714521600000 1 1xA = 500 Sale"
    );
    assert_eq!(file.row(";A;5;2024-05-01"), "row 2 - 1xA = 500 Sale");
}

#[test]
fn reviews_products_customers_and_events_are_read() {
    let mut reviews = file("Clothing ID;Title;Review Text;Rating", &[]);
    assert_eq!(
        reviews.row("1;Great;So soft.;5"),
        "Some(500) Great. So soft."
    );
    assert_eq!(reviews.row("1;;;3.5"), "Some(350) -");
    assert_eq!(
        reviews.fault("1;;;"),
        "Review Text is missing, and so is the rating"
    );
    assert_eq!(reviews.fault("1;;x;6"), "Rating is not between 1 and 5");
    let mut products = file("product_id;product_type;brand;price", &["1;A;B;5.00"]);
    assert_eq!(
        products.row("1;Ice;National;4.99"),
        format!("1 Ice {:?}", Some(MinorUnits::new(499)))
    );
    let mut customers = file("household_id;age", &[]);
    assert_eq!(customers.row("1;45-54"), "1 Some(49)");
    assert_eq!(customers.row("1;65+"), "1 Some(65)");
    assert_eq!(customers.row("1;unknown"), "1 None");
    let mut events = file("user_id;home_page", &["1;home_page"]);
    assert_eq!(events.row("1;home_page"), "1 home_page");
    assert_eq!(events.fault(";home_page"), "user_id is missing");
}

#[test]
fn prices_below_the_smallest_coin_are_rounded_with_the_line() {
    let mut file = file("order;product;quantity;unit price", &["1;A;3;0.005"]);
    assert_eq!(file.row("1;A;3;0.005"), "1 - 3xA = 2 Sale");
    assert_eq!(file.row("1;A;0.5;3"), "1 - 0.5xA = 150 Sale");
}

proptest::proptest! {
    #[test]
    fn any_cells_are_a_row_or_a_fault(cells in proptest::collection::vec(".{0,12}", 8)) {
        let mut file = file(RETAIL, &["536365;85123A;A;6;2010-12-01 08:26:00;2.55;17850;UK"]);
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let _ = file.parser.read(1, cells.as_slice(), |_| {});
    }
}
