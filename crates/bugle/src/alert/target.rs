//! Targets: whom a project tells about new issues and about those that come back.
//!
//! Addresses and signing secrets are sealed ([`crate::seal`]); pages show a label that names hosts and mail
//! addresses and no more, because the path of a webhook's URL is its password. Who the members are is asked when a
//! notice leaves, so whoever has left hears nothing more.

use super::outbound::check_url;
use super::send::Target;
use crate::access::random;
use crate::seal::Seal;
use crate::store::touch;
use bugle_db::{DbError, Row, Tx, params};
use lettre::message::Mailbox;

/// Targets that a project may have.
const TARGETS_MAX: i64 = 50;
/// Addresses that one target may have.
const ADDRESSES_MAX: usize = 20;

/// What kind of target it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Mail to everybody in the organization.
    Members,
    /// Mail to some addresses.
    Mail,
    /// A webhook that speaks Slack's language.
    Slack,
    /// A webhook that takes signed JSON.
    Webhook,
}

impl Kind {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Members => "members",
            Kind::Mail => "mail",
            Kind::Slack => "slack",
            Kind::Webhook => "webhook",
        }
    }

    /// From what is stored, or chosen in a form.
    pub fn parse(text: &str) -> Option<Kind> {
        [Kind::Members, Kind::Mail, Kind::Slack, Kind::Webhook].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A target as pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertTarget {
    /// Its id.
    pub id: i64,
    /// Whose it is.
    pub project: i64,
    /// What kind.
    pub kind: Kind,
    /// Addresses, or the host of a URL.
    pub label: String,
    /// Whether it is told.
    pub is_active: bool,
    /// When it was made, Unix ms.
    pub created_ms: i64,
}

/// What a form says, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    kind: Kind,
    label: String,
    address: String,
}

impl Wanted {
    /// Checks kind and address. Mail addresses are separated by commas, blanks between names and lines allowed.
    ///
    /// # Errors
    /// A sentence for the person.
    pub fn parse(kind: &str, address: &str, allow_private: bool) -> Result<Wanted, String> {
        let kind = Kind::parse(kind).ok_or("Choose whom to tell: members, mail, Slack or a webhook.")?;
        let (label, address) = match kind {
            Kind::Members => ("everybody in the organization".into(), String::new()),
            Kind::Mail => {
                let addresses = mailboxes(address)?.join(", ");
                (addresses.clone(), addresses)
            }
            Kind::Slack | Kind::Webhook => {
                let url = check_url(address, allow_private).map_err(|refusal| refusal.to_string())?;
                (url.host_str().unwrap_or_default().to_string(), url.to_string())
            }
        };
        Ok(Wanted { kind, label, address })
    }
}

const COLUMNS: &str = "t.id, t.project, t.kind, t.label, t.is_active, t.created_ms FROM targets t";

fn target(row: &Row) -> Result<AlertTarget, DbError> {
    let kind: String = row.get(2)?;
    let kind = Kind::parse(&kind).ok_or_else(|| DbError::Failed(format!("a target of the unknown kind {kind:?}")))?;
    Ok(AlertTarget {
        id: row.get(0)?,
        project: row.get(1)?,
        kind,
        label: row.get(3)?,
        is_active: row.get(4)?,
        created_ms: row.get(5)?,
    })
}

/// The targets of a project, oldest first.
pub fn list(tx: &mut Tx<'_>, project: i64) -> Result<Vec<AlertTarget>, DbError> {
    tx.query(&format!("SELECT {COLUMNS} WHERE t.project = $1 ORDER BY t.id"), params![project])?
        .iter()
        .map(target)
        .collect()
}

/// One target of a project.
pub fn get(tx: &mut Tx<'_>, project: i64, id: i64) -> Result<Option<AlertTarget>, DbError> {
    let sql = format!("SELECT {COLUMNS} WHERE t.project = $1 AND t.id = $2");
    tx.first(&sql, params![project, id])?.as_ref().map(target).transpose()
}

