//! A JSON tree that borrows from the text it was read from, and a reader that never fails.
//!
//! Owns: the tree ([`Json`], [`Object`]), the tolerant reader ([`read`]) and the writer.
//!
//! Why not a library's: events arrive truncated, with lone surrogates, `NaN`, duplicate keys, a byte order
//! mark or raw control characters, and each of these makes a strict reader lose the event. One pass that
//! repairs as it goes is shorter than a strict pass with a repairing one behind it. It also borrows every
//! string that has no escape, which makes it several times as cheap as a general tree (the bench prints it).
//!
//! Invariants:
//! * [`read`] returns for every input, in time linear in its length; nesting is bounded by [`DEPTH_MAX`].
//! * Object keys are unique; of duplicates the last one counts. Order is kept.
//! * Numbers keep their text, so that a 64-bit id does not become a float.
//! * No text contains NUL (PostgreSQL refuses it); it becomes U+FFFD.
//! * What [`Json::write`] writes, [`read`] reads back without a problem.

use crate::problem::Problem;
use memchr::memchr2;
use std::borrow::Cow;

/// Values nested deeper than this are replaced by a mark. Bounds the stack on hostile input.
pub const DEPTH_MAX: usize = 96;
/// The same for what we have written ourselves. Readers elsewhere often stop at 128.
const STORED_DEPTH_MAX: usize = DEPTH_MAX + 16;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Json<'a> {
    /// `null`, and what cannot be said in JSON (`NaN`).
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(Cow<'a, str>),
    /// A string, unescaped.
    Text(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// An object: keys in the order they came, each once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Object<'a> {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The value of `key`, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json<'a>> {
        self.0.iter_mut().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The string at `key`, if it is one and not empty.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Json::text).filter(|text| !text.is_empty())
    }

    /// The object at `key`, if it is one.
    pub fn object(&self, key: &str) -> Option<&Object<'a>> {
        self.get(key).and_then(Json::object)
    }

    /// The elements of the array at `key`; none if it is no array.
    pub fn array(&self, key: &str) -> &[Json<'a>] {
        self.get(key).and_then(Json::array).unwrap_or(&[])
    }

    /// Puts `value` at `key`, in place of what was there.
    pub fn set(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Json<'a>>) {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|(k, _)| *k == key) {
            Some(slot) => slot.1 = value,
            None => self.0.push((key, value)),
        }
    }

    /// Takes the value of `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Json<'a>> {
        let at = self.0.iter().position(|(k, _)| k == key)?;
        Some(self.0.remove(at).1)
    }

    /// Whether `key` is there, even with a null.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(k, v)| (k.as_ref(), v))
    }

    /// Keys and values in order, values to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Json<'a>)> {
        self.0.iter_mut().map(|(k, v)| (&**k, v))
    }

    /// Keeps the entries that `keep` says yes to.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Json<'a>) -> bool) {
        self.0.retain_mut(|(k, v)| keep(k, v));
    }

    /// The object with everything copied out of the text it was read from.
    pub fn into_owned(self) -> Object<'static> {
        Object(self.0.into_iter().map(|(k, v)| (Cow::Owned(k.into_owned()), v.into_owned())).collect())
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Json<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> FromIterator<(Cow<'a, str>, Json<'a>)> for Object<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Json<'a>)>>(entries: I) -> Self {
        let mut object = Object(entries.into_iter().collect());
        deduplicate(&mut object.0);
        object
    }
}

