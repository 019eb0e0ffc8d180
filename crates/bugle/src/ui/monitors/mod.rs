//! `/monitors`: jobs that give signs of life. [`list`] is all of them, [`show`] one with its history, [`strip`] the newest
//! runs as marks.

mod list;
mod show;
mod strip;

use crate::app::Shared;
use crate::monitor::runs::Status;
use crate::monitor::{Environment, Monitor};
use axum::Router;
use maud::{Markup, html};

/// Its addresses.
pub fn routes() -> Router<Shared> {
    Router::new().merge(list::routes()).merge(show::routes())
}

/// How a monitor is in one environment.
fn state(monitor: &Monitor, environment: &Environment) -> Markup {
    html! {
        @if environment.is_failing { span.state.regressed { "Failing" } } @else { span.state.resolved { "OK" } }
        @if monitor.is_muted { " " span.state { "Muted" } }
    }
}

/// How a run stands, in words.
fn words(status: Status) -> &'static str {
    match status {
        Status::InProgress => "In progress",
        Status::Ok => "OK",
        Status::Error => "Failed",
        Status::Missed => "Missed",
        Status::Timeout => "Took too long",
    }
}
