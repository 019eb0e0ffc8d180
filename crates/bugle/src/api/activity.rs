//! What happened to an issue, and comments on it, in the API's words (protocol reference, section 18.8).

use super::ask::Ask;
use super::issue::find;
use super::project::text;
use super::reply::{Refusal, Reply};
use super::shape::{date, person};
use crate::access::user::{self, Member};
use crate::issue::activity::{self, Activity, Kind};
use crate::issue::workflow;
use crate::live::Fact;
use bugle_db::{DbError, Tx};
use serde_json::{Value, json};

/// The most that is shown.
const SHOWN_MAX: i64 = 200;
/// The most among which comments are looked for.
const SEARCHED_MAX: i64 = 10_000;

/// `GET …/issues/{id}/activities/`
pub fn list(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = find(tx, ask)?;
    let people = user::members(tx, ask.organization())?;
    Ok(Reply::ok(&json!({ "activity": of(tx, issue.id, &people)? })))
}

/// `GET …/issues/{id}/notes/`: comments alone.
pub fn notes(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = find(tx, ask)?;
    let page = ask.page()?;
    let people = user::members(tx, ask.organization())?;
    let mut all = activity::of(tx, issue.id, SEARCHED_MAX)?;
    all.retain(|one| one.kind == Kind::Comment);
    let (notes, has_more) = page.cut(all);
    let notes: Vec<Value> = notes.iter().map(|note| shape(note, &people)).collect();
    Ok(page.link(Reply::ok(&notes.into()), ask, has_more))
}

/// `POST …/issues/{id}/notes/ {"text"}`
pub fn comment(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = find(tx, ask)?;
    let text = text(&ask.json()?, "text")?.unwrap_or_default();
    workflow::comment(tx, issue.id, ask.caller.person.user, &text, ask.now_ms)?;
    let people = user::members(tx, ask.organization())?;
    let note = activity::of(tx, issue.id, SHOWN_MAX)?.into_iter().filter(|one| one.kind == Kind::Comment);
    let note = note.max_by_key(|note| note.id).map_or(Value::Null, |note| shape(&note, &people));
    let fact = Fact::Changed { organization: ask.organization(), project: issue.project, issue: issue.id };
    Ok(Reply::created(&note).telling([fact]))
}

/// The newest things that happened to an issue.
pub fn of(tx: &mut Tx<'_>, issue: i64, people: &[Member]) -> Result<Vec<Value>, DbError> {
    Ok(activity::of(tx, issue, SHOWN_MAX)?.iter().map(|one| shape(one, people)).collect())
}

fn shape(one: &Activity, people: &[Member]) -> Value {
    let (kind, data) = match one.kind {
        Kind::FirstSeen => ("first_seen", json!({})),
        Kind::Regressed => ("set_regression", json!({ "version": one.detail })),
        Kind::Resolved => ("set_resolved", json!({})),
        Kind::Reopened => ("set_unresolved", json!({})),
        Kind::Archived => ("set_ignored", json!({})),
        Kind::Assigned => ("assigned", json!({ "assigneeType": "user", "assigneeName": one.detail })),
        Kind::Unassigned => ("unassigned", json!({})),
        Kind::Comment => ("note", json!({ "text": one.detail })),
    };
    json!({
        "id": one.id.to_string(),
        "type": kind,
        "user": person::actor(people, one.actor),
        "data": data,
        "dateCreated": date(one.at_ms),
    })
}