impl<'a> Json<'a> {
    /// The string, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn object(&self) -> Option<&Object<'a>> {
        match self {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object to be changed, if it is one.
    pub fn object_mut(&mut self) -> Option<&mut Object<'a>> {
        match self {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    pub fn array(&self) -> Option<&[Json<'a>]> {
        match self {
            Json::Array(values) => Some(values),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn bool(&self) -> Option<bool> {
        match self {
            Json::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A whole number: an integer, a float without fraction, or a string of digits.
    pub fn int(&self) -> Option<i64> {
        let text = match self {
            Json::Number(text) | Json::Text(text) => text.trim(),
            _ => return None,
        };
        text.parse().ok().or_else(|| {
            let float: f64 = text.parse().ok()?;
            (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
        })
    }

    /// A number, also from a string of digits. Never infinite or `NaN`.
    pub fn float(&self) -> Option<f64> {
        match self {
            Json::Number(text) | Json::Text(text) => text.trim().parse().ok().filter(|f: &f64| f.is_finite()),
            _ => None,
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }

    /// Whether it is null, `""`, `[]` or `{}`.
    pub fn is_empty(&self) -> bool {
        match self {
            Json::Null => true,
            Json::Text(text) => text.is_empty(),
            Json::Array(values) => values.is_empty(),
            Json::Object(object) => object.is_empty(),
            _ => false,
        }
    }

    /// A whole number as JSON.
    pub fn from_int(value: i64) -> Json<'a> {
        Json::Number(Cow::Owned(value.to_string()))
    }

    /// Takes the value out and leaves null.
    pub fn take(&mut self) -> Json<'a> {
        std::mem::take(self)
    }

    /// The value with everything copied out of the text it was read from.
    pub fn into_owned(self) -> Json<'static> {
        match self {
            Json::Null => Json::Null,
            Json::Bool(value) => Json::Bool(value),
            Json::Number(text) => Json::Number(Cow::Owned(text.into_owned())),
            Json::Text(text) => Json::Text(Cow::Owned(text.into_owned())),
            Json::Array(values) => Json::Array(values.into_iter().map(Json::into_owned).collect()),
            Json::Object(object) => Json::Object(object.into_owned()),
        }
    }

    /// Appends the value as compact JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.append(out, Plain::default());
    }

    fn append(&self, out: &mut Vec<u8>, plain: Plain) {
        match self {
            Json::Null => out.extend_from_slice(b"null"),
            Json::Bool(true) => out.extend_from_slice(b"true"),
            Json::Bool(false) => out.extend_from_slice(b"false"),
            Json::Number(text) => out.extend_from_slice(text.as_bytes()),
            Json::Text(text) => write_text(text, out, plain),
            Json::Array(values) => {
                out.push(b'[');
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    value.append(out, plain);
                }
                out.push(b']');
            }
            Json::Object(object) => object.append(out, plain),
        }
    }
}

impl Object<'_> {
    /// Appends the object as compact JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.append(out, Plain::default());
    }

    /// Appends the object as compact JSON, faster if most of it was read from `source` and still borrows from there.
    pub fn write_of(&self, source: &str, out: &mut Vec<u8>) {
        self.append(out, Plain::of(source));
    }

    fn append(&self, out: &mut Vec<u8>, plain: Plain) {
        out.push(b'{');
        for (at, (key, value)) in self.0.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_text(key, out, plain);
            out.push(b':');
            value.append(out, plain);
        }
        out.push(b'}');
    }
}

/// Where texts lie that need no escape. The reader borrows a string only if it has neither quote nor backslash; if its
/// source has no control character either, whatever lies within the source can be copied as it is.
#[derive(Clone, Copy, Default)]
struct Plain {
    start: usize,
    end: usize,
}

impl Plain {
    fn of(source: &str) -> Plain {
        // No early exit, so that it is done many bytes at a time.
        let controls = source.bytes().fold(0u8, |found, byte| found | u8::from(byte < 0x20));
        match controls {
            0 => Plain { start: source.as_ptr() as usize, end: source.as_ptr() as usize + source.len() },
            _ => Plain::default(),
        }
    }

    fn holds(self, text: &str) -> bool {
        let at = text.as_ptr() as usize;
        self.start <= at && at < self.end
    }
}

impl std::fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = Vec::new();
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

impl<'a> From<&'a str> for Json<'a> {
    fn from(text: &'a str) -> Self {
        Json::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Json<'_> {
    fn from(text: String) -> Self {
        Json::Text(Cow::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Json<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Json::Text(text)
    }
}

impl From<bool> for Json<'_> {
    fn from(value: bool) -> Self {
        Json::Bool(value)
    }
}

