//! `spin:sqlite`: the database "default", in `edge.db` under the data directory, and "limits", in memory.
//!
//! **Invariants:** a write to "default" is durable when it returns (`synchronous=FULL`, one fsync for all that
//! wait together). Every read sees every write that returned before it. A guest reaches these two only.

mod connection;
mod database;
mod guard;
mod memory;
mod statement;
mod writer;

use crate::bindings::spin::sqlite::sqlite::{
    Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value,
};
use crate::guest::Guest;
use connection::Opened;
use statement::{Outcome, Statement};
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub use connection::Connection;
pub(crate) use database::Database;
pub(crate) use memory::MemoryDatabase;

/// What `execute-async` hands to the guest: the columns, the rows, and how the reading ended.
type Cursor = (
    Vec<String>,
    StreamReader<RowResult>,
    FutureReader<Result<(), Error>>,
);

impl Guest {
    fn open_connection(
        &mut self,
        name: &str,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        let stores = &self.stores;
        let opened = match name {
            "default" => Opened::File(stores.database.clone()),
            "limits" => Opened::Memory(stores.limits.clone()),
            _ => return Ok(Err(Error::AccessDenied)),
        };
        Ok(Ok(self.table.push(Connection::new(opened))?))
    }

    fn connection(&self, resource: &Resource<Connection>) -> wasmtime::Result<Connection> {
        Ok(self.table.get(resource)?.clone())
    }
}

impl Host for Guest {}

impl HostConnection for Guest {
    async fn open(
        &mut self,
        database: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        self.open_connection(&database)
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        sql: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        let connection = self.connection(&connection)?;
        let outcome = connection.execute(Statement { sql, parameters }).await;
        Ok(outcome.map(|Outcome { columns, rows, .. }| QueryResult { columns, rows }))
    }

    async fn last_insert_rowid(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        Ok(self.connection(&connection)?.last_insert_rowid())
    }

    async fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        Ok(self.connection(&connection)?.changes())
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl<T: Send + 'static> HostConnectionWithStore<T> for HasSelf<Guest> {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        database: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        accessor.with(|mut guest| guest.get().open_connection(&database))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        sql: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<Cursor, Error>> {
        let connection = accessor.with(|mut guest| guest.get().connection(&connection))?;
        let outcome = match connection.execute(Statement { sql, parameters }).await {
            Ok(outcome) => outcome,
            Err(error) => return Ok(Err(error)),
        };
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, outcome.rows)?;
            let ended = FutureReader::new(&mut access, async { Ok::<_, wasmtime::Error>(Ok(())) })?;
            Ok(Ok((outcome.columns, rows, ended)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        let connection = accessor.with(|mut guest| guest.get().connection(&connection))?;
        Ok(connection.last_insert_rowid())
    }

    async fn changes_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<u64> {
        let connection = accessor.with(|mut guest| guest.get().connection(&connection))?;
        Ok(connection.changes())
    }
}
