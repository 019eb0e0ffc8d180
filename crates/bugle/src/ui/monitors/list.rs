//! `/monitors`: every monitor with each of its environments, those that fail first; without any, how to make one.

use super::state;
use super::strip::{RUNS_SHOWN, strip};
use crate::access::Person;
use crate::app::Shared;
use crate::monitor::runs::{self, Run};
use crate::monitor::{self, Monitor};
use crate::project;
use crate::store::now_ms;
use crate::ui::act::Fields;
use crate::ui::address::with_query;
use crate::ui::error::UiError;
use crate::ui::form::snip;
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::moment;
use crate::ui::number::counted;
use crate::ui::toast::Toast;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

/// Monitors on one page.
const PAGE_SIZE: usize = 50;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/monitors", get(show))
}

struct Sheet {
    chrome: Chrome,
    /// All that there are.
    count: usize,
    /// Those of this page.
    monitors: Vec<Monitor>,
    /// The newest runs of each environment of each, in their order.
    strips: Vec<Vec<Run>>,
    number: usize,
    /// An address that a job could call.
    example: String,
    now_ms: i64,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Markup, UiError> {
    let query = Fields(query);
    let (slug, number) = (query.get("project").to_string(), query.get("page").parse().unwrap_or(1));
    let base = app.config.public_url.clone();
    let sheet = app.store.read(move |tx| load(tx, &person, &slug, number, &base, now_ms())).await?;
    let mut sheet = sheet.ok_or(UiError::NotFound)?;
    sheet.chrome = sheet.chrome.with_toast(toast).with_backlog(app.backlog());
    Ok(page(&sheet.chrome, "Monitors", view(&sheet)))
}

fn load(
    tx: &mut Tx<'_>,
    person: &Person,
    slug: &str,
    number: usize,
    base: &str,
    now_ms: i64,
) -> Result<Option<Sheet>, DbError> {
    let Some(chrome) = Chrome::read(tx, person, Some(slug), Here::Monitors, now_ms)? else { return Ok(None) };
    let scope: Vec<i64> = chrome.project.iter().map(|project| project.id).collect();
    let mut monitors = monitor::list(tx, person.organization, &scope)?;
    let (count, number) = (monitors.len(), number.max(1));
    monitors = monitors.into_iter().skip((number - 1).saturating_mul(PAGE_SIZE)).take(PAGE_SIZE).collect();
    let places: Vec<(i64, &str)> =
        monitors.iter().flat_map(|one| one.environments.iter().map(|at| (one.id, at.name.as_str()))).collect();
    let strips = runs::newest(tx, &places, RUNS_SHOWN as i64)?;
    let example = match chrome.project.as_ref().or(chrome.projects.first()) {
        Some(project) => {
            let keys = project::keys(tx, project.id)?;
            let key = keys.iter().find(|key| key.is_active).map_or("KEY", |key| key.public.as_str());
            format!("{base}/api/{}/cron/nightly-export/{key}/", project.id)
        }
        None => format!("{base}/api/PROJECT/cron/nightly-export/KEY/"),
    };
    Ok(Some(Sheet { chrome, count, monitors, strips, number, example, now_ms }))
}

fn view(sheet: &Sheet) -> Markup {
    let slug = sheet.chrome.project.as_ref().map_or("", |project| &project.slug);
    let at = |number: usize| with_query("/monitors", &[("project", slug), ("page", &number.to_string())]);
    html! {
        div.title { div {
            h1 { "Monitors" }
            p.say {
                @if sheet.count > 0 { (counted(sheet.count as i64, "job", "jobs")) ", those that fail first." }
                @else { "Jobs that say when they begin and end, so that one that does not is noticed." }
            }
        } }
        @if sheet.count == 0 { (nothing(sheet)) } @else { (table(sheet)) }
        p.acts {
            @if sheet.number > 1 { a.btn.bare rel="prev" href=(at(sheet.number - 1)) { "Back" } }
            @if sheet.count > sheet.number.saturating_mul(PAGE_SIZE) { a.btn.bare rel="next" href=(at(sheet.number + 1)) { "More" } }
        }
    }
}

fn table(sheet: &Sheet) -> Markup {
    let mut strips = sheet.strips.iter();
    html! {
        table.books.monitors {
            caption.sr { "Monitors, their state and their newest runs in each environment" }
            thead { tr {
                th scope="col" { "Monitor" } th scope="col" { "Environment" } th scope="col" { "State" }
                th scope="col" { "Newest runs" } th.num.opt scope="col" { "Last" } th.num.opt scope="col" { "Next" }
            } }
            @for monitor in &sheet.monitors {
                tbody {
                    @for (at, environment) in monitor.environments.iter().enumerate() {
                        @let runs = strips.next().map_or(&[][..], |runs| &runs[..]);
                        tr {
                            @if at == 0 { th scope="rowgroup" rowspan=(monitor.environments.len()) { (name(sheet, monitor)) } }
                            td { (environment.name) }
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
                    @if monitor.environments.is_empty() {
                        tr { th scope="row" { (name(sheet, monitor)) } td colspan="5" { "No run yet" } }
                    }
                }
            }
        }
    }
}

fn name(sheet: &Sheet, monitor: &Monitor) -> Markup {
    let project = sheet.chrome.projects.iter().find(|project| project.id == monitor.project);
    html! {
        a href={ "/monitors/" (monitor.id) } { (monitor.slug) }
        @if sheet.chrome.project.is_none() { @if let Some(project) = project { small { (project.name) } } }
    }
}

fn nothing(sheet: &Sheet) -> Markup {
    html! {
        div.empty {
            h1 { "No job has checked in" }
            p.say { "A monitor comes into being with its first check-in: from an SDK that monitors its jobs, or from a line of a crontab." }
        }
        (snip(html! { "0 3 * * * export.sh && curl " (sheet.example) "?status=ok" }))
    }
}
