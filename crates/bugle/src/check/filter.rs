//! Drops of filters against the ledger: both were written in one transaction.

use super::Report;
use bugle_db::{DbError, Tx};

/// Compares `filter_drops` with the events that the ledger has as filtered, per project and day.
pub(super) fn verify(tx: &mut Tx<'_>, report: &mut Report) -> Result<(), DbError> {
    let rows = tx.query(
        "SELECT d.project, d.day, d.quantity, (SELECT CAST(COALESCE(SUM(l.quantity), 0) AS BIGINT) FROM ledger l \
           WHERE l.project = d.project AND l.outcome = 'filtered' AND l.category IN ('error', 'default', 'security') \
           AND l.hour >= d.day * 24 AND l.hour < d.day * 24 + 24) \
         FROM (SELECT project, day, CAST(SUM(quantity) AS BIGINT) AS quantity FROM filter_drops \
           GROUP BY project, day) d ORDER BY d.project, d.day",
        &[],
    )?;
    for row in &rows {
        let (project, day): (i64, i64) = (row.get(0)?, row.get(1)?);
        report.compare(|| format!("Drops of project {project} on day {day}"), row.get(2)?, row.get(3)?);
    }
    Ok(())
}
