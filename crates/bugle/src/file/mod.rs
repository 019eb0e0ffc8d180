//! File: a batch of records becomes issues, events and counts, in one transaction.
//!
//! Owns: the only code that makes issues and events, and everything that is counted of them.
//!
//! **Invariants**
//! * One transaction per batch; how far its journal is filed is committed with it, and records up to there are passed over.
//!   So a batch is filed once, whatever dies when, and also when nobody knows whether its commit happened.
//! * Idempotent on (project, event id): a repeat changes nothing but the ledger and what it can say of repeats.
//! * Every record ends in exactly one outcome, counted in the same transaction as its receipt.
//! * Any known key joins: the first key of an event that has an issue decides, the event's other keys are attached
//!   to that issue. None known: a new issue.
//! * Rows of the outbox are written here, in the same transaction, so that nobody is told of what did not happen,
//!   and nobody is not told of what did.
//! * Counters are summed over the batch and written once per issue and bucket, never once per event.
//!
//! [`Memory`] holds what filing remembers between batches (ids of names and keys). It is a cache of the database:
//! losing it costs look-ups, and it is forgotten when a batch fails or anything was removed. What other servers on the same
//! database may count is forgotten when they have filed something.

mod cap;
mod feedback;
mod item;
mod matching;
mod memory;
mod piece;
mod release;
mod rollup;
mod sessions;
mod tags;

pub use memory::{Memory, Settings};
pub use piece::{Piece, Work};
use rollup::Place;
pub use rollup::{Addition, Rollups};

use crate::alert::enqueue::{self, News};
use crate::journals;
use crate::live::Fact;
use crate::outcome::{Account, Category, Dialect, Entries, HOUR_MS, Outcome, Reason};
use crate::process::digest::Digest;
use crate::record::{Entry, Record, Sender};
use crate::storage::{self, Kept};
use crate::store::take_ids;
use bugle_db::{DbError, Param, Tx, params};
use bugle_journal::Position;
use matching::Resolved;
use std::collections::HashSet;

/// What a batch led to, for those who count and listen.
#[derive(Debug, Default)]
pub struct Filed {
    /// What changed, for open pages.
    pub facts: Vec<Fact>,
    /// The fate of each record: (dialect, category, outcome, reason, received ms).
    pub fates: Vec<(Dialect, Category, Outcome, Reason, i64)>,
    /// Whether the outbox has something new to send.
    pub has_notices: bool,
}

/// What a batch comes to before it is written: rows and counters go to the database together, which on a server is a
/// few exchanges instead of several for each event.
#[derive(Default)]
struct Gathered<'b> {
    rollups: Rollups<'b>,
    kept: Kept,
    capped: cap::Capped,
    news: Vec<News>,
    /// Rows of `events`, as [`COLUMNS`] names them.
    rows: Vec<[Param<'b>; COLUMNS.len()]>,
    /// (project, event id) that are stored, or came earlier in the batch.
    seen: HashSet<(i64, [u8; 16])>,
    /// Which issues were resolved when the batch began, and since when.
    resolved: Resolved,
    sessions: sessions::Sessions,
    releases: release::Releases,
}

const COLUMNS: [&str; 14] = [
    "id",
    "project",
    "event_id",
    "issue",
    "received_ms",
    "timestamp_ms",
    "environment",
    "release_id",
    "person",
    "grouping_id",
    "tag_set",
    "exemplar",
    "payload_bytes",
    "payload",
];

