//! Duties: what a running server does by itself, beside filing and sending.

use crate::app::{App, Shared};
use crate::limit::watch::Watch;
use crate::retention;
use crate::store::now_ms;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Pages of the database that are given back to the disk at a time.
const GIVE_BACK_PAGES: u32 = 20_000;

/// Writes the door's books, looks at the disk and at the limits, each second.
pub(super) async fn each_second(app: Shared, mut stop: watch::Receiver<bool>) {
    let mut seen = Watch::default();
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
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(300)) => {}
            _ = stop.changed() => return,
        }
        if let Err(error) = app.store.refresh().await {
            tracing::error!(%error, "the settings could not be read again");
        }
    }
}

/// Removes what is over age, each hour, in steps with a breath between them, and gives its disk back.
pub(super) async fn retain(app: Shared, mut stop: watch::Receiver<bool>) {
    let days = app.config.retention_days;
    let mut wait = Duration::from_secs(60);
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.changed() => return,
        }
        wait = match app.store.write(move |tx| retention::step(tx, days, now_ms())).await {
            Ok(true) => Duration::from_millis(50),
            Ok(false) => {
                if let Err(error) = give_back(&app).await {
                    tracing::error!(%error, "disk could not be given back; trying again in an hour");
                }
                Duration::from_secs(3600)
            }
            Err(error) => {
                tracing::error!(%error, "what is over age could not be removed; trying again in an hour");
                Duration::from_secs(3600)
            }
        };
    }
}

/// Removes exemplars that have served, then gives free pages back to the disk.
async fn give_back(app: &App) -> anyhow::Result<()> {
    let days = app.config.retention_days;
    if app.backlog() == 0 {
        let ids = app.store.read(move |tx| retention::unneeded_exemplars(tx, days, now_ms())).await?;
        app.store.write(move |tx| retention::remove_exemplars(tx, &ids)).await?;
    }
    let store = app.store.clone();
    Ok(tokio::task::spawn_blocking(move || store.blocking().give_back(GIVE_BACK_PAGES)).await??)
}
