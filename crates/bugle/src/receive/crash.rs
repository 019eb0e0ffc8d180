//! Crashes at the door: reading a report takes its time and may go wrong, so it is done on a thread that may wait, for a
//! few requests at a time, within a bound of time, and a panic costs that report alone.
//!
//! What is known when reading failed is an event all the same: that a process crashed.

use super::attachment::{self, File};
use crate::app::App;
use crate::crash::{self, Part, is_part};
use crate::project::Key;
use bugle_event::envelope::{Envelope, Item};
use bugle_event::json::Object;
use std::borrow::Cow;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Reports that are read at a time: each may hold a few copies of a body in memory.
static READERS: Semaphore = Semaphore::const_new(2);
/// How long a request waits for its report to be read. A dump of 64 MiB takes well under a second.
const READ_MAX: Duration = Duration::from_secs(20);

/// Runs `read` as the module comment says. `None`: it panicked, or took too long.
pub(super) async fn reading<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let run = async {
        let permit = READERS.acquire().await.ok()?;
        let thread = tokio::task::spawn_blocking(move || {
            // Held by the thread: one that is not done yet goes on counting when nobody waits for it any more.
            let _permit = permit;
            read()
        });
        thread.await.ok()
    };
    let read = tokio::time::timeout(READ_MAX, run).await.ok().flatten();
    if read.is_none() {
        tracing::error!("reading a crash report panicked or took too long");
    }
    read
}

/// Sentence for a report that could not be read.
const UNREAD: &str = "The crash report could not be read.";

/// The event of an envelope that has parts of a crash, as JSON; `None`: it has none.
pub(super) async fn of_envelope(app: &App, key: &Key, received_ms: i64, envelope: &Envelope<'_>) -> Option<Vec<u8>> {
    let files = || attachment::of_envelope(envelope).filter(|file| is_part(&file.kind));
    let kind = files().next()?.kind.into_owned();
    let event = envelope.items.iter().find(|item| item.kind == "event").map_or(&[][..], |item| item.payload).to_vec();
    // One that will be refused need not be read.
    if !app.door.limits.closed(&app.store.limits(), key, received_ms).is_empty() {
        return Some(crash::unread(&event, &kind, UNREAD));
    }
    let parts: Vec<Part> = files().map(part).collect();
    let sent = event.clone();
    let read = reading(move || crash::event(&sent, &parts)).await;
    Some(read.unwrap_or_else(|| crash::unread(&event, &kind, UNREAD)))
}

fn part(file: File<'_>) -> Part {
    Part { kind: file.kind.into_owned(), body: file.body.into_owned() }
}

/// The envelope with this event in the place of its own.
pub(super) fn with<'b>(mut envelope: Envelope<'b>, event: &'b [u8]) -> Envelope<'b> {
    match envelope.items.iter_mut().find(|item| item.kind == "event") {
        Some(item) => item.payload = event,
        None => envelope.items.insert(0, of_event(event)),
    }
    envelope
}

/// An item that is an event.
pub(super) fn of_event(payload: &[u8]) -> Item<'_> {
    Item { kind: Cow::Borrowed("event"), headers: Object::default(), payload }
}
