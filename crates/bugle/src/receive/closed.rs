//! A limit with its use, and what an SDK hears of one that is used up: for how long, for which categories, and why.

use super::reply::{Refusal, Retry};
use crate::outcome::Reason;

/// The categories of events, in the words of a rate limit header.
const EVENTS: &str = "error;default";

/// A limit that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// Which one.
    pub reason: Reason,
    /// In how many seconds it opens again.
    pub after_s: i64,
}

/// A limit with its present use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Which one, by the reason of its refusals.
    pub reason: Reason,
    /// Events that came, or wait.
    pub used: i64,
    /// How many there may be.
    pub max: i64,
    /// When it opens again, Unix ms.
    pub opens_ms: i64,
}

impl Use {
    /// The limit as one that is used up.
    pub fn closed(&self, now_ms: i64) -> Closed {
        Closed { reason: self.reason, after_s: ((self.opens_ms - now_ms + 999) / 1000).max(1) }
    }
}

impl Closed {
    /// As a rate limit header says it.
    pub fn retry(&self) -> Retry {
        let scope = match self.reason {
            Reason::KeyQuota => "key",
            Reason::ProjectRateLimit | Reason::ProjectQuota | Reason::Spike => "project",
            _ => "organization",
        };
        Retry { after_s: self.after_s, categories: EVENTS, scope, reason: self.reason.as_str() }
    }

    fn sentence(&self) -> &'static str {
        match self.reason {
            Reason::KeyQuota => "The key's rate limit is reached",
            Reason::ProjectRateLimit => "The project's rate limit is reached",
            Reason::ProjectQuota => "The project's quota of this month is used up",
            Reason::OrganizationQuota => "The organization's quota of this month is used up",
            Reason::Spike => "The project sends far more than is usual for it, and is protected from that",
            Reason::AcceptedPerMinute => "The server takes only so many events in a minute, and this project its part",
            Reason::DiskFullShare => "The server's disk is nearly full, and this project has used its part of the rest",
            _ => "Many events wait on the server, and this project has used its part of the room",
        }
    }
}

/// The answer to a request of which something was refused: the longest of the limits decides when to come again.
pub fn refusal(closed: &[Closed]) -> Refusal {
    let longest = closed.iter().max_by_key(|one| one.after_s);
    let detail = longest.map_or(String::new(), |one| {
        format!("{}; come again in {} s. Other categories are taken.", one.sentence(), one.after_s)
    });
    Refusal::limited(detail, closed.iter().map(Closed::retry).collect())
}
