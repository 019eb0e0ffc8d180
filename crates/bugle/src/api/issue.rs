//! Issues: search and show (protocol reference, sections 18.8 and 19). Changing them is `triage`.

use super::ask::Ask;
use super::reply::{Refusal, Reply};
use super::shape::issue::Setting;
use super::shape::{date, event as event_shape, issue as shape, person, release, storage as storage_shape};
use super::{activity, span, tag};
use crate::access::user::{self, Member};
use crate::issue::list::{self, Filter, Sort};
use crate::issue::series::{self, Range};
use crate::issue::term::{Term, Test};
use crate::issue::{self, Issue, Status, query};
use crate::project::{self, Project};
use crate::storage;
use crate::{event, feedback};
use bugle_db::{Tx, params};
use bugle_event::EventId;
use bugle_event::id::hex;
use serde_json::{Value, json};

/// Events of an issue whose keys are looked at, to name the newest of each key.
const EVENTS_FOR_HASHES: i64 = 100;

/// `GET /organizations/{org}/issues/` and `GET /projects/{org}/{project}/issues/`
pub fn list(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let page = ask.page()?;
    let people = user::members(tx, ask.organization())?;
    let projects = project::list(tx, ask.organization())?;
    let setting = setting(ask, &people, &projects);
    if let Some(direct) = direct_hit(tx, ask)? {
        let reply = Reply::ok(&json!([shape::issue(&direct, &setting)])).with("x-sentry-direct-hit", "1");
        return Ok(page.link(reply.with("x-hits", "1"), ask, false));
    }
    let filter = filter(tx, ask, &people)?;
    let found = list::list(tx, &filter, page.offset, page.limit, ask.now_ms)?;
    let series = series_shown(ask)?;
    let lines: Vec<Value> = found.lines.iter().map(|line| shape::line(line, series, &setting)).collect();
    let has_more = found.matches > page.offset + page.limit;
    let reply = Reply::ok(&lines.into()).with("x-hits", &found.matches.to_string());
    Ok(page.link(reply, ask, has_more))
}

/// `GET …/issues/{id}/`
pub fn get(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = find(tx, ask)?;
    Ok(Reply::ok(&detail(tx, ask, &issue)?))
}

/// `GET /organizations/{org}/shortids/{id}/`
pub fn by_short_id(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = issue::by_short_id(tx, ask.organization(), ask.part("id"))?.ok_or_else(missing)?;
    let people = user::members(tx, ask.organization())?;
    let projects = project::list(tx, ask.organization())?;
    Ok(Reply::ok(&json!({
        "organizationSlug": ask.caller.person.organization_slug,
        "projectSlug": issue.project_slug,
        "groupId": issue.id.to_string(),
        "shortId": issue.short_id(),
        "group": shape::issue(&issue, &setting(ask, &people, &projects)),
    })))
}

/// `GET …/issues/{id}/hashes/`: the keys that lead to the issue, each with the newest event that has it.
pub fn hashes(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = find(tx, ask)?;
    let page = ask.page()?;
    let mut newest: Vec<(EventId, Vec<[u8; 16]>)> = Vec::new();
    for row in tx.query(
        "SELECT e.event_id, g.keys FROM events e JOIN groupings g ON g.id = e.grouping_id WHERE e.issue = $1 \
         ORDER BY e.timestamp_ms DESC, e.id DESC LIMIT $2",
        params![issue.id, EVENTS_FOR_HASHES],
    )? {
        newest.push((EventId(row.get(0)?), event::keys_of(&row.get::<Vec<u8>>(1)?)));
    }
    let rows = tx.query(
        "SELECT hash FROM issue_keys WHERE issue = $1 ORDER BY hash LIMIT $2 OFFSET $3",
        params![issue.id, page.limit + 1, page.offset],
    )?;
    let mut hashes = Vec::new();
    for row in rows.iter().take(page.limit as usize) {
        let hash: Vec<u8> = row.get(0)?;
        let id = newest.iter().find(|(_, keys)| keys.iter().any(|key| key[..] == hash[..])).map(|(id, _)| *id);
        let event = match id {
            Some(id) => event::of_project(tx, issue.project, id)?.map(|event| event_shape::summary(&event)),
            None => None,
        };
        hashes.push(json!({ "id": hex(&hash), "latestEvent": event, "mergedBySeer": false }));
    }
    Ok(page.link(Reply::ok(&hashes.into()), ask, rows.len() as i64 > page.limit))
}

/// The issue that the path names by `{id}`: a number or a short id.
pub fn find(tx: &mut Tx<'_>, ask: &Ask) -> Result<Issue, Refusal> {
    named(tx, ask, ask.part("id"))?.ok_or_else(missing)
}

/// The issue of this id or short id, if it is there for whoever asks.
pub fn named(tx: &mut Tx<'_>, ask: &Ask, text: &str) -> Result<Option<Issue>, Refusal> {
    Ok(match text.parse() {
        Ok(id) => issue::get(tx, ask.organization(), id)?,
        Err(_) => issue::by_short_id(tx, ask.organization(), text)?,
    })
}

