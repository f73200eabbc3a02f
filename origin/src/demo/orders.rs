//! The demo shop's orders, as its back end would send them.

use footfall_shared::text::InvalidField;
use footfall_shared::time::{DAY_MS, UtcMillis};
use footfall_shared::wire::orders::{IncomingOrder, OrderCustomer, OrderItemRequest, OrderRequest};

use super::people::{PEOPLE, PRODUCTS};
use super::shoppers::Shopper;
use super::year::Purchase;
use super::{SAMPLE_EMAIL, SAMPLE_USER_ID};
use crate::shops::Shop;

/// The contract's customer has ordered every ten days, 42 times, the last time 30 days ago.
const ADAS_ORDERS: i64 = 42;
const ADAS_CYCLE_DAYS: i64 = 10;
const ADAS_LAST_DAYS: i64 = 30;
/// Her last orders have the contract's numbers, and its order 12345 is number 1045.
const ADAS_LAST_NUMBERS: [u64; 3] = [1001, 1045, 1067];
const ADAS_FIRST_ID: u64 = 12_305;
/// The others' orders come after hers.
const FIRST_ID: u64 = 20_001;
/// A year's orders and shoppers come after all of them.
const FIRST_YEAR_ID: u64 = 50_001;
pub(super) const FIRST_SHOPPER_ID: u64 = 10_001;
/// The others' ids in the shop's own system.
const FIRST_CUSTOMER_ID: u64 = 101;

/// One list for each customer, the contract's own first, so that she gets the first number.
pub(super) fn of_everybody(
    shop: &Shop,
    now: UtcMillis,
) -> Result<Vec<Vec<IncomingOrder>>, InvalidField> {
    let mut everybody = vec![of_ada(shop, now)?];
    let mut id = FIRST_ID;
    for (person, customer_id) in PEOPLE.iter().zip(FIRST_CUSTOMER_ID..) {
        let mut orders = Vec::with_capacity(person.orders.len());
        for (days_ago, status, lines) in person.orders {
            let customer = OrderCustomer {
                email: person.email.to_owned(),
                first_name: Some(person.first_name.to_owned()),
                last_name: Some(person.last_name.to_owned()),
                customer_id: Some(customer_id.into()),
            };
            let at = now.plus(-days_ago * DAY_MS);
            let request = request(shop, (id, id), at, status, customer, lines)?;
            orders.push(IncomingOrder::parse(request, shop.currency, now)?);
            id += 1;
        }
        everybody.push(orders);
    }
    Ok(everybody)
}

/// The orders of a year's purchases, in their sequence.
pub(super) fn of_year(
    shop: &Shop,
    purchases: &[(Shopper, Purchase)],
    now: UtcMillis,
) -> Result<Vec<IncomingOrder>, InvalidField> {
    let orders = purchases
        .iter()
        .zip(FIRST_YEAR_ID..)
        .map(|((shopper, purchase), id)| {
            let customer = OrderCustomer {
                email: shopper.email(),
                first_name: None,
                last_name: None,
                customer_id: Some((FIRST_SHOPPER_ID + u64::from(shopper.number)).into()),
            };
            let request = request(
                shop,
                (id, id),
                purchase.at,
                "completed",
                customer,
                &purchase.lines,
            )?;
            IncomingOrder::parse(request, shop.currency, now)
        });
    orders.collect()
}

fn of_ada(shop: &Shop, now: UtcMillis) -> Result<Vec<IncomingOrder>, InvalidField> {
    (0..ADAS_ORDERS)
        .zip(ADAS_FIRST_ID..)
        .map(|(index, id)| {
            let customer = OrderCustomer {
                email: SAMPLE_EMAIL.to_owned(),
                first_name: Some("Ada".to_owned()),
                last_name: Some("Example".to_owned()),
                customer_id: footfall_shared::id::ExternalId::parse("id", SAMPLE_USER_ID).ok(),
            };
            let before_last = ADAS_ORDERS - 1 - index;
            let days_ago = ADAS_LAST_DAYS + ADAS_CYCLE_DAYS * before_last;
            // The last three make Full Moon the favourite with score 15; the peak is four pieces.
            let (number, lines): (u64, &[(u64, u64)]) = match before_last {
                0 => (ADAS_LAST_NUMBERS[2], &[(44, 2)]),
                1 => (ADAS_LAST_NUMBERS[1], &[(44, 2), (38, 2)]),
                2 => (ADAS_LAST_NUMBERS[0], &[(44, 2), (38, 1)]),
                // Two or three pieces, now and then something else.
                _ if index % 3 == 0 => (id - 11_344, &[(44, 2), (51, 1)]),
                _ if index % 3 == 1 => (id - 11_344, &[(38, 2)]),
                _ => (id - 11_344, &[(44, 1), (62, 1)]),
            };
            let request = request(
                shop,
                (id, number),
                now.plus(-days_ago * DAY_MS),
                "completed",
                customer,
                lines,
            )?;
            IncomingOrder::parse(request, shop.currency, now)
        })
        .collect()
}

fn request(
    shop: &Shop,
    (id, number): (u64, u64),
    at: UtcMillis,
    status: &str,
    customer: OrderCustomer,
    lines: &[(u64, u64)],
) -> Result<OrderRequest, InvalidField> {
    let items = lines.iter().map(|(product, quantity)| {
        let known = PRODUCTS.iter().find(|(id, ..)| id == product);
        let (id, name, slug, price) =
            known.ok_or_else(|| InvalidField::new("product_id", "is none of the demo shop's"))?;
        Ok(OrderItemRequest {
            product_id: (*id).into(),
            name: (*name).to_owned(),
            slug: Some((*slug).to_owned()),
            quantity: *quantity,
            unit_price: serde_json::Value::from(*price),
        })
    });
    Ok(OrderRequest {
        order_id: id.into(),
        order_number: Some(number.into()),
        status: status.to_owned(),
        ordered_at: at.to_rfc3339(),
        currency: shop.currency.as_str().to_owned(),
        customer,
        items: items.collect::<Result<_, _>>()?,
        order_key: None,
    })
}
