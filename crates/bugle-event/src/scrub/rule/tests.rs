//! What rules do to events, which selectors reach what, and what is said of a broken configuration.

use super::*;
use crate::event::Event;
use crate::scrub::{Scrubber, Settings};
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn scrubber(rules: &str) -> Scrubber {
    let rules = Rules::read(rules).unwrap_or_else(|faults| panic!("{rules}: {faults:?}"));
    Scrubber::new(Settings { defaults: false, rules: vec![Arc::new(rules)], ..Settings::default() })
}

/// The event without `_meta`, and `_meta`.
fn applied(rules: &str, event: &str) -> (String, String) {
    let mut event = Event::stored(event);
    scrubber(rules).scrub(&mut event);
    let meta = event.json.remove("_meta").map(|meta| meta.to_string()).unwrap_or_default();
    (Json::Object(event.json).to_string(), meta)
}

const EVENT: &str = r#"{"event_id":"jo@x.example","release":"jo@x.example","user":{"email":"jo@x.example","ip_address":"10.1.2.3"},"request":{"headers":[["X-Who","jo@x.example"],["User-Agent","Chrome/120.0.0.0"]],"data":"{\"who\":{\"mail\":\"jo@x.example\"}}"},"tags":[["who","jo@x.example"],["browser","Chrome 120.0.0.0"]],"extra":{"my key":"jo@x.example","n":42,"list":["jo@x.example",{"deep":"jo@x.example"}]},"breadcrumbs":{"values":[{"category":"jo@x.example","message":"jo@x.example"}]},"exception":{"values":[{"type":"E","value":"of jo@x.example","stacktrace":{"frames":[{"function":"jo@x.example","vars":{"a":"jo@x.example"}}]}}]}}"#;

