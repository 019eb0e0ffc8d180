//! Rules: conditions that a person wrote, on any field.
//!
//! **Form**, in JSON:
//!
//! ```json
//! {"id": 1, "name": "Old app", "note": "gone by May", "isActive": true,
//!  "when": {"all": [{"test": {"field": "release", "op": "glob", "values": ["shop@1.*"]}},
//!                   {"not": {"test": {"field": "tag:plan", "op": "is", "values": ["paid"]}}}]}}
//! ```
//!
//! A condition is `all` or `any` of others, `not` one, or a `test`. A test holds if any value of the field fits any of its
//! values, whatever their case. A field without a value fits nothing, so `not` it holds.
//!
//! **Bounds** ([`check`]): rules run for every event on the way in.

use super::field::{Field, Seen};
use super::glob::{Glob, PATTERN_CHARS_MAX, fold};
use ipnet::IpNet;
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::net::IpAddr;

/// Rules of a project.
pub const RULES_MAX: usize = 100;
/// Tests of one rule.
pub const TESTS_MAX: usize = 30;
/// Values of one test.
pub const VALUES_MAX: usize = 50;
/// Values of all rules of a project: each may be looked for in every event.
pub const VALUES_OF_ALL_MAX: usize = 5_000;
/// How deep conditions may stand in each other.
pub const DEPTH_MAX: usize = 5;
/// The longest name, in characters.
pub const NAME_CHARS_MAX: usize = 100;
/// The longest note, in characters.
pub const NOTE_CHARS_MAX: usize = 1_000;

/// A rule: events that it holds for are dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Its number in its project; never given twice.
    #[serde(default)]
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// Why it is there.
    #[serde(default)]
    pub note: String,
    /// Whether it drops anything.
    pub is_active: bool,
    /// What it holds for.
    pub when: Condition,
}

/// What must be so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// Each of them.
    All(Vec<Condition>),
    /// At least one of them.
    Any(Vec<Condition>),
    /// The contrary.
    Not(Box<Condition>),
    /// One field.
    Test(Test),
}

/// A look at one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Where to look.
    pub field: Field,
    /// How to compare.
    pub op: Op,
    /// With what; nothing for [`Op::Set`].
    #[serde(default)]
    pub values: Vec<String>,
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// The whole value.
    Is,
    /// Somewhere in the value.
    Contains,
    /// The start of the value.
    Starts,
    /// The end of the value.
    Ends,
    /// The whole value, with `*` and `?`.
    Glob,
    /// An address in one of these blocks: `10.0.0.0/8`, or a single one.
    Range,
    /// There is a value.
    Set,
}

/// Every comparison: its name in a rule, and for people.
pub const OPS: [(Op, &str, &str); 7] = [
    (Op::Is, "is", "is"),
    (Op::Contains, "contains", "contains"),
    (Op::Starts, "starts", "starts with"),
    (Op::Ends, "ends", "ends with"),
    (Op::Glob, "glob", "matches"),
    (Op::Range, "range", "is in the range"),
    (Op::Set, "set", "is set"),
];

/// An address or a block of them.
pub fn block(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// How many values a condition compares with.
pub fn values(condition: &Condition) -> usize {
    match condition {
        Condition::All(list) | Condition::Any(list) => list.iter().map(values).sum(),
        Condition::Not(one) => values(one),
        Condition::Test(test) => test.values.len(),
    }
}

/// Whether a rule is one that can be kept.
///
/// # Errors
/// A sentence for the person who wrote it.
pub fn check(rule: &Rule) -> Result<(), String> {
    let name = rule.name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(format!("A rule needs a name of at most {NAME_CHARS_MAX} characters."));
    }
    if rule.note.chars().count() > NOTE_CHARS_MAX {
        return Err(format!("A note has at most {NOTE_CHARS_MAX} characters."));
    }
    let mut tests = 0;
    check_condition(&rule.when, 1, &mut tests)
}

fn check_condition(condition: &Condition, depth: usize, tests: &mut usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("Conditions stand at most {DEPTH_MAX} deep in each other."));
    }
    match condition {
        Condition::All(list) | Condition::Any(list) if list.is_empty() => {
            Err("A rule without a condition would drop everything. Add one.".into())
        }
        Condition::All(list) | Condition::Any(list) => {
            list.iter().try_for_each(|one| check_condition(one, depth + 1, tests))
        }
        Condition::Not(one) => check_condition(one, depth + 1, tests),
        Condition::Test(test) => {
            *tests += 1;
            if *tests > TESTS_MAX {
                return Err(format!("A rule has at most {TESTS_MAX} conditions."));
            }
            check_test(test)
        }
    }
}

