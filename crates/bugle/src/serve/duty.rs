//! Duties: what a running server does by itself, beside filing and sending.

use crate::app::{App, Shared};
use crate::journals;
use crate::limit::watch::Watch;
use crate::monitor::overdue::Patrol;
use crate::retention::{Done, Retention, Round};
use crate::store::now_ms;
use bugle_db::DbError;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long after a start retention begins at the latest: a server that is started often must come to it.
const RETENTION_FIRST: Duration = Duration::from_secs(60);
/// Between two steps of retention: filing goes on meanwhile.
const RETENTION_BREATH: Duration = Duration::from_millis(20);
/// How long retention waits for what was acknowledged to be filed, before it removes exemplars.
const FILED_PATIENCE: Duration = Duration::from_secs(10);
/// A clock that is so far ahead of what retention reckons is told.
const CLOCK_AHEAD_MS: i64 = 86_400_000;

/// Writes the door's books, looks at the disk and at the limits, each second.
pub(super) async fn each_second(app: Shared, mut stop: watch::Receiver<bool>) {
    let (mut seen, mut patrol) = (Watch::default(), Patrol::default());
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            _ = stop.changed() => return,
        }
        write_books(&app).await;
        app.door.guard.look();
        if let Err(error) = seen.look(&app, now_ms()).await {
            tracing::error!(%error, "what is used of the limits could not be told; trying again");
        }
        if let Err(error) = patrol.look(&app, now_ms()).await {
            tracing::error!(%error, "monitors could not be looked at; trying again");
        }
    }
}

pub(super) async fn write_books(app: &App) {
    let entries = Arc::new(app.door.ledger.take());
    if entries.is_empty() {
        return;
    }
    let writing = Arc::clone(&entries);
    let result = app.store.write(move |tx| writing.write(tx)).await;
    if let Err(error) = result {
        tracing::error!(%error, "the ledger could not be written; trying again");
        match Arc::try_unwrap(entries) {
            Ok(entries) => app.door.ledger.put_back(entries),
            Err(_) => tracing::error!("a second of the ledger is lost"),
        }
    }
}

/// Notices what commands beside this server have changed.
pub(super) async fn refresh(app: Shared, mut stop: watch::Receiver<bool>) {
    let mut is_away = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(300)) => {}
            _ = stop.changed() => return,
        }
        // Said once: a database may be away for hours.
        match app.store.refresh().await {
            Ok(()) => is_away = false,
            Err(error) if !is_away => {
                tracing::error!(%error, "the settings could not be read again; those that are known stay in force");
                is_away = true;
            }
            Err(_) => {}
        }
    }
}

/// Runs retention, round after round, on a thread that may block.
pub(super) async fn retain(app: Shared, mut stop: watch::Receiver<bool>) {
    let every = Duration::from_secs(app.config.retention_every_s.unsigned_abs());
    let settings = app.config.retention();
    let mut retention = Retention::new(settings);
    let (mut wait, mut last, mut before) = (every.min(RETENTION_FIRST), Instant::now(), Done::default());
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.changed() => return,
        }
        wait = every;
        let (lived, now_ms) = (last.elapsed(), now_ms());
        last = Instant::now();
        let (shared, stopped) = (Arc::clone(&app), stop.clone());
        let round = tokio::task::spawn_blocking(move || {
            let result = round(&shared, &mut retention, now_ms, lived, &stopped);
            (retention, result)
        });
        let result = match round.await {
            Ok((same, result)) => {
                retention = same;
                result
            }
            Err(panic) => {
                tracing::error!(%panic, "a round of retention has ended early; another begins anew");
                retention = Retention::new(settings);
                continue;
            }
        };
        match result {
            Ok(done) => {
                report(done, before, now_ms);
                before = done;
            }
            Err(error) => {
                tracing::error!(%error, "what is too old or too much could not be removed; trying again later")
            }
        }
    }
}

fn round(
    app: &App,
    retention: &mut Retention,
    now_ms: i64,
    lived: Duration,
    stopped: &watch::Receiver<bool>,
) -> Result<Done, DbError> {
    let (journal, asked_ms) = (app.journal, now_ms);
    if app.backlog() == 0 {
        app.store.blocking().write_now(move |tx| journals::is_idle(tx, journal, asked_ms))?;
    }
    let has_filed = || {
        let (last, since) = (app.door.journal.last(), Instant::now());
        while app.filed.load(Ordering::Acquire) < last {
            if since.elapsed() > FILED_PATIENCE || *stopped.borrow() {
                return false;
            }
            std::thread::sleep(RETENTION_BREATH);
        }
        true
    };
    let mut breathe = || {
        std::thread::sleep(RETENTION_BREATH);
        !*stopped.borrow()
    };
    retention.round(Round {
        db: app.store.blocking(),
        now_ms,
        lived_ms: i64::try_from(lived.as_millis()).unwrap_or(i64::MAX),
        forget: &|ids| app.door.families.forget(ids),
        has_filed: &has_filed,
        breathe: &mut breathe,
    })
}

/// Says what an operator should know, once.
fn report(done: Done, before: Done, now_ms: i64) {
    if done.events + done.exemplars > 0 {
        tracing::info!(events = done.events, exemplars = done.exemplars, "removed by retention");
    }
    if done.is_over && !before.is_over {
        tracing::warn!(
            "the database is over store_bytes_max by its counters alone: events are not taken below half of the bound; raise it"
        );
    }
    let ahead_ms = now_ms - done.reckoned_ms;
    if ahead_ms > CLOCK_AHEAD_MS {
        tracing::warn!(
            hours = ahead_ms / 3_600_000,
            "the clock is far ahead of the last round of retention: it was set, or the server was off; age follows slowly"
        );
    }
}
