//! Rows by columns, as they are stored: texts as places in a list of words, numbers as differences.
//!
//! A block is small (seventeen bytes a row of Online Retail) and the same on both databases (docs/decisions/014).

mod columns;

use std::collections::HashMap;

use footfall_shared::upload::field::Kind;
use footfall_shared::upload::row::Row;
use serde::{Deserialize, Serialize};

use columns::{columns, row_of};

/// Columns of texts that a row has at most.
pub const TEXTS: usize = 11;
/// Columns of numbers that a row has at most.
pub const NUMBERS: usize = 8;

/// Places of a line's texts.
pub mod text_of_line {
    /// The order.
    pub const ORDER: usize = 0;
    /// The customer's id.
    pub const CUSTOMER: usize = 1;
    /// The customer's email.
    pub const EMAIL: usize = 2;
    /// The product's id.
    pub const PRODUCT: usize = 3;
    /// The product's name.
    pub const NAME: usize = 4;
    /// The product's category.
    pub const CATEGORY: usize = 5;
    /// Where the customer lives.
    pub const LOCATION: usize = 6;
    /// The customer's gender.
    pub const GENDER: usize = 7;
    /// How it was paid.
    pub const PAYMENT: usize = 8;
    /// How it was shipped.
    pub const SHIPPING: usize = 9;
    /// How often the customer buys, in words.
    pub const PURCHASE_FREQUENCY: usize = 10;
}

/// Places of a line's numbers.
pub mod number_of_line {
    /// [`LineKind`](footfall_shared::upload::row::LineKind) as a number.
    pub const KIND: usize = 0;
    /// Pieces, in thousandths.
    pub const QUANTITY: usize = 1;
    /// Minor units.
    pub const AMOUNT: usize = 2;
    /// Epoch milliseconds.
    pub const AT: usize = 3;
    /// 1 where it was cheaper than usual, 0 where not.
    pub const DISCOUNTED: usize = 4;
    /// Years.
    pub const AGE: usize = 5;
    /// Hundredths of stars.
    pub const RATING: usize = 6;
    /// Purchases before the first one in the file.
    pub const PREVIOUS_PURCHASES: usize = 7;
}

/// A column of texts: each row has a place in `words`, counted from 1; 0 is nothing. A column without any text has no places.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TextColumn {
    /// The distinct texts, in the order in which they came.
    pub words: Vec<String>,
    /// Their places, by row.
    pub places: Vec<u32>,
}

impl TextColumn {
    fn get(&self, row: usize) -> Option<&str> {
        let place = *self.places.get(row)? as usize;
        self.words.get(place.checked_sub(1)?).map(String::as_str)
    }
}

/// What is stored: differences to the row before, zigzag and one more, 0 where there is nothing. A column without any number
/// is empty.
#[derive(Serialize, Deserialize)]
struct Stored {
    rows: u32,
    texts: Vec<TextColumn>,
    numbers: Vec<Vec<u64>>,
}

/// A block that was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// How many rows it has.
    pub rows: usize,
    /// Its texts.
    pub texts: Vec<TextColumn>,
    /// Its numbers, by row; a column without any is empty.
    pub numbers: Vec<Vec<Option<i64>>>,
}

/// A block that is being made.
#[derive(Debug, Default)]
pub struct BlockBuilder {
    rows: u32,
    texts: [TextBuilder; TEXTS],
    numbers: [NumberBuilder; NUMBERS],
}

#[derive(Debug, Default)]
struct TextBuilder {
    column: TextColumn,
    known: HashMap<String, u32>,
}

impl TextBuilder {
    fn push(&mut self, rows_before: u32, text: Option<&str>) {
        let Some(text) = text else {
            if !self.column.places.is_empty() {
                self.column.places.push(0);
            }
            return;
        };
        self.column.places.resize(rows_before as usize, 0);
        // Neighbours are often the same: an order's lines, a customer's orders.
        let last = self.column.places.last().copied().unwrap_or(0);
        let same = last > 0
            && self
                .column
                .words
                .get(last as usize - 1)
                .is_some_and(|word| word == text);
        let place = match same
            .then_some(last)
            .or_else(|| self.known.get(text).copied())
        {
            Some(place) => place,
            None => {
                self.column.words.push(text.to_owned());
                // A block has far fewer rows than 2^32.
                let place = u32::try_from(self.column.words.len()).unwrap_or(u32::MAX);
                self.known.insert(text.to_owned(), place);
                place
            }
        };
        self.column.places.push(place);
    }
}

#[derive(Debug, Default)]
struct NumberBuilder {
    column: Vec<u64>,
    last: i64,
}

impl NumberBuilder {
    fn push(&mut self, rows_before: u32, number: Option<i64>) {
        let Some(number) = number else {
            if !self.column.is_empty() {
                self.column.push(0);
            }
            return;
        };
        self.column.resize(rows_before as usize, 0);
        let step = number.wrapping_sub(self.last);
        self.last = number;
        let zigzag = (step.wrapping_shl(1) ^ (step >> 63)) as u64;
        self.column.push(zigzag.saturating_add(1));
    }
}

impl BlockBuilder {
    /// Rows so far.
    #[must_use]
    pub const fn rows(&self) -> u32 {
        self.rows
    }

