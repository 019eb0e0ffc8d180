//! Dialects end here: each reader takes one SDK family's payload and gives an [`crate::Event`] in canonical shape.
//!
//! A reader cannot fail. A field it cannot make sense of becomes null with a [`Problem`], a key it does not know
//! stays as it is, and a payload that is no object at all still is an event whose message is what was sent.

mod lenient;
pub mod sentry;

use crate::problem::Problem;
use std::borrow::Cow;

/// A payload as text, for the caller to keep alive while an event borrows from it. Bytes that are no UTF-8 become
/// U+FFFD, and there is a problem to say so.
pub fn text(payload: &[u8]) -> (Cow<'_, str>, Option<Problem>) {
    match std::str::from_utf8(payload) {
        Ok(text) => (Cow::Borrowed(text), None),
        Err(error) => {
            let detail = format!("Bytes that are no UTF-8 were replaced, the first at byte {}.", error.valid_up_to());
            (String::from_utf8_lossy(payload), Some(Problem::whole("invalid_data", detail)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_told() {
        assert!(matches!(text("Grüße".as_bytes()), (Cow::Borrowed("Grüße"), None)));
        let (text, problem) = text(b"{\"message\":\"Gr\xfc\xdfe\"}");
        assert_eq!(text, "{\"message\":\"Gr\u{fffd}\u{fffd}e\"}");
        assert!(problem.is_some_and(|problem| problem.detail.ends_with("at byte 14.")));
    }
}
