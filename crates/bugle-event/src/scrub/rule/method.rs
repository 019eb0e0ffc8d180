//! What a rule puts in place of what it found: nothing, a text, stars, or a hash.
//!
//! A hash is HMAC-SHA1 in upper-case hex, under the configuration's key; so the same value shows as the same hash. Under
//! the empty key, which is the default, short values can be found by trying all: it hides from eyes, not from effort.

use crate::scrub::text::FILTERED;
use ring::hmac;
use std::borrow::Cow;

/// What a rule puts in place.
#[derive(Clone)]
pub(in crate::scrub) enum Method {
    /// Nothing.
    Remove,
    /// A text.
    Replace(Cow<'static, str>),
    /// As many stars as there were characters.
    Mask,
    /// A hash under this key.
    Hash(hmac::Key),
}

impl Method {
    /// A hash under `key`.
    pub(super) fn hash(key: &str) -> Method {
        Method::Hash(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes()))
    }

    /// What stands in place of `text`.
    pub(super) fn of(&self, text: &str) -> Cow<'static, str> {
        match self {
            Method::Remove => Cow::Borrowed(""),
            Method::Replace(with) => with.clone(),
            Method::Mask => Cow::Owned("*".repeat(text.chars().count())),
            Method::Hash(key) => {
                let tag = hmac::sign(key, text.as_bytes());
                Cow::Owned(tag.as_ref().iter().map(|byte| format!("{byte:02X}")).collect())
            }
        }
    }

    /// The sign by which `_meta` tells it (protocol reference §8.7).
    pub(super) fn sign(&self) -> &'static str {
        match self {
            Method::Remove => "x",
            Method::Replace(_) => "s",
            Method::Mask => "m",
            Method::Hash(_) => "p",
        }
    }

    /// Whether `text` is what was put in place earlier: taking it again would hide that nothing else was there.
    pub(super) fn is_settled(&self, text: &str) -> bool {
        let is_own = match self {
            Method::Remove => false,
            Method::Replace(with) => text == with,
            Method::Mask => text.bytes().all(|b| b == b'*'),
            Method::Hash(_) => text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')),
        };
        is_own || text.is_empty() || text == FILTERED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_leaves_its_own_trace() {
        assert_eq!(Method::Remove.of("päss"), "");
        assert_eq!(Method::Replace("[x]".into()).of("päss"), "[x]");
        assert_eq!(Method::Mask.of("päss"), "****");
        // RFC 2202, test case 2.
        assert_eq!(Method::hash("Jefe").of("what do ya want for nothing?"), "EFFCDF6AE5EB2FA2D27416D5F184DF9C259A7C79");
        // The empty key.
        assert_eq!(Method::hash("").of(""), "FBDB1D1B18AA6C08324B7D64B71FB76370690E1D");
    }
}
