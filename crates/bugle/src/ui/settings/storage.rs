//! `/projects/{slug}/storage`: what a project takes, what it may keep, and which issues take the most.
//!
//! An empty field means the server's own bound, whose number stands in the field's place. Sizes come from counters
//! (`crate::storage`), so the page costs the same at any number of events.

use super::part;
use super::project::change;
use crate::access::Person;
use crate::app::Shared;
use crate::project::Project;
use crate::storage::bounds::{self, Bounds, Own};
use crate::storage::{self, Big, Size};
use crate::store::now_ms;
use crate::ui::act::Fields;
use crate::ui::address::encode;
use crate::ui::error::UiError;
use crate::ui::form::Said;
use crate::ui::inbox::headline;
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::number::{bytes, counted, exact, parse_bytes, share};
use crate::ui::toast::Toast;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

/// Issues that are listed.
const BIGGEST_MAX: i64 = 20;

/// Its address.
pub fn routes() -> Router<Shared> {
    Router::new().route("/projects/{slug}/storage", get(show).post(update))
}

/// Everything that the page shows.
struct Sheet {
    chrome: Chrome,
    project: Project,
    size: Size,
    own: Own,
    /// What is so without anything of its own.
    server: Bounds,
    store_bytes_max: i64,
    biggest: Vec<Big>,
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
    let (server, store_bytes_max) = (app.config.bounds(), app.config.store_bytes_max);
    let load = move |tx: &mut Tx<'_>| -> Result<Option<Sheet>, DbError> {
        let Some(chrome) = Chrome::read(tx, &person, Some(&slug), Here::Settings, now_ms())? else { return Ok(None) };
        let Some(project) = chrome.project.clone() else { return Ok(None) };
        Ok(Some(Sheet {
            chrome: chrome.with_toast(toast),
            size: storage::of_project(tx, project.id)?,
            own: bounds::of_project(tx, project.id)?,
            biggest: storage::biggest(tx, project.id, BIGGEST_MAX)?,
            project,
            server,
            store_bytes_max,
        }))
    };
    let mut sheet = app.store.read(load).await?.ok_or(UiError::NotFound)?;
    sheet.chrome = sheet.chrome.with_backlog(app.backlog());
    let title = format!("Storage of {}", sheet.project.name);
    Ok(said.answer(page(&sheet.chrome, &title, view(&sheet, &said))))
}

async fn update(
    State(app): State<Shared>,
    person: Person,
    Path(slug): Path<String>,
    fields: Fields,
) -> Result<Response, UiError> {
    let asked = fields.clone();
    let changed = change(&app, &person, &slug, move |tx, project| bounds::set(tx, project.id, read(&asked)?).map(Some));
    match changed.await? {
        Ok(()) => {
            let said = "What is kept is saved. The next round of retention goes by it.";
            Ok(Toast::new(said).at(&format!("/projects/{}/storage", encode(&slug))))
        }
        Err(sentence) => answer(&app, &person, &slug, Toast::default(), Said::refused("keep", sentence, fields)).await,
    }
}

/// What the form says. Nothing typed: as the server.
fn read(fields: &Fields) -> Result<Own, DbError> {
    let number = |name: &str, what: &str| -> Result<Option<i64>, DbError> {
        let text = fields.get(name).replace([',', ' '], "");
        let wrong = |_| DbError::Abandoned(format!("{what} is a whole number, not {:?}.", fields.get(name)));
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(wrong) }
    };
    let bytes_max = match fields.get("bytes_max") {
        "" => None,
        text => Some(parse_bytes(text).ok_or_else(|| {
            DbError::Abandoned(format!("A size is a number with its unit, such as 500 MB, not {text:?}."))
        })?),
    };
    Ok(Own {
        retention_days: number("retention_days", "How many days")?,
        issue_cap_per_hour: number("issue_cap_per_hour", "How many events per hour")?,
        issue_events_max: number("issue_events_max", "How many events of an issue")?,
        bytes_max,
    })
}

fn view(sheet: &Sheet, said: &Said) -> Markup {
    let path = format!("/projects/{}", encode(&sheet.project.slug));
    html! {
        div.title { div {
            h1 { "Storage of " (sheet.project.name) }
            p.say { a href={ (path) "/settings" } { "Settings" } " · " a href={ (path) "/ledger" } { "Ledger" } }
        } }
        (part("size", "Size", "now", size(sheet)))
        (part("keep", "What is kept", "", keep(sheet, &path, said)))
        (part("biggest", "Biggest issues", "by what they take", biggest(sheet)))
    }
}

