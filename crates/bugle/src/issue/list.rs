//! The inbox: which issues, in which order, with their numbers in the range and environment that were asked for.
//!
//! Reads issues and rollups only; no query here touches events. Paging is by offset within a stable order: pages
//! of an inbox are few, and people jump back.

use super::series::{self, BUCKET_MS, Range};
use super::term::{self, Pattern, Term};
use super::{COLUMN_COUNT, COLUMNS, Issue, Status, TABLES};
use bugle_db::{DbError, Param, Tx, params};

/// Which issues, and in which order.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Whose.
    pub organization: i64,
    /// Only these projects; empty: all of the organization.
    pub projects: Vec<i64>,
    /// Only with this status.
    pub status: Option<Status>,
    /// Only those that came back and are unresolved since.
    pub only_regressed: bool,
    /// Only first seen at or after, Unix ms.
    pub first_since_ms: Option<i64>,
    /// Only given to this person; `Some(None)`: to nobody.
    pub assignee: Option<Option<i64>>,
    /// Only with events in this environment.
    pub environment: Option<String>,
    /// Only with events in one of these environments; `environment` is one more of them.
    pub environments: Vec<String>,
    /// Only with this level.
    pub level: Option<String>,
    /// Words that must all stand in type, title or culprit, in any case.
    pub words: Vec<String>,
    /// Only with an event in the range; `None`: of any age.
    pub range: Option<Range>,
    /// Only with an event at or after this, Unix ms; in place of `range`. To the half hour.
    pub since_ms: Option<i64>,
    /// Only with an event before this, Unix ms. To the half hour.
    pub until_ms: Option<i64>,
    /// What the series show; `None`: the range, or a day.
    pub series: Option<Range>,
    /// What else must hold, from a search ([`super::query`]).
    pub terms: Vec<Term>,
    /// The order.
    pub sort: Sort,
}

/// The order of a list. The newest, most or loudest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By the newest event.
    #[default]
    Last,
    /// By the first event.
    First,
    /// By events in range and environment.
    Events,
    /// By people in range and environment.
    People,
}

impl Sort {
    /// As it stands in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Sort::Last => "last",
            Sort::First => "first",
            Sort::Events => "events",
            Sort::People => "people",
        }
    }

    /// From an address, or in the words of Sentry's API.
    pub fn parse(text: &str) -> Option<Sort> {
        match text {
            "last" | "date" => Some(Sort::Last),
            "first" | "new" => Some(Sort::First),
            "events" | "freq" => Some(Sort::Events),
            "people" | "user" => Some(Sort::People),
            _ => None,
        }
    }
}

/// One line of the list.
#[derive(Debug, Clone)]
pub struct Line {
    /// The issue.
    pub issue: Issue,
    /// Events in range and environment; ever, when no range was asked for.
    pub events: i64,
    /// People in range and environment; ever, when neither was asked for.
    pub people: i64,
    /// Events per bucket of the range (a day, when none was asked for), oldest first.
    pub series: Vec<i64>,
}

/// One page of the list.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its lines.
    pub lines: Vec<Line>,
    /// How many issues match in all.
    pub matches: i64,
}

/// Reads one page.
pub fn list(tx: &mut Tx<'_>, filter: &Filter, offset: i64, limit: i64, now_ms: i64) -> Result<Page, DbError> {
    let scope = Scope::of(tx, filter, now_ms)?;
    let Some(scope) = scope else { return Ok(Page { lines: Vec::new(), matches: 0 }) };
    let (condition, texts) = condition(filter, &scope);
    let mut values: Vec<Param<'_>> = texts.iter().map(Param::from).collect();
    let matches = tx.one(&format!("SELECT COUNT(*) FROM {TABLES} WHERE {condition}"), &values)?;
    let order = match filter.sort {
        Sort::Last => "i.last_ms",
        Sort::First => "i.first_ms",
        Sort::Events => "events_in_scope",
        Sort::People => "people_in_scope",
    };
    let (events, people) = (scope.events_sql(), scope.people_sql());
    let at = values.len();
    values.extend([Param::Int(limit), Param::Int(offset)]);
    let sql = format!(
        "SELECT {COLUMNS}, {events} AS events_in_scope, {people} AS people_in_scope FROM {TABLES} \
         WHERE {condition} ORDER BY {order} DESC, i.id DESC LIMIT ${} OFFSET ${}",
        at + 1,
        at + 2
    );
    let mut lines = Vec::new();
    for row in tx.query(&sql, &values)? {
        lines.push(Line {
            issue: super::issue(&row)?,
            events: row.get(COLUMN_COUNT)?,
            people: row.get(COLUMN_COUNT + 1)?,
            series: Vec::new(),
        });
    }
    let ids: Vec<i64> = lines.iter().map(|line| line.issue.id).collect();
    let shown = filter.series.or(filter.range).unwrap_or_default();
    let mut series = series::within(tx, &ids, shown, &scope.environments, now_ms)?;
    for line in &mut lines {
        line.series = series.remove(&line.issue.id).unwrap_or_default();
    }
    Ok(Page { lines, matches })
}

/// How many issues match.
pub fn count(tx: &mut Tx<'_>, filter: &Filter, now_ms: i64) -> Result<i64, DbError> {
    let Some(scope) = Scope::of(tx, filter, now_ms)? else { return Ok(0) };
    let (condition, texts) = condition(filter, &scope);
    let values: Vec<Param<'_>> = texts.iter().map(Param::from).collect();
    tx.one(&format!("SELECT COUNT(*) FROM {TABLES} WHERE {condition}"), &values)
}

