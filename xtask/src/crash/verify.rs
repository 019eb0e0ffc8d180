//! What a directory holds once its server has stopped, read from its files without a line of the product's code, and
//! `bugle check` beside it.

use super::books::{Findings, Id, Stored};
use super::load::Ground;
use crate::metrics::Metrics;
use crate::server::{Place, Server};
use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
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
    let stored = read(&place.data()).context("reading what is stored")?;
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

fn number(connection: &Connection, sql: &str) -> Result<u64> {
    Ok(u64::try_from(connection.query_row(sql, [], |row| row.get::<_, i64>(0))?)?)
}

fn read(data: &Path) -> Result<Stored> {
    let database = open(&data.join("bugle.db"))?;
    let journal = open(&data.join("journal.db"))?;
    let mut stored = Stored {
        filed: number(&database, "SELECT value FROM state WHERE name = 'filed_position'")?,
        positions: number(&journal, "SELECT position FROM high_water")?,
        expired: number(&database, "SELECT COALESCE(SUM(expired), 0) FROM issues")?,
        quarantined: number(&database, "SELECT COUNT(*) FROM quarantine")?,
        ..Stored::default()
    };
    for event in events(&database, i64::MAX)? {
        *stored.rows.entry(event).or_default() += 1;
    }
    // Refusals at the door (`rate_limited`) never came to a record.
    let mut ledger = database.prepare(
        "SELECT outcome, reason, SUM(quantity) FROM ledger WHERE category IN ('error', 'default') \
         AND outcome NOT IN ('received', 'rate_limited') GROUP BY outcome, reason",
    )?;
    let mut rows = ledger.query([])?;
    while let Some(row) = rows.next()? {
        let (outcome, reason): (String, String) = (row.get(0)?, row.get(1)?);
        let quantity = u64::try_from(row.get::<_, i64>(2)?)?;
        match (outcome.as_str(), reason.as_str()) {
            ("stored", _) => stored.ledger_stored = quantity,
            ("invalid", "duplicate") => stored.ledger_repeats = quantity,
            _ => drop(stored.ledger_other.insert(format!("{outcome} {reason}"), quantity)),
        }
    }
    Ok(stored)
}

/// Project and id of the oldest rows.
pub fn events(database: &Connection, limit: i64) -> Result<Vec<(i64, Id)>> {
    let mut events = database.prepare("SELECT project, event_id FROM events ORDER BY id LIMIT ?1")?;
    let mut rows = events.query([limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id: Vec<u8> = row.get(1)?;
        found.push((row.get(0)?, id.as_slice().try_into().context("an id of another length")?));
    }
    Ok(found)
}

fn open(path: &Path) -> Result<Connection> {
    ensure!(path.exists(), "{} is not there", path.display());
    Ok(Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}
