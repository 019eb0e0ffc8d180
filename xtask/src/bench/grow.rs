//! `cargo xtask bench --grow`: does an event cost more when ten million are stored than when a hundred thousand are?
//!
//! The first hundred thousand are reported over HTTP like any others, and the cost of the next ones is measured. Then
//! the server is stopped, its database is grown to ten million rows by SQL, and a new server is measured in the same way.
//! The copies have ids of their own, since the index of ids is what grows at random places, and counters are raised
//! with them. Reporting ten million events would take most of an hour and leave the same rows.
//!
//! Only the embedded database is grown: its file is opened while no server has it.

use super::phases::Run;
use super::pool::Source;
use super::report::Report;
use super::{Options, phases};
use crate::server::{self, Launch, Place};
use anyhow::{Result, ensure};
use rusqlite::Connection;
use std::path::Path;
use std::time::{Duration, Instant};

/// Events at the first measurement.
const FEW: u64 = 100_000;
/// Events at the second.
const MANY: i64 = 10_000_000;

/// Measures both against servers in `dir`.
pub fn measure(root: &Path, dir: &Path, options: &Options, report: &mut Report) -> Result<()> {
    ensure!(!options.is_postgres, "--grow is for the embedded database");
    let binary = options.binary.clone().map_or_else(server::build, Ok)?;
    let place = Place { binary, dir: dir.to_owned(), database: None };
    place.init()?;
    let project = place.project("shop")?;
    let mut server = place.serve(&Launch::default())?;
    server.await_start()?;
    let path = format!("/api/{}/envelope/", project.id);
    // The requests of both servers come from one source: no event is sent twice.
    let source = Source::new(root, &server.address.to_string(), &path, &project.key)?;
    let mut run = Run::new(&server, source);
    run.fill(FEW)?;
    let few = run.cost(options.sustained)?;
    let source = run.source;
    phases::end(&mut server, report);

    let grown = grow(&place.data().join("bugle.db"))?;
    let mut server = place.serve(&Launch::default())?;
    server.await_start()?;
    let mut run = Run::new(&server, source);
    // Pages that every batch touches are read once; that is the start's cost, not an event's.
    run.cost(Duration::from_secs(5))?;
    let many = run.cost(options.sustained)?;
    phases::end(&mut server, report);

    let note = |cost: &phases::Cost| format!("{:.0} events in {:.1} s", cost.events, cost.elapsed.as_secs_f64());
    report.figure("CPU at 100,000", few.micros, "µs/event", note(&few));
    report.figure("CPU at 10,000,000", many.micros, "µs/event", note(&many));
    report.figure("CPU at many / few", many.micros / few.micros, "", grown);
    Ok(())
}

/// Grows a database of some hundred thousand events to [`MANY`], and says how that went.
fn grow(path: &Path) -> Result<String> {
    let started = Instant::now();
    let database = Connection::open(path)?;
    database.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -6000000",
    )?;
    let base: i64 = database.query_row("SELECT COUNT(*) FROM events", [], |row| row.get(0))?;
    let last: i64 = database.query_row("SELECT MAX(id) FROM events", [], |row| row.get(0))?;
    let copies = MANY / base;
    let columns = "project, issue, received_ms, timestamp_ms, environment, release_id, person, grouping_id, tag_set, \
         exemplar, payload_bytes, payload";
    for copy in 1..copies {
        database.execute_batch(&format!(
            "INSERT INTO events (id, event_id, {columns}) \
             SELECT id + {}, randomblob(16), {columns} FROM events WHERE id <= {last}",
            copy * last
        ))?;
        if copy % 10 == 0 {
            eprintln!("{} rows after {:.0} s", base * (copy + 1), started.elapsed().as_secs_f64());
        }
    }
    for (table, counter) in [
        ("issues", "events"),
        ("issue_buckets", "events"),
        ("issue_tag_sets", "events"),
        ("issue_tag_values", "events"),
        ("issue_storage", "events"),
        ("issue_storage", "bytes"),
        ("ledger", "quantity"),
    ] {
        database.execute_batch(&format!("UPDATE {table} SET {counter} = {counter} * {copies}"))?;
    }
    database.execute_batch(&format!(
        "UPDATE state SET value = {} WHERE name = 'event_row'; PRAGMA journal_mode = WAL",
        copies * last
    ))?;
    let bytes = std::fs::metadata(path)?.len();
    Ok(format!(
        "grown to {} rows and {:.1} GB by SQL in {:.0} s",
        base * copies,
        bytes as f64 / 1e9,
        started.elapsed().as_secs_f64()
    ))
}
