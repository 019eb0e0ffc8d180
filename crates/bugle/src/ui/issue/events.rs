//! The list of an issue's events, newest first.

use super::value;
use crate::access::Person;
use crate::app::Shared;
use crate::event;
use crate::issue::{self, Issue};
use crate::store::now_ms;
use crate::ui::act::Fields;
use crate::ui::icon::icon;
use crate::ui::inbox::headline;
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::moment;
use crate::ui::number::exact;
use crate::ui::{UiError, score};
use axum::extract::{Path, Query, State};
use bugle_db::{DbError, Tx};
use bugle_event::{Event, title};
use maud::{Markup, html};

/// Events on one page. Each is unpacked, so there are fewer than issues.
const PAGE_SIZE: i64 = 30;

struct List {
    chrome: Chrome,
    issue: Issue,
    events: Vec<event::Stored>,
    page: i64,
    has_more: bool,
    now_ms: i64,
}

pub(super) async fn list(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<i64>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Markup, UiError> {
    let number = Fields(pairs).get("page").parse().ok().filter(|page| (1..100_000).contains(page)).unwrap_or(1);
    let mut list = app.store.read(move |tx| load(tx, &person, id, number, now_ms())).await?.ok_or(UiError::NotFound)?;
    list.chrome = list.chrome.with_backlog(app.backlog());
    Ok(page(&list.chrome, &format!("Events of {}", list.issue.short_id()), view(&list)))
}

fn load(tx: &mut Tx<'_>, person: &Person, id: i64, page: i64, now_ms: i64) -> Result<Option<List>, DbError> {
    let Some(issue) = issue::get(tx, person.organization, id)? else { return Ok(None) };
    let Some(chrome) = Chrome::read(tx, person, Some(&issue.project_slug), Here::Inbox, now_ms)? else {
        return Ok(None);
    };
    let mut events = event::list(tx, id, (page - 1) * PAGE_SIZE, PAGE_SIZE + 1)?;
    let has_more = events.len() as i64 > PAGE_SIZE;
    events.truncate(PAGE_SIZE as usize);
    Ok(Some(List { chrome, issue, events, page, has_more, now_ms }))
}

fn view(list: &List) -> Markup {
    let issue = &list.issue;
    let path = |page: i64| format!("/issues/{}/events?page={page}", issue.id);
    html! {
        div.title {
            div {
                h1 { "Events of " a href={ "/issues/" (issue.id) } { (issue.short_id()) } }
                p.say { (headline(&issue.kind, &issue.title)) }
            }
        }
        @if list.events.is_empty() {
            div.empty { h2.say { "No event is kept here." } p.say { "The counts stay: " (exact(issue.events)) " in all." } }
        } @else {
            table.books {
                caption.sr { "Events, newest first" }
                thead { tr { th scope="col" { "When" } th scope="col" { "Event" } th scope="col" { "What it says" } th.thin scope="col" { "Person" } th.thin scope="col" { "Release" } th.thin scope="col" { "Environment" } } }
                tbody { @for stored in &list.events { (row(list, stored)) } }
            }
        }
        nav.acts aria-label="Pages" {
            @if list.page > 1 { a.btn rel="prev" href=(path(list.page - 1)) { (icon("left")) "Newer" } }
            @if list.has_more { a.btn rel="next" href=(path(list.page + 1)) { "Older" (icon("right")) } }
        }
    }
}

fn row(list: &List, stored: &event::Stored) -> Markup {
    let event = Event::stored(&stored.json);
    let id = stored.event_id.to_string();
    html! {
        tr {
            td { (moment::clock(stored.timestamp_ms, list.now_ms)) }
            th scope="row" { a href={ "/issues/" (list.issue.id) "/events/" (id) } { code { (id[..8]) } } }
            td.says { samp { (value::cut(&title::title(&event).text, 160).0) } }
            td.thin { (value::text(&event.user_ident().unwrap_or_else(|| "–".into()))) }
            td.thin { (event.text("release").map_or("–".to_string(), score::short)) }
            td.thin { (value::cut(event.text("environment").unwrap_or("–"), 40).0) }
        }
    }
}
