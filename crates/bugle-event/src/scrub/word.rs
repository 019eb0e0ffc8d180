//! Secrets inside text that are told by the word before them: `password=…`, `"token": "…"`, `--api-key …`.
//!
//! The word is judged as the key of an object would be ([`super::name`]). What counts as its value depends on the
//! text: in prose, logs, URLs and representations of objects it is a literal, a bracketed group or a bare word; in
//! source code a literal only, since `password = read_password()` gives nothing away.

use super::Scrubber;
use super::text::{FILTERED, Finding, Mode};

const RULE: &str = "@password:filter";
/// The longest word that may name a secret, in bytes to the left of its telltale.
const WORD_BYTES_MAX: usize = 64;
/// How far a group in brackets is followed; what is longer is cut off as a whole.
const GROUP_BYTES_MAX: usize = 4096;
/// How far back a line of code is read to see whether a place is inside a literal.
const LITERAL_BYTES_MAX: usize = 512;

/// Judges the word around `at`; adds what is secret to `findings`. Returns where the search goes on.
pub(super) fn judge(
    scrubber: &Scrubber,
    text: &str,
    at: usize,
    floor: usize,
    mode: Mode,
    findings: &mut Vec<Finding>,
) -> usize {
    let bytes = text.as_bytes();
    let lowest = floor.max(at.saturating_sub(WORD_BYTES_MAX));
    let start = at - bytes[lowest..at].iter().rev().take_while(|b| is_name(**b)).count();
    let end = at + bytes[at..].iter().take_while(|b| is_name(**b)).count();
    if end == at {
        return at + 1;
    }
    let name = text[start..end].trim_start_matches('-');
    let Some(link) = link(bytes, start, end, mode) else { return end };
    if !scrubber.is_secret(name) || is_prose(text, start, name, &link) {
        return end;
    }
    let value = Value { text, name, link, mode };
    let before = findings.len();
    let resume = value.find(findings);
    debug_assert!(findings[before..].iter().all(|f| f.start >= end && f.start < f.end));
    resume.max(end)
}

/// How a word is tied to its value.
struct Link {
    /// Where the value may begin.
    at: usize,
    tie: Tie,
    /// Whether the word stands in quotes: a key, surely.
    is_quoted: bool,
    /// Whether it is a parameter of a URL or form, whose value ends at `&`.
    is_parameter: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tie {
    Equals,
    Colon,
    /// `("password", "x")`: the value must be the last of two literals.
    Comma,
    /// `--password x`
    Blank,
    /// `<password>x</password>`
    Element,
}

fn link(bytes: &[u8], start: usize, end: usize, mode: Mode) -> Option<Link> {
    let mut here = end;
    let mut is_quoted = false;
    // What may close the word: quotes, escaped or not, and brackets of `user[password]` and `["password"]`.
    while here < end + 8 {
        match bytes.get(here)? {
            b'"' | b'\'' | b'`' => is_quoted = true,
            b'\\' | b']' => {}
            b'%' if matches!(bytes.get(here + 1..here + 3), Some(b"5D" | b"5d")) => here += 2,
            b'%' if bytes.get(here + 1..here + 3) == Some(b"22") => here += 2,
            _ => break,
        }
        here += 1;
    }
    let closed = here;
    here += blanks(bytes, here);
    let before = start.checked_sub(1).map(|at| bytes[at]);
    let is_parameter = matches!(before, Some(b'?' | b'&'));
    let link = |at, tie| Some(Link { at, tie, is_quoted, is_parameter });
    match *bytes.get(here)? {
        b'=' | b'!' if bytes[here] == b'=' || bytes.get(here + 1) == Some(&b'=') => {
            here += bytes[here..].iter().take(3).take_while(|b| matches!(b, b'=' | b'!' | b'>' | b'~')).count();
            link(here, Tie::Equals)
        }
        b':' if bytes.get(here + 1) == Some(&b'=') => link(here + 2, Tie::Equals),
        b':' if bytes.get(here + 1) == Some(&b':') || bytes.get(here + 1..here + 3) == Some(b"//") => None,
        b':' if mode == Mode::Code => Some(annotated(bytes, here + 1, is_quoted)),
        b':' => link(here + 1, Tie::Colon),
        b',' if is_quoted && is_first_in_bracket(bytes, start) => link(here + 1, Tie::Comma),
        b'>' if matches!(before, Some(b'<' | b':')) && here == end => link(here + 1, Tie::Element),
        b'%' if matches!(bytes.get(here + 1..here + 3), Some(b"3D" | b"3d" | b"3A" | b"3a")) => {
            Some(Link { at: here + 3, tie: Tie::Equals, is_quoted, is_parameter: true })
        }
        _ if here > closed && closed == end && bytes[start] == b'-' => link(here, Tie::Blank),
        _ => None,
    }
}

/// In code, a colon may be followed by a type: `password: str = "x"`.
fn annotated(bytes: &[u8], at: usize, is_quoted: bool) -> Link {
    const TYPE_BYTES_MAX: usize = 60;
    let is_type = |b: &u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b' ' | b'_' | b'.' | b'[' | b']' | b'|' | b'<' | b'>' | b'?' | b'&' | b':')
    };
    let length = bytes[at..].iter().take(TYPE_BYTES_MAX).take_while(|b| is_type(b)).count();
    match bytes.get(at + length) {
        Some(b'=') if length > 0 => Link { at: at + length + 1, tie: Tie::Equals, is_quoted, is_parameter: false },
        _ => Link { at, tie: Tie::Colon, is_quoted, is_parameter: false },
    }
}

