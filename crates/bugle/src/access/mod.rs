//! Who may come in and what they may do: organizations, people, passwords, sessions, tokens, invites.
//!
//! Everything secret is stored so that it cannot be read back: passwords as argon2id, sessions, tokens and invites
//! as SHA-256 of 256 random bits. A function that refuses because of what a person entered answers
//! [`DbError::Abandoned`](bugle_db::DbError) with a sentence for that person; the transaction is then rolled back.

pub mod invite;
pub mod organization;
pub mod password;
pub mod random;
pub mod session;
pub mod setup;
pub mod throttle;
pub mod token;
pub mod user;

use bugle_db::{DbError, Row};

/// A person who has signed in, or the owner of a token, in the organization they act in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The user's id.
    pub user: i64,
    /// Their e-mail address, lower case.
    pub email: String,
    /// Their name for others.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The organization's id.
    pub organization: i64,
    /// Its slug.
    pub organization_slug: String,
    /// Its name.
    pub organization_name: String,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything, people included.
    Owner,
    /// Everything but people and the deletion of projects.
    Member,
}

impl Role {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Member => "member",
        }
    }

    /// From what is stored or chosen in a form. Unknown text is a member: the lesser right.
    pub fn parse(text: &str) -> Role {
        match text {
            "owner" => Role::Owner,
            _ => Role::Member,
        }
    }
}

/// What [`person`] reads, of `users u`, `members m` and `organizations o`.
const PERSON_COLUMNS: &str = "u.id, u.email, u.name, m.role, o.id, o.slug, o.name";

fn person(row: &Row) -> Result<Person, DbError> {
    Ok(Person {
        user: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        role: Role::parse(&row.get::<String>(3)?),
        organization: row.get(4)?,
        organization_slug: row.get(5)?,
        organization_name: row.get(6)?,
    })
}

/// A sentence for the person, as the error that rolls back.
fn refused<T>(sentence: impl Into<String>) -> Result<T, DbError> {
    Err(DbError::Abandoned(sentence.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use bugle_db::Tx;

    /// A database with one organization and its owner, as `(organization, user)`.
    pub(super) fn world() -> (tempfile::TempDir, Store, i64, i64) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(folder.path()).expect("opens");
        let ids = store.blocking().write_now(|tx| {
            let organization = organization::create(tx, "Acme", None, 1)?;
            let user = user::create(tx, "Owner@Acme.Example", "Olga", "no password", 1)?;
            user::add(tx, organization.id, user, Role::Owner)?;
            Ok((organization.id, user))
        });
        let (organization, user) = ids.expect("writes");
        (folder, store, organization, user)
    }

    /// Runs `job` in a transaction.
    pub(super) fn run<T: Send + 'static>(
        store: &Store,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        store.blocking().write_now(job)
    }

    /// Nothing of what a client presents can be found on disk.
    #[test]
    fn no_secret_is_at_rest() {
        let (folder, store, organization, user) = world();
        let hash = password::hash_now("correct horse battery").expect("hashes");
        let secrets = run(&store, move |tx| {
            user::set_password(tx, user, &hash, None)?;
            let session = session::start(tx, user, 5)?;
            let (_, token) = token::create(tx, organization, user, "ci", &[], 5)?;
            let invite = invite::create(tx, organization, Role::Member, user, 5)?;
            Ok(vec![session, token, invite, "correct horse battery".into()])
        });
        store.blocking().checkpoint().expect("checkpoints");
        let bytes = std::fs::read(folder.path().join(crate::store::FILE)).expect("reads");
        for secret in secrets.expect("writes") {
            let secret = secret.trim_start_matches("sntryu_").as_bytes();
            assert!(secret.len() > 15);
            assert!(memchr::memmem::find(&bytes, secret).is_none());
        }
    }
}
