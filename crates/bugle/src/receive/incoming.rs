//! One request, from its credentials to its answer: the order of judgement.
//!
//! Key and guards before anything is read; size before and after inflating; framing; whose pages may send; then each item
//! ([`super::items`]). Whatever ends the way early is counted here, as one item of which nothing else is known.

use super::body::{self, NoBody};
use super::closed::{self, Closed};
use super::door::NoEntry;
use super::items::Items;
use super::ledger::Received;
use super::reply::{self, Refusal};
use super::{BODY_BYTES_MAX, Framing, INFLATED_BYTES_MAX, admitted, crash};
use crate::app::App;
use crate::outcome::{Dialect, Outcome, Reason};
use crate::project::Key;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bugle_event::envelope::{self, Envelope, Item};
use bugle_event::inflate::{self, InflateError};
use bugle_event::json::Object;
use bugle_event::{auth, dialect};
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::OnceLock;

/// One request.
pub(super) struct Incoming {
    pub(super) headers: HeaderMap,
    pub(super) query: String,
    pub(super) peer: SocketAddr,
    pub(super) framing: Framing,
    pub(super) received_ms: i64,
    /// The key that has let it in.
    pub(super) key: OnceLock<Key>,
}

impl Incoming {
    pub(super) async fn take(&self, app: &App, project: Option<i64>, body: Body) -> Result<Response, Refusal> {
        let credentials = self.credentials(app)?;
        let early = match &credentials {
            Some(auth) => Some(self.admit(app, &auth.key, project).await?),
            None => None,
        };
        let raw = self.read(app, early.as_ref(), body).await?;
        let body = match inflate::inflate(self.text(header::CONTENT_ENCODING), &raw, INFLATED_BYTES_MAX) {
            Ok(body) => body,
            Err(error) => return Err(self.unreadable(app, early.as_ref(), &inflate_refusal(&error))),
        };
        let body = match self.framing {
            Framing::Envelope | Framing::Tunnel | Framing::Upload(_) => body,
            Framing::Event => match dialect::sentry::unwrap_store_body(&body, INFLATED_BYTES_MAX) {
                Ok(unwrapped) => Cow::Owned(unwrapped.into_owned()),
                Err(error) => return Err(self.unreadable(app, early.as_ref(), &inflate_refusal(&error))),
            },
            Framing::Security | Framing::Network => Cow::Owned(self.reports(app, early.as_ref(), &body)?),
        };
        let envelope = self.split(app, early.as_ref(), &body)?;
        let key = match early {
            Some(key) => self.agrees(app, key, &envelope)?,
            None => self.admit_by_dsn(app, project, &envelope).await?,
        };
        self.judge_origin(app, &key, &envelope)?;
        let sent_at_ms = credentials.as_ref().and_then(|auth| auth.sent_at_ms);
        let client = credentials
            .and_then(|auth| auth.client)
            .or_else(|| envelope.sdk.as_ref().map(|(name, version)| format!("{name}/{version}")));
        let made = crash::of_envelope(app, &key, self.received_ms, &envelope).await;
        let envelope = match &made {
            Some(event) => crash::with(envelope, event),
            None => envelope,
        };
        let items = self.sort_out(app, &key, client.as_deref(), sent_at_ms, &envelope)?;
        self.answer(app, &envelope, items).await
    }

