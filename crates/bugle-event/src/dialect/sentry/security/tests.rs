//! Reports as browsers of all ages send them.

use super::*;
use crate::envelope;
use proptest::prelude::*;

fn about() -> About<'static> {
    About {
        received_ms: 1_785_578_400_000,
        user_agent: Some("Mozilla/5.0 (X11) Firefox/140.0"),
        release: Some("shop@4.1".into()),
        environment: None,
    }
}

/// The events of a body, and how many other items there are.
fn events(body: &str) -> (Vec<String>, usize) {
    let bytes = super::envelope(body, &about()).expect("an envelope");
    let envelope = envelope::split(&bytes).expect("splits");
    let (events, others): (Vec<_>, Vec<_>) = envelope.items.iter().partition(|item| item.kind == "event");
    (events.iter().map(|item| String::from_utf8(item.payload.to_vec()).unwrap()).collect(), others.len())
}

/// The message, the culprit and the tags of the one event.
fn told(body: &str) -> (String, String, Vec<String>) {
    let (events, _) = events(body);
    let event = super::super::read(&events[0]);
    assert!(event.problems.is_empty(), "{:?}", event.problems);
    let tags = event.tags().map(|(key, value)| format!("{key}={value}")).collect();
    (event.message().unwrap().into(), event.text("culprit").unwrap().into(), tags)
}

#[test]
fn a_classical_report_becomes_an_event() {
    let body = r#"{"csp-report":{"document-uri":"https://shop.example/cart?id=1","referrer":"https://search.example/",
        "violated-directive":"img-src https://cdn.shop.example 'self' 'nonce-8xK'","effective-directive":"img-src",
        "original-policy":"img-src 'self'","blocked-uri":"https://evil.example/a.png?who=ann","status-code":"200"}}"#;
    let (message, culprit, tags) = told(body);
    assert_eq!(message, "Blocked 'image' from 'evil.example'");
    assert_eq!(culprit, "img-src cdn.shop.example 'self' 'nonce'");
    let expected =
        ["effective-directive=img-src", "blocked-uri=https://evil.example/a.png", "blocked-host=evil.example"];
    assert_eq!(tags, expected);
    let (events, _) = events(body);
    let event = super::super::read(&events[0]);
    let request = event.json.object("request").unwrap();
    assert_eq!(request.text("url"), Some("https://shop.example/cart"));
    let headers: Vec<_> = crate::event::pairs(request.array("headers")).collect();
    let expected = [
        ("User-Agent", "Mozilla/5.0 (X11) Firefox/140.0"),
        ("Referer", "https://search.example/"),
        ("Origin", "https://shop.example"),
    ];
    assert_eq!(headers, expected);
    let csp = event.json.object("csp").unwrap();
    assert_eq!(csp.get("status_code").and_then(Json::int), Some(200));
    assert_eq!((event.text("release"), event.text("logger")), (Some("shop@4.1"), Some("csp")));
}

#[test]
fn keys_come_in_three_cases() {
    for body in [
        r#"{"csp-report":{"effective-directive":"script-src-elem","blocked-uri":"https://x.example/a.js","document-uri":"https://y.example/"}}"#,
        r#"{"csp-report":{"effectiveDirective":"script-src-elem","blockedURI":"https://x.example/a.js","documentURI":"https://y.example/"}}"#,
        r#"{"csp_report":{"effective_directive":"script-src-elem","blocked_uri":"https://x.example/a.js","document_uri":"https://y.example/"}}"#,
        r#"[{"type":"csp-violation","url":"https://y.example/","body":{"effectiveDirective":"script-src-elem","blockedURL":"https://x.example/a.js"}}]"#,
    ] {
        let (message, culprit, tags) = told(body);
        assert_eq!((message.as_str(), culprit.as_str()), ("Blocked 'script' from 'x.example'", "script-src-elem"));
        assert_eq!(tags.len(), 3, "{body}");
    }
}

