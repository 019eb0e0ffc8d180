//! An issue: one bug, with everything that was ever reported of it.
//!
//! Owns: the type, its short id, and how one is read. Its facets have their own files: [`list`] (the inbox), [`query`] and [`term`] (searching it),
//! [`workflow`] (resolve, archive, assign, comment, delete), [`activity`] (what happened to it), [`tags`] (what its
//! events have in common), [`series`] (its events over time), [`key`] (what makes an event one of it). Issues are made and counted in `file`, nowhere else.

pub mod activity;
pub mod key;
pub mod list;
pub mod query;
pub mod series;
pub mod tags;
pub mod term;
pub mod workflow;

use bugle_db::{DbError, Row, Tx, params};

/// Where an issue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Somebody should look at it.
    Unresolved,
    /// Somebody says that it is mended; an event that comes later reopens it.
    Resolved,
    /// Nobody wants to hear of it; events are counted and change nothing.
    Archived,
}

impl Status {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Unresolved => "unresolved",
            Status::Resolved => "resolved",
            Status::Archived => "archived",
        }
    }

    /// From what is stored, or what people write in a query.
    pub fn parse(text: &str) -> Option<Status> {
        match text {
            "unresolved" => Some(Status::Unresolved),
            "resolved" => Some(Status::Resolved),
            "archived" | "ignored" | "muted" => Some(Status::Archived),
            _ => None,
        }
    }
}

/// One issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its id, unique on this server.
    pub id: i64,
    /// Whose it is.
    pub project: i64,
    /// The project's slug, for the short id.
    pub project_slug: String,
    /// The project's name.
    pub project_name: String,
    /// Its number within the project.
    pub number: i64,
    /// The type of what was raised; empty for a message.
    pub kind: String,
    /// The first line of the exception's value, or of the message.
    pub title: String,
    /// Where it was raised.
    pub culprit: String,
    /// The level of its newest event.
    pub level: String,
    /// The platform of its newest event.
    pub platform: String,
    /// The logger of its newest event.
    pub logger: String,
    /// Whether any event says that nothing caught it.
    pub is_unhandled: bool,
    /// Where it stands.
    pub status: Status,
    /// When it came back, if it did and nobody has resolved it since. Unix ms.
    pub regressed_ms: Option<i64>,
    /// When the status last changed, Unix ms.
    pub status_ms: i64,
    /// The time of its first event, Unix ms.
    pub first_ms: i64,
    /// The time of its newest event, Unix ms.
    pub last_ms: i64,
    /// Events ever, exact.
    pub events: i64,
    /// People ever, exact.
    pub people: i64,
    /// Comments on it.
    pub comments: i64,
    /// The release of its first event.
    pub first_release: Option<String>,
    /// The release of its newest event that had one.
    pub last_release: Option<String>,
    /// Who looks after it: the id of a user.
    pub assignee: Option<i64>,
    /// That person's name.
    pub assignee_name: Option<String>,
}

/// An issue counts as new for so long after its first event.
pub const NEW_MS: i64 = 24 * 3_600_000;

/// What is news about an issue; `Ongoing` is not written anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Seen for the first time within the last day.
    New,
    /// Resolved once, and came back.
    Regressed,
    /// Neither.
    Ongoing,
    /// Resolved.
    Resolved,
    /// Archived.
    Archived,
}

impl Issue {
    /// `SHOP-3F`: the project's slug and the number in base 32, as people say it.
    pub fn short_id(&self) -> String {
        short_id(&self.project_slug, self.number)
    }

    /// What is news about it now.
    pub fn state(&self, now_ms: i64) -> State {
        match self.status {
            Status::Resolved => State::Resolved,
            Status::Archived => State::Archived,
            Status::Unresolved if self.regressed_ms.is_some() => State::Regressed,
            Status::Unresolved if now_ms - self.first_ms < NEW_MS => State::New,
            Status::Unresolved => State::Ongoing,
        }
    }
}

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The short id of an issue (Sentry protocol reference, section 15.7).
pub fn short_id(project_slug: &str, number: i64) -> String {
    let mut digits = Vec::new();
    let mut rest = number.max(0) as u64;
    loop {
        digits.push(ALPHABET[(rest % 32) as usize]);
        rest /= 32;
        if rest == 0 {
            break;
        }
    }
    digits.reverse();
    format!("{}-{}", project_slug.to_uppercase(), String::from_utf8_lossy(&digits))
}

