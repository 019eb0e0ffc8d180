//! Whole payloads through the reader. Fixtures in `fixtures/sentry/` go further, through normalising.

use super::*;
use proptest::prelude::*;

fn canonical(json: &str) -> (String, usize) {
    let event = read(json);
    let mut out = Vec::new();
    event.json.write(&mut out);
    (String::from_utf8(out).unwrap(), event.problems.len())
}

#[test]
fn old_names_are_folded_into_todays() {
    let (text, problems) = canonical(
        r#"{"sentry.interfaces.Exception":[{"type":"E","value":"v"}],"sentry.interfaces.User":{"id":1},
            "client_sdk":{"name":"raven"},"message":"hi","stacktrace":{"frames":[{"function":"f"}]}}"#,
    );
    assert_eq!(problems, 0);
    let expected = concat!(
        r#"{"exception":{"values":[{"type":"E","value":"v","stacktrace":{"frames":[{"function":"f"}]}}]},"#,
        r#""user":{"id":"1"},"sdk":{"name":"raven"},"logentry":{"formatted":"hi"}}"#
    );
    let sort = |text: &str| {
        let mut entries: Vec<_> = match json::read(text, &mut Vec::new()) {
            Json::Object(object) => object.into_iter().map(|(k, v)| format!("{k}: {v}")).collect(),
            _ => Vec::new(),
        };
        entries.sort();
        entries
    };
    assert_eq!(sort(&text), sort(expected));
}

