//! Rows, read.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::money::MinorUnits;
use crate::time::UtcMillis;

/// What a line of an order is to the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Something was bought.
    Sale,
    /// Something came back, or was paid back.
    Return,
    /// Nothing was paid: a gift, a correction of the stock.
    Free,
    /// The order was cancelled, voided or never paid.
    Void,
}

impl LineKind {
    /// As a number, for storage.
    #[must_use]
    pub const fn to_number(self) -> i64 {
        match self {
            Self::Sale => 0,
            Self::Return => 1,
            Self::Free => 2,
            Self::Void => 3,
        }
    }

    /// Reads what [`LineKind::to_number`] gave.
    #[must_use]
    pub const fn of_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Sale),
            1 => Some(Self::Return),
            2 => Some(Self::Free),
            3 => Some(Self::Void),
            _ => None,
        }
    }
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Line<'a> {
    /// The order.
    pub order: Cow<'a, str>,
    /// The customer's id, if the shop knows one.
    pub customer: Option<Cow<'a, str>>,
    /// The customer's email, in lower case.
    pub email: Option<Cow<'a, str>>,
    /// The product's id; its name where the file has no ids.
    pub product: Cow<'a, str>,
    /// The product's name.
    pub name: Option<Cow<'a, str>>,
    /// The product's category.
    pub category: Option<Cow<'a, str>>,
    /// Where the customer lives.
    pub location: Option<Cow<'a, str>>,
    /// The customer's gender, as the shop writes it.
    pub gender: Option<Cow<'a, str>>,
    /// How it was paid.
    pub payment: Option<Cow<'a, str>>,
    /// How it was shipped.
    pub shipping: Option<Cow<'a, str>>,
    /// How often the customer buys, in words.
    pub purchase_frequency: Option<Cow<'a, str>>,
    /// What it is to the figures.
    pub kind: LineKind,
    /// Pieces, in thousandths: some things are sold by weight.
    pub quantity_milli: i64,
    /// The price of all pieces; `None` where only the order's is known, and another line of it has that.
    pub amount: Option<MinorUnits>,
    /// When it was ordered.
    pub at: Option<UtcMillis>,
    /// Whether it was cheaper than usual.
    pub discounted: Option<bool>,
    /// The customer's age in years, the middle of a range.
    pub age: Option<i64>,
    /// Stars in hundredths, 100 to 500.
    pub rating: Option<i64>,
    /// Purchases of the customer before the first one in the file.
    pub previous_purchases: Option<i64>,
}

/// A review.
#[derive(Debug, Clone, PartialEq)]
pub struct Review<'a> {
    /// The product's id or name.
    pub product: Option<Cow<'a, str>>,
    /// The product's name.
    pub name: Option<Cow<'a, str>>,
    /// The product's category.
    pub category: Option<Cow<'a, str>>,
    /// Headline and text.
    pub text: Option<Cow<'a, str>>,
    /// The customer who wrote it.
    pub customer: Option<Cow<'a, str>>,
    /// Stars in hundredths, 100 to 500.
    pub rating: Option<i64>,
    /// When it was written.
    pub at: Option<UtcMillis>,
    /// The writer's age in years.
    pub age: Option<i64>,
}

/// A page that was seen, or something else that a visitor did.
#[derive(Debug, Clone, PartialEq)]
pub struct PageEvent<'a> {
    /// The visitor's id.
    pub visitor: Cow<'a, str>,
    /// The visit's id.
    pub session: Option<Cow<'a, str>>,
    /// The page, or what was done.
    pub page: Cow<'a, str>,
    /// The device.
    pub device: Option<Cow<'a, str>>,
    /// Where the visitor came from.
    pub source: Option<Cow<'a, str>>,
    /// When.
    pub at: Option<UtcMillis>,
}

/// A product.
#[derive(Debug, Clone, PartialEq)]
pub struct Product<'a> {
    /// Its id.
    pub product: Cow<'a, str>,
    /// Its name.
    pub name: Option<Cow<'a, str>>,
    /// Its category.
    pub category: Option<Cow<'a, str>>,
    /// Its brand.
    pub brand: Option<Cow<'a, str>>,
    /// Its price.
    pub price: Option<MinorUnits>,
}

/// A customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Customer<'a> {
    /// The shop's id, else the email.
    pub customer: Cow<'a, str>,
    /// The email, in lower case.
    pub email: Option<Cow<'a, str>>,
    /// The gender, as the shop writes it.
    pub gender: Option<Cow<'a, str>>,
    /// Where the customer lives.
    pub location: Option<Cow<'a, str>>,
    /// The customer's device.
    pub device: Option<Cow<'a, str>>,
    /// The age in years, the middle of a range.
    pub age: Option<i64>,
    /// Since when.
    pub at: Option<UtcMillis>,
}

/// A row of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Row<'a> {
    /// Of transactions.
    Line(Line<'a>),
    /// Of reviews.
    Review(Review<'a>),
    /// Of page events.
    PageEvent(PageEvent<'a>),
    /// Of products.
    Product(Product<'a>),
    /// Of customers.
    Customer(Customer<'a>),
}
