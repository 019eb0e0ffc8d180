//! The feedback dialog for error pages (protocol reference, section 10.3): `GET` is a script that opens it, `POST` what the
//! person wrote.
//!
//! * The script is 200 in any case. What is wrong with its address stands in a comment: an error page must not break again.
//! * Only options that are known get into the script, cut and as data ([`script`]).
//! * `POST` tells what is wrong per field. What it takes is feedback like any other ([`feedback`]).
//! * Answers name the page's origin. There are no credentials, so that opens nothing more than `*` would.

use super::feedback::{self, Told};
use super::{admitted, origin, preflight, reply, script};
use crate::app::{App, Shared};
use crate::feedback::{MESSAGE_CHARS_MAX, NAME_CHARS_MAX, Said};
use crate::outcome::{Category, Dialect, Outcome, Reason};
use crate::project::Key;
use crate::store::now_ms;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bugle_event::EventId;
use bugle_event::auth::Dsn;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

const DIALOG: &str = include_str!("../../../../assets/feedback-dialog.js");
/// The address of both.
const PATH: &str = "/api/embed/error-page";
/// What a form may come to, in bytes: its longest message with every character encoded.
const FORM_BYTES_MAX: usize = 128 << 10;
/// Characters of an address for mail, in the form.
const EMAIL_CHARS_MAX: usize = 75;
/// Characters of one text that a page gives the dialog.
const OPTION_CHARS_MAX: usize = 500;
/// What a page may say of the dialog.
const OPTIONS: [&str; 14] = [
    "title",
    "subtitle",
    "subtitle2",
    "labelName",
    "labelEmail",
    "labelComments",
    "labelClose",
    "labelSubmit",
    "errorGeneric",
    "errorFormEntry",
    "successMessage",
    "name",
    "email",
    "lang",
];

/// Its routes.
pub fn routes() -> Router<Shared> {
    let methods = get(show).post(take).options(preflight);
    let router = Router::new().route(PATH, methods.clone()).route(&format!("{PATH}/"), methods);
    router.layer(middleware::from_fn(echo_origin))
}

async fn echo_origin(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = next.run(request).await;
    reply::allow_any_origin(response.headers_mut());
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}

/// What is asked for: the key, the event, and everything in the query.
struct Asked {
    key: Option<Key>,
    event_id: Option<EventId>,
    query: HashMap<String, String>,
}

impl Asked {
    async fn read(app: &App, query: Option<String>) -> Asked {
        let query = query.unwrap_or_default();
        let query: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let key = match query.get("dsn").and_then(|dsn| Dsn::parse(dsn)) {
            Some(dsn) => match i64::try_from(dsn.project_id) {
                Ok(project) => admitted(app, &dsn.key, Some(project)).await.ok(),
                Err(_) => None,
            },
            None => None,
        };
        Asked { key, event_id: query.get("eventId").and_then(|id| EventId::parse(id)), query }
    }
}

async fn show(State(app): State<Shared>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    const NO_STORE: &str = "no-store";
    let nothing = |why: &str| script::answer(format!("/* Bugle: no dialog, because {why}. */\n"), NO_STORE);
    let asked = Asked::read(&app, query).await;
    let Some(key) = &asked.key else { return nothing("the DSN in its address is not known here, or switched off") };
    if !origin::is_allowed(&app.store.policy(key.project).browser, &headers) {
        return nothing("its project does not take what this site sends");
    }
    let Some(event_id) = asked.event_id else { return nothing("its address names no eventId") };
    let mut options = Map::new();
    for name in OPTIONS {
        if let Some(text) = asked.query.get(name).filter(|text| !text.trim().is_empty()) {
            options.insert(name.into(), text.chars().take(OPTION_CHARS_MAX).collect::<String>().into());
        }
    }
    let dsn = crate::project::dsn(&app.config.public_url, key);
    let pairs = form_urlencoded::Serializer::new(String::new())
        .append_pair("dsn", &dsn)
        .append_pair("eventId", &event_id.to_string())
        .finish();
    options.insert("endpoint".into(), format!("{}{PATH}/?{pairs}", app.config.public_url).into());
    script::answer(script::call(DIALOG, &Value::Object(options)), NO_STORE)
}

