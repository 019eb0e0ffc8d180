//! The message: `logentry`, and the top-level `message` it grew out of.
//!
//! Canonical: `{message?, formatted, params?}`. `message` is the template and there only if it differs from
//! `formatted`; grouping goes by it. Old SDKs leave the formatting to the server, by the rules of their own
//! language: `%s` and `%(name)s` as in Python, `{}`, `{0}` and `{name}`. What does not fit stays as it is written.

use crate::dialect::lenient;
use crate::json::{Json, Object};
use crate::path::Path;
use crate::problem::Problem;
use std::borrow::Cow;

/// A formatted message ends when it grows past this many bytes: a template may name a long parameter many times.
const FORMATTED_BYTES_MAX: usize = 64 * 1024;

/// Folds the top-level `message` into `logentry`.
pub(super) fn fold(event: &mut Object<'_>) {
    let Some(message) = event.remove("message") else { return };
    match event.get_mut("logentry") {
        _ if message.is_empty() => {}
        Some(Json::Object(entry)) if !entry.is_empty() => {
            let known = |key: &str| entry.get(key).is_some_and(|value| !value.is_empty());
            if !known("formatted") && matches!(message, Json::Text(_)) {
                entry.set("formatted", message);
            }
        }
        Some(entry) if !entry.is_empty() => {}
        _ => event.set("logentry", message),
    }
}

/// Brings a `logentry` into canonical shape.
pub(super) fn read(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    if !matches!(value, Json::Object(_)) {
        if !lenient::text_or_json(value, at, problems) {
            return false;
        }
        let mut entry = Object::default();
        entry.set("formatted", value.take());
        *value = Json::Object(entry);
        return true;
    }
    let Some(entry) = value.object_mut() else { return false };
    entry.retain(|key, value| match key {
        "message" | "formatted" => lenient::text_or_json(value, &at.key(key), problems),
        "params" => !value.is_empty(),
        _ => true,
    });
    if !entry.has("formatted") {
        let formatted = match (entry.text("message"), entry.get("params")) {
            (Some(template), Some(params)) => format(template, params).map(Json::from),
            _ => None,
        };
        match formatted.or_else(|| entry.remove("message")) {
            Some(formatted) => entry.set("formatted", formatted),
            None if entry.iter().all(|(key, _)| key == "params") => return false,
            // An object of no known form: what it says, it says as JSON.
            None => {
                let text = Json::Object(std::mem::take(entry)).to_string();
                entry.set("formatted", text);
            }
        }
    }
    if entry.text("message") == entry.text("formatted") {
        entry.remove("message");
    }
    true
}

/// `template` with `params` put in. `None` if nothing in it asks for one.
fn format(template: &str, params: &Json<'_>) -> Option<String> {
    printf(template, params).or_else(|| braces(template, params))
}

/// `%s`, `%5.2f`, `%(name)r`, `%%`. Widths are not kept: they align columns, which a message does not have.
fn printf(template: &str, params: &Json<'_>) -> Option<String> {
    let mut out = String::with_capacity(template.len() + 64);
    let (mut rest, mut next, mut any) = (template, 0, false);
    while let Some(at) = rest.find('%') {
        push(&mut out, &rest[..at]);
        rest = &rest[at..];
        let Some(place) = Conversion::read(rest) else {
            push(&mut out, "%");
            rest = &rest[1..];
            continue;
        };
        let written = &rest[..place.bytes];
        rest = &rest[place.bytes..];
        let value = match place.name {
            _ if place.kind == '%' => None,
            Some(name) => params.object().and_then(|params| params.get(name)),
            None => {
                next += 1;
                nth(params, next - 1)
            }
        };
        match value {
            Some(value) => push(&mut out, &place.show(value)),
            None if place.kind == '%' => push(&mut out, "%"),
            None => push(&mut out, written),
        }
        any |= value.is_some();
        if out.len() >= FORMATTED_BYTES_MAX {
            return Some(out);
        }
    }
    push(&mut out, rest);
    any.then_some(out)
}

