//! When a page cannot be made: three kinds of trouble, each a full page that says how to go on.
//!
//! The cause of a failure of ours goes to the log under a random number; the person sees the number alone.

use super::address::with_query;
use super::layout;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use bugle_db::DbError;
use maud::html;
use ring::rand::{SecureRandom, SystemRandom};

/// Why there is no page.
#[derive(Debug)]
pub enum UiError {
    /// There is no such thing, or it belongs to another organization.
    NotFound,
    /// Nobody is signed in; where to come back to.
    SignIn(String),
    /// It was refused; a sentence for the person.
    Refused(StatusCode, String),
    /// We failed.
    Failed(anyhow::Error),
}

impl UiError {
    /// A refusal of what a form said, with a sentence for the person.
    pub fn refused(sentence: impl Into<String>) -> UiError {
        UiError::Refused(StatusCode::UNPROCESSABLE_ENTITY, sentence.into())
    }
}

impl From<DbError> for UiError {
    fn from(error: DbError) -> UiError {
        match error {
            DbError::Abandoned(sentence) => UiError::refused(sentence),
            error => UiError::Failed(error.into()),
        }
    }
}

impl From<anyhow::Error> for UiError {
    fn from(error: anyhow::Error) -> UiError {
        UiError::Failed(error)
    }
}

impl IntoResponse for UiError {
    fn into_response(self) -> Response {
        let (status, title, sentence) = match self {
            UiError::SignIn(next) => {
                return Redirect::to(&with_query("/session", &[("next", &next)])).into_response();
            }
            UiError::NotFound => (
                StatusCode::NOT_FOUND,
                "There is no such page.",
                "What it showed may have been deleted, or it belongs to an organization that you are not in.".into(),
            ),
            UiError::Refused(status, sentence) => (status, heading(status), sentence),
            UiError::Failed(cause) => {
                let number = number();
                tracing::error!(number, cause = format!("{cause:#}"), "a page failed");
                let sentence = format!("Nothing was lost; events go on being stored. Number {number}, in the log.");
                (StatusCode::INTERNAL_SERVER_ERROR, "Bugle could not finish this page.", sentence)
            }
        };
        let page = layout::gate(
            title,
            html! {
                h1 { (title) }
                p.say { (sentence) }
                p.acts { a.btn href="/" { "To the inbox" } }
            },
        );
        (status, page).into_response()
    }
}

fn heading(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "You are not signed in.",
        StatusCode::FORBIDDEN => "That was refused.",
        StatusCode::TOO_MANY_REQUESTS => "That was too often.",
        _ => "Nothing was saved.",
    }
}

/// Eight random hex digits, to be read aloud: `b3f1-77c0`.
fn number() -> String {
    let mut bytes = [0u8; 4];
    // Without randomness the number is 0; the page matters more.
    let _ = SystemRandom::new().fill(&mut bytes);
    format!("{:02x}{:02x}-{:02x}{:02x}", bytes[0], bytes[1], bytes[2], bytes[3])
}
