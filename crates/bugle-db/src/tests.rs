//! What every engine must do alike; a failing disk, which only the embedded one has, is in `disk`.

mod disk;

use super::*;

const STEPS: &[Migration] = &[
    Migration { name: "0001_things", text: "CREATE TABLE things (id {id}, name TEXT NOT NULL, data {blob});" },
    Migration { name: "0002_more", text: "ALTER TABLE things ADD COLUMN ok BOOLEAN NOT NULL DEFAULT FALSE;" },
];

fn database() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = open(&folder.path().join("t.db"), STEPS).expect("opens");
    (folder, database)
}

fn open(path: &Path, migrations: &[Migration]) -> Result<Database> {
    match trial::url_for(path, &[]) {
        Some(url) => Database::connect(&url, Options::default(), migrations),
        None => Database::open(path, Options::default(), migrations),
    }
}

crate::on_postgres_too![
    values_go_in_and_come_out,
    an_error_rolls_back_and_a_panic_too,
    a_conflict_is_told_apart,
    migrations_run_once_and_a_newer_database_is_refused,
    a_statement_that_failed_is_not_committed_around,
    text_has_no_nul_and_folds_and_sorts_alike,
    many_rows_at_once,
    a_reader_has_one_snapshot,
    two_processes_are_one_writer,
];

#[test]
fn a_statement_that_failed_is_not_committed_around() {
    let (_folder, database) = database();
    let insert = |tx: &mut Tx<'_>| tx.execute("INSERT INTO things (id, name) VALUES (1, 'a')", &[]);
    let regardless = database.write_now(move |tx| {
        insert(tx)?;
        assert!(insert(tx).is_err());
        Ok(())
    });
    assert!(matches!(regardless, Err(DbError::Failed(_))));
    let count: i64 = database.read_now(|tx| tx.one("SELECT COUNT(*) FROM things", &[])).expect("reads");
    assert_eq!(count, 0);
}

