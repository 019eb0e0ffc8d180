//! Strings that were found harmless lately.
//!
//! Events repeat themselves: of a thousand strings in one, nearly all were in the one before, lines of source first of
//! all. Hashing such a string costs a tenth of looking through it. So each thread remembers hashes of strings in which
//! nothing was found, in a table of fixed size; a newer hash takes the place of an older one.
//!
//! A hash is of 64 bits under a seed that nobody outside knows and that differs for each [`super::Scrubber`], so
//! neither chance nor anybody's craft makes a secret pass for a harmless string. What is found is the same with and
//! without it.

use super::text::Mode;
use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Shorter strings are looked through: it costs no more than to hash them.
pub(super) const BYTES_MIN: usize = 16;

/// Hashes that a thread remembers: 64 KiB.
const HASHES_MAX: usize = 8192;

thread_local! {
    static HARMLESS: RefCell<Box<[u64; HASHES_MAX]>> = RefCell::new(Box::new([0; HASHES_MAX]));
}

/// A seed for one set of rules.
pub(super) fn seed() -> u64 {
    RandomState::new().hash_one(0)
}

/// The name under which a string is remembered.
pub(super) fn hash(seed: u64, text: &str, mode: Mode) -> u64 {
    // 0 marks an empty place.
    xxh3_64_with_seed(text.as_bytes(), seed ^ mode as u64).max(1)
}

/// Whether a string is known to be harmless.
pub(super) fn knows(hash: u64) -> bool {
    HARMLESS.with_borrow(|hashes| hashes[place(hash)] == hash)
}

/// Remembers a string that is harmless.
pub(super) fn remember(hash: u64) {
    HARMLESS.with_borrow_mut(|hashes| hashes[place(hash)] = hash);
}

fn place(hash: u64) -> usize {
    hash as usize % HASHES_MAX
}
