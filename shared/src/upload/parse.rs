//! From the cells to the row, or to what is wrong with it.

mod reader;

use std::borrow::Cow;

use jiff::tz::TimeZone;

use super::field::{Field, Kind};
use super::layout::{Layout, Program};
use super::number::ONE;
use super::row::{Customer, Line, LineKind, PageEvent, Product, Review, Row};
use crate::money::Currency;
use reader::{Reader, SHORT_CHARS_MAX, cut, without_nul};

/// Longest review, in bytes; the rest is cut off.
const TEXT_BYTES_MAX: usize = 20_000;

/// The cells of a row.
pub trait Cells {
    /// How many there are.
    fn len(&self) -> usize;
    /// A cell; empty where the row is shorter.
    fn cell(&self, at: usize) -> Cow<'_, str>;
    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Cells for [&str] {
    fn len(&self) -> usize {
        <[&str]>::len(self)
    }

    fn cell(&self, at: usize) -> Cow<'_, str> {
        Cow::Borrowed(self.get(at).copied().unwrap_or_default())
    }
}

/// What is wrong with a row. It never repeats the cell: that may be personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// The column's header; empty where it is the row as a whole.
    pub column: String,
    /// A predicate, as "is no date".
    pub reason: &'static str,
}

/// Reads the rows of one file, one after another: what an order's first line says holds for its others.
#[derive(Debug)]
pub struct Parser {
    layout: Layout,
    zone: TimeZone,
    currency: Currency,
    shared: Option<OrderCells>,
}

/// What only the first line of an order says in some exports.
#[derive(Debug, Clone, Default)]
struct OrderCells {
    order: String,
    cells: Vec<(Field, String)>,
}

/// Fields that an order's lines share.
const SHARED: [Field; 9] = [
    Field::Customer,
    Field::Email,
    Field::At,
    Field::Status,
    Field::Currency,
    Field::Discount,
    Field::Location,
    Field::Payment,
    Field::Shipping,
];

impl Parser {
    /// A parser for a file of this layout, of a shop with this time zone and currency.
    #[must_use]
    pub const fn new(layout: Layout, zone: TimeZone, currency: Currency) -> Self {
        Self {
            layout,
            zone,
            currency,
            shared: None,
        }
    }

    /// Reads one row; a row of an order report gives a line for each product. `number` is the row's, for orders without
    /// a name.
    ///
    /// # Errors
    /// [`RowFault`] says what is wrong; the row is to be left out.
    pub fn read<C: Cells + ?Sized>(
        &mut self,
        number: u64,
        cells: &C,
        mut take: impl FnMut(Row<'_>),
    ) -> Result<(), RowFault> {
        if cells.len() != self.layout.headers.len() {
            return Err(RowFault {
                column: String::new(),
                reason: "has more or fewer cells than there are headers",
            });
        }
        if self.layout.program == Program::Shopify {
            self.share(cells);
        }
        let reader = Reader {
            parser: self,
            cells,
        };
        match self.layout.kind {
            Kind::Transactions if self.layout.program == Program::WooCommerceReport => {
                reader.report(number, &mut take)?;
            }
            Kind::Transactions => take(Row::Line(reader.line(number)?)),
            Kind::Reviews => take(Row::Review(reader.review()?)),
            Kind::PageEvents => take(Row::PageEvent(reader.page_event()?)),
            Kind::Products => take(Row::Product(reader.product()?)),
            Kind::Customers => take(Row::Customer(reader.customer()?)),
        }
        Ok(())
    }

    fn share<C: Cells + ?Sized>(&mut self, cells: &C) {
        let of = |field: Field| {
            let at = self.layout.columns.get(&field)?;
            Some(cells.cell(*at).trim().to_owned())
        };
        let order = of(Field::Order).unwrap_or_default();
        if self
            .shared
            .as_ref()
            .is_some_and(|shared| shared.order == order)
        {
            return;
        }
        let cells = SHARED
            .iter()
            .filter_map(|field| Some((*field, of(*field)?)));
        self.shared = Some(OrderCells {
            order,
            cells: cells.collect(),
        });
    }
}

impl<'a, C: Cells + ?Sized> Reader<'a, C> {
    fn line(&self, number: u64) -> Result<Line<'a>, RowFault> {
        let (id, name) = (self.id(Field::Product)?, self.name(Field::Name));
        let product = id.or_else(|| name.clone());
        let product = product.ok_or_else(|| self.fault(Field::Product, "is missing"))?;
        let (mut line, status) = self.order_of_line(number, product)?;
        line.name = name;
        let quantity = self.number(Field::Quantity)?.unwrap_or(ONE);
        let amount = match (self.number(Field::UnitPrice)?, self.number(Field::Total)?) {
            // Shopify's Total is the order's.
            (Some(price), _) => i128::from(price) * i128::from(quantity) / i128::from(ONE),
            (None, Some(total)) => i128::from(total),
            (None, None) => return Err(self.fault(Field::UnitPrice, "is missing")),
        };
        let amount = self
            .minor(amount)
            .ok_or_else(|| self.fault(Field::UnitPrice, "is too large"))?;
        line.quantity_milli = quantity / (ONE / 1000);
        line.kind = match () {
            () if status == LineKind::Void => LineKind::Void,
            () if status == LineKind::Return || quantity < 0 || amount.get() < 0 => {
                LineKind::Return
            }
            () if amount.get() == 0 || quantity == 0 => LineKind::Free,
            () => LineKind::Sale,
        };
        line.amount = Some(amount);
        Ok(line)
    }

