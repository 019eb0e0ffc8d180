//! Tokens for the REST API: `sntryu_` and 64 hex digits, the form that tools for Sentry expect.
//!
//! A token acts for one person in one organization, within its scopes. It is shown once; the table keeps its
//! hash and its last four characters, by which its owner knows it again.

use super::{PERSON_COLUMNS, Person, person as read_person, random, refused};
use bugle_db::{DbError, Tx, params};

/// What a token may do, in Sentry's words, each with what it means here.
pub const SCOPES: &[(&str, &str)] = &[
    ("org:read", "read the organization and the ledger"),
    ("org:write", "change the organization"),
    ("org:admin", "everything in the organization"),
    ("project:read", "read projects and keys"),
    ("project:write", "change projects and keys"),
    ("project:admin", "make and delete projects"),
    ("project:releases", "releases and their files"),
    ("event:read", "read issues and events"),
    ("event:write", "change issues"),
    ("event:admin", "delete issues and events"),
    ("member:read", "read who is a member"),
    ("member:admin", "change who is a member"),
    ("team:read", "read teams"),
    ("alerts:read", "read alerts"),
    ("alerts:write", "change alerts"),
];

/// What a form proposes and the command line gives: reading everything, and what a build or a script does.
pub const SCOPES_DEFAULT: &[&str] = &[
    "org:read",
    "project:read",
    "project:write",
    "project:admin",
    "project:releases",
    "event:read",
    "event:write",
    "event:admin",
    "member:read",
    "team:read",
    "alerts:read",
    "alerts:write",
];

const PREFIX: &str = "sntryu_";

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: i64,
    /// Its name for its owner.
    pub name: String,
    /// The last four characters.
    pub hint: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made, Unix ms.
    pub created_ms: i64,
    /// When it was last used, within a day, Unix ms.
    pub used_ms: Option<i64>,
}

/// Makes a token and says it, once. No scopes means [`SCOPES_DEFAULT`].
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence for the person when the name is empty or a scope is not known.
pub fn create(
    tx: &mut Tx<'_>,
    organization: i64,
    user: i64,
    name: &str,
    scopes: &[String],
    now_ms: i64,
) -> Result<(Token, String), DbError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        return refused("A token needs a name of at most 100 characters. Name the tool that will use it.");
    }
    let scopes = checked_scopes(scopes)?;
    let text = format!("{PREFIX}{}", random::hex64());
    let hint = &text[text.len() - 4..];
    let id = tx.next_id("tokens")?;
    tx.execute(
        "INSERT INTO tokens (id, hash, organization, user_id, name, hint, scopes, created_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![id, &random::hash(&text), organization, user, name, hint, &scopes.join(" "), now_ms],
    )?;
    let token = Token { id, name: name.into(), hint: hint.into(), scopes, created_ms: now_ms, used_ms: None };
    Ok((token, text))
}

/// A person's tokens for an organization, newest first.
pub fn list(tx: &mut Tx<'_>, organization: i64, user: i64) -> Result<Vec<Token>, DbError> {
    let sql = "SELECT id, name, hint, scopes, created_ms, used_ms FROM tokens WHERE organization = $1 AND user_id = $2 \
               ORDER BY created_ms DESC, id DESC";
    let rows = tx.query(sql, params![organization, user])?;
    rows.iter()
        .map(|row| {
            Ok(Token {
                id: row.get(0)?,
                name: row.get(1)?,
                hint: row.get(2)?,
                scopes: split(&row.get::<String>(3)?),
                created_ms: row.get(4)?,
                used_ms: row.get(5)?,
            })
        })
        .collect()
}

/// Revokes one of a person's tokens: it opens nothing from now on. Says whether there was one.
pub fn revoke(tx: &mut Tx<'_>, user: i64, id: i64) -> Result<bool, DbError> {
    Ok(tx.execute("DELETE FROM tokens WHERE id = $1 AND user_id = $2", params![id, user])? > 0)
}

