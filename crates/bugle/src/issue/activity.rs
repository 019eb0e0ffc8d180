//! What happened to an issue, newest first: state changes and comments, each with its actor.

use bugle_db::{DbError, Tx, params};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Its id.
    pub id: i64,
    /// When, Unix ms.
    pub at_ms: i64,
    /// Who; `None` is Bugle itself.
    pub actor: Option<i64>,
    /// That person's name.
    pub actor_name: Option<String>,
    /// What.
    pub kind: Kind,
    /// The comment's text, the release, the assignee's name: what belongs to the kind.
    pub detail: String,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The first event came; detail: its release.
    FirstSeen,
    /// An event came after it was resolved; detail: its release.
    Regressed,
    /// Somebody resolved it.
    Resolved,
    /// Somebody opened it again.
    Reopened,
    /// Somebody archived it.
    Archived,
    /// Somebody gave it to a person; detail: the name.
    Assigned,
    /// Somebody took it from a person.
    Unassigned,
    /// Somebody wrote a comment; detail: its text.
    Comment,
}

const KINDS: [(Kind, &str); 8] = [
    (Kind::FirstSeen, "first_seen"),
    (Kind::Regressed, "regressed"),
    (Kind::Resolved, "resolved"),
    (Kind::Reopened, "reopened"),
    (Kind::Archived, "archived"),
    (Kind::Assigned, "assigned"),
    (Kind::Unassigned, "unassigned"),
    (Kind::Comment, "comment"),
];

impl Kind {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    fn parse(text: &str) -> Option<Kind> {
        KINDS.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind)
    }
}

/// Writes one down.
pub fn record(
    tx: &mut Tx<'_>,
    issue: i64,
    at_ms: i64,
    actor: Option<i64>,
    kind: Kind,
    detail: &str,
) -> Result<(), DbError> {
    let id = tx.next_id("activity")?;
    tx.execute(
        "INSERT INTO activity (id, issue, at_ms, actor, kind, detail) VALUES ($1, $2, $3, $4, $5, $6)",
        params![id, issue, at_ms, actor, kind.as_str(), detail],
    )
    .map(drop)
}

/// The newest `limit` of an issue.
pub fn of(tx: &mut Tx<'_>, issue: i64, limit: i64) -> Result<Vec<Activity>, DbError> {
    let rows = tx.query(
        "SELECT a.id, a.at_ms, a.actor, u.name, a.kind, a.detail FROM activity a \
         LEFT JOIN users u ON u.id = a.actor WHERE a.issue = $1 ORDER BY a.at_ms DESC, a.id DESC LIMIT $2",
        params![issue, limit],
    )?;
    let mut activities = Vec::with_capacity(rows.len());
    for row in &rows {
        let Some(kind) = Kind::parse(&row.get::<String>(4)?) else { continue };
        activities.push(Activity {
            id: row.get(0)?,
            at_ms: row.get(1)?,
            actor: row.get(2)?,
            actor_name: row.get(3)?,
            kind,
            detail: row.get(5)?,
        });
    }
    Ok(activities)
}
