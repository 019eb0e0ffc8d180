//! Delivery: due rows of the outbox leave, one after the other, with retries.
//!
//! A row is written with its event and is `waiting` until it is `sent` or has `failed` for good: after a final answer,
//! or after the last try of a day. A row whose answer was not written down before a crash is sent once more, with the
//! same delivery id, so that a receiver can tell; a notice lost would be worse. Several servers on one database
//! take rows by a lease (`next_ms` moves ahead before sending), so each is sent by one of them.

use super::send::{Sender, Target, backoff_ms};
use super::{Notice, SendError, target};
use crate::app::Shared;
use crate::store::now_ms;
use bugle_db::{DbError, Tx, params};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// How long a row is taken for: longer than the slowest exchange.
const LEASE_MS: i64 = 120_000;
/// How often the outbox is looked at when nobody rings.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Rows taken at a time.
const TAKEN_MAX: i64 = 20;

/// Rings when filing has written something.
pub type Bell = Arc<Notify>;

struct Due {
    id: i64,
    target: i64,
    attempts: i64,
    notice: String,
}

/// Sends what is due until `stop` turns true.
pub async fn run(app: Shared, sender: Arc<Sender>, bell: Bell, mut stop: watch::Receiver<bool>) {
    loop {
        match app.store.write(move |tx| take(tx, now_ms())).await {
            Ok(due) if !due.is_empty() => {
                for row in due {
                    deliver(&app, &sender, row).await;
                    if *stop.borrow() {
                        return;
                    }
                }
                continue;
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the outbox could not be read"),
        }
        tokio::select! {
            () = bell.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.changed() => return,
        }
    }
}

/// Takes due rows by moving their next try ahead.
fn take(tx: &mut Tx<'_>, now_ms: i64) -> Result<Vec<Due>, DbError> {
    let rows = tx.query(
        "SELECT id, target, attempts, notice FROM outbox WHERE state = 'waiting' AND next_ms <= $1 \
         ORDER BY next_ms, id LIMIT $2",
        params![now_ms, TAKEN_MAX],
    )?;
    let mut due = Vec::with_capacity(rows.len());
    for row in &rows {
        let row = Due { id: row.get(0)?, target: row.get(1)?, attempts: row.get(2)?, notice: row.get(3)? };
        let taken = tx.execute(
            "UPDATE outbox SET next_ms = $2 WHERE id = $1 AND state = 'waiting' AND next_ms <= $3",
            params![row.id, now_ms + LEASE_MS, now_ms],
        )?;
        if taken > 0 {
            due.push(row);
        }
    }
    Ok(due)
}

async fn deliver(app: &Shared, sender: &Sender, due: Due) {
    let answer = match (serde_json::from_str::<Notice>(&due.notice), address(app, due.target).await) {
        (Ok(notice), Ok(Some(address))) => sender.send(&address, &due.id.to_string(), &notice).await,
        (_, Ok(None)) => Err(SendError::last("The target was deleted or switched off before this could be sent.")),
        (_, Err(error)) => Err(SendError::again(format!("The target could not be read: {error}"))),
        (Err(error), _) => Err(SendError::last(format!("The notice cannot be read: {error}"))),
    };
    if let Err(error) = app.store.write(move |tx| settle(tx, &due, answer, now_ms())).await {
        tracing::error!(%error, "what became of a notice could not be written down; it will be sent again");
    }
}

async fn address(app: &Shared, target: i64) -> Result<Option<Target>, DbError> {
    let seal = Arc::clone(&app.seal);
    app.store.read(move |tx| target::address(tx, &seal, target)).await
}

fn settle(tx: &mut Tx<'_>, due: &Due, answer: Result<String, SendError>, now_ms: i64) -> Result<(), DbError> {
    let attempts = due.attempts + 1;
    let next_ms = backoff_ms(u32::try_from(attempts).unwrap_or(u32::MAX), due.id as u64);
    let (state, next_ms, text) = match answer {
        Ok(text) => ("sent", now_ms, text),
        Err(SendError { retry: true, text }) if next_ms.is_some() => {
            ("waiting", now_ms + next_ms.unwrap_or_default(), text)
        }
        Err(SendError { text, .. }) => ("failed", now_ms, text),
    };
    let done_ms = (state != "waiting").then_some(now_ms);
    tx.execute(
        "UPDATE outbox SET state = $2, attempts = $3, next_ms = $4, done_ms = $5, answer = $6 WHERE id = $1",
        params![due.id, state, attempts, next_ms, done_ms, &text],
    )
    .map(drop)
}
