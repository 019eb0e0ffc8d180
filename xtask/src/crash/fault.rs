//! What fails around the server. The disk: full, failing to write, failing to sync.
//!
//! * **Full**: a small file system that is filled by the load, then made larger. Refusals say `disk_full` and nothing
//!   acknowledged is lost; once there is room the server goes on by itself. With the guard (it refuses while some room
//!   is left) and without it (the journal meets the end of the disk). Needs root, to mount.
//! * **Failing to write**: the server may not make a file larger than some megabytes, so a write fails with EFBIG.
//! * **Failing to sync**: `strace` lets `fsync` of one file fail with EIO from some call on. Needs strace.
//!
//! In both of the latter the process must end, not with success, and say why; the next one has everything that was
//! acknowledged. Here the binary under test is the one that is published, with the system's own errors. Every single call that
//! can fail, and what a power cut leaves of what was never synced, is for the tests of `bugle-journal` and `bugle-db`, on the
//! failing disk of `bugle-fault`. A clock that jumps (`clock.rs`) has its phase here too.

use super::Options;
use super::books::Answer;
use super::load::{Ground, Load};
use super::report::{Report, Verdict, verdict};
use super::{clock, rounds, verify};
use crate::client::{Connection, get};
use crate::random::Random;
use crate::server::{Launch, Place, Server};
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FULL_MIB: u32 = 24;
const ROOMY_MIB: u32 = 256;
/// Envelopes of one phase at most: more than fit into any of the limits.
const ENVELOPES_MAX: u64 = 200_000;
/// How long a server may take to notice: that the disk is full, that there is room again, that a write failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs every phase that this machine allows.
pub fn run(binary: &Path, dir: &Path, options: &Options, mut random: Random, report: &mut Report) -> Result<()> {
    let mut phase = |name: &str, missing: Option<String>, run: &dyn Fn(Place, u64) -> Result<Outcome>| {
        let place = Place { binary: binary.to_owned(), dir: dir.join(name.replace(' ', "-")), database: None };
        let seed = random.next();
        if options.only.as_ref().is_some_and(|only| !name.contains(only)) {
            return;
        }
        let verdict = match missing {
            Some(why) if options.require => Verdict::Bad(vec![format!("not run: {why}")]),
            Some(why) => Verdict::NotRun(why),
            None => match run(place, seed) {
                Ok((differences, remark)) => verdict(differences, remark),
                Err(error) => Verdict::Bad(vec![format!("{error:#}")]),
            },
        };
        report.phase(name, verdict);
    };
    let root = || (!is_root()).then(|| "needs root, to mount a small file system".to_owned());
    let strace = || (!has_strace()).then(|| "needs strace".to_owned());
    phase("full disk, with the guard", root(), &|place, seed| full(place, seed, 6 << 20));
    phase("full disk, without the guard", root(), &|place, seed| full(place, seed, 0));
    phase("stopped while the disk is full", root(), &stopped_while_full);
    phase("failed write at 2 MiB", None, &|place, seed| failed_write(place, seed, 2 << 20));
    phase("failed write at 12 MiB", None, &|place, seed| failed_write(place, seed, 12 << 20));
    phase("failed fsync of the journal", strace(), &|place, seed| failed_sync(place, seed, "journal.db-wal"));
    phase("failed fsync of the database", strace(), &|place, seed| failed_sync(place, seed, "bugle.db-wal"));
    phase("a clock that jumps", clock::missing(), &clock::jumps);
    Ok(())
}

/// Differences, and a remark.
pub type Outcome = (Vec<String>, String);

/// A file system of its own size in memory, unmounted when it goes.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(dir: &Path) -> Result<SmallDisk> {
        std::fs::create_dir_all(dir)?;
        let size = format!("size={FULL_MIB}m,mode=700");
        program("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", &dir.to_string_lossy()])?;
        Ok(SmallDisk(dir.to_owned()))
    }

    fn grow(&self) -> Result<()> {
        program("mount", &["-o", &format!("remount,size={ROOMY_MIB}m"), &self.0.to_string_lossy()])
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a failed run may have left something open. What it held is lost, the report is not.
        let _ = program("umount", &["-l", &self.0.to_string_lossy()]);
    }
}

