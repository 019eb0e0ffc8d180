//! What is no event: attachments, feedback, sessions, check-ins, as the journal keeps them until they are filed.
//!
//! After the head of every record:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | kind ([`Kind`]) |
//! | 16 | the event it belongs to; 16 zeros for none |
//! | 4 + n | what was said about it: UTF-8, its form is the kind's |
//! | rest | the item itself, scrubbed; its form is the kind's |
//!
//! A kind's number and its form never change; a new form is a new kind.

use super::{ITEM, Sender, read_head, take, write_head};
use bugle_event::EventId;

/// What an item is, and so which module files it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A file that belongs to an event.
    Attachment = 1,
    /// What a person said about an error.
    Feedback = 2,
    /// Updates of sessions, or sums of them.
    Sessions = 3,
    /// A sign of life of a job.
    CheckIn = 4,
}

impl Kind {
    /// From a record.
    fn from_u8(number: u8) -> Option<Kind> {
        [Kind::Attachment, Kind::Feedback, Kind::Sessions, Kind::CheckIn].into_iter().find(|kind| *kind as u8 == number)
    }
}

/// One acknowledged item that is no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Who sent it.
    pub sender: Sender,
    /// What it is.
    pub kind: Kind,
    /// The event it belongs to.
    pub event_id: Option<EventId>,
    /// What was said about it.
    pub about: String,
    /// Itself.
    pub body: Vec<u8>,
}

impl Item {
    /// The record as the journal keeps it.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes() as usize);
        write_head(ITEM, &self.sender, &mut out);
        out.push(self.kind as u8);
        out.extend(self.event_id.map_or([0; 16], |id| id.0));
        out.extend((self.about.len() as u32).to_le_bytes());
        out.extend(self.about.as_bytes());
        out.extend(&self.body);
        out
    }

    /// Bytes of [`Item::write`].
    pub fn bytes(&self) -> i64 {
        (3 + 3 * 8 + 1 + 16 + 4 + self.about.len() + self.body.len()) as i64
    }

    /// The item that the journal kept; `None` when it is damaged or of a later version.
    pub fn read(bytes: &[u8]) -> Option<Item> {
        let mut rest = bytes;
        let (ITEM, sender) = read_head(&mut rest)? else { return None };
        let [kind] = *take(&mut rest, 1)? else { return None };
        let id: [u8; 16] = take(&mut rest, 16)?.try_into().ok()?;
        let length = u32::from_le_bytes(take(&mut rest, 4)?.try_into().ok()?) as usize;
        let about = String::from_utf8(take(&mut rest, length)?.to_vec()).ok()?;
        Some(Item {
            sender,
            kind: Kind::from_u8(kind)?,
            event_id: (id != [0; 16]).then_some(EventId(id)),
            about,
            body: rest.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Category, Dialect};
    use crate::record::Entry;

    fn item() -> Item {
        let (dialect, category) = (Dialect::Sentry, Category::Attachment);
        Item {
            sender: Sender { dialect, category, project: 3, key: 4, received_ms: 5 },
            kind: Kind::Attachment,
            event_id: Some(EventId([7; 16])),
            about: "{}".into(),
            body: vec![1, 2, 3],
        }
    }

    #[test]
    fn reads_back() {
        let bytes = item().write();
        assert_eq!(item().bytes(), bytes.len() as i64);
        assert_eq!(Sender::read(&bytes), Some(item().sender));
        assert_eq!(Entry::read(&bytes), Some(Entry::Item(Box::new(item()))));
        let alone = Item { event_id: None, ..item() };
        assert_eq!(Item::read(&alone.write()), Some(alone));
    }

    #[test]
    fn a_released_item_stays_readable() {
        let released = "0200040300000000000000040000000000000005000000000000000107070707070707070707070707070707\
                        020000007b7d010203";
        let bytes: Vec<u8> = (0..released.len() / 2)
            .map(|at| u8::from_str_radix(&released[2 * at..2 * at + 2], 16).expect("hex"))
            .collect();
        assert_eq!(Item::read(&bytes), Some(item()));
    }

    #[test]
    fn a_torn_item_is_none() {
        let bytes = item().write();
        for length in 0..bytes.len() - 3 {
            assert_eq!(Item::read(&bytes[..length]), None, "{length}");
        }
    }
}
