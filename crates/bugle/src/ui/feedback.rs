//! `/feedback`: what people said about errors, newest first, of all projects, one, or one issue.

use super::act::Fields;
use super::address::with_query;
use super::error::UiError;
use super::icon::icon;
use super::inbox::headline;
use super::layout::{Chrome, Here, initials, page};
use super::moment;
use super::toast::Toast;
use crate::access::Person;
use crate::app::Shared;
use crate::feedback::{self, Feedback, Of};
use crate::issue::{self, Issue};
use crate::store::now_ms;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

/// Feedback on one page.
const PAGE_SIZE: i64 = 50;
/// The last page that is read.
const PAGES_MAX: i64 = 2_000;

/// Its address.
pub fn routes() -> Router<Shared> {
    Router::new().route("/feedback", get(show))
}

struct Sheet {
    chrome: Chrome,
    issue: Option<Issue>,
    /// One more than a page, if there is more.
    feedback: Vec<Feedback>,
    number: i64,
    now_ms: i64,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Markup, UiError> {
    let query = Fields(query);
    let sheet = app.store.read(move |tx| load(tx, &person, &query, now_ms())).await?;
    let mut sheet = sheet.ok_or(UiError::NotFound)?;
    sheet.chrome = sheet.chrome.with_backlog(app.backlog()).with_toast(toast);
    Ok(page(&sheet.chrome, "Feedback", view(&sheet)))
}

fn load(tx: &mut Tx<'_>, person: &Person, query: &Fields, now_ms: i64) -> Result<Option<Sheet>, DbError> {
    let issue = match query.get("issue") {
        "" => None,
        id => match issue::get(tx, person.organization, id.parse().unwrap_or(-1))? {
            Some(issue) => Some(issue),
            None => return Ok(None),
        },
    };
    let slug = issue.as_ref().map_or(query.get("project"), |issue| issue.project_slug.as_str());
    let Some(chrome) = Chrome::read(tx, person, Some(slug), Here::Feedback, now_ms)? else { return Ok(None) };
    let of = match (&issue, &chrome.project) {
        (Some(issue), _) => Of::Issue(issue.id),
        (None, Some(project)) => Of::Project(project.id),
        (None, None) => Of::Organization(person.organization),
    };
    let number = query.get("page").parse().unwrap_or(1).clamp(1, PAGES_MAX);
    let feedback = feedback::list(tx, of, (number - 1) * PAGE_SIZE, PAGE_SIZE + 1)?;
    Ok(Some(Sheet { chrome, issue, feedback, number, now_ms }))
}

fn view(sheet: &Sheet) -> Markup {
    let shown = &sheet.feedback[..sheet.feedback.len().min(PAGE_SIZE as usize)];
    html! {
        div.title { div {
            h1 { "Feedback" }
            p.say {
                @match (&sheet.issue, &sheet.chrome.project) {
                    (Some(issue), _) => {
                        "What people said about " a href={ "/issues/" (issue.id) } { (headline(&issue.kind, &issue.title)) } ", newest first."
                    }
                    (None, Some(project)) => {
                        "What people said about errors of " (project.name) ", newest first. "
                        a href={ "/projects/" (project.slug) "/browser#dialog" } { "How they are asked" }
                    }
                    (None, None) => "What people said about errors, newest first, of all projects.",
                }
            }
        } }
        @if shown.is_empty() {
            div.empty {
                h2 { "Nobody has said anything" }
                p.say { "Feedback comes by the SDK's widget, by its report dialog, or by the API. It shows here, and on the issue that it is about." }
                @if let Some(project) = sheet.chrome.project.as_ref().or(sheet.chrome.projects.first()) {
                    p { a.btn href={ "/projects/" (project.slug) "/browser#dialog" } { "Ask people of " (project.name) } }
                }
            }
        } @else {
            (list(shown, sheet.issue.is_none(), sheet.now_ms))
        }
        (pages(sheet))
    }
}

/// Feedback as a list. `has_places`: each with its project and its issue.
pub fn list(feedback: &[Feedback], has_places: bool, now_ms: i64) -> Markup {
    html! { ul.log { @for one in feedback { (line(one, has_places, now_ms)) } } }
}

fn line(one: &Feedback, has_places: bool, now_ms: i64) -> Markup {
    let who = if one.name.is_empty() { &one.email } else { &one.name };
    html! {
        li {
            (moment::clock(one.received_ms, now_ms))
            @if who.is_empty() { span.who.none aria-hidden="true" { "?" } }
            @else { span.who aria-hidden="true" { (initials(who)) } }
            div {
                p {
                    b { @if who.is_empty() { "Somebody" } @else { (who) } }
                    @if !one.email.is_empty() && !one.name.is_empty() { " " span.dim { (one.email) } }
                }
                p.comment { (one.message) }
                p.fine {
                    @if has_places { (one.project.1) " · " }
                    @match &one.issue {
                        Some(issue) => {
                            @if has_places { a href={ "/issues/" (issue.id) } { samp { (headline(&issue.kind, &issue.title)) } } " · " }
                            @if let Some(event) = one.event_id { a href={ "/issues/" (issue.id) "/events/" (event) } { "Its event" } }
                        }
                        None if one.event_id.is_some() => { (icon("warn")) " Its error has not come, or is not kept any more" }
                        None => "No error linked",
                    }
                    @if !one.url.is_empty() { " · on " code { (one.url) } }
                }
            }
        }
    }
}

fn pages(sheet: &Sheet) -> Markup {
    let issue = sheet.issue.as_ref().map_or(String::new(), |issue| issue.id.to_string());
    let slug = sheet.chrome.project.as_ref().filter(|_| sheet.issue.is_none()).map_or("", |project| &project.slug);
    let at =
        |number: i64| with_query("/feedback", &[("project", slug), ("issue", &issue), ("page", &number.to_string())]);
    html! {
        p.acts {
            @if sheet.number > 1 { a.btn.bare rel="prev" href=(at(sheet.number - 1)) { "Newer" } }
            @if sheet.feedback.len() > PAGE_SIZE as usize { a.btn.bare rel="next" href=(at(sheet.number + 1)) { "Older" } }
        }
    }
}
