//! What a project takes on the disk and what it may keep: Bugle's own, no other tracker has it here.

use super::ask::Ask;
use super::project::only_known;
use super::reply::{Refusal, Reply};
use super::shape::storage as shape;
use crate::storage;
use crate::storage::bounds::{self, Own};
use bugle_db::Tx;
use serde_json::{Map, Value};

/// `GET /projects/{org}/{project}/storage/`
pub fn get(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    let (size, own) = (storage::of_project(tx, project.id)?, bounds::of_project(tx, project.id)?);
    Ok(Reply::ok(&shape::project(size, own, ask.server)))
}

/// `PUT /projects/{org}/{project}/storage/`: a number is the project's own, null is the server's again, what is not named stays.
pub fn update(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    let body = ask.json()?;
    only_known(&body, &["retentionDays", "issueCapPerHour", "issueEventsMax", "bytesMax"])?;
    let now = bounds::of_project(tx, project.id)?;
    let own = Own {
        retention_days: number(&body, "retentionDays", now.retention_days)?,
        issue_cap_per_hour: number(&body, "issueCapPerHour", now.issue_cap_per_hour)?,
        issue_events_max: number(&body, "issueEventsMax", now.issue_events_max)?,
        bytes_max: number(&body, "bytesMax", now.bytes_max)?,
    };
    bounds::set(tx, project.id, own)?;
    get(tx, ask)
}

fn number(body: &Map<String, Value>, key: &str, now: Option<i64>) -> Result<Option<i64>, Refusal> {
    match body.get(key) {
        None => Ok(now),
        Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64() {
            Some(number) => Ok(Some(number)),
            None => Err(Refusal::Invalid(format!("{key} must be a whole number or null."))),
        },
    }
}