impl From<i64> for Json<'_> {
    fn from(value: i64) -> Self {
        Json::from_int(value)
    }
}

impl<'a> From<Object<'a>> for Json<'a> {
    fn from(object: Object<'a>) -> Self {
        Json::Object(object)
    }
}

impl<'a> From<Vec<Json<'a>>> for Json<'a> {
    fn from(values: Vec<Json<'a>>) -> Self {
        Json::Array(values)
    }
}

/// Reads `text` as one JSON value, as far as it can be read.
///
/// What had to be repaired is appended to `problems`, each kind once. Text after the value is ignored.
pub fn read<'a>(text: &'a str, problems: &mut Vec<Problem>) -> Json<'a> {
    let mut reader = Reader::new(text, problems);
    if text.starts_with('\u{feff}') {
        reader.at = 3;
    }
    reader.skip_blanks();
    reader.value(0)
}

/// Reads what was written here: [`read`], but for a few levels more, since what a client had nested to the limit lies
/// deeper once it was moved to where it belongs, and notes about it deeper still.
pub fn read_stored<'a>(text: &'a str, problems: &mut Vec<Problem>) -> Json<'a> {
    Reader { depth_max: STORED_DEPTH_MAX, ..Reader::new(text, problems) }.value(0)
}

/// Reads `text` as exactly one JSON value, for where text is a frame around other things and must not be guessed
/// at. Small oddities (`NaN`, a key twice) are repaired as [`read`] does.
///
/// # Errors
/// The byte at which it stops being one value: where it is cut off, broken, or followed by something else.
pub fn read_whole(text: &str) -> Result<Json<'_>, usize> {
    let mut problems = Vec::new();
    let mut reader = Reader::new(text, &mut problems);
    reader.skip_blanks();
    let value = reader.value(0);
    reader.skip_blanks();
    match reader.ended || reader.at < text.len() {
        true => Err(reader.at),
        false => Ok(value),
    }
}

struct Reader<'a, 'p> {
    text: &'a str,
    at: usize,
    /// Set when the rest cannot be understood: every open container closes where it is.
    ended: bool,
    depth_max: usize,
    /// Whether a raw NUL stands anywhere, so that each string has to be asked.
    has_nul: bool,
    problems: &'p mut Vec<Problem>,
    told: u8,
}

