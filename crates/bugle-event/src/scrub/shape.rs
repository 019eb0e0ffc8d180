//! Secrets that are told by their own shape, whatever they are called.
//!
//! Each function looks at one place that [`super::telltale`] pointed out and says what is there. Shapes are
//! checked as far as they can be (Luhn and vendor ranges for cards, mod 97 for bank accounts, base64 that decodes
//! to `user:password`), so that order numbers, timestamps and ids stay readable.

use super::telltale::{ARMOUR, DIGITS, HOME, IBAN, JWT, SCHEME, URL, VENDOR};
use super::text::{FILTERED, Finding, Judgement, Mode};
use base64::Engine;

/// What shows in place of a card number.
pub(super) const CARD: &str = "[creditcard]";
/// What shows in place of the body of a key in armour.
pub(super) const PEM: &str = "[pemkey]";
const IBAN_MARK: &str = "[iban]";
const SSN_MARK: &str = "[ssn]";
const USER_MARK: &str = "[user]";

/// Judges the telltales `bits` that begin at `at`. Bytes before `floor` are settled.
pub(super) fn judge(text: &str, at: usize, floor: usize, bits: u32, mode: Mode) -> Judgement {
    let mut skip = at + 1;
    for (bit, look) in [
        (DIGITS, number as fn(&str, usize) -> Judgement),
        (IBAN, bank_account),
        (URL, url),
        (ARMOUR, armour),
        (JWT, web_token),
        (VENDOR, vendor_key),
        (SCHEME, scheme),
    ] {
        if bits & bit == 0 {
            continue;
        }
        match look(text, at) {
            Judgement::Secret(finding) if finding.start >= floor => return Judgement::Secret(finding),
            Judgement::Secret(_) => {}
            Judgement::Harmless(resume) => skip = skip.max(resume),
        }
    }
    match bits & HOME != 0 && mode == Mode::Text {
        true => home(text, at).unwrap_or(Judgement::Harmless(skip)),
        false => Judgement::Harmless(skip),
    }
}

/// Whether `digits`, and nothing else, is a card number.
pub(super) fn is_card(digits: &[u8]) -> bool {
    let number = |length: usize| digits[..length].iter().fold(0u32, |sum, d| sum * 10 + u32::from(d - b'0'));
    if digits.len() < 13 {
        return false;
    }
    let issuer = match (number(1), number(2), number(3), number(4)) {
        (4, ..) => matches!(digits.len(), 13 | 16 | 19),
        (_, 51..=55, ..) | (_, _, _, 2221..=2720) => digits.len() == 16,
        (_, 34 | 37, ..) => digits.len() == 15,
        (_, _, _, 6011) | (_, _, 644..=649, _) | (_, 65, ..) => digits.len() == 16,
        (_, 62, ..) => (16..=19).contains(&digits.len()),
        (_, 35, ..) => digits.len() == 16,
        (_, 36 | 38, ..) | (_, _, 300..=305, _) => digits.len() == 14,
        _ => false,
    };
    let luhn = digits.iter().rev().enumerate().map(|(at, digit)| {
        let value = u32::from(digit - b'0') * if at % 2 == 1 { 2 } else { 1 };
        if value > 9 { value - 9 } else { value }
    });
    issuer && luhn.sum::<u32>() % 10 == 0
}

/// A card or a social security number.
fn number(text: &str, at: usize) -> Judgement {
    let bytes = text.as_bytes();
    let run_end = at + bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    let joined = at > 0 && (is_word(bytes[at - 1]) || is_part(bytes, at));
    if joined {
        return Judgement::Harmless(run_end);
    }
    if let Some(end) = social_security(bytes, at) {
        return secret(at, end, SSN_MARK, "@usssn:replace");
    }
    match card_end(bytes, at) {
        Some(end) => secret(at, end, CARD, "@creditcard:replace"),
        None => Judgement::Harmless(run_end),
    }
}

/// Whether the digits at `at` go on something with a dot or dash before them: `0.4111…`, `1234-4111…`.
fn is_part(bytes: &[u8], at: usize) -> bool {
    at > 1 && matches!(bytes[at - 1], b'.' | b'-') && bytes[at - 2].is_ascii_digit()
}

fn card_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut digits = [0u8; 19];
    let (mut length, mut here, mut best) = (0, at, None);
    while here < bytes.len() && length < digits.len() {
        if matches!(bytes[here], b' ' | b'-' | b'+') && bytes.get(here + 1).is_some_and(u8::is_ascii_digit) {
            here += 1;
        }
        if !bytes[here].is_ascii_digit() {
            break;
        }
        digits[length] = bytes[here];
        length += 1;
        here += 1;
        let next = bytes.get(here).copied().unwrap_or(b' ');
        let goes_on =
            is_word(next) || matches!(next, b'.' | b'-') && bytes.get(here + 1).is_some_and(u8::is_ascii_digit);
        if !goes_on && is_card(&digits[..length]) {
            best = Some(here);
        }
    }
    best
}

