//! `cargo xtask bench`: the published numbers, measured here and now, beside their floor.
//!
//! Drives the release binary over loopback with what the Python SDK sends, and prints one table. `docs/bench.md` says
//! what each figure means. Rules: a figure has its unit; what could not be measured says so; a run after which the sums
//! disagree (received = stored + discarded + backlog), or `bugle check` does, is a failed run, whatever its speed.
//!
//! With `--database postgres` the database is a server that the bench starts and that syncs. What PostgreSQL's own processes
//! take of the two figures for CPU and memory is not in them: they are of Bugle's process.
//!
//! The phases, in order: warm-up, burst, floor, sustained, half rate, stop. Each starts with an empty backlog and with
//! its requests already made.

mod floor;
mod grow;
mod load;
mod pages;
mod phases;
mod pool;
mod report;

use crate::machine;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::time::Duration;

const USAGE: &str = "cargo xtask bench [--short] [--json] [--seconds N] [--binary FILE] [--dir DIR] [--keep] \
     [--database sqlite|postgres] [--grow]";

/// How a run is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long the server is kept busy in the sustained phase.
    pub sustained: Duration,
    /// How long the half rate lasts.
    pub half: Duration,
    /// How long the burst lasts.
    pub burst: Duration,
    /// Where the server's directory is made; on the disk whose cost is meant.
    pub dir: Option<PathBuf>,
    /// The server, if it is another than the release build of this tree.
    pub binary: Option<PathBuf>,
    /// Whether the database is PostgreSQL: a server of the bench's own, with its defaults.
    pub is_postgres: bool,
    /// Whether two sizes of the store are compared, and nothing else is measured.
    grow: bool,
    json: bool,
    keep: bool,
}

/// Runs the bench with the words after `cargo xtask bench`.
pub fn run(words: impl Iterator<Item = String>) -> Result<()> {
    let words: Vec<String> = words.collect();
    let options = options(words.iter().map(String::as_str))?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the repository")?;
    let place = options.dir.clone().unwrap_or_else(|| root.join("target"));
    let dir = place.join(format!("bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let mut report = report::Report::default();
    machine::facts(root, &dir)?.into_iter().for_each(|(name, value)| report.fact(name, value));
    report.fact("command", format!("cargo xtask bench {}", words.join(" ")).trim_end().to_owned());
    let measure = if options.grow { grow::measure } else { phases::measure };
    let done = measure(root, &dir, &options, &mut report);
    if !options.keep {
        std::fs::remove_dir_all(&dir)?;
    }
    println!("{}", if options.json { report.json() } else { report.table() });
    done?;
    if !report.is_good() {
        bail!("the run failed; its figures do not count");
    }
    Ok(())
}

fn options<'a>(mut words: impl Iterator<Item = &'a str>) -> Result<Options> {
    let seconds = Duration::from_secs;
    let (sustained, half, burst) = (seconds(60), seconds(20), seconds(10));
    let mut options = Options {
        sustained,
        half,
        burst,
        dir: None,
        binary: None,
        is_postgres: false,
        grow: false,
        json: false,
        keep: false,
    };
    while let Some(word) = words.next() {
        match word {
            "--short" => (options.sustained, options.half, options.burst) = (seconds(8), seconds(6), seconds(4)),
            "--json" => options.json = true,
            "--keep" => options.keep = true,
            "--grow" => options.grow = true,
            "--seconds" => options.sustained = seconds(words.next().context(USAGE)?.parse().context(USAGE)?),
            "--binary" => options.binary = Some(words.next().context(USAGE)?.into()),
            "--dir" => options.dir = Some(words.next().context(USAGE)?.into()),
            "--database" => options.is_postgres = crate::crash::is_postgres(words.next().context(USAGE)?)?,
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
        let short = options(["--short", "--json"].into_iter()).unwrap();
        assert!(short.json && short.sustained.as_secs() == 8);
        let long = options(["--seconds", "90", "--dir", "/tmp"].into_iter()).unwrap();
        assert_eq!((long.sustained.as_secs(), long.dir), (90, Some("/tmp".into())));
        assert!(options(["--fast"].into_iter()).is_err());
        assert!(options(["--seconds"].into_iter()).is_err());
    }
}
