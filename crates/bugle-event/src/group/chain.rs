//! Which exception of a chain is the main one, and which types the chain has.
//!
//! Exceptions come oldest cause first; the last was thrown last and is the main one. The exception to that is a group
//! (`ExceptionGroup`, `AggregateError`, `AggregateException`): its wrapper tells only *that* several things went
//! wrong. If all of them are of one type, the wrapper is dropped and the first of them stands for all (protocol
//! reference §15.4). If they differ, the wrapper is the best name there is, and stays.

use crate::event::{Event, Exception};

/// The chain of exceptions of one event, as grouping and title see it.
pub struct Chain<'e> {
    /// The exception that stands for the event.
    pub main: Option<Exception<'e>>,
    /// The types that say something, oldest cause first. In a group each type counts once, because how many
    /// of its members failed is chance.
    pub types: Vec<&'e str>,
    /// The types that were left out because the SDK made them up.
    pub synthetic: Vec<&'e str>,
}

impl<'e> Chain<'e> {
    /// The chain of `event`.
    pub fn of(event: &'e Event<'_>) -> Chain<'e> {
        let all: Vec<Exception<'e>> = event.exceptions().collect();
        let grouped = all.iter().any(is_wrapper);
        let mut chain = Chain { main: main(&all, grouped), types: Vec::new(), synthetic: Vec::new() };
        for exception in all.iter().filter(|exception| !is_wrapper(exception)) {
            let Some(kind) = exception.kind() else { continue };
            match exception.is_synthetic() {
                true => chain.synthetic.push(kind),
                false if grouped && chain.types.contains(&kind) => {}
                false => chain.types.push(kind),
            }
        }
        if let Some(wrapper) = chain.main.filter(is_wrapper) {
            chain.types.extend(wrapper.kind());
        }
        chain
    }

    /// The type of the main exception, unless it is made up.
    pub fn main_type(&self) -> Option<&'e str> {
        self.main.filter(|exception| !exception.is_synthetic())?.kind()
    }
}

fn main<'e>(all: &[Exception<'e>], grouped: bool) -> Option<Exception<'e>> {
    let last = *all.last()?;
    if !grouped || !is_wrapper(&last) {
        return Some(last);
    }
    let wrappers: Vec<i64> = all.iter().filter(|e| is_wrapper(e)).filter_map(|e| number(e, "exception_id")).collect();
    let member =
        |e: &Exception<'_>| !is_wrapper(e) && number(e, "parent_id").is_some_and(|parent| wrappers.contains(&parent));
    let mut members = all.iter().rev().filter(|e| member(e));
    let Some(first) = members.next() else { return Some(last) };
    Some(if members.all(|other| other.kind() == first.kind()) { *first } else { last })
}

fn is_wrapper(exception: &Exception<'_>) -> bool {
    exception.mechanism().and_then(|m| m.get("is_exception_group")).and_then(crate::json::Json::bool) == Some(true)
}

fn number(exception: &Exception<'_>, key: &str) -> Option<i64> {
    exception.mechanism()?.get(key)?.int()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain_of(values: &str) -> (Option<String>, Vec<String>) {
        let text = format!(r#"{{"exception":{{"values":[{values}]}}}}"#);
        let event = Event::stored(&text);
        let chain = Chain::of(&event);
        (chain.main.and_then(|e| e.kind()).map(String::from), chain.types.iter().map(|t| t.to_string()).collect())
    }

    #[test]
    fn the_last_one_was_thrown_last() {
        let (main, types) = chain_of(r#"{"type":"KeyError"},{"type":"CheckoutError"}"#);
        assert_eq!(main.as_deref(), Some("CheckoutError"));
        assert_eq!(types, ["KeyError", "CheckoutError"]);
    }

    #[test]
    fn a_made_up_type_says_nothing() {
        let (_, types) = chain_of(r#"{"type":"SIGSEGV","mechanism":{"synthetic":true}}"#);
        assert!(types.is_empty());
    }

    #[test]
    fn a_group_of_equals_is_its_first_member() {
        let member = |id: u32| {
            format!(r#"{{"type":"TimeoutError","value":"{id}","mechanism":{{"exception_id":{id},"parent_id":0}}}}"#)
        };
        let root = r#"{"type":"ExceptionGroup","mechanism":{"exception_id":0,"is_exception_group":true}}"#;
        let two = chain_of(&format!("{},{},{root}", member(2), member(1)));
        let three = chain_of(&format!("{},{},{},{root}", member(3), member(2), member(1)));
        assert_eq!(two.0.as_deref(), Some("TimeoutError"));
        assert_eq!(two, three, "how many of them failed is chance");
        assert_eq!(two.1, ["TimeoutError"]);
    }

    #[test]
    fn a_mixed_group_keeps_its_name() {
        let (main, types) = chain_of(
            r#"{"type":"KeyError","mechanism":{"exception_id":2,"parent_id":0}},
               {"type":"OSError","mechanism":{"exception_id":1,"parent_id":0}},
               {"type":"ExceptionGroup","mechanism":{"exception_id":0,"is_exception_group":true}}"#,
        );
        assert_eq!(main.as_deref(), Some("ExceptionGroup"));
        assert_eq!(types, ["KeyError", "OSError", "ExceptionGroup"]);
    }
}
