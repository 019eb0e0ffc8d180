//! The database of a place, read and held from outside by SQL, without a line of the product's code: a file by SQLite's own
//! library, or a PostgreSQL server by a session of our own.

use crate::server::Place;
use anyhow::{Result, ensure};
use bugle_db::Value;
use bugle_db::trial::Session;
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use std::time::Duration;

/// An open database.
pub enum Store {
    /// The embedded one.
    File(rusqlite::Connection),
    /// One on a server.
    Server(Session),
}

impl Store {
    /// Opens the database of `place`, leaving no trace in its files.
    pub fn open(place: &Place) -> Result<Store> {
        if let Some(url) = &place.database {
            return Ok(Store::Server(Session::open(url)?));
        }
        let path = place.data().join("bugle.db");
        ensure!(path.exists(), "{} is not there", path.display());
        let connection = rusqlite::Connection::open(path)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        Ok(Store::File(connection))
    }

    /// All rows of a query.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<Vec<Value>>> {
        match self {
            Store::Server(session) => Ok(session.rows(sql)?),
            Store::File(connection) => {
                let mut statement = connection.prepare(sql)?;
                let columns = statement.column_count();
                let mut rows = statement.query([])?;
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    found.push((0..columns).map(|at| Ok(value(row.get_ref(at)?))).collect::<Result<_>>()?);
                }
                Ok(found)
            }
        }
    }

    /// The one number that a query answers.
    pub fn number(&mut self, sql: &str) -> Result<u64> {
        let rows = self.rows(sql)?;
        int(rows.first().and_then(|row| row.first()))
    }

    /// Runs a statement.
    pub fn run(&mut self, sql: &str) -> Result<()> {
        match self {
            Store::Server(session) => Ok(session.run(sql)?),
            Store::File(connection) => Ok(connection.execute_batch(sql)?),
        }
    }

    /// Takes the database's one place to write, as a command beside a server may for a moment, until this is dropped.
    pub fn hold(mut self) -> Result<Store> {
        match &mut self {
            Store::Server(session) => session.hold()?,
            Store::File(connection) => connection.execute_batch("BEGIN IMMEDIATE")?,
        }
        Ok(self)
    }
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

/// A count.
pub fn int(value: Option<&Value>) -> Result<u64> {
    match value {
        Some(Value::Int(int)) => Ok(u64::try_from(*int)?),
        other => anyhow::bail!("a number was expected, not {other:?}"),
    }
}
