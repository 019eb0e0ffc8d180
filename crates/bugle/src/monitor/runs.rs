//! Runs of a monitor: what is stored of each, read for pages and the API, and bounded.

use bugle_db::{DbError, Row, Tx, params};

/// Runs that are kept of one monitor, the newest: a week of one each minute.
pub const RUNS_MAX: i64 = 10_000;
/// How long a run is kept, in ms: as long as events usually are.
pub const RUNS_MS: i64 = 90 * 86_400_000;

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It has begun.
    InProgress,
    /// It ended well.
    Ok,
    /// It ended badly.
    Error,
    /// It did not begin.
    Missed,
    /// It did not end in time.
    Timeout,
}

const STATUSES: [(Status, &str); 5] = [
    (Status::InProgress, "in_progress"),
    (Status::Ok, "ok"),
    (Status::Error, "error"),
    (Status::Missed, "missed"),
    (Status::Timeout, "timeout"),
];

impl Status {
    /// As it is stored and as the API says it.
    pub fn as_str(self) -> &'static str {
        STATUSES[self as usize].1
    }

    /// From the table.
    pub fn parse(word: &str) -> Option<Status> {
        STATUSES.iter().find(|(_, known)| *known == word).map(|(status, _)| *status)
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its row.
    pub id: i64,
    /// Where.
    pub environment: String,
    /// The SDK's id of it.
    pub check_in_id: [u8; 16],
    /// How it stands.
    pub status: Status,
    /// When it began, or was expected, Unix ms.
    pub began_ms: i64,
    /// How long it took, in ms.
    pub duration_ms: Option<i64>,
    /// The trace that it belongs to.
    pub trace_id: Option<[u8; 16]>,
}

const COLUMNS: &str = "id, environment, check_in_id, status, began_ms, duration_ms, trace_id";

/// Runs of a monitor, in all environments or in one, the newest first.
pub fn list(
    tx: &mut Tx<'_>,
    monitor: i64,
    environment: Option<&str>,
    offset: i64,
    limit: i64,
) -> Result<Vec<Run>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM check_ins WHERE monitor = $1 AND (CAST($2 AS TEXT) IS NULL OR environment = $2) \
         ORDER BY began_ms DESC, id DESC LIMIT $4 OFFSET $3"
    );
    tx.query(&sql, params![monitor, environment, offset, limit])?.iter().map(read).collect()
}

/// The newest runs of each of these monitors and environments, in their order; each the newest first.
pub fn newest(tx: &mut Tx<'_>, places: &[(i64, &str)], limit: i64) -> Result<Vec<Vec<Run>>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM check_ins WHERE monitor = $1 AND environment = $2 ORDER BY began_ms DESC, id DESC LIMIT $3"
    );
    let rows: Vec<_> =
        places.iter().map(|(monitor, environment)| params![*monitor, *environment, limit].to_vec()).collect();
    tx.query_each(&sql, &rows)?.iter().map(|rows| rows.iter().map(read).collect()).collect()
}

/// One run, by its row.
pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Run>, DbError> {
    let row = tx.first(&format!("SELECT {COLUMNS} FROM check_ins WHERE id = $1"), params![id])?;
    row.as_ref().map(read).transpose()
}

/// Removes runs that are too old, and of each monitor those beyond its bound; at most `limit` of each. How many went.
pub fn trim(tx: &mut Tx<'_>, before_ms: i64, limit: i64) -> Result<u64, DbError> {
    let old = "DELETE FROM check_ins WHERE id IN (SELECT id FROM check_ins WHERE began_ms < $1 LIMIT $2)";
    let mut removed = tx.execute(old, params![before_ms, limit])?;
    let full = "SELECT monitor FROM check_ins GROUP BY monitor HAVING COUNT(*) > $1";
    for row in tx.query(full, params![RUNS_MAX])? {
        let beyond = "DELETE FROM check_ins WHERE id IN (SELECT id FROM check_ins WHERE monitor = $1 \
                      ORDER BY began_ms DESC, id DESC LIMIT $3 OFFSET $2)";
        removed += tx.execute(beyond, params![row.get::<i64>(0)?, RUNS_MAX, limit])?;
    }
    Ok(removed)
}

fn read(row: &Row) -> Result<Run, DbError> {
    let id = |bytes: Vec<u8>| <[u8; 16]>::try_from(bytes).unwrap_or_default();
    let status: String = row.get(3)?;
    Ok(Run {
        id: row.get(0)?,
        environment: row.get(1)?,
        check_in_id: id(row.get(2)?),
        status: Status::parse(&status).ok_or_else(|| DbError::Failed(format!("no run is {status}")))?,
        began_ms: row.get(4)?,
        duration_ms: row.get(5)?,
        trace_id: row.get::<Option<Vec<u8>>>(6)?.map(id),
    })
}
