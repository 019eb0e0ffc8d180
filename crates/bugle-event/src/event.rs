//! The event: a tree in Sentry's schema, and typed views over it.
//!
//! Owns: the canonical shape that every dialect's reader produces and everything downstream relies on.
//! After reading nobody knows which SDK spoke; only this shape is left. It is Sentry's (protocol reference,
//! "Event payload"), in snake case, with each alternative spelling folded into one:
//!
//! | key | canonical shape |
//! |---|---|
//! | `event_id` | 32 lowercase hex digits |
//! | `timestamp`, `received` | number, Unix seconds, at most 3 decimals |
//! | `platform`, `level`, `logger`, `transaction`, `server_name`, `release`, `dist`, `environment` | non-empty string, or absent |
//! | `logentry` | `{message?, formatted, params?}` |
//! | `exception`, `threads`, `breadcrumbs` | `{"values": [object…]}`, without nulls, absent when empty |
//! | `…stacktrace.frames` | array of objects, oldest call first |
//! | `tags`, `request.headers`, `request.query_string`, `request.cookies` | array of `[key, value]` pairs of strings |
//! | `fingerprint`, frame `pre_context`, `post_context` | array of strings |
//! | `user`, `contexts`, `contexts.*`, `extra`, `request`, `sdk`, `modules` | object |
//! | frame `lineno`, `colno` | number ≥ 1, or absent |
//! | `template` | a frame |
//! | `csp`, `expectct`, `expectstaple`, `hpkp` | object in snake case: a browser's report |
//! | `debug_meta.images[].debug_id` | `8-4-4-4-12` lowercase hex, and `-age` |
//! | `errors` | array of `{type, name?, value?}`: the problems |
//! | `_meta` | a tree of marks (module `meta`) |
//!
//! What has no place in the schema is kept under the key it came with, and shown so: a person may need it, and nothing goes
//! by it. The stored payload is this tree.

use crate::json::{Json, Object};
use crate::problem::Problem;

/// An event in canonical shape.
#[derive(Debug, Clone, Default)]
pub struct Event<'a> {
    /// The tree. See the module comment for its shape.
    pub json: Object<'a>,
    /// Oddities met so far; [`crate::normalize::normalize`] moves them into `errors`.
    pub problems: Vec<Problem>,
}

impl<'a> Event<'a> {
    /// The exceptions, oldest cause first; the last one was thrown last and titles the issue.
    pub fn exceptions(&self) -> impl DoubleEndedIterator<Item = Exception<'_>> {
        self.values("exception").map(Exception)
    }

    /// The threads.
    pub fn threads(&self) -> impl DoubleEndedIterator<Item = Thread<'_>> {
        self.values("threads").map(Thread)
    }

    /// The breadcrumbs, oldest first.
    pub fn breadcrumbs(&self) -> impl DoubleEndedIterator<Item = &Object<'a>> {
        self.values("breadcrumbs")
    }

    fn values(&self, key: &str) -> impl DoubleEndedIterator<Item = &Object<'a>> {
        self.json.object(key).map(|list| list.array("values")).unwrap_or(&[]).iter().filter_map(Json::object)
    }

    /// The stack that tells where the event happened: the last exception that has one, else the crashed,
    /// current or only thread's.
    pub fn stack(&self) -> Option<Stack<'_>> {
        if let Some(stack) = self.exceptions().rev().find_map(|exception| exception.stack()) {
            return Some(stack);
        }
        let marked = |flag: &str| self.threads().find(|thread| thread.0.get(flag).and_then(Json::bool) == Some(true));
        let only = || self.threads().next().filter(|_| self.threads().count() == 1);
        marked("crashed").or_else(|| marked("current")).or_else(only)?.stack()
    }

    /// The tags, in order.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        pairs(self.json.array("tags"))
    }

    /// The value of one tag.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags().find(|(k, _)| *k == key).map(|(_, v)| v)
    }

    /// The message as written, with its parameters put in.
    pub fn message(&self) -> Option<&str> {
        let entry = self.json.object("logentry")?;
        entry.text("formatted").or_else(|| entry.text("message"))
    }

    /// The message before its parameters were put in: what groups.
    pub fn message_template(&self) -> Option<&str> {
        let entry = self.json.object("logentry")?;
        entry.text("message").or_else(|| entry.text("formatted"))
    }

    /// A non-empty string attribute of the event itself.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.json.text(key)
    }

    /// The level; `error` when there is none.
    pub fn level(&self) -> &str {
        self.text("level").unwrap_or("error")
    }

    /// The platform; `other` when there is none.
    pub fn platform(&self) -> &str {
        self.text("platform").unwrap_or("other")
    }

    /// When it happened, Unix milliseconds. 0 before [`crate::normalize::normalize`].
    pub fn timestamp_ms(&self) -> i64 {
        self.json.get("timestamp").and_then(Json::float).map_or(0, |seconds| (seconds * 1000.0).round() as i64)
    }

    /// The client's own fingerprint, if it is not simply the default one.
    pub fn fingerprint(&self) -> Option<Vec<&str>> {
        let parts: Vec<&str> = self.json.array("fingerprint").iter().filter_map(Json::text).collect();
        let is_default = |part: &str| part.replace(' ', "") == "{{default}}";
        match parts[..] {
            [] => None,
            [one] if is_default(one) => None,
            _ => Some(parts),
        }
    }

    /// Whether nothing caught the exception: some exception says `mechanism.handled: false`.
    pub fn is_unhandled(&self) -> bool {
        self.exceptions().any(|exception| exception.handled() == Some(false))
    }

    /// Who was affected: `id:…`, `username:…`, `email:…` or `ip:…`, the first that is known.
    pub fn user_ident(&self) -> Option<String> {
        let user = self.json.object("user")?;
        [("id", "id"), ("username", "username"), ("email", "email"), ("ip_address", "ip")]
            .iter()
            .find_map(|(key, name)| user.text(key).map(|value| format!("{name}:{value}")))
    }

    /// The problems that are kept with the event: `(type, name, value)`.
    pub fn stored_problems(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.json.array("errors").iter().filter_map(Json::object).map(|entry| {
            (
                entry.text("type").unwrap_or("invalid_data"),
                entry.text("name").unwrap_or(""),
                entry.text("value").unwrap_or(""),
            )
        })
    }

    /// The event as compact JSON: the form that is stored. `source` is the text that it was read from.
    pub fn write_of(&self, source: &str, out: &mut Vec<u8>) {
        self.json.write_of(source, out);
    }

    /// An event from its stored form, which needs neither reading by a dialect nor normalising.
    pub fn stored(text: &'a str) -> Event<'a> {
        let mut problems = Vec::new();
        match crate::json::read_stored(text, &mut problems) {
            Json::Object(json) => Event { json, problems },
            _ => Event { json: Object::default(), problems },
        }
    }
}

