//! Rules that people write: what to look for, what to put in its place, and where (protocol reference §14.2).
//!
//! [`config`] reads them, [`selector`] and [`place`] say where, [`kind`] what, [`method`] what instead; here they are
//! applied. Rules run before the defaults, so that they see what the defaults would take. A rule acts on the value that
//! its selector fits, not on what is inside of it: `extra` is one value, `extra.**` all in it. Strings that hold JSON or a
//! form are opened and seen as what they hold, at their own place.
//!
//! Without rules nothing of this runs.

mod attached;
mod config;
mod kind;
mod method;
mod place;
mod selector;
#[cfg(test)]
mod tests;

use super::body;
use super::meta::{REMARKS_MAX, Remark, Removed};
use crate::json::{Json, Object};
use crate::path::Path;
use kind::Kind;
use method::Method;
use place::{Place, SHAPED, Touch};
use selector::{Match, Selector};
use std::borrow::Cow;
use std::sync::Arc;

/// A set of rules, ready for use.
#[derive(Default)]
pub struct Rules {
    all: Vec<Application>,
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: the keys that lead there, with points between. Empty for the whole.
    pub place: String,
    /// What, to be read behind the place.
    pub said: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.place.as_str() {
            "" => f.write_str(&self.said),
            place => write!(f, "{place} {}", self.said),
        }
    }
}

struct Application {
    selector: Selector,
    rules: Vec<Arc<Rule>>,
}

struct Rule {
    /// As `_meta` names it.
    id: Arc<str>,
    kind: Arc<Kind>,
    method: Method,
}

impl Rules {
    /// Reads a configuration in Sentry's form.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(text: &str) -> Result<Rules, Vec<Fault>> {
        config::read(text)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Applies the rules to an event.
    pub(super) fn event(&self, event: &mut Object<'_>, removed: &mut Vec<Removed>) {
        let root = Place::root(place::EVENT | place::OBJECT);
        let mut run = Run { rules: self, removed, nesting: 0, changed: false };
        for (key, value) in event.iter_mut() {
            run.value(value, &root.key(key, value), &Path::root(key));
        }
    }
}

struct Run<'r> {
    rules: &'r Rules,
    removed: &'r mut Vec<Removed>,
    /// How many strings of JSON this is inside of.
    nesting: usize,
    changed: bool,
}

impl Run<'_> {
    fn value(&mut self, value: &mut Json<'_>, here: &Place<'_>, path: &Path<'_>) {
        if here.touch == Touch::Never {
            return;
        }
        let rules = self.rules;
        for application in &rules.all {
            match application.selector.fit(here) {
                Match::No => continue,
                Match::Broad if here.touch == Touch::Named => continue,
                _ => {}
            }
            for rule in &application.rules {
                let remarks = rule.apply(value, here);
                if !remarks.is_empty() {
                    self.note(path, remarks);
                }
            }
        }
        match value {
            Json::Object(object) => {
                for (key, value) in object.iter_mut() {
                    self.value(value, &here.key(key, value), &path.key(key));
                }
            }
            Json::Array(values) => self.array(values, here, path),
            Json::Text(text) => {
                if let Some(new) = self.opened(text, here, path) {
                    *value = Json::from(new);
                }
            }
            _ => {}
        }
    }

    fn array(&mut self, values: &mut [Json<'_>], here: &Place<'_>, path: &Path<'_>) {
        for (at, value) in values.iter_mut().enumerate() {
            let path = path.index(at);
            match value {
                Json::Array(pair) if here.is_pairs() => {
                    if let [Json::Text(key), value] = &mut pair[..] {
                        self.value(value, &here.key(key, value), &path.index(1));
                        if value.is_null() {
                            *value = Json::from("");
                        }
                    }
                }
                value => self.value(value, &here.index(at, value), &path),
            }
        }
    }

    /// What becomes of a string that holds JSON or a form, if anything does.
    fn opened(&mut self, text: &str, here: &Place<'_>, path: &Path<'_>) -> Option<String> {
        if self.nesting >= body::NESTING_MAX {
            return None;
        }
        let mut noted = Vec::new();
        let mut inner = Run { rules: self.rules, removed: &mut noted, nesting: self.nesting + 1, changed: false };
        let new = if text.trim_start().starts_with(['{', '[']) {
            let mut json = body::open_json(text)?;
            match &mut json {
                Json::Object(object) => {
                    for (key, value) in object.iter_mut() {
                        inner.value(value, &here.key(key, value), path);
                    }
                }
                Json::Array(values) => inner.array(values, here, path),
                _ => {}
            }
            inner.changed.then(|| json.to_string())?
        } else if here.key == Some("data") {
            body::scrub_form(text, |key, field| {
                let mut value = Json::from(field.to_string());
                inner.changed = false;
                inner.value(&mut value, &here.key(key, &Json::from(field)), path);
                inner.changed.then(|| value.text().unwrap_or_default().to_string())
            })?
        } else {
            return None;
        };
        let first = noted.into_iter().flat_map(|removed| removed.remarks).next();
        let (rule, sign) = first.map_or((Cow::Borrowed("@password:filter"), "s"), |first| (first.rule, first.sign));
        self.note(path, vec![Remark { rule, sign, start: 0, end: new.len() }]);
        Some(new)
    }

    fn note(&mut self, path: &Path<'_>, remarks: Vec<Remark>) {
        self.changed = true;
        if self.removed.len() < REMARKS_MAX {
            self.removed.push(Removed { path: path.steps(), remarks });
        }
    }
}

