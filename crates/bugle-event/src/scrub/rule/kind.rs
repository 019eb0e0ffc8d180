//! What a rule looks for: in a text, or in what a value is called.
//!
//! Time is linear in the text but for patterns, whose matches are counted: behind [`MATCHES_MAX`] of them the rest of
//! the text counts as one. Shapes are those of the default rules ([`crate::scrub::shape`]), so both agree.

use crate::scrub::text::{self, Finding, Mode};
use crate::scrub::{Scrubber, body, name};
use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::LazyLock;

/// A pattern may match at every byte and look at the whole rest each time; this keeps the product in bounds.
const MATCHES_MAX: usize = 1000;
/// The longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 4096;
/// What one pattern may take when it is compiled; `\w{1000}` takes more.
const COMPILED_BYTES_MAX: usize = 1 << 20;
/// What a pattern may keep in memory for speed, per thread that uses it.
const CACHE_BYTES_MAX: usize = 256 << 10;

/// What a rule looks for.
pub(in crate::scrub) enum Kind {
    /// The value, whatever it is.
    Anything,
    /// What matches, or only groups of it.
    Pattern {
        regex: Box<Regex>,
        groups: Vec<usize>,
    },
    /// The value of a name that matches.
    Pair(Box<Regex>),
    /// What the default rules know by the name of this rule.
    Shape(&'static str),
    Ip,
    /// A fixed pattern.
    Fixed(&'static LazyLock<Regex>),
    /// The value of a name that the default rules know, or such a word with its value in a text.
    Password,
    /// A session's or form's cookie.
    Cookies,
}

static EMAIL: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"(?i)[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+"));
static MAC: LazyLock<Regex> = LazyLock::new(|| fixed(r"(?i)\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}\b"));
static UUID: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"(?i)\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b"));
static IMEI: LazyLock<Regex> = LazyLock::new(|| fixed(r"\b[0-9]{2}[- ]?[0-9]{6}[- ]?[0-9]{6}[- ]?[0-9]{1,2}\b"));

/// Looks with the default rules, whatever a project wants of them.
static DEFAULTS: LazyLock<Scrubber> = LazyLock::new(Scrubber::default);

fn fixed(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant")
}

impl Kind {
    /// The kind that takes no settings, by the name that configurations use.
    pub(super) fn named(name: &str) -> Option<Kind> {
        Some(match name {
            "anything" => Kind::Anything,
            "imei" => Kind::Fixed(&IMEI),
            "mac" => Kind::Fixed(&MAC),
            "uuid" => Kind::Fixed(&UUID),
            "email" => Kind::Fixed(&EMAIL),
            "ip" => Kind::Ip,
            "creditcard" => Kind::Shape("@creditcard:replace"),
            "iban" => Kind::Shape("@iban:replace"),
            "userpath" => Kind::Shape("@userpath:replace"),
            "pemkey" => Kind::Shape("@pemkey:replace"),
            "url_auth" | "urlauth" => Kind::Shape("@urlauth:replace"),
            "us_ssn" | "usssn" => Kind::Shape("@usssn:replace"),
            "bearer" => Kind::Shape("@bearer:replace"),
            "password" => Kind::Password,
            "cookies" => Kind::Cookies,
            _ => return None,
        })
    }

    /// Whether a value that is called `key` is it as a whole.
    pub(super) fn is_whole(&self, key: Option<&str>) -> bool {
        match self {
            Kind::Anything => true,
            Kind::Pair(regex) => key.is_some_and(|key| regex.is_match(key)),
            Kind::Password => key.is_some_and(name::is_secret),
            Kind::Cookies => key.is_some_and(name::is_session_cookie),
            _ => false,
        }
    }

