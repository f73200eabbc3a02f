//! A few read-only SQLite connections, used on blocking threads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Read-only connections of one database. A read waits for a free one.
pub(crate) struct Readers<C> {
    idle: Mutex<Vec<C>>,
    free: Semaphore,
}

/// The database is closed.
#[derive(Debug)]
pub(crate) struct Closed;

impl<C: Send + 'static> Readers<C> {
    pub(crate) fn new(connections: Vec<C>) -> Arc<Self> {
        let free = Semaphore::new(connections.len());
        Arc::new(Self {
            idle: Mutex::new(connections),
            free,
        })
    }

    /// Runs `work` with a connection, off the async threads.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&C) -> T + Send + 'static,
    ) -> Result<T, Closed> {
        let permit = self.free.acquire().await.map_err(|_| Closed)?;
        let connection = self.idle().pop().ok_or(Closed)?;
        permit.forget();
        let readers = Arc::clone(self);
        // The connection goes back inside the task: it must return even when the caller stops
        // waiting.
        let task = tokio::task::spawn_blocking(move || {
            let result = work(&connection);
            readers.give_back(connection);
            result
        });
        task.await.map_err(|_| Closed)
    }

    /// Lets go of the idle connections. Reads in flight finish, later ones fail.
    pub(crate) fn close(&self) {
        self.free.close();
        self.idle().clear();
    }

    fn give_back(&self, connection: C) {
        let mut idle = self.idle();
        if !self.free.is_closed() {
            idle.push(connection);
            self.free.add_permits(1);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<C>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
