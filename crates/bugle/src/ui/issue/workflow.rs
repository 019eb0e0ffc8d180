//! What people do to one issue. Each act is a sub-resource that is created or deleted, and answers by going back
//! with a toast that says what was done.

use crate::access::Person;
use crate::app::Shared;
use crate::issue::{self, Issue, Status, workflow};
use crate::live::Fact;
use crate::store::now_ms;
use crate::ui::UiError;
use crate::ui::act::{Act, Fields, Verb};
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::number::{counted, exact};
use crate::ui::toast::{Toast, Undo};
use axum::extract::{Path, State};
use axum::response::Response;
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

pub(super) async fn resolution(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<i64>,
    act: Act<Fields>,
) -> Result<Response, UiError> {
    status(&app, person, id, if act.verb == Verb::Create { Status::Resolved } else { Status::Unresolved }).await
}

pub(super) async fn archival(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<i64>,
    act: Act<Fields>,
) -> Result<Response, UiError> {
    status(&app, person, id, if act.verb == Verb::Create { Status::Archived } else { Status::Unresolved }).await
}

async fn status(app: &Shared, person: Person, id: i64, status: Status) -> Result<Response, UiError> {
    let actor = person.user;
    let (issue, has_changed) =
        change(app, person, id, move |tx, issue| workflow::set_status(tx, issue, status, Some(actor), now_ms()))
            .await?;
    let (word, undo) = match status {
        Status::Resolved => ("resolved", "reopen"),
        Status::Archived => ("archived", "reopen"),
        Status::Unresolved if issue.status == Status::Archived => ("reopened", "archive"),
        Status::Unresolved => ("reopened", "resolve"),
    };
    let toast = match has_changed {
        true => Toast {
            text: format!("{} {word}.", issue.short_id()),
            undo: Some(Undo { act: undo.into(), issues: vec![id] }),
        },
        false => Toast::new(format!("{} is {} already.", issue.short_id(), status.as_str())),
    };
    Ok(toast.at(&format!("/issues/{id}")))
}

pub(super) async fn assignment(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<i64>,
    act: Act<Fields>,
) -> Result<Response, UiError> {
    let assignee = match (act.verb, act.fields.get("assignee")) {
        (Verb::Delete, _) | (_, "") => None,
        (Verb::Create, "me") => Some(person.user),
        (Verb::Create, text) => {
            Some(text.parse::<i64>().map_err(|_| UiError::refused("The form names nobody. Nothing was saved."))?)
        }
    };
    let actor = person.user;
    let (issue, _) =
        change(&app, person, id, move |tx, issue| workflow::assign(tx, issue, assignee, Some(actor), now_ms())).await?;
    let to = if assignee.is_some() { "assigned" } else { "assigned to nobody" };
    Ok(Toast::new(format!("{} {to}.", issue.short_id())).at(&format!("/issues/{id}")))
}

pub(super) async fn comments(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<i64>,
    fields: Fields,
) -> Result<Response, UiError> {
    let actor = person.user;
    let text = fields.get("text").to_string();
    change(&app, person, id, move |tx, issue| workflow::comment(tx, issue.id, actor, &text, now_ms()).map(|()| true))
        .await?;
    Ok(Toast::default().at(&format!("/issues/{id}#activity")))
}

/// `POST` with `_method=DELETE`, or `DELETE`: nothing else can be done to the issue itself.
pub(super) async fn itself(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<i64>,
    act: Act<Fields>,
) -> Result<Response, UiError> {
    if act.verb != Verb::Delete {
        return Err(UiError::refused("An issue is made by its first event, not by a form. Nothing was saved."));
    }
    let (issue, _) = change(&app, person, id, |tx, issue| workflow::delete(tx, issue.id).map(|()| true)).await?;
    let text = format!("{} and its {} deleted.", issue.short_id(), counted(issue.events, "event", "events"));
    Ok(Toast::new(text).at("/issues"))
}

/// The page that asks before an issue is deleted.
pub(super) async fn deletion(
    State(app): State<Shared>,
    person: Person,
    Path(id): Path<i64>,
) -> Result<Markup, UiError> {
    let load = move |tx: &mut Tx<'_>| {
        let Some(issue) = issue::get(tx, person.organization, id)? else { return Ok(None) };
        let chrome = Chrome::read(tx, &person, Some(&issue.project_slug), Here::Inbox, now_ms())?;
        Ok(chrome.map(|chrome| (chrome, issue)))
    };
    let (chrome, issue) = app.store.read(load).await?.ok_or(UiError::NotFound)?;
    let question = format!("Delete {} and its {}?", issue.short_id(), counted(issue.events, "event", "events"));
    let path = format!("/issues/{id}");
    let main = html! {
        div.title { h1 { (question) } }
        form.note.bad method="post" action=(path) {
            p { (crate::ui::inbox::headline(&issue.kind, &issue.title)) }
            p { "Counts, comments and the activity go with it. This cannot be undone. The next event of its kind makes a new issue." }
            input type="hidden" name="_method" value="DELETE";
            p.acts { button.btn.grave { "Delete " (exact(issue.events)) (if issue.events == 1 { " event" } else { " events" }) } a.btn href=(path) { "Keep it" } }
        }
    };
    let chrome = chrome.with_backlog(app.backlog());
    Ok(page(&chrome, &question, main))
}

/// Runs `job` on an issue of the person's organization and tells open pages when it changed something.
async fn change(
    app: &Shared,
    person: Person,
    id: i64,
    job: impl FnOnce(&mut Tx<'_>, &Issue) -> Result<bool, DbError> + Send + 'static,
) -> Result<(Issue, bool), UiError> {
    let organization = person.organization;
    let done = app
        .store
        .write(move |tx| {
            let Some(issue) = issue::get(tx, organization, id)? else { return Ok(None) };
            let has_changed = job(tx, &issue)?;
            Ok(Some((issue, has_changed)))
        })
        .await?;
    let (issue, has_changed) = done.ok_or(UiError::NotFound)?;
    if has_changed {
        app.live.tell(Fact::Changed { organization, project: issue.project, issue: id });
    }
    Ok((issue, has_changed))
}
