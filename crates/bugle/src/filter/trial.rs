//! The dry run: what filters would have dropped of the events that are stored.
//!
//! Events are looked at newest first, a few at a time, each step on a snapshot of its own, so that readers of pages are not
//! held up. It ends with the days that were asked for, after [`EVENTS_MAX`] events or after [`TIME_MAX`], and says how far it
//! came. It cannot know what is not there: events that a filter has dropped already or that were only counted, what
//! scrubbing has taken out, and addresses that were not stored.

use crate::app::App;
use crate::issue::short_id;
use crate::payload;
use crate::storage;
use bugle_db::{DbError, Tx, params};
use bugle_event::filter::Filters;
use bugle_event::{Event, EventId, title};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// The most days that are looked back.
pub const DAYS_MAX: i64 = 14;
/// How many unless it is said.
pub const DAYS_USUAL: i64 = 7;
/// The most events that are looked at.
pub const EVENTS_MAX: i64 = 20_000;
/// The longest that it takes: a person waits for it.
const TIME_MAX: Duration = Duration::from_secs(10);
/// Rows of all projects that one step passes.
const STEP_ROWS: i64 = 200;
/// Dropped events that are listed.
const LISTED_MAX: usize = 20;
/// Issues that are listed.
pub const ISSUES_MAX: usize = 20;
/// Exemplars that are remembered from step to step: one each for the usual kinds of events.
const EXEMPLARS_MAX: usize = 64;
/// The longest title that is listed, in characters.
const TITLE_CHARS_MAX: usize = 160;

const DAY_MS: i64 = 86_400_000;

/// Who may run one: two at a time, so that a reader is left for pages.
pub struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Turns {
        Turns(Semaphore::new(2))
    }
}

/// What a dry run came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How many days were asked for.
    pub days: i64,
    /// Events that were looked at.
    pub looked: i64,
    /// Events of the project that are stored, of any age.
    pub stored: i64,
    /// When the oldest event that was looked at came, Unix ms; none when there was none.
    pub reached_ms: Option<i64>,
    /// Whether all of those days was looked at.
    pub is_whole: bool,
    /// Events that could not be read.
    pub unread: i64,
    /// Events that would have been dropped.
    pub dropped: i64,
    /// The newest of them.
    pub events: Vec<Hit>,
    /// The issues that they are of, the most first.
    pub issues: Vec<Issue>,
    /// In how many issues they are.
    pub issues_count: i64,
}

/// An event that would have been dropped.
#[derive(Debug, Clone)]
pub struct Hit {
    /// Its issue.
    pub issue: i64,
    /// Its id.
    pub event_id: EventId,
    /// When it came, Unix ms.
    pub received_ms: i64,
    /// What it says.
    pub title: String,
}

/// An issue with events that would have been dropped.
#[derive(Debug, Clone)]
pub struct Issue {
    /// Its id.
    pub id: i64,
    /// Its short id.
    pub short_id: String,
    /// Its type and title.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Events that would have been dropped.
    pub dropped: i64,
    /// Events in all.
    pub events: i64,
}

/// Runs `filters` over the events of a project.
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence when others are running.
pub async fn run(app: &App, project: i64, filters: Filters, days: i64, now_ms: i64) -> Result<Report, DbError> {
    run_within(app, project, filters, days, now_ms, EVENTS_MAX).await
}

/// [`run`] with another bound of events; one step more may be looked at.
pub async fn run_within(
    app: &App,
    project: i64,
    filters: Filters,
    days: i64,
    now_ms: i64,
    events_max: i64,
) -> Result<Report, DbError> {
    let busy = || DbError::Abandoned("Other dry runs are going on. Try again in some seconds.".into());
    let turn = tokio::time::timeout(TIME_MAX, app.trials.0.acquire()).await;
    let _turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
    let (started, filters) = (Instant::now(), Arc::new(filters));
    let days = days.clamp(1, DAYS_MAX);
    let mut walk = Walk {
        project,
        since_ms: now_ms - days * DAY_MS,
        next: app.store.read(|tx| tx.one("SELECT COALESCE(MAX(id), 0) FROM events", &[])).await?,
        report: Report { days, is_whole: true, ..Report::default() },
        by_issue: HashMap::new(),
        exemplars: HashMap::new(),
    };
    while walk.next > 0 {
        if walk.report.looked >= events_max || started.elapsed() > TIME_MAX {
            walk.report.is_whole = false;
            break;
        }
        let filters = Arc::clone(&filters);
        walk = app.store.read(move |tx| walk.step(tx, &filters)).await?;
    }
    app.store.read(move |tx| walk.finish(tx)).await
}

