//! `cargo xtask crash`: kills the release binary at random instants and takes its disk away, and compares what it had
//! promised with what it kept.
//!
//! **What must hold**, however the server ended:
//! * every event of an envelope that was answered 200 is stored, once; of an envelope without an answer all or none;
//! * nothing is stored that was never sent, and nothing that was refused;
//! * the books balance: what came is stored, or stands there with a reason; as many records were filed as the journal
//!   has given positions;
//! * `bugle check` agrees: counters with rows, payloads with their exemplars, the journal with what was filed.
//!
//! **How.** First servers are killed while they make their database. Then one directory is served, loaded, killed and
//! served again: between 20 ms and 1.5 s after it was ready, right after an acknowledgement, while nothing can be filed,
//! while it starts and files what it finds, and while it stops and moves its log into the database (a checkpoint). Every
//! tenth round ends gently and everything is compared. Then while retention removes rows, by age and by count, a round each
//! second. Then databases of earlier releases, killed during their migrations (`upgrade.rs`). Then the disk: full, failing to
//! write, failing to sync (`fault.rs`), and a clock that jumps (`clock.rs`), each on a directory of its own.
//!
//! **What stands where.** Kills, migrations, retention, checkpoints, a full disk, failed writes and syncs of the whole server,
//! jumps of the clock: here, with the published binary. Every single write and sync that can fail, a disk that is full for a
//! while, what a power cut leaves of what was not synced: `tests/disk.rs` of `bugle-journal` and `bugle-db`, on a failing disk
//! in the process (`bugle-fault`). Logs cut or damaged at any byte: `tests/torn.rs` of `bugle-journal`.
//!
//! With `--database postgres` the rounds are run on a PostgreSQL server of the harness's own, which syncs. It is not killed
//! itself: that it survives this is its makers' promise. The phases of the disk are about SQLite's files and left out.
//!
//! The numbers are seeded, the instants are the machine's: the same seed gives the same plan, not the same run. Any
//! difference is an error; the directory then stays and its place is printed.

mod books;
mod clock;
mod envelope;
mod fault;
mod load;
mod report;
mod rounds;
mod store;
mod upgrade;
mod verify;

use crate::random::Random;
use crate::server;
use anyhow::{Context, Result, bail};
use report::Report;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const USAGE: &str = "cargo xtask crash [--kills N] [--seconds-max N] [--seed S] [--short] [--require] [--only PHASE] \
     [--binary FILE] [--database sqlite|postgres]";

/// How a run is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many servers are killed.
    pub kills: u32,
    /// After which time no further round begins.
    pub seconds_max: u64,
    /// What the plan is made of.
    pub seed: u64,
    /// Whether a phase that this machine does not allow is an error.
    pub require: bool,
    /// Only the phases after the rounds whose names contain this.
    pub only: Option<String>,
    /// The server, if it is another than the release build of this tree.
    pub binary: Option<PathBuf>,
    /// Whether the database is PostgreSQL.
    pub is_postgres: bool,
}

/// Runs the harness with the words after `cargo xtask crash`.
pub fn run(words: impl Iterator<Item = String>) -> Result<()> {
    let words: Vec<String> = words.collect();
    let options = options(words.iter().map(String::as_str))?;
    let binary = options.binary.clone().map_or_else(server::build, Ok)?;
    let dir = crate::step::root().join("target").join(format!("crash-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    println!("seed {}, {} kills, in {}", options.seed, options.kills, dir.display());
    let mut report = Report::default();
    let deadline = Instant::now() + Duration::from_secs(options.seconds_max);
    let random = Random::seeded(options.seed);
    let rounds = match options.only {
        None => rounds::run(&binary, &dir, &options, deadline, random.clone(), &mut report),
        Some(_) => Ok(()),
    };
    let upgrades = options.only.as_ref().is_none_or(|only| "kills during migrations".contains(only.as_str()));
    let rounds = match rounds {
        Ok(()) if upgrades && !options.is_postgres => {
            upgrade::run(&binary, &dir, &options, random.clone(), &mut report)
        }
        rounds => rounds,
    };
    let done = rounds.and_then(|()| {
        if options.is_postgres { Ok(()) } else { fault::run(&binary, &dir, &options, random, &mut report) }
    });
    println!("{}", report.table());
    match done {
        Ok(()) if report.is_good() => std::fs::remove_dir_all(&dir).context("removing the directory"),
        Ok(()) => bail!("what was promised and what was kept differ; everything is left in {}", dir.display()),
        Err(error) => Err(error.context(format!("everything is left in {}", dir.display()))),
    }
}

/// Which engine a word names.
pub fn is_postgres(word: &str) -> Result<bool> {
    match word {
        "sqlite" => Ok(false),
        "postgres" => Ok(true),
        other => bail!("{other} is no database: sqlite or postgres"),
    }
}

fn options<'a>(mut words: impl Iterator<Item = &'a str>) -> Result<Options> {
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_nanos() as u64;
    let seed = nanos % 1_000_000;
    let mut options =
        Options { kills: 100, seconds_max: 1800, seed, require: false, only: None, binary: None, is_postgres: false };
    while let Some(word) = words.next() {
        let mut number = || -> Result<u64> { words.next().context(USAGE)?.parse().context(USAGE) };
        match word {
            "--kills" => options.kills = u32::try_from(number()?)?,
            "--seconds-max" => options.seconds_max = number()?,
            "--seed" => options.seed = number()?,
            "--short" => (options.kills, options.seconds_max) = (12, 25),
            "--require" => options.require = true,
            "--only" => options.only = Some(words.next().context(USAGE)?.into()),
            "--binary" => options.binary = Some(words.next().context(USAGE)?.into()),
            "--database" => options.is_postgres = is_postgres(words.next().context(USAGE)?)?,
            other => bail!("{other} is not known: {USAGE}"),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_options() {
        let short = options(["--short", "--seed", "7", "--require"].into_iter()).unwrap();
        assert_eq!((short.kills, short.seed, short.require), (12, 7, true));
        assert_eq!(options(["--kills", "40"].into_iter()).unwrap().kills, 40);
        assert!(options(["--kills"].into_iter()).is_err());
        assert!(options(["--database", "postgres"].into_iter()).unwrap().is_postgres);
        assert!(options(["--gently"].into_iter()).is_err());
    }
}
