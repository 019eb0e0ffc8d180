//! An issue, in a list and alone.

use super::{date, person};
use crate::access::Person;
use crate::access::user::Member;
use crate::issue::list::Line;
use crate::issue::series::Range;
use crate::issue::{Issue, State, Status};
use crate::project::Project;
use serde_json::{Value, json};

/// What every issue of an answer is shown with.
pub struct Setting<'a> {
    /// Who asks.
    pub person: &'a Person,
    /// Everybody that an issue can be assigned to.
    pub people: &'a [Member],
    /// The projects of the organization.
    pub projects: &'a [Project],
    /// The server's public address.
    pub base: &'a str,
    /// Unix ms.
    pub now_ms: i64,
}

/// An issue with its numbers ever.
pub fn issue(issue: &Issue, setting: &Setting<'_>) -> Value {
    let state = issue.state(setting.now_ms);
    let project = setting.projects.iter().find(|project| project.id == issue.project);
    let platform = project.map(|project| project.platform.as_str()).filter(|platform| !platform.is_empty());
    json!({
        "id": issue.id.to_string(),
        "shareId": null,
        "shortId": issue.short_id(),
        "title": title(issue),
        "culprit": issue.culprit,
        "permalink": format!("{}/organizations/{}/issues/{}/", setting.base, setting.person.organization_slug, issue.id),
        "logger": (!issue.logger.is_empty()).then_some(&issue.logger),
        "level": issue.level,
        "status": status(issue.status),
        "statusDetails": {},
        "substatus": substatus(state),
        "isPublic": false,
        "platform": issue.platform,
        "project": {
            "id": issue.project.to_string(),
            "name": issue.project_name,
            "slug": issue.project_slug,
            "platform": platform,
        },
        "type": if issue.kind.is_empty() { "default" } else { "error" },
        "metadata": metadata(issue),
        "issueType": "error",
        "issueCategory": "error",
        "priority": null,
        "priorityLockedAt": null,
        "numComments": issue.comments,
        "assignedTo": person::assignee(setting.people, issue.assignee),
        "isBookmarked": false,
        "isSubscribed": false,
        "subscriptionDetails": null,
        "hasSeen": true,
        "annotations": [],
        "isUnhandled": issue.is_unhandled,
        "count": issue.events.to_string(),
        "userCount": issue.people,
        "firstSeen": date(issue.first_ms),
        "lastSeen": date(issue.last_ms),
    })
}

/// A line of a list: its numbers are those in range and environment, and `lifetime` has those ever. `series` names
/// the key under `stats` and what its steps are; none: without.
pub fn line(line: &Line, series: Option<(&str, Range)>, setting: &Setting<'_>) -> Value {
    let mut shape = issue(&line.issue, setting);
    shape["count"] = line.events.to_string().into();
    shape["userCount"] = line.people.into();
    shape["lifetime"] = json!({
        "count": line.issue.events.to_string(),
        "userCount": line.issue.people,
        "firstSeen": date(line.issue.first_ms),
        "lastSeen": date(line.issue.last_ms),
        "stats": null,
    });
    shape["filtered"] = Value::Null;
    if let Some((name, range)) = series {
        shape["stats"] = json!({ name: points(&line.series, range, setting.now_ms) });
    }
    shape
}

/// `[[Unix seconds, events], …]`, oldest first.
pub fn points(series: &[i64], range: Range, now_ms: i64) -> Vec<(i64, i64)> {
    let since_ms = range.since_ms(now_ms);
    let at_s = |step: usize| (since_ms + range.step_ms() * step as i64) / 1000;
    series.iter().enumerate().map(|(step, &events)| (at_s(step), events)).collect()
}

/// A status in the API's words.
pub fn status(status: Status) -> &'static str {
    match status {
        Status::Unresolved => "unresolved",
        Status::Resolved => "resolved",
        Status::Archived => "ignored",
    }
}

fn substatus(state: State) -> Option<&'static str> {
    match state {
        State::New => Some("new"),
        State::Regressed => Some("regressed"),
        State::Ongoing => Some("ongoing"),
        State::Resolved => None,
        State::Archived => Some("archived_forever"),
    }
}

fn title(issue: &Issue) -> String {
    match (issue.kind.as_str(), issue.title.as_str()) {
        ("", title) => title.into(),
        (kind, "") => kind.into(),
        (kind, title) => format!("{kind}: {title}"),
    }
}

fn metadata(issue: &Issue) -> Value {
    match issue.kind.is_empty() {
        true => json!({ "title": issue.title }),
        false => json!({ "title": title(issue), "type": issue.kind, "value": issue.title }),
    }
}
