//! Attachments: files that came with an event, before it, after it, or without it.
//!
//! Owns: the table, what filing, retention and deletions do to it, and how pages and the API read it. The door's side is
//! `receive::attachment`. An attachment belongs to (project, event id), whether that event is there or not: it shows up when
//! the event does, and goes when the event goes, or by its own age.
//!
//! **Invariants**
//! * A name is text for people. It is never a path, here or anywhere.
//! * The same file under the same name is kept once per event: SDKs send again what they are not sure of.
//! * `project_attachments` counts exactly the rows of `attachments` and the bytes of their bodies; `bugle check` recounts.
//!
//! In the journal (`record::item`), `about` is [`About`] as JSON and the body is what the table's `body` gets: the file, or a
//! zstd frame of it when that is smaller.

pub mod answer;

use crate::outcome::{Outcome, Reason};
use crate::record::Item;
use crate::store::take_ids;
use bugle_db::{DbError, Row, Tx, params};
use bugle_event::EventId;
use serde::{Deserialize, Serialize};

/// Attachments that one event may have. A request brings at most 30; whoever adds to an event again and again is stopped here.
pub const OF_EVENT_MAX: i64 = 100;
/// Attachments in a list of an issue's.
pub const LISTED_MAX: i64 = 1_000;

/// What the journal says about an attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its name, as sent.
    pub name: String,
    /// Its content type, as sent; empty for none.
    pub content_type: String,
    /// Sentry's `attachment_type`.
    pub kind: String,
    /// Bytes of the file.
    pub bytes: i64,
    /// The file's SHA-1, which is what Sentry's API names a file by.
    pub sha1: [u8; 20],
    /// Whether the body is a zstd frame.
    pub is_packed: bool,
}

/// One attachment, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its number on this server.
    pub id: i64,
    /// Whose it is.
    pub project: i64,
    /// The event it belongs to.
    pub event_id: EventId,
    /// Its name, as sent.
    pub name: String,
    /// Its content type, as sent; empty for none.
    pub content_type: String,
    /// Sentry's `attachment_type`.
    pub kind: String,
    /// When it came, Unix ms.
    pub received_ms: i64,
    /// Bytes of the file.
    pub bytes: i64,
    /// The file's SHA-1.
    pub sha1: [u8; 20],
}

/// Makes a body of a file: its zstd frame where that saves at least a twentieth. Second: whether it is one.
pub fn pack(file: Vec<u8>) -> (Vec<u8>, bool) {
    // Level 1: the door waits for it, and files that are worth more are compressed already.
    match zstd::bulk::compress(&file, 1) {
        Ok(frame) if frame.len() < file.len() - file.len() / 20 => (frame, true),
        _ => (file, false),
    }
}

fn unpack(body: Vec<u8>, is_packed: bool, bytes: i64) -> Result<Vec<u8>, DbError> {
    let damaged = |error| DbError::Failed(format!("an attachment cannot be read: {error}"));
    if is_packed { zstd::bulk::decompress(&body, bytes.max(0) as usize).map_err(damaged) } else { Ok(body) }
}

