//! What a route answers: a [`Reply`], or a [`Refusal`] with a sentence. Always JSON, also for every error, since
//! clients refuse to read anything else (protocol reference, section 18.1).

use crate::app::App;
use crate::live::Fact;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{Response, StatusCode};
use bugle_db::DbError;
use bytes::Bytes;
use serde_json::{Value, json};

/// What a route answers when all is well.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    facts: Vec<Fact>,
}

impl Reply {
    /// 200 with `body`.
    pub fn ok(body: &Value) -> Reply {
        Reply::raw(body.to_string())
    }

    /// 201 with `body`.
    pub fn created(body: &Value) -> Reply {
        Reply { status: StatusCode::CREATED, ..Reply::ok(body) }
    }

    /// 208 with `body`: what was to be made is there.
    pub fn already(body: &Value) -> Reply {
        Reply { status: StatusCode::ALREADY_REPORTED, ..Reply::ok(body) }
    }

    /// 200 with text that is JSON already.
    pub fn raw(body: String) -> Reply {
        Reply { status: StatusCode::OK, headers: Vec::new(), body: body.into(), facts: Vec::new() }
    }

    /// 200 with a file that somebody sent, and the headers that make it harmless.
    pub fn file(headers: Vec<(HeaderName, HeaderValue)>, body: Vec<u8>) -> Reply {
        Reply { status: StatusCode::OK, headers, body: body.into(), facts: Vec::new() }
    }

    /// 204.
    pub fn empty() -> Reply {
        Reply { status: StatusCode::NO_CONTENT, ..Reply::raw(String::new()) }
    }

    /// With one more header. A value that no header can carry is left out.
    pub fn with(mut self, name: &'static str, value: &str) -> Reply {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// With what open pages are told once the change is durable.
    pub fn telling(mut self, facts: impl IntoIterator<Item = Fact>) -> Reply {
        self.facts.extend(facts);
        self
    }

    /// As a response. The transaction has been committed by now, so listeners may hear of it.
    pub fn send(self, app: &App) -> Response<Body> {
        for fact in &self.facts {
            app.live.tell(fact.clone());
        }
        self.send_alone()
    }

    /// As a response that nobody else hears of.
    pub fn send_alone(self) -> Response<Body> {
        let mut response = respond(self.status, self.body);
        for (name, value) in self.headers {
            match name {
                CONTENT_TYPE => drop(response.headers_mut().insert(name, value)),
                name => drop(response.headers_mut().append(name, value)),
            }
        }
        response
    }
}

/// Why a request is not answered as it wished; each with a sentence for a person.
#[derive(Debug)]
pub enum Refusal {
    /// 400: something in it makes no sense.
    Invalid(String),
    /// 401: nobody knows who asks.
    Unauthorized(String),
    /// 403: they may not.
    Forbidden(String),
    /// 404: there is no such thing, or not for them.
    NotFound(String),
    /// 409: there is such a thing already.
    Conflict(String),
    /// 413: the body is too large.
    TooLarge(String),
    /// 500 or 503: we failed.
    Failed(DbError),
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Abandoned(sentence) => Refusal::Invalid(sentence),
            error => Refusal::Failed(error),
        }
    }
}

impl Refusal {
    /// As a response.
    pub fn send(self) -> Response<Body> {
        let (status, detail) = match self {
            Refusal::Invalid(detail) => (StatusCode::BAD_REQUEST, detail),
            Refusal::Unauthorized(detail) => (StatusCode::UNAUTHORIZED, detail),
            Refusal::Forbidden(detail) => (StatusCode::FORBIDDEN, detail),
            Refusal::NotFound(detail) => (StatusCode::NOT_FOUND, detail),
            Refusal::Conflict(detail) => (StatusCode::CONFLICT, detail),
            Refusal::TooLarge(detail) => (StatusCode::PAYLOAD_TOO_LARGE, detail),
            Refusal::Failed(error) => failed(&error),
        };
        let mut response = detail_response(status, &detail);
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"api\""));
        }
        response
    }
}

/// `{"detail": "…"}` under `status`.
pub fn detail_response(status: StatusCode, detail: &str) -> Response<Body> {
    respond(status, json!({ "detail": detail }).to_string().into())
}

fn failed(error: &DbError) -> (StatusCode, String) {
    tracing::error!(%error, "an API request failed");
    match error {
        DbError::Busy(_) | DbError::Full(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "The database takes no writes at the moment. Try again later.".into())
        }
        DbError::Conflict(_) => (StatusCode::CONFLICT, "This conflicts with something that exists already.".into()),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "Bugle failed. Its log says why.".into()),
    }
}

fn respond(status: StatusCode, body: Bytes) -> Response<Body> {
    let has_body = status != StatusCode::NO_CONTENT;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    if has_body {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}
