//! Activity: the comment field, then what happened, newest first. People speak in sans, Bugle in serif.

use super::Sheet;
use crate::issue::activity::{Activity, Kind};
use crate::ui::icon::icon;
use crate::ui::layout::initials;
use crate::ui::moment;
use crate::ui::score;
use maud::{Markup, html};

/// The section at the end of the page.
pub(super) fn section(sheet: &Sheet) -> Markup {
    html! {
        hr;
        section.part #activity {
            header { h2 { "Activity" } small { "and comments" } }
            div {
                form.field method="post" action={ "/issues/" (sheet.issue.id) "/comments" } {
                    textarea name="text" aria-label="Comment" placeholder="Write what you found." maxlength="20000" required {}
                    span.acts { button.btn { "Comment" } }
                }
                ol.log { @for one in &sheet.activity { (entry(one, sheet.now_ms)) } }
                @if sheet.activity.len() as i64 == super::ACTIVITIES_MAX { p.because { "What happened before is not shown." } }
            }
        }
    }
}

fn entry(activity: &Activity, now_ms: i64) -> Markup {
    html! {
        li {
            (moment::clock(activity.at_ms, now_ms))
            @match &activity.actor_name {
                Some(name) => span.who aria-hidden="true" { (initials(name)) },
                None => span.who.horn aria-hidden="true" { (icon("horn")) },
            }
            div { (told(activity)) }
        }
    }
}

fn told(activity: &Activity) -> Markup {
    let name = activity.actor_name.as_deref().unwrap_or("Somebody who has left");
    let detail = &activity.detail;
    let release =
        |word: &str| html! { @if !detail.is_empty() { (word) span title=(detail) { (score::short(detail)) } } };
    let did = |what: &str| html! { p { b { (name) } " " (what) "." } };
    match activity.kind {
        Kind::FirstSeen => html! { p.say { "First seen" (release(", in ")) "." } },
        Kind::Regressed => {
            html! { p.say { "Came back" (release(" with ")) ": an event arrived after it was resolved." } }
        }
        Kind::Resolved => did("resolved it"),
        Kind::Reopened => did("reopened it"),
        Kind::Archived => did("archived it"),
        Kind::Assigned => html! { p { b { (name) } " assigned it to " b { (detail) } "." } },
        Kind::Unassigned => did("assigned it to nobody"),
        Kind::Comment => html! { p { b { (name) } } p.comment { (detail) } },
    }
}
