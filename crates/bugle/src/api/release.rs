//! Releases: list, look at, announce, change, delete, and their deploys (protocol reference, sections 18.3 and 18.4).
//!
//! To the API a version is one release of the whole organization with the projects that have it. Versions stand in the path
//! percent-encoded, `/` among them; they are never split.

use super::ask::Ask;
use super::project::text;
use super::reply::{Refusal, Reply};
use super::session::projects;
use super::shape::release as shape;
use super::{query, span};
use crate::health::read::{self, Scope};
use crate::outcome::HOUR_MS;
use crate::project::{self, Project};
use crate::release::{self, Deploy, Filter, Line, Said, Sort};
use bugle_db::Tx;
use bugle_event::release::{is_environment, is_release};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

const DAY_MS: i64 = 24 * HOUR_MS;
/// What is looked at when no span is asked for, in ms.
const SPAN_MS: i64 = 90 * DAY_MS;
/// Rows that a list looks at. Releases of the same version in several projects are several rows.
const ROWS_MAX: i64 = 10_000;
/// The longest text that a build may say of a release, in bytes.
const TEXT_BYTES_MAX: usize = 2_000;

/// `GET /organizations/{org}/releases/` and `GET /projects/{org}/{project}/releases/`
pub fn list(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let page = ask.page()?;
    let only = if ask.part("project").is_empty() { projects(tx, ask)? } else { vec![ask.project(tx)?.id] };
    let mut filter = filter(tx, ask, only)?;
    for (key, values, is_not) in query::terms(ask.first("query").unwrap_or_default())? {
        match (&*key, &values[..]) {
            ("" | "release" | "version", [text]) if !is_not => filter.text = text.trim_matches('*').to_string(),
            _ => return Err(Refusal::Invalid("Releases are searched by a part of their version.".into())),
        }
    }
    // Versions first, numbers for those of the page alone.
    let (versions, has_more) = page.cut(release::versions(tx, &filter, ROWS_MAX)?);
    let mut found = Vec::new();
    for version in versions {
        found.extend(whole(tx, ask, &filter, &version)?);
    }
    Ok(page.link(Reply::ok(&found.into()), ask, has_more))
}

/// `GET /organizations/{org}/releases/{version}/`
pub fn get(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let only = projects(tx, ask)?;
    let filter = filter(tx, ask, only)?;
    found(tx, ask, &filter, ask.part("version")).map(|release| Reply::ok(&release))
}

/// `POST /organizations/{org}/releases/`: makes it in each of `projects`; 208 when it is there already.
pub fn create(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let body = ask.json()?;
    let version = text(&body, "version")?.unwrap_or_default().trim().to_string();
    if !is_release(&version) {
        let detail = "A release has up to 200 bytes without / \\ and line breaks, and is not “latest”.";
        return Err(Refusal::Invalid(detail.into()));
    }
    let of = named_projects(tx, ask, &body)?;
    if of.is_empty() {
        return Err(Refusal::Invalid("Name at least one project in \"projects\".".into()));
    }
    let (said, mut is_new) = (said(&body)?, false);
    for project in &of {
        is_new |= release::announce(tx, project.id, &version, &said, ask.now_ms)?;
    }
    let filter = filter(tx, ask, of.iter().map(|project| project.id).collect())?;
    let shown = found(tx, ask, &filter, &version)?;
    Ok(if is_new { Reply::created(&shown) } else { Reply::already(&shown) })
}

/// `PUT /organizations/{org}/releases/{version}/`: what is absent stays.
pub fn update(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let (body, version) = (ask.json()?, ask.part("version"));
    let mut of: Vec<i64> = named_projects(tx, ask, &body)?.iter().map(|project| project.id).collect();
    let all = projects(tx, ask)?;
    of.extend(release::named(tx, &all, version)?.iter().map(|release| release.project));
    if of.is_empty() {
        return Err(not_found(version));
    }
    let said = said(&body)?;
    for project in &of {
        release::announce(tx, *project, version, &said, ask.now_ms)?;
    }
    let filter = filter(tx, ask, all)?;
    found(tx, ask, &filter, version).map(|release| Reply::ok(&release))
}

/// `DELETE /organizations/{org}/releases/{version}/`
pub fn delete(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let all = projects(tx, ask)?;
    let releases = release::named(tx, &all, ask.part("version"))?;
    if releases.is_empty() {
        return Err(not_found(ask.part("version")));
    }
    for one in &releases {
        if !release::delete(tx, one)? {
            let detail = "This release has events, sessions or issues, so it stays.";
            return Err(Refusal::Invalid(detail.into()));
        }
    }
    Ok(Reply::empty())
}

/// `GET /organizations/{org}/releases/{version}/deploys/`
pub fn deploys(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let all = projects(tx, ask)?;
    let releases = release::named(tx, &all, ask.part("version"))?;
    if releases.is_empty() {
        return Err(not_found(ask.part("version")));
    }
    let mut found = Vec::new();
    for one in &releases {
        found.extend(release::deploys(tx, one.id)?);
    }
    found.sort_by_key(|deploy| std::cmp::Reverse((deploy.finished_ms, deploy.id)));
    found.dedup_by(|a, b| Deploy { id: 0, ..a.clone() } == Deploy { id: 0, ..b.clone() });
    Ok(Reply::ok(&found.iter().map(shape::deploy).collect()))
}

