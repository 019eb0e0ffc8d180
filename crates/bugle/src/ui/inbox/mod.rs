//! The inbox: issues as a score, in views, narrowed by the address.
//!
//! What is asked for ([`ask::Ask`]) lives in the address and nowhere else, so every state of the page can be sent
//! to a colleague. Numbers obey project, environment and range. Acts on a selection are in [`bulk`].

pub mod ask;
pub mod bulk;
mod nothing;
mod view;

pub use view::{badge, headline};

use super::UiError;
use super::act::Fields;
use super::layout::{Chrome, Here, page};
use super::toast::Toast;
use crate::access::Person;
use crate::access::user::{self, Member};
use crate::app::Shared;
use crate::issue::list::{self, Page};
use crate::issue::query::QueryError;
use crate::release::{self, Release};
use crate::store::now_ms;
use ask::{Ask, View};
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Redirect;
use axum::routing::{get, post};
use bugle_db::{DbError, Tx};
use maud::Markup;

/// Issues on one page.
pub const PAGE_SIZE: i64 = 50;
/// Releases that are marked in a score.
const RELEASES_MAX: i64 = 40;

/// Its addresses.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(async || Redirect::to("/issues")))
        .route("/issues", get(inbox))
        .route("/bulk", post(bulk::act))
}

/// Everything that the page shows.
pub struct Inbox {
    chrome: Chrome,
    ask: Ask,
    /// Matches per view, in the order of [`View::ALL`].
    counts: Vec<i64>,
    page: Page,
    environments: Vec<String>,
    members: Vec<Member>,
    releases: Vec<Release>,
    wrong: Option<QueryError>,
    /// Issues of any kind and age in this scope: tells "nothing yet" from "nothing like this".
    is_untouched: bool,
    now_ms: i64,
}

async fn inbox(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Markup, UiError> {
    let ask = Ask::read(&Fields(pairs));
    let at_ms = now_ms();
    let inbox = app.store.read(move |tx| load(tx, &person, ask, toast, at_ms)).await?;
    let mut inbox = inbox.ok_or(UiError::NotFound)?;
    inbox.chrome = inbox.chrome.with_backlog(app.backlog());
    Ok(page(&inbox.chrome, &view::title(&inbox), view::main(&inbox)))
}

fn load(tx: &mut Tx<'_>, person: &Person, ask: Ask, toast: Toast, now_ms: i64) -> Result<Option<Inbox>, DbError> {
    let Some(mut chrome) = Chrome::read(tx, person, Some(&ask.project), Here::Inbox, now_ms)? else { return Ok(None) };
    chrome.query = ask.q.clone();
    chrome.toast = toast;
    let members = user::members(tx, person.organization)?;
    let project = chrome.project.as_ref().map(|project| project.id);
    let projects: Vec<i64> =
        project.map_or_else(|| chrome.projects.iter().map(|one| one.id).collect(), |one| vec![one]);
    let mut inbox = Inbox {
        counts: Vec::new(),
        page: Page { lines: Vec::new(), matches: 0 },
        environments: list::environments(tx, person.organization, &projects)?,
        releases: release::since(tx, &projects, ask.range.since_ms(now_ms), RELEASES_MAX)?,
        wrong: None,
        is_untouched: false,
        chrome,
        ask,
        members,
        now_ms,
    };
    match inbox.ask.filter(person, project, &inbox.members, now_ms) {
        Err(wrong) => inbox.wrong = Some(wrong),
        Ok(filter) => {
            for view in View::ALL {
                let filter = view.narrowed(filter.clone(), person.user, now_ms);
                inbox.counts.push(list::count(tx, &filter, now_ms)?);
            }
            let shown = inbox.ask.view.map_or(filter.clone(), |view| view.narrowed(filter, person.user, now_ms));
            inbox.page = list::list(tx, &shown, (inbox.ask.page - 1) * PAGE_SIZE, PAGE_SIZE, now_ms)?;
            inbox.is_untouched = inbox.page.matches == 0 && is_untouched(tx, person, project, now_ms)?;
        }
    }
    Ok(Some(inbox))
}

fn is_untouched(tx: &mut Tx<'_>, person: &Person, project: Option<i64>, now_ms: i64) -> Result<bool, DbError> {
    let any = list::Filter {
        organization: person.organization,
        projects: project.into_iter().collect(),
        ..Default::default()
    };
    Ok(list::count(tx, &any, now_ms)? == 0)
}
