//! Values of an event on a page: text with its removed parts marked, and JSON in one line.
//!
//! Everything here may be hostile: markup is escaped by the template, length, depth and pieces are bounded here.
//! What scrubbing took away is a chip and no text, so that it cannot pass for the program's own. Where it was and by
//! which rule stands in the event's `_meta` ([`Meta`]); marks of an SDK, which come without, are known when they are
//! the whole value.

use super::source::{self, Notes};
use crate::ui::number::exact;
use bugle_event::json::{Json, Object};
use maud::{Markup, html};

/// The longest value that is shown, in characters.
pub const CHARS_MAX: usize = 1_500;
/// A value longer than this, in characters, is folded.
const FOLDED_CHARS: usize = 400;
/// What of a folded value stands outside, in characters.
const PEEK_CHARS: usize = 100;
/// Pieces of one value that have an element of their own; further ones are plain.
const PIECES_MAX: usize = 40;
/// How deep JSON is shown.
const DEPTH_MAX: usize = 5;

/// What stands in place of a removed value, and the rule, as far as the mark tells.
const MARKS: [(&str, &str); 14] = [
    ("[Filtered]", ""),
    ("[filtered]", ""),
    ("[Redacted]", ""),
    ("[redacted]", ""),
    ("[removed]", ""),
    ("[email]", "email"),
    ("[ip]", "ip"),
    ("[creditcard]", "creditcard"),
    ("[iban]", "iban"),
    ("[us ssn]", "usssn"),
    ("[token]", "token"),
    ("[password]", "password"),
    ("[pemkey]", "pemkey"),
    ("[user]", "userpath"),
];

/// What `_meta` says about a place in the event: a tree parallel to it, with remarks under `""`.
#[derive(Clone, Copy, Default)]
pub struct Meta<'e>(Option<&'e Object<'e>>);

impl<'e> Meta<'e> {
    /// That of a whole event.
    pub fn of(event: &'e bugle_event::Event<'_>) -> Meta<'e> {
        Meta(event.json.object("_meta"))
    }

    /// That of what lies under `key`, which may be a number.
    pub fn at(self, key: impl ToString) -> Meta<'e> {
        Meta(self.0.and_then(|tree| tree.object(&key.to_string())))
    }

    /// How many there were of what it is about, and whether that is more than the `kept` that are there.
    pub fn length(self, kept: usize) -> Option<i64> {
        let length = self.about()?.get("len").and_then(Json::int)?;
        (length > kept as i64).then_some(length)
    }

    /// What became of a value that is not there any more, in words.
    pub fn loss(self) -> Option<&'static str> {
        let about = self.about()?;
        let is_gone =
            |remark: &&Json<'_>| remark.array().is_some_and(|parts| parts.get(1).and_then(Json::text) == Some("x"));
        match about.array("rem").iter().find(is_gone).and_then(|remark| remark.array()?.first()?.text()) {
            Some("!limit") => Some("left out: too large"),
            Some("!config" | "!raw") => Some("left out by the SDK"),
            Some(_) => Some("removed by a rule"),
            None if !about.array("err").is_empty() => Some("left out: not what belongs here"),
            None => None,
        }
    }

    /// The names under which something was, of which `object` has nothing any more.
    pub fn lost(self, object: &Object<'_>) -> Vec<(&'e str, &'static str)> {
        let names = self.0.into_iter().flat_map(Object::iter).filter(|(name, _)| !name.is_empty() && !object.has(name));
        names.filter_map(|(name, _)| Some((name, self.at(name).loss()?))).collect()
    }

    fn about(self) -> Option<&'e Object<'e>> {
        self.0?.object("")
    }

    /// That of the value of a pair, which SDKs note under its name and scrubbing under its place.
    pub fn pair(self, name: &str, index: usize) -> Meta<'e> {
        let by_name = self.at(name);
        if by_name.0.is_some() { by_name } else { self.at(index).at(1) }
    }

    /// What was removed: rule, first and last byte. A remark without a place is about the whole of `text`.
    fn removed(self, text: &str) -> Vec<(String, usize, usize)> {
        let remarks = self.0.and_then(|tree| tree.object("")).map_or(&[][..], |about| about.array("rem"));
        let mut removed: Vec<(String, usize, usize)> = Vec::new();
        for remark in remarks.iter().filter_map(Json::array) {
            let byte = |at: usize| remark.get(at).and_then(Json::int).and_then(|byte| usize::try_from(byte).ok());
            let (start, end) = (byte(2).unwrap_or(0), byte(3).unwrap_or(text.len()));
            let is_next = start >= removed.last().map_or(0, |last| last.2) && start < end;
            if is_next && text.get(start..end).is_some_and(|mark| mark.starts_with('[') && mark.ends_with(']')) {
                removed.push((rule(remark.first().and_then(Json::text).unwrap_or("")), start, end));
            }
        }
        removed
    }
}

