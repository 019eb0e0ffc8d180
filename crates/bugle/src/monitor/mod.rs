//! Monitors: jobs that say when they begin and end, so that one that does not is noticed (Sentry protocol, 10.5).
//!
//! A monitor is a slug of a project. It comes into being with its first check-in, and what a check-in says of its schedule
//! holds from then on. In each environment it is judged by itself. [`filing`] files check-ins, [`overdue`] finds what did not
//! come or does not end, [`schedule`] says when one is next.
//!
//! **Invariants** (`bugle check` recounts them)
//! * An environment has a next time if and only if the monitor has a schedule that can be read.
//! * A run that has a deadline is in progress or was missed; one that is over has none.
//! * A missed run is written once per expected time: its id is made of that time.

pub mod check_in;
pub mod crontab;
pub mod filing;
pub mod overdue;
pub mod runs;
pub mod schedule;

use crate::store::{take_ids, touch};
use bugle_db::{DbError, Row, Tx, params};
use schedule::Schedule;
use serde::{Deserialize, Serialize};

/// Monitors of one project: a thousand jobs are a scheduler's business, and slugs can be made by mistake.
pub const MONITORS_MAX: i64 = 500;
/// Environments of one monitor.
pub const ENVIRONMENTS_MAX: i64 = 20;
/// Bytes of a slug.
pub const SLUG_BYTES_MAX: usize = 50;

/// How late a run may begin when its monitor does not say, in minutes.
pub const MARGIN_MIN: i64 = 1;
/// How long a run may take when its monitor does not say, in minutes.
pub const RUNTIME_MIN: i64 = 30;
/// The longest margin and runtime, in minutes: four weeks.
pub const MINUTES_MAX: i64 = 40_320;
/// Runs in a row that may be asked for.
pub const THRESHOLD_MAX: i64 = 100;

/// What is wanted of a monitor's runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// When they are due; none: whenever they come.
    pub schedule: Option<Schedule>,
    /// How late one may begin, in minutes.
    pub margin_min: Option<i64>,
    /// How long one may take, in minutes.
    pub runtime_min: Option<i64>,
    /// Bad runs in a row after which it is failing.
    pub failures: Option<i64>,
    /// Good runs in a row after which it is not any more.
    pub recoveries: Option<i64>,
}

impl Config {
    /// How late a run may begin, in ms.
    pub fn margin_ms(&self) -> i64 {
        self.margin_min.unwrap_or(MARGIN_MIN) * 60_000
    }

    /// How long a run may take, in ms.
    pub fn runtime_ms(&self) -> i64 {
        self.runtime_min.unwrap_or(RUNTIME_MIN) * 60_000
    }

    /// When one is expected after a moment, and when it will have been missed, Unix ms.
    pub fn next_after(&self, at_ms: i64) -> Option<(i64, i64)> {
        let next_ms = self.schedule.as_ref()?.next(at_ms)?;
        Some((next_ms, next_ms + self.margin_ms()))
    }
}

/// A monitor.
#[derive(Debug, Clone)]
pub struct Monitor {
    /// Its id.
    pub id: i64,
    /// Its project.
    pub project: i64,
    /// Its name, unique within the project.
    pub slug: String,
    /// What is wanted of it.
    pub config: Config,
    /// Whether nothing is told of it.
    pub is_muted: bool,
    /// When it was first heard of, Unix ms.
    pub created_ms: i64,
    /// How it is in each environment, by name.
    pub environments: Vec<Environment>,
}

/// A monitor in one environment.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// When its newest run was first heard of, Unix ms.
    pub last_ms: i64,
    /// When the next is expected, Unix ms.
    pub next_ms: Option<i64>,
    /// When that will have been missed, Unix ms.
    pub due_ms: Option<i64>,
    /// Whether it fails.
    pub is_failing: bool,
}

const COLUMNS: &str = "m.id, m.project, m.slug, m.config, m.is_muted, m.created_ms";

/// The monitors of an organization, or of one of its projects; those that fail first, then by slug.
pub fn list(tx: &mut Tx<'_>, organization: i64, projects: &[i64]) -> Result<Vec<Monitor>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM monitors m JOIN projects p ON p.id = m.project WHERE p.organization = $1 ORDER BY m.slug, m.id"
    );
    let rows = tx.query(&sql, params![organization])?;
    let mut monitors: Vec<Monitor> = rows.iter().map(read).collect::<Result<_, _>>()?;
    monitors.retain(|monitor| projects.is_empty() || projects.contains(&monitor.project));
    let mut by_monitor: std::collections::HashMap<i64, Vec<Environment>> = std::collections::HashMap::new();
    let sql = "SELECT e.environment, e.last_ms, e.next_ms, e.due_ms, e.is_failing, e.monitor FROM monitor_environments e \
               JOIN monitors m ON m.id = e.monitor JOIN projects p ON p.id = m.project \
               WHERE p.organization = $1 ORDER BY e.environment";
    for row in tx.query(sql, params![organization])? {
        by_monitor.entry(row.get(5)?).or_default().push(environment(&row)?);
    }
    for monitor in &mut monitors {
        monitor.environments = by_monitor.remove(&monitor.id).unwrap_or_default();
    }
    monitors.sort_by_key(|monitor| monitor.is_muted || !monitor.environments.iter().any(|one| one.is_failing));
    Ok(monitors)
}

