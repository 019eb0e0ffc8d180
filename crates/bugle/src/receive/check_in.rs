//! Check-ins: as items of envelopes, and by URL (Sentry protocol, 2 and 10.5).
//!
//! By URL a cron line needs no SDK: `curl "…/api/1/cron/nightly/KEY/?status=ok"`. Such a caller cannot obey a limit and must
//! not fail its job for one, so it is never answered with 429: what is refused so is counted and answered like the rest.

use super::reply::Refusal;
use super::{Framing, Incoming, OnItsWay, Parcel, heard};
use crate::app::{App, Shared};
use crate::monitor::check_in::{CHECK_IN_BYTES_MAX, CheckIn};
use crate::outcome::{Category, Dialect, Outcome, Reason};
use crate::project::Key;
use crate::receive::ledger::Received;
use crate::record::{Item, Kind, Sender};
use crate::store::now_ms;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bugle_event::auth;
use bugle_event::scrub::Scrubber;
use serde_json::{Map, Value};
use std::net::SocketAddr;
use std::sync::OnceLock;

/// What an SDK says in an envelope.
pub(super) fn understand<'a>(
    payload: &[u8],
    scrubber: &Scrubber,
    key: &Key,
    received_ms: i64,
    received: Received<'a>,
) -> Option<OnItsWay<'a>> {
    if payload.len() > CHECK_IN_BYTES_MAX {
        received.refuse(Outcome::Invalid, Reason::TooLarge);
        return None;
    }
    match CheckIn::read(payload, scrubber) {
        Some(check_in) => Some(on_its_way(&check_in, key, received_ms, received)),
        None => {
            received.refuse(Outcome::Invalid, Reason::Unreadable);
            None
        }
    }
}

fn on_its_way<'a>(check_in: &CheckIn, key: &Key, received_ms: i64, received: Received<'a>) -> OnItsWay<'a> {
    let (dialect, category) = (Dialect::Sentry, Category::Monitor);
    let sender = Sender { dialect, category, project: key.project, key: key.id, received_ms };
    let body = check_in.to_bytes();
    let item = Item { sender, kind: Kind::CheckIn, event_id: None, about: String::new(), body };
    OnItsWay { received, place: None, parcel: Parcel::Item(Box::new(item)) }
}

/// The addresses, with and without a slash at the end.
pub(super) fn router() -> Router<Shared> {
    let mut router = Router::new();
    for slash in ["", "/"] {
        router = router
            .route(
                &format!("/api/{{project}}/cron/{{slug}}{slash}"),
                get(by_url).post(by_url).options(super::preflight),
            )
            .route(
                &format!("/api/{{project}}/cron/{{slug}}/{{key}}{slash}"),
                get(by_url).post(by_url).options(super::preflight),
            );
    }
    router
}

async fn by_url(
    State(app): State<Shared>,
    Path(path): Path<Vec<(String, String)>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let part = |name: &str| path.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let project = part("project").and_then(|project| project.parse().ok()).unwrap_or(-1);
    let request = Incoming {
        headers,
        query: query.unwrap_or_default(),
        peer,
        framing: Framing::Event,
        received_ms: now_ms(),
        key: OnceLock::new(),
    };
    match request.check_in(&app, project, part("slug").unwrap_or_default(), part("key"), body).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(refusal) => {
            heard(&app, Some(project), &refusal);
            match refusal.status {
                StatusCode::TOO_MANY_REQUESTS => StatusCode::ACCEPTED.into_response(),
                _ => refusal.into_response(),
            }
        }
    }
}

impl Incoming {
    async fn check_in(
        &self,
        app: &App,
        project: i64,
        slug: &str,
        in_path: Option<&str>,
        body: Body,
    ) -> Result<(), Refusal> {
        let public = self.key_of(app, in_path)?;
        let key = self.admit(app, &public, Some(project)).await?;
        let receive = || app.door.ledger.receive(Some(&key), Dialect::Sentry, Category::Monitor, self.received_ms);
        if let Err((refusal, reason)) = app.door.guard.judge() {
            receive().refuse(Outcome::RateLimited, reason);
            return Err(refusal);
        }
        let Ok(body) = axum::body::to_bytes(body, CHECK_IN_BYTES_MAX).await else {
            receive().refuse(Outcome::Invalid, Reason::TooLarge);
            let detail = format!("The body is larger than {CHECK_IN_BYTES_MAX} bytes.");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        };
        let policy = app.store.policy(key.project);
        let Some(check_in) = CheckIn::of(&self.fields(&body), slug, &policy.scrubber) else {
            receive().refuse(Outcome::Invalid, Reason::Unreadable);
            let detail = "Say how the run stands: add ?status=ok, ?status=error or ?status=in_progress to the address.";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, detail));
        };
        app.door.keep(vec![on_its_way(&check_in, &key, self.received_ms, receive())]).await
    }

    /// The key, from the address or from where SDKs put it.
    fn key_of(&self, app: &App, in_path: Option<&str>) -> Result<String, Refusal> {
        let elsewhere = self.credentials(app)?.map(|auth| auth.key);
        let here = in_path.map(auth::key).transpose().map_err(|error| {
            self.stranger(app, Reason::BadCredentials);
            Refusal::new(StatusCode::BAD_REQUEST, error.to_string())
        })?;
        match (here, elsewhere) {
            (Some(here), Some(elsewhere)) if here != elsewhere => {
                self.stranger(app, Reason::BadCredentials);
                Err(Refusal::new(StatusCode::UNAUTHORIZED, auth::AuthError::Multiple.to_string()))
            }
            (Some(key), _) | (None, Some(key)) => Ok(key),
            (None, None) => {
                self.stranger(app, Reason::NoKey);
                Err(Refusal::new(StatusCode::UNAUTHORIZED, auth::AuthError::Missing.to_string()))
            }
        }
    }

    /// What is said in the body, and over it in the query.
    fn fields(&self, body: &[u8]) -> Map<String, Value> {
        let mut fields = match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        for (name, value) in form_urlencoded::parse(self.query.as_bytes()) {
            if matches!(&*name, "status" | "check_in_id" | "duration" | "environment") {
                fields.insert(name.into_owned(), Value::String(value.into_owned()));
            }
        }
        fields
    }
}
