//! Bounds: how much a project keeps, and for how long.
//!
//! The server has [`Bounds`] from its settings; a project may say otherwise of each ([`Own`]), also more than the server. A
//! project's own cap acts with the next batch that is filed, the others with the next round of retention.

use crate::store::touch;
use bugle_db::{DbError, Row, Tx, params};
use std::collections::BTreeMap;

/// The longest retention that can be set: a century.
pub const RETENTION_DAYS_MAX: i64 = 36_500;

/// What one project keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How long events are kept, in days.
    pub retention_days: i64,
    /// Payloads kept of one issue in one hour.
    pub issue_cap_per_hour: i64,
    /// Events kept of one issue; 0: any number.
    pub issue_events_max: i64,
    /// Bytes of the project's events; 0: any number. The server has no such default: its own bound is of all projects
    /// together (`store_bytes_max`).
    pub bytes_max: i64,
}

/// What a project says of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Own {
    /// See [`Bounds::retention_days`].
    pub retention_days: Option<i64>,
    /// See [`Bounds::issue_cap_per_hour`].
    pub issue_cap_per_hour: Option<i64>,
    /// See [`Bounds::issue_events_max`].
    pub issue_events_max: Option<i64>,
    /// See [`Bounds::bytes_max`].
    pub bytes_max: Option<i64>,
}

impl Bounds {
    /// What is so for a project with these of its own.
    pub fn with(self, own: Own) -> Bounds {
        Bounds {
            retention_days: own.retention_days.unwrap_or(self.retention_days),
            issue_cap_per_hour: own.issue_cap_per_hour.unwrap_or(self.issue_cap_per_hour),
            issue_events_max: own.issue_events_max.unwrap_or(self.issue_events_max),
            bytes_max: own.bytes_max.unwrap_or(self.bytes_max),
        }
    }
}

const COLUMNS: &str = "project, retention_days, issue_cap_per_hour, issue_events_max, bytes_max";

fn own(row: &Row) -> Result<Own, DbError> {
    Ok(Own {
        retention_days: row.get(1)?,
        issue_cap_per_hour: row.get(2)?,
        issue_events_max: row.get(3)?,
        bytes_max: row.get(4)?,
    })
}

/// What a project says of its own.
pub fn of_project(tx: &mut Tx<'_>, project: i64) -> Result<Own, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM project_bounds WHERE project = $1");
    Ok(tx.first(&sql, params![project])?.as_ref().map(own).transpose()?.unwrap_or_default())
}

/// The bounds of every project.
pub fn of_projects(tx: &mut Tx<'_>, server: Bounds) -> Result<BTreeMap<i64, Bounds>, DbError> {
    let mut all = BTreeMap::new();
    for row in tx.query("SELECT id FROM projects", &[])? {
        all.insert(row.get(0)?, server);
    }
    for row in tx.query(&format!("SELECT {COLUMNS} FROM project_bounds"), &[])? {
        all.insert(row.get(0)?, server.with(own(&row)?));
    }
    Ok(all)
}

/// Sets what a project says of its own.
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence for the person when a number makes no sense.
pub fn set(tx: &mut Tx<'_>, project: i64, own: Own) -> Result<(), DbError> {
    let is_fit = own.retention_days.is_none_or(|days| (1..=RETENTION_DAYS_MAX).contains(&days))
        && own.issue_cap_per_hour.is_none_or(|cap| cap >= 1)
        && own.issue_events_max.is_none_or(|events| events >= 0)
        && own.bytes_max.is_none_or(|bytes| bytes >= 0);
    if !is_fit {
        return Err(DbError::Abandoned(format!(
            "Days are 1 to {RETENTION_DAYS_MAX}, events per hour at least 1, and nothing is below 0."
        )));
    }
    tx.execute(
        "INSERT INTO project_bounds (project, retention_days, issue_cap_per_hour, issue_events_max, bytes_max) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (project) DO UPDATE SET retention_days = excluded.retention_days, \
           issue_cap_per_hour = excluded.issue_cap_per_hour, issue_events_max = excluded.issue_events_max, \
           bytes_max = excluded.bytes_max",
        params![project, own.retention_days, own.issue_cap_per_hour, own.issue_events_max, own.bytes_max],
    )?;
    touch(tx)
}
