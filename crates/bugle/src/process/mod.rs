//! Process: the worker that takes acknowledged records and has them filed.
//!
//! Owns: the order of filing (the journal's), batches, retries, and what happens to a record that cannot be filed.
//!
//! ```text
//! backlog (memory) ─┐
//!                   ├▶ [symbolicate ▶ digest: where it is not in memory] ▶ file (one transaction) ▶ facts, metrics
//! journal (disk) ───┘
//! ```
//!
//! **Invariants**
//! * Nothing is passed over: a batch that fails is tried again, then record by record; a record that fails by itself
//!   for a reason of its own is quarantined with an outcome, and the ones behind it go on.
//! * What is not the record's fault costs no record: a busy database and a full disk are waited for, a disk that fails
//!   ends the worker, and with it the process (`serve.rs`).
//! * The journal forgets only what the database has synced.
//! * Told to stop, it does so between two transactions, whatever it is waiting for.

mod backlog;
pub mod digest;

pub use backlog::{Backlog, Next};

use crate::event;
use crate::file::{self, Filed, Memory, Piece, Work};
use crate::metrics::Metrics;
use crate::outcome::{Outcome, Reason};
use crate::payload;
use crate::receive::limits::Limits;
use crate::record::{Entry, Record, Sender};
use crate::store::now_ms;
use crate::{alert, live};
use bugle_db::{Database, DbError};
use bugle_event::Event;
use bugle_journal::{Journal, Position};
use std::collections::HashMap;
use std::ops::ControlFlow::{self, Break, Continue};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// Records filed in one transaction at most.
const BATCH_MAX: usize = 2_048;
/// A batch of so many says that there is load. Then the next one begins [`BATCH_EVERY`] after this one began: counters are
/// written once per batch and issue, so what is gathered costs less. A lone event is filed at once.
const BATCH_LOAD: usize = 32;
/// See [`BATCH_LOAD`]. A page is this much behind, and the bench allows a second.
const BATCH_EVERY: Duration = Duration::from_millis(250);
/// Bytes read back from the journal at a time.
const READ_BYTES_MAX: usize = 4 << 20;
/// Filed records that may stay in the journal before it is told to forget them.
const FORGET_EVERY: Position = 4_096;
/// Tries of a whole batch before each of its records is filed alone.
const BATCH_FAILURES_MAX: u32 = 3;
/// The longest wait between two tries.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Everything the worker needs. It runs on a thread of its own.
pub struct Worker {
    /// Where records come from.
    pub backlog: Arc<Backlog>,
    /// Where they come from when they are not in memory.
    pub journal: Journal,
    /// Where they go.
    pub db: Database,
    /// How far they have gone; others read it.
    pub filed: Arc<AtomicI64>,
    /// Who counts.
    pub metrics: Arc<Metrics>,
    /// Who listens.
    pub live: live::Live,
    /// Whom to ring when there are notices.
    pub bell: alert::delivery::Bell,
    /// Who counts what waits and what was used.
    pub limits: Arc<Limits>,
    /// What filing remembers.
    pub memory: Memory,
    /// Up to where records were in the journal when the process started: they are counted as received again.
    pub found: Position,
}

/// Why a record of the journal did not become work.
enum Unfit {
    /// It will never do.
    Record(String),
    /// The database did not answer.
    Database(DbError),
}

impl Worker {
    /// Files until the backlog is stopped or the disk fails.
    pub fn run(mut self) {
        let _ended: ControlFlow<()> = self.work();
    }

    fn work(&mut self) -> ControlFlow<()> {
        let mut filed = self.filed.load(Ordering::Acquire);
        let (mut forgotten, mut forgotten_at) = (filed, Instant::now());
        loop {
            let began = Instant::now();
            let batch = match self.backlog.next(filed, BATCH_MAX) {
                Next::Stop => return Break(()),
                Next::Work(batch) => batch,
                Next::Journal(to) => self.read(filed, to)?,
            };
            let Some(last) = batch.last().map(Piece::position) else {
                // Everything up to there was quarantined while it was read.
                filed = self.filed.load(Ordering::Acquire).max(filed);
                continue;
            };
            let count = batch.len();
            self.file(batch)?;
            filed = last;
            self.filed.store(filed, Ordering::Release);
            if filed - forgotten >= FORGET_EVERY || forgotten_at.elapsed() > RETRY_MAX {
                self.journal.forget(filed);
                (forgotten, forgotten_at) = (filed, Instant::now());
            }
            if (BATCH_LOAD..BATCH_MAX).contains(&count) {
                self.wait(BATCH_EVERY.saturating_sub(began.elapsed()))?;
            }
        }
    }

