//! Tags: of an issue with their commonest values, one with all of its values, and which there are at all.

use super::ask::Ask;
use super::issue::find;
use super::reply::{Refusal, Reply};
use super::shape::date;
use crate::issue::Issue;
use crate::issue::tags::{self, Tag, TagValue};
use bugle_db::{DbError, Tx, params};
use serde_json::{Value, json};

/// Values shown with each tag of a list.
const TOP: usize = 10;

/// `GET …/issues/{id}/tags/`. `key=` narrows it to some.
pub fn list(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = find(tx, ask)?;
    let environments = environments(tx, ask, &issue)?;
    let mut shapes = of_issue(tx, &issue, &environments)?;
    if ask.first("key").is_some() {
        shapes.retain(|tag| ask.all("key").any(|key| tag["key"] == key));
    }
    Ok(Reply::ok(&shapes.into()))
}

/// `GET …/issues/{id}/tags/{key}/`
pub fn get(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = find(tx, ask)?;
    Ok(Reply::ok(&shape(&one(tx, ask, &issue)?)))
}

/// `GET …/issues/{id}/tags/{key}/values/`. `sort=` takes `-count`, and `-last_seen`, which is the default.
pub fn values(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = find(tx, ask)?;
    let mut tag = one(tx, ask, &issue)?;
    match ask.first("sort").unwrap_or("-last_seen") {
        "-count" | "count" => {}
        "-last_seen" | "-date" | "date" | "" => tag.top.sort_by_key(|value| std::cmp::Reverse(value.last_ms)),
        "-first_seen" | "age" => tag.top.sort_by_key(|value| std::cmp::Reverse(value.first_ms)),
        other => {
            return Err(Refusal::Invalid(format!(
                "Invalid sort {other:?}. There are -count, -last_seen and -first_seen."
            )));
        }
    }
    let page = ask.page()?;
    let (values, has_more) = page.cut(tag.top);
    let values: Vec<Value> = values.iter().map(|value| value_shape(&tag.key, value)).collect();
    Ok(page.link(Reply::ok(&values.into()), ask, has_more))
}

/// `GET /organizations/{org}/tags/`: those of the issues that were seen last.
pub fn of_organization(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let projects = ask.projects(tx)?;
    let tags = tags::of_recent_issues(tx, ask.organization(), &projects)?;
    let shapes: Vec<Value> = tags
        .iter()
        .map(|tag| json!({ "key": tag.key, "name": name(&tag.key), "totalValues": tag.events, "uniqueValues": tag.values }))
        .collect();
    Ok(Reply::ok(&shapes.into()))
}

/// All tags of an issue.
pub fn of_issue(tx: &mut Tx<'_>, issue: &Issue, environments: &[i64]) -> Result<Vec<Value>, DbError> {
    Ok(tags::within(tx, issue.id, environments, TOP)?.iter().map(shape).collect())
}

fn one(tx: &mut Tx<'_>, ask: &Ask, issue: &Issue) -> Result<Tag, Refusal> {
    let environments = environments(tx, ask, issue)?;
    tags::one(tx, issue.id, ask.part("key"), &environments)?
        .ok_or_else(|| Refusal::NotFound("The issue has no such tag.".into()))
}

/// The environments that are asked for, by their ids in the issue's project; one that there is not has no events.
fn environments(tx: &mut Tx<'_>, ask: &Ask, issue: &Issue) -> Result<Vec<i64>, DbError> {
    let mut ids = Vec::new();
    for name in ask.environments() {
        let row =
            tx.first("SELECT id FROM environments WHERE project = $1 AND name = $2", params![issue.project, &name])?;
        ids.push(row.map_or(Ok(-1), |row| row.get(0))?);
    }
    Ok(ids)
}

fn shape(tag: &Tag) -> Value {
    let top: Vec<Value> = tag.top.iter().take(TOP).map(|value| value_shape(&tag.key, value)).collect();
    json!({
        "key": tag.key,
        "name": name(&tag.key),
        "totalValues": tag.events,
        "uniqueValues": tag.values,
        "topValues": top,
    })
}

fn value_shape(key: &str, value: &TagValue) -> Value {
    json!({
        "key": key,
        "name": value.value,
        "value": value.value,
        "query": format!("{key}:\"{}\"", value.value.replace('\\', "\\\\").replace('"', "\\\"")),
        "count": value.events,
        "firstSeen": date(value.first_ms),
        "lastSeen": date(value.last_ms),
    })
}

/// `browser.name` → `Browser Name`
fn name(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    for word in key.split(['.', '_', '-']).filter(|word| !word.is_empty()) {
        if !name.is_empty() {
            name.push(' ');
        }
        let mut chars = word.chars();
        name.extend(chars.next().into_iter().flat_map(char::to_uppercase));
        name.push_str(chars.as_str());
    }
    name
}