fn full(place: Place, seed: u64, free_bytes_min: u64) -> Result<Outcome> {
    let disk = SmallDisk::mount(&place.dir)?;
    let ground = rounds::settle(&place)?;
    let (mut server, load) = filled(&place, &ground, seed, free_bytes_min)?;
    let refused_until = Instant::now() + Duration::from_secs(1);
    while Instant::now() < refused_until {
        ensure!(server.is_running()?, "the server ended when the disk was full:\n{}", place.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut differences = Vec::new();
    if free_bytes_min > 0 {
        let mut connection = Connection::open(server.address)?;
        for (path, expected) in [("/healthz", 200), ("/readyz", 503)] {
            let status = connection.exchange(&get("localhost", path, ""))?;
            if status != expected {
                differences.push(format!("{path} answers {status} while the disk is full"));
            }
        }
    }
    disk.grow()?;
    let grown = Instant::now();
    while load.acknowledgements.try_recv().is_ok() {}
    let again = load.acknowledgements.recv_timeout(PATIENCE);
    ensure!(again.is_ok(), "nothing is taken {} s after there was room again:\n{}", PATIENCE.as_secs(), place.log());
    let took = grown.elapsed();
    load.stop();
    load.join()?;
    let findings = verify::gently(server, &ground)?;
    differences.extend(findings.differences);
    differences.extend(odd_answers(&ground));
    let remark =
        format!("{} acknowledged; takes more {} ms after there is room", findings.acknowledged, took.as_millis());
    Ok((differences, remark))
}

/// A server under a load that has filled its disk: it refuses.
fn filled(place: &Place, ground: &Ground, seed: u64, free_bytes_min: u64) -> Result<(Server, Load)> {
    let settings = vec![("BUGLE_DISK_FREE_BYTES_MIN", free_bytes_min.to_string())];
    let mut server = place.serve(&Launch { settings, under: Vec::new() })?;
    server.await_start()?;
    let load = Load::start(server.address, ground, seed, Vec::new(), ENVELOPES_MAX);
    let heard = load.refusals.recv_timeout(PATIENCE);
    ensure!(heard.is_ok(), "nothing was refused within {} s", PATIENCE.as_secs());
    refused(&server, ground, seed)?;
    Ok((server, load))
}

/// Sends until a refusal is seen from near: it must say why, in the header that SDKs obey. Without the guard a small
/// envelope may still fit where a large one did not.
fn refused(server: &Server, ground: &Ground, seed: u64) -> Result<()> {
    let (mut connection, mut random) = (Connection::open(server.address)?, Random::seeded(seed));
    let since = Instant::now();
    loop {
        let made = ground.source.make(&mut random)?;
        let envelope = ground.books().open(ground.source.project(0), made.ids.clone());
        let status = connection.exchange(&ground.source.request(0, &made))?;
        let answer = if status == 200 { Answer::Acknowledged } else { Answer::Refused };
        ground.books().settle(envelope, answer);
        if status == 200 && since.elapsed() < PATIENCE {
            continue;
        }
        let limits = connection.header("x-sentry-rate-limits").unwrap_or_default();
        ensure!(status == 429 && limits.contains("disk_full"), "answered {status}, limits {limits:?}");
        return Ok(());
    }
}

fn stopped_while_full(place: Place, seed: u64) -> Result<Outcome> {
    let disk = SmallDisk::mount(&place.dir)?;
    let ground = rounds::settle(&place)?;
    let (mut server, load) = filled(&place, &ground, seed, 0)?;
    let took = server.stop()?;
    load.join()?;
    disk.grow()?;
    let mut next = place.serve(&Launch::default())?;
    next.await_start()?;
    let findings = verify::gently(next, &ground)?;
    let mut differences = findings.differences;
    if took > Duration::from_secs(10) {
        differences.push(format!("it took {:.1} s to stop", took.as_secs_f64()));
    }
    Ok((differences, format!("{} acknowledged; stopped in {} ms", findings.acknowledged, took.as_millis())))
}

fn failed_write(place: Place, seed: u64, file_bytes_max: u64) -> Result<Outcome> {
    // POSIX counts in blocks of 512 bytes. Without the trap the signal would end the server before the error is seen.
    let limit = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", file_bytes_max / 512);
    failed(place, seed, vec!["sh".into(), "-c".into(), limit])
}

fn failed_sync(place: Place, seed: u64, file: &str) -> Result<Outcome> {
    let file = place.data().join(file).to_string_lossy().into_owned();
    let inject = "--inject=fsync,fdatasync:error=EIO:when=40+";
    // As a grandchild (-D), so that the server is the process that was started.
    let under = ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-P", &file, "-e"];
    let mut under: Vec<String> = under.iter().map(|word| (*word).to_owned()).collect();
    under.extend(["trace=fsync,fdatasync".into(), inject.into()]);
    failed(place, seed, under)
}

/// Serves under something that makes writes fail: the server must end and say why, and the next one must have
/// everything.
fn failed(place: Place, seed: u64, under: Vec<String>) -> Result<Outcome> {
    let ground = rounds::settle(&place)?;
    let mut server = place.serve(&Launch { settings: Vec::new(), under })?;
    server.await_start()?;
    let load = Load::start(server.address, &ground, seed, Vec::new(), ENVELOPES_MAX);
    let status = server.ended(PATIENCE)?;
    load.stop();
    load.join()?;
    let log = place.log();
    let sentence = log.lines().rev().find(|line| line.contains("stopped because")).map(str::to_owned);
    let mut differences = Vec::new();
    match (&sentence, status.code()) {
        (Some(_), Some(code)) if code != 0 => {}
        _ => differences.push(format!("the server ended with {status} and these last words: {}", tail(&log))),
    }
    let mut next = place.serve(&Launch::default())?;
    next.await_start()?;
    let findings = verify::gently(next, &ground)?;
    differences.extend(findings.differences);
    Ok((differences, format!("{} acknowledged; {}", findings.acknowledged, sentence.unwrap_or_default())))
}

/// Answers that promise nothing. A full disk is a reason to refuse, none to fail.
fn odd_answers(ground: &Ground) -> Option<String> {
    let odd = std::mem::take(&mut ground.books().odd);
    (!odd.is_empty()).then(|| format!("answered by status: {odd:?}"))
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(3)..].join(" | ")
}

fn program(name: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(name).args(arguments).output().with_context(|| name.to_owned())?;
    if !output.status.success() {
        bail!("{name} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn has_strace() -> bool {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "true"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
