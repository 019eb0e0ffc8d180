//! Masks what varies in a message, so that what is left is its template: `user 4711 not found` → `user <n> not found`.
//!
//! One ordered table ([`TABLE`]), compiled into one automaton: at each position the leftmost match wins, of several
//! there the first in the table (grouping reference §4.2). No state and no statistics, so the same message gives
//! the same template everywhere and always. The table is part of the grouping algorithm: a change of it is a
//! change of [`crate::group::VERSION`].
//!
//! Numbers with a meaning stay (`HTTP 404`, `errno 111`, `ORA-00942`): they tell bugs apart. Text arrives scrubbed,
//! so marks of scrubbing count as `<str>`; a new scrubbing rule then splits no issue.

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use std::borrow::Cow;
use std::sync::LazyLock;

/// How much of a message is looked at, in bytes. What follows takes no part in grouping.
pub const MESSAGE_BYTES_MAX: usize = 2048;

/// The template of `message`.
pub fn mask(message: &str) -> Cow<'_, str> {
    let message = head(message).trim_end();
    let mut input = Input::new(message).anchored(Anchored::No);
    let mut out = String::new();
    let mut copied = 0;
    while let Some(found) = AUTOMATON.search(&input) {
        let range = found.range();
        let rule = &TABLE[found.pattern().as_usize()].0;
        if let Some((keep, mark)) = replacement(rule, message, range.start, range.end) {
            out.push_str(&message[copied..range.start + keep]);
            out.push_str(mark);
            copied = range.end;
        }
        // No rule matches the empty text.
        input.set_start(range.end);
    }
    match copied {
        0 => Cow::Borrowed(message),
        _ => {
            out.push_str(&message[copied..]);
            Cow::Owned(out)
        }
    }
}

