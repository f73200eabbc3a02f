//! The journeys: a step is read, decided and told in one statement, which is aborted where another step has
//! overtaken it. Then it is decided anew.

use std::rc::Rc;

use footfall_edge::journey::step::{Command, Outcome, step};
use footfall_edge::platform::{Sessions, SessionsError};
use footfall_shared::id::ShopId;
use footfall_shared::journey::session::Session;
use footfall_shared::time::UtcMillis;

use crate::bindings::spin::sqlite::sqlite::{Error, RowResult, Value};
use crate::database::Database;

/// How often a step is decided anew. Each time somebody else's step was kept, so this is how many callers at
/// once one session can have, several times over.
const ROUNDS_MAX: usize = 1_000;

const READ: &str = "SELECT body FROM journeys WHERE shop = ?1 AND session = ?2";
const READ_FOR_STEP: &str = "SELECT body, EXISTS ( \
        SELECT 1 FROM journey_ids WHERE shop = ?1 AND session = ?2 AND id = ?3 \
    ) FROM journeys WHERE shop = ?1 AND session = ?2";
const STEP: &str = "INSERT INTO journey_step VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const FORGOTTEN: &str = "SELECT 1 FROM journeys WHERE last_at < ?1 LIMIT 1";
const FORGET: &str = "DELETE FROM journeys WHERE last_at < ?1";
const ERASE: &str = "DELETE FROM journeys WHERE shop = ?1 AND session = ?2";

/// The journeys in the component's database.
pub(crate) struct SpinSessions {
    database: Rc<Database>,
    bytes_max: i64,
}

impl SpinSessions {
    /// The journeys of a database that has its tables; `bytes_max` is the outbox's bound.
    pub(crate) fn new(database: Rc<Database>, bytes_max: i64) -> Self {
        Self {
            database,
            bytes_max,
        }
    }

    fn run(&self, statement: &str, values: &[Value]) -> Result<Vec<RowResult>, SessionsError> {
        self.database.run(statement, values).map_err(failed)
    }
}

impl Sessions for SpinSessions {
    async fn step(&self, command: &Command) -> Result<Outcome, SessionsError> {
        let event = &command.event;
        let (shop, session) = (text(event.shop.as_str()), text(command.session()));
        let id = text(event.id.as_str());
        for _ in 0..ROUNDS_MAX {
            let asked = [shop.clone(), session.clone(), id.clone()];
            let rows = self.run(READ_FOR_STEP, &asked)?;
            let stored = rows.first().map(read).transpose()?;
            let repeated = rows.first().and_then(|row| row.integer(1)) == Some(1);
            let step = step(stored, repeated, command);
            let Some((after, event)) = step.kept else {
                return Ok(step.outcome);
            };
            let body = serde_json::to_string(&after).map_err(unreadable)?;
            let told = [
                shop.clone(),
                session.clone(),
                Value::Integer(after.seq.into()),
                Value::Integer(after.last_at.get()),
                Value::Text(body),
                id.clone(),
                Value::Text(event.json),
                Value::Integer(self.bytes_max),
            ];
            match self.database.run(STEP, &told) {
                Ok(_) => return Ok(step.outcome),
                Err(fault) if says(&fault, "overtaken") => {}
                Err(fault) if says(&fault, "full") => return Err(SessionsError::Full),
                Err(fault) => return Err(failed(fault)),
            }
        }
        Err(SessionsError::Failed("the session is too busy".to_owned()))
    }

    async fn read(&self, shop: &ShopId, session: &str) -> Result<Option<Session>, SessionsError> {
        let rows = self.run(READ, &[text(shop.as_str()), text(session)])?;
        rows.first().map(read).transpose()
    }

    async fn forget(&self, before: UtcMillis) -> Result<(), SessionsError> {
        let before = [Value::Integer(before.get())];
        // A look costs little, a write may wait for the disk.
        if self.run(FORGOTTEN, &before)?.is_empty() {
            return Ok(());
        }
        self.run(FORGET, &before)?;
        Ok(())
    }

    async fn erase(&self, shop: &ShopId, session: &str) -> Result<(), SessionsError> {
        self.run(ERASE, &[text(shop.as_str()), text(session)])?;
        Ok(())
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn read(row: &RowResult) -> Result<Session, SessionsError> {
    serde_json::from_slice(row.text(0).unwrap_or_default().as_bytes()).map_err(unreadable)
}

fn says(fault: &Error, word: &str) -> bool {
    matches!(fault, Error::Io(text) if text.contains(word))
}

fn failed(fault: Error) -> SessionsError {
    SessionsError::Failed(fault.to_string())
}

fn unreadable(fault: serde_json::Error) -> SessionsError {
    SessionsError::Failed(fault.to_string())
}