/// Whether the quoted word that starts at `start` comes first behind a bracket.
fn is_first_in_bracket(bytes: &[u8], start: usize) -> bool {
    let before: Vec<u8> = bytes[..start].iter().rev().copied().take(8).collect();
    let quotes = before.iter().take_while(|b| matches!(b, b'"' | b'\'' | b'`' | b'\\')).count();
    quotes > 0 && before[quotes..].iter().find(|b| **b != b' ').is_some_and(|b| matches!(b, b'(' | b'['))
}

/// `Unexpected token: …`, `password: must be…`: a message about a secret rather than one.
fn is_prose(text: &str, start: usize, name: &str, link: &Link) -> bool {
    if link.tie != Tie::Colon || link.is_quoted {
        return false;
    }
    const SAID_OF_IT: [&str; 44] = [
        "a",
        "an",
        "and",
        "can",
        "cannot",
        "could",
        "did",
        "does",
        "empty",
        "error",
        "expected",
        "expired",
        "failed",
        "failure",
        "field",
        "for",
        "has",
        "in",
        "incorrect",
        "invalid",
        "is",
        "it",
        "malformed",
        "may",
        "mismatch",
        "missing",
        "must",
        "no",
        "not",
        "of",
        "only",
        "or",
        "rejected",
        "required",
        "should",
        "some",
        "the",
        "this",
        "too",
        "unexpected",
        "unknown",
        "value",
        "was",
        "wrong",
    ];
    let next = text[link.at..].trim_start_matches(' ');
    let word = next.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
    let ends_word = !next[word.len()..]
        .starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '=' | '$' | '!' | '@' | '#'));
    let lower = word.to_ascii_lowercase();
    let is_said = ends_word && SAID_OF_IT.contains(&lower.as_str());
    // Parsers call the pieces of their input tokens.
    is_said || name.eq_ignore_ascii_case("token") && text[..start].trim_end().ends_with("nexpected")
}

/// The value behind a word that names a secret.
struct Value<'t> {
    text: &'t str,
    name: &'t str,
    link: Link,
    mode: Mode,
}