/// The pairs of a canonical pair list.
pub fn pairs<'e>(list: &'e [Json<'_>]) -> impl Iterator<Item = (&'e str, &'e str)> {
    list.iter().filter_map(|pair| match pair.array()? {
        [key, value] => Some((key.text()?, value.text().unwrap_or(""))),
        _ => None,
    })
}

/// One exception of the chain.
#[derive(Clone, Copy)]
pub struct Exception<'e>(pub &'e Object<'e>);

impl<'e> Exception<'e> {
    /// Its type: `KeyError`, `java.lang.IllegalStateException`.
    pub fn kind(&self) -> Option<&'e str> {
        self.0.text("type")
    }

    /// Its message.
    pub fn value(&self) -> Option<&'e str> {
        self.0.text("value")
    }

    /// The module or package of its type.
    pub fn module(&self) -> Option<&'e str> {
        self.0.text("module")
    }

    /// How it was caught.
    pub fn mechanism(&self) -> Option<&'e Object<'e>> {
        self.0.object("mechanism")
    }

    /// Whether it was handled, if the SDK says so.
    pub fn handled(&self) -> Option<bool> {
        self.mechanism()?.get("handled")?.bool()
    }

    /// Whether its type was made up by the SDK and says nothing.
    pub fn is_synthetic(&self) -> bool {
        self.mechanism().and_then(|m| m.get("synthetic")).and_then(Json::bool) == Some(true)
    }

    /// Its stack, if it has frames.
    pub fn stack(&self) -> Option<Stack<'e>> {
        stack_of(self.0)
    }
}

/// One thread.
#[derive(Clone, Copy)]
pub struct Thread<'e>(pub &'e Object<'e>);

impl<'e> Thread<'e> {
    /// Its stack, if it has frames.
    pub fn stack(&self) -> Option<Stack<'e>> {
        stack_of(self.0)
    }
}

fn stack_of<'e>(owner: &'e Object<'e>) -> Option<Stack<'e>> {
    let frames = owner.object("stacktrace")?.array("frames");
    (!frames.is_empty()).then_some(Stack(frames))
}

/// The frames of one stack.
#[derive(Clone, Copy)]
pub struct Stack<'e>(&'e [Json<'e>]);

impl<'e> Stack<'e> {
    /// The frames, oldest call first, as SDKs send them.
    pub fn frames(&self) -> impl DoubleEndedIterator<Item = Frame<'e>> + Clone + use<'e> {
        self.0.iter().filter_map(Json::object).map(Frame)
    }

    /// The frame that names the culprit: the innermost in-app one, else the innermost.
    pub fn culprit(&self) -> Option<Frame<'e>> {
        self.frames().rev().find(Frame::in_app).or_else(|| self.frames().next_back())
    }
}

/// One frame of a stack.
#[derive(Clone, Copy)]
pub struct Frame<'e>(pub &'e Object<'e>);

impl<'e> Frame<'e> {
    /// The function, as the SDK named it.
    pub fn function(&self) -> Option<&'e str> {
        self.0.text("function")
    }

    /// The module: dotted name, Java class, JavaScript module.
    pub fn module(&self) -> Option<&'e str> {
        self.0.text("module")
    }

    /// The file, relative.
    pub fn filename(&self) -> Option<&'e str> {
        self.0.text("filename")
    }

    /// The full path or URL of the file.
    pub fn abs_path(&self) -> Option<&'e str> {
        self.0.text("abs_path")
    }

    /// The line, from 1.
    pub fn lineno(&self) -> Option<i64> {
        self.0.get("lineno").and_then(Json::int)
    }

    /// The column, from 1.
    pub fn colno(&self) -> Option<i64> {
        self.0.get("colno").and_then(Json::int)
    }

    /// The line of source.
    pub fn context_line(&self) -> Option<&'e str> {
        self.0.text("context_line")
    }

    /// The lines before it.
    pub fn pre_context(&self) -> impl ExactSizeIterator<Item = &'e str> + use<'e> {
        self.0.array("pre_context").iter().map(|line| line.text().unwrap_or(""))
    }

    /// The lines behind it.
    pub fn post_context(&self) -> impl ExactSizeIterator<Item = &'e str> + use<'e> {
        self.0.array("post_context").iter().map(|line| line.text().unwrap_or(""))
    }

    /// Whether it belongs to the application rather than to a library. Unknown counts as not.
    pub fn in_app(&self) -> bool {
        self.0.get("in_app").and_then(Json::bool) == Some(true)
    }

    /// Local variables.
    pub fn vars(&self) -> Option<&'e Object<'e>> {
        self.0.object("vars").filter(|vars| !vars.is_empty())
    }
}
