//! Feedback: by its project's days, and the oldest of what is more than a project keeps.

use super::{DAY_MS, Round, STEP_ROWS};
use crate::feedback::KEPT_MAX;
use crate::storage::bounds::Bounds;
use bugle_db::{DbError, params};
use std::collections::BTreeMap;

/// Removes what is too old or too much, in steps.
pub(super) fn remove(round: &mut Round<'_>, bounds: &BTreeMap<i64, Bounds>, reckoned_ms: i64) -> Result<(), DbError> {
    for (&project, bounds) in bounds {
        let before_ms = reckoned_ms - bounds.retention_days * DAY_MS;
        loop {
            let removed = round.db.write_now(move |tx| {
                // The oldest that may stay for its number; none: there are fewer.
                let last = tx.first(
                    "SELECT received_ms FROM feedback WHERE project = $1 ORDER BY received_ms DESC LIMIT 1 OFFSET $2",
                    params![project, KEPT_MAX - 1],
                )?;
                let most_ms = last.map(|row| row.get::<i64>(0)).transpose()?.map_or(before_ms, |ms| before_ms.max(ms));
                tx.execute(
                    "DELETE FROM feedback WHERE id IN \
                     (SELECT id FROM feedback WHERE project = $1 AND received_ms < $2 ORDER BY received_ms LIMIT $3)",
                    params![project, most_ms, STEP_ROWS as i64],
                )
            })?;
            if removed == 0 {
                break;
            }
            if !(round.breathe)() {
                return Ok(());
            }
        }
    }
    Ok(())
}
