//! Uploads: minidumps, Unreal's crash archives, and files for an event (protocol reference, sections 2 and 12).
//!
//! Whoever sends a crash is about to end, and will not try again: what can be kept of it is. A crash is answered with its id
//! in plain text, also when a limit refused it, and never with 429.

use super::attachment::{self, File, PLAIN};
use super::form::{self, Form, Upload};
use super::reply::Refusal;
use super::{Framing, INFLATED_BYTES_MAX, Incoming, Items, crash, inflate_refusal, preflight, receive};
use crate::app::{App, Shared};
use crate::crash::{self as crashes, MINIDUMP, Part, Said, fields, minidump, unreal};
use crate::outcome::Reason;
use crate::project::Key;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bugle_event::EventId;
use bugle_event::envelope::Envelope;
use bugle_event::inflate;
use bugle_event::json::Object;
use bytes::Bytes;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::net::SocketAddr;

/// What is uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A minidump, alone or in a form.
    Minidump,
    /// An archive of Unreal's crash reporter.
    Unreal,
    /// Files for an event. `None`: the address names none.
    Attachments(Option<EventId>),
}

/// Its addresses, with and without a slash at the end.
pub(super) fn router() -> Router<Shared> {
    let mut router = Router::new();
    for slash in ["", "/"] {
        router = router
            .route(&format!("/api/{{project}}/minidump{slash}"), post(minidump_of).options(preflight))
            .route(&format!("/api/{{project}}/unreal/{{key}}{slash}"), post(unreal_of).options(preflight))
            .route(
                &format!("/api/{{project}}/events/{{event}}/attachments{slash}"),
                post(attachments_of).options(preflight),
            );
    }
    router
}

async fn minidump_of(
    State(app): State<Shared>,
    Path(project): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    receive(app, Some(project), peer, query, headers, body, Framing::Upload(What::Minidump)).await
}

async fn unreal_of(
    State(app): State<Shared>,
    Path((project, key)): Path<(String, String)>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // The key stands in the path; from here on it is as if it stood in the query.
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let query = format!("sentry_key={key}&{}", query.unwrap_or_default());
    receive(app, Some(project), peer, Some(query), headers, body, Framing::Upload(What::Unreal)).await
}

async fn attachments_of(
    State(app): State<Shared>,
    Path((project, event)): Path<(String, String)>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let what = What::Attachments(EventId::parse(&event));
    receive(app, Some(project), peer, query, headers, body, Framing::Upload(what)).await
}

/// Takes an upload in.
pub(super) async fn take(
    incoming: &Incoming,
    app: &App,
    project: Option<i64>,
    body: Body,
    what: What,
) -> Result<Response, Refusal> {
    match (taken(incoming, app, project, body, what).await, what) {
        (Err(refusal), What::Minidump | What::Unreal) if refusal.status == StatusCode::TOO_MANY_REQUESTS => {
            Ok(told(EventId(crate::access::random::bytes())))
        }
        (answer, _) => answer,
    }
}

async fn taken(
    incoming: &Incoming,
    app: &App,
    project: Option<i64>,
    body: Body,
    what: What,
) -> Result<Response, Refusal> {
    let Some(auth) = incoming.credentials(app)? else {
        incoming.stranger(app, Reason::NoKey);
        let detail = "No key came with the request. Put it into the query: ?sentry_key=….";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, detail));
    };
    let key = incoming.admit(app, &auth.key, project).await?;
    let raw = incoming.read(app, Some(&key), body).await?;
    let coding = match (incoming.text(header::CONTENT_ENCODING), what) {
        (None | Some(""), What::Unreal) => Some("deflate"),
        (coding, _) => coding,
    };
    let body = match inflate::inflate(coding, &raw, INFLATED_BYTES_MAX) {
        Ok(Cow::Borrowed(_)) => raw,
        Ok(Cow::Owned(inflated)) => inflated.into(),
        Err(error) => return Err(incoming.unreadable(app, Some(&key), &inflate_refusal(&error))),
    };
    let client = auth.client.as_deref();
    match what {
        What::Minidump => of_dump(incoming, app, &key, client, body).await,
        What::Unreal => of_unreal(incoming, app, &key, client, body).await,
        What::Attachments(event_id) => of_files(incoming, app, &key, event_id, body).await,
    }
}

