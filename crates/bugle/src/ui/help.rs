//! Help: the keys.

use super::UiError;
use super::layout::{Here, chrome, page};
use crate::access::Person;
use crate::app::Shared;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use maud::{Markup, html};

/// An id, a name, and keys with what each does.
type Keys = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// The keys that `assets/bugle.js` knows, and what each does.
const KEYS: [Keys; 3] = [
    (
        "everywhere",
        "Everywhere",
        &[
            ("/", "search"),
            ("g then i, r, m, a, l, f, s", "inbox, releases, monitors, alerts, ledger, feedback, settings"),
            ("g then 0…9", "all projects, or one"),
            ("z", "undo the last act"),
            (".", "show what changed"),
            ("esc", "close, clear the selection, leave the field"),
            ("?", "this page"),
        ],
    ),
    (
        "list",
        "In a list",
        &[
            ("j, k", "next, previous issue"),
            ("o, enter", "open it"),
            ("x", "select it"),
            ("r", "resolve the selection, or the one at the cursor"),
            ("a", "archive it"),
        ],
    ),
    (
        "issue",
        "On an issue",
        &[
            ("r, a", "resolve or reopen, archive"),
            ("m, i", "assign, assign to me"),
            ("[ ]", "older, newer event"),
            ("{ }", "oldest, newest event"),
            ("f, shift f", "next, previous frame of your own"),
            ("e", "open or close all frames"),
            ("c", "copy as Markdown"),
            ("n", "write a comment; ctrl enter sends it"),
            ("u", "back to the list"),
        ],
    ),
];

/// Its address.
pub fn routes() -> Router<Shared> {
    Router::new().route("/help/keys", get(keys))
}

async fn keys(State(app): State<Shared>, person: Person) -> Result<Markup, UiError> {
    let chrome = chrome(&app, &person, None, Here::Elsewhere).await?;
    let main = html! {
        div.title { div { h1 { "Keys" } p.say { "They work when no field has the focus." } } }
        @for (id, name, keys) in KEYS {
            section.part id=(id) {
                header { h2 { (name) } }
                dl.kv { @for (key, does) in keys { dt { kbd { (key) } } dd { (does) } } }
            }
        }
    };
    Ok(page(&chrome, "Keys", main))
}
