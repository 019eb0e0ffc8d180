//! The rounds: serve, load, kill, and serve again.

use super::Options;
use super::envelope::Source;
use super::load::{Ground, Load, Unanswered};
use super::report::{Report, verdict};
use super::store::Store;
use super::verify;
use crate::random::Random;
use crate::server::{Launch, Place, Server};
use anyhow::{Result, ensure};
use bugle_db::trial;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A comparison every so many rounds.
const COMPARE_EVERY: u32 = 10;
/// Envelopes of one round at most, so that a directory of a hundred rounds can be compared in seconds.
const ENVELOPES_MAX: u64 = 1_500;
/// Fewer kills than this prove little, whatever the time.
const KILLS_MIN: u32 = 10;
/// Kills in a row during retention: one for so many others, and at least two.
const RETENTION_EVERY: u32 = 10;
/// What is made older than it may be before each of them. Retention needs some steps for it.
const OVER_AGE_ROWS: i64 = 4_000;
/// How long after its start a server that is told to do it each second begins to remove.
const RETENTION_AFTER: Duration = Duration::from_secs(1);
/// Events that an issue may keep then: more than come in two rounds, so that what is sent again is still known.
const ISSUE_EVENTS_MAX: u32 = 400;
const PROJECTS: [&str; 3] = ["shop", "billing", "search"];

/// When a server is killed.
#[derive(Debug, Clone, Copy)]
enum When {
    /// So long after it was ready, under load.
    Busy(Duration),
    /// When so many envelopes have been acknowledged.
    Answered(u64),
    /// So long after it was ready, while somebody else holds the database and nothing can be filed: the next server
    /// finds everything in the journal.
    Stalled(Duration),
    /// So long after its program was started: it opens its files, or files what it found.
    Starting(Duration),
    /// So long after it was asked to stop, under load: it ends what is in flight and moves the log into the database.
    Stopping(Duration),
}

/// Kills servers until there were enough.
pub fn run(
    binary: &Path,
    dir: &Path,
    options: &Options,
    deadline: Instant,
    mut random: Random,
    report: &mut Report,
) -> Result<()> {
    let postgres = options.is_postgres.then(|| trial::Server::start(true));
    for number in 0..(options.kills / 6).clamp(2, 15) {
        birth(binary, dir, number, postgres.as_ref(), &mut random, report)?;
    }
    let database = postgres.as_ref().map(|server| server.create("rounds")).transpose()?;
    let place = Place { binary: binary.to_owned(), dir: dir.join("rounds"), database };
    let ground = settle(&place)?;
    let mut series = Series { place, ground, unanswered: Vec::new(), random, settings: Vec::new(), found: Vec::new() };
    while report.kills < options.kills && (report.kills < KILLS_MIN || Instant::now() < deadline) {
        series.round(report)?;
        if report.kills.is_multiple_of(COMPARE_EVERY) && !series.compare(report)? {
            break;
        }
    }
    if series.found.is_empty() {
        series.compare(report)?;
    }
    let (kills, found) = (report.kills, std::mem::take(&mut series.found));
    let is_sound = found.is_empty();
    let remark = if report.kills < options.kills { format!("of {} asked for", options.kills) } else { String::new() };
    report.phase(format!("{kills} kills"), verdict(found, remark));
    if is_sound {
        series.retention((kills / RETENTION_EVERY).max(2), report)?;
    }
    Ok(())
}

/// A directory with an owner and projects, and empty books for it.
pub fn settle(place: &Place) -> Result<Ground> {
    std::fs::create_dir_all(&place.dir)?;
    place.init()?;
    let projects = PROJECTS.iter().map(|name| place.project(name)).collect::<Result<_>>()?;
    Ok(Ground::new(Source::new(projects)?))
}

/// Kills a server while it makes its database. The next one must find its way.
fn birth(
    binary: &Path,
    dir: &Path,
    number: u32,
    postgres: Option<&trial::Server>,
    random: &mut Random,
    report: &mut Report,
) -> Result<()> {
    let database = postgres.map(|server| server.create(&format!("birth_{number}"))).transpose()?;
    let place = Place { binary: binary.to_owned(), dir: dir.join(format!("birth-{number}")), database };
    std::fs::create_dir_all(&place.dir)?;
    let server = place.serve(&Launch::default())?;
    sleep(Duration::from_micros(random.below(60_000)));
    server.kill()?;
    (report.kills, report.kills_at_birth) = (report.kills + 1, report.kills_at_birth + 1);
    let mut server = place.serve(&Launch::default())?;
    server.await_start()?;
    server.stop()?;
    place.check()?;
    std::fs::remove_dir_all(&place.dir)?;
    Ok(())
}

/// One directory through all its servers.
struct Series {
    place: Place,
    ground: Ground,
    unanswered: Vec<Unanswered>,
    random: Random,
    settings: Vec<(&'static str, String)>,
    found: Vec<String>,
}

impl Series {
    fn when(&mut self) -> When {
        let random = &mut self.random;
        match random.below(11) {
            10 => When::Stopping(Duration::from_millis(random.below(60))),
            0 | 1 => When::Starting(Duration::from_micros(random.below(80_000))),
            2 | 3 => When::Answered(1 + random.below(400)),
            // Soon after the start: what was found is being filed.
            4 => When::Busy(Duration::from_millis(random.below(20))),
            5 => When::Stalled(Duration::from_millis(200 + random.below(600))),
            _ => When::Busy(Duration::from_millis(20 + random.below(1_480))),
        }
    }

