//! Splits an envelope into its items (Sentry protocol, "Envelope format").
//!
//! An envelope is a line of JSON about the whole, then per item a line of JSON and a payload: `length` bytes of
//! it, or up to the next line feed. Payloads are handed out as they lie in the body, without a copy.
//!
//! Strict where a guess could cut an item in two: a header must be one JSON object, a declared length must fit
//! and be followed by a line feed or the end. Lenient in what costs nothing: blank lines between items, `\r`
//! behind a header, white space at the end, a byte order mark, an id or a time that is none (then it is absent).
//! What items mean, and which may be together, is for the caller.

use crate::auth::Dsn;
use crate::id::EventId;
use crate::json::{self, Json, Object};
use std::borrow::Cow;

/// The most items an envelope may have.
pub const ITEMS_MAX: usize = 500;

/// The longest line of JSON before the items or before one item, in bytes.
pub const HEADER_BYTES_MAX: usize = 256 * 1024;

/// An envelope, split. Everything borrows from the body.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope<'b> {
    /// The id of the event inside. It wins over the payload's own.
    pub event_id: Option<EventId>,
    /// Where the SDK was told to send: the credentials of a tunnelled envelope.
    pub dsn: Option<Dsn>,
    /// The sender's clock when it sent, Unix milliseconds.
    pub sent_at_ms: Option<i64>,
    /// Name and version of the SDK.
    pub sdk: Option<(Cow<'b, str>, Cow<'b, str>)>,
    /// The header as a whole.
    pub header: Object<'b>,
    /// The items, in order.
    pub items: Vec<Item<'b>>,
}

/// One item of an envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct Item<'b> {
    /// Its `type`: `event`, `session`, `attachment`…
    pub kind: Cow<'b, str>,
    /// Its header as a whole.
    pub headers: Object<'b>,
    /// Its payload, as sent.
    pub payload: &'b [u8],
}

/// Why a body is no envelope. Offsets count bytes of the decompressed body from 0, items from 1. Answer 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// There is nothing but white space.
    #[error("The body is empty; an envelope begins with a line of JSON.")]
    Empty,
    /// The first line is no JSON object.
    #[error("The envelope header is not one JSON object on a line of its own; it breaks at byte {at}.")]
    Header {
        /// Where it breaks.
        at: usize,
    },
    /// An item's first line is no JSON object.
    #[error("The header of item {item} is not one JSON object on a line of its own; it breaks at byte {at}.")]
    ItemHeader {
        /// Which item.
        item: usize,
        /// Where it breaks.
        at: usize,
    },
    /// An item does not say what it is.
    #[error("Item {item} has no type; its header is at byte {at}.")]
    NoType {
        /// Which item.
        item: usize,
        /// Where its header begins.
        at: usize,
    },
    /// An item's length is no whole number of bytes.
    #[error("Item {item} declares a length that is no whole number; its header is at byte {at}.")]
    BadLength {
        /// Which item.
        item: usize,
        /// Where its header begins.
        at: usize,
    },
    /// The body ends within an item.
    #[error("Item {item} declares {length} bytes from byte {at}, but only {there} are there.")]
    CutOff {
        /// Which item.
        item: usize,
        /// Where its payload begins.
        at: usize,
        /// What it declares.
        length: usize,
        /// What there is.
        there: usize,
    },
    /// An item goes on behind its declared length.
    #[error("Item {item} declares {length} bytes, but no line feed follows them at byte {at}.")]
    NoLineFeed {
        /// Which item.
        item: usize,
        /// Where the line feed should be.
        at: usize,
        /// What it declares.
        length: usize,
    },
    /// There are more items than allowed.
    #[error("The envelope has more than {ITEMS_MAX} items.")]
    TooManyItems,
}

/// Splits `body`, which is decompressed already.
pub fn split(body: &[u8]) -> Result<Envelope<'_>, EnvelopeError> {
    let mut cursor = Cursor { body, at: if body.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 } };
    cursor.skip_blanks();
    if cursor.is_at_end() {
        return Err(EnvelopeError::Empty);
    }
    let header = cursor.header().map_err(|at| EnvelopeError::Header { at })?;
    let mut items = Vec::new();
    cursor.skip_blanks();
    while !cursor.is_at_end() {
        if items.len() == ITEMS_MAX {
            return Err(EnvelopeError::TooManyItems);
        }
        items.push(cursor.item(items.len() + 1)?);
        cursor.skip_blanks();
    }
    Ok(Envelope {
        event_id: header.text("event_id").and_then(EventId::parse),
        dsn: header.text("dsn").and_then(Dsn::parse),
        sent_at_ms: header.get("sent_at").and_then(crate::time::read),
        sdk: header.object("sdk").and_then(sdk),
        header,
        items,
    })
}

