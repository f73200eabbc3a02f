//! A guest's connection to one of the databases.

use super::database::Database;
use super::memory::MemoryDatabase;
use super::statement::{Kind, Outcome, Statement};
use super::writer::{Step, TRANSACTION_TIME_MAX};
use crate::bindings::spin::sqlite::sqlite::Error;
use std::sync::mpsc as std_mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Outside a transaction it owns nothing of a file: reads go to any reader, writes join the next commit.
#[derive(Clone)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Connection(Arc<Inner>);

struct Inner {
    to: Opened,
    state: Mutex<State>,
}

/// What a connection leads to.
pub(super) enum Opened {
    File(Arc<Database>),
    Memory(Arc<MemoryDatabase>),
}

#[derive(Default)]
struct State {
    /// The way to the writer while a transaction is open. Dropping it rolls back.
    transaction: Option<std_mpsc::Sender<Step>>,
    changes: u64,
    last_insert_rowid: i64,
}

impl Connection {
    pub(super) fn new(to: Opened) -> Self {
        Self(Arc::new(Inner {
            to,
            state: Mutex::default(),
        }))
    }

    pub(super) async fn execute(&self, statement: Statement) -> Result<Outcome, Error> {
        let outcome = match &self.0.to {
            Opened::File(database) => self.execute_on_file(database, statement).await?,
            Opened::Memory(database) => database.execute(&statement)?,
        };
        let mut state = self.state();
        state.changes = outcome.changes.unwrap_or(state.changes);
        state.last_insert_rowid = outcome.last_insert_rowid.unwrap_or(state.last_insert_rowid);
        Ok(outcome)
    }

    async fn execute_on_file(
        &self,
        database: &Database,
        statement: Statement,
    ) -> Result<Outcome, Error> {
        let statement = Arc::new(statement);
        let transaction = self.state().transaction.clone();
        match (transaction, statement.kind()) {
            (Some(transaction), _) => self.step(&transaction, statement).await,
            (None, Kind::Begin) => {
                let transaction = database.begin().await?;
                self.state().transaction = Some(transaction);
                Ok(Outcome::empty())
            }
            (None, Kind::Commit | Kind::Rollback | Kind::Savepoint) => {
                Err(Error::Io("no transaction is active".to_owned()))
            }
            (None, Kind::Read) => match database.read(Arc::clone(&statement)).await? {
                Some(outcome) => Ok(outcome),
                None => database.write(statement).await,
            },
            (None, Kind::Insert | Kind::Change | Kind::Other) => database.write(statement).await,
        }
    }

    /// Runs a statement inside the open transaction.
    async fn step(
        &self,
        transaction: &std_mpsc::Sender<Step>,
        statement: Arc<Statement>,
    ) -> Result<Outcome, Error> {
        let (reply, answer) = oneshot::channel();
        // A send that fails shows in the answer, too.
        let _ = transaction.send(Step { statement, reply });
        let Ok(answer) = answer.await else {
            self.state().transaction = None;
            let limit = TRANSACTION_TIME_MAX.as_secs();
            return Err(Error::Io(format!(
                "the transaction was open for {limit} s and has been rolled back"
            )));
        };
        if !answer.open {
            self.state().transaction = None;
        }
        answer.result
    }

    pub(super) fn changes(&self) -> u64 {
        self.state().changes
    }

    pub(super) fn last_insert_rowid(&self) -> i64 {
        self.state().last_insert_rowid
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
