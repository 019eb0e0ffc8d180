//! What became of one event: "why is my event missing?"
//!
//! Owns: the search for an id in every place where one may be. In this order, so that nothing slips through between
//! two looks: what waits in the journal is read first; if it is filed meanwhile, the database has it. What is nowhere
//! is answered with how far back each place remembers ([`Fate::Unknown`]), so that something can be concluded.

use crate::app::App;
use crate::outcome::Reason;
use crate::record::{Entry, Record};
use bugle_db::{DbError, Tx, params};
use bugle_event::EventId;
use std::sync::atomic::Ordering;

/// Bytes of the journal that one search reads.
const JOURNAL_BYTES_MAX: usize = 64 << 20;
/// Bytes read from it at a time.
const READ_BYTES_MAX: usize = 4 << 20;

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is in the database.
    Stored {
        /// Its issue.
        issue: i64,
        /// When it came, Unix ms.
        received_ms: i64,
        /// How often it came again within the last day.
        repeats: i64,
    },
    /// It was counted in its issue, and its payload was not kept.
    Capped {
        /// Its issue; `None` when that was deleted since.
        issue: Option<i64>,
        /// When it came, Unix ms.
        received_ms: i64,
        /// How often it came again within the last day.
        repeats: i64,
    },
    /// It could not be filed and is kept apart.
    Quarantined {
        /// When that was, Unix ms.
        at_ms: i64,
        /// Why.
        error: String,
    },
    /// It is durable in the journal and not yet filed.
    Waiting {
        /// When it came, Unix ms.
        received_ms: i64,
        /// How many records are before it.
        ahead: i64,
    },
    /// It was refused at the door.
    Refused {
        /// Why.
        reason: Reason,
        /// When, Unix ms.
        at_ms: i64,
    },
    /// It is in another project of the same organization.
    Elsewhere {
        /// That project's slug.
        slug: String,
        /// That project's name.
        name: String,
        /// Its issue.
        issue: i64,
    },
    /// There is no trace of it.
    Unknown {
        /// Since when refusals are remembered, Unix ms.
        refusals_since_ms: i64,
        /// Whether all of the journal was looked through.
        is_journal_read: bool,
    },
}

/// What became of the event with this id in this project.
pub async fn of(app: &App, organization: i64, project: i64, id: EventId) -> Result<Fate, DbError> {
    let filed = app.filed.load(Ordering::Acquire);
    let journal = app.door.journal.clone();
    let waiting = match app.backlog() {
        0 => Ok(Search::default()),
        _ => tokio::task::spawn_blocking(move || search(&journal, filed, project, id))
            .await
            .unwrap_or_else(|_| Err(bugle_journal::JournalError::Poisoned("the search for an event panicked".into()))),
    };
    let waiting = waiting.map_err(|error| DbError::Failed(format!("the journal cannot be read: {error}")))?;
    if let Some(fate) = app.store.read(move |tx| in_database(tx, project, id)).await? {
        return Ok(fate);
    }
    if let Some((received_ms, ahead)) = waiting.found {
        return Ok(Fate::Waiting { received_ms, ahead });
    }
    if let Some((reason, at_ms)) = app.door.turned_away.find(project, id) {
        return Ok(Fate::Refused { reason, at_ms });
    }
    let elsewhere = app.store.read(move |tx| in_other_projects(tx, organization, project, id)).await?;
    Ok(elsewhere.unwrap_or(Fate::Unknown {
        refusals_since_ms: app.door.turned_away.since_ms(),
        is_journal_read: !waiting.is_cut,
    }))
}

#[derive(Default)]
struct Search {
    /// When it came and how many stand before it.
    found: Option<(i64, i64)>,
    /// Whether there was more to read than is read for one question.
    is_cut: bool,
}