/// One `%…` of a template.
struct Conversion<'t> {
    name: Option<&'t str>,
    precision: Option<usize>,
    kind: char,
    /// How many bytes of the template it takes.
    bytes: usize,
}

impl<'t> Conversion<'t> {
    /// Reads one from the start of `text`, which is a `%`.
    fn read(text: &'t str) -> Option<Conversion<'t>> {
        let mut at = 1;
        let mut name = None;
        if text[at..].starts_with('(') {
            let end = at + text[at..].find(')')?;
            name = Some(&text[at + 1..end]);
            at = end + 1;
        }
        let run = |at: usize, of: fn(u8) -> bool| at + text[at..].bytes().take_while(|b| of(*b)).count();
        at = run(at, |b| matches!(b, b'-' | b'+' | b'#' | b'0'..=b'9'));
        let mut precision = None;
        if text[at..].starts_with('.') {
            let end = run(at + 1, |b| b.is_ascii_digit());
            precision = text[at + 1..end].parse().ok();
            at = end;
        }
        at = run(at, |b| matches!(b, b'l' | b'h' | b'L'));
        let kind = text[at..].chars().next().filter(|kind| "sdiurfFeEgGxXoca%@".contains(*kind))?;
        Some(Conversion { name, precision, kind, bytes: at + 1 })
    }

    fn show<'v>(&self, value: &'v Json<'_>) -> Cow<'v, str> {
        /// More decimals than any float has.
        const DECIMALS_MAX: usize = 20;
        match (self.kind, value) {
            ('r' | 'a', Json::Text(text)) => Cow::Owned(format!("'{text}'")),
            ('d' | 'i' | 'u', Json::Number(digits)) => {
                digits.split_once('.').map_or(Cow::Borrowed(&**digits), |(whole, _)| Cow::Borrowed(whole))
            }
            ('f' | 'F', Json::Number(digits)) => {
                let decimals = self.precision.unwrap_or(6).min(DECIMALS_MAX);
                value.float().map_or(Cow::Borrowed(&**digits), |float| Cow::Owned(format!("{float:.decimals$}")))
            }
            ('x', Json::Number(_)) => value.int().map_or(plain(value), |int| Cow::Owned(format!("{int:x}"))),
            ('X', Json::Number(_)) => value.int().map_or(plain(value), |int| Cow::Owned(format!("{int:X}"))),
            _ => plain(value),
        }
    }
}

/// `{}`, `{0}`, `{name}`, `{name!r:>10}`, `{{`.
fn braces(template: &str, params: &Json<'_>) -> Option<String> {
    let mut out = String::with_capacity(template.len() + 64);
    let (mut rest, mut next, mut any) = (template, 0, false);
    while let Some(at) = rest.find(['{', '}']) {
        push(&mut out, &rest[..at]);
        rest = &rest[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            push(&mut out, &rest[..1]);
            rest = &rest[2..];
            continue;
        }
        let end = rest.find('}').filter(|_| rest.starts_with('{')).unwrap_or(0);
        let written = &rest[..=end];
        rest = &rest[end + 1..];
        let name = written.trim_matches(['{', '}']).split([':', '!']).next().unwrap_or("");
        let value = match name.parse() {
            _ if end == 0 => None,
            Ok(index) => nth(params, index),
            Err(_) if name.is_empty() => {
                next += 1;
                nth(params, next - 1)
            }
            Err(_) => params.object().and_then(|params| params.get(name)),
        };
        any |= value.is_some();
        push(&mut out, &value.map_or(Cow::Borrowed(written), plain));
        if out.len() >= FORMATTED_BYTES_MAX {
            return Some(out);
        }
    }
    push(&mut out, rest);
    any.then_some(out)
}

/// The parameter at `index`; a lone scalar is a list of one, and an object may have numbers for keys.
fn nth<'p, 'a>(params: &'p Json<'a>, index: usize) -> Option<&'p Json<'a>> {
    match params {
        Json::Array(values) => values.get(index),
        Json::Object(object) => object.get(&index.to_string()),
        scalar => (index == 0).then_some(scalar),
    }
}

/// A value in a message, in Python's spelling.
fn plain<'v>(value: &'v Json<'_>) -> Cow<'v, str> {
    match value {
        Json::Text(text) | Json::Number(text) => Cow::Borrowed(text),
        Json::Bool(true) => Cow::Borrowed("True"),
        Json::Bool(false) => Cow::Borrowed("False"),
        Json::Null => Cow::Borrowed("None"),
        Json::Array(_) | Json::Object(_) => Cow::Owned(value.to_string()),
    }
}

/// Appends `text` as far as there is room.
fn push(out: &mut String, text: &str) {
    let room = FORMATTED_BYTES_MAX.saturating_sub(out.len());
    out.push_str(&text[..text.floor_char_boundary(room)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(json: &str) -> String {
        let mut problems = Vec::new();
        let mut value = crate::json::read(json, &mut problems);
        assert!(read(&mut value, &Path::root("logentry"), &mut problems), "{json}");
        value.to_string()
    }

    fn formatted(template: &str, params: &str) -> Option<String> {
        format(template, &crate::json::read(params, &mut Vec::new()))
    }

    #[test]
    fn every_form_becomes_one() {
        for (json, canonical) in [
            (r#""plain""#, r#"{"formatted":"plain"}"#),
            (r#"{"message":"plain","params":[]}"#, r#"{"formatted":"plain"}"#),
            (r#"{"message":"a","formatted":"a"}"#, r#"{"formatted":"a"}"#),
            (r#"{"message":"%s up","params":["db"]}"#, r#"{"message":"%s up","params":["db"],"formatted":"db up"}"#),
            (r#"{"message":"%s up","formatted":"x up","params":null}"#, r#"{"message":"%s up","formatted":"x up"}"#),
            (r#"{"message":{"a":1}}"#, r#"{"formatted":"{\"a\":1}"}"#),
            (r#"{"code":7}"#, r#"{"formatted":"{\"code\":7}"}"#),
            ("5", r#"{"formatted":"5"}"#),
        ] {
            assert_eq!(entry(json), canonical, "{json}");
        }
    }

    #[test]
    fn parameters_are_put_in() {
        for (template, params, expected) in [
            ("%s failed after %d s (%r)", r#"["job",1.5,"x"]"#, "job failed after 1 s ('x')"),
            ("%(who)s: %(n).2f%%", r#"{"who":"ann","n":3.14159}"#, "ann: 3.14%"),
            ("%5d|%-3s|%x", r#"[7,true,255]"#, "7|True|ff"),
            ("{} and {}", r#"["a",null]"#, "a and None"),
            ("{1} {0} {{}}", r#"["a",["b"]]"#, "[\"b\"] a {}"),
            ("{name!r:>10} {other}", r#"{"name":"ann"}"#, "ann {other}"),
            ("%s and %s", r#"["a"]"#, "a and %s"),
            ("100% of %s", r#""it""#, "100% of it"),
        ] {
            assert_eq!(formatted(template, params).as_deref(), Some(expected), "{template}");
        }
        assert_eq!(formatted("nothing to put in", r#"["a"]"#), None);
    }

    #[test]
    fn a_message_does_not_outgrow_its_parts() {
        let params = format!("[\"{}\"]", "x".repeat(10_000));
        assert_eq!(formatted(&"{0}".repeat(10_000), &params).map(|m| m.len()), Some(FORMATTED_BYTES_MAX));
    }

    proptest! {
        #[test]
        fn any_template_is_answered(template in "[%{}()a0.sdr é]{0,30}", params in "(\\[\"a\",1\\]|\\{\"a\":1\\}|3)") {
            let _ = formatted(&template, &params);
        }
    }
}
