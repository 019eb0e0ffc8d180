//! A problem: something odd in an event, kept with it and shown on its page.
//!
//! Never a reason to drop the event. Stored inside the event as an entry of `errors[]`, in the shape that
//! Sentry's clients know: `{"type", "name", "value"}`.

use crate::json::{Json, Object};
use std::borrow::Cow;
use std::fmt::Display;

/// How many problems one event can have. Those that come later are not told: by then the point is made, and a
/// payload of nothing but mistakes must not grow in memory.
pub const PROBLEMS_MAX: usize = 50;

/// Something odd about one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of oddity, in Sentry's words where it has one: `invalid_data`, `value_too_long`, `clock_drift`…
    pub kind: &'static str,
    /// Where in the event, as a dotted path (`exception.values.0.type`); empty for the event as a whole.
    pub path: String,
    /// What was found there or done about it, for a person to read. Never a scrubbed value.
    pub detail: String,
}

impl Problem {
    /// A problem of `kind` at `path`, explained by `detail`.
    pub fn new(kind: &'static str, path: impl Into<String>, detail: impl Into<String>) -> Self {
        Problem { kind, path: path.into(), detail: detail.into() }
    }

    /// Appends a problem, unless there are [`PROBLEMS_MAX`] already. The path is spelled only if it is needed.
    pub fn note(problems: &mut Vec<Problem>, kind: &'static str, path: impl Display, detail: impl Into<String>) {
        if problems.len() < PROBLEMS_MAX {
            problems.push(Problem::new(kind, path.to_string(), detail));
        }
    }

    /// The problem as an entry of the event's `errors[]`.
    pub fn to_json<'a>(&self) -> Json<'a> {
        let mut entry = Object::default();
        entry.set("type", Json::Text(Cow::Borrowed(self.kind)));
        if !self.path.is_empty() {
            entry.set("name", Json::Text(Cow::Owned(self.path.clone())));
        }
        if !self.detail.is_empty() {
            entry.set("value", Json::Text(Cow::Owned(self.detail.clone())));
        }
        Json::Object(entry)
    }
}