/// `POST /organizations/{org}/releases/{version}/deploys/`
pub fn deploy(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let body = ask.json()?;
    let all = projects(tx, ask)?;
    let mut releases = release::named(tx, &all, ask.part("version"))?;
    let of = named_projects(tx, ask, &body)?;
    releases.retain(|release| of.is_empty() || of.iter().any(|project| project.id == release.project));
    if releases.is_empty() {
        return Err(not_found(ask.part("version")));
    }
    let environment = short_text(&body, "environment")?.unwrap_or_default();
    if !is_environment(&environment) {
        let detail = "A deploy needs an environment of up to 64 bytes without / \\ and line breaks, other than “none”.";
        return Err(Refusal::Invalid(detail.into()));
    }
    let mut deploy = Deploy {
        id: 0,
        environment,
        name: short_text(&body, "name")?.unwrap_or_default(),
        url: short_text(&body, "url")?.unwrap_or_default(),
        started_ms: instant(&body, "dateStarted")?,
        finished_ms: instant(&body, "dateFinished")?.unwrap_or(ask.now_ms),
    };
    for one in &releases {
        deploy.id = release::add_deploy(tx, one.id, &deploy)?;
    }
    Ok(Reply::created(&shape::deploy(&deploy)))
}

/// `GET /organizations/{org}/releases/{version}/commits/`: commits are not kept yet.
pub fn commits(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let all = projects(tx, ask)?;
    match release::named(tx, &all, ask.part("version"))?.is_empty() {
        true => Err(not_found(ask.part("version"))),
        false => Ok(Reply::ok(&json!([]))),
    }
}

/// `GET /organizations/{org}/releases/{version}/previous-with-commits/`: exactly `{}` where there is none.
pub fn previous(_: &mut Tx<'_>, _: &Ask) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&json!({})))
}

fn not_found(version: &str) -> Refusal {
    Refusal::NotFound(format!("There is no release {version:?}."))
}

/// Everything of these projects in the span that is asked for.
fn filter(tx: &mut Tx<'_>, ask: &Ask, projects: Vec<i64>) -> Result<Filter, Refusal> {
    let asked = span::asked(ask)?;
    let (since_ms, until_ms) =
        asked.map_or((ask.now_ms - SPAN_MS, ask.now_ms + 1), |span| (span.since_ms, span.until_ms));
    let names = ask.environments();
    let environments = if names.is_empty() { None } else { Some(read::environments(tx, &projects, &names)?) };
    let (since_hour, until_hour) = (since_ms.div_euclid(HOUR_MS), (until_ms - 1).div_euclid(HOUR_MS) + 1);
    let scope = Scope { projects, releases: None, environments, since_hour, until_hour };
    Ok(Filter { scope, text: String::new(), step_hours: 1, sort: Sort::First })
}

fn found(tx: &mut Tx<'_>, ask: &Ask, filter: &Filter, version: &str) -> Result<Value, Refusal> {
    whole(tx, ask, filter, version)?.ok_or_else(|| not_found(version))
}

/// A version with all projects of the filter that have it; `None`: none has.
fn whole(tx: &mut Tx<'_>, ask: &Ask, filter: &Filter, version: &str) -> Result<Option<Value>, Refusal> {
    let own: HashMap<i64, Project> =
        project::list(tx, ask.organization())?.into_iter().map(|project| (project.id, project)).collect();
    let mut parts: Vec<(Project, Line, Vec<Deploy>)> = Vec::new();
    for record in release::named(tx, &filter.scope.projects, version)? {
        let (Some(project), id) = (own.get(&record.project).cloned(), record.id) else { continue };
        let Some(line) = release::one(tx, filter, record, ask.now_ms)? else { continue };
        parts.push((project, line, release::deploys(tx, id)?));
    }
    Ok((!parts.is_empty()).then(|| shape::whole(version, &parts, ask.flag("health"), ask.now_ms)))
}

fn named_projects(tx: &mut Tx<'_>, ask: &Ask, body: &Map<String, Value>) -> Result<Vec<Project>, Refusal> {
    let mut found = Vec::new();
    let named = match body.get("projects") {
        None | Some(Value::Null) => return Ok(found),
        Some(Value::Array(named)) if named.len() <= 1_000 => named,
        Some(_) => return Err(Refusal::Invalid("projects must be a list of slugs or ids.".into())),
    };
    for one in named {
        let wanted = match one {
            Value::String(slug) => slug.clone(),
            Value::Number(id) => id.to_string(),
            _ => return Err(Refusal::Invalid("projects must be a list of slugs or ids.".into())),
        };
        let project = project::find(tx, ask.organization(), &wanted)?;
        found.push(project.ok_or_else(|| Refusal::Invalid(format!("There is no project {wanted:?}.")))?);
    }
    Ok(found)
}

fn said(body: &Map<String, Value>) -> Result<Said, Refusal> {
    Ok(Said {
        reference: short_text(body, "ref")?,
        url: short_text(body, "url")?,
        started_ms: instant(body, "dateStarted")?,
        released_ms: instant(body, "dateReleased")?,
    })
}

fn short_text(body: &Map<String, Value>, key: &str) -> Result<Option<String>, Refusal> {
    match text(body, key)? {
        Some(text) if text.len() > TEXT_BYTES_MAX => {
            Err(Refusal::Invalid(format!("{key} is longer than {TEXT_BYTES_MAX} bytes.")))
        }
        text => Ok(text.filter(|text| !text.is_empty())),
    }
}

fn instant(body: &Map<String, Value>, key: &str) -> Result<Option<i64>, Refusal> {
    let Some(text) = short_text(body, key)? else { return Ok(None) };
    let at_ms = bugle_event::time::parse(&text);
    at_ms.map(Some).ok_or_else(|| Refusal::Invalid(format!("{key} must look like 2026-08-01T10:00:00Z.")))
}
