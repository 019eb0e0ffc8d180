//! What is left of a journal whose write-ahead log was cut or damaged, as a disk leaves it that loses power or lies
//! about its syncs: a prefix of what was appended, cut between two appends, and a journal that goes on.

use super::*;
use std::fs;
use std::path::PathBuf;

const APPENDS: u8 = 24;
/// Not a divisor of a page or a frame, so that cuts fall everywhere in them.
const STEP: usize = 1_500;

/// A journal's files as they lie on the disk after [`APPENDS`] appends: the database and its log.
fn files() -> (Vec<u8>, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let journal = journal(folder.path());
    for at in 0..APPENDS {
        let bodies = bodies(at);
        append(&journal, &bodies.iter().map(Vec::as_slice).collect::<Vec<_>>()).expect("kept");
    }
    let read = |name: &str| fs::read(folder.path().join(name)).expect("is there");
    (read("journal.db"), read("journal.db-wal"))
}

/// One to three records, some of them larger than a page.
fn bodies(at: u8) -> Vec<Vec<u8>> {
    (0..=at % 3).map(|part| vec![at ^ (part << 6); 100 + usize::from(at) * 400]).collect()
}

/// Everything that may be there: the records of the first appends, for every number of appends.
fn prefixes() -> Vec<Vec<(Position, Vec<u8>)>> {
    let mut records = Vec::new();
    let mut prefixes = vec![Vec::new()];
    for at in 0..APPENDS {
        for body in bodies(at) {
            records.push((records.len() as Position + 1, body));
        }
        prefixes.push(records.clone());
    }
    prefixes
}

/// Opens these files, checks that they hold a prefix and go on, and says how long it is.
fn kept(database: &[u8], log: &[u8], prefixes: &[Vec<(Position, Vec<u8>)>]) -> usize {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = |name: &str| -> PathBuf { folder.path().join(name) };
    fs::write(place("journal.db"), database).expect("writes");
    fs::write(place("journal.db-wal"), log).expect("writes");
    let journal = journal(folder.path());
    let records = journal.read(0, usize::MAX).expect("reads");
    let appends = prefixes.iter().position(|prefix| *prefix == records).expect("a prefix, cut between two appends");
    assert_eq!(journal.last(), records.len() as Position);
    assert_eq!(append(&journal, &[b"next"]).expect("kept"), journal.last());
    assert_eq!(journal.last(), records.len() as Position + 1);
    appends
}

#[test]
fn a_truncated_log_keeps_a_prefix() {
    let ((database, log), prefixes) = (files(), prefixes());
    assert!(log.len() > 100 * STEP, "the log has {} bytes", log.len());
    let mut before = 0;
    for length in (0..log.len()).step_by(STEP) {
        let appends = kept(&database, &log[..length], &prefixes);
        assert!(appends >= before, "a longer log keeps no less");
        before = appends;
    }
    assert!(before + 1 >= usize::from(APPENDS), "only the last append was cut");
    assert_eq!(kept(&database, &log, &prefixes), usize::from(APPENDS));
}

#[test]
fn a_damaged_log_keeps_what_stands_before_the_damage() {
    let ((database, log), prefixes) = (files(), prefixes());
    for at in (0..log.len()).step_by(5 * STEP) {
        let mut damaged = log.clone();
        let end = (at + 512).min(damaged.len());
        damaged[at..end].iter_mut().for_each(|byte| *byte ^= 0x5a);
        let cut = kept(&database, &log[..at], &prefixes);
        assert_eq!(kept(&database, &damaged, &prefixes), cut, "at {at}");
    }
}
