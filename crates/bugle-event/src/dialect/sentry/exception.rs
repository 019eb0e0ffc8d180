//! Exceptions, how they were caught, and the threads beside them.

use super::stack;
use crate::dialect::lenient;
use crate::json::{Json, Object};
use crate::path::Path;
use crate::problem::Problem;
use std::borrow::Cow;

/// Reads one exception of the chain. One without type and value is kept only for its stack.
pub(super) fn read(exception: &mut Object<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    exception.retain(|key, value| {
        let at = &at.key(key);
        match key {
            "type" | "module" => lenient::text(value, at, problems),
            "value" => lenient::text_or_json(value, at, problems),
            "stacktrace" | "raw_stacktrace" => stack::read(value, at, problems),
            "mechanism" => mechanism(value, at, problems),
            "thread_id" => !value.is_null(),
            _ => true,
        }
    });
    if !exception.has("type") {
        split_type(exception);
    }
    if exception.has("type") || exception.has("value") {
        return true;
    }
    let has_stack = exception.has("stacktrace");
    let done = if has_stack { "kept for its stack" } else { "left out" };
    Problem::note(problems, "missing_attribute", at, format!("An exception without type and value; {done}."));
    has_stack
}

/// Reads one thread.
pub(super) fn read_thread(thread: &mut Object<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    thread.retain(|key, value| {
        let at = &at.key(key);
        match key {
            "name" | "state" => lenient::text(value, at, problems),
            "crashed" | "current" | "main" => lenient::bool(value, at, problems),
            "held_locks" => lenient::bag(value, at, problems),
            "stacktrace" | "raw_stacktrace" => stack::read(value, at, problems),
            "id" => !value.is_null(),
            _ => true,
        }
    });
    !thread.is_empty()
}

/// `KeyError: 'x'` without a type is a `KeyError` that says `'x'`.
fn split_type(exception: &mut Object<'_>) {
    let Some(Json::Text(value)) = exception.get_mut("value") else { return };
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$');
    let Some(colon) = value.find(": ").filter(|&colon| colon > 0 && value[..colon].chars().all(word)) else { return };
    let (kind, rest): (Cow<'_, str>, Cow<'_, str>) = match value {
        Cow::Borrowed(text) => (Cow::Borrowed(&text[..colon]), Cow::Borrowed(text[colon + 2..].trim_start())),
        Cow::Owned(text) => {
            (Cow::Owned(text[..colon].to_string()), Cow::Owned(text[colon + 2..].trim_start().to_string()))
        }
    };
    *value = rest;
    exception.set("type", kind);
    if exception.text("value").is_none() {
        exception.remove("value");
    }
}

fn mechanism(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    if let Json::Text(_) = value {
        let mut named = Object::default();
        named.set("type", value.take());
        *value = Json::Object(named);
    }
    lenient::object(value, at, problems, |mechanism, at, problems| {
        if mechanism.text("type").is_none() {
            modernise(mechanism);
        }
        mechanism.retain(|key, value| {
            let at = &at.key(key);
            match key {
                "type" | "description" | "help_link" | "source" => lenient::text(value, at, problems),
                "handled" | "synthetic" | "is_exception_group" => lenient::bool(value, at, problems),
                "exception_id" | "parent_id" => lenient::whole(value, at, problems),
                "data" | "meta" => lenient::bag(value, at, problems),
                _ => true,
            }
        });
        !mechanism.is_empty()
    })
}

