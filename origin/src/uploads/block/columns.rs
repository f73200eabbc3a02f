//! Which column holds what, for each kind of rows.

use std::borrow::Cow;

use footfall_shared::money::MinorUnits;
use footfall_shared::time::UtcMillis;
use footfall_shared::upload::field::Kind;
use footfall_shared::upload::row::{Customer, Line, LineKind, PageEvent, Product, Review, Row};

use super::{NUMBERS, TEXTS, number_of_line, text_of_line};

/// A row's texts and numbers, by their places.
type Columns<'r> = ([Option<&'r str>; TEXTS], [Option<i64>; NUMBERS]);

/// The columns of a row.
pub(super) fn columns<'r>(row: &'r Row<'_>) -> Columns<'r> {
    let at = |at: Option<UtcMillis>| at.map(UtcMillis::get);
    let mut texts = [None; TEXTS];
    let mut numbers = [None; NUMBERS];
    match row {
        Row::Line(line) => {
            texts = [
                Some(line.order.as_ref()),
                line.customer.as_deref(),
                line.email.as_deref(),
                Some(line.product.as_ref()),
                line.name.as_deref(),
                line.category.as_deref(),
                line.location.as_deref(),
                line.gender.as_deref(),
                line.payment.as_deref(),
                line.shipping.as_deref(),
                line.purchase_frequency.as_deref(),
            ];
            numbers = [
                Some(line.kind.to_number()),
                Some(line.quantity_milli),
                line.amount.map(MinorUnits::get),
                at(line.at),
                line.discounted.map(i64::from),
                line.age,
                line.rating,
                line.previous_purchases,
            ];
        }
        Row::Review(review) => {
            texts[0] = review.product.as_deref();
            texts[1] = review.name.as_deref();
            texts[2] = review.category.as_deref();
            texts[3] = review.text.as_deref();
            texts[4] = review.customer.as_deref();
            numbers[0] = review.rating;
            numbers[1] = at(review.at);
            numbers[2] = review.age;
        }
        Row::PageEvent(event) => {
            texts[0] = Some(event.visitor.as_ref());
            texts[1] = event.session.as_deref();
            texts[2] = Some(event.page.as_ref());
            texts[3] = event.device.as_deref();
            texts[4] = event.source.as_deref();
            numbers[0] = at(event.at);
        }
        Row::Product(product) => {
            texts[0] = Some(product.product.as_ref());
            texts[1] = product.name.as_deref();
            texts[2] = product.category.as_deref();
            texts[3] = product.brand.as_deref();
            numbers[0] = product.price.map(MinorUnits::get);
        }
        Row::Customer(customer) => {
            texts[0] = Some(customer.customer.as_ref());
            texts[1] = customer.email.as_deref();
            texts[2] = customer.gender.as_deref();
            texts[3] = customer.location.as_deref();
            texts[4] = customer.device.as_deref();
            numbers[0] = customer.age;
            numbers[1] = at(customer.at);
        }
    }
    (texts, numbers)
}

/// The row of some columns; `None` where what its kind needs is missing.
pub(super) fn row_of<'r>(
    kind: Kind,
    text: &dyn Fn(usize) -> Option<&'r str>,
    number: &dyn Fn(usize) -> Option<i64>,
) -> Option<Row<'r>> {
    let text = |column: usize| text(column).map(Cow::Borrowed);
    let at = |column: usize| number(column).map(UtcMillis::new);
    Some(match kind {
        Kind::Transactions => {
            use {number_of_line as n, text_of_line as t};
            Row::Line(Line {
                order: text(t::ORDER)?,
                customer: text(t::CUSTOMER),
                email: text(t::EMAIL),
                product: text(t::PRODUCT)?,
                name: text(t::NAME),
                category: text(t::CATEGORY),
                location: text(t::LOCATION),
                gender: text(t::GENDER),
                payment: text(t::PAYMENT),
                shipping: text(t::SHIPPING),
                purchase_frequency: text(t::PURCHASE_FREQUENCY),
                kind: LineKind::of_number(number(n::KIND)?)?,
                quantity_milli: number(n::QUANTITY)?,
                amount: number(n::AMOUNT).map(MinorUnits::new),
                at: at(n::AT),
                discounted: number(n::DISCOUNTED).map(|discounted| discounted != 0),
                age: number(n::AGE),
                rating: number(n::RATING),
                previous_purchases: number(n::PREVIOUS_PURCHASES),
            })
        }
        Kind::Reviews => Row::Review(Review {
            product: text(0),
            name: text(1),
            category: text(2),
            text: text(3),
            customer: text(4),
            rating: number(0),
            at: at(1),
            age: number(2),
        }),
        Kind::PageEvents => Row::PageEvent(PageEvent {
            visitor: text(0)?,
            session: text(1),
            page: text(2)?,
            device: text(3),
            source: text(4),
            at: at(0),
        }),
        Kind::Products => Row::Product(Product {
            product: text(0)?,
            name: text(1),
            category: text(2),
            brand: text(3),
            price: number(0).map(MinorUnits::new),
        }),
        Kind::Customers => Row::Customer(Customer {
            customer: text(0)?,
            email: text(1),
            gender: text(2),
            location: text(3),
            device: text(4),
            age: number(0),
            at: at(1),
        }),
    })
}
