//! A message's parameters: what was put into a place of the text that turned out to hold a secret.
//!
//! `login with password=%s` and its one bare parameter tell nothing each; together they do. So the text as it was is
//! compared with what scrubbing left of it: a parameter that stood in it and no longer does was the secret.

use super::meta::{REMARKS_MAX, Remark, Removed};
use super::text::FILTERED;
use crate::json::{Json, Object};
use std::borrow::Cow;

/// Parameters shorter than this stand in too many places to be told by them.
const CHARS_MIN: usize = 3;
/// What the page calls it.
const RULE: &str = "@parameter";

/// The text of a message as it came, if there are parameters to compare it for.
pub(super) fn before(event: &Object<'_>) -> Option<String> {
    let entry = event.object("logentry")?;
    let has_params = entry.get("params").is_some_and(|params| !params.is_empty());
    entry.text("formatted").filter(|_| has_params).map(str::to_string)
}

/// Takes out the parameters whose text scrubbing has taken out of the message.
pub(super) fn after(event: &mut Object<'_>, before: &str, removed: &mut Vec<Removed>) {
    let Some(Json::Object(entry)) = event.get_mut("logentry") else { return };
    let now = entry.text("formatted").unwrap_or_default().to_string();
    if now == before {
        return;
    }
    if let Some(params) = entry.get_mut("params") {
        let is_secret = |text: &str| text.chars().count() >= CHARS_MIN && before.contains(text) && !now.contains(text);
        each(params, &mut vec!["logentry".into(), "params".into()], &is_secret, removed);
    }
}

fn each(value: &mut Json<'_>, path: &mut Vec<String>, is_secret: &dyn Fn(&str) -> bool, removed: &mut Vec<Removed>) {
    match value {
        Json::Text(text) | Json::Number(text) if is_secret(text) => {
            if removed.len() < REMARKS_MAX {
                let remark = Remark { rule: RULE.into(), sign: "s", start: 0, end: FILTERED.len() };
                removed.push(Removed { path: path.clone(), remarks: vec![remark] });
            }
            *value = Json::Text(Cow::Borrowed(FILTERED));
        }
        Json::Array(values) => {
            for (at, value) in values.iter_mut().enumerate() {
                path.push(at.to_string());
                each(value, path, is_secret, removed);
                path.pop();
            }
        }
        Json::Object(object) => {
            for (key, value) in object.iter_mut() {
                path.push(key.to_string());
                each(value, path, is_secret, removed);
                path.pop();
            }
        }
        _ => {}
    }
}
