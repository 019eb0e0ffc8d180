//! Walks an event and takes the secrets out of it.
//!
//! One generic walk over objects, arrays and strings serves everything, known or not; the places where the shape
//! of an event tells more (requests, frames, cookies) have a function each.

use super::meta::{REMARKS_MAX, Remark, Removed};
use super::telltale::ARMOUR;
use super::text::{self, FILTERED, Finding, Mode};
use super::{Scrubber, body, memo, shape};
use crate::event::Event;
use crate::json::{Json, Object};
use crate::path::Path;
use std::borrow::Cow;

const KEY_RULE: &str = "@password:filter";

/// Takes the secrets out of `event`; says what was taken.
pub(super) fn event(scrubber: &Scrubber, event: &mut Event<'_>) -> Vec<Removed> {
    let mut walk = Walk::new(scrubber, 0);
    walk.each(&mut event.json, None, |walk, key, value, path| match key {
        "event_id" | "platform" | "timestamp" | "received" | "level" | "debug_meta" => {}
        "release" | "dist" | "environment" => {
            walk.string(value, path, Mode::Name);
        }
        // Names and versions of software: `oauthlib` is no secret.
        "sdk" | "modules" => walk.shapes(value, path),
        "_meta" => {
            drop_originals(value);
            walk.is_silent = true;
            walk.shapes(value, path);
            walk.is_silent = false;
        }
        "transaction" => {
            walk.string(value, path, Mode::Url);
        }
        "request" => walk.request(value, path),
        "contexts" => walk.contexts(value, path),
        _ => walk.entry(key, value, path),
    });
    walk.removed
}

/// `_meta` may repeat what was taken out elsewhere, as it was.
fn drop_originals(meta: &mut Json<'_>) {
    match meta {
        Json::Object(object) => {
            if let Some(Json::Object(about)) = object.get_mut("") {
                about.remove("val");
            }
            object.iter_mut().for_each(|(_, value)| drop_originals(value));
        }
        Json::Array(values) => values.iter_mut().for_each(drop_originals),
        _ => {}
    }
}

/// A document of its own, such as an attachment. Returns whether anything was taken.
pub(super) fn document(scrubber: &Scrubber, json: &mut Json<'_>) -> bool {
    let mut walk = Walk::new(scrubber, 0);
    walk.is_silent = true;
    walk.value(json, &Path::root("attachment"));
    walk.changed
}

pub(super) struct Walk<'s> {
    scrubber: &'s Scrubber,
    removed: Vec<Removed>,
    /// Whether anything was taken out, noted or not.
    changed: bool,
    /// Set inside of `_meta`: there are no remarks about remarks.
    is_silent: bool,
    /// How many strings of JSON this walk is inside of.
    nesting: usize,
    findings: Vec<Finding>,
    /// Set while the keys of an object are looked at: some hold secrets themselves.
    keys_with_secrets: bool,
}

