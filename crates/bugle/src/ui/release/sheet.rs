//! `/releases/{version}`: how one release does, in one project.

use super::list::adoption;
use super::{Asked, Slots, chart, crash_free, environments, note, ranges};
use crate::access::Person;
use crate::app::Shared;
use crate::health::read::{self, By, Group, Scope};
use crate::health::{Counts, Severity};
use crate::issue::list::{self as issues, environments as names_of};
use crate::issue::query::{self, Asker};
use crate::project::Project;
use crate::release::{self, Deploy, Filter, Line, Record, Sort};
use crate::store::now_ms;
use crate::ui::UiError;
use crate::ui::act::Fields;
use crate::ui::address::with_query;
use crate::ui::inbox::headline;
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::moment;
use crate::ui::number::{counted, data, exact};
use crate::ui::score;
use crate::ui::toast::Toast;
use axum::extract::{Path, Query, State};
use bugle_db::{DbError, Tx};
use bugle_event::release::{Release, short};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Issues that are listed in each part.
const ISSUES_MAX: i64 = 10;

/// Everything that the page shows.
struct Sheet {
    chrome: Chrome,
    asked: Asked,
    slots: Slots,
    project: Project,
    /// Other projects that have a release of this version.
    others: Vec<Project>,
    line: Line,
    series: Vec<Counts>,
    /// By the environment's name: sessions, people, events.
    places: BTreeMap<String, (Counts, Counts, i64)>,
    environments: Vec<String>,
    deploys: Vec<Deploy>,
    /// Issues first seen in it, and issues seen in it.
    new: issues::Page,
    seen: issues::Page,
    over: (i64, i64),
    now_ms: i64,
}

pub(super) async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Path(version): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Markup, UiError> {
    let asked = Asked::read(&Fields(query));
    let sheet = app.store.read(move |tx| load(tx, &person, asked, &version, now_ms())).await?;
    let mut sheet = sheet.ok_or(UiError::NotFound)?;
    sheet.chrome = sheet.chrome.with_backlog(app.backlog()).with_toast(toast);
    let title = format!("{} of {}", sheet.line.release.version, sheet.project.name);
    Ok(page(&sheet.chrome, &title, view(&sheet)))
}

fn load(tx: &mut Tx<'_>, person: &Person, asked: Asked, version: &str, now_ms: i64) -> Result<Option<Sheet>, DbError> {
    let Some(chrome) = Chrome::read(tx, person, Some(&asked.project), Here::Releases, now_ms)? else { return Ok(None) };
    let all: Vec<i64> = chrome.projects.iter().map(|project| project.id).collect();
    let found = release::named(tx, &all, version)?;
    let is_asked = |one: &&Record| chrome.project.as_ref().is_none_or(|project| project.id == one.project);
    let Some(record) = found.iter().find(is_asked).cloned() else { return Ok(None) };
    let of = |id: i64| chrome.projects.iter().find(|project| project.id == id).cloned();
    let Some(project) = of(record.project) else { return Ok(None) };
    let slots = Slots::of(asked.range, now_ms);
    let chosen = match asked.environment.as_str() {
        "" => None,
        name => Some(read::environments(tx, &[project.id], &[name.to_string()])?),
    };
    let scope = Scope { releases: Some(vec![record.id]), ..slots.scope(vec![project.id], chosen) };
    let filter = Filter { scope: scope.clone(), step_hours: slots.step_hours, text: String::new(), sort: Sort::First };
    let mut series = vec![Counts::default(); slots.count as usize];
    for (group, counts) in read::sessions(tx, &scope, By { step_hours: Some(slots.step_hours), ..By::default() })? {
        series.get_mut(group.slot as usize).into_iter().for_each(|slot| slot.join(&counts));
    }
    let others = found.iter().filter(|one| one.project != project.id).filter_map(|one| of(one.project)).collect();
    let deploys = release::deploys(tx, record.id)?;
    let listed =
        |tx: &mut Tx<'_>, key: &str| list_issues(tx, person, &project, &asked, &query_of(key, version), now_ms);
    Ok(Some(Sheet {
        new: listed(tx, "first-release")?,
        seen: listed(tx, "release")?,
        places: places(tx, &scope)?,
        environments: names_of(tx, person.organization, &[project.id])?,
        over: read::over(tx, &scope)?,
        line: match release::one(tx, &filter, record, now_ms)? {
            Some(line) => line,
            None => return Ok(None),
        },
        chrome,
        asked,
        slots,
        project,
        others,
        series,
        deploys,
        now_ms,
    }))
}