impl<'a, 'p> Reader<'a, 'p> {
    fn new(text: &'a str, problems: &'p mut Vec<Problem>) -> Reader<'a, 'p> {
        let has_nul = memchr::memchr(0, text.as_bytes()).is_some();
        Reader { text, at: 0, ended: false, depth_max: DEPTH_MAX, has_nul, problems, told: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn tell(&mut self, bit: u8, detail: impl FnOnce(usize) -> String) {
        if self.told & (1 << bit) == 0 {
            self.told |= 1 << bit;
            let detail = detail(self.at);
            self.problems.push(Problem::whole("invalid_data", detail));
        }
    }

    fn end(&mut self) {
        if !self.ended {
            self.ended = true;
            let cut = self.at >= self.text.len();
            self.tell(0, |at| match cut {
                true => format!("The JSON is cut off after byte {at}; what stood before is kept."),
                false => {
                    format!("The JSON cannot be read past byte {at}; what stood before is kept.")
                }
            });
        }
    }

    fn value(&mut self, depth: usize) -> Json<'a> {
        match self.peek() {
            Some(b'{') if depth < self.depth_max => self.object(depth),
            Some(b'[') if depth < self.depth_max => self.array(depth),
            Some(b'{' | b'[') => self.too_deep(),
            Some(b'"') => Json::Text(self.string()),
            Some(b'-' | b'+' | b'.' | b'0'..=b'9') => self.number(),
            Some(byte) if byte.is_ascii_alphabetic() => self.word(),
            _ => {
                self.end();
                Json::Null
            }
        }
    }

    fn object(&mut self, depth: usize) -> Json<'a> {
        self.at += 1;
        let mut entries = Vec::with_capacity(8);
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    break;
                }
                Some(b',') => self.at += 1,
                Some(b'"') => {
                    let key = self.string();
                    self.skip_blanks();
                    if self.peek() != Some(b':') {
                        self.end();
                        break;
                    }
                    self.at += 1;
                    self.skip_blanks();
                    let value = self.value(depth + 1);
                    entries.push((key, value));
                }
                _ => self.end(),
            }
            if self.ended {
                break;
            }
        }
        if deduplicate(&mut entries) {
            self.tell(1, |_| "An object had a key twice; the last value counts.".into());
        }
        Json::Object(Object(entries))
    }

    fn array(&mut self, depth: usize) -> Json<'a> {
        self.at += 1;
        let mut values = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b']') => {
                    self.at += 1;
                    break;
                }
                Some(b',') => self.at += 1,
                Some(_) => values.push(self.value(depth + 1)),
                None => self.end(),
            }
            if self.ended {
                break;
            }
        }
        Json::Array(values)
    }

    /// Steps over a container that is nested too deeply, without recursion.
    fn too_deep(&mut self) -> Json<'a> {
        self.tell(2, |at| {
            format!("Values nested deeper than {DEPTH_MAX} levels were left out, the first at byte {at}.")
        });
        let mut open = 0usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                b'"' => {
                    self.string();
                    continue;
                }
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return Json::Text(Cow::Borrowed("…"));
            }
        }
        self.end();
        Json::Null
    }

    fn string(&mut self) -> Cow<'a, str> {
        self.at += 1;
        let start = self.at;
        let bytes = self.text.as_bytes();
        match memchr2(b'"', b'\\', &bytes[start..]) {
            Some(length) if bytes[start + length] == b'"' => {
                self.at = start + length + 1;
                self.without_nul(&self.text[start..start + length])
            }
            Some(_) => Cow::Owned(self.escaped(start)),
            None => {
                self.at = self.text.len();
                self.end();
                self.without_nul(&self.text[start..])
            }
        }
    }

    fn without_nul(&self, plain: &'a str) -> Cow<'a, str> {
        match self.has_nul && plain.contains('\0') {
            false => Cow::Borrowed(plain),
            true => Cow::Owned(plain.replace('\0', "\u{fffd}")),
        }
    }

    fn escaped(&mut self, start: usize) -> String {
        let bytes = self.text.as_bytes();
        let mut out = String::with_capacity(64);
        let mut from = start;
        loop {
            let Some(length) = memchr2(b'"', b'\\', &bytes[from..]) else {
                out.push_str(&self.text[from..]);
                self.at = self.text.len();
                self.end();
                break;
            };
            out.push_str(&self.text[from..from + length]);
            let stop = from + length;
            if bytes[stop] == b'"' {
                self.at = stop + 1;
                break;
            }
            self.at = stop + 1;
            self.escape(&mut out);
            from = self.at;
        }
        match self.has_nul && out.contains('\0') {
            false => out,
            true => out.replace('\0', "\u{fffd}"),
        }
    }

    /// One escape; `at` stands behind the backslash.
    fn escape(&mut self, out: &mut String) {
        let Some(byte) = self.peek() else { return };
        let plain = match byte {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'"' | b'\\' | b'/' => byte as char,
            b'u' => {
                self.at += 1;
                out.push(self.unicode());
                return;
            }
            // `\x` and its like: keep the backslash, so that nothing is lost.
            _ => {
                out.push('\\');
                return;
            }
        };
        self.at += 1;
        out.push(plain);
    }

    /// `at` stands behind `\u`. A lone surrogate becomes U+FFFD.
    fn unicode(&mut self) -> char {
        let Some(first) = self.hex4() else {
            self.tell(3, |at| format!("A broken escape at byte {at} was replaced."));
            return '\u{fffd}';
        };
        if let Some(plain) = char::from_u32(first) {
            return if plain == '\0' { '\u{fffd}' } else { plain };
        }
        if (0xd800..0xdc00).contains(&first) && self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            match self.hex4() {
                Some(second) if (0xdc00..0xe000).contains(&second) => {
                    let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                    return char::from_u32(code).unwrap_or('\u{fffd}');
                }
                _ => self.at = back,
            }
        }
        self.tell(4, |at| format!("Half a surrogate pair at byte {at} was replaced."));
        '\u{fffd}'
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Json<'a> {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().take_while(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')).count();
        let token = &self.text[self.at..self.at + length];
        if token == "-" && rest[1..].starts_with(b"Infinity") {
            self.at += 1;
            return self.word();
        }
        self.at += length;
        if is_json_number(token) {
            return Json::Number(Cow::Borrowed(token));
        }
        match token.parse::<f64>() {
            Ok(float) if float.is_finite() => Json::Number(Cow::Owned(format!("{float}"))),
            _ => {
                self.tell(5, |at| format!("A number that is none, before byte {at}, was taken for text."));
                Json::Text(Cow::Borrowed(token))
            }
        }
    }

    fn word(&mut self) -> Json<'a> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        self.at += length;
        match &rest[..length] {
            "null" => Json::Null,
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            "NaN" | "Infinity" | "undefined" | "None" => {
                self.tell(6, |_| "NaN, Infinity or undefined, which JSON does not have, became null.".into());
                Json::Null
            }
            "True" => Json::Bool(true),
            "False" => Json::Bool(false),
            _ => {
                self.at -= length;
                self.end();
                Json::Null
            }
        }
    }
}

