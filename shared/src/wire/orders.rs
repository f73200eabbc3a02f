//! The order intake (`POST /api/orders`).

use serde::{Deserialize, Serialize};

use crate::id::ExternalId;
use crate::identity::Email;
use crate::money::{Currency, MinorUnits};
use crate::order::{OrderItem, QUANTITY_MAX};
use crate::text::{InvalidField, bounded, required};
use crate::time::{DAY_MS, UtcMillis};

/// Most orders in one call.
pub const ORDERS_MAX: usize = 1000;
/// Most lines in one order.
pub const ITEMS_MAX: usize = 500;
/// Longest name of a product, person or order, in characters.
pub const NAME_CHARS_MAX: usize = 200;
/// Orders are not older than this: 2000-01-01.
const EARLIEST: UtcMillis = UtcMillis::new(946_684_800_000);

/// One order as a shop's back end sends it. Amounts are JSON numbers or decimal texts in major units.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderRequest {
    /// The shop's id of the order.
    pub order_id: ExternalId,
    /// The number that the customer sees; the id where it is missing.
    #[serde(default)]
    pub order_number: Option<ExternalId>,
    /// `completed` and `processing` count, any other status does not.
    pub status: String,
    /// RFC 3339.
    pub ordered_at: String,
    /// ISO 4217; must be the shop's.
    pub currency: String,
    /// Who ordered.
    pub customer: OrderCustomer,
    /// What was ordered.
    pub items: Vec<OrderItemRequest>,
    /// A secret text that only the shop and the buyer's own pages know (WooCommerce's `order_key`). A page that
    /// tells it with `Order Completed` proves that the buyer sits before it. At most 100 characters.
    #[serde(default)]
    pub order_key: Option<String>,
}

/// Longest key of an order, in characters; WooCommerce's have 22.
pub const KEY_CHARS_MAX: usize = 100;

/// Who ordered.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderCustomer {
    /// The email, which names the customer.
    pub email: String,
    /// Given name.
    #[serde(default)]
    pub first_name: Option<String>,
    /// Family name.
    #[serde(default)]
    pub last_name: Option<String>,
    /// The shop's id of the customer; 0 or missing for a guest.
    #[serde(default)]
    pub customer_id: Option<ExternalId>,
}

/// One line of an order.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderItemRequest {
    /// The product.
    pub product_id: ExternalId,
    /// Its name.
    pub name: String,
    /// Its address part in the shop; made from the name where it is missing.
    #[serde(default)]
    pub slug: Option<String>,
    /// Pieces.
    pub quantity: u64,
    /// Price of one piece in major units, as a number or a decimal text.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub unit_price: serde_json::Value,
}

/// An order that holds what the intake allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingOrder {
    /// The shop's id of it.
    pub id: ExternalId,
    /// The number that the customer sees.
    pub number: String,
    /// Its status, in lower case.
    pub status: String,
    /// When it was placed.
    pub at: UtcMillis,
    /// Its currency, the shop's.
    pub currency: Currency,
    /// The customer.
    pub email: Email,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The shop's id of the customer.
    pub customer_id: Option<ExternalId>,
    /// Its lines.
    pub items: Vec<OrderItem>,
    /// The secret text that proves who the buyer is.
    pub key: Option<String>,
}

impl IncomingOrder {
    /// Reads an order of a shop with this currency.
    ///
    /// # Errors
    /// [`InvalidField`] names the field, with its place (`items[2].quantity`).
    pub fn parse(
        request: OrderRequest,
        shop_currency: Currency,
        now: UtcMillis,
    ) -> Result<Self, InvalidField> {
        let currency = Currency::parse("currency", &request.currency)?;
        if currency != shop_currency {
            let reason = format!("must be the shop's currency, {}", shop_currency.as_str());
            return Err(InvalidField::new("currency", reason));
        }
        let at = UtcMillis::parse_rfc3339(&request.ordered_at)
            .ok_or_else(|| InvalidField::new("ordered_at", "must be an RFC 3339 time"))?;
        // A day of grace for shops whose clock or zone is off.
        if at < EARLIEST || at.since(now) > DAY_MS {
            return Err(InvalidField::new(
                "ordered_at",
                "must lie between 2000 and now",
            ));
        }
        if request.items.len() > ITEMS_MAX {
            return Err(InvalidField::new(
                "items",
                format!("must be at most {ITEMS_MAX} lines"),
            ));
        }
        let status = required("status", &request.status, 40)?.to_lowercase();
        let items = request.items.into_iter().enumerate().map(|(at, item)| {
            parse_item(item, currency).map_err(|fault| fault.inside(&format!("items[{at}]")))
        });
        let key = request.order_key.as_deref();
        let key = key.map(|key| bounded("order_key", key, KEY_CHARS_MAX).map(str::to_owned));
        let key = key.transpose()?;
        let customer = request.customer;
        let person = |field: &str, name: Option<String>| -> Result<Option<String>, InvalidField> {
            let name = name.unwrap_or_default();
            let name =
                bounded(field, &name, NAME_CHARS_MAX).map_err(|fault| fault.inside("customer"))?;
            Ok((!name.is_empty()).then(|| name.to_owned()))
        };
        Ok(Self {
            number: request
                .order_number
                .as_ref()
                .unwrap_or(&request.order_id)
                .as_str()
                .to_owned(),
            id: request.order_id,
            status,
            at,
            currency,
            email: Email::parse("email", &customer.email)
                .map_err(|fault| fault.inside("customer"))?,
            first_name: person("first_name", customer.first_name)?,
            last_name: person("last_name", customer.last_name)?,
            customer_id: customer.customer_id.filter(|id| id.as_str() != "0"),
            items: items.collect::<Result<_, _>>()?,
            key: key.filter(|key| !key.is_empty()),
        })
    }
}

