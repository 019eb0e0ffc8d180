//! The steps together. Whole events are in `fixtures/sentry/`.

use super::*;
use crate::dialect::sentry;
use proptest::prelude::*;

const RECEIVED_MS: i64 = 1_785_578_400_000;
const HOUR_MS: i64 = 3_600_000;

fn arrival() -> Arrival<'static> {
    Arrival {
        received_ms: RECEIVED_MS,
        sent_at_ms: None,
        event_id: EventId([7; 16]),
        client: Some("sentry.test/1.2"),
        client_ip: "203.0.113.9".parse().ok(),
    }
}

fn with<'a>(json: &'a str, arrival: &Arrival<'_>) -> Event<'a> {
    let mut event = sentry::read(json);
    normalize(&mut event, arrival);
    assert!(event.problems.is_empty(), "they are stored");
    event
}

fn of(json: &str) -> Event<'_> {
    with(json, &arrival())
}

fn problem_kinds<'e>(event: &'e Event<'_>) -> Vec<&'e str> {
    event.stored_problems().map(|(kind, _, _)| kind).collect()
}

#[test]
fn an_empty_event_becomes_complete() {
    let mut out = Vec::new();
    of("{}").json.write(&mut out);
    let expected = concat!(
        r#"{"event_id":"07070707070707070707070707070707","received":1785578400,"timestamp":1785578400,"level":"error","#,
        r#""platform":"other","type":"default","sdk":{"name":"sentry.test","version":"1.2"},"tags":[["level","error"]]}"#
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn the_request_decides_the_id_and_not_the_sdk() {
    let event = of(r#"{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","sdk":{"name":"own"}}"#);
    assert_eq!(event_id_of(&event), Some(EventId([7; 16])));
    assert_eq!(event.json.object("sdk").and_then(|sdk| sdk.text("name")), Some("own"));
}

#[test]
fn clocks_that_differ_are_set() {
    let json = r#"{"timestamp":1785571200.5,"breadcrumbs":[{"timestamp":1785571199.5,"message":"m"}]}"#;
    let times = |sent_at_ms: i64| {
        let event = with(json, &Arrival { sent_at_ms: Some(sent_at_ms), ..arrival() });
        let crumb = event.breadcrumbs().next().and_then(|crumb| crate::time::read(crumb.get("timestamp")?));
        (event.timestamp_ms() - RECEIVED_MS, crumb.unwrap() - RECEIVED_MS, problem_kinds(&event).join(","))
    };
    let two_hours_ago = -2 * HOUR_MS + 500;
    assert_eq!(times(RECEIVED_MS - CLOCK_DRIFT_MIN_MS + 1), (two_hours_ago, two_hours_ago - 1000, String::new()));
    assert_eq!(times(RECEIVED_MS - 2 * HOUR_MS), (500, -500, "clock_drift".into()));
}

#[test]
fn times_that_cannot_be_are_clamped() {
    let of_time = |timestamp_ms: i64| {
        let json = format!("{{\"timestamp\":{}}}", crate::time::seconds(timestamp_ms));
        let event = of(&json);
        (event.timestamp_ms() - RECEIVED_MS, problem_kinds(&event).join(","))
    };
    assert_eq!(of_time(RECEIVED_MS + FUTURE_MAX_MS), (FUTURE_MAX_MS, String::new()));
    assert_eq!(of_time(RECEIVED_MS + FUTURE_MAX_MS + 1), (0, "future_timestamp".into()));
    assert_eq!(of_time(RECEIVED_MS - PAST_MAX_MS), (-PAST_MAX_MS, String::new()));
    assert_eq!(of_time(RECEIVED_MS - PAST_MAX_MS - 1), (0, "past_timestamp".into()));
    assert_eq!(of_time(RECEIVED_MS * 1000), (0, "future_timestamp".into()), "milliseconds taken for seconds");
}

#[test]
fn names_that_break_the_rules_go() {
    let event = of(r#"{"release":" app@1.0 ","environment":"a/b","dist":"x y","logger":"two\nlines"}"#);
    assert_eq!((event.text("release"), event.text("environment"), event.text("dist")), (Some("app@1.0"), None, None));
    assert_eq!(event.text("logger"), Some("two lines"));
    assert_eq!(problem_kinds(&event), ["invalid_environment", "invalid_data"]);
    for json in [r#"{"release":"Latest"}"#, r#"{"environment":"None"}"#, r#"{"release":".."}"#] {
        assert_eq!(problem_kinds(&of(json)).len(), 1, "{json}");
    }
    let long = format!("{{\"platform\":\"java\",\"logger\":\"com.example.{}.CartService\"}}", "a".repeat(60));
    assert_eq!(of(&long).text("logger"), Some("*.CartService"));
}

#[test]
fn an_address_is_inferred_only_where_the_sender_is_the_user() {
    let ip = |json: &str| of(json).json.object("user").and_then(|user| user.text("ip_address")).map(str::to_string);
    let client = Some("203.0.113.9".to_string());
    assert_eq!(ip(r#"{"platform":"javascript"}"#), client);
    assert_eq!(ip(r#"{"platform":"python"}"#), None);
    assert_eq!(ip(r#"{"platform":"python","sdk":{"name":"x","settings":{"infer_ip":"auto"}}}"#), client);
    assert_eq!(ip(r#"{"platform":"javascript","sdk":{"name":"x","settings":{"infer_ip":"never"}}}"#), None);
    assert_eq!(ip(r#"{"platform":"python","user":{"ip_address":"{{auto}}"}}"#), client);
    let proxied = r#"{"user":{"ip_address":"{{auto}}"},"request":{"env":{"REMOTE_ADDR":"198.51.100.1"}}}"#;
    assert_eq!(ip(proxied), Some("198.51.100.1".into()));
    let unknown = with(r#"{"user":{"ip_address":"{{auto}}"}}"#, &Arrival { client_ip: None, ..arrival() });
    assert!(!unknown.json.has("user"));
}

#[test]
fn tags_are_derived() {
    let event = of(
        r#"{"level":"warning","environment":"qa","release":"r","transaction":"/a","request":{"url":"https://x.example/a?b=c"},
            "contexts":{"os":{"name":"Linux","version":"6.1","rooted":false},"browser":{"name":"Firefox"},"device":{"model":"M1"}},
            "exception":[{"type":"A","mechanism":{"type":"chained","handled":true}},
                         {"type":"B","mechanism":{"type":"wsgi","handled":false}}],
            "tags":{"level":"mine","os":"mine","own":"1"}}"#,
    );
    let expected = [
        ("level", "warning"),
        ("os", "mine"),
        ("own", "1"),
        ("environment", "qa"),
        ("release", "r"),
        ("transaction", "/a"),
        ("handled", "no"),
        ("mechanism", "wsgi"),
        ("url", "https://x.example/a"),
        ("os.name", "Linux"),
        ("browser", "Firefox"),
        ("browser.name", "Firefox"),
        ("device", "M1"),
        ("os.rooted", "no"),
    ];
    assert_eq!(event.tags().collect::<Vec<_>>(), expected);
}

#[test]
fn long_things_are_cut_and_told() {
    let long = "x".repeat(20_000);
    let json = format!(
        r#"{{"transaction":"{long}","message":"{long}","tags":{{"t":"{long}"}},"extra":{{"e":"{long}"}},
            "exception":[{{"type":"E","value":"{long}","stacktrace":{{"frames":[{{"function":"f","vars":{{"v":"{long}"}}}}]}}}}]}}"#
    );
    let event = of(&json);
    let mut paths: Vec<_> = event.stored_problems().map(|(kind, path, _)| (kind, path)).collect();
    paths.sort();
    let frame = "exception.values.0.stacktrace.frames.0.vars";
    let expected = [
        "exception.values.0.stacktrace.frames.0.vars",
        "exception.values.0.value",
        "extra.e",
        "logentry.formatted",
        "tags.t",
        "transaction",
    ];
    assert_eq!(paths, expected.map(|path| ("value_too_long", path)), "{frame}");
    assert_eq!(event.tag("t").map(str::len), Some(200));
    assert!(event.message().is_some_and(|message| message.len() == 8192 && message.ends_with("x...")));
}

#[test]
fn breadcrumbs_keep_the_newest_and_problems_the_first() {
    let crumbs: Vec<_> = (0..150).map(|n| format!("{{\"message\":\"{n}\"}}")).collect();
    let json = format!(
        "{{\"breadcrumbs\":[{}],\"errors\":[{{\"type\":\"own\"}}],\"tags\":[{}]}}",
        crumbs.join(","),
        ["1"; 99].join(",")
    );
    let event = of(&json);
    let kept: Vec<_> = event.breadcrumbs().filter_map(|crumb| crumb.text("message")).collect();
    assert_eq!((kept.len(), kept[0], kept[99]), (100, "50", "149"));
    let kinds = problem_kinds(&event);
    assert_eq!((kinds.len(), kinds[0], kinds[1]), (PROBLEMS_MAX, "own", "invalid_data"));
}

proptest! {
    #[test]
    fn normalising_twice_is_normalising_once(json in sentry::tests::any_json(), drift_ms in -10 * HOUR_MS..10 * HOUR_MS) {
        let arrival = Arrival { sent_at_ms: Some(RECEIVED_MS + drift_ms), ..arrival() };
        let mut once = Vec::new();
        with(&json, &arrival).json.write(&mut once);
        let once = String::from_utf8(once).expect("JSON is UTF-8");
        let mut again = Event::stored(&once);
        normalize(&mut again, &arrival);
        let mut twice = Vec::new();
        again.json.write(&mut twice);
        prop_assert_eq!(String::from_utf8(twice).expect("JSON is UTF-8"), once);
    }
}