/// How many addresses each selector reaches.
#[test]
fn selectors_reach_what_they_say() {
    for (selector, gone) in [
        ("user.email", 1),
        ("USER.Email", 1),
        ("user.*", 1),
        ("user.**", 1),
        ("user", 0),
        ("$user.email", 1),
        ("**.email", 1),
        ("request.headers.x-who", 1),
        ("$request.headers.*", 1),
        ("request.data", 1),
        ("request.data.who.mail", 1),
        ("tags.who", 1),
        ("extra.'my key'", 1),
        ("extra.list.0", 1),
        ("extra.list.1.deep", 1),
        ("extra.**", 3),
        ("extra.*", 1),
        ("breadcrumbs.values.0.message", 1),
        ("$breadcrumb.message", 1),
        ("$error.value", 1),
        ("$exception.**", 2),
        ("$frame.vars.a", 1),
        ("$frame.vars.**", 1),
        ("$frame.function", 1),
        ("exception.values.*.stacktrace.frames.*.vars.a", 1),
        ("release", 1),
        ("event_id", 0),
        ("**", 10),
        ("$string", 10),
        ("$string && extra.**", 3),
        ("extra.** || user.email", 4),
        ("$string && !extra.**", 7),
        ("$string & ~(extra.** | user.**)", 6),
        ("$number", 0),
        ("$event.user", 0),
        ("$event.user.email", 1),
    ] {
        let rules = format!(r#"{{"applications":{{{}:["@email:replace"]}}}}"#, Json::from(selector));
        let (after, _) = applied(&rules, EVENT);
        assert_eq!(after.matches("[email]").count(), gone, "{selector}: {after}");
    }
}

#[test]
fn each_method_is_noted_with_rule_and_place() {
    let event = r#"{"extra":{"a":"to jo@x.example, now"}}"#;
    for (method, after, meta) in [
        ("remove", "to , now", r#"["@email:remove","x",3,3]"#),
        ("replace", "to [email], now", r#"["@email:replace","s",3,10]"#),
        ("mask", "to ************, now", r#"["@email:mask","m",3,15]"#),
        ("hash", "to 0D1B5E2C", r#"["@email:hash","p",3,43]"#),
    ] {
        let (got, noted) = applied(&format!(r#"{{"applications":{{"extra.a":["@email:{method}"]}}}}"#), event);
        if method != "hash" {
            assert_eq!(got, format!(r#"{{"extra":{{"a":"{after}"}}}}"#));
        }
        assert!(!got.contains("jo@x"), "{got}");
        assert_eq!(noted, format!(r#"{{"extra":{{"a":{{"":{{"rem":[{meta}]}}}}}}}}"#));
    }
}

#[test]
fn a_configuration_of_sentry_is_understood() {
    let rules = r#"{"rules":{
        "order":{"type":"pattern","pattern":"order-([a-z]+)-([0-9]+)","replaceGroups":[2],"redaction":{"method":"replace","text":"N"}},
        "pin":{"type":"redact_pair","keyPattern":"^pin$","redaction":{"method":"mask"}},
        "who":{"type":"alias","rule":"@email:hash","hideInner":true},
        "both":{"type":"multiple","rules":["order","who"]},
        "gone":{"type":"anything","redaction":{"method":"remove"}},
        "quiet":{"type":"anything"}},
        "applications":{"$string":["both"],"**":["pin"],"extra.gone || extra.box":["gone"],"user.id":["quiet"],"user.name":["@anything:hash"]},
        "vars":{"hashKey":"salt"}}"#;
    let event = r#"{"user":{"id":7,"name":"jo"},"extra":{"a":"order-shoe-123 by jo@x.example","PIN":1234,"gone":[1],"box":{"a":1},"pin":{"a":"12"}}}"#;
    let (after, meta) = applied(rules, event);
    assert!(after.contains(r#""a":"order-shoe-N by "#) && !after.contains("jo@x"), "{after}");
    assert!(after.contains(r#""PIN":"****","gone":null,"box":null,"pin":{"a":"**"}"#), "{after}");
    assert!(after.contains(r#""id":null"#) && !after.contains(r#""jo""#), "{after}");
    assert!(meta.contains(r#"["who","p","#) && meta.contains(r#"["pin","m",0,4]"#), "{meta}");
    let other = applied(&rules.replace("salt", "pepper"), event).0;
    assert_ne!(after, other, "the key counts");
}

#[test]
fn what_holds_json_or_a_form_is_opened() {
    let rules =
        r#"{"rules":{"pin":{"type":"redact_pair","keyPattern":"pin"}},"applications":{"**":["pin","@ip:replace"]}}"#;
    let (after, _) = applied(
        rules,
        r#"{"request":{"data":"pin=1234&from=10.0.0.1&q=a%20b"},"extra":{"a":"{\"pin\":1,\"b\":[\"10.0.0.1\"]}"}}"#,
    );
    assert_eq!(
        after,
        r#"{"request":{"data":"pin=&from=[ip]&q=a%20b"},"extra":{"a":"{\"pin\":null,\"b\":[\"[ip]\"]}"}}"#
    );
}

#[test]
fn versions_are_no_addresses() {
    let (after, _) = applied(r#"{"applications":{"**":["@ip:replace"]}}"#, EVENT);
    assert!(after.contains(r#""ip_address":"[ip]""#) && after.matches("120.0.0.0").count() == 2, "{after}");
}

#[test]
fn shapes_of_events_are_kept_when_text_takes_their_place() {
    let (after, _) = applied(r#"{"applications":{"user || $frame || extra":["@anything:replace"]}}"#, EVENT);
    assert!(after.contains(r#""user":null"#) && after.contains(r#""frames":[null]"#), "{after}");
    assert!(after.contains(r#""extra":"[Filtered]""#), "{after}");
}

#[test]
fn faults_name_their_place() {
    for (config, said) in [
        ("{", "The rules are no JSON: it breaks at character"),
        ("[]", "The rules are no JSON object."),
        (r#"{"rule":{}}"#, "rule means nothing here"),
        (r#"{"rules":{"a":1}}"#, "rules.a must be an object."),
        (r#"{"rules":{"a":{}}}"#, "rules.a has no type."),
        (r#"{"rules":{"a":{"type":"emial"}}}"#, "rules.a.type \"emial\" is not known."),
        (
            r#"{"rules":{"a":{"type":"pattern","pattern":"(x"}}}"#,
            "rules.a.pattern is no regular expression: unclosed group",
        ),
        (r#"{"rules":{"a":{"type":"pattern"}}}"#, "rules.a.pattern is missing."),
        (
            r#"{"rules":{"a":{"type":"pattern","pattern":"x","replaceGroups":[2]}}}"#,
            "rules.a.replaceGroups are numbers of groups",
        ),
        (
            r#"{"rules":{"a":{"type":"ip","redaction":{"method":"eat"}}}}"#,
            "rules.a.redaction.method \"eat\" is not known",
        ),
        (r#"{"rules":{"a":{"type":"alias","rule":"a"}}}"#, "rules.a is made of itself"),
        (r#"{"applications":{"**":["a"]}}"#, "applications.** names a rule \"a\" that there is not."),
        (r#"{"applications":{"**":["@emial"]}}"#, "applications.** names a rule \"@emial\" that is not built in."),
        (r#"{"applications":{"a..b":["@ip"]}}"#, "applications.a..b has '.' at character 3, where a name belongs."),
        (r#"{"applications":{"$foo":["@ip"]}}"#, "applications.$foo knows no type $foo."),
        (r#"{"applications":{"(a":["@ip"]}}"#, "applications.(a ends where a closing parenthesis belongs."),
        (
            r#"{"applications":{"a b":["@ip"]}}"#,
            "applications.a b has 'b' at character 3, where the end, && or || belongs.",
        ),
        (r#"{"applications":{"'a":["@ip"]}}"#, "has a quote at character 1 that is not closed"),
        (r#"{"applications":{"a*":["@ip"]}}"#, "* and ** stand for whole steps"),
    ] {
        let faults = Rules::read(config).err().unwrap_or_else(|| panic!("{config} was taken"));
        assert!(faults[0].to_string().contains(said), "{config}: {faults:?}");
    }
    assert!(Rules::read("").expect("nothing").is_empty() && Rules::read("null").expect("nothing").is_empty());
}

#[test]
fn hostile_rules_and_texts_take_linear_time() {
    let rules = r#"{"rules":{"a":{"type":"pattern","pattern":".*[^A-Z]|[A-Z]","redaction":{"method":"mask"}},"b":{"type":"pattern","pattern":"(a+)+$"}},
        "applications":{"**.**.**.x.**.**.y || **.a.*.**.b || **":["a","b","@common:mask","@email:hash","@ip","@uuid","@imei","@mac","@cookies"]}}"#;
    let scrubber = scrubber(rules);
    for piece in ["A", "a", "a@", "1.", "::", "4111 ", "a=b;", "0a:"] {
        let measure = |bytes: usize| {
            let text = piece.repeat(bytes / piece.len());
            let mut event = Event::stored("{}");
            event.json.set("extra", Object::from_iter([("a".into(), Json::from(text))]));
            let start = Instant::now();
            scrubber.scrub(&mut event);
            start.elapsed()
        };
        let (small, large) = (measure(8 << 10), measure(64 << 10));
        // Eight times as much: quadratic work would take 64 times as long.
        assert!(large < small * 30 + Duration::from_millis(400), "{piece}: {small:?}, {large:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_selector_and_any_configuration_is_read_without_panic(selector in "[$a-z*.'!~()&| 0-9]{0,24}", text in "\\PC{0,40}") {
        let _ = Rules::read(&text);
        let rules = format!(r#"{{"applications":{{{}:["@email:mask","@anything:remove"]}}}}"#, Json::from(selector));
        if let Ok(rules) = Rules::read(&rules) {
            rules.event(&mut Event::stored(EVENT).json, &mut Vec::new());
        }
    }

    #[test]
    fn a_secret_that_a_rule_is_for_is_left_nowhere(secret in "[a-z]{6,12}", place in 0usize..9, method in 0usize..4) {
        let mail = format!("{secret}@mail.example");
        let places = [
            r#"{"extra":{"a":{"b":["S"]}}}"#, r#"{"tags":[["a","S"]]}"#, r#"{"request":{"headers":[["a","S"]]}}"#,
            r#"{"request":{"data":"x=S&y=1"}}"#, r#"{"extra":{"a":"{\"b\":\"S\"}"}}"#, r#"{"logentry":{"formatted":"by S","params":["S"]}}"#,
            r#"{"breadcrumbs":{"values":[{"data":{"a":"S"}}]}}"#, r#"{"exception":{"values":[{"value":"x S y","stacktrace":{"frames":[{"vars":{"a":"'S'"}}]}}]}}"#,
            r#"{"contexts":{"a":{"b":"S"}}}"#,
        ];
        let method = ["remove", "replace", "mask", "hash"][method];
        let rules = format!(r#"{{"applications":{{"**":["@email:{method}"]}}}}"#);
        let (after, meta) = applied(&rules, &places[place].replace('S', &mail));
        prop_assert!(!after.contains(&secret) && !meta.contains(&secret), "{}", after);
        prop_assert_eq!(&applied(&rules, &after).0, &after);
    }
}
