//! Attachments of an event, of an issue, one alone, and the file itself.

use super::ask::Ask;
use super::issue::find;
use super::reply::{Refusal, Reply};
use super::shape::attachment as shape;
use crate::attachment::{self, Attachment, answer};
use bugle_db::Tx;
use bugle_event::EventId;
use serde_json::Value;

/// `GET /projects/{org}/{project}/events/{event}/attachments/`. Also of an event that is not there yet: attachments may
/// come before it.
pub fn of_event(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let (project, event) = (ask.project(tx)?, event(ask)?);
    let page = ask.page()?;
    let (found, has_more) = page.cut(attachment::of_event(tx, project.id, event)?);
    let shapes: Vec<Value> = found.iter().map(shape::attachment).collect();
    Ok(page.link(Reply::ok(&shapes.into()), ask, has_more))
}

/// `GET …/issues/{id}/attachments/`, the newest first.
pub fn of_issue(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = find(tx, ask)?;
    let page = ask.page()?;
    let mut found = attachment::of_issue(tx, issue.id, page.offset, page.limit + 1)?;
    let has_more = found.len() as i64 > page.limit;
    found.truncate(page.limit as usize);
    let shapes: Vec<Value> = found.iter().map(shape::attachment).collect();
    Ok(page.link(Reply::ok(&shapes.into()), ask, has_more))
}

/// `GET /projects/{org}/{project}/events/{event}/attachments/{attachment}/`; with `download` in the query the file.
pub fn get(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let found = one(tx, ask)?;
    if ask.first("download").is_none() {
        return Ok(Reply::ok(&shape::attachment(&found)));
    }
    let file = attachment::body(tx, &found)?.ok_or_else(missing)?;
    Ok(Reply::file(answer::headers(&found, &file, false), file))
}

/// `DELETE /projects/{org}/{project}/events/{event}/attachments/{attachment}/`
pub fn delete(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let found = one(tx, ask)?;
    attachment::remove(tx, found.project, found.id)?;
    Ok(Reply::empty())
}

fn one(tx: &mut Tx<'_>, ask: &Ask) -> Result<Attachment, Refusal> {
    let (project, event) = (ask.project(tx)?, event(ask)?);
    let id = ask.part("attachment").parse().map_err(|_| missing())?;
    attachment::get(tx, project.id, event, id)?.ok_or_else(missing)
}

fn event(ask: &Ask) -> Result<EventId, Refusal> {
    EventId::parse(ask.part("event")).ok_or_else(missing)
}

fn missing() -> Refusal {
    Refusal::NotFound("There is no such attachment.".into())
}
