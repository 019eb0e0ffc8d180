//! An event, in a list and alone.

use super::{date, entries, field, object, release, value};
use crate::event::{self, Stored};
use crate::feedback::{self, Of};
use crate::project::Project;
use bugle_db::{DbError, Tx};
use bugle_event::event::Stack;
use bugle_event::id::hex;
use bugle_event::json::Object;
use bugle_event::{Event, title};
use serde_json::{Map, Value, json};

/// In a list.
pub fn summary(stored: &Stored) -> Value {
    let event = Event::stored(&stored.json);
    let title = title::title(&event);
    let id = stored.event_id.to_string();
    let message = event.message().unwrap_or(&title.text);
    json!({
        "id": id,
        "eventID": id,
        "groupID": stored.issue.to_string(),
        "projectID": stored.project.to_string(),
        "event.type": kind(&event),
        "type": kind(&event),
        "title": title.to_string(),
        "message": message,
        "location": location(&event),
        "culprit": title.culprit,
        "platform": event.platform(),
        "dateCreated": date(stored.timestamp_ms),
        "dateReceived": date(stored.received_ms),
        "user": user(&event),
        "tags": tags(&event),
        "crashFile": null,
        "metadata": metadata(&event, &title),
    })
}

/// Alone, with everything that it came with.
pub fn detail(tx: &mut Tx<'_>, stored: &Stored, project: &Project) -> Result<Value, DbError> {
    let event = Event::stored(&stored.json);
    let (older, newer) = event::neighbours(tx, stored)?;
    let entries = entries::entries(&event);
    let reports = feedback::list(tx, Of::Event(stored.project, stored.event_id), 0, 1)?;
    let mut shape = summary(stored);
    let meta = event.json.object("_meta").map(|meta| meta_shape(meta, &entries)).unwrap_or_else(empty_meta);
    let entries: Vec<Value> =
        entries.into_iter().map(|entry| json!({ "type": entry.kind, "data": entry.data })).collect();
    let parts = json!({
        "size": stored.json.len(),
        "entries": entries,
        "contexts": contexts(&event),
        "context": event.json.object("extra").map(object).unwrap_or_default(),
        "packages": event.json.object("modules").map(object).unwrap_or_default(),
        "sdk": sdk(&event),
        "dist": event.text("dist"),
        "release": release::of(tx, project, event.text("release"))?,
        "errors": errors(&event),
        "_meta": meta,
        "fingerprints": event::keys(tx, stored.id)?.iter().map(|key| hex(key)).collect::<Vec<_>>(),
        "nextEventID": newer.map(|id| id.to_string()),
        "previousEventID": older.map(|id| id.to_string()),
        "groupingConfig": null,
        "occurrence": null,
        "userReport": reports.first().map(super::feedback::feedback),
        "sdkUpdates": [],
        "resolvedWith": [],
    });
    if let (Value::Object(shape), Value::Object(parts)) = (&mut shape, parts) {
        shape.extend(parts);
    }
    Ok(shape)
}

fn kind(event: &Event<'_>) -> &'static str {
    if event.exceptions().next().is_some() || event.stack().is_some() {
        "error"
    } else {
        let report = ["csp", "expectct", "expectstaple", "hpkp"].into_iter().find(|report| event.json.has(report));
        report.unwrap_or("default")
    }
}

fn location(event: &Event<'_>) -> Option<String> {
    let frame = event.stack().as_ref().and_then(Stack::culprit)?;
    frame.filename().or_else(|| frame.abs_path()).map(str::to_string)
}

fn metadata(event: &Event<'_>, title: &title::Title) -> Value {
    let mut metadata = Map::new();
    metadata.insert("title".into(), title.to_string().into());
    if event.exceptions().next().is_some() {
        metadata.insert("type".into(), title.kind.as_str().into());
        metadata.insert("value".into(), title.text.as_str().into());
    }
    if let Some(csp) = event.json.object("csp") {
        metadata.insert("directive".into(), csp.text("effective_directive").into());
        metadata.insert("uri".into(), csp.text("blocked_uri").into());
        metadata.insert("message".into(), event.message().into());
    }
    if let Some(frame) = event.stack().as_ref().and_then(Stack::culprit) {
        metadata.insert("filename".into(), frame.filename().or_else(|| frame.abs_path()).into());
        metadata.insert("function".into(), frame.function().into());
    }
    Value::Object(metadata)
}

/// Null, or an object that has all of the keys that clients look for.
fn user(event: &Event<'_>) -> Value {
    let Some(user) = event.json.object("user").filter(|user| !user.is_empty()) else { return Value::Null };
    let mut shape = object(user);
    for key in ["id", "email", "username", "ip_address", "name", "geo", "data"] {
        shape.entry(key).or_insert(Value::Null);
    }
    Value::Object(shape)
}

fn tags(event: &Event<'_>) -> Vec<Value> {
    event.tags().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

/// Each context with its type, which is its name unless it says otherwise.
fn contexts(event: &Event<'_>) -> Map<String, Value> {
    let mut contexts = event.json.object("contexts").map(object).unwrap_or_default();
    for (name, context) in &mut contexts {
        if let Value::Object(context) = context {
            context.entry("type").or_insert_with(|| name.as_str().into());
        }
    }
    contexts
}

fn sdk(event: &Event<'_>) -> Value {
    event
        .json
        .object("sdk")
        .map_or(Value::Null, |sdk| json!({ "name": sdk.text("name"), "version": sdk.text("version") }))
}

fn errors(event: &Event<'_>) -> Vec<Value> {
    let shape = |(kind, name, value): (&str, &str, &str)| {
        let mut data = Map::new();
        for (key, text) in [("name", name), ("value", value)] {
            if !text.is_empty() {
                data.insert(key.into(), text.into());
            }
        }
        json!({ "type": kind, "message": problem(kind), "data": data })
    };
    event.stored_problems().map(shape).collect()
}

/// What a problem is called; its type, if it says enough.
fn problem(kind: &str) -> String {
    match kind {
        "invalid_data" => "A value could not be used".into(),
        "invalid_attribute" => "An attribute is not known".into(),
        "value_too_long" => "A value was cut because it is too long".into(),
        "clock_drift" => "The sender's clock is wrong".into(),
        "future_timestamp" => "The event is dated in the future".into(),
        "past_timestamp" => "The event is dated too far in the past".into(),
        "invalid_environment" => "The environment's name cannot be used".into(),
        kind => kind.replace('_', " "),
    }
}

fn empty_meta() -> Value {
    json!({
        "entries": {}, "message": null, "user": null, "contexts": null, "context": null, "packages": null,
        "sdk": null, "tags": {},
    })
}

/// Notes on removed and cut values, beside the parts that they belong to.
fn meta_shape(meta: &Object<'_>, entries: &[entries::Entry]) -> Value {
    let mut shape = empty_meta();
    for (place, key) in [
        ("message", "logentry"),
        ("user", "user"),
        ("contexts", "contexts"),
        ("context", "extra"),
        ("packages", "modules"),
        ("sdk", "sdk"),
    ] {
        shape[place] = field(meta, key);
    }
    if let Some(notes) = meta.object("tags") {
        shape["tags"] = object(notes).into();
    }
    for (at, entry) in entries.iter().enumerate() {
        if let Some(notes) = meta.get(entry.key) {
            shape["entries"][at.to_string()] = json!({ "data": value(notes) });
        }
    }
    shape
}
