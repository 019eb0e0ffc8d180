//! Guards: bounds of the whole server, judged before anything is written.
//!
//! A refusal is a loss more often than a delay (SDKs do not retry), so the bounds are far out: the backlog on disk and the
//! disk's free space. A full disk would take the database and everything else on it along.

use crate::config::Config;
use crate::outcome::Reason;
use crate::receive::reply::{Refusal, Retry};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

/// See the module comment.
pub struct Guard {
    backlog_bytes: AtomicI64,
    backlog_bytes_max: i64,
    disk_free_bytes: AtomicI64,
    disk_free_bytes_min: i64,
    data: PathBuf,
}

impl Guard {
    /// A guard that has looked once.
    pub fn new(config: &Config) -> Guard {
        let guard = Guard {
            backlog_bytes: AtomicI64::new(0),
            backlog_bytes_max: config.backlog_bytes_max,
            disk_free_bytes: AtomicI64::new(i64::MAX),
            disk_free_bytes_min: config.disk_free_bytes_min,
            data: config.data.clone(),
        };
        guard.look();
        guard
    }

    /// Looks at the disk again. Called each second.
    pub fn look(&self) {
        if let Some(free_bytes) = disk_free_bytes(&self.data) {
            self.disk_free_bytes.store(free_bytes, Ordering::Relaxed);
        }
    }

    /// Says how much is waiting to be filed.
    pub fn set_backlog_bytes(&self, bytes: i64) {
        self.backlog_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Whether more can be taken now.
    pub fn judge(&self) -> Result<(), (Refusal, Reason)> {
        let free = self.disk_free_bytes.load(Ordering::Relaxed);
        if free < self.disk_free_bytes_min {
            return Err((disk_full(free, self.disk_free_bytes_min), Reason::DiskFull));
        }
        let waiting = self.backlog_bytes.load(Ordering::Relaxed);
        if waiting > self.backlog_bytes_max {
            return Err((overload(waiting), Reason::Overload));
        }
        Ok(())
    }
}

/// The answer when the disk has no room.
pub fn disk_full(free_bytes: i64, min_bytes: i64) -> Refusal {
    let detail = format!(
        "The server's disk is nearly full: {free_bytes} bytes are free and {min_bytes} must remain. Make room on it."
    );
    Refusal::later(detail, Retry { after_s: 60, categories: "", scope: "organization", reason: "disk_full" })
}

/// The answer when too much waits.
pub fn overload(waiting_bytes: i64) -> Refusal {
    let detail = format!("The server has {waiting_bytes} bytes of events waiting and takes no more for now.");
    Refusal::later(detail, Retry { after_s: 30, categories: "", scope: "organization", reason: "overload" })
}

/// Free bytes of the file system that holds `path`.
pub fn disk_free_bytes(path: &Path) -> Option<i64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    i64::try_from(stat.f_bavail.saturating_mul(stat.f_frsize)).ok()
}