fn search(
    journal: &bugle_journal::Journal,
    filed: bugle_journal::Position,
    project: i64,
    id: EventId,
) -> Result<Search, bugle_journal::JournalError> {
    let (mut after, mut bytes) = (filed, 0);
    loop {
        let records = journal.read(after, READ_BYTES_MAX)?;
        let Some((last, _)) = records.last() else { return Ok(Search::default()) };
        let last = *last;
        for (position, body) in &records {
            bytes += body.len();
            let is_asked_for = |record: &Record| (record.project, record.event_id) == (project, id);
            if let Some(Entry::Event(record)) = Entry::read(body)
                && is_asked_for(&record)
            {
                let ahead = position - filed - 1;
                return Ok(Search { found: Some((record.received_ms, ahead)), is_cut: false });
            }
        }
        if bytes > JOURNAL_BYTES_MAX {
            return Ok(Search { found: None, is_cut: true });
        }
        after = last;
    }
}

fn in_database(tx: &mut Tx<'_>, project: i64, id: EventId) -> Result<Option<Fate>, DbError> {
    let place = params![project, &id.0];
    let repeats = match tx.first("SELECT times FROM repeats WHERE project = $1 AND event_id = $2", place)? {
        Some(row) => row.get(0)?,
        None => 0,
    };
    let stored = tx.first("SELECT issue, received_ms FROM events WHERE project = $1 AND event_id = $2", place)?;
    if let Some(row) = stored {
        return Ok(Some(Fate::Stored { issue: row.get(0)?, received_ms: row.get(1)?, repeats }));
    }
    let capped = tx.first(
        "SELECT i.id, c.at_ms FROM capped_events c LEFT JOIN issues i ON i.id = c.issue \
         WHERE c.project = $1 AND c.event_id = $2",
        place,
    )?;
    if let Some(row) = capped {
        return Ok(Some(Fate::Capped { issue: row.get(0)?, received_ms: row.get(1)?, repeats }));
    }
    let aside = tx.first(
        "SELECT at_ms, error FROM quarantine WHERE project = $1 AND event_id = $2 ORDER BY position DESC LIMIT 1",
        place,
    )?;
    aside.map(|row| Ok(Fate::Quarantined { at_ms: row.get(0)?, error: row.get(1)? })).transpose()
}

fn in_other_projects(tx: &mut Tx<'_>, organization: i64, project: i64, id: EventId) -> Result<Option<Fate>, DbError> {
    let row = tx.first(
        "SELECT p.slug, p.name, e.issue FROM projects p JOIN events e ON e.project = p.id AND e.event_id = $3 \
         WHERE p.organization = $1 AND p.id <> $2 ORDER BY e.id DESC LIMIT 1",
        params![organization, project, &id.0],
    )?;
    row.map(|row| Ok(Fate::Elsewhere { slug: row.get(0)?, name: row.get(1)?, issue: row.get(2)? })).transpose()
}

/// A record that could not be filed, for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Where it stood in the journal.
    pub position: i64,
    /// When it was put aside, Unix ms.
    pub at_ms: i64,
    /// Why.
    pub error: String,
    /// How long it is.
    pub bytes: i64,
    /// Its project's name, when the record says so and it is there.
    pub project: Option<String>,
}

/// The newest records that were put aside, and how many there are.
pub fn quarantined(tx: &mut Tx<'_>, limit: i64) -> Result<(Vec<Aside>, i64), DbError> {
    let rows = tx.query(
        "SELECT q.position, q.at_ms, q.error, CAST(LENGTH(q.body) AS BIGINT), p.name FROM quarantine q \
         LEFT JOIN projects p ON p.id = q.project ORDER BY q.position DESC LIMIT $1",
        params![limit],
    )?;
    let aside = |row: &bugle_db::Row| {
        Ok(Aside {
            position: row.get(0)?,
            at_ms: row.get(1)?,
            error: row.get(2)?,
            bytes: row.get(3)?,
            project: row.get(4)?,
        })
    };
    let count = tx.one("SELECT COUNT(*) FROM quarantine", &[])?;
    Ok((rows.iter().map(aside).collect::<Result<_, DbError>>()?, count))
}
