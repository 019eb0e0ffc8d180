//! Why an event's keys are what they are, for the page where the question arises.
//!
//! Made by the same code as the keys, so that it cannot tell another story; only where the parts go differs.

use super::evidence::Evidence;
use super::{Kind, Sink, make_keys};
use crate::event::Event;

/// The parts of all keys, and what took no part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Because {
    /// What the keys are made of, key by key, in the order in which it is hashed.
    pub parts: Vec<Part>,
    /// What was left out.
    pub ignored: Vec<Ignored>,
}

/// A part of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The key that it belongs to.
    pub key: Kind,
    /// What it is: `type`, `frame`, `message`, `logger`, `transaction`, `directive`, `host`, `fingerprint`.
    pub what: &'static str,
    /// Its text, as hashed; a frame as `place: function`.
    pub text: String,
}

/// Something that took no part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// What it is.
    pub text: String,
    /// Why it was left out.
    pub why: &'static str,
}

/// Why [`super::group`] gives `event` the keys that it gives.
pub fn explain(event: &Event<'_>) -> Because {
    let mut ignored = Vec::new();
    let evidence = Evidence::of(event, Some(&mut ignored));
    let mut page = Page { parts: Vec::new() };
    make_keys(&evidence, &mut page);
    if !evidence.frames.is_empty() && !page.parts.iter().any(|part| part.key == Kind::Full) {
        ignored.push(Ignored { text: "all frames together".into(), why: "none of them has a name" });
    }
    Because { parts: page.parts, ignored }
}

struct Page {
    parts: Vec<Part>,
}

impl Sink for Page {
    fn part(&mut self, kind: Kind, what: &'static str, pieces: &[&str]) {
        let text = match pieces {
            [place, ""] => format!("{place} (anonymous)"),
            pieces => pieces.iter().filter(|piece| !piece.is_empty()).copied().collect::<Vec<_>>().join(": "),
        };
        if !what.is_empty() && !text.is_empty() {
            self.parts.push(Part { key: kind, what, text });
        }
    }

    fn end(&mut self, _: Kind) {}
}
