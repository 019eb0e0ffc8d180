//! A problem: something odd in an event, kept with it and shown on its page.
//!
//! Never a reason to drop the event. Stored inside the event as an entry of `errors[]`, in the shape that
//! Sentry's clients know: `{"type", "name", "value"}`, and as a mark at its place in `_meta` ([`crate::meta`]).

use crate::json::{Json, Object};
use crate::path::Path;
use std::borrow::Cow;
use std::fmt::Display;

/// How many problems one event tells in its `errors`. Those that come later have only their marks: by then the point is
/// made.
pub const PROBLEMS_MAX: usize = 50;

/// How many problems of one event are noted at all: a payload of nothing but mistakes must not grow in memory.
pub const NOTED_MAX: usize = 500;

/// Something odd about one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of oddity, in Sentry's words where it has one: `invalid_data`, `value_too_long`, `clock_drift`…
    pub kind: &'static str,
    /// Where in the event, as a dotted path (`exception.values.0.type`); empty for the event as a whole.
    pub path: String,
    /// What was found there or done about it, for a person to read. Never a scrubbed value. Empty: there is a mark at the
    /// place, and that says enough.
    pub detail: String,
    /// The keys and indices that lead to the place in the canonical event; empty if there is no such place (any more).
    pub place: Vec<String>,
    /// What was cut there, if that is the problem.
    pub cut: Option<Cut>,
}

/// Something that was longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// A text lost its end.
    Text {
        /// How long it was, in characters.
        chars: usize,
        /// Where in the new text the dots are: first byte, and the one behind the last.
        dots: (usize, usize),
    },
    /// A list or an object lost entries; so many it had.
    Entries(usize),
    /// A value is gone as a whole.
    Whole,
}

/// Where a problem is.
pub trait Place: Display {
    /// The keys and indices that lead there; none for the event as a whole.
    fn steps(&self) -> Vec<String>;
}

impl Place for Path<'_> {
    fn steps(&self) -> Vec<String> {
        self.marked_steps()
    }
}

impl Place for str {
    fn steps(&self) -> Vec<String> {
        if self.is_empty() { Vec::new() } else { vec![self.to_string()] }
    }
}

impl<P: Place + ?Sized> Place for &P {
    fn steps(&self) -> Vec<String> {
        (**self).steps()
    }
}

impl Problem {
    /// A problem of `kind` of the event as a whole, explained by `detail`.
    pub fn whole(kind: &'static str, detail: impl Into<String>) -> Self {
        Problem { kind, path: String::new(), detail: detail.into(), place: Vec::new(), cut: None }
    }

    /// Appends a problem, unless there are [`NOTED_MAX`] already. The path is spelled only if it is needed.
    pub fn note(problems: &mut Vec<Problem>, kind: &'static str, at: impl Place, detail: impl Into<String>) {
        if problems.len() < NOTED_MAX {
            let (path, place) = (at.to_string(), at.steps());
            problems.push(Problem { kind, path, detail: detail.into(), place, cut: None });
        }
    }

    /// Appends that something was cut.
    pub fn note_cut(problems: &mut Vec<Problem>, at: impl Place, cut: Cut, detail: impl Into<String>) {
        let before = problems.len();
        Problem::note(problems, "value_too_long", at, detail);
        if let Some(noted) = problems.get_mut(before) {
            noted.cut = Some(cut);
        }
    }

    /// Marks a cut without telling of it among the problems: it is one of many that have one reason. Told problems have
    /// room of their own.
    pub fn mark_cut(problems: &mut Vec<Problem>, at: impl Place, cut: Cut) {
        if problems.len() < NOTED_MAX - PROBLEMS_MAX {
            Problem::note_cut(problems, at, cut, "");
        }
    }

    /// The element of the list `list` that `problems` are about stands at `index` now, or is left out.
    pub fn settle(problems: &mut [Problem], list: &Path<'_>, index: Option<usize>) {
        let Some(index) = index else { return Problem::displace(problems) };
        let step = list.marked_steps().len();
        for place in problems.iter_mut().filter_map(|problem| problem.place.get_mut(step)) {
            *place = index.to_string();
        }
    }

    /// Takes the place from problems of something that is left out: what stands there afterwards is something else.
    pub fn displace(problems: &mut [Problem]) {
        problems.iter_mut().for_each(|problem| problem.place = Vec::new());
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
