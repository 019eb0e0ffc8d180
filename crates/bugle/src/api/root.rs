//! `/`, `/auth/`, `/users/me/`: what clients ask first, to learn whether the token is good and whose it is.

use super::ask::Ask;
use super::reply::{Refusal, Reply};
use super::shape::person;
use bugle_db::{DbError, Tx, params};
use serde_json::{Value, json};

/// `GET /`
pub fn index(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let user = user(tx, ask)?;
    Ok(Reply::ok(&json!({ "version": "0", "auth": { "scopes": ask.caller.scopes }, "user": user })))
}

/// `GET /auth/` and `GET /users/me/`
pub fn me(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&user(tx, ask)?))
}

/// `GET /users/me/regions/`: one region, this server.
pub fn regions(_: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&json!({ "regions": [{ "name": "bugle", "url": ask.base }] })))
}

fn user(tx: &mut Tx<'_>, ask: &Ask) -> Result<Value, DbError> {
    let me = &ask.caller.person;
    let created_ms = tx.one("SELECT created_ms FROM users WHERE id = $1", params![me.user])?;
    Ok(person::account(me, created_ms))
}
