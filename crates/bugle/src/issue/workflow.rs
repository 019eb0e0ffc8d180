//! What people do to issues: resolve, archive, reopen, assign, comment, delete.
//!
//! Each act is one transaction and leaves one row of activity with its actor. Doing what is already so changes
//! nothing and leaves no row. Coming back by an event is not here but in `file`, where events are.

use super::activity::{Kind, record};
use super::{Issue, Status};
use crate::attachment;
use crate::store::removed;
use bugle_db::{DbError, Tx, params};

/// The longest comment, in bytes.
pub const COMMENT_BYTES_MAX: usize = 20_000;

/// Resolves, archives or reopens.
pub fn set_status(
    tx: &mut Tx<'_>,
    issue: &Issue,
    status: Status,
    actor: Option<i64>,
    now_ms: i64,
) -> Result<bool, DbError> {
    if issue.status == status {
        return Ok(false);
    }
    // Once somebody has decided, coming back is no longer news.
    tx.execute(
        "UPDATE issues SET status = $2, status_ms = $3, regressed_ms = NULL WHERE id = $1",
        params![issue.id, status.as_str(), now_ms],
    )?;
    let kind = match status {
        Status::Unresolved => Kind::Reopened,
        Status::Resolved => Kind::Resolved,
        Status::Archived => Kind::Archived,
    };
    record(tx, issue.id, now_ms, actor, kind, "")?;
    Ok(true)
}

/// Gives the issue to a member of its organization, or to nobody.
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence when the person is no member.
pub fn assign(
    tx: &mut Tx<'_>,
    issue: &Issue,
    assignee: Option<i64>,
    actor: Option<i64>,
    now_ms: i64,
) -> Result<bool, DbError> {
    if issue.assignee == assignee {
        return Ok(false);
    }
    let Some(person) = assignee else {
        tx.execute("UPDATE issues SET assignee = NULL WHERE id = $1", params![issue.id])?;
        record(tx, issue.id, now_ms, actor, Kind::Unassigned, "")?;
        return Ok(true);
    };
    let name = tx.first(
        "SELECT u.name FROM users u JOIN members m ON m.user_id = u.id JOIN projects p ON p.organization = m.organization \
         WHERE u.id = $1 AND p.id = $2",
        params![person, issue.project],
    )?;
    let Some(name) = name else {
        return Err(DbError::Abandoned("Only a member of the organization can be given an issue.".into()));
    };
    tx.execute("UPDATE issues SET assignee = $2 WHERE id = $1", params![issue.id, person])?;
    record(tx, issue.id, now_ms, actor, Kind::Assigned, &name.get::<String>(0)?)?;
    Ok(true)
}

/// Adds a comment.
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence when it is empty or too long.
pub fn comment(tx: &mut Tx<'_>, issue: i64, actor: i64, text: &str, now_ms: i64) -> Result<(), DbError> {
    let text = text.trim().replace('\0', "\u{fffd}");
    if text.is_empty() {
        return Err(DbError::Abandoned("The comment is empty. Nothing was saved.".into()));
    }
    if text.len() > COMMENT_BYTES_MAX {
        return Err(DbError::Abandoned(format!(
            "The comment has {} bytes; {COMMENT_BYTES_MAX} are the most. Nothing was saved.",
            text.len()
        )));
    }
    record(tx, issue, now_ms, Some(actor), Kind::Comment, &text)?;
    tx.execute("UPDATE issues SET comments = comments + 1 WHERE id = $1", params![issue]).map(drop)
}

/// Deletes an issue with its events, counts, comments and activity. A later event of its kind makes a new issue.
pub fn delete(tx: &mut Tx<'_>, issue: i64) -> Result<(), DbError> {
    attachment::remove_of_issue(tx, issue)?;
    tx.execute("DELETE FROM events WHERE issue = $1", params![issue])?;
    tx.execute("DELETE FROM issue_keys WHERE issue = $1", params![issue])?;
    tx.execute("DELETE FROM issues WHERE id = $1", params![issue])?;
    removed(tx)
}
