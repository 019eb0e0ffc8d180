//! Words of strangers made fit for a line: an exception's text, a source line, what a server answered.
//!
//! Invariants: the result holds no line break, no other control character and none of the marks that reverse the
//! direction of text (they make a path read backwards); it is never longer than the bound, counted in characters
//! because that is what people and mail subjects see. Escaping for HTML or chat comes after this, in the channel.

/// What a cut ends with.
const CUT: char = '…';

/// `text` as one line of at most `chars_max` characters, runs of white space folded into one space.
pub fn one_line(text: &str, chars_max: usize) -> String {
    // Reading is bounded too: a title may be megabytes of blanks.
    let seen = text.chars().take(chars_max.saturating_mul(8).saturating_add(64));
    let mut line = String::new();
    for c in seen.filter(|c| !is_direction_mark(*c)) {
        if !(c.is_whitespace() || c.is_control()) {
            line.push(c);
        } else if !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
        }
    }
    cut(line.trim_end(), chars_max)
}

/// A line of source code: like [`one_line`], but blanks keep their number, since they align what people read.
pub fn code_line(text: &str, chars_max: usize) -> String {
    let first = text.trim().lines().next().unwrap_or_default();
    let seen = first.chars().take(chars_max.saturating_add(1));
    let line: String = seen
        .filter(|c| !is_direction_mark(*c))
        .map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c })
        .collect();
    cut(line.trim_end(), chars_max)
}

/// `text` with each of `secrets` (those of at least four characters: shorter ones are everywhere) blotted out.
/// A server may echo what it was sent, and what it says is shown to people and logged.
pub fn blotted(text: &str, secrets: &[&str]) -> String {
    let mut secrets: Vec<&str> = secrets.iter().copied().filter(|secret| secret.len() >= 4).collect();
    // Longest first, or the rest of a secret would survive its own prefix.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret, "[removed]"))
}

/// `text`, or its first `chars_max - 1` characters and an ellipsis.
fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push(CUT);
    short
}

/// Embedding, override and isolate marks of bidirectional text.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_and_controls_become_one_space() {
        assert_eq!(one_line(" a\r\nBcc: b\u{0}\t c\u{2028}d\u{85}e ", 80), "a Bcc: b c d e");
        assert_eq!(one_line("gpj.\u{202e}exe", 80), "gpj.exe");
    }

    #[test]
    fn a_long_line_is_cut_by_characters() {
        assert_eq!(one_line("ééééé", 5), "ééééé");
        assert_eq!(one_line("éééééé", 5), "éééé…");
        assert_eq!(one_line(&"x".repeat(1 << 20), 120).chars().count(), 120);
    }

    #[test]
    fn code_keeps_its_inner_blanks() {
        assert_eq!(code_line("\n    a  =  b[\t0]\nsecond", 80), "a  =  b[ 0]");
    }

    #[test]
    fn secrets_are_blotted_longest_first() {
        assert_eq!(
            blotted("say hunter2hunter2 and hunter2", &["hunter2", "hunter2hunter2"]),
            "say [removed] and [removed]"
        );
        assert_eq!(blotted("abc", &["", "a"]), "abc");
    }
}
