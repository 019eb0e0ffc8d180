//! An issue's keys: every one that an event of it ever had. A new event with any of them joins.

use bugle_db::{DbError, Tx, params};

/// A key of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What it is made of: `custom`, `full`, `site`, `message` ([`bugle_event::group::Kind`]).
    pub kind: String,
    /// 32 hex digits.
    pub hash: String,
}

/// The first `limit` keys of an issue, by kind.
pub fn of(tx: &mut Tx<'_>, issue: i64, limit: i64) -> Result<Vec<Key>, DbError> {
    let rows = tx.query(
        "SELECT kind, hash FROM issue_keys WHERE issue = $1 ORDER BY kind, hash LIMIT $2",
        params![issue, limit],
    )?;
    rows.iter().map(|row| Ok(Key { kind: row.get(0)?, hash: bugle_event::id::hex(&row.get::<Vec<u8>>(1)?) })).collect()
}
