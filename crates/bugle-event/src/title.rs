//! What an event is called: its title, its culprit and the line of source that crashed.
//!
//! Follows protocol reference §15.7, so that lists read as people know them: `KeyError: 'sku'` over
//! `shop.cart in total`. The title is for people and takes no part in grouping; it may be improved at any time.

use crate::event::{Event, Exception, Frame};
use crate::group::chain::Chain;

/// The longest title text, in characters.
pub const TEXT_CHARS_MAX: usize = 300;
/// The longest culprit, in characters.
pub const CULPRIT_CHARS_MAX: usize = 200;
/// What an event without any words is called.
pub const NO_MESSAGE: &str = "(no message)";

/// What an event is called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Title {
    /// The type of the main exception (`KeyError`), or the crashing function if the SDK made the type up.
    /// Empty for messages.
    pub kind: String,
    /// The first line of what it says, at most [`TEXT_CHARS_MAX`] characters. May be empty if `kind` is not.
    pub text: String,
    /// Where: the transaction, else `module in function`. May be empty.
    pub culprit: String,
}

impl std::fmt::Display for Title {
    /// The title in one line: `KeyError: 'sku'`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.kind.as_str(), self.text.as_str()) {
            ("", text) => f.write_str(text),
            (kind, "") => f.write_str(kind),
            (kind, text) => write!(f, "{kind}: {text}"),
        }
    }
}

/// What `event` is called.
pub fn title(event: &Event<'_>) -> Title {
    let (kind, text) = match Chain::of(event).main {
        Some(main) => of_exception(event, main),
        None => (String::new(), event.message().map(first_line).unwrap_or_default()),
    };
    let text = match kind.is_empty() && text.is_empty() {
        true => function(event).map(|name| cut(name, TEXT_CHARS_MAX)).unwrap_or_else(|| NO_MESSAGE.into()),
        false => text,
    };
    Title { kind, text, culprit: culprit(event) }
}

/// The crashing line of source, without indentation, and its place as `file:line`. `None` without source.
pub fn crash_line(event: &Event<'_>) -> Option<(String, String)> {
    let frame = culprit_frame(event)?;
    let code = frame.context_line().map(str::trim).filter(|code| !code.is_empty())?;
    let file = frame.filename().or_else(|| frame.abs_path()).or_else(|| frame.module()).unwrap_or("?");
    let place = frame.lineno().map_or_else(|| file.to_string(), |line| format!("{file}:{line}"));
    Some((cut(code, TEXT_CHARS_MAX), place))
}

fn of_exception(event: &Event<'_>, main: Exception<'_>) -> (String, String) {
    let text = main.value().map(first_line).unwrap_or_default();
    let kind = main.kind().unwrap_or("");
    if main.is_synthetic() && is_signal(kind) {
        return (cut(function(event).unwrap_or(kind), CULPRIT_CHARS_MAX), text);
    }
    let text = match kind.is_empty() && text.is_empty() {
        true => event.message().map(first_line).unwrap_or_default(),
        false => text,
    };
    (cut(kind, CULPRIT_CHARS_MAX), text)
}

/// Names that a crash handler makes up from a signal or a machine exception: they say how, never what.
fn is_signal(kind: &str) -> bool {
    ["EXC_", "EXCEPTION_", "SIG", "KERN_", "ILL_"].iter().any(|prefix| kind.starts_with(prefix))
}

fn culprit(event: &Event<'_>) -> String {
    if let Some(transaction) = event.text("transaction") {
        return cut(transaction, CULPRIT_CHARS_MAX);
    }
    // A security report has one, and so has an event of the first SDKs; others say where by their frames.
    let Some(frame) = culprit_frame(event) else { return cut(event.text("culprit").unwrap_or(""), CULPRIT_CHARS_MAX) };
    // A native function says where it is by itself; the file would only repeat it.
    let is_qualified = frame.function().is_some_and(|function| function.contains("::"));
    let place = match is_qualified {
        true => frame.module(),
        false => frame.module().or_else(|| frame.filename()).or_else(|| frame.abs_path()),
    };
    let text = match (place, frame.function()) {
        (Some(place), Some(function)) => format!("{place} in {function}"),
        (Some(one), None) | (None, Some(one)) => one.to_string(),
        (None, None) => String::new(),
    };
    cut(&text, CULPRIT_CHARS_MAX)
}