fn is_json_number(token: &str) -> bool {
    let digits = token.strip_prefix('-').unwrap_or(token).as_bytes();
    let run = |from: usize| digits[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = run(0);
    if whole == 0 || (whole > 1 && digits[0] == b'0') {
        return false;
    }
    let mut at = whole;
    if digits.get(at) == Some(&b'.') {
        let fraction = run(at + 1);
        if fraction == 0 {
            return false;
        }
        at += 1 + fraction;
    }
    if let Some(b'e' | b'E') = digits.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = digits.get(at) {
            at += 1;
        }
        let exponent = run(at);
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    at == digits.len()
}

/// Makes keys unique, keeping the last value in the first one's place. True if there was anything to do.
fn deduplicate(entries: &mut Vec<(Cow<'_, str>, Json<'_>)>) -> bool {
    let twice = match entries.len() {
        0 | 1 => false,
        2..=24 => entries.iter().enumerate().any(|(at, (key, _))| entries[..at].iter().any(|(other, _)| other == key)),
        _ => {
            let mut seen = std::collections::HashSet::with_capacity(entries.len());
            !entries.iter().all(|(key, _)| seen.insert(key.as_ref()))
        }
    };
    if !twice {
        return false;
    }
    let mut first = std::collections::HashMap::with_capacity(entries.len());
    let mut unique: Vec<(Cow<'_, str>, Json<'_>)> = Vec::with_capacity(entries.len());
    for (key, value) in entries.drain(..) {
        match first.get(key.as_ref()) {
            Some(&at) => {
                let slot: &mut (Cow<'_, str>, Json<'_>) = &mut unique[at];
                slot.1 = value;
            }
            None => {
                first.insert(key.to_string(), unique.len());
                unique.push((key, value));
            }
        }
    }
    *entries = unique;
    true
}

fn write_text(text: &str, out: &mut Vec<u8>, plain: Plain) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    if plain.holds(text) {
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    let mut from = 0;
    while let Some(length) = special(&bytes[from..]) {
        let at = from + length;
        out.extend_from_slice(&bytes[from..at]);
        match bytes[at] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(crate::id::hex(&[byte]).as_bytes());
            }
        }
        from = at + 1;
    }
    out.extend_from_slice(&bytes[from..]);
    out.push(b'"');
}

