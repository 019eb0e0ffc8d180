//! What is no event, on its way to the module that keeps it.

use super::Memory;
use super::sessions::Sessions;
use crate::outcome::{Outcome, Reason};
use crate::record::{Item, Kind};
use bugle_db::{DbError, Tx};

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
        Kind::Attachment => Ok((Outcome::Discarded, Reason::Unsupported)),
        Kind::Feedback => super::feedback::file(tx, item),
        Kind::Sessions => sessions.add(tx, memory, item),
        Kind::CheckIn => Ok((Outcome::Discarded, Reason::Unsupported)),
    }
}
