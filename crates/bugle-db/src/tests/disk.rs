//! The database on a disk that fails: what was committed stays, and after a failure nothing more is written.

use super::*;
use bugle_fault::{Disk, Fault};

struct Place {
    folder: tempfile::TempDir,
    disk: Disk,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Place { disk: Disk::new(folder.path()), folder }
    }

    fn open(&self) -> Database {
        Database::open(&self.disk.path("t.db"), Options::default(), STEPS).expect("opens")
    }
}

fn insert(database: &Database, id: i64) -> Result<u64> {
    database.write_now(move |tx| {
        tx.execute("INSERT INTO things (id, name, data) VALUES ($1, 'a', $2)", params![id, &[7u8; 40_000][..]])
    })
}

/// Rows are numbered from 1 and none is missing in between. How many there are.
fn rows(folder: &Path) -> i64 {
    let database = Database::open(&folder.join("t.db"), Options::default(), STEPS).expect("opens");
    let row = database.read_now(|tx| tx.first("SELECT COUNT(*), COALESCE(MAX(id), 0) FROM things", &[]));
    let row = row.expect("reads").expect("a row");
    assert_eq!(row.get::<i64>(0).expect("a count"), row.get::<i64>(1).expect("an id"));
    row.get(0).expect("a count")
}

#[test]
fn a_write_or_sync_that_fails_is_the_last() {
    for fault in [Fault::Write, Fault::Sync] {
        for after in 0..8 {
            let place = Place::new();
            let database = place.open();
            insert(&database, 1).expect("writes");
            place.disk.fail(fault, "-wal", after);
            let kept = 1 + (2..50).take_while(|&id| insert(&database, id).is_ok()).count() as i64;
            assert!(kept < 49 && database.failure().is_some(), "{fault:?} after {after}");
            place.disk.heal();
            assert!(matches!(insert(&database, 99), Err(DbError::Disk(_))), "for good");
            let seen: i64 =
                database.read_now(|tx| tx.one("SELECT COUNT(*) FROM things", &[])).expect("reading goes on");
            assert_eq!(seen, kept, "what failed is not shown");
            drop(database);
            assert!(rows(place.folder.path()) >= kept);
        }
    }
}

#[test]
fn a_disk_that_fills_up_is_not_the_end() {
    for after in 0..8 {
        let place = Place::new();
        let database = place.open();
        insert(&database, 1).expect("writes");
        place.disk.fail(Fault::Full, "-wal", after);
        let kept = 1 + (2..50).take_while(|&id| insert(&database, id).is_ok()).count() as i64;
        assert!(matches!(insert(&database, kept + 1), Err(DbError::Full(_))), "after {after}");
        assert_eq!(database.failure(), None);
        place.disk.heal();
        insert(&database, kept + 1).expect("there is room again");
        assert_eq!(rows(place.folder.path()), kept + 1);
    }
}

#[test]
fn what_was_committed_survives_a_power_cut() {
    const ROWS: i64 = 450;
    let syncs = {
        let place = Place::new();
        let database = place.open();
        let opened = place.disk.syncs();
        (1..=ROWS).for_each(|id| assert!(insert(&database, id).is_ok()));
        opened..place.disk.syncs()
    };
    assert!(syncs.end - syncs.start > ROWS as u64, "every commit was synced, and the log was moved: {syncs:?}");
    for cut in (syncs.start + 1..syncs.end).step_by(29) {
        let place = Place::new();
        let database = place.open();
        place.disk.cut_power_after(cut);
        let told = (1..=ROWS).take_while(|&id| insert(&database, id).is_ok()).count() as i64;
        let after = tempfile::tempdir().expect("a temporary folder");
        place.disk.after_power_cut(after.path()).expect("writes");
        let found = rows(after.path());
        assert!(found >= told, "after {cut} syncs: {told} were told, {found} are there");
    }
}

#[test]
fn a_migration_that_fails_is_made_again() {
    for fault in [Fault::Write, Fault::Sync, Fault::Full] {
        for after in 0..10 {
            let place = Place::new();
            drop(Database::open(&place.disk.path("t.db"), Options::default(), &STEPS[..1]).expect("old"));
            place.disk.fail(fault, "", after);
            let opened = Database::open(&place.disk.path("t.db"), Options::default(), STEPS);
            place.disk.heal();
            drop(opened);
            let database = place.open();
            insert(&database, 1).expect("writes");
            let steps: i64 = database.read_now(|tx| tx.one("SELECT COUNT(*) FROM migrations", &[])).expect("reads");
            assert_eq!(steps, 2, "{fault:?} after {after}");
        }
    }
}
