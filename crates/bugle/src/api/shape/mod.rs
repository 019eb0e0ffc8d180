//! What things look like to clients: JSON of exactly the types that they decode (protocol reference, section 18.3).
//!
//! Nothing here decides anything; what is not known yet is null, empty or absent, as clients expect it to be.

pub mod attachment;
pub mod entries;
pub mod event;
pub mod feedback;
pub mod frame;
pub mod issue;
pub mod key;
pub mod monitor;
pub mod organization;
pub mod person;
pub mod project;
pub mod release;
pub mod storage;

use bugle_event::json::{Json, Object};
use serde_json::{Map, Number, Value};

/// A time as the API says it, `2026-08-01T10:00:00.123000Z`.
pub fn date(unix_ms: i64) -> String {
    bugle_event::time::rfc3339(unix_ms)
}

/// An event's JSON as the API's. Numbers that no 64 bits hold become the nearest float.
pub fn value(json: &Json<'_>) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::Bool(*bool),
        Json::Number(text) => number(text),
        Json::Text(text) => Value::String(text.to_string()),
        Json::Array(values) => values.iter().map(value).collect(),
        Json::Object(fields) => Value::Object(object(fields)),
    }
}

/// An object of an event as the API's.
pub fn object(fields: &Object<'_>) -> Map<String, Value> {
    fields.iter().map(|(key, json)| (key.to_string(), value(json))).collect()
}

/// The value of `key`, null when it is not there.
pub fn field(fields: &Object<'_>, key: &str) -> Value {
    fields.get(key).map_or(Value::Null, value)
}

fn number(text: &str) -> Value {
    if let Ok(int) = text.parse::<i64>() {
        return int.into();
    }
    if let Ok(int) = text.parse::<u64>() {
        return int.into();
    }
    text.parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}
