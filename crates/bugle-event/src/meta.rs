//! `_meta`: what an event's values have been through (Sentry protocol, section 8.7).
//!
//! A tree parallel to the event: keys and indices lead to an object whose `""` holds what is known about the value
//! there: `rem`, remarks `[rule, kind, start, end]`; `err`, kinds of problems; `len`, how long it was. SDKs send one,
//! which [`read`] holds to its form; reading and normalising add theirs ([`mark`]); scrubbing adds its own in the same
//! form. It is kept with the event, so that pages can say of a value what is missing.

use crate::json::{Json, Object};
use crate::path::Path;
use crate::problem::{Cut, Problem};
use std::ops::Range;

/// How many nodes an SDK's tree may have: what an honest one notes is far less, and each may be asked for on a page.
const NODES_MAX: usize = 2_000;
/// How many remarks or errors one value may have.
const REMARKS_MAX: usize = 50;
/// The longest name of a rule or an error, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// The rule that remarks of ours go by.
const LIMIT_RULE: &str = "!limit";

/// Holds an SDK's tree to its form. Values as they were before (`val`, `chunks`) go: they hold what was taken out.
pub(crate) fn read(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    let Json::Object(tree) = value else {
        if !value.is_empty() {
            let before = problems.len();
            Problem::note(problems, "invalid_data", at, "Not a tree of notes on values; left out.");
            Problem::displace(&mut problems[before..]);
        }
        return false;
    };
    tidy(tree, &mut NODES_MAX.clone())
}

fn tidy(node: &mut Object<'_>, nodes_left: &mut usize) -> bool {
    node.retain(|key, value| {
        let Json::Object(child) = value else { return false };
        if *nodes_left == 0 {
            return false;
        }
        *nodes_left -= 1;
        if key.is_empty() { tidy_about(child) } else { tidy(child, nodes_left) }
    });
    !node.is_empty()
}

fn tidy_about(about: &mut Object<'_>) -> bool {
    about.retain(|key, value| match (key, value) {
        ("len", value) => value.int().is_some_and(|length| length >= 0),
        ("rem" | "err", Json::Array(entries)) => {
            let is_name = |value: &Json<'_>| value.text().is_some_and(|name| name.len() <= NAME_BYTES_MAX);
            let is_place = |value: &Json<'_>| value.is_null() || value.int().is_some() || is_name(value);
            entries.retain_mut(|entry| match entry {
                Json::Text(_) => is_name(entry),
                // An error with details; the name says enough.
                Json::Array(parts) if matches!(parts[..], [Json::Text(_), Json::Object(_)]) => {
                    let name = parts.swap_remove(0);
                    *entry = name;
                    is_name(entry)
                }
                Json::Array(parts) => {
                    parts.first().is_some_and(is_name) && parts.len() <= 4 && parts[1..].iter().all(is_place)
                }
                _ => false,
            });
            entries.truncate(REMARKS_MAX);
            !entries.is_empty()
        }
        _ => false,
    });
    !about.is_empty()
}

/// Marks the place of `problem`, if it has one.
pub(crate) fn mark(event: &mut Object<'_>, problem: &Problem) {
    if problem.place.is_empty() {
        return;
    }
    let about = about(event, &problem.place);
    let number = |value: usize| Json::from_int(i64::try_from(value).unwrap_or(i64::MAX));
    match problem.cut {
        None => push(about, "err", Json::from(problem.kind)),
        Some(cut) => {
            let length = match cut {
                Cut::Text { chars, .. } => Some(chars),
                Cut::Entries(entries) => Some(entries),
                Cut::Whole => None,
            };
            // An SDK that has cut it before knows better how long it was.
            if let (Some(length), false) = (length, about.has("len")) {
                about.set("len", number(length));
            }
            match cut {
                Cut::Text { dots: (start, end), .. } => {
                    push(
                        about,
                        "rem",
                        vec![Json::from(LIMIT_RULE), Json::from("s"), number(start), number(end)].into(),
                    );
                }
                Cut::Whole => push(about, "rem", vec![Json::from(LIMIT_RULE), Json::from("x")].into()),
                Cut::Entries(_) => {}
            }
        }
    }
}

/// Elements of the list at `list` have been taken out: the places of problems behind them move along.
pub(crate) fn move_problems(problems: &mut [Problem], list: &[String], gone: &Range<usize>) {
    for problem in problems.iter_mut().filter(|p| p.place.len() > list.len() && p.place.starts_with(list)) {
        match moved(&problem.place[list.len()], gone) {
            Some(step) => problem.place[list.len()] = step,
            None => problem.place = Vec::new(),
        }
    }
}

