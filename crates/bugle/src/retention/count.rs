//! By count: an issue keeps its newest events, as many as its project says.

use super::{PAGE_ROWS, Round, remove_events};
use crate::storage::bounds::Bounds;
use bugle_db::{DbError, params};
use std::collections::BTreeMap;

/// Removes what is more than the bound, the oldest first. How many events.
pub(super) fn remove(round: &mut Round<'_>, bounds: &BTreeMap<i64, Bounds>) -> Result<i64, DbError> {
    let bounded = |id: &i64| bounds.get(id).map(|bounds| bounds.issue_events_max).filter(|max| *max > 0);
    let Some(least) = bounds.keys().filter_map(bounded).min() else { return Ok(0) };
    let issues = round.db.read_now(move |tx| {
        let rows = tx.query(
            "SELECT s.issue, i.project, CAST(SUM(s.events) AS BIGINT) FROM issue_storage s JOIN issues i ON i.id = s.issue \
             GROUP BY s.issue, i.project HAVING SUM(s.events) > $1",
            params![least],
        )?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).collect::<Result<Vec<(i64, i64, i64)>, DbError>>()
    })?;
    let mut count = 0;
    for (issue, project, events) in issues {
        let mut left = bounded(&project).map_or(0, |max| events - max);
        while left > 0 {
            let take = left.min(PAGE_ROWS);
            let rows = round.db.read_now(move |tx| {
                let sql = "SELECT id FROM events WHERE issue = $1 ORDER BY timestamp_ms, id LIMIT $2";
                tx.query(sql, params![issue, take])?.iter().map(|row| row.get(0)).collect::<Result<Vec<i64>, _>>()
            })?;
            let (removed, goes_on) = remove_events(round, &rows)?;
            count += removed;
            if !goes_on || rows.is_empty() {
                return Ok(count);
            }
            left -= take;
        }
    }
    Ok(count)
}
