//! The issue page: a front page, then one event on the left and all events on the right.
//!
//! `/issues/{id}` shows the newest event; `/issues/{id}/events/{event}` the same page with that one, and its JSON or
//! Markdown under `.json` and `.md`. A short id is an address too. The parts, from top to bottom, are [`head`] (with
//! [`lede`]), [`exception`] and [`frame`], [`breadcrumbs`], [`context`], [`threads`], [`images`], [`problems`], [`rail`],
//! [`activity`].

mod activity;
mod attachments;
mod breadcrumbs;
mod context;
mod events;
mod exception;
mod feedback;
mod frame;
mod head;
mod images;
mod known;
mod lede;
mod markdown;
mod mechanism;
mod problems;
mod rail;
mod report;
mod room;
mod source;
mod threads;
mod tree;
mod value;
mod workflow;

use super::UiError;
use super::act::Fields;
use super::icon::icon;
use super::layout::{Chrome, Here, page};
use super::moment;
use super::toast::Toast;
use crate::access::Person;
use crate::access::user::{self, Member};
use crate::app::Shared;
use crate::event::{self, Stored, Which};
use crate::issue::activity::{self as happened, Activity};
use crate::issue::key::{self, Key};
use crate::issue::series::{self, Range};
use crate::issue::tags::{self, Tag};
use crate::issue::{self, Issue};
use crate::release::{self, Release};
use crate::storage::{self, Size};
use crate::store::now_ms;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use bugle_db::{DbError, Tx};
use bugle_event::{Event, EventId};
use maud::{Markup, html};
use room::Room;

/// Values of a tag that are named.
const VALUES_SHOWN: usize = 5;
/// What happened, as far as it is shown.
const ACTIVITIES_MAX: i64 = 50;
/// Releases that are marked in the chart.
const RELEASES_MAX: i64 = 20;

/// Its addresses.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/issues/{id}", get(newest).post(workflow::itself).delete(workflow::itself))
        .route("/issues/{id}/events", get(events::list))
        .route("/issues/{id}/events/{event}", get(one))
        .merge(attachments::routes())
        .route("/issues/{id}/resolution", post(workflow::resolution).delete(workflow::resolution))
        .route("/issues/{id}/archival", post(workflow::archival).delete(workflow::archival))
        .route("/issues/{id}/assignment", post(workflow::assignment).delete(workflow::assignment))
        .route("/issues/{id}/comments", post(workflow::comments))
        .route("/issues/{id}/deletion", get(workflow::deletion))
        .route("/organizations/{organization}/issues/{id}", get(permalink))
        .route("/organizations/{organization}/issues/{id}/", get(permalink))
        .route("/{short_id}", get(by_short_id))
}

/// Everything that the page shows.
struct Sheet {
    chrome: Chrome,
    issue: Issue,
    size: Size,
    /// `None`: its events are no longer kept.
    event: Option<Stored>,
    older: Option<EventId>,
    newer: Option<EventId>,
    attachments: Vec<attachments::Shown>,
    /// The page's address without a query.
    path: String,
    range: Range,
    series: Vec<i64>,
    releases: Vec<Release>,
    tags: Vec<Tag>,
    keys: Vec<Key>,
    activity: Vec<Activity>,
    voices: feedback::Voices,
    members: Vec<Member>,
    now_ms: i64,
}