/// Files a batch of the journal `memory.settings.journal` and says how far it is filed.
pub fn file(tx: &mut Tx<'_>, memory: &mut Memory, batch: &[Piece], now_ms: i64) -> Result<Filed, DbError> {
    memory.refresh(tx)?;
    let journal = memory.settings.journal;
    let known = journals::filed(tx, journal)?;
    let batch = &batch[batch.partition_point(|piece| piece.position() <= known)..];
    let mut filed = Filed::default();
    let mut ledger = Entries::default();
    let mut gathered = Gathered { seen: stored_before(tx, batch)?, ..Gathered::default() };
    let first_row = take_ids(tx, "event_row", batch.len() as i64)?;
    for (row, piece) in (first_row..).zip(batch) {
        let fate = match piece {
            Piece::Event(work) => one(tx, memory, &mut gathered, row, work)?,
            Piece::Item(_, item) => item::file(tx, memory, &mut gathered.sessions, item, now_ms)?,
        };
        count(&mut ledger, &mut filed, &piece.sender(), fate);
    }
    let Gathered { rollups, kept, capped, news, rows, sessions, mut releases, .. } = gathered;
    tx.insert_many("events", &COLUMNS, "", &rows)?;
    memory.write_hours(tx)?;
    kept.write(tx)?;
    sessions.write(tx, &mut releases)?;
    releases.write(tx)?;
    filed.facts = rollups.write(tx, memory, &news)?;
    filed.has_notices = enqueue::enqueue(tx, memory, &rollups, &news, now_ms)?;
    capped.write(tx)?;
    filed.facts.extend(feedback::settle(tx, memory, batch, now_ms)?);
    ledger.write(tx)?;
    journals::advance(tx, journal, batch.last().map_or(0, Piece::position))?;
    Ok(filed)
}

/// Puts a record aside that cannot be filed, so that the ones behind it can. One that does not even say whose it is
/// counts for no project, so that the books of the server balance.
pub fn quarantine(
    tx: &mut Tx<'_>,
    journal: i64,
    position: Position,
    body: &[u8],
    entry: Option<&Entry>,
    error: &str,
    now_ms: i64,
) -> Result<Filed, DbError> {
    if position <= journals::filed(tx, journal)? {
        return Ok(Filed::default());
    }
    let mut sender = Sender::of(body, now_ms);
    let is_there = tx.first("SELECT 1 FROM projects WHERE id = $1", params![sender.project])?.is_some();
    if entry.is_none() && !is_there {
        // What is left of it names a project that never was.
        sender = Sender::unknown(now_ms);
    }
    let event_id = entry.and_then(Entry::event_id);
    tx.execute(
        "INSERT INTO quarantine (journal, position, at_ms, error, body, project, event_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        params![
            journal,
            position,
            now_ms,
            &error.replace('\0', ""),
            body,
            sender.project,
            event_id.as_ref().map(|id| &id.0[..])
        ],
    )?;
    let (mut ledger, mut filed) = (Entries::default(), Filed::default());
    if let Some(Entry::Event(record)) = entry.filter(|_| is_there) {
        keep_exemplar(tx, record)?;
    }
    count(&mut ledger, &mut filed, &sender, (Outcome::Discarded, Reason::Quarantined));
    ledger.write(tx)?;
    journals::advance(tx, journal, position)?;
    Ok(filed)
}

fn count(ledger: &mut Entries, filed: &mut Filed, record: &Sender, (outcome, reason): (Outcome, Reason)) {
    let account = |fate| Account {
        project: record.project,
        key: record.key,
        hour: record.received_ms / HOUR_MS,
        category: record.category,
        fate,
    };
    ledger.add(account(None), 1);
    ledger.add(account(Some((outcome, reason))), 1);
    filed.fates.push((record.dialect, record.category, outcome, reason, record.received_ms));
}

