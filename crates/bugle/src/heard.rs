//! What was refused lately, per project: most first hours with a tracker are lost between an SDK that says nothing
//! and a server that says no, so the setup page tells.
//!
//! In memory only, a few attempts per project; the same refusal again is counted, not repeated. What came without
//! any hint at a project is heard of nowhere.

use crate::store::now_ms;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Attempts kept per project.
const ATTEMPTS_MAX: usize = 10;
/// Projects with attempts; beyond it the memory is begun anew.
const PROJECTS_MAX: usize = 1_000;
/// The longest reason, in bytes.
const WHY_BYTES_MAX: usize = 500;

/// A refusal, as often as it came in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it came last, Unix ms.
    pub at_ms: i64,
    /// The status that was answered.
    pub status: u16,
    /// Why, for a person.
    pub why: String,
    /// How often.
    pub times: u64,
}

/// The memory of them.
#[derive(Debug, Default)]
pub struct Heard {
    attempts: Mutex<HashMap<i64, VecDeque<Attempt>>>,
}

impl Heard {
    /// Remembers that a request for `project` was answered with `status`.
    pub fn record(&self, project: i64, status: u16, why: &str) {
        self.record_at(project, status, why, now_ms());
    }

    /// The attempts for a project, newest first.
    pub fn list(&self, project: i64) -> Vec<Attempt> {
        let projects = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        projects.get(&project).map(|attempts| attempts.iter().cloned().collect()).unwrap_or_default()
    }

    fn record_at(&self, project: i64, status: u16, why: &str, at_ms: i64) {
        let why = &why[..why.floor_char_boundary(WHY_BYTES_MAX)];
        let mut projects = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if projects.len() >= PROJECTS_MAX && !projects.contains_key(&project) {
            projects.clear();
        }
        let attempts = projects.entry(project).or_default();
        let same = attempts.iter().position(|attempt| attempt.status == status && attempt.why == why);
        let times = same.and_then(|at| attempts.remove(at)).map_or(0, |attempt| attempt.times) + 1;
        attempts.push_front(Attempt { at_ms, status, why: why.to_string(), times });
        attempts.truncate(ATTEMPTS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stand_first_and_the_same_once() {
        let heard = Heard::default();
        for (status, why, at_ms) in [(401, "no key", 1), (403, "not known", 2), (401, "no key", 3)] {
            heard.record_at(7, status, why, at_ms);
        }
        let seen: Vec<_> = heard.list(7).into_iter().map(|a| (a.status, a.times, a.at_ms)).collect();
        assert_eq!(seen, [(401, 2, 3), (403, 1, 2)]);
        assert!(heard.list(8).is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let heard = Heard::default();
        for n in 0..50 {
            heard.record_at(7, 403, &format!("{n}{}", "é".repeat(1_000)), n);
        }
        let list = heard.list(7);
        assert_eq!((list.len(), list[0].at_ms), (ATTEMPTS_MAX, 49));
        assert!(list.iter().all(|attempt| attempt.why.len() <= WHY_BYTES_MAX));
        for project in 0..5_000 {
            heard.record_at(project, 403, "", 1);
        }
        assert!(heard.attempts.lock().expect("not poisoned").len() <= PROJECTS_MAX);
    }
}
