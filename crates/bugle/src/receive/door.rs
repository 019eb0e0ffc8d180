//! The door: who may send, and the way into the journal.
//!
//! Owns: everything that receiving shares between requests. One door per process.

use super::OnItsWay;
use super::Parcel;
use super::families::Families;
use super::guard::{self, Guard};
use super::ledger::{Ledger, Received};
use super::limits::{Limits, Place};
use super::reply::Refusal;
use super::turned_away::TurnedAway;
use crate::file::{Piece, Work};
use crate::metrics::Metrics;
use crate::outcome::{Outcome, Reason};
use crate::process::Backlog;
use crate::project::Key;
use crate::store::Store;
use axum::http::StatusCode;
use bugle_journal::{Journal, JournalError};
use std::sync::Arc;
use tokio::sync::oneshot;

/// See the module comment.
pub struct Door {
    /// Where records go.
    pub journal: Journal,
    /// What waits to be filed.
    pub backlog: Arc<Backlog>,
    /// What payloads are compressed against.
    pub families: Arc<Families>,
    /// What keys, projects and organizations may.
    pub limits: Arc<Limits>,
    /// What the server may.
    pub guard: Arc<Guard>,
    /// The books.
    pub ledger: Ledger,
    /// The ids of events that were refused lately.
    pub turned_away: TurnedAway,
    /// Who counts.
    pub metrics: Arc<Metrics>,
}

/// Why a key does not let in.
pub struct NoEntry {
    /// What to answer.
    pub refusal: Refusal,
    /// What to count.
    pub reason: Reason,
}

impl Door {
    /// The key with this public part, if it may send to this project (`None`: the one it belongs to).
    pub fn admit(&self, store: &Store, public: &str, project: Option<i64>) -> Result<(Key, i64), NoEntry> {
        let refuse = |detail: String| NoEntry {
            refusal: Refusal::new(StatusCode::FORBIDDEN, detail),
            reason: Reason::UnknownKey,
        };
        let keys = store.keys();
        let Some((key, organization)) = keys.get(public) else {
            return Err(refuse(format!("The key is not known{}.", nearest(&keys, public, project))));
        };
        if project.is_some_and(|project| project != key.project) {
            return Err(refuse(format!(
                "The key belongs to another project than the one in the address. Copy the DSN of project {}.",
                key.project
            )));
        }
        if !key.is_active {
            return Err(refuse("The key has been switched off. Use another key of the project.".into()));
        }
        Ok((key.clone(), *organization))
    }

    /// Writes items to the journal and waits until they are durable. Each ends with its outcome.
    pub async fn keep(&self, items: Vec<OnItsWay<'_>>) -> Result<(), Refusal> {
        if items.is_empty() {
            return Ok(());
        }
        let mut ready = Vec::with_capacity(items.len());
        let (mut received, mut places) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
        for item in items {
            received.push(item.received);
            places.extend(item.place);
            ready.push(item.parcel);
        }
        let bodies = ready.iter().map(Parcel::write).collect();
        let (sender, answer) = oneshot::channel();
        let (backlog, families, limits) =
            (Arc::clone(&self.backlog), Arc::clone(&self.families), Arc::clone(&self.limits));
        self.journal.append(bodies, move |result| {
            if let Ok(last) = result {
                places.into_iter().for_each(Place::keep);
                // Before the worker can see them: what is filed must have been waiting.
                limits.append(ready.iter().map(Parcel::sender_and_bytes));
                queue(&backlog, &families, ready, last);
            }
            let _ = sender.send(result);
        });
        let result = answer.await.unwrap_or_else(|_| Err(JournalError::Poisoned("its thread has ended".into())));
        let (refusal, reason) = match result {
            Ok(_) => {
                received.into_iter().for_each(Received::journalled);
                return Ok(());
            }
            Err(JournalError::Busy { waiting_bytes }) => (guard::journal_busy(waiting_bytes), Reason::Overload),
            Err(JournalError::Full(_)) => (guard::journal_full(), Reason::DiskFull),
            Err(JournalError::Poisoned(error)) => {
                tracing::error!(%error, "the journal cannot be written");
                let detail = "The server cannot write to its disk and is about to end. Nothing was taken.";
                (Refusal::new(StatusCode::SERVICE_UNAVAILABLE, detail), Reason::Overload)
            }
        };
        received.into_iter().for_each(|item| item.refuse(Outcome::RateLimited, reason));
        Err(refusal)
    }
}

/// On the journal's thread, in the order of positions: what is durable now may be filed and relied on.
fn queue(backlog: &Backlog, families: &Families, ready: Vec<Parcel>, last: bugle_journal::Position) {
    let first = last + 1 - ready.len() as i64;
    for (position, parcel) in (first..).zip(ready) {
        match parcel {
            Parcel::Event(ready) => {
                if let Some(exemplar) = ready.becomes {
                    families.learn(ready.record.family, exemplar, ready.record.received_ms);
                }
                backlog.push(Piece::Event(Work { position, record: ready.record, digest: ready.digest }));
            }
            Parcel::Item(item) => backlog.push(Piece::Item(position, item)),
        }
    }
}

/// How an unknown key differs from one of the project's, since most first hours are lost to a slip of copying.
/// Never says what the right one is.
fn nearest(keys: &crate::project::Keys, public: &str, project: Option<i64>) -> String {
    let Some(project) = project else { return String::new() };
    let mut of_project = keys.values().filter(|(key, _)| key.project == project).peekable();
    if of_project.peek().is_none() {
        return ", and neither is the project".into();
    }
    let differing = |key: &Key| -> Option<Vec<usize>> {
        let pairs = key.public.bytes().zip(public.bytes()).enumerate();
        let places: Vec<usize> = pairs.filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect();
        (key.public.len() == public.len() && places.len() <= 3).then_some(places)
    };
    match of_project.find_map(|(key, _)| differing(key)) {
        Some(places) if places == [public.len() - 1] => ". It differs from the project's in the last character".into(),
        Some(places) => format!(". It differs from the project's in {} of its characters", places.len()),
        None => String::new(),
    }
}