/// One monitor of an organization.
pub fn get(tx: &mut Tx<'_>, organization: i64, id: i64) -> Result<Option<Monitor>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM monitors m JOIN projects p ON p.id = m.project WHERE p.organization = $1 AND m.id = $2"
    );
    let Some(row) = tx.first(&sql, params![organization, id])? else { return Ok(None) };
    let mut monitor = read(&row)?;
    let sql = "SELECT environment, last_ms, next_ms, due_ms, is_failing FROM monitor_environments \
               WHERE monitor = $1 ORDER BY environment";
    monitor.environments = tx.query(sql, params![id])?.iter().map(environment).collect::<Result<_, _>>()?;
    Ok(Some(monitor))
}

/// Mutes a monitor, or lets it speak again. False: there is no such monitor.
pub fn mute(tx: &mut Tx<'_>, organization: i64, id: i64, is_muted: bool) -> Result<bool, DbError> {
    let sql = "UPDATE monitors SET is_muted = $3 WHERE id = $2 AND project IN \
               (SELECT id FROM projects WHERE organization = $1)";
    Ok(tx.execute(sql, params![organization, id, is_muted])? > 0)
}

/// Removes a monitor with its history. It comes back with its next check-in. False: there is no such monitor.
pub fn delete(tx: &mut Tx<'_>, organization: i64, id: i64) -> Result<bool, DbError> {
    let sql = "DELETE FROM monitors WHERE id = $2 AND project IN (SELECT id FROM projects WHERE organization = $1)";
    let is_gone = tx.execute(sql, params![organization, id])? > 0;
    touch(tx)?;
    Ok(is_gone)
}

/// The monitor of a project with this slug: its id and what is wanted of it.
fn find(tx: &mut Tx<'_>, project: i64, slug: &str) -> Result<Option<(i64, Config)>, DbError> {
    let row = tx.first("SELECT id, config FROM monitors WHERE project = $1 AND slug = $2", params![project, slug])?;
    row.map(|row| Ok((row.get(0)?, config(&row.get::<String>(1)?)))).transpose()
}

/// Makes a monitor; `None` when the project has as many as it may.
fn create(tx: &mut Tx<'_>, project: i64, slug: &str, config: &Config, now_ms: i64) -> Result<Option<i64>, DbError> {
    let present: i64 = tx.one("SELECT COUNT(*) FROM monitors WHERE project = $1", params![project])?;
    if present >= MONITORS_MAX {
        return Ok(None);
    }
    let id = take_ids(tx, "monitor_id", 1)?;
    tx.execute(
        "INSERT INTO monitors (id, project, slug, config, is_muted, created_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        params![id, project, slug, &text(config), false, now_ms],
    )?;
    Ok(Some(id))
}

/// Changes what is wanted of a monitor, from now on in every environment.
fn configure(tx: &mut Tx<'_>, id: i64, config: &Config, now_ms: i64) -> Result<(), DbError> {
    tx.execute("UPDATE monitors SET config = $2 WHERE id = $1", params![id, &text(config)])?;
    for row in tx.query("SELECT environment, last_ms FROM monitor_environments WHERE monitor = $1", params![id])? {
        let (environment, last_ms): (String, i64) = (row.get(0)?, row.get(1)?);
        expect_after(tx, id, &environment, config, last_ms.max(now_ms))?;
    }
    Ok(())
}

/// Sets when a run is expected next in an environment.
fn expect_after(tx: &mut Tx<'_>, id: i64, environment: &str, config: &Config, at_ms: i64) -> Result<(), DbError> {
    let next = config.next_after(at_ms);
    tx.execute(
        "UPDATE monitor_environments SET next_ms = $3, due_ms = $4 WHERE monitor = $1 AND environment = $2",
        params![id, environment, next.map(|(next_ms, _)| next_ms), next.map(|(_, due_ms)| due_ms)],
    )?;
    Ok(())
}

fn read(row: &Row) -> Result<Monitor, DbError> {
    Ok(Monitor {
        id: row.get(0)?,
        project: row.get(1)?,
        slug: row.get(2)?,
        config: config(&row.get::<String>(3)?),
        is_muted: row.get(4)?,
        created_ms: row.get(5)?,
        environments: Vec::new(),
    })
}

fn environment(row: &Row) -> Result<Environment, DbError> {
    Ok(Environment {
        name: row.get(0)?,
        last_ms: row.get(1)?,
        next_ms: row.get(2)?,
        due_ms: row.get(3)?,
        is_failing: row.get(4)?,
    })
}

fn config(text: &str) -> Config {
    serde_json::from_str(text).unwrap_or_default()
}

fn text(config: &Config) -> String {
    serde_json::to_string(config).unwrap_or_default()
}

#[cfg(test)]
mod tests;
