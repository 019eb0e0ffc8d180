//! One event: from an item's bytes to a record and a digest. Pure but for ids and the exemplar that it is lent.
//!
//! This is the hot path, and it reads as the pipeline does.

use crate::geography::Geography;
use crate::outcome::{Category, Dialect};
use crate::payload::{self, Exemplar};
use crate::policy::Policy;
use crate::process::digest::{self, Digest};
use crate::project::Key;
use crate::receive::families::Families;
use crate::record::Record;
use bugle_event::filter::By;
use bugle_event::normalize::{self, Arrival};
use bugle_event::{Event, EventId, dialect, frame, group};
use std::io;
use std::net::IpAddr;

/// How an item came.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    /// By which key.
    pub key: &'c Key,
    /// What its project wants of what comes in.
    pub policy: &'c Policy,
    /// When, Unix ms.
    pub received_ms: i64,
    /// When its SDK sent it, by the SDK's clock, Unix ms.
    pub sent_at_ms: Option<i64>,
    /// The id in the envelope's header, which wins.
    pub event_id: Option<EventId>,
    /// The SDK's name and version, as the credentials or the envelope gave it.
    pub client: Option<&'c str>,
    /// From where.
    pub client_ip: Option<IpAddr>,
    /// Where addresses are.
    pub geography: Option<&'c Geography>,
}

/// An event that is ready for the journal.
pub struct Ready {
    /// What the journal keeps.
    pub record: Record,
    /// What filing needs.
    pub digest: Digest,
    /// The exemplar, if this event becomes one.
    pub becomes: Option<Exemplar>,
}

/// An event that its project does not want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filtered {
    /// What dropped it.
    pub by: By,
    /// Its id.
    pub event_id: EventId,
    /// What it counts as.
    pub category: Category,
}

/// Why an event does not become ready.
#[derive(Debug)]
pub enum NotReady {
    /// Its project does not want it.
    Filtered(Filtered),
    /// Compression failed, which is ours: the event is not at fault.
    Failed(io::Error),
}

/// Reads, normalises, filters, scrubs, compresses and digests an event.
pub fn understand(payload: &[u8], context: &Context<'_>, families: &Families) -> Result<Ready, NotReady> {
    let (text, problem) = dialect::text(payload);
    let mut event = dialect::sentry::read(&text);
    event.problems.extend(problem);
    let event_id = context.event_id.or_else(|| normalize::event_id_of(&event)).unwrap_or_else(random_id);
    let arrival = Arrival {
        received_ms: context.received_ms,
        sent_at_ms: context.sent_at_ms,
        event_id,
        client: context.client,
        client_ip: context.client_ip,
    };
    normalize::normalize(&mut event, &arrival);
    frame::decide_in_app(&mut event);
    if let Some(by) = context.policy.filters.judge(&event, context.client_ip) {
        return Err(NotReady::Filtered(Filtered { by, event_id, category: category(&event) }));
    }
    if let Some(geography) = context.geography {
        geography.fill(&mut event);
    }
    context.policy.scrubber.scrub(&mut event);
    pack(&text, &event, event_id, context, families).map_err(NotReady::Failed)
}

fn pack(
    text: &str,
    event: &Event<'_>,
    event_id: EventId,
    context: &Context<'_>,
    families: &Families,
) -> io::Result<Ready> {
    let mut json = Vec::with_capacity(24 << 10);
    event.write_of(text, &mut json);
    let project = context.key.project;
    let family = group::family(event, project) as i64;
    let (exemplar, becomes) = match families.get(family, context.received_ms) {
        Some(exemplar) => (exemplar, None),
        None => {
            let exemplar = Exemplar { id: random_number(), json: json.as_slice().into() };
            (exemplar.clone(), Some(exemplar))
        }
    };
    let exemplar_body = match &becomes {
        Some(_) => payload::compress(&json, None)?,
        None => Vec::new(),
    };
    let record = Record {
        dialect: Dialect::Sentry,
        category: category(event),
        project,
        key: context.key.id,
        received_ms: context.received_ms,
        event_id,
        exemplar: exemplar.id,
        family,
        exemplar_body,
        json_bytes: json.len() as u32,
        payload: payload::compress(&json, Some(&exemplar.json))?,
    };
    Ok(Ready { record, digest: digest::digest(event), becomes })
}

/// Events with an exception or an error's level are errors; other messages are not, and reports of browsers are their
/// own kind (protocol reference, 6.3).
fn category(event: &Event<'_>) -> Category {
    if ["csp", "expectct", "expectstaple", "hpkp"].iter().any(|report| event.json.has(report)) {
        return Category::Security;
    }
    let is_error = event.exceptions().next().is_some() || matches!(event.level(), "error" | "fatal");
    if is_error { Category::Error } else { Category::Default }
}

fn random_id() -> EventId {
    EventId(crate::access::random::bytes())
}

/// A number that no other exemplar has: 63 random bits, and never 0.
fn random_number() -> i64 {
    (i64::from_le_bytes(crate::access::random::bytes()) & i64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// Not a test: prints what the door does for the events of the bench, step by step, on one core.
    #[test]
    #[ignore = "measures"]
    fn cost() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/bench/envelopes.ndjson");
        let lines = std::fs::read_to_string(path).expect("the bench's envelopes");
        let events: Vec<&str> = lines.lines().filter(|line| line.len() > 4000).collect();
        let key = Key {
            id: 1,
            project: 1,
            public: String::new(),
            label: String::new(),
            is_active: true,
            rate_count: None,
            rate_window_s: None,
            created_ms: 0,
        };
        let (policy, families) = (Policy::default(), Families::default());
        let context = Context {
            key: &key,
            policy: &policy,
            received_ms: 1_780_000_000_000,
            sent_at_ms: None,
            event_id: None,
            client: None,
            client_ip: None,
            geography: None,
        };
        for _ in 0..300 {
            let start = Instant::now();
            for event in &events {
                let ready = understand(event.as_bytes(), &context, &families).expect("compresses");
                if let Some(exemplar) = ready.becomes {
                    families.learn(ready.record.family, exemplar, context.received_ms);
                }
            }
            let micros = start.elapsed().as_secs_f64() * 1e6 / events.len() as f64;
            println!("{micros:.1} µs");
        }
    }
}
