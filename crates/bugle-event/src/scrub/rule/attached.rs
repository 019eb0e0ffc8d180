//! Rules on attachments: a file is one value at `$attachments.'name'`.
//!
//! In a text every rule whose selector fits acts, also broad ones (`**`). In a binary file only rules do that speak of
//! attachments, and they keep its length: what they find in runs of characters, one byte or two each, becomes stars,
//! so that a dump's offsets stay true. To take all of a binary file is not to keep it.

use super::place::{ATTACHMENTS, BINARY, DUMP, OBJECT, Place, STRING};
use super::selector::Match;
use super::{Kind, Method, Rule, Rules};
use crate::json::Json;

/// Shorter runs of characters in a binary file are chance.
const RUN_BYTES_MIN: usize = 6;
/// Patterns see at most this much of a line at once.
const LINE_BYTES_MAX: usize = 64 << 10;

impl Rules {
    /// What becomes of a text; `None` if it is not kept.
    pub(in crate::scrub) fn attached_text(&self, name: &str, mut text: String) -> Option<String> {
        let root = Place::root(ATTACHMENTS);
        let mut here = root.key(name, &Json::Null);
        here.types |= BINARY | STRING;
        for rule in self.all.iter().filter(|a| a.selector.fit(&here) != Match::No).flat_map(|a| &a.rules) {
            match (&*rule.kind, &rule.method) {
                (Kind::Anything, Method::Remove) => return None,
                (Kind::Anything, method) => text = method.of(&text).into_owned(),
                // They may match anywhere and look far, so they get lines.
                (Kind::Pattern { .. }, _) => text = rule.by_lines(text),
                (Kind::Pair(_), _) => text = rule.by_names(text),
                _ => {
                    let (new, remarks) = rule.in_text(&text);
                    if !remarks.is_empty() {
                        text = new;
                    }
                }
            }
        }
        Some(text)
    }

    /// What becomes of a text that is nowhere in particular.
    pub(in crate::scrub) fn lone_text(&self, mut text: String) -> String {
        let root = Place::root(OBJECT);
        let mut here = root.key("", &Json::Null);
        here.types |= STRING;
        for rule in self.all.iter().filter(|a| a.selector.fit(&here) == Match::Broad).flat_map(|a| &a.rules) {
            let (new, remarks) = rule.in_text(&text);
            if !remarks.is_empty() {
                text = new;
            }
        }
        text
    }

    /// What becomes of a binary file; `None` if it is not kept.
    pub(in crate::scrub) fn attached_bytes(&self, name: &str, is_dump: bool, mut body: Vec<u8>) -> Option<Vec<u8>> {
        let root = Place::root(ATTACHMENTS);
        let mut here = root.key(name, &Json::Null);
        here.types |= if is_dump { BINARY | DUMP } else { BINARY };
        let speaks = self.all.iter().filter(|a| a.selector.is_for_attachments());
        for rule in speaks.filter(|a| a.selector.fit(&here) != Match::No).flat_map(|a| &a.rules) {
            if matches!(&*rule.kind, Kind::Anything) {
                return None;
            }
            for (width, offset) in [(1, 0), (2, 0), (2, 1)] {
                rule.in_bytes(&mut body, width, offset);
            }
        }
        Some(body)
    }
}

impl Rule {
    fn by_lines(&self, text: String) -> String {
        let mut out = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            let mut rest = line;
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at(rest.floor_char_boundary(LINE_BYTES_MAX));
                let (new, remarks) = self.in_text(piece);
                out.push_str(if remarks.is_empty() { piece } else { &new });
                rest = behind;
            }
        }
        out
    }

    /// Values by their names, if the text is JSON.
    fn by_names(&self, text: String) -> String {
        let Ok(mut json) = crate::json::read_whole(&text) else { return text };
        match self.named(None, &mut json) {
            true => json.to_string(),
            false => text,
        }
    }

    fn named(&self, key: Option<&str>, value: &mut Json<'_>) -> bool {
        if self.kind.is_whole(key) {
            return self.whole(value, false);
        }
        match value {
            Json::Array(values) => values.iter_mut().fold(false, |done, value| self.named(None, value) | done),
            Json::Object(object) => {
                object.iter_mut().fold(false, |done, (key, value)| self.named(Some(key), value) | done)
            }
            _ => false,
        }
    }

    /// Characters of `width` bytes, the higher byte 0.
    fn in_bytes(&self, body: &mut [u8], width: usize, offset: usize) {
        let is_char = |unit: &[u8]| {
            (matches!(unit[0], 0x20..=0x7e | b'\t' | b'\n' | b'\r')) && unit[1..].iter().all(|byte| *byte == 0)
        };
        let units = body.len().saturating_sub(offset) / width;
        let mut at = 0;
        let mut run = String::new();
        while at < units {
            run.clear();
            let from = at;
            while at < units && run.len() < LINE_BYTES_MAX && is_char(&body[offset + at * width..][..width]) {
                run.push(body[offset + at * width] as char);
                at += 1;
            }
            if run.len() >= RUN_BYTES_MIN {
                for range in self.kind.find(&run) {
                    for unit in range {
                        body[offset + (from + unit) * width] = b'*';
                    }
                }
            }
            at = at.max(from + 1);
        }
    }
}
