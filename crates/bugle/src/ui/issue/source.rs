//! Source lines with a little colour: words of the language, text, numbers, notes.
//!
//! It looks at one line at a time and knows no grammar, which is enough to read eleven lines, and can neither fail
//! nor take long: every character is looked at once, and whatever it thinks, the text stays what it was.

use maud::{Markup, html};

/// The longest line that is shown, in characters. Minified code is shown around the column.
const CHARS_MAX: usize = 240;

/// How notes begin in a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notes {
    /// With `#`.
    Hash,
    /// With `//`.
    Slashes,
    /// With either.
    Both,
    /// With `--`.
    Dashes,
    /// Not at all: a value, not a line of a file.
    None,
}

impl Notes {
    /// By the file's ending, else by the platform.
    pub fn of(file: &str, platform: &str) -> Notes {
        let ending = file.rsplit(['/', '\\']).next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, end)| end);
        match (ending, platform) {
            ("py" | "rb" | "ex" | "exs" | "sh" | "pl" | "yml" | "yaml" | "toml", _) => Notes::Hash,
            ("php", _) => Notes::Both,
            ("sql" | "lua" | "hs", _) => Notes::Dashes,
            ("", "python" | "ruby" | "elixir" | "perl") => Notes::Hash,
            ("", "php") => Notes::Both,
            _ => Notes::Slashes,
        }
    }

    fn begins(self, rest: &str) -> bool {
        match self {
            Notes::Hash => rest.starts_with('#'),
            Notes::Slashes => rest.starts_with("//"),
            Notes::Both => rest.starts_with('#') || rest.starts_with("//"),
            Notes::Dashes => rest.starts_with("--"),
            Notes::None => false,
        }
    }
}

/// What a piece of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    Plain,
    Word,
    Text,
    Number,
    Note,
}

/// A line in colours.
pub fn line(text: &str, notes: Notes) -> Markup {
    html! {
        @for (ink, piece) in pieces(text, notes) {
            @match ink {
                Ink::Plain => (piece),
                Ink::Word => i.k { (piece) },
                Ink::Text => i.s { (piece) },
                Ink::Number => i.n { (piece) },
                Ink::Note => i.c { (piece) },
            }
        }
    }
}

/// How many elements [`line`] makes of it.
pub fn elements(text: &str, notes: Notes) -> usize {
    pieces(text, notes).iter().filter(|(ink, _)| *ink != Ink::Plain).count()
}

/// The part of a long line that matters: around `column` (from 1), else its beginning.
pub fn window(text: &str, column: Option<i64>) -> String {
    let count = text.chars().count();
    if count <= CHARS_MAX {
        return text.to_string();
    }
    let column =
        column.and_then(|column| usize::try_from(column - 1).ok()).filter(|column| *column < count).unwrap_or(0);
    let from = column.saturating_sub(CHARS_MAX / 3).min(count - CHARS_MAX);
    let shown: String = text.chars().skip(from).take(CHARS_MAX).collect();
    let (before, after) = (if from > 0 { "…" } else { "" }, if from + CHARS_MAX < count { "…" } else { "" });
    format!("{before}{shown}{after}")
}

fn pieces(text: &str, notes: Notes) -> Vec<(Ink, &str)> {
    let mut pieces: Vec<(Ink, &str)> = Vec::new();
    let (mut at, mut plain) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        let (ink, length) = piece(rest, notes);
        if ink != Ink::Plain {
            if plain < at {
                pieces.push((Ink::Plain, &text[plain..at]));
            }
            pieces.push((ink, &rest[..length]));
            plain = at + length;
        }
        at += length;
    }
    if plain < text.len() {
        pieces.push((Ink::Plain, &text[plain..]));
    }
    pieces
}

