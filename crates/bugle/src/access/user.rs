//! People with an account, and what they are in an organization.
//!
//! An address is stored in lower case: nobody expects `Ann@x` and `ann@x` to be two people. Whoever is removed from
//! an organization keeps their row, so that comments keep their author; without a membership no session or token
//! of theirs opens anything.

use super::{Role, refused};
use crate::store::touch;
use bugle_db::{DbError, Tx, params};

/// What signing in needs to know of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user's id.
    pub id: i64,
    /// Lower case.
    pub email: String,
    /// For others.
    pub name: String,
    /// A PHC string, see [`super::password`].
    pub password_hash: String,
}

/// Somebody in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user's id.
    pub user: i64,
    /// Lower case.
    pub email: String,
    /// For others.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// The address as it is stored.
///
/// # Errors
/// A sentence when it can be no address. Whether mail arrives there is not known.
pub fn checked_email(text: &str) -> Result<String, String> {
    let email = text.trim().to_lowercase();
    let wrong = || Err(format!("{text:?} is no e-mail address. One looks like name@example.org."));
    let Some((local, domain)) = email.rsplit_once('@') else { return wrong() };
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"@".contains(c);
    let labels_are_good =
        domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    if local.is_empty() || email.len() > 254 || local.contains(odd) || domain.contains(odd) || !labels_are_good {
        return wrong();
    }
    Ok(email)
}

/// Makes an account and says its id. The person belongs nowhere until [`add`].
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence for the person when the address is none or has an account.
pub fn create(tx: &mut Tx<'_>, email: &str, name: &str, password_hash: &str, now_ms: i64) -> Result<i64, DbError> {
    let email = checked_email(email).map_err(DbError::Abandoned)?;
    let name = checked_name(name, &email)?;
    if by_email(tx, &email)?.is_some() {
        return refused(format!("{email} has an account already."));
    }
    let id = tx.next_id("users")?;
    tx.execute(
        "INSERT INTO users (id, email, name, password_hash, created_ms) VALUES ($1, $2, $3, $4, $5)",
        params![id, &email, &name, password_hash, now_ms],
    )?;
    Ok(id)
}

/// The account of an address, however it is written.
pub fn by_email(tx: &mut Tx<'_>, email: &str) -> Result<Option<Account>, DbError> {
    let email = email.trim().to_lowercase();
    let sql = "SELECT id, email, name, password_hash FROM users WHERE email = $1";
    let Some(row) = tx.first(sql, params![&email])? else { return Ok(None) };
    Ok(Some(Account { id: row.get(0)?, email: row.get(1)?, name: row.get(2)?, password_hash: row.get(3)? }))
}

/// The password hash of an account, to check the current password before it is changed.
pub fn password_hash(tx: &mut Tx<'_>, user: i64) -> Result<Option<String>, DbError> {
    tx.first("SELECT password_hash FROM users WHERE id = $1", params![user])?.map(|row| row.get(0)).transpose()
}

/// Stores another password and ends the sessions that were begun with the old one, but for the one of
/// `session`, the text of the browser that asks.
pub fn set_password(tx: &mut Tx<'_>, user: i64, password_hash: &str, session: Option<&str>) -> Result<(), DbError> {
    tx.execute("UPDATE users SET password_hash = $2 WHERE id = $1", params![user, password_hash])?;
    super::session::end_all_but(tx, user, session)?;
    Ok(())
}

/// Changes the name that others see.
pub fn rename(tx: &mut Tx<'_>, user: i64, name: &str) -> Result<(), DbError> {
    let name = checked_name(name, "")?;
    if name.is_empty() {
        return refused("The name is empty. Others see it at comments and assignments.");
    }
    tx.execute("UPDATE users SET name = $2 WHERE id = $1", params![user, &name])?;
    touch(tx)
}

/// Takes a person into an organization.
pub fn add(tx: &mut Tx<'_>, organization: i64, user: i64, role: Role) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO members (organization, user_id, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        params![organization, user, role.as_str()],
    )?;
    touch(tx)
}

/// The people of an organization, by name.
pub fn members(tx: &mut Tx<'_>, organization: i64) -> Result<Vec<Member>, DbError> {
    let sql = "SELECT u.id, u.email, u.name, m.role FROM members m JOIN users u ON u.id = m.user_id \
               WHERE m.organization = $1 ORDER BY u.name, u.id";
    let rows = tx.query(sql, params![organization])?;
    rows.iter()
        .map(|row| {
            let role = Role::parse(&row.get::<String>(3)?);
            Ok(Member { user: row.get(0)?, email: row.get(1)?, name: row.get(2)?, role })
        })
        .collect()
}

