//! Invites: a link that lets one person in, shown once, good for seven days.

use super::{Role, random, refused, user};
use bugle_db::{DbError, Tx, params};

/// How long an invite is good: seven days, in ms.
pub const LIFE_MS: i64 = 7 * 86_400_000;

/// An invite that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Its id.
    pub id: i64,
    /// Into which organization.
    pub organization: i64,
    /// Its name.
    pub organization_name: String,
    /// What the person will be.
    pub role: Role,
    /// The name of who invites; `None` when they are gone.
    pub invited_by: Option<String>,
    /// Until when it is good, Unix ms.
    pub expires_ms: i64,
}

const COLUMNS: &str = "i.id, i.organization, o.name, i.role, u.name, i.expires_ms FROM invites i \
     JOIN organizations o ON o.id = i.organization LEFT JOIN users u ON u.id = i.invited_by";

fn invite(row: &bugle_db::Row) -> Result<Invite, DbError> {
    Ok(Invite {
        id: row.get(0)?,
        organization: row.get(1)?,
        organization_name: row.get(2)?,
        role: Role::parse(&row.get::<String>(3)?),
        invited_by: row.get(4)?,
        expires_ms: row.get(5)?,
    })
}

/// Makes an invite and says the text of its link, once. Those that have expired are swept out.
pub fn create(tx: &mut Tx<'_>, organization: i64, role: Role, invited_by: i64, now_ms: i64) -> Result<String, DbError> {
    tx.execute("DELETE FROM invites WHERE expires_ms <= $1", params![now_ms])?;
    let open: i64 = tx.one("SELECT COUNT(*) FROM invites WHERE organization = $1", params![organization])?;
    if open >= 100 {
        return refused("There are 100 open invites. Withdraw those that nobody needs.");
    }
    let text = random::secret();
    let id = tx.next_id("invites")?;
    tx.execute(
        "INSERT INTO invites (id, hash, organization, role, invited_by, created_ms, expires_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![id, &random::hash(&text), organization, role.as_str(), invited_by, now_ms, now_ms + LIFE_MS],
    )?;
    Ok(text)
}

/// The open invite with this text.
pub fn find(tx: &mut Tx<'_>, text: &str, now_ms: i64) -> Result<Option<Invite>, DbError> {
    let sql = format!("SELECT {COLUMNS} WHERE i.hash = $1 AND i.expires_ms > $2");
    tx.first(&sql, params![&random::hash(text), now_ms])?.as_ref().map(invite).transpose()
}

/// The open invites of an organization, newest first.
pub fn list(tx: &mut Tx<'_>, organization: i64, now_ms: i64) -> Result<Vec<Invite>, DbError> {
    let sql = format!("SELECT {COLUMNS} WHERE i.organization = $1 AND i.expires_ms > $2 ORDER BY i.id DESC");
    tx.query(&sql, params![organization, now_ms])?.iter().map(invite).collect()
}

/// Withdraws an invite.
pub fn withdraw(tx: &mut Tx<'_>, organization: i64, id: i64) -> Result<bool, DbError> {
    Ok(tx.execute("DELETE FROM invites WHERE id = $1 AND organization = $2", params![id, organization])? > 0)
}

/// Uses the invite up: the person is a member from now on.
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence when it has been used, withdrawn, or has expired.
pub fn accept(tx: &mut Tx<'_>, text: &str, user: i64, now_ms: i64) -> Result<Invite, DbError> {
    let Some(invite) = find(tx, text, now_ms)? else {
        return refused("This invite has been used, was withdrawn, or is older than seven days. Ask for another.");
    };
    tx.execute("DELETE FROM invites WHERE id = $1", params![invite.id])?;
    user::add(tx, invite.organization, user, invite.role)?;
    Ok(invite)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{run, world};
    use super::*;

    #[test]
    fn an_invite_lets_one_person_in() {
        let (_folder, store, organization, owner) = world();
        let again = run(&store, move |tx| {
            let text = create(tx, organization, Role::Owner, owner, 10)?;
            assert_eq!(find(tx, &text, 11)?.and_then(|invite| invite.invited_by), Some("Olga".into()));
            let ann = user::create(tx, "ann@acme.example", "Ann", "hash", 11)?;
            assert_eq!(accept(tx, &text, ann, 11)?.role, Role::Owner);
            assert!(user::members(tx, organization)?.iter().any(|m| m.user == ann && m.role == Role::Owner));
            accept(tx, &text, ann, 12)
        });
        assert!(again.expect_err("is refused").to_string().contains("used"));
    }

    #[test]
    fn an_invite_expires_or_is_withdrawn() {
        let (_folder, store, organization, owner) = world();
        run(&store, move |tx| {
            let text = create(tx, organization, Role::Member, owner, 10)?;
            assert_eq!(find(tx, &text, 10 + LIFE_MS)?, None);
            let open = list(tx, organization, 11)?;
            assert!(withdraw(tx, organization, open[0].id)?);
            assert_eq!(find(tx, &text, 11)?, None);
            Ok(())
        })
        .expect("runs");
    }

    bugle_db::on_postgres_too![an_invite_lets_one_person_in, an_invite_expires_or_is_withdrawn,];
}
