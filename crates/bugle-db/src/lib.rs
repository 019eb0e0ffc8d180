//! One SQL text, two engines, no async.
//!
//! Owns: connections and the threads they live on, transactions, migrations, and the few rules that let one
//! SQL text run on SQLite and on PostgreSQL.
//!
//! **How it is used.** A caller ships a closure; it runs on a thread that owns a connection, inside a
//! transaction, and its answer comes back through a callback ([`Database::write`], [`Database::read`]) or by
//! blocking ([`Database::write_now`], [`Database::read_now`]). There is exactly one writer at any time: one thread of
//! this process, and beside other processes SQLite's lock on the file or PostgreSQL's advisory lock. So whoever looks
//! and then inserts (`next_id`) needs no retry.
//!
//! **The portable dialect.** Parameters are `$1…$n` (rewritten for SQLite, which would bind them by first
//! appearance). Column types are BIGINT, TEXT, BOOLEAN, DOUBLE PRECISION and the substituted `{id}` and
//! `{blob}`; `{clustered}` keeps a table in primary key order where the engine can. Ids are made by the
//! application. Times are BIGINT Unix milliseconds. Sums are `CAST(SUM(x) AS BIGINT)`. Text never holds NUL: a
//! parameter's NUL becomes U+FFFD. Text sorts by its bytes, `LIKE` and `LOWER` fold ASCII alone, on both engines.
//! A statement that fails ends its transaction: a job that goes on regardless is rolled back.
//!
//! **Many at once.** [`Tx::insert_many`], [`Tx::execute_each`] and [`Tx::query_each`] take many rows of parameters. On
//! SQLite they are loops; on PostgreSQL they cost one round trip for many rows.
//!
//! **Durability.** A committed write has been synced (`synchronous=FULL`; `synchronous_commit` on): the journal forgets
//! what has been filed, so the database must not lose it to a power cut. Once a write or an fsync has failed nobody knows
//! what is on disk: the database takes no further write ([`Database::failure`]), and the process should end.

mod connection;
mod migrate;
mod postgres;
mod sqlite;
#[cfg(feature = "trial")]
pub mod trial;
mod value;

use connection::Connection;

pub use migrate::Migration;
pub use value::{FromValue, Param, Row, Value};

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, mpsc};

/// What went wrong, by what a caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A unique or foreign key constraint refused the row.
    #[error("the row conflicts with one that exists: {0}")]
    Conflict(String),
    /// The disk is full; nothing was written.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The database is held by another process, or away. It is as if nothing had been tried; try again later. (If the
    /// server stays away from a COMMIT on, nobody knows whether that happened: who must know asks when it is back.)
    #[error("the database is busy or away: {0}")]
    Busy(String),
    /// The database is not one that this binary may open; the text says why and what to do.
    #[error("{0}")]
    Refused(String),
    /// A read, a write or an fsync failed, or the file is damaged. Nothing is wrong with what was to be written: it
    /// must be kept and written again once the disk is sound.
    #[error("the disk failed: {0}")]
    Disk(String),
    /// The statement or the engine failed.
    #[error("the database failed: {0}")]
    Failed(String),
    /// The closure itself gave up; the transaction was rolled back.
    #[error("{0}")]
    Abandoned(String),
}

/// The result of anything that touches the database.
pub type Result<T> = std::result::Result<T, DbError>;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A database and the threads that talk to it. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    writer: mpsc::Sender<Job>,
    readers: mpsc::Sender<Job>,
    failure: Arc<OnceLock<String>>,
}

/// How a database is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Connections that read, each on its own thread.
    pub readers: usize,
    /// Page cache of each connection, in bytes.
    pub cache_bytes: usize,
    /// How long to wait for another process, in milliseconds.
    pub busy_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { readers: 3, cache_bytes: 8 << 20, busy_ms: 10_000 }
    }
}

impl Database {
    /// Opens (and creates) the SQLite database at `path` and brings it to the newest of `migrations`.
    ///
    /// # Errors
    /// [`DbError::Refused`] when the file was written by a newer binary or its history was altered.
    pub fn open(path: &Path, options: Options, migrations: &[Migration]) -> Result<Database> {
        let path = path.to_path_buf();
        Database::start(options, migrations, move |failure| Connection::file(&path, options, failure))
    }

