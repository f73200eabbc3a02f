//! SQL over records.

use footfall_shared::customer::CustomerRecord;
use footfall_shared::customer::list::{Overview, RecordFilter};
use footfall_shared::customer::range::MoneyRange;
use footfall_shared::customer::record::PersonalityType;
use footfall_shared::customer::stage::SalesStage;
use footfall_shared::id::{CustomerRecordId, ShopId};
use footfall_shared::identity::EmailHash;
use footfall_shared::time::UtcMillis;

use crate::db::{During, Handle, ROWS_A_STATEMENT, StorageError, Tx, keep_prepared};
use crate::on_db;

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Stored {
    pub(in super::super) number: i64,
    pub(in super::super) id: CustomerRecordId,
    pub(in super::super) record: CustomerRecord,
    pub(in super::super) version: i64,
    pub(in super::super) created: UtcMillis,
    pub(in super::super) updated: UtcMillis,
    pub(in super::super) facets: Facets,
}

/// What lists filter by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Facets {
    pub(in super::super) personality_type: Option<String>,
    pub(in super::super) budget_range: Option<String>,
    pub(in super::super) sales_stage: Option<String>,
}

impl Facets {
    pub(in super::super) fn of(overview: &Overview) -> Self {
        Self {
            personality_type: overview
                .personality_type
                .map(|kind| kind.as_str().to_owned()),
            budget_range: overview.budget_range.map(|range| range.to_string()),
            sales_stage: Some(overview.sales_stage.as_str().to_owned()),
        }
    }

    pub(in super::super) fn asked(filter: &RecordFilter) -> Self {
        Self {
            personality_type: filter.personality_type.map(|kind| kind.as_str().to_owned()),
            budget_range: filter.budget_range.map(|range| range.to_string()),
            sales_stage: filter.sales_stage.map(|stage| stage.as_str().to_owned()),
        }
    }
}

/// By what a record is found to be another one's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Persons {
    /// The keyed hash of the email.
    pub(in super::super) email_hash: Option<String>,
    /// Of name and demographics.
    pub(in super::super) duplicate_key: Option<String>,
}

/// What stands in the columns of a record.
#[derive(Debug)]
pub(in super::super) struct Columns<'a> {
    pub(in super::super) record: &'a CustomerRecord,
    pub(in super::super) persons: &'a Persons,
    pub(in super::super) overview: &'a Overview,
}

const STEP: &str = "read a customer's record";

fn fault(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StorageError {
    StorageError::corrupt(STEP, cause)
}

fn body(record: &CustomerRecord) -> Result<String, StorageError> {
    serde_json::to_string(record).map_err(fault)
}

/// Takes a new record; its number, or `None` where there is the same person already.
pub(in super::super) async fn insert(
    tx: &mut Tx,
    shop: &ShopId,
    id: &CustomerRecordId,
    columns: &Columns<'_>,
    now: UtcMillis,
) -> Result<Option<i64>, StorageError> {
    const SQL: &str = "INSERT INTO customer_records (shop_id, id, state, name, email_hash, duplicate_key, \
        personality_type, budget_range, sales_stage, last_interaction, interaction_count, current_interest, \
        completeness, body, version, created_at, updated_at) \
        VALUES ($1, $2, 'kept', $3, $4, $5, $6, $7, $8, NULL, 0, NULL, $9, $10, 1, $11, $11) \
        ON CONFLICT DO NOTHING RETURNING number";
    let Columns {
        record,
        persons,
        overview,
    } = columns;
    let body = body(record)?;
    let facets = Facets::of(overview);
    on_db!(tx, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(record.name.as_str())
            .bind(persons.email_hash.as_deref())
            .bind(persons.duplicate_key.as_deref())
            .bind(facets.personality_type.as_deref())
            .bind(facets.budget_range.as_deref())
            .bind(facets.sales_stage.as_deref())
            .bind(i64::from(overview.completeness_hundredths))
            .bind(body.as_str())
            .bind(now.get())
            .fetch_optional(connection)
            .await
    })
    .during("take a customer's record")
}

/// The record of the same person, and whether its email says so; not the one with the id.
pub(in super::super) async fn find_same(
    db: &mut impl Handle,
    shop: &ShopId,
    persons: &Persons,
    except: &str,
) -> Result<Option<(String, bool)>, StorageError> {
    const SQL: &str = "SELECT id, email_hash FROM customer_records WHERE shop_id = $1 \
        AND (email_hash = $2 OR duplicate_key = $3) AND id <> $4 ORDER BY number LIMIT 1";
    let found: Option<(String, Option<String>)> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(persons.email_hash.as_deref())
            .bind(persons.duplicate_key.as_deref())
            .bind(except)
            .fetch_optional(connection)
            .await
    })
    .during("find the record of the same person")?;
    Ok(found.map(|(id, email)| (id, email.is_some() && email == persons.email_hash)))
}

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    id: String,
    personality_type: Option<String>,
    budget_range: Option<String>,
    sales_stage: String,
    body: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

