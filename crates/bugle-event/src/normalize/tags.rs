//! Tags that an event gives away by what it is: where it ran, in which release, whether anybody caught it.
//!
//! They are stored among the sender's own, so that there is one list to search, count and show. Where both have
//! the same key, the event's attributes win (`level`, `release`, …) and its contexts do not (`os`, `device`, …). No tag
//! is made of the trace: each event has one of its own, so there is nothing to count.

use super::limits::TAG_VALUE;
use crate::Event;
use crate::json::{Json, Object};
use crate::path::Path;
use std::borrow::Cow;

/// A derived tag, and whether it takes the place of one with its key.
type Derived<'a> = (&'static str, Cow<'a, str>, bool);

/// Derives tags, and holds all tags to their length.
pub(super) fn settle(event: &mut Event<'_>) {
    let derived = derive(event);
    let mut tags = match event.json.get_mut("tags") {
        Some(Json::Array(tags)) => std::mem::take(tags),
        _ => Vec::new(),
    };
    for (key, value, wins) in derived {
        // A cut that nobody needs to hear of: the event says the whole of it elsewhere.
        let mut value = Json::Text(one_line(value));
        TAG_VALUE.apply(&mut value, &Path::root(key), &mut Vec::new());
        let own = tags.iter_mut().find_map(|tag| match tag {
            Json::Array(sides) if sides.first().and_then(Json::text) == Some(key) => sides.get_mut(1),
            _ => None,
        });
        match own {
            Some(own) if wins => *own = value,
            Some(_) => {}
            None => tags.push(Json::Array(vec![Json::from(key), value])),
        }
    }
    let at = Path::root("tags");
    for tag in &mut tags {
        if let Json::Array(sides) = tag
            && let [Json::Text(key), value] = &mut sides[..]
        {
            TAG_VALUE.apply(value, &at.key(key), &mut event.problems);
        }
    }
    if !tags.is_empty() {
        event.json.set("tags", tags);
    }
}

fn derive<'a>(event: &Event<'a>) -> Vec<Derived<'a>> {
    let mut derived: Vec<Derived<'a>> = Vec::with_capacity(24);
    for key in ["level", "logger", "environment", "release", "dist", "transaction", "server_name", "site"] {
        derived.extend(text(&event.json, key).map(|value| (key, value, true)));
    }
    if let Some(handled) = handled(event) {
        derived.push(("handled", Cow::Borrowed(if handled { "yes" } else { "no" }), false));
    }
    let mechanism = event.json.object("exception").and_then(last_mechanism);
    derived.extend(mechanism.map(|value| ("mechanism", value, false)));
    derived
        .extend(event.json.object("request").and_then(|request| text(request, "url")).map(|url| ("url", url, false)));
    if let Some(contexts) = event.json.object("contexts") {
        from_contexts(contexts, &mut derived);
    }
    derived
}

/// Context, attribute and the tag it makes. Without an attribute: name and version.
const CONTEXT_TAGS: &[(&str, Option<&str>, &str)] = &[
    ("os", None, "os"),
    ("os", Some("name"), "os.name"),
    ("client_os", None, "client_os"),
    ("client_os", Some("name"), "client_os.name"),
    ("browser", None, "browser"),
    ("browser", Some("name"), "browser.name"),
    ("runtime", None, "runtime"),
    ("runtime", Some("name"), "runtime.name"),
    ("device", Some("model"), "device"),
    ("device", Some("family"), "device.family"),
    ("gpu", Some("name"), "gpu.name"),
    ("gpu", Some("vendor_name"), "gpu.vendor"),
    ("app", Some("device_app_hash"), "app.device"),
    ("replay", Some("replay_id"), "replayId"),
];

fn from_contexts<'a>(contexts: &Object<'a>, derived: &mut Vec<Derived<'a>>) {
    for (context, attribute, tag) in CONTEXT_TAGS {
        let Some(context) = contexts.object(context) else { continue };
        let value = match attribute {
            Some(attribute) => text(context, attribute),
            None => match (text(context, "name"), text(context, "version")) {
                (Some(name), Some(version)) => Some(Cow::Owned(format!("{name} {version}"))),
                (name, _) => name,
            },
        };
        derived.extend(value.map(|value| (*tag, value, false)));
    }
    if let Some(rooted) = contexts.object("os").and_then(|os| os.get("rooted")).and_then(Json::bool) {
        derived.push(("os.rooted", Cow::Borrowed(if rooted { "yes" } else { "no" }), false));
    }
}

/// Whether everything thrown was handled; `None` if nobody says.
fn handled(event: &Event<'_>) -> Option<bool> {
    event.exceptions().filter_map(|exception| exception.handled()).reduce(|all, one| all && one)
}

/// The mechanism of the exception thrown last that has one.
fn last_mechanism<'a>(exceptions: &Object<'a>) -> Option<Cow<'a, str>> {
    let exceptions = exceptions.array("values").iter().rev().filter_map(Json::object);
    exceptions.filter_map(|exception| text(exception.object("mechanism")?, "type")).next()
}

/// The text at `key`, without copying what is borrowed.
fn text<'a>(object: &Object<'a>, key: &str) -> Option<Cow<'a, str>> {
    match object.get(key)? {
        Json::Text(text) | Json::Number(text) if !text.trim().is_empty() => Some(text.clone()),
        _ => None,
    }
}

fn one_line(value: Cow<'_, str>) -> Cow<'_, str> {
    match value.contains(['\n', '\r']) {
        true => Cow::Owned(value.replace("\r\n", " ").replace(['\n', '\r'], " ")),
        false => value,
    }
}
