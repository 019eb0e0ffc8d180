//! The search language (protocol reference, section 19): `is:unresolved level:[error,fatal] !environment:dev words`.
//!
//! Terms are joined by AND. `key:value`, quoted values, lists `[a,"b c"]`, `!` before a key, `*` inside values,
//! `has:tag`, numbers and times with `>`, `>=`, `<`, `<=`, ages such as `-24h` (newer) and `+2d` (older), and words
//! that must all stand in type, title or culprit. A key that is none of [`KEYS`] is a tag; `tags[key]:` says so.
//!
//! What cannot be answered is an error that points at the character and says what there is, never a guess: a
//! search that leaves a term out would show the wrong issues. So are keys that look like a misspelt one.

mod scan;

use super::list::Filter;
use super::term::{Compare, Field, Number, Pattern, Term, Test};
use super::{Status, parse_short_id};
use crate::access::user::Member;
use scan::{Piece, Value};

/// The longest query, in bytes.
pub const QUERY_BYTES_MAX: usize = 4_096;

/// What can be asked for, beside tags.
pub const KEYS: &[&str] = &[
    "is",
    "assigned",
    "level",
    "environment",
    "project",
    "platform",
    "logger",
    "title",
    "message",
    "culprit",
    "error.type",
    "error.unhandled",
    "error.handled",
    "first-release",
    "firstSeen",
    "lastSeen",
    "age",
    "timesSeen",
    "users",
    "issue",
    "id",
    "has",
];

/// What `is:` can say.
pub const STATES: &[&str] =
    &["unresolved", "resolved", "archived", "assigned", "unassigned", "new", "ongoing", "regressed"];

/// Keys of Sentry's that are neither tags nor answered yet.
const LATER: &[&str] = &[
    "stack.",
    "error.value",
    "error.mechanism",
    "error.main_thread",
    "user.",
    "http.",
    "sdk.",
    "geo.",
    "release.",
    "location",
    "flags",
    "bookmarks",
    "subscribed",
    "assigned_or_suggested",
    "issue.priority",
    "timestamp",
    "event.timestamp",
    "symbolicated_in_app",
];

/// Tags that many events have and whose names are close to a key's.
const TAGS_KNOWN: &[&str] = &["user", "site", "release", "device"];

/// Why a query cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// Where, in characters from the beginning.
    pub at: usize,
    /// A sentence that says what is wrong and what there is.
    pub text: String,
    /// What was perhaps meant, to be put in place of the term.
    pub suggestion: Option<String>,
}

/// What a query is relative to.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Who `me` is: the id of a user.
    pub me: i64,
    /// Whom an issue can be given to.
    pub people: &'a [Member],
    /// What ages count from, Unix ms.
    pub now_ms: i64,
}

/// Reads a query. The caller sets whose issues, the range and the order in the filter that comes back.
///
/// # Errors
/// [`QueryError`] for the first term that cannot be answered.
pub fn parse(query: &str, asker: &Asker<'_>) -> Result<Filter, QueryError> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(QueryError { at: 0, text: "The search is too long.".into(), suggestion: None });
    }
    let mut filter = Filter::default();
    for piece in scan::pieces(query)? {
        let term = term(&piece, asker).map_err(|wrong| wrong.at(piece.at))?;
        match term {
            // Numbers obey the environment, so it is more than a condition.
            Term { is_negated: false, test: Test::Environment(names) }
                if filter.environments.is_empty() && names.iter().all(|name| !name.is_empty()) =>
            {
                filter.environments = names;
            }
            term => filter.terms.push(term),
        }
    }
    Ok(filter)
}

/// A [`QueryError`] that does not know its place yet.
struct Wrong(String, Option<String>);

impl Wrong {
    fn at(self, at: usize) -> QueryError {
        QueryError { at, text: self.0, suggestion: self.1 }
    }
}

fn wrong<T>(text: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong(text.into(), None))
}

