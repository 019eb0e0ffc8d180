//! First steps: a new project, and the page that leads from a DSN to the first event.
//!
//! The page listens: refused attempts appear as they come (kept in [`crate::heard`], so they survive a reload), and
//! when the first event has been filed the page turns into its issue. With script that is told by the live stream
//! (`data-waiting` names the project, `data-heard` the refusals); without, the browser asks again every few seconds.
//! Both ask as `?waiting=`, which leads to the issue once there is one.

pub mod platform;
mod view;

use super::act::{Act, Fields, Verb};
use super::address::with_query;
use super::error::UiError;
use super::form::{Said, told};
use super::gate::Owner;
use super::layout::{Chrome, Here, chrome, page};
use super::settings;
use super::toast::Toast;
use crate::access::{Person, random};
use crate::app::Shared;
use crate::heard::Attempt;
use crate::issue::Issue;
use crate::issue::list::{self, Filter};
use crate::project::{self, Key, Project};
use crate::store::now_ms;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use bugle_db::{DbError, Tx};
use platform::Platform;

/// Its addresses.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/projects/new", get(new))
        .route("/projects", post(create))
        .route("/projects/{slug}", get(overview).post(act).delete(act))
        .route("/projects/{slug}/setup", get(setup))
}

/// Everything that the page shows.
struct Connect {
    chrome: Chrome,
    project: Project,
    /// The first key that is switched on.
    key: Option<Key>,
    platform: Option<&'static Platform>,
    /// The newest issue, once there is one.
    issue: Option<Issue>,
    heard: Vec<Attempt>,
    public_url: String,
    now_ms: i64,
}

async fn new(State(app): State<Shared>, person: Person, toast: Toast) -> Result<Response, UiError> {
    new_page(&app, &person, toast, Said::default()).await
}

async fn new_page(app: &Shared, person: &Person, toast: Toast, said: Said) -> Result<Response, UiError> {
    let chrome = chrome(app, person, None, Here::Settings).await?.with_toast(toast);
    Ok(said.answer(page(&chrome, "New project", view::new(&said))))
}

async fn create(State(app): State<Shared>, person: Person, fields: Fields) -> Result<Response, UiError> {
    let (organization, asked) = (person.organization, fields.clone());
    let made = app.store.write(move |tx| {
        let platform = platform::known(asked.get("platform"));
        project::create(tx, organization, asked.get("name"), platform, &random::hex32(), now_ms())
    });
    match told(made.await)? {
        Ok((project, _)) => Ok(Redirect::to(&format!("/projects/{}/setup", project.slug)).into_response()),
        Err(sentence) => new_page(&app, &person, Toast::default(), Said::refused("new", sentence, fields)).await,
    }
}

/// A project's own page is its issues.
async fn overview(_: Person, Path(slug): Path<String>) -> Redirect {
    Redirect::to(&with_query("/issues", &[("project", &slug)]))
}

/// Deleting a project: by an owner, who has typed its slug.
async fn act(
    State(app): State<Shared>,
    Owner(person): Owner,
    Path(slug): Path<String>,
    Act { verb, fields }: Act<Fields>,
) -> Result<Response, UiError> {
    if verb != Verb::Delete {
        return Err(UiError::Refused(
            StatusCode::METHOD_NOT_ALLOWED,
            "A project is changed on its settings page.".into(),
        ));
    }
    if fields.get("slug") != slug {
        let sentence = format!("Type {slug} to delete the project.");
        let said = Said::refused("delete", sentence, fields);
        return settings::project::answer(&app, &person, &slug, Toast::default(), said).await;
    }
    let gone = app.store.write(move |tx| match project::find(tx, person.organization, &slug)? {
        Some(project) => project::delete(tx, project.id).map(|()| Some(project.name)),
        None => Ok(None),
    });
    let name = gone.await?.ok_or(UiError::NotFound)?;
    Ok(Toast::new(format!("{name} and everything in it is deleted.")).at("/settings"))
}

async fn setup(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Path(slug): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, UiError> {
    let query = Fields(query);
    let chosen = query.get("platform").to_string();
    let public_url = app.config.public_url.clone();
    let loaded = app.store.read(move |tx| load(tx, &person, &slug, &chosen, public_url, now_ms())).await?;
    let Some(mut connect) = loaded else { return Err(UiError::NotFound) };
    let was_waiting = query.0.iter().any(|(name, _)| name == "waiting");
    if let Some(issue) = connect.issue.as_ref().filter(|_| was_waiting) {
        return Ok(Redirect::to(&format!("/issues/{}", issue.id)).into_response());
    }
    connect.heard = app.heard.list(connect.project.id);
    connect.chrome.toast = toast;
    let title = format!("Connect {}", connect.project.name);
    connect.chrome = connect.chrome.with_backlog(app.backlog());
    Ok(page(&connect.chrome, &title, view::setup(&connect)).into_response())
}

fn load(
    tx: &mut Tx<'_>,
    person: &Person,
    slug: &str,
    chosen: &str,
    public_url: String,
    now_ms: i64,
) -> Result<Option<Connect>, DbError> {
    let Some(chrome) = Chrome::read(tx, person, Some(slug), Here::Settings, now_ms)? else { return Ok(None) };
    let Some(project) = chrome.project.clone() else { return Ok(None) };
    let key = project::keys(tx, project.id)?.into_iter().find(|key| key.is_active);
    let filter = Filter { organization: person.organization, projects: vec![project.id], ..Filter::default() };
    let newest = list::list(tx, &filter, 0, 1, now_ms)?.lines.into_iter().next();
    let platform = platform::find(chosen).or_else(|| platform::find(&project.platform));
    Ok(Some(Connect {
        chrome,
        key,
        platform,
        issue: newest.map(|line| line.issue),
        heard: Vec::new(),
        project,
        public_url,
        now_ms,
    }))
}
