//! The lines of orders, block by block, each order once: an order that several sources have counts as the newest tells it,
//! the shop's own orders before all files.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use footfall_shared::money::MinorUnits;
use footfall_shared::order::counts;
use footfall_shared::time::UtcMillis;
use footfall_shared::upload::row::{Line, LineKind, Row};
use tokio::sync::mpsc;

use super::scope::{Need, Scope, Sources, find_sources_of_job};
use crate::app::App;
use crate::db::StorageError;
use crate::jobs::JobFault;
use crate::orders::{self, OrderedLine};
use crate::shops::Shop;
use crate::uploads::block::{Block, BlockBuilder, text_of_line};
use crate::uploads::read_blocks;

/// Blocks read at once, and blocks that wait to be counted.
const BLOCKS_AT_ONCE: i64 = 4;
/// Orders read at once.
const ORDERS_AT_ONCE: i64 = 5_000;

/// Who counts lines.
pub trait LineSink: Send + 'static {
    /// Takes a block; only the rows count whose order does.
    fn take(&mut self, block: &LineBlock);
}

/// A block of lines with what is asked of it most.
#[derive(Debug)]
pub struct LineBlock {
    /// The rows.
    pub block: Block,
    /// Whether they are the shop's own orders, and of no file.
    pub is_own: bool,
    /// A number for each row's order, the same wherever the order is.
    pub orders: Vec<u64>,
    /// Whether the row counts: no newer source has the order.
    pub counts: Vec<bool>,
}

impl LineBlock {
    /// What a row is.
    fn kind(&self, row: usize) -> Option<LineKind> {
        use crate::uploads::block::number_of_line::KIND;
        LineKind::of_number(self.block.number(KIND, row)?)
    }

    /// Whether a row is something that was bought.
    #[must_use]
    pub fn is_sale(&self, row: usize) -> bool {
        self.counts.get(row).copied().unwrap_or(false) && self.kind(row) == Some(LineKind::Sale)
    }
}

/// Reads all lines that the shop has past a sink.
///
/// # Errors
/// As [`scan`].
pub async fn scan_all<S: LineSink>(app: &App, shop: &Shop, sink: S) -> Result<S, JobFault> {
    let sources = {
        let mut db = app.db().read().await?;
        find_sources_of_job(&mut db, &shop.id, &Scope::of(None), Need::Lines).await?
    };
    scan(app, shop, &sources, sink).await
}

/// Reads all lines of the sources past a sink, which counts them on a thread of its own.
///
/// # Errors
/// Where the database cannot be read, or a block not be decoded.
pub(super) async fn scan<S: LineSink>(
    app: &App,
    shop: &Shop,
    sources: &Sources,
    sink: S,
) -> Result<S, JobFault> {
    let (tell, told) = mpsc::channel(usize::try_from(BLOCKS_AT_ONCE).unwrap_or(1));
    let counting = tokio::task::spawn_blocking(move || count(told, sink));
    let sent = send_all(app, shop, sources, tell).await;
    let counted = counting.await?;
    sent?;
    Ok(counted?)
}

/// A block with the number of its source, the newest first.
type Sent = (usize, Vec<u8>);
/// The number of the shop's own orders.
const OWN: usize = 0;

