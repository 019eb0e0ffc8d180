//! Stored events: finding one, its neighbours, and its JSON.
//!
//! Written by `file` alone. Within an issue events are ordered by their own time, then by the order of filing.

use crate::payload;
use bugle_db::{DbError, Param, Row, Tx, params};
use bugle_event::EventId;

/// A stored event with its JSON.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its number on this server, in the order of filing.
    pub id: i64,
    /// The id that its SDK gave it.
    pub event_id: EventId,
    /// Its project.
    pub project: i64,
    /// Its issue.
    pub issue: i64,
    /// When it came, Unix ms.
    pub received_ms: i64,
    /// When it happened, Unix ms.
    pub timestamp_ms: i64,
    /// The event in Sentry's schema (`bugle_event::Event::stored` reads it).
    pub json: String,
}

/// Which event of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The newest.
    Newest,
    /// The oldest.
    Oldest,
    /// The one with this id.
    Id(EventId),
}

const COLUMNS: &str = "e.id, e.event_id, e.project, e.issue, e.received_ms, e.timestamp_ms, e.payload, x.body \
     FROM events e JOIN exemplars x ON x.id = e.exemplar";

fn stored(row: &Row) -> Result<Stored, DbError> {
    let damaged = |error: std::io::Error| DbError::Failed(format!("an event cannot be read: {error}"));
    let exemplar = payload::expand(&row.get::<Vec<u8>>(7)?, None).map_err(damaged)?;
    let json = payload::expand(&row.get::<Vec<u8>>(6)?, Some(&exemplar)).map_err(damaged)?;
    Ok(Stored {
        id: row.get(0)?,
        event_id: EventId(row.get(1)?),
        project: row.get(2)?,
        issue: row.get(3)?,
        received_ms: row.get(4)?,
        timestamp_ms: row.get(5)?,
        json: String::from_utf8(json).map_err(|_| DbError::Failed("an event is not UTF-8".into()))?,
    })
}

/// One event of an issue.
pub fn of_issue(tx: &mut Tx<'_>, issue: i64, which: Which) -> Result<Option<Stored>, DbError> {
    let row = match which {
        Which::Newest => tx.first(
            &format!("SELECT {COLUMNS} WHERE e.issue = $1 ORDER BY e.timestamp_ms DESC, e.id DESC LIMIT 1"),
            params![issue],
        )?,
        Which::Oldest => tx.first(
            &format!("SELECT {COLUMNS} WHERE e.issue = $1 ORDER BY e.timestamp_ms, e.id LIMIT 1"),
            params![issue],
        )?,
        Which::Id(id) => tx.first(
            &format!(
                "SELECT {COLUMNS} WHERE e.issue = $1 AND e.event_id = $2 \
                 AND e.project = (SELECT project FROM issues WHERE id = $1)"
            ),
            params![issue, &id.0],
        )?,
    };
    row.as_ref().map(stored).transpose()
}

/// The event of a project with this id.
pub fn of_project(tx: &mut Tx<'_>, project: i64, id: EventId) -> Result<Option<Stored>, DbError> {
    let sql = format!("SELECT {COLUMNS} WHERE e.project = $1 AND e.event_id = $2");
    tx.first(&sql, params![project, &id.0])?.as_ref().map(stored).transpose()
}

/// Events of an issue, newest first, from `offset` on.
pub fn list(tx: &mut Tx<'_>, issue: i64, offset: i64, limit: i64) -> Result<Vec<Stored>, DbError> {
    let sql = format!("SELECT {COLUMNS} WHERE e.issue = $1 ORDER BY e.timestamp_ms DESC, e.id DESC LIMIT $2 OFFSET $3");
    tx.query(&sql, params![issue, limit, offset])?.iter().map(stored).collect()
}

/// Events of a project, newest first, from `offset` on.
pub fn list_of_project(tx: &mut Tx<'_>, project: i64, offset: i64, limit: i64) -> Result<Vec<Stored>, DbError> {
    let sql = format!("SELECT {COLUMNS} WHERE e.project = $1 ORDER BY e.id DESC LIMIT $2 OFFSET $3");
    tx.query(&sql, params![project, limit, offset])?.iter().map(stored).collect()
}

/// The ids of the next older and the next newer event of the same issue.
pub fn neighbours(tx: &mut Tx<'_>, event: &Stored) -> Result<(Option<EventId>, Option<EventId>), DbError> {
    let place = params![event.issue, event.timestamp_ms, event.id];
    let older = tx.first(
        "SELECT event_id FROM events WHERE issue = $1 AND (timestamp_ms < $2 OR (timestamp_ms = $2 AND id < $3)) \
         ORDER BY timestamp_ms DESC, id DESC LIMIT 1",
        place,
    )?;
    let newer = tx.first(
        "SELECT event_id FROM events WHERE issue = $1 AND (timestamp_ms > $2 OR (timestamp_ms = $2 AND id > $3)) \
         ORDER BY timestamp_ms, id LIMIT 1",
        place,
    )?;
    let id = |row: Option<Row>| row.map(|row| row.get(0).map(EventId)).transpose();
    Ok((id(older)?, id(newer)?))
}

