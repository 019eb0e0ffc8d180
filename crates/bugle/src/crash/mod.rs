//! Crashes: what a process could still write when it died, made into an event as SDKs send them.
//!
//! Owns: which files hold a crash, and how what they say and what the sender said become one JSON text in Sentry's schema
//! (protocol reference, section 12). From there on it is an event like any other: read, normalised, scrubbed, grouped.
//! [`minidump`], [`apple`] and [`unreal`] read the reports, [`msgpack`] what native SDKs keep on disk for the next start,
//! [`fields`] the form fields of uploads.
//!
//! **Invariants**
//! * Reading never fails: a report that is broken still is an event that says so.
//! * No I/O, no clock. Memory is bounded by a small multiple of the input: counts and lengths are checked before anything
//!   is allocated by them. Whoever calls bounds the time and catches panics ([`crate::receive::crash`]).
//! * What the sender said wins over what a report says, but for the crash itself: exception, threads and images.
//!
//! Nothing is symbolicated here: frames have addresses and images.

pub mod apple;
pub mod fields;
pub mod minidump;
pub mod msgpack;
pub mod unreal;

use bugle_event::json;
use serde_json::{Map, Value};

/// An event, or a part of one.
pub type Said = Map<String, Value>;

/// A file with a kind, as far as crashes are concerned.
#[derive(Debug, Clone)]
pub struct Part {
    /// Sentry's `attachment_type`.
    pub kind: String,
    /// Itself.
    pub body: Vec<u8>,
}

/// A crash dump.
pub const MINIDUMP: &str = "event.minidump";
/// A crash report of Apple's systems.
pub const APPLE: &str = "event.applecrashreport";
/// An event in MessagePack.
pub const PAYLOAD: &str = "event.payload";
/// Breadcrumbs in MessagePack, one after the other.
pub const BREADCRUMBS: &str = "event.breadcrumbs";

/// Whether a file of this kind holds part of an event, and makes one by itself.
pub fn is_part(kind: &str) -> bool {
    matches!(kind, MINIDUMP | APPLE | PAYLOAD | BREADCRUMBS)
}

/// Whether a file of this kind is a report: what a process left of itself.
pub fn is_report(kind: &str) -> bool {
    matches!(kind, MINIDUMP | APPLE)
}

/// Bytes of an event that leave the rest of its bound (`EVENT_BYTES_MAX`) to what is added later.
const EVENT_BYTES: usize = 900 << 10;

/// The event of a crash: what the sender said, `event` being JSON as it came (or nothing), and what the parts say.
pub fn event(event: &[u8], parts: &[Part]) -> Vec<u8> {
    let mut said = read(event);
    let mut rings = Vec::new();
    for part in parts {
        match part.kind.as_str() {
            PAYLOAD => add(&mut said, msgpack::object(&part.body)),
            BREADCRUMBS => rings.push(msgpack::objects(&part.body)),
            _ => {}
        }
    }
    breadcrumbs(&mut said, rings);
    for part in parts {
        match part.kind.as_str() {
            MINIDUMP => crashed(&mut said, minidump::event(&part.body)),
            APPLE => crashed(&mut said, apple::event(&part.body)),
            _ => {}
        }
    }
    said.entry("platform").or_insert_with(|| "native".into());
    said.entry("level").or_insert_with(|| "fatal".into());
    write(said)
}

/// The event of a crash whose parts cannot be read; `why` is a sentence.
pub fn unread(event: &[u8], kind: &str, why: &str) -> Vec<u8> {
    let mut said = read(event);
    let (name, mechanism) =
        if kind == APPLE { ("AppleCrashReport", "applecrashreport") } else { ("Minidump", "minidump") };
    crashed(&mut said, skeleton(name, mechanism, why));
    write(said)
}

/// An event of which nothing is known but that it is a crash.
pub(crate) fn skeleton(name: &str, mechanism: &str, value: &str) -> Said {
    object(serde_json::json!({
        "platform": "native",
        "level": "fatal",
        "exception": {"values": [{
            "type": name,
            "value": value,
            "mechanism": {"type": mechanism, "handled": false, "synthetic": true},
        }]},
    }))
}

