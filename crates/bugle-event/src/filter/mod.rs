//! Filters: which events a project does not want (protocol reference, §13.1, and rules of its own).
//!
//! Judged after normalising and before scrubbing, so that a rule sees what the SDK sent. Pure: whether an event is dropped
//! depends on it, on the address that it came from, and on [`Filters`], which is compiled once per change and holds for
//! all events. The first filter that holds is the one that drops: the built-in ones in the order of [`BuiltIn`], then the
//! rules in theirs.
//!
//! Everything that people write ([`glob`], [`rule`]) is matched in time linear in the event, and there is a bound on how much
//! they may write.

mod browser;
mod field;
pub mod glob;
mod known;
mod place;
pub mod rule;
mod sessions;
#[cfg(test)]
mod tests;

pub use browser::Legacy;
pub use field::{FIELDS, Field};
pub use rule::{Condition, Op, Rule, Test};

use crate::event::Event;
use field::Seen;
use glob::{Glob, fold};
use ipnet::IpNet;
use rule::Compiled;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Entries of one list of a built-in filter.
pub const LIST_MAX: usize = 500;

/// The built-in filters, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BuiltIn {
    /// React found another page than the server had rendered.
    ReactHydration,
    /// A part of a web app could not be loaded, as after a deployment.
    ChunkLoad,
    /// Security reports about what extensions and unwanted sources do.
    Csp,
    /// Addresses.
    Address,
    /// Releases.
    Release,
    /// Messages.
    Message,
    /// The machine of a developer.
    Localhost,
    /// Code of browser extensions.
    Extensions,
    /// Browsers that are too old.
    LegacyBrowsers,
    /// Robots.
    Crawlers,
}

/// All of them, with the ids that Sentry has for them.
pub const BUILT_IN: [(BuiltIn, &str); 10] = [
    (BuiltIn::ReactHydration, "react-hydration-errors"),
    (BuiltIn::ChunkLoad, "chunk-load-error"),
    (BuiltIn::Csp, "invalid-csp"),
    (BuiltIn::Address, "ip-address"),
    (BuiltIn::Release, "release-version"),
    (BuiltIn::Message, "error-message"),
    (BuiltIn::Localhost, "localhost"),
    (BuiltIn::Extensions, "browser-extensions"),
    (BuiltIn::LegacyBrowsers, "legacy-browsers"),
    (BuiltIn::Crawlers, "web-crawlers"),
];

impl BuiltIn {
    /// Its id.
    pub fn id(self) -> &'static str {
        BUILT_IN[self as usize].1
    }

    /// By its id.
    pub fn find(id: &str) -> Option<BuiltIn> {
        BUILT_IN.iter().find(|(_, known)| *known == id).map(|(one, _)| *one)
    }
}

/// Which built-in filters are on, and what they go by. Lists are on when there is something in them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Settings {
    /// `react-hydration-errors`
    pub react_hydration: bool,
    /// `chunk-load-error`
    pub chunk_load: bool,
    /// `invalid-csp`, for what browsers and extensions bring.
    pub csp: bool,
    /// `invalid-csp`, for these sources ([`place`]).
    pub csp_sources: Vec<String>,
    /// `ip-address`: addresses and blocks.
    pub addresses: Vec<String>,
    /// `release-version`: globs.
    pub releases: Vec<String>,
    /// `error-message`: globs.
    pub messages: Vec<String>,
    /// `localhost`
    pub localhost: bool,
    /// `browser-extensions`
    pub extensions: bool,
    /// `legacy-browsers`
    pub legacy_browsers: Vec<Legacy>,
    /// `web-crawlers`
    pub crawlers: bool,
}

impl Settings {
    /// Whether a filter is on.
    pub fn is_on(&self, filter: BuiltIn) -> bool {
        match filter {
            BuiltIn::ReactHydration => self.react_hydration,
            BuiltIn::ChunkLoad => self.chunk_load,
            BuiltIn::Csp => self.csp || !self.csp_sources.is_empty(),
            BuiltIn::Address => !self.addresses.is_empty(),
            BuiltIn::Release => !self.releases.is_empty(),
            BuiltIn::Message => !self.messages.is_empty(),
            BuiltIn::Localhost => self.localhost,
            BuiltIn::Extensions => self.extensions,
            BuiltIn::LegacyBrowsers => !self.legacy_browsers.is_empty(),
            BuiltIn::Crawlers => self.crawlers,
        }
    }

    /// These settings with only this filter on, for trying it.
    pub fn only(&self, filter: BuiltIn) -> Settings {
        let all = self.clone();
        let is = |one| filter == one;
        Settings {
            react_hydration: is(BuiltIn::ReactHydration),
            chunk_load: is(BuiltIn::ChunkLoad),
            csp: is(BuiltIn::Csp) && (all.csp || all.csp_sources.is_empty()),
            csp_sources: if is(BuiltIn::Csp) { all.csp_sources } else { Vec::new() },
            addresses: if is(BuiltIn::Address) { all.addresses } else { Vec::new() },
            releases: if is(BuiltIn::Release) { all.releases } else { Vec::new() },
            messages: if is(BuiltIn::Message) { all.messages } else { Vec::new() },
            localhost: is(BuiltIn::Localhost),
            extensions: is(BuiltIn::Extensions),
            legacy_browsers: match is(BuiltIn::LegacyBrowsers) {
                true if all.legacy_browsers.is_empty() => Legacy::find("default").into_iter().collect(),
                true => all.legacy_browsers,
                false => Vec::new(),
            },
            crawlers: is(BuiltIn::Crawlers),
        }
    }

