//! A list of releases with their numbers in a span of time: events, sessions, people, new issues, adoption.

use super::{COLUMNS, Record, ids, record};
use crate::health::Counts;
use crate::health::adoption::{self, Adoption};
use crate::health::read::{self, By, Scope};
use crate::outcome::HOUR_MS;
use bugle_db::{DbError, Param, Tx, params};
use std::collections::{BTreeSet, HashMap};

/// Which releases.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Projects, environments and the span. Releases that were heard of in the span are listed.
    pub scope: Scope,
    /// Text that the version contains, in any case; empty: any.
    pub text: String,
    /// Slots of the series, in hours.
    pub step_hours: i64,
    /// The order.
    pub sort: Sort,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The newest first.
    #[default]
    First,
    /// The last heard of first.
    Last,
}

/// One release with its numbers.
#[derive(Debug, Clone)]
pub struct Line {
    /// The release.
    pub release: Record,
    /// Its events.
    pub events: i64,
    /// Issues that were first seen in it, ever.
    pub new_issues: i64,
    /// Its sessions.
    pub sessions: Counts,
    /// The people who had them.
    pub people: Counts,
    /// Its part of the project in the last 24 hours.
    pub adoption: Adoption,
    /// Sessions by slot, oldest first.
    pub series: Vec<i64>,
}

fn condition(tx: &mut Tx<'_>, filter: &Filter) -> Result<String, DbError> {
    let scope = &filter.scope;
    let mut sql = format!(
        "r.project IN ({}) AND (r.last_ms >= {} OR r.first_ms >= {1}) AND r.first_ms < {}",
        ids(&scope.projects),
        scope.since_hour * HOUR_MS,
        scope.until_hour * HOUR_MS
    );
    if scope.environments.is_some() {
        let by = By { release: true, ..By::default() };
        let mut seen: BTreeSet<i64> = read::events(tx, scope, by)?.iter().map(|(group, _)| group.release).collect();
        seen.extend(read::sessions(tx, scope, by)?.iter().map(|(group, _)| group.release));
        seen.insert(-1);
        sql.push_str(&format!(" AND r.id IN ({})", ids(&seen.into_iter().collect::<Vec<_>>())));
    }
    if !filter.text.is_empty() {
        sql.push_str(" AND LOWER(r.version) LIKE $1 ESCAPE '\\'");
    }
    Ok(sql)
}

fn pattern(text: &str) -> String {
    format!("%{}%", text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// How many there are.
pub fn count(tx: &mut Tx<'_>, filter: &Filter) -> Result<i64, DbError> {
    if filter.scope.projects.is_empty() {
        return Ok(0);
    }
    let (condition, text) = (condition(tx, filter)?, pattern(&filter.text));
    let values: &[Param<'_>] = if filter.text.is_empty() { &[] } else { params![&text] };
    tx.one(&format!("SELECT COUNT(*) FROM releases r WHERE {condition}"), values)
}

/// A part of the list.
pub fn list(tx: &mut Tx<'_>, filter: &Filter, offset: i64, limit: i64, now_ms: i64) -> Result<Vec<Line>, DbError> {
    if filter.scope.projects.is_empty() {
        return Ok(Vec::new());
    }
    let (condition, text) = (condition(tx, filter)?, pattern(&filter.text));
    let values: &[Param<'_>] = if filter.text.is_empty() { &[] } else { params![&text] };
    let order = match filter.sort {
        Sort::First => "r.first_ms DESC, r.id DESC",
        Sort::Last => "r.last_ms DESC, r.id DESC",
    };
    let sql =
        format!("SELECT {COLUMNS} FROM releases r WHERE {condition} ORDER BY {order} LIMIT {limit} OFFSET {offset}");
    let releases = tx.query(&sql, values)?.iter().map(record).collect::<Result<Vec<_>, DbError>>()?;
    with_numbers(tx, filter, releases, now_ms)
}

/// The versions, each once, in the order of the list; of at most `limit` rows.
pub fn versions(tx: &mut Tx<'_>, filter: &Filter, limit: i64) -> Result<Vec<String>, DbError> {
    if filter.scope.projects.is_empty() {
        return Ok(Vec::new());
    }
    let (condition, text) = (condition(tx, filter)?, pattern(&filter.text));
    let values: &[Param<'_>] = if filter.text.is_empty() { &[] } else { params![&text] };
    let sql = format!(
        "SELECT r.version FROM releases r WHERE {condition} GROUP BY r.version \
         ORDER BY MAX(r.first_ms) DESC, MAX(r.id) DESC LIMIT {limit}"
    );
    tx.query(&sql, values)?.iter().map(|row| row.get(0)).collect()
}

/// One release with its numbers.
pub fn one(tx: &mut Tx<'_>, filter: &Filter, release: Record, now_ms: i64) -> Result<Option<Line>, DbError> {
    Ok(with_numbers(tx, filter, vec![release], now_ms)?.pop())
}

fn with_numbers(tx: &mut Tx<'_>, filter: &Filter, releases: Vec<Record>, now_ms: i64) -> Result<Vec<Line>, DbError> {
    let listed: Vec<i64> = releases.iter().map(|release| release.id).collect();
    if listed.is_empty() {
        return Ok(Vec::new());
    }
    let scope = Scope { releases: Some(listed.clone()), ..filter.scope.clone() };
    let by = By { release: true, ..By::default() };
    let each = |found: Vec<(read::Group, Counts)>| -> HashMap<i64, Counts> {
        found.into_iter().map(|(group, counts)| (group.release, counts)).collect()
    };
    let (sessions, people) = (each(read::sessions(tx, &scope, by)?), each(read::people(tx, &scope, by)?));
    let events: HashMap<i64, i64> =
        read::events(tx, &scope, by)?.into_iter().map(|(group, events)| (group.release, events)).collect();
    let adoption = adoption::of(tx, &scope, now_ms)?;
    let step = filter.step_hours.max(1);
    let slots = ((scope.until_hour - scope.since_hour).max(0) as usize).div_ceil(step as usize);
    let mut series: HashMap<i64, Vec<i64>> = HashMap::new();
    for (group, counts) in read::sessions(tx, &scope, By { step_hours: Some(step), ..by })? {
        let slot = series.entry(group.release).or_insert_with(|| vec![0; slots]).get_mut(group.slot as usize);
        slot.into_iter().for_each(|slot| *slot += counts.total());
    }
    let mut new_issues: HashMap<i64, i64> = HashMap::new();
    let sql = format!(
        "SELECT first_release, COUNT(*) FROM issues WHERE first_release IN ({}) GROUP BY first_release",
        ids(&listed)
    );
    for row in tx.query(&sql, &[])? {
        new_issues.insert(row.get(0)?, row.get(1)?);
    }
    let line = |release: Record| {
        let id = release.id;
        Line {
            events: events.get(&id).copied().unwrap_or(0),
            new_issues: new_issues.get(&id).copied().unwrap_or(0),
            sessions: sessions.get(&id).copied().unwrap_or_default(),
            people: people.get(&id).copied().unwrap_or_default(),
            adoption: adoption.get(&id).copied().unwrap_or_default(),
            series: series.remove(&id).unwrap_or_else(|| vec![0; slots]),
            release,
        }
    };
    Ok(releases.into_iter().map(line).collect())
}
