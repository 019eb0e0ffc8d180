//! What stands in a batch: an item of the journal, as far as filing needs it understood.

use crate::process::digest::Digest;
use crate::record::{Item, Record, Sender};
use bugle_journal::Position;

/// An item of the journal.
///
/// Events are nearly all there is, so they are not behind a pointer of their own.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "the large one is the usual one")]
pub enum Piece {
    /// An event.
    Event(Work),
    /// Anything else, with where it stands in the journal.
    Item(Position, Box<Item>),
}

/// An event's record and what was understood of it.
#[derive(Debug, Clone)]
pub struct Work {
    /// Where it stands in the journal.
    pub position: Position,
    /// The record.
    pub record: Record,
    /// The event, digested.
    pub digest: Digest,
}

impl Piece {
    /// Where it stands in the journal.
    pub fn position(&self) -> Position {
        match self {
            Piece::Event(work) => work.position,
            Piece::Item(position, _) => *position,
        }
    }

    /// The event, if it is one.
    pub fn event(&self) -> Option<&Work> {
        match self {
            Piece::Event(work) => Some(work),
            Piece::Item(..) => None,
        }
    }

    /// Who sent it.
    pub fn sender(&self) -> Sender {
        match self {
            Piece::Event(work) => work.record.sender(),
            Piece::Item(_, item) => item.sender,
        }
    }

    /// Bytes of its record in the journal.
    pub fn journal_bytes(&self) -> i64 {
        match self {
            Piece::Event(work) => work.record.bytes(),
            Piece::Item(_, item) => item.bytes(),
        }
    }

    /// Its record, as the journal has it.
    pub fn write(&self) -> Vec<u8> {
        match self {
            Piece::Event(work) => work.record.write(),
            Piece::Item(_, item) => item.write(),
        }
    }

    /// About what it occupies in memory, in bytes.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Piece::Event(Work { record, digest, .. }) => {
                let tags: usize = digest.tags.iter().map(|(key, value)| key.len() + value.len() + 48).sum();
                1_000 + record.payload.len() + record.exemplar_body.len() + digest.title.len() + tags
            }
            Piece::Item(_, item) => 200 + item.about.len() + item.body.len(),
        }
    }
}
