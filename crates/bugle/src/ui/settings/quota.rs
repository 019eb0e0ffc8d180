//! What forms about limits have in common: the bar, the number; and the organization's quota, a part of its settings.

use crate::app::Shared;
use crate::limit::{self, Month};
use crate::outcome::HOUR_MS;
use crate::receive::closed::Use;
use crate::store::now_ms;
use crate::ui::act::Fields;
use crate::ui::error::UiError;
use crate::ui::form::{Said, told};
use crate::ui::moment;
use crate::ui::number::{counted, exact, share};
use bugle_db::DbError;
use maud::{Markup, html};

/// The organization's quota, as a part of its settings.
pub(super) fn of_organization(max: Option<i64>, used: i64, is_owner: bool, said: &Said) -> Markup {
    let month = Month::at(now_ms());
    html! {
        @match max {
            Some(max) => (bar(used, max, &format!("of all projects in {}", month.name()))),
            None => p.say { (counted(used, "event", "events")) " of all projects in " (month.name()) " so far. There is no quota." },
        }
        @if is_owner {
            form method="post" action="/settings/limits" {
                (said.note("limits"))
                p.acts {
                    label for="limits-count" { "At most" }
                    (count("limits", max, said))
                    span { "events in a month, of all projects together" }
                    button.btn { "Save" }
                }
            }
        }
    }
}

/// Sets the organization's quota by a form.
pub(super) async fn set_organization(
    app: &Shared,
    organization: i64,
    fields: &Fields,
) -> Result<Result<(), String>, UiError> {
    let asked = fields.clone();
    told(app.store.write(move |tx| limit::set_organization(tx, organization, number(&asked)?)).await)
}

/// The number in a form; none is no limit.
pub(super) fn number(fields: &Fields) -> Result<Option<i64>, DbError> {
    let text = fields.get("count").replace([',', ' '], "");
    match text.parse::<i64>() {
        _ if text.is_empty() => Ok(None),
        Ok(count @ 0..=limit::EVENTS_MAX) => Ok(Some(count)),
        _ => Err(DbError::Abandoned(
            "A limit is a whole number of events, such as 100000. Leave the number out for no limit.".into(),
        )),
    }
}

/// The field of a number of events.
pub(super) fn count(part: &str, stored: Option<i64>, said: &Said) -> Markup {
    let stored = stored.map_or(String::new(), |count| count.to_string());
    html! {
        input id={ (part) "-count" } name="count" inputmode="numeric" size="12" placeholder="any number"
            value=(said.value(part, "count", &stored));
    }
}

/// The use of a rate limit, and when its next span begins.
pub(super) fn window_use(one: &Use, now_ms: i64) -> Markup {
    let is_far = one.opens_ms - now_ms > 20 * HOUR_MS;
    let opens = if is_far { moment::day(one.opens_ms, now_ms) } else { moment::clock(one.opens_ms, now_ms) };
    html! {
        (bar(one.used, one.max, "in this span"))
        p.because { "The next span begins " @if is_far { "on " } @else { "at " } (opens) "." }
    }
}

/// How much of a limit is used, in words and as a bar with a mark at 80%.
pub(super) fn bar(used: i64, max: i64, when: &str) -> Markup {
    let width = format!("{:.1}%", (100.0 * used as f64 / max.max(1) as f64).min(100.0));
    let level = match limit::warning::Level::of(used, max) {
        Some(limit::warning::Level::Near) => "near",
        Some(_) => "full",
        None => "b1",
    };
    html! {
        div.use {
            span { b { (exact(used)) } " of " (counted(max, "event", "events")) " " (when) @if level == "full" { " · " span.state.regressed { "used up" } } }
            b { (share(used, max)) }
            svg aria-hidden="true" {
                line.base x1="0" x2="100%" y1="9" y2="9" {}
                rect class=(level) width=(width) height="9" {}
                line.usual x1="80%" x2="80%" y1="-2" y2="11" {}
            }
        }
    }
}
