//! Storage: what events take on the disk, per issue and per project.
//!
//! Owns: the counters `issue_storage` and `project_exemplars`, and what is read from them. What a project may keep is in
//! [`bounds`]; who removes what is over is `retention`.
//!
//! **Invariants**
//! * For each issue and exemplar, `issue_storage` counts exactly the rows of `events` and the bytes of their payloads. Filing
//!   adds in its transaction ([`Kept`]), retention takes away in its own ([`Removed`](crate::retention::Removed)), an issue's
//!   deletion takes its rows along. A row that counts nothing is not there. So an exemplar without a row here is needed by no
//!   event, which nobody has to scan events for.
//! * `project_exemplars` counts exactly the rows of `exemplars`.
//! * `project_attachments` counts exactly the rows of `attachments` (`attachment`).
//! * `bugle check` recounts all of them.
//!
//! **What a size is.** The payloads as stored, [`ROW_BYTES`] for each event's row and index entries, and of a project its
//! exemplars and its attachments, of which each row takes as much. Counters of issues (people, tags, buckets) are not in it: they stay when events go.

pub mod bounds;

use bugle_db::{DbError, Row, Tx, params};
use std::collections::BTreeMap;

/// What an event takes beside its payload: its columns and its entries in indexes. Measured on a million rows.
pub const ROW_BYTES: i64 = 160;

/// What a batch adds, by issue and exemplar: events and bytes. In order, so that two processes lock rows in the same one.
#[derive(Debug, Default)]
pub struct Kept(BTreeMap<(i64, i64), (i64, i64)>);

impl Kept {
    /// One more event has a row.
    pub fn add(&mut self, issue: i64, exemplar: i64, payload: &[u8]) {
        let sum = self.0.entry((issue, exemplar)).or_default();
        *sum = (sum.0 + 1, sum.1 + payload.len() as i64);
    }

    /// Adds the sums to what was there.
    pub fn write(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        for (&(issue, exemplar), &(events, bytes)) in &self.0 {
            tx.execute(
                "INSERT INTO issue_storage (issue, exemplar, events, bytes) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (issue, exemplar) DO UPDATE SET \
                   events = issue_storage.events + excluded.events, bytes = issue_storage.bytes + excluded.bytes",
                params![issue, exemplar, events, bytes],
            )?;
        }
        Ok(())
    }
}

/// Counts exemplars that a project has gained, or lost (below 0).
pub fn count_exemplars(tx: &mut Tx<'_>, project: i64, exemplars: i64, bytes: i64) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO project_exemplars (project, exemplars, bytes) VALUES ($1, $2, $3) \
         ON CONFLICT (project) DO UPDATE SET \
           exemplars = project_exemplars.exemplars + excluded.exemplars, bytes = project_exemplars.bytes + excluded.bytes",
        params![project, exemplars, bytes],
    )
    .map(drop)
}

/// What there is of something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Rows of events.
    pub events: i64,
    /// Bytes of their payloads, as stored.
    pub payload_bytes: i64,
    /// Exemplars; 0 for an issue, which shares them.
    pub exemplars: i64,
    /// Bytes of their bodies, as stored.
    pub exemplar_bytes: i64,
    /// Attachments; 0 for an issue.
    pub attachments: i64,
    /// Bytes of their bodies, as stored.
    pub attachment_bytes: i64,
}

impl Size {
    /// What the events alone take, in bytes.
    pub fn event_bytes(self) -> i64 {
        self.payload_bytes + self.events * ROW_BYTES
    }

    /// What the attachments take, in bytes.
    pub fn attached_bytes(self) -> i64 {
        self.attachment_bytes + self.attachments * ROW_BYTES
    }

    /// What all of it takes, in bytes.
    pub fn bytes(self) -> i64 {
        self.event_bytes() + self.exemplar_bytes + self.attached_bytes()
    }
}

