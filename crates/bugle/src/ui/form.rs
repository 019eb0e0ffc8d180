//! Forms: what stands in them, and what the last one led to.
//!
//! A form that is refused comes back as the same page with status 422, the sentence at the part it belongs to, and
//! everything that was typed still in its fields (passwords excepted). What is shown once (a token, an invite's link)
//! stands in the answer to the form itself and in no address, so that neither history nor a log keeps it.

use super::act::Fields;
use super::error::UiError;
use super::icon::icon;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bugle_db::DbError;
use maud::{Markup, html};

/// What the last form on a page led to. Empty on a page that was only opened.
#[derive(Debug, Default)]
pub struct Said {
    part: String,
    refused: Option<String>,
    fields: Fields,
    once: Option<Once>,
}

/// Something that is shown this once.
#[derive(Debug)]
pub struct Once {
    /// What it is, as a sentence.
    pub what: String,
    /// The text to copy.
    pub text: String,
}

impl Said {
    /// The form of `part` was refused.
    pub fn refused(part: &str, sentence: impl Into<String>, fields: Fields) -> Said {
        Said { part: part.into(), refused: Some(sentence.into()), fields, once: None }
    }

    /// The form of `part` has made something that is shown once.
    pub fn once(part: &str, what: impl Into<String>, text: String) -> Said {
        let once = Some(Once { what: what.into(), text });
        Said { part: part.into(), refused: None, fields: Fields::default(), once }
    }

    /// What was typed under `name` in a refused form of `part`, else `stored`.
    pub fn value(&self, part: &str, name: &str, stored: &str) -> String {
        match self.is_refused(part) {
            true => self.fields.get(name).to_string(),
            false => stored.to_string(),
        }
    }

    /// Whether `value` was among those chosen under `name`; `stored` when the form was not refused.
    pub fn chosen(&self, part: &str, name: &str, value: &str, stored: bool) -> bool {
        if self.is_refused(part) { self.fields.all(name).any(|chosen| chosen == value) } else { stored }
    }

    /// Whether the form of `part` was refused.
    pub fn is_refused(&self, part: &str) -> bool {
        self.part == part && self.refused.is_some()
    }

    /// The refusal's sentence, wherever it belongs.
    pub fn sentence(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// What there is to say at `part`: the refusal, or what is shown once.
    pub fn note(&self, part: &str) -> Markup {
        let here = self.part == part;
        html! {
            @if let Some(sentence) = self.refused.as_ref().filter(|_| here) {
                p.note.bad role="alert" { b { "Nothing was saved. " } (sentence) }
            }
            @if let Some(once) = self.once.as_ref().filter(|_| here) {
                div.note role="status" {
                    p { b { (once.what) } " It is not shown again." }
                    (snip(html! { (once.text) }))
                }
            }
        }
    }

    /// The answer that carries `page`: 422 after a refusal. What is shown once is kept by nobody.
    pub fn answer(&self, page: Markup) -> Response {
        let status = if self.refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let mut answer = (status, page).into_response();
        if self.once.is_some() {
            answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        answer
    }
}

/// Parts a refusal, with its sentence, from a failure of ours.
pub fn told<T>(result: Result<T, DbError>) -> Result<Result<T, String>, UiError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(DbError::Abandoned(sentence)) => Ok(Err(sentence)),
        Err(error) => Err(error.into()),
    }
}

/// Text to copy. The button is there for the script, which shows it.
pub fn snip(text: Markup) -> Markup {
    html! {
        div.snip {
            pre { code { (text) } }
            button.btn type="button" data-copy hidden { (icon("copy")) " Copy" }
        }
    }
}

/// A button in a form of its own that deletes `path`.
pub fn delete_button(path: &str, word: &str) -> Markup {
    html! {
        form method="post" action=(path) {
            input type="hidden" name="_method" value="DELETE";
            button.btn.bare.grave { (word) }
        }
    }
}

/// Something that needs a second look: a folded form with its question and its grave button.
pub fn confirm(path: &str, word: &str, question: Markup, act: &str) -> Markup {
    html! {
        details.confirm {
            summary.btn.bare.grave { (word) "…" }
            form.note.bad method="post" action=(path) {
                input type="hidden" name="_method" value="DELETE";
                (question)
                p.acts { button.btn.grave { (act) } }
            }
        }
    }
}