    /// An order of a report: its products stand in one cell, as `2× Hoodie, 1× Cap`; what they cost together is put to the
    /// first.
    fn report(&self, number: u64, take: &mut impl FnMut(Row<'_>)) -> Result<(), RowFault> {
        let cell = self
            .text(Field::Name)
            .ok_or_else(|| self.fault(Field::Name, "is missing"))?;
        let total = self
            .number(Field::Total)?
            .ok_or_else(|| self.fault(Field::Total, "is missing"))?;
        let mut amount = self.minor(i128::from(total));
        for part in cell.split(", ") {
            let (pieces, name) = part.split_once(['×', 'x']).unwrap_or(("1", part));
            let (pieces, name) = match pieces.trim().parse::<i64>() {
                Ok(pieces) => (pieces, name.trim()),
                Err(_) => (1, part.trim()),
            };
            let name: String = name.chars().take(SHORT_CHARS_MAX).collect();
            let (mut line, status) = self.order_of_line(number, Cow::Owned(name.clone()))?;
            line.name = Some(Cow::Owned(name));
            line.quantity_milli = pieces.saturating_mul(1000);
            line.kind = match status {
                LineKind::Sale if total < 0 => LineKind::Return,
                status => status,
            };
            line.amount = amount.take();
            take(Row::Line(line));
        }
        Ok(())
    }

    /// A line with everything that its order says, and what the order's status makes of it.
    fn order_of_line(
        &self,
        number: u64,
        product: Cow<'a, str>,
    ) -> Result<(Line<'a>, LineKind), RowFault> {
        if let Some(currency) = self.text(Field::Currency)
            && !currency.eq_ignore_ascii_case(self.parser.currency.as_str())
        {
            return Err(self.fault(Field::Currency, "is not the shop's currency"));
        }
        let (customer, email, at) = (self.id(Field::Customer)?, self.email(), self.at()?);
        let order = match self.id(Field::Order)? {
            Some(order) => order,
            None if self.parser.layout.columns.contains_key(&Field::Order) => {
                return Err(self.fault(Field::Order, "is missing"));
            }
            // Without a name, what a customer buys at one time is an order.
            None => match (customer.as_ref().or(email.as_ref()), at) {
                (Some(customer), Some(at)) => Cow::Owned(format!("{customer}@{}", at.get())),
                _ => Cow::Owned(format!("row {number}")),
            },
        };
        let status = self
            .text(Field::Status)
            .map_or(LineKind::Sale, |status| status_of(&status));
        let previous = self.number(Field::PreviousPurchases)?;
        let line = Line {
            order,
            customer,
            email,
            product,
            name: None,
            category: self.name(Field::Category),
            location: self.name(Field::Location),
            gender: self.name(Field::Gender),
            payment: self.name(Field::Payment),
            shipping: self.name(Field::Shipping),
            purchase_frequency: self.name(Field::PurchaseFrequency),
            kind: status,
            quantity_milli: 0,
            amount: None,
            at,
            discounted: self.discounted(),
            age: self.age(),
            rating: self.rating()?,
            previous_purchases: previous
                .map(|count| count / ONE)
                .filter(|count| *count >= 0),
        };
        Ok((line, status))
    }

    /// Whether there is a discount column, and it says that there was one.
    fn discounted(&self) -> Option<bool> {
        self.parser.layout.columns.get(&Field::Discount)?;
        let Some(text) = self.text(Field::Discount) else {
            return Some(false);
        };
        let no = ["no", "false", "n", "none", "-"]
            .iter()
            .any(|no| text.eq_ignore_ascii_case(no));
        Some(!no && self.parser.layout.decimal.parse(&text) != Some(0))
    }

    fn review(&self) -> Result<Review<'a>, RowFault> {
        let rating = self.rating()?;
        let text = match (self.text(Field::Title), self.text(Field::Text)) {
            (Some(title), Some(text)) => {
                let end = if title.ends_with(['.', '!', '?']) {
                    ""
                } else {
                    "."
                };
                Some(Cow::Owned(format!("{title}{end} {text}")))
            }
            (title, text) => text.or(title),
        };
        let text = text.map(|text| without_nul(cut(text, TEXT_BYTES_MAX)));
        if rating.is_none() && text.is_none() {
            return Err(self.fault(Field::Text, "is missing, and so is the rating"));
        }
        let (product, name) = (self.id(Field::Product)?, self.name(Field::Name));
        Ok(Review {
            product: product.or_else(|| name.clone()),
            name,
            category: self.name(Field::Category),
            text,
            customer: self.id(Field::Customer)?.or_else(|| self.email()),
            rating,
            at: self.at()?,
            age: self.age(),
        })
    }