#[test]
fn text_has_no_nul_and_folds_and_sorts_alike() {
    let (_folder, database) = database();
    let names = database.write_now(|tx| {
        let rows: Vec<[Param<'_>; 2]> =
            ["b", "B", "a\0c", "É", "é", "_"].iter().zip(1..).map(|(name, id)| [id.into(), (*name).into()]).collect();
        tx.insert_many("things", &["id", "name"], "", &rows)?;
        tx.execute("UPDATE things SET name = $1 WHERE id = 3", params!["a\0d"])?;
        let like = tx.query("SELECT id FROM things WHERE name LIKE $1 ESCAPE '\\' ORDER BY id", params!["B%"])?;
        let lower = tx.query("SELECT LOWER(name) FROM things ORDER BY name", &[])?;
        let like: Result<Vec<i64>> = like.iter().map(|row| row.get(0)).collect();
        let lower: Result<Vec<String>> = lower.iter().map(|row| row.get(0)).collect();
        Ok((like?, lower?))
    });
    let (like, lower) = names.expect("runs");
    assert_eq!(like, [1, 2]);
    assert_eq!(lower, ["b", "_", "a\u{fffd}d", "b", "É", "é"]);
}

#[test]
fn many_rows_at_once() {
    let (_folder, database) = database();
    let names: Vec<String> = (0..1_300).map(|at| format!("n{at}")).collect();
    let done = database.write_now(move |tx| {
        let rows: Vec<[Param<'_>; 4]> = (0i64..)
            .zip(&names)
            .map(|(id, name)| [id.into(), name.into(), Param::from((id % 2 == 0).then_some(&[1u8][..])), true.into()])
            .collect();
        let columns = &["id", "name", "data", "ok"];
        let inserted = tx.insert_many("things", columns, "", &rows)?;
        let again = tx.insert_many("things", columns, "ON CONFLICT (id) DO NOTHING", &rows[..10])?;
        let upsert = "ON CONFLICT (id) DO UPDATE SET name = things.name || excluded.name";
        let joined = tx.insert_many("things", columns, upsert, &rows[7..8])?;
        let nothing: &[[Param<'_>; 4]] = &[];
        let none = tx.insert_many("things", columns, "", nothing)?;
        let ids: Vec<[Param<'_>; 1]> = (1_295i64..1_305).map(|id| [id.into()]).collect();
        let changed = tx.execute_each("UPDATE things SET ok = FALSE WHERE id = $1", &ids)?;
        let every: Vec<[Param<'_>; 1]> = (0i64..1_300).rev().map(|id| [id.into()]).collect();
        let found = tx.query_each("SELECT name, data FROM things WHERE id = $1", &every)?;
        Ok(((inserted, again, joined, none), changed, found))
    });
    let (counts, changed, found) = done.expect("runs");
    assert_eq!(counts, (1_300, 0, 1, 0));
    assert_eq!(changed, [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
    assert_eq!(found.len(), 1_300);
    for (id, rows) in (0i64..1_300).rev().zip(&found) {
        let name = if id == 7 { "n7n7".to_string() } else { format!("n{id}") };
        assert_eq!(rows[0].get::<String>(0).expect("name"), name);
        assert_eq!(rows[0].get::<Option<Vec<u8>>>(1).expect("data").is_some(), id % 2 == 0);
    }
    let conflict = database.write_now(|tx| {
        tx.execute_each("INSERT INTO things (id, name) VALUES ($1, 'x')", &[params![9_000], params![5], params![9_001]])
    });
    assert!(matches!(conflict, Err(DbError::Conflict(_))), "{conflict:?}");
}

#[test]
fn a_reader_has_one_snapshot() {
    let (_folder, database) = database();
    let other = database.clone();
    let counts = database.read_now(move |tx| {
        let before: i64 = tx.one("SELECT COUNT(*) FROM things", &[])?;
        other.write_now(|tx| tx.execute("INSERT INTO things (id, name) VALUES (1, 'a')", &[]))?;
        Ok((before, tx.one::<i64>("SELECT COUNT(*) FROM things", &[])?))
    });
    assert_eq!(counts.expect("reads"), (0, 0));
    let count: i64 = database.read_now(|tx| tx.one("SELECT COUNT(*) FROM things", &[])).expect("reads");
    assert_eq!(count, 1);
}

#[test]
fn two_processes_are_one_writer() {
    let (folder, database) = database();
    let other = open(&folder.path().join("t.db"), STEPS).expect("opens");
    let writers = [database, other].map(|database| {
        std::thread::spawn(move || {
            for _ in 0..25 {
                let look_then_insert = |tx: &mut Tx<'_>| {
                    let id = tx.next_id("things")?;
                    tx.execute("INSERT INTO things (id, name) VALUES ($1, 'a')", params![id])
                };
                database.write_now(look_then_insert).expect("nobody is in between");
            }
        })
    });
    for writer in writers {
        writer.join().expect("no panic");
    }
}

#[test]
fn a_connection_that_died_is_replaced_and_one_that_dies_costs_its_job() {
    trial::on_postgres(|| {
        let (_folder, database) = database();
        let other = open(&_folder.path().join("t.db"), STEPS).expect("opens");
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let insert = |tx: &mut Tx<'_>| tx.execute("INSERT INTO things (id, name) VALUES (1, 'a')", &[]);
        other.read_now(move |tx| tx.query(end, &[])).expect("ends the others");
        assert_eq!(database.write_now(insert).expect("on a new connection"), 1);
        let killer = other.clone();
        let died: Result<()> = database.write_now(move |tx| {
            tx.execute("DELETE FROM things", &[])?;
            killer.read_now(move |tx| tx.query(end, &[])).expect("ends the others");
            tx.execute("DELETE FROM things", &[]).map(drop)
        });
        assert!(matches!(died, Err(DbError::Busy(_))), "{died:?}");
        // Ended after its last statement: COMMIT fails, and what became of the transaction is asked.
        let died: Result<()> = database.write_now(move |tx| {
            tx.execute("DELETE FROM things", &[])?;
            other.read_now(move |tx| tx.query(end, &[])).expect("ends the others");
            Ok(())
        });
        assert!(matches!(&died, Err(DbError::Busy(why)) if why.contains("rolled back")), "{died:?}");
        let count: i64 = database.read_now(|tx| tx.one("SELECT COUNT(*) FROM things", &[])).expect("reads");
        assert_eq!(count, 1);
        assert_eq!(database.failure(), None);
    });
}

#[test]
fn a_server_that_is_not_there_is_told_in_a_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("postgres:///x?host={}&user=x", folder.path().display().to_string().replace('/', "%2F"));
    let away = Database::connect(&url, Options::default(), STEPS).err().expect("is away");
    assert!(away.to_string().contains("cannot be reached"), "{away}");
    let wrong = Database::connect("mysql://x", Options::default(), STEPS).err().expect("is no address");
    assert!(matches!(wrong, DbError::Refused(_)), "{wrong}");
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
    drop(open(&path, &STEPS[..1]).expect("old"));
    drop(open(&path, STEPS).expect("upgraded"));
    drop(open(&path, STEPS).expect("again"));
    let refused = open(&path, &STEPS[..1]).err().expect("refused");
    assert!(refused.to_string().contains("newer Bugle"), "{refused}");
    let altered = [Migration { name: "0001_things", text: "SELECT 1" }, STEPS[1]];
    assert!(matches!(open(&path, &altered), Err(DbError::Refused(_))));
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
