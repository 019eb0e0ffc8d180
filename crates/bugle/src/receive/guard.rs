//! Guards: bounds of the whole server, judged before anything is written.
//!
//! A refusal is a loss more often than a delay (SDKs do not retry), so the bounds are far out: what waits to be filed, in
//! items and bytes, the disk's free space, and, where the operator wants it, events accepted in a minute. A full disk
//! would take the database and everything else on it along.
//!
//! What holds for everybody is judged here, without a lock and before the body is read. How a guard is shared between
//! projects before it is used up is [`super::room`].

use super::reply::{Refusal, Retry};
use crate::config::Config;
use crate::outcome::Reason;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

/// The bounds, from the settings of the server.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Events accepted in a minute; `None`: as many as come.
    pub accepted_per_minute_max: Option<i64>,
    /// What may wait to be filed.
    pub backlog_items_max: i64,
    /// The same in bytes of the journal.
    pub backlog_bytes_max: i64,
    /// Free disk that must remain, in bytes.
    pub disk_free_bytes_min: i64,
}

/// See the module comment.
pub struct Guard {
    bounds: Bounds,
    backlog_items: AtomicI64,
    backlog_bytes: AtomicI64,
    disk_free_bytes: AtomicI64,
    data: PathBuf,
}

impl Guard {
    /// A guard that has looked once.
    pub fn new(config: &Config) -> Guard {
        let guard = Guard {
            bounds: Bounds {
                accepted_per_minute_max: config.accepted_per_minute_max,
                backlog_items_max: config.backlog_items_max,
                backlog_bytes_max: config.backlog_bytes_max,
                disk_free_bytes_min: config.disk_free_bytes_min,
            },
            backlog_items: AtomicI64::new(0),
            backlog_bytes: AtomicI64::new(0),
            disk_free_bytes: AtomicI64::new(i64::MAX),
            data: config.data.clone(),
        };
        guard.look();
        guard
    }

    /// The bounds.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Looks at the disk again. Called each second.
    pub fn look(&self) {
        if let Some(free_bytes) = disk_free_bytes(&self.data) {
            self.disk_free_bytes.store(free_bytes, Ordering::Relaxed);
        }
    }

    /// Free disk, as of the last look.
    pub fn disk_free_bytes(&self) -> i64 {
        self.disk_free_bytes.load(Ordering::Relaxed)
    }

    /// Says how much waits to be filed.
    pub fn set_backlog(&self, items: i64, bytes: i64) {
        self.backlog_items.store(items, Ordering::Relaxed);
        self.backlog_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Items that wait to be filed, and their bytes.
    pub fn backlog(&self) -> (i64, i64) {
        (self.backlog_items.load(Ordering::Relaxed), self.backlog_bytes.load(Ordering::Relaxed))
    }

    /// Whether more can be taken now, of anybody.
    pub fn judge(&self) -> Result<(), (Refusal, Reason)> {
        let free = self.disk_free_bytes();
        if free < self.bounds.disk_free_bytes_min {
            return Err((disk_full(free, self.bounds.disk_free_bytes_min), Reason::DiskFull));
        }
        let (items, bytes) = self.backlog();
        if bytes > self.bounds.backlog_bytes_max || items > self.bounds.backlog_items_max {
            return Err((overload(items, bytes), Reason::Overload));
        }
        Ok(())
    }
}

/// Seconds after which a full disk is worth another try.
pub const DISK_AFTER_S: i64 = 60;
/// Seconds after which a backlog is worth another try.
pub const BACKLOG_AFTER_S: i64 = 30;

fn disk_full(free_bytes: i64, min_bytes: i64) -> Refusal {
    let detail = format!(
        "The server's disk is nearly full: {free_bytes} bytes are free and {min_bytes} must remain. Make room on it."
    );
    Refusal::later(detail, everything(DISK_AFTER_S, Reason::DiskFull))
}

/// The answer when the journal met the end of its disk: how much is free there is not known, only that it was not enough.
pub fn journal_full() -> Refusal {
    let detail = "The disk that holds the server's journal is full. Nothing of this was taken. Make room on it.";
    Refusal::later(detail, everything(DISK_AFTER_S, Reason::DiskFull))
}

fn overload(items: i64, bytes: i64) -> Refusal {
    let detail =
        format!("The server has {items} events ({bytes} bytes) waiting to be filed and takes no more for now.");
    Refusal::later(detail, everything(BACKLOG_AFTER_S, Reason::Overload))
}

/// The answer when the journal's disk is slower than what comes.
pub fn journal_busy(waiting_bytes: i64) -> Refusal {
    let detail = format!("The server has {waiting_bytes} bytes waiting for its disk and takes no more for now.");
    Refusal::later(detail, everything(BACKLOG_AFTER_S, Reason::Overload))
}

/// A time to come again that is meant for whatever is sent.
fn everything(after_s: i64, reason: Reason) -> Retry {
    Retry { after_s, categories: "", scope: "organization", reason: reason.as_str() }
}

/// Free bytes of the file system that holds `path`.
pub fn disk_free_bytes(path: &Path) -> Option<i64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    i64::try_from(stat.f_bavail.saturating_mul(stat.f_frsize)).ok()
}