    fn page_event(&self) -> Result<PageEvent<'a>, RowFault> {
        let session = self.id(Field::Session)?;
        let visitor = self.id(Field::Customer)?.or_else(|| session.clone());
        Ok(PageEvent {
            visitor: visitor.ok_or_else(|| self.fault(Field::Customer, "is missing"))?,
            session,
            page: self
                .name(Field::Page)
                .ok_or_else(|| self.fault(Field::Page, "is missing"))?,
            device: self.name(Field::Device),
            source: self.name(Field::Source),
            at: self.at()?,
        })
    }

    fn product(&self) -> Result<Product<'a>, RowFault> {
        let name = self.name(Field::Name);
        let product = self.id(Field::Product)?.or_else(|| name.clone());
        let price = self.number(Field::UnitPrice)?;
        Ok(Product {
            product: product.ok_or_else(|| self.fault(Field::Product, "is missing"))?,
            name,
            category: self.name(Field::Category),
            brand: self.name(Field::Brand),
            price: price.and_then(|price| self.minor(i128::from(price))),
        })
    }

    fn customer(&self) -> Result<Customer<'a>, RowFault> {
        let email = self.email();
        let customer = self.id(Field::Customer)?.or_else(|| email.clone());
        Ok(Customer {
            customer: customer.ok_or_else(|| self.fault(Field::Customer, "is missing"))?,
            email,
            gender: self.name(Field::Gender),
            location: self.name(Field::Location),
            device: self.name(Field::Device),
            age: self.age(),
            at: self.at()?,
        })
    }
}

/// What an order's status makes of its lines.
fn status_of(status: &str) -> LineKind {
    let plain: String = status.chars().filter(char::is_ascii_alphabetic).collect();
    match plain.to_ascii_lowercase().as_str() {
        "refunded" | "returned" => LineKind::Return,
        "cancelled" | "canceled" | "voided" | "failed" | "pending" | "pendingpayment"
        | "expired" | "trash" | "draft" | "checkoutdraft" | "authorized" => LineKind::Void,
        _ => LineKind::Sale,
    }
}

#[cfg(test)]
mod tests;
