//! Which events are one issue: the exact keys of an event, and why they are what they are.
//!
//! Grouping reference §4.3. An event has up to three keys; filing looks them up in order, the first that is known
//! decides, and the others are attached to the same issue.
//!
//! | key | made of | exists when |
//! |---|---|---|
//! | K0 `custom` | the fingerprint, resolved | the SDK gave one without `{{ default }}`; then no other key is made |
//! | K1 `full` | types of the chain + all frames that count, crash site first | a frame that counts has a name |
//! | K2 `site` | main type + first 3 frames that count + template | a usable frame counts |
//! | K3 `message` | main type + template (+ logger, CSP directive and host) | no usable frame counts |
//!
//! The frames that count are the in-app ones, or all if none is in-app. A stack of nothing but anonymous frames has
//! no K1: types and files alone would hide one bug behind another, and K2 has the message as well.
//!
//! **Byte form**, fixed with [`VERSION`]: one byte version, one byte kind, then for each part its length in bytes as
//! u32 LE and its UTF-8 bytes. The hash is XXH3-128 of that, big-endian. The parts:
//! * K0: each resolved value.
//! * K1: each type, `""`, each frame as `place LF function`.
//! * K2: the main type or `""`, each frame, `""`, the template.
//! * K3: main type, template, logger, transaction, directive, host; each `""` where it takes no part.
//! * K1–K3 of a fingerprint that contains `{{ default }}`: then `""` and each of its other values.
//!
//! Pure: no clock, no history, no project. Keys are stored with events, so a change of anything that reaches them
//! (frames, masks, this file) needs a new [`VERSION`]; `fixtures/grouping` pins them.

pub mod chain;
mod evidence;
mod explain;
mod family;
mod fingerprint;

pub use explain::{Because, Ignored, Part, explain};
pub use family::family;

use crate::event::Event;
use evidence::Evidence;
use std::fmt;
use xxhash_rust::xxh3::xxh3_128;

/// The version of the algorithm. Part of every key.
pub const VERSION: u8 = 1;
/// How many frames K2 has. A dial between splitting (more) and hiding (fewer); 3 is the safe side.
const SITE_FRAMES: usize = 3;

/// What a key is made of. The number is part of the key and stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// K0: a fingerprint.
    Custom = 0,
    /// K1: types and all frames that count.
    Full = 1,
    /// K2: type, crash site and template.
    Site = 2,
    /// K3: type and template.
    Message = 3,
}

impl Kind {
    /// The word for people and for the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Custom => "custom",
            Kind::Full => "full",
            Kind::Site => "site",
            Kind::Message => "message",
        }
    }

    /// The kind that is stored as `number`.
    pub fn from_number(number: u8) -> Option<Kind> {
        [Kind::Custom, Kind::Full, Kind::Site, Kind::Message].into_iter().find(|kind| *kind as u8 == number)
    }
}

/// One key of an event: equal keys of one project are one issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// What it is made of. Part of the hash, too.
    pub kind: Kind,
    /// XXH3-128, big-endian.
    pub hash: [u8; 16],
}

impl fmt::Display for Key {
    /// The hash as 32 hex digits, which is also what Sentry's API shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::id::hex(&self.hash))
    }
}

/// The keys of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// The version of the algorithm that made them.
    pub version: u8,
    /// In the order in which filing looks them up; never empty.
    pub keys: Vec<Key>,
}

/// The keys of `event`, which is normalised, scrubbed and has its frames' `in_app` decided.
pub fn group(event: &Event<'_>) -> Grouping {
    let mut hasher = Hasher { bytes: Vec::with_capacity(1024), keys: Vec::with_capacity(2) };
    make_keys(&Evidence::of(event, None), &mut hasher);
    Grouping { version: VERSION, keys: hasher.keys }
}

/// Where the parts of keys go: into a hash, or onto a page.
trait Sink {
    /// A part. Its text is `pieces` with a line feed between; `what` is for people only, empty for separators.
    fn part(&mut self, kind: Kind, what: &'static str, pieces: &[&str]);
    /// The key is complete.
    fn end(&mut self, kind: Kind);
}

fn make_keys(evidence: &Evidence<'_>, sink: &mut impl Sink) {
    if let Some(values) = &evidence.custom {
        values.iter().for_each(|value| sink.part(Kind::Custom, "fingerprint", &[value]));
        return sink.end(Kind::Custom);
    }
    match evidence.frames.is_empty() {
        true => make_message_key(evidence, sink),
        false => make_stack_keys(evidence, sink),
    }
}

fn make_stack_keys(evidence: &Evidence<'_>, sink: &mut impl Sink) {
    if evidence.frames.iter().any(|frame| frame.is_named()) {
        evidence.types.iter().for_each(|kind| sink.part(Kind::Full, "type", &[kind]));
        sink.part(Kind::Full, "", &[]);
        evidence.frames.iter().for_each(|f| sink.part(Kind::Full, "frame", &[&f.place, &f.function]));
        salt(Kind::Full, evidence, sink);
    }
    sink.part(Kind::Site, "type", &[evidence.main_type]);
    for frame in evidence.frames.iter().take(SITE_FRAMES) {
        sink.part(Kind::Site, "frame", &[&frame.place, &frame.function]);
    }
    sink.part(Kind::Site, "", &[]);
    sink.part(Kind::Site, "message", &[&evidence.template]);
    salt(Kind::Site, evidence, sink);
}

fn make_message_key(evidence: &Evidence<'_>, sink: &mut impl Sink) {
    for (what, text) in [
        ("type", evidence.main_type),
        ("message", &evidence.template),
        ("logger", evidence.logger),
        ("transaction", evidence.transaction),
        ("directive", evidence.directive),
        ("host", evidence.host),
    ] {
        sink.part(Kind::Message, what, &[text]);
    }
    salt(Kind::Message, evidence, sink);
}

fn salt(kind: Kind, evidence: &Evidence<'_>, sink: &mut impl Sink) {
    if !evidence.salt.is_empty() {
        sink.part(kind, "", &[]);
        evidence.salt.iter().for_each(|value| sink.part(kind, "fingerprint", &[value]));
    }
    sink.end(kind);
}

struct Hasher {
    bytes: Vec<u8>,
    keys: Vec<Key>,
}

impl Sink for Hasher {
    fn part(&mut self, kind: Kind, _: &'static str, pieces: &[&str]) {
        if self.bytes.is_empty() {
            self.bytes.extend_from_slice(&[VERSION, kind as u8]);
        }
        let length = pieces.iter().map(|piece| piece.len()).sum::<usize>() + pieces.len().saturating_sub(1);
        self.bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        for (at, piece) in pieces.iter().enumerate() {
            if at > 0 {
                self.bytes.push(b'\n');
            }
            self.bytes.extend_from_slice(piece.as_bytes());
        }
    }

    fn end(&mut self, kind: Kind) {
        self.keys.push(Key { kind, hash: xxh3_128(&self.bytes).to_be_bytes() });
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests;