impl Rule {
    /// Applies the rule to a value; says what it did.
    fn apply(&self, value: &mut Json<'_>, here: &Place<'_>) -> Vec<Remark> {
        if self.kind.is_whole(here.key) {
            let is_done = self.whole(value, here.types & SHAPED != 0);
            let end = value.text().map_or(0, str::len);
            return if is_done { vec![self.remark(0, end)] } else { Vec::new() };
        }
        let text = match &*value {
            Json::Text(text) | Json::Number(text) => text,
            _ => return Vec::new(),
        };
        let (new, remarks) = self.in_text(text);
        if !remarks.is_empty() {
            *value = Json::from(new);
        }
        remarks
    }

    /// Takes all of `value`; whether there was anything to take.
    fn whole(&self, value: &mut Json<'_>, is_shaped: bool) -> bool {
        let text = match value {
            Json::Null => return false,
            Json::Text(text) if self.method.is_settled(text) => return false,
            Json::Text(text) | Json::Number(text) => text.to_string(),
            Json::Bool(it) => it.to_string(),
            value if value.is_empty() => return false,
            value => return self.container(value, is_shaped),
        };
        *value = match &self.method {
            Method::Remove => Json::Null,
            method => Json::Text(method.of(&text)),
        };
        true
    }

    /// A container goes, or gives its place to a text; what is masked or hashed is what is in it.
    fn container(&self, value: &mut Json<'_>, is_shaped: bool) -> bool {
        match (&self.method, &mut *value) {
            (Method::Replace(text), _) if !is_shaped => *value = Json::Text(text.clone()),
            (Method::Mask | Method::Hash(_), Json::Array(values)) => {
                return values.iter_mut().fold(false, |done, value| self.whole(value, is_shaped) | done);
            }
            (Method::Mask | Method::Hash(_), Json::Object(object)) => {
                return object.iter_mut().fold(false, |done, (_, value)| self.whole(value, is_shaped) | done);
            }
            _ => *value = Json::Null,
        }
        true
    }

    /// What becomes of a text.
    fn in_text(&self, text: &str) -> (String, Vec<Remark>) {
        let (mut new, mut copied, mut remarks) = (String::new(), 0, Vec::new());
        for range in self.kind.find(text) {
            let found = &text[range.clone()];
            if self.method.is_settled(found) {
                continue;
            }
            new.push_str(&text[copied..range.start]);
            let start = new.len();
            new.push_str(&self.method.of(found));
            copied = range.end;
            if remarks.len() < REMARKS_MAX {
                remarks.push(self.remark(start, new.len()));
            }
        }
        if !remarks.is_empty() {
            new.push_str(&text[copied..]);
        }
        (new, remarks)
    }

    fn remark(&self, start: usize, end: usize) -> Remark {
        Remark { rule: Cow::Owned(self.id.to_string()), sign: self.method.sign(), start, end }
    }
}
