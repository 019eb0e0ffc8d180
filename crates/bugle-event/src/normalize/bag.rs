//! Free-form values within a budget of bytes and levels.
//!
//! What comes first is kept; the tail goes. A value nested too deeply becomes `…` rather than its text, because in a
//! text the scrubber could not tell a secret by its key. Bytes are counted about as they are written, and in such a
//! way that what has been made to fit fits the same budget again.

use crate::json::Json;
use crate::path::Path;
use crate::problem::Cut;
use std::borrow::Cow;

/// Left where a value was nested too deeply.
const MARK: &str = "…";

/// An entry is not begun with less than this left, so that it can say something.
const ENTRY_BYTES_MIN: usize = 8;

/// Who hears of each cut.
pub(super) type Tell<'t> = &'t mut dyn FnMut(&Path<'_>, Cut);

/// Makes `value`, which is `at`, fit `budget_bytes`, which is used up by what is kept, and at most `levels` containers
/// within it. Tells of everything that had to go.
pub(super) fn fit(value: &mut Json<'_>, levels: usize, budget_bytes: &mut usize, at: &Path<'_>, tell: Tell<'_>) {
    let spend = |budget_bytes: &mut usize, bytes: usize| *budget_bytes = budget_bytes.saturating_sub(bytes);
    match value {
        Json::Null | Json::Bool(_) => spend(budget_bytes, 4),
        Json::Number(digits) if digits.len() <= *budget_bytes => spend(budget_bytes, digits.len()),
        Json::Number(_) => {
            *value = Json::Null;
            spend(budget_bytes, 4);
            tell(at, Cut::Whole);
        }
        Json::Text(text) if text.len() + 2 <= *budget_bytes => spend(budget_bytes, text.len() + 2),
        Json::Text(text) => {
            let chars = text.chars().count();
            let end = text.floor_char_boundary(budget_bytes.saturating_sub(5));
            *text = Cow::Owned(format!("{}...", &text[..end]));
            *budget_bytes = 0;
            tell(at, Cut::Text { chars, dots: (end, end + 3) });
        }
        Json::Array(_) | Json::Object(_) if levels == 0 && !value.is_empty() => {
            *value = Json::from(MARK);
            spend(budget_bytes, MARK.len() + 2);
            tell(at, Cut::Whole);
        }
        Json::Array(_) | Json::Object(_) => {
            spend(budget_bytes, 2);
            fit_entries(value, levels, budget_bytes, at, tell);
        }
    }
}

fn fit_entries(value: &mut Json<'_>, levels: usize, budget_bytes: &mut usize, at: &Path<'_>, tell: Tell<'_>) {
    let mut is_full = false;
    let mut has_room = |budget_bytes: &mut usize, overhead_bytes: usize| {
        is_full |= *budget_bytes < overhead_bytes + ENTRY_BYTES_MIN;
        if !is_full {
            *budget_bytes -= overhead_bytes;
        }
        !is_full
    };
    let levels = levels.saturating_sub(1);
    let (before, after) = match value {
        Json::Array(values) => {
            let (before, mut index) = (values.len(), 0);
            values.retain_mut(|value| {
                let keep = has_room(budget_bytes, 1);
                if keep {
                    fit(value, levels, budget_bytes, &at.index(index), tell);
                    index += 1;
                }
                keep
            });
            (before, values.len())
        }
        Json::Object(object) => {
            let before = object.len();
            object.retain(|key, value| {
                let keep = has_room(budget_bytes, key.len() + 4);
                if keep {
                    fit(value, levels, budget_bytes, &at.key(key), tell);
                }
                keep
            });
            (before, object.len())
        }
        _ => return,
    };
    if after < before {
        tell(at, Cut::Entries(before));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(json: &str, levels: usize, budget_bytes: usize) -> (String, bool) {
        let (text, told) = told(json, levels, budget_bytes);
        (text, told.is_empty())
    }

    fn told(json: &str, levels: usize, budget_bytes: usize) -> (String, Vec<(String, Cut)>) {
        let mut value = crate::json::read(json, &mut Vec::new());
        let mut told = Vec::new();
        fit(&mut value, levels, &mut budget_bytes.clone(), &Path::root("x"), &mut |at, cut| {
            told.push((at.to_string(), cut));
        });
        (value.to_string(), told)
    }

    #[test]
    fn every_cut_is_told_at_its_place() {
        let json = r#"{"a":"0123456789","b":[1,2,3],"c":{"d":{"e":1}}}"#;
        assert_eq!(told(json, 5, 37).1, [("x.b".into(), Cut::Entries(3)), ("x".into(), Cut::Entries(3))]);
        assert_eq!(told(json, 2, 1000).1, [("x.c.d".into(), Cut::Whole)]);
        let cut = Cut::Text { chars: 10, dots: (3, 6) };
        assert_eq!(told(json, 5, 15).1, [("x.a".into(), cut), ("x".into(), Cut::Entries(3))]);
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
