//! The journal: append, fsync, then say so.
//!
//! Owns: the order of what has been acknowledged and not yet filed, and its durability. A record is bytes; what
//! they mean is the product's business (`record.rs` there).
//!
//! **On disk.** One SQLite file (no format of ours to trust), WAL, `synchronous=FULL`:
//!
//! ```sql
//! records (position INTEGER PRIMARY KEY, body BLOB NOT NULL)
//! identity (name TEXT NOT NULL)   -- 32 hex digits, random: which journal this is, among those of other servers
//! ```
//!
//! Positions rise by one, in the order of acknowledgement, over the whole life of the journal. Because filed
//! records are deleted, the last position ever used is kept in the header (`PRAGMA user_version` would be 32
//! bits, so it is a row of `high_water`), in the same transaction as the records.
//!
//! **Invariants**
//! * A callback with a position runs after the fsync that made its records durable; many appends share one.
//! * Callbacks run on the journal's thread, in the order of positions. So whoever queues work inside them has
//!   a queue in order.
//! * Records of one append are durable together or not at all.
//! * A failed commit refuses its records and everything after: once fsync has failed nobody knows what is on
//!   disk (*poisoned*). A full disk is told apart, since then nothing was written and room may come back.
//! * A torn or truncated file keeps a prefix of what was appended, cut between two appends. Positions go on behind
//!   what was filed all the same ([`Journal::open`]): else new records would pass for filed ones.
//! * Memory is bounded: an append beyond `waiting_bytes_max` is refused, not queued.

use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
use rusqlite::{Connection, ErrorCode, params};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

/// Where a record stands in the journal. Rises by one.
pub type Position = i64;

/// Why a record was not kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// Too much is waiting for the disk already; try again later.
    #[error("the journal has {waiting_bytes} bytes waiting for the disk, and takes no more")]
    Busy {
        /// Bytes handed over and not yet synced.
        waiting_bytes: i64,
    },
    /// The disk is full. Nothing was written.
    #[error("the disk is full: {0}")]
    Full(String),
    /// A write or an fsync failed. The journal takes nothing more; the process should end.
    #[error("the journal failed and takes nothing more: {0}")]
    Poisoned(String),
}

type Done = Box<dyn FnOnce(Result<Position, JournalError>) + Send>;

struct Append {
    bodies: Vec<Vec<u8>>,
    bytes: i64,
    done: Done,
}

enum Message {
    Append(Append),
    Forget(Position),
    Stop(mpsc::SyncSender<()>),
}

/// A journal that is open for writing, by one process. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    sender: mpsc::Sender<Message>,
    reader: Arc<Mutex<Connection>>,
    shared: Arc<Shared>,
}

struct Shared {
    waiting_bytes: AtomicI64,
    waiting_bytes_max: i64,
    last: AtomicI64,
    /// Why nothing more is taken.
    failure: OnceLock<String>,
}

/// Appends that are taken into one transaction at most.
const BATCH_RECORDS_MAX: usize = 4096;
/// The shortest time between two commits under load. A fast disk syncs before the next record is there, and would pay
/// a whole commit for each; a record that follows on another within this time waits for its companions instead. One
/// that comes alone is committed at once.
const COMMIT_EVERY: Duration = Duration::from_millis(2);
/// Bytes that are taken into one transaction at most.
const BATCH_BYTES_MAX: i64 = 16 << 20;

impl Journal {
    /// Opens (and creates) the journal at `path`. `waiting_bytes_max` bounds what may wait for the disk. Positions
    /// go on behind `filed`, the newest that is known to have been used, also when the file has lost it (it was torn,
    /// removed, or comes from an older backup than the database); 0 when nothing is known.
    ///
    /// # Errors
    /// When the file cannot be opened or is no journal.
    pub fn open(path: &Path, waiting_bytes_max: i64, filed: Position) -> Result<Journal, JournalError> {
        let poisoned = |error: rusqlite::Error| JournalError::Poisoned(error.to_string());
        let writer = connect(path).map_err(poisoned)?;
        let kept: Position =
            writer.query_row("SELECT position FROM high_water", [], |row| row.get(0)).map_err(poisoned)?;
        let last = kept.max(filed);
        let reader = Arc::new(Mutex::new(connect(path).map_err(poisoned)?));
        let shared = Arc::new(Shared {
            waiting_bytes: AtomicI64::new(0),
            waiting_bytes_max,
            last: AtomicI64::new(last),
            failure: OnceLock::new(),
        });
        let (sender, messages) = mpsc::channel();
        let state = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("bugle-journal".into())
            .spawn(move || Writer { connection: writer, shared: state, last, forget: None }.run(&messages))
            .map_err(|error| JournalError::Poisoned(format!("no thread could be started: {error}")))?;
        Ok(Journal { sender, reader, shared })
    }

