//! `/releases`: the newest first, each with its numbers in the range.

use super::{Asked, Slots, chart, crash_free, environments, note, ranges};
use crate::access::Person;
use crate::app::Shared;
use crate::health::read;
use crate::issue::list::environments as names_of;
use crate::project::Project;
use crate::release::{self, Filter, Line, Sort};
use crate::store::now_ms;
use crate::ui::UiError;
use crate::ui::act::Fields;
use crate::ui::address::with_query;
use crate::ui::icon::icon;
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::moment;
use crate::ui::number::{counted, data, exact, share};
use crate::ui::score;
use crate::ui::toast::Toast;
use axum::extract::{Query, State};
use bugle_db::{DbError, Tx};
use bugle_event::release::{Release, short};
use maud::{Markup, html};

/// Releases on one page.
const PAGE_SIZE: i64 = 25;

struct List {
    chrome: Chrome,
    asked: Asked,
    slots: Slots,
    environments: Vec<String>,
    lines: Vec<Line>,
    matches: i64,
    over: (i64, i64),
    now_ms: i64,
}

pub(super) async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Markup, UiError> {
    let asked = Asked::read(&Fields(query));
    let list = app.store.read(move |tx| load(tx, &person, asked, now_ms())).await?;
    let mut list = list.ok_or(UiError::NotFound)?;
    list.chrome = list.chrome.with_backlog(app.backlog()).with_toast(toast);
    Ok(page(&list.chrome, &title(&list), view(&list)))
}

fn load(tx: &mut Tx<'_>, person: &Person, asked: Asked, now_ms: i64) -> Result<Option<List>, DbError> {
    let Some(chrome) = Chrome::read(tx, person, Some(&asked.project), Here::Releases, now_ms)? else { return Ok(None) };
    let projects: Vec<i64> = match &chrome.project {
        Some(project) => vec![project.id],
        None => chrome.projects.iter().map(|project| project.id).collect(),
    };
    let slots = Slots::of(asked.range, now_ms);
    let chosen = match asked.environment.as_str() {
        "" => None,
        name => Some(read::environments(tx, &projects, &[name.to_string()])?),
    };
    let scope = slots.scope(projects.clone(), chosen);
    let filter = Filter { scope, text: asked.q.clone(), step_hours: slots.step_hours, sort: Sort::First };
    Ok(Some(List {
        environments: names_of(tx, person.organization, &projects)?,
        matches: release::count(tx, &filter)?,
        lines: release::list(tx, &filter, (asked.page - 1) * PAGE_SIZE, PAGE_SIZE, now_ms)?,
        over: read::over(tx, &filter.scope)?,
        chrome,
        asked,
        slots,
        now_ms,
    }))
}

fn title(list: &List) -> String {
    let scope = list.chrome.project.as_ref().map_or(String::new(), |project| format!(" of {}", project.name));
    let place = &list.asked.environment;
    let place = if place.is_empty() { String::new() } else { format!(" in {place}") };
    format!("Releases{scope}{place}")
}

fn view(list: &List) -> Markup {
    let asked = &list.asked;
    html! {
        div.title {
            div {
                h1 { (title(list)) }
                p.say {
                    (counted(list.matches, "release", "releases"))
                    @if !asked.q.is_empty() { " with “" (asked.q) "” in the name," }
                    " heard of in the last " (score::words(asked.range)) ", newest first."
                }
            }
            form.acts method="get" action="/releases" data-auto {
                (ranges(asked, Asked::path))
                @for (name, value) in [("project", asked.project.as_str()), ("range", asked.range.as_str())] {
                    @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
                }
                (environments(asked, &list.environments))
                input type="search" name="q" aria-label="Part of a version" placeholder="Version" value=(asked.q);
                button.btn { "Show" }
            }
        }
        (note(list.over))
        @if list.lines.is_empty() { (nothing(list)) } @else { (table(list)) (pages(list)) }
    }
}

