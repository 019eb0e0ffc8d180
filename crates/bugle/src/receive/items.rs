//! The items of a request: each gets its fate, or becomes ready for the journal.
//!
//! Owns: what is done with which kind of item (protocol reference, section 5), and what waits for the journal meanwhile. How
//! a kind is read is its own module's. Attachments come last, since their event's fate is theirs.

use super::closed::Closed;
use super::event::{self, Context, NotReady, Ready};
use super::incoming::Incoming;
use super::ledger::Received;
use super::limits::Place;
use super::reply::Refusal;
use super::{EVENT_BYTES_MAX, attachment, check_in, feedback, session};
use crate::app::App;
use crate::client_report;
use crate::limit;
use crate::outcome::{Category, Dialect, Outcome, Reason};
use crate::policy::Policy;
use crate::project::Key;
use crate::record::{self, Sender};
use axum::http::StatusCode;
use bugle_event::EventId;
use bugle_event::envelope::{Envelope, Item};
use std::net::IpAddr;
use std::sync::Arc;

/// The items of one request that are on their way.
#[derive(Default)]
pub(super) struct Items<'a> {
    pub(super) ready: Vec<OnItsWay<'a>>,
    /// Categories that SDKs may stop sending.
    pub(super) unsupported: Vec<&'static str>,
    /// Limits of the key that are used up, as the last event found or left them.
    pub(super) closed: Vec<Closed>,
    /// Whether an event was refused by one.
    pub(super) is_limited: bool,
    /// What its sessions have used.
    pub(super) sessions: session::Used,
    /// The id of the event that a filter dropped last, and which.
    pub(super) filtered: Option<(EventId, Reason)>,
    /// What an event was dropped for: its attachments go with it.
    pub(super) dropped: Option<(Outcome, Reason)>,
}

/// What is ready for the journal: the item it was, its place in the quotas, and what to write.
pub struct OnItsWay<'a> {
    /// The item, which needs an outcome.
    pub received: Received<'a>,
    /// Its place, if it is an event.
    pub place: Option<Place>,
    /// What goes into the journal.
    pub parcel: Parcel,
}

/// What goes into the journal.
pub enum Parcel {
    /// An event.
    Event(Box<Ready>),
    /// Anything else.
    Item(Box<record::Item>),
}

impl Parcel {
    pub(super) fn write(&self) -> Vec<u8> {
        match self {
            Parcel::Event(ready) => ready.record.write(),
            Parcel::Item(item) => item.write(),
        }
    }

    /// Who sent it, and the bytes of [`Parcel::write`].
    pub(super) fn sender_and_bytes(&self) -> (Sender, i64) {
        match self {
            Parcel::Event(ready) => (ready.record.sender(), ready.record.bytes()),
            Parcel::Item(item) => (item.sender, item.bytes()),
        }
    }

    pub(super) fn event_id(&self) -> Option<EventId> {
        match self {
            Parcel::Event(ready) => Some(ready.record.event_id),
            Parcel::Item(_) => None,
        }
    }
}

/// What is judged, and by what.
struct Sorting<'a, 'c> {
    app: &'a App,
    envelope: &'c Envelope<'c>,
    key: &'c Key,
    policy: &'c Policy,
    limits: &'c Arc<limit::Settings>,
    /// The SDK, as the credentials or the envelope gave it.
    client: Option<&'c str>,
    sent_at_ms: Option<i64>,
    received_ms: i64,
    client_ip: IpAddr,
    /// What an event counts as of which nothing else is known.
    category: Category,
}

impl Incoming {
    /// Each item gets its fate, or becomes ready for the journal.
    pub(super) fn sort_out<'a>(
        &self,
        app: &'a App,
        key: &Key,
        client: Option<&str>,
        sent_at_ms: Option<i64>,
        envelope: &Envelope<'_>,
    ) -> Result<Items<'a>, Refusal> {
        let (limits, policy) = (app.store.limits(), app.store.policy(key.project));
        let sorting = Sorting {
            app,
            envelope,
            key,
            policy: &policy,
            limits: &limits,
            client,
            sent_at_ms: envelope.sent_at_ms.or(sent_at_ms),
            received_ms: self.received_ms,
            client_ip: app.config.trusted_proxies.client(self.peer.ip(), &self.headers),
            category: self.framing.category(),
        };
        let mut items = Items::default();
        attachment::bounded(app, key, self.received_ms, envelope, &mut items)?;
        let mut event_id = envelope.event_id;
        for item in &envelope.items {
            match &*item.kind {
                "event" => sorting.event(item, &mut event_id, &mut items)?,
                // Below: their event's fate is theirs.
                "attachment" => {}
                _ => sorting.other(item, &mut items),
            }
        }
        if !envelope.items.iter().any(|item| item.kind == "event") {
            items.closed = app.door.limits.closed(&limits, key, self.received_ms);
        }
        sorting.attachments(items.event_id().or(envelope.event_id), &mut items);
        Ok(items)
    }
}