fn term(piece: &Piece, asker: &Asker<'_>) -> Result<Term, Wrong> {
    let Some(key) = &piece.key else {
        return Ok(Term { is_negated: piece.is_negated, test: Test::Words(Pattern(piece.value.one().into())) });
    };
    let test = match &piece.tag {
        Some(tag) => tag_test(tag, &piece.value),
        None => known(key, &piece.value, asker)?,
    };
    Ok(Term { is_negated: piece.is_negated, test })
}

fn known(key: &str, value: &Value, asker: &Asker<'_>) -> Result<Test, Wrong> {
    let text = |field| Ok(Test::Text(field, patterns(value)));
    match key {
        "is" | "status" => state(value.only(key)?, asker),
        "assigned" => assigned(value, asker),
        "level" => text(Field::Level),
        "logger" => text(Field::Logger),
        "platform" | "platform.name" => text(Field::Platform),
        "culprit" => text(Field::Culprit),
        "error.type" => text(Field::Kind),
        "first-release" | "firstRelease" => text(Field::FirstRelease),
        "title" | "message" => Ok(Test::Words(Pattern(value.only(key)?.into()))),
        "environment" => Ok(Test::Environment(value.all().map(str::to_string).collect())),
        "project" | "project.id" | "project.name" => Ok(Test::Project(value.all().map(str::to_string).collect())),
        "error.unhandled" => Ok(Test::Unhandled(truth(value.only(key)?)?)),
        "error.handled" => Ok(Test::Unhandled(!truth(value.only(key)?)?)),
        "firstSeen" | "age" => time(Number::FirstMs, value.only(key)?, asker.now_ms),
        "lastSeen" => time(Number::LastMs, value.only(key)?, asker.now_ms),
        "timesSeen" | "times_seen" => number(Number::Events, value.only(key)?),
        "users" => number(Number::People, value.only(key)?),
        "issue" => short_ids(value),
        "id" | "issue.id" => ids(value),
        "has" => Ok(Test::HasTag(value.only(key)?.into())),
        // Everything that Bugle keeps is an error.
        "issue.category" | "issue.type" | "event.type" => Ok(Test::Always(value.all().any(|kind| kind == "error"))),
        other => unknown(other, value),
    }
}

fn unknown(key: &str, value: &Value) -> Result<Test, Wrong> {
    let list = || format!("There are {}, and the names of tags.", KEYS.join(", "));
    if LATER.iter().any(|later| key == *later || (later.ends_with('.') && key.starts_with(later))) {
        return wrong(format!("Issues cannot be searched by {key} yet. {}", list()));
    }
    let near = |known: &&&str| !TAGS_KNOWN.contains(&key) && key.len() >= 4 && distance_is_one(key, known);
    if let Some(meant) = KEYS.iter().find(near) {
        let text =
            format!("There is no {key}. Did you mean {meant}? For a tag of that name write tags[{key}]:… {}", list());
        return Err(Wrong(text, Some(format!("{meant}:{}", value.one()))));
    }
    Ok(tag_test(key, value))
}

fn tag_test(tag: &str, value: &Value) -> Test {
    Test::Tag(tag.into(), patterns(value))
}

fn patterns(value: &Value) -> Vec<Pattern> {
    value.all().map(|text| Pattern(text.into())).collect()
}

fn state(text: &str, asker: &Asker<'_>) -> Result<Test, Wrong> {
    Ok(match text {
        "unresolved" => Test::Status(Status::Unresolved),
        "resolved" => Test::Status(Status::Resolved),
        "archived" | "ignored" | "muted" | "archived_forever" => Test::Status(Status::Archived),
        // All archiving is for ever, so nothing is archived in another way, and nothing escalates out of it.
        "archived_until_escalating" | "archived_until_condition_met" | "escalating" => Test::Always(false),
        "assigned" => Test::Assigned,
        "unassigned" => Test::Assignee(vec![None]),
        "new" => Test::New(asker.now_ms),
        "ongoing" => Test::Ongoing(asker.now_ms),
        "regressed" => Test::Regressed,
        other => {
            let meant = STATES.iter().find(|state| distance_is_one(other, state));
            return Err(Wrong(
                format!("An issue cannot be {other:?}. is: can say {}.", STATES.join(", ")),
                meant.map(|state| format!("is:{state}")),
            ));
        }
    })
}

