//! The web interface: pages rendered here, complete without script.
//!
//! **How a page is made.** A handler asks the gate who is there ([`gate`]), loads everything in one `store.read`,
//! and hands the models to a view, a pure function from models to [`maud::Markup`]. No view asks the database.
//! [`layout`] puts the masthead above it and the books below. Acts are `POST`s that answer with a redirect and a
//! [`toast`]; forms that mean another method say so in `_method` ([`act`]).
//!
//! **What holds for all of them** ([`guard`]): a policy that allows no inline script or style, refusal of posts that
//! another site sends, small bodies, compressed answers.
//!
//! The look is decided in `assets/*.css`; words and manners in the interface guide they came from.

pub mod act;
pub mod address;
pub mod assets;
pub mod books;
pub mod connect;
pub mod deliveries;
pub mod error;
pub mod feedback;
pub mod form;
pub mod gate;
pub mod guard;
pub mod help;
pub mod icon;
pub mod inbox;
pub mod issue;
pub mod layout;
pub mod ledger;
pub mod moment;
pub mod monitors;
pub mod number;
pub mod release;
pub mod score;
pub mod session;
pub mod settings;
pub mod setup;
pub mod stream;
pub mod toast;

pub use error::UiError;

use crate::app::Shared;
use crate::config::Config;
use axum::Router;

/// All pages. `config` names the public address, from which posts are always welcome.
pub fn router(config: &Config) -> Router<Shared> {
    let pages = Router::new()
        .merge(assets::routes())
        .merge(inbox::routes())
        .merge(issue::routes())
        .merge(release::routes())
        .merge(help::routes())
        .merge(stream::routes())
        .merge(people());
    guard::around(pages, config)
}

/// Who comes in, what there is and how it is set up.
fn people() -> Router<Shared> {
    Router::new()
        .merge(session::routes())
        .merge(setup::routes())
        .merge(connect::routes())
        .merge(settings::routes())
        .merge(deliveries::routes())
        .merge(ledger::routes())
        .merge(feedback::routes())
        .merge(monitors::routes())
}

#[cfg(test)]
mod tests;
