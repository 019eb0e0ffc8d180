//! Receive: HTTP bodies in, records into the journal, and only then 200.
//!
//! Owns: the intake endpoints of the Sentry protocol (reference, sections 1 to 6). The order of judgement is: key and
//! guards before anything is read; size before and after inflating; framing; limits per category once items are
//! known. Refusal comes before the write, in the form that SDKs obey.
//!
//! **Invariants**
//! * 200 is answered after the journal has synced.
//! * Everything that came is counted as received once, and has one outcome ([`ledger`]).
//! * What is inside an event is never a reason for a 4xx: it is stored as far as it can be read.
//! * No secret that a rule removes is written anywhere, logs included: bodies are never logged.

pub mod attachment;
pub mod body;
mod check_in;
pub mod closed;
pub mod crash;
pub mod door;
pub mod embed;
pub mod event;
pub mod families;
pub mod feedback;
mod filtered;
pub mod form;
pub mod guard;
pub mod ledger;
pub mod limits;
pub mod loader;
pub mod origin;
pub mod pixel;
pub mod reply;
pub mod room;
pub mod script;
mod security;
pub mod session;
pub mod share;
pub mod tunnel;
pub mod turned_away;
pub mod upload;
pub mod window;

use crate::app::{App, Shared};
use crate::client_report;
use crate::live::Fact;
use crate::outcome::{Category, Dialect, Outcome, Reason};
use crate::policy::Policy;
use crate::project::Key;
use crate::record::{self, Sender};
use crate::store::now_ms;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use body::NoBody;
use bugle_event::envelope::{self, Envelope, Item};
use bugle_event::inflate::{self, InflateError};
use bugle_event::json::Object;
use bugle_event::{EventId, auth, dialect};
use closed::Closed;
use door::NoEntry;
use event::{Context, NotReady, Ready};
use ledger::Received;
use limits::Place;
use reply::Refusal;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Instant;

/// A request's body as it comes, in bytes.
pub const BODY_BYTES_MAX: usize = 32 << 20;
/// A request's body after inflating, in bytes.
pub const INFLATED_BYTES_MAX: usize = 64 << 20;
/// One event, in bytes of JSON.
pub const EVENT_BYTES_MAX: usize = 1 << 20;

/// The intake routes, with and without a slash at the end.
pub fn router() -> Router<Shared> {
    let mut router = Router::new();
    for slash in ["", "/"] {
        router = router
            .route(&format!("/api/{{project}}/envelope{slash}"), post(envelope_of).options(preflight))
            .route(&format!("/api/{{project}}/store{slash}"), post(store_of).get(pixel::take).options(preflight))
            .route(&format!("/api/store{slash}"), post(store_anywhere).options(preflight));
    }
    router = security::routes(router).merge(loader::routes()).merge(upload::router()).merge(check_in::router());
    let router = router.route("/api/relay/healthcheck/live/", get(|| async { "ok" }));
    router.layer(middleware::from_fn(cors)).merge(embed::routes())
}

async fn cors(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    reply::allow_any_origin(response.headers_mut());
    response
}

async fn preflight() -> Response {
    reply::preflight()
}

async fn envelope_of(
    State(app): State<Shared>,
    Path(project): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    receive(app, Some(project), peer, query, headers, body, Framing::Envelope).await
}

async fn store_of(
    State(app): State<Shared>,
    Path(project): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let framing = Framing::of_store(&headers);
    receive(app, Some(project), peer, query, headers, body, framing).await
}

async fn store_anywhere(
    State(app): State<Shared>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let framing = Framing::of_store(&headers);
    receive(app, None, peer, query, headers, body, framing).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    Envelope,
    /// An envelope that came by the tunnel: the DSN in it is all that counts.
    Tunnel,
    /// One event, as the store endpoint takes it.
    Event,
    /// Reports of a browser about a page's policies.
    Security,
    /// Reports of a browser about its network.
    Network,
    /// A form, a dump or an archive.
    Upload(upload::What),
}

impl Framing {
    fn of_store(headers: &HeaderMap) -> Framing {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/x-sentry-envelope") { Framing::Envelope } else { Framing::Event }
    }
}

