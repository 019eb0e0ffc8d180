//! Event ids: 128 bits, shown as 32 lowercase hex digits.
//!
//! SDKs write them with or without dashes and in either case; Bugle always answers with 32 lowercase digits
//! (Sentry protocol, "Envelopes": UUIDs). The nil id means "none".

use std::fmt;

/// The id of one event, given by the SDK or made at the door. Unique per project.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub [u8; 16]);

impl EventId {
    /// Reads 32 hex digits with or without dashes. `None` for anything else and for the nil id.
    pub fn parse(text: &str) -> Option<EventId> {
        let mut bytes = [0u8; 16];
        let mut digits = 0usize;
        for byte in text.trim().bytes() {
            let digit = match byte {
                b'-' => continue,
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                b'A'..=b'F' => byte - b'A' + 10,
                _ => return None,
            };
            let slot = bytes.get_mut(digits / 2)?;
            *slot = (*slot << 4) | digit;
            digits += 1;
        }
        (digits == 32 && bytes != [0; 16]).then_some(EventId(bytes))
    }

    /// The id with dashes, as minidump clients expect it.
    pub fn dashed(&self) -> String {
        let hex = self.to_string();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `bytes` as lowercase hex digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)] as char);
        text.push(DIGITS[usize::from(byte & 15)] as char);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_spelling_and_writes_one() {
        let plain = EventId::parse("9ec79c33ec9942ab8353589fcb2e04dc").expect("plain");
        assert_eq!(EventId::parse("9EC79C33-EC99-42AB-8353-589FCB2E04DC"), Some(plain));
        assert_eq!(plain.to_string(), "9ec79c33ec9942ab8353589fcb2e04dc");
        assert_eq!(plain.dashed(), "9ec79c33-ec99-42ab-8353-589fcb2e04dc");
    }

    #[test]
    fn refuses_what_is_no_id() {
        for text in ["", "abc", "00000000000000000000000000000000", "9ec79c33ec9942ab8353589fcb2e04dg", &"a".repeat(33)]
        {
            assert_eq!(EventId::parse(text), None, "{text}");
        }
    }
}
