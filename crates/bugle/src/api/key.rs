//! Keys of a project: list, make, show, change, delete. Changes act at once (contract: "Settings by REST act at
//! once"), since the door looks at the revision that they raise.

use super::ask::Ask;
use super::project::{only_known, text};
use super::reply::{Refusal, Reply};
use super::shape::key as shape;
use crate::access::random;
use crate::project::{self, Key};
use bugle_db::Tx;
use serde_json::Value;

const LABEL_CHARS_MAX: usize = 64;
/// The longest window of a rate limit, in seconds: a day.
const WINDOW_S_MAX: i64 = 86_400;
const KEYS_MAX: usize = 200;

/// `GET /projects/{org}/{project}/keys/`
pub fn list(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    let page = ask.page()?;
    let status = ask.first("status");
    let mut keys = project::keys(tx, project.id)?;
    keys.retain(|key| status.is_none_or(|status| status.is_empty() || (status == "active") == key.is_active));
    let (keys, has_more) = page.cut(keys);
    let keys: Vec<Value> = keys.iter().map(|key| shape::key(key, &ask.base)).collect();
    Ok(page.link(Reply::ok(&keys.into()), ask, has_more))
}

/// `POST /projects/{org}/{project}/keys/`
pub fn create(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    let body = ask.json()?;
    only_known(&body, &["name", "isActive", "rateLimit"])?;
    if project::keys(tx, project.id)?.len() >= KEYS_MAX {
        return Err(Refusal::Invalid(format!("A project has at most {KEYS_MAX} keys. Delete one first.")));
    }
    let mut key = project::create_key(tx, project.id, "", &random::hex32(), ask.now_ms)?;
    change(&mut key, &body)?;
    project::update_key(tx, &key)?;
    Ok(Reply::created(&shape::key(&key, &ask.base)))
}

/// `GET /projects/{org}/{project}/keys/{key}/`
pub fn get(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&shape::key(&find(tx, ask)?, &ask.base)))
}

/// `PUT /projects/{org}/{project}/keys/{key}/`
pub fn update(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let mut key = find(tx, ask)?;
    let body = ask.json()?;
    only_known(&body, &["name", "isActive", "rateLimit"])?;
    change(&mut key, &body)?;
    project::update_key(tx, &key)?;
    Ok(Reply::ok(&shape::key(&key, &ask.base)))
}

/// `DELETE /projects/{org}/{project}/keys/{key}/`
pub fn delete(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let key = find(tx, ask)?;
    project::delete_key(tx, key.project, key.id)?;
    Ok(Reply::empty())
}

/// By the public part, which is what clients know as its id, or by its number.
fn find(tx: &mut Tx<'_>, ask: &Ask) -> Result<Key, Refusal> {
    let project = ask.project(tx)?;
    let wanted = ask.part("key").to_lowercase();
    let mut keys = project::keys(tx, project.id)?.into_iter();
    keys.find(|key| key.public == wanted || key.id.to_string() == wanted)
        .ok_or_else(|| Refusal::NotFound("The project has no such key.".into()))
}

fn change(key: &mut Key, body: &serde_json::Map<String, Value>) -> Result<(), Refusal> {
    if let Some(label) = text(body, "name")?.map(|label| label.trim().to_string()).filter(|label| !label.is_empty()) {
        if label.chars().count() > LABEL_CHARS_MAX {
            return Err(Refusal::Invalid(format!("The key's name is longer than {LABEL_CHARS_MAX} characters.")));
        }
        key.label = label;
    }
    match body.get("isActive") {
        None | Some(Value::Null) => {}
        Some(Value::Bool(is_active)) => key.is_active = *is_active,
        Some(_) => return Err(Refusal::Invalid("isActive must be true or false.".into())),
    }
    if let Some(limit) = body.get("rateLimit") {
        let limit = rate_limit(limit)?;
        key.rate_count = limit.map(|(count, _)| count);
        key.rate_window_s = limit.map(|(_, window_s)| window_s);
    }
    Ok(())
}

/// `{"window": seconds, "count": events}`. Null lifts the limit, and so does a zero, as clients expect.
fn rate_limit(limit: &Value) -> Result<Option<(i64, i64)>, Refusal> {
    if limit.is_null() {
        return Ok(None);
    }
    let number = |name: &str| limit.get(name).and_then(Value::as_i64).filter(|number| *number >= 0);
    match (number("count"), number("window")) {
        (Some(0), Some(_)) | (Some(_), Some(0)) => return Ok(None),
        (Some(count), Some(window_s)) if window_s <= WINDOW_S_MAX => return Ok(Some((count, window_s))),
        _ => {}
    }
    Err(Refusal::Invalid(format!(
        "rateLimit must be null or {{\"window\": seconds up to {WINDOW_S_MAX}, \"count\": events}}."
    )))
}
