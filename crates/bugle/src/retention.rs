//! Retention: what is older than it may be goes, in small steps, and its disk comes back.
//!
//! Owns: the deletion of events by age, of exemplars that nothing can need any more, of ids, sessions and notices that
//! have served. Counts, first and last seen of an issue survive: what its rows were stays as `expired`.
//!
//! **Why steps.** One transaction removes at most [`STEP_ROWS`] rows, so filing never waits long. Events are numbered in
//! the order of filing, so the oldest are at the front of the table and no index by time is needed.
//!
//! **Exemplars.** One serves for at most a day, so exemplars made a day before the oldest event that may be there have
//! no dependents. A clock that jumped can break that rule, and a payload without its exemplar is lost, so the events are
//! asked as well ([`unneeded_exemplars`], on a reading connection: it looks at the whole table).

use crate::payload::EXEMPLAR_MS_MAX;
use bugle_db::{DbError, Tx, params};
use std::collections::BTreeMap;

/// Rows that one step removes.
pub const STEP_ROWS: i64 = 500;

const DAY_MS: i64 = 86_400_000;

/// How long notices are listed after they were sent, in ms.
pub const OUTBOX_MS: i64 = 30 * DAY_MS;

/// How long it is known which issues were capped, in ms: as far as the ledger page looks back.
pub const CAPPED_HOURS_MS: i64 = 92 * DAY_MS;
/// How long warnings about limits are remembered, in ms: longer than the month or day that they are about.
const WARNINGS_MS: i64 = 62 * DAY_MS;

/// One step. True if there may be more to remove.
pub fn step(tx: &mut Tx<'_>, retention_days: i64, now_ms: i64) -> Result<bool, DbError> {
    let before_ms = now_ms - retention_days * DAY_MS;
    if expire_events(tx, before_ms)? {
        return Ok(true);
    }
    tx.execute("DELETE FROM capped_events WHERE at_ms < $1", params![now_ms - DAY_MS])?;
    tx.execute("DELETE FROM repeats WHERE last_ms < $1", params![now_ms - DAY_MS])?;
    tx.execute("DELETE FROM capped_hours WHERE hour < $1", params![(now_ms - CAPPED_HOURS_MS) / 3_600_000])?;
    tx.execute("DELETE FROM issue_hours WHERE hour < $1", params![now_ms / 3_600_000 - 48])?;
    tx.execute("DELETE FROM sessions WHERE expires_ms < $1", params![now_ms])?;
    tx.execute("DELETE FROM invites WHERE expires_ms < $1", params![now_ms])?;
    tx.execute("DELETE FROM outbox WHERE state <> 'waiting' AND done_ms < $1", params![now_ms - OUTBOX_MS])?;
    tx.execute("DELETE FROM limit_warnings WHERE at_ms < $1", params![now_ms - WARNINGS_MS])?;
    Ok(false)
}

/// Exemplars that no event needs and, because they are more than a day older than anything, no event ever will. Only to be
/// asked while nothing waits in the journal.
pub fn unneeded_exemplars(tx: &mut Tx<'_>, retention_days: i64, now_ms: i64) -> Result<Vec<i64>, DbError> {
    let before_ms = now_ms - retention_days * DAY_MS - EXEMPLAR_MS_MAX;
    let rows = tx.query(
        "SELECT x.id FROM exemplars x LEFT JOIN (SELECT DISTINCT exemplar FROM events) e ON e.exemplar = x.id \
         WHERE x.created_ms < $1 AND e.exemplar IS NULL LIMIT $2",
        params![before_ms, STEP_ROWS],
    )?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Removes exemplars that [`unneeded_exemplars`] has named.
pub fn remove_exemplars(tx: &mut Tx<'_>, ids: &[i64]) -> Result<(), DbError> {
    for id in ids {
        tx.execute("DELETE FROM exemplars WHERE id = $1", params![*id])?;
    }
    Ok(())
}

/// Removes the oldest events that are over age. True if there may be more.
fn expire_events(tx: &mut Tx<'_>, before_ms: i64) -> Result<bool, DbError> {
    let rows = tx.query("SELECT id, issue, received_ms FROM events ORDER BY id LIMIT $1", params![STEP_ROWS])?;
    let mut by_issue: BTreeMap<i64, i64> = BTreeMap::new();
    let mut removed = 0;
    for row in &rows {
        // A clock that jumped may have left a young row among old ones; it goes when its time comes.
        if row.get::<i64>(2)? >= before_ms {
            continue;
        }
        tx.execute("DELETE FROM events WHERE id = $1", params![row.get::<i64>(0)?])?;
        *by_issue.entry(row.get(1)?).or_default() += 1;
        removed += 1;
    }
    for (issue, count) in by_issue {
        tx.execute("UPDATE issues SET expired = expired + $2 WHERE id = $1", params![issue, count])?;
    }
    Ok(removed > 0)
}
