//! Migrations: forward only, each in its own transaction, each remembered with a checksum.
//!
//! A text may be used on both engines: `{id}`, `{blob}` and `{clustered}` are replaced per engine, nothing else
//! is. A released text never changes; the checksum is there to notice when one has. A database whose history is
//! longer than this binary's comes from a newer release and is refused in a sentence, untouched.

use crate::connection::Connection;
use crate::{DbError, Result, params};

/// One step: its name (`0001_accounts`) and its SQL.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The file's name without its ending.
    pub name: &'static str,
    /// The statements.
    pub text: &'static str,
}

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS migrations (
    step BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)";

/// Brings the database up to the last of `migrations`.
pub(crate) fn migrate(connection: &mut Connection, migrations: &[Migration]) -> Result<()> {
    // In a transaction, so that two processes that begin with an empty database do not both make it.
    connection.transact(true, |tx| tx.connection.batch(HISTORY))?;
    let checksum = |text: &str| format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes()));
    let done = connection.transact(true, |tx| {
        let done = tx.query("SELECT name, checksum FROM migrations ORDER BY step", &[])?;
        if let Some(unknown) = done.get(migrations.len()) {
            return Err(DbError::Refused(format!(
                "This database was written by a newer Bugle (it has the step {}, which this one does not know). \
                 Start the newer version, or restore a backup made before the upgrade. Nothing was changed.",
                unknown.get::<String>(0)?
            )));
        }
        for (step, migration) in migrations.iter().enumerate() {
            let Some(row) = done.get(step) else { break };
            if row.get::<String>(0)? != migration.name || row.get::<String>(1)? != checksum(migration.text) {
                return Err(DbError::Refused(format!(
                    "The database's step {} is not the one that this Bugle knows as {}. It was made by a \
                     different build. Nothing was changed.",
                    step + 1,
                    migration.name
                )));
            }
        }
        Ok(done.len())
    })?;
    for (step, migration) in migrations.iter().enumerate().skip(done) {
        let number = step as i64 + 1;
        connection.transact(true, |tx| {
            // Another process may have begun with the same empty database, and be a step ahead.
            if tx.first("SELECT 1 FROM migrations WHERE step = $1", params![number])?.is_some() {
                return Ok(());
            }
            let text = tx.connection.translate(migration.text);
            tx.connection.batch(&text)?;
            tx.execute(
                "INSERT INTO migrations (step, name, checksum) VALUES ($1, $2, $3)",
                params![number, migration.name, &checksum(migration.text)],
            )
            .map(drop)
        })?;
    }
    Ok(())
}
