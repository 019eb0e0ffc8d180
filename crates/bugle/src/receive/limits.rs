//! Limits of keys: at most so many events in so many seconds.
//!
//! Windows are fixed and begin at multiples of their length since 1970, moved by the key's id so that not all keys
//! open at once. Counts live in memory: a restart opens a window anew, which errs on the side of keeping events. So does
//! a clock that is set back by more than a window; a request that is one window late counts in the present one.

use crate::project::Key;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// See the module comment.
#[derive(Default)]
pub struct Limits {
    windows: Mutex<HashMap<i64, (i64, i64)>>,
}

impl Limits {
    /// Takes one event from the key's window. The error says in how many seconds the next one opens.
    pub fn take(&self, key: &Key, now_ms: i64) -> Result<(), i64> {
        let (Some(count_max), Some(window_s)) = (key.rate_count, key.rate_window_s) else { return Ok(()) };
        let window_ms = window_s.max(1) * 1000;
        let shifted_ms = now_ms + key.id * 7_919 % window_ms;
        let window = shifted_ms / window_ms;
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let (current, count) = windows.entry(key.id).or_insert((window, 0));
        if window > *current || window < *current - 1 {
            (*current, *count) = (window, 0);
        }
        if *count >= count_max {
            let rest_ms = (window + 1) * window_ms - shifted_ms;
            return Err((rest_ms + 999) / 1000);
        }
        *count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two events a minute.
    fn key() -> Key {
        Key {
            id: 3,
            project: 1,
            public: String::new(),
            label: String::new(),
            is_active: true,
            rate_count: Some(2),
            rate_window_s: Some(60),
            created_ms: 0,
        }
    }

    #[test]
    fn a_clock_that_is_set_back_neither_locks_a_key_out_nor_opens_it() {
        let (key, limits, now_ms) = (key(), Limits::default(), 1_780_000_000_000);
        assert_eq!((limits.take(&key, now_ms), limits.take(&key, now_ms)), (Ok(()), Ok(())));
        assert!(limits.take(&key, now_ms - 60_000).is_err(), "a late request opens no window of its own");
        assert!(limits.take(&key, now_ms).is_err());
        let yesterday_ms = now_ms - 86_400_000;
        assert_eq!((limits.take(&key, yesterday_ms), limits.take(&key, yesterday_ms)), (Ok(()), Ok(())));
        assert!(limits.take(&key, yesterday_ms).is_err(), "and is limited there as well");
    }

    #[test]
    fn a_window_takes_its_count_and_opens_again() {
        let key = key();
        let limits = Limits::default();
        let now_ms = 1_780_000_000_000;
        assert_eq!(limits.take(&key, now_ms), Ok(()));
        assert_eq!(limits.take(&key, now_ms), Ok(()));
        let wait_s = limits.take(&key, now_ms).expect_err("the window is full");
        assert!((1..=60).contains(&wait_s), "{wait_s}");
        assert!(limits.take(&key, now_ms + (wait_s - 1) * 1000).is_err() || wait_s == 1);
        assert_eq!(limits.take(&key, now_ms + wait_s * 1000), Ok(()));
        assert_eq!(limits.take(&Key { rate_count: None, ..key }, now_ms), Ok(()), "no limit, no window");
    }
}
