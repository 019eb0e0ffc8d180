//! Journals: which there are, and how far each has been filed.
//!
//! A server has one journal, in its data directory. Several servers may share one PostgreSQL database; then each files
//! its own journal into it, and positions mean something only together with the journal that they are of. The journal's
//! name lies in the journal itself, so it moves with its records.
//!
//! **Invariants**
//! * `filed` moves in the transaction that files, and only ahead.
//! * What waits in a journal was received after its `idle_ms`. Whoever removes what waiting records may need
//!   (exemplars) asks for the smallest of all journals.

use bugle_db::{DbError, Tx, params};
use bugle_journal::Position;

/// Knows a journal by its name, from its first time on. Its id, and how far it has been filed.
pub fn register(tx: &mut Tx<'_>, name: &str, now_ms: i64) -> Result<(i64, Position), DbError> {
    // The one of the time when there was one has no name in the database yet.
    let known = "SELECT id, filed FROM journals WHERE name IN ($1, '') ORDER BY name DESC LIMIT 1";
    if let Some(row) = tx.first(known, params![name])? {
        let (id, filed) = (row.get(0)?, row.get(1)?);
        tx.execute("UPDATE journals SET name = $2 WHERE id = $1", params![id, name])?;
        return Ok((id, filed));
    }
    let id = tx.next_id("journals")?;
    tx.execute("INSERT INTO journals (id, name, filed, idle_ms) VALUES ($1, $2, 0, $3)", params![id, name, now_ms])?;
    Ok((id, 0))
}

/// A journal that was registered.
pub fn find(tx: &mut Tx<'_>, name: &str) -> Result<Option<i64>, DbError> {
    let known = "SELECT id FROM journals WHERE name IN ($1, '') ORDER BY name DESC LIMIT 1";
    tx.first(known, params![name])?.map(|row| row.get(0)).transpose()
}

/// How far a journal has been filed.
pub fn filed(tx: &mut Tx<'_>, journal: i64) -> Result<Position, DbError> {
    let row = tx.first("SELECT filed FROM journals WHERE id = $1", params![journal])?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// A number that rises whenever a journal other than this one was filed.
pub fn filed_by_others(tx: &mut Tx<'_>, journal: i64) -> Result<i64, DbError> {
    tx.one("SELECT CAST(COALESCE(SUM(filed), 0) AS BIGINT) FROM journals WHERE id <> $1", params![journal])
}

/// Says that everything up to `position` is filed. Part of the transaction that files it.
pub fn advance(tx: &mut Tx<'_>, journal: i64, position: Position) -> Result<(), DbError> {
    tx.execute("UPDATE journals SET filed = $2 WHERE id = $1 AND filed < $2", params![journal, position]).map(drop)
}

/// Says that nothing was waiting in a journal at `now_ms`.
pub fn is_idle(tx: &mut Tx<'_>, journal: i64, now_ms: i64) -> Result<(), DbError> {
    tx.execute("UPDATE journals SET idle_ms = $2 WHERE id = $1", params![journal, now_ms]).map(drop)
}

/// What waits in any journal was received after this time. `None` while there is only one: its server knows it better.
pub fn idle_since_ms(tx: &mut Tx<'_>) -> Result<Option<i64>, DbError> {
    tx.one("SELECT CASE WHEN COUNT(*) > 1 THEN MIN(idle_ms) END FROM journals", &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    bugle_db::on_postgres_too![
        what_an_older_release_left_is_taken_over,
        each_journal_has_a_position_of_its_own,
        a_journal_of_the_time_when_there_was_one_is_adopted
    ];

    #[test]
    fn each_journal_has_a_position_of_its_own() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(folder.path()).expect("opens");
        let job = |tx: &mut Tx<'_>| {
            let (one, other) = (register(tx, "one", 5)?.0, register(tx, "other", 7)?.0);
            advance(tx, one, 12)?;
            advance(tx, one, 11)?;
            assert_eq!((register(tx, "one", 9)?, register(tx, "other", 9)?), ((one, 12), (other, 0)));
            assert_eq!((filed_by_others(tx, one)?, filed_by_others(tx, other)?), (0, 12));
            is_idle(tx, one, 20)?;
            assert_eq!(idle_since_ms(tx)?, Some(7));
            assert_eq!((find(tx, "other")?, find(tx, "third")?), (Some(other), None));
            Ok(())
        };
        store.blocking().write_now(job).expect("runs");
    }

    #[test]
    fn a_journal_of_the_time_when_there_was_one_is_adopted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(folder.path()).expect("opens");
        let job = |tx: &mut Tx<'_>| {
            tx.execute("INSERT INTO journals (id, name, filed, idle_ms) VALUES (1, '', 40, 0)", &[])?;
            assert_eq!(find(tx, "mine")?, Some(1));
            assert_eq!(register(tx, "mine", 9)?, (1, 40));
            assert_eq!(register(tx, "other", 9)?, (2, 0));
            Ok(())
        };
        store.blocking().write_now(job).expect("runs");
    }

    #[test]
    fn what_an_older_release_left_is_taken_over() {
        use crate::store::{FILE, MIGRATIONS};
        use bugle_db::{Database, Options, trial};
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(FILE);
        let open = |steps| match trial::url_for(&folder.path().join("older"), &[]) {
            Some(url) => Database::connect(&url, Options::default(), steps),
            None => Database::open(&path, Options::default(), steps),
        };
        let before = MIGRATIONS.iter().position(|step| step.name == "0006_journals").expect("is there");
        let older = open(&MIGRATIONS[..before]).expect("opens");
        let seed = |tx: &mut Tx<'_>| {
            tx.execute("UPDATE state SET value = 40 WHERE name = 'filed_position'", &[])?;
            tx.execute(
                "INSERT INTO quarantine (position, at_ms, error, body) VALUES (7, 5, 'x', $1)",
                params![&[1u8][..]],
            )
        };
        older.write_now(seed).expect("writes");
        drop(older);
        let look = |tx: &mut Tx<'_>| {
            let aside: i64 = tx.one("SELECT position FROM quarantine WHERE journal = 1", &[])?;
            Ok((register(tx, "mine", 9)?, register(tx, "other", 9)?, aside))
        };
        assert_eq!(open(MIGRATIONS).expect("upgrades").write_now(look).expect("runs"), ((1, 40), (2, 0), 7));
    }
}
