//! Scrubbing as fields of a project and of the organization, under the names that Sentry's clients use (protocol
//! reference, sections 14 and 18.9).
//!
//! `relayPiiConfig` is a string of JSON, as it is there; an object is taken, too. What is not named stays.

use super::ask::Ask;
use super::reply::{Refusal, Reply};
use crate::options::Scope;
use crate::policy::scrubbing::{self, Own};
use bugle_db::{DbError, Tx};
use serde_json::{Map, Value};

/// The fields.
pub const FIELDS: [&str; 7] = [
    "dataScrubber",
    "dataScrubberDefaults",
    "sensitiveFields",
    "safeFields",
    "scrubIPAddresses",
    "relayPiiConfig",
    "keepBinaryAttachments",
];

/// Puts the fields into the shape of a project or organization. A switch that nobody has set shows as what it means.
pub fn show(tx: &mut Tx<'_>, scope: Scope, shape: &mut Value) -> Result<(), DbError> {
    let own = scrubbing::of(tx, scope)?;
    let is_project = matches!(scope, Scope::Project(_));
    shape["dataScrubber"] = own.data_scrubber.unwrap_or(is_project).into();
    shape["dataScrubberDefaults"] = own.data_scrubber_defaults.unwrap_or(is_project).into();
    shape["sensitiveFields"] = own.sensitive_fields.into();
    shape["safeFields"] = own.safe_fields.into();
    shape["scrubIPAddresses"] = own.scrub_ip_addresses.unwrap_or(false).into();
    shape["relayPiiConfig"] = if own.rules.is_empty() { Value::Null } else { own.rules.into() };
    shape["keepBinaryAttachments"] = own.keep_binary_attachments.unwrap_or(true).into();
    Ok(())
}

/// Takes the fields that a request names.
pub fn take(tx: &mut Tx<'_>, scope: Scope, body: &Map<String, Value>) -> Result<(), Refusal> {
    if !FIELDS.iter().any(|field| body.contains_key(*field)) {
        return Ok(());
    }
    let mut own: Own = scrubbing::of(tx, scope)?;
    switch(body, "dataScrubber", &mut own.data_scrubber)?;
    switch(body, "dataScrubberDefaults", &mut own.data_scrubber_defaults)?;
    switch(body, "scrubIPAddresses", &mut own.scrub_ip_addresses)?;
    switch(body, "keepBinaryAttachments", &mut own.keep_binary_attachments)?;
    names(body, "sensitiveFields", &mut own.sensitive_fields)?;
    names(body, "safeFields", &mut own.safe_fields)?;
    match body.get("relayPiiConfig") {
        None => {}
        Some(Value::Null) => own.rules.clear(),
        Some(Value::String(text)) => own.rules.clone_from(text),
        Some(config @ Value::Object(_)) => own.rules = config.to_string(),
        Some(_) => return Err(Refusal::Invalid("relayPiiConfig must be a string of JSON, or an object.".into())),
    }
    scrubbing::check(&own).map_err(|said| Refusal::Invalid(format!("{said} Nothing was changed.")))?;
    scrubbing::set(tx, scope, &own)?;
    Ok(())
}

/// `PUT /organizations/{org}/`: only these fields, only by owners.
pub fn update_organization(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    ask.caller.must_own("say what all projects scrub")?;
    let body = ask.json()?;
    super::project::only_known(&body, &FIELDS)?;
    take(tx, Scope::Organization(ask.organization()), &body)?;
    super::organization::get(tx, ask)
}

fn switch(body: &Map<String, Value>, key: &str, own: &mut Option<bool>) -> Result<(), Refusal> {
    match body.get(key) {
        None => {}
        Some(Value::Null) => *own = None,
        Some(Value::Bool(is_on)) => *own = Some(*is_on),
        Some(_) => return Err(Refusal::Invalid(format!("{key} must be true or false."))),
    }
    Ok(())
}

fn names(body: &Map<String, Value>, key: &str, own: &mut Vec<String>) -> Result<(), Refusal> {
    let wrong = || Refusal::Invalid(format!("{key} must be a list of names."));
    let Some(value) = body.get(key) else { return Ok(()) };
    let names = value.as_array().ok_or_else(wrong)?;
    let names = names.iter().map(|name| name.as_str().map(|name| name.trim().replace('\0', "")).ok_or_else(wrong));
    *own = names.collect::<Result<Vec<_>, _>>()?;
    own.retain(|name| !name.is_empty());
    Ok(())
}
