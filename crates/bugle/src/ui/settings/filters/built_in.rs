//! The built-in filters as one form. Lists have one entry per line and are on when there is something in them.

use super::Sheet;
use super::words::dropped;
use crate::ui::act::Fields;
use crate::ui::form::Said;
use bugle_event::filter::{BUILT_IN, BuiltIn, Legacy, Settings};
use maud::{Markup, html};

/// Sets of browsers that are shown at once; the others are of the years before.
const LEGACY_FIRST: usize = 9;

/// A filter, for people.
pub(super) fn name(filter: BuiltIn) -> &'static str {
    match filter {
        BuiltIn::ReactHydration => "Hydration errors of React",
        BuiltIn::ChunkLoad => "Chunks that could not be loaded",
        BuiltIn::Csp => "Security reports about what is not yours",
        BuiltIn::Address => "IP addresses",
        BuiltIn::Release => "Releases",
        BuiltIn::Message => "Messages",
        BuiltIn::Localhost => "Localhost",
        BuiltIn::Extensions => "Browser extensions",
        BuiltIn::LegacyBrowsers => "Old browsers",
        BuiltIn::Crawlers => "Web crawlers",
    }
}

fn about(filter: BuiltIn) -> &'static str {
    match filter {
        BuiltIn::ReactHydration => {
            "React found another page than the server had rendered. It renders again, and people notice little."
        }
        BuiltIn::ChunkLoad => "Parts of a web app that are gone, as for those who had it open during a deployment.",
        BuiltIn::Csp => {
            "Reports of browsers about what extensions put into pages. Below, further sources: a scheme such as data:, a host, or both."
        }
        BuiltIn::Address => {
            "One address or block on each line, such as 203.0.113.7 or 10.0.0.0/8: of the sender or of the person."
        }
        BuiltIn::Release => {
            "One release on each line. * stands for any text, ? for one character; case does not matter."
        }
        BuiltIn::Message => {
            "One message on each line, with * and ?. Compared with the whole message, and with type: value of each exception."
        }
        BuiltIn::Localhost => "What happens on the machine of a developer: pages on localhost or 127.0.0.1, and files.",
        BuiltIn::Extensions => "Errors of code that extensions and toolbars put into pages.",
        BuiltIn::LegacyBrowsers => "By the browser that the event names. The first line is what is usually too old.",
        BuiltIn::Crawlers => "Robots of search engines, monitors and the like, by their user agent.",
    }
}

/// Its field when it is a list, and what stands there.
fn list(settings: &Settings, filter: BuiltIn) -> Option<(&'static str, &[String])> {
    match filter {
        BuiltIn::Csp => Some(("csp_sources", &settings.csp_sources)),
        BuiltIn::Address => Some(("addresses", &settings.addresses)),
        BuiltIn::Release => Some(("releases", &settings.releases)),
        BuiltIn::Message => Some(("messages", &settings.messages)),
        _ => None,
    }
}

/// What the form says.
pub(super) fn read(fields: &Fields) -> Settings {
    let is_on = |filter: BuiltIn| fields.all("on").any(|id| id == filter.id());
    let lines = |name: &str| super::rule::lines(fields.get(name));
    Settings {
        react_hydration: is_on(BuiltIn::ReactHydration),
        chunk_load: is_on(BuiltIn::ChunkLoad),
        csp: is_on(BuiltIn::Csp),
        csp_sources: lines("csp_sources"),
        addresses: lines("addresses"),
        releases: lines("releases"),
        messages: lines("messages"),
        localhost: is_on(BuiltIn::Localhost),
        extensions: is_on(BuiltIn::Extensions),
        legacy_browsers: Legacy::all().filter(|set| fields.all("browsers").any(|name| name == set.name())).collect(),
        crawlers: is_on(BuiltIn::Crawlers),
    }
}

pub(super) fn view(sheet: &Sheet, said: &Said) -> Markup {
    let chosen = sheet.tried.as_ref().map_or(crate::filter::trial::DAYS_USUAL, |(_, report)| report.days);
    html! {
        form method="post" action=(sheet.path("")) {
            (said.note("built-in"))
            // What the Enter key presses must not be a trial.
            button.sr name="act" value="save" tabindex="-1" aria-hidden="true" { "Save" }
            p.acts { (super::days(chosen)) }
            p.because { "“Try it” shows what a filter would have dropped, as it stands here, before it is saved." }
            @for (filter, _) in BUILT_IN { (one(sheet, filter, said)) }
            p.acts { button.btn.main name="act" value="save" { "Save the filters" } }
        }
    }
}

fn one(sheet: &Sheet, filter: BuiltIn, said: &Said) -> Markup {
    let id = filter.id();
    let is_switch = !matches!(filter, BuiltIn::Address | BuiltIn::Release | BuiltIn::Message | BuiltIn::LegacyBrowsers);
    let is_checked = if filter == BuiltIn::Csp { sheet.settings.csp } else { sheet.settings.is_on(filter) };
    html! {
        div.hang id=(id) {
            h3 {
                @if is_switch {
                    label { input type="checkbox" name="on" value=(id) checked[is_checked]; " " (name(filter)) }
                } @else { (name(filter)) }
            }
            p.dim { (about(filter)) }
            @if let Some((field, lines)) = list(&sheet.settings, filter) {
                textarea name=(field) rows=(lines.len().clamp(2, 8)) cols="60" aria-label=(name(filter)) spellcheck="false" {
                    (said.value("built-in", field, &lines.join("\n")))
                }
            }
            @if filter == BuiltIn::LegacyBrowsers { (browsers(&sheet.settings)) }
            p.acts {
                button.btn name="act" value={ "try:" (id) } { "Try it" }
                small.dim { (dropped(sheet.dropped.get(id), sheet.now_ms)) }
            }
        }
    }
}

fn browsers(settings: &Settings) -> Markup {
    html! {
        ul { @for set in Legacy::all().take(LEGACY_FIRST) { (browser(settings, set)) } }
        details open[Legacy::all().skip(LEGACY_FIRST).any(|set| settings.legacy_browsers.contains(&set))] {
            summary.btn.bare { "Older sets…" }
            ul { @for set in Legacy::all().skip(LEGACY_FIRST) { (browser(settings, set)) } }
        }
    }
}

fn browser(settings: &Settings, set: Legacy) -> Markup {
    html! {
        li { label {
            input type="checkbox" name="browsers" value=(set.name()) checked[settings.legacy_browsers.contains(&set)]; " " (set.words())
        } }
    }
}
