//! The front page of an issue: headline, the line of code, the lede, what can be done, the facts.

use super::lede::lede;
use super::source::{self, Notes};
use super::{Sheet, frame, value};
use crate::issue::{State, Status};
use crate::ui::icon::{icon, staff};
use crate::ui::inbox::{badge, headline};
use crate::ui::layout::initials;
use crate::ui::moment;
use crate::ui::number::{bytes, counted, exact};
use crate::ui::score::{self, Axis};
use bugle_event::Event;
use bugle_event::event::{Exception, Frame};
use maud::{Markup, html};

/// From the headline to the facts.
pub(super) fn head(sheet: &Sheet, event: Option<&Event<'_>>) -> Markup {
    let issue = &sheet.issue;
    let state = issue.state(sheet.now_ms);
    html! {
        header.head {
            div.id {
                span { (staff(&issue.level)) " " (issue.level) }
                @if state != State::Ongoing { span { (badge(state)) } }
                span.dim { (issue.short_id()) }
            }
            div {
                h1 { (headline(&issue.kind, &issue.title)) }
                (pull(sheet, event))
                (lede(sheet))
                p.fresh role="status" data-fresh hidden {}
            }
            (acts(sheet))
            (facts(sheet))
        }
    }
}

/// The line that broke; without source the function, without frames the transaction.
fn pull(sheet: &Sheet, event: Option<&Event<'_>>) -> Markup {
    let named = event.and_then(broke).zip(event);
    html! {
        @if let Some((found, event)) = named {
            a.pull href="#frame" {
                @match found.context_line().map(str::trim).filter(|code| !code.is_empty()) {
                    Some(code) => code { (source::line(&source::window(code, None), Notes::of(found.filename().unwrap_or(""), event.platform()))) },
                    None => code { (frame::name(found)) },
                }
                code { (frame::place(found)) }
            }
        } @else if !sheet.issue.culprit.is_empty() {
            p.pull { code { (value::cut(&sheet.issue.culprit, 300).0) } }
        }
    }
}

/// The frame that the page opens: the innermost own one of the root cause, else of what it led to.
fn broke<'e>(event: &'e Event<'_>) -> Option<Frame<'e>> {
    let own = |exception: Exception<'e>| exception.stack()?.frames().rev().find(Frame::in_app);
    event.exceptions().find_map(own).or_else(|| event.stack()?.culprit())
}

fn acts(sheet: &Sheet) -> Markup {
    let issue = &sheet.issue;
    let path = |part: &str| format!("/issues/{}/{part}", issue.id);
    let form = |action: String, is_delete: bool, button: Markup| {
        html! {
            form method="post" action=(action) {
                @if is_delete { input type="hidden" name="_method" value="DELETE"; }
                (button)
            }
        }
    };
    html! {
        div.acts #acts {
            @match issue.status {
                Status::Unresolved => {
                    (form(path("resolution"), false, html! { button.btn.main data-key="r" { "Resolve" kbd { "r" } } }))
                    (form(path("archival"), false, html! { button.btn data-key="a" { "Archive" kbd { "a" } } }))
                },
                Status::Resolved => (form(path("resolution"), true, html! { button.btn.main data-key="r" { "Reopen" kbd { "r" } } })),
                Status::Archived => (form(path("archival"), true, html! { button.btn.main data-key="r" { "Reopen" kbd { "r" } } })),
            }
            (assign(sheet))
            details.menu.end {
                summary.btn.bare aria-label="More" { (icon("more")) }
                ul { li { a.grave href=(path("deletion")) { "Delete…" } } }
            }
        }
    }
}

fn assign(sheet: &Sheet) -> Markup {
    let issue = &sheet.issue;
    let action = format!("/issues/{}/assignment", issue.id);
    html! {
        form method="post" action=(action) {
            details.menu.end #assign {
                summary.btn data-key="m" {
                    @match &issue.assignee_name {
                        Some(name) => { span.who aria-hidden="true" { (initials(name)) } " " (name) },
                        None => { span.who.none aria-hidden="true" { "+" } " Assign" },
                    }
                    kbd { "m" }
                }
                ul {
                    @for member in &sheet.members {
                        li {
                            button name="assignee" value=(member.user) data-me[member.user == sheet.chrome.person.user] aria-pressed=[(issue.assignee == Some(member.user)).then_some("true")] {
                                (member.name)
                                @if member.user == sheet.chrome.person.user { span.dim { "you" } }
                            }
                        }
                    }
                    @if issue.assignee.is_some() { li { button name="assignee" value="" { "Nobody" } } }
                }
            }
        }
    }
}

fn facts(sheet: &Sheet) -> Markup {
    let issue = &sheet.issue;
    let release = |release: &Option<String>| {
        html! { @if let Some(release) = release { " " small title=(release) { "in " (score::short(release)) } } }
    };
    html! {
        dl.facts {
            div { dt { "Last seen" } dd { (moment::ago(issue.last_ms, sheet.now_ms)) (release(&issue.last_release)) } }
            div { dt { "First seen" } dd { (moment::ago(issue.first_ms, sheet.now_ms)) (release(&issue.first_release)) } }
            div { dt { "Events" } dd {
                data value=(issue.events) data-events { (exact(issue.events)) }
                @if sheet.size.events > 0 { " " small title=(kept(sheet)) { (bytes(sheet.size.bytes())) } }
            } }
            div { dt { "People" } dd { data value=(issue.people) data-people { @if issue.people > 0 { (exact(issue.people)) } @else { "–" } } } }
            @if sheet.voices.count > 0 { div { dt { "Feedback" } dd { a href="#feedback" { (exact(sheet.voices.count)) } } } }
            div { dt { "Project" } dd { a href={ "/issues?project=" (issue.project_slug) } { (issue.project_name) } } }
            @if issue.is_unhandled { div { dt { "Handled" } dd { "no" } } }
            @if !issue.logger.is_empty() { div { dt { "Logger" } dd { (value::cut(&issue.logger, 80).0) } } }
        }
    }
}

/// What the size beside the count is of.
fn kept(sheet: &Sheet) -> String {
    format!("on the disk, {} kept", counted(sheet.size.events, "event", "events"))
}

/// Events over time, with the releases.
pub(super) fn when(sheet: &Sheet) -> Markup {
    use crate::issue::series::Range;
    let axis = Axis::of(sheet.range, sheet.series.len(), sheet.now_ms);
    let marks: Vec<_> = sheet.releases.iter().collect();
    html! {
        section.part #when {
            header {
                h2 { "When" }
                p.ranges {
                    @for range in [Range::Day, Range::Fortnight, Range::Quarter] {
                        a href={ (sheet.path) "?range=" (range.as_str()) "#when" }
                            aria-current=[(range == sheet.range).then_some("true")] { (short(range)) }
                    }
                }
            }
            div { (score::chart(&axis, &sheet.series, &marks)) (score::table(&axis, &sheet.series)) }
        }
    }
}

fn short(range: crate::issue::series::Range) -> &'static str {
    use crate::issue::series::Range;
    match range {
        Range::Day => "24 h",
        Range::Fortnight => "14 d",
        Range::Quarter => "90 d",
    }
}
