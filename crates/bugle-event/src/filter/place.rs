//! Where something is: hosts of URLs, this very machine, sources of security reports.
//!
//! **A source** of `invalid-csp` is a scheme (`chrome-extension:`, `data`), a host (`example.com`, `*.example.com`) or both
//! (`https://*.example.com`), with a port or without. A report matches when one of its three URLs does.

use super::field::{Seen, header};
use super::glob::fold;
use crate::event::Event;

/// Schemes of what browsers and their extensions put into pages.
const OF_BROWSERS: [&str; 15] = [
    "about",
    "applewebdata",
    "chrome",
    "chrome-extension",
    "safari-extension",
    "safari-web-extension",
    "moz-extension",
    "ms-browser-extension",
    "mx",
    "webviewprogressproxy",
    "tmtbff",
    "mbinit",
    "symres",
    "resource",
    "opera",
];

/// The host of a URL, folded, without port; none when it has none.
fn host(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split(['/', '?', '#', '\\']).next()?;
    without_port(authority.rsplit_once('@').map_or(authority, |(_, host)| host))
}

fn without_port(authority: &str) -> Option<&str> {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        // An IPv6 address without brackets has no port.
        None if authority.matches(':').count() > 1 => authority,
        None => authority.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

fn is_local_host(host: &str) -> bool {
    let host = fold(host.trim().trim_end_matches('.'));
    matches!(&*host, "localhost" | "127.0.0.1" | "::1") || host.ends_with(".localhost") || host.ends_with(".127.0.0.1")
}

/// `localhost`: a person at the machine that runs the program, or a page that comes from it.
pub(super) fn is_local(seen: &Seen<'_>) -> bool {
    let event = seen.event;
    let user_ip = event.json.object("user").and_then(|user| user.text("ip_address"));
    if user_ip.is_some_and(|ip| matches!(ip, "127.0.0.1" | "::1")) {
        return true;
    }
    let url = event.json.object("request").and_then(|request| request.text("url"));
    let is_local_url = |url: &str| {
        url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:")) || host(url).is_some_and(is_local_host)
    };
    if url.is_some_and(is_local_url) {
        return true;
    }
    let of_headers = ["host", "x-forwarded-host"].into_iter().filter_map(|name| header(event, name));
    of_headers.flat_map(|value| value.split(',')).any(|value| without_port(value.trim()).is_some_and(is_local_host))
}

/// One source, as the module comment says.
#[derive(Debug, Clone)]
pub(super) struct Source {
    scheme: Option<String>,
    host: Option<String>,
    port: Option<String>,
}

impl Source {
    pub(super) fn new(text: &str) -> Source {
        let folded = fold(text.trim()).into_owned();
        let (scheme, rest) = match folded.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => match folded.split_once(':') {
                Some((scheme, "")) => (Some(scheme), ""),
                _ if folded.contains(['.', ':', '*']) || folded == "localhost" => (None, folded.as_str()),
                _ => (Some(folded.as_str()), ""),
            },
        };
        let rest = rest.split('/').next().unwrap_or_default();
        let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
        let some = |text: &str| (!text.is_empty() && text != "*").then(|| text.to_string());
        Source { scheme: scheme.and_then(some), host: some(host), port: port.and_then(some) }
    }

    fn holds(&self, url: &str) -> bool {
        let (scheme, rest) = match url.split_once(':') {
            Some((scheme, rest)) => (scheme, rest),
            // Browsers report some as a bare word: `data`, `inline`.
            None => (url, ""),
        };
        let authority = rest.strip_prefix("//").unwrap_or("").split(['/', '?', '#']).next().unwrap_or("");
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = authority.rsplit_once(':').map_or((authority, ""), |(host, port)| (host, port));
        let is_host = |wanted: &str| match wanted.strip_prefix("*.") {
            Some(parent) => host.strip_suffix(parent).is_some_and(|front| front.ends_with('.')),
            None => host == wanted,
        };
        (self.scheme.is_some() || self.host.is_some())
            && self.scheme.as_ref().is_none_or(|wanted| wanted == scheme)
            && self.host.as_ref().is_none_or(|wanted| is_host(wanted))
            && self.port.as_ref().is_none_or(|wanted| wanted == port)
    }
}

/// `invalid-csp`: a report about something that no page of ours has put there.
pub(super) fn is_noise(event: &Event<'_>, with_browsers: bool, sources: &[Source]) -> bool {
    let Some(report) = event.json.object("csp") else { return false };
    let urls = ["blocked_uri", "source_file", "document_uri"].into_iter().filter_map(|key| report.text(key));
    urls.map(fold).any(|url| {
        let scheme = url.split(':').next().unwrap_or_default();
        with_browsers && OF_BROWSERS.contains(&scheme) || sources.iter().any(|source| source.holds(&url))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found() {
        for (url, expected) in [
            ("http://user:p@LocalHost:8000/x", Some("LocalHost")),
            ("https://[::1]:3000/", Some("::1")),
            ("http://a.b?x=://c", Some("a.b")),
            ("/path", None),
            ("http://", None),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
        for (name, is_local) in [
            ("localhost", true),
            ("app.localhost.", true),
            ("127.0.0.1", true),
            ("notlocalhost", false),
            ("localhost.example.com", false),
        ] {
            assert_eq!(is_local_host(name), is_local, "{name}");
        }
    }

    #[test]
    fn sources_match_by_scheme_host_and_port() {
        for (source, url, holds) in [
            ("https://*.example.com", "https://cdn.example.com/a.js", true),
            ("https://*.example.com", "https://example.com/a.js", false),
            ("*.example.com", "http://a.b.example.com", true),
            ("example.com", "https://notexample.com", false),
            ("example.com:8080", "https://example.com", false),
            ("data:", "data", true),
            ("data", "data:text/plain,x", true),
            ("ms-appx://", "ms-appx://x/y", true),
            ("localhost", "http://localhost/x", true),
            ("*", "https://example.com", false),
            ("", "https://example.com", false),
        ] {
            assert_eq!(Source::new(source).holds(url), holds, "{source} {url}");
        }
    }
}