/// `123-45-6789`, in the ranges that are given out.
fn social_security(bytes: &[u8], at: usize) -> Option<usize> {
    let text = bytes.get(at..at + 11)?;
    let shape = text.iter().enumerate().all(|(at, b)| if at == 3 || at == 6 { *b == b'-' } else { b.is_ascii_digit() });
    let next = bytes.get(at + 11).copied().unwrap_or(b' ');
    let given =
        !matches!(&text[..3], b"000" | b"666") && text[0] != b'9' && &text[4..6] != b"00" && &text[7..] != b"0000";
    (shape && given && !is_word(next) && next != b'-').then_some(at + 11)
}

fn bank_account(text: &str, at: usize) -> Judgement {
    let bytes = text.as_bytes();
    if at > 0 && is_word(bytes[at - 1]) || !bytes.get(at + 3).is_some_and(u8::is_ascii_digit) {
        return Judgement::Harmless(at + 1);
    }
    let mut account: Vec<u8> = Vec::with_capacity(34);
    let (mut here, mut best) = (at, None);
    while here < bytes.len() && account.len() < 34 {
        if bytes[here] == b' ' && bytes.get(here + 1).is_some_and(|b| is_account(*b)) {
            here += 1;
        }
        if !is_account(bytes[here]) {
            break;
        }
        account.push(bytes[here]);
        here += 1;
        if account.len() >= 15 && !bytes.get(here).is_some_and(|b| is_word(*b)) && checks_out(&account) {
            best = Some(here);
        }
    }
    best.map_or(Judgement::Harmless(at + 1), |end| secret(at, end, IBAN_MARK, "@iban:replace"))
}

fn is_account(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_uppercase()
}

/// ISO 7064, mod 97 of the account with its first four characters moved to the end.
fn checks_out(account: &[u8]) -> bool {
    let digits = account.iter().filter(|b| b.is_ascii_digit()).count();
    let remainder = account[4..].iter().chain(&account[..4]).fold(0u32, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    digits >= 8 && remainder == 1
}

/// `user:password@` behind `://`.
fn url(text: &str, at: usize) -> Judgement {
    const USERINFO_BYTES_MAX: usize = 512;
    let from = at + 3;
    let bytes = &text.as_bytes()[from..text.len().min(from + USERINFO_BYTES_MAX)];
    let end = |stop: fn(&u8) -> bool| bytes.iter().position(stop).unwrap_or(bytes.len());
    let blank = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'<' | b'>' | b'`');
    let authority =
        end(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'<' | b'>' | b'`' | b'/' | b'?' | b'#'));
    let Some(colon) = bytes[..authority].iter().position(|b| *b == b':') else { return Judgement::Harmless(from) };
    let at_sign = bytes[..authority].iter().rposition(|b| *b == b'@').or_else(|| {
        // A password may hold a slash; `host:8080/path@x` holds none.
        let is_port = bytes[colon + 1..authority].iter().all(u8::is_ascii_digit);
        let whole = bytes.iter().position(blank).unwrap_or(bytes.len());
        bytes[..whole].iter().position(|b| *b == b'@').filter(|_| !is_port)
    });
    let is_mark = |range: &[u8]| range == FILTERED.as_bytes();
    match at_sign {
        Some(at_sign) if at_sign > colon + 1 && !is_mark(&bytes[colon + 1..at_sign]) => {
            secret(from, from + at_sign, FILTERED, "@urlauth:replace")
        }
        _ => Judgement::Harmless(from),
    }
}

/// The body of a key in armour, up to its end or that of the text. Certificates are public.
fn armour(text: &str, at: usize) -> Judgement {
    const HEADER_BYTES_MAX: usize = 64;
    let dashes = at + text.as_bytes()[at..].iter().take_while(|b| **b == b'-').count();
    let header = &text.as_bytes()[dashes..text.len().min(dashes + HEADER_BYTES_MAX)];
    let Some(length) = header.windows(5).position(|w| w == b"-----").filter(|_| header.starts_with(b"BEGIN ")) else {
        return Judgement::Harmless(dashes);
    };
    let from = dashes + length + 5;
    if !header[..length].windows(3).any(|w| w == b"KEY") {
        return Judgement::Harmless(from);
    }
    let end = text[from..].find("-----END").map_or(text.len(), |length| from + length);
    match text[from..end].trim() {
        "" | PEM => Judgement::Harmless(from),
        _ => secret(from, end, PEM, "@pemkey:replace"),
    }
}

