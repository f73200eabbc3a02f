//! Orders.
//!
//! - The **unit price** is what the shopper paid for a piece: the line's total after discounts plus its tax,
//!   over its quantity. Shoppers see prices with tax, and offers are priced from what was paid.
//! - The **status** is the shop's own; a `wc-` before it is dropped. An order whose refunds reach its total is
//!   `refunded`, whatever its status still says. One that is refunded in part counts whole: the payload does
//!   not tell which pieces came back.
//! - Lines that are no product (id 0), or of which nothing was bought, are left out.

use serde::Deserialize;

use super::{Told, loose, utc};
use crate::id::ExternalId;
use crate::identity::Email;
use crate::money::Currency;
use crate::order::counts;
use crate::text::InvalidField;
use crate::time::UtcMillis;
use crate::wire::orders::{
    IncomingOrder, KEY_CHARS_MAX, NAME_CHARS_MAX, OrderCustomer, OrderItemRequest, OrderRequest,
};

/// Longest status taken, in characters.
const STATUS_CHARS_MAX: usize = 40;

/// An order as the shop sends it.
#[derive(Debug, Clone, Deserialize)]
pub struct WooOrder {
    /// The shop's id of it.
    pub id: ExternalId,
    #[serde(default, deserialize_with = "loose::text")]
    number: Option<String>,
    #[serde(default, deserialize_with = "loose::text")]
    order_key: Option<String>,
    #[serde(default, deserialize_with = "loose::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose::text")]
    currency: Option<String>,
    #[serde(default, deserialize_with = "loose::text")]
    date_created_gmt: Option<String>,
    #[serde(default, deserialize_with = "loose::text")]
    date_modified_gmt: Option<String>,
    #[serde(default, deserialize_with = "loose::text")]
    total: Option<String>,
    #[serde(default, deserialize_with = "loose::text")]
    customer_id: Option<String>,
    #[serde(default, deserialize_with = "loose::object")]
    billing: Billing,
    #[serde(default, deserialize_with = "loose::list")]
    line_items: Vec<Line>,
    #[serde(default, deserialize_with = "loose::list")]
    refunds: Vec<Refund>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Billing {
    #[serde(deserialize_with = "loose::text")]
    email: Option<String>,
    #[serde(deserialize_with = "loose::text")]
    first_name: Option<String>,
    #[serde(deserialize_with = "loose::text")]
    last_name: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Line {
    #[serde(deserialize_with = "loose::text")]
    product_id: Option<String>,
    #[serde(deserialize_with = "loose::text")]
    name: Option<String>,
    /// The product's name without its variation's.
    #[serde(deserialize_with = "loose::text")]
    parent_name: Option<String>,
    #[serde(deserialize_with = "loose::text")]
    quantity: Option<String>,
    #[serde(deserialize_with = "loose::text")]
    total: Option<String>,
    #[serde(deserialize_with = "loose::text")]
    total_tax: Option<String>,
    /// Of one piece, without tax.
    #[serde(deserialize_with = "loose::text")]
    price: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Refund {
    #[serde(deserialize_with = "loose::text")]
    total: Option<String>,
}

/// An order to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldOrder {
    /// As the intake takes it.
    pub order: IncomingOrder,
    /// When the shop changed it last; the later word wins.
    pub modified_at: UtcMillis,
}

impl WooOrder {
    /// Whether the shop threw it away.
    #[must_use]
    pub fn is_in_trash(&self) -> bool {
        let status = self.status.as_deref().unwrap_or_default();
        status.eq_ignore_ascii_case("trash")
    }

    /// When the shop changed it last, where it says so.
    #[must_use]
    pub fn modified_at(&self) -> Option<UtcMillis> {
        utc(self.date_modified_gmt.as_deref())
    }

    /// What the payload comes to in a shop with this currency.
    ///
    /// # Errors
    /// [`InvalidField`] names the payload's own field, as `line_items[2].quantity`.
    pub fn parse(
        self,
        currency: Currency,
        now: UtcMillis,
    ) -> Result<Told<ToldOrder>, InvalidField> {
        let named = self.currency.as_deref().unwrap_or_default();
        if !named.eq_ignore_ascii_case(currency.as_str()) {
            return Ok(Told::Nothing(
                "the order is in another currency than the shop's",
            ));
        }
        let email = self.billing.email.as_deref().unwrap_or_default();
        if Email::parse("email", email).is_err() {
            return Ok(Told::Nothing("the order has no email, so it is nobody's"));
        }
        let modified = utc(self.date_modified_gmt.as_deref());
        let created = utc(self.date_created_gmt.as_deref()).or(modified);
        let created = created
            .ok_or_else(|| InvalidField::new("date_created_gmt", "must be a time in UTC"))?;
        let status = self.counted_status()?;
        let (places, items) = read_lines(&self.line_items, currency)?;
        let request = OrderRequest {
            order_id: self.id,
            order_number: self
                .number
                .and_then(|number| ExternalId::parse("number", &number).ok()),
            status,
            ordered_at: created.to_rfc3339(),
            currency: currency.as_str().to_owned(),
            customer: OrderCustomer {
                email: email.to_owned(),
                first_name: self.billing.first_name.map(|name| plain(&name)),
                last_name: self.billing.last_name.map(|name| plain(&name)),
                customer_id: self
                    .customer_id
                    .and_then(|id| ExternalId::parse("customer_id", &id).ok()),
            },
            items,
            // A text too long for a key proves nothing, and costs nobody the order.
            order_key: self.order_key.filter(|key| key.len() <= KEY_CHARS_MAX),
        };
        let order = IncomingOrder::parse(request, currency, now)
            .map_err(|fault| in_their_words(fault, &places))?;
        Ok(Told::This(ToldOrder {
            order,
            modified_at: modified.unwrap_or(created),
        }))
    }

    fn counted_status(&self) -> Result<String, InvalidField> {
        let told = loose::name(self.status.as_deref().unwrap_or_default(), STATUS_CHARS_MAX);
        let told = told.to_ascii_lowercase();
        let status = told.strip_prefix("wc-").unwrap_or(&told);
        if status.is_empty() {
            return Err(InvalidField::new("status", "must not be empty"));
        }
        let refunds =
            self.refunds.iter().enumerate().map(|(at, refund)| {
                amount(refund.total.as_deref(), || format!("refunds[{at}].total"))
            });
        // Refunds are written as negative amounts.
        let refunded: i128 = refunds.sum::<Result<i128, _>>()?.abs();
        let total = amount(self.total.as_deref(), || "total".to_owned())?;
        let all_came_back = total > 0 && refunded >= total;
        Ok(if all_came_back && counts(status) {
            "refunded".to_owned()
        } else {
            status.to_owned()
        })
    }
}

/// An amount in millionths; a missing one is nothing.
fn amount(text: Option<&str>, field: impl Fn() -> String) -> Result<i128, InvalidField> {
    let Some(text) = text else { return Ok(0) };
    loose::millionths(text)
        .ok_or_else(|| InvalidField::new(field(), "must be an amount such as 14.95"))
}

fn plain(name: &str) -> String {
    loose::name(name, NAME_CHARS_MAX)
}

/// The lines that are products, each beside its place in the payload.
fn read_lines(
    lines: &[Line],
    currency: Currency,
) -> Result<(Vec<usize>, Vec<OrderItemRequest>), InvalidField> {
    let (mut places, mut items) = (Vec::new(), Vec::new());
    for (at, line) in lines.iter().enumerate() {
        let read = read_line(line, currency);
        if let Some(item) = read.map_err(|fault| fault.inside(&format!("line_items[{at}]")))? {
            places.push(at);
            items.push(item);
        }
    }
    Ok((places, items))
}

fn read_line(line: &Line, currency: Currency) -> Result<Option<OrderItemRequest>, InvalidField> {
    let product = line.product_id.as_deref().unwrap_or("0");
    let quantity = line.quantity.as_deref().unwrap_or("0");
    let quantity = loose::pieces(quantity)
        .ok_or_else(|| InvalidField::new("quantity", "must be a number of pieces"))?;
    if product == "0" || quantity == 0 {
        return Ok(None);
    }
    let product_id = ExternalId::parse("product_id", product)?;
    let without_tax = match (&line.total, &line.price) {
        (Some(total), _) => amount(Some(total), || "total".to_owned())?,
        (None, Some(price)) => amount(Some(price), || "price".to_owned())? * i128::from(quantity),
        (None, None) => return Err(InvalidField::new("total", "is required")),
    };
    let paid = without_tax + amount(line.total_tax.as_deref(), || "total_tax".to_owned())?;
    // A reduction that is written as a product.
    if paid < 0 {
        return Ok(None);
    }
    let name = line.parent_name.as_deref().or(line.name.as_deref());
    let name = name.map(plain).filter(|name| !name.is_empty());
    Ok(Some(OrderItemRequest {
        name: name.unwrap_or_else(|| format!("#{}", product_id.as_str())),
        product_id,
        slug: None,
        quantity: u64::from(quantity),
        unit_price: loose::unit_price(paid, quantity, currency.digits()).into(),
    }))
}

/// The intake's fault, with the payload's name of the field.
fn in_their_words(fault: InvalidField, places: &[usize]) -> InvalidField {
    let renamed = match fault.field.as_str() {
        "ordered_at" => "date_created_gmt".to_owned(),
        "items" => "line_items".to_owned(),
        field => match field
            .strip_prefix("items[")
            .and_then(|rest| rest.split_once("]."))
        {
            Some((at, name)) => {
                let place = at.parse().ok().and_then(|at: usize| places.get(at));
                let name = if name == "unit_price" { "total" } else { name };
                format!("line_items[{}].{name}", place.copied().unwrap_or_default())
            }
            None => field.replacen("customer.", "billing.", 1),
        },
    };
    InvalidField::new(renamed, fault.reason)
}

#[cfg(test)]
mod tests;