/// What becomes of a match.
enum Rule {
    /// It stays.
    Keep,
    /// It is replaced by this.
    As(&'static str),
    /// Hex digits: replaced if there is a digit and a letter; a number if there are only digits.
    Hex,
    /// Replaced if there is a digit in it, for `Class::method` looks alike.
    Ip,
    /// A number. A minus sign glued to a word before it is a dash.
    Number,
}

use Rule::{As, Hex, Ip, Keep, Number};

/// In order of priority. `\b` and the classes are meant for ASCII.
const TABLE: &[(Rule, &str)] = &[
    // Numbers with a meaning.
    (
        Keep,
        r#"(?i)\b(?:http(?:/[0-9](?:\.[0-9])?)?|status|code|errno|error|exit|signal|sqlcode|hresult)(?:[ _-]?(?:status|code|error|number|no)){0,2}["']?[\t :=#(\[]{0,3}(?:-?[0-9]{1,5}|0x[0-9a-f]{1,8})\b"#,
    ),
    (Keep, r#"(?i)\bsqlstate["']?[\t :=#(\[]{0,3}[0-9A-Z]{5}\b"#),
    (Keep, r"\b(?:ORA|PLS|TNS|SQL|DB2|ERR)[-_][0-9]{1,6}\b"),
    (Keep, r"\b(?:E|TS|CS|LNK|MSB|NETSDK|AADSTS|PGRST)[0-9]{3,6}\b"),
    // What varies.
    (As("<url>"), r#"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s"'`<>]+"#),
    (As("<email>"), r"\b[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\b"),
    (As("<trace>"), r"\b00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\b"),
    (As("<uuid>"), r"(?i)\b(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32})\b"),
    (
        As("<time>"),
        r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?(?:[Zz]|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?)?\b",
    ),
    (
        As("<time>"),
        r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +)?(?:[0-9]{1,2}[ -](?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*[ -][0-9]{2,4}|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* +[0-9]{1,2},?(?: [0-9]{4})?)(?:,? [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: (?:GMT|UTC|[A-Z]{3})?(?:[+-][0-9]{4})?)?(?: ?[0-9]{4})?)?\b(?: \([A-Za-z ]+\))?",
    ),
    (As("<time>"), r"\bdatetime\.(?:datetime|date|time)\([0-9][^()\n]*(?:\([^()\n]*\))?[^()\n]*\)"),
    (As("<time>"), r"\b[0-9]{4}/[0-9]{2}/[0-9]{2}(?: [0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?\b"),
    (As("<time>"), r"\b[0-9]{1,2}[/.][0-9]{1,2}[/.](?:[0-9]{4}|[0-9]{2})\b"),
    (As("<time>"), r"\b[0-9]{8}[Tt][0-9]{6}[Zz]?\b"),
    (As("<ip>"), r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]{1,5})?\b"),
    (As("<mac>"), r"(?i)\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b"),
    (As("<time>"), r"\b[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp][Mm])?\b"),
    (
        Ip,
        r"(?i)\[?(?:\b(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|\b(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}|::(?:ffff:)?[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})\b(?:\]:[0-9]{1,5}|\])?",
    ),
    (As("<hex>"), r"\b0[xX][0-9a-fA-F]+\b"),
    (As("<hex>"), r"@[0-9a-f]{5,16}\b"),
    (Hex, r"(?i)\b[0-9a-f]{7,}\b"),
    (As("<path>"), r"(?:[A-Za-z0-9_.~-]+)?(?:/(?:[A-Za-z0-9_.@%+~=-]|\[user\])+){2,}/?"),
    (As("<path>"), r#"\b[A-Za-z]:\\[^\s"'`<>|:*?]+"#),
    (As("<path>"), r#"\\\\[^\s"'`<>|:*?\\]+\\[^\s"'`<>|:*?]+"#),
    (As("<dur>"), r"\b(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|ms|s|m|h|d))+\b"),
    (
        As("<dur>"),
        r"\b[0-9]+(?:\.[0-9]+)? (?:ns|us|ms|s|sec|secs|seconds?|milliseconds?|microseconds?|mins?|minutes?|hrs?|hours?|days?)\b",
    ),
    (As("<size>"), r"\b[0-9]+(?:\.[0-9]+)? ?(?:[KMGTPkmgt]i?[Bb]|[Bb]ytes?|B)\b"),
    (As("<str>"), r#""(?:[^"\\\n]|\\.)*""#),
    (As("<str>"), r"`[^`\n]*`"),
    (As("<str>"), r"(?:\b[bBuUrRfF]{1,2})?'(?:[^'\\\n]|\\.)*'"),
    (
        As("<str>"),
        r"(?i)\[(?:filtered|redacted|removed|scrubbed|ip|email|creditcard|iban|ssn|us-ssn|pemkey|user|token|auth|password|mac|uuid|imei)\]|\*{3,}",
    ),
    // An apostrophe behind a letter opens no quotation: `can't`.
    (Keep, r"[A-Za-z0-9_]'"),
    (As("v<n>"), r"\bv[0-9]+(?:\.[0-9]+)+\b"),
    (Number, r"[-+]?\b[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)*(?:[eE][-+]?[0-9]+)?\b"),
    (Number, r"[0-9]{2,}"),
];

static AUTOMATON: LazyLock<Regex> = LazyLock::new(|| {
    let patterns: Vec<String> = TABLE.iter().map(|(_, pattern)| pattern.replace(r"\b", r"(?-u:\b)")).collect();
    Regex::builder()
        .syntax(syntax::Config::new().unicode(true))
        .build_many(&patterns)
        .expect("the table is constant and the tests compile it")
});

/// How many bytes of the match stay, and what the rest is replaced by. `None`: all of it stays.
fn replacement(rule: &Rule, message: &str, start: usize, end: usize) -> Option<(usize, &'static str)> {
    let text = &message.as_bytes()[start..end];
    let has_digit = || text.iter().any(u8::is_ascii_digit);
    let after_word = || start > 0 && is_word(message.as_bytes()[start - 1]);
    match rule {
        Keep => None,
        As(mark) => Some((0, mark)),
        Hex if !has_digit() => None,
        Hex if text.iter().all(u8::is_ascii_digit) => Some((0, "<n>")),
        Hex => Some((0, "<hex>")),
        Ip if !has_digit() || after_word() => None,
        Ip => Some((0, "<ip>")),
        Number if matches!(text[0], b'-' | b'+') && after_word() => Some((1, "<n>")),
        Number => Some((0, "<n>")),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn head(message: &str) -> &str {
    let message = message.trim_start();
    match message.len() <= MESSAGE_BYTES_MAX {
        true => message,
        false => &message[..message.floor_char_boundary(MESSAGE_BYTES_MAX)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is(message: &str, template: &str) {
        assert_eq!(mask(message), template, "{message}");
    }

    #[test]
    fn what_varies_gets_a_typed_place() {
        for (message, template) in [
            ("GET https://shop.example/a?b=1 failed", "GET <url> failed"),
            ("mail to jo.doe+x@shop.example bounced", "mail to <email> bounced"),
            ("trace 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "trace <trace>"),
            ("cart 9ec79c33-ec99-42ab-8353-589fcb2e04dc gone", "cart <uuid> gone"),
            ("cart 9ec79c33ec9942ab8353589fcb2e04dc gone", "cart <uuid> gone"),
            ("at 2026-07-01T10:11:12.345+02:00", "at <time>"),
            ("at 2026-07-01 10:11:12", "at <time>"),
            ("on 2026-07-01", "on <time>"),
            ("Wed, 01 Jul 2026 10:11:12 GMT passed", "<time> passed"),
            ("Wed Jul 01 2026 10:11:12 GMT+0200 (CEST) passed", "<time> passed"),
            ("datetime.datetime(2026, 7, 1, 10, 11)", "<time>"),
            ("at 10:11:12", "at <time>"),
            ("10.0.0.7:5432 refused", "<ip> refused"),
            ("[::1]:8080 and fe80::1 and 2001:db8::8a2e:370:7334", "<ip> and <ip> and <ip>"),
            ("card 00:1b:44:11:3a:b7", "card <mac>"),
            ("at 0x7ffee1 in Cart@1a2b3c4", "at <hex> in Cart<hex>"),
            ("commit 3f2a9c1 of branch", "commit <hex> of branch"),
            ("open /srv/shop/cart.py: no such file", "open <path>: no such file"),
            (r"open C:\shop\cart.py failed", "open <path> failed"),
            ("after 12ms, 1.5s and 30 seconds", "after <dur>, <dur> and <dur>"),
            ("3 MiB of 512 bytes", "<size> of <size>"),
            ("'sku' and \"a \\\" b\" and `c`", "<str> and <str> and <str>"),
            ("b'raw' bytes", "<str> bytes"),
            ("user 4711, -5, 1,234.5 and 1e-9", "user <n>, <n>, <n> and <n>"),
            ("user4711 on worker-12", "user<n> on worker-<n>"),
            ("version v1.22.3 of 3.11.4", "version v<n> of <n>"),
        ] {
            is(message, template);
        }
    }

    #[test]
    fn what_tells_bugs_apart_stays() {
        for message in [
            "HTTP 404 Not Found",
            "HTTP/1.1 502 Bad Gateway",
            "Request failed with status code 500",
            "statusCode: 404",
            "[Errno 111] Connection refused",
            "exit status 137",
            "killed by signal 9",
            "SQLSTATE[42S02]: table not found",
            "ORA-00942: table or view does not exist",
            "E1042 is no TS2322",
            "HRESULT 0x80004005",
            "Class::method and Bad::face",
            "utf8 over h2",
            "can't find the user's cart",
            "and/or",
            "the decade was effaced",
        ] {
            is(message, message);
        }
    }

    #[test]
    fn marks_of_scrubbing_are_text() {
        is("password=[Filtered] card [creditcard] for [ip] or *****", "password=<str> card <str> for <str> or <str>");
        is("open /home/[user]/shop/a.py", "open <path>");
        is("[error] in [main]", "[error] in [main]");
    }

    #[test]
    fn only_the_head_counts() {
        let long = format!("{}é{}", "a".repeat(MESSAGE_BYTES_MAX - 1), "7".repeat(1 << 20));
        assert_eq!(mask(&long).len(), MESSAGE_BYTES_MAX - 1);
    }

    proptest! {
        #[test]
        fn every_text_is_masked(message in "\\PC{0,80}|[a-z0-9'\"/:. @\\\\\\[\\]-]{0,80}") {
            let template = mask(&message);
            prop_assert_eq!(&template, &mask(&message));
            prop_assert!(!template.contains("http://"));
        }

        #[test]
        fn values_do_not_show(
            a in (1u32..1_000_000, "[a-z]{1,9}", "[a-z]{1,9}", 1u8..255), b in (1u32..1_000_000, "[a-z]{1,9}", "[a-z]{1,9}", 1u8..255),
        ) {
            let message = |(number, word, name, octet): (u32, String, String, u8)| {
                let text = format!("row {number} ('{word}') at /srv/{name}/{word}.db from 10.0.0.{octet}: -{number}.5%, took {octet}ms");
                mask(&text).to_string()
            };
            prop_assert_eq!(message(a), message(b));
        }
    }
}
