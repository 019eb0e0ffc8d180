//! The ledger of one project as its page needs it: by key and by slice of time, with the hours at both ends.
//!
//! The database does the sums, so what comes back is bounded by slices, keys and reasons, however much was counted.

use crate::client_report;
use bugle_db::{DbError, Row, Tx, params};

/// One sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The key; 0 for none.
    pub key: i64,
    /// The category's name.
    pub category: String,
    /// `received`, an outcome's name, or `client_discard`.
    pub outcome: String,
    /// The reason's name, or empty.
    pub reason: String,
    /// Which slice of time: hours since 1970 over the hours of a slice.
    pub slice: i64,
    /// The first hour in it that counted anything, since 1970.
    pub first_hour: i64,
    /// The last.
    pub last_hour: i64,
    /// How many.
    pub quantity: i64,
}

/// The books of a project since an hour, in slices of `slice_hours`. Project 0 is what belongs to none.
pub fn books(tx: &mut Tx<'_>, project: i64, since_hour: i64, slice_hours: i64) -> Result<Vec<Line>, DbError> {
    let sql = format!(
        "SELECT key_id, category, outcome, reason, hour / {slice_hours} AS slice, MIN(hour), MAX(hour), \
         CAST(SUM(quantity) AS BIGINT) FROM ledger WHERE project = $1 AND hour >= $2 \
         GROUP BY key_id, category, outcome, reason, hour / {slice_hours} \
         ORDER BY key_id, category, outcome, reason, slice"
    );
    tx.query(&sql, params![project, since_hour])?.iter().map(line).collect()
}

/// What SDKs say they dropped, likewise.
pub fn client(tx: &mut Tx<'_>, project: i64, since_hour: i64, slice_hours: i64) -> Result<Vec<Line>, DbError> {
    let sql = format!(
        "SELECT key_id, category, '{}', reason, hour / {slice_hours} AS slice, MIN(hour), MAX(hour), \
         CAST(SUM(quantity) AS BIGINT) FROM client_discards WHERE project = $1 AND hour >= $2 \
         GROUP BY key_id, category, reason, hour / {slice_hours} ORDER BY key_id, category, reason, slice",
        client_report::OUTCOME
    );
    tx.query(&sql, params![project, since_hour])?.iter().map(line).collect()
}

fn line(row: &Row) -> Result<Line, DbError> {
    Ok(Line {
        key: row.get(0)?,
        category: row.get(1)?,
        outcome: row.get(2)?,
        reason: row.get(3)?,
        slice: row.get(4)?,
        first_hour: row.get(5)?,
        last_hour: row.get(6)?,
        quantity: row.get(7)?,
    })
}

/// An issue of which events were counted and not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capped {
    /// The issue's id.
    pub issue: i64,
    /// Its number in the project.
    pub number: i64,
    /// How many events.
    pub events: i64,
}

/// The issues of a project whose events were capped since an hour, the most first, and how many there are in all.
pub fn capped(tx: &mut Tx<'_>, project: i64, since_hour: i64, limit: i64) -> Result<(Vec<Capped>, i64), DbError> {
    let rows = tx.query(
        "SELECT c.issue, i.number, CAST(SUM(c.events) AS BIGINT) AS total FROM capped_hours c \
         JOIN issues i ON i.id = c.issue WHERE c.project = $1 AND c.hour >= $2 \
         GROUP BY c.issue, i.number ORDER BY total DESC, c.issue LIMIT $3",
        params![project, since_hour, limit],
    )?;
    let count = tx.one(
        "SELECT COUNT(DISTINCT issue) FROM capped_hours WHERE project = $1 AND hour >= $2",
        params![project, since_hour],
    )?;
    let capped = |row: &Row| Ok(Capped { issue: row.get(0)?, number: row.get(1)?, events: row.get(2)? });
    Ok((rows.iter().map(capped).collect::<Result<_, DbError>>()?, count))
}
