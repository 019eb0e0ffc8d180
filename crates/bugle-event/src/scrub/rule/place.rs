//! Where in an event a value is, as selectors see it: the way there, what kinds of thing it is, and how freely rules may
//! touch it.
//!
//! Lists of pairs (tags, headers, cookies, queries) are seen as objects, so that `tags.customer` is a path.

use crate::json::Json;

pub(super) const STRING: u32 = 1;
pub(super) const NUMBER: u32 = 1 << 1;
pub(super) const BOOLEAN: u32 = 1 << 2;
pub(super) const ARRAY: u32 = 1 << 3;
pub(super) const OBJECT: u32 = 1 << 4;
pub(super) const DATETIME: u32 = 1 << 5;
pub(super) const EVENT: u32 = 1 << 6;
const EXCEPTION: u32 = 1 << 7;
const STACKTRACE: u32 = 1 << 8;
const FRAME: u32 = 1 << 9;
const REQUEST: u32 = 1 << 10;
const USER: u32 = 1 << 11;
const LOGENTRY: u32 = 1 << 12;
const MESSAGE: u32 = 1 << 13;
const THREAD: u32 = 1 << 14;
const BREADCRUMB: u32 = 1 << 15;
const SPAN: u32 = 1 << 16;
const SDK: u32 = 1 << 17;
pub(super) const ATTACHMENTS: u32 = 1 << 18;
pub(super) const MINIDUMP: u32 = 1 << 19;
const STACK_MEMORY: u32 = 1 << 20;
const HEAP_MEMORY: u32 = 1 << 21;
pub(super) const BINARY: u32 = 1 << 22;
/// What only attachments are. A dump is not taken apart, so its regions of memory are the dump.
pub(super) const ATTACHED: u32 = ATTACHMENTS | MINIDUMP | STACK_MEMORY | HEAP_MEMORY | BINARY;
/// What a dump is.
pub(super) const DUMP: u32 = MINIDUMP | STACK_MEMORY | HEAP_MEMORY;
/// What has a shape that pages rely on: it may go, but no text takes its place.
pub(super) const SHAPED: u32 =
    EXCEPTION | STACKTRACE | FRAME | REQUEST | USER | LOGENTRY | THREAD | BREADCRUMB | SPAN | SDK;

/// The type that is called `$name` in selectors.
pub(super) fn type_named(name: &str) -> Option<u32> {
    Some(match name {
        "string" => STRING,
        "number" => NUMBER,
        "boolean" => BOOLEAN,
        "array" => ARRAY,
        "object" => OBJECT,
        "datetime" => DATETIME,
        "event" => EVENT,
        "exception" | "error" => EXCEPTION,
        "stacktrace" => STACKTRACE,
        "frame" => FRAME,
        "request" | "http" => REQUEST,
        "user" => USER,
        "logentry" => LOGENTRY,
        "message" => MESSAGE,
        "thread" => THREAD,
        "breadcrumb" => BREADCRUMB,
        "span" => SPAN,
        "sdk" => SDK,
        "attachments" => ATTACHMENTS,
        "minidump" => MINIDUMP,
        "stack_memory" => STACK_MEMORY,
        "heap_memory" => HEAP_MEMORY,
        "binary" => BINARY,
        _ => return None,
    })
}

/// How freely rules may touch a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Touch {
    /// Any rule.
    Free,
    /// Only one that names it: versions, places in code.
    Named,
    /// None: without it an event is none.
    Never,
}

/// A place: a chain of steps on the stack.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) up: Option<&'p Place<'p>>,
    pub(super) key: Option<&'p str>,
    pub(super) index: Option<usize>,
    pub(super) types: u32,
    pub(super) touch: Touch,
    depth: usize,
}