    /// Adds a row. All of a block are of one kind.
    pub fn push(&mut self, row: &Row<'_>) {
        let (texts, numbers) = columns(row);
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.push(self.rows, text);
        }
        for (column, number) in self.numbers.iter_mut().zip(numbers) {
            column.push(self.rows, number);
        }
        self.rows += 1;
    }

    /// The block as it is stored; the builder is empty again.
    ///
    /// # Errors
    /// None that a block in memory can have; the type is the library's.
    pub fn take(&mut self) -> postcard::Result<Vec<u8>> {
        let whole = std::mem::take(self);
        postcard::to_stdvec(&Stored {
            rows: whole.rows,
            texts: whole.texts.into_iter().map(|text| text.column).collect(),
            numbers: whole
                .numbers
                .into_iter()
                .map(|number| number.column)
                .collect(),
        })
    }
}

impl Block {
    /// Reads what [`BlockBuilder::take`] wrote.
    ///
    /// # Errors
    /// Where the bytes are not such.
    pub fn decode(bytes: &[u8]) -> postcard::Result<Self> {
        let stored: Stored = postcard::from_bytes(bytes)?;
        let decode = |column: Vec<u64>| {
            let mut last = 0i64;
            column
                .into_iter()
                .map(|code| {
                    let zigzag = code.checked_sub(1)?;
                    let step = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
                    last = last.wrapping_add(step);
                    Some(last)
                })
                .collect()
        };
        Ok(Self {
            rows: stored.rows as usize,
            texts: stored.texts,
            numbers: stored.numbers.into_iter().map(decode).collect(),
        })
    }

    /// Its rows, of the kind that the upload is. A row that this release cannot read is left out.
    pub fn rows(&self, kind: Kind) -> impl Iterator<Item = Row<'_>> {
        (0..self.rows).filter_map(move |row| {
            let text = |column: usize| self.texts.get(column).and_then(|texts| texts.get(row));
            row_of(kind, &text, &|column| self.number(column, row))
        })
    }

    /// A number of a row.
    #[must_use]
    pub fn number(&self, column: usize, row: usize) -> Option<i64> {
        self.numbers.get(column)?.get(row).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use footfall_shared::money::MinorUnits;
    use footfall_shared::time::UtcMillis;
    use footfall_shared::upload::row::{Customer, Line, LineKind, PageEvent, Product, Review};
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = Option<Cow<'static, str>>> {
        proptest::option::of("[a-c]{0,2}".prop_map(Cow::Owned))
    }

    prop_compose! {
        fn line()(
            order in "[a-d]", customer in text(), name in text(), location in text(),
            kind in 0i64..4, numbers in proptest::collection::vec(any::<i32>(), 4),
            some in proptest::collection::vec(any::<bool>(), 5),
        ) -> Row<'static> {
            let number = |at: usize| some[at].then(|| i64::from(numbers[at]));
            Row::Line(Line {
                order: Cow::Owned(order.clone()), customer, email: None, product: Cow::Owned(order), name,
                category: None, location, gender: None, payment: None, shipping: None, purchase_frequency: None,
                kind: LineKind::of_number(kind).unwrap(),
                quantity_milli: i64::from(numbers[0]),
                amount: number(1).map(MinorUnits::new),
                at: number(2).map(|at| UtcMillis::new(at * 1_000_000)),
                discounted: some[4].then_some(some[0]),
                age: number(3), rating: None, previous_purchases: None,
            })
        }
    }

    proptest! {
        #[test]
        fn rows_read_back_as_they_were(rows in proptest::collection::vec(line(), 0..40)) {
            let mut builder = BlockBuilder::default();
            rows.iter().for_each(|row| builder.push(row));
            let block = Block::decode(&builder.take().unwrap()).unwrap();
            prop_assert_eq!(builder.rows(), 0);
            prop_assert_eq!(block.rows(Kind::Transactions).collect::<Vec<_>>(), rows);
        }

        #[test]
        fn any_bytes_are_a_block_or_a_fault(bytes: Vec<u8>) {
            if let Ok(block) = Block::decode(&bytes) {
                let rows = block.rows.min(100);
                let _ = (0..rows).filter_map(|row| block.number(0, row)).count();
            }
        }
    }

    #[test]
    fn each_kind_reads_back() {
        let some = |text: &'static str| Some(Cow::Borrowed(text));
        let rows = [
            (
                Kind::Reviews,
                Row::Review(Review {
                    product: some("p"),
                    name: None,
                    category: some("c"),
                    text: some("t"),
                    customer: None,
                    rating: Some(450),
                    at: Some(UtcMillis::new(5)),
                    age: None,
                }),
            ),
            (
                Kind::PageEvents,
                Row::PageEvent(PageEvent {
                    visitor: "v".into(),
                    session: some("s"),
                    page: "p".into(),
                    device: some("d"),
                    source: None,
                    at: None,
                }),
            ),
            (
                Kind::Products,
                Row::Product(Product {
                    product: "p".into(),
                    name: some("n"),
                    category: None,
                    brand: some("b"),
                    price: Some(MinorUnits::new(-3)),
                }),
            ),
            (
                Kind::Customers,
                Row::Customer(Customer {
                    customer: "c".into(),
                    email: some("e"),
                    gender: None,
                    location: some("l"),
                    device: None,
                    age: Some(30),
                    at: None,
                }),
            ),
        ];
        for (kind, row) in rows {
            let mut builder = BlockBuilder::default();
            builder.push(&row);
            let block = Block::decode(&builder.take().unwrap()).unwrap();
            assert_eq!(block.rows(kind).collect::<Vec<_>>(), [row]);
        }
    }
}
