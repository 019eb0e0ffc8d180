//! Receive: HTTP bodies in, records into the journal, and only then 200.
//!
//! Owns: the intake endpoints of the Sentry protocol (reference, sections 1 to 6). The order of judgement is: key and
//! guards before anything is read; size before and after inflating; framing; limits per category once items are
//! known (`incoming`, `items`). Refusal comes before the write, in the form that SDKs obey.
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
mod incoming;
mod items;
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
use crate::live::Fact;
use crate::project::Key;
use crate::store::now_ms;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use door::NoEntry;
use incoming::{Incoming, inflate_refusal};
use items::Items;
pub use items::{OnItsWay, Parcel};
use reply::Refusal;
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

#[cfg(test)]
mod tests;
