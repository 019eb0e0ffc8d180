//! Limits: what a project and an organization may send, by their own settings.
//!
//! Owns: the settings (rate limit and monthly quota of a project, its spike protection, monthly quota of an
//! organization), their SQL, and the snapshot of them that the door judges by. Rate limits of keys lie with the keys
//! (`project`). Judging is `receive::limits`; what may hold for the whole server is `receive::guard`.
//!
//! A new project has none of them: what nobody has asked for refuses nothing.
//!
//! **What a quota counts**: events that are kept, and those of which only the payload is not (`issue_cap`). Repeats,
//! refused events and items of other kinds use up nothing ([`is_counted`]).

pub mod month;
pub mod usual;
pub mod warning;
pub mod watch;

pub use month::Month;

use crate::outcome::{Outcome, Reason};
use crate::project::Keys;
use crate::store::touch;
use bugle_db::{DbError, Row, Tx, params};
use std::collections::{HashMap, HashSet};

/// The largest number that a limit may have: more is no limit.
pub const EVENTS_MAX: i64 = 1_000_000_000_000;
/// The longest span of a rate limit, in seconds: a week.
pub const WINDOW_S_MAX: i64 = 604_800;

/// So many events in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Events.
    pub count: i64,
    /// Seconds, at least 1.
    pub window_s: i64,
}

/// What a project may send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProjectLimits {
    /// All its keys together.
    pub rate: Option<Rate>,
    /// Events in one calendar month, UTC.
    pub month_events_max: Option<i64>,
    /// Whether it is held to a multiple of its own history ([`usual`]).
    pub is_spike_protected: bool,
}

/// A project as the door knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfProject {
    /// Whose it is.
    pub organization: i64,
    /// Its active keys.
    pub keys: HashSet<i64>,
    /// What it may send.
    pub limits: ProjectLimits,
}

/// What the door judges by: every project that can send, as of one revision.
#[derive(Debug, Default)]
pub struct Settings {
    /// The revision it was read at.
    pub revision: i64,
    /// Projects that have a key.
    pub projects: HashMap<i64, OfProject>,
    /// Quotas of organizations that have one.
    pub organizations: HashMap<i64, i64>,
}

/// Whether an event with this fate uses up a quota.
pub fn is_counted(outcome: Outcome, reason: Reason) -> bool {
    matches!((outcome, reason), (Outcome::Stored, _) | (Outcome::Discarded, Reason::IssueCap))
}

/// The limits of a project.
pub fn of_project(tx: &mut Tx<'_>, project: i64) -> Result<ProjectLimits, DbError> {
    let row = tx.first(&format!("SELECT {COLUMNS} FROM project_limits WHERE project = $1"), params![project])?;
    row.as_ref().map_or(Ok(ProjectLimits::default()), limits)
}

/// Sets the limits of a project. They act by the time the transaction is known to [`crate::store::Store::limits`].
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence for the person when a number makes no sense.
pub fn set_project(tx: &mut Tx<'_>, project: i64, limits: &ProjectLimits) -> Result<(), DbError> {
    if let Some(Rate { count, window_s }) = limits.rate {
        checked("A rate limit", count)?;
        if !(1..=WINDOW_S_MAX).contains(&window_s) {
            return Err(DbError::Abandoned(format!("The span of a rate limit is 1 to {WINDOW_S_MAX} seconds.")));
        }
    }
    limits.month_events_max.map_or(Ok(()), |count| checked("A monthly quota", count))?;
    tx.execute(
        "INSERT INTO project_limits (project, rate_window_s, rate_count, month_events_max, is_spike_protected) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (project) DO UPDATE SET rate_window_s = excluded.rate_window_s, \
         rate_count = excluded.rate_count, month_events_max = excluded.month_events_max, \
         is_spike_protected = excluded.is_spike_protected",
        params![
            project,
            limits.rate.map(|rate| rate.window_s),
            limits.rate.map(|rate| rate.count),
            limits.month_events_max,
            limits.is_spike_protected
        ],
    )?;
    touch(tx)
}

/// The monthly quota of an organization.
pub fn of_organization(tx: &mut Tx<'_>, organization: i64) -> Result<Option<i64>, DbError> {
    let sql = "SELECT month_events_max FROM organization_limits WHERE organization = $1";
    tx.first(sql, params![organization])?.map_or(Ok(None), |row| row.get(0))
}

/// Sets the monthly quota of an organization.
///
/// # Errors
/// As [`set_project`].
pub fn set_organization(tx: &mut Tx<'_>, organization: i64, month_events_max: Option<i64>) -> Result<(), DbError> {
    month_events_max.map_or(Ok(()), |count| checked("A monthly quota", count))?;
    tx.execute(
        "INSERT INTO organization_limits (organization, month_events_max) VALUES ($1, $2) \
         ON CONFLICT (organization) DO UPDATE SET month_events_max = excluded.month_events_max",
        params![organization, month_events_max],
    )?;
    touch(tx)
}

/// Reads the snapshot, for the keys that were read with it.
pub fn settings(tx: &mut Tx<'_>, revision: i64, keys: &Keys) -> Result<Settings, DbError> {
    let mut settings = Settings { revision, ..Settings::default() };
    for (key, organization) in keys.values() {
        let project = settings.projects.entry(key.project).or_default();
        project.organization = *organization;
        if key.is_active {
            project.keys.insert(key.id);
        }
    }
    for row in tx.query(&format!("SELECT {COLUMNS}, project FROM project_limits"), &[])? {
        if let Some(project) = settings.projects.get_mut(&row.get(4)?) {
            project.limits = limits(&row)?;
        }
    }
    let sql = "SELECT organization, month_events_max FROM organization_limits WHERE month_events_max IS NOT NULL";
    for row in tx.query(sql, &[])? {
        settings.organizations.insert(row.get(0)?, row.get(1)?);
    }
    Ok(settings)
}

const COLUMNS: &str = "rate_count, rate_window_s, month_events_max, is_spike_protected";

fn limits(row: &Row) -> Result<ProjectLimits, DbError> {
    let (count, window_s): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
    Ok(ProjectLimits {
        rate: count.zip(window_s).map(|(count, window_s)| Rate { count, window_s }),
        month_events_max: row.get(2)?,
        is_spike_protected: row.get(3)?,
    })
}

fn checked(what: &str, count: i64) -> Result<(), DbError> {
    match count {
        0..=EVENTS_MAX => Ok(()),
        _ => Err(DbError::Abandoned(format!("{what} is a whole number of events, such as 100000."))),
    }
}
