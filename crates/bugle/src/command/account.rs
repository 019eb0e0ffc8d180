//! `init`, `token create`, `user password`: who may come in.

use crate::access::{Role, organization, password, random, token, user};
use crate::store::{Store, now_ms};
use anyhow::{Context, anyhow, bail};
use bugle_db::DbError;
use clap::Args;
use serde_json::json;
use std::io::{IsTerminal, Read};

/// Make the owner and the organization, instead of by the setup link.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The owner's e-mail address.
    #[arg(long, value_name = "EMAIL")]
    owner: String,
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
    /// The organization's name in addresses.
    #[arg(long, value_name = "SLUG", default_value = "team")]
    org: String,
}

impl Init {
    pub(super) fn run(self, store: &Store, json: bool) -> anyhow::Result<bool> {
        refuse_second(store)?;
        let Some(password) = read_password(self.password_stdin)? else {
            bail!(
                "There is no password. Send it on standard input: printf %s \"$PASSWORD\" | bugle init --password-stdin …"
            );
        };
        let slug = init(store, &self.owner, &password, Some(&self.org))?;
        match json {
            true => println!("{}", json!({ "organization": slug })),
            false => println!("{} owns the organization {slug}. Make a project: bugle project create NAME", self.owner),
        }
        Ok(true)
    }
}

/// Makes owner and organization in one transaction and says the organization's slug.
pub(super) fn init(store: &Store, email: &str, password: &str, slug: Option<&str>) -> anyhow::Result<String> {
    password::check(password, email).map_err(|sentence| anyhow!(sentence))?;
    let hash = password::hash_now(password)?;
    let (email, slug) = (email.to_string(), slug.map(String::from));
    let made = store.blocking().write_now(move |tx| {
        if organization::first(tx)?.is_some() {
            return Err(DbError::Abandoned(SECOND.into()));
        }
        let name = slug.clone().unwrap_or_else(|| "Team".into());
        let organization = organization::create(tx, &name, slug.as_deref(), now_ms())?;
        let owner = user::create(tx, &email, "", &hash, now_ms())?;
        user::add(tx, organization.id, owner, Role::Owner)?;
        Ok(organization.slug)
    });
    Ok(made?)
}

const SECOND: &str = "This directory has an owner already; nothing was changed. Owners invite people on the page \
                      Settings, and `bugle user password EMAIL` opens the door for who has forgotten the password.";

/// Before a password is asked for and hashed; the transaction asks once more.
fn refuse_second(store: &Store) -> anyhow::Result<()> {
    match store.blocking().read_now(organization::first)? {
        Some(_) => bail!(SECOND),
        None => Ok(()),
    }
}

/// Make an API token and print it. It is shown this once.
#[derive(Debug, Args)]
pub(super) struct CreateToken {
    /// What the token is for, such as the tool that uses it.
    name: String,
    /// What it may do, such as event:read; can be given more than once. Without it: what a build or a script needs.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// For whom it acts; without it, for the owner.
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
}

impl CreateToken {
    pub(super) fn run(self, store: &Store, json: bool) -> anyhow::Result<bool> {
        let (_, text) = store.blocking().write_now(move |tx| {
            let organization =
                organization::first(tx)?.ok_or_else(|| DbError::Abandoned(super::connect::EMPTY.into()))?;
            let user = match &self.user {
                Some(email) => user::by_email(tx, email)?.map(|account| account.id),
                None => user::owner(tx, organization.id)?,
            };
            let Some(user) = user else { return Err(DbError::Abandoned("There is no such person.".into())) };
            token::create(tx, organization.id, user, &self.name, &self.scopes, now_ms())
        })?;
        match json {
            true => println!("{}", json!({ "token": text })),
            false => println!("{text}\n\nKeep it now: it is not shown again."),
        }
        Ok(true)
    }
}

/// Give somebody another password and sign them out everywhere.
#[derive(Debug, Args)]
pub(super) struct Password {
    /// Whose.
    email: String,
    /// Read the password from standard input. On a terminal, without this flag, one is made and printed.
    #[arg(long)]
    password_stdin: bool,
}

impl Password {
    pub(super) fn run(self, store: &Store, json: bool) -> anyhow::Result<bool> {
        let email = self.email.clone();
        let Some(account) = store.blocking().read_now(move |tx| user::by_email(tx, &email))? else {
            bail!("Nobody has the address {}. Owners invite people on the page Settings.", self.email);
        };
        let given = read_password(self.password_stdin)?;
        let made = given.is_none().then(|| random::secret()[..20].to_string());
        let password = given.or(made.clone()).unwrap_or_default();
        password::check(&password, &account.email).map_err(|sentence| anyhow!(sentence))?;
        let hash = password::hash_now(&password)?;
        store.blocking().write_now(move |tx| user::set_password(tx, account.id, &hash, None))?;
        match (json, made) {
            (true, made) => println!("{}", json!({ "email": account.email, "password": made })),
            (false, Some(made)) => println!("The new password of {} is\n\n    {made}\n", account.email),
            (false, None) => println!("{} has a new password and is signed out everywhere.", account.email),
        }
        Ok(true)
    }
}

/// What standard input says, without the end of its line. `None`: nothing was sent, or a person sits there and has
/// not asked for it.
fn read_password(wanted: bool) -> anyhow::Result<Option<String>> {
    let mut input = std::io::stdin();
    if !wanted && input.is_terminal() {
        return Ok(None);
    }
    let mut text = Vec::new();
    (&mut input).take(4 * password::BYTES_MAX as u64).read_to_end(&mut text).context("The password cannot be read")?;
    let text = String::from_utf8(text).context("The password is not valid UTF-8")?;
    let password = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    match (password.is_empty(), wanted) {
        (false, _) => Ok(Some(password.to_string())),
        (true, true) => bail!("Standard input had no password."),
        (true, false) => Ok(None),
    }
}
