//! Release health: how many sessions and people a release has, and how many of them fare badly.
//!
//! Owns: what the counts mean ([`Counts`]), the form in which sessions lie in the journal ([`form`]), and what pages and the API
//! read of them ([`read`]). They are counted by `file::sessions`. Protocol reference, section 9.
//!
//! **A session is counted** when its first update comes (`init`), and stands in at most one of errored, unhandled, abnormal
//! and crashed: the gravest that was ever said of it. Sums that SDKs make themselves are so already. So healthy sessions are
//! those that are left, and nothing is counted twice however often an update comes.
//!
//! **People** are sets: who had any session in a span of time, and who one that crashed.

pub mod adoption;
pub mod form;
pub mod read;

pub use bugle_event::session::Severity;

/// A number of sessions or of people: all of them, then by [`Severity`] those that fared badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts(pub [i64; 5]);

impl Counts {
    /// All of them.
    pub fn total(&self) -> i64 {
        self.0[0]
    }

    /// Those of one kind. For healthy ones: what is left of all, never below zero, which it would be where the first updates of
    /// bad sessions were lost.
    pub fn of(&self, severity: Severity) -> i64 {
        match severity {
            Severity::Healthy => (self.0[0] - self.0[1..].iter().sum::<i64>()).max(0),
            bad => self.0[bad as usize],
        }
    }

    /// Those that were not healthy.
    pub fn bad(&self) -> i64 {
        self.0[1..].iter().sum()
    }

    /// The share without those that are at least so grave, 0 to 1; `None` where there is nothing to say it of.
    pub fn free_of(&self, severity: Severity) -> Option<f64> {
        let count = self.of(severity);
        (self.total() > 0).then(|| (1.0 - count as f64 / self.total() as f64).max(0.0))
    }

    /// The share that did not crash; `None` where there is nothing to say it of.
    pub fn crash_free(&self) -> Option<f64> {
        self.free_of(Severity::Crashed)
    }

    /// Adds others.
    pub fn join(&mut self, other: &Counts) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_data_is_no_share() {
        assert_eq!(Counts::default().crash_free(), None);
        assert_eq!(Counts([4, 1, 0, 0, 1]).crash_free(), Some(0.75));
        assert_eq!(Counts([4, 1, 0, 0, 1]).of(Severity::Healthy), 2);
        assert_eq!(Counts([0, 0, 0, 0, 1]).crash_free(), None, "the first update was lost");
        assert_eq!(Counts([1, 0, 0, 0, 3]).crash_free(), Some(0.0));
        assert_eq!(Counts([1, 0, 0, 0, 3]).of(Severity::Healthy), 0);
    }
}