/// What every new project begins with: its members are told.
pub fn begin(tx: &mut Tx<'_>, project: i64, now_ms: i64) -> Result<(), DbError> {
    let members = Wanted { kind: Kind::Members, label: "everybody in the organization".into(), address: String::new() };
    insert(tx, project, &members, &[], &[], now_ms).map(drop)
}

/// Makes a target. For a webhook also says the secret that signs what is sent, once.
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence when the project has too many.
pub fn create(
    tx: &mut Tx<'_>,
    seal: &Seal,
    project: i64,
    wanted: &Wanted,
    now_ms: i64,
) -> Result<(AlertTarget, Option<String>), DbError> {
    let there: i64 = tx.one("SELECT COUNT(*) FROM targets WHERE project = $1", params![project])?;
    if there >= TARGETS_MAX {
        return Err(DbError::Abandoned(format!("A project has at most {TARGETS_MAX} targets. Delete one first.")));
    }
    let secret = (wanted.kind == Kind::Webhook).then(random::secret);
    let sealed_address = seal.seal(wanted.address.as_bytes());
    let sealed_secret = secret.as_ref().map(|secret| seal.seal(secret.as_bytes())).unwrap_or_default();
    let target = insert(tx, project, wanted, &sealed_address, &sealed_secret, now_ms)?;
    Ok((target, secret))
}

/// Switches a target on or off. Says whether there is one.
pub fn set_active(tx: &mut Tx<'_>, project: i64, id: i64, is_active: bool) -> Result<bool, DbError> {
    let sql = "UPDATE targets SET is_active = $3 WHERE id = $1 AND project = $2";
    let found = tx.execute(sql, params![id, project, is_active])? > 0;
    touch(tx)?;
    Ok(found)
}

/// Deletes a target, with what was sent to it. Says whether there was one.
pub fn delete(tx: &mut Tx<'_>, project: i64, id: i64) -> Result<bool, DbError> {
    let found = tx.execute("DELETE FROM targets WHERE id = $1 AND project = $2", params![id, project])? > 0;
    touch(tx)?;
    Ok(found)
}

/// Where a notice for this target goes now. `None`: it was deleted or switched off.
///
/// # Errors
/// [`DbError::Failed`] when its address was sealed under another key.
pub fn address(tx: &mut Tx<'_>, seal: &Seal, id: i64) -> Result<Option<Target>, DbError> {
    let sql = "SELECT t.kind, t.address, t.secret, p.organization FROM targets t JOIN projects p ON p.id = t.project \
               WHERE t.id = $1 AND t.is_active";
    let Some(row) = tx.first(sql, params![id])? else { return Ok(None) };
    let kind: String = row.get(0)?;
    let unseal = |at: usize| -> Result<String, DbError> {
        let plain = seal.unseal(&row.get::<Vec<u8>>(at)?).and_then(|plain| String::from_utf8(plain).ok());
        plain.ok_or_else(|| DbError::Failed(format!("the address of target {id} was sealed under another key")))
    };
    Ok(match Kind::parse(&kind) {
        Some(Kind::Members) => Some(Target::Mail { to: members(tx, row.get(3)?)? }),
        Some(Kind::Mail) => Some(Target::Mail { to: unseal(1)?.split(", ").map(str::to_string).collect() }),
        Some(Kind::Slack) => Some(Target::Slack { url: unseal(1)? }),
        Some(Kind::Webhook) => Some(Target::Webhook { url: unseal(1)?, secret: unseal(2)? }),
        None => None,
    })
}

fn members(tx: &mut Tx<'_>, organization: i64) -> Result<Vec<String>, DbError> {
    let members = crate::access::user::members(tx, organization)?;
    Ok(members.into_iter().map(|member| member.email).collect())
}

