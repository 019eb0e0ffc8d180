//! A record: what the journal keeps of one acknowledged item until it is filed.
//!
//! Owns: [`Entry`], which is an event ([`Record`]) or something else that SDKs send ([`Item`]), and both formats.
//!
//! **Formats**, little endian. They must stay readable by every later release, since an upgrade may
//! meet a journal that has not been filed. Both begin with the same head, so that whose a record is can be told of both:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | form: 1 an event, 2 another item ([`item`]) |
//! | 1 | dialect ([`Dialect`]) |
//! | 1 | category ([`Category`]) |
//! | 8, 8, 8 | project, key, received (Unix ms) |
//!
//! An event goes on with:
//!
//! | bytes | what |
//! |---|---|
//! | 16 | event id |
//! | 8, 8 | exemplar's id (never 0), family |
//! | 4 + n | the exemplar's stored body, if this record brings it; else empty |
//! | 4 | length of the event's JSON |
//! | rest | the payload (`payload.rs`), compressed against that exemplar |

mod item;

pub use item::{Item, Kind};

use crate::outcome::{Category, Dialect};
use bugle_event::EventId;

/// One acknowledged item, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// An event.
    Event(Box<Record>),
    /// Anything else.
    Item(Box<Item>),
}

impl Entry {
    /// The record that the journal kept; `None` when it is damaged or of a later version.
    pub fn read(bytes: &[u8]) -> Option<Entry> {
        match *bytes.first()? {
            EVENT => Record::read(bytes).map(|record| Entry::Event(Box::new(record))),
            ITEM => Item::read(bytes).map(|item| Entry::Item(Box::new(item))),
            _ => None,
        }
    }

    /// Who sent it.
    pub fn sender(&self) -> Sender {
        match self {
            Entry::Event(record) => record.sender(),
            Entry::Item(item) => item.sender,
        }
    }

    /// The id that people ask by: the event's own, or that of the event it belongs to.
    pub fn event_id(&self) -> Option<EventId> {
        match self {
            Entry::Event(record) => Some(record.event_id),
            Entry::Item(item) => item.event_id,
        }
    }
}

/// Who sent an item, and when: what the ledger needs of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// How it came.
    pub dialect: Dialect,
    /// What it counts as.
    pub category: Category,
    /// Whose it is; 0 for nobody knows.
    pub project: i64,
    /// By which key it came; 0 for nobody knows.
    pub key: i64,
    /// When it came, Unix ms.
    pub received_ms: i64,
}

impl Sender {
    /// As far as the journalled bytes say so: the head of a record may be sound when the rest is damaged.
    pub fn of(bytes: &[u8], now_ms: i64) -> Sender {
        Sender::read(bytes).unwrap_or_else(|| Sender::unknown(now_ms))
    }

    /// Of a record's first bytes; `None` where [`Record::read`] would say so because of these bytes.
    pub fn read(bytes: &[u8]) -> Option<Sender> {
        read_head(&mut { bytes }).map(|(_, sender)| sender)
    }

    /// Of a record that does not say. It counts as an error, as every body does that cannot be read.
    pub fn unknown(now_ms: i64) -> Sender {
        Sender { dialect: Dialect::Sentry, category: Category::Error, project: 0, key: 0, received_ms: now_ms }
    }
}

/// One acknowledged event. What grouping and filing need is a function of the payload, so it is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// How it came.
    pub dialect: Dialect,
    /// What it counts as.
    pub category: Category,
    /// Whose it is.
    pub project: i64,
    /// By which key it came.
    pub key: i64,
    /// When it came, Unix ms.
    pub received_ms: i64,
    /// Its id, unique within the project.
    pub event_id: EventId,
    /// The exemplar that the payload needs.
    pub exemplar: i64,
    /// The family that the exemplar serves.
    pub family: i64,
    /// The exemplar's body, when this record is the first to need it.
    pub exemplar_body: Vec<u8>,
    /// Length of the JSON.
    pub json_bytes: u32,
    /// The payload.
    pub payload: Vec<u8>,
}

const EVENT: u8 = 1;
const ITEM: u8 = 2;
const FIXED_BYTES: usize = 3 + 3 * 8 + 16 + 2 * 8 + 4;

