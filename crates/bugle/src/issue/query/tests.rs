//! What queries mean, and how those that cannot be answered are told.

use super::*;
use crate::access::Role;
use proptest::prelude::*;

const NOW_MS: i64 = 1_780_000_000_000;

fn read(query: &str) -> Result<Filter, QueryError> {
    let people = [Member { user: 7, email: "ann@example.com".into(), name: "Ann Lee".into(), role: Role::Member }];
    parse(query, &Asker { me: 3, people: &people, now_ms: NOW_MS })
}

fn terms(query: &str) -> Vec<Term> {
    read(query).unwrap_or_else(|error| panic!("{query}: {error:?}")).terms
}

fn one(query: &str) -> Test {
    match terms(query).as_slice() {
        [Term { is_negated: false, test }] => test.clone(),
        other => panic!("{query}: {other:?}"),
    }
}

fn pattern(text: &str) -> Pattern {
    Pattern(text.into())
}

#[test]
fn each_key_means_something() {
    assert_eq!(one("is:unresolved"), Test::Status(Status::Unresolved));
    assert_eq!(one("is:ignored"), Test::Status(Status::Archived));
    assert_eq!(one("is:new"), Test::New(NOW_MS));
    assert_eq!(one("assigned:me"), Test::Assignee(vec![Some(3)]));
    assert_eq!(one("assigned:[me, none]"), Test::Assignee(vec![Some(3), None]));
    assert_eq!(one("assigned:ANN@example.com"), Test::Assignee(vec![Some(7)]));
    assert_eq!(one("assigned:\"ann lee\""), Test::Assignee(vec![Some(7)]));
    assert_eq!(one("level:[error,fatal]"), Test::Text(Field::Level, vec![pattern("error"), pattern("fatal")]));
    assert_eq!(one("error.type:Key*"), Test::Text(Field::Kind, vec![pattern("Key*")]));
    assert_eq!(one("error.handled:0"), Test::Unhandled(true));
    assert_eq!(one("age:-24h"), Test::Number(Number::FirstMs, Compare::AtLeast, NOW_MS - 86_400_000));
    assert_eq!(one("lastSeen:+2d"), Test::Number(Number::LastMs, Compare::AtMost, NOW_MS - 2 * 86_400_000));
    assert_eq!(one("firstSeen:>2026-05-28"), Test::Number(Number::FirstMs, Compare::More, 1_779_926_400_000));
    assert_eq!(one("timesSeen:>=10"), Test::Number(Number::Events, Compare::AtLeast, 10));
    assert_eq!(one("issue:shop-3f"), Test::ShortIds(vec![("shop".into(), 111)]));
    assert_eq!(one("id:[4,5]"), Test::Ids(vec![4, 5]));
    assert_eq!(one("issue.category:feedback"), Test::Always(false));
    assert_eq!(one("has:release"), Test::HasTag("release".into()));
    assert_eq!(one("browser.name:Firefox"), Test::Tag("browser.name".into(), vec![pattern("Firefox")]));
    assert_eq!(one("tags[level]:\"a b\""), Test::Tag("level".into(), vec![pattern("a b")]));
    assert_eq!(one("user:id:4"), Test::Tag("user".into(), vec![pattern("id:4")]));
    assert_eq!(terms("!is:resolved"), [Term { is_negated: true, test: Test::Status(Status::Resolved) }]);
}

#[test]
fn pasted_messages_are_words() {
    for (query, words) in [
        ("TypeError: x", vec!["TypeError:", "x"]),
        ("std::vec", vec!["std::vec"]),
        ("https://x.example/a", vec!["https://x.example/a"]),
        ("\"is:unresolved now\"", vec!["is:unresolved now"]),
        ("a AND b", vec!["a", "b"]),
        ("level:", vec!["level:"]),
        (r#""say \"hi\"""#, vec![r#"say "hi""#]),
        ("!", vec!["!"]),
    ] {
        let expected: Vec<Term> =
            words.iter().map(|word| Term { is_negated: false, test: Test::Words(pattern(word)) }).collect();
        assert_eq!(terms(query), expected, "{query}");
    }
}

#[test]
fn the_environment_narrows_numbers_too() {
    let filter = read("environment:[production,staging] x").expect("reads");
    assert_eq!(filter.environments, ["production", "staging"]);
    assert_eq!(filter.terms.len(), 1);
    let filter = read("!environment:dev").expect("reads");
    assert_eq!(filter.terms, [Term { is_negated: true, test: Test::Environment(vec!["dev".into()]) }]);
    let filter = read("environment:\"\"").expect("reads");
    assert_eq!(filter.terms, [Term { is_negated: false, test: Test::Environment(vec![String::new()]) }]);
}

#[test]
fn errors_point_at_the_term_and_say_what_there_is() {
    for (query, at, told, suggestion) in [
        ("é is:resloved", 2, "unresolved, resolved", Some("is:resolved")),
        ("a lvel:error", 2, "Did you mean level?", Some("level:error")),
        ("stack.function:f", 0, "firstSeen, lastSeen", None),
        ("level:[a", 0, "no ]", None),
        ("x \"open", 2, "quotes", None),
        ("a OR b", 2, "OR is not understood yet", None),
        ("(a b)", 0, "Brackets", None),
        ("age:soon", 0, "-24h", None),
        ("timesSeen:many", 0, ">=10", None),
        ("assigned:nobody@example.com", 0, "Nobody here", None),
        ("is:[new,resolved]", 0, "one value", None),
        ("id:x", 0, "digits", None),
    ] {
        let error = read(query).expect_err(query);
        assert_eq!(error.at, at, "{query}");
        assert!(error.text.contains(told), "{query}: {}", error.text);
        assert_eq!(error.suggestion.as_deref(), suggestion, "{query}");
    }
    assert!(read(&"a ".repeat(60)).is_err(), "terms are bounded");
    assert!(read(&"a".repeat(QUERY_BYTES_MAX + 1)).is_err(), "length is bounded");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(query in "[ -~é\n]{0,80}") {
        if let Err(error) = read(&query) {
            prop_assert!(error.at <= query.chars().count());
            prop_assert!(!error.text.is_empty());
        }
    }

    #[test]
    fn a_quoted_value_is_read_back(value in "[^\0]{1,40}") {
        let quoted = format!("tags[x]:\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
        prop_assert_eq!(one(&quoted), Test::Tag("x".into(), vec![Pattern(value)]));
    }
}
