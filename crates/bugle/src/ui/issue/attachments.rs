//! The files that came with an event: what they are, a look into those that can be looked at, and each to be saved.
//!
//! Nothing of a file becomes markup: images are asked for by an address that gives only images, texts are escaped.

use super::{Sheet, value};
use crate::access::Person;
use crate::app::Shared;
use crate::attachment::{self, Attachment, answer};
use crate::event::Stored;
use crate::issue;
use crate::ui::UiError;
use crate::ui::number::{bytes, counted};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bugle_db::{DbError, Tx};
use bugle_event::EventId;
use maud::{Markup, html};

/// Files that are listed.
const LISTED_MAX: usize = 50;
/// Texts that are shown, and how large one may be to be read for it, in bytes.
const TEXTS_MAX: usize = 3;
const TEXT_BYTES_MAX: i64 = 64 << 10;
/// Characters and lines that are shown of a text.
const TEXT_CHARS_MAX: usize = 2_000;
const TEXT_LINES_MAX: usize = 20;
/// Images that are shown, and how large one may be, in bytes.
const IMAGES_MAX: usize = 4;
const IMAGE_BYTES_MAX: i64 = 8 << 20;

/// Their addresses.
pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/issues/{id}/events/{event}/attachments/{attachment}", get(download))
        .route("/issues/{id}/events/{event}/attachments/{attachment}/image", get(image))
}

/// A file, with its beginning when it is a text.
pub(super) struct Shown {
    file: Attachment,
    text: Option<String>,
}

/// The files of an event.
pub(super) fn load(tx: &mut Tx<'_>, event: &Stored) -> Result<Vec<Shown>, DbError> {
    let mut texts = 0;
    let files = attachment::of_event(tx, event.project, event.event_id)?;
    let shown = files.into_iter().map(|file| {
        let is_read = texts < TEXTS_MAX && is_text(&file) && file.bytes <= TEXT_BYTES_MAX;
        texts += usize::from(is_read);
        let body = if is_read { attachment::body(tx, &file)? } else { None };
        Ok(Shown { text: body.and_then(|body| String::from_utf8(body).ok()), file })
    });
    shown.collect()
}

fn is_text(file: &Attachment) -> bool {
    let name = file.name.to_lowercase();
    file.content_type.starts_with("text/")
        || file.content_type.starts_with("application/json")
        || [".txt", ".log", ".json", ".md", ".csv", ".xml", ".runtime-xml", ".ini"]
            .iter()
            .any(|end| name.ends_with(end))
}

fn is_image(file: &Attachment) -> bool {
    let name = file.name.to_lowercase();
    file.bytes <= IMAGE_BYTES_MAX
        && (matches!(file.content_type.as_str(), "image/png" | "image/jpeg" | "image/gif" | "image/webp")
            || [".png", ".jpg", ".jpeg", ".gif", ".webp"].iter().any(|end| name.ends_with(end)))
}

/// The section.
pub(super) fn section(sheet: &Sheet) -> Markup {
    let Some(stored) = sheet.event.as_ref().filter(|_| !sheet.attachments.is_empty()) else { return html! {} };
    let files = &sheet.attachments;
    let path =
        |file: &Attachment| format!("/issues/{}/events/{}/attachments/{}", sheet.issue.id, stored.event_id, file.id);
    let images = files.iter().map(|shown| &shown.file).filter(|file| is_image(file)).take(IMAGES_MAX);
    html! {
        section.part #attachments {
            header { h2 { "Attachments" } small { (counted(files.len() as i64, "file", "files")) } }
            div {
                table.books {
                    caption.sr { "The files that came with this event" }
                    thead { tr {
                        th scope="col" { "Name" } th.opt scope="col" { "Type" } th.num scope="col" { "Size" }
                    } }
                    tbody {
                        @for Shown { file, .. } in files.iter().take(LISTED_MAX) {
                            tr {
                                th scope="row" { a href=(path(file)) download { (value::cut(&file.name, 80).0) } }
                                td.opt.dim { (kind(file)) }
                                td.num { data value=(file.bytes) { (bytes(file.bytes)) } }
                            }
                        }
                    }
                }
                @if files.len() > LISTED_MAX { p.because { (files.len() - LISTED_MAX) " more are told by the API." } }
                @for file in images {
                    figure.shot {
                        a href={ (path(file)) "/image" } { img src={ (path(file)) "/image" } alt=(value::cut(&file.name, 80).0) loading="lazy"; }
                    }
                }
                @for Shown { file, text } in files.iter().take(LISTED_MAX) {
                    @if let Some(text) = text {
                        details {
                            summary.dim { "How " (value::cut(&file.name, 80).0) " begins" }
                            (beginning(text))
                        }
                    }
                }
            }
        }
    }
}

fn beginning(text: &str) -> Markup {
    let lines: Vec<&str> = text.lines().take(TEXT_LINES_MAX).collect();
    let first = lines.join("\n");
    let shown = value::cut(&first, TEXT_CHARS_MAX).0;
    html! {
        pre.text { (shown) }
        @if shown.len() < text.trim_end().len() { p.because { "This is its beginning. The rest is in the file." } }
    }
}

/// What a file is: what only crashes have by name, else its content type.
fn kind(file: &Attachment) -> String {
    let named = match file.kind.as_str() {
        "event.minidump" => "minidump",
        "event.applecrashreport" => "Apple crash report",
        "event.view_hierarchy" => "view hierarchy",
        "unreal.context" => "Unreal context",
        "unreal.logs" => "Unreal log",
        _ if file.content_type.is_empty() => "–",
        _ => &file.content_type,
    };
    value::cut(named, 60).0.to_string()
}

async fn download(
    State(app): State<Shared>,
    person: Person,
    Path((id, event, attachment)): Path<(i64, String, i64)>,
) -> Result<Response, UiError> {
    file(&app, person, id, &event, attachment, false).await
}

async fn image(
    State(app): State<Shared>,
    person: Person,
    Path((id, event, attachment)): Path<(i64, String, i64)>,
) -> Result<Response, UiError> {
    file(&app, person, id, &event, attachment, true).await
}

async fn file(
    app: &Shared,
    person: Person,
    id: i64,
    event: &str,
    attachment: i64,
    is_inline: bool,
) -> Result<Response, UiError> {
    let event = EventId::parse(event).ok_or(UiError::NotFound)?;
    let load = move |tx: &mut Tx<'_>| -> Result<Option<(Attachment, Vec<u8>)>, DbError> {
        let Some(issue) = issue::get(tx, person.organization, id)? else { return Ok(None) };
        let Some(found) = attachment::get(tx, issue.project, event, attachment)? else { return Ok(None) };
        Ok(attachment::body(tx, &found)?.map(|body| (found, body)))
    };
    let (found, body) = app.store.read(load).await?.ok_or(UiError::NotFound)?;
    let mut response = body.clone().into_response();
    for (name, value) in answer::headers(&found, &body, is_inline) {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}
