//! The search, SQLite's FTS5 and PostgreSQL's tsvector behind the same functions. Both hold the same words: those of the
//! record, folded by the shared rule, and beside them what lists filter by, each with a = before it.

use footfall_shared::customer::search::words_of;
use footfall_shared::id::ShopId;

use super::records::Facets;
use crate::db::{Asked, During, Handle, Link, POSTGRESQL, SQLITE, StorageError, Tx};
use crate::traces::Call;

/// What a record is filtered by, as words that no text has.
fn facet_words(shop: &ShopId, facets: &Facets) -> Vec<String> {
    let Facets {
        personality_type,
        budget_range,
        sales_stage,
    } = facets;
    let of =
        |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("={name}{value}"));
    [
        Some(format!("={shop}")),
        of("type_", personality_type),
        of("budget_", budget_range),
        of("stage_", sales_stage),
    ]
    .into_iter()
    .flatten()
    .map(|word| word.to_lowercase())
    .collect()
}

/// The words of texts in ASCII, because the databases do not agree on what else belongs to a word: any other character is
/// its number, so that beginnings stay beginnings.
fn text_words(texts: &[&str]) -> Vec<String> {
    let spell = |word: String| {
        let mut spelled = String::with_capacity(word.len());
        for c in word.chars() {
            match c.is_ascii() {
                true => spelled.push(c),
                false => spelled += &format!("_{:x}_", u32::from(c)),
            }
        }
        spelled
    };
    words_of(texts).into_iter().map(spell).collect()
}

/// Has a record found by these texts and facets, and by no others.
pub(in super::super) async fn put(
    tx: &mut Tx,
    shop: &ShopId,
    number: i64,
    texts: &[&str],
    facets: &Facets,
) -> Result<(), StorageError> {
    const STEP: &str = "write what a record is found by";
    let mut words = text_words(texts);
    words.extend(facet_words(shop, facets));
    let words = words.join(" ");
    match tx.link() {
        Link::Lite(connection) => {
            let call = Call::statement(SQLITE);
            let put = sqlx::query(
                "INSERT OR REPLACE INTO customer_record_search (rowid, words) VALUES ($1, $2)",
            )
            .bind(number)
            .bind(words.as_str())
            .execute(connection)
            .await;
            Asked::new(call, put.map(|_| ())).during(STEP)
        }
        Link::Pg(connection) => {
            let call = Call::statement(POSTGRESQL);
            let put = sqlx::query(
                "INSERT INTO customer_record_search (number, words) \
                 VALUES ($1, array_to_tsvector(string_to_array($2, ' '))) \
                 ON CONFLICT (number) DO UPDATE SET words = excluded.words",
            )
            .bind(number)
            .bind(words.as_str())
            .execute(connection)
            .await;
            Asked::new(call, put.map(|_| ())).during(STEP)
        }
    }
}

/// Has a record found no more.
pub(in super::super) async fn remove(tx: &mut Tx, number: i64) -> Result<(), StorageError> {
    const STEP: &str = "remove what a record is found by";
    match tx.link() {
        Link::Lite(connection) => {
            let call = Call::statement(SQLITE);
            let gone = sqlx::query("DELETE FROM customer_record_search WHERE rowid = $1")
                .bind(number)
                .execute(connection)
                .await;
            Asked::new(call, gone.map(|_| ())).during(STEP)
        }
        Link::Pg(connection) => {
            let call = Call::statement(POSTGRESQL);
            let gone = sqlx::query("DELETE FROM customer_record_search WHERE number = $1")
                .bind(number)
                .execute(connection)
                .await;
            Asked::new(call, gone.map(|_| ())).during(STEP)
        }
    }
}

/// How many times the records of a page there must be for it to be found by going back through all records: then it takes few
/// steps, and what the index finds need not be sorted.
const MANY: i64 = 50;
/// A page of many, on PostgreSQL; without `IS TRUE` it might go by the index.
const PAGE_OF_MANY: &str = "SELECT number FROM customer_record_search WHERE (words @@ $1::tsquery) IS TRUE \
    ORDER BY number DESC LIMIT $2 OFFSET $3";
/// A page of few; without `MATERIALIZED` it might go back through all records.
const PAGE_OF_FEW: &str = "WITH found AS MATERIALIZED (SELECT number FROM customer_record_search WHERE words @@ $1::tsquery) \
    SELECT number FROM found ORDER BY number DESC LIMIT $2 OFFSET $3";

/// The numbers of a page of the records that have words which begin with all of the search's, and these facets, the newest
/// first; and how many there are.
pub(in super::super) async fn find(
    db: &mut impl Handle,
    shop: &ShopId,
    search: &str,
    asked: &Facets,
    limit: u32,
    offset: u32,
) -> Result<(Vec<i64>, u64), StorageError> {
    const STEP: &str = "search customers' records";
    let (begun, facets) = (text_words(&[search]), facet_words(shop, asked));
    if begun.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let (page, total): (Vec<i64>, i64) = match db.link() {
        Link::Lite(connection) => {
            let exact = facets.iter().map(|word| format!("\"{word}\""));
            let begun = begun.iter().map(|word| format!("\"{word}\"*"));
            let query = exact.chain(begun).collect::<Vec<String>>().join(" AND ");
            let call = Call::statement(SQLITE);
            let page = sqlx::query_scalar(
                "SELECT rowid FROM customer_record_search WHERE customer_record_search MATCH $1 \
                 ORDER BY rowid DESC LIMIT $2 OFFSET $3",
            )
            .bind(query.as_str())
            .bind(i64::from(limit))
            .bind(i64::from(offset))
            .fetch_all(&mut *connection)
            .await;
            let page = Asked::new(call, page).during(STEP)?;
            let call = Call::statement(SQLITE);
            let total = sqlx::query_scalar(
                "SELECT COUNT(*) FROM customer_record_search WHERE customer_record_search MATCH $1",
            )
            .bind(query.as_str())
            .fetch_one(connection)
            .await;
            (page, Asked::new(call, total).during(STEP)?)
        }
        Link::Pg(connection) => {
            let exact = facets.iter().map(|word| format!("'{word}'"));
            let begun = begun.iter().map(|word| format!("'{word}':*"));
            let query = exact.chain(begun).collect::<Vec<String>>().join(" & ");
            let call = Call::statement(POSTGRESQL);
            let total = sqlx::query_scalar(
                "SELECT COUNT(*) FROM customer_record_search WHERE words @@ $1::tsquery",
            )
            .bind(query.as_str())
            .fetch_one(&mut *connection)
            .await;
            let total: i64 = Asked::new(call, total).during(STEP)?;
            let until = i64::from(limit) + i64::from(offset);
            let call = Call::statement(POSTGRESQL);
            let page = sqlx::query_scalar(if total >= until.saturating_mul(MANY) {
                PAGE_OF_MANY
            } else {
                PAGE_OF_FEW
            })
            .bind(query.as_str())
            .bind(i64::from(limit))
            .bind(i64::from(offset))
            .fetch_all(&mut *connection)
            .await;
            (Asked::new(call, page).during(STEP)?, total)
        }
    };
    Ok((page, u64::try_from(total).unwrap_or(0)))
}
