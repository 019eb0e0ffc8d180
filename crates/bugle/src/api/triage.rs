//! What scripts do to issues: resolve, archive, reopen, assign, delete, one or many at once (protocol reference,
//! section 18.8).
//!
//! All of it or nothing: a change that one issue refuses changes none. What Bugle cannot do yet is refused by name;
//! an issue archived "until it escalates" that then never came back would be lost.

use super::ask::Ask;
use super::issue::{detail, find, named};
use super::project::text;
use super::reply::{Refusal, Reply};
use super::shape::{issue as shape, person};
use crate::access::user::{self, Member};
use crate::issue::{Issue, Status, workflow};
use crate::live::Fact;
use bugle_db::Tx;
use serde_json::{Map, Value, json};

/// Issues that one request may change.
const ISSUES_MAX: usize = 1_000;

/// Fields that clients send along and that mean nothing here when they have these values.
const HARMLESS: &[&str] = &["hasSeen", "substatus", "assignedBy", "statusDetails"];

/// `PUT …/issues/{id}/`
pub fn update(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = find(tx, ask)?;
    let change = Change::read(tx, ask)?;
    let changed = change.apply(tx, ask, &issue)?;
    let issue = find(tx, ask)?;
    Ok(Reply::ok(&detail(tx, ask, &issue)?).telling(changed.then(|| fact(ask, &issue))))
}

/// `PUT …/issues/?id=1&id=2`: answers what was changed, 204 when there is none of these issues.
pub fn update_many(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issues = several(tx, ask)?;
    let change = Change::read(tx, ask)?;
    if issues.is_empty() {
        return Ok(Reply::empty());
    }
    let mut facts = Vec::new();
    for issue in &issues {
        if change.apply(tx, ask, issue)? {
            facts.push(fact(ask, issue));
        }
    }
    Ok(Reply::ok(&change.shape()).telling(facts))
}

/// `DELETE …/issues/{id}/`
pub fn delete(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issue = find(tx, ask)?;
    workflow::delete(tx, issue.id)?;
    Ok(Reply::empty().telling([fact(ask, &issue)]))
}

/// `DELETE …/issues/?id=1&id=2`
pub fn delete_many(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let issues = several(tx, ask)?;
    for issue in &issues {
        workflow::delete(tx, issue.id)?;
    }
    Ok(Reply::empty().telling(issues.iter().map(|issue| fact(ask, issue))))
}

