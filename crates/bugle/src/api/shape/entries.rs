//! `entries[]`: the parts of an event that pages show one below the other, with keys renamed as clients expect.

use super::frame::{stacktrace, thread_stack};
use super::{date, field, value};
use bugle_event::Event;
use bugle_event::event::{Exception, Stack, Thread, pairs};
use bugle_event::json::{Json, Object};
use serde_json::{Value, json};

/// One part.
pub struct Entry {
    /// Its name in `entries[].type`.
    pub kind: &'static str,
    /// The key in the stored event that it comes from.
    pub key: &'static str,
    /// What it says.
    pub data: Value,
}

/// All parts that an event has.
pub fn entries(event: &Event<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut add = |kind: &'static str, key: &'static str, data: Option<Value>| {
        entries.extend(data.map(|data| Entry { kind, key, data }));
    };
    let object = |key: &str| event.json.object(key).filter(|object| !object.is_empty());
    add("message", "logentry", object("logentry").map(message));
    add("exception", "exception", exceptions(event));
    add("threads", "threads", threads(event));
    add("template", "template", object("template").map(template));
    add("csp", "csp", object("csp").map(|csp| super::object(csp).into()));
    for report in ["expectct", "expectstaple", "hpkp"] {
        add(report, report, object(report).map(|report| super::object(report).into()));
    }
    add("stacktrace", "stacktrace", object("stacktrace").map(super::frame::stacktrace));
    add("breadcrumbs", "breadcrumbs", breadcrumbs(event));
    add("request", "request", object("request").map(request));
    add("debugmeta", "debug_meta", object("debug_meta").map(|meta| super::object(meta).into()));
    entries
}

fn message(entry: &Object<'_>) -> Value {
    let formatted = entry.text("formatted").or_else(|| entry.text("message"));
    json!({ "formatted": formatted, "message": field(entry, "message"), "params": field(entry, "params") })
}

fn exceptions(event: &Event<'_>) -> Option<Value> {
    let values: Vec<Value> = event.exceptions().map(exception).collect();
    if values.is_empty() {
        return None;
    }
    let has_system_frames = event.exceptions().filter_map(|exception| exception.stack()).any(is_mixed);
    Some(json!({ "values": values, "hasSystemFrames": has_system_frames, "excOmitted": null }))
}

fn exception(exception: Exception<'_>) -> Value {
    let own = exception.0;
    json!({
        "type": field(own, "type"),
        "value": field(own, "value"),
        "module": field(own, "module"),
        "threadId": field(own, "thread_id"),
        "mechanism": field(own, "mechanism"),
        "stacktrace": own.object("stacktrace").map(stacktrace),
        "rawStacktrace": own.object("raw_stacktrace").map(stacktrace),
    })
}

/// Whether a stack has frames of the application and of others: then clients offer to hide the others.
pub fn is_mixed(stack: Stack<'_>) -> bool {
    stack.frames().any(|frame| frame.in_app()) && stack.frames().any(|frame| !frame.in_app())
}

fn threads(event: &Event<'_>) -> Option<Value> {
    let values: Vec<Value> = event.threads().map(thread).collect();
    (!values.is_empty()).then(|| json!({ "values": values }))
}

fn thread(thread: Thread<'_>) -> Value {
    let own = thread.0;
    let flag = |key| own.get(key).and_then(Json::bool).unwrap_or(false);
    json!({
        "id": field(own, "id"),
        "name": field(own, "name"),
        "current": flag("current"),
        "crashed": flag("crashed"),
        "main": field(own, "main"),
        "state": field(own, "state"),
        "heldLocks": field(own, "held_locks"),
        "stacktrace": thread_stack(own, "stacktrace"),
        "rawStacktrace": thread_stack(own, "raw_stacktrace"),
    })
}

fn template(template: &Object<'_>) -> Value {
    json!({
        "filename": field(template, "filename"),
        "absPath": field(template, "abs_path"),
        "lineNo": field(template, "lineno"),
        "colNo": field(template, "colno"),
        "context": super::frame::context(template),
    })
}

fn breadcrumbs(event: &Event<'_>) -> Option<Value> {
    let values: Vec<Value> = event.breadcrumbs().map(breadcrumb).collect();
    (!values.is_empty()).then(|| json!({ "values": values }))
}

fn breadcrumb(own: &Object<'_>) -> Value {
    json!({
        "type": own.text("type").unwrap_or("default"),
        "timestamp": own.get("timestamp").and_then(bugle_event::time::read).map(date),
        "level": own.text("level").unwrap_or("info"),
        "category": field(own, "category"),
        "message": field(own, "message"),
        "data": field(own, "data"),
        "event_id": field(own, "event_id"),
    })
}

fn request(own: &Object<'_>) -> Value {
    json!({
        "url": field(own, "url"),
        "method": field(own, "method"),
        "query": pair_list(own, "query_string"),
        "fragment": field(own, "fragment"),
        "data": field(own, "data"),
        "headers": pair_list(own, "headers"),
        "cookies": pair_list(own, "cookies"),
        "env": field(own, "env"),
        "inferredContentType": field(own, "inferred_content_type"),
        "apiTarget": field(own, "api_target"),
    })
}

/// `[[key, value], …]`; what could not be read as pairs stays as it is.
fn pair_list(own: &Object<'_>, key: &str) -> Value {
    match own.get(key) {
        Some(Json::Array(list)) => pairs(list).map(|(key, value)| json!([key, value])).collect(),
        Some(Json::Null) | None => json!([]),
        Some(other) => value(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_an_event_is_an_entry_under_its_name() {
        let text = r#"{"logentry":{"formatted":"m"},"exception":{"values":[{"type":"E","mechanism":{"type":"x","exception_id":0}}]},
            "threads":{"values":[{"id":1,"crashed":true}]},"template":{"filename":"a.html","lineno":2,"context_line":"b"},
            "csp":{"effective_directive":"img-src"},"hpkp":{"hostname":"h"},"breadcrumbs":{"values":[{"message":"c"}]},
            "request":{"url":"https://a.example/","query_string":[["a","1"]]},"debug_meta":{"images":[{"type":"elf"}]}}"#;
        let entries = entries(&Event::stored(text));
        let kinds: Vec<&str> = entries.iter().map(|entry| entry.kind).collect();
        let expected =
            ["message", "exception", "threads", "template", "csp", "hpkp", "breadcrumbs", "request", "debugmeta"];
        assert_eq!(kinds, expected);
        let of = |kind: &str| &entries.iter().find(|entry| entry.kind == kind).expect("is there").data;
        assert_eq!(of("template")["context"], json!([[2, "b"]]));
        assert_eq!(of("csp")["effective_directive"], "img-src");
        assert_eq!(of("threads")["values"][0]["crashed"], true);
        assert_eq!(of("exception")["values"][0]["mechanism"]["exception_id"], 0);
        assert_eq!(of("request")["query"], json!([["a", "1"]]));
        assert_eq!(of("debugmeta")["images"][0]["type"], "elf");
    }
}
