//! Released keys stay as they are: each `fixtures/grouping/*.json`, an event in canonical shape, must have the keys
//! and the reasons in the `.keys` file beside it.
//!
//! A difference means that stored issues of every installation would fall apart. After a change that is meant,
//! together with a new `group::VERSION`, `BUGLE_BLESS=1 cargo test -p bugle-event --test grouping` writes what comes
//! out now, to be reviewed like code.

use bugle_event::Event;
use bugle_event::frame::decide_in_app;
use bugle_event::group::{Kind, explain, group};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn released_keys_stay() {
    let events = events();
    assert!(events.len() >= 20, "fixtures are missing");
    let mut differing = String::new();
    for path in events {
        let actual = keys_and_reasons(&fs::read_to_string(&path).expect("an event"));
        let expected = path.with_extension("keys");
        if std::env::var_os("BUGLE_BLESS").is_some() {
            fs::write(&expected, &actual).expect("write the keys");
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        if actual != expected {
            let _ = write!(differing, "\n{}\n{expected}\nis now\n{actual}", path.display());
        }
    }
    assert!(differing.is_empty(), "{differing}\nBUGLE_BLESS=1 accepts what comes out now.");
}

#[test]
fn three_spellings_of_a_python_error_are_one_issue() {
    let keys = |name: &str| {
        let path = root().join(name).with_extension("json");
        let text = fs::read_to_string(path).expect("an event");
        let mut event = Event::stored(&text);
        decide_in_app(&mut event);
        group(&event).keys
    };
    let by_module = keys("python-by-module");
    assert_eq!(by_module.iter().map(|key| key.kind).collect::<Vec<_>>(), [Kind::Full, Kind::Site]);
    assert_eq!(by_module, keys("python-by-file"));
    assert_eq!(by_module, keys("python-by-path"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/grouping")
}

fn events() -> Vec<PathBuf> {
    let files = fs::read_dir(root()).expect("fixtures").map(|entry| entry.expect("an entry").path());
    let mut events: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    events.sort();
    events
}

fn keys_and_reasons(text: &str) -> String {
    let mut event = Event::stored(text);
    assert!(event.problems.is_empty(), "{:?}", event.problems);
    decide_in_app(&mut event);
    let grouping = group(&event);
    let because = explain(&event);
    let mut out = format!("version {}\n", grouping.version);
    for key in grouping.keys {
        let _ = writeln!(out, "{} {key}", key.kind.as_str());
        for part in because.parts.iter().filter(|part| part.key == key.kind) {
            let _ = writeln!(out, "  {} {}", part.what, part.text);
        }
    }
    for ignored in because.ignored {
        let _ = writeln!(out, "ignored {}: {}", ignored.text, ignored.why);
    }
    out
}