/// The issues that `id=` names, of the project in the path if there is one. Others are passed over.
fn several(tx: &mut Tx<'_>, ask: &Ask) -> Result<Vec<Issue>, Refusal> {
    let mut wanted: Vec<&str> = ask.all("id").map(str::trim).filter(|id| !id.is_empty()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() {
        return Err(Refusal::Invalid("Name the issues: ?id=1&id=2. Nothing was changed.".into()));
    }
    if wanted.len() > ISSUES_MAX {
        return Err(Refusal::Invalid(format!("At most {ISSUES_MAX} issues at once. Nothing was changed.")));
    }
    let only = match ask.part("project") {
        "" => ask.projects(tx)?,
        _ => vec![ask.project(tx)?.id],
    };
    let mut issues: Vec<Issue> = Vec::new();
    for id in wanted {
        let issue = named(tx, ask, id)?.filter(|issue| only.is_empty() || only.contains(&issue.project));
        issues.extend(issue.filter(|issue| !issues.iter().any(|other| other.id == issue.id)));
    }
    Ok(issues)
}

/// What a body asks for.
struct Change {
    status: Option<Status>,
    assignee: Option<Option<i64>>,
    people: Vec<Member>,
    has_seen: Option<bool>,
}

impl Change {
    fn read(tx: &mut Tx<'_>, ask: &Ask) -> Result<Change, Refusal> {
        let body = ask.json()?;
        let people = user::members(tx, ask.organization())?;
        refuse_others(&body)?;
        let assignee = match body.get("assignedTo") {
            None => None,
            Some(wanted) => Some(assignee(wanted, ask.caller.person.user, &people)?),
        };
        let status = text(&body, "status")?.map(|status| parse_status(&status)).transpose()?;
        Ok(Change { status, assignee, people, has_seen: body.get("hasSeen").and_then(Value::as_bool) })
    }

    /// Says whether anything was changed.
    fn apply(&self, tx: &mut Tx<'_>, ask: &Ask, issue: &Issue) -> Result<bool, Refusal> {
        let actor = Some(ask.caller.person.user);
        let mut changed = false;
        if let Some(status) = self.status {
            changed |= workflow::set_status(tx, issue, status, actor, ask.now_ms)?;
        }
        if let Some(assignee) = self.assignee {
            changed |= workflow::assign(tx, issue, assignee, actor, ask.now_ms)?;
        }
        Ok(changed)
    }

    fn shape(&self) -> Value {
        let mut shape = Map::new();
        if let Some(status) = self.status {
            shape.insert("status".into(), shape::status(status).into());
            shape.insert("statusDetails".into(), json!({}));
        }
        if let Some(assignee) = self.assignee {
            shape.insert("assignedTo".into(), person::assignee(&self.people, assignee));
        }
        if let Some(has_seen) = self.has_seen {
            shape.insert("hasSeen".into(), has_seen.into());
        }
        Value::Object(shape)
    }
}

fn refuse_others(body: &Map<String, Value>) -> Result<(), Refusal> {
    for (key, value) in body {
        let is_empty = match value {
            Value::Null => true,
            Value::Object(details) => details.is_empty(),
            _ => false,
        };
        let is_taken = match key.as_str() {
            "status" | "assignedTo" => true,
            "statusDetails" => is_empty,
            "inbox" | "isPublic" | "isBookmarked" => *value == Value::Bool(false) || is_empty,
            key => is_empty || HARMLESS.contains(&key),
        };
        if !is_taken {
            return Err(Refusal::Invalid(format!("Bugle cannot do {key:?}: {value} yet. Nothing was changed.")));
        }
    }
    Ok(())
}

fn parse_status(text: &str) -> Result<Status, Refusal> {
    Status::parse(text).ok_or_else(|| {
        Refusal::Invalid(format!(
            "An issue cannot be {text:?} here, only resolved, unresolved or ignored. Nothing was changed."
        ))
    })
}

/// `user:1`, `1`, an e-mail address, a name, `me`, or `{"id"}`; null and nothing take it from whoever has it.
fn assignee(wanted: &Value, me: i64, people: &[Member]) -> Result<Option<i64>, Refusal> {
    let text = match wanted {
        Value::Null => return Ok(None),
        Value::String(text) => text.trim().to_string(),
        Value::Number(id) => id.to_string(),
        Value::Object(actor) => {
            actor.get("id").map(|id| id.as_str().map_or(id.to_string(), str::to_string)).unwrap_or_default()
        }
        _ => return Err(Refusal::Invalid("assignedTo must be a string.".into())),
    };
    if text.is_empty() {
        return Ok(None);
    }
    if text == "me" {
        return Ok(Some(me));
    }
    let bare = text.strip_prefix("user:").unwrap_or(&text);
    let is = |member: &&Member| {
        member.user.to_string() == bare
            || member.email.eq_ignore_ascii_case(bare)
            || member.name.to_lowercase() == bare.to_lowercase()
    };
    people.iter().find(is).map(|member| Some(member.user)).ok_or_else(|| {
        Refusal::Invalid(format!(
            "{text:?} is no member of the organization. Teams cannot be given issues. Nothing was changed."
        ))
    })
}

fn fact(ask: &Ask, issue: &Issue) -> Fact {
    Fact::Changed { organization: ask.organization(), project: issue.project, issue: issue.id }
}
