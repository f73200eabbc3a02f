//! The database "default" and a guest's connections to it.

use super::guard::GuardedConnection;
use super::statement::{Kind, Outcome, Statement};
use super::writer::{Job, Step, TRANSACTION_TIME_MAX, Writer};
use crate::bindings::spin::sqlite::sqlite::Error;
use crate::error::HostError;
use crate::readers::{Closed, Readers};
use std::path::Path;
use std::sync::mpsc as std_mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// Statements that may wait for the writer; more wait in their guests.
const WAITING_STATEMENTS_MAX: usize = 1024;
const READERS: usize = 4;

/// The file, its writer thread and its readers.
pub(crate) struct Database {
    jobs: mpsc::Sender<Job>,
    readers: Arc<Readers<GuardedConnection>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Database {
    /// Opens or makes the file.
    pub(crate) fn open(path: &Path) -> Result<Arc<Self>, HostError> {
        let failed = |source| HostError::Database {
            path: path.to_owned(),
            source,
        };
        let writer = Writer(GuardedConnection::writer(path).map_err(failed)?);
        let readers: Result<Vec<_>, _> = (0..READERS)
            .map(|_| GuardedConnection::reader(path))
            .collect();
        let readers = Readers::new(readers.map_err(failed)?);
        let (jobs, queue) = mpsc::channel(WAITING_STATEMENTS_MAX);
        let thread = std::thread::Builder::new().name("edge-sqlite-writer".to_owned());
        let thread = thread
            .spawn(move || writer.run(queue))
            .map_err(HostError::Thread)?;
        Ok(Arc::new(Self {
            jobs,
            readers,
            writer: Mutex::new(Some(thread)),
        }))
    }

    /// Commits what waits and closes the file.
    pub(crate) async fn close(&self) {
        let _ = self.jobs.send(Job::Stop).await;
        let thread = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.readers.close();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }

    async fn read(&self, statement: Arc<Statement>) -> Result<Option<Outcome>, Error> {
        let read = self
            .readers
            .run(move |connection| statement.read(connection))
            .await;
        read.map_err(|Closed| closed())?
    }

    async fn write(&self, statement: Arc<Statement>) -> Result<Outcome, Error> {
        let (reply, answer) = oneshot::channel();
        self.jobs
            .send(Job::Single { statement, reply })
            .await
            .map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    async fn begin(&self) -> Result<std_mpsc::Sender<Step>, Error> {
        let (steps, queue) = std_mpsc::channel();
        let (reply, answer) = oneshot::channel();
        let job = Job::Transaction {
            steps: queue,
            reply,
        };
        self.jobs.send(job).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())??;
        Ok(steps)
    }
}

fn closed() -> Error {
    Error::Io("the database is closed".to_owned())
}

/// A guest's connection. Outside a transaction it owns nothing of the file: reads go to any reader,
/// writes join the next commit.
#[derive(Clone)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Connection(Arc<Inner>);

struct Inner {
    database: Arc<Database>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The way to the writer while a transaction is open. Dropping it rolls back.
    transaction: Option<std_mpsc::Sender<Step>>,
    changes: u64,
    last_insert_rowid: i64,
}

impl Connection {
    pub(super) fn new(database: Arc<Database>) -> Self {
        Self(Arc::new(Inner {
            database,
            state: Mutex::default(),
        }))
    }

    pub(super) async fn execute(&self, statement: Statement) -> Result<Outcome, Error> {
        let statement = Arc::new(statement);
        let database = &self.0.database;
        let transaction = self.state().transaction.clone();
        let outcome = match (transaction, statement.kind()) {
            (Some(transaction), _) => self.step(&transaction, statement).await?,
            (None, Kind::Begin) => {
                let transaction = database.begin().await?;
                self.state().transaction = Some(transaction);
                Outcome::empty()
            }
            (None, Kind::Commit | Kind::Rollback | Kind::Savepoint) => {
                return Err(Error::Io("no transaction is active".to_owned()));
            }
            (None, Kind::Read) => match database.read(Arc::clone(&statement)).await? {
                Some(outcome) => outcome,
                None => database.write(statement).await?,
            },
            (None, Kind::Insert | Kind::Change | Kind::Other) => database.write(statement).await?,
        };
        let mut state = self.state();
        state.changes = outcome.changes.unwrap_or(state.changes);
        state.last_insert_rowid = outcome.last_insert_rowid.unwrap_or(state.last_insert_rowid);
        Ok(outcome)
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
