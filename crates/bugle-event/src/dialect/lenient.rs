//! Values as SDKs send them, brought to the type they should have (Sentry protocol, "Event payload": general
//! conventions).
//!
//! Each function changes `value` in place and answers whether there is anything left to keep, so that readers can
//! go over an object with [`Object::retain`] in one pass. What is right already is not touched. What cannot be
//! brought to its type goes, with a problem.

use crate::json::{Json, Object};
use crate::path::Path;
use crate::problem::Problem;
use std::borrow::Cow;

/// A non-empty string. Numbers become their digits; booleans are spelled as Python does.
pub(super) fn text(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    match value {
        Json::Text(text) => return !text.is_empty(),
        Json::Number(digits) => *value = Json::Text(std::mem::take(digits)),
        Json::Bool(true) => *value = Json::from("True"),
        Json::Bool(false) => *value = Json::from("False"),
        Json::Null => return false,
        Json::Array(_) | Json::Object(_) => return refuse(value, "a string", at, problems),
    }
    true
}

/// A non-empty string, for which arrays and objects are written as JSON.
pub(super) fn text_or_json(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    match value {
        Json::Array(_) | Json::Object(_) => *value = Json::Text(Cow::Owned(value.to_string())),
        _ => return text(value, at, problems),
    }
    true
}

/// A line of source or its like: a string that may be empty.
pub(super) fn line(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    matches!(value, Json::Text(_)) || text(value, at, problems)
}

/// `true` or `false`.
pub(super) fn bool(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    let known = match value {
        Json::Bool(_) => return true,
        Json::Null => return false,
        Json::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Json::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Json::Number(digits) if digits == "1" => Some(true),
        Json::Number(digits) if digits == "0" => Some(false),
        _ => None,
    };
    match known {
        Some(known) => *value = Json::Bool(known),
        None => return refuse(value, "true or false", at, problems),
    }
    true
}

/// A line or column: a whole number of 1 or more. Zero and below mean unknown.
pub(super) fn position(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    match value.int() {
        Some(..=0) => return false,
        Some(number) => {
            let plain = matches!(value, Json::Number(digits) if digits.bytes().all(|b| b.is_ascii_digit()));
            if !plain {
                *value = Json::from_int(number);
            }
        }
        None if value.is_empty() => return false,
        None => return refuse(value, "a whole number", at, problems),
    }
    true
}

/// A whole number of any size that an integer has.
pub(super) fn whole(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    match value.int() {
        Some(number) => {
            let is_plain = |digits: &str| {
                let digits = digits.strip_prefix('-').unwrap_or(digits);
                !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
            };
            if !matches!(value, Json::Number(digits) if is_plain(digits)) {
                *value = Json::from_int(number);
            }
        }
        None if value.is_empty() => return false,
        None => return refuse(value, "a whole number", at, problems),
    }
    true
}

/// A machine address: `0x` and lowercase hex digits, from a number, decimal digits or hex.
pub(super) fn address(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    if is_plain_address(value) {
        return true;
    }
    let (Json::Text(digits) | Json::Number(digits)) = &*value else {
        return !value.is_null() && refuse(value, "an address", at, problems);
    };
    let digits = digits.trim();
    let address = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok().or_else(|| u64::from_str_radix(digits, 16).ok()),
    };
    match address.map(|address| format!("{address:#x}")) {
        None if digits.is_empty() => return false,
        None => return refuse(value, "an address", at, problems),
        Some(address) if value.text() == Some(&address) => {}
        Some(address) => *value = Json::from(address),
    }
    true
}

/// A time: Unix seconds as a number, with at most three decimals.
pub(super) fn timestamp(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    if is_short_seconds(value) {
        return true;
    }
    match crate::time::read(value) {
        Some(unix_ms) => *value = crate::time::seconds(unix_ms),
        None if value.is_empty() => return false,
        None => return refuse(value, "a time", at, problems),
    }
    true
}

/// A level: `fatal`, `error`, `warning`, `info` or `debug`, also by other names and by Python's numbers.
pub(super) fn level(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    if value.is_empty() {
        return false;
    }
    let level = match value.text() {
        Some("fatal" | "error" | "warning" | "info" | "debug") => return true,
        Some(text) => text.trim().to_ascii_lowercase(),
        None => value.int().map(|number| number.to_string()).unwrap_or_default(),
    };
    *value = Json::from(match level.as_str() {
        "fatal" | "critical" | "crit" | "50" => "fatal",
        "error" | "err" | "40" => "error",
        "warning" | "warn" | "30" => "warning",
        "info" | "log" | "20" => "info",
        "debug" | "10" => "debug",
        _ => return refuse(value, "a level", at, problems),
    });
    true
}

/// A free-form object. Anything else is kept in one, as its `value`.
pub(super) fn bag<'a>(value: &mut Json<'a>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    match value {
        Json::Object(_) => return true,
        _ if value.is_empty() => return false,
        _ => {
            Problem::note(problems, "invalid_data", at, format!("{}; kept as its value.", not("an object", value)));
            let mut bag = Object::default();
            bag.set("value", value.take());
            *value = Json::Object(bag);
        }
    }
    true
}