fn sdk<'b>(sdk: &Object<'b>) -> Option<(Cow<'b, str>, Cow<'b, str>)> {
    let text = |key| match sdk.get(key) {
        Some(Json::Text(text)) => Some(text.clone()),
        _ => None,
    };
    Some((text("name")?, text("version").unwrap_or_default()))
}

struct Cursor<'b> {
    body: &'b [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    fn is_at_end(&self) -> bool {
        self.at >= self.body.len()
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.body.get(self.at) {
            self.at += 1;
        }
    }

    /// Takes what is before the next line feed or the end, and the line feed.
    fn line(&mut self) -> &'b [u8] {
        let rest = &self.body[self.at..];
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.at = (self.at + length + 1).min(self.body.len());
        &rest[..length]
    }

    /// A line that is one JSON object. Bytes that are no UTF-8 (a file name, most likely) are replaced.
    fn header(&mut self) -> Result<Object<'b>, usize> {
        let start = self.at;
        let line = self.line();
        if line.len() > HEADER_BYTES_MAX {
            return Err(start + HEADER_BYTES_MAX);
        }
        let value = match std::str::from_utf8(line) {
            Ok(text) => json::read_whole(text),
            Err(_) => json::read_whole(&String::from_utf8_lossy(line)).map(Json::into_owned),
        };
        match value {
            Ok(Json::Object(header)) => Ok(header),
            Ok(_) => Err(start),
            Err(at) => Err(start + at.min(line.len())),
        }
    }

    fn item(&mut self, item: usize) -> Result<Item<'b>, EnvelopeError> {
        let at = self.at;
        let headers = self.header().map_err(|at| EnvelopeError::ItemHeader { item, at })?;
        let kind = match headers.get("type") {
            Some(Json::Text(kind)) if !kind.is_empty() => kind.clone(),
            _ => return Err(EnvelopeError::NoType { item, at }),
        };
        let payload = match headers.get("length") {
            None | Some(Json::Null) => self.line(),
            Some(length) => {
                let length = length.int().and_then(|length| usize::try_from(length).ok());
                self.payload(item, length.ok_or(EnvelopeError::BadLength { item, at })?)?
            }
        };
        Ok(Item { kind, headers, payload })
    }

    fn payload(&mut self, item: usize, length: usize) -> Result<&'b [u8], EnvelopeError> {
        let rest = &self.body[self.at..];
        if length > rest.len() {
            return Err(EnvelopeError::CutOff { item, at: self.at, length, there: rest.len() });
        }
        let end = self.at + length;
        if self.body.get(end).is_some_and(|byte| *byte != b'\n') {
            return Err(EnvelopeError::NoLineFeed { item, at: end, length });
        }
        self.at = (end + 1).min(self.body.len());
        Ok(&rest[..length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items(body: &str) -> Vec<(String, String)> {
        let envelope = split(body.as_bytes()).unwrap();
        let text = |item: &Item<'_>| String::from_utf8(item.payload.to_vec()).unwrap();
        envelope.items.iter().map(|item| (item.kind.to_string(), text(item))).collect()
    }

    fn pair(kind: &str, payload: &str) -> (String, String) {
        (kind.into(), payload.into())
    }

    #[test]
    fn header_and_items_are_told_apart() {
        let body = concat!(
            r#"{"event_id":"9EC79C33-EC99-42AB-8353-589FCB2E04DC","sent_at":"2026-08-01T10:00:00.500Z","#,
            r#""dsn":"https://0123456789abcdef0123456789abcdef@bugle.example/7","sdk":{"name":"sentry.python","version":"2.40.0"}}"#,
            "\n{\"type\":\"attachment\",\"length\":7,\"filename\":\"a.txt\"}\nline 1\n\n",
            "{\"type\":\"client_report\"}\n{\"discarded_events\":[]}"
        );
        let envelope = split(body.as_bytes()).unwrap();
        assert_eq!(envelope.event_id, EventId::parse("9ec79c33ec9942ab8353589fcb2e04dc"));
        assert_eq!(envelope.sent_at_ms, Some(1_785_578_400_500));
        assert_eq!(envelope.dsn.map(|dsn| dsn.project_id), Some(7));
        assert_eq!(envelope.sdk, Some(("sentry.python".into(), "2.40.0".into())));
        assert_eq!(envelope.items[0].headers.text("filename"), Some("a.txt"));
        assert_eq!(items(body), [pair("attachment", "line 1\n"), pair("client_report", "{\"discarded_events\":[]}")]);
    }

    #[test]
    fn what_costs_nothing_is_forgiven() {
        let event = pair("event", "{}");
        for body in [
            "{}\n{\"type\":\"event\"}\n{}",
            "{}\n{\"type\":\"event\"}\n{}\n\n\n",
            "\u{feff}{}\r\n\r\n{\"type\":\"event\",\"length\":2}\r\n{}\n \n",
            "\n {}\n\n{\"type\":\"event\",\"length\":\"2\"}\n{}\n",
            "{\"event_id\":\"nonsense\",\"sent_at\":\"never\",\"dsn\":null}\n{\"type\":\"event\",\"length\":null}\n{}\n",
        ] {
            assert_eq!(items(body), std::slice::from_ref(&event), "{body:?}");
        }
        assert_eq!(items("{}"), []);
        assert_eq!(items("{}\n{\"type\":\"event\"}"), [pair("event", "")]);
        let two = "{}\n{\"type\":\"a\",\"length\":0}\n\n{\"type\":\"b\"}\n\n";
        assert_eq!(items(two), [pair("a", ""), pair("b", "")]);
        assert_eq!(
            items("{}\n{\"type\":\"a\"}\nx\r\n"),
            [pair("a", "x\r")],
            "a carriage return belongs to the payload"
        );
    }

    #[test]
    fn bytes_that_are_no_text_do_not_break_a_header() {
        let body = b"{}\n{\"type\":\"attachment\",\"filename\":\"\xe4.txt\"}\n\xff\xfe\n";
        let envelope = split(body).unwrap();
        assert_eq!(envelope.items[0].headers.text("filename"), Some("\u{fffd}.txt"));
        assert_eq!(envelope.items[0].payload, b"\xff\xfe");
    }

    #[test]
    fn what_cannot_be_framed_says_what_and_where() {
        let item = 1;
        for (body, error) in [
            ("", EnvelopeError::Empty),
            ("\n \n", EnvelopeError::Empty),
            ("hello", EnvelopeError::Header { at: 0 }),
            ("[]", EnvelopeError::Header { at: 0 }),
            ("{\"a\":1", EnvelopeError::Header { at: 6 }),
            ("{} {}", EnvelopeError::Header { at: 3 }),
            ("{}\n{\"type\":", EnvelopeError::ItemHeader { item, at: 11 }),
            ("{}\n{}\nx", EnvelopeError::NoType { item, at: 3 }),
            ("{}\n{\"type\":\"a\",\"length\":-1}\nx", EnvelopeError::BadLength { item, at: 3 }),
            ("{}\n{\"type\":\"a\",\"length\":9}\nxyz", EnvelopeError::CutOff { item, at: 27, length: 9, there: 3 }),
            ("{}\n{\"type\":\"a\",\"length\":1}\nxyz", EnvelopeError::NoLineFeed { item, at: 28, length: 1 }),
        ] {
            assert_eq!(split(body.as_bytes()), Err(error), "{body:?}");
        }
    }

    #[test]
    fn items_are_bounded() {
        let body = |count: usize| "{}\n".to_string() + &"{\"type\":\"a\"}\nx\n".repeat(count);
        assert_eq!(split(body(ITEMS_MAX).as_bytes()).map(|e| e.items.len()), Ok(ITEMS_MAX));
        assert_eq!(split(body(ITEMS_MAX + 1).as_bytes()), Err(EnvelopeError::TooManyItems));
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(HEADER_BYTES_MAX));
        assert!(split(long.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = split(&body);
        }

        #[test]
        fn what_is_framed_is_found_and_every_prefix_is_answered(
            payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..6),
        ) {
            let mut body = b"{}\n".to_vec();
            for payload in &payloads {
                body.extend(format!("{{\"type\":\"x\",\"length\":{}}}\n", payload.len()).bytes());
                body.extend(payload);
                body.push(b'\n');
            }
            let found: Vec<_> = split(&body).unwrap().items.iter().map(|item| item.payload.to_vec()).collect();
            prop_assert_eq!(found, payloads);
            for end in 0..body.len() {
                let _ = split(&body[..end]);
            }
        }
    }
}
