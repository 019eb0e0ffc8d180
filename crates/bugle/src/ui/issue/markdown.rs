//! One event as Markdown: what somebody pastes into a chat or a ticket.

use super::frame::{name, place};
use crate::issue::Issue;
use crate::ui::moment::utc;
use bugle_event::Event;
use std::fmt::Write;

/// Frames of one exception that are written.
const FRAMES_MAX: usize = 40;

/// The text. `url` leads back to the event's page.
pub fn of(issue: &Issue, event: &Event<'_>, url: &str) -> String {
    let mut out = format!("## {}", line(&issue.kind));
    let _ = match (issue.kind.is_empty(), issue.title.is_empty()) {
        (true, _) => write!(out, "{}", line(&issue.title)),
        (false, true) => Ok(()),
        (false, false) => write!(out, ": {}", line(&issue.title)),
    };
    let at = utc(event.timestamp_ms(), "%-d %b %Y %H:%M:%S UTC");
    let _ = write!(out, "\n\n[{}]({url}), {}, {at}", issue.short_id(), issue.level);
    for key in ["release", "environment", "transaction", "server_name"] {
        if let Some(text) = event.text(key) {
            let _ = write!(out, ", {} {}", key.replace('_', " "), line(text));
        }
    }
    out.push('\n');
    for exception in event.exceptions() {
        let _ = write!(
            out,
            "\n```\n{}: {}\n",
            line(exception.kind().unwrap_or("Error")),
            fenced(exception.value().unwrap_or(""))
        );
        let frames: Vec<_> = exception.stack().map(|stack| stack.frames().rev().collect()).unwrap_or_default();
        for frame in frames.iter().take(FRAMES_MAX) {
            let own = if frame.in_app() { ">" } else { " " };
            let _ = writeln!(out, "{own} {} in {}", fenced(&place(*frame)), fenced(name(*frame)));
            if let Some(code) = frame.context_line().filter(|_| frame.in_app()) {
                let _ = writeln!(out, "      {}", fenced(code.trim()));
            }
        }
        if frames.len() > FRAMES_MAX {
            let _ = writeln!(out, "  … {} more frames", frames.len() - FRAMES_MAX);
        }
        out.push_str("```\n");
    }
    if let Some(message) = event.message() {
        let _ = write!(out, "\n```\n{}\n```\n", fenced(message));
    }
    out
}

fn line(text: &str) -> String {
    text.replace(['\n', '\r', '`'], " ")
}

/// Text that cannot end the fence it stands in.
fn fenced(text: &str) -> String {
    text.replace("```", "` ` `")
}
