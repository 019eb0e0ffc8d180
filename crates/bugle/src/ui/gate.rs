//! The gate: who is asking.
//!
//! A [`Person`] as a handler's argument means "signed in". Who is not, is sent to the sign-in page and from there
//! back; an act without a session gets 401 and changes nothing. [`Owner`] is for what only owners may do.

use super::error::UiError;
use crate::access::{Person, Role, session};
use crate::app::Shared;
use crate::store::now_ms;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};

/// The cookie that holds a session's token.
pub const SESSION_COOKIE: &str = "bugle_session";

/// The session's token that came with a request.
pub fn token(headers: &HeaderMap) -> Option<String> {
    cookie(headers, SESSION_COOKIE).filter(|token| !token.is_empty() && token.len() <= 256).map(String::from)
}

/// The value of one cookie.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut pairs =
        headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    pairs.find_map(|pair| pair.trim().split_once('=').filter(|(key, _)| *key == name)).map(|(_, value)| value)
}

/// Who holds this session, if it is one. A session in use lives on: that is written down at most once a day.
pub async fn person(app: &Shared, token: String) -> Result<Option<Person>, UiError> {
    let (at_ms, asked) = (now_ms(), token.clone());
    let (person, is_due) = app
        .store
        .read(move |tx| Ok((session::person(tx, &asked, at_ms)?, session::is_due(tx, &asked, at_ms)?)))
        .await?;
    if is_due {
        app.store.write(move |tx| session::refresh(tx, &token, at_ms)).await?;
    }
    Ok(person)
}

impl FromRequestParts<Shared> for Person {
    type Rejection = UiError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Person, UiError> {
        if let Some(token) = token(&parts.headers)
            && let Some(person) = person(app, token).await?
        {
            return Ok(person);
        }
        if parts.method == Method::GET || parts.method == Method::HEAD {
            let next = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            return Err(UiError::SignIn(next.to_string()));
        }
        let sentence = "The session has ended. Sign in and send it again; nothing was saved.";
        Err(UiError::Refused(StatusCode::UNAUTHORIZED, sentence.into()))
    }
}

/// Somebody who may do everything.
pub struct Owner(pub Person);

impl FromRequestParts<Shared> for Owner {
    type Rejection = UiError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Owner, UiError> {
        let person = Person::from_request_parts(parts, app).await?;
        match person.role {
            Role::Owner => Ok(Owner(person)),
            Role::Member => {
                let sentence = format!("Only an owner of {} may do that.", person.organization_name);
                Err(UiError::Refused(StatusCode::FORBIDDEN, sentence))
            }
        }
    }
}
