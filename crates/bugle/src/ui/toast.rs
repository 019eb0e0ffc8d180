//! The toast: one sentence on the next page about what was done.
//!
//! It travels in a cookie that only this server sets and the next page clears: nothing in a link can put words into
//! Bugle's mouth. It never tells of errors; those are pages ([`super::error`]).

use super::gate::cookie;
use crate::app::Shared;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::convert::Infallible;

/// The cookie's name.
pub const COOKIE: &str = "bugle_toast";

/// The longest sentence, in bytes. A cookie holds 4 KB.
const BYTES_MAX: usize = 600;

/// What was done, for the page that comes next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toast {
    /// The sentence; empty: nothing to tell.
    pub text: String,
    /// What takes it back, if anything does.
    pub undo: Option<Undo>,
}

/// The act on a selection of issues that takes something back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// The name of the act, as `/bulk` takes it in `do`.
    pub act: String,
    /// The issues.
    pub issues: Vec<i64>,
}

impl Toast {
    /// A sentence.
    pub fn new(text: impl Into<String>) -> Toast {
        Toast { text: text.into(), undo: None }
    }

    /// The answer to an act: go to `path` (of this server) and say so there.
    pub fn at(self, path: &str) -> Response {
        let mut answer = Redirect::to(path).into_response();
        if let Ok(value) = HeaderValue::from_str(&format!("{COOKIE}={}; {}; Max-Age=30", self.write(), attributes())) {
            answer.headers_mut().append(header::SET_COOKIE, value);
        }
        answer
    }

    fn write(&self) -> String {
        let end = (0..=BYTES_MAX.min(self.text.len())).rev().find(|&at| self.text.is_char_boundary(at)).unwrap_or(0);
        let undo = self.undo.as_ref().map(|undo| {
            let issues: Vec<String> = undo.issues.iter().map(i64::to_string).collect();
            format!(".{}.{}", undo.act, issues.join("_"))
        });
        format!("{}{}", URL_SAFE_NO_PAD.encode(&self.text[..end]), undo.unwrap_or_default())
    }

    fn read(value: &str) -> Option<Toast> {
        let mut parts = value.split('.');
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok()?;
        let undo = parts.next().zip(parts.next()).map(|(act, issues)| Undo {
            act: act.to_string(),
            issues: issues.split('_').filter_map(|id| id.parse().ok()).collect(),
        });
        (text.len() <= BYTES_MAX).then_some(Toast { text, undo })
    }
}

/// Clears what `request` carried from an answer that has shown it.
pub fn clear(request: &HeaderMap, answer: &mut HeaderMap) {
    let is_page = answer.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page
        && cookie(request, COOKIE).is_some()
        && let Ok(value) = HeaderValue::from_str(&format!("{COOKIE}=; {}; Max-Age=0", attributes()))
    {
        answer.append(header::SET_COOKIE, value);
    }
}

fn attributes() -> &'static str {
    "Path=/; HttpOnly; SameSite=Strict"
}

impl FromRequestParts<Shared> for Toast {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Toast, Infallible> {
        Ok(cookie(&parts.headers, COOKIE).and_then(Toast::read).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn travels_in_a_cookie() {
        let toast =
            Toast { text: "Übrig; <b>".into(), undo: Some(Undo { act: "reopen".into(), issues: vec![1, 42] }) };
        assert_eq!(Toast::read(&toast.write()), Some(toast));
        assert_eq!(Toast::read(&Toast::new("a").write()), Some(Toast::new("a")));
        assert_eq!(Toast::read("%%"), None);
        let long = Toast::new("ä".repeat(4000)).write();
        assert!(long.len() < 1000 && Toast::read(&long).is_some());
    }
}