fn insert(
    tx: &mut Tx<'_>,
    project: i64,
    wanted: &Wanted,
    sealed_address: &[u8],
    sealed_secret: &[u8],
    now_ms: i64,
) -> Result<AlertTarget, DbError> {
    let id = tx.next_id("targets")?;
    tx.execute(
        "INSERT INTO targets (id, project, kind, label, address, secret, is_active, created_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![id, project, wanted.kind.as_str(), &wanted.label, sealed_address, sealed_secret, true, now_ms],
    )?;
    touch(tx)?;
    let label = wanted.label.clone();
    Ok(AlertTarget { id, project, kind: wanted.kind, label, is_active: true, created_ms: now_ms })
}

/// Plain addresses, without names: a label must not be able to say anything else.
fn mailboxes(text: &str) -> Result<Vec<String>, String> {
    let mut addresses: Vec<String> = Vec::new();
    for part in text.split([',', ';', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
        let mailbox: Mailbox =
            part.parse().map_err(|_| format!("{part:?} is no e-mail address. One looks like name@example.org."))?;
        let address = mailbox.email.to_string();
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    match addresses.len() {
        0 => Err("There is no e-mail address. One looks like name@example.org.".into()),
        1..=ADDRESSES_MAX => Ok(addresses),
        _ => Err(format!("These are more than {ADDRESSES_MAX} addresses. Use a mailing list.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Role, organization, user};
    use crate::project;
    use crate::store::Store;

    #[test]
    fn what_forms_say_is_checked() {
        for (kind, address, label) in [
            ("members", "", Some("everybody in the organization")),
            ("mail", "a@x.example; Bob <b@x.example>,\na@x.example", Some("a@x.example, b@x.example")),
            ("mail", "nobody", None),
            ("mail", " , ", None),
            ("slack", "https://hooks.slack.com/services/T0/B0/x", Some("hooks.slack.com")),
            ("webhook", "https://in.example:8443/a?b=c", Some("in.example")),
            ("webhook", "http://127.0.0.1/", None),
            ("webhook", "ftp://in.example/", None),
            ("pager", "x", None),
        ] {
            let wanted = Wanted::parse(kind, address, false);
            assert_eq!(wanted.as_ref().ok().map(|wanted| wanted.label.as_str()), label, "{kind} {address}: {wanted:?}");
        }
        assert!(Wanted::parse("webhook", "http://127.0.0.1/", true).is_ok());
    }

    #[test]
    fn addresses_are_sealed_and_read_back() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(folder.path()).expect("opens");
        let seal = Seal::open_or_create(folder.path()).expect("is made");
        store
            .blocking()
            .write_now(move |tx| {
                let acme = organization::create(tx, "Acme", None, 1)?.id;
                let ann = user::create(tx, "ann@acme.example", "Ann", "x", 1)?;
                user::add(tx, acme, ann, Role::Owner)?;
                let (project, _) = project::create(tx, acme, "Shop", "", "k", 1)?;
                let first = list(tx, project.id)?;
                assert_eq!(first.len(), 1, "members are told from the start");
                let to = Target::Mail { to: vec!["ann@acme.example".into()] };
                assert_eq!(address(tx, &seal, first[0].id)?, Some(to));

                let wanted =
                    Wanted::parse("webhook", "https://in.example/path-that-is-secret", false).expect("is good");
                let (hook, secret) = create(tx, &seal, project.id, &wanted, 2)?;
                let secret = secret.expect("webhooks have one");
                let to = Target::Webhook { url: "https://in.example/path-that-is-secret".into(), secret };
                assert_eq!(address(tx, &seal, hook.id)?, Some(to));
                let kept: Vec<u8> = tx.one("SELECT address FROM targets WHERE id = $1", params![hook.id])?;
                assert!(memchr::memmem::find(&kept, b"path-that-is-secret").is_none());

                assert!(!set_active(tx, project.id + 1, hook.id, false)?, "another project's stays");
                assert!(set_active(tx, project.id, hook.id, false)?);
                assert_eq!(address(tx, &seal, hook.id)?, None);
                assert!(delete(tx, project.id, hook.id)?);
                assert_eq!(get(tx, project.id, hook.id)?, None);
                Ok(())
            })
            .expect("runs");
    }

    bugle_db::on_postgres_too![what_forms_say_is_checked, addresses_are_sealed_and_read_back,];
}