fn size(sheet: &Sheet) -> Markup {
    let size = sheet.size;
    html! {
        dl.facts {
            div { dt { "In all" } dd { data value=(size.bytes()) { (bytes(size.bytes())) } } }
            div { dt { "Events" } dd { data value=(size.events) { (exact(size.events)) } " " small { (bytes(size.event_bytes())) } } }
            div { dt { "Attachments" } dd { data value=(size.attachments) { (exact(size.attachments)) } " " small { (bytes(size.attached_bytes())) } } }
            div { dt { "Exemplars" } dd { data value=(size.exemplars) { (exact(size.exemplars)) } " " small { (bytes(size.exemplar_bytes)) } } }
        }
        p.because {
            "Events are compressed against exemplars, one for each kind of event and day. Counts of issues, people and tags "
            "stay when events go, and are not in these numbers."
        }
        @if sheet.store_bytes_max > 0 {
            p.because {
                "The whole database is kept within " (bytes(sheet.store_bytes_max))
                ". When it is over, the biggest projects lose their oldest events, down to one level."
            }
        }
    }
}

fn keep(sheet: &Sheet, path: &str, said: &Said) -> Markup {
    let (own, server) = (&sheet.own, &sheet.server);
    let any = |max: i64| if max == 0 { "any number".to_string() } else { exact(max) };
    let typed = |number: Option<i64>| number.map_or(String::new(), |number| number.to_string());
    let field = |name: &str, label: &str, stored: Option<i64>, server: String, note: &str| {
        let id = name.replace('_', "-");
        html! {
            p.field {
                label for=(id) { (label) }
                input id=(id) name=(name) inputmode="numeric" size="12" placeholder=(server) value=(said.value("keep", name, &typed(stored)));
                small.dim { (note) }
            }
        }
    };
    html! {
        form method="post" action={ (path) "/storage" } {
            (said.note("keep"))
            (field("retention_days", "Days", own.retention_days, exact(server.retention_days), "Older events go."))
            (field("issue_cap_per_hour", "Events of one issue in an hour", own.issue_cap_per_hour, exact(server.issue_cap_per_hour),
                "Further ones are counted everywhere and not kept."))
            (field("issue_events_max", "Events of one issue in all", own.issue_events_max, any(server.issue_events_max),
                "The oldest of more go. 0: any number."))
            p.field {
                label for="bytes-max" { "Bytes in all" }
                input id="bytes-max" name="bytes_max" size="12" placeholder=(any(server.bytes_max)) value=(said.value("keep", "bytes_max", &typed(own.bytes_max)));
                small.dim { "Such as 500 MB. The oldest events of more go. 0: any number." }
            }
            p.because { "An empty field means as the server, whose number stands in it. Counts, first and last seen stay when events go." }
            p.acts { button.btn { "Save" } }
        }
    }
}

fn biggest(sheet: &Sheet) -> Markup {
    if sheet.biggest.is_empty() {
        return html! { p.say { "No event is kept." } };
    }
    html! {
        table.books {
            caption.sr { "Issues by what they take on the disk, the biggest first" }
            thead { tr {
                th scope="col" { "Issue" } th.num scope="col" { "Size" } th.num.opt scope="col" { "Share" }
                th.num scope="col" { "Events kept" } th.num.opt scope="col" { "Ever" }
            } }
            tbody {
                @for big in &sheet.biggest {
                    tr {
                        th scope="row" { a href={ "/issues/" (big.issue) } { (headline(&big.kind, &big.title)) } }
                        td.num { data value=(big.size.bytes()) { (bytes(big.size.bytes())) } }
                        td.num.opt.dim { (share(big.size.bytes(), sheet.size.bytes())) }
                        td.num { (exact(big.size.events)) }
                        td.num.opt.dim { (exact(big.events)) }
                    }
                }
            }
        }
        @if sheet.biggest.len() as i64 == BIGGEST_MAX { p.because { "The " (counted(BIGGEST_MAX, "biggest issue", "biggest issues")) "." } }
    }
}