impl Value<'_> {
    fn find(&self, findings: &mut Vec<Finding>) -> usize {
        let bytes = self.text.as_bytes();
        let at = self.link.at + blanks(bytes, self.link.at);
        if self.link.tie == Tie::Element {
            let end = until(bytes, at, |b| b == b'<');
            let is_closed = bytes[end..].starts_with(b"</") || end == bytes.len() && self.mode != Mode::Code;
            return if is_closed { self.add(at, end, findings) } else { end };
        }
        let quote = prefixed_quote(bytes, at);
        if let Some((quote, escapes)) = quote {
            return self.literal(quote, escapes, findings);
        }
        if self.link.tie == Tie::Comma {
            return at;
        }
        let is_key = self.link.tie != Tie::Colon || self.link.is_quoted;
        match bytes.get(at) {
            Some(b'[') if self.text[at..].starts_with(FILTERED) => return at + FILTERED.len(),
            Some(b'{' | b'[' | b'(') if is_key && !self.link.is_parameter => return self.group(at, findings),
            _ => {}
        }
        match self.mode {
            Mode::Code if !is_inside_literal(bytes, at) => at,
            _ => self.bare(at, findings),
        }
    }

    /// `"…"`, from the quote at `quote` to the next one with as many backslashes before it.
    fn literal(&self, quote: usize, escapes: usize, findings: &mut Vec<Finding>) -> usize {
        let bytes = self.text.as_bytes();
        let mark = bytes[quote];
        let triple = escapes == 0 && bytes[quote..].starts_with(&[mark; 3]);
        let from = quote + if triple { 3 } else { 1 };
        let end = match triple {
            true => bytes[from..].windows(3).position(|w| w == [mark; 3]).map_or(bytes.len(), |length| from + length),
            false => closing_quote(bytes, from, mark, escapes),
        };
        if self.link.tie == Tie::Comma {
            let behind = (end + 1).min(bytes.len());
            let next = bytes.get(behind + blanks(bytes, behind));
            if !matches!(next, Some(b')' | b']' | b'.') | None) {
                return from;
            }
        }
        let content = &self.text[from..end];
        let is_template = content.ends_with('}') && (content.starts_with('{') || content.starts_with("${"));
        // Parsers compare their tokens with a sign: `token == "("`.
        let is_sign = content.len() == 1 || matches!(content, "true" | "false");
        let is_place = matches!(content, "%s" | "?" | "{}") || self.mode == Mode::Code && (is_template || is_sign);
        if is_place { end } else { self.add(from, end, findings) }
    }

    /// `(…)`, `[…]`, `{…}`: all of it, in code the literals in it.
    fn group(&self, at: usize, findings: &mut Vec<Finding>) -> usize {
        let bytes = self.text.as_bytes();
        let end = group_end(self.text, at);
        if self.mode != Mode::Code {
            return self.add(at, end, findings);
        }
        let mut here = at;
        while let Some(length) = bytes[here..end].iter().position(|b| matches!(b, b'"' | b'\'')) {
            let from = here + length + 1;
            let close = closing_quote(&bytes[..end], from, bytes[from - 1], 0);
            self.add(from, close, findings);
            here = (close + 1).min(end);
        }
        end
    }

    /// A word without quotes.
    fn bare(&self, at: usize, findings: &mut Vec<Finding>) -> usize {
        let bytes = self.text.as_bytes();
        let is_header = self.link.tie == Tie::Colon && self.name.to_ascii_lowercase().ends_with("cookie");
        if is_header {
            return self.add(at, until(bytes, at, |b| matches!(b, b'\n' | b'\r' | b'"')), findings);
        }
        let end = match self.link.is_parameter {
            true => until(bytes, at, |b| {
                b.is_ascii_whitespace() || matches!(b, b'&' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'`')
            }),
            false => until(bytes, at, ends_bare),
        };
        let word = &self.text[at..end];
        if is_place_or_nothing(word, self.link.tie) {
            return end.max(at);
        }
        let scheme = ["bearer", "basic", "token", "apikey", "negotiate", "digest"]
            .iter()
            .any(|scheme| scheme.eq_ignore_ascii_case(word));
        if scheme && bytes.get(end) == Some(&b' ') {
            let stop: fn(u8) -> bool = match word.eq_ignore_ascii_case("digest") {
                true => |b| matches!(b, b'\n' | b'\r'),
                false => ends_bare,
            };
            return self.add(end + 1, until(bytes, end + 1, stop), findings);
        }
        self.add(at, end, findings)
    }

    fn add(&self, start: usize, end: usize, findings: &mut Vec<Finding>) -> usize {
        let content = self.text[start..end].trim();
        let is_settled = content.is_empty()
            || content == FILTERED
            || content.bytes().all(|b| b == b'*')
            || content == "[Filtered" && self.text[end..].starts_with(']');
        if !is_settled {
            findings.push(Finding { start, end, mark: FILTERED, rule: RULE });
        }
        end
    }
}

