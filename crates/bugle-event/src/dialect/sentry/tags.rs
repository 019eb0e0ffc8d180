//! Tags: what the sender files the event under.
//!
//! Tag lists are searched, counted and shown in narrow columns, so they are held to a form: keys of letters,
//! digits and `_.:-`, values on one line. What can be repaired is, with a problem; the rest goes.

use crate::dialect::lenient;
use crate::json::{Json, Object};
use crate::path::Path;
use crate::problem::Problem;
use std::borrow::Cow;

/// The most tags an event keeps.
pub const TAGS_MAX: usize = 200;

/// The longest key, in characters.
const KEY_CHARS_MAX: usize = 200;

/// Keys that only the event's own attributes may set.
const RESERVED: &[&str] = &["release", "dist", "user", "filename", "function"];

/// Reads the tags. Of a key that is given twice the first value counts.
pub(super) fn read(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    let mut tags: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    for (key, value) in lenient::entries(value.take(), at, problems) {
        let Some((key, value)) = tag(key, value, at, problems) else { continue };
        if RESERVED.contains(&&*key) || tags.iter().any(|(other, _)| *other == key) {
            continue;
        }
        if tags.len() == TAGS_MAX {
            Problem::note(problems, "value_too_long", at, format!("Only the first {TAGS_MAX} tags were kept."));
            break;
        }
        tags.push((key, value));
    }
    *value = lenient::pairs(tags);
    !value.is_empty()
}

/// A tag `environment` is the event's, if that says nothing itself.
pub(super) fn promote_environment(event: &mut Object<'_>) {
    let Some(Json::Array(tags)) = event.get_mut("tags") else { return };
    let is_environment = |tag: &Json<'_>| tag.array().is_some_and(|tag| tag[0].text() == Some("environment"));
    let Some(at) = tags.iter().position(is_environment) else { return };
    let tag = tags.remove(at);
    if tags.is_empty() {
        event.remove("tags");
    }
    if let Json::Array(mut sides) = tag
        && let Some(environment) = sides.pop()
        && !event.has("environment")
    {
        event.set("environment", environment);
    }
}

fn tag<'a>(
    key: Cow<'a, str>,
    mut value: Json<'a>,
    at: &Path<'_>,
    problems: &mut Vec<Problem>,
) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    let key = tidy_key(key);
    if key.is_empty() || key.len() > KEY_CHARS_MAX || !key.bytes().all(is_key_byte) {
        Problem::note(
            problems,
            "invalid_data",
            at.key(&key),
            "A tag's key has up to 200 of a–z, 0–9 and _.:-; left out.",
        );
        return None;
    }
    let at = &at.key(&key);
    if !lenient::text(&mut value, at, problems) {
        return None;
    }
    let Json::Text(value) = value else { return None };
    let value = match value.contains(['\n', '\r']) {
        false => value,
        true => {
            Problem::note(problems, "invalid_data", at, "A tag's value has one line; line breaks became blanks.");
            Cow::Owned(value.replace("\r\n", " ").replace(['\n', '\r'], " "))
        }
    };
    (!value.trim().is_empty()).then_some((key, value))
}

fn tidy_key(key: Cow<'_, str>) -> Cow<'_, str> {
    let trimmed = match key {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_string()),
    };
    match trimmed.contains(' ') {
        true => Cow::Owned(trimmed.replace(' ', "-")),
        false => trimmed,
    }
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> String {
        let mut problems = Vec::new();
        let mut value = crate::json::read(json, &mut problems);
        let kept = read(&mut value, &Path::root("tags"), &mut problems);
        (if kept { value.to_string() } else { "-".into() }) + &"!".repeat(problems.len())
    }

    #[test]
    fn tags_are_held_to_their_form() {
        for (json, expected) in [
            (r#"{"a":"b","n":1,"ok":true,"none":null,"blank":" "}"#, r#"[["a","b"],["n","1"],["ok","True"]]"#),
            (r#"[["a","first"],["a","second"],null]"#, r#"[["a","first"]]"#),
            (r#"{"my key":"x","release":"1","user":"u"}"#, r#"[["my-key","x"]]"#),
            (r#"{"ключ":"x"}"#, "-!"),
            (r#"{"a":"one\ntwo","b":[1]}"#, r#"[["a","one two"]]!!"#),
        ] {
            assert_eq!(of(json), expected, "{json}");
        }
    }

    #[test]
    fn tags_are_bounded() {
        let many: Vec<String> = (0..TAGS_MAX + 5).map(|n| format!("[\"k{n}\",\"v\"]")).collect();
        let text = of(&format!("[{}]", many.join(",")));
        assert!(text.ends_with("[\"k199\",\"v\"]]!"), "{text}");
    }

    #[test]
    fn an_environment_among_the_tags_is_the_events() {
        let promoted = |json: &str| {
            let mut event = crate::json::read(json, &mut Vec::new());
            promote_environment(event.object_mut().unwrap());
            event.to_string()
        };
        assert_eq!(promoted(r#"{"tags":[["environment","qa"]]}"#), r#"{"environment":"qa"}"#);
        assert_eq!(
            promoted(r#"{"tags":[["environment","qa"],["a","b"]],"environment":"live"}"#),
            r#"{"tags":[["a","b"]],"environment":"live"}"#
        );
    }
}