/// The size of an issue.
pub fn of_issue(tx: &mut Tx<'_>, issue: i64) -> Result<Size, DbError> {
    let row = tx.first(
        "SELECT CAST(COALESCE(SUM(events), 0) AS BIGINT), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) \
         FROM issue_storage WHERE issue = $1",
        params![issue],
    )?;
    row.map_or(Ok(Size::default()), |row| size(&row, 0))
}

/// The size of a project.
pub fn of_project(tx: &mut Tx<'_>, project: i64) -> Result<Size, DbError> {
    let events = tx.first(
        "SELECT CAST(COALESCE(SUM(s.events), 0) AS BIGINT), CAST(COALESCE(SUM(s.bytes), 0) AS BIGINT) \
         FROM issues i JOIN issue_storage s ON s.issue = i.id WHERE i.project = $1",
        params![project],
    )?;
    let mut size = events.map_or(Ok(Size::default()), |row| size(&row, 0))?;
    if let Some(row) =
        tx.first("SELECT exemplars, bytes FROM project_exemplars WHERE project = $1", params![project])?
    {
        (size.exemplars, size.exemplar_bytes) = (row.get(0)?, row.get(1)?);
    }
    if let Some(row) =
        tx.first("SELECT attachments, bytes FROM project_attachments WHERE project = $1", params![project])?
    {
        (size.attachments, size.attachment_bytes) = (row.get(0)?, row.get(1)?);
    }
    Ok(size)
}

/// The sizes of all projects that have anything.
pub fn of_projects(tx: &mut Tx<'_>) -> Result<BTreeMap<i64, Size>, DbError> {
    let mut sizes: BTreeMap<i64, Size> = BTreeMap::new();
    for row in tx.query(
        "SELECT CAST(SUM(s.events) AS BIGINT), CAST(SUM(s.bytes) AS BIGINT), i.project \
         FROM issue_storage s JOIN issues i ON i.id = s.issue GROUP BY i.project",
        &[],
    )? {
        sizes.insert(row.get(2)?, size(&row, 0)?);
    }
    for row in tx.query("SELECT project, exemplars, bytes FROM project_exemplars WHERE exemplars > 0", &[])? {
        let size = sizes.entry(row.get(0)?).or_default();
        (size.exemplars, size.exemplar_bytes) = (row.get(1)?, row.get(2)?);
    }
    for row in tx.query("SELECT project, attachments, bytes FROM project_attachments WHERE attachments > 0", &[])? {
        let size = sizes.entry(row.get(0)?).or_default();
        (size.attachments, size.attachment_bytes) = (row.get(1)?, row.get(2)?);
    }
    Ok(sizes)
}

/// An issue among the biggest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Big {
    /// Its id.
    pub issue: i64,
    /// The type of what was raised; empty for a message.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Events ever, kept or not.
    pub events: i64,
    /// What it takes now.
    pub size: Size,
}

/// The issues of a project that take the most, the biggest first.
pub fn biggest(tx: &mut Tx<'_>, project: i64, limit: i64) -> Result<Vec<Big>, DbError> {
    let rows = tx.query(
        "SELECT i.id, i.kind, i.title, i.events, s.events, s.bytes FROM \
           (SELECT n.issue AS issue, CAST(SUM(n.events) AS BIGINT) AS events, CAST(SUM(n.bytes) AS BIGINT) AS bytes \
            FROM issues o JOIN issue_storage n ON n.issue = o.id WHERE o.project = $1 GROUP BY n.issue) s \
         JOIN issues i ON i.id = s.issue ORDER BY s.bytes + s.events * $3 DESC, i.id LIMIT $2",
        params![project, limit, ROW_BYTES],
    )?;
    let big = |row: &Row| -> Result<Big, DbError> {
        Ok(Big { issue: row.get(0)?, kind: row.get(1)?, title: row.get(2)?, events: row.get(3)?, size: size(row, 4)? })
    };
    rows.iter().map(big).collect()
}

/// Events and payload bytes, from two columns.
fn size(row: &Row, first: usize) -> Result<Size, DbError> {
    Ok(Size { events: row.get(first)?, payload_bytes: row.get(first + 1)?, ..Size::default() })
}
