//! Sessions at the door: an item is read, judged, and made ready for the journal.
//!
//! Filters of their project that can hold for sessions do (`bugle_event::filter`). They take no place in quotas of events, so a project whose quota is used up still hears how its releases fare. Ids are hashed
//! before anything is written (`health::form`). Releases and environments are scrubbed as those of events are, so that both
//! agree; a person whose id scrubbing would change is nobody, since a hash of an address can be undone by trying them all.

use crate::filter;
use crate::health::form;
use crate::outcome::{Outcome, Reason};
use crate::record::{Item, Kind, Sender};
use bugle_event::filter::Filters;
use bugle_event::release;
use bugle_event::scrub::Scrubber;
use bugle_event::session::{self, Attributes, Clock, Invalid, Sessions};
use std::net::IpAddr;

/// Items of sessions in one envelope; SDKs send at most so many together.
const ITEMS_MAX: usize = 100;
/// Their bytes together.
const BYTES_MAX: usize = 10 << 20;

/// What the sessions of one envelope have used so far.
#[derive(Default)]
pub struct Used {
    items: usize,
    bytes: usize,
}

/// How the sessions of one envelope came, and what their project wants.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// When their SDK sent them, by its clock, Unix ms.
    pub sent_at_ms: Option<i64>,
    /// From where.
    pub client_ip: Option<IpAddr>,
    /// Which ones are not wanted.
    pub filters: &'a Filters,
}

/// Whether items of this type are sessions.
pub fn is_one(kind: &str) -> bool {
    matches!(kind, "session" | "sessions")
}

/// One item of the type `kind`.
///
/// # Errors
/// Why it is invalid or not wanted; [`Reason::Privacy`]: scrubbing leaves nothing that says of which release it is.
pub fn understand(
    kind: &str,
    payload: &[u8],
    scrubber: &Scrubber,
    sender: Sender,
    arrival: Arrival<'_>,
    used: &mut Used,
) -> Result<Item, (Outcome, Reason)> {
    used.items += 1;
    used.bytes = used.bytes.saturating_add(payload.len());
    if used.items > ITEMS_MAX || used.bytes > BYTES_MAX {
        return Err((Outcome::Invalid, Reason::TooLarge));
    }
    let clock = Clock { received_ms: sender.received_ms, sent_at_ms: arrival.sent_at_ms };
    let read = if kind == "session" { session::read_update } else { session::read_sums };
    let (mut attributes, mut sessions) = read(payload, clock).map_err(|why| (Outcome::Invalid, reason(why)))?;
    if let Some(by) = arrival.filters.judge_sessions(&attributes, arrival.client_ip) {
        return Err((Outcome::Filtered, filter::reason(by)));
    }
    scrub(scrubber, &mut attributes, &mut sessions).map_err(|reason| (Outcome::Filtered, reason))?;
    let random = i64::from_le_bytes(crate::access::random::bytes());
    Ok(Item {
        sender,
        kind: Kind::Sessions,
        event_id: None,
        about: form::write_about(&attributes),
        body: form::write(&sessions, sender.project, random),
    })
}

fn scrub(scrubber: &Scrubber, attributes: &mut Attributes, sessions: &mut Sessions) -> Result<(), Reason> {
    let kept = scrubber.field("release", &attributes.release).filter(|name| release::is_release(name));
    attributes.release = kept.ok_or(Reason::Privacy)?;
    let environment = attributes.environment.take().and_then(|name| scrubber.field("environment", &name));
    attributes.environment = environment.filter(|name| release::is_environment(name));
    let forget = |did: &mut Option<String>| drop(did.take_if(|did| scrubber.text(did) != *did));
    match sessions {
        Sessions::Update(update) => forget(&mut update.did),
        Sessions::Sums(lines) => lines.iter_mut().for_each(|line| forget(&mut line.did)),
    }
    Ok(())
}

fn reason(why: Invalid) -> Reason {
    match why {
        Invalid::Unreadable => Reason::Unreadable,
        Invalid::TooLarge => Reason::TooLarge,
        Invalid::Release => Reason::InvalidRelease,
        Invalid::Time => Reason::Timestamp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::form::Said;
    use crate::outcome::{Category, Dialect};
    use crate::policy::scrubbing::{Own, Scrubbing};

    const NOW_MS: i64 = 1_785_585_600_000;

    /// Whether the person of a session counts.
    fn counts(did: &str, scrub_ip_addresses: bool) -> bool {
        let own = Own { scrub_ip_addresses: Some(scrub_ip_addresses), ..Own::default() };
        let scrubber = Scrubbing::new(&own, &Own::default()).scrubber;
        let (dialect, category) = (Dialect::Sentry, Category::Session);
        let sender = Sender { dialect, category, project: 1, key: 1, received_ms: NOW_MS };
        let filters = Filters::default();
        let arrival = Arrival { sent_at_ms: None, client_ip: None, filters: &filters };
        let text = format!(
            "{{\"sid\":\"1\",\"did\":\"{did}\",\"init\":true,\"started\":{},\"attrs\":{{\"release\":\"shop@1.2.3.4\"}}}}",
            NOW_MS / 1000
        );
        let item = understand("session", text.as_bytes(), &scrubber, sender, arrival, &mut Used::default());
        let item = item.expect("is valid");
        assert_eq!(form::read_about(&item.about), Some(("shop@1.2.3.4", None)), "a version is no address");
        match form::read(&item.body) {
            Some(Said::Update { person, .. }) => person != 0,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_person_known_by_an_address_is_nobody_where_addresses_go() {
        assert!(counts("10.9.8.7", false) && counts("7f8e0a52-user", true));
        assert!(!counts("10.9.8.7", true));
    }
}