impl<'a> Sorting<'a, '_> {
    fn receive(&self, category: Category) -> Received<'a> {
        self.app.door.ledger.receive(Some(self.key), Dialect::Sentry, category, self.received_ms)
    }

    fn sender(&self, category: Category) -> Sender {
        let (project, key, received_ms) = (self.key.project, self.key.id, self.received_ms);
        Sender { dialect: Dialect::Sentry, category, project, key, received_ms }
    }

    fn attachments(&self, event_id: Option<EventId>, items: &mut Items<'a>) {
        let files = attachment::of_envelope(self.envelope);
        attachment::sort_out(self.app, self.key, self.received_ms, event_id, files, items);
    }

    /// An event needs a place in every limit. `event_id` is the envelope's, which is the first event's.
    fn event(&self, item: &Item<'_>, event_id: &mut Option<EventId>, items: &mut Items<'a>) -> Result<(), Refusal> {
        let (door, project) = (&self.app.door, self.key.project);
        if item.payload.len() > EVENT_BYTES_MAX {
            self.receive(self.category).refuse(Outcome::Invalid, Reason::TooLarge);
            door.turned_away.remember(project, *event_id, Reason::TooLarge, self.received_ms);
            items.forsake(Outcome::Invalid, Reason::TooLarge);
            items.dropped = Some((Outcome::Invalid, Reason::TooLarge));
            self.attachments(*event_id, items);
            let detail = format!("The event is larger than {EVENT_BYTES_MAX} bytes; the SDK should trim it.");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        let place = match door.limits.take(self.limits, self.key, self.received_ms) {
            Ok((place, closing)) => {
                items.closed = closing;
                place
            }
            Err(closed) => {
                let reason = closed.first().map_or(Reason::Overload, |one| one.reason);
                self.receive(self.category).refuse(Outcome::RateLimited, reason);
                door.turned_away.remember(project, *event_id, reason, self.received_ms);
                (items.closed, items.is_limited) = (closed, true);
                items.dropped = Some((Outcome::RateLimited, reason));
                return Ok(());
            }
        };
        let context = Context {
            key: self.key,
            policy: self.policy,
            received_ms: self.received_ms,
            sent_at_ms: self.sent_at_ms,
            event_id: event_id.take(),
            client: self.client,
            client_ip: Some(self.client_ip),
            geography: self.app.geography.as_ref(),
        };
        items.understand(self.app, item.payload, &context, place);
        Ok(())
    }

    /// What is no event and no attachment.
    fn other(&self, item: &Item<'_>, items: &mut Items<'a>) {
        let category = Category::of_item(&item.kind);
        let received = self.receive(category);
        let made = match &*item.kind {
            "client_report" => {
                return match client_report::read(item.payload, &self.policy.scrubber) {
                    Ok(discards) => received.report(discards),
                    Err(reason) => received.refuse(Outcome::Invalid, reason),
                };
            }
            "check_in" => {
                items.ready.extend(check_in::understand(
                    item.payload,
                    &self.policy.scrubber,
                    self.key,
                    self.received_ms,
                    received,
                ));
                return;
            }
            "session" | "sessions" => {
                let (sent_at_ms, client_ip) = (self.sent_at_ms, Some(self.client_ip));
                let arrival = session::Arrival { sent_at_ms, client_ip, filters: &self.policy.filters };
                session::understand(
                    &item.kind,
                    item.payload,
                    &self.policy.scrubber,
                    self.sender(category),
                    arrival,
                    &mut items.sessions,
                )
            }
            "feedback" | "user_report" => feedback::read(item, self.envelope.event_id)
                .map(|told| feedback::item(told, &self.policy.scrubber, self.sender(category)))
                .map_err(|reason| (Outcome::Invalid, reason)),
            _ => {
                items.unsupported(category);
                return received.refuse(Outcome::Discarded, Reason::Unsupported);
            }
        };
        match made {
            Ok(item) => items.ready.push(OnItsWay { received, place: None, parcel: Parcel::Item(Box::new(item)) }),
            Err((outcome, reason)) => received.refuse(outcome, reason),
        }
    }
}

impl<'a> Items<'a> {
    /// The id of the event among them.
    pub(super) fn event_id(&self) -> Option<EventId> {
        self.ready.iter().find_map(|kept| kept.parcel.event_id())
    }

    pub(super) fn unsupported(&mut self, category: Category) {
        use Category::{Log, Metric, Profile, Replay, Span, Transaction};
        let is_product_of_its_own = matches!(category, Log | Metric | Profile | Replay | Span | Transaction);
        if is_product_of_its_own && !self.unsupported.contains(&category.as_str()) {
            self.unsupported.push(category.as_str());
        }
    }

    /// A panic over one event costs that event, and says so. What it counts as is known only once it is read.
    pub(super) fn understand(&mut self, app: &'a App, payload: &[u8], context: &Context<'_>, place: Place) {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            event::understand(payload, context, &app.door.families)
        }));
        let receive =
            |category| app.door.ledger.receive(Some(context.key), Dialect::Sentry, category, context.received_ms);
        let error = match result {
            Ok(Ok(ready)) => {
                let received = receive(ready.record.category);
                let parcel = Parcel::Event(Box::new(ready));
                return self.ready.push(OnItsWay { received, place: Some(place), parcel });
            }
            Ok(Err(NotReady::Filtered(filtered))) => return self.filter(app, filtered, context, place),
            Ok(Err(NotReady::Failed(error))) => error.to_string(),
            Err(_) => "understanding it panicked".into(),
        };
        tracing::error!(project = context.key.project, error, "an event was dropped");
        self.dropped = Some((Outcome::Discarded, Reason::Quarantined));
        receive(Category::Error).refuse(Outcome::Discarded, Reason::Quarantined);
    }

    /// The whole request is refused: what was ready is not kept either.
    pub(super) fn forsake(&mut self, outcome: Outcome, reason: Reason) {
        for kept in self.ready.drain(..) {
            kept.received.refuse(outcome, reason);
        }
    }
}
