//! Everything held about a person, as files of JSON in a ZIP.

use std::io::{Cursor, Write as _};

use footfall_shared::identity::Email;
use footfall_shared::money::{Currency, MinorUnits};
use footfall_shared::privacy::consent::Purpose;
use footfall_shared::time::UtcMillis;
use footfall_shared::upload::row::Row;
use serde_json::{Map, Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::consent::Whose;
use super::queries::export::{self as queries, Holds, Table};
use super::subject::{Subject, find_subject};
use crate::app::App;
use crate::db::{Handle, StorageError};
use crate::ingest::person;
use crate::shops::Shop;
use crate::uploads::{self, Sourced};
use footfall_shared::identity::BrowserHash;

/// A file of the export: its name, why what is in it is kept, and its rows.
#[derive(Debug)]
struct Document {
    name: &'static str,
    about: &'static str,
    rows: Vec<Value>,
}

/// By which of a person's names a table knows them.
#[derive(Debug, Clone, Copy)]
enum By {
    EmailHash,
    Customer,
    Orders,
    Sessions,
    Visitors,
    Browsers,
    Names,
    Events,
    Records,
    Consents,
}

/// A table with the file that its rows are in, and why they are kept.
type Kept = (&'static str, &'static str, By, Table);

use Holds::{Flag, Json, Money, Number, Text, Time};

/// All that tables have of a person; the log and files come beside it.
const KEPT: [Kept; 17] = [
    (
        "customer",
        "Who you are to the shop, as orders and you told it.",
        By::EmailHash,
        Table {
            name: "customers",
            by: "email_hash",
            only: "",
            columns: &[
                ("id", Text),
                ("email", Text),
                ("external_id", Text),
                ("first_name", Text),
                ("last_name", Text),
                ("fingerprint", Text),
                ("ip", Text),
                ("geo_country", Text),
                ("geo_city", Text),
                ("seen_at", Time),
                ("created_at", Time),
                ("updated_at", Time),
            ],
        },
    ),
    (
        "profile",
        "What follows from your orders: what you buy, how much and when.",
        By::Customer,
        Table {
            name: "profiles",
            by: "customer_id",
            only: "",
            columns: &[("body", Json), ("score", Number), ("recalculated_at", Time)],
        },
    ),
    (
        "orders",
        "Your orders, as the shop's server told them.",
        By::Customer,
        Table {
            name: "orders",
            by: "customer_id",
            only: "",
            columns: &[
                ("order_id", Text),
                ("number", Text),
                ("status", Text),
                ("ordered_at", Time),
                ("currency", Text),
                ("total_minor", Money),
            ],
        },
    ),
    (
        "order_lines",
        "What was in them.",
        By::Orders,
        Table {
            name: "order_items",
            by: "order_id",
            only: "",
            columns: &[
                ("order_id", Text),
                ("line", Number),
                ("product_id", Text),
                ("name", Text),
                ("quantity", Number),
                ("unit_price_minor", Money),
            ],
        },
    ),
    (
        "offers",
        "Offers that were made to you, and by which profile.",
        By::Customer,
        Table {
            name: "offers",
            by: "customer_id",
            only: "",
            columns: &[
                ("id", Text),
                ("status", Text),
                ("body", Json),
                ("decided_on", Json),
                ("created_at", Time),
                ("expires_at", Time),
                ("viewed_at", Time),
                ("responded_at", Time),
            ],
        },
    ),
    (
        "devices",
        "Devices that you were recognized on; keys are hashes.",
        By::EmailHash,
        Table {
            name: "devices",
            by: "email_hash",
            only: "",
            columns: &[
                ("kind", Text),
                ("hash", Text),
                ("trust", Text),
                ("visit_count", Number),
                ("geo_country", Text),
                ("geo_city", Text),
                ("first_seen", Time),
                ("last_seen", Time),
            ],
        },
    ),
    (
        "order_links",
        "Browsers that said that they placed an order.",
        By::Browsers,
        Table {
            name: "order_links",
            by: "anonymous_id",
            only: "",
            columns: &[
                ("order_id", Text),
                ("anonymous_id", Text),
                ("session_id", Text),
                ("at", Time),
            ],
        },
    ),
    (
        "sessions",
        "Your visits as journeys: stages, touchpoints, goals.",
        By::Sessions,
        Table {
            name: "journeys",
            by: "session_id",
            only: "",
            columns: &[("session_id", Text), ("last_at", Time), ("body", Json)],
        },
    ),
    (
        "decisions",
        "What you were shown in each visit.",
        By::Sessions,
        Table {
            name: "exposures",
            by: "session_id",
            only: "",
            columns: &[
                ("session_id", Text),
                ("visit", Number),
                ("slot", Text),
                ("held_out", Number),
                ("variants", Json),
                ("sold", Number),
            ],
        },
    ),
    (
        "visits",
        "Your visits as figures count them.",
        By::Visitors,
        Table {
            name: "visits",
            by: "visitor",
            only: " AND t.run IN (SELECT r.run FROM analytics_runs r WHERE r.shop_id = t.shop_id AND r.state = 'live')",
            columns: &[
                ("key", Text),
                ("first_at", Time),
                ("last_at", Time),
                ("body", Json),
            ],
        },
    ),
    (
        "feedback",
        "What you said of pages.",
        By::Events,
        Table {
            name: "feedback",
            by: "id",
            only: " AND t.run IN (SELECT r.run FROM analytics_runs r WHERE r.shop_id = t.shop_id AND r.state = 'live')",
            columns: &[
                ("at", Time),
                ("page", Text),
                ("topic", Text),
                ("score", Number),
                ("rating", Number),
                ("said", Text),
            ],
        },
    ),
    (
        "segments",
        "Groups of customers that you were found to be in.",
        By::Names,
        Table {
            name: "segment_members",
            by: "customer_id",
            only: "",
            columns: &[
                ("segment_id", Number),
                ("customer_id", Text),
                ("email", Text),
                ("recency_days", Number),
                ("frequency", Number),
                ("spend_minor", Money),
                ("age", Number),
                ("gender", Text),
                ("location", Text),
            ],
        },
    ),
    (
        "recommendations",
        "What you may want next, by the shop's recommender.",
        By::Names,
        Table {
            name: "recommendations",
            by: "customer",
            only: "",
            columns: &[("version", Number), ("list", Json)],
        },
    ),
    (
        "sales_record",
        "What salespeople keep of you.",
        By::EmailHash,
        Table {
            name: "customer_records",
            by: "email_hash",
            only: "",
            columns: &[
                ("id", Text),
                ("body", Json),
                ("created_at", Time),
                ("updated_at", Time),
            ],
        },
    ),
    (
        "interactions",
        "What salespeople did together with you.",
        By::Records,
        Table {
            name: "customer_interactions",
            by: "customer_id",
            only: "",
            columns: &[("id", Text), ("type", Text), ("at", Time), ("body", Json)],
        },
    ),
    (
        "consents",
        "What you allowed and refused, kept as proof.",
        By::Consents,
        Table {
            name: "consents",
            by: "subject",
            only: "",
            columns: &[
                ("subject", Text),
                ("purpose", Text),
                ("granted", Flag),
                ("source", Text),
                ("at", Time),
            ],
        },
    ),
    (
        "webhook_deliveries",
        "What other systems of the shop were told of your visits.",
        By::Sessions,
        Table {
            name: "deliveries",
            by: "session_id",
            only: "",
            columns: &[
                ("type", Text),
                ("body", Json),
                ("state", Text),
                ("made_at", Time),
            ],
        },
    ),
];

/// What was collected of somebody; `None` where nothing is held.
pub(super) async fn collect(
    app: &App,
    shop: &Shop,
    email: &Email,
    now: UtcMillis,
) -> Result<Option<Vec<u8>>, StorageError> {
    let (documents, files) = {
        let mut db = app.db().read().await?;
        let subject = find_subject(&mut db, shop, email).await?;
        let documents = of_tables(&mut db, shop, &subject).await?;
        let files = uploads::list_sources(&mut db, &shop.id).await?;
        (documents, (subject, files))
    };
    let (subject, files) = files;
    let mut documents = documents;
    documents.push(of_files(app, shop, &subject, &files).await?);
    if documents.iter().all(|document| document.rows.is_empty()) {
        return Ok(None);
    }
    let zipped = zip(shop, email, &documents, now);
    zipped
        .map(Some)
        .map_err(|cause| StorageError::corrupt("write an export", cause))
}

async fn of_tables(
    db: &mut impl Handle,
    shop: &Shop,
    subject: &Subject,
) -> Result<Vec<Document>, StorageError> {
    let logged = person::read_places(db, &shop.id, &subject.places).await?;
    let mut documents = vec![Document {
        name: "events",
        about: "What you did on the shop's pages, as your browsers and the shop told it.",
        rows: Vec::with_capacity(logged.len()),
    }];
    for one in &logged {
        let event = serde_json::to_value(&one.event)
            .map_err(|cause| StorageError::corrupt("write an event", cause))?;
        documents[0].rows.push(readable(event));
    }
    let mut values = Values::of(shop, subject);
    values.events = logged
        .iter()
        .map(|one| one.event.id.as_str().to_owned())
        .collect();
    for (name, about, by, table) in &KEPT {
        let rows = queries::find_rows(db, &shop.id, table, values.by(*by)).await?;
        let told = rows.iter().map(|row| told(table, row, shop.currency));
        let document = Document {
            name,
            about,
            rows: told.collect(),
        };
        values.learn(&document);
        documents.push(document);
    }
    let rejected = queries::find_rejected(db, &shop.id, subject.email.as_str()).await?;
    documents.push(Document {
        name: "rejected_events",
        about: "What was told of you in a way that could not be taken, kept until that is mended.",
        rows: rejected.into_iter().map(Value::String).collect(),
    });
    Ok(documents)
}

/// The values by which tables know somebody.
struct Values {
    email_hash: Vec<String>,
    customer: Vec<String>,
    orders: Vec<String>,
    sessions: Vec<String>,
    visitors: Vec<String>,
    browsers: Vec<String>,
    names: Vec<String>,
    events: Vec<String>,
    records: Vec<String>,
    consents: Vec<String>,
}

impl Values {
    fn of(shop: &Shop, subject: &Subject) -> Self {
        let browsers = subject.browsers.iter();
        let browsers = browsers.filter_map(|id| BrowserHash::of(id, &shop.salt));
        let whose = browsers
            .map(Whose::Browser)
            .chain([Whose::Email(subject.hash.clone())]);
        let keys = subject
            .sessions
            .iter()
            .map(|session| format!("s:{session}"));
        Self {
            email_hash: vec![subject.hash.as_str().to_owned()],
            customer: subject
                .customer
                .iter()
                .map(|one| one.id.as_str().to_owned())
                .collect(),
            orders: Vec::new(),
            sessions: subject.sessions.clone(),
            visitors: [&subject.user_ids[..], &subject.browsers[..]]
                .concat()
                .into_iter()
                .chain(keys)
                .collect(),
            browsers: subject.browsers.clone(),
            names: subject.names(),
            events: Vec::new(),
            records: Vec::new(),
            consents: whose.map(|one| one.to_text()).collect(),
        }
    }

    fn by(&self, by: By) -> &[String] {
        match by {
            By::EmailHash => &self.email_hash,
            By::Customer => &self.customer,
            By::Orders => &self.orders,
            By::Sessions => &self.sessions,
            By::Visitors => &self.visitors,
            By::Browsers => &self.browsers,
            By::Names => &self.names,
            By::Events => &self.events,
            By::Records => &self.records,
            By::Consents => &self.consents,
        }
    }

    /// Rows of later tables are known by what earlier ones tell.
    fn learn(&mut self, document: &Document) {
        let ids = |column: &str| {
            let texts = document
                .rows
                .iter()
                .filter_map(|row| row.get(column)?.as_str());
            texts.map(str::to_owned).collect()
        };
        match document.name {
            "orders" => self.orders = ids("order_id"),
            "sales_record" => self.records = ids("id"),
            _ => {}
        }
    }
}

/// A row as people read it.
fn told(table: &Table, row: &[Option<String>], shop: Currency) -> Value {
    let of = |name: &str| {
        let place = table
            .columns
            .iter()
            .position(|(column, _)| *column == name)?;
        row.get(place)?.as_deref()
    };
    let currency = of("currency").and_then(|text| Currency::parse("currency", text).ok());
    let currency = currency.unwrap_or(shop);
    let mut object = Map::new();
    for ((column, holds), text) in table.columns.iter().zip(row) {
        let text = text.as_deref();
        let name = column.strip_suffix("_minor").unwrap_or(column);
        object.insert(name.to_owned(), value_of(*holds, text, currency));
    }
    Value::Object(object)
}

fn value_of(holds: Holds, text: Option<&str>, currency: Currency) -> Value {
    let Some(text) = text else {
        return Value::Null;
    };
    let number = text.parse::<i64>().ok();
    match holds {
        Holds::Text => json!(text),
        Holds::Time => json!(number.map(|at| UtcMillis::new(at).to_rfc3339())),
        Holds::Money => json!(number.map(|minor| MinorUnits::new(minor).to_major(currency))),
        Holds::Number => {
            number.map_or_else(|| json!(text.parse::<f64>().ok()), |whole| json!(whole))
        }
        Holds::Flag => json!(matches!(text, "1" | "true" | "t")),
        Holds::Json => serde_json::from_str(text).map_or_else(|_| json!(text), readable),
    }
}

/// Times of the last and next decades, in milliseconds.
const TIMES: std::ops::Range<i64> = 946_684_800_000..4_102_444_800_000;

/// JSON of ours as people read it: what is a time by its name and size stands as RFC 3339.
fn readable(value: Value) -> Value {
    let is_time = |name: &str| name == "at" || name.ends_with("_at") || name == "t";
    match value {
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .map(|(name, value)| {
                    let at = value
                        .as_i64()
                        .filter(|at| is_time(&name) && TIMES.contains(at));
                    let value = match at {
                        Some(at) => json!(UtcMillis::new(at).to_rfc3339()),
                        None => readable(value),
                    };
                    (name, value)
                })
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.into_iter().map(readable).collect()),
        other => other,
    }
}