fn nothing(list: &List) -> Markup {
    let wider = Asked { range: crate::issue::series::Range::Quarter, q: String::new(), page: 1, ..list.asked.clone() };
    html! {
        div.empty {
            @if list.asked.q.is_empty() {
                h2 { "No release was heard of" }
                p.say {
                    "A release is here once an event or a session names it, or a build announces it. Set "
                    code { "release" } " where the SDK is started."
                }
            } @else {
                h2 { "No release has “" (list.asked.q) "” in its name" }
                p.say { "A part of a version or of a package is enough; case does not matter." }
            }
            @if wider.path() != list.asked.path() { p { a.btn href=(wider.path()) { "All of the last 90 days" } } }
        }
    }
}

fn table(list: &List) -> Markup {
    let has_projects = list.chrome.project.is_none() && list.chrome.projects.len() > 1;
    html! {
        div.wide {
            table.books {
                caption.sr { (title(list)) }
                thead { tr {
                    th scope="col" { "Release" }
                    th.opt scope="col" { "First seen" }
                    th.opt scope="col" { "Last seen" }
                    th.num.opt scope="col" { "New issues" }
                    th.num scope="col" { "Events" }
                    th.opt scope="col" { "Sessions over time" }
                    th.num scope="col" { "Sessions" }
                    th.num scope="col" { "Crash-free" span.opt { " sessions" } }
                    th.num.opt scope="col" { "Crash-free people" }
                    th.num.opt scope="col" { "Adoption" }
                } }
                tbody { @for line in &list.lines { (row(list, line, has_projects)) } }
            }
        }
    }
}

fn row(list: &List, line: &Line, has_projects: bool) -> Markup {
    let project = list.chrome.projects.iter().find(|project| project.id == line.release.project);
    let version = &line.release.version;
    html! {
        tr {
            th scope="row" {
                a href=(of_project(&list.asked, project).path_of(version)) title=(version) { (short(version)) }
                small {
                    @if let Some(package) = Release::read(version).package { (package) }
                    @if let Some(project) = project.filter(|_| has_projects) { " " span.dim { "in " (project.name) } }
                }
            }
            td.opt { (moment::ago(line.release.first_ms, list.now_ms)) }
            td.opt { (moment::ago(line.release.last_ms, list.now_ms)) }
            td.num.opt { @if line.new_issues > 0 { (data(line.new_issues)) } @else { span.dim { "0" } } }
            td.num { (data(line.events)) }
            @if line.sessions.total() > 0 {
                td.opt { (chart::stave(&list.slots, &line.series)) }
                td.num { (data(line.sessions.total())) }
            } @else {
                td.opt.dim { "–" }
                td.num.dim { "–" }
            }
            td.num { (crash_free(&line.sessions)) }
            td.num.opt { (crash_free(&line.people)) }
            td.num.opt { (adoption(line)) }
        }
    }
}

/// A release of one project is looked at in the scope of that project.
fn of_project(asked: &Asked, project: Option<&Project>) -> Asked {
    Asked { project: project.map_or(asked.project.clone(), |project| project.slug.clone()), ..asked.clone() }
}

/// Its share of the sessions of the last 24 hours, and what that means.
pub(super) fn adoption(line: &Line) -> Markup {
    let of = &line.adoption;
    html! {
        @match of.stage {
            None => "–",
            Some(stage) => {
                @if of.of_sessions > 0 { (share(of.sessions, of.of_sessions)) " " } @else { "– " }
                small { (stage.as_str()) }
            }
        }
    }
}

fn pages(list: &List) -> Markup {
    let (number, matches) = (list.asked.page, list.matches);
    let first = (number - 1) * PAGE_SIZE;
    let last = first + list.lines.len() as i64;
    let at = |page: i64| Asked { page, ..list.asked.clone() }.path();
    html! {
        @if matches > PAGE_SIZE {
            nav.acts aria-label="Pages" {
                @if number > 1 { a.btn rel="prev" href=(at(number - 1)) { (icon("left")) "Newer" } }
                span.dim { (exact(first + 1)) "–" (exact(last)) " of " (exact(matches)) }
                @if last < matches { a.btn rel="next" href=(at(number + 1)) { "Older" (icon("right")) } }
            }
        }
        p.because {
            "Crash-free is the share of sessions, or of people, without a crash. Adoption is the share of its project's sessions in the last 24 hours. "
            a href=(with_query("/help/limits", &[])) { "What is kept" }
        }
    }
}
