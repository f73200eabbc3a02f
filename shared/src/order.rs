//! Orders of a shop, as the rules see them.

use serde::{Deserialize, Serialize};

use crate::id::ExternalId;
use crate::money::MinorUnits;
use crate::time::UtcMillis;

/// Largest quantity of one item that is taken; beyond lies a typing error.
pub const QUANTITY_MAX: u32 = 100_000;

/// An order that counts: its status is `completed` or `processing`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The shop's id of it.
    pub id: ExternalId,
    /// The number that the customer sees.
    pub number: String,
    /// When it was placed.
    pub at: UtcMillis,
    /// What was bought.
    pub items: Vec<OrderItem>,
}

impl Order {
    /// Pieces in the order.
    #[must_use]
    pub fn quantity(&self) -> u64 {
        self.items.iter().map(|item| u64::from(item.quantity)).sum()
    }

    /// Price of all its pieces.
    #[must_use]
    pub fn amount(&self) -> MinorUnits {
        self.items
            .iter()
            .map(|item| item.unit_price.times(item.quantity))
            .sum()
    }
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderItem {
    /// The product.
    pub product_id: ExternalId,
    /// Its name when it was bought.
    pub name: String,
    /// Its address part in the shop.
    pub slug: String,
    /// Pieces, 1 to [`QUANTITY_MAX`].
    pub quantity: u32,
    /// Price of one piece.
    pub unit_price: MinorUnits,
}

/// The statuses of orders that are purchases. Pending, cancelled, refunded and failed ones are not.
pub const COUNTING: [&str; 2] = ["completed", "processing"];

/// Whether an order of this status is a purchase.
#[must_use]
pub fn counts(status: &str) -> bool {
    COUNTING.contains(&status)
}