fn check_test(test: &Test) -> Result<(), String> {
    let field = &test.field;
    if test.op == Op::Set {
        return Ok(());
    }
    if test.values.is_empty() || test.values.iter().any(|value| value.trim().is_empty()) {
        return Err(format!("The condition on {field} has nothing to compare with."));
    }
    if test.values.len() > VALUES_MAX {
        return Err(format!("A condition has at most {VALUES_MAX} values."));
    }
    let is_address = *field == Field::Known("ip");
    if test.op == Op::Range && !is_address {
        return Err(format!("A range is one of addresses; {field} is none."));
    }
    if is_address && matches!(test.op, Op::Range | Op::Is) {
        return match test.values.iter().find(|value| block(value).is_none()) {
            Some(odd) => Err(format!("{odd:?} is no address and no block such as 10.0.0.0/8.")),
            None => Ok(()),
        };
    }
    if test.op == Op::Glob {
        return test.values.iter().try_for_each(|value| Glob::new(value).map(drop));
    }
    match test.values.iter().any(|value| value.chars().count() > PATTERN_CHARS_MAX) {
        true => Err(format!("A value has at most {PATTERN_CHARS_MAX} characters.")),
        false => Ok(()),
    }
}

/// A condition, ready to judge. Fields are told apart by a number, so that each is read once per event.
#[derive(Debug)]
pub(super) enum Compiled {
    All(Vec<Compiled>),
    Any(Vec<Compiled>),
    Not(Box<Compiled>),
    Test { at: usize, field: Field, needs: Needs },
    Addresses(Vec<IpNet>),
}

#[derive(Debug)]
pub(super) enum Needs {
    Any,
    Equal(Vec<String>),
    Start(Vec<String>),
    End(Vec<String>),
    Part(Vec<Finder<'static>>),
    Globs(Vec<Glob>),
}

impl Compiled {
    /// Compiles a condition that was checked; `fields` gathers the fields of all rules.
    pub(super) fn new(condition: &Condition, fields: &mut Vec<Field>) -> Compiled {
        let list =
            |list: &[Condition], fields: &mut Vec<Field>| list.iter().map(|one| Compiled::new(one, fields)).collect();
        let test = match condition {
            Condition::All(all) => return Compiled::All(list(all, fields)),
            Condition::Any(any) => return Compiled::Any(list(any, fields)),
            Condition::Not(one) => return Compiled::Not(Box::new(Compiled::new(one, fields))),
            Condition::Test(test) => test,
        };
        let is_of_addresses = test.field == Field::Known("ip") && matches!(test.op, Op::Range | Op::Is);
        if is_of_addresses {
            return Compiled::Addresses(test.values.iter().filter_map(|value| block(value)).collect());
        }
        let folded = || test.values.iter().map(|value| fold(value).into_owned()).collect();
        let needs = match test.op {
            Op::Set => Needs::Any,
            Op::Is | Op::Range => Needs::Equal(folded()),
            Op::Starts => Needs::Start(folded()),
            Op::Ends => Needs::End(folded()),
            Op::Contains => {
                let finder = |value: &String| Finder::new(fold(value).as_bytes()).into_owned();
                Needs::Part(test.values.iter().map(finder).collect())
            }
            Op::Glob => Needs::Globs(test.values.iter().filter_map(|value| Glob::new(value).ok()).collect()),
        };
        let at = fields.iter().position(|field| *field == test.field).unwrap_or_else(|| {
            fields.push(test.field.clone());
            fields.len() - 1
        });
        Compiled::Test { at, field: test.field.clone(), needs }
    }

    pub(super) fn holds(&self, seen: &Seen<'_>) -> bool {
        match self {
            Compiled::All(list) => list.iter().all(|one| one.holds(seen)),
            Compiled::Any(list) => list.iter().any(|one| one.holds(seen)),
            Compiled::Not(one) => !one.holds(seen),
            Compiled::Test { at, field, needs } => needs.fit(seen.folded(*at, field)),
            Compiled::Addresses(blocks) => {
                seen.addresses().any(|address| blocks.iter().any(|block| block.contains(&address.to_canonical())))
            }
        }
    }
}

impl Needs {
    fn fit(&self, values: &[Cow<'_, str>]) -> bool {
        values.iter().any(|value| match self {
            Needs::Any => true,
            Needs::Equal(wanted) => wanted.iter().any(|wanted| wanted == value),
            Needs::Start(wanted) => wanted.iter().any(|wanted| value.starts_with(wanted.as_str())),
            Needs::End(wanted) => wanted.iter().any(|wanted| value.ends_with(wanted.as_str())),
            Needs::Part(parts) => parts.iter().any(|part| part.find(value.as_bytes()).is_some()),
            Needs::Globs(globs) => globs.iter().any(|glob| glob.matches(value)),
        })
    }
}
