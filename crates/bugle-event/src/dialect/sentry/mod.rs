//! Reads an event as Sentry's SDKs of all ages send it (Sentry protocol, "Event payload").
//!
//! Owns the top level: which keys there are, by which other names they come, and which of them only a server may
//! set. Each interface has a file of its own. Reading moves values to where they belong and repairs them in place;
//! a well-formed payload of a current SDK comes through almost untouched.

mod debug_meta;
mod exception;
mod message;
mod request;
pub mod security;
mod stack;
mod store;
mod tags;
mod user;

pub use store::unwrap_store_body;

use crate::Event;
use crate::dialect::lenient;
use crate::id::EventId;
use crate::json::{self, Json, Object};
use crate::path::Path;
use crate::problem::Problem;
use std::borrow::Cow;

/// Older names of the interfaces. Today's name wins where both are there.
const ALIASES: &[(&str, &str)] = &[
    ("sentry.interfaces.Message", "logentry"),
    ("sentry.interfaces.Exception", "exception"),
    ("sentry.interfaces.Stacktrace", "stacktrace"),
    ("sentry.interfaces.Threads", "threads"),
    ("sentry.interfaces.Breadcrumbs", "breadcrumbs"),
    ("sentry.interfaces.Http", "request"),
    ("sentry.interfaces.User", "user"),
    ("sentry.interfaces.Contexts", "contexts"),
    ("sentry.interfaces.Template", "template"),
    ("sentry.interfaces.Csp", "csp"),
    ("sentry.interfaces.DebugMeta", "debug_meta"),
    ("debugmeta", "debug_meta"),
    ("client_sdk", "sdk"),
];

/// The platforms the protocol has a name for. Others are `other`, and a problem says what they were.
const PLATFORMS: &[&str] = &[
    "as3",
    "c",
    "cfml",
    "cocoa",
    "csharp",
    "elixir",
    "go",
    "groovy",
    "haskell",
    "java",
    "javascript",
    "native",
    "node",
    "objc",
    "other",
    "perl",
    "php",
    "python",
    "ruby",
];

/// Reads one payload. Never fails; see [`crate::dialect`].
pub fn read(payload: &str) -> Event<'_> {
    let mut problems = Vec::new();
    let mut event = match json::read(payload, &mut problems) {
        Json::Object(event) => event,
        // Some senders put their one event in an array.
        Json::Array(mut events) if matches!(events[..], [Json::Object(_)]) => match events.pop() {
            Some(Json::Object(event)) => event,
            _ => Object::default(),
        },
        other => bare(payload, other, &mut problems),
    };
    for (alias, name) in ALIASES {
        let Some(value) = event.remove(alias) else { continue };
        if event.get(name).is_none_or(Json::is_empty) {
            event.set(*name, value);
        } else if !value.is_empty() {
            Problem::note(
                &mut problems,
                "invalid_data",
                alias,
                format!("An older name of “{name}”, which is there too; left out."),
            );
        }
    }
    message::fold(&mut event);
    event.retain(|key, value| attribute(key, value, &mut problems));
    stack::place_legacy(&mut event);
    tags::promote_environment(&mut event);
    Event { json: event, problems }
}

/// One attribute of the event. False: there is nothing to keep.
fn attribute(key: &str, value: &mut Json<'_>, problems: &mut Vec<Problem>) -> bool {
    let at = &Path::root(key);
    match key {
        "event_id" => event_id(value, at, problems),
        "timestamp" => lenient::timestamp(value, at, problems),
        "platform" => platform(value, at, problems),
        "level" => lenient::level(value, at, problems),
        "logger" | "transaction" | "culprit" | "server_name" | "release" | "dist" | "environment" | "site"
        | "checksum" | "type" => lenient::text(value, at, problems),
        "logentry" => message::read(value, at, problems),
        "exception" => lenient::values(value, at, problems, exception::read),
        "stacktrace" => stack::read(value, at, problems),
        "threads" => lenient::values(value, at, problems, exception::read_thread),
        "breadcrumbs" => lenient::values(value, at, problems, breadcrumb),
        "request" => request::read(value, at, problems),
        "user" => user::read(value, at, problems),
        "contexts" => contexts(value, at, problems),
        "tags" => tags::read(value, at, problems),
        "extra" => lenient::bag(value, at, problems),
        "modules" => lenient::object(value, at, problems, |modules, at, problems| {
            modules.retain(|key, version| lenient::text(version, &at.key(key), problems));
            !modules.is_empty()
        }),
        "sdk" => sdk(value, at, problems),
        "debug_meta" => debug_meta::read(value, at, problems),
        "template" => stack::read_template(value, at, problems),
        "csp" | "expectct" | "expectstaple" | "hpkp" => security::read_interface(key, value, at, problems),
        "_meta" => crate::meta::read(value, at, problems),
        "fingerprint" => lenient::list(value, at, problems, lenient::text),
        "errors" => lenient::list(value, at, problems, |entry, at, problems| {
            lenient::object(entry, at, problems, |entry, _, _| !entry.is_empty())
        }),
        // A server's own; what a client says about them is not to be trusted.
        "received" | "version" | "project" | "key_id" | "grouping_config" | "_metrics" | "scraping_attempts"
        | "ingest_path" | "nodestore_insert" => false,
        _ => true,
    }
}

