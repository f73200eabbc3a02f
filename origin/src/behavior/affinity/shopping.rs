//! Baskets from lines of orders.

use footfall_shared::behavior::affinity::baskets::Baskets;

use crate::behavior::data::{Interner, LineBlock, LineSink};
use crate::uploads::block::number_of_line as number;
use crate::uploads::block::text_of_line as text;

/// A line that was bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bought {
    /// The order's number.
    pub(super) order: u64,
    /// The product's number.
    pub(super) product: u32,
    /// What it cost, in minor units.
    pub(super) amount: i64,
}

/// Collects what was bought.
#[derive(Debug, Default)]
pub(super) struct Shopping {
    /// The products' ids, by their numbers.
    pub(super) products: Interner,
    /// Names and categories, by their numbers.
    pub(super) words: Interner,
    /// The name of each product.
    pub(super) names: Vec<Option<u32>>,
    /// The category of each product.
    pub(super) categories: Vec<Option<u32>>,
    /// What was bought; sorted by [`Shopping::baskets`].
    pub(super) bought: Vec<Bought>,
    /// The first and the last order, epoch milliseconds.
    pub(super) span: Option<(i64, i64)>,
}

impl LineSink for Shopping {
    fn take(&mut self, lines: &LineBlock) {
        let block = &lines.block;
        let products = self.products.numbers_of(block, text::PRODUCT);
        let names = self.words.numbers_of(block, text::NAME);
        let categories = self.words.numbers_of(block, text::CATEGORY);
        self.names.resize(self.products.texts.len(), None);
        self.categories.resize(self.products.texts.len(), None);
        for row in (0..block.rows).filter(|row| lines.is_sale(*row)) {
            let Some(product) = products.get(block, text::PRODUCT, row) else {
                continue;
            };
            let at = product as usize;
            self.names[at] = names.get(block, text::NAME, row).or(self.names[at]);
            self.categories[at] = categories
                .get(block, text::CATEGORY, row)
                .or(self.categories[at]);
            self.bought.push(Bought {
                order: lines.orders.get(row).copied().unwrap_or(0),
                product,
                amount: block.number(number::AMOUNT, row).unwrap_or(0),
            });
            if let Some(at) = block.number(number::AT, row) {
                let (first, last) = self.span.unwrap_or((at, at));
                self.span = Some((first.min(at), last.max(at)));
            }
        }
    }
}

impl Shopping {
    /// The baskets. Afterwards each product stands once in an order, with all that was paid for it.
    pub(super) fn baskets(&mut self) -> Baskets {
        self.bought.sort_unstable();
        self.bought.dedup_by(|next, kept| {
            let same = (next.order, next.product) == (kept.order, kept.product);
            if same {
                kept.amount += next.amount;
            }
            same
        });
        let mut baskets = Baskets::default();
        for order in self.bought.chunk_by(|a, b| a.order == b.order) {
            baskets.push(order.iter().map(|one| one.product));
        }
        baskets
    }

    /// A word by its number.
    pub(super) fn word(&self, number: Option<u32>) -> Option<&str> {
        self.words.texts.get(number? as usize).map(String::as_str)
    }
}
