//! The ids of events that were refused at the door lately, so that whoever looks for one is told what became of it.
//!
//! In memory only, and the newest [`IDS_MAX`] of them: a flood that is refused must not cost a write each. What is
//! remembered and since when is said with every answer. Only events whose envelope names the id are here.

use crate::outcome::Reason;
use bugle_event::EventId;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Ids that are remembered: 1 MB.
const IDS_MAX: usize = 20_000;

/// See the module comment.
#[derive(Debug)]
pub struct TurnedAway {
    started_ms: i64,
    newest: Mutex<VecDeque<Entry>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    project: i64,
    event_id: EventId,
    reason: Reason,
    at_ms: i64,
}

impl TurnedAway {
    /// Remembers nothing yet.
    pub fn new(now_ms: i64) -> TurnedAway {
        TurnedAway { started_ms: now_ms, newest: Mutex::default() }
    }

    /// An event was refused.
    pub fn remember(&self, project: i64, event_id: Option<EventId>, reason: Reason, at_ms: i64) {
        let Some(event_id) = event_id else { return };
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.len() >= IDS_MAX {
            newest.pop_front();
        }
        newest.push_back(Entry { project, event_id, reason, at_ms });
    }

    /// Why and when (Unix ms) an event was last refused.
    pub fn find(&self, project: i64, event_id: EventId) -> Option<(Reason, i64)> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = newest.iter().rev().find(|entry| entry.project == project && entry.event_id == event_id)?;
        Some((entry.reason, entry.at_ms))
    }

    /// Since when refusals are remembered, Unix ms.
    pub fn since_ms(&self) -> i64 {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        match newest.front() {
            Some(oldest) if newest.len() >= IDS_MAX => oldest.at_ms,
            _ => self.started_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_remembered() {
        let turned_away = TurnedAway::new(5);
        let id = |n: usize| EventId((n as u128 + 1).to_be_bytes());
        turned_away.remember(1, None, Reason::KeyQuota, 6);
        assert_eq!(turned_away.since_ms(), 5);
        for n in 0..=IDS_MAX {
            turned_away.remember(1, Some(id(n)), Reason::KeyQuota, 10 + n as i64);
        }
        assert_eq!(turned_away.find(1, id(0)), None);
        assert_eq!(turned_away.find(1, id(1)), Some((Reason::KeyQuota, 11)));
        assert_eq!(turned_away.find(2, id(1)), None, "another project's");
        assert_eq!(turned_away.since_ms(), 11);
    }
}
