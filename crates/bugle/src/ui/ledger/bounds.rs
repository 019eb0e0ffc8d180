//! `/help/limits`: what this server allows, as it is set now, and where each is set. Pages that say "because of a
//! limit" lead here.

use crate::access::Person;
use crate::app::Shared;
use crate::receive::{BODY_BYTES_MAX, EVENT_BYTES_MAX, INFLATED_BYTES_MAX};
use crate::ui::error::UiError;
use crate::ui::layout::{Here, chrome, page};
use crate::ui::number::{counted, exact};
use axum::extract::State;
use maud::{Markup, html};

pub(super) async fn show(State(app): State<Shared>, person: Person) -> Result<Markup, UiError> {
    let chrome = chrome(&app, &person, None, Here::Elsewhere).await?;
    let config = &app.config;
    let part = |id: &str, name: &str, value: &str, why: &str, set: &str| {
        html! {
            section.part id=(id) {
                header { h2 { (name) } }
                div {
                    p { b { (value) } }
                    p.because { (why) }
                    p.fine {
                        @if set.is_empty() { "Fixed." }
                        @else { "Set by whoever runs the server: " code { (set) } ", read at the start." }
                    }
                }
            }
        }
    };
    let sizes = format!(
        "{} a request, {} after unpacking it, {} an event",
        bytes(BODY_BYTES_MAX as i64),
        bytes(INFLATED_BYTES_MAX as i64),
        bytes(EVENT_BYTES_MAX as i64)
    );
    let main = html! {
        div.title { div {
            h1 { "Limits of this server" }
            p.say { "What is over a limit is refused or let go, and counted with its reason in the ledger. Limits of a key are on its project's settings page." }
        } }
        (part("issue-cap", "Cap per issue", &format!("{} of one issue and hour are kept", counted(config.issue_cap_per_hour, "payload", "payloads")),
            "Further events count everywhere: events, people, tags and alerts stay exact. Up to a tenth more is kept when an event brings a tag value that is new to the issue.",
            "BUGLE_ISSUE_CAP_PER_HOUR"))
        (part("retention", "Retention", &format!("Events are kept for {}", counted(config.retention_days, "day", "days")),
            "Counts, first and last seen of an issue stay when its events go.", "BUGLE_RETENTION_DAYS"))
        (part("kinds", "What is kept", "Errors, messages, crashes, attachments, sessions, feedback, and reports of SDKs about what they dropped",
            "Transactions, replays and other kinds are taken and counted, and not kept.", ""))
        (part("sizes", "Sizes", &sizes, "What is larger is refused with 413. A body that cannot be unpacked or has not the form of an envelope is refused with 400.", ""))
        (part("backlog", "Backlog", &format!("{} may wait to be filed", bytes(config.backlog_bytes_max)),
            "Beyond it requests are refused with 429 before anything is written, and SDKs are told to come back.", "BUGLE_BACKLOG_BYTES_MAX"))
        (part("disk", "Free disk", &format!("{} must remain", bytes(config.disk_free_bytes_min)),
            "With less, requests are refused with 429 before anything is written. Make room, and it goes on by itself.", "BUGLE_DISK_FREE_BYTES_MIN"))
    };
    Ok(page(&chrome, "Limits of this server", main))
}

/// `4 GiB`, where it is a whole number of a unit.
fn bytes(count: i64) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if count >= 1 << shift && count % (1 << shift) == 0 {
            return format!("{} {unit}", exact(count >> shift));
        }
    }
    counted(count, "byte", "bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_exact() {
        assert_eq!([4 << 30, 1 << 20, 1_000, 1].map(bytes), ["4 GiB", "1 MiB", "1,000 bytes", "1 byte"]);
    }
}
