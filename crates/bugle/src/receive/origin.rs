//! From which site a request comes, and whether its project takes what that site's pages send (protocol reference, section
//! 3.3); also whether the way it came, the tunnel, is open.
//!
//! Judged on the real request, not in the preflight, and with everything in it known: each item has its outcome. Every
//! answer carries the CORS headers, so the refused page's SDK can read why.

use super::reply::Refusal;
use super::{Framing, Incoming};
use crate::app::App;
use crate::outcome::{Category, Dialect, Outcome, Reason};
use crate::policy::browser::Browser;
use crate::project::Key;
use axum::http::{HeaderMap, StatusCode, header};
use bugle_event::envelope::Envelope;

/// Whether a project takes what a page sends with these headers. `Origin` says where it is from, else `Referer`; what has
/// neither is no browser.
pub fn is_allowed(browser: &Browser, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.trim().is_empty());
    match text(header::ORIGIN).or_else(|| text(header::REFERER)) {
        Some(origin) => browser.allows(origin),
        None => true,
    }
}

impl Incoming {
    /// Refuses what comes from a site that the project does not allow, or by a tunnel that it has not opened.
    pub(super) fn judge_origin(&self, app: &App, key: &Key, envelope: &Envelope<'_>) -> Result<(), Refusal> {
        let policy = app.store.policy(key.project);
        let (reason, detail) = if self.framing == Framing::Tunnel && !policy.browser.is_tunnelled {
            (Reason::Tunnel, "The tunnel is not open for this project. Open it on the project's page “Browser”.")
        } else if !is_allowed(&policy.browser, &self.headers) {
            (Reason::Cors, "The project does not take events of this site. Its page “Browser” lists those it takes.")
        } else {
            return Ok(());
        };
        for item in &envelope.items {
            let category = Category::of_item(&item.kind);
            let received = app.door.ledger.receive(Some(key), Dialect::Sentry, category, self.received_ms);
            received.refuse(Outcome::Invalid, reason);
        }
        app.door.turned_away.remember(key.project, envelope.event_id, reason, self.received_ms);
        Err(Refusal::new(StatusCode::FORBIDDEN, detail))
    }
}
