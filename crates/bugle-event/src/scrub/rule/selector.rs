//! Which values of an event a rule is for: `request.headers.Authorization`, `$frame.vars.**`, `$string && !user.*`.
//!
//! Protocol reference §14.2. A path is matched from the event down; one that begins with a type (`$frame…`) begins wherever
//! such a value is. `*` is one step, `**` any number of them, at the end one at least. Names are told in any case.
//! `&&` binds closer than `||`; `!` or `~` is what does not match; `'…'` quotes a name, `''` in it is a quote.
//!
//! A selector that names its value reaches what a broad one (`**`, `$string`) must leave alone, such as a frame's
//! function: [`Match`]. Matching takes steps times items, whatever the selector.

use super::place::{self, Place};

/// The longest selector, in bytes.
const BYTES_MAX: usize = 1000;
/// Parentheses and negations inside of each other.
const DEPTH_MAX: usize = 16;

/// How a selector fits a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    /// Not at all.
    No,
    /// As one of many.
    Broad,
    /// By name.
    Exact,
}

/// A selector.
#[derive(Debug, PartialEq)]
pub(super) enum Selector {
    Path(Vec<Item>),
    And(Vec<Selector>),
    Or(Vec<Selector>),
    Not(Box<Selector>),
}

/// A step of a path.
#[derive(Debug, PartialEq)]
pub(super) enum Item {
    Key(String),
    /// Also a key of digits.
    Index(usize),
    Type(u32),
    Any,
    Deep,
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and where.
    pub(super) fn read(text: &str) -> Result<Selector, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("is longer than {BYTES_MAX} bytes"));
        }
        let mut reader = Reader { text, at: 0 };
        let selector = reader.either(0)?;
        match reader.at < text.len() {
            true => Err(reader.odd("the end, && or ||")),
            false => Ok(selector),
        }
    }

    /// How it fits `place`.
    pub(super) fn fit(&self, place: &Place<'_>) -> Match {
        match self {
            Selector::Path(items) if is_on_path(items, place) => match is_by_name(items) {
                true => Match::Exact,
                false => Match::Broad,
            },
            Selector::Path(_) => Match::No,
            Selector::Or(all) => all.iter().map(|one| one.fit(place)).max().unwrap_or(Match::No),
            Selector::And(all) => {
                let fits = all.iter().map(|one| one.fit(place));
                fits.reduce(|a, b| if a.min(b) == Match::No { Match::No } else { a.max(b) }).unwrap_or(Match::No)
            }
            Selector::Not(inner) if inner.fit(place) == Match::No => Match::Broad,
            Selector::Not(_) => Match::No,
        }
    }

    /// Whether it speaks of attachments.
    pub(super) fn is_for_attachments(&self) -> bool {
        match self {
            Selector::Path(items) => {
                items.iter().any(|item| matches!(item, Item::Type(bits) if bits & place::ATTACHED != 0))
            }
            Selector::And(all) | Selector::Or(all) => all.iter().any(Selector::is_for_attachments),
            Selector::Not(_) => false,
        }
    }
}

/// Whether the last item names something, or all of them lead to it.
fn is_by_name(items: &[Item]) -> bool {
    matches!(items.last(), Some(Item::Key(_) | Item::Index(_)))
        || !items.contains(&Item::Deep) && items.iter().any(|item| matches!(item, Item::Key(_)))
}

