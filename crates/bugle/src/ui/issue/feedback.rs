//! Feedback on an issue's page: first what was said of the event that is shown, then the newest of the others.

use crate::feedback::{self, Feedback, Of};
use crate::ui::feedback::list;
use crate::ui::number::counted;
use bugle_db::{DbError, Tx};
use bugle_event::EventId;
use maud::{Markup, html};

/// Feedback that is shown of the event, and of the whole issue.
const SHOWN_MAX: i64 = 5;

/// What is shown.
pub(super) struct Voices {
    /// How many there are of the issue.
    pub(super) count: i64,
    of_event: Vec<Feedback>,
    others: Vec<Feedback>,
}

impl Voices {
    /// Of an issue, and of the event of it that is shown.
    pub(super) fn read(
        tx: &mut Tx<'_>,
        (project, issue): (i64, i64),
        event: Option<EventId>,
    ) -> Result<Voices, DbError> {
        let count = feedback::count(tx, issue)?;
        if count == 0 {
            return Ok(Voices { count, of_event: Vec::new(), others: Vec::new() });
        }
        let of_event = match event {
            Some(id) => feedback::list(tx, Of::Event(project, id), 0, SHOWN_MAX)?,
            None => Vec::new(),
        };
        let mut others = feedback::list(tx, Of::Issue(issue), 0, SHOWN_MAX)?;
        others.retain(|one| !of_event.iter().any(|shown| shown.id == one.id));
        Ok(Voices { count, of_event, others })
    }
}

/// The section; nothing where nobody said anything.
pub(super) fn section(issue: i64, voices: &Voices, now_ms: i64) -> Markup {
    let shown = (voices.of_event.len() + voices.others.len()) as i64;
    html! {
        @if voices.count > 0 {
            section.part #feedback {
                header { h2 { "Feedback" } small { (counted(voices.count, "voice", "voices")) } }
                div {
                    @if !voices.of_event.is_empty() {
                        h3 { "Of this event" }
                        (list(&voices.of_event, false, now_ms))
                    }
                    @if !voices.others.is_empty() {
                        @if !voices.of_event.is_empty() { h3 { "Of others" } }
                        (list(&voices.others, false, now_ms))
                    }
                    @if voices.count > shown {
                        p.acts { a.btn.bare href={ "/feedback?issue=" (issue) } { "All feedback of this issue" } }
                    }
                }
            }
        }
    }
}
