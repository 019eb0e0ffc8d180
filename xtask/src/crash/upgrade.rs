//! Kills while an older database is brought up to date: made by an earlier release, with data in it.
//!
//! **How.** A directory is filled by the binary under test. Its database is then rewound: a new file is made by the first few
//! migrations of this tree, and every table that these know gets its rows from the present one, as far as it had them then.
//! What later migrations add is gone, so they have to make it again from the rows. (When one of them takes something away that
//! an earlier one had made, rewinding fails and says so: then this file has to learn it.) The server is started on that, killed
//! at a random instant up to when it is ready, and started again: it opens, everything is there, every counter agrees.

use super::Options;
use super::load::{Ground, Load};
use super::report::{Report, verdict};
use super::{rounds, verify};
use crate::random::Random;
use crate::server::{Launch, Place};
use anyhow::{Context, Result, ensure};
use bugle_db::{Database, Migration};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::path::Path;
use std::time::{Duration, Instant};

/// The oldest database that is upgraded: with this many migrations.
const STEPS_MIN: usize = 3;
/// Envelopes that fill it.
const ENVELOPES: u64 = 3_000;

/// Kills `kills` servers during their migrations.
pub fn run(binary: &Path, dir: &Path, options: &Options, mut random: Random, report: &mut Report) -> Result<()> {
    let steps = migrations()?;
    let place = Place { binary: binary.to_owned(), dir: dir.join("upgrade"), database: None };
    let ground = rounds::settle(&place)?;
    fill(&place, &ground, &mut random)?;
    let mut found = Vec::new();
    let mut took = Duration::ZERO;
    let mut reached = Vec::new();
    for number in 0..=(options.kills / 10).clamp(2, 20) {
        let have = STEPS_MIN + random.below((steps.len() - STEPS_MIN) as u64) as usize;
        rewind(&place.data(), &steps[..have])?;
        let started = Instant::now();
        let mut server = place.serve(&Launch::default())?;
        if number == 0 {
            // The first is let through: how long may the others take?
            server.await_start()?;
            took = started.elapsed();
            found.extend(verify::gently(server, &ground)?.differences);
            continue;
        }
        std::thread::sleep(Duration::from_micros(random.below(took.as_micros() as u64)));
        server.kill()?;
        report.kills += 1;
        reached.push(format!("{}/{}", reach(&place.data())?, steps.len()));
        let mut next = place.serve(&Launch::default())?;
        next.await_start()?;
        found.extend(verify::gently(next, &ground)?.differences);
        if !found.is_empty() {
            break;
        }
    }
    let remark = format!("killed at step {}; whole in {} ms", reached.join(", "), took.as_millis());
    report.phase(format!("{} kills during migrations", reached.len()), verdict(found, remark));
    Ok(())
}

/// Files some thousand events and stops.
fn fill(place: &Place, ground: &Ground, random: &mut Random) -> Result<()> {
    let mut server = place.serve(&Launch::default())?;
    server.await_start()?;
    let load = Load::start(server.address, ground, random.next(), Vec::new(), ENVELOPES);
    load.join()?;
    let findings = verify::gently(server, ground)?;
    ensure!(findings.differences.is_empty(), "before anything was killed: {:?}", findings.differences);
    Ok(())
}

/// The migrations of this tree, oldest first.
fn migrations() -> Result<Vec<Migration>> {
    let dir = crate::step::root().join("migrations");
    let mut paths = std::fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    paths.sort();
    ensure!(paths.len() > STEPS_MIN, "there is nothing to upgrade to");
    let read = |path: &std::path::PathBuf| -> Result<Migration> {
        let name = path.file_stem().context("a name")?.to_string_lossy().into_owned();
        // They live as long as the run.
        Ok(Migration { name: String::leak(name), text: String::leak(std::fs::read_to_string(path)?) })
    };
    paths.iter().map(read).collect()
}

/// Puts a database in the present one's place that has only been through `steps`.
fn rewind(data: &Path, steps: &[Migration]) -> Result<()> {
    let (present, old) = (data.join("bugle.db"), data.join("old.db"));
    let remove = |path: &Path| {
        for ending in ["", "-wal", "-shm"] {
            // Most are not there.
            let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
        }
    };
    remove(&old);
    let database = Database::open(&old, bugle_db::Options::default(), steps)?;
    database.checkpoint()?;
    drop(database);
    let connection = Connection::open(&old)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch("PRAGMA foreign_keys = OFF")?;
    connection.execute("ATTACH ?1 AS present", [present.to_string_lossy()])?;
    connection.execute_batch("BEGIN")?;
    connection.execute_batch("DELETE FROM present.state WHERE name NOT IN (SELECT name FROM main.state)")?;
    for table in
        names(&connection, "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name <> 'migrations'")?
    {
        let columns = names(&connection, &format!("SELECT name FROM main.pragma_table_info('{table}')"))?.join(", ");
        connection.execute_batch(&format!(
            "DELETE FROM main.{table}; INSERT INTO main.{table} ({columns}) SELECT {columns} FROM present.{table}"
        ))?;
    }
    // How far the journal is filed moved from one table to another (0006).
    let journals = "SELECT name FROM main.sqlite_master WHERE name = 'journals'";
    let present_journals = "SELECT name FROM present.sqlite_master WHERE name = 'journals'";
    if names(&connection, journals)?.is_empty() && !names(&connection, present_journals)?.is_empty() {
        connection.execute_batch(
            "INSERT OR REPLACE INTO main.state (name, value) \
             SELECT 'filed_position', COALESCE(MAX(filed), 0) FROM present.journals",
        )?;
    }
    connection.execute_batch("COMMIT; DETACH present; PRAGMA wal_checkpoint(TRUNCATE)")?;
    connection.close().map_err(|(_, error)| error)?;
    remove(&present);
    std::fs::rename(&old, &present)?;
    remove(&old);
    Ok(())
}

fn names(connection: &Connection, sql: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>();
    Ok(names?)
}

/// How many migrations the killed server has left done. Leaves its files as they are.
fn reach(data: &Path) -> Result<i64> {
    let connection = Connection::open(data.join("bugle.db"))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection.query_row("SELECT COUNT(*) FROM migrations", [], |row| row.get(0))?)
}
