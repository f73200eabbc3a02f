//! What a shop's customers bought: its own orders, and those of its files.

use std::collections::{HashMap, HashSet};

use footfall_shared::time::UtcMillis;

use super::models::history::{Bought, Customer, Item, Purchases};
use crate::app::App;
use crate::behavior::{Interner, LineBlock, LineSink, describe_products, list_products, scan_all};
use crate::jobs::JobFault;
use crate::shops::{Shop, list_catalogue};
use crate::uploads::block::number_of_line as number;
use crate::uploads::block::text_of_line as text;

/// Customers that are learned from and have lists of their own, those who bought last: all of most shops. The others are
/// recommended what those without a history are.
const CUSTOMERS_MAX: usize = 100_000;

/// Products of the catalogue that are looked at for what nobody has bought yet, those listed last.
const UNSOLD_MAX: i64 = 10_000;

/// What was bought, and by whom.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// What was bought.
    pub(super) purchases: Purchases,
    /// The customers' ids, in the sequence of the purchases' customers: the shop's own, else the email.
    pub(super) customers: Vec<String>,
    /// The products' ids, by the purchases' items.
    pub(super) products: Vec<String>,
    /// Products of the catalogue that nobody has bought yet.
    pub(super) unsold: Vec<(String, Item)>,
}

/// Reads what was bought.
pub(super) async fn read(app: &App, shop: &Shop) -> Result<Shelf, JobFault> {
    let lines = scan_all(app, shop, Lines::default()).await?;
    let products = lines.products.texts.clone();
    let told = describe_products(app, &shop.id, products.iter().cloned()).await?;
    let mut shelf = tokio::task::spawn_blocking(move || lines.sorted()).await?;
    for (product, item) in products.iter().zip(&mut shelf.purchases.items) {
        if let Some((name, category)) = told.get(product) {
            item.name = name
                .clone()
                .unwrap_or_else(|| std::mem::take(&mut item.name));
            item.category = category
                .clone()
                .unwrap_or_else(|| std::mem::take(&mut item.category));
        }
    }
    let sold: HashSet<&String> = shelf.products.iter().collect();
    let mut unsold = HashMap::new();
    for (product, name) in list_catalogue(&mut app.db().read().await?, &shop.id, UNSOLD_MAX).await?
    {
        let category = String::new();
        unsold.insert(product, Item { name, category });
    }
    for (product, name, category) in list_products(app, &shop.id, UNSOLD_MAX as usize).await? {
        let item = unsold.entry(product).or_default();
        item.name = name.unwrap_or_else(|| std::mem::take(&mut item.name));
        item.category = category.unwrap_or_default();
    }
    unsold.retain(|product, _| !sold.contains(product));
    shelf.unsold = unsold.into_iter().collect();
    shelf.unsold.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(shelf)
}

/// A line: customer, time, order, product.
type Line = (u32, i64, u64, u32);

/// Collects lines that were bought by somebody at a time.
#[derive(Debug, Default)]
struct Lines {
    customers: Interner,
    products: Interner,
    words: Interner,
    names: Vec<Option<u32>>,
    categories: Vec<Option<u32>>,
    /// Where each customer lives.
    places: HashMap<u32, u32>,
    lines: Vec<Line>,
}

impl LineSink for Lines {
    fn take(&mut self, lines: &LineBlock) {
        let block = &lines.block;
        let customers = self.customers.numbers_of(block, text::CUSTOMER);
        let emails = self.customers.numbers_of(block, text::EMAIL);
        let products = self.products.numbers_of(block, text::PRODUCT);
        let names = self.words.numbers_of(block, text::NAME);
        let categories = self.words.numbers_of(block, text::CATEGORY);
        let places = self.words.numbers_of(block, text::LOCATION);
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
            let customer = customers
                .get(block, text::CUSTOMER, row)
                .or_else(|| emails.get(block, text::EMAIL, row));
            let (Some(customer), Some(at)) = (customer, block.number(number::AT, row)) else {
                continue;
            };
            if let Some(place) = places.get(block, text::LOCATION, row) {
                self.places.insert(customer, place);
            }
            let order = lines.orders.get(row).copied().unwrap_or(0);
            self.lines.push((customer, at, order, product));
        }
    }
}

impl Lines {
    fn word(&self, number: Option<u32>) -> String {
        let word = number.and_then(|number| self.words.texts.get(number as usize));
        word.cloned().unwrap_or_default()
    }

    /// Each product of an order once, customer by customer and in time.
    fn sorted(mut self) -> Shelf {
        let mut lines = std::mem::take(&mut self.lines);
        lines.sort_unstable();
        lines.dedup();
        let of_customers: Vec<&[Line]> = lines.chunk_by(|one, other| one.0 == other.0).collect();
        let mut latest: Vec<(i64, usize)> = of_customers
            .iter()
            .enumerate()
            .map(|(place, lines)| (lines.last().map_or(0, |line| line.1), place))
            .collect();
        latest.sort_unstable_by(|one, other| other.cmp(one));
        latest.truncate(CUSTOMERS_MAX);
        let mut places: Vec<usize> = latest.into_iter().map(|(_, place)| place).collect();
        places.sort_unstable();
        let mut shelf = Shelf::default();
        for place in places {
            let lines = of_customers[place];
            let Some((number, ..)) = lines.first() else {
                continue;
            };
            let Some(id) = self.customers.texts.get(*number as usize) else {
                continue;
            };
            let place = self.word(self.places.get(number).copied());
            shelf.customers.push(id.clone());
            shelf.purchases.customers.push(Customer {
                bought: lines
                    .iter()
                    .map(|(_, at, _, item)| Bought {
                        item: *item,
                        at: UtcMillis::new(*at),
                    })
                    .collect(),
                attributes: if place.is_empty() {
                    Vec::new()
                } else {
                    vec![format!("place={place}")]
                },
            });
        }
        let items = self.names.iter().zip(&self.categories);
        shelf.purchases.items = items
            .map(|(name, category)| Item {
                name: self.word(*name),
                category: self.word(*category),
            })
            .collect();
        shelf.products = self.products.texts;
        shelf
    }
}