/// Slug and number of a short id as people write it: any case, O for 0, I and L for 1.
pub fn parse_short_id(text: &str) -> Option<(String, i64)> {
    let (slug, digits) = text.trim().rsplit_once('-')?;
    if digits.is_empty() || digits.len() > 12 {
        return None;
    }
    let mut number = 0i64;
    for c in digits.to_uppercase().bytes() {
        let c = match c {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            c => c,
        };
        number = number * 32 + ALPHABET.iter().position(|&digit| digit == c)? as i64;
    }
    Some((slug.to_lowercase(), number))
}

/// The columns that [`issue`] reads, of `issues i`, `projects p`, and what is joined to them.
pub(crate) const COLUMNS: &str = "i.id, i.project, p.slug, p.name, i.number, i.kind, i.title, i.culprit, i.level, \
     i.platform, i.logger, i.is_unhandled, i.status, i.regressed_ms, i.status_ms, i.first_ms, i.last_ms, i.events, \
     i.people, i.comments, fr.version, lr.version, i.assignee, u.name";

/// The tables that [`COLUMNS`] come from.
pub(crate) const TABLES: &str = "issues i JOIN projects p ON p.id = i.project \
     LEFT JOIN releases fr ON fr.id = i.first_release LEFT JOIN releases lr ON lr.id = i.last_release \
     LEFT JOIN users u ON u.id = i.assignee";

/// How many columns [`COLUMNS`] has; further ones of a query start here.
pub(crate) const COLUMN_COUNT: usize = 24;

pub(crate) fn issue(row: &Row) -> Result<Issue, DbError> {
    let status: String = row.get(12)?;
    Ok(Issue {
        id: row.get(0)?,
        project: row.get(1)?,
        project_slug: row.get(2)?,
        project_name: row.get(3)?,
        number: row.get(4)?,
        kind: row.get(5)?,
        title: row.get(6)?,
        culprit: row.get(7)?,
        level: row.get(8)?,
        platform: row.get(9)?,
        logger: row.get(10)?,
        is_unhandled: row.get(11)?,
        status: Status::parse(&status).unwrap_or(Status::Unresolved),
        regressed_ms: row.get(13)?,
        status_ms: row.get(14)?,
        first_ms: row.get(15)?,
        last_ms: row.get(16)?,
        events: row.get(17)?,
        people: row.get(18)?,
        comments: row.get(19)?,
        first_release: row.get(20)?,
        last_release: row.get(21)?,
        assignee: row.get(22)?,
        assignee_name: row.get(23)?,
    })
}

/// The issue with this id, if it belongs to the organization.
pub fn get(tx: &mut Tx<'_>, organization: i64, id: i64) -> Result<Option<Issue>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE i.id = $1 AND p.organization = $2");
    tx.first(&sql, params![id, organization])?.as_ref().map(issue).transpose()
}

/// The issue with this short id.
pub fn by_short_id(tx: &mut Tx<'_>, organization: i64, text: &str) -> Result<Option<Issue>, DbError> {
    let Some((slug, number)) = parse_short_id(text) else { return Ok(None) };
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE p.organization = $1 AND p.slug = $2 AND i.number = $3");
    tx.first(&sql, params![organization, &slug, number])?.as_ref().map(issue).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_read_back_as_people_write_them() {
        assert_eq!(short_id("shop-api", 111), "SHOP-API-3F");
        assert_eq!(parse_short_id("shop-api-3f"), Some(("shop-api".into(), 111)));
        assert_eq!(parse_short_id("shop-O"), Some(("shop".into(), 0)));
        assert_eq!(parse_short_id("shop-U"), None);
        assert_eq!(parse_short_id("shop"), None);
        for number in [0, 1, 31, 32, 1023, 1 << 40] {
            assert_eq!(parse_short_id(&short_id("x", number)), Some(("x".into(), number)));
        }
    }
}