/// The name of a rule for people: `@password:filter` is `password`, and an SDK's own settings are the SDK. What else begins
/// with `!` names no rule.
fn rule(id: &str) -> String {
    if matches!(id, "!config" | "!raw") {
        return "SDK".into();
    }
    let name = id.trim_start_matches('@').split(':').next().unwrap_or("");
    if name.starts_with('!') { String::new() } else { cut(name, 40).0.to_string() }
}

/// A text by itself.
pub fn text(text: &str) -> Markup {
    noted(text, Meta::default())
}

/// A text with what is known of its removed parts. Never folded, so it may stand inside of a sentence.
pub fn noted(text: &str, meta: Meta<'_>) -> Markup {
    let mut line = Line::new(Manner::Plain);
    line.text(text, meta, 0);
    line.write()
}

/// JSON in one line, never folded either.
pub fn inline(json: &Json<'_>, meta: Meta<'_>) -> Markup {
    let mut line = Line::new(Manner::Plain);
    line.walk(json, meta, 0);
    line.write()
}

/// A value for a place of its own: text as it is, the rest as JSON in one line; folded when it is long.
pub fn value(json: &Json<'_>, meta: Meta<'_>) -> Markup {
    let mut line = Line::new(Manner::Plain);
    line.walk(json, meta, 0);
    line.write_folded()
}

/// A local variable. Python's SDK sends what `repr` gives, which is code; other texts get their quotes.
pub fn local(json: &Json<'_>, meta: Meta<'_>, platform: &str) -> Markup {
    let mut line = Line::new(if platform == "python" { Manner::Code } else { Manner::Quoted });
    line.walk(json, meta, 0);
    line.write_folded()
}

/// `text` up to so many characters, and whether that left something out.
pub fn cut(text: &str, chars_max: usize) -> (&str, bool) {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    }
}

/// An address: a link only when it is one of the web, and then one that tells the other side nothing.
pub fn address(url: &str, meta: Meta<'_>) -> Markup {
    let is_web = (url.starts_with("https://") || url.starts_with("http://"))
        && url.len() <= CHARS_MAX
        && !url.chars().any(|c| c.is_whitespace() || c.is_control());
    html! { @if is_web { a href=(url) rel="noreferrer noopener" { (noted(url, meta)) } } @else { (noted(url, meta)) } }
}

/// How texts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As they are; inside of something in quotes.
    Plain,
    /// In quotes.
    Quoted,
    /// As they are: they are code.
    Code,
}

enum Piece {
    Plain(String),
    Text(String),
    Number(String),
    Code(String),
    /// Something that was removed, and by which rule.
    Gone(String),
    /// What is missing of the value before it.
    Cut(String),
}

/// A value as it is being written: pieces, and how many characters there is room for.
struct Line {
    manner: Manner,
    pieces: Vec<Piece>,
    chars_left: usize,
    /// Characters that were left out.
    chars_more: usize,
}

impl Line {
    fn new(manner: Manner) -> Line {
        Line { manner, pieces: Vec::new(), chars_left: CHARS_MAX, chars_more: 0 }
    }

    fn walk(&mut self, json: &Json<'_>, meta: Meta<'_>, depth: usize) {
        match json {
            Json::Null => self.push(Piece::Number, "null"),
            Json::Bool(bool) => self.push(Piece::Number, if *bool { "true" } else { "false" }),
            Json::Number(number) => self.push(Piece::Number, number),
            Json::Text(text) => self.text(text, meta, depth),
            Json::Array(list) if !list.is_empty() && depth >= DEPTH_MAX => {
                self.push(Piece::Plain, &format!("[…{}]", list.len()));
            }
            Json::Object(object) if !object.is_empty() && depth >= DEPTH_MAX => {
                self.push(Piece::Plain, &format!("{{…{}}}", object.len()));
            }
            Json::Array(list) => {
                let kept = list.len();
                self.push(Piece::Plain, "[");
                for (at, item) in list.iter().enumerate() {
                    self.push(Piece::Plain, if at > 0 { ", " } else { "" });
                    self.walk(item, meta.at(at), depth + 1);
                }
                self.push(Piece::Plain, "]");
                self.cut(meta.length(kept), "entries");
            }
            Json::Object(object) => {
                let kept = object.len();
                self.push(Piece::Plain, "{");
                for (at, (key, item)) in object.iter().enumerate() {
                    self.push(Piece::Plain, if at > 0 { ", " } else { "" });
                    self.push(Piece::Plain, &format!("{key}: "));
                    self.walk(item, meta.at(key), depth + 1);
                }
                self.push(Piece::Plain, "}");
                self.cut(meta.length(kept), "entries");
            }
        }
    }