fn parse_item(item: OrderItemRequest, currency: Currency) -> Result<OrderItem, InvalidField> {
    let name = required("name", &item.name, NAME_CHARS_MAX)?.to_owned();
    let slug = match item.slug.as_deref().map(str::trim) {
        Some(slug) if !slug.is_empty() => bounded("slug", slug, NAME_CHARS_MAX)?.to_owned(),
        _ => slug_of(&name),
    };
    let quantity = u32::try_from(item.quantity)
        .ok()
        .filter(|quantity| (1..=QUANTITY_MAX).contains(quantity))
        .ok_or_else(|| InvalidField::new("quantity", format!("must be 1 to {QUANTITY_MAX}")))?;
    let unit_price = match &item.unit_price {
        serde_json::Value::Number(number) => {
            MinorUnits::parse("unit_price", &number.to_string(), currency)?
        }
        serde_json::Value::String(text) => MinorUnits::parse("unit_price", text, currency)?,
        _ => {
            return Err(InvalidField::new(
                "unit_price",
                "must be an amount such as 14.95",
            ));
        }
    };
    Ok(OrderItem {
        product_id: item.product_id,
        name,
        slug,
        quantity,
        unit_price,
    })
}

/// A product's name as an address part: `Full Moon` → `full-moon`.
fn slug_of(name: &str) -> String {
    let words = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// What was taken and what was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrdersReply {
    /// `true`: the call was read, whatever became of single orders.
    pub success: bool,
    /// Orders that are stored now, those that were stored alike before among them.
    pub accepted: usize,
    /// Orders of the accepted that changed nothing.
    pub unchanged: usize,
    /// The refused ones.
    pub refused: Vec<RefusedOrder>,
}

/// An order that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefusedOrder {
    /// Its place in the call, from 0.
    pub index: usize,
    /// Its id, where it could be read.
    pub order_id: Option<ExternalId>,
    /// The field at fault.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(change: &serde_json::Value) -> serde_json::Value {
        let mut order = json!({
            "order_id": 12345, "order_number": "1045", "status": "Completed",
            "ordered_at": "2024-08-15T10:20:30+02:00", "currency": "EUR",
            "customer": {"email": "Shopper@example.com", "first_name": "Ada", "customer_id": 0},
            "items": [{"product_id": 44, "name": "Full Moon", "quantity": 3, "unit_price": "14.95"}],
        });
        for (field, value) in change.as_object().unwrap() {
            order[field] = value.clone();
        }
        order
    }

    fn read(change: &serde_json::Value) -> Result<IncomingOrder, InvalidField> {
        let request = serde_json::from_value(order(change)).unwrap();
        IncomingOrder::parse(request, Currency::EUR, UtcMillis::new(1_790_000_000_000))
    }

    #[test]
    fn an_order_is_read_with_text_prices_and_a_guest() {
        let order = read(&json!({})).unwrap();
        assert_eq!(
            (order.status.as_str(), order.number.as_str()),
            ("completed", "1045")
        );
        assert_eq!(order.items[0].unit_price, MinorUnits::new(1495));
        assert_eq!(order.items[0].slug, "full-moon");
        assert_eq!((order.customer_id, order.last_name), (None, None));
    }

    #[test]
    fn a_fault_names_its_field_and_place() {
        let item = |field: &str, value: serde_json::Value| {
            let mut item = json!({"product_id": 44, "name": "x", "quantity": 1, "unit_price": 1});
            item[field] = value;
            json!({"items": [{"product_id": 1, "name": "y", "quantity": 1, "unit_price": 1.5}, item]})
        };
        for (change, field) in [
            (json!({"currency": "USD"}), "currency"),
            (json!({"ordered_at": "yesterday"}), "ordered_at"),
            (json!({"ordered_at": "1999-01-01T00:00:00Z"}), "ordered_at"),
            (json!({"ordered_at": "2099-01-01T00:00:00Z"}), "ordered_at"),
            (json!({"status": ""}), "status"),
            (json!({"customer": {"email": "x"}}), "customer.email"),
            (
                json!({"customer": {"email": "a@b.cd", "last_name": "a\u{0}"}}),
                "customer.last_name",
            ),
            (item("quantity", json!(0)), "items[1].quantity"),
            (item("quantity", json!(u64::MAX)), "items[1].quantity"),
            (item("unit_price", json!(-1)), "items[1].unit_price"),
            (item("unit_price", json!(1e300)), "items[1].unit_price"),
            (item("name", json!("")), "items[1].name"),
        ] {
            assert_eq!(read(&change).unwrap_err().field, field, "{change}");
        }
    }
}
