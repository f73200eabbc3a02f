//! One statement of a guest: what kind it is, how it runs, what it gives.

use super::guard::GuardedConnection;
use crate::bindings::spin::sqlite::sqlite::{Error, RowResult, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, Row, ToSql};

/// The most that one statement may return. The guest must hold it in its memory, too.
const RESULT_BYTES_MAX: usize = 16 << 20;

/// A statement with its parameters.
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) parameters: Vec<Value>,
}

/// What a statement gave.
#[derive(Clone)]
pub(super) struct Outcome {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<RowResult>,
    /// Set by `INSERT`, `UPDATE` and `DELETE`.
    pub(super) changes: Option<u64>,
    /// Set by an `INSERT` that inserted.
    pub(super) last_insert_rowid: Option<i64>,
}

/// Where a statement must run. The first word tells; the authorizer and the read-only flag of the
/// prepared statement catch what disguises itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Begin,
    Commit,
    Rollback,
    /// `SAVEPOINT`, `RELEASE`, `ROLLBACK TO`: only inside a transaction.
    Savepoint,
    /// Probably a read: a reader will know.
    Read,
    Insert,
    Change,
    Other,
}

impl Statement {
    pub(super) fn kind(&self) -> Kind {
        let rest = skip_blanks(&self.sql);
        let word = first_word(rest);
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        if is("BEGIN") {
            Kind::Begin
        } else if is("COMMIT") || is("END") {
            Kind::Commit
        } else if is("ROLLBACK") {
            let more = rest[word.len()..].split_ascii_whitespace();
            let to_savepoint = more.take(2).any(|word| word.eq_ignore_ascii_case("TO"));
            if to_savepoint {
                Kind::Savepoint
            } else {
                Kind::Rollback
            }
        } else if is("SAVEPOINT") || is("RELEASE") {
            Kind::Savepoint
        } else if is("SELECT") || is("VALUES") || is("EXPLAIN") || is("WITH") {
            Kind::Read
        } else if is("INSERT") || is("REPLACE") {
            Kind::Insert
        } else if is("UPDATE") || is("DELETE") {
            Kind::Change
        } else {
            Kind::Other
        }
    }

    /// Runs it. `None`: it would write, and the connection is for reading.
    pub(super) fn read(&self, connection: &GuardedConnection) -> Result<Option<Outcome>, Error> {
        connection.for_guest(|connection| {
            let read_only = connection
                .prepare_cached(&self.sql)
                .map_err(error_of)?
                .readonly();
            if !read_only {
                return Ok(None);
            }
            self.run(connection).map(Some)
        })
    }

    /// Runs it on the writer.
    pub(super) fn write(&self, connection: &GuardedConnection) -> Result<Outcome, Error> {
        connection.for_guest(|connection| {
            let mut outcome = self.run(connection)?;
            let kind = self.kind();
            // `WITH … INSERT` comes here only after a reader has refused it.
            if matches!(kind, Kind::Insert | Kind::Change | Kind::Read) {
                let changes = connection.changes();
                outcome.changes = Some(changes);
                let inserted = changes > 0 && kind != Kind::Change;
                outcome.last_insert_rowid = inserted.then(|| connection.last_insert_rowid());
            }
            Ok(outcome)
        })
    }

    fn run(&self, connection: &Connection) -> Result<Outcome, Error> {
        let mut statement = connection.prepare_cached(&self.sql).map_err(error_of)?;
        if statement.parameter_count() != self.parameters.len() {
            return Err(Error::Io(format!(
                "the statement takes {} parameters, {} were given",
                statement.parameter_count(),
                self.parameters.len()
            )));
        }
        for (index, value) in self.parameters.iter().enumerate() {
            statement
                .raw_bind_parameter(index + 1, value)
                .map_err(error_of)?;
        }
        let columns: Vec<String> = statement
            .column_names()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let mut rows = Vec::new();
        let mut bytes = 0;
        let mut cursor = statement.raw_query();
        while let Some(row) = cursor.next().map_err(error_of)? {
            let (row, row_bytes) = read_row(row, columns.len())?;
            bytes += row_bytes;
            if bytes > RESULT_BYTES_MAX {
                return Err(Error::Io(format!(
                    "the result exceeds {RESULT_BYTES_MAX} bytes"
                )));
            }
            rows.push(row);
        }
        Ok(Outcome {
            columns,
            rows,
            changes: None,
            last_insert_rowid: None,
        })
    }
}

impl Outcome {
    /// Of a statement that gives no rows and changes none.
    pub(super) fn empty() -> Self {
        Self {
            columns: Vec::new(),
            rows: Vec::new(),
            changes: None,
            last_insert_rowid: None,
        }
    }
}

/// SQLite's fault in the words of the interface.
pub(super) fn error_of(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::DatabaseFull,
        Some(ErrorCode::AuthorizationForStatementDenied) => {
            Error::Io("the statement is not allowed here".to_owned())
        }
        _ => Error::Io(error.to_string()),
    }
}

fn read_row(row: &Row<'_>, columns: usize) -> Result<(RowResult, usize), Error> {
    let mut bytes = 0;
    let mut values = Vec::with_capacity(columns);
    for index in 0..columns {
        let value = match row.get_ref(index).map_err(error_of)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(integer) => Value::Integer(integer),
            ValueRef::Real(real) => Value::Real(real),
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Value::Text(text.to_owned()),
                Err(_) => return Err(Error::Io("a text value is not UTF-8".to_owned())),
            },
            ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
        };
        bytes += size_of::<Value>()
            + match &value {
                Value::Text(text) => text.len(),
                Value::Blob(blob) => blob.len(),
                _ => 0,
            };
        values.push(value);
    }
    Ok((RowResult { values }, bytes))
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Real(real) => ValueRef::Real(*real),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(blob) => ValueRef::Blob(blob),
            Self::Null => ValueRef::Null,
        }))
    }
}

/// Skips what SQLite skips before a statement: blanks, comments, empty statements, a byte order
/// mark.
fn skip_blanks(mut sql: &str) -> &str {
    loop {
        sql = sql
            .trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ';' || c == '\u{feff}');
        let rest = if let Some(comment) = sql.strip_prefix("--") {
            comment.split_once('\n').map(|(_, rest)| rest)
        } else if let Some(comment) = sql.strip_prefix("/*") {
            comment.split_once("*/").map(|(_, rest)| rest)
        } else {
            return sql;
        };
        match rest {
            Some(rest) => sql = rest,
            None => return "",
        }
    }
}

fn first_word(sql: &str) -> &str {
    let end = sql
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(sql.len());
    &sql[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_tells_where_a_statement_runs() {
        let check = |sql: &str, expected| {
            let statement = Statement {
                sql: sql.to_owned(),
                parameters: Vec::new(),
            };
            assert_eq!(statement.kind(), expected, "{sql}");
        };
        check("SELECT 1", Kind::Read);
        check(
            "  -- note\n /* more */ ; with x as (select 1) select 1",
            Kind::Read,
        );
        check("begin immediate", Kind::Begin);
        check("BEGIN;", Kind::Begin);
        check("END TRANSACTION", Kind::Commit);
        check("rollback", Kind::Rollback);
        check("ROLLBACK TO a", Kind::Savepoint);
        check("ROLLBACK TRANSACTION TO SAVEPOINT a", Kind::Savepoint);
        check("Insert into t values (1)", Kind::Insert);
        check("DELETE FROM t", Kind::Change);
        check("CREATE TABLE begin_t (x)", Kind::Other);
        check("/* never closed", Kind::Other);
        check("", Kind::Other);
    }
}