    /// Connects to the PostgreSQL database that `url` names (`postgres://user:password@host/database`) and brings it to the
    /// newest of `migrations`.
    ///
    /// # Errors
    /// [`DbError::Refused`] as in [`Database::open`], and when the server turns this user away or has no such database;
    /// [`DbError::Busy`] when it cannot be reached.
    pub fn connect(url: &str, options: Options, migrations: &[Migration]) -> Result<Database> {
        let config = postgres::config(url)?;
        Database::start(options, migrations, move |failure| Connection::server(config.clone(), options, failure))
    }

    /// Connections are opened on the threads that they live on: the caller may be async, and PostgreSQL's is inside.
    fn start(
        options: Options,
        migrations: &[Migration],
        open: impl Fn(Arc<OnceLock<String>>) -> Result<Connection> + Clone + Send + 'static,
    ) -> Result<Database> {
        let failure = Arc::new(OnceLock::new());
        let (writer, jobs) = mpsc::channel::<Job>();
        let (migrations, first, poison) = (migrations.to_vec(), open.clone(), Arc::clone(&failure));
        let first = move || {
            let mut connection = first(poison)?;
            migrate::migrate(&mut connection, &migrations)?;
            Ok(connection)
        };
        spawn("bugle-db-write", first, move || jobs.recv().ok())?;
        let (readers, jobs) = mpsc::channel::<Job>();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..options.readers.max(1) {
            let (open, poison, jobs) = (open.clone(), Arc::clone(&failure), Arc::clone(&jobs));
            spawn("bugle-db-read", move || open(poison), move || jobs.lock().ok()?.recv().ok())?;
        }
        Ok(Database { writer, readers, failure })
    }

    /// Why nothing more can be written, once the disk has failed a write.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Runs `job` in a writing transaction and hands its result to `done` after the commit has been synced.
    /// An error from `job` rolls back.
    pub fn write<T, J, D>(&self, job: J, done: D)
    where
        T: Send + 'static,
        J: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
        D: FnOnce(Result<T>) + Send + 'static,
    {
        // A send fails only after the thread has died of a panic; `done` is then dropped, which its owner sees.
        let _ = self.writer.send(Box::new(move |connection| done(connection.transact(true, job))));
    }

    /// Runs `job` on a reading connection, on one consistent snapshot.
    pub fn read<T, J, D>(&self, job: J, done: D)
    where
        T: Send + 'static,
        J: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
        D: FnOnce(Result<T>) + Send + 'static,
    {
        let _ = self.readers.send(Box::new(move |connection| done(connection.transact(false, job))));
    }

    /// [`Database::write`], waiting for the answer.
    pub fn write_now<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, answer) = mpsc::sync_channel(1);
        self.write(job, move |result| drop(sender.send(result)));
        answer.recv().unwrap_or_else(|_| Err(DbError::Failed("the writing thread has ended".into())))
    }

    /// [`Database::read`], waiting for the answer.
    pub fn read_now<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, answer) = mpsc::sync_channel(1);
        self.read(job, move |result| drop(sender.send(result)));
        answer.recv().unwrap_or_else(|_| Err(DbError::Failed("the reading thread has ended".into())))
    }

    /// Gives free pages of the file back to the disk, at most `pages` of them, and says how many are left. For duties, after
    /// they have deleted. A PostgreSQL server does so by itself: none are left.
    pub fn give_back(&self, pages: u32) -> Result<i64> {
        let (sender, answer) = mpsc::sync_channel(1);
        let job: Job = Box::new(move |connection| drop(sender.send(connection.give_back(pages))));
        let _ = self.writer.send(job);
        answer.recv().unwrap_or(Ok(0))
    }

    /// Moves the write-ahead log into the database file and empties it. For a graceful stop.
    pub fn checkpoint(&self) -> Result<()> {
        let (sender, answer) = mpsc::sync_channel(1);
        let job: Job = Box::new(move |connection| drop(sender.send(connection.checkpoint())));
        let _ = self.writer.send(job);
        answer.recv().unwrap_or(Ok(()))
    }
}

