//! Acts: forms that create or delete a resource.
//!
//! HTML forms can only `POST`, so one that deletes carries a field `_method=DELETE`; a true `DELETE` means the same.
//! Which it is, is read here from the form itself, and nothing else is a way to turn one method into another.

use super::error::UiError;
use axum::extract::{FromRequest, Request};
use axum::http::{Method, StatusCode, header};
use serde::de::DeserializeOwned;

/// What a form wants done with the resource that it is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `POST`: make it, or change it.
    Create,
    /// `DELETE`, or `POST` with `_method=DELETE`.
    Delete,
}

/// A form with its verb.
#[derive(Debug)]
pub struct Act<T> {
    /// What is to be done.
    pub verb: Verb,
    /// The other fields.
    pub fields: T,
}

/// The fields of a form, in order; a name may come more than once (check boxes).
#[derive(Debug, Default, Clone)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The first value under this name, without blanks around it; empty when there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    /// All values under this name.
    pub fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = UiError;

    async fn from_request(request: Request, state: &S) -> Result<Fields, UiError> {
        let has_form = request.headers().contains_key(header::CONTENT_TYPE);
        if !has_form {
            return Ok(Fields::default());
        }
        let form = axum::Form::<Vec<(String, String)>>::from_request(request, state).await;
        form.map(|axum::Form(pairs)| Fields(pairs)).map_err(|refusal| unreadable(&refusal.to_string()))
    }
}

impl<S: Send + Sync> FromRequest<S> for Act<Fields> {
    type Rejection = UiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, UiError> {
        let by_method = request.method() == Method::DELETE;
        let fields = Fields::from_request(request, state).await?;
        let by_field = fields.get("_method").eq_ignore_ascii_case("delete");
        let verb = if by_method || by_field { Verb::Delete } else { Verb::Create };
        Ok(Act { verb, fields })
    }
}

/// Fields as a type of their own, for forms with many.
///
/// # Errors
/// [`UiError::Refused`] when a field is missing or of another kind.
pub fn typed<T: DeserializeOwned>(fields: &Fields) -> Result<T, UiError> {
    let pairs = fields.0.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let form = serde::de::value::MapDeserializer::<_, serde::de::value::Error>::new(pairs);
    T::deserialize(form).map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(why: &str) -> UiError {
    UiError::Refused(StatusCode::UNPROCESSABLE_ENTITY, format!("The form could not be read: {why}. Nothing was saved."))
}