#[test]
fn the_stack_of_a_message_is_its_threads() {
    let (text, _) = canonical(r#"{"message":"m","stacktrace":{"frames":[{"function":"f"}]}}"#);
    assert!(
        text.contains(r#""threads":{"values":[{"current":true,"stacktrace":{"frames":[{"function":"f"}]}}]}"#),
        "{text}"
    );
}

#[test]
fn what_nobody_knows_stays() {
    let json = r#"{"spam":{"a":[1,null]},"exception":{"values":[{"type":"E","spam":1}],"spam":2},"user":{"id":"1"}}"#;
    assert_eq!(canonical(json), (json.to_string(), 0));
}

#[test]
fn one_bad_field_costs_only_itself() {
    let event = read(
        r#"{"event_id":"x","timestamp":"soon","level":"loud","platform":"toaster","exception":7,"tags":3,
            "release":["a"],"logger":"kept","fingerprint":{"a":1},"user":"ann","received":5}"#,
    );
    assert_eq!(event.text("logger"), Some("kept"));
    assert_eq!(event.platform(), "other");
    let mut paths: Vec<_> = event.problems.iter().map(|problem| problem.path.as_str()).collect();
    paths.sort();
    assert_eq!(
        paths,
        [
            "event_id",
            "exception.values.0",
            "fingerprint.0",
            "level",
            "platform",
            "release",
            "tags",
            "timestamp",
            "user"
        ]
    );
    assert_eq!(event.json.len(), 2, "{:?}", event.json);
}

#[test]
fn a_payload_that_is_no_object_is_an_event_all_the_same() {
    for (payload, message) in
        [("\"hello\"", Some("hello")), ("not json", Some("not json")), ("[1,2]", Some("[1,2]")), ("", None)]
    {
        let event = read(payload);
        assert_eq!((event.message(), event.problems.is_empty()), (message, false), "{payload}");
    }
    assert_eq!(read(r#"[{"message":"in an array"}]"#).message(), Some("in an array"));
    assert_eq!(read(r#"{"message":"cut", "extra":{"a"#).message(), Some("cut"));
}

/// Row 8 of the protocol's checklist of traps.
#[test]
fn exceptions_and_frames_come_oldest_first_and_the_last_exception_names_the_event() {
    let event = read(
        r#"{"exception":[{"type":"Cause"},{"type":"Thrown","stacktrace":{"frames":[{"function":"outer"},{"function":"inner"}]}}]}"#,
    );
    let kinds: Vec<_> = event.exceptions().filter_map(|exception| exception.kind()).collect();
    assert_eq!(kinds, ["Cause", "Thrown"]);
    assert_eq!(crate::title::title(&event).kind, "Thrown");
    assert_eq!(event.stack().and_then(|stack| stack.culprit()).and_then(|frame| frame.function()), Some("inner"));
}

/// Row 9 of the protocol's checklist of traps.
#[test]
fn lists_of_values_tags_and_fingerprints_come_in_every_form() {
    for (key, element) in
        [("exception", r#"{"type":"E"}"#), ("threads", r#"{"id":1}"#), ("breadcrumbs", r#"{"message":"m"}"#)]
    {
        let expected = format!(r#"{{"{key}":{{"values":[{element}]}}}}"#);
        for form in [element.to_string(), format!("[{element},null]"), format!(r#"{{"values":[null,{element}]}}"#)] {
            assert_eq!(canonical(&format!(r#"{{"{key}":{form}}}"#)), (expected.clone(), 0));
        }
    }
    for tags in [r#"{"a":"b","n":1}"#, r#"[["a","b"],null,["n",1]]"#] {
        assert_eq!(canonical(&format!(r#"{{"tags":{tags}}}"#)).0, r#"{"tags":[["a","b"],["n","1"]]}"#);
    }
    for (fingerprint, expected) in [
        (r#"["a",7,true,1.5]"#, r#"{"fingerprint":["a","7","True","1.5"]}"#),
        (r#""alone""#, r#"{"fingerprint":["alone"]}"#),
        ("[]", "{}"),
    ] {
        assert_eq!(canonical(&format!(r#"{{"fingerprint":{fingerprint}}}"#)).0, expected);
    }
}

#[test]
fn every_interface_is_brought_to_its_form() {
    for (json, expected) in [
        (r#"{"extra":{"a":NaN,"b":Infinity,"c":-Infinity}}"#, r#"{"extra":{"a":null,"b":null,"c":null}}"#),
        (r#"{"template":"a.html"}"#, r#"{"template":{"filename":"a.html","abs_path":"a.html"}}"#),
        (r#"{"template":{"lineno":3}}"#, "{}"),
        (
            r#"{"sdk":{"name":"s","integrations":["a",null],"packages":["p",{"version":"1"}],"client_ip":"::1"}}"#,
            r#"{"sdk":{"name":"s","integrations":["a"],"packages":[{"name":"p"}]}}"#,
        ),
        (
            r#"{"exception":{"type":"E","mechanism":{"type":"x","exception_id":"3","parent_id":1.0,"is_exception_group":"true"}}}"#,
            r#"{"exception":{"values":[{"type":"E","mechanism":{"type":"x","exception_id":3,"parent_id":1,"is_exception_group":true}}]}}"#,
        ),
        (
            r#"{"threads":{"stacktrace":{"frames":[{"function":"f","function_id":1}],"registers":{"a":4096,"b":"n/a","c":null},"snapshot":"false"}}}"#,
            r#"{"threads":{"values":[{"stacktrace":{"frames":[{"function":"f","function_id":"0x1"}],"registers":{"a":"0x1000","b":"n/a"},"snapshot":false}}]}}"#,
        ),
        (
            r#"{"exception":[{"type":"A"},{"type":"B"}],"stacktrace":[{"function":"f"}]}"#,
            r#"{"exception":{"values":[{"type":"A"},{"type":"B","stacktrace":{"frames":[{"function":"f"}]}}]}}"#,
        ),
        (
            r#"{"csp":{"effectiveDirective":"img-src","lineNumber":"3"}}"#,
            r#"{"csp":{"effective_directive":"img-src","line_number":3}}"#,
        ),
        (r#"{"_meta":{"a":{"":{"len":3,"val":"x"}}},"received":1,"version":"7"}"#, r#"{"_meta":{"a":{"":{"len":3}}}}"#),
    ] {
        assert_eq!(canonical(json).0, expected, "{json}");
    }
}

#[test]
fn problems_are_bounded() {
    let bad = vec!["1"; 10_000].join(",");
    let payload = format!("{{\"exception\":[{bad}],\"tags\":[{bad}]}}");
    let event = read(&payload);
    assert_eq!(event.problems.len(), crate::problem::NOTED_MAX);
}

/// JSON of the kind that breaks readers: known keys with values of every type.
pub(crate) fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_string()),
        Just("true".to_string()),
        Just("0".to_string()),
        Just("1785578400.123456".to_string()),
        Just("\"\"".to_string()),
        Just("\"a=b; c: d?e#f %s {}\"".to_string()),
        Just("\"{\\\"a\\\":1}\"".to_string()),
        Just(format!("\"{}\"", "lång\\n".repeat(3000))),
    ];
    let key = proptest::sample::select(vec![
        "exception",
        "values",
        "stacktrace",
        "frames",
        "function",
        "filename",
        "lineno",
        "vars",
        "mechanism",
        "type",
        "value",
        "message",
        "logentry",
        "params",
        "request",
        "url",
        "headers",
        "cookies",
        "query_string",
        "data",
        "user",
        "id",
        "ip_address",
        "tags",
        "environment",
        "breadcrumbs",
        "timestamp",
        "level",
        "contexts",
        "extra",
        "threads",
        "sdk",
        "fingerprint",
        "errors",
        "debug_meta",
        "images",
        "sentry.interfaces.Http",
        "posix_signal",
        "odd",
        "release",
        "logger",
        "received",
        "os",
        "name",
    ]);
    leaf.prop_recursive(6, 60, 6, move |inner| {
        let entries = proptest::collection::vec((key.clone(), inner.clone()), 0..6);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(|values| format!("[{}]", values.join(","))),
            entries.prop_map(|entries| {
                let entries: Vec<_> = entries.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", entries.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_payload_is_read_and_its_canonical_form_stays(json in any_json(), cut in any::<proptest::sample::Index>()) {
        let (once, _) = canonical(&json);
        let (twice, _) = canonical(&once);
        prop_assert_eq!(&twice, &once, "from {}", json);
        let end = json.floor_char_boundary(cut.index(json.len() + 1));
        let _ = read(&json[..end]);
    }
}
