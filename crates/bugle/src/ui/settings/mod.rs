//! Settings: parts with margin headings, one form per part.
//!
//! What belongs to a person is under [`account`], what to the organization under [`organization`], what to a project
//! under [`project`] and, what it takes and keeps, [`intake`] and [`storage`]. Forms are sub-resources that are made and deleted; a refused one comes back with its sentence.

pub mod account;
pub mod browser;
pub mod filters;
pub mod intake;
pub mod invite;
pub mod key;
pub mod limits;
pub mod organization;
pub mod privacy;
pub mod project;
pub mod quota;
pub mod storage;
pub mod target;

use crate::app::Shared;
use axum::Router;
use maud::{Markup, html};

/// All addresses.
pub fn routes() -> Router<Shared> {
    Router::new()
        .merge(organization::routes())
        .merge(account::routes())
        .merge(invite::routes())
        .merge(project::routes())
        .merge(key::routes())
        .merge(limits::routes())
        .merge(intake::routes())
        .merge(privacy::routes())
        .merge(storage::routes())
        .merge(filters::routes())
        .merge(browser::routes())
        .merge(target::routes())
}

/// A part: its heading in the margin, its content beside it.
pub(super) fn part(id: &str, name: &str, small: &str, body: Markup) -> Markup {
    html! {
        section.part id=(id) {
            header { h2 { (name) } @if !small.is_empty() { small { (small) } } }
            div { (body) }
        }
    }
}

/// The way between the parts of the organization and the person.
fn tabs(here: &str) -> Markup {
    html! {
        nav.views aria-label="Settings" {
            @for (path, name) in [("/settings", "Organization"), ("/settings/privacy", "Privacy"), ("/settings/account", "Your account")] {
                a href=(path) aria-current=[(path == here).then_some("page")] { (name) }
            }
        }
    }
}