/// The first byte that a JSON string must escape. Eight bytes at a time, as most text has none.
fn special(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zero = |x: u64| x.wrapping_sub(ONES) & !x & HIGHS;
    let mut chunks = bytes.chunks_exact(8);
    let mut at = 0;
    for chunk in chunks.by_ref() {
        let word = u64::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3], chunk[4], chunk[5], chunk[6], chunk[7]]);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        if control | zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\'))) != 0 {
            break;
        }
        at += 8;
    }
    let found = bytes[at..].iter().position(|&b| b < 0x20 || b == b'"' || b == b'\\')?;
    Some(at + found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> (String, usize) {
        let mut problems = Vec::new();
        let value = read(text, &mut problems);
        (value.to_string(), problems.len())
    }

    proptest! {
        #[test]
        fn writing_beside_the_source_gives_the_same(text in "\\PC{0,40}", raw in "[\\x00-\\x7f]{0,60}") {
            let inner = Json::from(text.clone()).to_string();
            for source in [format!("{{\"a\":[{inner},\"b\"],{inner}:1}}"), format!("{{\"a\":\"{raw}"), raw] {
                let value = read(&source, &mut Vec::new());
                let Json::Object(object) = &value else { continue };
                let mut written = Vec::new();
                object.write_of(&source, &mut written);
                prop_assert_eq!(String::from_utf8(written).expect("UTF-8"), value.to_string());
            }
        }
    }

    #[test]
    fn what_is_right_stays_as_it_is() {
        let text = r#"{"a":[1,-2.5e10,true,null],"b":{"c":"x\n\"é\\"},"big":18446744073709551616}"#;
        assert_eq!(of(text), (text.to_string(), 0));
    }

    #[test]
    fn what_is_odd_is_repaired() {
        for (text, repaired) in [
            ("\u{feff}{\"a\":1}", "{\"a\":1}"),
            (r#"{"a":NaN,"b":-Infinity}"#, r#"{"a":null,"b":null}"#),
            (r#"{"a":"\ud83d"}"#, "{\"a\":\"\u{fffd}\"}"),
            (r#"{"a":"\ud83d\ude00"}"#, "{\"a\":\"😀\"}"),
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
            (r#"{"a":"x"#, r#"{"a":"x"}"#),
            (r#"{"a":[1,{"b":"#, r#"{"a":[1,{"b":null}]}"#),
            (r#"{"a":1,}"#, r#"{"a":1}"#),
            (r#"{"a":1 ? "b":2}"#, r#"{"a":1}"#),
            ("{\"a\":\"x\u{0}y\\u0000\"}", "{\"a\":\"x\u{fffd}y\u{fffd}\"}"),
            ("{\"a\":\"x\u{0}y", "{\"a\":\"x\u{fffd}y\"}"),
            ("{\"a\":\"tab\tin\"}", "{\"a\":\"tab\\tin\"}"),
            (r#"{"a":01,"b":.5,"c":1.2.3}"#, r#"{"a":1,"b":0.5,"c":"1.2.3"}"#),
            ("", "null"),
            ("garbage", "null"),
        ] {
            assert_eq!(of(text).0, repaired, "{text}");
        }
    }

    #[test]
    fn a_whole_value_is_told_from_a_broken_one() {
        for (text, broken_at) in [("{\"a\":1", 6), ("{\"a\" 1}", 5), ("{} x", 3), ("", 0), ("[1,2", 4), ("\"x", 2)] {
            assert_eq!(read_whole(text), Err(broken_at), "{text}");
        }
        assert_eq!(read_whole(" {\"a\":NaN} \r").map(|json| json.to_string()), Ok("{\"a\":null}".into()));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let (text, problems) = of(&format!("{{\"a\":{deep},\"b\":1}}"));
        assert!(text.ends_with("\"b\":1}"), "what follows is still read");
        assert_eq!(problems, 1);
        assert!(of(&"{\"a\":".repeat(100_000)).1 >= 1);
    }

    proptest! {
        #[test]
        fn every_text_is_read_and_what_is_written_reads_back(text in "\\PC{0,200}|[\\[\\]{}\",:\\\\u0-9ae. -]{0,200}") {
            let mut problems = Vec::new();
            let written = read(&text, &mut problems).to_string();
            let mut again = Vec::new();
            prop_assert_eq!(read(&written, &mut again).to_string(), written);
            prop_assert!(again.is_empty());
        }
    }
}