impl Record {
    /// The record as the journal keeps it.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FIXED_BYTES + 4 + self.exemplar_body.len() + self.payload.len());
        write_head(EVENT, &self.sender(), &mut out);
        out.extend(self.event_id.0);
        out.extend(self.exemplar.to_le_bytes());
        out.extend(self.family.to_le_bytes());
        out.extend((self.exemplar_body.len() as u32).to_le_bytes());
        out.extend(&self.exemplar_body);
        out.extend(self.json_bytes.to_le_bytes());
        out.extend(&self.payload);
        out
    }

    /// Bytes of [`Record::write`].
    pub fn bytes(&self) -> i64 {
        (FIXED_BYTES + 4 + self.exemplar_body.len() + self.payload.len()) as i64
    }

    /// Who sent it.
    pub fn sender(&self) -> Sender {
        let Record { dialect, category, project, key, received_ms, .. } = *self;
        Sender { dialect, category, project, key, received_ms }
    }

    /// The record that the journal kept; `None` when it is damaged or of a later version.
    pub fn read(bytes: &[u8]) -> Option<Record> {
        let mut rest = bytes;
        let (EVENT, Sender { dialect, category, project, key, received_ms }) = read_head(&mut rest)? else {
            return None;
        };
        let mut take = |count: usize| take(&mut rest, count);
        let event_id = EventId(take(16)?.try_into().ok()?);
        let exemplar = i64::from_le_bytes(take(8)?.try_into().ok()?);
        let family = i64::from_le_bytes(take(8)?.try_into().ok()?);
        let length = u32::from_le_bytes(take(4)?.try_into().ok()?) as usize;
        let exemplar_body = take(length)?.to_vec();
        let json_bytes = u32::from_le_bytes(take(4)?.try_into().ok()?);
        Some(Record {
            dialect,
            category,
            project,
            key,
            received_ms,
            event_id,
            exemplar,
            family,
            exemplar_body,
            json_bytes,
            payload: rest.to_vec(),
        })
    }
}

fn write_head(form: u8, sender: &Sender, out: &mut Vec<u8>) {
    out.extend([form, sender.dialect as u8, sender.category as u8]);
    for number in [sender.project, sender.key, sender.received_ms] {
        out.extend(number.to_le_bytes());
    }
}

/// The form, and who sent it.
fn read_head(rest: &mut &[u8]) -> Option<(u8, Sender)> {
    let [form @ (EVENT | ITEM), dialect, category] = *take(rest, 3)? else { return None };
    let mut number = || take(rest, 8).and_then(|bytes| Some(i64::from_le_bytes(bytes.try_into().ok()?)));
    let (project, key, received_ms) = (number()?, number()?, number()?);
    let (dialect, category) = (Dialect::from_u8(dialect)?, Category::from_u8(category)?);
    Some((form, Sender { dialect, category, project, key, received_ms }))
}

fn take<'b>(rest: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            dialect: Dialect::Sentry,
            category: Category::Error,
            project: 3,
            key: 4,
            received_ms: 1_780_000_000_000,
            event_id: EventId([7; 16]),
            exemplar: 99,
            family: -5,
            exemplar_body: vec![1, 2, 3],
            json_bytes: 17_000,
            payload: vec![9; 40],
        }
    }

    #[test]
    fn reads_back() {
        let bytes = record().write();
        assert_eq!(Record::read(&bytes), Some(record()));
        assert_eq!(Sender::read(&bytes), Some(record().sender()));
        assert_eq!(record().bytes(), bytes.len() as i64);
    }

    #[test]
    fn a_released_record_stays_readable() {
        let released = "01000003000000000000000400000000000000008844709e01000007070707070707070707070707070707\
                        6300000000000000fbffffffffffffff030000000102036842000009090909";
        let bytes: Vec<u8> = (0..released.len() / 2)
            .map(|at| u8::from_str_radix(&released[2 * at..2 * at + 2], 16).expect("hex"))
            .collect();
        let mut expected = record();
        expected.payload.truncate(4);
        assert_eq!(Record::read(&bytes), Some(expected));
    }

    #[test]
    fn a_torn_record_is_none() {
        let bytes = record().write();
        for length in 0..FIXED_BYTES + 3 {
            assert_eq!(Record::read(&bytes[..length]), None);
        }
        assert_eq!(Sender::of(&bytes[..27], 5), record().sender(), "its head says whose it is");
        assert_eq!(Sender::of(&bytes[..26], 5), Sender::unknown(5));
        assert_eq!(Sender::of(b"\x03of a later version, whatever it may say", 5), Sender::unknown(5));
    }
}
