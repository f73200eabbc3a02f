//! The key-value store: one SQLite table with [`Cache`] in front.
//!
//! **Invariant:** when a write returns, it is in the file (it survives a crash of this process; one
//! of the machine may take the last moments) and every later read sees it.

use super::cache::{Cache, Lookup};
use crate::error::HostError;
use crate::readers::{Closed, Readers};
use hyper::body::Bytes;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Memory for the map in front.
const CACHE_BYTES_MAX: usize = 64 << 20;
/// The longest key: ours are a prefix and a hash.
const KEY_BYTES_MAX: usize = 1024;
/// The largest value: a cached bundle is a few KiB.
const VALUE_BYTES_MAX: usize = 1 << 20;
/// Writes that may wait for the writer; more wait in their guests.
const WAITING_WRITES_MAX: usize = 1024;
/// Writes of one commit.
const GROUP_MAX: usize = 512;
/// `get-keys` is for inspection; a list beyond this is an error rather than a memory problem.
const KEYS_MAX: usize = 100_000;
const READERS: usize = 2;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS entries (
    key TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT";

pub(crate) struct KeyValueStore {
    cache: Arc<Cache>,
    readers: Arc<Readers<Connection>>,
    writes: mpsc::Sender<Job>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// Why the store did not do it; the text is for the component's own log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("a key has 1 to {KEY_BYTES_MAX} bytes")]
    Key,
    #[error("a value has at most {VALUE_BYTES_MAX} bytes")]
    Value,
    #[error("there are more than {KEYS_MAX} keys")]
    TooManyKeys,
    #[error("the store is closed")]
    Closed,
    #[error("the store's file failed: {0}")]
    File(String),
}

enum Job {
    Write(Write),
    Stop,
}

struct Write {
    key: String,
    /// `None` deletes.
    value: Option<Bytes>,
    reply: oneshot::Sender<Result<(), StoreError>>,
}

impl KeyValueStore {
    /// Opens or makes the store's file.
    pub(crate) fn open(path: &Path) -> Result<Self, HostError> {
        let failed = |source| HostError::Database {
            path: path.to_owned(),
            source,
        };
        let connection = open_writer(path).map_err(failed)?;
        let readers: Result<Vec<_>, _> = (0..READERS).map(|_| open_reader(path)).collect();
        let cache = Arc::new(Cache::new(CACHE_BYTES_MAX));
        let (writes, jobs) = mpsc::channel(WAITING_WRITES_MAX);
        let writer = Writer {
            connection,
            cache: Arc::clone(&cache),
        };
        let thread = std::thread::Builder::new().name("edge-kv-writer".to_owned());
        let thread = thread
            .spawn(move || writer.run(jobs))
            .map_err(HostError::Thread)?;
        Ok(Self {
            cache,
            readers: Readers::new(readers.map_err(failed)?),
            writes,
            writer: Mutex::new(Some(thread)),
        })
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let mark = match self.cache.get(key) {
            Lookup::Known(value) => return Ok(value),
            Lookup::Unknown(mark) => mark,
        };
        check_key(key)?;
        let owned = key.to_owned();
        let value = self
            .readers
            .run(move |connection| find(connection, &owned))
            .await??;
        self.cache.fill(key, value.clone(), mark);
        Ok(value)
    }

    /// Sets the value of a key, or deletes it.
    pub(crate) async fn put(&self, key: String, value: Option<Bytes>) -> Result<(), StoreError> {
        check_key(&key)?;
        if value.as_ref().is_some_and(|v| v.len() > VALUE_BYTES_MAX) {
            return Err(StoreError::Value);
        }
        let (reply, answer) = oneshot::channel();
        let job = Job::Write(Write { key, value, reply });
        self.writes
            .send(job)
            .await
            .map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// All keys, in order.
    pub(crate) async fn keys(&self) -> Result<Vec<String>, StoreError> {
        let keys = self.readers.run(find_keys).await??;
        if keys.len() > KEYS_MAX {
            return Err(StoreError::TooManyKeys);
        }
        Ok(keys)
    }

    /// Finishes the waiting writes and closes the file.
    pub(crate) async fn close(&self) {
        // The writer goes last: only it can fold the write-ahead log into the file.
        self.readers.close();
        let _ = self.writes.send(Job::Stop).await;
        let thread = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

fn check_key(key: &str) -> Result<(), StoreError> {
    match key.len() {
        1..=KEY_BYTES_MAX => Ok(()),
        _ => Err(StoreError::Key),
    }
}

fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A cache needs no fsync for each write; the WAL keeps the file sound.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // A person who was forgotten at the origin is overwritten here, too.
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

fn find(connection: &Connection, key: &str) -> Result<Option<Bytes>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT value FROM entries WHERE key = ?1")?;
    let value = statement
        .query_row([key], |row| row.get::<_, Vec<u8>>(0))
        .optional()?;
    Ok(value.map(Bytes::from))
}

fn find_keys(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT key FROM entries ORDER BY key LIMIT ?1")?;
    let keys = statement.query_map([KEYS_MAX + 1], |row| row.get(0))?;
    Ok(keys.collect::<Result<_, _>>()?)
}

/// The one thread that writes. It takes whatever waits into one commit.
struct Writer {
    connection: Connection,
    cache: Arc<Cache>,
}

impl Writer {
    fn run(self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(Job::Write(first)) = jobs.blocking_recv() {
            let mut group = vec![first];
            let mut stop = false;
            while group.len() < GROUP_MAX && !stop {
                match jobs.try_recv() {
                    Ok(Job::Write(write)) => group.push(write),
                    Ok(Job::Stop) => stop = true,
                    Err(_) => break,
                }
            }
            self.commit(group);
            if stop {
                break;
            }
        }
    }

    fn commit(&self, group: Vec<Write>) {
        let result = self.store(&group).map_err(StoreError::from);
        if let Err(error) = &result {
            tracing::error!(error = %error, writes = group.len(), "key-value writes failed");
        }
        for Write { key, value, reply } in group {
            // The cache first: whoever gets the answer must find the new value.
            if result.is_ok() {
                self.cache.written(&key, value);
            }
            let _ = reply.send(result.clone());
        }
    }

    fn store(&self, group: &[Write]) -> rusqlite::Result<()> {
        let transaction = self.connection.unchecked_transaction()?;
        for Write { key, value, .. } in group {
            match value {
                Some(value) => transaction
                    .prepare_cached(
                        "INSERT INTO entries (key, value) VALUES (?1, ?2)
                         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    )?
                    .execute((key, value.as_ref()))?,
                None => transaction
                    .prepare_cached("DELETE FROM entries WHERE key = ?1")?
                    .execute([key])?,
            };
        }
        transaction.commit()
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::File(error.to_string())
    }
}

impl From<Closed> for StoreError {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}