    /// Whether they can be kept.
    ///
    /// # Errors
    /// A sentence for the person who wrote them.
    pub fn check(&self) -> Result<(), String> {
        for list in [&self.csp_sources, &self.addresses, &self.releases, &self.messages] {
            if list.len() > LIST_MAX {
                return Err(format!("A filter's list has at most {LIST_MAX} lines."));
            }
        }
        if let Some(odd) = self.addresses.iter().find(|text| rule::block(text).is_none()) {
            return Err(format!("{odd:?} is no address and no block such as 10.0.0.0/8."));
        }
        for pattern in self.releases.iter().chain(&self.messages).chain(&self.csp_sources) {
            Glob::new(pattern)?;
        }
        Ok(())
    }
}

/// What dropped an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum By {
    /// A built-in filter.
    BuiltIn(BuiltIn),
    /// A rule, by its number.
    Rule(i64),
}

/// A project's filters, compiled.
#[derive(Debug, Default)]
pub struct Filters {
    on: Vec<BuiltIn>,
    settings: Settings,
    sources: Vec<place::Source>,
    addresses: Vec<IpNet>,
    releases: Vec<Glob>,
    messages: Vec<Glob>,
    rules: Vec<(i64, Compiled)>,
    /// What the rules look at, each once.
    fields: Vec<Field>,
}

impl Filters {
    /// Compiles what was checked; what could not be is left out.
    pub fn new(settings: Settings, rules: &[Rule]) -> Filters {
        let globs = |list: &[String]| list.iter().filter_map(|pattern| Glob::new(pattern).ok()).collect();
        let mut fields = Vec::new();
        let active = rules.iter().filter(|rule| rule.is_active && rule::check(rule).is_ok());
        let rules = active.map(|rule| (rule.id, Compiled::new(&rule.when, &mut fields))).collect();
        Filters {
            on: BUILT_IN.iter().map(|(one, _)| *one).filter(|one| settings.is_on(*one)).collect(),
            sources: settings.csp_sources.iter().map(|text| place::Source::new(text)).collect(),
            addresses: settings.addresses.iter().filter_map(|text| rule::block(text)).collect(),
            releases: globs(&settings.releases),
            messages: globs(&settings.messages),
            settings,
            rules,
            fields,
        }
    }

    /// What drops this event, which is normalised; `client_ip` is where it came from, if it just came.
    pub fn judge(&self, event: &Event<'_>, client_ip: Option<IpAddr>) -> Option<By> {
        if self.on.is_empty() && self.rules.is_empty() {
            return None;
        }
        let seen = Seen::new(event, client_ip, self.fields.len());
        let built_in = self.on.iter().find(|one| self.holds(**one, &seen)).map(|one| By::BuiltIn(*one));
        built_in.or_else(|| self.rules.iter().find(|(_, rule)| rule.holds(&seen)).map(|(id, _)| By::Rule(*id)))
    }

    fn holds(&self, filter: BuiltIn, seen: &Seen<'_>) -> bool {
        let event = seen.event;
        match filter {
            BuiltIn::ReactHydration => known::is_hydration_error(event),
            BuiltIn::ChunkLoad => known::is_chunk_load_error(event),
            BuiltIn::Csp => place::is_noise(event, self.settings.csp, &self.sources),
            BuiltIn::Address => seen.addresses().any(|address| self.is_unwanted_address(address)),
            BuiltIn::Release => event.text("release").is_some_and(|release| is_any(&self.releases, release)),
            BuiltIn::Message => self.is_unwanted_message(event),
            BuiltIn::Localhost => place::is_local(seen),
            BuiltIn::Extensions => known::is_of_extension(event),
            BuiltIn::LegacyBrowsers => browser::is_legacy(event, &self.settings.legacy_browsers),
            BuiltIn::Crawlers => field::user_agent(event).is_some_and(known::is_crawler),
        }
    }

    fn is_unwanted_address(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|block| block.contains(&address.to_canonical()))
    }

    /// By the message, and by `type: value` of each exception.
    fn is_unwanted_message(&self, event: &Event<'_>) -> bool {
        event.message().is_some_and(|message| is_any(&self.messages, message))
            || event.exceptions().any(|one| match (one.kind(), one.value()) {
                (Some(kind), Some(value)) => is_any(&self.messages, &format!("{kind}: {value}")),
                (kind, value) => kind.or(value).is_some_and(|text| is_any(&self.messages, text)),
            })
    }
}

fn is_any(globs: &[Glob], text: &str) -> bool {
    let folded = fold(text);
    globs.iter().any(|glob| glob.matches(&folded))
}