/// Starts a thread with its connection, once that is open. A panic in a job ends that job, not the thread: the transaction
/// has been rolled back by then.
fn spawn(
    name: &str,
    open: impl FnOnce() -> Result<Connection> + Send + 'static,
    mut next: impl FnMut() -> Option<Job> + Send + 'static,
) -> Result<()> {
    let (ready, opened) = mpsc::sync_channel(1);
    let run = move || {
        let mut connection = match open() {
            Ok(connection) => connection,
            Err(error) => return drop(ready.send(Err(error))),
        };
        let _ = ready.send(Ok(()));
        while let Some(job) = next() {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&mut connection)));
            if outcome.is_err() {
                connection.recover();
            }
        }
    };
    std::thread::Builder::new()
        .name(name.into())
        .spawn(run)
        .map_err(|error| DbError::Failed(format!("no thread could be started: {error}")))?;
    opened.recv().unwrap_or_else(|_| Err(DbError::Failed("the database's thread has ended".into())))
}

/// Which engine runs the SQL. For the few places where two texts stand side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The embedded one.
    Sqlite,
    /// A server.
    Postgres,
}

/// A transaction in progress.
pub struct Tx<'c> {
    connection: &'c mut Connection,
}

impl Tx<'_> {
    /// The engine that runs this.
    pub fn engine(&self) -> Engine {
        self.connection.engine()
    }

    /// Runs a statement and says how many rows it changed.
    pub fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64> {
        self.connection.execute(sql, params)
    }

    /// Runs a statement once for each of `rows`, in their order, and says how many rows each changed.
    pub fn execute_each<'p>(&mut self, sql: &'static str, rows: &[impl AsRef<[Param<'p>]>]) -> Result<Vec<u64>> {
        self.connection.execute_each(sql, &slices(rows))
    }

    /// Inserts many rows, in their order, and says how many were. `rest` is what follows the values: nothing, or
    /// `ON CONFLICT …`, which must not meet two of `rows` with the same key.
    pub fn insert_many<'p>(
        &mut self,
        table: &'static str,
        columns: &[&'static str],
        rest: &'static str,
        rows: &[impl AsRef<[Param<'p>]>],
    ) -> Result<u64> {
        self.connection.insert_many(table, columns, rest, &slices(rows))
    }

    /// All rows of a query.
    pub fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        self.connection.query(sql, params)
    }

    /// All rows of a query, for each of `rows` of parameters, in their order.
    pub fn query_each<'p>(&mut self, sql: &str, rows: &[impl AsRef<[Param<'p>]>]) -> Result<Vec<Vec<Row>>> {
        self.connection.query_each(sql, &slices(rows))
    }

    /// The first row of a query, if there is one.
    pub fn first(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Option<Row>> {
        Ok(self.connection.query(sql, params)?.into_iter().next())
    }

    /// The first column of the first row, which must exist (`SELECT COUNT(*) …`).
    pub fn one<T: FromValue>(&mut self, sql: &str, params: &[Param<'_>]) -> Result<T> {
        self.first(sql, params)?.ok_or_else(|| DbError::Failed(format!("no row from: {sql}")))?.get(0)
    }

    /// Bytes of the database that are in use: free pages of the file, which the next rows will take, are not counted.
    pub fn live_bytes(&mut self) -> Result<i64> {
        let sql = match self.engine() {
            Engine::Sqlite => {
                "SELECT (c.page_count - f.freelist_count) * s.page_size \
                 FROM pragma_page_count c, pragma_freelist_count f, pragma_page_size s"
            }
            // The server keeps no count of what is free inside its files; vacuum lets the next rows have it.
            Engine::Postgres => "SELECT CAST(pg_database_size(current_database()) AS BIGINT)",
        };
        self.one(sql, &[])
    }

    /// The next free id of a table whose `id` is made by the application.
    pub fn next_id(&mut self, table: &'static str) -> Result<i64> {
        self.one(&format!("SELECT COALESCE(MAX(id), 0) + 1 FROM {table}"), &[])
    }
}

fn slices<'a, 'p>(rows: &'a [impl AsRef<[Param<'p>]>]) -> Vec<&'a [Param<'p>]> {
    rows.iter().map(AsRef::as_ref).collect()
}

/// `params![a, b, c]`: the parameters `$1, $2, $3` of a statement.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::Param::from($value)),*] };
}

#[cfg(test)]
mod tests;
