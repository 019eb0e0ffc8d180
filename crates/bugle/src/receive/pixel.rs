//! The pixel: an event in the address of an image, as ancient browser SDKs send it (protocol reference, section 2).
//!
//! `GET /api/{project}/store/?sentry_data=…` has the event in base64, perhaps with zlib inside. The answer is the image,
//! whatever became of the event: a page must not show a broken one. Headers say what went wrong, as everywhere.

use super::{Framing, receive};
use crate::app::Shared;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;

/// One transparent point, as a GIF.
const POINT: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// Takes one event.
pub async fn take(
    State(app): State<Shared>,
    Path(project): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let data = event(query.as_deref().unwrap_or_default());
    let answer = receive(app, Some(project), peer, query, headers, Body::from(data), Framing::Event).await;
    let mut image = (StatusCode::OK, POINT).into_response();
    image.headers_mut().extend(answer.headers().clone());
    for (name, value) in [(header::CONTENT_TYPE, "image/gif"), (header::CACHE_CONTROL, "no-store")] {
        image.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    image.headers_mut().remove(header::CONTENT_LENGTH);
    image
}

/// The event in a query; empty when there is none.
fn event(query: &str) -> String {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let data = pairs.into_iter().find(|(name, _)| name == "sentry_data").map(|(_, value)| value).unwrap_or_default();
    // A plus of base64 that was not encoded has become a blank on the way.
    if data.trim_start().starts_with('{') { data.into_owned() } else { data.replace(' ', "+") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_in_an_address_is_found_however_it_was_encoded() {
        assert_eq!(event("sentry_version=4&sentry_data=ab%2Bc%3D"), "ab+c=");
        assert_eq!(event("sentry_data=ab+c="), "ab+c=");
        assert_eq!(event("sentry_data=%7B%22message%22%3A%22a+b%22%7D"), "{\"message\":\"a b\"}");
        assert_eq!(event(""), "");
    }
}
