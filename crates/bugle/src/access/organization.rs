//! Organizations: who shares projects and people. A server has one; the tables could hold more.

use super::refused;
use crate::project::slug;
use bugle_db::{DbError, Row, Tx, params};

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: i64,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// When it was made, Unix ms.
    pub created_ms: i64,
}

fn organization(row: &Row) -> Result<Organization, DbError> {
    Ok(Organization { id: row.get(0)?, slug: row.get(1)?, name: row.get(2)?, created_ms: row.get(3)? })
}

/// Makes an organization. The slug comes from the name unless one is given.
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence for the person when name or slug cannot be used.
pub fn create(tx: &mut Tx<'_>, name: &str, wanted: Option<&str>, now_ms: i64) -> Result<Organization, DbError> {
    let name = name.trim();
    if name.is_empty() {
        return refused("The organization has no name. Give it one, such as your company's.");
    }
    if name.chars().count() > 100 {
        return refused("The organization's name is longer than 100 characters. Shorten it.");
    }
    let slug = match wanted.map(str::trim) {
        // `slug` changes nothing in what is one already.
        Some(wanted) if slug(wanted) != wanted => {
            return refused(format!(
                "{wanted:?} cannot stand in an address. Use up to 50 lowercase letters, digits and dashes, with a letter."
            ));
        }
        Some(wanted) => wanted.to_string(),
        // A name without any Latin letter.
        None if slug(name) == "project" => "team".to_string(),
        None => slug(name),
    };
    let taken: i64 = tx.one("SELECT COUNT(*) FROM organizations WHERE slug = $1", params![&slug])?;
    if taken > 0 {
        return refused(format!("There is an organization {slug} already."));
    }
    let id = tx.next_id("organizations")?;
    tx.execute(
        "INSERT INTO organizations (id, slug, name, created_ms) VALUES ($1, $2, $3, $4)",
        params![id, &slug, name, now_ms],
    )?;
    Ok(Organization { id, slug, name: name.into(), created_ms: now_ms })
}

/// The oldest organization: the one of this server. `None` before setup.
pub fn first(tx: &mut Tx<'_>) -> Result<Option<Organization>, DbError> {
    let sql = "SELECT id, slug, name, created_ms FROM organizations ORDER BY id LIMIT 1";
    tx.first(sql, &[])?.as_ref().map(organization).transpose()
}

/// The organization with this slug, or with this id in digits.
pub fn get(tx: &mut Tx<'_>, slug_or_id: &str) -> Result<Option<Organization>, DbError> {
    let id = slug_or_id.parse::<i64>().unwrap_or(-1);
    let sql = "SELECT id, slug, name, created_ms FROM organizations WHERE slug = $1 OR id = $2";
    tx.first(sql, params![slug_or_id, id])?.as_ref().map(organization).transpose()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{run, world};
    use super::*;

    #[test]
    fn slugs_are_given_or_made() {
        let (_folder, store, ..) = world();
        for (name, wanted, slug) in [
            ("Blue Sky", None, Some("blue-sky")),
            ("Blue Sky", None, None),
            ("Anything", Some("our-shop"), Some("our-shop")),
            ("Anything", Some("Our Shop"), None),
            ("Anything", Some("42"), None),
            ("日本", None, Some("team")),
            ("  ", None, None),
        ] {
            let made = run(&store, move |tx| create(tx, name, wanted, 1));
            assert_eq!(made.as_ref().ok().map(|made| made.slug.as_str()), slug, "{name} {wanted:?}: {made:?}");
        }
        let found = run(&store, |tx| Ok((first(tx)?, get(tx, "our-shop")?, get(tx, "1")?, get(tx, "none")?)));
        let (first, by_slug, by_id, none) = found.expect("reads");
        assert_eq!(first, by_id);
        assert_eq!(by_slug.map(|found| found.name), Some("Anything".into()));
        assert_eq!(none, None);
    }

    bugle_db::on_postgres_too![slugs_are_given_or_made,];
}
