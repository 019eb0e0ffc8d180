//! The phases of a run and the figures they give.

use super::Options;
use super::floor::{self, Floor};
use super::load::{self, Load};
use super::pages::{self, PageTimes};
use super::pool::{Request, Source};
use super::report::Report;
use crate::machine;
use crate::metrics::Metrics;
use crate::server::{self, Launch, Place, Server};
use crate::visitor::Visitor;
use anyhow::{Context, Result};
use bugle_db::trial;
use std::path::Path;
use std::time::{Duration, Instant};

/// As many as a few dozen web workers keep open.
const CONNECTIONS: usize = 32;
/// The open load must not wait for its own connections.
const OPEN_CONNECTIONS: usize = 64;
const WARM_UP_REQUESTS: usize = 20_000;
const WARM_UP: Duration = Duration::from_secs(2);
const FLOOR_REQUESTS: usize = 4096;
/// What [`Run::cost`] makes requests for; running out of them ends it early.
const EXPECTED_PER_SECOND: f64 = 6_000.0;
/// Requests made beyond what the last phase's rate asks for.
const SPARE: f64 = 1.5;
const ERRORS: &[&str] = &["category=\"error\""];

/// Runs all phases against a server of their own in `dir`.
pub fn measure(root: &Path, dir: &Path, options: &Options, report: &mut Report) -> Result<()> {
    let binary = options.binary.clone().map_or_else(server::build, Ok)?;
    let postgres = options.is_postgres.then(|| trial::Server::start(true));
    let database = postgres.as_ref().map(|server| server.create("bench")).transpose()?;
    report
        .fact("database", if options.is_postgres { "PostgreSQL, CPU and memory not counted" } else { "SQLite" }.into());
    let place = Place { binary, dir: dir.to_owned(), database };
    place.init()?;
    let project = place.project("shop")?;
    let mut server = place.serve(&Launch::default())?;
    server.await_start()?;
    let empty_bytes: u64 = place.disk_bytes()?.iter().map(|(_, bytes)| bytes).sum();
    let idle_mib = machine::memory_mib(server.process(), "VmRSS")?;
    let path = format!("/api/{}/envelope/", project.id);
    let source = Source::new(root, &server.address.to_string(), &path, &project.key)?;
    report.fact("events", format!("{} issues, made of what the Python SDK sends for a web request", source.issues()));
    let mut run = Run::new(&server, source);

    let warm = run.make(WARM_UP_REQUESTS)?;
    let warm = run.closed(&warm, WARM_UP)?;
    run.server.drained()?;
    let burst = run.burst(warm.accepted_per_second(), options.burst, report)?;
    let floor = floor::measure(&run.make(FLOOR_REQUESTS)?)?;
    let filed_per_second = run.sustained(burst, options.sustained, &floor, report)?;
    run.half_rate(filed_per_second / 2.0, options.half, report)?;

    let (answered, refused) = (run.answered, run.refused);
    let metrics = server.drained()?;
    balance(&metrics, answered, refused, report);
    report.figure("peak memory", machine::memory_mib(server.process(), "VmHWM")?, "MiB", "VmHWM over the whole run");
    report.figure("idle memory", idle_mib, "MiB", "VmRSS after the start");
    stop(&mut server, empty_bytes, metrics.sum("bugle_items_stored_total", ERRORS), report)
}

/// What events have cost the server.
pub struct Cost {
    /// User and system time, drain included.
    pub micros: f64,
    /// How many were received.
    pub events: f64,
    /// Until they were all filed.
    pub elapsed: Duration,
}

/// Stops a server that has nothing waiting.
pub fn end(server: &mut Server, report: &mut Report) {
    if let Err(why) = server.drained().and_then(|_| server.stop()) {
        report.failure(format!("{why:#}"));
    }
}

/// A run under way.
pub struct Run<'a> {
    server: &'a Server,
    /// Where its requests come from.
    pub source: Source,
    /// Requests that got an answer.
    answered: u64,
    /// Requests that got another answer than 200.
    refused: u64,
}

