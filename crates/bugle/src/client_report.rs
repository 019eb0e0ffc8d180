//! Client reports: what SDKs say that they have dropped themselves (protocol reference, section 10.1).
//!
//! Owns: how a report is read, and the table in which its sums are kept. They stand beside the books and never in
//! them: what an SDK dropped has not come, so it is neither received nor discarded. The report itself is an item with
//! an outcome of its own, and its sums are written with that outcome, by the door's books: each second, in one
//! transaction. A kill may cost a second of both, which is less than what the network costs them.
//!
//! **Bounds.** Reasons are free text from outside, and scrubbed. One is at most [`REASON_CHARS_MAX`] long, and of those that no SDK
//! is known to use a project has [`REASONS_MAX`] an hour; further ones are counted as `other`. Hours are those of
//! receipt, since the clock of a client may say anything.

use crate::outcome::{Category, Reason, Sum};
use bugle_db::{DbError, Tx, params};
use bugle_event::json::{self, Json, Object};
use bugle_event::scrub::Scrubber;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// The outcome's name in `stats_v2`.
pub const OUTCOME: &str = "client_discard";
/// A report's largest size; real ones have some hundred bytes.
pub const REPORT_BYTES_MAX: usize = 100 << 10;
/// The longest reason that is kept, in characters.
const REASON_CHARS_MAX: usize = 80;
/// Reasons beside the known ones that a project may have in one hour.
const REASONS_MAX: usize = 50;
/// What one line of a report may claim: more is a mistake or malice, and the sums must not overflow.
const QUANTITY_MAX: i64 = 1_000_000_000;
/// What takes the place of a reason that is too much.
const OTHER: &str = "other";

/// Reasons that SDKs use, with what they mean. What stands here may be a metric's label.
pub const KNOWN: [(&str, &str); 14] = [
    ("before_send", "The program's own before_send returned nothing."),
    ("event_processor", "An event processor of the program or of an integration dropped it."),
    ("sample_rate", "The SDK is set to send only a sample."),
    ("ignored", "The SDK is set to ignore such."),
    ("ratelimit_backoff", "The SDK held it back because a server had told it to wait."),
    ("network_error", "The connection failed, and the SDK does not try again."),
    ("send_error", "The server answered with an error, and the SDK does not try again."),
    ("queue_overflow", "The SDK's queue was full: events came faster than it could send them."),
    ("cache_overflow", "The SDK's cache on disk was full."),
    ("buffer_overflow", "The SDK's buffer was full."),
    ("backpressure", "The SDK was under load and sent less."),
    ("insufficient_data", "It held too little to be worth sending."),
    ("internal_sdk_error", "The SDK itself failed."),
    ("no_parent_span", "A span without a parent is not sent."),
];

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discard {
    /// What kind of item.
    pub category: Category,
    /// Why, in the SDK's word.
    pub reason: String,
    /// How many; at least 1.
    pub quantity: i64,
}

/// Reads a report. What it says of bytes is left out, since the items themselves stand beside it.
///
/// # Errors
/// The reason why it is no report.
pub fn read(payload: &[u8], scrubber: &Scrubber) -> Result<Vec<Discard>, Reason> {
    if payload.len() > REPORT_BYTES_MAX {
        return Err(Reason::TooLarge);
    }
    let text = String::from_utf8_lossy(payload);
    let report = json::read(&text, &mut Vec::new());
    let Some(report) = report.object() else { return Err(Reason::Unreadable) };
    const LISTS: [&str; 4] = ["discarded_events", "rate_limited_events", "filtered_events", "filtered_sampling_events"];
    if !LISTS.iter().any(|list| report.has(list)) {
        return Err(Reason::Unreadable);
    }
    let lines = LISTS.iter().flat_map(|list| report.array(list)).filter_map(Json::object);
    Ok(lines.filter_map(|line| discard(line, scrubber)).collect())
}

fn discard(line: &Object<'_>, scrubber: &Scrubber) -> Option<Discard> {
    let category = Category::of_report(line.text("category").unwrap_or_default())?;
    let quantity = line.get("quantity").and_then(Json::int).unwrap_or(0);
    let said = line.text("reason").unwrap_or(OTHER).trim();
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let is_known = KNOWN.iter().any(|(known, _)| *known == said);
    let said = if is_known { said.to_string() } else { scrubber.text(said) };
    let reason = said.chars().take(REASON_CHARS_MAX).map(clean).collect();
    (quantity > 0).then(|| Discard { category, reason, quantity: quantity.min(QUANTITY_MAX) })
}

/// A reason as a metric's label may have it: a word of ours, never one from outside.
pub fn label(reason: &str) -> &'static str {
    KNOWN.iter().find(|(known, _)| *known == reason).map_or(OTHER, |(known, _)| known)
}

/// The reasons that each project has had in its present hour, so that they stay few. In memory: a restart begins anew.
#[derive(Debug, Default)]
pub struct Reasons(Mutex<HashMap<i64, (i64, HashSet<String>)>>);

impl Reasons {
    /// The reason under which it is counted: itself, or `other`.
    pub fn bounded(&self, project: i64, hour: i64, reason: String) -> String {
        if label(&reason) != OTHER || reason == OTHER {
            return reason;
        }
        let mut projects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (current, reasons) = projects.entry(project).or_default();
        if *current != hour {
            (*current, *reasons) = (hour, HashSet::new());
        }
        if !reasons.contains(&reason) {
            if reasons.len() >= REASONS_MAX {
                return OTHER.into();
            }
            reasons.insert(reason.clone());
        }
        reason
    }
}