async fn receive(
    app: Shared,
    project: Option<String>,
    peer: SocketAddr,
    query: Option<String>,
    headers: HeaderMap,
    body: Body,
    framing: Framing,
) -> Response {
    // On a task of its own: who hangs up ends the wait for the answer, and must not end a request between the journal,
    // which has its items, and the books.
    match tokio::spawn(judge(app, project, peer, query, headers, body, framing)).await {
        Ok(answer) => answer,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn judge(
    app: Shared,
    project: Option<String>,
    peer: SocketAddr,
    query: Option<String>,
    headers: HeaderMap,
    body: Body,
    framing: Framing,
) -> Response {
    let started = Instant::now();
    let request = Incoming {
        headers,
        query: query.unwrap_or_default(),
        peer,
        framing,
        received_ms: now_ms(),
        key: OnceLock::new(),
    };
    let project_id = project.as_deref().map(|project| project.parse::<i64>().unwrap_or(-1));
    let answer = match framing {
        Framing::Upload(what) => upload::take(&request, &app, project_id, body, what).await,
        _ => request.take(&app, project_id, body).await,
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(mut refusal) => {
            heard(&app, project_id, &refusal);
            request.add_limits(&app, &mut refusal);
            refusal.into_response()
        }
    };
    app.metrics.receive_seconds.observe(started.elapsed().as_secs_f64());
    answer
}

/// The key with this public part, if it may send to this project (`None`: the one it belongs to). An unknown one may have
/// been made just now.
pub async fn admitted(app: &App, public: &str, project: Option<i64>) -> Result<Key, NoEntry> {
    if !app.store.keys().contains_key(public)
        && let Err(error) = app.store.second_look().await
    {
        tracing::error!(%error, "the keys could not be read again");
    }
    app.door.admit(&app.store, public, project).map(|(key, _)| key)
}

/// Remembers a refused attempt for the project's setup page.
fn heard(app: &App, project: Option<i64>, refusal: &Refusal) {
    let Some(project) = project else { return };
    let organization = app.store.keys().values().find(|(key, _)| key.project == project).map(|(_, owner)| *owner);
    if let Some(organization) = organization {
        let (status, why) = (refusal.status.as_u16(), refusal.detail.clone());
        app.heard.record(project, status, &why);
        app.live.tell(Fact::Refused { organization, project, status, why });
    }
}

struct Incoming {
    headers: HeaderMap,
    query: String,
    peer: SocketAddr,
    framing: Framing,
    received_ms: i64,
    /// The key that has let it in.
    key: OnceLock<Key>,
}

impl Incoming {
    async fn take(&self, app: &App, project: Option<i64>, body: Body) -> Result<Response, Refusal> {
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

    fn text(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The credentials in header or query; `None` when there are none there.
    fn credentials(&self, app: &App) -> Result<Option<auth::Auth>, Refusal> {
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

    async fn admit(&self, app: &App, public: &str, project: Option<i64>) -> Result<Key, Refusal> {
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

    async fn admit_by_dsn(&self, app: &App, project: Option<i64>, envelope: &Envelope<'_>) -> Result<Key, Refusal> {
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
    fn add_limits(&self, app: &App, refusal: &mut Refusal) {
        if let (Some(key), true) = (self.key.get(), refusal.retries.is_empty()) {
            let closed = app.door.limits.closed(&app.store.limits(), key, self.received_ms);
            refusal.retries = closed.iter().map(Closed::retry).collect();
        }
    }

    /// The DSN inside an envelope must not contradict the credentials around it.
    fn agrees(&self, app: &App, key: Key, envelope: &Envelope<'_>) -> Result<Key, Refusal> {
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
    fn one<'a>(&self, app: &'a App, key: Option<&Key>) -> Received<'a> {
        app.door.ledger.receive(key, Dialect::Sentry, self.framing.category(), self.received_ms)
    }

    fn stranger(&self, app: &App, reason: Reason) {
        self.one(app, None).refuse(Outcome::Invalid, reason);
    }

    fn unreadable(&self, app: &App, key: Option<&Key>, refused: &(Refusal, Reason)) -> Refusal {
        self.one(app, key).refuse(Outcome::Invalid, refused.1);
        refused.0.clone()
    }

    async fn read(&self, app: &App, key: Option<&Key>, body: Body) -> Result<bytes::Bytes, Refusal> {
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

    fn split<'b>(&self, app: &App, key: Option<&Key>, body: &'b [u8]) -> Result<Envelope<'b>, Refusal> {
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

    /// Each item gets its fate, or becomes ready for the journal.
    fn sort_out<'a>(
        &self,
        app: &'a App,
        key: &Key,
        client: Option<&str>,
        sent_at_ms: Option<i64>,
        envelope: &Envelope<'_>,
    ) -> Result<Items<'a>, Refusal> {
        let mut items = Items::default();
        attachment::bounded(app, key, self.received_ms, envelope, &mut items)?;
        let limits = app.store.limits();
        let policy = app.store.policy(key.project);
        let mut event_id = envelope.event_id;
        for item in &envelope.items {
            let receive = |category| app.door.ledger.receive(Some(key), Dialect::Sentry, category, self.received_ms);
            if item.kind == "client_report" {
                let received = receive(Category::ClientReport);
                match client_report::read(item.payload) {
                    Ok(discards) => received.report(discards),
                    Err(reason) => received.refuse(Outcome::Invalid, reason),
                }
                continue;
            }
            if session::is_one(&item.kind) {
                items.session(
                    receive(Category::Session),
                    item,
                    key,
                    envelope.sent_at_ms.or(sent_at_ms),
                    self.received_ms,
                );
                continue;
            }
            if matches!(&*item.kind, "feedback" | "user_report") {
                items.feedback(receive(Category::Feedback), item, envelope.event_id, (&policy, key, self.received_ms));
                continue;
            }
            if item.kind == "attachment" {
                continue; // Below: their event's fate is theirs.
            }
            if item.kind == "check_in" {
                items.ready.extend(check_in::understand(
                    item.payload,
                    key,
                    self.received_ms,
                    receive(Category::Monitor),
                ));
                continue;
            }
            if item.kind != "event" {
                let category = Category::of_item(&item.kind);
                items.unsupported(category);
                receive(category).refuse(Outcome::Discarded, Reason::Unsupported);
                continue;
            }
            if item.payload.len() > EVENT_BYTES_MAX {
                receive(self.framing.category()).refuse(Outcome::Invalid, Reason::TooLarge);
                app.door.turned_away.remember(key.project, event_id, Reason::TooLarge, self.received_ms);
                items.forsake(Outcome::Invalid, Reason::TooLarge);
                items.dropped = Some((Outcome::Invalid, Reason::TooLarge));
                let files = attachment::of_envelope(envelope);
                attachment::sort_out(app, key, self.received_ms, event_id, files, &mut items);
                let detail = format!("The event is larger than {EVENT_BYTES_MAX} bytes; the SDK should trim it.");
                return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
            }
            let place = match app.door.limits.take(&limits, key, self.received_ms) {
                Ok((place, closing)) => {
                    items.closed = closing;
                    place
                }
                Err(closed) => {
                    let reason = closed.first().map_or(Reason::Overload, |one| one.reason);
                    receive(self.framing.category()).refuse(Outcome::RateLimited, reason);
                    app.door.turned_away.remember(key.project, event_id, reason, self.received_ms);
                    (items.closed, items.is_limited) = (closed, true);
                    items.dropped = Some((Outcome::RateLimited, reason));
                    continue;
                }
            };
            let context = Context {
                key,
                policy: &policy,
                received_ms: self.received_ms,
                sent_at_ms: envelope.sent_at_ms.or(sent_at_ms),
                event_id: event_id.take(),
                client,
                client_ip: Some(app.config.trusted_proxies.client(self.peer.ip(), &self.headers)),
                geography: app.geography.as_ref(),
            };
            items.understand(app, item.payload, &context, place);
        }
        if !envelope.items.iter().any(|item| item.kind == "event") {
            items.closed = app.door.limits.closed(&limits, key, self.received_ms);
        }
        let files = attachment::of_envelope(envelope);
        attachment::sort_out(app, key, self.received_ms, items.event_id().or(envelope.event_id), files, &mut items);
        Ok(items)
    }

    async fn answer(&self, app: &App, envelope: &Envelope<'_>, items: Items<'_>) -> Result<Response, Refusal> {
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

/// The items of one request that are on their way.
#[derive(Default)]
struct Items<'a> {
    ready: Vec<OnItsWay<'a>>,
    /// Categories that SDKs may stop sending.
    unsupported: Vec<&'static str>,
    /// Limits of the key that are used up, as the last event found or left them.
    closed: Vec<Closed>,
    /// Whether an event was refused by one.
    is_limited: bool,
    /// What its sessions have used.
    sessions: session::Used,
    /// The id of the event that a filter dropped last, and which.
    filtered: Option<(EventId, Reason)>,
    /// What an event was dropped for: its attachments go with it.
    dropped: Option<(Outcome, Reason)>,
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
    fn write(&self) -> Vec<u8> {
        match self {
            Parcel::Event(ready) => ready.record.write(),
            Parcel::Item(item) => item.write(),
        }
    }

    /// Who sent it, and the bytes of [`Parcel::write`].
    fn sender_and_bytes(&self) -> (Sender, i64) {
        match self {
            Parcel::Event(ready) => (ready.record.sender(), ready.record.bytes()),
            Parcel::Item(item) => (item.sender, item.bytes()),
        }
    }

    fn event_id(&self) -> Option<EventId> {
        match self {
            Parcel::Event(ready) => Some(ready.record.event_id),
            Parcel::Item(_) => None,
        }
    }
}

impl<'a> Items<'a> {
    /// The id of the event among them.
    fn event_id(&self) -> Option<EventId> {
        self.ready.iter().find_map(|kept| kept.parcel.event_id())
    }

    fn unsupported(&mut self, category: Category) {
        use Category::{Log, Metric, Profile, Replay, Span, Transaction};
        let is_product_of_its_own = matches!(category, Log | Metric | Profile | Replay | Span | Transaction);
        if is_product_of_its_own && !self.unsupported.contains(&category.as_str()) {
            self.unsupported.push(category.as_str());
        }
    }

    fn session(
        &mut self,
        received: Received<'a>,
        item: &Item<'_>,
        key: &Key,
        sent_at_ms: Option<i64>,
        received_ms: i64,
    ) {
        let (dialect, category) = (Dialect::Sentry, Category::Session);
        let sender = Sender { dialect, category, project: key.project, key: key.id, received_ms };
        match session::understand(&item.kind, item.payload, sender, sent_at_ms, &mut self.sessions) {
            Ok(item) => self.ready.push(OnItsWay { received, place: None, parcel: Parcel::Item(Box::new(item)) }),
            Err(reason) => received.refuse(Outcome::Invalid, reason),
        }
    }

    fn feedback(
        &mut self,
        received: Received<'a>,
        item: &Item<'_>,
        envelope_id: Option<EventId>,
        (policy, key, received_ms): (&Policy, &Key, i64),
    ) {
        let (dialect, category) = (Dialect::Sentry, received.category());
        let sender = Sender { dialect, category, project: key.project, key: key.id, received_ms };
        match feedback::read(item, envelope_id) {
            Ok(told) => {
                let parcel = Parcel::Item(Box::new(feedback::item(told, &policy.scrubber, sender)));
                self.ready.push(OnItsWay { received, place: None, parcel });
            }
            Err(reason) => received.refuse(Outcome::Invalid, reason),
        }
    }

    /// A panic over one event costs that event, and says so. What it counts as is known only once it is read.
    fn understand(&mut self, app: &'a App, payload: &[u8], context: &Context<'_>, place: Place) {
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
    fn forsake(&mut self, outcome: Outcome, reason: Reason) {
        for kept in self.ready.drain(..) {
            kept.received.refuse(outcome, reason);
        }
    }
}

/// What the store endpoint takes, as an envelope.
fn of_event(body: &[u8]) -> Envelope<'_> {
    let event = Item { kind: Cow::Borrowed("event"), headers: Object::default(), payload: body };
    Envelope { event_id: None, dsn: None, sent_at_ms: None, sdk: None, header: Object::default(), items: vec![event] }
}

fn inflate_refusal(error: &InflateError) -> (Refusal, Reason) {
    match error {
        InflateError::TooLarge { .. } => {
            (Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()), Reason::TooLarge)
        }
        _ => (Refusal::new(StatusCode::BAD_REQUEST, error.to_string()), Reason::Encoding),
    }
}

#[cfg(test)]
mod tests;
