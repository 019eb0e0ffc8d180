//! Form fields of a crash upload, made into an event (protocol reference, section 12).
//!
//! | field | means |
//! |---|---|
//! | `sentry`, `sentry___{namespace}` | the event as JSON |
//! | `sentry__1`, `sentry__2`, … | the same in pieces: crashpad bounds a field's length |
//! | `sentry[tags][a]=b` | one value of the event, by its path |
//! | `guid`, `prod`, `ver`, others | go to `extra` |

use super::{Said, add, read};
use serde_json::Value;
use std::collections::BTreeMap;

/// Pieces that are put together.
const PIECES_MAX: u32 = 100;
/// Parts of a path.
const PATH_MAX: usize = 8;
/// Fields that go to `extra`.
const EXTRA_MAX: usize = 200;

/// The event that the fields tell of.
pub fn event(fields: &[(String, String)]) -> Said {
    let (mut said, mut extra, mut pieces) = (Said::new(), Said::new(), BTreeMap::new());
    for (name, value) in fields {
        let piece = name.strip_prefix("sentry__").and_then(|number| number.parse::<u32>().ok());
        match (piece, path(name)) {
            (Some(number), _) if number <= PIECES_MAX => drop(pieces.insert(number, value.as_str())),
            _ if name == "sentry" || name.starts_with("sentry___") => add(&mut said, read(value.as_bytes())),
            (_, Some(path)) => set(&mut said, &path, value),
            _ if name == "sentry_key" => {}
            _ if extra.len() < EXTRA_MAX => drop(extra.insert(name.clone(), value.as_str().into())),
            _ => {}
        }
    }
    if !pieces.is_empty() {
        add(&mut said, read(pieces.into_values().collect::<String>().as_bytes()));
    }
    let product = [("prod", &extra), ("_ProductName", &extra)].iter().find_map(|(key, extra)| text(extra, key));
    let version = [("ver", &extra), ("_Version", &extra)].iter().find_map(|(key, extra)| text(extra, key));
    if let (Some(product), Some(version)) = (product, version) {
        said.entry("release").or_insert_with(|| format!("{product}@{version}").into());
    }
    if !extra.is_empty() {
        add(&mut said, Said::from_iter([("extra".to_string(), Value::Object(extra))]));
    }
    said
}

fn text(extra: &Said, key: &str) -> Option<String> {
    extra.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(String::from)
}

/// `sentry[tags][a]` as its keys.
fn path(name: &str) -> Option<Vec<&str>> {
    let keys = name.strip_prefix("sentry[")?.strip_suffix(']')?;
    let keys: Vec<&str> = keys.split("][").collect();
    (keys.len() <= PATH_MAX && keys.iter().all(|key| !key.is_empty())).then_some(keys)
}

fn set(said: &mut Said, path: &[&str], value: &str) {
    let Some((key, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        said.insert((*key).into(), value.into());
        return;
    }
    let inner = said.entry(*key).or_insert_with(|| Value::Object(Said::new()));
    if let Value::Object(inner) = inner {
        set(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_comes_whole_in_pieces_or_by_paths() {
        let fields: Vec<(String, String)> = [
            ("sentry", r#"{"release":"shop@1","tags":{"a":"1"}}"#),
            ("sentry__2", r#""staging"}"#),
            ("sentry__1", r#"{"environment":"#),
            ("sentry[tags][b]", "2"),
            ("sentry[user][id]", "7"),
            ("sentry[]", "x"),
            ("guid", "abc"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
        let expected = json!({
            "release": "shop@1", "environment": "staging", "tags": {"a": "1", "b": "2"}, "user": {"id": "7"},
            "extra": {"sentry[]": "x", "guid": "abc"},
        });
        assert_eq!(Value::Object(event(&fields)), expected);
    }

    #[test]
    fn crashpad_s_product_and_version_are_a_release() {
        let fields = [("prod".to_string(), "Shop".to_string()), ("ver".into(), "2.1".into())];
        assert_eq!(event(&fields)["release"], "Shop@2.1");
    }
}
