//! Strings that hold a structure of their own: JSON, a form, cookies.
//!
//! They are opened, scrubbed by their keys, and stay the strings they were. What cannot be opened for certain is
//! scrubbed as text, which knows most of the same spellings.

use super::Scrubber;
use super::text::FILTERED;
use crate::json::{self, Json};

/// JSON inside of JSON is opened this often.
pub(super) const NESTING_MAX: usize = 3;

/// `text` as JSON, if that is what it is, whole and without a flaw.
pub(super) fn open_json(text: &str) -> Option<Json<'_>> {
    let trimmed = text.trim();
    let bytes = trimmed.as_bytes();
    let second = bytes.iter().skip(1).find(|b| !b.is_ascii_whitespace());
    let is_json = match (bytes.first()?, bytes.last()?, second?) {
        (b'{', b'}', b'"') => true,
        (b'[', b']', next) => matches!(next, b'"' | b'{' | b'[' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'),
        _ => false,
    };
    if !is_json || end(bytes) != Some(bytes.len()) {
        return None;
    }
    let mut problems = Vec::new();
    let value = json::read(trimmed, &mut problems);
    problems.is_empty().then_some(value)
}

/// A form (`a=1&b=2`) with what `scrub` makes of its decoded values. `None` if it changes nothing, or is no form.
pub(super) fn scrub_form(text: &str, mut scrub: impl FnMut(&str, &str) -> Option<String>) -> Option<String> {
    if !text.contains('=') || text.contains(char::is_whitespace) {
        return None;
    }
    let mut changed = false;
    let fields: Vec<String> = text
        .split('&')
        .map(|field| {
            let decoded = form_urlencoded::parse(field.as_bytes()).next();
            match decoded.and_then(|(key, value)| scrub(&key, &value)) {
                Some(new) => {
                    changed = true;
                    format!("{}={}", field.split('=').next().unwrap_or(""), encode(&new))
                }
                None => field.to_string(),
            }
        })
        .collect();
    changed.then(|| fields.join("&"))
}

/// A cookie header (`a=1; b=2`) without the values of sessions. `None` if there are none.
pub(super) fn scrub_cookies(text: &str, is_secret: impl Fn(&str) -> bool) -> Option<String> {
    let mut changed = false;
    let cookies: Vec<String> = text
        .split(';')
        .map(|cookie| match cookie.split_once('=') {
            Some((name, value)) if is_secret(name.trim()) && !matches!(value.trim(), "" | FILTERED) => {
                changed = true;
                format!("{name}={FILTERED}")
            }
            _ => cookie.to_string(),
        })
        .collect();
    changed.then(|| cookies.join(";"))
}

/// Whether `text` may be worth opening.
pub(super) fn may_be_json(scrubber: &Scrubber, text: &str) -> bool {
    let first = text.as_bytes().iter().find(|b| !b.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'[')) && scrubber.is_suspicious(text)
}

/// Behind the bracket that closes the first one; strings are skipped.
fn end(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        match *byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// As a form wants it, but for the brackets of marks, which stay readable.
fn encode(text: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace("%5B", "[").replace("%5D", "]")
}
