//! Releases: versions that events and sessions have named, or that a build has announced.
//!
//! A release is a row of each project that it is of: the same version in two projects is one release with two projects to
//! the API. What a build says of it (address, when it was released) stands on each of them.

mod deploy;
mod list;

pub use deploy::{Deploy, add_deploy, deploys};
pub use list::{Filter, Line, Sort, count, list, one, versions};

use crate::store::removed;
use bugle_db::{DbError, Row, Tx, params};

/// A release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its project.
    pub project: i64,
    /// Its version, as the SDK sends it.
    pub version: String,
    /// The time of its first event, Unix ms.
    pub first_ms: i64,
}

/// The newest `limit` releases of these projects that were first heard of at or after `since_ms`, newest first.
pub fn since(tx: &mut Tx<'_>, projects: &[i64], since_ms: i64, limit: i64) -> Result<Vec<Release>, DbError> {
    if projects.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT project, version, first_ms FROM releases WHERE project IN ({}) AND first_ms >= $1 \
         ORDER BY first_ms DESC, id DESC LIMIT $2",
        ids(projects)
    );
    let rows = tx.query(&sql, params![since_ms, limit])?;
    rows.iter().map(|row| Ok(Release { project: row.get(0)?, version: row.get(1)?, first_ms: row.get(2)? })).collect()
}

/// Everything that is known of a release in one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub id: i64,
    /// Its project.
    pub project: i64,
    /// Its version.
    pub version: String,
    /// When it was first heard of, Unix ms.
    pub first_ms: i64,
    /// When it was last heard of, Unix ms.
    pub last_ms: i64,
    /// The name of a commit or branch.
    pub reference: Option<String>,
    /// Where one can read about it.
    pub url: Option<String>,
    /// When its build began, Unix ms.
    pub started_ms: Option<i64>,
    /// When it went out, Unix ms.
    pub released_ms: Option<i64>,
}

pub(crate) const COLUMNS: &str =
    "r.id, r.project, r.version, r.first_ms, r.last_ms, r.ref, r.url, r.started_ms, r.released_ms";

pub(crate) fn record(row: &Row) -> Result<Record, DbError> {
    Ok(Record {
        id: row.get(0)?,
        project: row.get(1)?,
        version: row.get(2)?,
        first_ms: row.get(3)?,
        last_ms: row.get(4)?,
        reference: row.get(5)?,
        url: row.get(6)?,
        started_ms: row.get(7)?,
        released_ms: row.get(8)?,
    })
}

/// A release with this version in each of these projects that has it, by project.
pub fn named(tx: &mut Tx<'_>, projects: &[i64], version: &str) -> Result<Vec<Record>, DbError> {
    if projects.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM releases r WHERE r.project IN ({}) AND r.version = $1 ORDER BY r.project",
        ids(projects)
    );
    tx.query(&sql, params![version])?.iter().map(record).collect()
}

/// What a build says of a release; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The name of a commit or branch.
    pub reference: Option<String>,
    /// Where one can read about it.
    pub url: Option<String>,
    /// When its build began, Unix ms.
    pub started_ms: Option<i64>,
    /// When it went out, Unix ms.
    pub released_ms: Option<i64>,
}

/// Makes a release in a project unless it is there, and notes what is said of it. Whether it is new.
pub fn announce(tx: &mut Tx<'_>, project: i64, version: &str, said: &Said, now_ms: i64) -> Result<bool, DbError> {
    let known = tx.first("SELECT id FROM releases WHERE project = $1 AND version = $2", params![project, version])?;
    if known.is_none() {
        let id = tx.next_id("releases")?;
        tx.execute(
            "INSERT INTO releases (id, project, version, first_ms, last_ms) VALUES ($1, $2, $3, $4, $4)",
            params![id, project, version, now_ms],
        )?;
    }
    tx.execute(
        "UPDATE releases SET ref = COALESCE($3, ref), url = COALESCE($4, url), \
           started_ms = COALESCE($5, started_ms), released_ms = COALESCE($6, released_ms) \
         WHERE project = $1 AND version = $2",
        params![project, version, said.reference.as_deref(), said.url.as_deref(), said.started_ms, said.released_ms],
    )?;
    Ok(known.is_none())
}

/// Deletes a release that nothing refers to. False: issues, events or sessions do, and it stays.
pub fn delete(tx: &mut Tx<'_>, release: &Record) -> Result<bool, DbError> {
    let is_used: i64 = tx.one(
        "SELECT (SELECT COUNT(*) FROM issues WHERE first_release = $1 OR last_release = $1) \
              + (SELECT COUNT(*) FROM release_hours WHERE project = $2 AND release_id = $1) \
              + (SELECT COUNT(*) FROM session_hours WHERE project = $2 AND release_id = $1)",
        params![release.id, release.project],
    )?;
    if is_used > 0 {
        return Ok(false);
    }
    tx.execute("DELETE FROM releases WHERE id = $1", params![release.id])?;
    removed(tx)?;
    Ok(true)
}

pub(crate) fn ids(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}