async fn send_all(
    app: &App,
    shop: &Shop,
    sources: &Sources,
    tell: mpsc::Sender<Sent>,
) -> Result<(), StorageError> {
    if sources.orders.is_some() {
        send_orders(app, shop, &tell).await?;
    }
    for (at, upload) in sources.uploads.iter().enumerate() {
        let mut after = 0;
        loop {
            let blocks = {
                let mut db = app.db().read().await?;
                read_blocks(&mut db, &shop.id, &upload.id, after, BLOCKS_AT_ONCE).await?
            };
            let Some((last, _)) = blocks.last() else {
                break;
            };
            after = *last;
            for (_, bytes) in blocks {
                if tell.send((OWN + 1 + at, bytes)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

async fn send_orders(
    app: &App,
    shop: &Shop,
    tell: &mpsc::Sender<Sent>,
) -> Result<(), StorageError> {
    let mut after = String::new();
    loop {
        let lines = {
            let mut db = app.db().read().await?;
            orders::list_lines(&mut db, &shop.id, &after, ORDERS_AT_ONCE).await?
        };
        let Some(last) = lines.last() else {
            return Ok(());
        };
        after = last.order_id.clone();
        let mut block = BlockBuilder::default();
        for line in lines
            .iter()
            .filter(|line| line.currency == shop.currency.as_str())
        {
            block.push(&Row::Line(line_of(line)));
        }
        let bytes = block
            .take()
            .map_err(|cause| StorageError::corrupt("write lines of orders", cause))?;
        if tell.send((OWN, bytes)).await.is_err() {
            return Ok(());
        }
    }
}

fn line_of(line: &OrderedLine) -> Line<'_> {
    let amount = line.unit_price_minor.saturating_mul(line.quantity);
    Line {
        order: Cow::Borrowed(&line.order_id),
        customer: Some(Cow::Borrowed(&line.customer)),
        email: Some(Cow::Borrowed(&line.email)),
        product: Cow::Borrowed(&line.product_id),
        name: Some(Cow::Borrowed(&line.name)),
        category: None,
        location: None,
        gender: None,
        payment: None,
        shipping: None,
        purchase_frequency: None,
        kind: match line.status.as_str() {
            status if counts(status) && amount > 0 => LineKind::Sale,
            status if counts(status) => LineKind::Free,
            "refunded" => LineKind::Return,
            _ => LineKind::Void,
        },
        quantity_milli: line.quantity.saturating_mul(1000),
        amount: Some(MinorUnits::new(amount)),
        at: Some(UtcMillis::new(line.ordered_at)),
        discounted: None,
        age: None,
        rating: None,
        previous_purchases: None,
    }
}

fn count<S: LineSink>(mut told: mpsc::Receiver<Sent>, mut sink: S) -> Result<S, StorageError> {
    let mut first_source: HashMap<u64, usize> = HashMap::new();
    while let Some((source, bytes)) = told.blocking_recv() {
        let block = Block::decode(&bytes)
            .map_err(|cause| StorageError::corrupt("read a block of rows", cause))?;
        let orders = order_numbers(&block, source);
        let mut counts = Vec::with_capacity(orders.len());
        let mut last = None;
        for order in &orders {
            let same = last.filter(|(before, _)| before == order);
            let counted = match same {
                Some((_, counted)) => counted,
                None => *first_source.entry(*order).or_insert(source) == source,
            };
            last = Some((*order, counted));
            counts.push(counted);
        }
        sink.take(&LineBlock {
            block,
            is_own: source == OWN,
            orders,
            counts,
        });
    }
    Ok(sink)
}

/// A number for each row's order. Orders that the file did not name are those of their file alone.
fn order_numbers(block: &Block, source: usize) -> Vec<u64> {
    let Some(column) = block.texts.get(text_of_line::ORDER) else {
        return vec![0; block.rows];
    };
    let number = |word: &String| {
        // The same on every node and in every process, unlike the standard map's.
        let mut hasher = DefaultHasher::new();
        word.hash(&mut hasher);
        if word.starts_with("row ") {
            source.hash(&mut hasher);
        }
        hasher.finish()
    };
    let numbers: Vec<u64> = column.words.iter().map(number).collect();
    let of = |place: &u32| numbers.get((*place as usize).wrapping_sub(1)).copied();
    let mut orders: Vec<u64> = column
        .places
        .iter()
        .map(|place| of(place).unwrap_or(0))
        .collect();
    orders.resize(block.rows, 0);
    orders
}

/// Gives each text a number, the same in all blocks.
#[derive(Debug, Default)]
pub struct Interner {
    /// The texts by their numbers.
    pub texts: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Interner {
    /// The number of a text.
    pub fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// The numbers of a column's words, by their places: a word is looked up once, not once a row. Place 0 is nothing.
    pub fn numbers_of(&mut self, block: &Block, column: usize) -> Places {
        let column = block.texts.get(column);
        let words = column.map_or(&[][..], |column| &column.words);
        Places(words.iter().map(|word| self.number(word)).collect())
    }
}

/// The numbers of a column's words.
#[derive(Debug)]
pub struct Places(Vec<u32>);

impl Places {
    /// The number of a row's text.
    pub fn get(&self, block: &Block, column: usize, row: usize) -> Option<u32> {
        let place = *block.texts.get(column)?.places.get(row)? as usize;
        self.0.get(place.checked_sub(1)?).copied()
    }
}