impl<'p> Place<'p> {
    /// Where a walk begins.
    pub(super) fn root(types: u32) -> Place<'p> {
        Place { up: None, key: None, index: None, types, touch: Touch::Free, depth: 0 }
    }

    /// The value of `key` in the object here.
    pub(super) fn key(&'p self, key: &'p str, value: &Json<'_>) -> Place<'p> {
        let mut types = kind(value);
        match (self.depth, self.key, key) {
            (0, _, "user") => types |= USER,
            (0, _, "request") => types |= REQUEST,
            (0, _, "logentry") => types |= LOGENTRY,
            (0, _, "sdk") => types |= SDK,
            (1, Some("logentry"), "message" | "formatted") => types |= MESSAGE,
            (_, _, "stacktrace" | "raw_stacktrace") => types |= STACKTRACE,
            (_, _, "timestamp" | "start_timestamp") => types |= DATETIME,
            _ => {}
        }
        let touch = self.touch.max(self.touch_of(key));
        Place { up: Some(self), key: Some(key), index: None, types, touch, depth: self.depth + 1 }
    }

    /// The element at `index` of the array here.
    pub(super) fn index(&'p self, index: usize, value: &Json<'_>) -> Place<'p> {
        let above = self.up.and_then(|up| up.key).unwrap_or("");
        let types = kind(value)
            | match (self.depth, above, self.key) {
                (2, "exception", Some("values")) => EXCEPTION,
                (2, "threads", Some("values")) => THREAD,
                (2, "breadcrumbs", Some("values")) => BREADCRUMB,
                (1, _, Some("spans")) => SPAN,
                (_, _, Some("frames")) if self.up.is_some_and(|up| up.types & STACKTRACE != 0) => FRAME,
                _ => 0,
            };
        Place { up: Some(self), key: None, index: Some(index), types, touch: self.touch, depth: self.depth + 1 }
    }

    /// What `key` is called in `_meta` when it is in the list of pairs here.
    pub(super) fn is_pairs(&self) -> bool {
        match (self.depth, self.key) {
            (1, Some("tags")) => true,
            (2, Some("headers" | "cookies" | "query_string" | "env")) => {
                self.up.is_some_and(|up| up.types & REQUEST != 0)
            }
            _ => false,
        }
    }

    fn touch_of(&self, key: &str) -> Touch {
        if self.depth == 0 && self.types & EVENT != 0 {
            return match key {
                "event_id" | "platform" | "timestamp" | "received" | "level" | "type" | "version" | "project"
                | "_meta" => Touch::Never,
                "release" | "dist" | "environment" | "logger" | "modules" | "sdk" | "debug_meta" => Touch::Named,
                _ => Touch::Free,
            };
        }
        let is_named = match self.types {
            types if types & FRAME != 0 => !matches!(key, "vars" | "context_line" | "pre_context" | "post_context"),
            types if types & EXCEPTION != 0 => matches!(key, "type" | "module" | "thread_id"),
            types if types & THREAD != 0 => matches!(key, "id" | "crashed" | "current" | "main"),
            types if types & BREADCRUMB != 0 => matches!(key, "type" | "category" | "level" | "timestamp"),
            _ => match self.up.map(|up| (up.depth, up.key)) {
                Some((1, Some("contexts"))) => matches!(
                    key,
                    "type"
                        | "name"
                        | "version"
                        | "build"
                        | "kernel_version"
                        | "trace_id"
                        | "span_id"
                        | "parent_span_id"
                ),
                Some((1, Some("request"))) => key.eq_ignore_ascii_case("user-agent"),
                // Versions that look like addresses.
                Some((0, _)) if self.key == Some("tags") => {
                    ["browser", "os", "runtime", "client_os", "release", "environment", "level"].iter().any(|name| {
                        key.strip_prefix(name).is_some_and(|rest| matches!(rest, "" | ".name" | ".version"))
                    })
                }
                _ => false,
            },
        };
        if is_named { Touch::Named } else { Touch::Free }
    }
}

fn kind(value: &Json<'_>) -> u32 {
    match value {
        Json::Null => 0,
        Json::Bool(_) => BOOLEAN,
        Json::Number(_) => NUMBER,
        Json::Text(_) => STRING,
        Json::Array(_) => ARRAY,
        Json::Object(_) => OBJECT,
    }
}
