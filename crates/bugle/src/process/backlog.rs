//! The backlog in memory: what is durable in the journal and waits to be filed.
//!
//! Owns: the queue between the journal's callbacks and the worker. It is a shortcut past reading the journal back,
//! nothing more: when it has grown beyond [`WAITING_BYTES_MAX`] new work is dropped from it and the worker reads
//! those records from the journal. Positions are consecutive, so a gap says exactly what has to be read.

use crate::file::Piece;
use bugle_journal::Position;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Bytes of waiting work, estimated. Bounds memory under any load.
pub const WAITING_BYTES_MAX: usize = 48 << 20;

/// See the module comment.
#[derive(Default)]
pub struct Backlog {
    state: Mutex<State>,
    changed: Condvar,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Piece>,
    bytes: usize,
    /// The newest durable position.
    last: Position,
    stopped: bool,
}

/// What the worker does next.
#[derive(Debug)]
pub enum Next {
    /// File these; they follow on what was filed last.
    Work(Vec<Piece>),
    /// Read the journal up to this position: it is not in memory.
    Journal(Position),
    /// Stop.
    Stop,
}

impl Backlog {
    /// A backlog behind a journal whose newest record is at `last`.
    pub fn new(last: Position) -> Backlog {
        Backlog { state: Mutex::new(State { last, ..State::default() }), ..Backlog::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Work that is durable now. Called in the order of positions.
    pub fn push(&self, work: Piece) {
        let mut state = self.lock();
        state.last = work.position();
        let bytes = work.memory_bytes();
        // Behind a gap nothing is queued: the worker will read the journal up to `last` anyway.
        let follows = state.queue.back().is_none_or(|newest| newest.position() + 1 == work.position());
        if follows && state.bytes + bytes <= WAITING_BYTES_MAX {
            state.bytes += bytes;
            state.queue.push_back(work);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Waits until something follows on `filed`, and takes up to `count_max` of it.
    pub fn next(&self, filed: Position, count_max: usize) -> Next {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return Next::Stop;
            }
            while state.queue.front().is_some_and(|work| work.position() <= filed) {
                state.pop();
            }
            match state.queue.front().map(Piece::position) {
                Some(position) if position == filed + 1 => {
                    let count = count_max.min(state.queue.len());
                    return Next::Work((0..count).filter_map(|_| state.pop()).collect());
                }
                Some(position) => return Next::Journal(position - 1),
                None if state.last > filed => return Next::Journal(state.last),
                None => {}
            }
            let waited = self.changed.wait_timeout(state, Duration::from_secs(1));
            state = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
    }

    /// The newest durable position.
    pub fn last(&self) -> Position {
        self.lock().last
    }

    /// Waits; whether the worker was told to stop meanwhile.
    pub fn rest(&self, time: Duration) -> bool {
        let waited = self.ended.wait_timeout_while(self.lock(), time, |state| !state.stopped);
        waited.unwrap_or_else(std::sync::PoisonError::into_inner).0.stopped
    }

    /// Lets the worker stop after its present batch. What waits is in the journal.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
        self.ended.notify_all();
    }
}

impl State {
    fn pop(&mut self) -> Option<Piece> {
        let work = self.queue.pop_front()?;
        self.bytes -= work.memory_bytes();
        Some(work)
    }
}
