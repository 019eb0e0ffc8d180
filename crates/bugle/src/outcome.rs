//! The ledger's words: what an item is, how it came, and what became of it.
//!
//! Owns: [`Dialect`], [`Category`], [`Outcome`], [`Reason`], and the table in which their sums are kept for ever; [`lines`]
//! reads it for pages.
//! The books balance at rest: received = stored + discarded + backlog, where discarded is every outcome but stored.
//! Received is counted at the door (kept by the record until it is filed), never computed from the outcomes. What SDKs
//! dropped themselves has not come and stands beside ([`crate::client_report`]).

pub mod lines;

use crate::client_report;
use crate::filter::drops;
use bugle_db::{DbError, Tx, params};
use std::collections::HashMap;

/// The protocol that an item came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Dialect {
    /// Sentry's envelopes and its older endpoints.
    Sentry = 0,
}

impl Dialect {
    /// As it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Dialect::Sentry => "sentry",
        }
    }

    /// From a record.
    pub fn from_u8(number: u8) -> Option<Dialect> {
        (number == 0).then_some(Dialect::Sentry)
    }
}

/// What an item counts as, in Sentry's words (protocol reference, section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Category {
    /// Events with an exception or a level of error or above, and bodies that could not be read.
    Error = 0,
    /// Messages, and items of kinds that nobody has told us about.
    Default = 1,
    /// Transactions.
    Transaction = 2,
    /// Spans.
    Span = 3,
    /// Attachments.
    Attachment = 4,
    /// Sessions and aggregates of them.
    Session = 5,
    /// Profiles and their chunks.
    Profile = 6,
    /// Replays.
    Replay = 7,
    /// Check-ins.
    Monitor = 8,
    /// Feedback of users.
    Feedback = 9,
    /// Log lines.
    Log = 10,
    /// Metrics.
    Metric = 11,
    /// Reports of browsers about policies.
    Security = 12,
    /// Reports of SDKs about what they have dropped.
    ClientReport = 13,
}

const CATEGORIES: [(Category, &str); 14] = [
    (Category::Error, "error"),
    (Category::Default, "default"),
    (Category::Transaction, "transaction"),
    (Category::Span, "span"),
    (Category::Attachment, "attachment"),
    (Category::Session, "session"),
    (Category::Profile, "profile"),
    (Category::Replay, "replay"),
    (Category::Monitor, "monitor"),
    (Category::Feedback, "feedback"),
    (Category::Log, "log_item"),
    (Category::Metric, "trace_metric"),
    (Category::Security, "security"),
    (Category::ClientReport, "client_report"),
];

impl Category {
    /// As it stands in the ledger, in metrics and in rate limit headers.
    pub fn as_str(self) -> &'static str {
        CATEGORIES[self as usize].1
    }

    /// Whether such items are events: they become issues and use up quotas.
    pub fn is_event(self) -> bool {
        matches!(self, Category::Error | Category::Default | Category::Security)
    }

    /// From a record.
    pub fn from_u8(number: u8) -> Option<Category> {
        CATEGORIES.get(usize::from(number)).map(|(category, _)| *category)
    }

    /// Of an envelope item that is no event, by its type.
    pub fn of_item(kind: &str) -> Category {
        match kind {
            "event" => Category::Error,
            "transaction" => Category::Transaction,
            "span" => Category::Span,
            "attachment" => Category::Attachment,
            "session" | "sessions" => Category::Session,
            "profile" | "profile_chunk" | "profile_chunk_ui" => Category::Profile,
            "replay_event" | "replay_recording" | "replay_video" => Category::Replay,
            "check_in" => Category::Monitor,
            "feedback" | "user_report" => Category::Feedback,
            "log" | "otel_log" => Category::Log,
            "trace_metric" | "statsd" | "metric_buckets" => Category::Metric,
            "security" | "raw_security" => Category::Security,
            "client_report" => Category::ClientReport,
            _ => Category::Default,
        }
    }

    /// By the name that an SDK's report has for it (protocol reference, section 6.3). `None` for those that count
    /// bytes of what another one counts.
    pub fn of_report(name: &str) -> Option<Category> {
        if name.ends_with("_byte") || name.ends_with("_second") {
            return None;
        }
        if let Some((category, _)) = CATEGORIES.iter().find(|(_, known)| *known == name) {
            return Some(*category);
        }
        let family = |start: &str, category| name.starts_with(start).then_some(category);
        let known = family("profile", Category::Profile)
            .or(family("replay", Category::Replay))
            .or(family("transaction", Category::Transaction))
            .or(family("span", Category::Span))
            .or(family("attachment", Category::Attachment))
            .or(family("metric", Category::Metric))
            .or(family("monitor", Category::Monitor))
            .or(family("user_report", Category::Feedback));
        Some(known.unwrap_or(Category::Default))
    }
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// It is in the database.
    Stored,
    /// A filter of the project dropped it.
    Filtered,
    /// A limit or quota refused it.
    RateLimited,
    /// It could not be read, came twice, or had no right to come.
    Invalid,
    /// Nothing was wrong with it; Bugle does not keep such, or a rule or cap says so.
    Discarded,
}

