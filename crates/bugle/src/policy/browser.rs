//! What a project says of browsers: from which sites events may come, whether the tunnel is open, which bundle the loader
//! loads.
//!
//! Owns: three options of projects, their defaults and bounds, and the patterns of sites (protocol reference, section
//! 3.3). A pattern is `*`, or a host with what may stand around it: `https://example.com:8443` (with a scheme the port
//! counts, its own by default), `example.com` (any scheme, any port), `*.example.com` (the bare domain, too), `*:3000`.
//!
//! The default allows every site. An empty list refuses every request that names one. What is no browser names none and
//! passes: the list keeps other sites' errors out of a project, it is no lock.

use crate::options::{self, Options, Scope};
use bugle_db::{DbError, Tx};

/// Patterns of one project. A page of a settings form; nobody lists more by hand.
pub const PATTERNS_MAX: usize = 500;
/// Characters of one pattern: the longest name of a host and what stands around it.
const PATTERN_CHARS_MAX: usize = 280;
/// Characters of a bundle's address.
const ADDRESS_CHARS_MAX: usize = 500;

const ALLOWED_DOMAINS: &str = "allowed_domains";
const IS_TUNNELLED: &str = "is_tunnelled";
const BROWSER_SDK_URL: &str = "browser_sdk_url";

/// What one project says, compiled.
#[derive(Debug, Default)]
pub struct Browser {
    /// `None`: every site.
    allowed: Option<Vec<Pattern>>,
    /// Whether envelopes for it are taken at the tunnel.
    pub is_tunnelled: bool,
    /// The bundle that the loader loads; `None`: the server's.
    pub sdk_url: Option<String>,
}

/// What one project says, as people write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// From which sites events may come.
    pub allowed_domains: Vec<String>,
    /// Whether envelopes for it are taken at the tunnel.
    pub is_tunnelled: bool,
    /// The bundle that the loader loads; empty: the server's.
    pub sdk_url: String,
}

impl Browser {
    /// Of a project's options.
    pub fn new(project: &Options) -> Browser {
        let wishes = Wishes::of(project);
        let is_any = wishes.allowed_domains.iter().any(|pattern| pattern == "*");
        let patterns = wishes.allowed_domains.iter().filter_map(|text| Pattern::parse(text));
        Browser {
            allowed: (!is_any).then(|| patterns.collect()),
            is_tunnelled: wishes.is_tunnelled,
            sdk_url: Some(wishes.sdk_url).filter(|url| !url.is_empty()),
        }
    }

    /// Whether a page of `origin` may send: an origin, or any address of the site.
    pub fn allows(&self, origin: &str) -> bool {
        let Some(allowed) = &self.allowed else { return true };
        match Site::parse(origin) {
            Some(site) => allowed.iter().any(|pattern| pattern.fits(&site)),
            // A page without a site (a file, a frame in a sandbox) or one of an app passes, unless nothing may.
            None => !allowed.is_empty(),
        }
    }
}

impl Wishes {
    /// What a project's options say.
    pub fn of(project: &Options) -> Wishes {
        Wishes {
            allowed_domains: project.get(ALLOWED_DOMAINS).unwrap_or_else(|| vec!["*".into()]),
            is_tunnelled: project.get(IS_TUNNELLED).unwrap_or(false),
            sdk_url: project.get(BROWSER_SDK_URL).unwrap_or_default(),
        }
    }

    /// What a project says.
    pub fn read(tx: &mut Tx<'_>, project: i64) -> Result<Wishes, DbError> {
        Ok(Wishes::of(&options::of(tx, Scope::Project(project))?))
    }

    /// Stores them.
    ///
    /// # Errors
    /// [`DbError::Abandoned`] with a sentence for the person when one makes no sense.
    pub fn write(&self, tx: &mut Tx<'_>, project: i64) -> Result<(), DbError> {
        let refused = |sentence: String| Err(DbError::Abandoned(sentence));
        let mut domains: Vec<String> = Vec::new();
        for text in self.allowed_domains.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
            if text.chars().count() > PATTERN_CHARS_MAX || Pattern::parse(text).is_none() {
                let shown: String = text.chars().take(60).collect();
                return refused(format!(
                    "{shown:?} is no site. Write *, example.com, *.example.com or https://example.com."
                ));
            }
            if !domains.iter().any(|known| known == text) {
                domains.push(text.to_string());
            }
        }
        if domains.len() > PATTERNS_MAX {
            return refused(format!("There are more than {PATTERNS_MAX} sites. Join some, such as in *.example.com."));
        }
        let url = self.sdk_url.trim();
        if !url.is_empty() && !is_address(url) {
            return refused("The bundle's address must begin with https:// or http:// and have no blank.".into());
        }
        let scope = Scope::Project(project);
        let domains = (domains != ["*"]).then_some(domains);
        options::set(tx, scope, ALLOWED_DOMAINS, domains.as_ref())?;
        options::set(tx, scope, IS_TUNNELLED, self.is_tunnelled.then_some(&true))?;
        options::set(tx, scope, BROWSER_SDK_URL, (!url.is_empty()).then_some(&url))
    }
}

/// Whether a text can be the address of a script.
pub fn is_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or(url.strip_prefix("http://")).unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '<' | '>' | '\\' | '`');
    !rest.is_empty() && !rest.starts_with('/') && url.len() <= ADDRESS_CHARS_MAX && url.chars().all(is_plain)
}