/// The first piece of `rest`, which is not empty, and its length in bytes.
fn piece(rest: &str, notes: Notes) -> (Ink, usize) {
    let first = rest.chars().next().unwrap_or(' ');
    if notes.begins(rest) {
        return (Ink::Note, rest.len());
    }
    if matches!(first, '"' | '\'' | '`') {
        return match quoted(rest, first) {
            Some(length) => (Ink::Text, length),
            None => (Ink::Plain, first.len_utf8()),
        };
    }
    if !(first.is_alphanumeric() || first == '_') {
        return (Ink::Plain, first.len_utf8());
    }
    let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    match &rest[..length] {
        _ if first.is_ascii_digit() => (Ink::Number, length),
        "None" | "True" | "False" | "null" | "nil" | "true" | "false" | "undefined" => (Ink::Number, length),
        word if WORDS.binary_search(&word).is_ok() => (Ink::Word, length),
        _ => (Ink::Plain, length),
    }
}

/// The length of the text that begins with `quote`; `None` when it does not end on this line (a lifetime, an
/// apostrophe in a note).
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}

/// Words of the common languages, sorted.
const WORDS: [&str; 86] = [
    "abstract",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "begin",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "def",
    "default",
    "defer",
    "del",
    "do",
    "elif",
    "else",
    "elsif",
    "end",
    "ensure",
    "enum",
    "except",
    "export",
    "extends",
    "final",
    "finally",
    "fn",
    "for",
    "foreach",
    "from",
    "func",
    "function",
    "global",
    "go",
    "if",
    "impl",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "is",
    "lambda",
    "let",
    "loop",
    "match",
    "mod",
    "module",
    "mut",
    "namespace",
    "new",
    "not",
    "of",
    "or",
    "package",
    "pass",
    "private",
    "protected",
    "pub",
    "public",
    "raise",
    "range",
    "rescue",
    "return",
    "self",
    "static",
    "struct",
    "super",
    "switch",
    "this",
    "throw",
    "throws",
    "trait",
    "try",
    "type",
    "typeof",
    "unless",
    "use",
    "var",
    "void",
    "where",
    "while",
    "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn inks(text: &str, notes: Notes) -> Vec<(Ink, &str)> {
        pieces(text, notes).into_iter().filter(|(ink, _)| *ink != Ink::Plain).collect()
    }

    #[test]
    fn words_text_numbers_and_notes_have_colours() {
        assert_eq!(
            inks("    if x1 not in {'a # b': 3.5}:  # why", Notes::Hash),
            [
                (Ink::Word, "if"),
                (Ink::Word, "not"),
                (Ink::Word, "in"),
                (Ink::Text, "'a # b'"),
                (Ink::Number, "3"),
                (Ink::Number, "5"),
                (Ink::Note, "# why")
            ]
        );
        assert_eq!(inks(r#"let s = "a\"b"; // n"#, Notes::Slashes).len(), 3);
        assert_eq!(inks("fn f<'a>(x: &'a str)", Notes::Slashes)[0], (Ink::Word, "fn"));
        assert!(WORDS.is_sorted());
    }

    #[test]
    fn the_text_stays_what_it_was() {
        for text in ["", "\"", "'\\", "é\"ü\\\"", "日本 'a", "0x1fé", "a'b'c`d", "\u{0}\t\r"] {
            for notes in [Notes::Hash, Notes::Slashes, Notes::Both, Notes::Dashes, Notes::None] {
                let joined: String = pieces(text, notes).into_iter().map(|(_, piece)| piece).collect();
                assert_eq!(joined, text);
            }
        }
    }

    #[test]
    fn minified_lines_are_shown_around_the_column() {
        let text: String = "0123456789".repeat(100);
        assert_eq!(window("short", Some(90)), "short");
        assert_eq!(window(&text, Some(501)).chars().count(), CHARS_MAX + 2);
        assert!(window(&text, None).starts_with("0123") && window(&text, None).ends_with('…'));
        assert!(window(&text, Some(1_000)).starts_with('…') && window(&text, Some(1_000)).ends_with('9'));
        assert!(window(&text, Some(i64::MIN + 1)).starts_with("0123"));
    }

    #[test]
    fn the_language_is_known_by_the_file() {
        for (file, platform, expected) in [
            ("a/b.py", "other", Notes::Hash),
            ("index.php", "php", Notes::Both),
            ("app.js", "python", Notes::Slashes),
            ("<stdin>", "python", Notes::Hash),
            ("console", "python", Notes::Hash),
        ] {
            assert_eq!(Notes::of(file, platform), expected, "{file}");
        }
    }
}
