//! Where a figure was measured, and what the operating system knows about a process.

use anyhow::{Context, Result};
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What a reader needs to compare figures: name and value. `dir` is where the server keeps its data.
pub fn facts(root: &Path, dir: &Path) -> Result<Vec<(&'static str, String)>> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = line_of("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into());
    let memory_mib = kib_of("/proc/meminfo", "MemTotal").unwrap_or_default() / 1024;
    let filesystem = output("stat", &["-f", "-c", "%T", &dir.to_string_lossy()], root)?;
    let dirty = if output("git", &["status", "--porcelain"], root)?.is_empty() { "" } else { ", changed since" };
    let commit = output("git", &["rev-parse", "--short=12", "HEAD"], root)?;
    Ok(vec![
        ("machine", format!("{cores} cores, {model}, {memory_mib} MiB of memory, kernel {}", kernel())),
        ("disk", format!("{filesystem}, fdatasync of 4 KiB takes {} µs", sync_micros(dir)?)),
        ("date", format!("{:.0}", jiff::Timestamp::now())),
        ("commit", format!("{commit}{dirty}")),
    ])
}

/// CPU time of a process so far, user and system.
pub fn cpu_time(process: u32) -> Result<Duration> {
    /// USER_HZ, which Linux fixes for what it shows in `/proc`.
    const TICKS_PER_SECOND: u64 = 100;
    let path = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&path).with_context(|| path.clone())?;
    let (_, fields) = stat.rsplit_once(')').context("stat without a name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).context("stat without times");
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 1000 / TICKS_PER_SECOND))
}

/// Resident memory of a process in MiB: now (`VmRSS`) or at its highest (`VmHWM`).
pub fn memory_mib(process: u32, field: &str) -> Result<f64> {
    let path = format!("/proc/{process}/status");
    let kib = kib_of(&path, field).with_context(|| format!("{field} in {path}"))?;
    Ok(kib as f64 / 1024.0)
}

/// Memory that can be had without swapping, in bytes.
pub fn memory_available_bytes() -> u64 {
    kib_of("/proc/meminfo", "MemAvailable").unwrap_or_default() * 1024
}

/// Bytes that the files below `dir` take on the disk, as `du` counts them: path and bytes, the largest first.
pub fn disk_bytes(dir: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            if meta.is_dir() {
                open.push(entry.path());
            } else {
                files.push((entry.path(), meta.blocks() * 512));
            }
        }
    }
    files.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    Ok(files)
}

/// Microseconds that making 4 KiB durable takes, the median of 50: it bounds what an acknowledgement can take.
fn sync_micros(dir: &Path) -> Result<u64> {
    let path = dir.join("sync-probe");
    let mut file = fs::File::create(&path)?;
    let mut micros = Vec::new();
    for _ in 0..50 {
        file.write_all(&[7; 4096])?;
        let start = Instant::now();
        file.sync_data()?;
        micros.push(start.elapsed().as_micros() as u64);
    }
    fs::remove_file(path)?;
    micros.sort_unstable();
    Ok(micros[micros.len() / 2])
}

fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}

/// The value of a `name: value` line.
fn line_of(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn kib_of(path: &str, name: &str) -> Option<u64> {
    line_of(path, name)?.trim_end_matches("kB").trim().parse().ok()
}

fn output(program: &str, arguments: &[&str], dir: &Path) -> Result<String> {
    let output = Command::new(program).args(arguments).current_dir(dir).output().with_context(|| program.to_owned())?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_cpu_time_and_memory() {
        let own = std::process::id();
        let before = cpu_time(own).unwrap();
        let start = Instant::now();
        while cpu_time(own).unwrap() == before {
            assert!(start.elapsed() < Duration::from_secs(20), "the clock of CPU time stands");
        }
        assert!(memory_mib(own, "VmHWM").unwrap() >= memory_mib(own, "VmRSS").unwrap() / 2.0);
        assert!(memory_available_bytes() > 0);
    }
}