    /// Waits, unless it is told to stop.
    fn wait(&self, time: Duration) -> ControlFlow<()> {
        if self.backlog.rest(time) { Break(()) } else { Continue(()) }
    }

    /// Records behind `filed`, from the journal, up to `to`. Those that are no good are put aside on the way.
    fn read(&mut self, filed: Position, to: Position) -> ControlFlow<(), Vec<Piece>> {
        let mut records = loop {
            match self.journal.read(filed, READ_BYTES_MAX) {
                Ok(records) => break records,
                Err(error) => tracing::error!(%error, "the journal cannot be read back; trying again"),
            }
            self.wait(RETRY_MAX)?;
        };
        records.retain(|(position, _)| *position <= to);
        let first = records.first().map_or(to + 1, |(position, _)| *position);
        if first > filed + 1 {
            // It forgets only what was filed: this database has lost it, so it is an older copy of the one that had.
            tracing::error!(from = filed + 1, to = first - 1, "records are neither in the journal nor in the database");
            self.filed.store(first - 1, Ordering::Release);
        }
        let mut exemplars = HashMap::new();
        let mut batch = Vec::with_capacity(records.len());
        for (position, body) in records.into_iter().take(BATCH_MAX) {
            match self.understand(position, &body, &mut exemplars) {
                Ok(work) => {
                    if position <= self.found {
                        let sender = work.sender();
                        self.metrics.received(sender.dialect, sender.category, 1);
                    }
                    batch.push(work);
                }
                // What stands before it goes first, so that positions are filed in order.
                Err(_) if !batch.is_empty() => break,
                Err(Unfit::Record(error)) => {
                    if position <= self.found {
                        let sender = Sender::of(&body, 0);
                        self.metrics.received(sender.dialect, sender.category, 1);
                    }
                    self.quarantine(position, body, &error)?;
                }
                Err(Unfit::Database(error)) => {
                    tracing::error!(%error, "an exemplar cannot be read; trying again");
                    self.wait(RETRY_MAX)?;
                    break;
                }
            }
        }
        Continue(batch)
    }

    /// A record from the journal; an event with its digest made anew.
    fn understand(
        &self,
        position: Position,
        body: &[u8],
        exemplars: &mut HashMap<i64, Vec<u8>>,
    ) -> Result<Piece, Unfit> {
        match Entry::read(body) {
            Some(Entry::Event(record)) => self.digest(position, *record, exemplars).map(Piece::Event),
            Some(Entry::Item(item)) => Ok(Piece::Item(position, item)),
            None => Err(Unfit::Record("the record is damaged, or of a later version".to_string())),
        }
    }

    fn digest(&self, position: Position, record: Record, exemplars: &mut HashMap<i64, Vec<u8>>) -> Result<Work, Unfit> {
        let unfit = |error: std::io::Error| Unfit::Record(error.to_string());
        if !record.exemplar_body.is_empty() {
            exemplars.insert(record.exemplar, payload::expand(&record.exemplar_body, None).map_err(unfit)?);
        }
        if !exemplars.contains_key(&record.exemplar) {
            let id = record.exemplar;
            let body = self.db.read_now(move |tx| event::exemplar(tx, id)).map_err(Unfit::Database)?;
            let body = body.ok_or_else(|| Unfit::Record("the exemplar of its payload is missing".to_string()))?;
            exemplars.insert(id, payload::expand(&body, None).map_err(unfit)?);
        }
        let exemplar = exemplars.get(&record.exemplar).map(Vec::as_slice);
        let json = payload::expand(&record.payload, exemplar).map_err(unfit)?;
        let text = String::from_utf8_lossy(&json);
        let digest = std::panic::catch_unwind(|| digest::digest(&Event::stored(&text)))
            .map_err(|_| Unfit::Record("understanding the event panicked".to_string()))?;
        Ok(Work { position, record, digest })
    }

    /// Files a batch, whatever it takes.
    fn file(&mut self, batch: Vec<Piece>) -> ControlFlow<()> {
        let batch = Arc::new(batch);
        let mut failures = 0;
        while failures < BATCH_FAILURES_MAX {
            match self.patiently(&batch, 0..batch.len())? {
                Ok(filed) => {
                    self.settle(&batch, &filed);
                    self.tell(filed);
                    return Continue(());
                }
                Err(error) => tracing::error!(%error, failures, "a batch could not be filed; trying again"),
            }
            failures += 1;
        }
        for at in 0..batch.len() {
            match self.patiently(&batch, at..at + 1)? {
                Ok(filed) => {
                    self.settle(&batch[at..=at], &filed);
                    self.tell(filed);
                }
                Err(error) => {
                    let piece = &batch[at];
                    self.quarantine(piece.position(), piece.write(), &error.to_string())?;
                }
            }
        }
        Continue(())
    }

