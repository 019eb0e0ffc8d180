//! Filters in words: a rule as a sentence, and what was dropped.

use crate::filter::drops::{DAYS_SHOWN, Dropped};
use crate::ui::moment;
use crate::ui::number::counted;
use bugle_event::filter::rule::OPS;
use bugle_event::filter::{Condition, FIELDS, Field, Op, Test};
use maud::{Markup, html};

/// Values that a sentence names before it says how many more there are.
const NAMED_MAX: usize = 3;
/// The longest value in a sentence, in characters.
const VALUE_CHARS_MAX: usize = 60;

/// A field, for people.
pub(super) fn field(field: &Field) -> String {
    match field {
        Field::Tag(key) => format!("Tag {key}"),
        Field::Known(name) => {
            FIELDS.iter().find(|(known, _)| known == name).map_or(name.to_string(), |(_, words)| words.to_string())
        }
    }
}

/// A condition as a sentence without its stop: `Release matches "1.*" and Level is not "error"`.
pub(super) fn sentence(condition: &Condition) -> String {
    match condition {
        Condition::All(list) => joined(list, " and "),
        Condition::Any(list) => joined(list, " or "),
        Condition::Not(one) => match &**one {
            Condition::Test(of) => test(of, true),
            other => format!("not ({})", sentence(other)),
        },
        Condition::Test(of) => test(of, false),
    }
}

fn joined(list: &[Condition], word: &str) -> String {
    let is_simple = |one: &Condition| match one {
        Condition::All(list) | Condition::Any(list) => list.len() == 1,
        _ => true,
    };
    let inner = |one: &Condition| if is_simple(one) { sentence(one) } else { format!("({})", sentence(one)) };
    list.iter().map(inner).collect::<Vec<_>>().join(word)
}

fn test(test: &Test, is_negated: bool) -> String {
    let op = OPS.iter().find(|(op, ..)| *op == test.op).map_or("", |(_, _, words)| *words);
    let op = match (op, is_negated) {
        (op, false) => op.to_string(),
        (op, true) if op.starts_with("is") => op.replacen("is", "is not", 1),
        (op, true) => format!("never {op}"),
    };
    if test.op == Op::Set {
        return format!("{} {op}", field(&test.field));
    }
    let cut = |value: &String| match value.chars().count() {
        ..=VALUE_CHARS_MAX => format!("“{value}”"),
        _ => format!("“{}…”", value.chars().take(VALUE_CHARS_MAX).collect::<String>()),
    };
    let named: Vec<String> = test.values.iter().take(NAMED_MAX).map(cut).collect();
    let more = match test.values.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" or {more} more"),
    };
    format!("{} {op} {}{more}", field(&test.field), named.join(" or "))
}

/// `dropped 1,204 in 14 days, the last 3 min ago`.
pub(super) fn dropped(dropped: Option<&Dropped>, now_ms: i64) -> Markup {
    html! {
        @match dropped {
            None => "dropped nothing yet",
            Some(Dropped { lately: 0, last_ms }) => { "dropped nothing in " (DAYS_SHOWN) " days; the last " (moment::ago(*last_ms, now_ms)) },
            Some(Dropped { lately, last_ms }) => {
                "dropped " data value=(lately) { (counted(*lately, "event", "events")) } " in " (DAYS_SHOWN) " days, the last "
                (moment::ago(*last_ms, now_ms))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_as_a_sentence() {
        let test = |field: &str, op, values: &[&str]| {
            let values = values.iter().map(|value| value.to_string()).collect();
            Condition::Test(Test { field: Field::try_from(field.to_string()).expect("a field"), op, values })
        };
        let not = |one| Condition::Not(Box::new(one));
        let release = || test("release", Op::Glob, &["1.*"]);
        assert_eq!(sentence(&release()), "Release matches “1.*”");
        let all = Condition::All(vec![release(), not(test("tag:plan", Op::Is, &["a", "b", "c", "d", "e"]))]);
        assert_eq!(sentence(&all), "Release matches “1.*” and Tag plan is not “a” or “b” or “c” or 2 more");
        let any = Condition::Any(vec![all.clone(), not(test("url", Op::Set, &[]))]);
        assert_eq!(sentence(&any), format!("({}) or URL is not set", sentence(&all)));
        assert_eq!(sentence(&not(any.clone())), format!("not ({})", sentence(&any)));
    }
}
