//! The Durable Object that remembers what was pushed lately: keys and versions, no entries.
//!
//! There is one for all shops: it is asked by each isolate every few seconds and told of each push once.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use worker::{
    DurableObject, Env, ObjectNamespace, Request, Response, SqlStorage, SqlStorageValue as Value,
    State, durable_object,
};

use crate::object::{answer, question, transaction};
use crate::platform::now;

/// The object's name.
const NAME: &str = "all";
/// How long a push is remembered. An entry that was cached before it ends after half of this.
pub(super) const KEPT_MS: i64 = 2 * footfall_edge::cache::FRESH_MS;
/// Most keys remembered. Beyond this everything that was cached before the oldest of them is hidden, for
/// the same time: then the origin is asked more often.
const KEYS_MAX: i64 = 5_000;

/// AUTOINCREMENT: whoever has read up to a number misses nothing that comes later.
const SCHEMA: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS pushed (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        at INTEGER NOT NULL,
        taken_back_at INTEGER NOT NULL
    )",
    "CREATE TABLE IF NOT EXISTS hidden (one INTEGER PRIMARY KEY CHECK (one = 1), before INTEGER NOT NULL)",
];
const FORGET_OLDER_VERSION: &str = "DELETE FROM pushed WHERE key = ?1 AND version <= ?2";
const NOTE: &str = "INSERT INTO pushed (key, version, at, taken_back_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (key) DO NOTHING RETURNING seq";
const FORGET: &str = "DELETE FROM pushed WHERE key = ?1";
const FORGET_OLD: &str = "DELETE FROM pushed WHERE at < ?1";
const FORGET_HIDDEN: &str = "DELETE FROM hidden WHERE before < ?1";
const FORGET_BEYOND: &str =
    "DELETE FROM pushed WHERE seq <= (SELECT max(seq) FROM pushed) - ?1 RETURNING at";
const HIDE: &str = "INSERT INTO hidden (one, before) VALUES (1, ?1)
    ON CONFLICT (one) DO UPDATE SET before = max(before, excluded.before)";
const SINCE: &str =
    "SELECT seq, key, version, taken_back_at FROM pushed WHERE seq > ?1 ORDER BY seq";
const HIDDEN_BEFORE: &str = "SELECT before FROM hidden";

/// What the object is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Question {
    /// These were pushed; answered with whether each is the newest of its key.
    Raise(Vec<Raise>),
    /// This key was removed: nothing is remembered of it; answered with nothing.
    Forget(String),
    /// What came after this number; answered with [`Latest`].
    Since(i64),
}

/// A push, without what was pushed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Raise {
    pub(super) key: String,
    pub(super) version: i64,
    /// Whether it takes back what is cached, whatever version that has.
    pub(super) takes_back: bool,
}

/// What may not be shown of a key.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Floor {
    /// Versions older than this one.
    pub(super) version: i64,
    /// And what was cached before this; 0 where nothing was taken back.
    pub(super) taken_back_at: i64,
}

/// The latest pushes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Latest {
    /// Up to where this goes.
    pub(super) seq: i64,
    /// The newest floor of each key.
    pub(super) floors: Vec<(String, Floor)>,
    /// What was cached before this is hidden; 0 where nothing is.
    pub(super) hidden_before: i64,
}

/// Asks the object.
pub(super) async fn ask<R: DeserializeOwned>(
    recent: &ObjectNamespace,
    question: &Question,
) -> worker::Result<R> {
    crate::object::ask(&recent.get_by_name(NAME)?, question).await
}

/// Remembers the latest pushes.
#[durable_object]
pub struct Recent {
    state: State,
    /// What went wrong when the tables were made.
    broken: Option<String>,
}

impl DurableObject for Recent {
    fn new(state: State, _env: Env) -> Self {
        let sql = state.storage().sql();
        let created = SCHEMA
            .iter()
            .try_for_each(|statement| sql.exec(statement, None).map(|_| ()));
        Self {
            state,
            broken: created.err().map(|fault| fault.to_string()),
        }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        if let Some(fault) = &self.broken {
            return answer(Err::<(), _>(fault.as_str().into()));
        }
        let sql = self.state.storage().sql();
        match question(&mut request).await {
            Ok(Question::Raise(floors)) => {
                let now = now().get();
                answer(transaction(&self.state, || raise(&sql, &floors, now)))
            }
            Ok(Question::Forget(key)) => answer(sql.exec(FORGET, vec![key.into()]).map(|_| ())),
            Ok(Question::Since(seq)) => answer(since(&sql, seq)),
            Err(fault) => answer(Err::<(), _>(fault)),
        }
    }
}

fn raise(sql: &SqlStorage, floors: &[Raise], now: i64) -> worker::Result<Vec<bool>> {
    let mut raised = Vec::new();
    for floor in floors {
        let (key, version): (Value, Value) = (floor.key.as_str().into(), floor.version.into());
        let taken_back_at = if floor.takes_back { now } else { 0 };
        sql.exec(FORGET_OLDER_VERSION, vec![key.clone(), version.clone()])?;
        let noted = sql.exec(NOTE, vec![key, version, now.into(), taken_back_at.into()])?;
        raised.push(noted.raw().next().transpose()?.is_some());
    }
    sql.exec(FORGET_OLD, vec![(now - KEPT_MS).into()])?;
    sql.exec(FORGET_HIDDEN, vec![(now - KEPT_MS).into()])?;
    let mut hidden_before = None;
    for row in sql.exec(FORGET_BEYOND, vec![KEYS_MAX.into()])?.raw() {
        hidden_before = hidden_before.max(Some(integer(row?.first())?));
    }
    if let Some(before) = hidden_before {
        sql.exec(HIDE, vec![before.into()])?;
    }
    Ok(raised)
}

fn since(sql: &SqlStorage, seq: i64) -> worker::Result<Latest> {
    let mut latest = Latest {
        seq,
        ..Latest::default()
    };
    for row in sql.exec(SINCE, vec![seq.into()])?.raw() {
        let row = row?;
        let Some(Value::String(key)) = row.get(1) else {
            return Err("a pushed key is not readable".into());
        };
        latest.seq = integer(row.first())?;
        let floor = Floor {
            version: integer(row.get(2))?,
            taken_back_at: integer(row.get(3))?,
        };
        latest.floors.push((key.clone(), floor));
    }
    if let Some(row) = sql.exec(HIDDEN_BEFORE, None)?.raw().next().transpose()? {
        latest.hidden_before = integer(row.first())?;
    }
    Ok(latest)
}

fn integer(value: Option<&Value>) -> worker::Result<i64> {
    match value {
        Some(Value::Integer(number)) => Ok(*number),
        _ => Err("a number of the latest pushes is not readable".into()),
    }
}
