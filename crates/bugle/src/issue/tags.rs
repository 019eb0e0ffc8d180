//! What an issue's events have in common: values of tags with their counts.

use super::list::among;
use bugle_db::{DbError, Tx, params};

/// Distinct values of one tag that are counted by name; what comes beyond is counted under [`OTHER`].
/// Bounds the table when somebody tags with request ids.
pub const VALUES_MAX: i64 = 250;

/// The value under which everything beyond [`VALUES_MAX`] is counted.
pub const OTHER: &str = "\u{2026}";

/// One tag of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Events that have it.
    pub events: i64,
    /// Distinct values.
    pub values: i64,
    /// The commonest values.
    pub top: Vec<TagValue>,
}

/// One value of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagValue {
    /// The value; [`OTHER`] for all that are not counted by name.
    pub value: String,
    /// Events that have it.
    pub events: i64,
    /// When it was first seen, Unix ms.
    pub first_ms: i64,
    /// When it was last seen, Unix ms.
    pub last_ms: i64,
}

/// All tags of an issue by key, each with its `top` commonest values.
pub fn of(tx: &mut Tx<'_>, issue: i64, environment: Option<i64>, top: usize) -> Result<Vec<Tag>, DbError> {
    within(tx, issue, environment.as_slice(), top)
}

/// All tags of an issue by key, in these environments (none: in all), each with its `top` commonest values.
pub fn within(tx: &mut Tx<'_>, issue: i64, environments: &[i64], top: usize) -> Result<Vec<Tag>, DbError> {
    let sql = format!(
        "SELECT tag, value, CAST(SUM(events) AS BIGINT), MIN(first_ms), MAX(last_ms) FROM issue_tags \
         WHERE issue = $1{} GROUP BY tag, value ORDER BY tag, 3 DESC, value",
        among("environment", environments, " AND ")
    );
    let mut tags: Vec<Tag> = Vec::new();
    for row in &tx.query(&sql, params![issue])? {
        let key: String = row.get(0)?;
        let value = TagValue { value: row.get(1)?, events: row.get(2)?, first_ms: row.get(3)?, last_ms: row.get(4)? };
        if tags.last().is_none_or(|tag| tag.key != key) {
            tags.push(Tag { key, events: 0, values: 0, top: Vec::new() });
        }
        let Some(tag) = tags.last_mut() else { continue };
        tag.events += value.events;
        tag.values += 1;
        if tag.top.len() < top {
            tag.top.push(value);
        }
    }
    Ok(tags)
}

/// One tag of an issue in these environments (none: in all) with all of its values, the commonest first.
pub fn one(tx: &mut Tx<'_>, issue: i64, key: &str, environments: &[i64]) -> Result<Option<Tag>, DbError> {
    let sql = format!(
        "SELECT value, CAST(SUM(events) AS BIGINT), MIN(first_ms), MAX(last_ms) FROM issue_tags \
         WHERE issue = $1 AND tag = $2{} GROUP BY value ORDER BY 2 DESC, value",
        among("environment", environments, " AND ")
    );
    let mut tag = Tag { key: key.into(), events: 0, values: 0, top: Vec::new() };
    for row in &tx.query(&sql, params![issue, key])? {
        let value = TagValue { value: row.get(0)?, events: row.get(1)?, first_ms: row.get(2)?, last_ms: row.get(3)? };
        tag.events += value.events;
        tag.values += 1;
        tag.top.push(value);
    }
    Ok((tag.values > 0).then_some(tag))
}

/// Issues that [`of_recent_issues`] looks into.
const ISSUES_RECENT: i64 = 100;

/// The tags of the issues that were seen last, by key, with the events that have them; without values. For
/// suggestions: which tags there are is known from a few issues, and reading all of them has no bound.
pub fn of_recent_issues(tx: &mut Tx<'_>, organization: i64, projects: &[i64]) -> Result<Vec<Tag>, DbError> {
    let sql = format!(
        "SELECT t.tag, CAST(SUM(t.events) AS BIGINT), COUNT(DISTINCT t.value) FROM issue_tags t WHERE t.issue IN \
         (SELECT i.id FROM issues i JOIN projects p ON p.id = i.project WHERE p.organization = $1{} \
         ORDER BY i.last_ms DESC LIMIT $2) GROUP BY t.tag ORDER BY t.tag",
        among("i.project", projects, " AND ")
    );
    let rows = tx.query(&sql, params![organization, ISSUES_RECENT])?;
    rows.iter()
        .map(|row| Ok(Tag { key: row.get(0)?, events: row.get(1)?, values: row.get(2)?, top: Vec::new() }))
        .collect()
}