impl Outcome {
    /// As it stands in the ledger and in metrics. `stats_v2` says `accepted` for `stored`.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Stored => "stored",
            Outcome::Filtered => "filtered",
            Outcome::RateLimited => "rate_limited",
            Outcome::Invalid => "invalid",
            Outcome::Discarded => "discarded",
        }
    }
}

/// Why, within an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Nothing to explain: it was stored.
    None = 0,
    /// Of a kind that Bugle does not keep.
    Unsupported,
    /// An event with this id is there already.
    Duplicate,
    /// The key's rate limit.
    KeyQuota,
    /// The project's rate limit, over all its keys.
    ProjectRateLimit,
    /// The project's quota of the month.
    ProjectQuota,
    /// The organization's quota of the month.
    OrganizationQuota,
    /// Far more than is usual for the project, which is protected from that.
    Spike,
    /// The server's events in a minute: this project has used its part.
    AcceptedPerMinute,
    /// A body, event or item larger than the limit.
    TooLarge,
    /// The content encoding could not be read.
    Encoding,
    /// The envelope's framing could not be read.
    Framing,
    /// An item that is not what it says it is.
    Unreadable,
    /// No key came with it.
    NoKey,
    /// Two different keys came with it, or one that is malformed.
    BadCredentials,
    /// The key is not known, is disabled, or belongs to another project.
    UnknownKey,
    /// A page of a site that the project does not allow sent it.
    Cors,
    /// It came by the tunnel, which is not open for the project.
    Tunnel,
    /// The journal could not take it, or too much waits to be filed.
    Overload,
    /// Much waits to be filed, and this project has used its part of the room.
    OverloadShare,
    /// The disk is full.
    DiskFull,
    /// The disk is nearly full, and this project has used its part of the rest.
    DiskFullShare,
    /// The issue has kept as many payloads this hour as it may; it was counted everywhere.
    IssueCap,
    /// The project was deleted before it was filed.
    ProjectGone,
    /// Filing it failed in a way that would fail again; it is kept apart.
    Quarantined,
    /// The project keeps no such attachments, or a rule of its privacy takes them out.
    Privacy,
    /// It claims to be of the future, or older than anybody looks.
    Timestamp,
    /// It has no release, or one that may not be called so.
    InvalidRelease,
    /// A filter of the project, by its id in the protocol (section 13.1).
    FilterReactHydration,
    /// Likewise.
    FilterChunkLoad,
    /// Likewise.
    FilterCsp,
    /// Likewise.
    FilterAddress,
    /// Likewise.
    FilterRelease,
    /// Likewise.
    FilterMessage,
    /// Likewise.
    FilterLocalhost,
    /// Likewise.
    FilterExtensions,
    /// Likewise.
    FilterLegacyBrowsers,
    /// Likewise.
    FilterCrawlers,
    /// A rule of the project.
    FilterRule,
}

