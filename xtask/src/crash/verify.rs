//! What a directory and its database hold once their server has stopped, read from the files and by SQL without a line of the product's code, and
//! `bugle check` beside it.

use super::books::{Findings, Id, Stored};
use super::load::Ground;
use super::store::{Store, int};
use crate::metrics::Metrics;
use crate::server::{Place, Server};
use anyhow::{Context, Result, bail};
use bugle_db::Value;
use rusqlite::{Connection, OpenFlags};
use std::time::Duration;

/// What the contract gives a server to stop.
const STOP_SECONDS_MAX: u64 = 10;

/// Lets the server file everything, stops it gently, and compares.
pub fn gently(mut server: Server, ground: &Ground) -> Result<Findings> {
    let metrics = server.drained()?;
    let mut differences = Vec::new();
    balance(&metrics, &mut differences);
    let took = server.stop()?;
    if took > Duration::from_secs(STOP_SECONDS_MAX) {
        differences.push(format!("the server took {:.1} s to stop", took.as_secs_f64()));
    }
    let mut findings = stopped(&server.place, ground)?;
    findings.differences.splice(0..0, differences);
    Ok(findings)
}

/// Compares a directory that nobody serves, and from which everything was filed.
pub fn stopped(place: &Place, ground: &Ground) -> Result<Findings> {
    let check = place.check();
    let stored = read(place).context("reading what is stored")?;
    let mut findings = ground.books().compare(&stored);
    if let Err(error) = check {
        findings.differences.push(error.to_string());
    }
    Ok(findings)
}

/// What this process has received, replays included, is stored or stands there with a reason.
fn balance(metrics: &Metrics, differences: &mut Vec<String>) {
    let sum = |name: &str| metrics.sum(name, &[]);
    let (received, stored) = (sum("bugle_items_received_total"), sum("bugle_items_stored_total"));
    let discarded = sum("bugle_items_discarded_total");
    if received != stored + discarded {
        differences.push(format!("/metrics: {received} received, {stored} stored, {discarded} discarded"));
    }
}

fn read(place: &Place) -> Result<Stored> {
    let mut database = Store::open(place)?;
    let journal = place.data().join("journal.db");
    let journal = Connection::open_with_flags(journal, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let positions: i64 = journal.query_row("SELECT position FROM high_water", [], |row| row.get(0))?;
    let mut stored = Stored {
        filed: database.number("SELECT COALESCE(MAX(filed), 0) FROM journals")?,
        positions: u64::try_from(positions)?,
        expired: database.number("SELECT CAST(COALESCE(SUM(expired), 0) AS BIGINT) FROM issues")?,
        quarantined: database.number("SELECT COUNT(*) FROM quarantine")?,
        ..Stored::default()
    };
    for event in events(&mut database, i64::MAX)? {
        *stored.rows.entry(event).or_default() += 1;
    }
    // Refusals at the door (`rate_limited`) never came to a record.
    let ledger = database.rows(
        "SELECT outcome, reason, CAST(SUM(quantity) AS BIGINT) FROM ledger WHERE category IN ('error', 'default') \
         AND outcome NOT IN ('received', 'rate_limited') GROUP BY outcome, reason",
    )?;
    for row in &ledger {
        let [Value::Text(outcome), Value::Text(reason), quantity] = row.as_slice() else {
            bail!("an odd ledger: {row:?}")
        };
        let quantity = int(Some(quantity))?;
        match (outcome.as_str(), reason.as_str()) {
            ("stored", _) => stored.ledger_stored = quantity,
            ("invalid", "duplicate") => stored.ledger_repeats = quantity,
            _ => drop(stored.ledger_other.insert(format!("{outcome} {reason}"), quantity)),
        }
    }
    Ok(stored)
}

/// Project and id of the oldest rows.
pub fn events(database: &mut Store, limit: i64) -> Result<Vec<(i64, Id)>> {
    let rows = database.rows(&format!("SELECT project, event_id FROM events ORDER BY id LIMIT {limit}"))?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let [Value::Int(project), Value::Blob(id)] = row.as_slice() else { bail!("an odd event: {row:?}") };
        found.push((*project, id.as_slice().try_into().context("an id of another length")?));
    }
    Ok(found)
}
