//! `/projects/{slug}/ledger`: what came, what became of it, and why, for somebody who has never seen it.
//!
//! From top to bottom: a summary in sentences ([`summary`]), the equation, a chart over time ([`chart`]), the look-up
//! of one event ([`find`]), reasons with the setting that decided each ([`reasons`], [`words`]), keys, what SDKs dropped
//! themselves, what senders were told. Range, key, category and the looked-up event stand in the address.
//!
//! What stands in the database always balances item by item, because receipt and outcome are written in one
//! transaction; the backlog is what the journal holds beyond that. A difference is therefore a mistake of ours and
//! said aloud. [`server`] has what belongs to no project, [`bounds`] what the server allows.

mod bounds;
mod chart;
mod find;
mod reasons;
mod server;
mod span;
mod summary;
mod tally;
#[cfg(test)]
mod tests;
mod view;
mod words;

use super::act::Fields;
use super::address::{encode, with_query};
use super::error::UiError;
use super::layout::{Chrome, Here, page};
use super::toast::Toast;
use crate::access::{Person, Role};
use crate::app::Shared;
use crate::fate::{self, Fate};
use crate::heard::Attempt;
use crate::outcome::lines::{self, Capped};
use crate::project::{self, Key, Project};
use crate::storage::bounds::{Bounds, of_project};
use crate::store::now_ms;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use bugle_db::{DbError, Tx};
use bugle_event::EventId;
use maud::Markup;
use span::Span;
use tally::{Filter, Tally};

/// Issues that are named as those that were capped.
const CAPPED_NAMED: i64 = 3;

/// Its addresses.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/projects/{slug}/ledger", get(show))
        .route("/ledger", get(server::show))
        .route("/help/limits", get(bounds::show))
}

/// What the page is asked for.
#[derive(Debug, Clone, Default)]
struct Asked {
    span: Span,
    filter: Filter,
    /// The text in the look-up.
    item: String,
}

impl Asked {
    fn read(query: &Fields) -> Asked {
        let text = |name: &str| Some(query.get(name).to_string()).filter(|text| !text.is_empty());
        Asked {
            span: Span::parse(query.get("range")).unwrap_or_default(),
            filter: Filter { key: query.get("key").parse().ok(), category: text("category") },
            item: query.get("item").chars().take(200).collect(),
        }
    }

    /// The page's address with another span and filter.
    fn path(slug: &str, span: Span, filter: &Filter) -> String {
        let range = if span == Span::default() { "" } else { span.as_str() };
        let key = filter.key.map_or(String::new(), |key| key.to_string());
        let category = filter.category.as_deref().unwrap_or_default();
        let path = format!("/projects/{}/ledger", encode(slug));
        with_query(&path, &[("range", range), ("key", &key), ("category", category)])
    }
}

/// Everything that the page shows.
struct Ledger {
    chrome: Chrome,
    project: Project,
    asked: Asked,
    tally: Tally,
    /// The project's keys, for their names and limits.
    keys: Vec<Key>,
    /// The issues of which most was capped, and how many there are.
    capped: (Vec<Capped>, i64),
    /// Acknowledged and not yet filed, of the whole server.
    backlog: i64,
    /// What senders were told lately.
    heard: Vec<Attempt>,
    /// What became of the event that was looked up.
    found: Option<Found>,
    issue_cap_per_hour: i64,
    retention_days: i64,
    now_ms: i64,
}

/// The answer of the look-up.
enum Found {
    /// What was typed is no id.
    NoId,
    /// What became of it, with its issue's short id.
    Fate(EventId, Fate, Option<String>),
}

impl Ledger {
    fn is_owner(&self) -> bool {
        self.chrome.person.role == Role::Owner
    }

    /// A key's name.
    fn key_name(&self, id: i64) -> String {
        match self.keys.iter().find(|key| key.id == id) {
            Some(key) => key.label.clone(),
            None if id == 0 => "no key, but a token".into(),
            None => format!("number {id} (deleted)"),
        }
    }

    /// The address of this page with another span or filter.
    fn path(&self, span: Span, filter: &Filter) -> String {
        Asked::path(&self.project.slug, span, filter)
    }
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Path(slug): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Markup, UiError> {
    let asked = Asked::read(&Fields(query));
    let organization = person.organization;
    let backlog = app.backlog();
    let server = app.config.bounds();
    let loaded = app.store.read(move |tx| load(tx, &person, &slug, asked, server, now_ms())).await?;
    let mut ledger = loaded.ok_or(UiError::NotFound)?;
    ledger.backlog = backlog;
    ledger.heard = app.heard.list(ledger.project.id);
    ledger.found = look_up(&app, organization, &ledger).await?;
    ledger.chrome = ledger.chrome.with_toast(toast).with_backlog(backlog);
    Ok(page(&ledger.chrome, &format!("What was dropped in {}, and why", ledger.project.name), view::whole(&ledger)))
}

fn load(
    tx: &mut Tx<'_>,
    person: &Person,
    slug: &str,
    asked: Asked,
    server: Bounds,
    now_ms: i64,
) -> Result<Option<Ledger>, DbError> {
    let Some(chrome) = Chrome::read(tx, person, Some(slug), Here::Ledger, now_ms)? else { return Ok(None) };
    let Some(project) = chrome.project.clone() else { return Ok(None) };
    let (since_hour, slice_hours) = (asked.span.since_hour(now_ms), asked.span.slice_hours());
    let bounds = server.with(of_project(tx, project.id)?);
    let books = lines::books(tx, project.id, since_hour, slice_hours)?;
    let client = lines::client(tx, project.id, since_hour, slice_hours)?;
    Ok(Some(Ledger {
        tally: Tally::of(&books, &client, &asked.filter, asked.span, asked.span.first_slice(now_ms)),
        keys: project::keys(tx, project.id)?,
        capped: lines::capped(tx, project.id, since_hour, CAPPED_NAMED)?,
        chrome,
        project,
        asked,
        backlog: 0,
        heard: Vec::new(),
        found: None,
        issue_cap_per_hour: bounds.issue_cap_per_hour,
        retention_days: bounds.retention_days,
        now_ms,
    }))
}

async fn look_up(app: &Shared, organization: i64, ledger: &Ledger) -> Result<Option<Found>, UiError> {
    if ledger.asked.item.is_empty() {
        return Ok(None);
    }
    let Some(id) = EventId::parse(&ledger.asked.item) else { return Ok(Some(Found::NoId)) };
    let fate = fate::of(app, organization, ledger.project.id, id).await?;
    let issue = match &fate {
        Fate::Stored { issue, .. } | Fate::Elsewhere { issue, .. } => Some(*issue),
        Fate::Capped { issue, .. } => *issue,
        _ => None,
    };
    let short_id = match issue {
        Some(issue) => app.store.read(move |tx| crate::issue::get(tx, organization, issue)).await?,
        None => None,
    };
    Ok(Some(Found::Fate(id, fate, short_id.map(|issue| issue.short_id()))))
}
