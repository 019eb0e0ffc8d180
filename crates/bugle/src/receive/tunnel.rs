//! The tunnel: an address of one's own choice that takes envelopes, for pages whose readers block what looks like error
//! tracking (protocol reference, section 2, "Tunnels").
//!
//! An SDK with the option `tunnel` posts its envelope unchanged to any address of the site; the DSN stands in the envelope's
//! header and is the only credential that counts here. It is meant to stand behind a path of the site itself, which hands
//! the request on to this one. Nothing is forwarded from here: what comes is filed on this server or refused, so the host in
//! the DSN does not matter, and nobody can have this server send anything anywhere.
//!
//! Only projects that say so are taken ([`crate::policy::browser`]); others get 403 and a sentence.

use super::{Framing, preflight, receive};
use crate::app::Shared;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::middleware;
use axum::response::Response;
use axum::routing::post;
use std::net::SocketAddr;

/// Its route, if the server has one: the path of the setting `tunnel_path`.
pub fn router(path: Option<&str>) -> Router<Shared> {
    let Some(path) = path else { return Router::new() };
    let methods = post(take).options(preflight);
    let router = Router::new().route(path, methods.clone()).route(&format!("{path}/"), methods);
    router.layer(middleware::from_fn(super::cors))
}

async fn take(
    State(app): State<Shared>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    receive(app, None, peer, None, headers, body, Framing::Tunnel).await
}
