//! MessagePack as native SDKs keep it on disk: an event, or breadcrumbs one after the other.
//!
//! What cannot be read ends the reading; what came before it is kept. Depth is bounded here, size by the input: a value
//! needs at least a byte of it, and lengths are checked by the reader as it goes.

use super::Said;
use rmpv::Value as Packed;
use rmpv::decode::read_value_with_max_depth;
use serde_json::{Map, Number, Value};

/// How deep values may nest: far deeper than an event goes.
const DEPTH_MAX: usize = 64;
/// Breadcrumbs of one file. SDKs keep a hundred.
const OBJECTS_MAX: usize = 1_000;

/// The first object.
pub fn object(bytes: &[u8]) -> Said {
    let first = objects(bytes).into_iter().next();
    first.map(super::object).unwrap_or_default()
}

/// Objects one after the other; also those in one array.
pub fn objects(mut bytes: &[u8]) -> Vec<Value> {
    let mut found = Vec::new();
    while found.len() < OBJECTS_MAX
        && !bytes.is_empty()
        && let Ok(packed) = read_value_with_max_depth(&mut bytes, DEPTH_MAX)
    {
        match json(packed) {
            Value::Array(values) => found.extend(values.into_iter().filter(Value::is_object).take(OBJECTS_MAX)),
            value if value.is_object() => found.push(value),
            _ => {}
        }
    }
    found
}

fn json(packed: Packed) -> Value {
    match packed {
        Packed::Nil | Packed::Binary(_) | Packed::Ext(..) => Value::Null,
        Packed::Boolean(is_so) => is_so.into(),
        Packed::Integer(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into(),
            (_, number) => number.into(),
        },
        Packed::F32(number) => Number::from_f64(number.into()).map_or(Value::Null, Value::Number),
        Packed::F64(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        Packed::String(text) => String::from_utf8_lossy(text.as_bytes()).into(),
        Packed::Array(values) => values.into_iter().map(json).collect(),
        Packed::Map(pairs) => {
            let pair = |(key, value): (Packed, Packed)| match json(key) {
                Value::String(key) => (key, json(value)),
                key => (key.to_string(), json(value)),
            };
            Value::Object(pairs.into_iter().map(pair).collect::<Map<_, _>>())
        }
    }
}
