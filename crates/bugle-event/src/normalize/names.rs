//! Release, environment and dist, which other things are found by, and the logger.
//!
//! A name that breaks the rules (Sentry protocol, "Release strings") goes, because one that was made to fit would
//! look like somebody else's.

use crate::Event;
use crate::json::{Json, Object};
use crate::problem::Problem;
use crate::release::{is_environment, is_release};
use std::borrow::Cow;

/// The longest logger, in characters.
const LOGGER_CHARS_MAX: usize = 64;

/// Trims and checks the names.
pub(super) fn settle(event: &mut Event<'_>) {
    for (key, kind, is_valid, rule) in RULES {
        let Some(Json::Text(name)) = event.json.get_mut(key) else { continue };
        trim(name);
        if name.is_empty() {
            event.json.remove(key);
        } else if !is_valid(name) {
            event.json.remove(key);
            Problem::note(&mut event.problems, kind, key, *rule);
        }
    }
    let is_java = event.platform() == "java";
    settle_logger(&mut event.json, is_java);
}

type Rule = (&'static str, &'static str, fn(&str) -> bool, &'static str);

const RULES: &[Rule] = &[
    (
        "release",
        "invalid_data",
        is_release,
        "A release has up to 200 bytes without / \\ and line breaks, and is not “latest”; left out.",
    ),
    (
        "environment",
        "invalid_environment",
        is_environment,
        "An environment has up to 64 bytes without / \\ and line breaks, and is not “none”; left out.",
    ),
    ("dist", "invalid_data", is_dist, "A dist has up to 64 letters, digits and _.-; left out."),
];

fn is_dist(name: &str) -> bool {
    name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// One line. A long Java logger keeps its end, which says more: `*.checkout.CartService`.
fn settle_logger(event: &mut Object<'_>, is_java: bool) {
    let Some(Json::Text(logger)) = event.get_mut("logger") else { return };
    if logger.contains(['\n', '\r']) {
        *logger = Cow::Owned(logger.replace(['\n', '\r'], " "));
    }
    trim(logger);
    if is_java && logger.chars().count() > LOGGER_CHARS_MAX {
        let fits = |at: &usize| logger[*at..].chars().count() < LOGGER_CHARS_MAX;
        let dot = logger.match_indices('.').map(|(at, _)| at).find(fits);
        if let Some(dot) = dot {
            *logger = Cow::Owned(format!("*{}", &logger[dot..]));
        }
    }
    if logger.is_empty() {
        event.remove("logger");
    }
}

fn trim(text: &mut Cow<'_, str>) {
    if text.trim().len() != text.len() {
        *text = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_string()),
        };
    }
}