fn function<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    culprit_frame(event)?.function()
}

fn culprit_frame<'e>(event: &'e Event<'_>) -> Option<Frame<'e>> {
    let own = Chain::of(event).main.and_then(|main| main.stack());
    own.or_else(|| event.stack())?.culprit()
}

fn first_line(text: &str) -> String {
    cut(text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or(""), TEXT_CHARS_MAX)
}

/// `text`, cut to `chars_max` characters; the last one shows that something is missing.
fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_string(),
        Some(_) => text.chars().take(chars_max - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (String, String, String) {
        let title = title(&Event::stored(text));
        (title.kind, title.text, title.culprit)
    }

    const FRAMES: &str = r#""stacktrace":{"frames":[
        {"module":"flask.app","function":"wsgi_app","in_app":false},
        {"module":"shop.cart","filename":"shop/cart.py","function":"total","lineno":41,
         "context_line":"    return prices[sku]  ","in_app":true},
        {"module":"json.decoder","function":"decode","in_app":false}]}"#;

    #[test]
    fn an_exception_is_called_by_type_and_first_line() {
        let text = format!(
            r#"{{"exception":{{"values":[{{"type":"OSError"}},{{"type":"KeyError","value":"\n 'sku'\nmore",{FRAMES}}}]}}}}"#
        );
        assert_eq!(of(&text), ("KeyError".into(), "'sku'".into(), "shop.cart in total".into()));
        assert_eq!(title(&Event::stored(&text)).to_string(), "KeyError: 'sku'");
        let (code, place) = crash_line(&Event::stored(&text)).expect("source");
        assert_eq!((code.as_str(), place.as_str()), ("return prices[sku]", "shop/cart.py:41"));
    }

    #[test]
    fn the_transaction_is_the_culprit_if_there_is_one() {
        let text = r#"{"transaction":"/checkout","exception":{"values":[{"type":"KeyError"}]}}"#;
        assert_eq!(of(text), ("KeyError".into(), "".into(), "/checkout".into()));
    }

    #[test]
    fn a_signal_is_called_by_its_function() {
        let text = format!(
            r#"{{"exception":{{"values":[{{"type":"SIGSEGV","value":"Segfault","mechanism":{{"synthetic":true}},{FRAMES}}}]}}}}"#
        );
        assert_eq!(of(&text).0, "total");
        let other =
            r#"{"exception":{"values":[{"type":"UnhandledRejection","value":"x","mechanism":{"synthetic":true}}]}}"#;
        assert_eq!(of(other).0, "UnhandledRejection");
    }

    #[test]
    fn a_message_has_no_type() {
        let text = r#"{"logentry":{"message":"paid %s","formatted":"paid 3\nand more"}}"#;
        assert_eq!(of(text), ("".into(), "paid 3".into(), "".into()));
        assert_eq!(of(r#"{"exception":{"values":[{"value":"a thrown string"}]}}"#).1, "a thrown string");
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        assert_eq!(of("{}"), ("".into(), NO_MESSAGE.into(), "".into()));
        let threads = format!(r#"{{"threads":{{"values":[{{"crashed":true,{FRAMES}}}]}}}}"#);
        assert_eq!(of(&threads), ("".into(), "total".into(), "shop.cart in total".into()));
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let text = format!(r#"{{"logentry":{{"formatted":"{}"}}}}"#, "é".repeat(1000));
        let (_, text, _) = of(&text);
        assert_eq!(text.chars().count(), TEXT_CHARS_MAX);
        assert!(text.ends_with('…'));
    }
}
