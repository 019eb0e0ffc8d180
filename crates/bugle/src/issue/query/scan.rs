//! A query, cut into terms: where each begins, its key, and its value or values.
//!
//! Pasted error messages are searches too, so `TypeError: x`, `std::vec` and `https://x` are words: a term has its
//! value right behind the colon, and the value begins with neither a colon nor two slashes.

use super::{QueryError, Wrong, wrong};

/// The most terms of a query, and the most values of a term.
const TERMS_MAX: usize = 50;

/// One term, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it begins, in characters.
    pub(super) at: usize,
    /// Whether a `!` stands before it.
    pub(super) is_negated: bool,
    /// Its key; none for words.
    pub(super) key: Option<String>,
    /// The tag of `tags[tag]:`.
    pub(super) tag: Option<String>,
    /// What it says.
    pub(super) value: Value,
}

/// What stands behind the colon. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value(Vec<String>);

impl Value {
    /// The values, of which one must hold.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The first value.
    pub(super) fn one(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// The only value, or an error that names `key`.
    pub(super) fn only(&self, key: &str) -> Result<&str, Wrong> {
        match self.0.as_slice() {
            [one] => Ok(one),
            _ => wrong(format!("{key}: takes one value, not a list.")),
        }
    }
}

/// Cuts a query into its terms.
pub(super) fn pieces(query: &str) -> Result<Vec<Piece>, QueryError> {
    let chars: Vec<char> = query.chars().collect();
    let mut scanner = Scanner { chars: &chars, at: 0 };
    let mut pieces = Vec::new();
    loop {
        scanner.skip_blanks();
        let at = scanner.at;
        let Some(piece) = scanner.piece().map_err(|wrong| wrong.at(at))? else { return Ok(pieces) };
        if pieces.len() >= TERMS_MAX {
            return Err(Wrong(format!("A search has at most {TERMS_MAX} terms."), None).at(at));
        }
        // AND is what stands between terms anyway.
        if piece.key.is_some() || piece.value.one() != "AND" {
            pieces.push(piece);
        }
    }
}

struct Scanner<'q> {
    chars: &'q [char],
    at: usize,
}

impl Scanner<'_> {
    fn piece(&mut self) -> Result<Option<Piece>, Wrong> {
        let start = self.at;
        let Some(first) = self.peek() else { return Ok(None) };
        if first == '(' {
            return wrong("Brackets are not understood yet. To search for one, put it in quotes.");
        }
        let is_negated = first == '!' && self.chars.get(start + 1).is_some_and(|c| !c.is_whitespace());
        self.at += usize::from(is_negated);
        let Some((key, tag)) = self.key() else {
            let word = self.word()?;
            if word == "OR" {
                return wrong("OR is not understood yet. Lists are: level:[error,fatal].");
            }
            return Ok(Some(Piece { at: start, is_negated, key: None, tag: None, value: Value(vec![word]) }));
        };
        let value = Value(if self.peek() == Some('[') { self.list()? } else { vec![self.word()?] });
        Ok(Some(Piece { at: start, is_negated, key: Some(key), tag, value }))
    }

    /// The key of a term and the colon behind it; stays where it is if this is no term.
    fn key(&mut self) -> Option<(String, Option<String>)> {
        let rest = &self.chars[self.at..];
        let is_name = |c: &&char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
        let mut length = rest.iter().take_while(is_name).count();
        let key: String = rest[..length].iter().collect();
        let mut tag = None;
        if key == "tags" && rest.get(length) == Some(&'[') {
            let end = length + rest[length..].iter().position(|&c| c == ']')?;
            tag = Some(rest[length + 1..end].iter().filter(|c| **c != '"').collect());
            length = end + 1;
        }
        let value = rest.get(length + 1)?;
        let is_address = *value == '/' && rest.get(length + 2) == Some(&'/');
        if length == 0 || rest[length] != ':' || value.is_whitespace() || *value == ':' || is_address {
            return None;
        }
        self.at += length + 1;
        Some((key, tag))
    }

    /// One value: quoted, or up to the next blank.
    fn word(&mut self) -> Result<String, Wrong> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        Ok(self.until(|c| c.is_whitespace()))
    }

    /// `[a, b, "c d"]`
    fn list(&mut self) -> Result<Vec<String>, Wrong> {
        self.at += 1;
        let mut values = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek() {
                None => return wrong("The list has no ] at its end."),
                Some(']') if values.is_empty() => return wrong("The list is empty."),
                Some(']') => {
                    self.at += 1;
                    return Ok(values);
                }
                Some(',') => self.at += 1,
                Some('"') => values.push(self.quoted()?),
                Some(_) => values.push(self.until(|c| matches!(c, ',' | ']')).trim_end().to_string()),
            }
            if values.len() > TERMS_MAX {
                return wrong(format!("A list has at most {TERMS_MAX} values."));
            }
        }
    }

    /// `"…"`, in which `\"` is a quote.
    fn quoted(&mut self) -> Result<String, Wrong> {
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '"' => return Ok(text),
                '\\' if matches!(self.peek(), Some('"' | '\\')) => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                c => text.push(c),
            }
        }
        wrong("The quotes are not closed.")
    }

    fn until(&mut self, ends: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek().is_some_and(|c| !ends(c)) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn skip_blanks(&mut self) {
        self.until(|c| !c.is_whitespace());
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }
}
