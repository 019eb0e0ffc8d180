//! Windows: at most so many events in so many seconds.
//!
//! Windows are fixed and begin at multiples of their length since 1970, moved by the id of who is counted, so that not
//! all open at once. Counts live in memory: a restart opens a window anew, which errs on the side of keeping events. So
//! does a clock that is set back by more than a window; a request that is one window late counts in the present one.

use std::collections::HashMap;

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// A key, by its rate limit.
    Key(i64),
    /// A project, by its rate limit.
    Project(i64),
    /// A project, by its own history.
    Spike(i64),
}

impl Counted {
    fn id(self) -> i64 {
        let (Counted::Key(id) | Counted::Project(id) | Counted::Spike(id)) = self;
        id
    }
}

/// See the module comment.
#[derive(Debug, Default)]
pub struct Windows(HashMap<Counted, Window>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    number: i64,
    length_ms: i64,
    count: i64,
}

impl Windows {
    /// How many came in the present window, and when the next one opens, Unix ms.
    pub fn look(&self, counted: Counted, window_s: i64, now_ms: i64) -> (i64, i64) {
        let (number, length_ms, opens_ms) = place(counted, window_s, now_ms);
        let count = match self.0.get(&counted) {
            Some(window) if window.length_ms == length_ms && is_present(window.number, number) => window.count,
            _ => 0,
        };
        (count, opens_ms)
    }

    /// One more came.
    pub fn count(&mut self, counted: Counted, window_s: i64, now_ms: i64) {
        let (number, length_ms, _) = place(counted, window_s, now_ms);
        let window = self.0.entry(counted).or_insert(Window { number, length_ms, count: 0 });
        if window.length_ms != length_ms || !is_present(window.number, number) {
            *window = Window { number, length_ms, count: 0 };
        }
        window.count += 1;
    }

    /// One that came at `at_ms` does not count, if its window is still the present one.
    pub fn uncount(&mut self, counted: Counted, window_s: i64, at_ms: i64) {
        let (number, length_ms, _) = place(counted, window_s, at_ms);
        if let Some(window) = self.0.get_mut(&counted)
            && window.length_ms == length_ms
            && is_present(window.number, number)
        {
            window.count = (window.count - 1).max(0);
        }
    }

    /// Forgets those who are not there any more.
    pub fn retain(&mut self, is_there: impl Fn(Counted) -> bool) {
        self.0.retain(|counted, _| is_there(*counted));
    }
}

/// Whether what is counted in one window still counts in another.
fn is_present(window: i64, now: i64) -> bool {
    (window - 1..=window).contains(&now)
}

/// The window that holds an instant: its number, its length and when the next one opens.
fn place(counted: Counted, window_s: i64, now_ms: i64) -> (i64, i64, i64) {
    let length_ms = window_s.max(1) * 1000;
    let moved_ms = counted.id() * 7_919 % length_ms;
    let number = (now_ms + moved_ms).div_euclid(length_ms);
    (number, length_ms, (number + 1) * length_ms - moved_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Counted = Counted::Key(3);
    const NOW_MS: i64 = 1_780_000_000_000;

    fn counted(windows: &Windows, now_ms: i64) -> i64 {
        windows.look(KEY, 60, now_ms).0
    }

    #[test]
    fn a_window_counts_and_the_next_begins_anew() {
        let mut windows = Windows::default();
        windows.count(KEY, 60, NOW_MS);
        windows.count(KEY, 60, NOW_MS);
        let (count, opens_ms) = windows.look(KEY, 60, NOW_MS);
        assert_eq!(count, 2);
        assert!((NOW_MS + 1..=NOW_MS + 60_000).contains(&opens_ms), "{opens_ms}");
        assert_eq!((counted(&windows, opens_ms - 1), counted(&windows, opens_ms)), (2, 0));
        assert_eq!(windows.look(Counted::Project(3), 60, NOW_MS).0, 0, "each is counted alone");
        assert_eq!(windows.look(KEY, 3_600, NOW_MS).0, 0, "another span begins anew");
    }

    #[test]
    fn a_clock_that_is_set_back_neither_locks_out_nor_opens() {
        let mut windows = Windows::default();
        windows.count(KEY, 60, NOW_MS);
        assert_eq!(counted(&windows, NOW_MS - 60_000), 1, "a late request opens no window of its own");
        windows.count(KEY, 60, NOW_MS - 60_000);
        assert_eq!(counted(&windows, NOW_MS), 2);
        let yesterday_ms = NOW_MS - 86_400_000;
        assert_eq!(counted(&windows, yesterday_ms), 0);
        windows.count(KEY, 60, yesterday_ms);
        assert_eq!(counted(&windows, yesterday_ms), 1, "and is counted there as well");
    }
}