    /// Says of how many `things` the value before this is what was kept.
    fn cut(&mut self, length: Option<i64>, things: &str) {
        if let Some(length) = length.filter(|_| self.pieces.len() < 2 * PIECES_MAX) {
            self.pieces.push(Piece::Cut(format!("cut from {} {things}", exact(length))));
        }
    }

    fn text(&mut self, text: &str, meta: Meta<'_>, depth: usize) {
        let whole = text.trim_matches(['\'', '"']);
        let mut removed = meta.removed(text);
        if let Some((_, rule)) = MARKS.iter().find(|(mark, _)| *mark == whole) {
            let told = removed.into_iter().map(|(rule, ..)| rule).find(|rule| !rule.is_empty());
            return self.gone(told.unwrap_or_else(|| rule.to_string()));
        }
        let is_quoted = self.manner == Manner::Quoted || (self.manner == Manner::Plain && depth > 0);
        let length = meta.length(text.chars().count());
        let kind: fn(String) -> Piece = match self.manner {
            Manner::Code => Piece::Code,
            _ if is_quoted => Piece::Text,
            _ => Piece::Plain,
        };
        if removed.is_empty() {
            if is_quoted {
                self.push(kind, &format!("\"{text}\""))
            } else {
                self.push(kind, text)
            }
            return self.cut(length, "characters");
        }
        let mut from = 0;
        for (rule, start, end) in removed.drain(..) {
            self.push(kind, &text[from..start]);
            self.gone(rule);
            from = end;
        }
        self.push(kind, &text[from..]);
        self.cut(length, "characters");
    }

    fn gone(&mut self, rule: String) {
        match self.pieces.len() < PIECES_MAX {
            true => self.pieces.push(Piece::Gone(rule)),
            false => self.push(Piece::Plain, "(removed)"),
        }
    }

    /// As much of `text` as there is room for.
    fn push(&mut self, kind: fn(String) -> Piece, text: &str) {
        let chars = text.chars().count();
        let shown: String = text.chars().take(self.chars_left).collect();
        self.chars_more += chars.saturating_sub(self.chars_left);
        self.chars_left = self.chars_left.saturating_sub(chars);
        let piece = if self.pieces.len() < PIECES_MAX { kind(shown) } else { Piece::Plain(shown) };
        match (piece, self.pieces.last_mut()) {
            (Piece::Plain(more), Some(Piece::Plain(text))) => text.push_str(&more),
            (Piece::Plain(empty), _) if empty.is_empty() => {}
            (piece, _) => self.pieces.push(piece),
        }
    }

    fn write(&self) -> Markup {
        html! {
            @for piece in &self.pieces { (ink(piece)) }
            @if self.chars_more > 0 { span.dim { "… " (self.size()) " characters in all" } }
        }
    }

    fn write_folded(&self) -> Markup {
        html! {
            @if CHARS_MAX - self.chars_left <= FOLDED_CHARS {
                (self.write())
            } @else {
                details { summary { (self.peek()) span.dim { "… " (self.size()) " characters" } } (self.write()) }
            }
        }
    }

    fn size(&self) -> String {
        exact((CHARS_MAX - self.chars_left + self.chars_more) as i64)
    }

    /// The beginning, without colours.
    fn peek(&self) -> String {
        let texts = self.pieces.iter().map(|piece| match piece {
            Piece::Plain(text) | Piece::Text(text) | Piece::Number(text) | Piece::Code(text) => text.as_str(),
            Piece::Gone(_) => "(removed)",
            Piece::Cut(_) => "",
        });
        texts.flat_map(str::chars).take(PEEK_CHARS).collect()
    }
}

