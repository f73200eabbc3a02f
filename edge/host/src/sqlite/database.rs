//! The database "default": a file.

use super::guard::GuardedConnection;
use super::statement::{Outcome, Statement};
use super::writer::{Job, Step, Writer};
use crate::bindings::spin::sqlite::sqlite::Error;
use crate::error::HostError;
use crate::readers::{Closed, Readers};
use std::path::Path;
use std::sync::mpsc as std_mpsc;
use std::sync::{Arc, Mutex, PoisonError};
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
        // The writer goes last: only it can fold the write-ahead log into the file.
        self.readers.close();
        let _ = self.jobs.send(Job::Stop).await;
        let thread = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }

    pub(super) async fn read(&self, statement: Arc<Statement>) -> Result<Option<Outcome>, Error> {
        let read = self
            .readers
            .run(move |connection| statement.read(connection))
            .await;
        read.map_err(|Closed| closed())?
    }

    pub(super) async fn write(&self, statement: Arc<Statement>) -> Result<Outcome, Error> {
        let (reply, answer) = oneshot::channel();
        self.jobs
            .send(Job::Single { statement, reply })
            .await
            .map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    pub(super) async fn begin(&self) -> Result<std_mpsc::Sender<Step>, Error> {
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