/// What an SDK sent as JSON, as far as it can be read.
pub(crate) fn read(text: &[u8]) -> Said {
    let text = String::from_utf8_lossy(text);
    let mut plain = Vec::new();
    json::read(&text, &mut Vec::new()).write(&mut plain);
    serde_json::from_slice(&plain).map(object).unwrap_or_default()
}

pub(crate) fn object(value: Value) -> Said {
    if let Value::Object(said) = value { said } else { Said::new() }
}

/// Adds what `said` does not have, objects within objects too.
pub(crate) fn add(said: &mut Said, more: Said) {
    for (key, value) in more {
        match (said.get_mut(&key), value) {
            (None | Some(Value::Null), value) => drop(said.insert(key, value)),
            (Some(Value::Object(present)), Value::Object(more)) => add(present, more),
            _ => {}
        }
    }
}

/// Adds a crash: what broke and where is the report's, the rest the sender's first.
pub(crate) fn crashed(said: &mut Said, mut crash: Said) {
    for key in ["exception", "threads", "debug_meta"] {
        if let Some(value) = crash.remove(key) {
            said.insert(key.into(), value);
        }
    }
    let logged = crash.remove("breadcrumbs");
    if let Some(Value::Array(values)) = logged.and_then(|mut logged| logged.get_mut("values").map(Value::take)) {
        breadcrumbs(said, vec![values]);
    }
    add(said, crash);
}

/// Adds breadcrumbs: merged by time, as many as the longest list has. Two rings of a native SDK overlap so.
fn breadcrumbs(said: &mut Said, rings: Vec<Vec<Value>>) {
    let longest = rings.iter().map(Vec::len).max().unwrap_or(0);
    if longest == 0 {
        return;
    }
    let mut merged: Vec<Value> = rings.into_iter().flatten().collect();
    merged.sort_by(|one, other| time(one).total_cmp(&time(other)));
    merged.drain(..merged.len() - longest);
    let mut values = match said.remove("breadcrumbs") {
        Some(Value::Array(values)) => values,
        Some(Value::Object(mut list)) => match list.remove("values") {
            Some(Value::Array(values)) => values,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    values.append(&mut merged);
    said.insert("breadcrumbs".into(), serde_json::json!({ "values": values }));
}

/// When a breadcrumb was left, in Unix seconds; the beginning of time when it does not say.
fn time(breadcrumb: &Value) -> f64 {
    match breadcrumb.get("timestamp") {
        Some(Value::Number(seconds)) => seconds.as_f64().unwrap_or(0.0),
        Some(Value::String(text)) => bugle_event::time::parse(text).map_or(0.0, |ms| ms as f64 / 1_000.0),
        _ => 0.0,
    }
}

/// As JSON within the bound of an event: stacks of threads that did not crash go first, then images that nothing names.
fn write(mut said: Said) -> Vec<u8> {
    let text = |said: &Said| serde_json::to_vec(said).unwrap_or_default();
    let mut out = text(&said);
    if out.len() > EVENT_BYTES {
        for thread in list(&mut said, "threads", "values") {
            if let Some(thread) = thread.as_object_mut().filter(|thread| thread.get("crashed") != Some(&true.into())) {
                thread.remove("stacktrace");
            }
        }
        out = text(&said);
    }
    if out.len() > EVENT_BYTES {
        list(&mut said, "debug_meta", "images").truncate(100);
        list(&mut said, "threads", "values").truncate(100);
        out = text(&said);
    }
    out
}

fn list<'s>(said: &'s mut Said, key: &str, inner: &str) -> &'s mut Vec<Value> {
    let holder = said.entry(key).or_insert_with(|| Value::Object(Said::new()));
    if !holder.is_object() {
        *holder = Value::Object(Said::new());
    }
    let values = &mut holder[inner];
    if !values.is_array() {
        *values = Value::Array(Vec::new());
    }
    match values {
        Value::Array(values) => values,
        _ => unreachable!("it was made an array above"),
    }
}

/// An address as events have it.
pub(crate) fn hex(address: u64) -> String {
    format!("{address:#x}")
}

#[cfg(test)]
pub(crate) mod tests;