/// Rows of files that name somebody.
async fn of_files(
    app: &App,
    shop: &Shop,
    subject: &Subject,
    files: &[Sourced],
) -> Result<Document, StorageError> {
    let mut names = [&subject.names()[..], &subject.browsers[..]].concat();
    // A row with their email tells by which id the file knows them.
    for file in files {
        let learn = |row: &Row<'_>| {
            let (id, email) = match row {
                Row::Line(line) => (line.customer.as_deref(), line.email.as_deref()),
                Row::Customer(one) => (Some(one.customer.as_ref()), one.email.as_deref()),
                Row::Review(_) | Row::PageEvent(_) | Row::Product(_) => (None, None),
            };
            if let (Some(id), Some(email)) = (id, email)
                && email == subject.email.as_str()
                && !names.iter().any(|name| name == id)
            {
                names.push(id.to_owned());
            }
        };
        uploads::each_row(app, &shop.id, file, learn).await?;
    }
    let mut rows = Vec::new();
    for file in files {
        let is_theirs =
            |name: Option<&str>| name.is_some_and(|name| names.iter().any(|one| one == name));
        let take = |row: &Row<'_>| {
            let told = match row {
                Row::Line(line)
                    if is_theirs(line.customer.as_deref()) || is_theirs(line.email.as_deref()) =>
                {
                    json!({
                        "order": line.order, "customer": line.customer, "email": line.email, "product": line.product,
                        "name": line.name, "category": line.category, "location": line.location, "gender": line.gender,
                        "payment": line.payment, "shipping": line.shipping, "age": line.age,
                        "quantity": line.quantity_milli as f64 / 1000.0,
                        "amount": line.amount.map(|amount| amount.to_major(shop.currency)),
                        "at": line.at.map(UtcMillis::to_rfc3339),
                    })
                }
                Row::Review(review) if is_theirs(review.customer.as_deref()) => json!({
                    "product": review.product, "text": review.text, "customer": review.customer,
                    "rating": review.rating.map(|stars| stars as f64 / 100.0), "age": review.age,
                    "at": review.at.map(UtcMillis::to_rfc3339),
                }),
                Row::PageEvent(event) if is_theirs(Some(&event.visitor)) => json!({
                    "visitor": event.visitor, "session": event.session, "page": event.page, "device": event.device,
                    "source": event.source, "at": event.at.map(UtcMillis::to_rfc3339),
                }),
                Row::Customer(one)
                    if is_theirs(Some(&one.customer)) || is_theirs(one.email.as_deref()) =>
                {
                    json!({
                        "customer": one.customer, "email": one.email, "gender": one.gender, "location": one.location,
                        "device": one.device, "age": one.age, "at": one.at.map(UtcMillis::to_rfc3339),
                    })
                }
                _ => return,
            };
            rows.push(json!({"upload": file.id, "kind": file.kind.as_str(), "row": told}));
        };
        uploads::each_row(app, &shop.id, file, take).await?;
    }
    Ok(Document {
        name: "uploads",
        about: "Rows about you in files that the shop sent.",
        rows,
    })
}

/// The archive: a manifest, and a file for each document.
fn zip(
    shop: &Shop,
    email: &Email,
    documents: &[Document],
    now: UtcMillis,
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let listed = documents.iter().map(|document| {
        json!({"file": format!("{}.json", document.name), "rows": document.rows.len(), "what": document.about})
    });
    let manifest = json!({
        "shop": shop.name,
        "email": email.as_str(),
        "made_at": now.to_rfc3339(),
        "purposes": Purpose::ALL.map(Purpose::as_str),
        "kept": {
            "devices_days": shop.settings.device_days,
            "events_months": shop.settings.event_months,
            "everything_else": "until you ask for it to be erased, or the shop deletes it",
        },
        "files": listed.collect::<Vec<_>>(),
    });
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    archive.start_file("manifest.json", options)?;
    archive.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
    for document in documents {
        archive.start_file(format!("{}.json", document.name), options)?;
        archive.write_all(&serde_json::to_vec_pretty(&document.rows)?)?;
    }
    Ok(archive.finish()?.into_inner())
}
