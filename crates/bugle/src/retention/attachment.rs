//! Attachments: they go with their events, by their own age, and for their size when no event is left to take.
//!
//! An attachment may come without its event. So age counts from its own receipt, by the days of its project.

use super::{DAY_MS, Round, STEP_ROWS};
use crate::attachment;
use crate::storage::ROW_BYTES;
use crate::storage::bounds::Bounds;
use bugle_db::{DbError, Tx};
use std::collections::BTreeMap;

/// Attachments removed in one transaction: each may be tens of megabytes.
const STEP_ATTACHMENTS: i64 = 20;
const _: () = assert!(STEP_ATTACHMENTS as usize <= STEP_ROWS);

/// Which projects have attachments, so that events of others go without a look-up each.
#[derive(Default)]
pub(super) struct Attached(BTreeMap<i64, bool>);

impl Attached {
    /// Removes those of an event that has gone.
    pub(super) fn remove(&mut self, tx: &mut Tx<'_>, project: i64, event_id: &[u8; 16]) -> Result<(), DbError> {
        let has_any = match self.0.get(&project) {
            Some(known) => *known,
            None => *self.0.entry(project).or_insert(attachment::has_any(tx, project)?),
        };
        if has_any { attachment::remove_of_event(tx, project, event_id) } else { Ok(()) }
    }
}

/// Removes what is older than the days of its project.
pub(super) fn remove_old(
    round: &mut Round<'_>,
    bounds: &BTreeMap<i64, Bounds>,
    reckoned_ms: i64,
) -> Result<(), DbError> {
    for (&project, bounds) in bounds {
        let before_ms = reckoned_ms - bounds.retention_days * DAY_MS;
        loop {
            let step = move |tx: &mut Tx<'_>| attachment::remove_oldest(tx, project, before_ms, STEP_ATTACHMENTS);
            // Nearly always there is nothing, and looking must not wait for the writer.
            let has_old = round.db.read_now(move |tx| attachment::has_before(tx, project, before_ms))?;
            if !has_old || round.db.write_now(step)?.0 == 0 {
                break;
            }
            if !(round.breathe)() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Removes the oldest of each project until it has given as many bytes as it needs to.
pub(super) fn remove_bytes(round: &mut Round<'_>, needs: BTreeMap<i64, i64>) -> Result<(), DbError> {
    for (project, mut need) in needs {
        while need > 0 {
            let (removed, bytes) = round.db.write_now(move |tx| attachment::remove_oldest(tx, project, i64::MAX, 1))?;
            need -= bytes + removed * ROW_BYTES;
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
