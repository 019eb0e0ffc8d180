//! What did not come and what does not end.
//!
//! [`Patrol::look`] is called each second. It judges only a moment up to which everything that this server has acknowledged
//! is filed, so that a run is not missed because the worker is behind; what another server files later takes a missed run
//! back ([`super::filing`]). What is found is written in the transaction that finds it, and moves the environment on: over
//! restarts, and with several servers, it is found once. A server that was off finds, at its start, every run that did not
//! come meanwhile, up to [`MISSED_MAX`] per environment; further ones are passed over.

use super::filing::settle;
use super::{Config, config};
use crate::app::App;
use crate::store::take_ids;
use bugle_db::{DbError, Tx, params};
use bugle_journal::Position;
use std::sync::atomic::Ordering;

/// Environments and runs that one look writes: the next comes a second later.
const STEP_ROWS: i64 = 200;
/// Missed runs that are written one by one for an environment in one look: a week of hours.
const MISSED_MAX: usize = 168;

/// The duty, from one look to the next.
#[derive(Debug, Default)]
pub struct Patrol {
    /// A moment, and the last record that was acknowledged by then.
    mark: Option<(i64, Position)>,
}

/// What a look has found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Runs that did not begin.
    pub missed: i64,
    /// Runs that did not end.
    pub timed_out: i64,
}

impl Patrol {
    /// Finds what was due by a moment that everything before has been filed for.
    pub async fn look(&mut self, app: &App, now_ms: i64) -> Result<Found, DbError> {
        let (at_ms, last) = *self.mark.get_or_insert((now_ms, app.door.journal.last()));
        if app.filed.load(Ordering::Acquire) < last {
            return Ok(Found::default());
        }
        self.mark = None;
        // Most seconds nothing is due, and a look must not wait for the writer.
        if !app.store.read(move |tx| is_any_due(tx, at_ms)).await? {
            return Ok(Found::default());
        }
        app.store.write(move |tx| find(tx, at_ms)).await
    }
}

fn is_any_due(tx: &mut Tx<'_>, now_ms: i64) -> Result<bool, DbError> {
    let due = "SELECT 1 FROM monitor_environments WHERE due_ms < $1 LIMIT 1";
    let late = "SELECT 1 FROM check_ins WHERE status = 'in_progress' AND deadline_ms < $1 LIMIT 1";
    Ok(tx.first(due, params![now_ms])?.is_some() || tx.first(late, params![now_ms])?.is_some())
}

/// Writes what was due by now. The rule itself; the clock is an argument.
pub fn find(tx: &mut Tx<'_>, now_ms: i64) -> Result<Found, DbError> {
    let mut found = Found::default();
    let due = "SELECT e.monitor, e.environment, e.next_ms, m.config FROM monitor_environments e \
               JOIN monitors m ON m.id = e.monitor WHERE e.due_ms < $1 ORDER BY e.due_ms LIMIT $2";
    for row in tx.query(due, params![now_ms, STEP_ROWS])? {
        let (monitor, environment, next_ms): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let config = config(&row.get::<String>(3)?);
        found.missed += missed(tx, monitor, &environment, next_ms, &config, now_ms)?;
        settle(tx, monitor, &environment, &config)?;
    }
    let late = "SELECT c.id, c.monitor, c.environment, m.config FROM check_ins c JOIN monitors m ON m.id = c.monitor \
                WHERE c.status = 'in_progress' AND c.deadline_ms < $1 LIMIT $2";
    for row in tx.query(late, params![now_ms, STEP_ROWS])? {
        let (id, monitor, environment): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        tx.execute("UPDATE check_ins SET status = 'timeout', deadline_ms = NULL WHERE id = $1", params![id])?;
        settle(tx, monitor, &environment, &config(&row.get::<String>(3)?))?;
        found.timed_out += 1;
    }
    Ok(found)
}

/// Writes the runs of one environment that did not come, and moves it on.
fn missed(
    tx: &mut Tx<'_>,
    monitor: i64,
    environment: &str,
    first_ms: i64,
    config: &Config,
    now_ms: i64,
) -> Result<i64, DbError> {
    let (mut count, mut next) = (0, Some((first_ms, first_ms + config.margin_ms())));
    for _ in 0..MISSED_MAX {
        let Some((expected_ms, due_ms)) = next.filter(|(_, due_ms)| *due_ms < now_ms) else { break };
        let mut id = [0; 16];
        id[8..].copy_from_slice(&expected_ms.to_be_bytes());
        let row = take_ids(tx, "check_in_row", 1)?;
        count += tx.execute(
            "INSERT INTO check_ins (id, monitor, environment, check_in_id, status, began_ms, deadline_ms) \
             VALUES ($1, $2, $3, $4, 'missed', $5, $6) ON CONFLICT (monitor, environment, check_in_id) DO NOTHING",
            params![row, monitor, environment, &id, expected_ms, due_ms],
        )? as i64;
        next = config.next_after(expected_ms);
    }
    // Far behind: what is further back than that is passed over.
    if next.is_some_and(|(_, due_ms)| due_ms < now_ms) {
        next = config.next_after(now_ms);
    }
    tx.execute(
        "UPDATE monitor_environments SET next_ms = $3, due_ms = $4 WHERE monitor = $1 AND environment = $2",
        params![monitor, environment, next.map(|(next_ms, _)| next_ms), next.map(|(_, due_ms)| due_ms)],
    )?;
    Ok(count)
}