    /// The places in `text`, in order and apart from each other.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        match self {
            Kind::Anything if text.is_empty() => Vec::new(),
            Kind::Anything => vec![Range { start: 0, end: text.len() }],
            Kind::Pattern { regex, groups } => matches(regex, groups, text),
            Kind::Fixed(regex) => matches(regex, &[], text),
            Kind::Pair(_) => Vec::new(),
            Kind::Ip => addresses(text),
            Kind::Shape("@userpath:replace") => shapes(text, Mode::Text, "@userpath:replace"),
            Kind::Shape(rule) => shapes(text, Mode::Shapes, rule),
            Kind::Password => shapes(text, Mode::Text, "@password:filter"),
            Kind::Cookies => cookies(text),
        }
    }

    /// What it takes in memory, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Kind::Pattern { regex, .. } | Kind::Pair(regex) => regex.memory_usage(),
            _ => 0,
        }
    }
}

/// Compiles a pattern.
///
/// # Errors
/// A sentence that says what is wrong.
pub(super) fn compile(pattern: &str, any_case: bool) -> Result<Regex, String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!("is longer than {PATTERN_BYTES_MAX} bytes"));
    }
    let config = Config::new()
        .nfa_size_limit(Some(COMPILED_BYTES_MAX))
        .onepass_size_limit(Some(CACHE_BYTES_MAX))
        .hybrid_cache_capacity(CACHE_BYTES_MAX);
    let syntax = syntax::Config::new().case_insensitive(any_case).nest_limit(50);
    Regex::builder().configure(config).syntax(syntax).build(pattern).map_err(|error| match error.size_limit() {
        Some(_) => "takes too much memory; repeat less".to_string(),
        None => {
            // The last line of what the parser says is the reason; the others draw the pattern.
            let said = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
            let reason = said.lines().last().unwrap_or_default().trim_start_matches("error: ").to_string();
            format!("is no regular expression: {reason}")
        }
    })
}

fn matches(regex: &Regex, groups: &[usize], text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut add = |range: Range<usize>| {
        if !range.is_empty() && found.last().is_none_or(|last| last.end <= range.start) {
            found.push(range);
        }
    };
    match groups {
        [] => regex.find_iter(text).take(MATCHES_MAX + 1).for_each(|found| add(found.range())),
        groups => {
            for captures in regex.captures_iter(text).take(MATCHES_MAX + 1) {
                let mut spans: Vec<_> = groups.iter().filter_map(|group| captures.get_group(*group)).collect();
                spans.sort_by_key(|span| span.start);
                spans.into_iter().for_each(|span| add(span.range()));
            }
        }
    }
    if found.len() > MATCHES_MAX {
        found[MATCHES_MAX].end = text.len();
        found.truncate(MATCHES_MAX + 1);
    }
    found
}

fn shapes(text: &str, mode: Mode, rule: &str) -> Vec<Range<usize>> {
    let mut findings: Vec<Finding> = Vec::new();
    text::find(&DEFAULTS, text, mode, &mut findings);
    findings.iter().filter(|finding| finding.rule == rule).map(|finding| finding.start..finding.end).collect()
}

fn cookies(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !text.contains('=') {
        return found;
    }
    let mut at = 0;
    for cookie in text.split_inclusive(';') {
        let content = cookie.trim_end_matches(';');
        if let Some((name, value)) = content.split_once('=')
            && name::is_session_cookie(name.trim())
            && !matches!(value.trim(), "" | text::FILTERED)
        {
            found.push(at + name.len() + 1..at + content.len());
        }
        at += cookie.len();
    }
    debug_assert!(found.is_empty() || body::scrub_cookies(text, name::is_session_cookie).is_some());
    found
}

/// Addresses of either version, told from versions of software as far as they can be: `Chrome/120.0.0.0`.
fn addresses(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let is_part = |b: u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !is_part(bytes[at]) {
            at += 1;
            continue;
        }
        let end = at + bytes[at..].iter().take_while(|b| is_part(**b)).count();
        if let Some(range) = address(text, at, end) {
            found.push(range);
        }
        at = end;
    }
    found
}