#[test]
fn what_is_local_says_how() {
    for (blocked, violated, message) in [
        ("inline", "script-src 'self'", "Blocked inline 'script'"),
        ("", "script-src", "Blocked inline 'script'"),
        ("eval", "script-src", "Blocked eval of 'script'"),
        ("self", "style-src", "Blocked inline 'style'"),
        ("https://shop.example/a.css", "style-src", "Blocked 'style' from 'self'"),
        ("data:image/png;base64,AAAA", "img-src", "Blocked 'image' from 'data'"),
        ("https://ann:pw@cdn.example:8443/x", "font-src", "Blocked 'font' from 'cdn.example:8443'"),
    ] {
        let body = format!(
            r#"{{"csp-report":{{"violated-directive":"{violated}","blocked-uri":"{blocked}","document-uri":"https://shop.example/"}}}}"#
        );
        assert_eq!(told(&body).0, message, "{blocked}");
    }
}

#[test]
fn a_list_is_one_event_for_each_and_other_kinds_are_not_kept() {
    let body = r#"[
        {"type":"csp-violation","age":1500,"user_agent":"Own/1","body":{"effectiveDirective":"img-src","blockedURL":"https://a.example/"}},
        {"type":"deprecation","age":1,"body":{"id":"x"}},
        {"type":"csp-violation","body":{"effectiveDirective":"nothing-src"}},
        3,
        {"csp-report":{"effective-directive":"font-src"}}]"#;
    let (events, others) = events(body);
    assert_eq!((events.len(), others), (2, 3));
    let first = super::super::read(&events[0]);
    assert_eq!(first.timestamp_ms(), 1_785_578_398_500);
    assert!(events[0].contains("Own/1"));
    assert!(super::super::read(&events[1]).message().is_some_and(|message| message == "Blocked inline 'font'"));
}

#[test]
fn reports_about_certificates_have_their_own_words() {
    for (body, key, message) in [
        (
            r#"{"expect-ct-report":{"date-time":"2026-08-01T10:00:00Z","hostname":"shop.example","port":443,"scts":[]}}"#,
            "expectct",
            "Certificate transparency failed for 'shop.example'",
        ),
        (
            r#"{"expect-staple-report":{"hostname":"shop.example","response-status":"MISSING"}}"#,
            "expectstaple",
            "Stapling of a certificate's status failed for 'shop.example'",
        ),
        (
            r#"{"hostname":"shop.example","port":443,"known-pins":["pin-sha256=\"x\""],"include-subdomains":false}"#,
            "hpkp",
            "The certificates of 'shop.example' have none of the pinned keys",
        ),
    ] {
        let (events, _) = events(body);
        let event = super::super::read(&events[0]);
        assert_eq!(event.message(), Some(message));
        assert_eq!(event.fingerprint(), Some(vec![key, "shop.example"]));
        assert!(event.json.object(key).is_some_and(|report| report.has("hostname")), "{key}");
    }
}

#[test]
fn what_is_no_report_is_told_apart() {
    let why = |body: &str| super::envelope(body, &about()).expect_err("no envelope");
    assert_eq!(why(" \n"), SecurityError::Empty);
    assert_eq!(why("{\"csp-report\":"), SecurityError::Json { at: 14 });
    assert_eq!(why("{\"a\":1}"), SecurityError::Unknown);
    assert_eq!(why("{\"csp-report\":{\"effective-directive\":\"x\"}}"), SecurityError::Directive);
    assert_eq!(why(&format!("[{}]", vec!["1"; REPORTS_MAX + 1].join(","))), SecurityError::TooMany);
    assert_eq!(network_envelope("[{},{}]").map(|bytes| envelope::split(&bytes).unwrap().items.len()), Ok(2));
}

proptest! {
    #[test]
    fn any_body_is_answered(body in "(\\[|\\{|\"csp-report\"|:|\"effective-directive\"|\"img-src\"|\"blocked-uri\"|\"[a-zé:/?@#]{0,9}\"|,|\\}|\\]|null){0,20}") {
        let _ = super::envelope(&body, &about());
    }

    #[test]
    fn any_address_is_cut_where_it_may_be(uri in "[a-zé:/?@#.]{0,20}") {
        let body = format!(r#"{{"csp-report":{{"effective-directive":"img-src","blocked-uri":"{uri}","document-uri":"{uri}"}}}}"#);
        prop_assert_eq!(events(&body).0.len(), 1);
    }
}
