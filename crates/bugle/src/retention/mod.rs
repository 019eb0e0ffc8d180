//! Retention: what is older or more than it may be goes, in small steps, and its disk comes back.
//!
//! Owns: the deletion of events by age, by count per issue and by bytes, of exemplars that nothing needs, and of ids,
//! sessions and notices that have served. Counts, first and last seen of an issue survive: what its rows were stays as
//! `expired` on the issue.
//!
//! **A round** ([`Retention::round`]) goes through everything, in this order, so that what must go anyway is gone before
//! anything goes for its size:
//!
//! | step | removes | in |
//! |---|---|---|
//! | exemplars | those that the last round condemned and that still nothing needs | [`exemplar`] |
//! | age | events received before the project's days of retention | [`age`] |
//! | attachments | those that came before the project's days of retention, with or without an event | [`attachment`] |
//! | count | the oldest events of issues that have more than the project's bound | [`count`] |
//! | bytes | the oldest events of projects over their bound, then of the biggest projects while the database is over its own | [`bytes`] |
//! | sessions | ids of sessions, people by release, sums that are older still | [`sessions`] |
//! | feedback | what people said, by the project's days and number | [`feedback`] |
//! | leftovers | ids of capped events, days of people, sessions, invites, notices | [`leftover`] |
//! | disk | – (free pages of the file go back to the file system) | here |
//!
//! **Why steps.** What goes is looked for on a reading connection, and goes in transactions of at most [`STEP_ROWS`] rows with
//! a breath between two of them, so filing never waits long. Between reading and removing a row may have gone otherwise; each
//! removal counts what it did remove ([`Removed`]).
//!
//! **Time.** A clock that jumps ahead must not cost a quarter of events. So age counts by a time that is reckoned: it lives in
//! `state`, follows the clock back at once, and ahead by at most [`CATCH_UP`] times what this process has lived since the last
//! round. A clock that is a year ahead for an hour costs a day of the oldest events; a server that was off for a month is
//! up to date after a day and a half.

mod age;
mod attachment;
mod bytes;
mod count;
mod exemplar;
mod feedback;
mod leftover;
mod sessions;

use crate::storage::bounds::{self, Bounds};
use crate::store::state;
use bugle_db::{Database, DbError, Tx, params};
use std::collections::BTreeMap;

pub use leftover::OUTBOX_MS;

/// Rows that one transaction removes.
const STEP_ROWS: usize = 500;
/// Rows that are looked at in one query.
const PAGE_ROWS: i64 = 5_000;
/// Pages of the database's file that are given back to the disk at a time: 4 MiB.
const GIVE_BACK_PAGES: u32 = 1_000;
/// How much faster than real time the reckoned time may catch up with the clock.
const CATCH_UP: i64 = 24;

const DAY_MS: i64 = 86_400_000;

/// What may be kept.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What a project keeps that says nothing of its own.
    pub bounds: Bounds,
    /// Bytes of the whole database; 0: any number.
    pub store_bytes_max: i64,
}

/// The duty, from one round to the next.
#[derive(Debug)]
pub struct Retention {
    settings: Settings,
    /// Exemplars that nothing needed at the last round.
    condemned: Vec<i64>,
    /// The day, and each project's days, of the last walk by age.
    walked: Option<(i64, BTreeMap<i64, i64>)>,
}

/// What a round is given.
pub struct Round<'r> {
    /// The database.
    pub db: &'r Database,
    /// Unix ms, by the clock.
    pub now_ms: i64,
    /// How long this process has lived since the last round, or at all before the first, in ms. Not by the clock.
    pub lived_ms: i64,
    /// Told of exemplars that must not be lent to new events any more.
    pub forget: &'r dyn Fn(&[i64]),
    /// Waits for a while until everything that was acknowledged before the call is filed. False: it is not.
    pub has_filed: &'r dyn Fn() -> bool,
    /// Called between steps. False: stop here; the next round goes on.
    pub breathe: &'r mut dyn FnMut() -> bool,
}

/// What a round has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Events removed.
    pub events: i64,
    /// Exemplars removed.
    pub exemplars: i64,
    /// The time by which it judged age, Unix ms.
    pub reckoned_ms: i64,
    /// Whether the database is over its bound and what is left are counters, or too few events to take from.
    pub is_over: bool,
}

impl Retention {
    /// Before the first round.
    pub fn new(settings: Settings) -> Retention {
        Retention { settings, condemned: Vec::new(), walked: None }
    }

