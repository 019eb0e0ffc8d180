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
pub fn until_ok<T>(what: &str, ask: impl FnMut() -> Result<T, String>) -> T {
    within(DEADLINE, ask).unwrap_or_else(|why| panic!("waited {DEADLINE:?} in vain for {what}: {why}"))
}

/// Asks again and again until there is an answer, or says the latest wrong one when the time is over.
pub fn within<T>(time: Duration, mut ask: impl FnMut() -> Result<T, String>) -> Result<T, String> {
    let start = Instant::now();
    loop {
        match ask() {
            Err(_) if start.elapsed() < time => std::thread::sleep(Duration::from_millis(20)),
            answer => return answer,
        }
    }
}
