//! Sessions at the door: an item is read, judged, and made ready for the journal.
//!
//! They take no place in quotas of events, so a project whose quota is used up still hears how its releases fare. Ids are hashed
//! before anything is written (`health::form`).

use crate::health::form;
use crate::outcome::Reason;
use crate::record::{Item, Kind, Sender};
use bugle_event::session::{self, Clock, Invalid};

/// Items of sessions in one envelope; SDKs send at most so many together.
const ITEMS_MAX: usize = 100;
/// Their bytes together.
const BYTES_MAX: usize = 10 << 20;

/// What the sessions of one envelope have used so far.
#[derive(Default)]
pub struct Used {
    items: usize,
    bytes: usize,
}

/// Whether items of this type are sessions.
pub fn is_one(kind: &str) -> bool {
    matches!(kind, "session" | "sessions")
}

/// One item of the type `kind`.
///
/// # Errors
/// Why it is invalid.
pub fn understand(
    kind: &str,
    payload: &[u8],
    sender: Sender,
    sent_at_ms: Option<i64>,
    used: &mut Used,
) -> Result<Item, Reason> {
    used.items += 1;
    used.bytes = used.bytes.saturating_add(payload.len());
    if used.items > ITEMS_MAX || used.bytes > BYTES_MAX {
        return Err(Reason::TooLarge);
    }
    let clock = Clock { received_ms: sender.received_ms, sent_at_ms };
    let read = if kind == "session" { session::read_update } else { session::read_sums };
    let (attributes, sessions) = read(payload, clock).map_err(|why| match why {
        Invalid::Unreadable => Reason::Unreadable,
        Invalid::TooLarge => Reason::TooLarge,
        Invalid::Release => Reason::InvalidRelease,
        Invalid::Time => Reason::Timestamp,
    })?;
    let random = i64::from_le_bytes(crate::access::random::bytes());
    Ok(Item {
        sender,
        kind: Kind::Sessions,
        event_id: None,
        about: form::write_about(&attributes),
        body: form::write(&sessions, sender.project, random),
    })
}
