//! Events: of an issue, of a project, one alone, and as stored.

use super::ask::Ask;
use super::issue::find;
use super::reply::{Refusal, Reply};
use super::shape::event as shape;
use super::span;
use crate::event::{self, Selection, Stored, Which};
use crate::project;
use bugle_db::Tx;
use bugle_event::EventId;
use serde_json::{Value, json};

/// Whole events on a page: a hundred could be hundreds of megabytes.
const WHOLE_MAX: i64 = 20;

/// `GET …/issues/{id}/events/`, newest first. With `full=1` whole events.
pub fn of_issue(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = find(tx, ask)?;
    list(tx, ask, Selection { issue: Some(issue.id), ..selection(ask)? })
}

/// `GET /projects/{org}/{project}/events/`, newest first.
pub fn of_project(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    list(tx, ask, Selection { project: Some(project.id), ..selection(ask)? })
}

/// `GET …/issues/{id}/events/{latest|oldest|recommended|event id}/`
pub fn of_issue_one(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = find(tx, ask)?;
    let which = match ask.part("which") {
        "latest" | "recommended" => Which::Newest,
        "oldest" => Which::Oldest,
        id => Which::Id(EventId::parse(id).ok_or_else(missing)?),
    };
    let stored = event::of_issue(tx, issue.id, which)?.ok_or_else(missing)?;
    Ok(Reply::ok(&detail(tx, ask, &stored)?))
}

/// `GET /projects/{org}/{project}/events/{event}/`
pub fn get(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let stored = of_path(tx, ask)?;
    Ok(Reply::ok(&detail(tx, ask, &stored)?))
}

/// `GET /projects/{org}/{project}/events/{event}/json/`: the event as it is stored, byte by byte.
pub fn json(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    Ok(Reply::raw(of_path(tx, ask)?.json))
}

/// `GET /organizations/{org}/eventids/{event}/`
pub fn by_id(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let id = EventId::parse(ask.part("event")).ok_or_else(missing)?;
    let stored = event::of_organization(tx, ask.organization(), id)?.ok_or_else(missing)?;
    let project = project::find(tx, ask.organization(), &stored.project.to_string())?.ok_or_else(missing)?;
    Ok(Reply::ok(&json!({
        "organizationSlug": ask.caller.person.organization_slug,
        "projectSlug": project.slug,
        "groupId": stored.issue.to_string(),
        "eventId": stored.event_id.to_string(),
        "event": shape::detail(tx, &stored, &project)?,
    })))
}

fn missing() -> Refusal {
    Refusal::NotFound("There is no such event.".into())
}

fn selection(ask: &Ask) -> Result<Selection, Refusal> {
    if ask.first("query").is_some_and(|query| !query.trim().is_empty()) {
        return Err(Refusal::Invalid("Events cannot be searched yet; leave query out to see all of them.".into()));
    }
    let span = span::asked(ask)?;
    Ok(Selection {
        environments: ask.environments(),
        since_ms: span.map(|span| span.since_ms),
        until_ms: span.map(|span| span.until_ms).filter(|_| ask.first("end").is_some()),
        ..Selection::default()
    })
}

fn list(tx: &mut Tx<'_>, ask: &Ask, selection: Selection) -> Result<Reply, Refusal> {
    let is_whole = ask.flag("full");
    let page = ask.page_of(if is_whole { WHOLE_MAX } else { 100 })?;
    let mut shapes: Vec<Value> = Vec::new();
    let mut whole: Vec<Stored> = Vec::new();
    let has_more = event::each(tx, &selection, page.offset, page.limit, |stored| match is_whole {
        true => whole.push(stored),
        false => shapes.push(shape::summary(&stored)),
    })?;
    for stored in whole {
        shapes.push(detail(tx, ask, &stored)?);
    }
    Ok(page.link(Reply::ok(&shapes.into()), ask, has_more))
}

fn of_path(tx: &mut Tx<'_>, ask: &Ask) -> Result<Stored, Refusal> {
    let project = ask.project(tx)?;
    let id = EventId::parse(ask.part("event")).ok_or_else(missing)?;
    event::of_project(tx, project.id, id)?.ok_or_else(missing)
}

fn detail(tx: &mut Tx<'_>, ask: &Ask, stored: &Stored) -> Result<Value, Refusal> {
    let project = project::find(tx, ask.organization(), &stored.project.to_string())?.ok_or_else(missing)?;
    Ok(shape::detail(tx, stored, &project)?)
}