    /// The name of the journal at `path`, which is made if it is not there. It never changes.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn name(path: &Path) -> Result<String, JournalError> {
        connect(path)
            .and_then(|connection| connection.query_row("SELECT name FROM identity", [], |row| row.get(0)))
            .map_err(|error| JournalError::Poisoned(error.to_string()))
    }

    /// Appends `bodies` together. `done` is given the position of the last one once all are durable.
    pub fn append(&self, bodies: Vec<Vec<u8>>, done: impl FnOnce(Result<Position, JournalError>) + Send + 'static) {
        let bytes = bodies.iter().map(Vec::len).sum::<usize>() as i64;
        let waiting_bytes = self.shared.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        if waiting_bytes + bytes > self.shared.waiting_bytes_max {
            self.shared.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            return done(Err(JournalError::Busy { waiting_bytes }));
        }
        let append = Append { bodies, bytes, done: Box::new(done) };
        if let Err(mpsc::SendError(Message::Append(append))) = self.sender.send(Message::Append(append)) {
            (append.done)(Err(JournalError::Poisoned("its thread has ended".into())));
        }
    }

    /// The records behind `after`, in order, until `bytes_max` is passed (at least one, if there is one).
    pub fn read(&self, after: Position, bytes_max: usize) -> Result<Vec<(Position, Vec<u8>)>, JournalError> {
        let poisoned = |error: rusqlite::Error| JournalError::Poisoned(error.to_string());
        let reader = self.reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut statement = reader
            .prepare_cached("SELECT position, body FROM records WHERE position > ?1 ORDER BY position")
            .map_err(poisoned)?;
        let mut rows = statement.query([after]).map_err(poisoned)?;
        let (mut records, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next().map_err(poisoned)? {
            let body: Vec<u8> = row.get(1).map_err(poisoned)?;
            bytes += body.len();
            records.push((row.get(0).map_err(poisoned)?, body));
            if bytes >= bytes_max {
                break;
            }
        }
        Ok(records)
    }

    /// Shows every record behind `after` to `look`, in order and one at a time. For a start, which has to know what
    /// waits; afterwards whoever appends can count.
    pub fn look_through(&self, after: Position, mut look: impl FnMut(&[u8])) -> Result<(), JournalError> {
        let poisoned = |error: rusqlite::Error| JournalError::Poisoned(error.to_string());
        let reader = self.reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut statement = reader
            .prepare_cached("SELECT body FROM records WHERE position > ?1 ORDER BY position")
            .map_err(poisoned)?;
        let mut rows = statement.query([after]).map_err(poisoned)?;
        while let Some(row) = rows.next().map_err(poisoned)? {
            look(row.get_ref(0).map_err(poisoned)?.as_blob().unwrap_or_default());
        }
        Ok(())
    }

    /// Lets go of everything up to and including `through`, which must be durable elsewhere.
    pub fn forget(&self, through: Position) {
        let _ = self.sender.send(Message::Forget(through));
    }

    /// The position of the newest durable record; 0 when there never was one.
    pub fn last(&self) -> Position {
        self.shared.last.load(Ordering::Acquire)
    }

    /// Bytes handed over and not yet durable.
    pub fn waiting_bytes(&self) -> i64 {
        self.shared.waiting_bytes.load(Ordering::Relaxed)
    }

    /// Why nothing more is taken, once a write has failed.
    pub fn failure(&self) -> Option<&str> {
        self.shared.failure.get().map(String::as_str)
    }

    /// Finishes what has been handed over and closes the file.
    pub fn stop(&self) {
        let (sender, stopped) = mpsc::sync_channel(1);
        if self.sender.send(Message::Stop(sender)).is_ok() {
            let _ = stopped.recv();
        }
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.execute_batch(
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 33554432; PRAGMA cache_size = -4000;
         CREATE TABLE IF NOT EXISTS records (position INTEGER PRIMARY KEY, body BLOB NOT NULL);
         CREATE TABLE IF NOT EXISTS high_water (position INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS identity (name TEXT NOT NULL);
         INSERT INTO identity SELECT lower(hex(randomblob(16))) WHERE NOT EXISTS (SELECT 1 FROM identity);
         INSERT INTO high_water SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM high_water);",
    )?;
    Ok(connection)
}

struct Writer {
    connection: Connection,
    shared: Arc<Shared>,
    last: Position,
    /// Up to where records are to go with the next commit; outlives one that fails.
    forget: Option<Position>,
}

impl Writer {
    fn run(mut self, messages: &mpsc::Receiver<Message>) {
        let mut committed: Option<Instant> = None;
        while let Ok(first) = messages.recv() {
            if let (Message::Append(_), Some(committed)) = (&first, committed) {
                std::thread::sleep(COMMIT_EVERY.saturating_sub(committed.elapsed()));
            }
            let (mut batch, mut stop) = (Vec::new(), None);
            let mut bytes = 0;
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Append(append) => {
                        bytes += append.bytes;
                        batch.push(append);
                    }
                    Message::Forget(through) => self.forget = self.forget.max(Some(through)),
                    Message::Stop(sender) => stop = Some(sender),
                }
                let full = batch.len() >= BATCH_RECORDS_MAX || bytes >= BATCH_BYTES_MAX || stop.is_some();
                next = if full { None } else { messages.try_recv().ok() };
            }
            self.commit(batch, bytes);
            committed = Some(Instant::now());
            if let Some(stopped) = stop {
                if self.shared.failure.get().is_none() {
                    let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
                }
                drop(self.connection);
                let _ = stopped.send(());
                return;
            }
        }
    }

    fn commit(&mut self, batch: Vec<Append>, bytes: i64) {
        let result = match self.shared.failure.get() {
            Some(failure) => Err(JournalError::Poisoned(failure.clone())),
            None => self.write(&batch).map_err(|error| self.judge(error)),
        };
        self.shared.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        if let Ok(last) = result {
            self.shared.last.store(last, Ordering::Release);
        }
        let mut position = self.last;
        if let Ok(last) = result {
            (self.last, self.forget) = (last, None);
        }
        for append in batch {
            position += append.bodies.len() as i64;
            (append.done)(result.clone().map(|_| position));
        }
    }

    fn write(&mut self, batch: &[Append]) -> rusqlite::Result<Position> {
        let transaction = self.connection.transaction()?;
        let mut position = self.last;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO records (position, body) VALUES (?1, ?2)")?;
            for body in batch.iter().flat_map(|append| &append.bodies) {
                position += 1;
                insert.execute(params![position, body])?;
            }
            if position != self.last {
                transaction.prepare_cached("UPDATE high_water SET position = ?1")?.execute([position])?;
            }
            if let Some(through) = self.forget {
                transaction.prepare_cached("DELETE FROM records WHERE position <= ?1")?.execute([through])?;
            }
        }
        transaction.commit()?;
        Ok(position)
    }

    fn judge(&self, error: rusqlite::Error) -> JournalError {
        let is_full = match error.sqlite_error() {
            // The index of the write-ahead log (`-shm`) could not grow: a full disk by another name.
            Some(failure) => failure.code == ErrorCode::DiskFull || failure.extended_code == SQLITE_IOERR_SHMSIZE,
            None => false,
        };
        if is_full {
            return JournalError::Full(error.to_string());
        }
        let failure = self.shared.failure.get_or_init(|| error.to_string());
        JournalError::Poisoned(failure.clone())
    }
}

#[cfg(test)]
mod tests;
