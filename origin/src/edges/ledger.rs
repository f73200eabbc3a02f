//! The ledger: what each edge accepted, beside what the log has of it.
//!
//! An edge's counts are exact in whatever instant they are read. The log is read before and after them, since
//! events go on moving meanwhile; the two must leave room for each other.

use std::collections::HashMap;

use footfall_shared::wire::internal::{Ledger, Lookups, ShopLedger, path};

use super::call::{CallError, Caller};
use crate::app::App;
use crate::db::StorageError;
use crate::ingest;

/// What an edge tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeBooks {
    /// Shop by shop.
    pub shops: Vec<Books>,
    /// What its cache was asked.
    pub lookups: Lookups,
}

/// One shop's events at one edge, beside the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Books {
    /// The edge's own counts.
    pub ledger: ShopLedger,
    /// Events of this outbox in the log before the edge was asked.
    pub logged_before: u64,
    /// And after it had answered.
    pub logged_after: u64,
}

impl Books {
    /// Whether every accepted event is stored, a duplicate, rejected or pending, and the log agrees: it has at
    /// least what the edge calls stored, and at most what the edge still waits to hear of besides.
    #[must_use]
    pub fn balance(&self) -> bool {
        let ledger = &self.ledger;
        ledger.balances()
            && ledger.stored <= self.logged_after
            && self.logged_before <= ledger.stored + ledger.pending
    }
}

/// Why an edge's books could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// The edge did not answer well.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Its answer is no ledger.
    #[error("the edge's answer is no ledger")]
    Unreadable(#[source] serde_json::Error),
    /// The log could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Reads the books of an edge.
pub async fn read_books(app: &App, edge: &str) -> Result<EdgeBooks, BooksError> {
    let caller = Caller::new();
    // Which outbox it is only the edge knows, so it is asked twice and the log in between.
    let outbox = ask(app, &caller, edge).await?.outbox;
    let before = logged(app, &outbox).await?;
    let ledger = ask(app, &caller, edge).await?;
    let after = logged(app, &ledger.outbox).await?;
    let lookups = ledger.lookups;
    let shops = ledger.shops.into_iter().map(|ledger| {
        let of = |counts: &HashMap<String, u64>| {
            let count = counts.get(ledger.shop.as_str()).copied();
            count.unwrap_or_default()
        };
        Books {
            logged_before: of(&before),
            logged_after: of(&after),
            ledger,
        }
    });
    Ok(EdgeBooks {
        shops: shops.collect(),
        lookups,
    })
}

async fn ask(app: &App, caller: &Caller, edge: &str) -> Result<Ledger, BooksError> {
    let answer = caller.post(app, edge, path::LEDGER, b"{}".to_vec()).await?;
    serde_json::from_slice(&answer).map_err(BooksError::Unreadable)
}

async fn logged(
    app: &App,
    outbox: &footfall_shared::id::OutboxId,
) -> Result<HashMap<String, u64>, StorageError> {
    ingest::stored_of_outbox(&mut app.db().read().await?, outbox).await
}

#[cfg(test)]
mod tests {
    use footfall_shared::id::ShopId;
    use footfall_shared::time::UtcMillis;

    use super::*;

    #[test]
    fn books_balance_only_if_nothing_is_missing_on_either_side() {
        let books = |accepted, stored, pending, logged_before, logged_after| Books {
            ledger: ShopLedger {
                accepted,
                stored,
                pending,
                ..ShopLedger::empty(ShopId::generate(UtcMillis::new(0), [0; 10]))
            },
            logged_before,
            logged_after,
        };
        assert!(books(10, 7, 3, 7, 7).balance());
        assert!(
            books(10, 7, 3, 9, 10).balance(),
            "receipts are on their way"
        );
        assert!(
            !books(10, 7, 2, 7, 7).balance(),
            "one is missing at the edge"
        );
        assert!(
            !books(10, 7, 3, 6, 6).balance(),
            "one is missing in the log"
        );
        assert!(
            !books(10, 7, 3, 11, 11).balance(),
            "the log has one too many"
        );
    }
}
