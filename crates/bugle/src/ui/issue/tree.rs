//! In which order the exceptions of an event are read.
//!
//! A chain reads inside out, as it was sent: the root cause, and what it became. A group (`ExceptionGroup`,
//! `AggregateError`) is a tree over the flat list, by `exception_id` and `parent_id`: there the group stands first, its
//! members below it, one step in, and below each what caused it.

use super::value;
use bugle_event::event::Exception;
use bugle_event::json::Json;

/// Deeper branches are drawn no further in: the page is narrow.
const DEPTH_SHOWN_MAX: usize = 4;

/// Where an exception stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Branch {
    /// Its place in the event's list.
    pub at: usize,
    /// How many others it is below.
    pub depth: usize,
    /// The place of the one that it is below, or, in a chain, before which it was thrown.
    pub from: Option<usize>,
    /// Its number among those below the same one, from 1, and how many those are.
    pub part: (usize, usize),
}

impl Branch {
    /// How far in it is drawn.
    pub fn class(&self) -> Option<&'static str> {
        ["branch-1", "branch-2", "branch-3", "branch-4"].get(self.depth.min(DEPTH_SHOWN_MAX).checked_sub(1)?).copied()
    }
}

/// All exceptions in the order in which they are read, each once.
pub fn arrange(chain: &[Exception<'_>]) -> Vec<Branch> {
    if !chain.iter().any(is_group) {
        let straight = |at: usize| Branch { at, depth: 0, from: at.checked_sub(1), part: (1, 1) };
        return (0..chain.len()).map(straight).collect();
    }
    let mut branches = Vec::with_capacity(chain.len());
    let mut seen = vec![false; chain.len()];
    // The outermost stands last in the list. What no way leads to stands at the top too, so that nothing is lost.
    for root in
        (0..chain.len()).rev().filter(|at| number(&chain[*at], "parent_id").is_none()).chain((0..chain.len()).rev())
    {
        let mut next = vec![Branch { at: root, depth: 0, from: None, part: (1, 1) }];
        while let Some(branch) = next.pop() {
            if std::mem::replace(&mut seen[branch.at], true) {
                continue;
            }
            let below = children(chain, branch.at);
            let count = below.len();
            let (depth, from) = (branch.depth + 1, Some(branch.at));
            let below = below.into_iter().enumerate().rev();
            next.extend(below.map(|(index, at)| Branch { at, depth, from, part: (index + 1, count) }));
            branches.push(branch);
        }
    }
    branches
}

/// What led to this one, in words. None for the first.
pub fn led_here(branch: &Branch, chain: &[Exception<'_>]) -> Option<String> {
    let from = &chain[branch.from?];
    let source = |one: &Exception<'_>| one.mechanism().and_then(|mechanism| mechanism.text("source")).map(String::from);
    if branch.depth == 0 {
        let words = match source(from).as_deref() {
            Some("__context__") => "was being handled when this was raised:",
            _ => "was caught, and became",
        };
        return Some(words.into());
    }
    let (part, count) = branch.part;
    let by = source(&chain[branch.at]).map(|source| format!(", {}", value::cut(&source, 60).0)).unwrap_or_default();
    Some(match is_group(from) {
        true => format!("{part} of {count} in it{by}:"),
        false => "because of".into(),
    })
}

/// What stands beside the heading.
pub fn told(chain: &[Exception<'_>]) -> String {
    let count = chain.len();
    match chain.iter().any(is_group) {
        true => format!("{count} in a group, the group first"),
        false => format!("{count} in a chain, inside out"),
    }
}

fn children(chain: &[Exception<'_>], parent: usize) -> Vec<usize> {
    let Some(id) = number(&chain[parent], "exception_id") else { return Vec::new() };
    // They are sent inside out, so the first member is the last of them.
    (0..chain.len()).rev().filter(|at| *at != parent && number(&chain[*at], "parent_id") == Some(id)).collect()
}

fn is_group(exception: &Exception<'_>) -> bool {
    exception.mechanism().and_then(|m| m.get("is_exception_group")).and_then(Json::bool) == Some(true)
}

fn number(exception: &Exception<'_>, key: &str) -> Option<i64> {
    exception.mechanism()?.get(key)?.int()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_event::Event;

    fn order(values: &str) -> Vec<(String, usize, Option<String>)> {
        let text = format!(r#"{{"exception":{{"values":[{values}]}}}}"#);
        let event = Event::stored(&text);
        let chain: Vec<Exception<'_>> = event.exceptions().collect();
        let told = |branch: Branch| {
            (chain[branch.at].kind().unwrap_or("").to_string(), branch.depth, led_here(&branch, &chain))
        };
        arrange(&chain).into_iter().map(told).collect()
    }

    #[test]
    fn a_group_is_a_tree_with_the_group_first() {
        let one = |kind: &str, id: u32, more: &str| {
            format!(r#"{{"type":"{kind}","mechanism":{{"exception_id":{id}{more}}}}}"#)
        };
        let values = [
            one("Cause", 3, r#","parent_id":2"#),
            one("Second", 2, r#","parent_id":0,"source":"exceptions[1]""#),
            one("First", 1, r#","parent_id":0"#),
            one("Group", 0, r#","is_exception_group":true"#),
        ];
        let expected = [
            ("Group".to_string(), 0, None),
            ("First".into(), 1, Some("1 of 2 in it:".to_string())),
            ("Second".into(), 1, Some("2 of 2 in it, exceptions[1]:".into())),
            ("Cause".into(), 2, Some("because of".into())),
        ];
        assert_eq!(order(&values.join(",")), expected);
    }

    #[test]
    fn a_tree_that_is_none_loses_nothing() {
        let circle = r#"{"type":"A","mechanism":{"exception_id":1,"parent_id":2,"is_exception_group":true}},
            {"type":"B","mechanism":{"exception_id":2,"parent_id":1}},{"type":"C","mechanism":{"exception_id":3,"parent_id":3}},{"type":"D"}"#;
        let mut kinds: Vec<String> = order(circle).into_iter().map(|(kind, ..)| kind).collect();
        kinds.sort();
        assert_eq!(kinds, ["A", "B", "C", "D"]);
    }
}
