//! Projects and their keys.
//!
//! Owns: names and slugs, what a DSN is made of, and the snapshot of keys that the door judges by. A key is
//! 32 hex digits, valid for every dialect, and no secret: it stands in the clients that users download.

use crate::alert::target;
use crate::store::{removed, take_ids, touch};
use bugle_db::{DbError, Row, Tx, params};
use std::collections::HashMap;

/// A project: where one application's events go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its id; stands in the DSN.
    pub id: i64,
    /// Whose it is.
    pub organization: i64,
    /// Its name in addresses: lowercase letters, digits, dashes.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The platform chosen at setup, or empty.
    pub platform: String,
    /// When it was made, Unix ms.
    pub created_ms: i64,
    /// The time of its first event, Unix ms.
    pub first_event_ms: Option<i64>,
}

/// A key of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: i64,
    /// Whose it is.
    pub project: i64,
    /// 32 lowercase hex digits.
    pub public: String,
    /// Its name for people.
    pub label: String,
    /// Whether events with it are taken.
    pub is_active: bool,
    /// At most this many events …
    pub rate_count: Option<i64>,
    /// … in this many seconds.
    pub rate_window_s: Option<i64>,
    /// When it was made, Unix ms.
    pub created_ms: i64,
}

impl Key {
    /// No key: what came by a token has none.
    pub fn nobodys() -> Key {
        Key {
            id: 0,
            project: 0,
            public: String::new(),
            label: String::new(),
            is_active: true,
            rate_count: None,
            rate_window_s: None,
            created_ms: 0,
        }
    }
}

const COLUMNS: &str = "id, organization, slug, name, platform, created_ms, first_event_ms";
const KEY_COLUMNS: &str = "id, project, public, label, is_active, rate_count, rate_window_s, created_ms";

fn project(row: &Row) -> Result<Project, DbError> {
    Ok(Project {
        id: row.get(0)?,
        organization: row.get(1)?,
        slug: row.get(2)?,
        name: row.get(3)?,
        platform: row.get(4)?,
        created_ms: row.get(5)?,
        first_event_ms: row.get(6)?,
    })
}

fn key(row: &Row) -> Result<Key, DbError> {
    Ok(Key {
        id: row.get(0)?,
        project: row.get(1)?,
        public: row.get(2)?,
        label: row.get(3)?,
        is_active: row.get(4)?,
        rate_count: row.get(5)?,
        rate_window_s: row.get(6)?,
        created_ms: row.get(7)?,
    })
}

/// All projects of an organization, by name.
pub fn list(tx: &mut Tx<'_>, organization: i64) -> Result<Vec<Project>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM projects WHERE organization = $1 ORDER BY name, id");
    tx.query(&sql, params![organization])?.iter().map(project).collect()
}

/// The project with this slug, or with this id in digits.
pub fn find(tx: &mut Tx<'_>, organization: i64, slug_or_id: &str) -> Result<Option<Project>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM projects WHERE organization = $1 AND (slug = $2 OR id = $3)");
    let id = slug_or_id.parse::<i64>().unwrap_or(-1);
    tx.first(&sql, params![organization, slug_or_id, id])?.as_ref().map(project).transpose()
}

/// Makes a project with one key, which tells its members. The slug comes from the name and is made unique.
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence for the person when the name has no letter or digit, or is too long.
pub fn create(
    tx: &mut Tx<'_>,
    organization: i64,
    name: &str,
    platform: &str,
    public: &str,
    now_ms: i64,
) -> Result<(Project, Key), DbError> {
    let name = checked_name(name)?;
    let base = slug(name);
    let mut unique = base.clone();
    for suffix in 2.. {
        let taken: i64 = tx.one(
            "SELECT COUNT(*) FROM projects WHERE organization = $1 AND slug = $2",
            params![organization, &unique],
        )?;
        if taken == 0 {
            break;
        }
        unique = format!("{base}-{suffix}");
    }
    let id = take_ids(tx, "project_id", 1)?;
    tx.execute(
        "INSERT INTO projects (id, organization, slug, name, platform, created_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        params![id, organization, &unique, name, platform, now_ms],
    )?;
    let key = create_key(tx, id, "Default", public, now_ms)?;
    target::begin(tx, id, now_ms)?;
    let project = Project {
        id,
        organization,
        slug: unique,
        name: name.into(),
        platform: platform.into(),
        created_ms: now_ms,
        first_event_ms: None,
    };
    Ok((project, key))
}

/// Changes name and platform.
pub fn update(tx: &mut Tx<'_>, id: i64, name: &str, platform: &str) -> Result<(), DbError> {
    let name = checked_name(name)?;
    tx.execute("UPDATE projects SET name = $2, platform = $3 WHERE id = $1", params![id, name, platform])?;
    touch(tx)
}

/// Changes the slug, and with it the short ids of the project's issues.
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence for the person when it can be no slug; [`DbError::Conflict`] when another
/// project of the organization has it.
pub fn set_slug(tx: &mut Tx<'_>, id: i64, slug: &str) -> Result<(), DbError> {
    let is_fit = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let is_number = slug.bytes().all(|b| b.is_ascii_digit());
    if is_number || slug.len() > 50 || !slug.bytes().all(is_fit) || slug.starts_with('-') || slug.ends_with('-') {
        return Err(DbError::Abandoned(
            "A slug has lowercase letters, digits and dashes, at most 50, and is no number. Nothing was saved.".into(),
        ));
    }
    tx.execute("UPDATE projects SET slug = $2 WHERE id = $1", params![id, slug])?;
    touch(tx)
}

