//! Releases: versions that events have named, and when each was first heard of.

use bugle_db::{DbError, Tx};

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
    let ids: Vec<String> = projects.iter().map(i64::to_string).collect();
    let sql = format!(
        "SELECT project, version, first_ms FROM releases WHERE project IN ({}) AND first_ms >= $1 \
         ORDER BY first_ms DESC, id DESC LIMIT $2",
        ids.join(", ")
    );
    let rows = tx.query(&sql, bugle_db::params![since_ms, limit])?;
    rows.iter().map(|row| Ok(Release { project: row.get(0)?, version: row.get(1)?, first_ms: row.get(2)? })).collect()
}
