//! `/monitors/{id}`: one monitor with its environments, what is wanted of it, and its runs.

use super::strip::{RUNS_SHOWN, strip};
use super::{state, words};
use crate::access::Person;
use crate::app::Shared;
use crate::monitor::runs::{self, Run, Status};
use crate::monitor::{self, MARGIN_MIN, Monitor, RUNTIME_MIN};
use crate::store::now_ms;
use crate::ui::act::{Act, Fields, Verb};
use crate::ui::address::with_query;
use crate::ui::error::UiError;
use crate::ui::form::confirm;
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::moment;
use crate::ui::number::counted;
use crate::ui::settings::part;
use crate::ui::toast::Toast;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

/// Runs on one page.
const PAGE_SIZE: i64 = 100;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/monitors/{id}", get(show).post(act).delete(act))
        .route("/monitors/{id}/silence", post(silence).delete(silence))
}

struct Sheet {
    chrome: Chrome,
    monitor: Monitor,
    strips: Vec<Vec<Run>>,
    /// One more than a page, if there is more.
    runs: Vec<Run>,
    environment: String,
    number: i64,
    now_ms: i64,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Path(id): Path<i64>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Markup, UiError> {
    let query = Fields(query);
    let number = query.get("page").parse().unwrap_or(1).clamp(1, runs::RUNS_MAX / PAGE_SIZE);
    let environment = query.get("environment").to_string();
    let sheet = app.store.read(move |tx| load(tx, &person, id, environment, number, now_ms())).await?;
    let mut sheet = sheet.ok_or(UiError::NotFound)?;
    sheet.chrome = sheet.chrome.with_toast(toast).with_backlog(app.backlog());
    Ok(page(&sheet.chrome, &sheet.monitor.slug, view(&sheet)))
}

fn load(
    tx: &mut Tx<'_>,
    person: &Person,
    id: i64,
    environment: String,
    number: i64,
    now_ms: i64,
) -> Result<Option<Sheet>, DbError> {
    let Some(monitor) = monitor::get(tx, person.organization, id)? else { return Ok(None) };
    let Some(mut chrome) = Chrome::read(tx, person, None, Here::Monitors, now_ms)? else { return Ok(None) };
    chrome.project = chrome.projects.iter().find(|project| project.id == monitor.project).cloned();
    let places: Vec<(i64, &str)> = monitor.environments.iter().map(|at| (id, at.name.as_str())).collect();
    let strips = runs::newest(tx, &places, RUNS_SHOWN as i64)?;
    let within = Some(environment.as_str()).filter(|name| !name.is_empty());
    let runs = runs::list(tx, id, within, (number - 1) * PAGE_SIZE, PAGE_SIZE + 1)?;
    Ok(Some(Sheet { chrome, monitor, strips, runs, environment, number, now_ms }))
}

async fn act(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<i64>,
    Act { verb, .. }: Act<Fields>,
) -> Result<Response, UiError> {
    if verb != Verb::Delete {
        return Err(UiError::NotFound);
    }
    match app.store.write(move |tx| monitor::delete(tx, person.organization, id)).await? {
        true => Ok(Toast::new("The monitor and its history are deleted.").at("/monitors")),
        false => Err(UiError::NotFound),
    }
}

async fn silence(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<i64>,
    Act { verb, .. }: Act<Fields>,
) -> Result<Response, UiError> {
    let is_muted = verb == Verb::Create;
    match app.store.write(move |tx| monitor::mute(tx, person.organization, id, is_muted)).await? {
        true if is_muted => Ok(Toast::new("The monitor is muted.").at(&format!("/monitors/{id}"))),
        true => Ok(Toast::new("The monitor is not muted any more.").at(&format!("/monitors/{id}"))),
        false => Err(UiError::NotFound),
    }
}

fn view(sheet: &Sheet) -> Markup {
    let monitor = &sheet.monitor;
    let project = sheet.chrome.project.as_ref();
    html! {
        div.title { div {
            h1 { (monitor.slug) }
            p.say {
                a href=(with_query("/monitors", &[("project", project.map_or("", |one| &one.slug))])) { "Monitors" }
                @if let Some(project) = project { " of " (project.name) }
            }
        } }
        (part("environments", "Environments", "", environments(sheet)))
        (part("config", "What is expected", "", config(monitor)))
        (part("runs", "Runs", "the newest first", history(sheet)))
        (part("manage", "Manage", "", manage(monitor)))
    }
}

fn environments(sheet: &Sheet) -> Markup {
    let monitor = &sheet.monitor;
    if monitor.environments.is_empty() {
        return html! { p.say { "No run yet." } };
    }
    html! {
        table.books.monitors {
            caption.sr { "Environments, their state and their newest runs" }
            thead { tr {
                th scope="col" { "Environment" } th scope="col" { "State" } th scope="col" { "Newest runs" }
                th.num.opt scope="col" { "Last" } th.num.opt scope="col" { "Next" }
            } }
            tbody {
                @for (environment, runs) in monitor.environments.iter().zip(&sheet.strips) {
                    tr {
                        th scope="row" { (environment.name) }
                        td { (state(monitor, environment)) }
                        td { (strip(runs)) }
                        td.num.opt { (moment::ago(environment.last_ms, sheet.now_ms)) }
                        td.num.opt {
                            @match environment.next_ms {
                                Some(next_ms) => (moment::hour(next_ms, sheet.now_ms)),
                                None => "–",
                            }
                        }
                    }
                }
            }
        }
    }
}

fn config(monitor: &Monitor) -> Markup {
    let config = &monitor.config;
    let minutes = |own: Option<i64>, usual: i64| counted(own.unwrap_or(usual), "minute", "minutes");
    let in_a_row = |own: Option<i64>| counted(own.unwrap_or(1), "run", "runs");
    html! {
        dl.kv {
            dt { "Schedule" }
            dd {
                @match &config.schedule {
                    None => "None, so nothing counts as missed",
                    Some(schedule) if schedule.is_understood() => (schedule.words()),
                    Some(schedule) => { (schedule.words()) " " span.state.regressed { "Not understood" } ", so nothing counts as missed" },
                }
            }
            dt { "May begin late by" } dd { (minutes(config.margin_min, MARGIN_MIN)) }
            dt { "May take" } dd { (minutes(config.runtime_min, RUNTIME_MIN)) }
            dt { "Fails after" } dd { (in_a_row(config.failures)) " in a row that did not end well" }
            dt { "Recovers after" } dd { (in_a_row(config.recoveries)) " in a row that did" }
        }
        p.because { "The job says so itself, with its check-ins: monitor_config." }
    }
}

fn history(sheet: &Sheet) -> Markup {
    let path = format!("/monitors/{}", sheet.monitor.id);
    let at = |environment: &str, number: i64| {
        let number = if number > 1 { number.to_string() } else { String::new() };
        with_query(&path, &[("environment", environment), ("page", &number)])
    };
    let shown = &sheet.runs[..sheet.runs.len().min(PAGE_SIZE as usize)];
    html! {
        @if sheet.monitor.environments.len() > 1 {
            nav.views aria-label="Environment" {
                a href={ (at("", 1)) "#runs" } aria-current=[sheet.environment.is_empty().then_some("page")] { "All" }
                @for one in &sheet.monitor.environments {
                    a href={ (at(&one.name, 1)) "#runs" } aria-current=[(sheet.environment == one.name).then_some("page")] { (one.name) }
                }
            }
        }
        @if shown.is_empty() { p.say { "No run is kept." } } @else {
            table.books {
                caption.sr { "Runs, the newest first" }
                thead { tr {
                    th scope="col" { "Began" } th scope="col" { "Result" } th.num scope="col" { "Took" }
                    th.opt scope="col" { "Environment" }
                } }
                tbody { @for run in shown { (line(run, sheet.now_ms)) } }
            }
        }
        p.acts {
            @if sheet.number > 1 { a.btn.bare rel="prev" href=(at(&sheet.environment, sheet.number - 1)) { "Newer" } }
            @if sheet.runs.len() > shown.len() { a.btn.bare rel="next" href=(at(&sheet.environment, sheet.number + 1)) { "Older" } }
        }
    }
}

fn line(run: &Run, now_ms: i64) -> Markup {
    html! {
        tr {
            th scope="row" { (moment::clock(run.began_ms, now_ms)) }
            td {
                @match run.status {
                    Status::Ok => span.state.resolved { (words(run.status)) },
                    Status::InProgress => span.state { (words(run.status)) },
                    _ => span.state.regressed { (words(run.status)) },
                }
            }
            td.num { @match run.duration_ms { Some(took_ms) => (moment::length(took_ms)), None => "–" } }
            td.opt.dim { (run.environment) }
        }
    }
}

fn manage(monitor: &Monitor) -> Markup {
    let path = format!("/monitors/{}", monitor.id);
    html! {
        form method="post" action={ (path) "/silence" } {
            @if monitor.is_muted {
                input type="hidden" name="_method" value="DELETE";
                p.because { "Its runs are recorded, and it does not stand among those that fail." }
                p.acts { button.btn { "Unmute" } }
            } @else {
                p.because { "A muted monitor goes on recording, and does not stand among those that fail." }
                p.acts { button.btn { "Mute" } }
            }
        }
        (confirm(
            &path,
            "Delete the monitor",
            html! { p { "Its history goes with it. It comes back, without that, with the job’s next check-in." } },
            "Delete it",
        ))
    }
}
