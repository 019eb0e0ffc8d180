//! Globs: `*` stands for any text, `?` for one character, everything else for itself, whatever its case.
//!
//! A glob covers the whole text. Whatever it looks like, matching takes time linear in the text: the pieces between stars
//! are looked for from left to right, each from where the last one ended, and none is ever looked for again. A piece with `?`
//! is found by a bit for each of its characters, so it has at most [`GAP_CHARS_MAX`].

use memchr::memmem::Finder;
use std::borrow::Cow;

/// The longest pattern, in characters: longer ones are pasted by mistake.
pub const PATTERN_CHARS_MAX: usize = 300;
/// The most stars of a pattern.
pub const STARS_MAX: usize = 20;
/// The longest piece between two stars that has a `?`, in characters: one bit each.
pub const GAP_CHARS_MAX: usize = 64;

/// A glob, ready to match texts that were [`fold`]ed.
#[derive(Debug, Clone)]
pub struct Glob {
    /// What stands before, between and behind the stars.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
enum Piece {
    Plain(Box<Finder<'static>>),
    Gaps(Box<Gaps>),
}

/// A piece with `?`.
#[derive(Debug, Clone)]
struct Gaps {
    /// `None` is a `?`.
    chars: Vec<Option<char>>,
    /// Where any character fits.
    any: u64,
}

/// A text as patterns are compared with it: in lower case.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(text.to_ascii_lowercase()),
            false => Cow::Borrowed(text),
        };
    }
    Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
}

impl Glob {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn new(pattern: &str) -> Result<Glob, String> {
        if pattern.chars().count() > PATTERN_CHARS_MAX {
            return Err(format!("A pattern has at most {PATTERN_CHARS_MAX} characters."));
        }
        let folded = fold(pattern);
        let mut texts: Vec<&str> = folded.split('*').collect();
        // Stars side by side are one.
        let last = texts.len() - 1;
        let mut at = 0;
        texts.retain(|text| {
            at += 1;
            at == 1 || at > last || !text.is_empty()
        });
        if texts.len() > STARS_MAX + 1 {
            return Err(format!("A pattern has at most {STARS_MAX} stars."));
        }
        let pieces = texts.into_iter().map(Piece::new).collect::<Result<_, _>>()?;
        Ok(Glob { pieces })
    }

    /// Whether it covers `text`, which is folded.
    pub fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.pieces.as_slice() else {
            return self.pieces.first().is_none_or(|only| only.head(text) == Some(text.len()));
        };
        let Some(mut at) = first.head(text) else { return false };
        let Some(end) = last.tail(&text[at..]).map(|length| at + length) else { return false };
        for piece in middle {
            match piece.find_end(&text[at..end]) {
                Some(length) => at += length,
                None => return false,
            }
        }
        true
    }
}

impl Piece {
    fn new(text: &str) -> Result<Piece, String> {
        if !text.contains('?') {
            return Ok(Piece::Plain(Box::new(Finder::new(text).into_owned())));
        }
        let chars: Vec<Option<char>> = text.chars().map(|c| (c != '?').then_some(c)).collect();
        if chars.len() > GAP_CHARS_MAX {
            return Err(format!("Between two stars, a pattern with ? has at most {GAP_CHARS_MAX} characters."));
        }
        let any = bits(&chars, None);
        Ok(Piece::Gaps(Box::new(Gaps { chars, any })))
    }

    /// How much of the start of `text` it covers.
    fn head(&self, text: &str) -> Option<usize> {
        match self {
            Piece::Plain(finder) => text.as_bytes().starts_with(finder.needle()).then_some(finder.needle().len()),
            Piece::Gaps(gaps) => {
                let mut rest = text.chars();
                let fits = gaps.chars.iter().all(|wanted| rest.next().is_some_and(|c| wanted.is_none_or(|w| w == c)));
                fits.then_some(text.len() - rest.as_str().len())
            }
        }
    }

