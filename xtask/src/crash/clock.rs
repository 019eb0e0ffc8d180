//! A clock that jumps: a year ahead, back, a day back, while a server takes events, and over a kill.
//!
//! **What must hold**: nothing acknowledged is lost, retention removes nothing (every event is younger than its days; only the
//! clock says otherwise), counters agree, and a key's limit neither locks out nor opens: after each jump it takes about its count
//! and then refuses.
//!
//! **How.** A small library (`clock.c`, built here) stands before the C library and moves the time of day by what a file says.
//! The binary is the one that is published. Nothing of this is known to the product.

use super::books::Answer;
use super::envelope::Source;
use super::fault::Outcome;
use super::load::{Ground, Load};
use super::{rounds, verify};
use crate::client::Connection;
use crate::random::Random;
use crate::server::{Launch, Place, Server};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const DAY_S: i64 = 86_400;
/// What the clock is moved by, one after the other. The first stage lets retention see the right time.
const STAGES_S: [i64; 5] = [0, 365 * DAY_S, 0, -DAY_S, 0];
/// How long a stage is under load: several rounds of retention.
const STAGE: Duration = Duration::from_millis(2_500);
const ENVELOPES_MAX: u64 = 500;
/// The limit of one key: in an hour, so that it hardly ends by itself.
const LIMIT: u64 = 100;

/// Why it cannot be run here.
pub fn missing() -> Option<String> {
    let has_cc = Command::new("cc").arg("--version").output().is_ok_and(|output| output.status.success());
    (!has_cc).then(|| "needs cc, to build a small library".to_owned())
}

/// Runs it.
pub fn jumps(place: Place, seed: u64) -> Result<Outcome> {
    let ground = rounds::settle(&place)?;
    let clock = Clock::build(&place.dir)?;
    let database = rusqlite::Connection::open(place.data().join("bugle.db"))?;
    // A project of its own: an envelope of several events may be kept in part where the limit falls into it.
    let source = Source::new(vec![place.project("limited")?])?;
    let limit = [LIMIT as i64, source.project(0)];
    database.execute("UPDATE keys SET rate_window_s = 3600, rate_count = ?1 WHERE project = ?2", limit)?;
    drop(database);
    let mut random = Random::seeded(seed);
    let (mut differences, mut unanswered) = (Vec::new(), Vec::new());
    clock.set(STAGES_S[0])?;
    let mut server = clock.serve(&place)?;
    for offset_s in STAGES_S {
        clock.set(offset_s)?;
        let taken = limited(&server, &ground, &source, &mut random)?;
        if !(LIMIT / 2..=2 * LIMIT).contains(&taken) {
            let days = offset_s / DAY_S;
            differences
                .push(format!("a key with a limit of {LIMIT} took {taken} when the clock was {days} days ahead"));
        }
        let load = Load::start(server.address, &ground, random.next(), std::mem::take(&mut unanswered), ENVELOPES_MAX);
        std::thread::sleep(STAGE);
        if offset_s > 0 {
            // The next server begins in the wrong year and finds what this one left.
            server.kill()?;
            unanswered = load.join()?;
            server = clock.serve(&place)?;
            std::thread::sleep(STAGE);
        } else {
            load.stop();
            unanswered = load.join()?;
        }
    }
    let findings = verify::gently(server, &ground)?;
    differences.extend(findings.differences);
    let (ahead, expired) = witnesses(&place)?;
    ensure!(ahead > 0, "no event was received in another year: the library was not used");
    if expired > 0 {
        differences.push(format!("{expired} events were removed because the clock was wrong"));
    }
    Ok((differences, format!("{} acknowledged, {ahead} of the rows a year ahead", findings.acknowledged)))
}

/// Sends to the key with a limit until it has refused for a while. How many events it took.
fn limited(server: &Server, ground: &Ground, source: &Source, random: &mut Random) -> Result<u64> {
    let mut connection = Connection::open(server.address)?;
    let mut taken = 0;
    for _ in 0..3 * LIMIT {
        let mut made = source.make(random)?;
        while made.ids.len() > 1 {
            made = source.make(random)?;
        }
        let envelope = ground.books().open(source.project(0), made.ids.clone());
        let status = connection.exchange(&source.request(0, &made))?;
        let answer = if status == 200 { Answer::Acknowledged } else { Answer::Refused };
        ground.books().settle(envelope, answer);
        taken += u64::from(status == 200);
    }
    Ok(taken)
}

/// Rows from another year, and rows that retention has removed.
fn witnesses(place: &Place) -> Result<(i64, i64)> {
    let database = rusqlite::Connection::open(place.data().join("bugle.db"))?;
    let first = "(SELECT received_ms FROM events ORDER BY id LIMIT 1)";
    let sql = format!(
        "SELECT (SELECT COUNT(*) FROM events WHERE received_ms > {first} + 25920000000), (SELECT SUM(expired) FROM issues)"
    );
    Ok(database.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// The library and its file.
struct Clock {
    library: PathBuf,
    offset: PathBuf,
}

impl Clock {
    fn build(dir: &Path) -> Result<Clock> {
        let (source, library) = (dir.join("clock.c"), dir.join("clock.so"));
        std::fs::write(&source, include_str!("clock.c"))?;
        let mut cc = Command::new("cc");
        let built = cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).output().context("cc")?;
        ensure!(built.status.success(), "cc: {}", String::from_utf8_lossy(&built.stderr));
        let clock = Clock { library, offset: dir.join("clock.offset") };
        std::fs::write(&clock.offset, 0i64.to_ne_bytes())?;
        Ok(clock)
    }

    fn set(&self, seconds: i64) -> Result<()> {
        // In place: whoever has mapped the file sees it.
        let file = std::fs::File::options().write(true).open(&self.offset)?;
        std::os::unix::fs::FileExt::write_all_at(&file, &seconds.to_ne_bytes(), 0).context("the clock's file")
    }

    fn serve(&self, place: &Place) -> Result<Server> {
        let settings = vec![
            ("LD_PRELOAD", self.library.to_string_lossy().into_owned()),
            ("CLOCK_OFFSET_FILE", self.offset.to_string_lossy().into_owned()),
            ("BUGLE_RETENTION_EVERY_S", "1".into()),
            ("BUGLE_RETENTION_DAYS", "30".into()),
        ];
        let mut server = place.serve(&Launch { settings, under: Vec::new() })?;
        server.await_start()?;
        Ok(server)
    }
}
