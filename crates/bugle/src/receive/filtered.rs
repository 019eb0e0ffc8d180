//! Events that a filter of their project dropped (protocol reference, §13.1), and what goes with them.
//!
//! A filtered event uses up nothing: its place is given back in every limit. The request is answered 200 with the
//! event's id, since SDKs take anything else for a failure. Attachments of the same envelope belong to the event and are dropped with
//! it; feedback, sessions and check-ins stand for themselves and stay.

use super::Items;
use super::event::{Context, Filtered};
use super::limits::Place;
use crate::app::App;
use crate::filter;
use crate::outcome::{Dialect, Outcome};

impl<'a> Items<'a> {
    /// An event was dropped by a filter.
    pub(super) fn filter(&mut self, app: &'a App, filtered: Filtered, context: &Context<'_>, place: Place) {
        let Filtered { by, event_id, category } = filtered;
        let (project, received_ms) = (context.key.project, context.received_ms);
        app.door.ledger.receive(Some(context.key), Dialect::Sentry, category, received_ms).filter(by, received_ms);
        app.door.turned_away.remember(project, Some(event_id), filter::reason(by), received_ms);
        place.give_back();
        // What it had used up is free again.
        self.closed = app.door.limits.closed(&app.store.limits(), context.key, received_ms);
        self.filtered = Some((event_id, filter::reason(by)));
        self.dropped = Some((Outcome::Filtered, filter::reason(by)));
    }
}
