//! A script with a token: Sentry's REST, as `protocols/sentry.md` §18 has it.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

use crate::bugle::ORGANIZATION;
use crate::{Project, wait};

/// A client with a bearer token.
#[derive(Clone)]
pub struct Rest {
    base: String,
    token: String,
    agent: Agent,
}

impl Rest {
    /// For the server at `base`, an address without a path.
    pub fn new(base: &str, token: &str) -> Rest {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .into();
        Rest { base: base.into(), token: token.into(), agent }
    }

    /// One call; the status and the body (null when there is none).
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/api/0{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Content-Type", "application/json");
        let sent = match body {
            Some(body) => self.agent.run(request.body(body.to_string()).expect("a valid request")),
            None => self.agent.run(request.body(()).expect("a valid request")),
        };
        let mut response = sent.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let text = response.body_mut().read_to_string().expect("a body of text");
        let json = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{method} {path}: {error} in {text}"))
        };
        (response.status().as_u16(), json)
    }

    /// A GET that must succeed.
    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None);
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// A PUT that must succeed.
    pub fn put(&self, path: &str, body: &Value) -> Value {
        let (status, said) = self.call("PUT", path, Some(body));
        assert!((200..300).contains(&status), "PUT {path} {body}: {status} {said}");
        said
    }

    /// All issues of a project, of any status and age, the oldest first.
    pub fn issues(&self, project: &Project) -> Vec<Value> {
        let path = format!("/organizations/{ORGANIZATION}/issues/?project={}&query=&limit=100&sort=new", project.id);
        let mut issues = list(self.get(&path));
        issues.reverse();
        issues
    }

    /// One issue by the text of its title.
    pub fn issue_titled(&self, project: &Project, title: &str) -> Value {
        let issues = self.issues(project);
        let mut found = issues.iter().filter(|issue| text(issue, "title") == title);
        match (found.next(), found.next()) {
            (Some(issue), None) => issue.clone(),
            _ => panic!("not exactly one issue is titled {title:?}: {:#?}", summary(&issues)),
        }
    }

    /// The detail of an issue.
    pub fn issue(&self, id: &str) -> Value {
        self.get(&format!("/organizations/{ORGANIZATION}/issues/{id}/"))
    }

    /// Changes an issue.
    pub fn update(&self, id: &str, change: &Value) -> Value {
        self.put(&format!("/organizations/{ORGANIZATION}/issues/{id}/"), change)
    }

    /// The events of an issue, newest first.
    pub fn events(&self, issue: &str) -> Vec<Value> {
        list(self.get(&format!("/organizations/{ORGANIZATION}/issues/{issue}/events/?per_page=100")))
    }

    /// The newest event of an issue, in full.
    pub fn latest(&self, issue: &str) -> Value {
        self.get(&format!("/organizations/{ORGANIZATION}/issues/{issue}/events/latest/"))
    }

    /// The newest events of a project (at most 100).
    pub fn project_events(&self, project: &Project) -> Vec<Value> {
        list(self.get(&format!("/projects/{ORGANIZATION}/{}/events/?per_page=100", project.slug)))
    }

    /// An event as it is stored.
    pub fn stored(&self, project: &Project, event_id: &str) -> Value {
        self.get(&format!("/projects/{ORGANIZATION}/{}/events/{event_id}/json/", project.slug))
    }

    /// Waits until the counts of the project's issues add up to `events`, and returns the issues.
    pub fn await_events(&self, project: &Project, events: u64) -> Vec<Value> {
        wait::until_ok(&format!("{events} events"), || {
            let issues = self.issues(project);
            let sum: u64 = issues.iter().map(count).sum();
            if sum == events { Ok(issues) } else { Err(format!("{sum} in {:#?}", summary(&issues))) }
        })
    }
}

/// An issue's number of events: a string on the wire.
pub fn count(issue: &Value) -> u64 {
    issue["count"].as_str().and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no count in {issue}"))
}

/// A string attribute.
pub fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("no string `{key}` in {value}"))
}

/// The issues, one line each, in alphabetical order: `3× LookupError: customer # has no account @ customer (error,
/// unhandled)`.
///
/// Numbers in titles become `#`: which event of an issue lends it its title is not what these tests are about.
pub fn summary(issues: &[Value]) -> Vec<String> {
    let mut lines: Vec<String> = issues.iter().map(line).collect();
    lines.sort();
    lines
}

fn line(issue: &Value) -> String {
    let handled = if issue["isUnhandled"] == true { ", unhandled" } else { "" };
    let title = without_numbers(text(issue, "title"));
    let title: String = title.chars().take(TITLE_CHARS).collect();
    format!("{}× {title} @ {} ({}{handled})", count(issue), text(issue, "culprit"), text(issue, "level"))
}

/// How much of a title [`summary`] shows.
const TITLE_CHARS: usize = 60;

fn without_numbers(text: &str) -> String {
    let pieces = text.split(|c: char| c.is_ascii_digit()).collect::<Vec<_>>();
    let mut out = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 && !out.ends_with('#') {
            out.push('#');
        }
        out += piece;
    }
    out
}

/// The data of one of an event's entries: `exception`, `breadcrumbs`, `request`, `message`.
pub fn entry<'v>(event: &'v Value, kind: &str) -> &'v Value {
    let entries = event["entries"].as_array().unwrap_or_else(|| panic!("no entries in {event}"));
    match entries.iter().find(|entry| entry["type"] == kind) {
        Some(entry) => &entry["data"],
        None => panic!("no entry `{kind}` in {event:#}"),
    }
}

/// The exceptions of an event, oldest cause first.
pub fn exceptions(event: &Value) -> &Vec<Value> {
    entry(event, "exception")["values"].as_array().expect("a list of exceptions")
}

/// The frames of an exception or a thread, oldest call first.
pub fn frames(holder: &Value) -> &Vec<Value> {
    holder["stacktrace"]["frames"].as_array().unwrap_or_else(|| panic!("no frames in {holder:#}"))
}

/// The innermost frame of that function.
pub fn frame<'v>(holder: &'v Value, function: &str) -> &'v Value {
    let frames = frames(holder);
    let names = || frames.iter().map(|frame| frame["function"].to_string()).collect::<Vec<_>>();
    let found = frames.iter().rev().find(|frame| frame["function"] == function);
    found.unwrap_or_else(|| panic!("no frame {function:?} among {:#?}", names()))
}

/// The text of a frame's own source line.
pub fn source_line(frame: &Value) -> &str {
    let lines = frame["context"].as_array().unwrap_or_else(|| panic!("no source in {frame:#}"));
    let own = lines.iter().find(|line| line[0] == frame["lineNo"]);
    own.and_then(|line| line[1].as_str()).unwrap_or_else(|| panic!("no own line in {frame:#}")).trim()
}

/// The value of an event's tag.
pub fn tag<'v>(event: &'v Value, key: &str) -> Option<&'v str> {
    event["tags"].as_array()?.iter().find(|tag| tag["key"] == key)?["value"].as_str()
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => panic!("not a list: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_one_sign_each() {
        assert_eq!(without_numbers("payment 17 after 119 ms"), "payment # after # ms");
        assert_eq!(without_numbers("port=9: [Errno 111]"), "port=#: [Errno #]");
        assert_eq!(without_numbers("7"), "#");
    }
}
