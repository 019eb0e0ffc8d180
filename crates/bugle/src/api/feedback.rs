//! Feedback by REST: lists for those with a token, and the deprecated way to send it, with a DSN or a token (protocol
//! reference, section 10.2).
//!
//! Sending is not a function of a transaction as other answers are: it goes by the journal, like everything that comes.

use super::ask::{self, Ask};
use super::auth::{Level, Need};
use super::issue::find;
use super::project::text;
use super::reply::{Refusal, Reply};
use super::shape::{date, feedback as shape};
use crate::app::{App, Shared};
use crate::feedback::{self, Of, Said};
use crate::project::{self, Key};
use crate::receive::feedback::{Told, keep};
use axum::RequestExt;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::routing::post;
use bugle_db::{Tx, params};
use bugle_event::EventId;
use bugle_event::auth::Dsn;
use serde_json::{Map, Value, json};

/// Whoever may write in a project, or about its events.
const SEND: Need = Need(&[("project", Level::Write), ("event", Level::Write)]);

/// `GET /projects/{org}/{project}/user-feedback/`
pub fn of_project(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    list(tx, ask, Of::Project(project.id))
}

/// `GET /organizations/{org}/user-feedback/`
pub fn of_organization(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    match ask.projects(tx)?[..] {
        [] => list(tx, ask, Of::Organization(ask.organization())),
        [project] => list(tx, ask, Of::Project(project)),
        _ => Err(Refusal::Invalid("Name one project, or none for all.".into())),
    }
}

/// `GET …/issues/{id}/user-reports/`
pub fn of_issue(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = find(tx, ask)?;
    list(tx, ask, Of::Issue(issue.id))
}

fn list(tx: &mut Tx<'_>, ask: &Ask, of: Of) -> Result<Reply, Refusal> {
    let page = ask.page()?;
    let mut found = feedback::list(tx, of, page.offset, page.limit + 1)?;
    let has_more = found.len() as i64 > page.limit;
    found.truncate(page.limit as usize);
    let found: Vec<Value> = found.iter().map(shape::feedback).collect();
    Ok(page.link(Reply::ok(&found.into()), ask, has_more))
}

/// The route of sending.
pub fn routes(path: &str, clock: fn() -> i64) -> Router<Shared> {
    let send = move |State(app): State<Shared>, request: Request| async move {
        match send(&app, request, clock()).await {
            Ok(reply) => reply.send(&app),
            Err(refusal) => refusal.send(),
        }
    };
    Router::new().route(path, post(send)).route(&format!("{path}/"), post(send))
}

async fn send(app: &App, mut request: Request, now_ms: i64) -> Result<Reply, Refusal> {
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let dsn =
        authorization.and_then(|text| text.trim().split_once(' ')).filter(|(word, _)| word.eq_ignore_ascii_case("dsn"));
    let dsn = dsn.map(|(_, dsn)| Dsn::parse(dsn));
    let (key, body) = match dsn {
        Some(dsn) => {
            let key = of_dsn(app, dsn, &mut request).await?;
            let body = to_bytes(request.into_body(), ask::BODY_BYTES_MAX).await;
            (key, ask::object(&body.map_err(|_| Refusal::TooLarge("The body is too large, or broke off.".into()))?)?)
        }
        None => {
            let ask = Ask::read(app, SEND, request, now_ms).await?;
            let body = ask.json()?;
            let project = app.store.read(move |tx| Ok(ask.project(tx))).await??;
            (Key { project: project.id, ..Key::nobodys() }, body)
        }
    };
    let told = told(&body)?;
    let (event, said) = (told.event_id.map(|id| id.to_string()), told.said.clone());
    keep(app, &key, told, now_ms).await.map_err(|refusal| match refusal.status {
        StatusCode::SERVICE_UNAVAILABLE => Refusal::Failed(bugle_db::DbError::Busy(refusal.detail)),
        _ => Refusal::Forbidden(refusal.detail),
    })?;
    Ok(Reply::ok(&json!({
        "id": said.id, "eventID": event, "name": said.name, "email": said.email, "comments": said.message,
        "dateCreated": date(now_ms), "user": null, "event": { "id": event, "eventID": event }, "issue": null,
    })))
}

/// The key of a DSN, if it is one of the project that the path names.
async fn of_dsn(app: &App, dsn: Option<Dsn>, request: &mut Request) -> Result<Key, Refusal> {
    let unknown = || Refusal::Unauthorized("The DSN is not known here, or switched off.".into());
    let dsn = dsn.ok_or_else(unknown)?;
    let id = i64::try_from(dsn.project_id).map_err(|_| unknown())?;
    let key = crate::receive::admitted(app, &dsn.key, Some(id)).await.map_err(|_| unknown())?;
    let missing = || Refusal::NotFound("The DSN is of another project than the address.".into());
    let Path((organization, slug)) = request.extract_parts::<Path<(String, String)>>().await.map_err(|_| missing())?;
    let named = app.store.read(move |tx| {
        let row = tx.first(
            "SELECT id FROM organizations WHERE slug = $1 OR id = $2",
            params![&organization, organization.parse::<i64>().unwrap_or(-1)],
        )?;
        match row {
            Some(row) => project::find(tx, row.get(0)?, &slug),
            None => Ok(None),
        }
    });
    match named.await? {
        Some(project) if project.id == id => Ok(key),
        _ => Err(missing()),
    }
}

fn told(body: &Map<String, Value>) -> Result<Told, Refusal> {
    let text = |name: &str| Ok::<_, Refusal>(text(body, name)?.unwrap_or_default());
    let event_id = EventId::parse(&text("event_id")?)
        .ok_or_else(|| Refusal::Invalid("event_id must be the id of an event: 32 hex digits.".into()))?;
    let said = Said { name: text("name")?, email: text("email")?, message: text("comments")?, ..Said::default() };
    if said.message.trim().is_empty() {
        return Err(Refusal::Invalid("comments must say something.".into()));
    }
    Ok(Told { said: said.cut(Some(event_id)), event_id: Some(event_id) })
}
