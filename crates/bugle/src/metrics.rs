//! Metrics: what `/metrics` shows, in Prometheus' text form.
//!
//! Counters count since the process started. Labels never hold a name from outside, so their number is bounded by
//! this program. Received is counted at the door, outcomes where they are decided: at rest received = stored +
//! discarded + backlog. What SDKs dropped before it came is counted apart.

use crate::client_report;
use crate::outcome::{Category, Dialect, Outcome, Reason};
use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

/// All metrics.
pub struct Metrics {
    registry: Registry,
    received: IntCounterVec,
    stored: IntCounterVec,
    discarded: IntCounterVec,
    client_discards: IntCounterVec,
    /// Items acknowledged and not yet filed.
    pub backlog: IntGauge,
    /// Size of the journal's files, in bytes.
    pub journal_bytes: IntGauge,
    /// Size of the database's files, in bytes.
    pub store_bytes: IntGauge,
    /// From the request's first byte to its answer.
    pub receive_seconds: Histogram,
    /// Filing one batch.
    pub file_seconds: Histogram,
    /// From receipt to the commit after which pages show the event.
    pub visible_seconds: Histogram,
}

const SECONDS: [f64; 15] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 30.0, 300.0];

impl Metrics {
    /// Registers everything.
    ///
    /// # Errors
    /// Only when a name is registered twice, which is a mistake in this file.
    pub fn new() -> prometheus::Result<Metrics> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| -> prometheus::Result<IntCounterVec> {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let histogram = |name: &str, help: &str| -> prometheus::Result<Histogram> {
            let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(SECONDS.to_vec()))?;
            registry.register(Box::new(histogram.clone()))?;
            Ok(histogram)
        };
        Ok(Metrics {
            received: counter("bugle_items_received_total", "Items that came.", &["dialect", "category"])?,
            stored: counter("bugle_items_stored_total", "Items that were stored.", &["category"])?,
            discarded: counter(
                "bugle_items_discarded_total",
                "Items that came and were not stored, with what became of them.",
                &["category", "outcome", "reason"],
            )?,
            client_discards: counter(
                "bugle_client_discards_total",
                "Items that never came: SDKs reported that they had dropped them.",
                &["category", "reason"],
            )?,
            backlog: gauge("bugle_journal_backlog", "Items acknowledged and not yet filed.")?,
            journal_bytes: gauge("bugle_journal_bytes", "Size of the journal on disk.")?,
            store_bytes: gauge("bugle_store_bytes", "Size of the database on disk.")?,
            receive_seconds: histogram("bugle_receive_seconds", "From a request to its answer.")?,
            file_seconds: histogram("bugle_file_seconds", "Filing one batch of events.")?,
            visible_seconds: histogram("bugle_visible_seconds", "From receipt to visible.")?,
            registry,
        })
    }

    /// Items that came.
    pub fn received(&self, dialect: Dialect, category: Category, quantity: u64) {
        self.received.with_label_values(&[dialect.as_str(), category.as_str()]).inc_by(quantity);
    }

    /// What became of items.
    pub fn fate(&self, category: Category, outcome: Outcome, reason: Reason, quantity: u64) {
        match outcome {
            Outcome::Stored => self.stored.with_label_values(&[category.as_str()]).inc_by(quantity),
            _ => self
                .discarded
                .with_label_values(&[category.as_str(), outcome.as_str(), reason.as_str()])
                .inc_by(quantity),
        }
    }

    /// What SDKs say they have dropped.
    pub fn client_discard(&self, category: Category, reason: &str, quantity: i64) {
        let labels = [category.as_str(), client_report::label(reason)];
        self.client_discards.with_label_values(&labels).inc_by(quantity.unsigned_abs());
    }

    /// Everything as text.
    pub fn text(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}
