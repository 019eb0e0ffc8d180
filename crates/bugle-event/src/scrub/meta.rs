//! Notes in the event's `_meta` tree what was taken out and by which rule (protocol reference §8.7).
//!
//! The tree is parallel to the event: keys and indices lead to an object whose `""` holds the remarks, each
//! `[rule, sign, start, end]`: what was done, with the place of the mark in bytes of the new text.

use crate::json::{Json, Object};
use std::borrow::Cow;

/// More remarks than these are not noted; what they are about is taken out all the same.
pub(super) const REMARKS_MAX: usize = 500;

/// Something that was taken out.
pub(super) struct Removed {
    /// The keys and indices that lead to the value.
    pub(super) path: Vec<String>,
    pub(super) remarks: Vec<Remark>,
}

/// One mark in a value.
pub(super) struct Remark {
    pub(super) rule: Cow<'static, str>,
    /// What was done: removed (x), substituted (s), masked (m), hashed (p).
    pub(super) sign: &'static str,
    /// Where the mark is in the new text, in bytes.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Writes `removed` into the `_meta` of `event`.
pub(super) fn note(event: &mut Object<'_>, removed: &[Removed]) {
    let root = child(event, "_meta");
    for entry in removed {
        let mut node = &mut *root;
        for key in &entry.path {
            node = child(node, key);
        }
        // What stood inside of it is gone, and with it what was known about that.
        node.retain(|key, _| key.is_empty());
        let about = child(node, "");
        if !matches!(about.get("rem"), Some(Json::Array(_))) {
            about.set("rem", Json::Array(Vec::new()));
        }
        if let Some(Json::Array(remarks)) = about.get_mut("rem") {
            remarks.extend(entry.remarks.iter().map(to_json));
        }
    }
}

fn to_json<'a>(remark: &Remark) -> Json<'a> {
    let number = |value: usize| Json::from_int(i64::try_from(value).unwrap_or(i64::MAX));
    Json::Array(vec![
        Json::from(remark.rule.to_string()),
        Json::from(remark.sign),
        number(remark.start),
        number(remark.end),
    ])
}

/// The object at `key`, made if there is none.
fn child<'o, 'a>(object: &'o mut Object<'a>, key: &str) -> &'o mut Object<'a> {
    if object.object(key).is_none() {
        object.set(key.to_string(), Object::default());
    }
    object.get_mut(key).and_then(Json::object_mut).expect("it was put there in the line above")
}
