//! The inbox as a page: views, the question read back as a sentence, the score, the bar for a selection.

use super::ask::{Ask, View};
use super::{Inbox, PAGE_SIZE, nothing};
use crate::issue::State;
use crate::issue::list::{Line, Sort};
use crate::issue::series::Range;
use crate::release::Release;
use crate::ui::icon::{icon, staff};
use crate::ui::layout::initials;
use crate::ui::moment;
use crate::ui::number::{age, counted, data, exact};
use crate::ui::score::{self, Axis};
use maud::{Markup, html};

/// The page's title: the question, read back as a sentence.
pub(super) fn title(inbox: &Inbox) -> String {
    let ask = &inbox.ask;
    let what = match ask.view {
        Some(View::Mine) => "Unresolved issues given to you".to_string(),
        Some(view) => format!("{} issues", view.name()),
        None => "Issues".to_string(),
    };
    let scope = inbox.chrome.project.as_ref().map_or(String::new(), |project| format!(" of {}", project.name));
    let place = if ask.environment.is_empty() { String::new() } else { format!(" in {}", ask.environment) };
    format!("{what}{scope}{place}")
}

/// What stands between masthead and books.
pub(super) fn main(inbox: &Inbox) -> Markup {
    html! {
        (views(inbox))
        div.title {
            div {
                h1 { (title(inbox)) }
                p.say { @if inbox.wrong.is_none() { (summary(inbox)) } " " a.fresh href=(inbox.ask.path()) role="status" data-fresh hidden {} }
            }
            (scope(inbox))
        }
        @if let Some(wrong) = &inbox.wrong {
            (nothing::mistake(&inbox.ask, wrong))
        } @else if inbox.page.lines.is_empty() {
            (nothing::empty(inbox))
        } @else {
            (list(inbox))
        }
    }
}

fn views(inbox: &Inbox) -> Markup {
    html! {
        nav.views aria-label="Views" {
            @for (at, view) in View::ALL.into_iter().enumerate() {
                @let ask = Ask { view: Some(view), q: without_state(inbox), page: 1, ..inbox.ask.clone() };
                a href=(ask.path()) aria-current=[(inbox.ask.view == Some(view)).then_some("page")] {
                    (view.name()) " "
                    @if let Some(&count) = inbox.counts.get(at) { (data(count)) }
                }
            }
        }
    }
}

/// The search to take along to a view: one that names states belongs to none.
pub(super) fn without_state(inbox: &Inbox) -> String {
    if inbox.ask.view.is_some() { inbox.ask.q.clone() } else { String::new() }
}

fn summary(inbox: &Inbox) -> String {
    let order = match inbox.ask.sort {
        Sort::Last => "latest first",
        Sort::First => "newest first",
        Sort::Events => "most events first",
        Sort::People => "most people first",
    };
    let matches = counted(inbox.page.matches, "issue", "issues");
    let searched = if inbox.ask.q.is_empty() { "" } else { " that match the search," };
    format!("{matches}{searched} with events in the last {}, {order}.", score::words(inbox.ask.range))
}

fn scope(inbox: &Inbox) -> Markup {
    let ask = &inbox.ask;
    html! {
        form.acts method="get" action="/issues" data-auto {
            span.ranges {
                @for range in [Range::Day, Range::Fortnight, Range::Quarter] {
                    a href=(Ask { range, page: 1, ..ask.clone() }.path())
                        aria-current=[(ask.range == range).then_some("true")] { (score::words(range)) }
                }
            }
            (hidden(ask, &["environment", "sort"]))
            select name="environment" aria-label="Environment" {
                option value="" { "all environments" }
                @for name in &inbox.environments {
                    option value=(name) selected[*name == ask.environment] { (name) }
                }
                @if !ask.environment.is_empty() && !inbox.environments.contains(&ask.environment) {
                    option value=(ask.environment) selected { (ask.environment) }
                }
            }
            select name="sort" aria-label="Sort" {
                @for (sort, name) in [
                    (Sort::Last, "last seen"), (Sort::First, "first seen"), (Sort::Events, "events"), (Sort::People, "people"),
                ] {
                    option value=(sort.as_str()) selected[sort == ask.sort] { (name) }
                }
            }
            button.btn { "Show" }
        }
    }
}

/// The parameters of the page as hidden fields, but for those that the form has itself.
fn hidden(ask: &Ask, except: &[&str]) -> Markup {
    let fields = [
        ("view", ask.view.map_or("", View::as_str)),
        ("q", &ask.q),
        ("project", &ask.project),
        ("environment", &ask.environment),
        ("range", ask.range.as_str()),
        ("sort", ask.sort.as_str()),
    ];
    html! {
        @for (name, value) in fields.iter().filter(|(name, value)| !value.is_empty() && !except.contains(name)) {
            input type="hidden" name=(name) value=(value);
        }
    }
}

fn list(inbox: &Inbox) -> Markup {
    let buckets = inbox.page.lines.first().map_or(1, |line| line.series.len());
    let axis = Axis::of(inbox.ask.range, buckets, inbox.now_ms);
    html! {
        form method="post" action="/bulk" {
            (hidden(&inbox.ask, &[]))
            input type="hidden" name="back" value=(inbox.ask.path_of_page(inbox.ask.page));
            div.list {
                (heads(inbox, &axis))
                ol.rows { @for line in &inbox.page.lines { (row(inbox, &axis, line)) } }
            }
            (pages(inbox))
            (bulk(inbox))
        }
    }
}

