//! Feedback: what a person who met an error says about it.
//!
//! Owns: [`Said`], which is its form in the journal, its bounds, the table's reading side, and how text is taken in
//! ([`Said::cut`]). `receive::feedback` reads the forms in which it comes, `file::feedback` writes it and finds its issue.
//!
//! **Invariants**
//! * It never waits for its event: it is kept with the event's id, and linked when both are filed, in either order.
//! * The same feedback sent twice is one row: its id is the one its SDK gave it, or a hash of what it says.
//! * It was scrubbed like an event before it was journalled.

use bugle_db::{DbError, Param, Row, Tx, params};
use bugle_event::EventId;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// Characters of a message: two pages of text, as much as an event's own message may have.
pub const MESSAGE_CHARS_MAX: usize = 8_192;
/// Characters of a name.
pub const NAME_CHARS_MAX: usize = 128;
/// Characters of an address for mail, as long as one may be.
pub const EMAIL_CHARS_MAX: usize = 254;
/// Characters of a page's address.
pub const URL_CHARS_MAX: usize = 2_048;
/// Feedback that a project keeps, the newest: anybody who knows a key may send some, so its number needs an end.
pub const KEPT_MAX: i64 = 10_000;

/// What somebody said: in a journal's item, JSON in `about`. The event that it is about is the item's event id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Its own id, 32 hex digits.
    pub id: String,
    /// Who says it; empty where nothing was said, like all below but the message.
    pub name: String,
    /// Where an answer would go.
    pub email: String,
    /// What is said.
    pub message: String,
    /// The page that it was written on.
    pub url: String,
}

impl Said {
    /// Every text within its bound, with a mark where something was cut, and the id, where there is none, made of what is
    /// said about which event.
    pub fn cut(mut self, event_id: Option<EventId>) -> Said {
        for (text, chars_max) in [
            (&mut self.name, NAME_CHARS_MAX),
            (&mut self.email, EMAIL_CHARS_MAX),
            (&mut self.message, MESSAGE_CHARS_MAX),
            (&mut self.url, URL_CHARS_MAX),
        ] {
            *text = cut(text, chars_max);
        }
        if self.id.is_empty() {
            let about = event_id.map(|id| id.to_string()).unwrap_or_default();
            let said = [&about, &self.name, &self.email, &self.message, &self.url].map(String::as_str).join("\0");
            self.id = EventId(xxh3_128(said.as_bytes()).to_be_bytes()).to_string();
        }
        self
    }
}

fn cut(text: &str, chars_max: usize) -> String {
    let text = text.replace('\0', "");
    let text = text.trim();
    match text.char_indices().nth(chars_max) {
        None => text.to_string(),
        Some(_) => text.chars().take(chars_max - 1).chain(['…']).collect(),
    }
}

/// Stored feedback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// Its own id.
    pub id: EventId,
    /// Its project's slug and name.
    pub project: (String, String),
    /// The error that it is about.
    pub event_id: Option<EventId>,
    /// Its issue, once that is known.
    pub issue: Option<IssueOf>,
    /// When it came, Unix ms.
    pub received_ms: i64,
    /// Who says it; empty where nothing was said, like all below but the message.
    pub name: String,
    /// Where an answer would go.
    pub email: String,
    /// What is said.
    pub message: String,
    /// The page that it was written on.
    pub url: String,
}

/// The issue of a feedback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueOf {
    /// Its id.
    pub id: i64,
    /// The type of its exception; empty for messages.
    pub kind: String,
    /// Its title.
    pub title: String,
}

const SELECT: &str = "SELECT f.feedback_id, p.slug, p.name, f.event_id, f.issue, i.kind, i.title, f.received_ms, f.name, \
     f.email, f.message, f.url FROM feedback f JOIN projects p ON p.id = f.project LEFT JOIN issues i ON i.id = f.issue";

fn feedback(row: &Row) -> Result<Feedback, DbError> {
    let issue = match row.get::<Option<i64>>(4)? {
        Some(id) => Some(IssueOf { id, kind: row.get(5)?, title: row.get(6)? }),
        None => None,
    };
    Ok(Feedback {
        id: EventId(row.get(0)?),
        project: (row.get(1)?, row.get(2)?),
        event_id: row.get::<Option<[u8; 16]>>(3)?.map(EventId),
        issue,
        received_ms: row.get(7)?,
        name: row.get(8)?,
        email: row.get(9)?,
        message: row.get(10)?,
        url: row.get(11)?,
    })
}

/// Whose feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// All projects of an organization.
    Organization(i64),
    /// A project.
    Project(i64),
    /// An issue.
    Issue(i64),
    /// What is said of one event of a project.
    Event(i64, EventId),
}

/// Newest first, from `offset` on.
pub fn list(tx: &mut Tx<'_>, of: Of, offset: i64, limit: i64) -> Result<Vec<Feedback>, DbError> {
    let event_id;
    let (condition, mut values): (&str, Vec<Param<'_>>) = match of {
        Of::Organization(id) => ("p.organization = $1", vec![id.into()]),
        Of::Project(id) => ("f.project = $1", vec![id.into()]),
        Of::Issue(id) => ("f.issue = $1", vec![id.into()]),
        Of::Event(project, id) => {
            event_id = id;
            ("f.project = $1 AND f.event_id = $2", vec![project.into(), (&event_id.0).into()])
        }
    };
    let at = values.len();
    values.extend([Param::Int(limit), Param::Int(offset)]);
    let order = format!("ORDER BY f.received_ms DESC, f.id DESC LIMIT ${} OFFSET ${}", at + 1, at + 2);
    tx.query(&format!("{SELECT} WHERE {condition} {order}"), &values)?.iter().map(feedback).collect()
}

/// How many there are of an issue.
pub fn count(tx: &mut Tx<'_>, issue: i64) -> Result<i64, DbError> {
    tx.one("SELECT COUNT(*) FROM feedback WHERE issue = $1", params![issue])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_stays_within_its_bounds_and_has_an_id() {
        let said = Said { message: format!("  a\0{} ", "é".repeat(9_000)), name: " Ada ".into(), ..Said::default() };
        let said = said.cut(None);
        assert_eq!((said.message.chars().count(), said.name.as_str()), (MESSAGE_CHARS_MAX, "Ada"));
        assert!(said.message.starts_with("aé") && said.message.ends_with('…'));
        let again = Said { id: String::new(), ..said.clone() }.cut(None);
        assert_eq!(again.id, said.id, "the same words are the same feedback");
        let of_event = Said { id: String::new(), ..said.clone() }.cut(Some(EventId([1; 16])));
        assert_ne!(of_event.id, said.id, "about another error they are another");
        let given = Said { id: "ab".repeat(16), ..said }.cut(None);
        assert_eq!(given.id, "ab".repeat(16));
    }
}