/// Files one. `is_capped` asks whether its event was counted and not kept: then neither is this.
pub fn file(
    tx: &mut Tx<'_>,
    item: &Item,
    is_capped: impl FnOnce(&mut Tx<'_>) -> Result<bool, DbError>,
) -> Result<(Outcome, Reason), DbError> {
    let (Some(event_id), Ok(about)) = (item.event_id, serde_json::from_str::<About>(&item.about)) else {
        return Ok((Outcome::Invalid, Reason::Unreadable));
    };
    let project = item.sender.project;
    if is_capped(tx)? {
        return Ok((Outcome::Discarded, Reason::IssueCap));
    }
    let sql = "SELECT COUNT(*) FROM attachments WHERE project = $1 AND event_id = $2";
    if tx.one::<i64>(sql, params![project, &event_id.0])? >= OF_EVENT_MAX {
        return Ok((Outcome::Discarded, Reason::TooLarge));
    }
    let id = take_ids(tx, "attachment", 1)?;
    let stored_bytes = item.body.len() as i64;
    let added = tx.execute(
        "INSERT INTO attachments (id, project, event_id, name, content_type, kind, received_ms, bytes, sha1, is_packed, \
         stored_bytes, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (project, event_id, name, sha1) DO NOTHING",
        params![
            id,
            project,
            &event_id.0,
            &about.name,
            &about.content_type,
            &about.kind,
            item.sender.received_ms,
            about.bytes,
            &about.sha1,
            about.is_packed,
            stored_bytes,
            &item.body
        ],
    )?;
    if added == 0 {
        return Ok((Outcome::Invalid, Reason::Duplicate));
    }
    count(tx, project, 1, stored_bytes)?;
    Ok((Outcome::Stored, Reason::None))
}

/// Counts attachments that a project has gained, or lost (below 0).
fn count(tx: &mut Tx<'_>, project: i64, attachments: i64, bytes: i64) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO project_attachments (project, attachments, bytes) VALUES ($1, $2, $3) \
         ON CONFLICT (project) DO UPDATE SET attachments = project_attachments.attachments + excluded.attachments, \
           bytes = project_attachments.bytes + excluded.bytes",
        params![project, attachments, bytes],
    )
    .map(drop)
}

const COLUMNS: &str = "a.id, a.project, a.event_id, a.name, a.content_type, a.kind, a.received_ms, a.bytes, a.sha1";

fn attachment(row: &Row) -> Result<Attachment, DbError> {
    Ok(Attachment {
        id: row.get(0)?,
        project: row.get(1)?,
        event_id: EventId(row.get(2)?),
        name: row.get(3)?,
        content_type: row.get(4)?,
        kind: row.get(5)?,
        received_ms: row.get(6)?,
        bytes: row.get(7)?,
        sha1: row.get(8)?,
    })
}

/// Those of an event, in the order in which they were filed.
pub fn of_event(tx: &mut Tx<'_>, project: i64, event_id: EventId) -> Result<Vec<Attachment>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM attachments a WHERE a.project = $1 AND a.event_id = $2 ORDER BY a.id");
    tx.query(&sql, params![project, &event_id.0])?.iter().map(attachment).collect()
}

/// Those of an issue's events, the newest first, from `offset` on.
pub fn of_issue(tx: &mut Tx<'_>, issue: i64, offset: i64, limit: i64) -> Result<Vec<Attachment>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM attachments a JOIN events e ON e.project = a.project AND e.event_id = a.event_id \
         WHERE a.project = (SELECT project FROM issues WHERE id = $1) AND e.issue = $1 \
         ORDER BY a.received_ms DESC, a.id DESC LIMIT $2 OFFSET $3"
    );
    tx.query(&sql, params![issue, limit.min(LISTED_MAX), offset])?.iter().map(attachment).collect()
}

/// One of an event.
pub fn get(tx: &mut Tx<'_>, project: i64, event_id: EventId, id: i64) -> Result<Option<Attachment>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM attachments a WHERE a.project = $1 AND a.event_id = $2 AND a.id = $3");
    tx.first(&sql, params![project, &event_id.0, id])?.as_ref().map(attachment).transpose()
}

/// The file itself.
pub fn body(tx: &mut Tx<'_>, attachment: &Attachment) -> Result<Option<Vec<u8>>, DbError> {
    let row = tx.first("SELECT body, is_packed FROM attachments WHERE id = $1", params![attachment.id])?;
    row.map(|row| unpack(row.get(0)?, row.get(1)?, attachment.bytes)).transpose()
}

/// Removes one. Whether it was there.
pub fn remove(tx: &mut Tx<'_>, project: i64, id: i64) -> Result<bool, DbError> {
    Ok(gone(tx, "project = $1 AND id = $2", project, params![project, id])? > 0)
}

/// Removes those of an event that goes. Call it only where [`has_any`] says so: it costs a look-up for each event.
pub fn remove_of_event(tx: &mut Tx<'_>, project: i64, event_id: &[u8]) -> Result<(), DbError> {
    gone(tx, "project = $1 AND event_id = $2", project, params![project, event_id]).map(drop)
}

