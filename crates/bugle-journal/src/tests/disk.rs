//! The journal on a disk that fails: what it has told stays, what it cannot keep it refuses.

use super::*;
use bugle_fault::{Disk, Fault};

/// Several pages, so that an append has several writes.
static BODY: [u8; 40_000] = [7; 40_000];
/// Appends of one run. Enough for the log to be moved into the file twice.
const APPENDS: usize = 450;

struct Place {
    folder: tempfile::TempDir,
    disk: Disk,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Place { disk: Disk::new(folder.path()), folder }
    }

    fn open(&self) -> Journal {
        Journal::open(&self.disk.path("journal.db"), 1 << 20, 0).expect("opens")
    }
}

/// What a journal at this place holds, opened without any fault.
fn positions(folder: &Path) -> Vec<Position> {
    journal(folder).read(0, usize::MAX).expect("reads").into_iter().map(|record| record.0).collect()
}

#[test]
fn a_write_or_sync_that_fails_is_the_last() {
    for fault in [Fault::Write, Fault::Sync] {
        for after in 0..12 {
            let place = Place::new();
            let journal = place.open();
            assert_eq!(append(&journal, &[&BODY]).expect("kept"), 1);
            place.disk.fail(fault, "-wal", after);
            let kept = 1 + (0..50).take_while(|_| append(&journal, &[&BODY]).is_ok()).count() as Position;
            assert!(kept < 50 && place.disk.failures() > 0, "{fault:?} after {after}");
            assert!(journal.failure().is_some_and(|why| why.contains("disk I/O")), "{:?}", journal.failure());
            place.disk.heal();
            assert!(matches!(append(&journal, &[b"later"]), Err(JournalError::Poisoned(_))), "for good");
            journal.stop();
            drop(journal);
            let found = positions(place.folder.path());
            assert!(found.len() as Position >= kept, "{fault:?} after {after}: {kept} were told, {found:?} are there");
            assert_eq!(found, (1..=found.len() as Position).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_disk_that_fills_up_refuses_and_goes_on_when_there_is_room() {
    for after in 0..12 {
        let place = Place::new();
        let journal = place.open();
        assert_eq!(append(&journal, &[&BODY]).expect("kept"), 1);
        place.disk.fail(Fault::Full, "-wal", after);
        let kept = 1 + (0..50).take_while(|_| append(&journal, &[&BODY]).is_ok()).count() as Position;
        assert!(matches!(append(&journal, &[&BODY]), Err(JournalError::Full(_))), "after {after}");
        assert_eq!(journal.failure(), None, "room may come back");
        place.disk.heal();
        assert_eq!(append(&journal, &[b"later"]).expect("kept"), kept + 1, "refused records took no position");
        assert_eq!(positions(place.folder.path()), (1..=kept + 1).collect::<Vec<_>>());
    }
}

#[test]
fn a_log_that_cannot_be_moved_into_the_file_costs_nothing() {
    for fault in [Fault::Write, Fault::Sync, Fault::Full] {
        let place = Place::new();
        let journal = place.open();
        place.disk.fail(fault, "journal.db", 0);
        let kept = (0..APPENDS).take_while(|_| append(&journal, &[&BODY]).is_ok()).count();
        assert!(place.disk.failures() > 0, "{fault:?}: the log was to be moved");
        let after = tempfile::tempdir().expect("a temporary folder");
        place.disk.after_power_cut(after.path()).expect("writes");
        assert!(positions(after.path()).len() >= kept, "{fault:?}");
        assert_eq!(kept, APPENDS, "{fault:?}: the log has it, so appending goes on");
    }
}

#[test]
fn what_was_told_survives_a_power_cut() {
    // Syncs of opening the file, then of appends, then around the log's move into the file.
    let syncs = {
        let place = Place::new();
        let journal = place.open();
        let opened = place.disk.syncs();
        (0..APPENDS).for_each(|_| assert!(append(&journal, &[&BODY]).is_ok()));
        opened..place.disk.syncs()
    };
    assert!(syncs.end > APPENDS as u64, "every append was synced, and the log was moved: {syncs:?}");
    for cut in (syncs.start + 1..syncs.end).step_by(29) {
        let place = Place::new();
        let journal = place.open();
        place.disk.cut_power_after(cut);
        let told = (0..APPENDS).take_while(|_| append(&journal, &[&BODY]).is_ok()).count();
        let after = tempfile::tempdir().expect("a temporary folder");
        place.disk.after_power_cut(after.path()).expect("writes");
        let found = positions(after.path());
        assert!(found.len() >= told, "after {cut} syncs: {told} were told, {} are there", found.len());
        assert_eq!(found, (1..=found.len() as Position).collect::<Vec<_>>());
    }
}
