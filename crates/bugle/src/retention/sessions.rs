//! Sessions: their ids go when no update can come any more, people with the project's days, sums and events by release later.

use super::{DAY_MS, Round, STEP_ROWS};
use crate::storage::bounds::Bounds;
use bugle_db::{DbError, Tx, params};
use std::collections::BTreeMap;

/// How long ids are kept, in days: updates come for five, and what waits to be filed has two more.
const IDS_DAYS: i64 = 7;
/// How long sums are kept at least, in days: a year and a month to compare with.
const SUMS_DAYS: i64 = 400;

/// Removes what is over age, in steps.
pub(super) fn remove(round: &mut Round<'_>, bounds: &BTreeMap<i64, Bounds>, reckoned_ms: i64) -> Result<(), DbError> {
    let today = reckoned_ms.div_euclid(DAY_MS);
    for (&project, bounds) in bounds {
        let (ids_before, people_before) = (today - IDS_DAYS, today - bounds.retention_days);
        let hours_before = (today - bounds.retention_days.max(SUMS_DAYS)) * 24;
        // Said first, so that `bugle check` does not miss the rows that go one step after the other.
        round.db.write_now(move |tx| {
            tx.execute(
                "UPDATE session_days SET ids = 0 WHERE project = $1 AND day < $2 AND ids > 0",
                params![project, ids_before],
            )?;
            tx.execute("DELETE FROM session_days WHERE project = $1 AND day < $2", params![project, people_before])
        })?;
        for (sql, before) in [
            (
                "DELETE FROM session_ids WHERE (project, day, sid) IN \
                 (SELECT project, day, sid FROM session_ids WHERE project = $1 AND day < $2 LIMIT $3)",
                ids_before,
            ),
            (
                "DELETE FROM session_people WHERE (project, day, release_id, environment, person) IN \
                 (SELECT project, day, release_id, environment, person FROM session_people \
                  WHERE project = $1 AND day < $2 LIMIT $3)",
                people_before,
            ),
            (
                "DELETE FROM session_hours WHERE (project, hour, release_id, environment, by_id) IN \
                 (SELECT project, hour, release_id, environment, by_id FROM session_hours \
                  WHERE project = $1 AND hour < $2 LIMIT $3)",
                hours_before,
            ),
            (
                "DELETE FROM release_hours WHERE (project, hour, release_id, environment) IN \
                 (SELECT project, hour, release_id, environment FROM release_hours \
                  WHERE project = $1 AND hour < $2 LIMIT $3)",
                hours_before,
            ),
        ] {
            loop {
                let step = move |tx: &mut Tx<'_>| tx.execute(sql, params![project, before, STEP_ROWS as i64]);
                let removed = round.db.write_now(step)?;
                if removed == 0 {
                    break;
                }
                if !(round.breathe)() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}
