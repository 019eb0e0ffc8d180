//! One condition of a search, and the SQL it stands for.
//!
//! Every term is answered from the row or a rollup, never from events: `release:1.2` asks for an issue that
//! has an event of that release, not for two terms on the same event. Texts are bound as parameters; numbers of
//! ours stand in the SQL.

use super::list::among;
use super::{NEW_MS, Status};

/// A condition, or its opposite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Whether the opposite is asked for.
    pub is_negated: bool,
    /// The condition.
    pub test: Test,
}

/// What can be asked of an issue. Several values: one of them must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Where it stands.
    Status(Status),
    /// Unresolved and came back.
    Regressed,
    /// Unresolved, did not come back, and was first seen within [`NEW_MS`] before this instant.
    New(i64),
    /// Unresolved, did not come back, and not new at this instant.
    Ongoing(i64),
    /// Given to somebody.
    Assigned,
    /// Given to one of these people; `None` is nobody.
    Assignee(Vec<Option<i64>>),
    /// A text of its own is like one of these patterns.
    Text(Field, Vec<Pattern>),
    /// Type, title or culprit contain this, in any case.
    Words(Pattern),
    /// Of one of these projects, by slug or id.
    Project(Vec<String>),
    /// Has events in one of these environments; an empty name: without one.
    Environment(Vec<String>),
    /// It or one of its events has a tag like one of these patterns.
    Tag(String, Vec<Pattern>),
    /// It has events with this tag.
    HasTag(String),
    /// A number of its own compares so.
    Number(Number, Compare, i64),
    /// One of these short ids (slug and number).
    ShortIds(Vec<(String, i64)>),
    /// One of these ids.
    Ids(Vec<i64>),
    /// Whether nothing caught it.
    Unhandled(bool),
    /// Everything, or nothing: for what is the same for all issues.
    Always(bool),
}

/// A text of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The exception's type.
    Kind,
    /// What it says.
    Title,
    /// Where it happened.
    Culprit,
    /// Its level.
    Level,
    /// Its logger.
    Logger,
    /// Its platform.
    Platform,
    /// The release it first came with.
    FirstRelease,
}

/// A number of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// Events ever.
    Events,
    /// People ever.
    People,
    /// The time of its first event, Unix ms.
    FirstMs,
    /// The time of its newest event, Unix ms.
    LastMs,
}

/// How numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// Is it.
    Equal,
    /// Is more.
    More,
    /// Is it or more.
    AtLeast,
    /// Is less.
    Less,
    /// Is it or less.
    AtMost,
}

/// A text in which `*` stands for anything, without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub String);

impl Pattern {
    fn is_literal(&self) -> bool {
        !self.0.contains('*')
    }

    /// For `LIKE … ESCAPE '\'`.
    fn like(&self) -> String {
        let mut like = String::with_capacity(self.0.len() + 2);
        for c in self.0.chars() {
            match c {
                '*' => like.push('%'),
                '%' | '_' | '\\' => like.extend(['\\', c]),
                c => like.push(c),
            }
        }
        like
    }
}

/// What a text search looks into, in any case.
pub(super) const WORDS: &str = "LOWER(i.kind || ': ' || i.title || ' ' || i.culprit)";

/// The SQL of a term over `issues i`, `projects p`, `releases fr`. `parameter` takes a text and says its place.
/// `environments` are those that the whole search is narrowed to; none: all.
pub(super) fn sql(term: &Term, environments: &[i64], parameter: &mut dyn FnMut(String) -> String) -> String {
    let test = test(&term.test, environments, parameter);
    if term.is_negated { format!("NOT ({test})") } else { format!("({test})") }
}

/// `column LIKE …`, without regard to case on either engine.
pub(super) fn like(column: &str, pattern: &Pattern, parameter: &mut dyn FnMut(String) -> String) -> String {
    // The parameter is folded here: a server may fold more than ASCII where no column says how.
    format!("{column} LIKE {} ESCAPE '\\'", parameter(pattern.like().to_ascii_lowercase()))
}

