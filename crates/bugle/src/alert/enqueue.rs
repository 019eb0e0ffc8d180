//! Whether to speak: from what a batch brought to rows of the outbox, in the same transaction.
//!
//! Every active target of a project hears of each new issue and of each regression, at most once per issue and cause
//! (the table's unique key; a regression counts with its number). Archived issues are quiet because they never
//! regress. What a notice says is what is true at the end of the batch.

pub use super::notice::Cause;
use super::notice::{CrashLine, Notice};
use crate::file::{Addition, Memory, Rollups};
use crate::issue::{self, Issue};
use crate::store::take_ids;
use bugle_db::{DbError, Tx, params};
use bugle_journal::Position;

/// Something that people should hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News {
    /// Which issue.
    pub issue: i64,
    /// Why.
    pub cause: Cause,
    /// Which regression; 0 for the first event.
    pub occurrence: i64,
    /// The record that brought it.
    pub position: Position,
}

impl News {
    /// The first event of an issue.
    pub fn first(issue: i64, position: Position) -> News {
        News { issue, cause: Cause::New, occurrence: 0, position }
    }

    /// An event of an issue that had been resolved.
    pub fn regressed(issue: i64, position: Position, occurrence: i64) -> News {
        News { issue, cause: Cause::Regressed, occurrence, position }
    }
}

/// Writes the rows for everything in `news`. True if there is anything to send.
pub fn enqueue(
    tx: &mut Tx<'_>,
    memory: &mut Memory,
    rollups: &Rollups<'_>,
    news: &[News],
    now_ms: i64,
) -> Result<bool, DbError> {
    let mut any = false;
    for item in news {
        let Some(addition) = rollups.0.get(&item.issue) else { continue };
        let project = addition.project;
        let targets = tx.query("SELECT id, kind FROM targets WHERE project = $1 AND is_active", params![project])?;
        if targets.is_empty() {
            continue;
        }
        let Some(organization) = memory.project(tx, project)?.map(|row| row.organization) else { continue };
        let Some(issue) = issue::get(tx, organization, item.issue)? else { continue };
        for target in &targets {
            let kind: String = target.get(1)?;
            if matches!(kind.as_str(), "members" | "mail") && !memory.settings.has_mail {
                continue;
            }
            let notice = notice(&memory.settings.public_url, item, &issue, addition, &kind);
            any |= write(tx, target.get(0)?, item, &notice, project, now_ms)?;
        }
    }
    Ok(any)
}

fn write(
    tx: &mut Tx<'_>,
    target: i64,
    item: &News,
    notice: &Notice,
    project: i64,
    now_ms: i64,
) -> Result<bool, DbError> {
    let text = serde_json::to_string(notice).map_err(|error| DbError::Failed(error.to_string()))?;
    let id = take_ids(tx, "outbox_id", 1)?;
    let added = tx.execute(
        "INSERT INTO outbox (id, project, target, issue, cause, occurrence, notice, state, created_ms, next_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $8) \
         ON CONFLICT (target, issue, cause, occurrence) DO NOTHING",
        params![id, project, target, item.issue, item.cause.as_str(), item.occurrence, &text, now_ms],
    )?;
    Ok(added > 0)
}

fn notice(public_url: &str, item: &News, issue: &Issue, addition: &Addition<'_>, target_kind: &str) -> Notice {
    let event = addition.digest();
    let settings_url = format!("{public_url}/projects/{}/settings#alerts", issue.project_slug);
    Notice {
        cause: item.cause,
        project_name: issue.project_name.clone(),
        project_slug: issue.project_slug.clone(),
        issue_id: issue.id,
        short_id: issue.short_id(),
        kind: issue.kind.clone(),
        text: issue.title.clone(),
        culprit: Some(issue.culprit.clone()).filter(|culprit| !culprit.is_empty()),
        crash: event.crash_line.clone().map(|(code, place)| CrashLine { code, place }),
        level: event.level.clone(),
        environment: event.environment.clone(),
        release: event.release.clone(),
        platform: Some(event.platform.clone()),
        events: issue.events.max(0) as u64,
        people: issue.people.max(0) as u64,
        first_seen_ms: issue.first_ms,
        last_seen_ms: issue.last_ms,
        assignee: issue.assignee_name.clone(),
        issue_url: format!("{public_url}/issues/{}", issue.id),
        settings_url,
        because: because(item.cause, &issue.project_name, target_kind),
        event_id: addition.newest.record.event_id.to_string(),
        limit: None,
    }
}

/// One sentence: which setting made it speak, and why.
fn because(cause: Cause, project: &str, target_kind: &str) -> String {
    let whom = match target_kind {
        "members" => "its members",
        "mail" => "this address",
        "slack" => "this channel",
        _ => "this address by webhook",
    };
    match cause {
        Cause::New => format!("Because {project} tells {whom} about every new issue, and this was its first event."),
        Cause::Regressed => {
            format!("Because {project} tells {whom} when an issue comes back, and this one had been resolved.")
        }
        // The others are said by those who cause them.
        _ => format!("Because somebody asked {project} to send a test."),
    }
}
