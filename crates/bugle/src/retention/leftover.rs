//! Leftovers: what has served, beside events.

use super::{DAY_MS, Round, STEP_ROWS};
use crate::filter::drops;
use crate::monitor::runs;
use bugle_db::{DbError, params};

/// How long notices are listed after they were sent, in ms.
pub const OUTBOX_MS: i64 = 30 * DAY_MS;
/// How long the ids of capped events are remembered, in ms.
const CAPPED_MS: i64 = DAY_MS;
/// How long hours of the cap are remembered, in hours.
const CAP_HOURS: i64 = 48;
/// How long it is known which issues were capped, in ms: as far as the ledger page looks back.
pub const CAPPED_HOURS_MS: i64 = 92 * DAY_MS;
/// How long warnings about limits are remembered, in ms: longer than the month or day that they are about.
const WARNINGS_MS: i64 = 62 * DAY_MS;

/// Ids of capped events, hours of the cap, sessions, invites, notices.
pub(super) fn remove(round: &mut Round<'_>, reckoned_ms: i64) -> Result<(), DbError> {
    loop {
        // A flood leaves many of them, so they go in steps.
        let removed = round.db.write_now(move |tx| {
            tx.execute(
                "DELETE FROM capped_events WHERE (project, event_id) IN \
                 (SELECT project, event_id FROM capped_events WHERE at_ms < $1 LIMIT $2)",
                params![reckoned_ms - CAPPED_MS, STEP_ROWS as i64],
            )
        })?;
        if removed == 0 || !(round.breathe)() {
            break;
        }
    }
    while round.db.write_now(move |tx| runs::trim(tx, reckoned_ms - runs::RUNS_MS, STEP_ROWS as i64))? > 0 {
        if !(round.breathe)() {
            break;
        }
    }
    round.db.write_now(move |tx| {
        tx.execute("DELETE FROM issue_hours WHERE hour < $1", params![reckoned_ms / 3_600_000 - CAP_HOURS])?;
        tx.execute("DELETE FROM capped_hours WHERE hour < $1", params![(reckoned_ms - CAPPED_HOURS_MS) / 3_600_000])?;
        tx.execute("DELETE FROM filter_drops WHERE day < $1", params![reckoned_ms / DAY_MS - drops::DAYS_KEPT])?;
        tx.execute("DELETE FROM limit_warnings WHERE at_ms < $1", params![reckoned_ms - WARNINGS_MS])?;
        tx.execute("DELETE FROM sessions WHERE expires_ms < $1", params![reckoned_ms])?;
        tx.execute("DELETE FROM invites WHERE expires_ms < $1", params![reckoned_ms])?;
        tx.execute("DELETE FROM outbox WHERE state <> 'waiting' AND done_ms < $1", params![reckoned_ms - OUTBOX_MS])
    })?;
    Ok(())
}