    pub(super) fn text(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The credentials in header or query; `None` when there are none there.
    pub(super) fn credentials(&self, app: &App) -> Result<Option<auth::Auth>, Refusal> {
        if self.framing == Framing::Tunnel {
            return Ok(None);
        }
        let sentry = self.headers.get("x-sentry-auth").and_then(|value| value.to_str().ok());
        auth::read(sentry, self.text(header::AUTHORIZATION), &self.query).map_err(|error| {
            let status = match error {
                auth::AuthError::Version { .. } => StatusCode::BAD_REQUEST,
                _ => StatusCode::UNAUTHORIZED,
            };
            self.stranger(app, Reason::BadCredentials);
            Refusal::new(status, error.to_string())
        })
    }

    pub(super) async fn admit(&self, app: &App, public: &str, project: Option<i64>) -> Result<Key, Refusal> {
        match admitted(app, public, project).await {
            Ok(key) => {
                let _ = self.key.set(key.clone());
                Ok(key)
            }
            Err(NoEntry { refusal, reason }) => {
                self.stranger(app, reason);
                Err(refusal)
            }
        }
    }

    pub(super) async fn admit_by_dsn(
        &self,
        app: &App,
        project: Option<i64>,
        envelope: &Envelope<'_>,
    ) -> Result<Key, Refusal> {
        match &envelope.dsn {
            Some(dsn) => {
                let project = project.or(i64::try_from(dsn.project_id).ok());
                self.admit(app, &dsn.key, project).await
            }
            None => {
                self.stranger(app, Reason::NoKey);
                let detail = "No key came with the request. The SDK sends the one in its DSN; check that it has one.";
                Err(Refusal::new(StatusCode::UNAUTHORIZED, detail))
            }
        }
    }

    /// A refusal for another reason says all the same which limits of the key are used up.
    pub(super) fn add_limits(&self, app: &App, refusal: &mut Refusal) {
        if let (Some(key), true) = (self.key.get(), refusal.retries.is_empty()) {
            let closed = app.door.limits.closed(&app.store.limits(), key, self.received_ms);
            refusal.retries = closed.iter().map(Closed::retry).collect();
        }
    }

    /// The DSN inside an envelope must not contradict the credentials around it.
    pub(super) fn agrees(&self, app: &App, key: Key, envelope: &Envelope<'_>) -> Result<Key, Refusal> {
        match &envelope.dsn {
            Some(dsn) if dsn.key != key.public || dsn.project_id.cast_signed() != key.project => {
                self.one(app, Some(&key)).refuse(Outcome::Invalid, Reason::BadCredentials);
                let detail = "The envelope's own DSN has another key or project than the request. Send one of them.";
                Err(Refusal::new(StatusCode::BAD_REQUEST, detail))
            }
            _ => Ok(key),
        }
    }

    /// One item of which nothing is known but that it came.
    pub(super) fn one<'a>(&self, app: &'a App, key: Option<&Key>) -> Received<'a> {
        app.door.ledger.receive(key, Dialect::Sentry, self.framing.category(), self.received_ms)
    }

    pub(super) fn stranger(&self, app: &App, reason: Reason) {
        self.one(app, None).refuse(Outcome::Invalid, reason);
    }

    pub(super) fn unreadable(&self, app: &App, key: Option<&Key>, refused: &(Refusal, Reason)) -> Refusal {
        self.one(app, key).refuse(Outcome::Invalid, refused.1);
        refused.0.clone()
    }

    pub(super) async fn read(&self, app: &App, key: Option<&Key>, body: Body) -> Result<bytes::Bytes, Refusal> {
        if let Err((refusal, reason)) = app.door.guard.judge() {
            self.one(app, key).refuse(Outcome::RateLimited, reason);
            return Err(refusal);
        }
        let too_large = || {
            let detail = format!("The body is larger than {BODY_BYTES_MAX} bytes.");
            (Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail), Reason::TooLarge)
        };
        let declared = self.text(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
        if declared.is_some_and(|length| length > BODY_BYTES_MAX) {
            return Err(self.unreadable(app, key, &too_large()));
        }
        let refusal = match body::read(body, BODY_BYTES_MAX).await {
            Ok(bytes) => return Ok(bytes),
            Err(NoBody::TooLarge) => return Err(self.unreadable(app, key, &too_large())),
            Err(NoBody::Broken) => Refusal::new(StatusCode::BAD_REQUEST, "The body broke off before its end."),
            Err(NoBody::Slow) => {
                Refusal::new(StatusCode::REQUEST_TIMEOUT, "The body came too slowly. Send it again in one piece.")
            }
        };
        Err(self.unreadable(app, key, &(refusal, Reason::Framing)))
    }

    pub(super) fn split<'b>(&self, app: &App, key: Option<&Key>, body: &'b [u8]) -> Result<Envelope<'b>, Refusal> {
        match self.framing {
            Framing::Envelope | Framing::Tunnel | Framing::Upload(_) | Framing::Security | Framing::Network => {
                envelope::split(body).map_err(|error| {
                    let refusal = Refusal::new(StatusCode::BAD_REQUEST, error.to_string());
                    self.unreadable(app, key, &(refusal, Reason::Framing))
                })
            }
            Framing::Event if body.iter().all(u8::is_ascii_whitespace) => {
                let refusal = Refusal::new(StatusCode::BAD_REQUEST, "The body is empty.");
                Err(self.unreadable(app, key, &(refusal, Reason::Framing)))
            }
            Framing::Event => Ok(of_event(body)),
        }
    }

    pub(super) async fn answer(
        &self,
        app: &App,
        envelope: &Envelope<'_>,
        items: Items<'_>,
    ) -> Result<Response, Refusal> {
        let event_id = items.event_id().or(items.filtered.map(|(id, _)| id)).or(envelope.event_id);
        let has_events = envelope.items.iter().any(|item| matches!(&*item.kind, "event" | "feedback"));
        app.door.keep(items.ready).await?;
        if items.is_limited {
            return Err(closed::refusal(&items.closed));
        }
        let retries: Vec<_> = items.closed.iter().map(Closed::retry).collect();
        if matches!(self.framing, Framing::Security | Framing::Network) {
            return Ok(StatusCode::OK.into_response());
        }
        let unsupported = if app.config.tell_unsupported { &items.unsupported[..] } else { &[] };
        Ok(reply::accepted(event_id.filter(|_| has_events), unsupported, &retries))
    }
}

/// What the store endpoint takes, as an envelope.
fn of_event(body: &[u8]) -> Envelope<'_> {
    let event = Item { kind: Cow::Borrowed("event"), headers: Object::default(), payload: body };
    Envelope { event_id: None, dsn: None, sent_at_ms: None, sdk: None, header: Object::default(), items: vec![event] }
}

pub(super) fn inflate_refusal(error: &InflateError) -> (Refusal, Reason) {
    match error {
        InflateError::TooLarge { .. } => {
            (Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()), Reason::TooLarge)
        }
        _ => (Refusal::new(StatusCode::BAD_REQUEST, error.to_string()), Reason::Encoding),
    }
}