/// The quote at `at`, behind backslashes or the prefix of a literal (`b"…"`, `f'…'`, `@"…"`): its place and how
/// many backslashes are before it.
fn prefixed_quote(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let prefix = bytes[at..]
        .iter()
        .take(2)
        .take_while(|b| matches!(b, b'b' | b'B' | b'r' | b'R' | b'u' | b'U' | b'f' | b'F' | b'@' | b'$'))
        .count();
    for from in [at + prefix, at] {
        let escapes = bytes[from..].iter().take(16).take_while(|b| **b == b'\\').count();
        if matches!(bytes.get(from + escapes), Some(b'"' | b'\'' | b'`')) {
            return Some((from + escapes, escapes));
        }
    }
    None
}

/// The quote that closes a literal: the next `mark` with exactly `escapes` backslashes before it, or, for 0, an
/// even number. The backslashes before it are not part of the content.
fn closing_quote(bytes: &[u8], from: usize, mark: u8, escapes: usize) -> usize {
    let mut backslashes = 0;
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match *byte {
            b'\\' => backslashes += 1,
            byte if byte == mark && (backslashes == escapes || escapes == 0 && backslashes % 2 == 0) => {
                return at - escapes;
            }
            _ => backslashes = 0,
        }
    }
    bytes.len()
}

/// Behind the bracket that closes the one at `at`; brackets inside of quotes do not count.
fn group_end(text: &str, at: usize) -> usize {
    let limit = text.floor_char_boundary(at + GROUP_BYTES_MAX).max(at + 1);
    let bytes = &text.as_bytes()[..limit];
    let (mut depth, mut here) = (0usize, at);
    while here < limit {
        match bytes[here] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            quote @ (b'"' | b'\'') => here = closing_quote(bytes, here + 1, quote, 0),
            _ => {}
        }
        here += 1;
        if depth == 0 {
            break;
        }
    }
    here.min(limit)
}

/// Whether `at` is inside of a literal of its line, told by the quotes before it.
fn is_inside_literal(bytes: &[u8], at: usize) -> bool {
    let mut open = None;
    let from = at.saturating_sub(LITERAL_BYTES_MAX);
    let mut escaped = false;
    for byte in &bytes[from..at] {
        match (*byte, open) {
            (b'\n', _) => open = None,
            (b'\\', Some(_)) if !escaped => {
                escaped = true;
                continue;
            }
            (quote @ (b'"' | b'\'' | b'`'), None) => open = Some(quote),
            (quote, Some(mark)) if quote == mark && !escaped => open = None,
            _ => {}
        }
        escaped = false;
    }
    open.is_some()
}

/// What is no value: nothing, null, a place holder, the beginning of a description.
fn is_place_or_nothing(word: &str, tie: Tie) -> bool {
    matches!(
        word,
        "" | "None"
            | "null"
            | "nil"
            | "undefined"
            | "true"
            | "false"
            | "True"
            | "False"
            | "NULL"
            | "?"
            | "%s"
            | "%d"
            | "%r"
    ) || word.starts_with(['<', ':', '{'])
        || word.starts_with("${")
        || word.starts_with("%(")
        || word.starts_with('$') && word[1..].bytes().all(|b| b.is_ascii_digit())
        || word.starts_with('-') && tie == Tie::Blank
}

fn ends_bare(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(byte, b'&' | b';' | b',' | b')' | b']' | b'}' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'|' | b'\\')
}

fn until(bytes: &[u8], from: usize, stop: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|b| stop(*b)).map_or(bytes.len(), |length| from + length)
}

/// How many blanks there are at `at`; a line's end is none, and a table's column is not followed far.
fn blanks(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().take(16).take_while(|b| matches!(b, b' ' | b'\t')).count()
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
