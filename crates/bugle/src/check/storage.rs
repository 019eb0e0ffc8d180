//! Sizes: the counters of storage against the rows that they count.

use super::Report;
use bugle_db::{DbError, Row, Tx};
use std::collections::BTreeMap;

/// Compares `issue_storage` with events, `project_exemplars` with exemplars and `project_attachments` with attachments.
pub(super) fn verify(tx: &mut Tx<'_>, report: &mut Report) -> Result<(), DbError> {
    let counted = sums(tx, "SELECT issue, exemplar, events, bytes FROM issue_storage")?;
    let rows = sums(
        tx,
        "SELECT issue, exemplar, COUNT(*), CAST(SUM(LENGTH(payload)) AS BIGINT) FROM events GROUP BY issue, exemplar",
    )?;
    compare(report, &counted, &rows, |(issue, exemplar)| format!("of issue {issue} with exemplar {exemplar}"));
    let counted =
        sums(tx, "SELECT project, 0, exemplars, bytes FROM project_exemplars WHERE exemplars <> 0 OR bytes <> 0")?;
    let rows =
        sums(tx, "SELECT project, 0, COUNT(*), CAST(SUM(LENGTH(body)) AS BIGINT) FROM exemplars GROUP BY project")?;
    compare(report, &counted, &rows, |(project, _)| format!("among the exemplars of project {project}"));
    let counted = sums(
        tx,
        "SELECT project, 0, attachments, bytes FROM project_attachments WHERE attachments <> 0 OR bytes <> 0",
    )?;
    let rows =
        sums(tx, "SELECT project, 0, COUNT(*), CAST(SUM(LENGTH(body)) AS BIGINT) FROM attachments GROUP BY project")?;
    compare(report, &counted, &rows, |(project, _)| format!("among the attachments of project {project}"));
    Ok(())
}

/// How many and how many bytes, by a pair of ids.
type Sums = BTreeMap<(i64, i64), (i64, i64)>;

fn sums(tx: &mut Tx<'_>, sql: &str) -> Result<Sums, DbError> {
    let sum = |row: &Row| Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?)));
    tx.query(sql, &[])?.iter().map(sum).collect()
}

fn compare(report: &mut Report, counted: &Sums, rows: &Sums, place: impl Fn((i64, i64)) -> String) {
    let places = counted.keys().chain(rows.keys().filter(|place| !counted.contains_key(place)));
    for &at in places {
        let (counted, rows) =
            (counted.get(&at).copied().unwrap_or_default(), rows.get(&at).copied().unwrap_or_default());
        report.compare(|| format!("Rows {}", place(at)), counted.0, rows.0);
        report.compare(|| format!("Bytes {}", place(at)), counted.1, rows.1);
    }
}
