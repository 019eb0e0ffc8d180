//! `/projects/{slug}/intake`: what a project takes in beside events, and what of it it keeps.
//!
//! Everybody sees it and may change it, as the project's other settings. It acts by the time the form is answered.

use super::part;
use super::project::change;
use crate::access::Person;
use crate::app::Shared;
use crate::policy::Intake;
use crate::project::Project;
use crate::receive::attachment::{ATTACHMENT_BYTES_MAX, ATTACHMENTS_MAX};
use crate::store::now_ms;
use crate::ui::act::Fields;
use crate::ui::address::encode;
use crate::ui::error::UiError;
use crate::ui::form::Said;
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::number::bytes;
use crate::ui::toast::Toast;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

/// Its address.
pub fn routes() -> Router<Shared> {
    Router::new().route("/projects/{slug}/intake", get(show).post(update))
}

/// Everything that the page shows.
struct Sheet {
    chrome: Chrome,
    project: Project,
    intake: Intake,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Path(slug): Path<String>,
) -> Result<Response, UiError> {
    answer(&app, &person, &slug, toast, Said::default()).await
}

async fn answer(app: &Shared, person: &Person, slug: &str, toast: Toast, said: Said) -> Result<Response, UiError> {
    let (person, slug) = (person.clone(), slug.to_string());
    let load = move |tx: &mut Tx<'_>| -> Result<Option<Sheet>, DbError> {
        let Some(chrome) = Chrome::read(tx, &person, Some(&slug), Here::Settings, now_ms())? else { return Ok(None) };
        let Some(project) = chrome.project.clone() else { return Ok(None) };
        Ok(Some(Sheet { chrome: chrome.with_toast(toast), intake: Intake::of(tx, project.id)?, project }))
    };
    let mut sheet = app.store.read(load).await?.ok_or(UiError::NotFound)?;
    sheet.chrome = sheet.chrome.with_backlog(app.backlog());
    let title = format!("Intake of {}", sheet.project.name);
    Ok(said.answer(page(&sheet.chrome, &title, view(&sheet, &said))))
}

async fn update(
    State(app): State<Shared>,
    person: Person,
    Path(slug): Path<String>,
    fields: Fields,
) -> Result<Response, UiError> {
    let is_on = !fields.get("store_crash_reports").is_empty();
    let changed = change(&app, &person, &slug, move |tx, project| {
        Intake::set_store_crash_reports(tx, project.id, is_on).map(Some)
    });
    match changed.await? {
        Ok(()) => {
            let said = match is_on {
                true => "Crash reports that come from now on are kept.",
                false => "Crash reports that come from now on are not kept. Those that are there stay.",
            };
            Ok(Toast::new(said).at(&format!("/projects/{}/intake", encode(&slug))))
        }
        Err(sentence) => {
            answer(&app, &person, &slug, Toast::default(), Said::refused("crashes", sentence, fields)).await
        }
    }
}

fn view(sheet: &Sheet, said: &Said) -> Markup {
    let path = format!("/projects/{}", encode(&sheet.project.slug));
    html! {
        div.title { div {
            h1 { "Intake of " (sheet.project.name) }
            p.say { a href={ (path) "/settings" } { "Settings" } " · " a href={ (path) "/storage" } { "Storage" } " · " a href={ (path) "/ledger" } { "Ledger" } }
        } }
        (part("crashes", "Crash reports", "minidumps and Apple's", crashes(sheet, &path, said)))
        (part("attachments", "Attachments", "files with events", attachments(&path)))
    }
}

fn crashes(sheet: &Sheet, path: &str, said: &Said) -> Markup {
    html! {
        form method="post" action={ (path) "/intake" } {
            (said.note("crashes"))
            p {
                label { input type="checkbox" name="store_crash_reports" value="on" checked[sheet.intake.store_crash_reports]; " Keep the report itself as an attachment" }
            }
            p.because {
                "A crash report becomes an event either way: its reason, threads and images. The report itself holds memory of "
                "somebody's machine, with whatever passwords and letters were in it, so it is not kept unless this is on."
            }
            p.acts { button.btn { "Save" } }
        }
    }
}

fn attachments(path: &str) -> Markup {
    html! {
        p { "Up to " (ATTACHMENTS_MAX) " files in a request, each up to " (bytes(ATTACHMENT_BYTES_MAX as i64)) ". They go when their event goes, or after the days of the project." }
        p.because { "How many days, and what files take on the disk, is under " a href={ (path) "/storage" } { "Storage" } "." }
    }
}