/// From the last step up; of several `**` only the last one that was met has to be tried again.
fn is_on_path(items: &[Item], place: &Place<'_>) -> bool {
    let (mut left, mut here) = (items.len(), place);
    let mut deep: Option<(usize, &Place<'_>)> = None;
    if items.last() == Some(&Item::Deep) {
        // Something inside, not the thing itself.
        let Some(up) = place.up else { return false };
        here = up;
    }
    loop {
        if left > 0 && items[left - 1] == Item::Deep {
            left -= 1;
            deep = Some((left, here));
            continue;
        }
        let is_floating = left == 1 && matches!(items[0], Item::Type(_));
        match here.up {
            None if left == 0 => return true,
            _ if is_floating && is_here(&items[0], here) => return true,
            Some(up) if left > 0 && !is_floating && is_here(&items[left - 1], here) => {
                left -= 1;
                here = up;
                continue;
            }
            _ => {}
        }
        let Some((behind, from)) = deep else { return false };
        let Some(up) = from.up else { return false };
        (left, here, deep) = (behind, up, Some((behind, up)));
    }
}

fn is_here(item: &Item, place: &Place<'_>) -> bool {
    match item {
        Item::Key(key) => place.key.is_some_and(|own| own.eq_ignore_ascii_case(key)),
        Item::Index(index) => place.index == Some(*index) || place.key.is_some_and(|key| key.parse() == Ok(*index)),
        Item::Type(bits) => place.types & bits != 0,
        Item::Any | Item::Deep => true,
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn either(&mut self, depth: usize) -> Result<Selector, String> {
        let mut all = vec![self.both(depth)?];
        while self.takes("||") || self.takes("|") {
            all.push(self.both(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Selector::Or(all) })
    }

    fn both(&mut self, depth: usize) -> Result<Selector, String> {
        let mut all = vec![self.one(depth)?];
        while self.takes("&&") || self.takes("&") {
            all.push(self.one(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Selector::And(all) })
    }

    fn one(&mut self, depth: usize) -> Result<Selector, String> {
        if depth > DEPTH_MAX {
            return Err(format!("is nested deeper than {DEPTH_MAX} levels"));
        }
        if self.takes("!") || self.takes("~") {
            return Ok(Selector::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.takes("(") {
            let inner = self.either(depth + 1)?;
            return if self.takes(")") { Ok(inner) } else { Err(self.odd("a closing parenthesis")) };
        }
        let mut items = vec![self.item()?];
        while self.text[self.at..].starts_with('.') {
            self.at += 1;
            let item = self.item()?;
            if item != Item::Deep || items.last() != Some(&Item::Deep) {
                items.push(item);
            }
        }
        self.blanks();
        Ok(Selector::Path(items))
    }

    fn item(&mut self) -> Result<Item, String> {
        let rest = &self.text[self.at..];
        if rest.starts_with('\'') {
            return self.quoted();
        }
        let end = rest.find(|c: char| c.is_whitespace() || "&|!~()'.".contains(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        let item = match word {
            "" => return Err(self.odd("a name")),
            "*" => Item::Any,
            "**" => Item::Deep,
            _ if word.contains('*') => {
                return Err(format!("has {word:?}: * and ** stand for whole steps; quote a name that has one"));
            }
            _ => match word.strip_prefix('$') {
                Some(name) => Item::Type(place::type_named(name).ok_or_else(|| format!("knows no type ${name}"))?),
                None => word.parse().map_or_else(|_| Item::Key(word.to_string()), Item::Index),
            },
        };
        self.at += end;
        Ok(item)
    }

    fn quoted(&mut self) -> Result<Item, String> {
        let mut name = String::new();
        let from = self.at + 1;
        let mut chars = self.text[from..].char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' if chars.peek().is_some_and(|next| next.1 == '\'') => {
                    chars.next();
                    name.push('\'');
                }
                '\'' => {
                    self.at = from + at + 1;
                    return Ok(Item::Key(name));
                }
                c => name.push(c),
            }
        }
        Err(format!("has a quote at character {} that is not closed", self.column()))
    }

    fn takes(&mut self, sign: &str) -> bool {
        self.blanks();
        let takes = self.text[self.at..].starts_with(sign);
        if takes {
            self.at += sign.len();
            self.blanks();
        }
        takes
    }

    fn blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn column(&self) -> usize {
        self.text[..self.at].chars().count() + 1
    }

    fn odd(&self, wanted: &str) -> String {
        match self.text[self.at..].chars().next() {
            Some(c) => format!("has {c:?} at character {}, where {wanted} belongs", self.column()),
            None => format!("ends where {wanted} belongs"),
        }
    }
}
