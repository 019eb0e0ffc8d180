//! Payloads as SDKs send them, and what becomes of them: `fixtures/sentry/*/payload.json` is read and normalised
//! and must be `canonical.json` beside it.
//!
//! After a change that is meant, `BUGLE_BLESS=1 cargo test -p bugle-event --test fixtures` writes what comes out
//! now, to be reviewed like code.

use bugle_event::dialect::sentry;
use bugle_event::json::{Json, Object};
use bugle_event::normalize::{Arrival, event_id_of, normalize};
use bugle_event::{Event, EventId, dialect};
use std::fs;
use std::path::Path;

fn arrival(event: &Event<'_>) -> Arrival<'static> {
    Arrival {
        received_ms: 1_785_578_400_250,
        sent_at_ms: None,
        event_id: event_id_of(event).unwrap_or(EventId([0xee; 16])),
        client: Some("fixture/1.0"),
        client_ip: "203.0.113.9".parse().ok(),
    }
}

#[test]
fn payloads_become_their_canonical_form() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sentry");
    let mut names: Vec<_> =
        fs::read_dir(&root).expect("fixtures").map(|entry| entry.expect("an entry").path()).collect();
    names.sort();
    assert!(names.len() >= 6, "fixtures are missing in {}", root.display());
    let mut differing = String::new();
    for directory in names {
        let payload = fs::read(directory.join("payload.json")).expect("a payload");
        let (text, problem) = dialect::text(&payload);
        let mut event = sentry::read(&text);
        event.problems.extend(problem);
        let arrival = arrival(&event);
        normalize(&mut event, &arrival);
        let actual = pretty(event.json.clone());

        let mut again = event;
        normalize(&mut again, &arrival);
        assert_eq!(pretty(again.json), actual, "{}: normalising twice changes something", directory.display());

        let expected = directory.join("canonical.json");
        if std::env::var_os("BUGLE_BLESS").is_some() {
            fs::write(&expected, &actual).expect("write the canonical form");
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        if actual != expected {
            differing += &format!("\n{}\n{}", directory.display(), difference(&expected, &actual));
        }
    }
    assert!(differing.is_empty(), "- expected, + actual{differing}\nBUGLE_BLESS=1 accepts what comes out now.");
}

/// JSON with one value on a line, so that differences show.
fn pretty(event: Object<'_>) -> String {
    let mut out = String::new();
    write(&Json::Object(event), 0, &mut out);
    out + "\n"
}

fn write(value: &Json<'_>, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth + 1);
    let is_pair = |values: &[Json<'_>]| values.iter().all(|value| value.array().is_none() && value.object().is_none());
    let mut entries: Vec<(String, &Json<'_>)> = Vec::new();
    let (open, close) = match value {
        Json::Object(object) if !object.is_empty() => {
            entries.extend(object.iter().map(|(key, value)| (format!("{}: ", Json::from(key)), value)));
            ('{', '}')
        }
        Json::Array(values) if !is_pair(values) => {
            entries.extend(values.iter().map(|value| (String::new(), value)));
            ('[', ']')
        }
        _ => return out.push_str(&value.to_string()),
    };
    out.push(open);
    for (at, (key, value)) in entries.into_iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        out.push_str(&indent);
        out.push_str(&key);
        write(value, depth + 1, out);
    }
    out.push('\n');
    out.push_str(&indent[2..]);
    out.push(close);
}

/// The lines that are in only one of two texts, in order.
fn difference(expected: &str, actual: &str) -> String {
    let (mut left, mut right) = (expected.lines().peekable(), actual.lines().peekable());
    let mut out = String::new();
    while left.peek().is_some() || right.peek().is_some() {
        if left.peek() == right.peek() {
            left.next();
            right.next();
            continue;
        }
        if is_among(right.peek(), left.clone()) {
            out += &format!("- {}\n", left.next().unwrap_or_default());
        } else if is_among(left.peek(), right.clone()) {
            out += &format!("+ {}\n", right.next().unwrap_or_default());
        } else {
            out.extend(left.next().map(|line| format!("- {line}\n")));
            out.extend(right.next().map(|line| format!("+ {line}\n")));
        }
    }
    out
}

fn is_among<'t>(line: Option<&&str>, mut rest: impl Iterator<Item = &'t str>) -> bool {
    line.is_some_and(|line| rest.any(|other| other == *line))
}
