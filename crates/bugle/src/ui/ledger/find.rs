//! The look-up: what became of one event, and what can be concluded where nothing is known of it.

use super::{Found, Ledger, words};
use crate::fate::Fate;
use crate::ui::address::encode;
use crate::ui::moment::{ago, clock};
use crate::ui::number::{counted, exact};
use bugle_event::EventId;
use maud::{Markup, html};

/// The part of the page.
pub fn part(ledger: &Ledger) -> Markup {
    let asked = &ledger.asked;
    html! {
        section.part #find {
            header { h2 { "Find one" } small { "why is my event missing?" } }
            div {
                form.acts action={ "/projects/" (encode(&ledger.project.slug)) "/ledger#find" } {
                    input type="hidden" name="range" value=(asked.span.as_str());
                    label for="item" { "Event id" }
                    input #item name="item" size="36" maxlength="200" value=(asked.item) spellcheck="false" autocomplete="off"
                        placeholder="32 hex digits, as the SDK returned it";
                    button.btn { "Look it up" }
                }
                @match &ledger.found {
                    None => p.because {
                        "SDKs return the id of what they capture (" code { "capture_exception" } "); it stands in logs and on error pages too."
                    },
                    Some(Found::NoId) => div.note.bad role="status" {
                        p { b { "That is no event id." } " An event id has 32 hex digits, with or without dashes, such as "
                            code { "b81d6f0e42c94a0f9b3c7706d1f2aa54" } "." }
                    },
                    Some(Found::Fate(id, fate, short_id)) => (answer(ledger, *id, fate, short_id.as_deref())),
                }
            }
        }
    }
}

fn answer(ledger: &Ledger, id: EventId, fate: &Fate, short_id: Option<&str>) -> Markup {
    let now_ms = ledger.now_ms;
    let issue_link = |issue: i64| html! { a href={ "/issues/" (issue) } { (short_id.unwrap_or("its issue")) } };
    html! {
        div.note role="status" {
            @match fate {
                Fate::Stored { issue, received_ms, repeats } => {
                    p { b { "It is stored" } ", in issue " (issue_link(*issue)) ". It came " (ago(*received_ms, now_ms))
                        ", at " (clock(*received_ms, now_ms)) ". "
                        a href={ "/issues/" (issue) "/events/" (id) } { "Open the event" } }
                    (came_again(*repeats))
                }
                Fate::Capped { issue, received_ms, repeats } => {
                    p { b { "It was counted, and its payload was not kept" } ", because its issue had passed the cap of "
                        (exact(ledger.issue_cap_per_hour)) " an hour. It came at " (clock(*received_ms, now_ms)) "." }
                    p.say {
                        @match issue {
                            Some(issue) => {
                                "It counts in " (issue_link(*issue)) ", in its people, tags and alerts. Events like it were kept: "
                                a href={ "/issues/" (issue) "/events" } { "open one of those" } ". "
                            }
                            None => "Its issue has been deleted since. ",
                        }
                        a href={ "/projects/" (encode(&ledger.project.slug)) "/storage" } { "Cap per issue" }
                    }
                    (came_again(*repeats))
                }
                Fate::Quarantined { at_ms, error } => {
                    p { b { "It was taken, could not be filed, and is put aside" } " since " (clock(*at_ms, now_ms)) "." }
                    p.say { "The error: " samp { (error) } ". Its bytes are kept on the server. "
                        @if ledger.is_owner() { a href="/ledger#quarantine" { "What was put aside" } } }
                }
                Fate::Waiting { received_ms, ahead } => {
                    p { b { "It is here and waits to be filed." } " It came " (ago(*received_ms, now_ms)) ", is safe on disk, and "
                        @if *ahead == 0 { "is next." } @else { (counted(*ahead, "record is", "records are")) " before it." } }
                    p.say { "Look again in a moment." }
                }
                Fate::Refused { reason, at_ms } => {
                    @let (name, sentence) = words::reason(*reason);
                    p { b { @if reason.is_filter() { "It was dropped by the project" } @else { "It was refused at the door" } } ", " (ago(*at_ms, now_ms)) ": " (name) "." }
                    p.say { (sentence)
                        @if let Some((href, label)) = words::setting(*reason, &ledger.project.slug, None) { " " a href=(href) { (label) } } }
                }
                Fate::Elsewhere { slug, name, issue } => {
                    p { b { "It is in another project: " (name) "." } " It was sent with the DSN of that one. "
                        a href={ "/issues/" (issue) "/events/" (id) } { "Open the event" } }
                    p.say { a href={ "/projects/" (encode(slug)) "/ledger?item=" (id) } { "Ledger of " (name) } }
                }
                Fate::Unknown { refusals_since_ms, is_journal_read } => (unknown(ledger, *refusals_since_ms, *is_journal_read)),
            }
        }
    }
}

fn came_again(repeats: i64) -> Markup {
    html! {
        @if repeats > 0 {
            p.say {
                "It came " (counted(repeats, "more time", "more times")) " within the last day; "
                (if repeats == 1 { "that changed" } else { "those changed" }) " nothing."
            }
        }
    }
}

/// No trace: how far back each memory goes, and what follows.
fn unknown(ledger: &Ledger, refusals_since_ms: i64, is_journal_read: bool) -> Markup {
    let now_ms = ledger.now_ms;
    html! {
        p { b { "This server has no trace of it." } }
        p.say {
            "Stored events are there for " (counted(ledger.retention_days, "day", "days"))
            ", ids of events that were counted and not kept for 24 hours, ids of refused ones since "
            (clock(refusals_since_ms, now_ms)) " (where the envelope named them). "
            @if is_journal_read { "Nothing of it waits to be filed." }
            @else { "More waits to be filed than was looked through: ask again when the backlog is smaller." }
        }
        p.say { "If it was sent within that time, it did not reach this project. Then it is one of these:" }
        ul.why {
            li { "the SDK dropped it itself: " a href="#never-sent" { "what SDKs report" } }
            li { "it went to another server or with another key: " a href={ "/projects/" (encode(&ledger.project.slug)) "/setup" } { "compare the DSN" } }
            li { "the request was refused as a whole, so nobody read its id: " a href="#told" { "what senders were told" } }
            li { "its issue or the project was deleted" }
        }
    }
}