impl<'s> Walk<'s> {
    fn new(scrubber: &'s Scrubber, nesting: usize) -> Walk<'s> {
        let (removed, findings) = (Vec::new(), Vec::new());
        Walk { scrubber, removed, changed: false, is_silent: false, nesting, findings, keys_with_secrets: false }
    }

    /// Visits the entries of `object`, which is at `up`. Keys that hold secrets get other names first, since a path
    /// that leads through them goes into `_meta`.
    fn each(
        &mut self,
        object: &mut Object<'_>,
        up: Option<&Path<'_>>,
        mut visit: impl FnMut(&mut Self, &str, &mut Json<'_>, &Path<'_>),
    ) {
        let outer = std::mem::take(&mut self.keys_with_secrets);
        for (key, value) in object.iter_mut() {
            visit(self, key, value, &step(up, key));
        }
        if self.keys_with_secrets {
            for key in self.rename(object) {
                if let Some(value) = object.get_mut(&key) {
                    self.named(&key, value, &step(up, &key));
                }
            }
        }
        self.keys_with_secrets = outer;
    }

    /// The value of `key`.
    fn entry(&mut self, key: &str, value: &mut Json<'_>, path: &Path<'_>) {
        if !self.scrubber.is_suspicious(key) {
            return self.harmless(key, value, path);
        }
        if !self.holds_secret(key, Mode::Text) {
            self.named(key, value, path);
        }
    }

    /// Whether `key` itself holds a secret. Its value is then looked at when it has another name.
    fn holds_secret(&mut self, key: &str, mode: Mode) -> bool {
        text::find(self.scrubber, key, mode, &mut self.findings);
        let holds = !self.findings.is_empty() && !self.scrubber.is_safe(key);
        self.keys_with_secrets |= holds;
        holds
    }

    /// The value of a key that may name a secret.
    fn named(&mut self, key: &str, value: &mut Json<'_>, path: &Path<'_>) {
        let is_list = key == "cookies" && matches!(value, Json::Array(_) | Json::Object(_));
        match !is_list && self.scrubber.is_secret(key) {
            true => self.filter(value, path),
            false => self.harmless(key, value, path),
        }
    }

    /// The value of a key that names no secret.
    fn harmless(&mut self, key: &str, value: &mut Json<'_>, path: &Path<'_>) {
        match key {
            _ if self.scrubber.is_safe(key) => {}
            "stacktrace" | "raw_stacktrace" => self.stack(value, path),
            "cookies" => self.pairs(value, path, self.scrubber.cookies()),
            "event_id" | "trace_id" | "span_id" | "parent_span_id" | "replay_id" | "profile_id" | "profiler_id"
            | "debug_id" | "code_id" => {}
            _ => self.value(value, path),
        }
    }

    fn value(&mut self, value: &mut Json<'_>, path: &Path<'_>) {
        match value {
            Json::Text(_) => {
                self.string(value, path, Mode::Text);
            }
            Json::Number(digits) if digits.len() >= 13 && self.scrubber.defaults && is_card_number(digits) => {
                self.put(value, path, shape::CARD, "@creditcard:replace");
            }
            Json::Array(values) => self.array(values, path),
            Json::Object(object) => self.object(object, path),
            _ => {}
        }
    }

    fn object(&mut self, object: &mut Object<'_>, path: &Path<'_>) {
        // `{"name": "password", "value": "x"}`, as lists of headers, fields and attributes are written.
        let named = object.len() <= 8 && object.has("value") && {
            let named = ["name", "key"].iter().find_map(|key| object.text(key));
            named.is_some_and(|name| self.scrubber.is_secret(name))
        };
        self.each(object, Some(path), |walk, key, value, path| match named && key == "value" {
            true => walk.filter(value, path),
            false => walk.entry(key, value, path),
        });
    }

    fn array(&mut self, values: &mut [Json<'_>], path: &Path<'_>) {
        // `["password", "x"]`
        let is_pair = match values {
            [Json::Text(key), Json::Text(_) | Json::Number(_)] => self.scrubber.is_secret(key),
            _ => false,
        };
        let mut after_option = false;
        for (at, value) in values.iter_mut().enumerate() {
            let path = path.index(at);
            match is_pair && at == 1 || after_option && value.text().is_some_and(|text| !text.starts_with('-')) {
                true => self.filter(value, &path),
                false => self.value(value, &path),
            }
            // `["--password", "x"]`
            after_option = value.text().is_some_and(|text| {
                text.starts_with('-') && text.len() < 64 && !text.contains(['=', ' ']) && self.scrubber.is_secret(text)
            });
        }
    }

    /// The value, if it is a string, as `mode` says. Returns the telltales in it, or 0 for one that is known to be harmless
    /// and to begin no key in armour.
    fn string(&mut self, value: &mut Json<'_>, path: &Path<'_>, mode: Mode) -> u32 {
        let Json::Text(text) = value else {
            self.value(value, path);
            return 0;
        };
        let hash = (text.len() >= memo::BYTES_MIN).then(|| memo::hash(self.scrubber.seed, text, mode));
        if hash.is_some_and(memo::knows) {
            return 0;
        }
        if mode == Mode::Text && body::may_be_json(self.scrubber, text) {
            match self.opened(text, path) {
                Opened::Not => {}
                Opened::Harmless => return 0,
                Opened::Scrubbed(new) => {
                    *value = Json::from(new);
                    return 0;
                }
            }
        }
        let telltales = text::find(self.scrubber, text, mode, &mut self.findings);
        if self.findings.is_empty() {
            if let (Some(hash), 0) = (hash, telltales & ARMOUR) {
                memo::remember(hash);
            }
            return telltales;
        }
        let new = text::replace(text, &self.findings);
        let mut shift = 0isize;
        let remarks = self.findings.iter().map(|finding| {
            let start = finding.start.saturating_add_signed(shift);
            shift += finding.mark.len() as isize - (finding.end - finding.start) as isize;
            Remark { rule: finding.rule.into(), sign: "s", start, end: start + finding.mark.len() }
        });
        let remarks = remarks.take(REMARKS_MAX).collect();
        *value = Json::from(new);
        self.note(path, remarks);
        telltales
    }

    /// A string that may be JSON, as what it holds.
    fn opened(&mut self, text: &str, path: &Path<'_>) -> Opened {
        let inner = if self.nesting < body::NESTING_MAX { body::open_json(text) } else { None };
        let Some(mut inner) = inner else { return Opened::Not };
        let mut walk = Walk::new(self.scrubber, self.nesting + 1);
        walk.value(&mut inner, path);
        if !walk.changed {
            return Opened::Harmless;
        }
        let new = inner.to_string();
        let first = walk.removed.first().and_then(|removed| removed.remarks.first());
        let rule = first.map_or(KEY_RULE.into(), |remark| remark.rule.clone());
        self.note(path, vec![Remark { rule, sign: "s", start: 0, end: new.len() }]);
        Opened::Scrubbed(new)
    }

    /// Takes out all of `value`, whatever it is. What is nothing stays.
    fn filter(&mut self, value: &mut Json<'_>, path: &Path<'_>) {
        let is_nothing = match &*value {
            Json::Null | Json::Bool(_) => true,
            Json::Text(text) => {
                matches!(text.as_ref(), "" | FILTERED | "None" | "null" | "''" | "\"\"" | "True" | "False")
            }
            other => other.is_empty(),
        };
        if !is_nothing {
            self.put(value, path, FILTERED, KEY_RULE);
        }
    }

    fn put(&mut self, value: &mut Json<'_>, path: &Path<'_>, mark: &'static str, rule: &'static str) {
        *value = Json::from(mark);
        self.note(path, vec![Remark { rule: rule.into(), sign: "s", start: 0, end: mark.len() }]);
    }

    fn note(&mut self, path: &Path<'_>, remarks: Vec<Remark>) {
        self.changed = true;
        if !self.is_silent && self.removed.len() < REMARKS_MAX {
            self.removed.push(Removed { path: path.steps(), remarks });
        }
    }

    /// Gives the keys that hold secrets other names, each its own. Returns the new names.
    fn rename(&mut self, object: &mut Object<'_>) -> Vec<String> {
        let mut new_keys: Vec<String> = Vec::new();
        let entries: Vec<(Cow<'_, str>, Json<'_>)> = std::mem::take(object).into_iter().collect();
        let renamed = entries.into_iter().map(|(key, value)| {
            text::find(self.scrubber, &key, Mode::Text, &mut self.findings);
            if self.findings.is_empty() || self.scrubber.is_safe(&key) {
                return (key, value);
            }
            let mut new = text::replace(&key, &self.findings);
            if new_keys.contains(&new) {
                new = format!("{new} {}", new_keys.len() + 1);
            }
            new_keys.push(new.clone());
            (Cow::Owned(new), value)
        });
        *object = renamed.collect();
        self.changed = true;
        new_keys
    }

    /// Everything in `value`, but keys and our own words only by shape: they are names of software and of rules.
    fn shapes(&mut self, value: &mut Json<'_>, path: &Path<'_>) {
        match value {
            Json::Text(_) => {
                self.string(value, path, if self.is_silent { Mode::Shapes } else { Mode::Text });
            }
            Json::Array(values) => values.iter_mut().enumerate().for_each(|(at, v)| self.shapes(v, &path.index(at))),
            Json::Object(object) => self.each(object, Some(path), |walk, key, value, path| {
                if !walk.holds_secret(key, Mode::Shapes) {
                    walk.shapes(value, path);
                }
            }),
            _ => {}
        }
    }

    /// A context stays an object, even if it is called `auth`.
    fn contexts(&mut self, value: &mut Json<'_>, path: &Path<'_>) {
        let Json::Object(contexts) = value else { return self.value(value, path) };
        self.each(contexts, Some(path), |walk, key, context, path| match context {
            Json::Object(object) if walk.scrubber.is_secret(key) && !walk.holds_secret(key, Mode::Text) => {
                let is_settled = object.is_empty() || object.len() == 1 && object.text("value") == Some(FILTERED);
                if !is_settled {
                    walk.filter(context, path);
                    *context = Json::Object(Object::from_iter([("value".into(), context.take())]));
                }
            }
            _ => walk.entry(key, context, path),
        });
    }

    fn request(&mut self, value: &mut Json<'_>, path: &Path<'_>) {
        let Json::Object(request) = value else { return self.value(value, path) };
        self.each(request, Some(path), |walk, key, value, path| match key {
            "url" | "fragment" => {
                walk.string(value, path, Mode::Url);
            }
            "query_string" | "headers" => walk.pairs(value, path, |_| false),
            "cookies" => walk.pairs(value, path, walk.scrubber.cookies()),
            "data" => walk.request_body(value, path),
            _ => walk.entry(key, value, path),
        });
    }

    /// A body that is a string may be a form; as JSON it is opened like any string.
    fn request_body(&mut self, value: &mut Json<'_>, path: &Path<'_>) {
        if let Json::Text(text) = &*value {
            let (scrubber, mut findings) = (self.scrubber, Vec::new());
            let form = body::scrub_form(text, |key, value| {
                if scrubber.is_secret(key) && !matches!(value, "" | FILTERED) {
                    return Some(FILTERED.to_string());
                }
                text::find(scrubber, value, Mode::Text, &mut findings);
                (!findings.is_empty()).then(|| text::replace(value, &findings))
            });
            if let Some(form) = form {
                let end = form.len();
                *value = Json::from(form);
                self.note(path, vec![Remark { rule: KEY_RULE.into(), sign: "s", start: 0, end }]);
            }
        }
        self.value(value, path);
    }

    /// `[key, value]` pairs, whose keys `also` may call secret; or the string that a client left unsplit.
    fn pairs(&mut self, value: &mut Json<'_>, path: &Path<'_>, also: fn(&str) -> bool) {
        let scrubber = self.scrubber;
        let is_cookies = path.last() == Some("cookies");
        let is_secret = |key: &str| !scrubber.is_safe(key) && (scrubber.is_secret(key) || also(key));
        match value {
            Json::Array(pairs) => {
                for (at, pair) in pairs.iter_mut().enumerate() {
                    let path = path.index(at);
                    match pair {
                        Json::Array(pair) if matches!(&pair[..], [Json::Text(key), _] if is_secret(key)) => {
                            self.filter(&mut pair[1], &path.index(1));
                        }
                        pair => self.value(pair, &path),
                    }
                }
            }
            Json::Object(object) => {
                for (key, value) in object.iter_mut().filter(|(key, _)| also(key) && is_secret(key)) {
                    self.filter(value, &path.key(key));
                }
                self.object(object, path);
            }
            Json::Text(text) => {
                if let Some(new) = body::scrub_cookies(text, is_secret).filter(|_| is_cookies) {
                    let end = new.len();
                    *value = Json::from(new);
                    self.note(path, vec![Remark { rule: KEY_RULE.into(), sign: "s", start: 0, end }]);
                }
                self.string(value, path, Mode::Url);
            }
            other => self.value(other, path),
        }
    }

    fn stack(&mut self, value: &mut Json<'_>, path: &Path<'_>) {
        let Json::Object(stack) = value else { return self.value(value, path) };
        self.each(stack, Some(path), |walk, key, value, path| match (key, value) {
            ("frames", Json::Array(frames)) => {
                for (at, frame) in frames.iter_mut().enumerate() {
                    walk.frame(frame, &path.index(at));
                }
            }
            ("registers", _) => {}
            (key, value) => walk.entry(key, value, path),
        });
    }

    fn frame(&mut self, value: &mut Json<'_>, path: &Path<'_>) {
        let Json::Object(frame) = value else { return self.value(value, path) };
        let mut armour_is_open = false;
        self.each(frame, Some(path), |walk, key, value, path| match key {
            "function" | "module" | "package" | "platform" | "raw_function" | "symbol" | "lineno" | "colno"
            | "in_app" | "image_addr" | "instruction_addr" | "symbol_addr" | "addr_mode" | "trust" | "lang" => {}
            // A page's URL is the file of its inline scripts.
            "filename" | "abs_path" => {
                if value.text().is_some_and(|file| memchr::memchr2(b'?', b'@', file.as_bytes()).is_some()) {
                    walk.string(value, path, Mode::Url);
                }
            }
            "context_line" | "pre_context" | "post_context" => armour_is_open |= walk.code(value, path),
            _ => walk.entry(key, value, path),
        });
        if armour_is_open {
            self.armoured_lines(frame, path);
        }
    }

    /// A line of source, or several. Returns whether a key in armour begins in one and goes on.
    fn code(&mut self, value: &mut Json<'_>, path: &Path<'_>) -> bool {
        if let Json::Array(lines) = value {
            let mut is_open = false;
            for (at, line) in lines.iter_mut().enumerate() {
                is_open |= !matches!(line, Json::Array(_)) && self.code(line, &path.index(at));
            }
            return is_open;
        }
        self.string(value, path, Mode::Code) & ARMOUR != 0 && value.text().is_some_and(opens_armour)
    }

    /// A key in armour that is spread over lines of source.
    fn armoured_lines(&mut self, frame: &mut Object<'_>, path: &Path<'_>) {
        let mut is_open = false;
        for key in ["pre_context", "context_line", "post_context"] {
            let path = path.key(key);
            match frame.get_mut(key) {
                Some(Json::Array(lines)) => {
                    for (at, line) in lines.iter_mut().enumerate() {
                        self.armoured_line(line, &path.index(at), &mut is_open);
                    }
                }
                Some(line) => self.armoured_line(line, &path, &mut is_open),
                None => {}
            }
        }
    }

    fn armoured_line(&mut self, line: &mut Json<'_>, path: &Path<'_>, is_open: &mut bool) {
        let Some(text) = line.text() else { return };
        if *is_open && text.contains("-----END") {
            *is_open = false;
        } else if *is_open && !matches!(text.trim(), "" | shape::PEM) {
            self.put(line, path, shape::PEM, "@pemkey:replace");
        } else if opens_armour(text) {
            *is_open = true;
        }
    }
}

/// What a string that may be JSON turned out to be.
enum Opened {
    /// No JSON.
    Not,
    Harmless,
    /// JSON with secrets, which are gone from this.
    Scrubbed(String),
}

fn step<'p>(up: Option<&'p Path<'p>>, key: &'p str) -> Path<'p> {
    up.map_or_else(|| Path::root(key), |up| up.key(key))
}

fn opens_armour(line: &str) -> bool {
    line.contains("-----BEGIN ") && line.contains("KEY") && !line.contains("-----END")
}

fn is_card_number(digits: &str) -> bool {
    digits.bytes().all(|b| b.is_ascii_digit()) && shape::is_card(digits.as_bytes())
}
