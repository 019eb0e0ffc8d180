//! Monitors and their check-ins, to read.

use super::ask::Ask;
use super::reply::{Refusal, Reply};
use super::shape::monitor as shape;
use crate::monitor::{self, Monitor, runs};
use crate::project;
use bugle_db::Tx;
use serde_json::Value;

/// `GET /organizations/{org}/monitors/`
pub fn list(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let page = ask.page()?;
    let (scope, environments) = (ask.projects(tx)?, ask.environments());
    let mut monitors = monitor::list(tx, ask.organization(), &scope)?;
    if !environments.is_empty() {
        monitors.retain(|one| one.environments.iter().any(|at| environments.contains(&at.name)));
    }
    let (monitors, has_more) = page.cut(monitors);
    let projects = project::list(tx, ask.organization())?;
    let shaped: Vec<Value> = monitors.iter().map(|one| shape::monitor(one, &projects)).collect();
    Ok(page.link(Reply::ok(&shaped.into()), ask, has_more))
}

/// `GET /organizations/{org}/monitors/{monitor}/`
pub fn get(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let monitor = find(tx, ask)?;
    let projects = project::list(tx, ask.organization())?;
    Ok(Reply::ok(&shape::monitor(&monitor, &projects)))
}

/// `GET /organizations/{org}/monitors/{monitor}/checkins/`, the newest first.
pub fn check_ins(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let (page, monitor) = (ask.page()?, find(tx, ask)?);
    let environment = ask.environments().into_iter().next();
    let mut found = runs::list(tx, monitor.id, environment.as_deref(), page.offset, page.limit + 1)?;
    let has_more = found.len() as i64 > page.limit;
    found.truncate(page.limit as usize);
    let shaped: Vec<Value> = found.iter().map(|run| shape::check_in(run, &monitor)).collect();
    Ok(page.link(Reply::ok(&shaped.into()), ask, has_more))
}

/// The monitor that the path names by slug or id, within the projects of the query.
fn find(tx: &mut Tx<'_>, ask: &Ask) -> Result<Monitor, Refusal> {
    let (wanted, scope) = (ask.part("monitor"), ask.projects(tx)?);
    let monitors = monitor::list(tx, ask.organization(), &scope)?;
    let by_slug = monitors.iter().position(|one| one.slug == wanted);
    let at = by_slug.or_else(|| monitors.iter().position(|one| one.id.to_string() == wanted));
    at.and_then(|at| monitors.into_iter().nth(at)).ok_or_else(|| Refusal::NotFound("There is no such monitor.".into()))
}
