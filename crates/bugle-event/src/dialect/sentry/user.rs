//! The person affected.

use crate::dialect::lenient;
use crate::json::{Json, Object};
use crate::path::Path;
use crate::problem::Problem;
use std::borrow::Cow;
use std::net::IpAddr;

/// Reads the user. Attributes that the schema does not know move into `data`; what `data` says itself wins.
pub(super) fn read(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    lenient::object(value, at, problems, |user, at, problems| {
        let mut has_more = false;
        user.retain(|key, value| {
            let at = &at.key(key);
            match key {
                "id" | "username" | "email" | "name" | "segment" | "sentry_user" => lenient::text(value, at, problems),
                "ip_address" => ip_address(value, at, problems),
                "geo" | "data" => lenient::bag(value, at, problems),
                _ => {
                    has_more |= !value.is_null();
                    !value.is_null()
                }
            }
        });
        if has_more {
            move_to_data(user);
        }
        !user.is_empty()
    })
}

/// An address, or `{{auto}}` for the sender's own.
fn ip_address(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    if !lenient::text(value, at, problems) {
        return false;
    }
    let text = value.text().unwrap_or_default().trim();
    text == "{{auto}}" || text.parse::<IpAddr>().is_ok() || lenient::refuse(value, "an IP address", at, problems)
}

fn move_to_data(user: &mut Object<'_>) {
    let known = |key: &str| {
        matches!(key, "id" | "username" | "email" | "name" | "segment" | "sentry_user" | "ip_address" | "geo" | "data")
    };
    let (mut kept, more): (Vec<_>, Vec<_>) = std::mem::take(user).into_iter().partition(|(key, _)| known(key));
    let own = kept.iter().position(|(key, _)| key == "data").map(|at| kept.remove(at).1);
    let own = match own {
        Some(Json::Object(own)) => own,
        _ => Object::default(),
    };
    kept.push((Cow::Borrowed("data"), Json::Object(more.into_iter().chain(own).collect())));
    *user = kept.into_iter().collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> String {
        let mut problems = Vec::new();
        let mut value = crate::json::read(json, &mut problems);
        let kept = read(&mut value, &Path::root("user"), &mut problems);
        (if kept { value.to_string() } else { "-".into() }) + &"!".repeat(problems.len())
    }

    #[test]
    fn a_user_is_brought_to_its_schema() {
        for (json, expected) in [
            (r#"{"id":7,"email":null,"username":""}"#, r#"{"id":"7"}"#),
            (
                r#"{"id":"a","plan":"pro","data":{"plan":"own","x":1},"n":null}"#,
                r#"{"id":"a","data":{"plan":"own","x":1}}"#,
            ),
            (r#"{"ip_address":"::1"}"#, r#"{"ip_address":"::1"}"#),
            (r#"{"ip_address":"{{auto}}"}"#, r#"{"ip_address":"{{auto}}"}"#),
            (r#"{"ip_address":"here","id":"a"}"#, r#"{"id":"a"}!"#),
            (r#""ann""#, "-!"),
            ("{}", "-"),
        ] {
            assert_eq!(of(json), expected, "{json}");
        }
    }
}
