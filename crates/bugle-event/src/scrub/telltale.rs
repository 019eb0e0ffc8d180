//! The one pass over every string: is there anything in it worth a closer look?
//!
//! Nearly all strings of an event are harmless, and there are a thousand of them. So each is first scanned for
//! *telltales*, three bytes that begin a secret or stand in the word before one (`pas`, `tok`, `://`, `eyJ`, three
//! digits in a row…). Every telltale is a bit, and a table says for each byte which telltales have it as their
//! first, second and third byte; the three looked-up words and'ed together are the telltales that end here. That
//! is three loads from a table in the nearest cache and no dependency from byte to byte, several times as fast as
//! stepping an automaton. What it finds, [`super::shape`] and [`super::word`] judge precisely.

/// Three digits in a row: cards, social security numbers.
pub(super) const DIGITS: u32 = 1;
/// Two capitals and a digit: bank accounts.
pub(super) const IBAN: u32 = 1 << 1;
/// `://`: user and password in a URL.
pub(super) const URL: u32 = 1 << 2;
/// `---`: a key in armour.
pub(super) const ARMOUR: u32 = 1 << 3;
/// `eyJ`: the start of base64 JSON, as in signed web tokens.
pub(super) const JWT: u32 = 1 << 4;
/// The prefixes by which vendors mark their keys.
pub(super) const VENDOR: u32 = 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8;
/// The middle of `bearer` and of `basic`.
pub(super) const SCHEME: u32 = 1 << 9 | 1 << 10;
/// `/ho`, `/Us`, `\Us`: a home directory.
pub(super) const HOME: u32 = 1 << 11;
/// Everything that is told by its own shape.
pub(super) const SHAPES: u32 = (1 << 12) - 1;
/// Words that name a secret begin or continue like this.
pub(super) const WORDS: u32 = !SHAPES;

/// One piece of each word in [`super::word`]'s list.
const WORD_PIECES: [&str; 19] = [
    "pas", "pwd", "sec", "cre", "tok", "api", "aut", "coo", "srf", "ses", "sid", "vat", "ear", "jwt", "otp", "two",
    "key", "ssn", "cv",
];

/// The table. Built once per [`super::Scrubber`].
pub(super) struct Telltale {
    /// For each byte: the telltales that have it first, second, third.
    bits: Box<[[u32; 3]; 256]>,
}

impl Telltale {
    /// The table for only these words, folded as by [`super::word::fold`].
    pub(super) fn only(words: &[String]) -> Telltale {
        let mut table = Telltale { bits: Box::new([[0; 3]; 256]) };
        words.iter().for_each(|word| table.add_folded_word(word.as_bytes()));
        table
    }

    /// The table for the built-in words and for `more`.
    pub(super) fn new(more: &[String]) -> Telltale {
        let mut table = Telltale::only(&[]);
        let (digits, capitals) = (b"0123456789".as_slice(), b"ABCDEFGHIJKLMNOPQRSTUVWXYZ".as_slice());
        table.add(DIGITS, [digits, digits, digits]);
        table.add(IBAN, [capitals, capitals, digits]);
        table.add(URL, [b":", b"/", b"/"]);
        table.add(ARMOUR, [b"-", b"-", b"-"]);
        table.add(JWT, [b"e", b"y", b"J"]);
        table.add(1 << 5, [b"A", b"KSI", b"Iz"]);
        table.add(1 << 6, [b"g", b"hl", b"pousr"]);
        table.add(1 << 7, [b"xsr", b"ok", b"x_"]);
        table.add(1 << 8, [b"b", b"_", b"p"]);
        table.add(1 << 9, [b"eE", b"aA", b"rR"]);
        table.add(1 << 10, [b"aA", b"sS", b"iI"]);
        table.add(HOME, [b"/\\", b"hU", b"os"]);
        for (at, piece) in WORD_PIECES.iter().enumerate() {
            table.add_word(1 << (12 + at), piece.as_bytes());
        }
        for word in more {
            table.add_folded_word(word.as_bytes());
        }
        table
    }

    /// The first place at or behind `from` where telltales begin, and which.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<(usize, u32)> {
        let mut first = 0;
        let mut second = 0;
        for (at, byte) in text.get(from..)?.iter().enumerate() {
            let [a, b, c] = self.bits[usize::from(*byte)];
            let found = second & c;
            if found != 0 {
                return Some((from + at - 2, found));
            }
            second = first & b;
            first = a;
        }
        None
    }

    fn add(&mut self, bit: u32, bytes: [&[u8]; 3]) {
        for (at, choices) in bytes.into_iter().enumerate() {
            for byte in choices {
                self.bits[usize::from(*byte)][at] |= bit;
            }
        }
    }

    /// The first three bytes of `word` in either case. A shorter word takes any byte for the rest.
    fn add_word(&mut self, bit: u32, word: &[u8]) {
        for at in 0..3 {
            for byte in 0..=255u8 {
                if word.get(at).is_none_or(|next| byte.eq_ignore_ascii_case(next)) {
                    self.bits[usize::from(byte)][at] |= bit;
                }
            }
        }
    }

    /// A word of the project, from which folding took the separators: they may stand between any two letters.
    fn add_folded_word(&mut self, word: &[u8]) {
        const PROJECT: u32 = 1 << 31;
        for byte in 0..=255u8 {
            let is = |at: usize| word.get(at).is_none_or(|next| byte.eq_ignore_ascii_case(next));
            let between = !byte.is_ascii_alphanumeric();
            let fits = [is(0), is(1) || between, is(2) || is(1) || between];
            for (at, fits) in fits.into_iter().enumerate() {
                if fits {
                    self.bits[usize::from(byte)][at] |= PROJECT;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_where_a_closer_look_is_due() {
        let table = Telltale::new(&[]);
        for (text, at, bit) in [
            ("my Password", 3, WORDS),
            ("a://b", 1, URL),
            ("port 5432", 5, DIGITS),
            ("x eyJh", 2, JWT),
            ("-----BEGIN", 0, ARMOUR),
        ] {
            let (found, bits) = table.find(text.as_bytes(), 0).expect(text);
            assert_eq!((found, bits & bit != 0), (at, true), "{text}");
        }
        assert_eq!(table.find(b"return self.full_dispatch(n + 12)", 0), None);
    }

    #[test]
    fn words_of_the_project_are_found_in_every_spelling() {
        let table = Telltale::new(&["zebra".into(), "q".into()]);
        for text in ["a zebra", "Z_EBRA", "z-ebra", "ze.bra", "aqb x"] {
            assert!(table.find(text.as_bytes(), 0).is_some(), "{text}");
        }
        assert_eq!(table.find(b"harmless", 0), None);
    }

    #[test]
    fn goes_on_from_where_it_is_told() {
        let table = Telltale::new(&[]);
        assert_eq!(table.find(b"token token", 1).map(|found| found.0), Some(6));
        assert_eq!(table.find(b"token", 9), None);
    }
}