/// For whom a token acts, and its scopes; `None` when it is not known or they are no member any more. Only reads.
pub fn person(tx: &mut Tx<'_>, presented: &str) -> Result<Option<(Person, Vec<String>)>, DbError> {
    let sql = format!(
        "SELECT {PERSON_COLUMNS}, t.scopes FROM tokens t JOIN users u ON u.id = t.user_id \
         JOIN members m ON m.user_id = u.id AND m.organization = t.organization \
         JOIN organizations o ON o.id = t.organization WHERE t.hash = $1"
    );
    let Some(row) = tx.first(&sql, params![&random::hash(presented)])? else { return Ok(None) };
    Ok(Some((read_person(&row)?, split(&row.get::<String>(7)?))))
}

/// Writes down that a token is in use, if that was not done within the last day; a caller that reads asks
/// [`is_due`] first.
pub fn note_use(tx: &mut Tx<'_>, presented: &str, now_ms: i64) -> Result<(), DbError> {
    tx.execute("UPDATE tokens SET used_ms = $2 WHERE hash = $1", params![&random::hash(presented), now_ms]).map(drop)
}

/// Whether [`note_use`] is due: the last use written down is more than a day old. Only reads.
pub fn is_due(tx: &mut Tx<'_>, presented: &str, now_ms: i64) -> Result<bool, DbError> {
    let sql = "SELECT COUNT(*) FROM tokens WHERE hash = $1 AND COALESCE(used_ms, 0) <= $2";
    Ok(tx.one::<i64>(sql, params![&random::hash(presented), now_ms - 86_400_000])? > 0)
}

/// Each scope once, in the order of [`SCOPES`].
fn checked_scopes(wanted: &[String]) -> Result<Vec<String>, DbError> {
    if wanted.is_empty() {
        return Ok(SCOPES_DEFAULT.iter().map(|scope| scope.to_string()).collect());
    }
    if let Some(odd) = wanted.iter().find(|wanted| !SCOPES.iter().any(|(scope, _)| scope == wanted)) {
        let known: Vec<&str> = SCOPES.iter().map(|(scope, _)| *scope).collect();
        return refused(format!("{odd:?} is no scope. There are {}.", known.join(", ")));
    }
    let known = SCOPES.iter().map(|(scope, _)| scope.to_string());
    Ok(known.filter(|scope| wanted.contains(scope)).collect())
}

fn split(scopes: &str) -> Vec<String> {
    scopes.split_whitespace().map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{run, world};
    use super::*;

    #[test]
    fn a_token_acts_until_it_is_revoked() {
        let (_folder, store, organization, user) = world();
        run(&store, move |tx| {
            let wanted = vec!["event:read".to_string(), "org:read".to_string()];
            let (token, text) = create(tx, organization, user, " ci ", &wanted, 5)?;
            assert!(text.starts_with("sntryu_") && text.len() == 71 && text.ends_with(&token.hint), "{text}");
            let (person, scopes) = person(tx, &text)?.expect("is known");
            assert_eq!((person.user, person.organization), (user, organization));
            assert_eq!(scopes, ["org:read", "event:read"]);
            assert_eq!(list(tx, organization, user)?, std::slice::from_ref(&token));

            assert!(is_due(tx, &text, 86_400_001)?);
            note_use(tx, &text, 86_400_001)?;
            assert!(!is_due(tx, &text, 86_400_002)?);

            assert!(!revoke(tx, user + 1, token.id)?, "another's token stays");
            assert!(revoke(tx, user, token.id)?);
            assert_eq!(super::person(tx, &text)?, None);
            Ok(())
        })
        .expect("runs");
    }

    #[test]
    fn unknown_scopes_are_refused() {
        let (_folder, store, organization, user) = world();
        let made = run(&store, move |tx| create(tx, organization, user, "x", &["root".into()], 5));
        assert!(made.expect_err("is refused").to_string().contains("org:read"));
    }

    bugle_db::on_postgres_too![a_token_acts_until_it_is_revoked, unknown_scopes_are_refused,];
}
