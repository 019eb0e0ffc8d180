//! Sums of sessions against the sets they were counted by, as far as those are still there; releases against events.

use super::Report;
use bugle_db::{DbError, Tx, params};

/// Verifies them.
pub(super) fn verify(tx: &mut Tx<'_>, report: &mut Report) -> Result<(), DbError> {
    releases_are_there(tx, report)?;
    days(tx, report)?;
    sums(tx, report)?;
    let sql = "SELECT COUNT(*) FROM session_people WHERE (errored & ~hours) <> 0 \
               OR ((unhandled | abnormal | crashed) & ~errored) <> 0";
    report.compare(|| "People whose bad sessions are none of theirs".into(), tx.one(sql, &[])?, 0);
    let sql = "SELECT e.release_id, e.n, COALESCE(h.n, 0) FROM \
                 (SELECT release_id, COUNT(*) AS n FROM events WHERE release_id <> 0 GROUP BY release_id) e \
               LEFT JOIN (SELECT release_id, CAST(SUM(events) AS BIGINT) AS n FROM release_hours GROUP BY release_id) h \
                 ON h.release_id = e.release_id WHERE COALESCE(h.n, 0) < e.n";
    for row in tx.query(sql, &[])? {
        let (release, events, counted): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        report.say(format!("Release {release} counts {counted} events, but {events} rows name it."));
    }
    Ok(())
}

/// Filing does not pay for foreign keys here, so they are looked at.
fn releases_are_there(tx: &mut Tx<'_>, report: &mut Report) -> Result<(), DbError> {
    for table in ["session_hours", "session_ids", "session_people", "release_hours"] {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE release_id NOT IN (SELECT id FROM releases)");
        let count: i64 = tx.one(&sql, &[])?;
        if count > 0 {
            report.say(format!("{count} rows of {table} name a release that is not there."));
        }
    }
    Ok(())
}

/// Rows of each day against their number.
fn days(tx: &mut Tx<'_>, report: &mut Report) -> Result<(), DbError> {
    for row in tx.query("SELECT project, day, ids, people FROM session_days ORDER BY project, day", &[])? {
        let (project, day): (i64, i64) = (row.get(0)?, row.get(1)?);
        for (at, table, is_kept) in [(2, "session_ids", row.get::<i64>(2)? > 0), (3, "session_people", true)] {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE project = $1 AND day = $2");
            let there: i64 = tx.one(&sql, params![project, day])?;
            if is_kept {
                report.compare(|| format!("Rows of {table} of project {project}, day {day}"), row.get(at)?, there);
            }
        }
    }
    Ok(())
}

/// What was counted by ids is what the ids say, where all of a day are there.
fn sums(tx: &mut Tx<'_>, report: &mut Report) -> Result<(), DbError> {
    let severity = |number: u8| format!("CAST(SUM(CASE WHEN i.severity = {number} THEN 1 ELSE 0 END) AS BIGINT)");
    let sql = format!(
        "SELECT h.project, h.hour, h.sessions - COALESCE(c.n, 0), h.errored - COALESCE(c.n1, 0), \
           h.unhandled - COALESCE(c.n2, 0), h.abnormal - COALESCE(c.n3, 0), h.crashed - COALESCE(c.n4, 0) \
         FROM session_hours h JOIN session_days d ON d.project = h.project AND d.day = h.hour / 24 AND d.ids > 0 \
         LEFT JOIN (SELECT i.project, i.hour, i.release_id, i.environment, \
             CAST(SUM(CASE WHEN i.is_init THEN 1 ELSE 0 END) AS BIGINT) AS n, {} AS n1, {} AS n2, {} AS n3, {} AS n4 \
           FROM session_ids i GROUP BY i.project, i.hour, i.release_id, i.environment) c \
           ON c.project = h.project AND c.hour = h.hour AND c.release_id = h.release_id AND c.environment = h.environment \
         WHERE h.by_id",
        severity(1),
        severity(2),
        severity(3),
        severity(4)
    );
    for row in tx.query(&sql, &[])? {
        let (project, hour): (i64, i64) = (row.get(0)?, row.get(1)?);
        for (at, what) in ["Sessions", "Errored", "Unhandled", "Abnormal", "Crashed"].iter().enumerate() {
            let beyond: i64 = row.get(2 + at)?;
            if beyond != 0 {
                report.say(format!(
                    "{what} sessions of project {project}, hour {hour} differ from their ids by {beyond}."
                ));
            }
        }
    }
    Ok(())
}