async fn newest(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Path(id): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, UiError> {
    match id.parse() {
        Ok(id) => Ok(show(&app, person, toast, id, None, &Fields(pairs)).await?.into_response()),
        Err(_) => Ok(by_short_id(State(app), person, Path(id)).await?.into_response()),
    }
}

async fn one(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Path((id, name)): Path<(i64, String)>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, UiError> {
    let (name, kind) = match name.rsplit_once('.') {
        Some((name, kind)) => (name.to_string(), kind.to_string()),
        None => (name, String::new()),
    };
    let which = match name.as_str() {
        "newest" | "latest" => Which::Newest,
        "oldest" => Which::Oldest,
        id => Which::Id(EventId::parse(id).ok_or(UiError::NotFound)?),
    };
    match kind.as_str() {
        "" => Ok(show(&app, person, toast, id, Some(which), &Fields(pairs)).await?.into_response()),
        "json" | "md" => raw(&app, person, id, which, kind == "json").await,
        _ => Err(UiError::NotFound),
    }
}

/// The address that the API gives out, in the form that clients of Sentry expect.
async fn permalink(_: Person, Path((_, id)): Path<(String, String)>) -> Response {
    Redirect::to(&format!("/issues/{}", super::address::encode(&id))).into_response()
}

async fn by_short_id(State(app): State<Shared>, person: Person, Path(text): Path<String>) -> Result<Redirect, UiError> {
    let issue = app.store.read(move |tx| issue::by_short_id(tx, person.organization, &text)).await?;
    issue.map(|issue| Redirect::to(&format!("/issues/{}", issue.id))).ok_or(UiError::NotFound)
}

/// The event as it is stored, or as Markdown.
async fn raw(app: &Shared, person: Person, id: i64, which: Which, is_json: bool) -> Result<Response, UiError> {
    let load = move |tx: &mut Tx<'_>| {
        let Some(issue) = issue::get(tx, person.organization, id)? else { return Ok(None) };
        Ok(event::of_issue(tx, id, which)?.map(|event| (issue, event)))
    };
    let (issue, event) = app.store.read(load).await?.ok_or(UiError::NotFound)?;
    if is_json {
        return Ok(([(header::CONTENT_TYPE, "application/json")], event.json).into_response());
    }
    let url = format!("{}/issues/{id}/events/{}", app.config.public_url, event.event_id);
    let text = markdown::of(&issue, &Event::stored(&event.json), &url);
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

async fn show(
    app: &Shared,
    person: Person,
    toast: Toast,
    id: i64,
    which: Option<Which>,
    fields: &Fields,
) -> Result<Markup, UiError> {
    let range = Range::parse(fields.get("range"));
    let at_ms = now_ms();
    let sheet = app.store.read(move |tx| load(tx, &person, toast, id, which, range, at_ms)).await?;
    let mut sheet = sheet.ok_or(UiError::NotFound)?;
    sheet.chrome = sheet.chrome.with_backlog(app.backlog());
    let name = match (sheet.issue.kind.as_str(), sheet.issue.title.as_str()) {
        ("", title) => title.to_string(),
        (kind, title) => format!("{kind}: {title}"),
    };
    let title = format!("{} · {}", value::cut(&name, 80).0, sheet.issue.short_id());
    Ok(page(&sheet.chrome, &title, view(&sheet)))
}

fn load(
    tx: &mut Tx<'_>,
    person: &Person,
    toast: Toast,
    id: i64,
    which: Option<Which>,
    range: Option<Range>,
    now_ms: i64,
) -> Result<Option<Sheet>, DbError> {
    let Some(issue) = issue::get(tx, person.organization, id)? else { return Ok(None) };
    let range = range.unwrap_or_else(|| fitting(issue.last_ms, now_ms));
    let chrome = Chrome::read(tx, person, Some(&issue.project_slug), Here::Inbox, now_ms)?;
    let Some(chrome) = chrome.map(|chrome| chrome.with_toast(toast)) else { return Ok(None) };
    let event = event::of_issue(tx, id, which.unwrap_or(Which::Newest))?;
    if event.is_none() && which.is_some() {
        return Ok(None);
    }
    let (older, newer) = match &event {
        Some(event) => event::neighbours(tx, event)?,
        None => (None, None),
    };
    let path = match (&event, which) {
        (Some(event), Some(_)) => format!("/issues/{id}/events/{}", event.event_id),
        _ => format!("/issues/{id}"),
    };
    let shown = event.as_ref().map(|event| event.event_id);
    let attachments = event.as_ref().map(|event| attachments::load(tx, event)).transpose()?.unwrap_or_default();
    Ok(Some(Sheet {
        voices: feedback::Voices::read(tx, (issue.project, id), shown)?,
        event,
        attachments,
        older,
        newer,
        path,
        range,
        series: series::of(tx, &[id], range, None, now_ms)?.remove(&id).unwrap_or_default(),
        releases: release::since(tx, &[issue.project], range.since_ms(now_ms), RELEASES_MAX)?,
        tags: tags::of(tx, id, None, VALUES_SHOWN)?,
        keys: key::of(tx, id, rail::KEYS_MAX)?,
        activity: happened::of(tx, id, ACTIVITIES_MAX)?,
        members: user::members(tx, person.organization)?,
        size: storage::of_issue(tx, id)?,
        chrome,
        now_ms,
        issue,
    }))
}

/// The shortest range in which anything happened: an empty chart answers nothing.
fn fitting(last_ms: i64, now_ms: i64) -> Range {
    let reaches = |range: &Range| last_ms >= range.since_ms(now_ms);
    [Range::Day, Range::Fortnight].into_iter().find(reaches).unwrap_or(Range::Quarter)
}

fn view(sheet: &Sheet) -> Markup {
    let event = sheet.event.as_ref().map(|stored| Event::stored(&stored.json));
    // What an open page asks again when something changes: itself, with the event that it shows.
    let live = sheet
        .event
        .as_ref()
        .map(|stored| format!("/issues/{}/events/{}?range={}", sheet.issue.id, stored.event_id, sheet.range.as_str()));
    html! {
        article data-issue=(sheet.issue.id) data-live=[live] {
            (head::head(sheet, event.as_ref()))
            (head::when(sheet))
            div.sheet {
                div {
                    (bar(sheet))
                    @match &event {
                        Some(event) => {
                            (parts(event, &mut Room::default()))
                            (attachments::section(sheet))
                        }
                        None => div.empty {
                            h2.say { "None of its events is kept any more." }
                            p.say { "The counts, the tags and the activity stay." }
                        },
                    }
                }
                (rail::rail(sheet, event.as_ref()))
            }
            (feedback::section(sheet.issue.id, &sheet.voices, sheet.now_ms))
            (activity::section(sheet))
        }
    }
}

/// What one event tells, in the order in which somebody asks.
fn parts(event: &Event<'_>, room: &mut Room) -> Markup {
    html! {
        (exception::section(event, room))
        (breadcrumbs::section(event, room))
        (context::section(event, room))
        (threads::section(event, room))
        (images::section(event, room))
        (problems::section(event, room))
    }
}

/// Which event this is, and the ways to others.
fn bar(sheet: &Sheet) -> Markup {
    let Some(stored) = &sheet.event else { return html! { div.bar { h2 { "This event" } } } };
    let id = stored.event_id.to_string();
    let path = |name: &str| format!("/issues/{}/events/{name}", sheet.issue.id);
    let place = match (&sheet.older, &sheet.newer) {
        (None, None) => "the only one kept",
        (_, None) => "newest",
        (None, _) => "oldest",
        _ => "one between",
    };
    let step = |to: &Option<EventId>, rel: &str, key: &str, inside: Markup| {
        html! {
            @match to {
                Some(to) => a.btn.bare rel=(rel) data-key=(key) href=(path(&to.to_string())) { (inside) kbd { (key) } },
                None => button.btn.bare disabled data-step=(rel) { (inside) },
            }
        }
    };
    html! {
        div.bar {
            h2 { "This event" }
            details.menu.dim {
                summary { span { code title=(id) { (id[..8]) } " · " (moment::clock(stored.timestamp_ms, sheet.now_ms)) " · " (place) " " (icon("down")) } }
                ul {
                    li { a href=(path("newest")) { "Newest" kbd { "}" } } }
                    li { a href=(path("oldest")) { "Oldest" kbd { "{" } } }
                    li { a href={ "/issues/" (sheet.issue.id) "/events" } { "List of events" } }
                }
            }
            span.acts {
                (step(&sheet.older, "prev", "[", html! { (icon("left")) " Older " }))
                (step(&sheet.newer, "next", "]", html! { "Newer " (icon("right")) " " }))
                a.btn data-copy data-key="c" href={ (path(&id)) ".md" } { (icon("copy")) " Copy " span.sr { "as Markdown" } kbd { "c" } }
                a.btn.bare href={ (path(&id)) ".json" } { "JSON" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_covers_the_newest_event() {
        const HOUR_MS: i64 = 3_600_000;
        let now_ms = 1_780_000_000_000;
        for (hours, expected) in [
            (0, Range::Day),
            (20, Range::Day),
            (30, Range::Fortnight),
            (20 * 24, Range::Quarter),
            (9_000, Range::Quarter),
        ] {
            assert_eq!(fitting(now_ms - hours * HOUR_MS, now_ms), expected, "{hours} hours ago");
        }
    }

    /// Everything at once, as large as normalising lets it be: the page says what it left out and stays a page.
    #[test]
    fn a_hostile_event_stays_within_the_page() {
        let many = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<Vec<_>>().join(",");
        let vars = many(60, &|n| format!(r#""v{n}":{{"a":["{}",{n},{{"b":"</dd><script>"}}]}}"#, "x".repeat(300)));
        let frame = format!(
            r#"{{"function":"f<b>","filename":"a.js","lineno":9,"in_app":true,"context_line":"if (a) return 'b'","pre_context":["let a = 1"],"vars":{{{vars}}}}}"#
        );
        let text = format!(
            r#"{{"platform":"node","timestamp":9,"exception":{{"values":[{}]}},"breadcrumbs":{{"values":[{}]}},"threads":{{"values":[{}]}},
                "contexts":{{{}}},"extra":{{{}}},"tags":[{}],"user":{{"id":"7"}},"request":{{"url":"javascript:alert(1)","headers":[{}]}},
                "modules":{{{}}},"errors":[{}]}}"#,
            many(3, &|n| format!(
                r#"{{"type":"E{n}<img>","value":"{}","stacktrace":{{"frames":[{}]}}}}"#,
                "w".repeat(9_000),
                many(90, &|_| frame.clone())
            )),
            many(200, &|n| format!(r#"{{"timestamp":{n},"message":"<i>{n}","data":{{"k":"v"}}}}"#)),
            many(50, &|n| format!(r#"{{"id":{n},"stacktrace":{{"frames":[{frame}]}}}}"#)),
            many(60, &|n| format!(r#""c{n}":{{{}}}"#, many(60, &|k| format!(r#""k{k}":"v""#)))),
            many(300, &|n| format!(r#""e{n}":[[[[[[[["x"]]]]]]]]"#)),
            many(200, &|n| format!(r#"["t{n}","<u>v"]"#)),
            many(90, &|n| format!(r#"["H{n}","[ip] x"]"#)),
            many(900, &|n| format!(r#""m{n}":"1""#)),
            many(50, &|n| format!(r#"{{"type":"invalid_data","name":"a.{n}","value":"<s>"}}"#)),
        );
        let event = Event::stored(&text);
        let mut room = Room::default();
        let page = parts(&event, &mut room).into_string();
        let elements = page.as_bytes().windows(2).filter(|pair| pair[0] == b'<' && pair[1] != b'/').count();
        assert!((1_400..2_200).contains(&elements), "{elements} elements");
        assert!(page.len() < 500_000, "{} bytes", page.len());
        for hostile in ["<script", "<img", "<b>f", "<u>", "<s>", "href=\"javascript"] {
            assert!(!page.contains(hostile), "{hostile}");
        }
        for part in ["<i>199", "larger than a page", "id=\"request\"", "E2&lt;img&gt;", "9,000 characters in all"] {
            assert!(page.contains(&part.replace("<i>", "&lt;i&gt;")), "{part}");
        }
    }
}