/// Removes those of all events of an issue that goes. Before its events go.
pub fn remove_of_issue(tx: &mut Tx<'_>, issue: i64) -> Result<(), DbError> {
    let Some(row) = tx.first("SELECT project FROM issues WHERE id = $1", params![issue])? else { return Ok(()) };
    let project = row.get(0)?;
    if !has_any(tx, project)? {
        return Ok(());
    }
    let which = "project = $1 AND event_id IN (SELECT event_id FROM events WHERE issue = $2)";
    gone(tx, which, project, params![project, issue]).map(drop)
}

/// Removes what came before `before_ms`, at most `limit`, the oldest first. How many there were, and their bytes.
pub fn remove_oldest(tx: &mut Tx<'_>, project: i64, before_ms: i64, limit: i64) -> Result<(i64, i64), DbError> {
    let which =
        "id IN (SELECT id FROM attachments WHERE project = $1 AND received_ms < $2 ORDER BY received_ms, id LIMIT $3)";
    let rows = tx.query(
        &format!("DELETE FROM attachments WHERE {which} RETURNING stored_bytes"),
        params![project, before_ms, limit],
    )?;
    settle(tx, project, &rows)
}

/// Whether a project has one that came before `before_ms`.
pub fn has_before(tx: &mut Tx<'_>, project: i64, before_ms: i64) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM attachments WHERE project = $1 AND received_ms < $2 LIMIT 1";
    Ok(tx.first(sql, params![project, before_ms])?.is_some())
}

/// Whether a project has any.
pub fn has_any(tx: &mut Tx<'_>, project: i64) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM project_attachments WHERE project = $1 AND attachments > 0";
    Ok(tx.first(sql, params![project])?.is_some())
}

/// Deletes rows and takes them from the count. How many.
fn gone(tx: &mut Tx<'_>, which: &str, project: i64, values: &[bugle_db::Param<'_>]) -> Result<i64, DbError> {
    let rows = tx.query(&format!("DELETE FROM attachments WHERE {which} RETURNING stored_bytes"), values)?;
    Ok(settle(tx, project, &rows)?.0)
}

fn settle(tx: &mut Tx<'_>, project: i64, rows: &[Row]) -> Result<(i64, i64), DbError> {
    let mut bytes = 0;
    for row in rows {
        bytes += row.get::<i64>(0)?;
    }
    let removed = rows.len() as i64;
    if removed > 0 {
        count(tx, project, -removed, -bytes)?;
    }
    Ok((removed, bytes))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::outcome::{Category, Dialect};
    use crate::record::{Kind, Sender};

    /// An attachment as the door makes it.
    pub(crate) fn item(project: i64, id: EventId, name: &str, kind: &str, file: &[u8], now_ms: i64) -> Item {
        let (body, is_packed) = pack(file.to_vec());
        let about = About {
            name: name.into(),
            content_type: kind.into(),
            kind: "event.attachment".into(),
            bytes: file.len() as i64,
            sha1: [7; 20],
            is_packed,
        };
        let (dialect, category) = (Dialect::Sentry, Category::Attachment);
        Item {
            sender: Sender { dialect, category, project, key: 1, received_ms: now_ms },
            kind: Kind::Attachment,
            event_id: Some(id),
            about: serde_json::to_string(&about).expect("JSON"),
            body,
        }
    }

    #[test]
    fn what_the_journal_says_of_an_attachment_stays_readable() {
        let released = r#"{"name":"a","content_type":"b","kind":"c","bytes":3,"sha1":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,9],"is_packed":true}"#;
        let about: About = serde_json::from_str(released).expect("reads");
        assert_eq!((about.name.as_str(), about.bytes, about.sha1[19], about.is_packed), ("a", 3, 9, true));
    }

    #[test]
    fn a_file_is_packed_only_where_that_saves_something() {
        let text = b"a line of a log\n".repeat(100);
        let (body, is_packed) = pack(text.clone());
        assert!(is_packed && body.len() < 200);
        assert_eq!(unpack(body, true, text.len() as i64).expect("reads"), text);
        let noise: Vec<u8> =
            (0..4_000u32).flat_map(|n| xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes()).to_le_bytes()).collect();
        assert_eq!(pack(noise.clone()), (noise, false));
        assert_eq!(pack(Vec::new()), (Vec::new(), false));
    }
}