/// The owner who has been there longest: whom tokens made on the command line belong to.
pub fn owner(tx: &mut Tx<'_>, organization: i64) -> Result<Option<i64>, DbError> {
    let sql = "SELECT user_id FROM members WHERE organization = $1 AND role = 'owner' ORDER BY user_id LIMIT 1";
    tx.first(sql, params![organization])?.map(|row| row.get(0)).transpose()
}

/// Removes a person from an organization, with their sessions and their tokens for it; their issues lose the
/// assignee. Says whether they were a member.
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence when they are its last owner.
pub fn remove(tx: &mut Tx<'_>, organization: i64, user: i64) -> Result<bool, DbError> {
    let gone =
        tx.execute("DELETE FROM members WHERE organization = $1 AND user_id = $2", params![organization, user])?;
    if gone == 0 {
        return Ok(false);
    }
    if owner(tx, organization)?.is_none() {
        return refused("This is the last owner. Invite another owner first, else nobody could let people in.");
    }
    tx.execute("DELETE FROM tokens WHERE organization = $1 AND user_id = $2", params![organization, user])?;
    tx.execute("DELETE FROM sessions WHERE user_id = $1", params![user])?;
    tx.execute(
        "UPDATE issues SET assignee = NULL WHERE assignee = $2 \
         AND project IN (SELECT id FROM projects WHERE organization = $1)",
        params![organization, user],
    )?;
    touch(tx)?;
    Ok(true)
}

/// Without a name the person is called by the first part of their address.
fn checked_name(name: &str, email: &str) -> Result<String, DbError> {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
    match name.chars().count() {
        0 => Ok(email.split('@').next().unwrap_or_default().to_string()),
        1..=100 => Ok(name),
        _ => refused("The name is longer than 100 characters. Shorten it."),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{run, world};
    use super::super::{session, token};
    use super::*;

    #[test]
    fn addresses_are_checked_and_lowered() {
        for good in [" Ann.B+x@Example.ORG ", "a@localhost", "ä@bücher.example"] {
            assert_eq!(checked_email(good), Ok(good.trim().to_lowercase()));
        }
        for bad in ["", "a", "@x", "a@", "a b@x.example", "a@x..y", "a@-x", "a@x\r\nBcc: b@y", "<a@x>", "a@b@c"] {
            assert!(checked_email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_has_one_account() {
        let (_folder, store, ..) = world();
        let again = run(&store, |tx| create(tx, "OWNER@acme.example", "", "hash", 2));
        assert!(again.expect_err("is refused").to_string().contains("has an account"));
        let found = run(&store, |tx| by_email(tx, " Owner@ACME.example"));
        assert_eq!(found.expect("reads").expect("is there").name, "Olga");
    }

    #[test]
    fn another_password_ends_the_other_sessions() {
        let (_folder, store, _, user) = world();
        let (kept, ended) = run(&store, move |tx| {
            let (kept, ended) = (session::start(tx, user, 1)?, session::start(tx, user, 1)?);
            set_password(tx, user, "another", Some(&kept))?;
            Ok((session::person(tx, &kept, 2)?, session::person(tx, &ended, 2)?))
        })
        .expect("writes");
        assert!(kept.is_some());
        assert_eq!(ended, None);
    }

    #[test]
    fn the_last_owner_stays_and_who_goes_is_out() {
        let (_folder, store, organization, owner) = world();
        let (session, token) = run(&store, move |tx| {
            let ann = create(tx, "ann@acme.example", "", "hash", 2)?;
            add(tx, organization, ann, Role::Member)?;
            assert_eq!(members(tx, organization)?[1].name, "ann");
            let session = session::start(tx, ann, 2)?;
            let (_, text) = token::create(tx, organization, ann, "t", &[], 2)?;
            assert!(!remove(tx, organization + 1, ann)?, "another organization's stays");
            assert!(session::person(tx, &session, 3)?.is_some());
            assert!(remove(tx, organization, ann)?);
            Ok((session::person(tx, &session, 3)?, token::person(tx, &text)?))
        })
        .expect("writes");
        assert_eq!((session, token), (None, None));
        let last = run(&store, move |tx| remove(tx, organization, owner));
        assert!(last.expect_err("is refused").to_string().contains("last owner"));
        assert_eq!(run(&store, move |tx| members(tx, organization)).expect("reads").len(), 1, "rolled back");
    }

    bugle_db::on_postgres_too![
        addresses_are_checked_and_lowered,
        an_address_has_one_account,
        another_password_ends_the_other_sessions,
        the_last_owner_stays_and_who_goes_is_out,
    ];
}
