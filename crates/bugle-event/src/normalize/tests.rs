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

fn written(event: &Event<'_>) -> String {
    let mut out = Vec::new();
    event.json.write(&mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}

proptest! {
    /// As the door does it, and again from what it has stored.
    #[test]
    fn normalising_and_scrubbing_twice_is_doing_it_once(json in sentry::near::event(), drift_ms in -10 * HOUR_MS..10 * HOUR_MS) {
        let arrival = Arrival { sent_at_ms: Some(RECEIVED_MS + drift_ms), ..arrival() };
        let scrubber = crate::scrub::Scrubber::default();
        let read = sentry::read(&json);
        let canonical = written(&read);
        prop_assert_eq!(written(&sentry::read(&canonical)), &*canonical, "reading what was read");
        let mut event = with(&json, &arrival);
        let once = written(&event);
        let mut again = Event::stored(&once);
        normalize(&mut again, &arrival);
        prop_assert_eq!(written(&again), &*once, "normalising what is normal");
        crate::frame::decide_in_app(&mut event);
        scrubber.scrub(&mut event);
        let clean = written(&event);
        scrubber.scrub(&mut event);
        prop_assert_eq!(written(&event), &*clean, "scrubbing what is clean");
        // A mark may be longer than what it stands for, so what is nearly too long may be cut after it.
        const BAG_BYTES_MIN: usize = 1024;
        if clean.len() < BAG_BYTES_MIN {
            let mut again = Event::stored(&clean);
            prop_assert!(again.problems.is_empty());
            normalize(&mut again, &arrival);
            crate::frame::decide_in_app(&mut again);
            scrubber.scrub(&mut again);
            prop_assert_eq!(written(&again), clean, "all of it again");
        }
    }

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

/// What is noted in `_meta` at a dotted path.
fn noted(event: &Event<'_>, path: &str) -> String {
    let mut node = event.json.get("_meta").cloned().unwrap_or_default();
    for step in path.split('.').filter(|step| !step.is_empty()).chain([""]) {
        node = node.object_mut().and_then(|node| node.remove(step)).unwrap_or_default();
    }
    node.to_string()
}

#[test]
fn every_cut_has_its_mark_in_meta() {
    let long = "å".repeat(20_000);
    let json = format!(
        r#"{{"transaction":"{long}","tags":{{"t":"{long}"}},"extra":{{"text":"{long}","deep":[[[[[[[[1]]]]]]]],"list":[{}]}},
            "exception":[{{"type":"E","value":"{long}"}}],"level":"loud","user":{{"ip_address":"here","id":"7"}}}}"#,
        vec!["1234567"; 9_000].join(",")
    );
    let event = of(&json);
    for (path, expected) in [
        ("transaction", r#"{"len":20000,"rem":[["!limit","s",394,397]]}"#),
        ("tags.t", r#"{"len":20000,"rem":[["!limit","s",394,397]]}"#),
        ("exception.values.0.value", r#"{"len":20000,"rem":[["!limit","s",16378,16381]]}"#),
        ("extra.text", r#"{"len":20000,"rem":[["!limit","s",16378,16381]]}"#),
        ("extra.list", r#"{"len":9000}"#),
        ("extra.deep.0.0.0.0.0.0.0", r#"{"rem":[["!limit","x"]]}"#),
        ("level", r#"{"err":["invalid_data"]}"#),
        ("user.ip_address", r#"{"err":["invalid_data"]}"#),
        ("user", "null"),
    ] {
        assert_eq!(noted(&event, path), expected, "{path}");
    }
}

#[test]
fn never_fail_an_event_for_one_invalid_field_and_keep_its_meta() {
    let event =
        of(r#"{"level":[],"timestamp":{"a":1},"exception":3,"message":"m","_meta":{"extra":{"l":{"":{"len":120}}}}}"#);
    assert_eq!((event.message(), event.level()), (Some("m"), "error"));
    assert_eq!(noted(&event, "extra.l"), r#"{"len":120}"#);
    assert_eq!(noted(&event, "timestamp"), r#"{"err":["invalid_data"]}"#);
}

#[test]
fn what_an_sdk_noted_moves_along_with_what_is_cut() {
    let frame = |n: usize| format!(r#"{{"function":"f{n}","lineno":{},"vars":{{"n":{n}}}}}"#, n + 1);
    let frames: Vec<String> = (0..300).map(frame).collect();
    let crumbs: Vec<String> = (0..120)
        .map(|n| format!(r#"{{"message":"{n}","level":"{}"}}"#, if n % 60 == 3 { "loud" } else { "info" }))
        .collect();
    let json = format!(
        r#"{{"exception":[{{"type":"E","stacktrace":{{"frames":[{}]}}}}],"breadcrumbs":[{}],"_meta":{{
            "breadcrumbs":{{"values":{{"":{{"len":500}},"5":{{"message":{{"":{{"len":9}}}}}},"119":{{"message":{{"":{{"len":8}}}}}}}}}},
            "exception":{{"values":{{"0":{{"stacktrace":{{"frames":{{"20":{{"vars":{{"":{{"len":41}}}}}},"60":{{"vars":{{"":{{"len":42}}}}}},"299":{{"vars":{{"":{{"len":43}}}}}}}}}}}}}}}}}}}}"#,
        frames.join(","),
        crumbs.join(",")
    );
    let event = of(&json);
    let frames = "exception.values.0.stacktrace.frames";
    for (path, expected) in [
        (frames.to_string(), r#"{"len":300}"#),
        (format!("{frames}.20.vars"), r#"{"len":41}"#),
        (format!("{frames}.249.vars"), r#"{"len":43}"#),
        (format!("{frames}.60.vars"), r#"{"rem":[["!limit","x"]]}"#),
        (format!("{frames}.299.vars"), "null"),
        ("breadcrumbs.values".into(), r#"{"len":500}"#),
        ("breadcrumbs.values.99.message".into(), r#"{"len":8}"#),
        ("breadcrumbs.values.43.level".into(), r#"{"err":["invalid_data"]}"#),
        ("breadcrumbs.values.5.message".into(), "null"),
    ] {
        assert_eq!(noted(&event, &path), expected, "{path}");
    }
    let told: Vec<&str> = event.stored_problems().map(|(_, _, told)| told).collect();
    assert!(told.contains(&"Of 300 frames the 50 oldest and 200 newest were kept."), "{told:?}");
    assert!(told.contains(&"Of 120 breadcrumbs the 100 newest were kept."), "{told:?}");
}

/// Row 11 of the protocol's checklist of traps.
#[test]
fn clock_drift_only_above_55_minutes_and_times_are_clamped_not_rejected() {
    let json = |at_ms: i64| {
        let (own, crumb) = (crate::time::seconds(at_ms), crate::time::seconds(at_ms - 2_000));
        format!(r#"{{"timestamp":{own},"breadcrumbs":{{"values":[{{"timestamp":{crumb},"message":"m"}}]}}}}"#)
    };
    let times = |at_ms: i64, sent_at_ms: i64| {
        let json = json(at_ms);
        let event = with(&json, &Arrival { sent_at_ms: Some(sent_at_ms), ..arrival() });
        let crumb = event.breadcrumbs().next().and_then(|crumb| crate::time::read(crumb.get("timestamp")?));
        (event.timestamp_ms() - RECEIVED_MS, crumb.unwrap() - RECEIVED_MS, problem_kinds(&event).join(","))
    };
    const DRIFT_MS: i64 = CLOCK_DRIFT_MIN_MS;
    for (at_ms, sent_at_ms, expected) in [
        (-1_000, 0, (-1_000, -3_000, "")),
        (-DRIFT_MS, 1 - DRIFT_MS, (-DRIFT_MS, -DRIFT_MS - 2_000, "")),
        (-DRIFT_MS, -DRIFT_MS, (0, -2_000, "clock_drift")),
        (DRIFT_MS, DRIFT_MS, (0, -2_000, "clock_drift")),
        (DRIFT_MS - 1, DRIFT_MS - 1, (0, -2_000, "future_timestamp")),
        (-PAST_MAX_MS - 1, 0, (0, -2_000, "past_timestamp")),
    ] {
        let (own, crumb, kinds) = expected;
        assert_eq!(times(RECEIVED_MS + at_ms, RECEIVED_MS + sent_at_ms), (own, crumb, kinds.to_string()), "{at_ms}");
    }
}