/// The address in a run of digits, colons and dots.
fn address(text: &str, start: usize, end: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    if end - start < 3 || end - start > 64 || bytes.get(end).is_some_and(is_word) {
        return None;
    }
    // Words before a colon may end in hex digits: `port:10.0.0.1`, `bad:10.0.0.1`.
    let run = &text[start..end];
    let trimmed = run.trim_end_matches(['.', ':']);
    let joined = start > 0 && is_word(&bytes[start - 1]);
    let is_v6 = |part: &str| {
        let colons = part.bytes().filter(|b| *b == b':').count();
        let is_sure = colons > 2 || part.bytes().any(|b| b.is_ascii_digit());
        colons >= 2 && is_sure && part.parse::<Ipv6Addr>().is_ok()
    };
    if !joined && is_v6(trimmed) {
        return Some(start..start + trimmed.len());
    }
    let mut at = start;
    for part in trimmed.split(':') {
        let joined = at == start && joined;
        let is_version = at > 1 && bytes[at - 1] == b'/' && is_word(&bytes[at - 2]) || at > 0 && bytes[at - 1] == b'-';
        let is_range = at > 0 && bytes[at - 1] == b'-' && at > 1 && bytes[at - 2].is_ascii_digit();
        let v4 = part.trim_start_matches('.');
        if !joined && (!is_version || is_range) && v4.parse::<Ipv4Addr>().is_ok() {
            return Some(at + part.len() - v4.len()..at + part.len());
        }
        at += part.len() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(kind: &str, text: &'t str) -> Vec<&'t str> {
        let kind = Kind::named(kind).expect("a kind");
        kind.find(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn each_kind_finds_its_own() {
        for (kind, text, expected) in [
            ("email", "mail jo.b+x@mail.example.com, now", vec!["jo.b+x@mail.example.com"]),
            ("email", "@property of x@y", vec![]),
            ("ip", "from 10.0.0.1 to 10.0.0.2:80.", vec!["10.0.0.1", "10.0.0.2"]),
            ("ip", "[fe80::1]:443 and 2001:db8::ff00:42:8329, ::1", vec!["fe80::1", "2001:db8::ff00:42:8329", "::1"]),
            ("ip", "http://10.0.0.1/x host:10.0.0.7", vec!["10.0.0.1", "10.0.0.7"]),
            ("ip", "Chrome/120.0.0.0 abc::def 12:34:56 1.2.3 999.1.1.1 v1.2.3.4 ::", vec![]),
            ("mac", "at 4a:00:04:10:9b:50", vec!["4a:00:04:10:9b:50"]),
            ("uuid", "id ceee0822-ed8f-4622-b2a3-789e73e75cd1.", vec!["ceee0822-ed8f-4622-b2a3-789e73e75cd1"]),
            ("imei", "imei 356938035643809", vec!["356938035643809"]),
            ("creditcard", "with 4111 1111 1111 1111", vec!["4111 1111 1111 1111"]),
            ("iban", "to DE89 3704 0044 0532 0130 00", vec!["DE89 3704 0044 0532 0130 00"]),
            ("userpath", "/home/jo/a.py", vec!["jo"]),
            ("url_auth", "postgres://jo:x@db/", vec!["jo:x"]),
            ("us_ssn", "ssn 123-45-6789", vec!["123-45-6789"]),
            ("bearer", "Bearer a1b2c3d4", vec!["a1b2c3d4"]),
            ("pemkey", "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----", vec!["\nMII\n"]),
            ("password", "password=hunter2 x", vec!["hunter2"]),
            ("cookies", "theme=dark; sessionid=abc; n=1", vec!["abc"]),
            ("anything", "all of it", vec!["all of it"]),
        ] {
            assert_eq!(found(kind, text), expected, "{kind}: {text}");
        }
    }

    #[test]
    fn a_pattern_is_bounded() {
        assert!(compile(r"\w{100}{100}{10}", false).expect_err("too big").contains("memory"));
        assert!(compile("(a", false).expect_err("broken").contains("unclosed group"));
        assert!(compile("(?=a)", false).expect_err("not linear").contains("look-around"));
        let regex = Box::new(compile("a", false).expect("compiles"));
        let text = "ab".repeat(5000);
        let found = Kind::Pattern { regex, groups: Vec::new() }.find(&text);
        assert_eq!((found.len(), found.last().cloned()), (MATCHES_MAX + 1, Some(2000..10_000)));
    }
}
