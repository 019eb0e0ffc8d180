//! `/projects/{slug}/filters`: what a project does not want, what that has dropped since, and what it would drop.
//!
//! The built-in filters are one form ([`built_in`]). Each rule has a page of its own ([`rule`]), where conditions are added and
//! removed by submitting, so that nothing needs script. Everything can be tried on the events that are stored before it is saved
//! ([`trial`]).

mod built_in;
mod rule;
mod trial;
mod words;

use super::part;
use super::project::change;
use crate::access::Person;
use crate::app::Shared;
use crate::filter::drops::{self, Dropped};
use crate::filter::trial::{DAYS_MAX, DAYS_USUAL, Report};
use crate::filter::{self, Rules};
use crate::project::Project;
use crate::store::now_ms;
use crate::ui::act::Fields;
use crate::ui::address::encode;
use crate::ui::error::UiError;
use crate::ui::form::{Said, told};
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::toast::Toast;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use bugle_db::{DbError, Tx};
use bugle_event::filter::{BuiltIn, Filters, Settings};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Their addresses.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/projects/{slug}/filters", get(show).post(update))
        .route("/projects/{slug}/filters/rules", post(rule::create))
        .route("/projects/{slug}/filters/rules/new", get(rule::begin))
        .route("/projects/{slug}/filters/rules/{id}", get(rule::show).post(rule::update).delete(rule::update))
        .route("/projects/{slug}/filters/rules/{id}/activity", post(rule::activity).delete(rule::activity))
}

/// Everything that the pages show.
struct Sheet {
    chrome: Chrome,
    project: Project,
    settings: Settings,
    rules: Rules,
    dropped: BTreeMap<String, Dropped>,
    /// What was tried last, and what came of it.
    tried: Option<(String, Report)>,
    now_ms: i64,
}

impl Sheet {
    fn path(&self, rest: &str) -> String {
        format!("{}{rest}", here(&self.project.slug))
    }
}

fn here(slug: &str) -> String {
    format!("/projects/{}/filters", encode(slug))
}

async fn load(app: &Shared, person: &Person, slug: &str, toast: Toast) -> Result<Sheet, UiError> {
    let (person, slug, now_ms) = (person.clone(), slug.to_string(), now_ms());
    let load = move |tx: &mut Tx<'_>| -> Result<Option<Sheet>, DbError> {
        let Some(chrome) = Chrome::read(tx, &person, Some(&slug), Here::Settings, now_ms)? else { return Ok(None) };
        let Some(project) = chrome.project.clone() else { return Ok(None) };
        Ok(Some(Sheet {
            chrome: chrome.with_toast(toast),
            settings: filter::settings(tx, project.id)?,
            rules: filter::rules(tx, project.id)?,
            dropped: drops::of_project(tx, project.id, now_ms)?,
            tried: None,
            project,
            now_ms,
        }))
    };
    let mut sheet = app.store.read(load).await?.ok_or(UiError::NotFound)?;
    sheet.chrome = sheet.chrome.with_backlog(app.backlog());
    Ok(sheet)
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Path(slug): Path<String>,
) -> Result<Response, UiError> {
    let sheet = load(&app, &person, &slug, toast).await?;
    Ok(answer(&sheet, &Said::default()))
}

fn answer(sheet: &Sheet, said: &Said) -> Response {
    let title = format!("Filters of {}", sheet.project.name);
    said.answer(page(&sheet.chrome, &title, view(sheet, said)))
}

/// Saves the built-in filters, or tries one of them as it stands in the form.
async fn update(
    State(app): State<Shared>,
    person: Person,
    Path(slug): Path<String>,
    fields: Fields,
) -> Result<Response, UiError> {
    let settings = built_in::read(&fields);
    let tried = fields.get("act").strip_prefix("try:").and_then(BuiltIn::find);
    let result = match tried {
        None => {
            let wanted = settings.clone();
            let saved = change(&app, &person, &slug, move |tx, project| {
                filter::set_settings(tx, project.id, &wanted).map(Some)
            });
            match saved.await? {
                Ok(()) => {
                    let said = "The filters are saved. They act on what comes from now on.";
                    return Ok(Toast::new(said).at(&here(&slug)));
                }
                Err(sentence) => Err(sentence),
            }
        }
        Some(tried) => {
            let only = settings.only(tried);
            let name = built_in::name(tried).to_string();
            let checked = only.check().map(|()| Filters::new(only, &[]));
            try_out(&app, &person, &slug, checked, &fields).await?.map(|report| (name, report))
        }
    };
    let mut sheet = load(&app, &person, &slug, Toast::default()).await?;
    // What was typed stays in the fields, whatever came of it.
    sheet.settings = settings;
    match result {
        Ok(tried) => {
            sheet.tried = Some(tried);
            Ok(answer(&sheet, &Said::default()))
        }
        Err(sentence) => Ok(answer(&sheet, &Said::refused("built-in", sentence, fields))),
    }
}

/// Tries filters over as many days as the form says. The inner error is a sentence for the person.
async fn try_out(
    app: &Shared,
    person: &Person,
    slug: &str,
    filters: Result<Filters, String>,
    fields: &Fields,
) -> Result<Result<Report, String>, UiError> {
    let filters = match filters {
        Ok(filters) => filters,
        Err(sentence) => return Ok(Err(sentence)),
    };
    let (organization, wanted) = (person.organization, slug.to_string());
    let project = app.store.read(move |tx| crate::project::find(tx, organization, &wanted)).await?;
    let project = project.ok_or(UiError::NotFound)?;
    let days = fields.get("days").parse().unwrap_or(DAYS_USUAL);
    told(filter::trial::run(app, project.id, filters, days, now_ms()).await)
}

/// How many days a trial looks back.
fn days(chosen: i64) -> Markup {
    html! {
        label for="days" { "Try on the last" }
        select #days name="days" {
            @for days in [1, 3, DAYS_USUAL, DAYS_MAX] {
                option value=(days) selected[days == chosen] { @if days == 1 { "day" } @else { (days) " days" } }
            }
        }
    }
}

fn view(sheet: &Sheet, said: &Said) -> Markup {
    html! {
        div.title { div {
            h1 { "Filters of " (sheet.project.name) }
            p.lede {
                "Events that a filter holds for are dropped before anything of them is kept. They use up no quota, SDKs are answered as "
                "always, and the " a href={ "/projects/" (encode(&sheet.project.slug)) "/ledger" } { "ledger" } " counts them."
            }
            p.say { a href={ "/projects/" (encode(&sheet.project.slug)) "/settings" } { "Settings" } }
        } }
        @if let Some((name, report)) = &sheet.tried { (part("trial", "Dry run", name, trial::view(report, sheet.now_ms))) }
        (part("built-in", "Built in", "noise that is known", built_in::view(sheet, said)))
        (part("rules", "Rules", "of your own", rule::list(sheet)))
    }
}
