//! Deploys: when a release went to an environment, as a build has said.

use bugle_db::{DbError, Tx, params};

/// Deploys that are listed.
const LISTED_MAX: i64 = 100;

/// One deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deploy {
    /// Its id; 0 for one that is not there yet.
    pub id: i64,
    /// Where it went.
    pub environment: String,
    /// What it is called, or empty.
    pub name: String,
    /// Where one can read about it, or empty.
    pub url: String,
    /// When it began, Unix ms.
    pub started_ms: Option<i64>,
    /// When it was done, Unix ms.
    pub finished_ms: i64,
}

/// Notes a deploy and says its id.
pub fn add_deploy(tx: &mut Tx<'_>, release: i64, deploy: &Deploy) -> Result<i64, DbError> {
    let id = tx.next_id("deploys")?;
    tx.execute(
        "INSERT INTO deploys (id, release_id, environment, name, url, started_ms, finished_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![id, release, &deploy.environment, &deploy.name, &deploy.url, deploy.started_ms, deploy.finished_ms],
    )?;
    Ok(id)
}

/// The deploys of a release, newest first.
pub fn deploys(tx: &mut Tx<'_>, release: i64) -> Result<Vec<Deploy>, DbError> {
    let rows = tx.query(
        "SELECT id, environment, name, url, started_ms, finished_ms FROM deploys WHERE release_id = $1 \
         ORDER BY finished_ms DESC, id DESC LIMIT $2",
        params![release, LISTED_MAX],
    )?;
    let deploy = |row: &bugle_db::Row| {
        Ok(Deploy {
            id: row.get(0)?,
            environment: row.get(1)?,
            name: row.get(2)?,
            url: row.get(3)?,
            started_ms: row.get(4)?,
            finished_ms: row.get(5)?,
        })
    };
    rows.iter().map(deploy).collect()
}
