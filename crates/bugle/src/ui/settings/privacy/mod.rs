//! `/projects/{slug}/privacy` and `/settings/privacy`: what is scrubbed, and a trial of it before it is saved.
//!
//! One form with two buttons: *Save* stores it, *Try* answers with the same page, everything typed still in it, and what
//! would go from an event that was pasted or chosen. What was pasted is neither stored nor logged, and no cache keeps it.

mod rules;
mod trial;
mod view;

use super::project::change;
use crate::access::Person;
use crate::app::Shared;
use crate::event;
use crate::options::Scope;
use crate::policy::scrubbing::{self, Own, Scrubbing};
use crate::project::Project;
use crate::store::now_ms;
use crate::ui::act::Fields;
use crate::ui::address::encode;
use crate::ui::error::UiError;
use crate::ui::form::{Said, told};
use crate::ui::gate::Owner;
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::toast::Toast;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::get;
use bugle_db::{DbError, Tx, params};
use bugle_event::{Event, EventId};

/// Events that may be chosen for a trial.
const RECENT_MAX: i64 = 10;

/// Its addresses.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/projects/{slug}/privacy", get(show).post(update))
        .route("/settings/privacy", get(show_organization).post(update_organization))
}

/// Everything that the page shows.
struct Sheet {
    chrome: Chrome,
    /// None on the organization's page.
    project: Option<Project>,
    saved: Own,
    organization: Own,
    /// Ids and titles of recent events, newest first.
    recent: Vec<(EventId, String)>,
    /// The event that was chosen.
    chosen: Option<String>,
}

/// What was typed, and what came of it.
#[derive(Default)]
struct Typed {
    own: Option<Own>,
    fields: Fields,
    trial: Option<Trial>,
}

/// What would go.
struct Trial {
    saved: Vec<trial::Gone>,
    typed: Vec<trial::Gone>,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Path(slug): Path<String>,
) -> Result<Response, UiError> {
    answer(&app, &person, Some(&slug), toast, Said::default(), Typed::default()).await
}

async fn show_organization(State(app): State<Shared>, person: Person, toast: Toast) -> Result<Response, UiError> {
    answer(&app, &person, None, toast, Said::default(), Typed::default()).await
}

async fn update(
    State(app): State<Shared>,
    person: Person,
    Path(slug): Path<String>,
    fields: Fields,
) -> Result<Response, UiError> {
    let own = read(&fields, true);
    if let Some(answer) = tried(&app, &person, Some(&slug), &fields, &own).await? {
        return Ok(answer);
    }
    let set = own.clone();
    let changed = change(&app, &person, &slug, move |tx, project| {
        scrubbing::set(tx, Scope::Project(project.id), &set.map_err(DbError::Abandoned)?).map(Some)
    });
    match changed.await? {
        Ok(()) => Ok(Toast::new(SAVED).at(&format!("/projects/{}/privacy", encode(&slug)))),
        Err(sentence) => refused(&app, &person, Some(&slug), fields, sentence).await,
    }
}

async fn update_organization(
    State(app): State<Shared>,
    Owner(person): Owner,
    fields: Fields,
) -> Result<Response, UiError> {
    let own = read(&fields, false);
    if let Some(answer) = tried(&app, &person, None, &fields, &own).await? {
        return Ok(answer);
    }
    let (set, id) = (own.clone(), person.organization);
    let job = move |tx: &mut Tx<'_>| scrubbing::set(tx, Scope::Organization(id), &set.map_err(DbError::Abandoned)?);
    match told(app.store.write(job).await)? {
        Ok(()) => Ok(Toast::new(SAVED).at("/settings/privacy")),
        Err(sentence) => refused(&app, &person, None, fields, sentence).await,
    }
}

const SAVED: &str = "What is scrubbed is saved. The next event goes by it.";

async fn refused(
    app: &Shared,
    person: &Person,
    slug: Option<&str>,
    fields: Fields,
    sentence: String,
) -> Result<Response, UiError> {
    // As typed: a line that was to be added is still in its fields, and must not be in the list, too.
    let own = plain(&fields, slug.is_some());
    let said = Said::refused("privacy", sentence, fields.clone());
    answer(app, person, slug, Toast::default(), said, Typed { own: Some(own), fields, trial: None }).await
}

/// The answer to *Try*, if that was the button.
async fn tried(
    app: &Shared,
    person: &Person,
    slug: Option<&str>,
    fields: &Fields,
    own: &Result<Own, String>,
) -> Result<Option<Response>, UiError> {
    if fields.get("act") != "try" {
        return Ok(None);
    }
    let checked = own.clone().and_then(|own| scrubbing::check(&own).map(|()| own));
    let answered = match checked {
        Err(sentence) => refused(app, person, slug, fields.clone(), sentence).await?,
        // The trial works on the form as it will be, with lines taken away and added; its fields stay for the next.
        Ok(own) => {
            let typed = Typed { own: Some(own), fields: fields.clone(), trial: None };
            answer(app, person, slug, Toast::default(), Said::default(), typed).await?
        }
    };
    Ok(Some(answered))
}

