//! Reads the rules as Sentry writes them (protocol reference §14.2), so that people bring theirs along:
//! `{"rules": {id: {"type", "redaction": {"method", …}, …}}, "applications": {selector: [ids]}, "vars": {"hashKey"}}`.
//!
//! All faults are told, each with its place, and a configuration with one is taken as a whole or not at all: a rule that is
//! quietly left out would let through what somebody relies on. Names that begin with `@` are built in: `@email`,
//! `@ip:mask`, `@common:filter`.

use super::kind::{self, Kind};
use super::method::Method;
use super::selector::Selector;
use super::{Application, Fault, Rule, Rules};
use crate::json::{self, Json, Object};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// The longest configuration, in bytes.
pub(super) const BYTES_MAX: usize = 128 << 10;
/// More rules than a team keeps in mind; each is tried on every string that its selectors fit.
const RULES_MAX: usize = 200;
/// What all patterns may take together.
const COMPILED_BYTES_MAX: usize = 16 << 20;
/// Rules that are made of rules that are made of rules.
const DEPTH_MAX: usize = 8;
/// What an application may come to when such rules are unfolded.
const UNFOLDED_MAX: usize = 400;
/// Further faults are not told.
const FAULTS_MAX: usize = 20;

/// What `@common` stands for.
const COMMON: [&str; 8] = ["iban", "creditcard", "pemkey", "urlauth", "userpath", "password", "usssn", "bearer"];

/// Reads a configuration; empty text and `null` are no rules.
pub(super) fn read(text: &str) -> Result<Rules, Vec<Fault>> {
    let one = |said: String| Err(vec![Fault { place: String::new(), said }]);
    if text.len() > BYTES_MAX {
        return one(format!("The rules are longer than {} KiB.", BYTES_MAX >> 10));
    }
    if text.trim().is_empty() {
        return Ok(Rules::default());
    }
    match json::read_whole(text) {
        Err(at) => one(format!("The rules are no JSON: it breaks at character {}.", chars_before(text, at) + 1)),
        Ok(Json::Null) => Ok(Rules::default()),
        Ok(Json::Object(config)) => Reader::new(&config).read(&config),
        Ok(_) => one("The rules are no JSON object.".into()),
    }
}

fn chars_before(text: &str, at: usize) -> usize {
    text[..text.floor_char_boundary(at)].chars().count()
}

struct Reader<'c> {
    hash_key: Cow<'c, str>,
    own: HashMap<&'c str, &'c Object<'c>>,
    /// Rules that were unfolded.
    known: HashMap<String, Vec<Arc<Rule>>>,
    faults: Vec<Fault>,
    compiled_bytes: usize,
}

