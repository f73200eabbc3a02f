//! What people allow.

use std::collections::BTreeSet;

use footfall_shared::id::ShopId;
use footfall_shared::privacy::consent::{ConsentRecord, Purpose};
use footfall_shared::time::UtcMillis;

use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;
use crate::privacy::consent::Whose;

#[derive(sqlx::FromRow)]
struct ConsentRow {
    subject: String,
    purpose: String,
    at: i64,
    granted: bool,
    source: String,
}

impl ConsentRow {
    fn into_record(self) -> Result<(Whose, ConsentRecord), StorageError> {
        const STEP: &str = "read what somebody allows";
        let purpose = Purpose::parse(&self.purpose);
        let purpose = purpose.ok_or_else(|| StorageError::corrupt(STEP, "purpose"))?;
        let record = ConsentRecord {
            purpose,
            granted: self.granted,
            source: self.source,
            at: UtcMillis::new(self.at),
        };
        Ok((whose(STEP, &self.subject)?, record))
    }
}

fn whose(step: &'static str, subject: &str) -> Result<Whose, StorageError> {
    Whose::parse(subject).ok_or_else(|| StorageError::corrupt(step, "subject"))
}

/// All words of these people and browsers, in no sequence.
pub(in crate::privacy) async fn find_records(
    db: &mut impl Handle,
    shop: &ShopId,
    of: &[Whose],
) -> Result<Vec<(Whose, ConsentRecord)>, StorageError> {
    const SQL: &str = "SELECT subject, purpose, at, granted, source FROM consents WHERE shop_id = ";
    let subjects: Vec<String> = of.iter().map(Whose::to_text).collect();
    let mut found = Vec::new();
    for chunk in subjects.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<ConsentRow> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str()).push(" AND subject IN (");
            let mut list = sql.separated(", ");
            for subject in chunk {
                list.push_bind(subject.as_str());
            }
            sql.push(")")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during("find what people allow")?;
        for row in rows {
            found.push(row.into_record()?);
        }
    }
    Ok(found)
}

/// The latest answer of each of these people and browsers to a purpose; who has none is left out.
pub(in crate::privacy) async fn find_standing(
    db: &mut impl Handle,
    shop: &ShopId,
    purpose: Purpose,
    of: &[Whose],
) -> Result<Vec<(Whose, bool)>, StorageError> {
    const STEP: &str = "find the latest answers to a purpose";
    const SQL: &str = "SELECT c.subject, c.granted FROM consents c WHERE c.shop_id = ";
    const LATEST: &str = ") AND c.at = (SELECT MAX(l.at) FROM consents l \
        WHERE l.shop_id = c.shop_id AND l.subject = c.subject AND l.purpose = c.purpose)";
    let subjects: Vec<String> = of.iter().map(Whose::to_text).collect();
    let mut found = Vec::new();
    for chunk in subjects.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<(String, bool)> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(SQL);
            sql.push_bind(shop.as_str())
                .push(" AND c.purpose = ")
                .push_bind(purpose.as_str())
                .push(" AND c.subject IN (");
            let mut list = sql.separated(", ");
            for subject in chunk {
                list.push_bind(subject.as_str());
            }
            sql.push(LATEST)
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during(STEP)?;
        for (subject, granted) in rows {
            found.push((whose(STEP, &subject)?, granted));
        }
    }
    Ok(found)
}

/// Keeps words; whose words were new. Of two of one time the refusal stays. A time may be named once only by a person for a
/// purpose.
pub(in crate::privacy) async fn insert(
    tx: &mut Tx,
    shop: &ShopId,
    words: &[(Whose, ConsentRecord)],
    now: UtcMillis,
) -> Result<BTreeSet<Whose>, StorageError> {
    const STEP: &str = "keep what people allow";
    const INSERT: &str =
        "INSERT INTO consents (shop_id, subject, purpose, at, granted, source, recorded_at) ";
    const REFUSE: &str = " ON CONFLICT (shop_id, subject, purpose, at) DO UPDATE SET \
        granted = excluded.granted, source = excluded.source, recorded_at = excluded.recorded_at \
        WHERE consents.granted AND NOT excluded.granted RETURNING subject";
    let mut new = BTreeSet::new();
    for chunk in words.chunks(ROWS_A_STATEMENT) {
        let subjects: Vec<String> = on_db!(tx, |connection| {
            let mut sql = sqlx::QueryBuilder::new(INSERT);
            sql.push_values(chunk, |mut row, (of, word)| {
                row.push_bind(shop.as_str())
                    .push_bind(of.to_text())
                    .push_bind(word.purpose.as_str())
                    .push_bind(word.at.get())
                    .push_bind(word.granted)
                    .push_bind(word.source.as_str())
                    .push_bind(now.get());
            });
            sql.push(REFUSE)
                .build_query_scalar()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during(STEP)?;
        for subject in subjects {
            new.insert(whose(STEP, &subject)?);
        }
    }
    Ok(new)
}
