//! Which issue an event belongs to, by its keys.

use super::{Gathered, Memory, Work, grouping_bytes};
use crate::alert::enqueue::News;
use crate::issue::Status;
use crate::issue::activity::{Kind, record};
use crate::store::take_ids;
use bugle_db::{DbError, Tx, params};
use std::collections::HashMap;

/// Issues that a batch has met, with the time since when they are resolved; `None`: they are not.
pub(super) type Resolved = HashMap<i64, Option<i64>>;

/// The issue of an event: known by one of its keys, or new. Also reopens a resolved one.
pub(super) fn issue_of(
    tx: &mut Tx<'_>,
    memory: &mut Memory,
    gathered: &mut Gathered<'_>,
    work: &Work,
    release: i64,
) -> Result<i64, DbError> {
    let project = work.record.project;
    let set = grouping_bytes(&work.digest);
    let issue = match memory.issue(project, &set) {
        Some(issue) => issue,
        None => {
            let issue = match known(tx, work)? {
                Some(issue) => issue,
                None => create(tx, &mut gathered.news, work, release)?,
            };
            attach(tx, issue, work)?;
            memory.remember_issue(project, set, issue);
            issue
        }
    };
    reopen(tx, gathered, issue, work)?;
    Ok(issue)
}

fn known(tx: &mut Tx<'_>, work: &Work) -> Result<Option<i64>, DbError> {
    for (_, hash) in &work.digest.keys {
        let row = tx.first(
            "SELECT issue FROM issue_keys WHERE project = $1 AND hash = $2",
            params![work.record.project, hash],
        )?;
        if let Some(row) = row {
            return row.get(0).map(Some);
        }
    }
    Ok(None)
}

fn attach(tx: &mut Tx<'_>, issue: i64, work: &Work) -> Result<(), DbError> {
    for (kind, hash) in &work.digest.keys {
        tx.execute(
            "INSERT INTO issue_keys (project, hash, kind, issue) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (project, hash) DO NOTHING",
            params![work.record.project, hash, kind.as_str(), issue],
        )?;
    }
    Ok(())
}

fn create(tx: &mut Tx<'_>, news: &mut Vec<News>, work: &Work, release: i64) -> Result<i64, DbError> {
    let (project, digest) = (work.record.project, &work.digest);
    let id = take_ids(tx, "issue_id", 1)?;
    let number: i64 = tx.one(
        "UPDATE projects SET last_number = last_number + 1 WHERE id = $1 RETURNING last_number",
        params![project],
    )?;
    let release = (release != 0).then_some(release);
    tx.execute(
        "INSERT INTO issues (id, project, number, kind, title, culprit, level, platform, logger, is_unhandled, status, \
         status_ms, first_ms, last_ms, events, people, first_release, last_release) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, 0, 0, $14, $14)",
        params![
            id,
            project,
            number,
            &digest.kind,
            &digest.title,
            &digest.culprit,
            &digest.level,
            &digest.platform,
            &digest.logger,
            digest.is_unhandled,
            Status::Unresolved.as_str(),
            work.record.received_ms,
            digest.timestamp_ms,
            release
        ],
    )?;
    record(tx, id, digest.timestamp_ms, None, Kind::FirstSeen, digest.release.as_deref().unwrap_or(""))?;
    news.push(News::first(id, work.position));
    Ok(id)
}

/// An event that came after its issue was resolved reopens it. One that came before and is filed only now does not.
fn reopen(tx: &mut Tx<'_>, gathered: &mut Gathered<'_>, issue: i64, work: &Work) -> Result<(), DbError> {
    let since_ms = match gathered.resolved.get(&issue) {
        Some(since_ms) => *since_ms,
        None => {
            let sql = "SELECT status_ms FROM issues WHERE id = $1 AND status = 'resolved'";
            let since_ms = tx.first(sql, params![issue])?.map(|row| row.get(0)).transpose()?;
            gathered.resolved.insert(issue, since_ms);
            since_ms
        }
    };
    if since_ms.is_none_or(|since_ms: i64| since_ms >= work.record.received_ms) {
        return Ok(());
    }
    gathered.resolved.insert(issue, None);
    let occurrence = tx.first(
        "UPDATE issues SET status = 'unresolved', status_ms = $2, regressed_ms = $3, regressions = regressions + 1 \
         WHERE id = $1 AND status = 'resolved' AND status_ms < $2 RETURNING regressions",
        params![issue, work.record.received_ms, work.digest.timestamp_ms],
    )?;
    let Some(row) = occurrence else { return Ok(()) };
    let release = work.digest.release.as_deref().unwrap_or("");
    record(tx, issue, work.digest.timestamp_ms, None, Kind::Regressed, release)?;
    gathered.news.push(News::regressed(issue, work.position, row.get(0)?));
    Ok(())
}
