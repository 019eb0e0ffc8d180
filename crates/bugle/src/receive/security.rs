//! Security reports: browsers post them by themselves, to the address that a site names in its headers.
//!
//! Owns: `/security/` and `/csp-report/`, where reports about policies and certificates become events
//! (`bugle_event::dialect::sentry::security`), and `/nel/`, whose reports are counted and not kept. The key is in the
//! address, since a browser sends no other credentials; so are release and environment, if the site names them. From
//! there on a report goes the way of every event: the same limits, the same rules.

use super::{Framing, Incoming, preflight, receive};
use crate::app::{App, Shared};
use crate::outcome::{Category, Reason};
use crate::project::Key;
use crate::receive::reply::Refusal;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use bugle_event::dialect;
use bugle_event::dialect::sentry::security::{self, About};
use std::net::SocketAddr;

/// What browsers of all ages call their reports.
const MEDIA_TYPES: [&str; 8] = [
    "application/csp-report",
    "application/reports+json",
    "application/json",
    "application/expect-ct-report",
    "application/expect-ct-report+json",
    "application/expect-staple-report",
    "application/expect-staple-report+json",
    "application/hpkp-report",
];

/// The longest release or environment that an address may name, in bytes. Longer ones would be left out later.
const NAME_BYTES_MAX: usize = 200;

/// Its addresses.
pub(super) fn routes(mut router: Router<Shared>) -> Router<Shared> {
    for slash in ["", "/"] {
        router = router
            .route(&format!("/api/{{project}}/security{slash}"), post(policies).options(preflight))
            .route(&format!("/api/{{project}}/csp-report{slash}"), post(policies).options(preflight))
            .route(&format!("/api/{{project}}/nel{slash}"), post(network).options(preflight));
    }
    router
}

async fn policies(
    State(app): State<Shared>,
    Path(project): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    receive(app, Some(project), peer, query, headers, body, Framing::Security).await
}

async fn network(
    State(app): State<Shared>,
    Path(project): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    receive(app, Some(project), peer, query, headers, body, Framing::Network).await
}

impl Framing {
    /// What counts that came and could not be told apart.
    pub(super) fn category(self) -> Category {
        match self {
            Framing::Envelope | Framing::Tunnel | Framing::Event | Framing::Upload(_) => Category::Error,
            Framing::Security => Category::Security,
            Framing::Network => Category::Default,
        }
    }
}

impl Incoming {
    /// The reports of a body, as an envelope.
    pub(super) fn reports(&self, app: &App, key: Option<&Key>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let kind = self.text(header::CONTENT_TYPE).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_known = match self.framing {
            Framing::Network => true,
            _ => MEDIA_TYPES.contains(&kind.as_str()),
        };
        if !is_known {
            let detail = "Reports come as application/csp-report, application/reports+json or application/json.";
            let refusal = Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
            return Err(self.unreadable(app, key, &(refusal, Reason::Framing)));
        }
        let (text, _) = dialect::text(body);
        let envelope = match self.framing {
            Framing::Network => security::network_envelope(&text),
            _ => security::envelope(&text, &self.about()),
        };
        envelope.map_err(|error| {
            let refusal = Refusal::new(StatusCode::BAD_REQUEST, error.to_string());
            self.unreadable(app, key, &(refusal, Reason::Unreadable))
        })
    }

    fn about(&self) -> About<'_> {
        let asked = |name: &str| {
            let mut pairs = form_urlencoded::parse(self.query.as_bytes());
            let value = pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            value.filter(|value| !value.is_empty() && value.len() <= NAME_BYTES_MAX)
        };
        About {
            received_ms: self.received_ms,
            user_agent: self.text(header::USER_AGENT),
            release: asked("sentry_release"),
            environment: asked("sentry_environment"),
        }
    }
}

#[cfg(test)]
mod tests;
