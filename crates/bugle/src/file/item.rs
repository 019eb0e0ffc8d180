//! What is no event, on its way to the module that keeps it.

use super::Memory;
use super::sessions::Sessions;
use crate::attachment;
use crate::monitor;
use crate::outcome::{Outcome, Reason};
use crate::record::{Item, Kind};
use bugle_db::{DbError, Tx, params};

/// Files one item.
pub(super) fn file(
    tx: &mut Tx<'_>,
    memory: &mut Memory,
    sessions: &mut Sessions,
    item: &Item,
    _now_ms: i64,
) -> Result<(Outcome, Reason), DbError> {
    if memory.project(tx, item.sender.project)?.is_none() {
        return Ok((Outcome::Invalid, Reason::ProjectGone));
    }
    match item.kind {
        Kind::Attachment => attachment::file(tx, item, |tx| is_capped(tx, memory, item)),
        Kind::Feedback => super::feedback::file(tx, item),
        Kind::Sessions => sessions.add(tx, memory, item),
        Kind::CheckIn => monitor::filing::file(tx, item),
    }
}

/// Whether its event was counted and not kept, within the last day.
fn is_capped(tx: &mut Tx<'_>, memory: &mut Memory, item: &Item) -> Result<bool, DbError> {
    let project = item.sender.project;
    let Some(event_id) = item.event_id else { return Ok(false) };
    let sql = "SELECT 1 FROM capped_events WHERE project = $1 AND event_id = $2";
    Ok(memory.has_capped(tx, project)? && tx.first(sql, params![project, &event_id.0])?.is_some())
}