impl<'a> Run<'a> {
    /// One that has sent nothing yet.
    pub fn new(server: &'a Server, source: Source) -> Run<'a> {
        Run { server, source, answered: 0, refused: 0 }
    }

    /// Reports events until `count` are stored.
    pub fn fill(&mut self, count: u64) -> Result<()> {
        while (self.server.drained()?.sum("bugle_items_stored_total", ERRORS) as u64) < count {
            let requests = self.make(WARM_UP_REQUESTS)?;
            self.closed(&requests, Duration::from_secs(60))?;
        }
        Ok(())
    }

    /// What an event costs while the server is kept busy.
    pub fn cost(&mut self, duration: Duration) -> Result<Cost> {
        let requests = self.make_for(EXPECTED_PER_SECOND, duration)?;
        let received = |metrics: &Metrics| metrics.sum("bugle_items_received_total", ERRORS);
        let (before, cpu, started) = (self.metrics()?, machine::cpu_time(self.server.process())?, Instant::now());
        self.closed(&requests, duration)?;
        let after = self.server.drained()?;
        let (elapsed, events) = (started.elapsed(), received(&after) - received(&before));
        let cpu = machine::cpu_time(self.server.process())? - cpu;
        Ok(Cost { micros: cpu.as_secs_f64() * 1e6 / events, events, elapsed })
    }

    /// How many events per second are acknowledged while their backlog may grow.
    fn burst(&mut self, expected: f64, duration: Duration, report: &mut Report) -> Result<f64> {
        let requests = self.make_for(expected, duration)?;
        let load = self.closed(&requests, duration)?;
        self.server.drained()?;
        let note = format!("{CONNECTIONS} connections for {}{}", length(&load), refusals(&load));
        report.figure("accepted, burst", load.accepted_per_second(), "events/s", note);
        Ok(load.accepted_per_second())
    }

    /// How many events per second are filed, what one costs, and how that compares.
    fn sustained(&mut self, expected: f64, duration: Duration, floor: &Floor, report: &mut Report) -> Result<f64> {
        let requests = self.make_for(expected, duration)?;
        let before = self.metrics()?;
        let (cpu, own_cpu) = (machine::cpu_time(self.server.process())?, machine::cpu_time(std::process::id())?);
        let started = Instant::now();
        let load = self.closed(&requests, duration)?;
        let own_cpu = machine::cpu_time(std::process::id())? - own_cpu;
        let backlog = self.metrics()?.required("bugle_journal_backlog")?;
        let after = self.server.drained()?;
        let elapsed = started.elapsed();
        let cpu = machine::cpu_time(self.server.process())? - cpu;
        let since = |name: &str, labels: &[&str]| after.sum(name, labels) - before.sum(name, labels);
        let stored = since("bugle_items_stored_total", ERRORS);
        let capped = since("bugle_items_discarded_total", &["category=\"error\"", "reason=\"issue_cap\""]);
        let received = since("bugle_items_received_total", ERRORS);

        let filed_per_second = stored / elapsed.as_secs_f64();
        let note = format!(
            "{stored} events in {:.1} s: {} of load, backlog then {backlog}; {capped} over the issue cap{}",
            elapsed.as_secs_f64(),
            length(&load),
            refusals(&load)
        );
        report.figure("filed, sustained", filed_per_second, "events/s", note);
        let micros = cpu.as_secs_f64() * 1e6 / received;
        let own = own_cpu.as_secs_f64() * 1e6 / load.accepted() as f64;
        let note = format!("user and system until drained; the generator takes {own:.0} beside it");
        report.figure("server CPU", micros, "µs/event", note);
        let parts = [floor.inflate_ns, floor.parse_ns, floor.compress_ns].map(|nanos| nanos as f64 / 1000.0);
        let note = format!(
            "inflate {:.0} + parse {:.0} + compress {:.0}; {} bytes of JSON, {} gzipped, {} as zstd beside its like",
            parts[0], parts[1], parts[2], floor.json_bytes, floor.gzip_bytes, floor.zstd_bytes
        );
        report.figure("floor", floor.micros(), "µs/event", note);
        report.figure("server CPU / floor", micros / floor.micros(), "", "");
        Ok(filed_per_second)
    }

    /// How long people wait when the server is half busy.
    fn half_rate(&mut self, per_second: f64, duration: Duration, report: &mut Report) -> Result<()> {
        let requests = self.make((per_second * duration.as_secs_f64()) as usize)?;
        let before = self.metrics()?;
        let visitor = Visitor::sign_in(self.server.address);
        let started = Instant::now();
        let (load, pages) = std::thread::scope(|scope| -> Result<(Load, Result<PageTimes>)> {
            let pages = scope.spawn(move || pages::measure(&mut visitor?, started + duration));
            let load = load::open(self.server.address, &requests, OPEN_CONNECTIONS, per_second, started)?;
            Ok((load, pages.join().ok().context("the visitor panicked")?))
        })?;
        self.tally(&load);
        let after = self.server.drained()?;

        let note = format!("{per_second:.0} events/s at independent times{}", refusals(&load));
        for (name, share) in [("acknowledged, p50", 0.5), ("acknowledged, p99", 0.99)] {
            match load.quantile_ms(share) {
                Some(millis) => report.figure(name, millis, "ms", note.clone()),
                None => report.missing(name, "nothing was answered"),
            }
        }
        match after.quantile_since(&before, "bugle_visible_seconds", 0.99) {
            Some(seconds) => report.figure("visible, p99", seconds * 1000.0, "ms", "at most; the bucket's upper bound"),
            None => report.missing("visible, p99", "bugle_visible_seconds counted nothing"),
        }
        match pages {
            Ok(pages) => {
                let note = format!("{} pages at that rate", pages.samples);
                report.figure("issue list, p95", pages.list_p95_ms, "ms", note.clone());
                report.figure("issue page, p95", pages.issue_p95_ms, "ms", note);
            }
            Err(why) => {
                report.missing("issue list, p95", format!("{why:#}"));
                report.missing("issue page, p95", format!("{why:#}"));
            }
        }
        Ok(())
    }

    /// Requests for a phase that may be somewhat faster than expected, as far as memory goes.
    fn make_for(&mut self, per_second: f64, duration: Duration) -> Result<Vec<Request>> {
        const REQUEST_BYTES: u64 = 6 * 1024;
        let wanted = (per_second * duration.as_secs_f64() * SPARE) as usize;
        let room = machine::memory_available_bytes() / 2 / REQUEST_BYTES;
        self.make(wanted.min(room as usize))
    }

    fn make(&mut self, count: usize) -> Result<Vec<Request>> {
        let start = Instant::now();
        let requests = self.source.make(count.max(1))?;
        eprintln!("made {count} requests in {:.1} s", start.elapsed().as_secs_f64());
        Ok(requests)
    }

    fn closed(&mut self, requests: &[Request], duration: Duration) -> Result<Load> {
        let load = load::closed(self.server.address, requests, CONNECTIONS, duration)?;
        self.tally(&load);
        Ok(load)
    }

    fn tally(&mut self, load: &Load) {
        let answered: u64 = load.statuses.values().sum();
        self.answered += answered;
        self.refused += answered - load.accepted();
    }

    fn metrics(&self) -> Result<Metrics> {
        self.server.metrics()
    }
}

/// Whether every event has the fate that was promised.
fn balance(metrics: &Metrics, answered: u64, refused: u64, report: &mut Report) {
    let received = metrics.sum("bugle_items_received_total", ERRORS);
    let stored = metrics.sum("bugle_items_stored_total", ERRORS);
    let discarded = metrics.sum("bugle_items_discarded_total", ERRORS);
    let backlog = metrics.sum("bugle_journal_backlog", &[]);
    let sums = format!("{received} received, {stored} stored + {discarded} discarded + {backlog} in the backlog");
    if received != stored + discarded + backlog {
        report.failure(format!("the sums differ: {sums}"));
    }
    if refused == 0 && received != answered as f64 {
        report.failure(format!("{answered} events were acknowledged, and {received} received"));
    }
    report.fact("balance", sums);
}

/// Stops the server, and measures what it leaves.
fn stop(server: &mut Server, empty_bytes: u64, stored: f64, report: &mut Report) -> Result<()> {
    if let Err(why) = server.stop() {
        report.failure(format!("{why:#}"));
    }
    let files = server.place.disk_bytes()?;
    let bytes: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    let largest: Vec<String> =
        files.iter().take(3).map(|(name, bytes)| format!("{name} {:.0}", *bytes as f64 / stored)).collect();
    let per_event = bytes.saturating_sub(empty_bytes) as f64 / stored;
    report.figure(
        "disk",
        per_event,
        "bytes/event",
        format!("du after the stop, less that of an empty store: {}", largest.join(", ")),
    );
    match server.place.check() {
        Ok(_) => report.fact("check", "bugle check agrees".into()),
        Err(why) => report.failure(format!("{why:#}")),
    }
    Ok(())
}

/// How long a load lasted, and why if it was short.
fn length(load: &Load) -> String {
    let early = if load.ran_out { ", until the requests ran out" } else { "" };
    format!("{:.1} s{early}", load.elapsed.as_secs_f64())
}

/// Answers other than 200, if any.
fn refusals(load: &Load) -> String {
    let others: Vec<String> = load
        .statuses
        .iter()
        .filter(|(status, _)| **status != 200)
        .map(
            |(status, count)| {
                if *status == 0 { format!("{count} without answer") } else { format!("{count} × {status}") }
            },
        )
        .collect();
    if others.is_empty() { String::new() } else { format!("; {}", others.join(", ")) }
}