fn assigned(value: &Value, asker: &Asker<'_>) -> Result<Test, Wrong> {
    let mut people = Vec::new();
    for text in value.all() {
        people.push(match text {
            "me" | "my_teams" => Some(asker.me),
            "" | "none" => None,
            text => Some(person(text, asker.people)?),
        });
    }
    Ok(Test::Assignee(people))
}

/// The user whom `text` names, by address, name or id.
///
/// # Errors
/// A sentence when nobody is called so.
fn person(text: &str, people: &[Member]) -> Result<i64, Wrong> {
    let is = |member: &&Member| {
        member.email.eq_ignore_ascii_case(text)
            || member.name.to_lowercase() == text.to_lowercase()
            || format!("user:{}", member.user) == text
    };
    match people.iter().find(is) {
        Some(member) => Ok(member.user),
        None => wrong(format!("Nobody here is called {text:?}. Write an e-mail address, a name, me or none.")),
    }
}

fn truth(text: &str) -> Result<bool, Wrong> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => wrong(format!("{text:?} is neither true nor false.")),
    }
}

fn comparison(text: &str) -> (Compare, &str) {
    let signs = [(">=", Compare::AtLeast), ("<=", Compare::AtMost), (">", Compare::More), ("<", Compare::Less)];
    for (sign, compare) in signs {
        if let Some(rest) = text.strip_prefix(sign) {
            return (compare, rest.trim());
        }
    }
    (Compare::Equal, text)
}

fn number(number: Number, text: &str) -> Result<Test, Wrong> {
    let (compare, rest) = comparison(text);
    match rest.parse() {
        Ok(value) => Ok(Test::Number(number, compare, value)),
        Err(_) => wrong(format!("{rest:?} is no number. Write 10, >10, >=10, <10 or <=10.")),
    }
}

/// `-24h` is newer than a day, `+24h` older; else a comparison with a date.
fn time(number: Number, text: &str, now_ms: i64) -> Result<Test, Wrong> {
    let length_ms = |text| super::series::length_ms(text).map(|length_ms| now_ms - length_ms);
    if let Some(since_ms) = text.strip_prefix('-').and_then(length_ms) {
        return Ok(Test::Number(number, Compare::AtLeast, since_ms));
    }
    if let Some(until_ms) = text.strip_prefix('+').and_then(length_ms) {
        return Ok(Test::Number(number, Compare::AtMost, until_ms));
    }
    let (compare, rest) = comparison(text);
    match bugle_event::time::parse(rest) {
        Some(at_ms) if compare != Compare::Equal => Ok(Test::Number(number, compare, at_ms)),
        _ => wrong(format!("{text:?} is no time. Write -24h (newer), +7d (older) or >2026-08-01T10:00:00.")),
    }
}

fn short_ids(value: &Value) -> Result<Test, Wrong> {
    let mut ids = Vec::new();
    for text in value.all() {
        ids.push(
            parse_short_id(text).ok_or_else(|| Wrong(format!("{text:?} is no short id, such as SHOP-3F."), None))?,
        );
    }
    Ok(Test::ShortIds(ids))
}

fn ids(value: &Value) -> Result<Test, Wrong> {
    let mut ids = Vec::new();
    for text in value.all() {
        ids.push(text.parse().map_err(|_| Wrong(format!("{text:?} is no id; ids are digits."), None))?);
    }
    Ok(Test::Ids(ids))
}

/// Whether one letter was changed, left out, added, or swapped with its neighbour.
fn distance_is_one(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let same = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[same..], &b[same..]);
    match (a, b) {
        ([], []) => false,
        ([x, y, a @ ..], [v, w, b @ ..]) if (x, y) == (w, v) && a == b => true,
        ([_, a @ ..], [_, b @ ..]) if a == b => true,
        ([_, a @ ..], b) if a == b => true,
        (a, [_, b @ ..]) if a == b => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