async fn answer(
    app: &Shared,
    person: &Person,
    slug: Option<&str>,
    toast: Toast,
    said: Said,
    mut typed: Typed,
) -> Result<Response, UiError> {
    let (asking, asked) = (person.clone(), slug.map(String::from));
    let wanted = EventId::parse(typed.fields.get("event"));
    let load = move |tx: &mut Tx<'_>| load(tx, &asking, asked.as_deref(), toast, wanted);
    let mut sheet = app.store.read(load).await?.ok_or(UiError::NotFound)?;
    sheet.chrome = sheet.chrome.with_backlog(app.backlog());
    let mut said = said;
    if typed.fields.get("act") == "try" && said.sentence().is_none() {
        match run(&sheet, &typed) {
            Ok(trial) => typed.trial = Some(trial),
            Err(sentence) => said = Said::refused("trial", sentence, typed.fields.clone()),
        }
    }
    let name = sheet.project.as_ref().map_or(&person.organization_name, |project| &project.name);
    let title = format!("Privacy of {name}");
    let mut response = said.answer(page(&sheet.chrome, &title, view::page(&sheet, &typed, &said)));
    if !typed.fields.get("sample").is_empty() {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

fn load(
    tx: &mut Tx<'_>,
    person: &Person,
    slug: Option<&str>,
    toast: Toast,
    wanted: Option<EventId>,
) -> Result<Option<Sheet>, DbError> {
    let Some(chrome) = Chrome::read(tx, person, slug, Here::Settings, now_ms())? else { return Ok(None) };
    let project = match slug {
        None => None,
        Some(_) => match chrome.project.clone() {
            None => return Ok(None),
            project => project,
        },
    };
    let organization = scrubbing::of(tx, Scope::Organization(person.organization))?;
    let (mut saved, mut recent, mut chosen) = (organization.clone(), Vec::new(), None);
    if let Some(project) = &project {
        saved = scrubbing::of(tx, Scope::Project(project.id))?;
        let sql = "SELECT e.event_id, i.title FROM events e JOIN issues i ON i.id = e.issue \
             WHERE e.project = $1 ORDER BY e.id DESC LIMIT $2";
        for row in tx.query(sql, params![project.id, RECENT_MAX])? {
            recent.push((EventId(row.get(0)?), row.get(1)?));
        }
        if let Some(id) = wanted {
            chosen = event::of_project(tx, project.id, id)?.map(|stored| stored.json);
        }
    }
    Ok(Some(Sheet { chrome: chrome.with_toast(toast), project, saved, organization, recent, chosen }))
}

/// Tries what is saved and what was typed on the event that was pasted or chosen.
fn run(sheet: &Sheet, typed: &Typed) -> Result<Trial, String> {
    let sample = typed.fields.get("sample");
    if sample.len() > trial::SAMPLE_BYTES_MAX {
        return Err(format!("The event is longer than {} KiB. Paste a shorter one.", trial::SAMPLE_BYTES_MAX >> 10));
    }
    let event = match (sample, &sheet.chosen) {
        ("", None) => return Err("There is no event to try. Paste one, or choose one that came.".into()),
        ("", Some(json)) => Event::stored(json),
        (sample, _) => trial::pasted(sample, now_ms()),
    };
    let own = typed.own.as_ref().unwrap_or(&sheet.saved);
    let scrubbing = |own: &Own| match &sheet.project {
        Some(_) => Scrubbing::new(own, &sheet.organization),
        None => Scrubbing::new(&Own::default(), own),
    };
    Ok(Trial {
        saved: trial::run(&event, &scrubbing(&sheet.saved).scrubber),
        typed: trial::run(&event, &scrubbing(own).scrubber),
    })
}

/// What the form says, with lines of rules taken away and added.
fn read(fields: &Fields, is_project: bool) -> Result<Own, String> {
    Ok(Own { rules: rules::edited(fields)?, ..plain(fields, is_project) })
}

/// What the form says, rules as they stand. A switch that says what is so anyway says nothing.
fn plain(fields: &Fields, is_project: bool) -> Own {
    let is_on = |name: &str| fields.get(name) == "on";
    let switch = |name: &str, default: bool| (is_on(name) != default).then(|| is_on(name));
    let names = |name: &str| {
        let lines = fields.get(name).lines().map(|line| line.trim().to_string());
        lines.filter(|line| !line.is_empty()).collect()
    };
    Own {
        data_scrubber: switch("scrub", is_project),
        data_scrubber_defaults: switch("defaults", is_project),
        scrub_ip_addresses: switch("addresses", false),
        sensitive_fields: names("sensitive"),
        safe_fields: names("safe"),
        rules: fields.get("rules").to_string(),
        keep_binary_attachments: switch("binary", true),
    }
}