/// The names of the environments that any of these projects has reported, in order.
pub fn environments(tx: &mut Tx<'_>, organization: i64, projects: &[i64]) -> Result<Vec<String>, DbError> {
    let sql = format!(
        "SELECT DISTINCT e.name FROM environments e JOIN projects p ON p.id = e.project \
         WHERE p.organization = $1 {} ORDER BY e.name LIMIT 200",
        among("e.project", projects, "AND ")
    );
    tx.query(&sql, params![organization])?.iter().map(|row| row.get(0)).collect()
}

/// Range and environments, resolved: every number of a page obeys them.
struct Scope {
    /// The ids of the environments in each project that has them; empty: no environment was asked for.
    environments: Vec<i64>,
    since_ms: Option<i64>,
    until_ms: Option<i64>,
}

impl Scope {
    /// `None` when an environment was asked for that no project has.
    fn of(tx: &mut Tx<'_>, filter: &Filter, now_ms: i64) -> Result<Option<Scope>, DbError> {
        let mut environments = Vec::new();
        let names = || filter.environment.iter().chain(&filter.environments);
        for name in names() {
            for row in tx.query("SELECT id FROM environments WHERE name = $1", params![name])? {
                environments.push(row.get(0)?);
            }
        }
        if environments.is_empty() && names().next().is_some() {
            return Ok(None);
        }
        let since_ms = filter.since_ms.or(filter.range.map(|range| range.since_ms(now_ms)));
        Ok(Some(Scope { environments, since_ms, until_ms: filter.until_ms }))
    }

    fn is_everything(&self) -> bool {
        self.since_ms.is_none() && self.until_ms.is_none() && self.environments.is_empty()
    }

    /// ` AND column …` for buckets of `width_ms` in the span.
    fn span_sql(&self, column: &str, width_ms: i64) -> String {
        let mut sql = format!(" AND {column} >= {}", self.since_ms.unwrap_or(0).div_euclid(width_ms));
        if let Some(until_ms) = self.until_ms {
            sql.push_str(&format!(" AND {column} <= {}", (until_ms - 1).div_euclid(width_ms)));
        }
        sql
    }

    fn events_sql(&self) -> String {
        if self.is_everything() {
            return "i.events".into();
        }
        format!(
            "(SELECT CAST(COALESCE(SUM(b.events), 0) AS BIGINT) FROM issue_buckets b WHERE b.issue = i.id{}{})",
            self.span_sql("b.bucket", BUCKET_MS),
            among("b.environment", &self.environments, " AND ")
        )
    }

    /// Exact for a span that ends now. Of one that ended before, those who were affected before it and again after are
    /// counted too: who was affected in which half hour is not kept.
    fn people_sql(&self) -> String {
        if self.is_everything() {
            return "i.people".into();
        }
        let environments = among("d.environment", &self.environments, " AND ");
        let since = self.since_ms.unwrap_or(0);
        let mut span = format!(" AND d.last_bucket >= {}", since.div_euclid(BUCKET_MS));
        if let Some(until_ms) = self.until_ms {
            span.push_str(&format!(" AND d.first_bucket <= {}", (until_ms - 1).div_euclid(BUCKET_MS)));
        }
        let count =
            format!("(SELECT COUNT(DISTINCT d.person) FROM issue_people d WHERE d.issue = i.id{span}{environments})");
        match self.until_ms.is_none() && environments.is_empty() {
            // Whoever was affected by an issue that is younger than the span was affected in it.
            true => format!("CASE WHEN i.first_ms >= {since} THEN i.people ELSE {count} END"),
            false => count,
        }
    }
}

/// `AND column IN (1, 2)`, or nothing for no ids. Ids are numbers of ours, so they may stand in the text.
pub(super) fn among(column: &str, ids: &[i64], before: &str) -> String {
    if ids.is_empty() {
        return String::new();
    }
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    format!("{before}{column} IN ({})", ids.join(", "))
}

/// The condition, and the texts that its parameters stand for.
fn condition(filter: &Filter, scope: &Scope) -> (String, Vec<String>) {
    let mut texts = Vec::new();
    let mut parts = vec![format!("p.organization = {}", filter.organization)];
    let mut parameter = |text: String| {
        texts.push(text);
        format!("${}", texts.len())
    };
    if let Some(status) = filter.status {
        parts.push(format!("i.status = {}", parameter(status.as_str().into())));
    }
    if filter.only_regressed {
        parts.push("i.regressed_ms IS NOT NULL".into());
    }
    if let Some(since_ms) = filter.first_since_ms {
        parts.push(format!("i.first_ms >= {since_ms}"));
    }
    match filter.assignee {
        Some(Some(person)) => parts.push(format!("i.assignee = {person}")),
        Some(None) => parts.push("i.assignee IS NULL".into()),
        None => {}
    }
    if let Some(level) = &filter.level {
        parts.push(format!("i.level = {}", parameter(level.clone())));
    }
    for word in &filter.words {
        parts.push(term::like(term::WORDS, &Pattern(format!("*{}*", word.replace('*', ""))), &mut parameter));
    }
    if let Some(since_ms) = scope.since_ms {
        parts.push(format!("i.last_ms >= {since_ms}"));
    }
    if !scope.environments.is_empty() || scope.until_ms.is_some() {
        parts.push(format!(
            "EXISTS (SELECT 1 FROM issue_buckets x WHERE x.issue = i.id{}{})",
            scope.span_sql("x.bucket", BUCKET_MS),
            among("x.environment", &scope.environments, " AND ")
        ));
    }
    for term in &filter.terms {
        parts.push(term::sql(term, &scope.environments, &mut parameter));
    }
    let projects = among("i.project", &filter.projects, "");
    if !projects.is_empty() {
        parts.push(projects);
    }
    (parts.join(" AND "), texts)
}
