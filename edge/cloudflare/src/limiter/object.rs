//! One object of the limiter. It does one thing at a time, so its counts are exact.

use footfall_shared::time::HOUR_MS;
use worker::{
    DurableObject, Env, Request, Response, SqlStorage, SqlStorageValue as Value, State,
    durable_object,
};

use super::Question;
use crate::object::{answer, question};
use crate::platform::now;

const SCHEMA: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS hits (
        key TEXT PRIMARY KEY, used INTEGER NOT NULL, until INTEGER NOT NULL
    ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS members (
        key TEXT NOT NULL, member TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (key, member)
    ) WITHOUT ROWID",
];
const HIT: &str = "INSERT INTO hits (key, used, until) VALUES (?1, 1, ?2)
    ON CONFLICT (key) DO UPDATE SET used = used + 1 RETURNING used";
const ADMIT: &str = "INSERT INTO members (key, member, until) SELECT ?1, ?2, ?4
    WHERE (SELECT count(*) FROM members WHERE key = ?1) < ?3
        OR EXISTS (SELECT 1 FROM members WHERE key = ?1 AND member = ?2)
    ON CONFLICT (key, member) DO UPDATE SET until = excluded.until RETURNING 1";
const SWEEP: [&str; 2] = [
    "DELETE FROM hits WHERE until < ?1",
    "DELETE FROM members WHERE until < ?1",
];
const IS_EMPTY: &str =
    "SELECT NOT EXISTS (SELECT 1 FROM hits) AND NOT EXISTS (SELECT 1 FROM members)";

/// Counts uses of keys.
#[durable_object]
pub struct LimiterShard {
    state: State,
    /// What went wrong when the tables were made.
    broken: Option<String>,
}

impl DurableObject for LimiterShard {
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
            Ok(Question::Hit { key, until }) => {
                let used = hit(&sql, &key, until.get());
                // Uses whose sweep cannot be set are swept with later ones.
                if used.as_ref().is_ok_and(|used| *used == 1) {
                    let _ = self.sweep_later().await;
                }
                answer(used)
            }
            Ok(Question::Admit {
                key,
                member,
                most,
                until,
            }) => answer(admit(&sql, &key, &member, most, until.get())),
            Ok(Question::Sweep { now }) => answer(sweep(&sql, now.get())),
            Err(fault) => answer(Err::<(), _>(fault)),
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        let sql = self.state.storage().sql();
        sweep(&sql, now().get())?;
        let is_empty = sql.exec(IS_EMPTY, None)?.raw().next().transpose()?;
        if is_empty.unwrap_or_default().first() != Some(&Value::Integer(1)) {
            self.sweep_later().await?;
        }
        Response::empty()
    }
}

impl LimiterShard {
    async fn sweep_later(&self) -> worker::Result<()> {
        let storage = self.state.storage();
        match storage.get_alarm().await? {
            Some(_) => Ok(()),
            None => storage.set_alarm(HOUR_MS).await,
        }
    }
}

fn hit(sql: &SqlStorage, key: &str, until: i64) -> worker::Result<u32> {
    let row = sql.exec(HIT, vec![key.into(), until.into()])?.raw().next();
    match row.transpose()?.unwrap_or_default().first() {
        Some(Value::Integer(used)) => Ok(u32::try_from(*used).unwrap_or(u32::MAX)),
        _ => Err("no count came back".into()),
    }
}

fn admit(sql: &SqlStorage, key: &str, member: &str, most: u32, until: i64) -> worker::Result<bool> {
    let most = i64::from(most);
    let values: Vec<Value> = vec![key.into(), member.into(), most.into(), until.into()];
    Ok(sql.exec(ADMIT, values)?.raw().next().transpose()?.is_some())
}

fn sweep(sql: &SqlStorage, now: i64) -> worker::Result<()> {
    for statement in SWEEP {
        sql.exec(statement, vec![now.into()])?;
    }
    Ok(())
}