/// The stored body of an exemplar.
pub fn exemplar(tx: &mut Tx<'_>, id: i64) -> Result<Option<Vec<u8>>, DbError> {
    tx.first("SELECT body FROM exemplars WHERE id = $1", params![id])?.map(|row| row.get(0)).transpose()
}

/// An exemplar for the door: family, id, when it was made, stored body.
pub type YoungExemplar = (i64, i64, i64, Vec<u8>);

/// The newest exemplars made since `since_ms`, at most `limit`: what the door begins with.
pub fn young_exemplars(tx: &mut Tx<'_>, since_ms: i64, limit: i64) -> Result<Vec<YoungExemplar>, DbError> {
    let rows = tx.query(
        "SELECT family, id, created_ms, body FROM exemplars WHERE created_ms >= $1 ORDER BY created_ms DESC LIMIT $2",
        params![since_ms, limit],
    )?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).collect()
}

/// The event with this id, in whichever project of an organization.
pub fn of_organization(tx: &mut Tx<'_>, organization: i64, id: EventId) -> Result<Option<Stored>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} WHERE e.event_id = $2 AND e.project IN (SELECT id FROM projects WHERE organization = $1) \
         ORDER BY e.id DESC LIMIT 1"
    );
    tx.first(&sql, params![organization, &id.0])?.as_ref().map(stored).transpose()
}

/// Which events a list shows, all of one issue or one project, newest first.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only of this issue. Ordered by their own time then, else by the order of filing.
    pub issue: Option<i64>,
    /// Only of this project.
    pub project: Option<i64>,
    /// Only in these environments, by name; empty: all.
    pub environments: Vec<String>,
    /// Only at or after, Unix ms.
    pub since_ms: Option<i64>,
    /// Only before, Unix ms.
    pub until_ms: Option<i64>,
}

/// Calls `show` with up to `limit` events from `offset` on, reading one at a time: a page of large events must not
/// lie in memory at once. Says whether there are more.
pub fn each(
    tx: &mut Tx<'_>,
    selection: &Selection,
    offset: i64,
    limit: i64,
    mut show: impl FnMut(Stored),
) -> Result<bool, DbError> {
    let mut sql = String::from("SELECT e.id FROM events e WHERE 1 = 1");
    let mut values: Vec<Param<'_>> = Vec::new();
    let numbers = [
        ("e.issue =", selection.issue),
        ("e.project =", selection.project),
        ("e.timestamp_ms >=", selection.since_ms),
        ("e.timestamp_ms <", selection.until_ms),
    ];
    for (condition, number) in numbers {
        if let Some(number) = number {
            values.push(number.into());
            sql.push_str(&format!(" AND {condition} ${}", values.len()));
        }
    }
    if !selection.environments.is_empty() {
        let first = values.len() + 1;
        values.extend(selection.environments.iter().map(Param::from));
        let places: Vec<String> = (first..=values.len()).map(|at| format!("${at}")).collect();
        let names = places.join(", ");
        sql.push_str(&format!(" AND e.environment IN (SELECT id FROM environments WHERE name IN ({names}))"));
    }
    let order = if selection.issue.is_some() { "e.timestamp_ms DESC, e.id DESC" } else { "e.id DESC" };
    let at = values.len();
    sql.push_str(&format!(" ORDER BY {order} LIMIT ${} OFFSET ${}", at + 1, at + 2));
    values.extend([Param::Int(limit + 1), Param::Int(offset)]);
    let ids: Vec<i64> = tx.query(&sql, &values)?.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    for id in ids.iter().take(limit as usize) {
        let row = tx.first(&format!("SELECT {COLUMNS} WHERE e.id = $1"), params![*id])?;
        if let Some(row) = row {
            show(stored(&row)?);
        }
    }
    Ok(ids.len() as i64 > limit)
}

/// The keys by which an event was grouped, in their order; by its number on this server.
pub fn keys(tx: &mut Tx<'_>, id: i64) -> Result<Vec<[u8; 16]>, DbError> {
    let sql = "SELECT g.keys FROM events e JOIN groupings g ON g.id = e.grouping_id WHERE e.id = $1";
    let Some(row) = tx.first(sql, params![id])? else { return Ok(Vec::new()) };
    Ok(keys_of(&row.get::<Vec<u8>>(0)?))
}

/// The keys in a row of `groupings`: the version, then for each key a byte of kind and 16 of hash.
pub fn keys_of(bytes: &[u8]) -> Vec<[u8; 16]> {
    let keys = &bytes[bytes.len() % 17..];
    keys.chunks_exact(17).filter_map(|key| key[1..].try_into().ok()).collect()
}
