//! What SDKs are answered, in Sentry's words (protocol reference, sections 3.3 to 3.5 and 6.1).
//!
//! Every answer, errors too, carries the CORS headers: without them a browser SDK cannot read its rate limits.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bugle_event::EventId;
use serde_json::json;

/// A request, or part of it, that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status to answer.
    pub status: StatusCode,
    /// Why, and what to do, for a person who reads the SDK's log.
    pub detail: String,
    /// The limits that are used up: in how many seconds to come again, and with which categories.
    pub retries: Vec<Retry>,
}

/// When to come again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Seconds.
    pub after_s: i64,
    /// Categories, separated by `;`; empty: everything.
    pub categories: &'static str,
    /// `key`, `project` or `organization`.
    pub scope: &'static str,
    /// Why, as a word.
    pub reason: &'static str,
}

impl Retry {
    fn limit(&self) -> String {
        format!("{}:{}:{}:{}", self.after_s, self.categories, self.scope, self.reason)
    }
}

impl Refusal {
    /// A refusal without a time to come again.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Refusal {
        Refusal { status, detail: detail.into(), retries: Vec::new() }
    }

    /// 429.
    pub fn later(detail: impl Into<String>, retry: Retry) -> Refusal {
        Refusal::limited(detail, vec![retry])
    }

    /// 429, by several limits.
    pub fn limited(detail: impl Into<String>, retries: Vec<Retry>) -> Refusal {
        Refusal { status: StatusCode::TOO_MANY_REQUESTS, detail: detail.into(), retries }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(json!({ "detail": self.detail }))).into_response();
        let headers = response.headers_mut();
        set(headers, "x-sentry-error", &self.detail);
        set_limits(headers, &self.retries, None);
        response
    }
}

/// Both headers, on whatever status: the limits that are used up, and what need not be sent for an hour. `Retry-After` is
/// the longest of the limits.
fn set_limits(headers: &mut HeaderMap, retries: &[Retry], unsupported: Option<String>) {
    if let Some(after_s) = retries.iter().map(|retry| retry.after_s).max() {
        set(headers, "retry-after", &after_s.to_string());
    }
    let limits: Vec<String> = retries.iter().map(Retry::limit).chain(unsupported).collect();
    if !limits.is_empty() {
        set(headers, "x-sentry-rate-limits", &limits.join(", "));
    }
}

/// 200 with the event's id, or `{}`. `unsupported` names categories that need not be sent for an hour; `retries` are
/// limits that are used up although nothing of this request was refused.
pub fn accepted(event_id: Option<EventId>, unsupported: &[&'static str], retries: &[Retry]) -> Response {
    let body = match event_id {
        Some(id) => json!({ "id": id.to_string() }),
        None => json!({}),
    };
    let mut response = axum::Json(body).into_response();
    let unsupported_is_empty = unsupported.is_empty();
    let unsupported = || format!("3600:{}:organization:unsupported", unsupported.join(";"));
    set_limits(response.headers_mut(), retries, (!unsupported_is_empty).then(unsupported));
    response
}

/// The headers that let any page of any origin send here and read the answer.
pub fn allow_any_origin(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "x-sentry-error, x-sentry-rate-limits, retry-after"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The answer to a preflight.
pub fn preflight() -> Response {
    let mut response = StatusCode::OK.into_response();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, GET, OPTIONS"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "x-sentry-auth, x-requested-with, x-forwarded-for, origin, referer, accept, content-type, \
             authentication, authorization, content-encoding, transfer-encoding",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "3600"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Sets a header to a text; what a header cannot hold is replaced.
fn set(headers: &mut HeaderMap, name: &'static str, text: &str) {
    let clean: String = text.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).take(500).collect();
    if let Ok(value) = HeaderValue::from_str(&clean) {
        headers.insert(name, value);
    }
}