/// A record that is kept.
pub(in super::super) async fn find(
    db: &mut impl Handle,
    shop: &ShopId,
    id: &CustomerRecordId,
) -> Result<Option<Stored>, StorageError> {
    const SQL: &str = "SELECT number, id, personality_type, budget_range, sales_stage, body, version, \
        created_at, updated_at FROM customer_records WHERE shop_id = $1 AND id = $2 AND state = 'kept'";
    let row: Option<Row> = on_db!(db, |connection| {
        sqlx::query_as(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    let read = |row: Row| {
        Ok(Stored {
            number: row.number,
            id: CustomerRecordId::parse(&row.id).map_err(fault)?,
            record: serde_json::from_str(&row.body).map_err(fault)?,
            version: row.version,
            created: UtcMillis::new(row.created_at),
            updated: UtcMillis::new(row.updated_at),
            facets: Facets {
                personality_type: row.personality_type,
                budget_range: row.budget_range,
                sales_stage: Some(row.sales_stage),
            },
        })
    };
    row.map(read).transpose()
}

/// The record that has an email.
pub(in super::super) async fn find_by_email(
    db: &mut impl Handle,
    shop: &ShopId,
    email: &EmailHash,
) -> Result<Option<CustomerRecordId>, StorageError> {
    const SQL: &str = "SELECT id FROM customer_records WHERE shop_id = $1 AND email_hash = $2";
    let id: Option<String> = on_db!(db, |connection| {
        sqlx::query_scalar(SQL)
            .bind(shop.as_str())
            .bind(email.as_str())
            .fetch_optional(connection)
            .await
    })
    .during(STEP)?;
    id.map(|id| CustomerRecordId::parse(&id).map_err(fault))
        .transpose()
}

/// Writes a record over the one that was read; a version further on.
pub(in super::super) async fn save(
    tx: &mut Tx,
    shop: &ShopId,
    id: &CustomerRecordId,
    columns: &Columns<'_>,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE customer_records SET name = $3, email_hash = $4, duplicate_key = $5, \
        personality_type = $6, budget_range = $7, sales_stage = $8, last_interaction = $9, \
        interaction_count = $10, current_interest = $11, completeness = $12, body = $13, \
        version = version + 1, updated_at = $14 WHERE shop_id = $1 AND id = $2";
    let Columns {
        record,
        persons,
        overview,
    } = columns;
    let body = body(record)?;
    let facets = Facets::of(overview);
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(record.name.as_str())
            .bind(persons.email_hash.as_deref())
            .bind(persons.duplicate_key.as_deref())
            .bind(facets.personality_type.as_deref())
            .bind(facets.budget_range.as_deref())
            .bind(facets.sales_stage.as_deref())
            .bind(overview.last_interaction.map(UtcMillis::get))
            .bind(i64::from(overview.interaction_count))
            .bind(overview.current_interest.as_deref())
            .bind(i64::from(overview.completeness_hundredths))
            .bind(body.as_str())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("write a customer's record")
}

/// Takes everything personal out of a record: what is left is counted and learned from only.
pub(in super::super) async fn anonymize(
    tx: &mut Tx,
    shop: &ShopId,
    id: &CustomerRecordId,
    left: &CustomerRecord,
    now: UtcMillis,
) -> Result<(), StorageError> {
    const SQL: &str = "UPDATE customer_records SET state = 'anonymous', name = $3, email_hash = NULL, \
        duplicate_key = NULL, body = $4, version = version + 1, updated_at = $5 \
        WHERE shop_id = $1 AND id = $2";
    let body = body(left)?;
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .bind(left.name.as_str())
            .bind(body.as_str())
            .bind(now.get())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("anonymize a customer's record")
}

/// Deletes a record.
pub(in super::super) async fn delete(
    tx: &mut Tx,
    shop: &ShopId,
    id: &CustomerRecordId,
) -> Result<(), StorageError> {
    const SQL: &str = "DELETE FROM customer_records WHERE shop_id = $1 AND id = $2";
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(id.as_str())
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("delete a customer's record")
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    number: i64,
    id: String,
    name: String,
    personality_type: Option<String>,
    budget_range: Option<String>,
    sales_stage: String,
    last_interaction: Option<i64>,
    interaction_count: i64,
    current_interest: Option<String>,
    completeness: i64,
}

/// A record as lists show it.
pub(in super::super) type Listed = (CustomerRecordId, String, Overview);

impl ListedRow {
    fn read(self) -> Result<Listed, StorageError> {
        let kind = self.personality_type.as_deref();
        let range = self.budget_range.as_deref();
        let overview = Overview {
            personality_type: kind
                .map(|text| PersonalityType::parse("type", text).map_err(fault))
                .transpose()?,
            budget_range: range
                .map(|text| MoneyRange::parse("budget", text).map_err(fault))
                .transpose()?,
            last_interaction: self.last_interaction.map(UtcMillis::new),
            interaction_count: u32::try_from(self.interaction_count).map_err(fault)?,
            current_interest: self.current_interest,
            sales_stage: SalesStage::parse("stage", &self.sales_stage).map_err(fault)?,
            completeness_hundredths: u8::try_from(self.completeness).map_err(fault)?,
        };
        let id = CustomerRecordId::parse(&self.id).map_err(fault)?;
        Ok((id, self.name, overview))
    }
}

const LISTED: &str = "SELECT number, id, name, personality_type, budget_range, sales_stage, last_interaction, \
    interaction_count, current_interest, completeness FROM customer_records WHERE ";

/// A page of the records with these facets, the newest first.
pub(in super::super) async fn list(
    db: &mut impl Handle,
    shop: &ShopId,
    asked: &Facets,
    limit: u32,
    offset: u32,
) -> Result<Vec<Listed>, StorageError> {
    let rows: Vec<ListedRow> = on_db!(db, |connection| {
        let mut sql = sqlx::QueryBuilder::new(LISTED);
        sql.push("shop_id = ").push_bind(shop.as_str());
        sql.push(" AND state = 'kept'");
        for (column, value) in [
            ("personality_type", &asked.personality_type),
            ("budget_range", &asked.budget_range),
            ("sales_stage", &asked.sales_stage),
        ] {
            if let Some(value) = value {
                sql.push(format_args!(" AND {column} = "));
                sql.push_bind(value.as_str());
            }
        }
        sql.push(" ORDER BY number DESC LIMIT ")
            .push_bind(i64::from(limit));
        sql.push(" OFFSET ").push_bind(i64::from(offset));
        sql.build_query_as().fetch_all(connection).await
    })
    .during("list customers' records")?;
    rows.into_iter().map(ListedRow::read).collect()
}

/// The records with these numbers, the newest first.
pub(in super::super) async fn list_numbers(
    db: &mut impl Handle,
    shop: &ShopId,
    numbers: &[i64],
) -> Result<Vec<Listed>, StorageError> {
    let mut rows: Vec<ListedRow> = Vec::with_capacity(numbers.len());
    for chunk in numbers.chunks(ROWS_A_STATEMENT) {
        let found: Vec<ListedRow> = on_db!(db, |connection| {
            let mut sql = sqlx::QueryBuilder::new(LISTED);
            sql.push("shop_id = ").push_bind(shop.as_str());
            sql.push(" AND number IN (");
            let mut list = sql.separated(", ");
            for number in chunk {
                list.push_bind(*number);
            }
            sql.push(")")
                .build_query_as()
                .persistent(keep_prepared(chunk.len()))
                .fetch_all(connection)
                .await
        })
        .during("list found customers' records")?;
        rows.extend(found);
    }
    rows.sort_by_key(|row| -row.number);
    rows.into_iter().map(ListedRow::read).collect()
}

/// How many parts the counts of a kind have.
const PARTS: i64 = 16;

/// Counts a record in or out.
pub(in super::super) async fn count_in(
    tx: &mut Tx,
    shop: &ShopId,
    facets: &Facets,
    number: i64,
    by: i64,
) -> Result<(), StorageError> {
    const SQL: &str = "INSERT INTO customer_record_counts (shop_id, personality_type, budget_range, \
        sales_stage, part, count) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (shop_id, personality_type, budget_range, sales_stage, part) \
        DO UPDATE SET count = customer_record_counts.count + excluded.count";
    let text = |facet: &Option<String>| facet.clone().unwrap_or_default();
    on_db!(tx, |connection| {
        sqlx::query(SQL)
            .bind(shop.as_str())
            .bind(text(&facets.personality_type))
            .bind(text(&facets.budget_range))
            .bind(text(&facets.sales_stage))
            .bind(number.rem_euclid(PARTS))
            .bind(by)
            .execute(connection)
            .await
            .map(|_| ())
    })
    .during("count customers' records")
}

/// How many records have these facets.
pub(in super::super) async fn count(
    db: &mut impl Handle,
    shop: &ShopId,
    asked: &Facets,
) -> Result<u64, StorageError> {
    let total: Option<i64> = on_db!(db, |connection| {
        let mut sql = sqlx::QueryBuilder::new(
            "SELECT CAST(SUM(count) AS BIGINT) FROM customer_record_counts WHERE shop_id = ",
        );
        sql.push_bind(shop.as_str());
        for (column, value) in [
            ("personality_type", &asked.personality_type),
            ("budget_range", &asked.budget_range),
            ("sales_stage", &asked.sales_stage),
        ] {
            if let Some(value) = value {
                sql.push(format_args!(" AND {column} = "));
                sql.push_bind(value.as_str());
            }
        }
        sql.build_query_scalar().fetch_one(connection).await
    })
    .during("sum up counts of customers' records")?;
    Ok(u64::try_from(total.unwrap_or(0)).unwrap_or(0))
}