/// How far it is.
struct Walk {
    project: i64,
    since_ms: i64,
    /// The next row, downwards; 0: it is over.
    next: i64,
    report: Report,
    by_issue: HashMap<i64, i64>,
    exemplars: HashMap<i64, Arc<Vec<u8>>>,
}

impl Walk {
    fn step(mut self, tx: &mut Tx<'_>, filters: &Filters) -> Result<Walk, DbError> {
        let until = (self.next - STEP_ROWS).max(0);
        // The plus keeps the engine from sorting all of a project: rows come in the order of their ids.
        let rows = tx.query(
            "SELECT id, event_id, issue, received_ms, exemplar, payload FROM events \
             WHERE id <= $1 AND id > $2 AND + project = $3 ORDER BY id DESC",
            params![self.next, until, self.project],
        )?;
        self.next = until;
        for row in &rows {
            let received_ms: i64 = row.get(3)?;
            // Rows are numbered by filing, which follows receipt, but for what waited in a journal.
            if received_ms < self.since_ms - DAY_MS {
                self.next = 0;
                break;
            }
            if received_ms < self.since_ms {
                continue;
            }
            self.report.looked += 1;
            self.report.reached_ms = Some(received_ms);
            let exemplar = self.exemplar(tx, row.get(4)?)?;
            let json =
                exemplar.and_then(|exemplar| payload::expand(&row.get::<Vec<u8>>(5).ok()?, Some(&exemplar)).ok());
            let Some(json) = json.and_then(|json| String::from_utf8(json).ok()) else {
                self.report.unread += 1;
                continue;
            };
            let event = Event::stored(&json);
            if filters.judge(&event, None).is_some() {
                let hit = (EventId(row.get(1)?), row.get(2)?, received_ms);
                self.count(&event, hit);
            }
        }
        Ok(self)
    }

    fn count(&mut self, event: &Event<'_>, (event_id, issue, received_ms): (EventId, i64, i64)) {
        self.report.dropped += 1;
        *self.by_issue.entry(issue).or_default() += 1;
        if self.report.events.len() < LISTED_MAX {
            let title = title::title(event).text.chars().take(TITLE_CHARS_MAX).collect();
            self.report.events.push(Hit { issue, event_id, received_ms, title });
        }
    }

    fn exemplar(&mut self, tx: &mut Tx<'_>, id: i64) -> Result<Option<Arc<Vec<u8>>>, DbError> {
        if let Some(known) = self.exemplars.get(&id) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(row) = tx.first("SELECT body FROM exemplars WHERE id = $1", params![id])? else { return Ok(None) };
        let Ok(json) = payload::expand(&row.get::<Vec<u8>>(0)?, None) else { return Ok(None) };
        if self.exemplars.len() >= EXEMPLARS_MAX {
            self.exemplars.clear();
        }
        let json = Arc::new(json);
        self.exemplars.insert(id, Arc::clone(&json));
        Ok(Some(json))
    }

    fn finish(self, tx: &mut Tx<'_>) -> Result<Report, DbError> {
        let mut report = self.report;
        report.stored = storage::of_project(tx, self.project)?.events;
        report.issues_count = self.by_issue.len() as i64;
        let mut most: Vec<(i64, i64)> = self.by_issue.into_iter().collect();
        most.sort_by_key(|(id, dropped)| (-dropped, *id));
        for (id, dropped) in most.into_iter().take(ISSUES_MAX) {
            let row = tx.first(
                "SELECT i.number, i.kind, i.title, i.events, p.slug FROM issues i JOIN projects p ON p.id = i.project \
                 WHERE i.id = $1",
                params![id],
            )?;
            let Some(row) = row else { continue };
            let short_id = short_id(&row.get::<String>(4)?, row.get(0)?);
            report.issues.push(Issue {
                id,
                short_id,
                kind: row.get(1)?,
                title: row.get(2)?,
                dropped,
                events: row.get(3)?,
            });
        }
        Ok(report)
    }
}
