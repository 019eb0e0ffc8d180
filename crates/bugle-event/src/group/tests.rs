//! What must be one issue, what must not, and that explanations tell the story of the keys.

use super::*;
use proptest::prelude::*;

fn keys_of(text: &str) -> Vec<Key> {
    let grouping = group(&Event::stored(text));
    assert_eq!(grouping.version, VERSION);
    grouping.keys
}

fn event(kind: &str, value: &str, frames: &str) -> String {
    format!(
        r#"{{"platform":"python","exception":{{"values":[{{"type":"{kind}","value":"{value}","stacktrace":{{"frames":[{frames}]}}}}]}}}}"#
    )
}

fn frame(place: &str, function: &str) -> String {
    format!(r#"{{"module":"{place}","function":"{function}","in_app":true,"lineno":12}}"#)
}

fn kinds(keys: &[Key]) -> Vec<Kind> {
    keys.iter().map(|key| key.kind).collect()
}

#[test]
fn one_python_error_in_three_spellings_is_one_issue() {
    let of = |place: &str| {
        let frame = |file: &str, function: &str| {
            format!(
                r#"{{{},"function":"{function}","in_app":true,"lineno":{}}}"#,
                place.replace("cart", file),
                file.len()
            )
        };
        keys_of(&event("KeyError", "'sku-17'", &[frame("views", "checkout"), frame("cart", "total")].join(",")))
    };
    let module = of(r#""module":"shop.cart""#);
    assert_eq!(kinds(&module), [Kind::Full, Kind::Site]);
    assert_eq!(module, of(r#""filename":"shop/cart.py""#));
    assert_eq!(module, of(r#""abs_path":"/srv/app/shop/cart.py""#));
}

#[test]
fn another_caller_keeps_the_site_and_another_value_the_stack() {
    let tail = [frame("shop.cart", "total"), frame("shop.price", "of"), frame("shop.db", "get")].join(",");
    let web = keys_of(&event("KeyError", "'a'", &format!("{},{tail}", frame("shop.web", "checkout"))));
    let job = keys_of(&event("KeyError", "'b'", &format!("{},{tail}", frame("shop.job", "nightly"))));
    assert_ne!(web[0], job[0]);
    assert_eq!(web[1], job[1]);
    let other = keys_of(&event("KeyError", "no such row", &format!("{},{tail}", frame("shop.web", "checkout"))));
    assert_eq!(web[0], other[0]);
    assert_ne!(web[1], other[1]);
}

#[test]
fn another_type_or_crash_site_is_another_issue() {
    let base = keys_of(&event("KeyError", "x", &frame("shop.cart", "total")));
    for other in [
        event("ValueError", "x", &frame("shop.cart", "total")),
        event("KeyError", "x", &frame("shop.cart", "count")),
        event("KeyError", "x", &frame("shop.price", "total")),
    ] {
        let keys = keys_of(&other);
        assert!(keys.iter().all(|key| !base.contains(key)), "{other}");
    }
}

#[test]
fn only_in_app_frames_count_unless_there_are_none() {
    let library = r#"{"module":"flask.app","function":"wsgi_app","in_app":false}"#;
    let own = frame("shop.cart", "total");
    assert_eq!(keys_of(&event("E", "x", &format!("{library},{own}"))), keys_of(&event("E", "x", &own)));
    assert_ne!(keys_of(&event("E", "x", library)), keys_of(&event("E", "x", &library.replace("wsgi_app", "run"))));
}

#[test]
fn depth_of_recursion_is_no_difference() {
    let calls = |names: &[&str]| {
        let frames: Vec<String> = names.iter().map(|name| frame("shop.tree", name)).collect();
        keys_of(&event("RecursionError", "x", &frames.join(",")))
    };
    assert_eq!(calls(&["main", "walk", "walk"]), calls(&["main", "walk", "walk", "walk", "walk"]));
    assert_eq!(calls(&["main", "a", "b", "a", "b"]), calls(&["main", "a", "b", "a", "b", "a", "b"]));
    assert_ne!(calls(&["main", "a", "b"]), calls(&["main", "b", "a"]));
}

#[test]
fn anonymous_frames_alone_need_the_message() {
    let frame = r#"{"filename":"/srv/app.js","function":"<anonymous>","in_app":true}"#;
    let of = |value: &str| keys_of(&event("Error", value, frame).replace("python", "node"));
    assert_eq!(kinds(&of("a")), [Kind::Site]);
    assert_ne!(of("no stock"), of("no price"));
    assert_eq!(of("row 17"), of("row 18"));
}

#[test]
fn minified_frames_fall_back_to_the_message() {
    let frame = |name: &str| {
        format!(r#"{{"filename":"/js/main.3f2a9c1b.js","function":"{name}","lineno":1,"colno":9000,"in_app":true}}"#)
    };
    let of =
        |name: &str, value: &str| keys_of(&event("TypeError", value, &frame(name)).replace("python", "javascript"));
    assert_eq!(kinds(&of("t", "x is undefined")), [Kind::Message]);
    assert_eq!(of("t", "x is undefined"), of("e", "x is undefined"));
    assert_ne!(of("t", "x is undefined"), of("t", "y is undefined"));
}

#[test]
fn without_a_stack_the_template_and_logger_decide() {
    let of = |message: &str, logger: &str| {
        keys_of(&format!(r#"{{"logger":"{logger}","logentry":{{"formatted":"{message}"}}}}"#))
    };
    assert_eq!(kinds(&of("paid 17", "shop")), [Kind::Message]);
    assert_eq!(of("paid 17", "shop"), of("paid 18", "shop"));
    assert_ne!(of("paid 17", "shop"), of("paid 17", "bank"));
    assert_ne!(of("paid 17", "shop"), of("lost 17", "shop"));
}

#[test]
fn the_sdk_s_template_beats_the_finished_text() {
    let of = |name: &str| {
        keys_of(&format!(r#"{{"logentry":{{"message":"hello %s","formatted":"hello {name}","params":["{name}"]}}}}"#))
    };
    assert_eq!(of("jo"), of("kim"));
}

#[test]
fn an_empty_message_takes_the_transaction() {
    let of = |transaction: &str| {
        keys_of(&format!(r#"{{"transaction":"{transaction}","exception":{{"values":[{{"type":"Error"}}]}}}}"#))
    };
    assert_ne!(of("/a"), of("/b"));
    assert_eq!(keys_of("{}"), keys_of(r#"{"level":"error"}"#), "what says nothing is one issue");
    let because = explain(&Event::stored("{}"));
    assert!(because.parts.is_empty());
    assert!(because.ignored.iter().any(|ignored| ignored.why.contains("one issue")), "{because:?}");
}

#[test]
fn security_reports_group_by_directive_and_host() {
    let of = |directive: &str, blocked: &str| {
        keys_of(&format!(
            r#"{{"logentry":{{"formatted":"Blocked {blocked}"}},"csp":{{"effective_directive":"{directive}","blocked_uri":"{blocked}","document_uri":"https://shop.example/a"}}}}"#
        ))
    };
    assert_eq!(of("img-src", "https://evil.example/a.png"), of("img-src", "https://evil.example/b.png"));
    assert_eq!(of("img-src", "https://shop.example/a"), of("img-src", "https://shop.example/b"));
    assert_ne!(of("img-src", "https://evil.example/a"), of("script-src", "https://evil.example/a"));
    assert_ne!(of("script-src", "inline"), of("script-src", "eval"));
}

#[test]
fn a_fingerprint_replaces_or_salts() {
    let of = |fingerprint: &str| {
        let text = event("KeyError", "x", &frame("shop.cart", "total"));
        let with = format!(r#"{{"fingerprint":{fingerprint},"transaction":"/pay","tags":[["tier","gold"]],"#);
        keys_of(&text.replacen('{', &with, 1))
    };
    let plain = of("[]");
    assert_eq!(of(r#"["{{ default }}"]"#), plain);
    assert_eq!(of(r#"["{{default}}"]"#), plain);
    assert_eq!(kinds(&of(r#"["payments"]"#)), [Kind::Custom]);
    let salted = of(r#"["{{ default }}","eu"]"#);
    assert_eq!(kinds(&salted), kinds(&plain));
    assert!(salted.iter().all(|key| !plain.contains(key)));
    assert_eq!(
        of(r#"["{{ transaction }}","{{ error.type }}","{{ tags.tier }}"]"#),
        of(r#"["/pay","KeyError","gold"]"#)
    );
    assert_eq!(of(r#"["{{ stack.function }}","{{ module }}"]"#), of(r#"["total","shop.cart"]"#));
    assert_eq!(of(r#"["{{ logger }}"]"#), of(r#"["<no-logger>"]"#));
    assert_eq!(of(r#"["{{ colour }}"]"#), of(r#"["<unrecognized-variable-colour>"]"#));
}

#[test]
fn the_stack_of_the_crashed_thread_stands_in() {
    let text = |function: &str| {
        format!(
            r#"{{"threads":{{"values":[{{"id":1,"stacktrace":{{"frames":[{}]}}}},{{"id":2,"crashed":true,"stacktrace":{{"frames":[{}]}}}}]}}}}"#,
            frame("shop.idle", "wait"),
            frame("shop.cart", function)
        )
    };
    assert_ne!(keys_of(&text("total")), keys_of(&text("count")));
    assert_eq!(kinds(&keys_of(&text("total"))), [Kind::Full, Kind::Site]);
}

#[test]
fn the_explanation_has_the_parts_of_every_key() {
    let text = event(
        "KeyError",
        "row 17",
        &format!(r#"{{"module":"flask.app","function":"run","in_app":false}},{}"#, frame("shop.cart", "total")),
    );
    let because = explain(&Event::stored(&text));
    let part = |key, what, text: &str| Part { key, what, text: text.into() };
    assert_eq!(
        because.parts,
        [
            part(Kind::Full, "type", "KeyError"),
            part(Kind::Full, "frame", "cart: total"),
            part(Kind::Site, "type", "KeyError"),
            part(Kind::Site, "frame", "cart: total"),
            part(Kind::Site, "message", "row <n>"),
        ]
    );
    assert_eq!(because.ignored, [Ignored { text: "app: run".into(), why: "not in-app" }]);
}

#[test]
fn a_key_is_its_documented_bytes() {
    let mut bytes = vec![VERSION, 3];
    for part in ["", "paid <n>", "shop", "", "", ""] {
        bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    let key = keys_of(r#"{"logger":"shop","logentry":{"formatted":"paid 17"}}"#)[0];
    assert_eq!(key.hash, xxh3_128(&bytes).to_be_bytes());
    assert_eq!(key.to_string(), crate::id::hex(&key.hash));
    let mut bytes = vec![VERSION, 2];
    for part in ["KeyError", "cart\ntotal", "", "x"] {
        bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    let keys = keys_of(&event("KeyError", "x", &frame("shop.cart", "total")));
    assert_eq!(keys[1].hash, xxh3_128(&bytes).to_be_bytes());
}

#[test]
fn a_family_is_one_kind_of_event_of_one_project() {
    let of = |value: &str, function: &str, project| {
        family(&Event::stored(&event("KeyError", value, &frame("shop.cart", function))), project)
    };
    assert_eq!(of("a", "total", 1), of("b", "total", 1));
    assert_ne!(of("a", "total", 1), of("a", "count", 1));
    assert_ne!(of("a", "total", 1), of("a", "total", 2));
}

proptest! {
    #[test]
    fn every_event_has_a_key_and_the_same_one_twice(
        names in prop::collection::vec("[a-c]{1,2}", 0..12), value in "\\PC{0,40}", in_app in any::<bool>(),
    ) {
        let frames: Vec<String> =
            names.iter().map(|name| frame("m", name).replace("true", &in_app.to_string())).collect();
        let value = value.replace(['"', '\\'], "");
        let text = event("E", &value, &frames.join(","));
        let keys = keys_of(&text);
        prop_assert!(!keys.is_empty());
        prop_assert_eq!(keys, keys_of(&text));
    }
}