/// Everything about an issue.
pub fn detail(tx: &mut Tx<'_>, ask: &Ask, issue: &Issue) -> Result<Value, Refusal> {
    let people = user::members(tx, ask.organization())?;
    let projects = project::list(tx, ask.organization())?;
    let project = projects.iter().find(|project| project.id == issue.project).ok_or_else(missing)?;
    let mut detail = shape::issue(issue, &setting(ask, &people, &projects));
    let is_open = issue.status != Status::Resolved;
    let closed = (!is_open).then(|| date(issue.status_ms));
    let parts = json!({
        "stats": { "24h": points(tx, issue, Range::Day, 48, ask)?, "30d": points(tx, issue, Range::Quarter, 30, ask)? },
        "activity": activity::of(tx, issue.id, &people)?,
        "tags": tag::of_issue(tx, issue, &[])?,
        "firstRelease": release::of(tx, project, issue.first_release.as_deref())?,
        "lastRelease": release::of(tx, project, issue.last_release.as_deref())?,
        "seenBy": [],
        "participants": issue.assignee.map(|assignee| person::actor(&people, Some(assignee))).as_slice(),
        "pluginActions": [],
        "pluginIssues": [],
        "pluginContexts": [],
        "userReportCount": feedback::count(tx, issue.id)?,
        "storage": storage_shape::size(storage::of_issue(tx, issue.id)?),
        "openPeriods": [{ "start": date(issue.first_ms), "end": closed, "isOpen": is_open }],
    });
    if let (Value::Object(detail), Value::Object(parts)) = (&mut detail, parts) {
        detail.extend(parts);
    }
    Ok(detail)
}

/// The last `count` points of an issue's events over time.
fn points(tx: &mut Tx<'_>, issue: &Issue, range: Range, count: usize, ask: &Ask) -> Result<Value, Refusal> {
    let mut series = series::of(tx, &[issue.id], range, None, ask.now_ms)?;
    let points = shape::points(&series.remove(&issue.id).unwrap_or_default(), range, ask.now_ms);
    Ok(json!(points[points.len().saturating_sub(count)..]))
}

fn setting<'a>(ask: &'a Ask, people: &'a [Member], projects: &'a [Project]) -> Setting<'a> {
    Setting { person: &ask.caller.person, people, projects, base: &ask.base, now_ms: ask.now_ms }
}

fn missing() -> Refusal {
    Refusal::NotFound("There is no such issue.".into())
}

/// The issue whose short id is the whole query, when the client asks for that.
fn direct_hit(tx: &mut Tx<'_>, ask: &Ask) -> Result<Option<Issue>, Refusal> {
    match (ask.flag("shortIdLookup"), ask.first("query")) {
        (true, Some(query)) => Ok(issue::by_short_id(tx, ask.organization(), query)?),
        _ => Ok(None),
    }
}

fn filter(tx: &mut Tx<'_>, ask: &Ask, people: &[Member]) -> Result<Filter, Refusal> {
    let asker = query::Asker { me: ask.caller.person.user, people, now_ms: ask.now_ms };
    // Absent means the ones that somebody should look at; empty means all.
    let query = ask.first("query").unwrap_or("is:unresolved");
    let mut filter = query::parse(query, &asker).map_err(|error| {
        Refusal::Invalid(format!("Error parsing search query: {} (character {})", error.text, error.at + 1))
    })?;
    filter.organization = ask.organization();
    let environments = ask.environments();
    if !environments.is_empty() {
        let searched = std::mem::replace(&mut filter.environments, environments);
        let both = (!searched.is_empty()).then_some(Term { is_negated: false, test: Test::Environment(searched) });
        filter.terms.extend(both);
    }
    filter.series = series_shown(ask)?.map(|(_, range)| range);
    filter.sort = sort(ask.first("sort").unwrap_or_default())?;
    if !ask.part("project").is_empty() {
        // Here the period is that of the statistics alone.
        filter.projects = vec![ask.project(tx)?.id];
        return Ok(filter);
    }
    filter.projects = ask.projects(tx)?;
    if let Some(span) = span::asked(ask)? {
        filter.since_ms = Some(span.since_ms);
        filter.until_ms = ask.first("end").is_some().then_some(span.until_ms);
    }
    Ok(filter)
}

fn sort(text: &str) -> Result<Sort, Refusal> {
    match text.trim_start_matches('-') {
        "" => Ok(Sort::Last),
        // Rankings that Bugle does not have; what was seen last comes nearest to all of them.
        "inbox" | "trends" | "recommended" | "priority" | "better priority" => Ok(Sort::Last),
        text => Sort::parse(text)
            .ok_or_else(|| Refusal::Invalid(format!("Invalid sort {text:?}. There are date, new, freq and user."))),
    }
}

/// Under which name, and in which steps, events over time are shown. None: not at all.
fn series_shown(ask: &Ask) -> Result<Option<(&str, Range)>, Refusal> {
    if ask.all("collapse").any(|part| part == "stats") {
        return Ok(None);
    }
    let period = match (ask.first("groupStatsPeriod"), ask.part("project")) {
        (Some(period), _) => Some(period),
        (None, "") => None,
        (None, _) => ask.first("statsPeriod"),
    };
    match period {
        None | Some("24h") => Ok(Some(("24h", Range::Day))),
        Some("14d") => Ok(Some(("14d", Range::Fortnight))),
        Some("auto") => Ok(Some(("auto", Range::Fortnight))),
        Some("") => Ok(None),
        Some(other) => Err(Refusal::Invalid(format!("Invalid period {other:?}. There are 24h, 14d, auto, and none."))),
    }
}
