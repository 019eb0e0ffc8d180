//! Events that a filter of their project dropped (protocol reference, §13.1), and what goes with them.
//!
//! A filtered event uses up nothing: its place is given back in every limit. The request is answered 200 with the
//! event's id, since SDKs take anything else for a failure. Attachments of the same envelope belong to the event and are dropped with
//! it; feedback, sessions and check-ins stand for themselves and stay.

use super::event::{Context, Filtered};
use super::limits::Place;
use super::{Items, Parcel};
use crate::app::App;
use crate::filter;
use crate::outcome::{Dialect, Outcome};
use crate::record::Kind;

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
    }

    /// At the end of an envelope: what belongs to an event that was filtered goes with it.
    pub(super) fn drop_company(&mut self) {
        let Some((_, reason)) = self.filtered else { return };
        let is_company = |parcel: &Parcel| matches!(parcel, Parcel::Item(item) if item.kind == Kind::Attachment);
        let (company, others) = std::mem::take(&mut self.ready).into_iter().partition(|one| is_company(&one.parcel));
        self.ready = others;
        for one in Vec::<super::OnItsWay<'a>>::into_iter(company) {
            one.received.refuse(Outcome::Filtered, reason);
        }
    }
}