async fn take(State(app): State<Shared>, RawQuery(query): RawQuery, headers: HeaderMap, body: Body) -> Response {
    let received_ms = now_ms();
    let asked = Asked::read(&app, query).await;
    let refuse = |key: Option<&Key>, reason| {
        let received = app.door.ledger.receive(key, Dialect::Sentry, Category::Feedback, received_ms);
        received.refuse(Outcome::Invalid, reason);
    };
    let Some(key) = &asked.key else {
        refuse(None, Reason::UnknownKey);
        return told(
            StatusCode::NOT_FOUND,
            &json!({ "detail": "The DSN is not known here, or switched off." }),
            &headers,
        );
    };
    if !origin::is_allowed(&app.store.policy(key.project).browser, &headers) {
        refuse(Some(key), Reason::Cors);
        let detail = "The project does not take what this site sends.";
        return told(StatusCode::FORBIDDEN, &json!({ "detail": detail }), &headers);
    }
    let Some(event_id) = asked.event_id else {
        let errors = json!({ "errors": { "eventId": ["An event id is needed: 32 hex digits."] } });
        return told(StatusCode::BAD_REQUEST, &errors, &headers);
    };
    let Ok(body) = to_bytes(body, FORM_BYTES_MAX).await else {
        refuse(Some(key), Reason::TooLarge);
        return told(StatusCode::PAYLOAD_TOO_LARGE, &json!({ "detail": "The form is too large." }), &headers);
    };
    let said = match form(&body) {
        Ok(said) => said,
        // A form that comes back to be mended is not an item yet.
        Err(errors) => return told(StatusCode::BAD_REQUEST, &json!({ "errors": errors }), &headers),
    };
    match feedback::keep(&app, key, Told { said, event_id: Some(event_id) }, received_ms).await {
        Ok(()) => axum::Json(json!({})).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// What stands in a form, or what is wrong with it by field. Only the comments must be there: who does not want to say
/// their name may still say what happened.
fn form(body: &[u8]) -> Result<Said, Map<String, Value>> {
    let fields: HashMap<_, _> = form_urlencoded::parse(body).into_owned().collect();
    let text = |name: &str| fields.get(name).map_or(String::new(), |text| text.trim().to_string());
    let said = Said { name: text("name"), email: text("email"), message: text("comments"), ..Said::default() };
    let mut errors = Map::new();
    let mut wrong = |name: &str, why: String| drop(errors.insert(name.into(), json!([why])));
    for (name, text, chars_max) in [
        ("name", &said.name, NAME_CHARS_MAX),
        ("email", &said.email, EMAIL_CHARS_MAX),
        ("comments", &said.message, MESSAGE_CHARS_MAX),
    ] {
        if text.chars().count() > chars_max {
            wrong(name, format!("At most {chars_max} characters."));
        }
    }
    let is_address = |text: &str| text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if !said.email.is_empty() && (!is_address(&said.email) || said.email.contains(char::is_whitespace)) {
        wrong("email", "An address looks like name@example.com.".into());
    }
    if said.message.is_empty() {
        wrong("comments", "Say what happened.".into());
    }
    if errors.is_empty() { Ok(said) } else { Err(errors) }
}

/// An answer that says what is wrong; for those who read headers alone, there too.
fn told(status: StatusCode, context: &Value, headers: &HeaderMap) -> Response {
    let mut response = (status, axum::Json(context)).into_response();
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("text/javascript")
        && let Ok(value) = HeaderValue::from_str(&context.to_string())
    {
        response.headers_mut().insert("x-sentry-context", value);
    }
    response
}
