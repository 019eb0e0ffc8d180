//! Sessions of browsers: 256 random bits in a cookie, their hash in the table.
//!
//! A session lives [`LIFE_MS`] after its last use. The use is written at most once a day ([`is_due`],
//! [`refresh`]), so that reading a page stays a read.

use super::{PERSON_COLUMNS, Person, person as read_person, random};
use bugle_db::{DbError, Tx, params};
use bugle_event::id::hex;

/// How long a session lives unused: 30 days, in ms.
pub const LIFE_MS: i64 = 30 * DAY_MS;

const DAY_MS: i64 = 86_400_000;

/// A session as its owner sees it on the settings page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The hash, in hex: names the session and opens nothing.
    pub id: String,
    /// When it was begun, Unix ms.
    pub created_ms: i64,
    /// When it was last seen, within a day, Unix ms.
    pub seen_ms: i64,
}

/// Begins a session and says the text for the cookie. Sessions that have expired are swept out.
pub fn start(tx: &mut Tx<'_>, user: i64, now_ms: i64) -> Result<String, DbError> {
    tx.execute("DELETE FROM sessions WHERE expires_ms <= $1", params![now_ms])?;
    let text = random::secret();
    tx.execute(
        "INSERT INTO sessions (hash, user_id, created_ms, seen_ms, expires_ms) VALUES ($1, $2, $3, $3, $4)",
        params![&random::hash(&text), user, now_ms, now_ms + LIFE_MS],
    )?;
    Ok(text)
}

/// Who presents this text, if it is a session that has not expired and they still belong somewhere. Only reads.
pub fn person(tx: &mut Tx<'_>, text: &str, now_ms: i64) -> Result<Option<Person>, DbError> {
    let sql = format!(
        "SELECT {PERSON_COLUMNS} FROM sessions s JOIN users u ON u.id = s.user_id JOIN members m ON m.user_id = u.id \
         JOIN organizations o ON o.id = m.organization WHERE s.hash = $1 AND s.expires_ms > $2 ORDER BY o.id LIMIT 1"
    );
    tx.first(&sql, params![&random::hash(text), now_ms])?.as_ref().map(read_person).transpose()
}

/// Whether the session was last written down more than a day ago, so that [`refresh`] is due. Only reads.
pub fn is_due(tx: &mut Tx<'_>, text: &str, now_ms: i64) -> Result<bool, DbError> {
    let sql = "SELECT COUNT(*) FROM sessions WHERE hash = $1 AND expires_ms > $2 AND seen_ms <= $3";
    Ok(tx.one::<i64>(sql, params![&random::hash(text), now_ms, now_ms - DAY_MS])? > 0)
}

/// Writes down that the session is in use: it lives [`LIFE_MS`] from now.
pub fn refresh(tx: &mut Tx<'_>, text: &str, now_ms: i64) -> Result<(), DbError> {
    tx.execute(
        "UPDATE sessions SET seen_ms = $2, expires_ms = $3 WHERE hash = $1 AND expires_ms > $2",
        params![&random::hash(text), now_ms, now_ms + LIFE_MS],
    )?;
    Ok(())
}

/// A person's sessions that have not expired, last seen first.
pub fn list(tx: &mut Tx<'_>, user: i64, now_ms: i64) -> Result<Vec<Session>, DbError> {
    let sql = "SELECT hash, created_ms, seen_ms FROM sessions WHERE user_id = $1 AND expires_ms > $2 \
               ORDER BY seen_ms DESC, created_ms DESC";
    let rows = tx.query(sql, params![user, now_ms])?;
    rows.iter()
        .map(|row| {
            let id = hex(&row.get::<Vec<u8>>(0)?);
            Ok(Session { id, created_ms: row.get(1)?, seen_ms: row.get(2)? })
        })
        .collect()
}

/// The id under which [`list`] names the session with this text.
pub fn id(text: &str) -> String {
    hex(&random::hash(text))
}

/// Ends a session: signing out.
pub fn end(tx: &mut Tx<'_>, text: &str) -> Result<(), DbError> {
    tx.execute("DELETE FROM sessions WHERE hash = $1", params![&random::hash(text)]).map(drop)
}

/// Ends all sessions of a person but the one with this text, and says how many.
pub fn end_all_but(tx: &mut Tx<'_>, user: i64, text: Option<&str>) -> Result<u64, DbError> {
    let kept = text.map(random::hash).unwrap_or_default();
    tx.execute("DELETE FROM sessions WHERE user_id = $1 AND hash <> $2", params![user, &kept])
}

#[cfg(test)]
mod tests {
    use super::super::tests::{run, world};
    use super::*;

    #[test]
    fn a_session_slides_and_expires() {
        let (_folder, store, organization, user) = world();
        run(&store, move |tx| {
            let text = start(tx, user, 1_000)?;
            let found = person(tx, &text, 2_000)?.expect("is signed in");
            assert_eq!(
                (found.user, found.organization, found.email.as_str()),
                (user, organization, "owner@acme.example")
            );
            assert_eq!(person(tx, "guessed", 2_000)?, None);
            assert!(!is_due(tx, &text, 2_000)?);

            let later = 1_000 + LIFE_MS - 1;
            assert!(is_due(tx, &text, later)?);
            refresh(tx, &text, later)?;
            assert!(!is_due(tx, &text, later)?);
            assert!(person(tx, &text, later + LIFE_MS - 1)?.is_some());
            assert_eq!(person(tx, &text, later + LIFE_MS)?, None);

            refresh(tx, &text, later + LIFE_MS)?;
            assert_eq!(person(tx, &text, later + LIFE_MS)?, None, "what has expired does not come back");
            Ok(())
        })
        .expect("runs");
    }

    #[test]
    fn a_session_ends() {
        let (_folder, store, _, user) = world();
        run(&store, move |tx| {
            let (one, two) = (start(tx, user, 1)?, start(tx, user, 1)?);
            assert!(list(tx, user, 2)?.iter().any(|session| session.id == id(&one)));
            end(tx, &one)?;
            assert_eq!(person(tx, &one, 2)?, None);
            assert_eq!(end_all_but(tx, user, None)?, 1);
            assert_eq!(person(tx, &two, 2)?, None);
            Ok(())
        })
        .expect("runs");
    }

    bugle_db::on_postgres_too![a_session_slides_and_expires, a_session_ends,];
}