/// Every reason with its name, in the order of the type.
const REASONS: &[(Reason, &str)] = &[
    (Reason::None, ""),
    (Reason::Unsupported, "unsupported"),
    (Reason::Duplicate, "duplicate"),
    (Reason::KeyQuota, "key_quota"),
    (Reason::ProjectRateLimit, "project_rate_limit"),
    (Reason::ProjectQuota, "project_quota"),
    (Reason::OrganizationQuota, "organization_quota"),
    (Reason::Spike, "spike"),
    (Reason::AcceptedPerMinute, "accepted_per_minute"),
    (Reason::TooLarge, "too_large"),
    (Reason::Encoding, "encoding"),
    (Reason::Framing, "framing"),
    (Reason::Unreadable, "unreadable"),
    (Reason::NoKey, "no_key"),
    (Reason::BadCredentials, "bad_credentials"),
    (Reason::UnknownKey, "unknown_key"),
    (Reason::Cors, "cors"),
    (Reason::Tunnel, "tunnel"),
    (Reason::Overload, "overload"),
    (Reason::OverloadShare, "overload_share"),
    (Reason::DiskFull, "disk_full"),
    (Reason::DiskFullShare, "disk_full_share"),
    (Reason::IssueCap, "issue_cap"),
    (Reason::ProjectGone, "project_gone"),
    (Reason::Quarantined, "quarantined"),
    (Reason::Privacy, "privacy"),
    (Reason::Timestamp, "timestamp"),
    (Reason::InvalidRelease, "invalid_release"),
    (Reason::FilterReactHydration, "react-hydration-errors"),
    (Reason::FilterChunkLoad, "chunk-load-error"),
    (Reason::FilterCsp, "invalid-csp"),
    (Reason::FilterAddress, "ip-address"),
    (Reason::FilterRelease, "release-version"),
    (Reason::FilterMessage, "error-message"),
    (Reason::FilterLocalhost, "localhost"),
    (Reason::FilterExtensions, "browser-extensions"),
    (Reason::FilterLegacyBrowsers, "legacy-browsers"),
    (Reason::FilterCrawlers, "web-crawlers"),
    (Reason::FilterRule, "filter_rule"),
];

impl Reason {
    /// As it stands in the ledger and in metrics.
    pub fn as_str(self) -> &'static str {
        REASONS[self as usize].1
    }

    /// From the ledger.
    pub fn parse(name: &str) -> Option<Reason> {
        REASONS.iter().find(|(_, known)| *known == name).map(|(reason, _)| *reason)
    }

    /// Whether it is a filter of a project.
    pub fn is_filter(self) -> bool {
        (Reason::FilterReactHydration..=Reason::FilterRule).contains(&self)
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Reason> {
        REASONS.iter().map(|(reason, _)| *reason)
    }
}

/// Where a sum is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    /// The project; 0 for what came without a valid key.
    pub project: i64,
    /// The key; 0 for none.
    pub key: i64,
    /// Hours since 1970, of the receipt.
    pub hour: i64,
    /// What kind of item.
    pub category: Category,
    /// `None` is the receipt itself.
    pub fate: Option<(Outcome, Reason)>,
}

/// Sums that wait to be written, or are written with a batch of events.
#[derive(Debug, Default)]
pub struct Entries {
    items: HashMap<Account, i64>,
    /// What SDKs say they have dropped: beside the sum.
    pub client: client_report::Sums,
    /// Which filters have dropped how much.
    pub drops: drops::Sums,
}

/// An hour, in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;

impl Entries {
    /// Adds to one account.
    pub fn add(&mut self, account: Account, quantity: i64) {
        *self.items.entry(account).or_default() += quantity;
    }

    /// Adds everything of another.
    pub fn merge(&mut self, other: Entries) {
        for (account, quantity) in other.items {
            self.add(account, quantity);
        }
        self.client.merge(other.client);
        self.drops.merge(other.drops);
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.client.is_empty() && self.drops.is_empty()
    }