fn test(test: &Test, environments: &[i64], parameter: &mut dyn FnMut(String) -> String) -> String {
    const FRESH: &str = "i.status = 'unresolved' AND i.regressed_ms IS NULL AND i.first_ms";
    match test {
        Test::Status(status) => format!("i.status = '{}'", status.as_str()),
        Test::Regressed => "i.status = 'unresolved' AND i.regressed_ms IS NOT NULL".into(),
        Test::New(now_ms) => format!("{FRESH} > {}", now_ms - NEW_MS),
        Test::Ongoing(now_ms) => format!("{FRESH} <= {}", now_ms - NEW_MS),
        Test::Assigned => "i.assignee IS NOT NULL".into(),
        Test::Assignee(people) => any(people, |person| match person {
            Some(person) => format!("COALESCE(i.assignee, 0) = {person}"),
            None => "i.assignee IS NULL".into(),
        }),
        Test::Text(field, patterns) => any(patterns, |pattern| like(field.column(), pattern, parameter)),
        Test::Words(pattern) => like(WORDS, &Pattern(format!("*{}*", pattern.0)), parameter),
        Test::Project(names) => any(names, |name| {
            let id = name.parse::<i64>().unwrap_or(-1);
            format!("p.id = {id} OR p.slug = {}", parameter(name.to_ascii_lowercase()))
        }),
        Test::Environment(names) => format!(
            "EXISTS (SELECT 1 FROM issue_buckets b LEFT JOIN environments e ON e.id = b.environment \
             WHERE b.issue = i.id AND ({}))",
            any(names, |name| match name.is_empty() {
                true => "b.environment = 0".into(),
                false => format!("e.name = {}", parameter(name.clone())),
            })
        ),
        Test::Tag(key, patterns) => {
            let key = parameter(key.clone());
            let values = any(patterns, |pattern| match pattern.is_literal() {
                true => format!("t.value = {}", parameter(pattern.0.clone())),
                false => like("LOWER(t.value)", pattern, parameter),
            });
            let has = has_tag(&key, environments, &format!(" AND ({values})"));
            // An empty value asks for what does not have the tag.
            match patterns.iter().any(|pattern| pattern.0.is_empty()) {
                true => format!("{has} OR NOT {}", has_tag(&key, environments, "")),
                false => has,
            }
        }
        Test::HasTag(key) => has_tag(&parameter(key.clone()), environments, ""),
        Test::Number(number, compare, value) => format!("{} {} {value}", number.column(), compare.operator()),
        Test::ShortIds(ids) => {
            any(ids, |(slug, number)| format!("i.number = {number} AND p.slug = {}", parameter(slug.clone())))
        }
        Test::Ids(ids) => any(ids, |id| format!("i.id = {id}")),
        Test::Unhandled(is_unhandled) => format!("i.is_unhandled = {}", if *is_unhandled { "TRUE" } else { "FALSE" }),
        Test::Always(holds) => if *holds { "1 = 1" } else { "1 = 0" }.into(),
    }
}

fn any<T>(values: &[T], mut sql: impl FnMut(&T) -> String) -> String {
    match values {
        [] => "1 = 0".into(),
        values => values.iter().map(|value| format!("({})", sql(value))).collect::<Vec<_>>().join(" OR "),
    }
}

fn has_tag(key: &str, environments: &[i64], value: &str) -> String {
    let environment = among("t.environment", environments, " AND ");
    format!("EXISTS (SELECT 1 FROM issue_tags t WHERE t.issue = i.id AND t.tag = {key}{value}{environment})")
}

impl Field {
    fn column(self) -> &'static str {
        match self {
            Field::Kind => "LOWER(i.kind)",
            Field::Title => "LOWER(i.title)",
            Field::Culprit => "LOWER(i.culprit)",
            Field::Level => "LOWER(i.level)",
            Field::Logger => "LOWER(i.logger)",
            Field::Platform => "LOWER(i.platform)",
            Field::FirstRelease => "LOWER(COALESCE(fr.version, ''))",
        }
    }
}

impl Number {
    fn column(self) -> &'static str {
        match self {
            Number::Events => "i.events",
            Number::People => "i.people",
            Number::FirstMs => "i.first_ms",
            Number::LastMs => "i.last_ms",
        }
    }
}

impl Compare {
    fn operator(self) -> &'static str {
        match self {
            Compare::Equal => "=",
            Compare::More => ">",
            Compare::AtLeast => ">=",
            Compare::Less => "<",
            Compare::AtMost => "<=",
        }
    }
}
