//! Waiting for something that must come true, with a deadline instead of a guess.

use std::time::{Duration, Instant};

/// How long anything may take before the test fails. Generous, because two busy cores may run a browser and a build
/// at once.
pub const DEADLINE: Duration = Duration::from_secs(40);

/// Asks again and again until there is an answer; panics with `what` after [`DEADLINE`].
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Like [`until`] for a question whose latest wrong answer says why it is still wrong.
pub fn until_ok<T>(what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(why) => assert!(start.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain for {what}: {why}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