/// The answer to a crash.
fn told(id: EventId) -> Response {
    id.dashed().into_response()
}

fn bad(incoming: &Incoming, app: &App, key: &Key, detail: &str) -> Refusal {
    let refusal = Refusal::new(StatusCode::BAD_REQUEST, detail);
    incoming.unreadable(app, Some(key), &(refusal, Reason::Framing))
}

async fn of_dump(
    incoming: &Incoming,
    app: &App,
    key: &Key,
    client: Option<&str>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let mut form = match incoming.text(header::CONTENT_TYPE).and_then(form::boundary) {
        Some(boundary) => {
            form::read(body, boundary).await.ok_or_else(|| bad(incoming, app, key, "The form cannot be read."))?
        }
        None => Form { files: vec![dump(body)], ..Form::default() },
    };
    let is_dump = |file: &Upload| file.field == form::DUMP;
    if let Some(at) = form.files.iter().position(is_dump)
        && let Some(inner) = form::nested(&form.files[at].body).await
    {
        form.files.remove(at);
        form.fields.extend(inner.fields);
        form.files.extend(inner.files);
    }
    let Some(at) = form.files.iter().position(is_dump) else {
        return Err(bad(incoming, app, key, "The form has no part upload_file_minidump."));
    };
    let report = form.files.remove(at);
    let said = sent(&form);
    let mut parts: Vec<Part> = form.files.iter().filter_map(part).collect();
    let limited = !app.door.limits.closed(&app.store.limits(), key, incoming.received_ms).is_empty();
    let packed = report.body.clone();
    let text = serde_json::to_vec(&said).unwrap_or_default();
    let sent_text = text.clone();
    let read = crash::reading(move || {
        let dump = minidump::unpacked(&packed)?.into_owned();
        if limited {
            return Ok((sent_text, dump));
        }
        parts.push(Part { kind: MINIDUMP.into(), body: dump });
        let event = crashes::event(&sent_text, &parts);
        Ok((event, parts.pop().map(|part| part.body).unwrap_or_default()))
    });
    let (event, dump) = match read.await {
        Some(Ok(read)) => read,
        Some(Err(why)) => return Err(bad(incoming, app, key, why)),
        None => (crashes::unread(&text, MINIDUMP, "The minidump could not be read."), report.body.to_vec()),
    };
    let mut files: Vec<File<'_>> = form.files.iter().map(file).collect();
    files.push(File {
        name: report.name.unwrap_or_else(|| "minidump.dmp".into()).into(),
        content_type: Some("application/x-dmp".into()),
        kind: MINIDUMP.into(),
        body: dump.into(),
    });
    keep(incoming, app, key, client, &event, files).await
}

fn dump(body: Bytes) -> Upload {
    Upload { field: form::DUMP.into(), name: None, content_type: None, body }
}

/// What the sender says: the form's fields, and who it is, as far as that shows.
fn sent(form: &Form) -> Said {
    let has = |name: &str| form.fields.iter().any(|(known, _)| known == name);
    let sender = match () {
        () if has("guid") => "minidump.crashpad",
        () if has("prod") || has("ptime") => "minidump.breakpad",
        () => "minidump.unknown",
    };
    let mut said = fields::event(&form.fields);
    // What native SDKs keep for the next start says who they are, and wins.
    if !form.files.iter().any(|file| file.field == "__sentry-event") {
        said.entry("sdk").or_insert_with(|| json!({ "name": sender, "version": "0.0.0" }));
    }
    said
}

fn part(file: &Upload) -> Option<Part> {
    let kind = kind(file);
    crashes::is_part(kind).then(|| Part { kind: kind.into(), body: file.body.to_vec() })
}

