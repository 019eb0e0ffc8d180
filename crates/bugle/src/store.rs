//! The database, seen from async code: ship a closure, await its answer.
//!
//! Owns: the list of migrations, the file's name, and the bridge between tokio and the database's threads. The
//! closures themselves live with their concepts (`issue`, `project`, …) as functions of a transaction.

use crate::limit;
use crate::policy::{Policies, Policy};
use crate::project::{self, Keys};
use anyhow::Context;
use bugle_db::{Database, DbError, Migration, Options, Tx};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{Mutex, oneshot};

/// Every step that a database of any release goes through, oldest first. Released texts never change.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "0001_accounts", text: include_str!("../../../migrations/0001_accounts.sql") },
    Migration { name: "0002_events", text: include_str!("../../../migrations/0002_events.sql") },
    Migration { name: "0003_alerts", text: include_str!("../../../migrations/0003_alerts.sql") },
    Migration { name: "0004_limits", text: include_str!("../../../migrations/0004_limits.sql") },
    Migration { name: "0005_ledger", text: include_str!("../../../migrations/0005_ledger.sql") },
    Migration { name: "0006_journals", text: include_str!("../../../migrations/0006_journals.sql") },
    Migration { name: "0007_storage", text: include_str!("../../../migrations/0007_storage.sql") },
    Migration { name: "0008_options", text: include_str!("../../../migrations/0008_options.sql") },
    Migration { name: "0009_attachments", text: include_str!("../../../migrations/0009_attachments.sql") },
    Migration { name: "0010_feedback", text: include_str!("../../../migrations/0010_feedback.sql") },
    Migration { name: "0011_monitors", text: include_str!("../../../migrations/0011_monitors.sql") },
    Migration { name: "0012_sessions", text: include_str!("../../../migrations/0012_sessions.sql") },
    Migration { name: "0013_filters", text: include_str!("../../../migrations/0013_filters.sql") },
];

/// The name of the embedded database inside the data directory.
pub const FILE: &str = "bugle.db";

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    db: Database,
    snapshot: Arc<RwLock<Snapshot>>,
    looking: Arc<Mutex<()>>,
    looks: Arc<AtomicI64>,
}

/// What is read too often to be asked for each time, and the revision it was read at.
#[derive(Clone, Default)]
struct Snapshot {
    revision: i64,
    keys: Arc<Keys>,
    limits: Arc<limit::Settings>,
    policies: Arc<Policies>,
}

impl Store {
    /// Connects to the PostgreSQL database at the address `database`, or opens the embedded one in `data`.
    pub fn at(data: &Path, database: Option<&str>) -> anyhow::Result<Store> {
        match database {
            Some(url) => Store::connect(url),
            None => Store::open(data),
        }
    }

    /// Connects to a PostgreSQL database.
    pub fn connect(url: &str) -> anyhow::Result<Store> {
        // The address may hold a password, so it stays out of the text.
        let db = Database::connect(url, Options::default(), MIGRATIONS).context("The database could not be opened")?;
        Ok(Store::new(db))
    }

    /// Opens (and creates) the embedded database in `data`.
    pub fn open(data: &Path) -> anyhow::Result<Store> {
        let path = data.join(FILE);
        #[cfg(test)]
        if let Some(url) = bugle_db::trial::url_for(&path, MIGRATIONS) {
            return Store::connect(&url);
        }
        let db = Database::open(&path, Options::default(), MIGRATIONS)
            .with_context(|| format!("The database {} could not be opened", path.display()))?;
        Ok(Store::new(db))
    }

    fn new(db: Database) -> Store {
        Store { db, snapshot: Arc::default(), looking: Arc::default(), looks: Arc::default() }
    }

