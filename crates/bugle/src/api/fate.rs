//! `GET /projects/{org}/{project}/fates/{event}/`: what became of one event, wherever it is ([`crate::fate`]). Bugle's
//! own; the ledger page's look-up says the same in words.
//!
//! Not a function of a transaction as the other answers are, because some events are not in the database: they wait in
//! the journal, or were refused and are remembered in memory.

use super::EVENT_READ;
use super::ask::Ask;
use super::reply::{Refusal, Reply};
use super::shape::date;
use crate::app::App;
use crate::fate::{self, Fate};
use axum::extract::Request;
use bugle_event::EventId;
use serde_json::{Value, json};

/// Answers a request; `now_ms` is its instant.
pub async fn get(app: &App, request: Request, now_ms: i64) -> Result<Reply, Refusal> {
    let ask = Ask::read(app, EVENT_READ, request, now_ms).await?;
    let Some(id) = EventId::parse(ask.part("event")) else {
        return Err(Refusal::Invalid("An event id has 32 hex digits, with or without dashes.".into()));
    };
    let organization = ask.organization();
    let project = app.store.read(move |tx| Ok(ask.project(tx))).await??;
    let fate = fate::of(app, organization, project.id, id).await?;
    let mut body = shape(&fate);
    body["eventId"] = id.to_string().into();
    body["projectSlug"] = project.slug.into();
    Ok(Reply::ok(&body))
}

fn shape(fate: &Fate) -> Value {
    match fate {
        Fate::Stored { issue, received_ms, repeats } => json!({
            "fate": "stored", "groupId": issue.to_string(), "dateReceived": date(*received_ms), "repeats": repeats,
        }),
        Fate::Capped { issue, received_ms, repeats } => json!({
            "fate": "capped", "outcome": "discarded", "reason": "issue_cap",
            "groupId": issue.map(|issue| issue.to_string()), "dateReceived": date(*received_ms), "repeats": repeats,
        }),
        Fate::Quarantined { at_ms, error } => json!({
            "fate": "quarantined", "outcome": "discarded", "reason": "quarantined", "date": date(*at_ms), "error": error,
        }),
        Fate::Waiting { received_ms, ahead } => {
            json!({ "fate": "waiting", "dateReceived": date(*received_ms), "ahead": ahead })
        }
        Fate::Refused { reason, at_ms } if reason.is_filter() => {
            json!({ "fate": "filtered", "outcome": "filtered", "reason": reason.as_str(), "dateReceived": date(*at_ms) })
        }
        Fate::Refused { reason, at_ms } => {
            json!({ "fate": "refused", "reason": reason.as_str(), "dateReceived": date(*at_ms) })
        }
        Fate::Elsewhere { slug, issue, .. } => {
            json!({ "fate": "elsewhere", "foundIn": slug, "groupId": issue.to_string() })
        }
        Fate::Unknown { refusals_since_ms, is_journal_read } => json!({
            "fate": "unknown", "refusalsSince": date(*refusals_since_ms), "isBacklogSearched": is_journal_read,
        }),
    }
}
