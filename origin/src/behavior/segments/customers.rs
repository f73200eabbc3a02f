//! What is counted of each customer.

use std::collections::{HashMap, HashSet};

use footfall_shared::behavior::rfm::Rfm;
use footfall_shared::time::DAY_MS;

use crate::behavior::data::{Interner, LineBlock, LineSink, Places};
use crate::uploads::block::number_of_line as number;
use crate::uploads::block::text_of_line as text;

/// A customer, as far as lines of orders tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Counted {
    /// The shop's own id.
    pub(super) id: Option<String>,
    /// The email.
    pub(super) email: Option<String>,
    /// Orders.
    pub(super) orders: i64,
    /// Orders of which it is known whether they were cheaper than usual.
    pub(super) priced: i64,
    /// And those that were.
    pub(super) discounted: i64,
    /// Purchases before the first one that is known.
    pub(super) previous: i64,
    /// Money spent, in minor units.
    pub(super) spend: i64,
    /// The first order, epoch milliseconds.
    pub(super) first_at: Option<i64>,
    /// The last order.
    pub(super) last_at: Option<i64>,
    /// Years.
    pub(super) age: Option<i64>,
    /// As the shop writes it.
    pub(super) gender: Option<u32>,
    /// Where the customer lives.
    pub(super) location: Option<u32>,
    /// How the last order was paid.
    pub(super) payment: Option<u32>,
    /// How it was shipped.
    pub(super) shipping: Option<u32>,
    /// How often the customer buys, in words.
    pub(super) frequency: Option<u32>,
}

impl Counted {
    /// Who it is: the shop's id, else the email.
    pub(super) fn name(&self) -> &str {
        self.id
            .as_deref()
            .or(self.email.as_deref())
            .unwrap_or_default()
    }

    /// Orders with those before the first that is known.
    pub(super) const fn frequency(&self) -> i64 {
        self.orders + self.previous
    }

    /// The three figures, at the end of the day of the last order of all.
    pub(super) fn rfm(&self, snapshot: Option<i64>) -> Rfm {
        let days = |(snapshot, last): (i64, i64)| (snapshot - last) as f64 / DAY_MS as f64;
        Rfm {
            recency_days: snapshot.zip(self.last_at).map(days),
            frequency: self.frequency() as f64,
            monetary: self.spend as f64,
        }
    }

    /// Mean days between two orders.
    pub(super) fn days_between_orders(&self) -> Option<f64> {
        let span = self.last_at?.checked_sub(self.first_at?)?;
        (self.orders > 1).then(|| span as f64 / DAY_MS as f64 / (self.orders - 1) as f64)
    }
}

/// Counts customers.
#[derive(Debug, Default)]
pub(super) struct Customers {
    /// Those that bought something.
    pub(super) all: Vec<Counted>,
    /// The texts behind the numbers of gender, location, payment, shipping and frequency.
    pub(super) words: Interner,
    by_id: HashMap<String, u32>,
    by_email: HashMap<String, u32>,
    orders: HashSet<u64>,
}

impl Customers {
    /// The day after the last order of all: recencies are counted from there.
    pub(super) fn snapshot(&self) -> Option<i64> {
        let last = self.all.iter().filter_map(|one| one.last_at).max()?;
        Some((last.div_euclid(DAY_MS) + 1) * DAY_MS)
    }

    /// The customer of a row. Whoever has an email is known by it; an id that came with it leads to the same customer.
    fn customer(&mut self, id: Option<&str>, email: Option<&str>) -> Option<u32> {
        let known = email
            .and_then(|email| self.by_email.get(email))
            .or_else(|| id.and_then(|id| self.by_id.get(id)))
            .copied();
        if known.is_none() && id.is_none() && email.is_none() {
            return None;
        }
        let at = known.unwrap_or_else(|| {
            self.all.push(Counted::default());
            u32::try_from(self.all.len() - 1).unwrap_or(u32::MAX)
        });
        let customer = self.all.get_mut(at as usize)?;
        if let Some(id) = id {
            customer.id.get_or_insert_with(|| id.to_owned());
            self.by_id.entry(id.to_owned()).or_insert(at);
        }
        if let Some(email) = email {
            customer.email.get_or_insert_with(|| email.to_owned());
            self.by_email.entry(email.to_owned()).or_insert(at);
        }
        Some(at)
    }
}

impl LineSink for Customers {
    fn take(&mut self, lines: &LineBlock) {
        let block = &lines.block;
        let column = |at: usize| block.texts.get(at);
        let word = |at: usize, row: usize| {
            let column = column(at)?;
            let place = *column.places.get(row)? as usize;
            column.words.get(place.checked_sub(1)?).map(String::as_str)
        };
        let place = |at: usize, row: usize| {
            column(at)
                .and_then(|column| column.places.get(row))
                .copied()
                .unwrap_or(0)
        };
        let attributes = [
            text::GENDER,
            text::LOCATION,
            text::PAYMENT,
            text::SHIPPING,
            text::PURCHASE_FREQUENCY,
        ];
        let numbers: Vec<Places> = attributes
            .iter()
            .map(|at| self.words.numbers_of(block, *at))
            .collect();
        // Neighbours are often one customer's and one order's.
        let mut last: Option<((u32, u32), Option<u32>)> = None;
        let mut last_order = None;
        for row in 0..block.rows {
            if !lines.is_sale(row) {
                continue;
            }
            let who = (place(text::CUSTOMER, row), place(text::EMAIL, row));
            let customer = match last.filter(|(before, _)| *before == who) {
                Some((_, customer)) => customer,
                None => self.customer(word(text::CUSTOMER, row), word(text::EMAIL, row)),
            };
            last = Some((who, customer));
            let Some(counted) = customer.and_then(|at| self.all.get_mut(at as usize)) else {
                continue;
            };
            let order = lines.orders.get(row).copied().unwrap_or(0);
            let new_order = last_order != Some(order) && self.orders.insert(order);
            last_order = Some(order);
            let number = |at: usize| block.number(at, row);
            counted.spend += number(number::AMOUNT).unwrap_or(0);
            if new_order {
                counted.orders += 1;
                if let Some(discounted) = number(number::DISCOUNTED) {
                    counted.priced += 1;
                    counted.discounted += discounted;
                }
            }
            if let Some(at) = number(number::AT) {
                counted.first_at = Some(counted.first_at.map_or(at, |first| first.min(at)));
                counted.last_at = Some(counted.last_at.map_or(at, |last| last.max(at)));
            }
            counted.previous = counted
                .previous
                .max(number(number::PREVIOUS_PURCHASES).unwrap_or(0));
            counted.age = number(number::AGE).or(counted.age);
            let fields = [
                &mut counted.gender,
                &mut counted.location,
                &mut counted.payment,
                &mut counted.shipping,
                &mut counted.frequency,
            ];
            for ((field, numbers), at) in fields.into_iter().zip(&numbers).zip(attributes) {
                *field = numbers.get(block, at, row).or(*field);
            }
        }
    }
}