/// The form before `type` existed: signals at the top, everything else is data.
fn modernise(mechanism: &mut Object<'_>) {
    if mechanism.is_empty() {
        return;
    }
    let (mut modern, mut meta, mut data) = (Object::default(), Vec::new(), Vec::new());
    modern.set("type", "generic");
    for (key, mut value) in std::mem::take(mechanism) {
        match &*key {
            "type" => {}
            "posix_signal" => {
                rename(&mut value, "signal", "number");
                meta.push((Cow::Borrowed("signal"), value));
            }
            "mach_exception" => {
                rename(&mut value, "exception_name", "name");
                meta.push((key, value));
            }
            "handled" | "synthetic" | "description" | "help_link" | "source" | "exception_id" | "parent_id"
            | "is_exception_group" | "data" | "meta" => modern.set(key, value),
            _ => data.push((key, value)),
        }
    }
    for (name, entries) in [("meta", meta), ("data", data)] {
        if !entries.is_empty() {
            let own = modern.remove(name).and_then(|own| match own {
                Json::Object(own) => Some(own),
                _ => None,
            });
            modern.set(name, entries.into_iter().chain(own.into_iter().flatten()).collect::<Object<'_>>());
        }
    }
    *mechanism = modern;
}

fn rename(object: &mut Json<'_>, from: &str, to: &'static str) {
    if let Some(object) = object.object_mut()
        && !object.has(to)
        && let Some(value) = object.remove(from)
    {
        object.set(to, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> (String, usize) {
        let mut problems = Vec::new();
        let mut value = crate::json::read(json, &mut problems);
        let kept = lenient::values(&mut value, &Path::root("exception"), &mut problems, read);
        (if kept { value.to_string() } else { String::new() }, problems.len())
    }

    #[test]
    fn a_type_in_the_value_is_split_off() {
        for (json, expected) in [
            (r#"{"value":"KeyError: 'x'"}"#, r#"{"value":"'x'","type":"KeyError"}"#),
            (r#"{"value":"java.io.IOException: gone","type":""}"#, r#"{"value":"gone","type":"java.io.IOException"}"#),
            (r#"{"value":"Say \"hi\": now"}"#, r#"{"value":"Say \"hi\": now"}"#),
            (r#"{"value":"http://x: y"}"#, r#"{"value":"http://x: y"}"#),
            (r#"{"type":"E","value":"Word: rest"}"#, r#"{"type":"E","value":"Word: rest"}"#),
        ] {
            assert_eq!(of(json).0, format!("{{\"values\":[{expected}]}}"), "{json}");
        }
    }

    #[test]
    fn one_with_nothing_to_say_goes_unless_it_has_a_stack() {
        assert_eq!(of(r#"[{"type":null,"value":""},{"type":"E"}]"#), (r#"{"values":[{"type":"E"}]}"#.into(), 1));
        let (text, problems) = of(r#"[{"stacktrace":{"frames":[{"function":"f"}]}}]"#);
        assert_eq!((text.contains("\"function\":\"f\""), problems), (true, 1));
    }

    #[test]
    fn odd_values_are_kept_as_text() {
        let text = of(r#"{"type":404,"value":{"code":1},"thread_id":"0x1","own":[1]}"#);
        let expected = r#"{"values":[{"type":"404","value":"{\"code\":1}","thread_id":"0x1","own":[1]}]}"#;
        assert_eq!(text, (expected.to_string(), 0));
    }

    #[test]
    fn a_mechanism_without_type_is_the_old_form() {
        let text = of(
            r#"{"type":"E","mechanism":{"posix_signal":{"signal":11},"mach_exception":{"exception":1,"exception_name":"EXC"},
            "handled":false,"relevant_address":"0x1","data":{"a":1}}}"#,
        );
        let expected = concat!(
            r#"{"values":[{"type":"E","mechanism":{"type":"generic","handled":false,"#,
            r#""meta":{"signal":{"number":11},"mach_exception":{"exception":1,"name":"EXC"}},"#,
            r#""data":{"relevant_address":"0x1","a":1}}}]}"#
        );
        assert_eq!(text, (expected.to_string(), 0));
        assert_eq!(
            of(r#"{"type":"E","mechanism":"onerror"}"#).0,
            r#"{"values":[{"type":"E","mechanism":{"type":"onerror"}}]}"#
        );
        assert_eq!(of(r#"{"type":"E","mechanism":{}}"#).0, r#"{"values":[{"type":"E"}]}"#);
    }
}
