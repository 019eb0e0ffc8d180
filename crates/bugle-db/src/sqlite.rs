//! SQLite: one connection, on the thread that owns it.

use crate::value::without_nul;
use crate::{DbError, Options, Param, Result, Row, Value};
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, ToSql};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Prepared statements kept per connection.
const STATEMENTS_MAX: usize = 128;

pub(crate) struct Connection {
    inner: rusqlite::Connection,
    /// `$n` texts and what SQLite is given for them.
    rewritten: HashMap<String, Arc<str>>,
}

impl Connection {
    pub(crate) fn open(path: &Path, options: Options) -> Result<Connection> {
        let inner = rusqlite::Connection::open(path).map_err(error)?;
        inner.busy_timeout(Duration::from_millis(options.busy_ms)).map_err(error)?;
        inner.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        let cache_kib = options.cache_bytes / 1024;
        // auto_vacuum takes effect only on an empty file: retention must be able to give disk back.
        let pragmas = format!(
            "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON; PRAGMA cache_size = -{cache_kib}; PRAGMA temp_store = MEMORY; \
             PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;"
        );
        inner.execute_batch(&pragmas).map_err(error)?;
        Ok(Connection { inner, rewritten: HashMap::new() })
    }

    pub(crate) fn batch(&mut self, sql: &str) -> Result<()> {
        self.inner.execute_batch(sql).map_err(error)
    }

    pub(crate) fn checkpoint(&mut self) -> Result<()> {
        self.batch("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    pub(crate) fn give_back(&mut self, pages: u32) -> Result<i64> {
        // The pragma frees one page per row that it returns, so it has to be read to its end.
        let mut statement = self.inner.prepare(&format!("PRAGMA incremental_vacuum({pages})")).map_err(error)?;
        let mut rows = statement.query([]).map_err(error)?;
        while rows.next().map_err(error)?.is_some() {}
        self.inner.query_row("PRAGMA freelist_count", [], |row| row.get(0)).map_err(error)
    }

    /// After an error or a panic inside a job: leaves no transaction open.
    pub(crate) fn recover(&mut self) {
        if !self.inner.is_autocommit() {
            let _ = self.inner.execute_batch("ROLLBACK");
        }
    }

    pub(crate) fn begin(&mut self, write: bool) -> Result<()> {
        self.statement(if write { "BEGIN IMMEDIATE" } else { "BEGIN" })
    }

    pub(crate) fn commit(&mut self) -> Result<()> {
        self.statement("COMMIT")
    }

    fn statement(&mut self, sql: &str) -> Result<()> {
        self.inner.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map(drop).map_err(error)
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        let text = self.rewrite(sql);
        let mut statement = self.inner.prepare_cached(&text).map_err(error)?;
        let changed = statement.execute(rusqlite::params_from_iter(params)).map_err(error)?;
        Ok(changed as u64)
    }

    pub(crate) fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        let text = self.rewrite(sql);
        let mut statement = self.inner.prepare_cached(&text).map_err(error)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(error)?;
        let mut answer = Vec::new();
        while let Some(row) = rows.next().map_err(error)? {
            let mut values = Vec::with_capacity(columns);
            for column in 0..columns {
                values.push(value(row.get_ref(column).map_err(error)?));
            }
            answer.push(Row(values));
        }
        Ok(answer)
    }

    /// `$n` becomes `?n`, as SQLite numbers `$n` by first appearance. Texts are few, so the map is bounded by
    /// the program; built texts (lists of conditions) are bounded by dropping it when it has grown.
    fn rewrite(&mut self, sql: &str) -> Arc<str> {
        if let Some(text) = self.rewritten.get(sql) {
            return Arc::clone(text);
        }
        if self.rewritten.len() >= 4 * STATEMENTS_MAX {
            self.rewritten.clear();
        }
        let text: Arc<str> = sql.replace('$', "?").into();
        self.rewritten.insert(sql.to_string(), Arc::clone(&text));
        text
    }
}

/// The types of this engine for those that migrations leave open.
pub(crate) fn translate(text: &str) -> String {
    text.replace("{id}", "INTEGER PRIMARY KEY").replace("{blob}", "BLOB").replace("{clustered}", "WITHOUT ROWID")
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(int) => Value::Int(int),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Param::Null => ValueRef::Null,
            Param::Int(int) => ValueRef::Integer(int),
            Param::Real(real) => ValueRef::Real(real),
            Param::Bool(bool) => ValueRef::Integer(i64::from(bool)),
            Param::Text(text) if text.contains('\0') => return Ok(ToSqlOutput::from(without_nul(text).into_owned())),
            Param::Text(text) => ValueRef::Text(text.as_bytes()),
            Param::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn error(error: rusqlite::Error) -> DbError {
    let text = error.to_string();
    // The index of the write-ahead log (`-shm`) could not grow: a full disk by another name.
    if error.sqlite_error().is_some_and(|failure| failure.extended_code == SQLITE_IOERR_SHMSIZE) {
        return DbError::Full(text);
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => DbError::Conflict(text),
        Some(ErrorCode::DiskFull) => DbError::Full(text),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DbError::Busy(text),
        Some(ErrorCode::NotADatabase) => DbError::Refused(format!("This file is no Bugle database: {text}.")),
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory,
        ) => DbError::Disk(text),
        _ => DbError::Failed(text),
    }
}
