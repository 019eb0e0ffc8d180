//! The books at the door: nothing that came leaves without a fate.
//!
//! [`Received`] stands for one item from the moment it was recognised. It ends by [`Received::refuse`], by
//! [`Received::report`] when it is a client report, or by [`Received::journalled`] once its record is durable (filing then writes its receipt and its outcome together). Dropping
//! one without either is a mistake of ours: it is counted as such, loudly, and fails a debug build.
//!
//! What is refused here is summed in memory and written each second, receipt and outcome in one transaction, so a
//! kill may cost a second of both and never unbalances them.

use crate::client_report::{self, Discard, Reasons};
use crate::filter;
use crate::metrics::Metrics;
use crate::outcome::{Account, Category, Dialect, Entries, HOUR_MS, Outcome, Reason};
use crate::project::Key;
use bugle_event::filter::By;
use std::sync::{Arc, Mutex, PoisonError};

/// Sums of what was refused and waits to be written.
pub struct Ledger {
    metrics: Arc<Metrics>,
    waiting: Mutex<Entries>,
    /// Keeps the reasons of client reports few.
    reasons: Reasons,
}

/// One item that came and has no fate yet.
#[must_use]
pub struct Received<'l> {
    ledger: &'l Ledger,
    project: i64,
    key: i64,
    hour: i64,
    category: Category,
    is_settled: bool,
}

impl Ledger {
    /// Empty books.
    pub fn new(metrics: Arc<Metrics>) -> Ledger {
        Ledger { metrics, waiting: Mutex::default(), reasons: Reasons::default() }
    }

    /// An item came.
    pub fn receive(&self, key: Option<&Key>, dialect: Dialect, category: Category, now_ms: i64) -> Received<'_> {
        self.metrics.received(dialect, category, 1);
        Received {
            ledger: self,
            project: key.map_or(0, |key| key.project),
            key: key.map_or(0, |key| key.id),
            hour: now_ms / HOUR_MS,
            category,
            is_settled: false,
        }
    }

    /// Takes what waits to be written.
    pub fn take(&self) -> Entries {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts back what could not be written.
    pub fn put_back(&self, entries: Entries) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).merge(entries);
    }
}

impl Received<'_> {
    /// What kind of item it is.
    pub fn category(&self) -> Category {
        self.category
    }

    /// It is not kept.
    pub fn refuse(mut self, outcome: Outcome, reason: Reason) {
        self.settle(outcome, reason);
    }

    /// A filter has dropped it, an event that came at `received_ms`.
    pub fn filter(mut self, by: By, received_ms: i64) {
        self.ledger.waiting.lock().unwrap_or_else(PoisonError::into_inner).drops.add(self.project, by, received_ms);
        self.settle(Outcome::Filtered, filter::reason(by));
    }

    /// It is a client report, and what it says is written down: that is all there is to store of it.
    pub fn report(mut self, discards: Vec<Discard>) {
        let mut said = client_report::Sums::default();
        for discard in discards {
            let reason = self.ledger.reasons.bounded(self.project, self.hour, discard.reason);
            self.ledger.metrics.client_discard(discard.category, &reason, discard.quantity);
            let (project, key, hour, category) = (self.project, self.key, self.hour, discard.category);
            said.add(client_report::Account { project, key, hour, category, reason }, discard.quantity);
        }
        self.settle_with(Outcome::Stored, Reason::None, said);
    }

    /// Its record is durable: filing accounts for it.
    pub fn journalled(mut self) {
        self.is_settled = true;
    }

    fn settle(&mut self, outcome: Outcome, reason: Reason) {
        self.settle_with(outcome, reason, client_report::Sums::default());
    }

    fn settle_with(&mut self, outcome: Outcome, reason: Reason, said: client_report::Sums) {
        self.is_settled = true;
        let account =
            |fate| Account { project: self.project, key: self.key, hour: self.hour, category: self.category, fate };
        self.ledger.metrics.fate(self.category, outcome, reason, 1);
        let mut waiting = self.ledger.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.add(account(None), 1);
        waiting.add(account(Some((outcome, reason))), 1);
        waiting.client.merge(said);
    }
}

impl Drop for Received<'_> {
    fn drop(&mut self) {
        if !self.is_settled {
            tracing::error!(category = self.category.as_str(), "an item was dropped without an outcome");
            self.settle(Outcome::Discarded, Reason::Quarantined);
            debug_assert!(std::thread::panicking(), "an item was dropped without an outcome");
        }
    }
}