    /// How much of `text` is before the end that it covers.
    fn tail(&self, text: &str) -> Option<usize> {
        match self {
            Piece::Plain(finder) => text.as_bytes().strip_suffix(finder.needle()).map(<[u8]>::len),
            Piece::Gaps(gaps) => {
                let mut rest = text.chars();
                let mut wanted = gaps.chars.iter().rev();
                let fits = wanted.all(|wanted| rest.next_back().is_some_and(|c| wanted.is_none_or(|w| w == c)));
                fits.then_some(rest.as_str().len())
            }
        }
    }

    /// Where it first ends in `text`.
    fn find_end(&self, text: &str) -> Option<usize> {
        match self {
            Piece::Plain(finder) => finder.find(text.as_bytes()).map(|at| at + finder.needle().len()),
            Piece::Gaps(gaps) => gaps.find_end(text),
        }
    }
}

impl Gaps {
    /// Each bit says whether the characters up to it fit the text that was read.
    fn find_end(&self, text: &str) -> Option<usize> {
        let whole = 1u64 << (self.chars.len() - 1);
        let (mut fits, mut last) = (0u64, (None, 0u64));
        for (at, c) in text.char_indices() {
            if last.0 != Some(c) {
                last = (Some(c), bits(&self.chars, Some(c)) | self.any);
            }
            fits = (fits << 1 | 1) & last.1;
            if fits & whole != 0 {
                return Some(at + c.len_utf8());
            }
        }
        None
    }
}

/// Where `wanted` stands.
fn bits(chars: &[Option<char>], wanted: Option<char>) -> u64 {
    chars.iter().enumerate().filter(|(_, c)| **c == wanted).fold(0, |bits, (at, _)| bits | 1 << at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::new(pattern).expect("a pattern").matches(&fold(text))
    }

    #[test]
    fn stars_and_question_marks_stand_for_what_people_expect() {
        for (pattern, text) in [
            ("1.2.*", "1.2.3"),
            ("*Error: NetWork*", "TypeError: network down"),
            ("a?c", "ABC"),
            ("*", ""),
            ("**", "anything"),
            ("", ""),
            ("É?a*", "état"),
            ("*?b?d*e", "xxabcdxe"),
            ("aba", "ABA"),
            ("[object Object]", "[object Object]"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("1.2.*", "11.2.3"), ("a?c", "ac"), ("ab*ba", "aba"), ("", "x"), ("?", ""), ("a*", "ba"), ("*?b*", "b")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_too_much_is_told() {
        assert!(Glob::new(&"a".repeat(PATTERN_CHARS_MAX + 1)).is_err());
        assert!(Glob::new(&"a*".repeat(STARS_MAX + 1)).is_err());
        assert!(Glob::new(&"*".repeat(200)).is_ok(), "they are one star");
        assert!(Glob::new(&"?".repeat(GAP_CHARS_MAX + 1)).is_err());
    }

    #[test]
    fn hostile_globs_take_linear_time() {
        let text = "a".repeat(1 << 20);
        let many_stars = format!("{}b", "a*".repeat(STARS_MAX));
        let gaps = format!("*{}?b*", "a".repeat(GAP_CHARS_MAX - 2));
        let start = std::time::Instant::now();
        for pattern in [many_stars.as_str(), gaps.as_str(), "*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab*"] {
            assert!(!matches(pattern, &text));
        }
        // Going back would take hours; a slow machine with a build beside it does not take this long.
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }

    /// The definition, with all the time in the world.
    fn slow(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=text.len()).any(|at| slow(rest, &text[at..])),
            (['?', p @ ..], [_, t @ ..]) => slow(p, t),
            ([a, p @ ..], [b, t @ ..]) => a == b && slow(p, t),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn it_is_what_the_definition_says(pattern in "[abé?*]{0,8}", text in "[abé]{0,12}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(matches(&pattern, &text), slow(&p, &t));
        }

        #[test]
        fn it_takes_any_text(pattern in ".{0,40}", text in "\\PC{0,60}") {
            if let Ok(glob) = Glob::new(&pattern) {
                glob.matches(&fold(&text));
            }
        }
    }
}