/// An object with known keys; `read` goes over it and says whether to keep it.
pub(super) fn object<'a>(
    value: &mut Json<'a>,
    at: &Path<'_>,
    problems: &mut Vec<Problem>,
    read: impl FnOnce(&mut Object<'a>, &Path<'_>, &mut Vec<Problem>) -> bool,
) -> bool {
    match value {
        Json::Object(object) => read(object, at, problems),
        _ if value.is_empty() => false,
        _ => refuse(value, "an object", at, problems),
    }
}

/// The elements of an array. Nulls go, a single value counts as an array of one, and `read` goes over each and
/// says whether to keep it. Not kept when empty. Problems name an
/// element by where it was sent, and are marked where it is afterwards.
pub(super) fn list<'a>(
    value: &mut Json<'a>,
    at: &Path<'_>,
    problems: &mut Vec<Problem>,
    mut read: impl FnMut(&mut Json<'a>, &Path<'_>, &mut Vec<Problem>) -> bool,
) -> bool {
    if value.is_empty() {
        return false;
    }
    if !matches!(value, Json::Array(_)) {
        *value = Json::Array(vec![value.take()]);
    }
    let Json::Array(elements) = value else { return false };
    let (mut sent, mut kept) = (0, 0);
    elements.retain_mut(|element| {
        let before = problems.len();
        let keep = !element.is_null() && read(element, &at.index(sent), problems);
        if problems.len() > before {
            Problem::settle(&mut problems[before..], at, keep.then_some(kept));
        }
        sent += 1;
        kept += usize::from(keep);
        keep
    });
    !elements.is_empty()
}

/// A list in the form `{"values": […]}`, from that, from a bare array or from a single object.
pub(super) fn values<'a>(
    value: &mut Json<'a>,
    at: &Path<'_>,
    problems: &mut Vec<Problem>,
    mut read: impl FnMut(&mut Object<'a>, &Path<'_>, &mut Vec<Problem>) -> bool,
) -> bool {
    if value.is_empty() {
        return false;
    }
    if !value.object().is_some_and(|object| object.has("values")) {
        let mut wrapped = Object::default();
        wrapped.set("values", value.take());
        *value = Json::Object(wrapped);
    }
    let at = at.key("values");
    let elements = value.object_mut().and_then(|object| object.get_mut("values"));
    elements.is_some_and(|elements| {
        list(elements, &at, problems, |element, at, problems| object(element, at, problems, &mut read))
    })
}

/// The entries of a pair list: an object, or an array of `[key, value]`. None, with a problem, if it is neither.
pub(super) fn entries<'a>(
    value: Json<'a>,
    at: &Path<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<(Cow<'a, str>, Json<'a>)> {
    match value {
        Json::Object(object) => object.into_iter().collect(),
        Json::Array(pairs) => pairs
            .into_iter()
            .enumerate()
            .filter_map(|(index, mut pair)| {
                let entry = entry(pair.take());
                if let Err(false) = entry {
                    let before = problems.len();
                    Problem::note(problems, "invalid_data", at.index(index), "Not a pair of key and value; left out.");
                    Problem::displace(&mut problems[before..]);
                }
                entry.ok()
            })
            .collect(),
        mut other => {
            if !other.is_empty() {
                refuse(&mut other, "pairs of key and value", at, problems);
            }
            Vec::new()
        }
    }
}

/// A canonical pair list.
pub(super) fn pairs<'a>(entries: impl IntoIterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Json<'a> {
    Json::Array(entries.into_iter().map(|(key, value)| Json::Array(vec![Json::Text(key), Json::Text(value)])).collect())
}

/// Notes that `value` is not `wanted`, and drops it.
pub(super) fn refuse(value: &mut Json<'_>, wanted: &str, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    Problem::note(problems, "invalid_data", at, format!("{}; left out.", not(wanted, value)));
    *value = Json::Null;
    false
}

