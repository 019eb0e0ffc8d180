//! What every engine must do alike; a failing disk, which only the embedded one has, is in `disk`.

mod disk;

use super::*;

const STEPS: &[Migration] = &[
    Migration { name: "0001_things", text: "CREATE TABLE things (id {id}, name TEXT NOT NULL, data {blob});" },
    Migration { name: "0002_more", text: "ALTER TABLE things ADD COLUMN ok BOOLEAN NOT NULL DEFAULT FALSE;" },
];

fn database() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = Database::open(&folder.path().join("t.db"), Options::default(), STEPS).expect("opens");
    (folder, database)
}

#[test]
fn values_go_in_and_come_out() {
    let (_folder, database) = database();
    database
        .write_now(|tx| {
            tx.execute(
                "INSERT INTO things (name, id, data, ok) VALUES ($2, $1, $3, $4)",
                params![7, "é", &[1u8, 2][..], true],
            )
        })
        .expect("writes");
    let row = database
        .read_now(|tx| tx.first("SELECT id, name, data, ok, NULL FROM things WHERE name = $1", params!["é"]))
        .expect("reads")
        .expect("is there");
    assert_eq!(row.get::<i64>(0).expect("id"), 7);
    assert_eq!(row.get::<String>(1).expect("name"), "é");
    assert_eq!(row.get::<Vec<u8>>(2).expect("data"), [1, 2]);
    assert!(row.get::<bool>(3).expect("ok"));
    assert_eq!(row.get::<Option<i64>>(4).expect("null"), None);
    assert!(row.get::<i64>(1).is_err());
}

#[test]
fn an_error_rolls_back_and_a_panic_too() {
    let (_folder, database) = database();
    let failed: Result<()> = database.write_now(|tx| {
        tx.execute("INSERT INTO things (id, name) VALUES (1, 'a')", &[])?;
        Err(DbError::Abandoned("changed my mind".into()))
    });
    assert!(matches!(failed, Err(DbError::Abandoned(_))));
    let panicked: Result<()> = database.write_now(|tx| {
        tx.execute("INSERT INTO things (id, name) VALUES (1, 'a')", &[])?;
        panic!("on purpose")
    });
    assert!(panicked.is_err());
    let count: i64 = database.read_now(|tx| tx.one("SELECT COUNT(*) FROM things", &[])).expect("still works");
    assert_eq!(count, 0);
}

#[test]
fn a_conflict_is_told_apart() {
    let (_folder, database) = database();
    let insert = |tx: &mut Tx<'_>| tx.execute("INSERT INTO things (id, name) VALUES (1, 'a')", &[]);
    database.write_now(insert).expect("first");
    assert!(matches!(database.write_now(insert), Err(DbError::Conflict(_))));
}

#[test]
fn migrations_run_once_and_a_newer_database_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("t.db");
    drop(Database::open(&path, Options::default(), &STEPS[..1]).expect("old"));
    drop(Database::open(&path, Options::default(), STEPS).expect("upgraded"));
    drop(Database::open(&path, Options::default(), STEPS).expect("again"));
    let refused = Database::open(&path, Options::default(), &STEPS[..1]).err().expect("refused");
    assert!(refused.to_string().contains("newer Bugle"), "{refused}");
    let altered = [Migration { name: "0001_things", text: "SELECT 1" }, STEPS[1]];
    assert!(matches!(Database::open(&path, Options::default(), &altered), Err(DbError::Refused(_))));
}

#[test]
fn a_failed_write_is_the_last() {
    let (_folder, database) = database();
    let insert = |tx: &mut Tx<'_>| tx.execute("INSERT INTO things (id, name) VALUES (1, 'a')", &[]);
    assert_eq!(database.failure(), None);
    // SQLite answers writes with an error of the file from here on, as it does on a disk that turned read-only.
    database.write_now(|tx| tx.query("PRAGMA query_only = ON", &[]).map(drop)).expect("is set");
    assert!(matches!(database.write_now(insert), Err(DbError::Disk(_))));
    assert!(database.failure().is_some_and(|why| why.contains("readonly")), "{:?}", database.failure());
    assert!(matches!(database.write_now(|_| Ok(())), Err(DbError::Disk(_))), "nothing more is tried");
    let count: i64 = database.read_now(|tx| tx.one("SELECT COUNT(*) FROM things", &[])).expect("reading goes on");
    assert_eq!(count, 0);
}

#[test]
fn a_full_disk_is_not_the_end() {
    let (_folder, database) = database();
    let bound = |sql: &'static str| database.write_now(|tx| tx.query(sql, &[]).map(drop)).expect("is set");
    let insert = |id: i64| {
        database.write_now(move |tx| {
            tx.execute("INSERT INTO things (id, name, data) VALUES ($1, 'a', $2)", params![id, &[7u8; 9000][..]])
        })
    };
    // SQLite gives the same SQLITE_FULL for this as for a disk without room.
    bound("PRAGMA max_page_count = 20");
    let kept = (0..50).take_while(|&id| insert(id).is_ok()).count() as i64;
    assert!((1..20).contains(&kept), "{kept}");
    assert!(matches!(insert(kept), Err(DbError::Full(_))));
    bound("PRAGMA max_page_count = 10000");
    assert_eq!(insert(kept).expect("there is room again"), 1);
    let count: i64 = database.read_now(|tx| tx.one("SELECT COUNT(*) FROM things", &[])).expect("reads");
    assert_eq!(count, kept + 1);
}