    /// Every key, as of the last change that this process made, or has noticed by [`Store::refresh`].
    pub fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner).keys)
    }

    /// What projects and organizations may send, as of the same moment.
    pub fn limits(&self) -> Arc<limit::Settings> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner).limits)
    }

    /// What a project wants of what comes in, as of the same moment.
    pub fn policy(&self, project: i64) -> Arc<Policy> {
        self.policies().of(project)
    }

    fn policies(&self) -> Arc<Policies> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner).policies)
    }

    /// Notices what other processes have changed.
    pub async fn refresh(&self) -> Result<(), DbError> {
        let revision = self.revision();
        let policies = self.policies();
        let newer = self.read(move |tx| newer(tx, revision, &policies)).await?;
        self.learn(newer);
        Ok(())
    }

    /// [`Store::refresh`] when somebody comes with a key that is not known: a command may have made it just now. Those who
    /// come at the same time share one look, so guessing keys costs little.
    pub async fn second_look(&self) -> Result<(), DbError> {
        let came = self.looks.load(Ordering::Acquire);
        let _one_at_a_time = self.looking.lock().await;
        // A look that began after this caller came has seen what this caller asks for.
        if self.looks.load(Ordering::Acquire) > came {
            return Ok(());
        }
        self.looks.fetch_add(1, Ordering::AcqRel);
        self.refresh().await
    }

    /// [`Store::refresh`] for a thread that may block.
    pub fn refresh_now(&self) -> Result<(), DbError> {
        let revision = self.revision();
        let policies = self.policies();
        let newer = self.db.read_now(move |tx| newer(tx, revision, &policies))?;
        self.learn(newer);
        Ok(())
    }

    fn revision(&self) -> i64 {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).revision
    }

    fn learn(&self, newer: Option<Snapshot>) {
        let Some(newer) = newer else { return };
        let mut snapshot = self.snapshot.write().unwrap_or_else(PoisonError::into_inner);
        if newer.revision > snapshot.revision {
            *snapshot = newer;
        }
    }

    /// Runs `job` in a writing transaction; the answer comes after the commit is durable, and after what it changed
    /// has reached [`Store::keys`]: a setting acts by the time its request is answered.
    pub async fn write<T, J>(&self, job: J) -> Result<T, DbError>
    where
        T: Send + 'static,
        J: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let (revision, policies) = (self.revision(), self.policies());
        let job = move |tx: &mut Tx<'_>| Ok((job(tx)?, newer(tx, revision, &policies)?));
        self.db.write(job, move |result| drop(sender.send(result)));
        let result = answer.await;
        let (value, newer) =
            result.unwrap_or_else(|_| Err(DbError::Failed("the write was abandoned by a panic".into())))?;
        self.learn(newer);
        Ok(value)
    }

    /// Runs `job` on one consistent snapshot.
    pub async fn read<T, J>(&self, job: J) -> Result<T, DbError>
    where
        T: Send + 'static,
        J: FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        self.db.read(job, move |result| drop(sender.send(result)));
        answer.await.unwrap_or_else(|_| Err(DbError::Failed("the read was abandoned by a panic".into())))
    }

    /// The database itself, for threads of our own that may block.
    pub fn blocking(&self) -> &Database {
        &self.db
    }
}

fn newer(tx: &mut Tx<'_>, than: i64, present: &Policies) -> Result<Option<Snapshot>, DbError> {
    let revision = state(tx, "revision")?;
    // Revision 0 has no keys, so the first look is never skipped wrongly.
    match revision == than {
        true => Ok(None),
        false => {
            let keys = project::all_keys(tx)?;
            let limits = Arc::new(limit::settings(tx, revision, &keys)?);
            let policies = Arc::new(present.renewed(tx)?);
            Ok(Some(Snapshot { revision, keys: Arc::new(keys), limits, policies }))
        }
    }
}

/// Now, in Unix milliseconds.
pub fn now_ms() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}

/// Tells a running server, in this process or another, that accounts, projects, keys or targets have changed.
/// Part of the transaction that changes them.
pub fn touch(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.execute("UPDATE state SET value = value + 1 WHERE name = 'revision'", &[]).map(drop)
}

/// Takes `count` ids from the counter `name` and returns the first. Ids taken so are never used twice.
pub fn take_ids(tx: &mut Tx<'_>, name: &'static str, count: i64) -> Result<i64, DbError> {
    let last: i64 =
        tx.one("UPDATE state SET value = value + $2 WHERE name = $1 RETURNING value", bugle_db::params![name, count])?;
    Ok(last - count + 1)
}

/// The value of one row of `state`.
pub fn state(tx: &mut Tx<'_>, name: &'static str) -> Result<i64, DbError> {
    tx.one("SELECT value FROM state WHERE name = $1", bugle_db::params![name])
}

/// Tells filing that issues were removed. Part of the transaction that removes them.
pub fn removed(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.execute("UPDATE state SET value = value + 1 WHERE name = 'removals'", &[]).map(drop)
}

/// Bytes of a PostgreSQL database.
pub fn bytes(tx: &mut Tx<'_>) -> Result<i64, DbError> {
    tx.one("SELECT pg_database_size(current_database())", &[])
}