/// Deletes a project with everything in it. Its ledger stays: what was received was received.
pub fn delete(tx: &mut Tx<'_>, id: i64) -> Result<(), DbError> {
    tx.execute("DELETE FROM events WHERE project = $1", params![id])?;
    tx.execute("DELETE FROM issues WHERE project = $1", params![id])?;
    tx.execute("DELETE FROM issue_keys WHERE project = $1", params![id])?;
    tx.execute("DELETE FROM projects WHERE id = $1", params![id])?;
    removed(tx)?;
    touch(tx)
}

/// The keys of a project, oldest first.
pub fn keys(tx: &mut Tx<'_>, project: i64) -> Result<Vec<Key>, DbError> {
    let sql = format!("SELECT {KEY_COLUMNS} FROM keys WHERE project = $1 ORDER BY id");
    tx.query(&sql, params![project])?.iter().map(key).collect()
}

/// Makes another key. `public` is 32 random hex digits.
pub fn create_key(tx: &mut Tx<'_>, project: i64, label: &str, public: &str, now_ms: i64) -> Result<Key, DbError> {
    let id = take_ids(tx, "key_id", 1)?;
    let label = if label.trim().is_empty() { "Default" } else { label.trim() };
    tx.execute(
        "INSERT INTO keys (id, project, public, label, is_active, created_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        params![id, project, public, label, true, now_ms],
    )?;
    touch(tx)?;
    Ok(Key {
        id,
        project,
        public: public.into(),
        label: label.into(),
        is_active: true,
        rate_count: None,
        rate_window_s: None,
        created_ms: now_ms,
    })
}

/// Stores what may change on a key: label, activity, rate limit.
pub fn update_key(tx: &mut Tx<'_>, key: &Key) -> Result<(), DbError> {
    tx.execute(
        "UPDATE keys SET label = $3, is_active = $4, rate_count = $5, rate_window_s = $6 WHERE id = $1 AND project = $2",
        params![key.id, key.project, &key.label, key.is_active, key.rate_count, key.rate_window_s],
    )?;
    touch(tx)
}

/// Deletes a key. Clients that use it are refused from then on.
pub fn delete_key(tx: &mut Tx<'_>, project: i64, id: i64) -> Result<bool, DbError> {
    let gone = tx.execute("DELETE FROM keys WHERE id = $1 AND project = $2", params![id, project])? > 0;
    touch(tx)?;
    Ok(gone)
}

/// What the door knows: every key with the organization that it belongs to, by its public part.
pub type Keys = HashMap<String, (Key, i64)>;

/// Reads the snapshot of all keys.
pub fn all_keys(tx: &mut Tx<'_>) -> Result<Keys, DbError> {
    let rows = tx.query(
        "SELECT k.id, k.project, k.public, k.label, k.is_active, k.rate_count, k.rate_window_s, k.created_ms, \
         p.organization FROM keys k JOIN projects p ON p.id = k.project",
        &[],
    )?;
    rows.iter().map(|row| key(row).and_then(|key| Ok((key.public.clone(), (key, row.get(8)?))))).collect()
}

/// The DSN of a key under the server's public address.
pub fn dsn(public_url: &str, key: &Key) -> String {
    let (scheme, rest) = public_url.split_once("://").unwrap_or(("http", public_url));
    format!("{scheme}://{}@{}/{}", key.public, rest.trim_end_matches('/'), key.project)
}

/// `My Shop (API)` → `my-shop-api`.
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
        if slug.len() >= 50 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    // A slug of digits alone could be mistaken for an id.
    match slug.bytes().all(|b| b.is_ascii_digit()) {
        true => format!("project-{slug}").trim_end_matches('-').to_string(),
        false => slug.to_string(),
    }
}

fn checked_name(name: &str) -> Result<&str, DbError> {
    let name = name.trim();
    match name.chars().count() {
        0 => Err(DbError::Abandoned("The project has no name. Give it one, such as the application's.".into())),
        1..=100 => Ok(name),
        _ => Err(DbError::Abandoned("The project's name is longer than 100 characters. Shorten it.".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_made_of_names() {
        for (name, expected) in [
            ("Shop API", "shop-api"),
            ("  --Ünïcode!! ", "n-code"),
            ("42", "project-42"),
            ("日本", "project"),
            ("a".repeat(80).as_str(), "a".repeat(50).as_str()),
        ] {
            assert_eq!(slug(name), expected, "{name}");
        }
    }

    #[test]
    fn a_dsn_keeps_the_path_prefix() {
        let key = Key {
            id: 1,
            project: 3,
            public: "k".repeat(32),
            label: String::new(),
            is_active: true,
            rate_count: None,
            rate_window_s: None,
            created_ms: 0,
        };
        assert_eq!(dsn("https://x.example/bugle/", &key), format!("https://{}@x.example/bugle/3", key.public));
    }
}