/// As [`move_problems`], for what the event's tree has noted already.
pub(crate) fn move_notes(event: &mut Object<'_>, list: &[String], gone: &Range<usize>) {
    let mut node = event.get_mut("_meta").and_then(Json::object_mut);
    for step in list {
        node = node.and_then(|node| node.get_mut(step)).and_then(Json::object_mut);
    }
    if let Some(node) = node {
        let entries = std::mem::take(node).into_iter();
        *node = entries.filter_map(|(key, value)| Some((moved(&key, gone)?.into(), value))).collect();
    }
}

/// The index that an element has when those of `gone` are gone; none if it is one of them.
fn moved(step: &str, gone: &Range<usize>) -> Option<String> {
    match step.parse::<usize>() {
        Ok(index) if gone.contains(&index) => None,
        Ok(index) if index >= gone.end => Some((index - gone.len()).to_string()),
        _ => Some(step.to_string()),
    }
}

/// What is noted at `place`.
fn about<'e, 'a>(event: &'e mut Object<'a>, place: &[String]) -> &'e mut Object<'a> {
    let mut node = child(event, "_meta");
    for step in place {
        node = child(node, step);
    }
    child(node, "")
}

fn push<'a>(about: &mut Object<'a>, key: &'static str, entry: Json<'a>) {
    if !matches!(about.get(key), Some(Json::Array(_))) {
        about.set(key, Vec::new());
    }
    if let Some(Json::Array(entries)) = about.get_mut(key)
        && entries.len() < REMARKS_MAX
        && !entries.contains(&entry)
    {
        entries.push(entry);
    }
}

/// The object at `key`, made if there is none.
fn child<'o, 'a>(object: &'o mut Object<'a>, key: &str) -> &'o mut Object<'a> {
    if object.object(key).is_none() {
        object.set(key.to_string(), Object::default());
    }
    object.get_mut(key).and_then(Json::object_mut).expect("it was put there in the line above")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(json: &str) -> String {
        let mut problems = Vec::new();
        let mut value = crate::json::read(json, &mut problems);
        let kept = read(&mut value, &Path::root("_meta"), &mut problems);
        (if kept { value.to_string() } else { "-".into() }) + &"!".repeat(problems.len())
    }

    #[test]
    fn an_sdks_tree_is_held_to_its_form() {
        for (json, expected) in [
            (r#"{"extra":{"list":{"":{"len":120}}}}"#, r#"{"extra":{"list":{"":{"len":120}}}}"#),
            (
                r#"{"a":{"":{"rem":[["!limit","s",1,4],7,["x",[1]]],"err":["e",["f",{"g":1}]],"val":"secret","chunks":[]}}}"#,
                r#"{"a":{"":{"rem":[["!limit","s",1,4]],"err":["e","f"]}}}"#,
            ),
            (r#"{"a":{"":{"len":"many"}},"b":3,"c":{"d":{}}}"#, "-"),
            ("[1]", "-!"),
            ("null", "-"),
        ] {
            assert_eq!(tidied(json), expected, "{json}");
        }
        let many: Vec<String> = (0..NODES_MAX).map(|n| format!(r#""{n}":{{"":{{"len":1}}}}"#)).collect();
        assert_eq!(tidied(&format!("{{{}}}", many.join(","))).matches("len").count(), NODES_MAX / 2);
    }

    #[test]
    fn a_mark_joins_what_an_sdk_has_noted() {
        let mut event = Object::default();
        let mut problems = Vec::new();
        let root = Path::root("extra");
        Problem::note_cut(&mut problems, root.key("a"), Cut::Text { chars: 900, dots: (7, 10) }, "cut");
        Problem::note(&mut problems, "invalid_data", root.key("b"), "odd");
        Problem::note(&mut problems, "clock_drift", "", "late");
        problems.iter().chain(&problems.clone()).for_each(|problem| mark(&mut event, problem));
        let expected =
            r#"{"extra":{"a":{"":{"len":900,"rem":[["!limit","s",7,10]]}},"b":{"":{"err":["invalid_data"]}}}}"#;
        assert_eq!(event.get("_meta").map(ToString::to_string).as_deref(), Some(expected));
    }

    #[test]
    fn marks_move_along_when_elements_go() {
        let json = r#"{"_meta":{"l":{"":{"len":9},"0":{"":{"len":1}},"2":{"":{"len":2}},"5":{"":{"len":3}}}}}"#;
        let mut event = crate::json::read(json, &mut Vec::new());
        let mut problems = Vec::new();
        for index in [0, 2, 5] {
            Problem::note(&mut problems, "invalid_data", Path::root("l").index(index), "");
        }
        move_notes(event.object_mut().unwrap(), &["l".into()], &(1..4));
        move_problems(&mut problems, &["l".into()], &(1..4));
        assert_eq!(event.to_string(), r#"{"_meta":{"l":{"":{"len":9},"0":{"":{"len":1}},"2":{"":{"len":3}}}}}"#);
        let places: Vec<String> = problems.iter().map(|problem| problem.place.join(".")).collect();
        assert_eq!(places, ["l.0", "", "l.2"]);
    }
}