impl<'c> Reader<'c> {
    fn new(config: &'c Object<'c>) -> Reader<'c> {
        let hash_key = config.object("vars").and_then(|vars| vars.text("hashKey")).unwrap_or_default().into();
        Reader { hash_key, own: HashMap::new(), known: HashMap::new(), faults: Vec::new(), compiled_bytes: 0 }
    }

    fn read(mut self, config: &'c Object<'c>) -> Result<Rules, Vec<Fault>> {
        for (key, value) in config.iter() {
            let is_object = matches!(value, Json::Object(_) | Json::Null);
            match key {
                "rules" | "applications" | "vars" if is_object => {}
                "rules" | "applications" | "vars" => self.fault(key, "must be an object."),
                _ => self.fault(key, "means nothing here, only rules, applications and vars."),
            }
        }
        let rules: Vec<(&str, &Json<'_>)> =
            config.object("rules").map(|rules| rules.iter().collect()).unwrap_or_default();
        if rules.len() > RULES_MAX {
            self.fault("rules", &format!("are more than {RULES_MAX}."));
            return Err(self.faults);
        }
        for (id, rule) in &rules {
            match rule {
                Json::Object(rule) => drop(self.own.insert(id, rule)),
                _ => self.fault(&format!("rules.{id}"), "must be an object."),
            }
        }
        // Also those that nothing applies.
        for (id, _) in &rules {
            self.unfold(id, &format!("rules.{id}"), 0);
        }
        let applications: Vec<(&str, &Json<'_>)> =
            config.object("applications").map(|all| all.iter().collect()).unwrap_or_default();
        if applications.len() > RULES_MAX {
            self.fault("applications", &format!("are more than {RULES_MAX}."));
            return Err(self.faults);
        }
        let all: Vec<Application> =
            applications.into_iter().filter_map(|(selector, ids)| self.application(selector, ids)).collect();
        self.faults.dedup();
        if self.faults.is_empty() { Ok(Rules { all }) } else { Err(self.faults) }
    }

    fn application(&mut self, selector: &str, ids: &Json<'_>) -> Option<Application> {
        let place = format!("applications.{selector}");
        let Json::Array(ids) = ids else {
            self.fault(&place, "must be a list of names of rules.");
            return None;
        };
        let mut rules = Vec::new();
        for id in ids {
            match id.text() {
                Some(id) if id.starts_with('@') || self.own.contains_key(id) => {
                    rules.extend(self.unfold(id, &place, 0));
                }
                Some(id) => self.fault(&place, &format!("names a rule {id:?} that there is not.")),
                None => self.fault(&place, "must be a list of names of rules."),
            }
        }
        match Selector::read(selector) {
            Ok(_) if rules.len() > UNFOLDED_MAX => {
                self.fault(&place, &format!("comes to more than {UNFOLDED_MAX} rules."));
                None
            }
            Ok(selector) => Some(Application { selector, rules }),
            Err(said) => {
                self.fault(&place, &format!("{said}."));
                None
            }
        }
    }

    /// The rules that `id` comes to.
    fn unfold(&mut self, id: &str, place: &str, depth: usize) -> Vec<Arc<Rule>> {
        if let Some(known) = self.known.get(id) {
            return known.clone();
        }
        if depth > DEPTH_MAX {
            self.fault(place, &format!("is made of itself, or of rules in more than {DEPTH_MAX} levels."));
            return Vec::new();
        }
        let rules = match (id.strip_prefix('@'), self.own.get(id).copied()) {
            (_, Some(rule)) => self.own_rule(id, rule, depth),
            (Some(name), None) => match built_in(id, name, &self.hash_key) {
                Some(rules) => rules,
                None => {
                    self.fault(place, &format!("names a rule {id:?} that is not built in."));
                    Vec::new()
                }
            },
            (None, None) => {
                self.fault(place, &format!("names a rule {id:?} that there is not."));
                Vec::new()
            }
        };
        self.known.insert(id.to_string(), rules.clone());
        rules
    }

    fn own_rule(&mut self, id: &str, rule: &Object<'_>, depth: usize) -> Vec<Arc<Rule>> {
        let place = format!("rules.{id}");
        let inner = match rule.text("type") {
            None => {
                self.fault(&place, "has no type.");
                return Vec::new();
            }
            Some("multiple") => rule.array("rules").iter().filter_map(Json::text).map(String::from).collect(),
            Some("alias") => rule.text("rule").map(String::from).into_iter().collect(),
            Some(kind) => {
                let (Some(kind), Some(method)) = (self.kind(&place, kind, rule), self.method(&place, rule)) else {
                    return Vec::new();
                };
                return vec![Arc::new(Rule { id: id.into(), kind: Arc::new(kind), method })];
            }
        };
        let inner: Vec<String> = inner;
        if inner.is_empty() {
            self.fault(&place, "names no rule that it stands for.");
        }
        let hides = rule.get("hideInner").or(rule.get("hideRule")).and_then(Json::bool) == Some(true);
        let mut all = Vec::new();
        for name in inner.iter().take(RULES_MAX) {
            all.extend(self.unfold(name, &place, depth + 1));
            if all.len() > UNFOLDED_MAX {
                self.fault(&place, &format!("comes to more than {UNFOLDED_MAX} rules."));
                return Vec::new();
            }
        }
        if hides {
            for rule in &mut all {
                *rule = Arc::new(Rule { id: id.into(), kind: Arc::clone(&rule.kind), method: rule.method.clone() });
            }
        }
        all
    }

    fn kind(&mut self, place: &str, name: &str, rule: &Object<'_>) -> Option<Kind> {
        let kind = match name {
            "pattern" => {
                let regex = self.regex(&format!("{place}.pattern"), rule.text("pattern"), false)?;
                let wanted = rule.array("replaceGroups");
                let groups: Vec<usize> = wanted.iter().filter_map(|group| usize::try_from(group.int()?).ok()).collect();
                if groups.len() != wanted.len() || groups.iter().any(|group| *group >= regex.captures_len()) {
                    let most = regex.captures_len() - 1;
                    self.fault(
                        &format!("{place}.replaceGroups"),
                        &format!("are numbers of groups, of which there are {most}."),
                    );
                    return None;
                }
                Kind::Pattern { regex, groups }
            }
            "redact_pair" | "redactPair" => {
                Kind::Pair(self.regex(&format!("{place}.keyPattern"), rule.text("keyPattern"), true)?)
            }
            name => match Kind::named(name) {
                Some(kind) => kind,
                None => {
                    self.fault(&format!("{place}.type"), &format!("{name:?} is not known."));
                    return None;
                }
            },
        };
        self.compiled_bytes += kind.memory_bytes();
        if self.compiled_bytes > COMPILED_BYTES_MAX {
            self.fault(place, "and the patterns before it take too much memory together; repeat less.");
            return None;
        }
        Some(kind)
    }

    fn regex(
        &mut self,
        place: &str,
        pattern: Option<&str>,
        any_case: bool,
    ) -> Option<Box<regex_automata::meta::Regex>> {
        let Some(pattern) = pattern else {
            self.fault(place, "is missing.");
            return None;
        };
        match kind::compile(pattern, any_case) {
            Ok(regex) => Some(Box::new(regex)),
            Err(said) => {
                self.fault(place, &format!("{said}."));
                None
            }
        }
    }

    fn method(&mut self, place: &str, rule: &Object<'_>) -> Option<Method> {
        let redaction = match rule.get("redaction") {
            None | Some(Json::Null) => return Some(Method::Remove),
            Some(Json::Object(redaction)) => redaction,
            Some(_) => {
                self.fault(&format!("{place}.redaction"), "must be an object with a method.");
                return None;
            }
        };
        match redaction.text("method").unwrap_or("default") {
            "default" | "remove" => Some(Method::Remove),
            "replace" => {
                let text = redaction.get("text").and_then(Json::text).unwrap_or(crate::scrub::text::FILTERED);
                Some(Method::Replace(Cow::Owned(text.to_string())))
            }
            "mask" => Some(Method::Mask),
            "hash" => Some(Method::hash(redaction.text("key").unwrap_or(&self.hash_key))),
            other => {
                let said = format!("{other:?} is not known, only remove, replace, mask and hash.");
                self.fault(&format!("{place}.redaction.method"), &said);
                None
            }
        }
    }

    fn fault(&mut self, place: &str, said: &str) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { place: place.to_string(), said: said.to_string() });
        }
    }
}

/// `@kind` and `@kind:method`.
fn built_in(id: &str, name: &str, hash_key: &str) -> Option<Vec<Arc<Rule>>> {
    let (name, method) = name.split_once(':').unwrap_or((name, ""));
    if name == "common" {
        let method = if method.is_empty() { "filter" } else { method };
        let inner =
            COMMON.iter().map(|kind| built_in(&format!("@{kind}:{method}"), &format!("{kind}:{method}"), hash_key));
        return inner.collect::<Option<Vec<_>>>().map(|all| all.concat());
    }
    let kind = Kind::named(name)?;
    let method = match method {
        "" | "replace" => Method::Replace(match name {
            "anything" | "password" | "cookies" | "bearer" | "url_auth" | "urlauth" => "[Filtered]".into(),
            "userpath" => "[user]".into(),
            "us_ssn" | "usssn" => "[ssn]".into(),
            name => format!("[{name}]").into(),
        }),
        "filter" => Method::Replace("[Filtered]".into()),
        "remove" => Method::Remove,
        "mask" => Method::Mask,
        "hash" => Method::hash(hash_key),
        _ => return None,
    };
    Some(vec![Arc::new(Rule { id: id.into(), kind: Arc::new(kind), method })])
}
