//! One connection, whichever engine is behind it: transactions, and what happens when they fail.
//!
//! **Invariants**
//! * A job runs inside one transaction. Its error rolls everything back.
//! * After a statement has failed nothing is committed, also when the job went on and succeeded. PostgreSQL can do no other;
//!   SQLite does the same, so that no code comes to rely on it.
//! * Once a write has failed for the disk, no connection of this database begins another.

use crate::postgres;
use crate::sqlite;
use crate::{DbError, Engine, Options, Param, Result, Row, Tx};
use std::path::Path;
use std::sync::{Arc, OnceLock};

pub(crate) struct Connection {
    inner: Inner,
    /// What the disk failed with when a write of this database failed; shared by its connections.
    failure: Arc<OnceLock<String>>,
    /// Whether a statement of the present transaction has failed.
    has_failed: bool,
}

enum Inner {
    Sqlite(sqlite::Connection),
    Postgres(Box<postgres::Connection>),
}

impl Connection {
    pub(crate) fn file(path: &Path, options: Options, failure: Arc<OnceLock<String>>) -> Result<Connection> {
        Ok(Connection { inner: Inner::Sqlite(sqlite::Connection::open(path, options)?), failure, has_failed: false })
    }

    pub(crate) fn server(
        config: tokio_postgres::Config,
        options: Options,
        failure: Arc<OnceLock<String>>,
    ) -> Result<Connection> {
        let inner = Inner::Postgres(Box::new(postgres::Connection::open(config, options)?));
        Ok(Connection { inner, failure, has_failed: false })
    }

    pub(crate) fn engine(&self) -> Engine {
        match self.inner {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
        }
    }

    pub(crate) fn transact<T>(&mut self, write: bool, job: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        if write {
            self.refuse_after_failure()?;
        }
        let result = self.attempt(write, job);
        if let Err(error) = &result {
            self.recover();
            if let (true, DbError::Disk(failure)) = (write, error) {
                // A second failure adds nothing to the first.
                let _ = self.failure.set(failure.clone());
            }
        }
        result
    }

    fn attempt<T>(&mut self, write: bool, job: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.has_failed = false;
        match &mut self.inner {
            Inner::Sqlite(connection) => connection.begin(write)?,
            Inner::Postgres(connection) => connection.begin(write)?,
        }
        let value = job(&mut Tx { connection: self })?;
        if self.has_failed {
            return Err(DbError::Failed("a statement failed, and its transaction went on regardless".into()));
        }
        match &mut self.inner {
            Inner::Sqlite(connection) => connection.commit()?,
            Inner::Postgres(connection) => connection.commit()?,
        }
        Ok(value)
    }

    fn refuse_after_failure(&self) -> Result<()> {
        self.failure.get().map_or(Ok(()), |failure| Err(DbError::Disk(failure.clone())))
    }

    /// After an error or a panic inside a job: leaves no transaction open.
    pub(crate) fn recover(&mut self) {
        match &mut self.inner {
            Inner::Sqlite(connection) => connection.recover(),
            Inner::Postgres(connection) => connection.recover(),
        }
    }

    fn noting<T>(&mut self, result: Result<T>) -> Result<T> {
        self.has_failed |= result.is_err();
        result
    }

    pub(crate) fn batch(&mut self, sql: &str) -> Result<()> {
        let result = match &mut self.inner {
            Inner::Sqlite(connection) => connection.batch(sql),
            Inner::Postgres(connection) => connection.batch(sql),
        };
        self.noting(result)
    }

    /// A migration's text in the words of this engine.
    pub(crate) fn translate(&self, text: &str) -> String {
        match self.inner {
            Inner::Sqlite(_) => sqlite::translate(text),
            Inner::Postgres(_) => postgres::translate(text),
        }
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        let result = match &mut self.inner {
            Inner::Sqlite(connection) => connection.execute(sql, params),
            Inner::Postgres(connection) => connection.execute(sql, params),
        };
        self.noting(result)
    }

    pub(crate) fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        let result = match &mut self.inner {
            Inner::Sqlite(connection) => connection.query(sql, params),
            Inner::Postgres(connection) => connection.query(sql, params),
        };
        self.noting(result)
    }

    pub(crate) fn execute_each(&mut self, sql: &str, rows: &[&[Param<'_>]]) -> Result<Vec<u64>> {
        let result = match &mut self.inner {
            Inner::Sqlite(connection) => rows.iter().map(|params| connection.execute(sql, params)).collect(),
            Inner::Postgres(connection) => connection.execute_each(sql, rows),
        };
        self.noting(result)
    }

    pub(crate) fn query_each(&mut self, sql: &str, rows: &[&[Param<'_>]]) -> Result<Vec<Vec<Row>>> {
        let result = match &mut self.inner {
            Inner::Sqlite(connection) => rows.iter().map(|params| connection.query(sql, params)).collect(),
            Inner::Postgres(connection) => connection.query_each(sql, rows),
        };
        self.noting(result)
    }

    pub(crate) fn insert_many(
        &mut self,
        table: &str,
        columns: &[&str],
        rest: &str,
        rows: &[&[Param<'_>]],
    ) -> Result<u64> {
        let result = match &mut self.inner {
            Inner::Sqlite(connection) => {
                let places: Vec<String> = (1..=columns.len()).map(|at| format!("${at}")).collect();
                let (names, places) = (columns.join(", "), places.join(", "));
                let sql = format!("INSERT INTO {table} ({names}) VALUES ({places}) {rest}");
                rows.iter().map(|params| connection.execute(&sql, params)).sum()
            }
            Inner::Postgres(connection) => connection.insert_many(table, columns, rest, rows),
        };
        self.noting(result)
    }

    pub(crate) fn checkpoint(&mut self) -> Result<()> {
        self.refuse_after_failure()?;
        match &mut self.inner {
            Inner::Sqlite(connection) => connection.checkpoint(),
            Inner::Postgres(_) => Ok(()),
        }
    }

    pub(crate) fn give_back(&mut self, pages: u32) -> Result<i64> {
        self.refuse_after_failure()?;
        let result = match &mut self.inner {
            Inner::Sqlite(connection) => connection.give_back(pages),
            Inner::Postgres(_) => Ok(0),
        };
        self.noting(result)
    }
}