    /// One round.
    pub fn round(&mut self, mut round: Round<'_>) -> Result<Done, DbError> {
        let (now_ms, lived_ms, server) = (round.now_ms, round.lived_ms, self.settings.bounds);
        let reckoned_ms = round.db.write_now(move |tx| reckon(tx, now_ms, lived_ms))?;
        let bounds = round.db.read_now(move |tx| bounds::of_projects(tx, server))?;
        let mut done = Done { reckoned_ms, ..Done::default() };
        done.exemplars = exemplar::remove(&mut round, std::mem::take(&mut self.condemned))?;
        done.events += self.by_age(&mut round, &bounds, reckoned_ms)?;
        attachment::remove_old(&mut round, &bounds, reckoned_ms)?;
        done.events += count::remove(&mut round, &bounds)?;
        done.events += bytes::remove(&mut round, &bounds, self.settings.store_bytes_max, &mut done.is_over)?;
        feedback::remove(&mut round, &bounds, reckoned_ms)?;
        leftover::remove(&mut round, reckoned_ms)?;
        sessions::remove(&mut round, &bounds, reckoned_ms)?;
        self.condemned = exemplar::condemn(&round, reckoned_ms)?;
        while round.db.give_back(GIVE_BACK_PAGES)? > 0 && (round.breathe)() {}
        Ok(done)
    }

    /// The walk by age: each round where all projects have the same days, since it ends at once where nothing is old; else
    /// once a day, or when a project's days have changed.
    fn by_age(
        &mut self,
        round: &mut Round<'_>,
        bounds: &BTreeMap<i64, Bounds>,
        reckoned_ms: i64,
    ) -> Result<i64, DbError> {
        let days: BTreeMap<i64, i64> = bounds.iter().map(|(id, bounds)| (*id, bounds.retention_days)).collect();
        let is_uniform = days.values().all(|days| Some(days) == bounds.values().next().map(|one| &one.retention_days));
        let walk = Some((reckoned_ms / DAY_MS, days));
        if !is_uniform && self.walked == walk {
            return Ok(0);
        }
        let (removed, is_whole) = age::remove(round, bounds, reckoned_ms)?;
        self.walked = if is_whole { walk } else { None };
        Ok(removed)
    }
}

/// The time by which age is judged. See the module comment.
fn reckon(tx: &mut Tx<'_>, now_ms: i64, lived_ms: i64) -> Result<i64, DbError> {
    let last_ms = state(tx, "reckoned_ms")?;
    let reckoned_ms = match last_ms {
        0 => now_ms,
        _ => now_ms.min(last_ms.saturating_add(lived_ms.saturating_mul(CATCH_UP))),
    };
    tx.execute("UPDATE state SET value = $1 WHERE name = 'reckoned_ms'", params![reckoned_ms])?;
    Ok(reckoned_ms)
}

/// What rows of events were, when they have gone: by issue and exemplar, events and bytes.
#[derive(Debug, Default)]
pub struct Removed(BTreeMap<(i64, i64), (i64, i64)>);

impl Removed {
    /// Takes it from the counters of storage and adds it to what has expired. How many events it was.
    fn write(&self, tx: &mut Tx<'_>) -> Result<i64, DbError> {
        let mut by_issue: BTreeMap<i64, i64> = BTreeMap::new();
        for (&(issue, exemplar), &(events, bytes)) in &self.0 {
            tx.execute(
                "UPDATE issue_storage SET events = events - $3, bytes = bytes - $4 WHERE issue = $1 AND exemplar = $2",
                params![issue, exemplar, events, bytes],
            )?;
            tx.execute(
                "DELETE FROM issue_storage WHERE issue = $1 AND exemplar = $2 AND events <= 0",
                params![issue, exemplar],
            )?;
            *by_issue.entry(issue).or_default() += events;
        }
        for (issue, events) in &by_issue {
            tx.execute("UPDATE issues SET expired = expired + $2 WHERE id = $1", params![*issue, *events])?;
        }
        Ok(by_issue.values().sum())
    }
}

/// Removes the rows of these events, in steps. How many there were; false when it was stopped on the way.
fn remove_events(round: &mut Round<'_>, rows: &[i64]) -> Result<(i64, bool), DbError> {
    let mut count = 0;
    for rows in rows.chunks(STEP_ROWS) {
        let rows = rows.to_vec();
        count += round.db.write_now(move |tx| {
            let mut removed = Removed::default();
            let mut attached = attachment::Attached::default();
            for row in rows {
                let gone = tx.first(
                    "DELETE FROM events WHERE id = $1 \
                     RETURNING issue, exemplar, CAST(LENGTH(payload) AS BIGINT), project, event_id",
                    params![row],
                )?;
                if let Some(gone) = gone {
                    attached.remove(tx, gone.get(3)?, &gone.get::<[u8; 16]>(4)?)?;
                    let sum = removed.0.entry((gone.get(0)?, gone.get(1)?)).or_default();
                    *sum = (sum.0 + 1, sum.1 + gone.get::<i64>(2)?);
                }
            }
            removed.write(tx)
        })?;
        if !(round.breathe)() {
            return Ok((count, false));
        }
    }
    Ok((count, true))
}