    fn round(&mut self, report: &mut Report) -> Result<()> {
        report.kills += 1;
        match self.when() {
            When::Starting(after) => {
                report.kills_at_start += 1;
                let server = self.place.serve(&Launch::default())?;
                sleep(after);
                server.kill()
            }
            When::Busy(after) => {
                let (server, load) = self.serve(report)?;
                sleep(after);
                self.kill(server, load)
            }
            When::Stopping(after) => {
                report.kills_at_stop += 1;
                let (server, load) = self.serve(report)?;
                sleep(Duration::from_millis(400));
                server.ask_to_stop()?;
                sleep(after);
                server.kill()?;
                self.unanswered = load.join()?;
                Ok(())
            }
            When::Stalled(after) => {
                let (server, load) = self.serve(report)?;
                let held = Store::open(&self.place)?.hold()?;
                sleep(after);
                self.kill(server, load)?;
                drop(held);
                Ok(())
            }
            When::Answered(count) => {
                report.kills_after_answer += 1;
                let (server, load) = self.serve(report)?;
                for _ in 0..count {
                    // All may have been sent before the count is reached; then it is killed at rest.
                    if load.acknowledgements.recv_timeout(Duration::from_secs(2)).is_err() {
                        break;
                    }
                }
                self.kill(server, load)
            }
        }
    }

    /// A server that is ready, under load.
    fn serve(&mut self, report: &mut Report) -> Result<(Server, Load)> {
        let started = Instant::now();
        let mut server = self.place.serve(&Launch { settings: self.settings.clone(), under: Vec::new() })?;
        server.await_start()?;
        report.slowest_start = report.slowest_start.max(started.elapsed());
        let metrics = server.metrics()?;
        let found: f64 = ["bugle_items_stored_total", "bugle_items_discarded_total", "bugle_journal_backlog"]
            .iter()
            .map(|name| metrics.sum(name, &[]))
            .sum();
        report.replays += u32::from(found > 0.0);
        report.replayed += found as u64;
        let (seed, unanswered) = (self.random.next(), std::mem::take(&mut self.unanswered));
        let load = Load::start(server.address, &self.ground, seed, unanswered, ENVELOPES_MAX);
        Ok((server, load))
    }

    fn kill(&mut self, mut server: Server, load: Load) -> Result<()> {
        ensure!(server.is_running()?, "the server ended by itself:\n{}", server.place.log());
        server.kill()?;
        self.unanswered = load.join()?;
        Ok(())
    }

    /// A round that ends gently, and the comparison after it. Whether everything held.
    fn compare(&mut self, report: &mut Report) -> Result<bool> {
        let (server, load) = self.serve(report)?;
        sleep(Duration::from_millis(100));
        load.stop();
        self.unanswered = load.join()?;
        report.findings = verify::gently(server, &self.ground)?;
        self.found.append(&mut report.findings.differences);
        let odd = std::mem::take(&mut self.ground.books().odd);
        if !odd.is_empty() {
            self.found.push(format!("answers that no server gives that is well: {odd:?}"));
        }
        Ok(self.found.is_empty())
    }

    /// Kills while events are removed, by age and by count. Comes last, since counters of issues that have lost rows can no
    /// longer be compared with them in full.
    fn retention(&mut self, kills: u32, report: &mut Report) -> Result<()> {
        self.settings = vec![
            ("BUGLE_RETENTION_DAYS", "5".to_owned()),
            ("BUGLE_RETENTION_EVERY_S", "1".to_owned()),
            ("BUGLE_ISSUE_EVENTS_MAX", ISSUE_EVENTS_MAX.to_string()),
        ];
        let mut left = Vec::new();
        for _ in 0..kills {
            self.grow_old()?;
            let (server, load) = self.serve(report)?;
            sleep(RETENTION_AFTER + Duration::from_millis(self.random.below(400)));
            self.kill(server, load)?;
            report.kills += 1;
            left.push(self.over_age_left()?.to_string());
        }
        self.compare(report)?;
        let remark = format!("{OVER_AGE_ROWS} rows over age each time, left at the kill: {}", left.join(", "));
        report.phase(format!("{kills} kills during retention"), verdict(std::mem::take(&mut self.found), remark));
        Ok(())
    }

    /// Makes the oldest rows older than they may be. From here on anything that is stored now may go.
    fn grow_old(&mut self) -> Result<()> {
        let mut database = Store::open(&self.place)?;
        let stored = verify::events(&mut database, i64::MAX)?;
        let last = format!("SELECT MAX(id) FROM (SELECT id FROM events ORDER BY id LIMIT {OVER_AGE_ROWS}) oldest");
        database.run(&format!("UPDATE events SET received_ms = received_ms - 864000000 WHERE id <= ({last})"))?;
        self.ground.books().over_age.extend(stored);
        Ok(())
    }

    /// Rows that are over age and still there.
    fn over_age_left(&self) -> Result<u64> {
        let newest = "(SELECT MAX(received_ms) FROM events)";
        let sql = format!("SELECT COUNT(*) FROM events WHERE received_ms < {newest} - 432000000");
        Store::open(&self.place)?.number(&sql)
    }
}