/// A search for a release by its name, in quotes.
fn query_of(key: &str, version: &str) -> String {
    format!("{key}:\"{}\"", version.replace('\\', "\\\\").replace('"', "\\\""))
}

fn list_issues(
    tx: &mut Tx<'_>,
    person: &Person,
    project: &Project,
    asked: &Asked,
    search: &str,
    now_ms: i64,
) -> Result<issues::Page, DbError> {
    let Ok(mut filter) = query::parse(search, &Asker { me: person.user, people: &[], now_ms }) else {
        return Ok(issues::Page { lines: Vec::new(), matches: 0 });
    };
    filter.organization = person.organization;
    filter.projects = vec![project.id];
    filter.environment = Some(asked.environment.clone()).filter(|name| !name.is_empty());
    filter.range = Some(asked.range);
    issues::list(tx, &filter, 0, ISSUES_MAX, now_ms)
}

fn places(tx: &mut Tx<'_>, scope: &Scope) -> Result<BTreeMap<String, (Counts, Counts, i64)>, DbError> {
    let by = By { environment: true, ..By::default() };
    let names = read::environment_names(tx, &scope.projects)?;
    let name = |group: &Group| names.get(&group.environment).cloned().unwrap_or_default();
    let mut places: BTreeMap<String, (Counts, Counts, i64)> = BTreeMap::new();
    for (group, counts) in read::sessions(tx, scope, by)? {
        places.entry(name(&group)).or_default().0 = counts;
    }
    for (group, counts) in read::people(tx, scope, by)? {
        places.entry(name(&group)).or_default().1 = counts;
    }
    for (group, events) in read::events(tx, scope, by)? {
        places.entry(name(&group)).or_default().2 = events;
    }
    Ok(places)
}

fn view(sheet: &Sheet) -> Markup {
    let (asked, version) = (&sheet.asked, &sheet.line.release.version);
    let own = Asked { project: sheet.project.slug.clone(), ..asked.clone() };
    html! {
        div.title {
            div {
                h1 title=(version) {
                    @if let Some(package) = Release::read(version).package { (package) " " }
                    (short(version))
                }
                p.lede { (lede(sheet)) }
                @if !sheet.others.is_empty() {
                    p.say { "The same version is in "
                        @for (at, other) in sheet.others.iter().enumerate() {
                            @if at > 0 { ", " }
                            a href=(Asked { project: other.slug.clone(), ..asked.clone() }.path_of(version)) { (other.name) }
                        }
                    "." }
                }
            }
            form.acts method="get" action=(Asked::default().path_of(version)) data-auto {
                (ranges(&own, |asked| asked.path_of(version)))
                @for (name, value) in [("project", own.project.as_str()), ("range", own.range.as_str())] {
                    input type="hidden" name=(name) value=(value);
                }
                (environments(asked, &sheet.environments))
                button.btn { "Show" }
            }
        }
        (note(sheet.over))
        (facts(sheet))
        @if sheet.line.sessions.total() > 0 {
            section.part #sessions {
                header { h2 { "Sessions" } small { "last " (score::words(asked.range)) } }
                div { (chart::chart(&sheet.slots, &sheet.series)) }
            }
        }
        @if !sheet.places.is_empty() { (by_place(sheet)) }
        (part(sheet, "new", "New", "first seen in it", &sheet.new, "first-release"))
        (part(sheet, "seen", "Seen", "with events in it", &sheet.seen, "release"))
        @if !sheet.deploys.is_empty() { (deploys(sheet)) }
    }
}

fn lede(sheet: &Sheet) -> Markup {
    let (line, span) = (&sheet.line, score::words(sheet.asked.range));
    let crashed = line.sessions.of(Severity::Crashed);
    html! {
        @match line.sessions.total() {
            0 if line.events == 0 => { "Nothing was heard of it in the last " (span) "." },
            0 => {
                (counted(line.events, "event", "events")) " in the last " (span) ". No sessions, so how many runs went well is not known."
            },
            total if crashed == 0 => { "None of its " (counted(total, "session", "sessions")) " in the last " (span) " crashed." },
            total => {
                (exact(crashed)) " of its " (counted(total, "session", "sessions")) " in the last " (span) " crashed: "
                (crash_free(&line.sessions)) " did not."
            },
        }
    }
}