fn ink(piece: &Piece) -> Markup {
    html! {
        @match piece {
            Piece::Plain(text) => (text),
            Piece::Text(text) => i.s { (text) },
            Piece::Number(text) => i.n { (text) },
            Piece::Code(text) if text.len() <= FOLDED_CHARS => (source::line(text, Notes::None)),
            Piece::Code(text) => (text),
            Piece::Cut(told) => { " " span.gone title="Longer than the limit: the rest was not stored" { (told) } },
            Piece::Gone(rule) if rule.is_empty() => span.gone title="Removed before it was stored" { "removed" },
            Piece::Gone(rule) => span.gone title={ "Removed before it was stored, by the rule “" (rule) "”" } { "removed: " (rule) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_event::Event;

    fn shown(text: &str) -> String {
        value(&bugle_event::json::read(text, &mut Vec::new()), Meta::default()).into_string()
    }

    #[test]
    fn removed_parts_are_chips_that_name_their_rule() {
        let event = Event::stored(
            r#"{"a":"card [creditcard] <b>","b":"'[Filtered]'","c":{"d":"[Filtered]"},"e":"see [ip]","_meta":{
                "a":{"":{"rem":[["@creditcard:replace","s",5,17]]}},"c":{"d":{"":{"rem":[["@password:filter","s",0,10]]}}},
                "e":{"":{"rem":[["x","s",900,2],["y","s",0,1]]}}}}"#,
        );
        let of = |key: &str| value(event.json.get(key).expect("is there"), Meta::of(&event).at(key)).into_string();
        let chip =
            |rule: &str| format!("title=\"Removed before it was stored, by the rule “{rule}”\">removed: {rule}</span>");
        assert_eq!(of("a"), format!("card <span class=\"gone\" {} &lt;b&gt;", chip("creditcard")));
        assert!(of("b").contains(">removed</span>") && !of("b").contains("Filtered"));
        assert!(of("c").contains(&chip("password")));
        assert_eq!(of("e"), "see [ip]", "neither the whole value nor noted; a remark that lies is nothing");
    }

    #[test]
    fn what_was_cut_says_from_how_much() {
        let event = Event::stored(
            r#"{"a":"xyz...","b":[1,{"c":"y..."}],"d":"[Filtered]","e":{},"_meta":{"a":{"":{"len":12000,"rem":[["!limit","s",3,6]]}},
                "b":{"":{"len":300},"1":{"c":{"":{"len":900}}}},"d":{"":{"rem":[["!config","s",0,10]]}},
                "e":{"gone":{"":{"rem":[["!limit","x"]]}},"odd":{"":{"err":["invalid_data"]}},"body":{"":{"rem":[["!raw","x"]]}}}}}"#,
        );
        let of = |key: &str| value(event.json.get(key).expect("is there"), Meta::of(&event).at(key)).into_string();
        assert!(of("a").contains(">cut from 12,000 characters<"), "{}", of("a"));
        assert!(
            of("b").contains(">cut from 300 entries<") && of("b").contains(">cut from 900 characters<"),
            "{}",
            of("b")
        );
        assert!(of("d").contains("removed: SDK"), "{}", of("d"));
        let lost = Meta::of(&event).at("e").lost(event.json.object("e").expect("is there"));
        let expected = [
            ("gone", "left out: too large"),
            ("odd", "left out: not what belongs here"),
            ("body", "left out by the SDK"),
        ];
        assert_eq!(lost, expected);
    }

    #[test]
    fn variables_are_code_or_quoted() {
        let of = |text: &str, platform: &str| local(&Json::from(text), Meta::default(), platform).into_string();
        assert_eq!(of("'IE'", "python"), "<i class=\"s\">'IE'</i>");
        assert_eq!(of("None", "python"), "<i class=\"n\">None</i>");
        assert_eq!(of("<Flask 'shop'>", "python"), "&lt;Flask <i class=\"s\">'shop'</i>&gt;");
        assert_eq!(of("None", "node"), "<i class=\"s\">&quot;None&quot;</i>");
    }

    #[test]
    fn json_is_bounded() {
        assert_eq!(
            shown(r#"{"a":[1,"x",null,true]}"#),
            "{a: [<i class=\"n\">1</i>, <i class=\"s\">&quot;x&quot;</i>, <i class=\"n\">null</i>, <i class=\"n\">true</i>]}"
        );
        assert_eq!(shown("[[[[[[1,2],[]]]]]]"), "[[[[[[…2], []]]]]]");
        let long = shown(&format!("\"{}\"", "ä".repeat(9_000)));
        assert!(long.starts_with("<details><summary>") && long.contains("… 9,000 characters in all"), "{long}");
        assert!(long.matches('ä').count() <= CHARS_MAX + PEEK_CHARS);
        for wide in [format!("[{}1]", "1,".repeat(9_000)), format!("[{}1]", "\"[ip]\",".repeat(9_000))] {
            let wide = shown(&wide);
            assert!(wide.len() < 12_000 && wide.matches("</").count() <= PIECES_MAX + 6, "{wide}");
        }
    }

    #[test]
    fn only_addresses_of_the_web_are_links() {
        let of = |url: &str| address(url, Meta::default()).into_string();
        assert_eq!(
            of("https://a.example/?q=\"<b>"),
            "<a href=\"https://a.example/?q=&quot;&lt;b&gt;\" rel=\"noreferrer noopener\">https://a.example/?q=&quot;&lt;b&gt;</a>"
        );
        for url in ["javascript:alert(1)", "http://a b", "data:text/html,x", "/a", "ftp://x"] {
            assert!(!of(url).contains("<a"), "{url}");
        }
    }
}