    /// Adds everything to the ledger, as part of a transaction.
    pub fn write(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        for (account, quantity) in &self.items {
            let (outcome, reason) = match account.fate {
                None => ("received", ""),
                Some((outcome, reason)) => (outcome.as_str(), reason.as_str()),
            };
            tx.execute(
                "INSERT INTO ledger (project, key_id, hour, category, outcome, reason, quantity) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (project, hour, category, outcome, reason, key_id) \
                 DO UPDATE SET quantity = ledger.quantity + excluded.quantity",
                params![
                    account.project,
                    account.key,
                    account.hour,
                    account.category.as_str(),
                    outcome,
                    reason,
                    *quantity
                ],
            )?;
        }
        self.drops.write(tx)?;
        self.client.write(tx)
    }
}

/// One line of the ledger, summed over keys and hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// The project; 0 for none.
    pub project: i64,
    /// The category's name.
    pub category: String,
    /// `received` or an outcome's name.
    pub outcome: String,
    /// The reason's name, or empty.
    pub reason: String,
    /// The hour it belongs to, since 1970.
    pub hour: i64,
    /// How many items.
    pub quantity: i64,
}

/// The sums of an organization's projects (`projects` empty: all) since an hour, by hour.
pub fn sums(tx: &mut Tx<'_>, organization: i64, projects: &[i64], since_hour: i64) -> Result<Vec<Sum>, DbError> {
    let ids: Vec<String> = projects.iter().map(i64::to_string).collect();
    let only = if ids.is_empty() { String::new() } else { format!("AND l.project IN ({})", ids.join(",")) };
    let sql = format!(
        "SELECT l.project, l.category, l.outcome, l.reason, l.hour, CAST(SUM(l.quantity) AS BIGINT) FROM ledger l \
         JOIN projects p ON p.id = l.project WHERE p.organization = $1 AND l.hour >= $2 {only} \
         GROUP BY l.project, l.category, l.outcome, l.reason, l.hour ORDER BY l.hour, l.category, l.outcome, l.reason"
    );
    let mut sums = Vec::new();
    for row in tx.query(&sql, params![organization, since_hour])? {
        sums.push(Sum {
            project: row.get(0)?,
            category: row.get(1)?,
            outcome: row.get(2)?,
            reason: row.get(3)?,
            hour: row.get(4)?,
            quantity: row.get(5)?,
        });
    }
    Ok(sums)
}

/// A project and category whose sums do not agree. There are none, unless Bugle has made a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imbalance {
    /// The project; 0 for none.
    pub project: i64,
    /// The category's name.
    pub category: String,
    /// How many came.
    pub received: i64,
    /// How many have an outcome.
    pub settled: i64,
}

/// Where the books do not balance. What waits in the journal is in neither sum.
pub fn imbalances(tx: &mut Tx<'_>) -> Result<Vec<Imbalance>, DbError> {
    let rows = tx.query(
        "SELECT project, category, received, settled FROM (SELECT project, category, \
           CAST(SUM(CASE WHEN outcome = 'received' THEN quantity ELSE 0 END) AS BIGINT) AS received, \
           CAST(SUM(CASE WHEN outcome = 'received' THEN 0 ELSE quantity END) AS BIGINT) AS settled \
         FROM ledger GROUP BY project, category) sums WHERE received <> settled ORDER BY project, category",
        &[],
    )?;
    let imbalance = |row: &bugle_db::Row| {
        Ok(Imbalance { project: row.get(0)?, category: row.get(1)?, received: row.get(2)?, settled: row.get(3)? })
    };
    rows.iter().map(imbalance).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_where_their_numbers_say() {
        for (at, (category, name)) in CATEGORIES.iter().enumerate() {
            assert_eq!((*category as usize, Category::of_report(name)), (at, Some(*category)));
        }
        for (at, (reason, name)) in REASONS.iter().enumerate() {
            assert_eq!((*reason as usize, Reason::parse(name)), (at, Some(*reason)));
        }
        assert_eq!(Category::of_report("profile_chunk_ui"), Some(Category::Profile));
        assert_eq!((Category::of_report("log_byte"), Category::of_report("")), (None, Some(Category::Default)));
    }
}
