//! The lede: at most two sentences that say what changed, each number a link to the part that proves it.
//!
//! Built from facts by a fixed list of templates, never a guess: where the issue stands and since when, then how
//! much of it there is and for how many.

use super::Sheet;
use crate::issue::activity::{Activity, Kind};
use crate::issue::{Issue, State};
use crate::ui::moment;
use crate::ui::number::counted;
use crate::ui::score;
use maud::{Markup, html};

/// The lede of an issue.
pub(super) fn lede(sheet: &Sheet) -> Markup {
    let issue = &sheet.issue;
    let news = match issue.state(sheet.now_ms) {
        State::Regressed => came_back(sheet),
        State::New => {
            html! { "New: first seen " (moment::ago(issue.first_ms, sheet.now_ms)) (with(&issue.first_release)) "." }
        }
        State::Resolved => html! { "Resolved" (decided(sheet, Kind::Resolved)) (since(issue)) },
        State::Archived => {
            html! { "Archived" (decided(sheet, Kind::Archived)) ". Events are counted and nobody is told." }
        }
        State::Ongoing => {
            html! { "Open since " (moment::day(issue.first_ms, sheet.now_ms)) (with(&issue.first_release)) "." }
        }
    };
    html! { p.lede { (news) " " (amount(sheet)) } }
}

fn came_back(sheet: &Sheet) -> Markup {
    let issue = &sheet.issue;
    let at_ms = issue.regressed_ms.unwrap_or(issue.last_ms);
    let returned =
        last(sheet, Kind::Regressed).map(|activity| activity.detail.clone()).filter(|release| !release.is_empty());
    html! {
        "Came back " (moment::ago(at_ms, sheet.now_ms)) (with(&returned))
        @if let Some(resolved) = last(sheet, Kind::Resolved) {
            "; " (resolved.actor_name.as_deref().unwrap_or("somebody")) " had resolved it "
            (moment::ago(resolved.at_ms, sheet.now_ms))
        }
        "."
    }
}

/// ` with 4.18.2`.
fn with(release: &Option<String>) -> Markup {
    html! { @if let Some(release) = release { " with " span title=(release) { (score::short(release)) } } }
}

/// Who decided it, and when.
fn decided(sheet: &Sheet, kind: Kind) -> Markup {
    html! {
        @if let Some(activity) = last(sheet, kind) {
            " by " (activity.actor_name.as_deref().unwrap_or("Bugle")) " " (moment::ago(activity.at_ms, sheet.now_ms))
        }
    }
}

/// Whether anything came after the decision. An event that was under way then does not reopen it.
fn since(issue: &Issue) -> &'static str {
    if issue.last_ms <= issue.status_ms { "; no event came since." } else { "." }
}

fn amount(sheet: &Sheet) -> Markup {
    let issue = &sheet.issue;
    let recent: i64 = sheet.series.iter().sum();
    html! {
        a href={ "/issues/" (issue.id) "/events" } { (counted(issue.events, "event", "events")) }
        @if issue.people > 0 { " for " a href="#people" { (counted(issue.people, "person", "people")) } }
        @if recent == issue.events && recent > 0 {
            ", all in the last " (score::words(sheet.range)) "."
        } @else if recent > 0 {
            ", " a href="#when" { (counted(recent, "event", "events")) } " of them in the last " (score::words(sheet.range)) "."
        } @else {
            ", none in the last " (score::words(sheet.range)) "."
        }
    }
}

fn last(sheet: &Sheet, kind: Kind) -> Option<&Activity> {
    sheet.activity.iter().find(|activity| activity.kind == kind)
}
