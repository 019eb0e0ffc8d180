//! Free-form values within a budget of bytes and levels.
//!
//! What comes first is kept; the tail goes. A value nested too deeply becomes `…` rather than its text, because in a
//! text the scrubber could not tell a secret by its key. Bytes are counted about as they are written, and in such a
//! way that what has been made to fit fits the same budget again.

use crate::json::Json;
use std::borrow::Cow;

/// Left where a value was nested too deeply.
const MARK: &str = "…";

/// An entry is not begun with less than this left, so that it can say something.
const ENTRY_BYTES_MIN: usize = 8;

/// Makes `value` fit `budget_bytes`, which is used up by what is kept, and at most `levels` containers within it.
/// False if anything had to go.
pub(super) fn fit(value: &mut Json<'_>, levels: usize, budget_bytes: &mut usize) -> bool {
    let spend = |budget_bytes: &mut usize, bytes: usize| *budget_bytes = budget_bytes.saturating_sub(bytes);
    match value {
        Json::Null | Json::Bool(_) => spend(budget_bytes, 4),
        Json::Number(digits) if digits.len() <= *budget_bytes => spend(budget_bytes, digits.len()),
        Json::Number(_) => {
            *value = Json::Null;
            spend(budget_bytes, 4);
            return false;
        }
        Json::Text(text) if text.len() + 2 <= *budget_bytes => spend(budget_bytes, text.len() + 2),
        Json::Text(text) => {
            let end = text.floor_char_boundary(budget_bytes.saturating_sub(5));
            *text = Cow::Owned(format!("{}...", &text[..end]));
            *budget_bytes = 0;
            return false;
        }
        Json::Array(_) | Json::Object(_) if levels == 0 && !value.is_empty() => {
            *value = Json::from(MARK);
            spend(budget_bytes, MARK.len() + 2);
            return false;
        }
        Json::Array(_) | Json::Object(_) => {
            spend(budget_bytes, 2);
            return fit_entries(value, levels, budget_bytes);
        }
    }
    true
}

fn fit_entries(value: &mut Json<'_>, levels: usize, budget_bytes: &mut usize) -> bool {
    let (mut intact, mut is_full) = (true, false);
    let mut entry = |overhead_bytes: usize, value: &mut Json<'_>| {
        is_full |= *budget_bytes < overhead_bytes + ENTRY_BYTES_MIN;
        if is_full {
            intact = false;
            return false;
        }
        *budget_bytes -= overhead_bytes;
        intact &= fit(value, levels.saturating_sub(1), budget_bytes);
        true
    };
    match value {
        Json::Array(values) => values.retain_mut(|value| entry(1, value)),
        Json::Object(object) => object.retain(|key, value| entry(key.len() + 4, value)),
        _ => {}
    }
    intact
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(json: &str, levels: usize, budget_bytes: usize) -> (String, bool) {
        let mut value = crate::json::read(json, &mut Vec::new());
        let intact = fit(&mut value, levels, &mut budget_bytes.clone());
        (value.to_string(), intact)
    }

    #[test]
    fn what_fits_stays_and_the_tail_goes() {
        let json = r#"{"a":"0123456789","b":[1,2,3],"c":{"d":{"e":1}}}"#;
        assert_eq!(of(json, 5, 1000), (json.to_string(), true));
        assert_eq!(of(json, 5, 37).0, r#"{"a":"0123456789","b":[1,2]}"#);
        assert_eq!(of(json, 5, 15).0, r#"{"a":"012..."}"#);
        assert_eq!(of(json, 2, 1000).0, r#"{"a":"0123456789","b":[1,2,3],"c":{"d":"…"}}"#);
        assert!(!of(json, 2, 1000).1);
    }

    proptest! {
        #[test]
        fn what_was_made_to_fit_fits(
            texts in proptest::collection::vec("[a-zé]{0,30}", 0..12), levels in 0usize..4, budget_bytes in 20usize..400,
        ) {
            let leaves: Vec<_> = texts.iter().map(|text| format!("\"{text}\",123456789012,true,{{\"k{text}\":[[{{}}]]}}")).collect();
            let (once, _) = of(&format!("[{}]", leaves.join(",")), levels, budget_bytes);
            prop_assert!(once.len() <= budget_bytes + 2, "{} bytes of {}", once.len(), budget_bytes);
            prop_assert_eq!(of(&once, levels, budget_bytes), (once.clone(), true));
        }
    }
}