fn kind(file: &Upload) -> &'static str {
    match (file.field.as_str(), file.name.as_deref()) {
        ("__sentry-event", _) | (_, Some("__sentry-event")) => crashes::PAYLOAD,
        ("__sentry-breadcrumb1" | "__sentry-breadcrumb2", _)
        | (_, Some("__sentry-breadcrumb1" | "__sentry-breadcrumb2")) => crashes::BREADCRUMBS,
        ("view-hierarchy.json", _) | (_, Some("view-hierarchy.json")) => "event.view_hierarchy",
        _ => PLAIN,
    }
}

fn file(upload: &Upload) -> File<'_> {
    File {
        name: upload.name.as_deref().unwrap_or(&upload.field).into(),
        content_type: upload.content_type.as_deref().map(Cow::Borrowed),
        kind: kind(upload).into(),
        body: upload.body.as_ref().into(),
    }
}

async fn of_unreal(
    incoming: &Incoming,
    app: &App,
    key: &Key,
    client: Option<&str>,
    archive: Bytes,
) -> Result<Response, Refusal> {
    let user = form_urlencoded::parse(incoming.query.as_bytes()).find(|(name, _)| name == "UserID");
    let user = user.map(|(_, user)| user.into_owned());
    let files = unreal::files(&archive);
    if files.is_empty() {
        return Err(bad(incoming, app, key, "The body is no crash archive of Unreal Engine."));
    }
    let bytes = archive.clone();
    let read = crash::reading(move || {
        let (said, parts) = unreal::event(&unreal::files(&bytes), user.as_deref());
        crashes::event(&serde_json::to_vec(&said).unwrap_or_default(), &parts)
    });
    let event = read.await.unwrap_or_else(|| crashes::unread(b"{}", MINIDUMP, "The crash archive could not be read."));
    let files = files.iter().map(|file| File {
        name: file.name.into(),
        content_type: None,
        kind: file.kind().into(),
        body: file.body.into(),
    });
    keep(incoming, app, key, client, &event, files).await
}

/// The event and its files go their way, and whoever sent them hears the id.
async fn keep<'f>(
    incoming: &Incoming,
    app: &App,
    key: &Key,
    client: Option<&str>,
    event: &[u8],
    files: impl IntoIterator<Item = File<'f>>,
) -> Result<Response, Refusal> {
    let said = crashes::read(event);
    let own = said.get("event_id").and_then(Value::as_str).and_then(EventId::parse);
    let id = own.unwrap_or_else(|| EventId(crate::access::random::bytes()));
    let envelope = Envelope {
        event_id: Some(id),
        dsn: None,
        sent_at_ms: None,
        sdk: None,
        header: Object::default(),
        items: vec![crash::of_event(event)],
    };
    let mut items = incoming.sort_out(app, key, client, None, &envelope)?;
    attachment::sort_out(app, key, incoming.received_ms, Some(id), files, &mut items);
    app.door.keep(items.ready).await?;
    Ok(told(id))
}

async fn of_files(
    incoming: &Incoming,
    app: &App,
    key: &Key,
    event_id: Option<EventId>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Some(event_id) = event_id else {
        return Err(bad(incoming, app, key, "The event's id in the address is not 32 hex digits."));
    };
    let form = match incoming.text(header::CONTENT_TYPE).and_then(form::boundary) {
        Some(boundary) => form::read(body, boundary).await,
        None => None,
    };
    let form = form.ok_or_else(|| bad(incoming, app, key, "The body is no form of files (multipart/form-data)."))?;
    if form.files.is_empty() {
        return Err(bad(incoming, app, key, "The form has no file."));
    }
    let mut items = Items::default();
    let plain = |upload| File { kind: PLAIN.into(), ..file(upload) };
    let files = form.files.iter().map(plain);
    attachment::sort_out(app, key, incoming.received_ms, Some(event_id), files, &mut items);
    app.door.keep(items.ready).await?;
    Ok(StatusCode::CREATED.into_response())
}