fn heads(inbox: &Inbox, axis: &Axis) -> Markup {
    // Bars of several projects do not join, so only one project's are named.
    let named: Vec<&Release> = inbox.releases.iter().filter(|_| is_one_project(inbox)).collect();
    let sorted = |sort: Sort, name: &str, class: &str| {
        let is_sorted = inbox.ask.sort == sort;
        html! {
            a class=(class) href=(Ask { sort, page: 1, ..inbox.ask.clone() }.path())
                aria-sort=[is_sorted.then_some("descending")] { (name) @if is_sorted { " ↓" } }
        }
    };
    html! {
        div.heads.fine {
            span {} span {} span { "Issue" }
            (score::heads(axis, &named))
            (sorted(Sort::Events, "Events", "num"))
            (sorted(Sort::People, "People", "num people"))
            (sorted(Sort::Last, "Last seen", ""))
            span.whose {}
        }
    }
}

fn is_one_project(inbox: &Inbox) -> bool {
    inbox.chrome.project.is_some() || inbox.chrome.projects.len() == 1
}

fn row(inbox: &Inbox, axis: &Axis, line: &Line) -> Markup {
    let issue = &line.issue;
    let state = issue.state(inbox.now_ms);
    let id = issue.short_id();
    // People are kept by the day, so a range may reach back further for them than for events.
    let people = line.people.min(line.events);
    let marks: Vec<&Release> = inbox.releases.iter().filter(|release| release.project == issue.project).collect();
    html! {
        li class=[(state == State::Ongoing).then_some("quiet")] data-issue=(issue.id) {
            input type="checkbox" name="issue" value=(issue.id) aria-label={ "Select " (id) };
            (staff(&issue.level))
            div.what {
                a href={ "/issues/" (issue.id) } { (headline(&issue.kind, &issue.title)) }
                p.meta.fine {
                    @if state != State::Ongoing { (badge(state)) }
                    span { (id) }
                    @if issue.comments > 0 { span { (counted(issue.comments, "comment", "comments")) } }
                    @if !issue.culprit.is_empty() { code { (issue.culprit) } }
                }
            }
            (score::stave(axis, &line.series, &marks))
            span.num.events { (data(line.events)) }
            span.num.people { @if people > 0 { (data(people)) } @else { span.dim { "–" } } }
            div.ages {
                (moment::ago(issue.last_ms, inbox.now_ms)) " "
                small { (old(inbox.now_ms - issue.first_ms)) }
            }
            (assignee(issue.id, issue.assignee_name.as_deref()))
        }
    }
}

fn old(elapsed_ms: i64) -> String {
    match age(elapsed_ms) {
        text if text == "now" => "just new".into(),
        text => format!("{text} old"),
    }
}

/// Type and message, as the program said them.
pub fn headline(kind: &str, title: &str) -> Markup {
    html! {
        samp {
            @match (kind, title) {
                ("", "") => b { "(no message)" },
                ("", title) => b { (title) },
                (kind, title) => { b { (kind) } " " (title) },
            }
        }
    }
}

/// A state as glyph and word.
pub fn badge(state: State) -> Markup {
    let (name, glyph, word) = match state {
        State::New => ("new", "new", "New"),
        State::Regressed => ("regressed", "back", "Regressed"),
        State::Ongoing => ("ongoing", "open", "Ongoing"),
        State::Resolved => ("resolved", "check", "Resolved"),
        State::Archived => ("archived", "box", "Archived"),
    };
    html! { span.state.(name) { (icon(glyph)) " " (word) } }
}

fn assignee(issue: i64, name: Option<&str>) -> Markup {
    html! {
        @match name {
            Some(name) => span.who title=(name) role="img" aria-label={ "Assigned to " (name) } { (initials(name)) },
            None => a.who.none href={ "/issues/" (issue) "#assign" } aria-label="Assign" { "+" },
        }
    }
}

fn pages(inbox: &Inbox) -> Markup {
    let (page, matches) = (inbox.ask.page, inbox.page.matches);
    let first = (page - 1) * PAGE_SIZE;
    let last = first + inbox.page.lines.len() as i64;
    html! {
        @if matches > PAGE_SIZE {
            nav.acts aria-label="Pages" {
                @if page > 1 { a.btn rel="prev" href=(inbox.ask.path_of_page(page - 1)) { (icon("left")) "Previous" } }
                span.dim { (exact(first + 1)) "–" (exact(last)) " of " (exact(matches)) }
                @if last < matches { a.btn rel="next" href=(inbox.ask.path_of_page(page + 1)) { "Next" (icon("right")) } }
            }
        }
    }
}

fn bulk(inbox: &Inbox) -> Markup {
    let is_open = !matches!(inbox.ask.view, Some(View::Resolved | View::Archived));
    html! {
        div.toast.bulk role="region" aria-label="Selection" {
            b data-selected { "With the selected" }
            @if inbox.page.matches > inbox.page.lines.len() as i64 {
                label { input type="checkbox" name="all" value="1"; " all " (exact(inbox.page.matches)) " that match" }
            }
            @if is_open {
                button.btn.main name="do" value="resolve" { "Resolve" kbd { "r" } }
                button.btn name="do" value="archive" { "Archive" kbd { "a" } }
            } @else {
                button.btn.main name="do" value="reopen" { "Reopen" }
            }
            details.menu.up {
                summary.btn { "Assign" (icon("down")) }
                ul {
                    @for member in &inbox.members {
                        li { button name="do" value={ "assign:" (member.user) } { (member.name) } }
                    }
                    li { button name="do" value="unassign" { "Nobody" } }
                }
            }
            button.btn.bare type="reset" { "Clear" kbd { "esc" } }
        }
    }
}