/// `Err(true)` for a null, which is no mistake.
fn entry<'a>(pair: Json<'a>) -> Result<(Cow<'a, str>, Json<'a>), bool> {
    let (key, value) = match pair {
        Json::Null => return Err(true),
        Json::Array(sides) => <[Json<'a>; 2]>::try_from(sides).map(|[key, value]| (key, value)).map_err(|_| false)?,
        Json::Object(mut object) => (object.remove("key").ok_or(false)?, object.remove("value").unwrap_or_default()),
        _ => return Err(false),
    };
    match key {
        Json::Text(key) | Json::Number(key) => Ok((key, value)),
        other => Err(other.is_null()),
    }
}

/// Whether it is written as an address is, so that nothing has to change.
fn is_plain_address(value: &Json<'_>) -> bool {
    let digits = value.text().and_then(|text| text.strip_prefix("0x")).unwrap_or_default();
    let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    (1..=16).contains(&digits.len()) && digits.bytes().all(is_digit) && (digits == "0" || !digits.starts_with('0'))
}

fn is_short_seconds(value: &Json<'_>) -> bool {
    let Json::Number(digits) = value else { return false };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    whole.len() <= 12 && fraction.len() <= 3 && plain(whole) && plain(fraction)
}

/// `Not a level but an array`; of text it is not said what else it is.
fn not(wanted: &str, value: &Json<'_>) -> String {
    let found = match value {
        Json::Text(_) => return format!("Not {wanted}"),
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    };
    format!("Not {wanted} but {found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    type Lenient = fn(&mut Json<'_>, &Path<'_>, &mut Vec<Problem>) -> bool;

    /// What is left of `json`; `-` for nothing, with `!` for each problem.
    fn of(lenient: Lenient, json: &str) -> String {
        let mut problems = Vec::new();
        let mut value = crate::json::read(json, &mut problems);
        let kept = lenient(&mut value, &Path::root("x"), &mut problems);
        let text = if kept { value.to_string() } else { "-".to_string() };
        text + &"!".repeat(problems.len())
    }

    fn check(lenient: Lenient, cases: &[(&str, &str)]) {
        for (json, expected) in cases {
            assert_eq!(of(lenient, json), *expected, "{json}");
        }
    }

    #[test]
    fn scalars_come_to_their_type() {
        check(
            text,
            &[
                ("\"a\"", "\"a\""),
                ("1.50", "\"1.50\""),
                ("true", "\"True\""),
                ("null", "-"),
                ("\"\"", "-"),
                ("[1]", "-!"),
            ],
        );
        check(text_or_json, &[("{\"a\":[1]}", "\"{\\\"a\\\":[1]}\""), ("false", "\"False\"")]);
        check(bool, &[("true", "true"), ("\"False\"", "false"), ("1", "true"), ("null", "-"), ("\"maybe\"", "-!")]);
        check(
            position,
            &[("3", "3"), ("\"3\"", "3"), ("3.0", "3"), ("0", "-"), ("-1", "-"), ("null", "-"), ("\"x\"", "-!")],
        );
    }

    #[test]
    fn addresses_are_hex() {
        check(address, &[("4096", "\"0x1000\""), ("\"4096\"", "\"0x1000\""), ("\"0x0FF0\"", "\"0xff0\"")]);
        check(
            address,
            &[
                ("\"0xff0\"", "\"0xff0\""),
                ("\"7fffAB\"", "\"0x7fffab\""),
                ("\"\"", "-"),
                ("\"zz\"", "-!"),
                ("{}", "-!"),
            ],
        );
    }

    #[test]
    fn times_are_seconds() {
        check(timestamp, &[("1785578400.12", "1785578400.12"), ("1785578400.123456", "1785578400.123")]);
        check(
            timestamp,
            &[("\"2026-08-01T10:00:00Z\"", "1785578400"), ("\"soon\"", "-!"), ("null", "-"), ("1e3", "1000")],
        );
    }

    #[test]
    fn levels_have_five_names() {
        check(
            level,
            &[
                ("\"error\"", "\"error\""),
                ("\"LOG\"", "\"info\""),
                ("\"critical\"", "\"fatal\""),
                ("30", "\"warning\""),
            ],
        );
        check(level, &[("\"loud\"", "-!"), ("null", "-"), ("35", "-!")]);
    }

    #[test]
    fn bags_lose_nothing() {
        check(bag, &[("{\"a\":1}", "{\"a\":1}"), ("[1]", "{\"value\":[1]}!"), ("\"\"", "-"), ("null", "-")]);
    }

    #[test]
    fn lists_of_values_come_in_three_forms() {
        let all: Lenient = |value, at, problems| values(value, at, problems, |_, _, _| true);
        for json in ["{\"values\":[null,{\"a\":1}]}", "[{\"a\":1},null]", "{\"a\":1}", "{\"values\":{\"a\":1}}"] {
            assert_eq!(of(all, json), "{\"values\":[{\"a\":1}]}", "{json}");
        }
        check(
            all,
            &[("[1,{\"a\":1}]", "{\"values\":[{\"a\":1}]}!"), ("{\"values\":null}", "-"), ("[]", "-"), ("3", "-!")],
        );
    }

    #[test]
    fn pair_lists_come_in_three_forms() {
        let all: Lenient = |value, at, problems| {
            let list = entries(value.take(), at, problems);
            let text = |value: Json<'_>| value.text().unwrap_or("").to_string();
            *value = pairs(list.into_iter().map(|(k, v)| (Cow::Owned(k.into_owned()), Cow::Owned(text(v)))));
            true
        };
        for json in ["{\"a\":\"b\"}", "[[\"a\",\"b\"],null,[null,1]]", "[{\"key\":\"a\",\"value\":\"b\"}]"] {
            assert_eq!(of(all, json), "[[\"a\",\"b\"]]", "{json}");
        }
        check(all, &[("[[\"a\"],1]", "[]!!"), ("null", "[]"), ("7", "[]!")]);
    }
}
