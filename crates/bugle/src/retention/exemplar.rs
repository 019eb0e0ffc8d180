//! Exemplars: what payloads are compressed against goes when nothing needs it, and never before: without its exemplar a
//! payload is lost.
//!
//! **Who may need one.** Rows of events: `issue_storage` counts them by exemplar. Records that are acknowledged and not filed: so
//! nothing goes before everything is filed that was acknowledged until now. Events to come: an exemplar serves for a day, two where the clock was set
//! back (`receive::families`), so younger ones stay.
//!
//! **Two rounds.** A clock that jumps could make one old here and young again at the door. So one that seems unneeded is
//! condemned first: the door forgets it, and nothing lends it any more. A round later, when every request that could have
//! borrowed it before has long been answered and filed, it goes, if still nothing needs it. Who is condemned is kept in
//! memory only, like what the door lends: a restart begins with both anew.

use super::{DAY_MS, Round, STEP_ROWS};
use crate::journals;
use crate::payload::EXEMPLAR_MS_MAX;
use crate::storage::count_exemplars;
use bugle_db::{DbError, params};

/// Exemplars that are condemned in one round.
const CONDEMNED_MAX: i64 = 50_000;

/// Those that nothing needs, as far as rows and time can tell. The door is told.
pub(super) fn condemn(round: &Round<'_>, reckoned_ms: i64) -> Result<Vec<i64>, DbError> {
    let ids = round.db.read_now(move |tx| {
        // What waits in the journal of another server was received after that was idle, and needs nothing older by a day.
        let idle_ms = journals::idle_since_ms(tx)?.unwrap_or(reckoned_ms);
        let before_ms = reckoned_ms.min(idle_ms) - EXEMPLAR_MS_MAX - DAY_MS;
        let rows = tx.query(
            "SELECT x.id FROM exemplars x WHERE x.created_ms < $1 \
             AND NOT EXISTS (SELECT 1 FROM issue_storage s WHERE s.exemplar = x.id) ORDER BY x.created_ms LIMIT $2",
            params![before_ms, CONDEMNED_MAX],
        )?;
        rows.iter().map(|row| row.get(0)).collect::<Result<Vec<i64>, _>>()
    })?;
    (round.forget)(&ids);
    Ok(ids)
}

/// Removes those that were condemned and that still nothing needs. How many.
pub(super) fn remove(round: &mut Round<'_>, condemned: Vec<i64>) -> Result<i64, DbError> {
    let mut count = 0;
    // What is not removed now is condemned again at the end of this round.
    if condemned.is_empty() || !(round.has_filed)() {
        return Ok(0);
    }
    for ids in condemned.chunks(STEP_ROWS) {
        let ids = ids.to_vec();
        count += round.db.write_now(move |tx| {
            let mut count = 0;
            for id in ids {
                let gone = tx.first(
                    "DELETE FROM exemplars WHERE id = $1 \
                     AND NOT EXISTS (SELECT 1 FROM issue_storage s WHERE s.exemplar = exemplars.id) \
                     RETURNING project, CAST(LENGTH(body) AS BIGINT)",
                    params![id],
                )?;
                if let Some(gone) = gone {
                    count_exemplars(tx, gone.get(0)?, -1, -gone.get::<i64>(1)?)?;
                    count += 1;
                }
            }
            Ok(count)
        })?;
        if !(round.breathe)() {
            break;
        }
    }
    Ok(count)
}
