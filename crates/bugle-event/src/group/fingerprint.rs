//! The SDK's own fingerprint, resolved (protocol reference §15.5).
//!
//! Without `{{ default }}` it replaces all keys; with it, its other values salt them. Variables are resolved from
//! the event; what is missing or unknown leaves a visible placeholder, so that a typing error shows up as an issue
//! with a name instead of joining everything.

use super::chain::Chain;
use crate::event::{Event, Frame};

/// What a fingerprint does to the keys.
#[derive(Default)]
pub(super) struct Fingerprint {
    /// The values of a fingerprint that replaces all keys.
    pub(super) custom: Option<Vec<String>>,
    /// The values that salt the keys.
    pub(super) salt: Vec<String>,
}

pub(super) fn of(event: &Event<'_>) -> Fingerprint {
    let Some(parts) = event.fingerprint() else {
        // The old clients' way to say the same.
        let custom = event.text("checksum").map(|checksum| vec![checksum.to_string()]);
        return Fingerprint { custom, salt: Vec::new() };
    };
    let mut is_salt = false;
    let mut values = Vec::with_capacity(parts.len());
    for part in parts {
        let value = resolve(part, event, &mut is_salt);
        if !value.is_empty() {
            values.push(value);
        }
    }
    match is_salt {
        true => Fingerprint { custom: None, salt: values },
        false => Fingerprint { custom: Some(values), salt: Vec::new() },
    }
}

/// `part` with its variables put in. `{{ default }}` is taken out and noted.
fn resolve(part: &str, event: &Event<'_>, has_default: &mut bool) -> String {
    let mut out = String::new();
    let mut rest = part;
    while let Some((before, behind)) = rest.split_once("{{") {
        let Some((name, behind)) = behind.split_once("}}") else { break };
        out.push_str(before);
        match name.trim() {
            "default" => *has_default = true,
            name => out.push_str(&variable(name, event)),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn variable(name: &str, event: &Event<'_>) -> String {
    let main = || Chain::of(event).main;
    let frame = || event.stack().and_then(|stack| stack.culprit());
    let of_frame = |get: fn(&Frame<'_>) -> Option<String>| frame().and_then(|frame| get(&frame));
    let known = match name {
        "transaction" => (event.text("transaction").map(String::from), "<no-transaction>"),
        "message" => {
            let value = || main().and_then(|main| main.value().map(String::from));
            (event.message().map(String::from).or_else(value), "<no-message>")
        }
        "type" | "error.type" => (main().and_then(|main| main.kind().map(String::from)), "<no-type>"),
        "value" | "error.value" => (main().and_then(|main| main.value().map(String::from)), "<no-value>"),
        "function" | "stack.function" => (of_frame(|f| f.function().map(String::from)), "<no-function>"),
        "path" | "stack.abs_path" => {
            (of_frame(|f| f.abs_path().or_else(|| f.filename()).map(String::from)), "<no-abs-path>")
        }
        "stack.filename" => (of_frame(|f| f.filename().or_else(|| f.abs_path()).map(String::from)), "<no-filename>"),
        "module" | "stack.module" => (of_frame(|f| f.module().map(String::from)), "<no-module>"),
        "package" | "stack.package" => {
            let last = |f: &Frame<'_>| f.0.text("package").and_then(|p| p.rsplit(['/', '\\']).next()).map(String::from);
            (of_frame(last), "<no-package>")
        }
        "level" => (event.text("level").map(String::from), "<no-level>"),
        "logger" => (event.text("logger").map(String::from), "<no-logger>"),
        "release" => (event.text("release").map(String::from), "<no-release>"),
        "environment" => (event.text("environment").map(String::from), "<no-environment>"),
        _ => {
            return match name.strip_prefix("tags.") {
                Some(tag) => event.tag(tag).map_or_else(|| format!("<no-value-for-tag-{tag}>"), String::from),
                None => format!("<unrecognized-variable-{name}>"),
            };
        }
    };
    known.0.unwrap_or_else(|| known.1.to_string())
}