fn facts(sheet: &Sheet) -> Markup {
    let line = &sheet.line;
    let is_any = line.sessions.total() > 0;
    let count = |severity: Severity| html! { @if is_any { (exact(line.sessions.of(severity).max(0))) } @else { "–" } };
    html! {
        dl.facts.big {
            div { dt { "Crash-free sessions" } dd { (crash_free(&line.sessions)) } }
            div { dt { "Crash-free people" } dd { (crash_free(&line.people)) } }
            div { dt { "Sessions" } dd { @if is_any { (exact(line.sessions.total())) } @else { "–" } } }
            div { dt { "People" } dd { @if line.people.total() > 0 { (exact(line.people.total())) } @else { "–" } } }
            div { dt { "Adoption" } dd { (adoption(line)) } }
            div { dt { "Events" } dd { (exact(line.events)) } }
            div { dt { "New issues" } dd { (exact(line.new_issues)) } }
        }
        dl.facts.big {
            @for (name, severity) in [
                ("Healthy", Severity::Healthy), ("Errored", Severity::Errored), ("Unhandled", Severity::Unhandled),
                ("Abnormal", Severity::Abnormal), ("Crashed", Severity::Crashed),
            ] {
                div { dt { (name) } dd { (count(severity)) } }
            }
            div { dt { "First seen" } dd { (moment::clock(line.release.first_ms, sheet.now_ms)) } }
            div { dt { "Last seen" } dd { (moment::ago(line.release.last_ms, sheet.now_ms)) } }
            @if let Some(released_ms) = line.release.released_ms {
                div { dt { "Released" } dd { (moment::clock(released_ms, sheet.now_ms)) } }
            }
        }
    }
}

fn by_place(sheet: &Sheet) -> Markup {
    html! {
        section.part #environments {
            header { h2 { "Environments" } }
            div.wide {
                table.books {
                    caption.sr { "Sessions and events by environment" }
                    thead { tr {
                        th scope="col" { "Environment" }
                        th.num scope="col" { "Sessions" } th.num.opt scope="col" { "Errored" } th.num scope="col" { "Crashed" }
                        th.num scope="col" { "Crash-free" } th.num.opt scope="col" { "People" }
                        th.num.opt scope="col" { "Crash-free people" } th.num scope="col" { "Events" }
                    } }
                    tbody {
                        @for (name, (sessions, people, events)) in &sheet.places {
                            tr {
                                th scope="row" { @if name.is_empty() { span.dim { "none" } } @else { (name) } }
                                td.num { (exact(sessions.total())) }
                                td.num.opt { (exact(sessions.of(Severity::Errored))) }
                                td.num { (exact(sessions.of(Severity::Crashed))) }
                                td.num { (crash_free(sessions)) }
                                td.num.opt { (exact(people.total())) }
                                td.num.opt { (crash_free(people)) }
                                td.num { (exact(*events)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn part(sheet: &Sheet, id: &str, name: &str, what: &str, page: &issues::Page, key: &str) -> Markup {
    let asked = &sheet.asked;
    let all = with_query(
        "/issues",
        &[
            ("q", &query_of(key, &sheet.line.release.version)),
            ("project", &sheet.project.slug),
            ("environment", &asked.environment),
            ("range", asked.range.as_str()),
        ],
    );
    html! {
        section.part id=(id) {
            header { h2 { (name) } small { (counted(page.matches, "issue", "issues")) " " (what) } }
            div {
                @if page.lines.is_empty() {
                    p.say { "No issue " (what) " in the last " (score::words(asked.range)) "." }
                } @else {
                    table.books {
                        caption.sr { (name) }
                        thead { tr {
                            th scope="col" { "Issue" } th.num scope="col" { "Events" } th.num.opt scope="col" { "People" }
                            th.opt scope="col" { "Last seen" }
                        } }
                        tbody {
                            @for line in &page.lines {
                                tr {
                                    th scope="row" {
                                        a href={ "/issues/" (line.issue.id) } { (headline(&line.issue.kind, &line.issue.title)) }
                                        small { (line.issue.short_id()) " " (line.issue.culprit) }
                                    }
                                    td.num { (data(line.events)) }
                                    td.num.opt { @if line.people > 0 { (data(line.people)) } @else { "–" } }
                                    td.opt { (moment::ago(line.issue.last_ms, sheet.now_ms)) }
                                }
                            }
                        }
                    }
                    p { a href=(all) { "In the inbox" } }
                }
            }
        }
    }
}

fn deploys(sheet: &Sheet) -> Markup {
    html! {
        section.part #deploys {
            header { h2 { "Deploys" } }
            div {
                table.books {
                    caption.sr { "Deploys" }
                    thead { tr { th scope="col" { "Environment" } th scope="col" { "Done" } th scope="col" { "Name" } } }
                    tbody {
                        @for deploy in &sheet.deploys {
                            tr {
                                th scope="row" { (deploy.environment) }
                                td { (moment::clock(deploy.finished_ms, sheet.now_ms)) }
                                td { @if deploy.name.is_empty() { "–" } @else { (deploy.name) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
