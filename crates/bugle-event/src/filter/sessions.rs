//! Sessions against the filters: a robot that visits a thousand pages must not make a release look healthy.
//!
//! A session has no message, stack or page, so only filters that look at address, release or user agent can hold for it.
//! Rules of a project are about events and are not asked.

use super::{BuiltIn, By, Filters, browser, is_any, known};
use crate::agent;
use crate::session::Attributes;
use std::net::IpAddr;

impl Filters {
    /// What drops these sessions; `client_ip` is where they came from.
    pub fn judge_sessions(&self, of: &Attributes, client_ip: Option<IpAddr>) -> Option<By> {
        let user_agent = of.user_agent.as_deref();
        let holds = |filter| match filter {
            BuiltIn::Address => client_ip.is_some_and(|address| self.is_unwanted_address(address)),
            BuiltIn::Release => is_any(&self.releases, &of.release),
            BuiltIn::LegacyBrowsers => user_agent.is_some_and(|text| self.is_of_legacy_browser(text)),
            BuiltIn::Crawlers => user_agent.is_some_and(known::is_crawler),
            _ => false,
        };
        self.on.iter().find(|one| holds(**one)).map(|one| By::BuiltIn(*one))
    }

    fn is_of_legacy_browser(&self, user_agent: &str) -> bool {
        let found = agent::parse(user_agent).browser;
        found.is_some_and(|one| browser::is_in(&one.name, &one.version, &self.settings.legacy_browsers))
    }
}