/// An event made of a payload that is no object: what was sent is its message.
fn bare<'a>(payload: &'a str, value: Json<'a>, problems: &mut Vec<Problem>) -> Object<'a> {
    /// Enough to see what it is; the message is cut again to its own limit.
    const CHARS_MAX: usize = 8192;
    let text = match value {
        Json::Text(text) => text,
        _ => Cow::Borrowed(payload.trim()),
    };
    Problem::note(problems, "invalid_data", "", "The event is no JSON object; what was sent is kept as its message.");
    let mut event = Object::default();
    if !text.is_empty() {
        event.set("message", text.chars().take(CHARS_MAX).collect::<String>().replace('\0', "\u{fffd}"));
    }
    event
}

fn event_id(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    if value.is_empty() {
        return false;
    }
    match value.text().and_then(EventId::parse).map(|id| id.to_string()) {
        Some(id) if value.text() == Some(&id) => {}
        Some(id) => *value = Json::from(id),
        None => return lenient::refuse(value, "an event id", at, problems),
    }
    true
}

fn platform(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    if !lenient::text(value, at, problems) {
        return false;
    }
    let name = value.text().unwrap_or_default();
    if !PLATFORMS.contains(&name) {
        let shown: String = name.chars().take(40).collect();
        Problem::note(problems, "invalid_data", at, format!("The platform “{shown}” is not known and became “other”."));
        *value = Json::from("other");
    }
    true
}

fn breadcrumb(crumb: &mut Object<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    crumb.retain(|key, value| {
        let at = &at.key(key);
        match key {
            "timestamp" => lenient::timestamp(value, at, problems),
            "type" | "category" => lenient::text(value, at, problems),
            "message" => lenient::text_or_json(value, at, problems),
            "level" => lenient::level(value, at, problems),
            "data" => lenient::bag(value, at, problems),
            _ => true,
        }
    });
    !crumb.is_empty()
}

fn contexts(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    lenient::object(value, at, problems, |contexts, at, problems| {
        contexts.retain(|name, context| name != "reprocessing" && lenient::bag(context, &at.key(name), problems));
        !contexts.is_empty()
    })
}

fn sdk(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    lenient::object(value, at, problems, |sdk, at, problems| {
        sdk.retain(|key, value| match key {
            "name" | "version" => lenient::text(value, &at.key(key), problems),
            "integrations" | "features" => lenient::list(value, &at.key(key), problems, lenient::text),
            "packages" => lenient::list(value, &at.key(key), problems, package),
            "settings" => lenient::bag(value, &at.key(key), problems),
            // The address of a client is what the request says, or nobody's business.
            "client_ip" => false,
            _ => true,
        });
        !sdk.is_empty()
    })
}

/// `{"name", "version"}`; a name alone stands for one.
fn package(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    if let Json::Text(_) = value {
        let mut package = Object::default();
        package.set("name", value.take());
        *value = Json::Object(package);
    }
    lenient::object(value, at, problems, |package, at, problems| {
        package.retain(|key, value| lenient::text(value, &at.key(key), problems));
        package.has("name")
    })
}

#[cfg(test)]
pub(crate) mod near;
#[cfg(test)]
pub(crate) mod tests;
