//! Who listens: facts about what changed, for pages that are open.
//!
//! Filing and people's acts send small facts; each open page gets those of its organization as server-sent events
//! (`ui::stream`). Never HTML, never a payload. A listener that is too slow misses facts and is told to look
//! again, so a slow browser costs nothing.

use serde::Serialize;
use tokio::sync::broadcast;

/// Facts that may wait for one listener.
const WAITING_MAX: usize = 256;

/// Something that changed.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// Events were filed in an issue.
    Issue {
        /// The organization, so that nobody hears of another's.
        #[serde(skip)]
        organization: i64,
        /// The project's id.
        project: i64,
        /// The issue's id.
        issue: i64,
        /// Events ever.
        events: i64,
        /// People ever.
        people: i64,
        /// The newest event's time, Unix ms.
        last_ms: i64,
        /// `new`, `regressed`, or empty.
        news: &'static str,
    },
    /// Somebody changed an issue's state, assignee or comments.
    Changed {
        /// The organization.
        #[serde(skip)]
        organization: i64,
        /// The project's id.
        project: i64,
        /// The issue's id.
        issue: i64,
    },
    /// A request for a project was refused at the door: what the setup page shows while it waits.
    Refused {
        /// The organization.
        #[serde(skip)]
        organization: i64,
        /// The project's id.
        project: i64,
        /// The status that was answered.
        status: u16,
        /// Why, for a person.
        why: String,
    },
}

impl Fact {
    /// Whose it is.
    pub fn organization(&self) -> i64 {
        match self {
            Fact::Issue { organization, .. }
            | Fact::Changed { organization, .. }
            | Fact::Refused { organization, .. } => *organization,
        }
    }
}

/// The hub. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    sender: broadcast::Sender<Fact>,
}

impl Default for Live {
    fn default() -> Self {
        Live { sender: broadcast::channel(WAITING_MAX).0 }
    }
}

impl Live {
    /// Tells everybody who listens.
    pub fn tell(&self, fact: Fact) {
        let _ = self.sender.send(fact);
    }

    /// Everything from now on.
    pub fn listen(&self) -> broadcast::Receiver<Fact> {
        self.sender.subscribe()
    }
}
