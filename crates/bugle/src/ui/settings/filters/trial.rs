//! What a dry run came to: how much would have been dropped, of what, and what was not looked at.

use crate::filter::trial::{EVENTS_MAX, ISSUES_MAX, Report};
use crate::ui::inbox::headline;
use crate::ui::moment;
use crate::ui::number::{counted, exact, share};
use maud::{Markup, html};

pub(super) fn view(report: &Report, now_ms: i64) -> Markup {
    html! {
        @if report.looked == 0 {
            p.say role="status" {
                "No event of the last " (counted(report.days, "day", "days")) " is stored, so there is nothing to try it on. Nothing was saved."
            }
        } @else {
            p.say role="status" {
                "It would have dropped " b { (exact(report.dropped)) } " of " b { (exact(report.looked)) } " events ("
                (share(report.dropped, report.looked)) "). Nothing was saved."
            }
            (extent(report, now_ms))
            @if !report.issues.is_empty() { (issues(report)) }
            @if !report.events.is_empty() { (events(report, now_ms)) }
        }
    }
}

/// What was looked at, and what was not.
fn extent(report: &Report, now_ms: i64) -> Markup {
    html! {
        @if report.is_whole {
            p.because {
                "These are all events of the last " (counted(report.days, "day", "days")) " that are stored. The project has "
                (exact(report.stored)) " stored in all."
            }
        } @else {
            p.note {
                b { "Older events were not looked at. " }
                "These are the newest " (exact(report.looked)) " of " (exact(report.stored)) " that are stored"
                @if let Some(reached_ms) = report.reached_ms { ", back to " (moment::clock(reached_ms, now_ms)) }
                ". A dry run looks at " (exact(EVENTS_MAX)) " events at most and takes 10 seconds at most."
            }
        }
        @if report.unread > 0 { p.because { (counted(report.unread, "event", "events")) " could not be read." } }
        p.because {
            "It sees what is stored: not the values that scrubbing removed, not the address that an event was sent from, "
            "and no event that a filter has dropped or that was only counted."
        }
    }
}

fn issues(report: &Report) -> Markup {
    html! {
        table.books {
            caption.sr { "Issues whose events it would have dropped, the most first" }
            thead { tr { th scope="col" { "Issue" } th.num scope="col" { "Would drop" } th.num.opt scope="col" { "Events ever" } } }
            tbody {
                @for issue in &report.issues {
                    tr {
                        th scope="row" { a href={ "/issues/" (issue.id) } { (issue.short_id) } " " (headline(&issue.kind, &issue.title)) }
                        td.num { data value=(issue.dropped) { (exact(issue.dropped)) } }
                        td.num.opt.dim { (exact(issue.events)) }
                    }
                }
            }
        }
        @if report.issues_count > ISSUES_MAX as i64 {
            p.because { "And of " (counted(report.issues_count - ISSUES_MAX as i64, "more issue", "more issues")) "." }
        }
    }
}

fn events(report: &Report, now_ms: i64) -> Markup {
    html! {
        details {
            summary.btn.bare { "The newest " (counted(report.events.len() as i64, "event", "events")) " that it would have dropped" }
            table.books {
                caption.sr { "Events that it would have dropped, newest first" }
                thead { tr { th scope="col" { "Came" } th scope="col" { "Event" } th scope="col" { "What it says" } } }
                tbody {
                    @for hit in &report.events {
                        @let id = hit.event_id.to_string();
                        tr {
                            td { (moment::clock(hit.received_ms, now_ms)) }
                            th scope="row" { a href={ "/issues/" (hit.issue) "/events/" (id) } { code { (id[..8]) } } }
                            td.says { samp { (hit.title) } }
                        }
                    }
                }
            }
        }
    }
}
