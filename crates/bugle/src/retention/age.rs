//! By age: a walk from the oldest row on.
//!
//! Events are numbered in the order of filing, so the oldest stand at the front of the table and no index by time is needed. The
//! walk ends where nobody's retention reaches: at the first page with a row that is younger than every project's days, and none
//! that is older. Rows from the future were filed while the clock was ahead; they say nothing about where the walk is.

use super::{DAY_MS, PAGE_ROWS, Round, remove_events};
use crate::storage::bounds::Bounds;
use bugle_db::{DbError, Tx, params};
use std::collections::BTreeMap;

/// Removes what is over age. How many events, and whether the walk came to its end.
pub(super) fn remove(
    round: &mut Round<'_>,
    bounds: &BTreeMap<i64, Bounds>,
    reckoned_ms: i64,
) -> Result<(i64, bool), DbError> {
    let before_ms: BTreeMap<i64, i64> =
        bounds.iter().map(|(id, bounds)| (*id, reckoned_ms - bounds.retention_days * DAY_MS)).collect();
    let Some(&last_before_ms) = before_ms.values().max() else { return Ok((0, true)) };
    let (mut after, mut count) = (0, 0);
    loop {
        let page = round.db.read_now(move |tx| page(tx, after))?;
        let Some(&(last, ..)) = page.last() else { return Ok((count, true)) };
        let is_over = |&&(_, project, received_ms): &&(i64, i64, i64)| {
            before_ms.get(&project).is_some_and(|before_ms| received_ms < *before_ms)
        };
        let over: Vec<i64> = page.iter().filter(is_over).map(|row| row.0).collect();
        let (removed, goes_on) = remove_events(round, &over)?;
        count += removed;
        let present = last_before_ms..reckoned_ms + DAY_MS;
        let is_past = page.iter().all(|row| row.2 >= last_before_ms) && page.iter().any(|row| present.contains(&row.2));
        if !goes_on || is_past {
            return Ok((count, goes_on));
        }
        after = last;
    }
}

/// The next rows: id, project, time of receipt.
fn page(tx: &mut Tx<'_>, after: i64) -> Result<Vec<(i64, i64, i64)>, DbError> {
    let rows = tx.query(
        "SELECT id, project, received_ms FROM events WHERE id > $1 ORDER BY id LIMIT $2",
        params![after, PAGE_ROWS],
    )?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).collect()
}