/// `eyJ….eyJ….signature`.
fn web_token(text: &str, at: usize) -> Judgement {
    let bytes = text.as_bytes();
    let part = |from: usize| from + bytes[from..].iter().take_while(|b| is_base64url(**b)).count();
    let first = part(at);
    if at > 0 && is_base64url(bytes[at - 1]) || first - at < 10 || bytes.get(first) != Some(&b'.') {
        return Judgement::Harmless(first);
    }
    let second = part(first + 1);
    let end = if bytes.get(second) == Some(&b'.') { part(second + 1) } else { second };
    match second > first + 2 {
        true => secret(at, end, FILTERED, "@jwt:filter"),
        false => Judgement::Harmless(end),
    }
}

/// Keys that carry their vendor's name: AWS, Google, GitHub, GitLab, Slack, Stripe.
fn vendor_key(text: &str, at: usize) -> Judgement {
    let bytes = text.as_bytes();
    let from = match bytes[at] {
        b'b' => at.saturating_sub("githu".len()),
        _ => at,
    };
    let before = from > 0 && bytes[from - 1].is_ascii_alphanumeric();
    let run = bytes[from..].iter().take_while(|b| is_base64url(**b)).count();
    let Some(key) = text.get(from..from + run).filter(|_| !before) else { return Judgement::Harmless(at + 1) };
    let upper = |key: &str| key.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let is_key = (key.starts_with("AKIA") || key.starts_with("ASIA")) && run == 20 && upper(key)
        || key.starts_with("AIza") && run == 39
        || ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"].iter().any(|p| key.starts_with(p))
            && run >= 24
        || ["xoxb-", "xoxp-", "xoxa-", "xoxs-", "xoxe-"].iter().any(|p| key.starts_with(p)) && run >= 15
        || ["sk_live_", "sk_test_", "rk_live_", "rk_test_"].iter().any(|p| key.starts_with(p)) && run >= 18;
    match is_key {
        true => secret(from, from + run, FILTERED, "@token:filter"),
        false => Judgement::Harmless(at + 1),
    }
}

/// What follows `Bearer ` and `Basic `.
fn scheme(text: &str, at: usize) -> Judgement {
    let bytes = text.as_bytes();
    let word = |word: &[u8]| {
        at > 0
            && bytes.get(at - 1..at - 1 + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word))
            && !(at > 1 && is_word(bytes[at - 2]))
    };
    let length = match (word(b"bearer"), word(b"basic")) {
        (true, _) => 6,
        (_, true) => 5,
        _ => return Judgement::Harmless(at + 1),
    };
    let blank = at - 1 + length;
    let from = blank + bytes[blank..].iter().take_while(|b| matches!(b, b' ' | b'\t' | b'+')).count();
    let end = from + bytes[from..].iter().take_while(|b| is_credential(**b)).count();
    let Some(token) = text.get(from..end).filter(|_| from > blank) else { return Judgement::Harmless(at + 1) };
    let is_secret = if length == 6 { is_opaque(token) } else { is_user_and_password(token) };
    match is_secret {
        true => secret(from, end, FILTERED, "@bearer:replace"),
        false => Judgement::Harmless(end),
    }
}

/// Not a word of prose: `Bearer authentication.`
fn is_opaque(token: &str) -> bool {
    let token = token.trim_end_matches('.');
    let is_word = token.bytes().skip(1).all(|b| b.is_ascii_lowercase());
    token.len() >= 24 || token.len() >= 4 && !is_word
}

fn is_user_and_password(token: &str) -> bool {
    let decoded = base64::engine::general_purpose::STANDARD_NO_PAD.decode(token.trim_end_matches('='));
    decoded.is_ok_and(|bytes| bytes.contains(&b':'))
}

/// The name of the user in `/home/name/`, `/Users/name/`, `C:\Users\name\`.
fn home(text: &str, at: usize) -> Option<Judgement> {
    let bytes = text.as_bytes();
    let word: &[u8] = if bytes[at + 1] == b'h' { b"home" } else { b"Users" };
    let slashes = |from: usize| from + bytes[from..].iter().take_while(|b| matches!(b, b'/' | b'\\')).count();
    let after = at + 1 + word.len();
    if !bytes[at + 1..].starts_with(word) || at > 0 && (is_word(bytes[at - 1]) || bytes[at - 1] == b'.') {
        return None;
    }
    let from = slashes(after);
    let length = bytes[from..]
        .iter()
        .take_while(|b| !matches!(b, b'/' | b'\\' | b'"' | b'\'' | b':' | b'<' | b'>') && !b.is_ascii_whitespace())
        .count();
    let name = text.get(from..from + length)?;
    let is_name = from > after && !name.is_empty() && !matches!(name, USER_MARK | "Shared" | "Public");
    let in_path = slashes(from + length) > from + length;
    (is_name && in_path).then(|| secret(from, from + length, USER_MARK, "@userpath:replace"))
}

fn secret(start: usize, end: usize, mark: &'static str, rule: &'static str) -> Judgement {
    Judgement::Secret(Finding { start, end, mark, rule })
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_credential(byte: u8) -> bool {
    is_base64url(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=')
}
