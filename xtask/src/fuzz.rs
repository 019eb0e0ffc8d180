//! `cargo xtask fuzz`: hostile bytes for everything that reads bytes from outside, and the table of what was tried.
//!
//! The targets are in `fuzz/` (what each one asserts stands in `fuzz/src/lib.rs`). They are built by the stable compiler with
//! LLVM's coverage counters, which is all that libFuzzer needs; address sanitizing would need another compiler, and there
//! is next to no unsafe code to find by it.
//!
//! What is found while running lies in `fuzz/found/<target>/` and is not committed; an input that breaks something is printed
//! with its place. It then becomes a test beside the code, and moves to `fuzz/corpus/<target>/`.

use crate::step::{root, run};
use anyhow::{Context, Result, bail, ensure};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const USAGE: &str = "cargo xtask fuzz [TARGET…] [--seconds N]";
/// Seconds for each target when nothing is said.
const SECONDS: u64 = 60;
/// One input may take so long. What the door does for an event takes a tenth of a millisecond.
const TIMEOUT_S: u64 = 1;
/// A target may use so much memory, in MiB: an event is at most 1 MiB, and inputs are smaller.
const MEMORY_MIB_MAX: u64 = 512;
/// Bytes of an input: enough for everything that a parser does, and small enough to try many.
const INPUT_BYTES_MAX: u64 = 16 << 10;
/// What `rustc` is told, so that libFuzzer sees which branches an input takes.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares --cfg=fuzzing";

/// What running one target came to.
struct Tried {
    target: String,
    executions: u64,
    peak_mib: u64,
    coverage: u64,
    is_good: bool,
}

/// Runs the command with the words after `cargo xtask fuzz`.
pub fn fuzz(words: impl Iterator<Item = String>) -> Result<()> {
    let (mut asked, mut seconds) = (Vec::new(), SECONDS);
    let mut words = words;
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seconds" => seconds = words.next().context(USAGE)?.parse().context(USAGE)?,
            _ if word.starts_with('-') => bail!(USAGE),
            _ => asked.push(word),
        }
    }
    let all = targets()?;
    let unknown = asked.iter().find(|name| !all.contains(name));
    ensure!(unknown.is_none(), "no target {unknown:?}; there are {}", all.join(", "));
    let folder = build()?;
    let mut tried = Vec::new();
    for target in if asked.is_empty() { all } else { asked } {
        tried.push(try_one(&folder, target, seconds)?);
    }
    println!("\n{:<12} {:>12} {:>10} {:>10}", "target", "executions", "branches", "peak MiB");
    for Tried { target, executions, peak_mib, coverage, is_good } in &tried {
        let said = if *is_good { "" } else { "  FAILED" };
        println!("{target:<12} {executions:>12} {coverage:>10} {peak_mib:>10}{said}");
    }
    println!("{:<12} {:>12}", "all", tried.iter().map(|tried| tried.executions).sum::<u64>());
    ensure!(tried.iter().all(|tried| tried.is_good), "an input broke something; its place stands above");
    Ok(())
}

/// The targets there are, by name.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root().join("fuzz/targets"))? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Builds all targets; the folder in which they are then.
fn build() -> Result<PathBuf> {
    let host = Command::new("rustc").arg("-vV").output().context("rustc -vV")?;
    let host = String::from_utf8_lossy(&host.stdout).into_owned();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let out = root().join("fuzz/target");
    // With a target named, build scripts and macros are built without the counters.
    run(Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--target", host])
        .current_dir(root().join("fuzz"))
        .env("CARGO_TARGET_DIR", &out)
        .env("RUSTFLAGS", FLAGS))?;
    Ok(out.join(host).join("release"))
}

fn try_one(folder: &std::path::Path, target: String, seconds: u64) -> Result<Tried> {
    let found = root().join("fuzz/found").join(&target);
    std::fs::create_dir_all(&found)?;
    println!("── {target}: {seconds} s");
    let output = Command::new(folder.join(&target))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={TIMEOUT_S}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-artifact_prefix={}/broken-", root().join("fuzz/found").display()))
        .arg("-print_final_stats=1")
        .arg(&found)
        .arg(root().join("fuzz/corpus").join(&target))
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {target}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let number = |line: &str| line.split_whitespace().last()?.parse().ok();
    let stat = |name: &str| said.lines().find(|line| line.starts_with(name)).and_then(number).unwrap_or(0);
    let cov = |line: &str| line.split_whitespace().skip_while(|word| *word != "cov:").nth(1)?.parse().ok();
    let is_good = output.status.success();
    if !is_good {
        said.lines().rev().take(60).collect::<Vec<_>>().into_iter().rev().for_each(|line| println!("{line}"));
    }
    Ok(Tried {
        executions: stat("stat::number_of_executed_units:"),
        peak_mib: stat("stat::peak_rss_mb:"),
        coverage: said.lines().rev().find_map(cov).unwrap_or(0),
        target,
        is_good,
    })
}