/// Where a sum is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    /// The project.
    pub project: i64,
    /// The key that the report came by.
    pub key: i64,
    /// Hours since 1970, of the report's receipt.
    pub hour: i64,
    /// What kind of item.
    pub category: Category,
    /// The SDK's reason, bounded.
    pub reason: String,
}

/// Sums that wait to be written.
#[derive(Debug, Default)]
pub struct Sums(HashMap<Account, i64>);

impl Sums {
    /// Adds to one account.
    pub fn add(&mut self, account: Account, quantity: i64) {
        let sum = self.0.entry(account).or_default();
        *sum = sum.saturating_add(quantity);
    }

    /// Adds everything of another.
    pub fn merge(&mut self, other: Sums) {
        for (account, quantity) in other.0 {
            self.add(account, quantity);
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds everything to the table, as part of a transaction.
    pub fn write(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        for (account, quantity) in &self.0 {
            tx.execute(
                "INSERT INTO client_discards (project, key_id, hour, category, reason, quantity) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (project, hour, category, reason, key_id) \
                 DO UPDATE SET quantity = client_discards.quantity + excluded.quantity",
                params![
                    account.project,
                    account.key,
                    account.hour,
                    account.category.as_str(),
                    &account.reason,
                    *quantity
                ],
            )?;
        }
        Ok(())
    }
}

/// The sums of an organization's projects (`projects` empty: all) since an hour, as lines of the ledger.
pub fn sums(tx: &mut Tx<'_>, organization: i64, projects: &[i64], since_hour: i64) -> Result<Vec<Sum>, DbError> {
    let ids: Vec<String> = projects.iter().map(i64::to_string).collect();
    let only = if ids.is_empty() { String::new() } else { format!("AND d.project IN ({})", ids.join(",")) };
    let sql = format!(
        "SELECT d.project, d.category, d.reason, d.hour, CAST(SUM(d.quantity) AS BIGINT) FROM client_discards d \
         JOIN projects p ON p.id = d.project WHERE p.organization = $1 AND d.hour >= $2 {only} \
         GROUP BY d.project, d.category, d.reason, d.hour ORDER BY d.hour, d.category, d.reason"
    );
    let rows = tx.query(&sql, params![organization, since_hour])?;
    rows.iter()
        .map(|row| {
            Ok(Sum {
                project: row.get(0)?,
                category: row.get(1)?,
                outcome: OUTCOME.into(),
                reason: row.get(2)?,
                hour: row.get(3)?,
                quantity: row.get(4)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_far_as_it_can_be() {
        let report = br#"{"timestamp": 1785578400, "discarded_events": [
            {"reason": "before_send", "category": "error", "quantity": 3},
            {"reason": " a\nb ", "category": "who knows", "quantity": 2},
            {"reason": "sample_rate", "category": "log_byte", "quantity": 900},
            {"reason": "sample_rate", "category": "transaction", "quantity": -4}, 7, {"quantity": 1}],
            "filtered_events": [{"reason": "x", "category": "profile_chunk", "quantity": 99999999999}], "#;
        let lines: Vec<_> = read(report, &Scrubber::default())
            .expect("is one")
            .into_iter()
            .map(|d| (d.category, d.reason, d.quantity))
            .collect();
        assert_eq!(
            lines,
            [
                (Category::Error, "before_send".to_string(), 3),
                (Category::Default, "a b".into(), 2),
                (Category::Default, "other".into(), 1),
                (Category::Profile, "x".into(), QUANTITY_MAX),
            ]
        );
    }

    #[test]
    fn what_is_no_report_says_so() {
        for (text, reason) in
            [("", Reason::Unreadable), ("[]", Reason::Unreadable), ("{\"quantity\": 3}", Reason::Unreadable)]
        {
            assert_eq!(read(text.as_bytes(), &Scrubber::default()), Err(reason), "{text}");
        }
        assert_eq!(read(&vec![b' '; REPORT_BYTES_MAX + 1], &Scrubber::default()), Err(Reason::TooLarge));
    }

    #[test]
    fn reasons_stay_few_and_short() {
        let reasons = Reasons::default();
        let mut kept = HashSet::new();
        for n in 0..1_000 {
            kept.insert(reasons.bounded(1, 7, format!("reason {n}")));
        }
        assert_eq!(kept.len(), REASONS_MAX + 1);
        assert!(kept.contains(OTHER));
        assert_eq!(reasons.bounded(1, 7, "before_send".into()), "before_send", "known ones do not count");
        assert_eq!(reasons.bounded(2, 7, "reason 999".into()), "reason 999", "nor do those of others");
        assert_eq!(reasons.bounded(1, 8, "reason 999".into()), "reason 999", "nor those of an hour ago");
        let long = format!(
            "{{\"discarded_events\":[{{\"category\":\"error\",\"quantity\":1,\"reason\":\"{}\"}}]}}",
            "é".repeat(5_000)
        );
        assert_eq!(
            read(long.as_bytes(), &Scrubber::default()).expect("is one")[0].reason.chars().count(),
            REASON_CHARS_MAX
        );
        assert_eq!((label("before_send"), label("é")), ("before_send", OTHER));
    }
}