/// Sites that fit.
#[derive(Debug, PartialEq, Eq)]
struct Pattern {
    scheme: Option<String>,
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Host {
    Any,
    Is(String),
    /// The domain and everything below it.
    Below(String),
}

impl Pattern {
    fn parse(text: &str) -> Option<Pattern> {
        let text = text.trim().to_ascii_lowercase();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme @ ("http" | "https" | "*"), rest)) => (Some(scheme).filter(|scheme| *scheme != "*"), rest),
            Some(_) => return None,
            None => (None, text.as_str()),
        };
        let (name, port) = host_and_port(rest.trim_end_matches('/'))?;
        let host = match name.strip_prefix("*.") {
            _ if name == "*" => Host::Any,
            Some(domain) => Host::Below(domain.to_string()),
            None => Host::Is(name.to_string()),
        };
        let is_named =
            |name: &str| !name.is_empty() && !name.contains(['*', '/', '?', '#', '@', ' ', ',', '"', '<', '>']);
        let is_sound = match &host {
            Host::Any => true,
            Host::Is(name) | Host::Below(name) => is_named(name),
        };
        is_sound.then(|| Pattern { scheme: scheme.map(String::from), host, port })
    }

    fn fits(&self, site: &Site) -> bool {
        let is_host = match &self.host {
            Host::Any => true,
            Host::Is(name) => site.host == *name,
            Host::Below(domain) => {
                let before = site.host.strip_suffix(domain.as_str());
                before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }
        };
        let port = self.port.or(self.scheme.as_deref().map(usual_port));
        is_host
            && self.scheme.as_ref().is_none_or(|scheme| *scheme == site.scheme)
            && port.is_none_or(|port| port == site.port)
    }
}

/// Where a page is from.
struct Site {
    scheme: String,
    host: String,
    port: u16,
}

impl Site {
    /// `None`: no site of the web.
    fn parse(address: &str) -> Option<Site> {
        let (scheme, rest) = address.trim().split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(&*scheme, "http" | "https") {
            return None;
        }
        let authority = rest.split(['/', '?', '#']).next()?;
        let authority = authority.rsplit('@').next()?.to_ascii_lowercase();
        // A port that is none leaves no site that could fit a pattern, and must not pass for "no site" either.
        let (host, port) = host_and_port(&authority).unwrap_or(("", None));
        Some(Site { host: host.to_string(), port: port.unwrap_or(usual_port(&scheme)), scheme })
    }
}

fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    match text.rsplit_once(':') {
        // The colons of an address in brackets are its own.
        Some((host, port)) if !port.ends_with(']') => Some((host, Some(port.parse().ok()?))),
        _ => Some((text, None)),
    }
}

fn usual_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allows(patterns: &[&str], origin: &str) -> bool {
        let patterns: Vec<_> = patterns.iter().map(|text| Pattern::parse(text).expect("a pattern")).collect();
        Browser { allowed: Some(patterns), ..Browser::default() }.allows(origin)
    }

    #[test]
    fn each_form_of_pattern_fits_what_it_says() {
        for (pattern, fitting, other) in [
            (
                "http://example.com",
                vec!["http://example.com", "http://EXAMPLE.com:80/x?y"],
                vec!["https://example.com"],
            ),
            ("https://example.com:8443", vec!["https://example.com:8443"], vec!["https://example.com"]),
            ("example.com", vec!["http://example.com", "https://example.com:99/a"], vec!["https://www.example.com"]),
            (
                "*.example.com",
                vec!["https://example.com", "http://a.b.example.com:1"],
                vec!["https://notexample.com", "https://example.com.evil.org", "https://evil.org/x.example.com"],
            ),
            ("*:3000", vec!["http://localhost:3000"], vec!["http://localhost:3001", "http://localhost"]),
            ("[::1]:80", vec!["http://[::1]"], vec!["http://[::2]"]),
            ("https://*.example.com", vec!["https://a.example.com"], vec!["http://a.example.com"]),
        ] {
            fitting.iter().for_each(|origin| assert!(allows(&[pattern], origin), "{pattern} {origin}"));
            other.iter().for_each(|origin| assert!(!allows(&[pattern], origin), "{pattern} {origin}"));
        }
        for tricked in ["https://example.com@evil.org/", "https://evil.org#@example.com", "http://example.com:x"] {
            assert!(!allows(&["example.com"], tricked), "{tricked}");
        }
    }

    #[test]
    fn pages_without_a_site_pass_unless_nothing_may() {
        for origin in ["null", "chrome-extension://abc", "capacitor://localhost"] {
            assert!(allows(&["example.com"], origin) && !allows(&[], origin), "{origin}");
        }
        assert!(Browser::default().allows("https://anything.example"));
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for text in ["", "ftp://x", "a b", "ex*mple.com", "https://", "a/b", "host:port"] {
            assert_eq!(Pattern::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_of_a_script_cannot_leave_its_string() {
        assert!(is_address("https://cdn.example/10.1.0/bundle.min.js"));
        for text in ["", "/bundle.js", "https://", "javascript:alert(1)", "https://x/\"a", "https://x/<b", "https:///x"]
        {
            assert!(!is_address(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(pattern in "\\PC{0,40}", origin in "(https?://)?\\PC{0,40}") {
            let patterns = Pattern::parse(&pattern).into_iter().collect();
            let _ = Browser { allowed: Some(patterns), ..Browser::default() }.allows(&origin);
        }
    }
}