/// Files one record.
fn one<'b>(
    tx: &mut Tx<'_>,
    memory: &mut Memory,
    gathered: &mut Gathered<'b>,
    row: i64,
    work: &'b Work,
) -> Result<(Outcome, Reason), DbError> {
    let (record, digest) = (&work.record, &work.digest);
    if memory.project(tx, record.project)?.is_none() {
        return Ok((Outcome::Invalid, Reason::ProjectGone));
    }
    keep_exemplar(tx, record)?;
    if is_repeat(tx, memory, &mut gathered.seen, record)? {
        remember_repeat(tx, record)?;
        return Ok((Outcome::Invalid, Reason::Duplicate));
    }
    let release = match &digest.release {
        Some(version) => memory.release(tx, record.project, version, digest.timestamp_ms)?,
        None => 0,
    };
    let environment = match &digest.environment {
        Some(name) => memory.environment(tx, record.project, name)?,
        None => 0,
    };
    let issue = matching::issue_of(tx, memory, gathered, work, release)?;
    let parted = tags::part(tx, memory, record.project, &digest.tags)?;
    let place = Place { issue, environment, release };
    gathered.releases.add_event(record.project, release, environment, digest.timestamp_ms);
    if !cap::keeps(tx, memory, &gathered.rollups, issue, work)? {
        gathered.rollups.add(place, work, &parted, false);
        gathered.capped.add(issue, work);
        return Ok((Outcome::Discarded, Reason::IssueCap));
    }
    let grouping = memory.grouping(tx, &grouping_bytes(digest))?;
    gathered.rows.push([
        row.into(),
        record.project.into(),
        (&record.event_id.0).into(),
        issue.into(),
        record.received_ms.into(),
        digest.timestamp_ms.into(),
        environment.into(),
        release.into(),
        digest.person.into(),
        grouping.into(),
        parted.set.into(),
        record.exemplar.into(),
        i64::from(record.json_bytes).into(),
        (&record.payload).into(),
    ]);
    gathered.rollups.add(place, work, &parted, true);
    gathered.kept.add(issue, record.exemplar, &record.payload);
    Ok((Outcome::Stored, Reason::None))
}

/// Which events of a batch were stored before it.
fn stored_before(tx: &mut Tx<'_>, batch: &[Piece]) -> Result<HashSet<(i64, [u8; 16])>, DbError> {
    let records = || batch.iter().filter_map(Piece::event).map(|work| &work.record);
    let ids = records().map(|record| (record.project, record.event_id.0));
    let asked: Vec<[Param<'_>; 2]> =
        records().map(|record| [record.project.into(), (&record.event_id.0).into()]).collect();
    let found = tx.query_each("SELECT 1 FROM events WHERE project = $1 AND event_id = $2", &asked)?;
    Ok(ids.zip(found).filter(|(_, rows)| !rows.is_empty()).map(|(id, _)| id).collect())
}

/// Whether an event with this id was filed before, or counted and not kept within the last day. Notes the id.
fn is_repeat(
    tx: &mut Tx<'_>,
    memory: &mut Memory,
    seen: &mut HashSet<(i64, [u8; 16])>,
    record: &Record,
) -> Result<bool, DbError> {
    if !seen.insert((record.project, record.event_id.0)) {
        return Ok(true);
    }
    let id = params![record.project, &record.event_id.0];
    Ok(memory.has_capped(tx, record.project)?
        && tx.first("SELECT 1 FROM capped_events WHERE project = $1 AND event_id = $2", id)?.is_some())
}

/// So that whoever asks for the event is told, for a day, that it came more than once.
fn remember_repeat(tx: &mut Tx<'_>, record: &Record) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO repeats (project, event_id, times, last_ms) VALUES ($1, $2, 1, $3) \
         ON CONFLICT (project, event_id) DO UPDATE SET times = repeats.times + 1, last_ms = excluded.last_ms",
        params![record.project, &record.event_id.0, record.received_ms],
    )
    .map(drop)
}

/// The exemplar is kept even when the event that brought it is a repeat or is put aside: others may rely on it.
fn keep_exemplar(tx: &mut Tx<'_>, record: &Record) -> Result<(), DbError> {
    if record.exemplar_body.is_empty() {
        return Ok(());
    }
    let added = tx.execute(
        "INSERT INTO exemplars (id, project, family, created_ms, body) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO NOTHING",
        params![record.exemplar, record.project, record.family, record.received_ms, &record.exemplar_body],
    )?;
    match added {
        0 => Ok(()),
        _ => storage::count_exemplars(tx, record.project, 1, record.exemplar_body.len() as i64),
    }
}

/// A set of keys as `groupings` stores it: version, then kind and hash of each.
fn grouping_bytes(digest: &Digest) -> Vec<u8> {
    let mut bytes = vec![digest.grouping_version];
    for (kind, hash) in &digest.keys {
        bytes.push(*kind as u8);
        bytes.extend(hash);
    }
    bytes
}

#[cfg(test)]
mod tests;
