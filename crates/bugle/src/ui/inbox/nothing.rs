//! The inbox when there is nothing to list: a wrong search, a project that has not heard anything yet, no match.

use super::Inbox;
use super::ask::{Ask, View};
use super::view::without_state;
use crate::issue::query::QueryError;
use crate::issue::series::Range;
use crate::ui::number::exact;
use crate::ui::score;
use maud::{Markup, html};

/// A search that cannot be answered: where it is wrong, and what was perhaps meant.
pub(super) fn mistake(ask: &Ask, wrong: &QueryError) -> Markup {
    let before: String = ask.q.chars().take(wrong.at).collect();
    let term: usize = ask.q.chars().skip(wrong.at).take_while(|c| !c.is_whitespace()).count().max(1);
    html! {
        div.note.bad role="alert" {
            p { b { "This search cannot be answered." } " " (wrong.text) }
            pre.slip { (ask.q) "\n" (" ".repeat(before.chars().count())) ("^".repeat(term)) }
            @if let Some(meant) = &wrong.suggestion {
                @let after: String = ask.q.chars().skip(wrong.at + term).collect();
                @let q = format!("{before}{meant}{after}");
                p { a href=(Ask { q: q.clone(), ..ask.clone() }.path()) { "Search for " code { (q) } } }
            }
        }
    }
}

/// An empty list: why, and one next step.
pub(super) fn empty(inbox: &Inbox) -> Markup {
    html! {
        div.empty {
            @if inbox.chrome.projects.is_empty() {
                h2.say { "There is no project yet." }
                p.say { "A project is where one application's events go." }
                p { a.btn.main href="/projects/new" { "Make a project" } }
            } @else if inbox.is_untouched {
                (waiting(inbox))
            } @else {
                (nothing(inbox))
            }
        }
    }
}

fn waiting(inbox: &Inbox) -> Markup {
    let project = inbox.chrome.project.as_ref().or(inbox.chrome.projects.first());
    html! {
        h2.say data-waiting { "Waiting for the first event." }
        p.say { "Nothing has been filed here yet. The page changes by itself when something is." }
        @if let Some(project) = project {
            p { a.btn.main href={ "/projects/" (project.slug) "/setup" } { "How to send one from " (project.name) } }
        }
    }
}

/// Nothing matches: where it would, in the same scope.
fn nothing(inbox: &Inbox) -> Markup {
    let ask = &inbox.ask;
    let word = ask.view.map_or(String::new(), |view| match view {
        View::Mine => "unresolved ".to_string(),
        view => format!("{} ", view.name().to_lowercase()),
    });
    let elsewhere = View::ALL
        .into_iter()
        .zip(&inbox.counts)
        .filter(|(view, count)| **count > 0 && matches!(view, View::Unresolved | View::Archived | View::Resolved));
    let wider = match ask.range {
        Range::Day => Some(Range::Fortnight),
        Range::Fortnight => Some(Range::Quarter),
        Range::Quarter => None,
    };
    html! {
        @if ask.q.is_empty() && ask.view == Some(View::Mine) {
            h2.say { "Nothing is yours." }
            p.say { "No unresolved issue with events in the last " (score::words(ask.range)) " is given to you." }
        } @else {
            h2.say { "No " (word) "issue matches." }
        }
        @for (view, count) in elsewhere {
            p { (exact(*count)) " " (view.name().to_lowercase()) (if *count == 1 { " one does. " } else { " ones do. " })
                a href=(Ask { view: Some(view), q: without_state(inbox), page: 1, ..ask.clone() }.path()) { "Show them" } }
        }
        @if !ask.q.is_empty() {
            p { a href=(Ask { q: String::new(), page: 1, ..ask.clone() }.path()) { "Without the search" } }
        }
        @if !ask.environment.is_empty() {
            p { a href=(Ask { environment: String::new(), page: 1, ..ask.clone() }.path()) { "In all environments" } }
        }
        @if let Some(range) = wider {
            p { a href=(Ask { range, page: 1, ..ask.clone() }.path()) { "In the last " (score::words(range)) } }
        }
    }
}