    /// Files part of a batch, as soon as the database is free and the disk has room. The error is about what was to
    /// be filed.
    fn patiently(&mut self, batch: &Arc<Vec<Piece>>, range: Range<usize>) -> ControlFlow<(), Result<Filed, DbError>> {
        let mut wait = Duration::from_millis(50);
        loop {
            match self.transaction(batch, range.clone()) {
                Err(error @ (DbError::Full(_) | DbError::Busy(_))) => {
                    tracing::error!(%error, "filing waits; what was acknowledged is in the journal");
                    self.wait(wait)?;
                    wait = (wait * 2).min(RETRY_MAX);
                }
                Err(error @ DbError::Disk(_)) => {
                    tracing::error!(%error, "filing ends; what was acknowledged is in the journal");
                    return Break(());
                }
                result => return Continue(result),
            }
        }
    }

    fn transaction(&mut self, batch: &Arc<Vec<Piece>>, range: Range<usize>) -> Result<Filed, DbError> {
        // A failed batch may have left ids in the memory that were rolled back, so the next one then begins anew.
        let fresh = Memory::new(self.memory.settings.clone());
        let mut memory = std::mem::replace(&mut self.memory, fresh);
        let batch = Arc::clone(batch);
        let started = Instant::now();
        let result = self.db.write_now(move |tx| {
            let filed = file::file(tx, &mut memory, &batch[range], now_ms())?;
            Ok((filed, memory))
        });
        self.metrics.file_seconds.observe(started.elapsed().as_secs_f64());
        result.map(|(filed, memory)| {
            self.memory = memory;
            filed
        })
    }

    /// What was filed waits no more, and what was not kept gives its place in the quotas back.
    fn settle(&self, batch: &[Piece], filed: &Filed) {
        // Those in front have no fate here: a commit whose answer was lost has filed them already.
        let passed = batch.len().saturating_sub(filed.fates.len());
        let before = std::iter::repeat_n((Outcome::Stored, Reason::None), passed);
        let fates = before.chain(filed.fates.iter().map(|(_, _, outcome, reason, _)| (*outcome, *reason)));
        self.limits.file(batch.iter().zip(fates).map(|(piece, fate)| (piece.sender(), piece.journal_bytes(), fate)));
    }

    fn quarantine(&mut self, position: Position, body: Vec<u8>, error: &str) -> ControlFlow<()> {
        tracing::error!(position, error, "a record cannot be filed and was put aside in `quarantine`");
        let (text, journal) = (error.to_string(), self.memory.settings.journal);
        loop {
            let (copy, text) = (body.clone(), text.clone());
            let result = self.db.write_now(move |tx| {
                let entry = Entry::read(&copy);
                file::quarantine(tx, journal, position, &copy, entry.as_ref(), &text, now_ms())
            });
            match result {
                Ok(filed) => {
                    self.filed.store(position, Ordering::Release);
                    let fate = (Outcome::Discarded, Reason::Quarantined);
                    self.limits.file(waiting(&body).map(|(head, bytes)| (head, bytes, fate)).into_iter());
                    self.tell(filed);
                    return Continue(());
                }
                Err(DbError::Disk(_)) => return Break(()),
                Err(error) => tracing::error!(%error, "putting a record aside failed; trying again"),
            }
            self.wait(RETRY_MAX)?;
        }
    }

    /// After the commit: counts, rings, and tells open pages.
    fn tell(&self, filed: Filed) {
        let now_ms = now_ms();
        for (_, category, outcome, reason, received_ms) in filed.fates {
            self.metrics.fate(category, outcome, reason, 1);
            self.metrics.visible_seconds.observe((now_ms - received_ms).max(0) as f64 / 1000.0);
        }
        for fact in filed.facts {
            self.live.tell(fact);
        }
        if filed.has_notices {
            self.bell.notify_one();
        }
    }
}

/// Whose a record in the journal is and how many bytes it has, for those who count; `None` where that cannot be read, and
/// nobody counts it.
pub fn waiting(body: &[u8]) -> Option<(Sender, i64)> {
    Sender::read(body).map(|sender| (sender, body.len() as i64))
}

#[cfg(test)]
mod tests;
