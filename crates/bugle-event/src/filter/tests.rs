//! Each filter against events as SDKs send them, and rules against anything.

use super::*;
use crate::event::Event;
use proptest::prelude::*;
use serde_json::{Value, json};

fn judge(filters: &Filters, event: &Value) -> Option<By> {
    let text = event.to_string();
    filters.judge(&Event::stored(&text), None)
}

/// Whether the one filter that `settings` switches on drops the event.
fn drops(settings: Settings, event: &Value) -> bool {
    judge(&Filters::new(settings, &[]), event).is_some()
}

fn error(kind: &str, value: &str) -> Value {
    json!({ "exception": { "values": [{ "type": kind, "value": value }] } })
}

fn list(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| text.to_string()).collect()
}

fn rule(when: Value) -> Rule {
    let rule = json!({ "id": 7, "name": "r", "isActive": true, "when": when });
    let rule: Rule = serde_json::from_value(rule).expect("a rule");
    rule::check(&rule).expect("can be kept");
    rule
}

fn holds(when: Value, event: &Value) -> bool {
    judge(&Filters::new(Settings::default(), &[rule(when)]), event) == Some(By::Rule(7))
}

#[test]
fn nothing_is_dropped_unless_it_is_asked_for() {
    let noisy = json!({
        "exception": { "values": [{ "type": "ChunkLoadError", "value": "Hydration failed top.GLOBALS" }] },
        "request": { "url": "http://localhost/", "headers": [["User-Agent", "Googlebot/2.1"]] },
        "user": { "ip_address": "127.0.0.1" },
        "contexts": { "browser": { "name": "IE", "version": "6.0" } },
    });
    assert_eq!(judge(&Filters::default(), &noisy), None);
    let all = Settings { chunk_load: true, react_hydration: true, localhost: true, ..Settings::default() };
    assert_eq!(judge(&Filters::new(all, &[]), &noisy), Some(By::BuiltIn(BuiltIn::ReactHydration)), "the first one");
}

#[test]
fn ids_stand_where_their_filters_do() {
    for (at, (filter, id)) in BUILT_IN.iter().enumerate() {
        assert_eq!((*filter as usize, BuiltIn::find(id)), (at, Some(*filter)));
        let lists = Settings {
            addresses: list(&["10.0.0.1"]),
            releases: list(&["1"]),
            messages: list(&["m"]),
            ..Settings::default()
        };
        assert!(lists.only(*filter).is_on(*filter), "{id} can be tried");
    }
}

#[test]
fn hydration_errors_of_react() {
    let on = || Settings { react_hydration: true, ..Settings::default() };
    for value in [
        "Minified React error #418; visit https://reactjs.org/docs/error-decoder.html?invariant=418 for more",
        "Hydration failed because the initial UI does not match what was rendered on the server.",
        "There was an error while hydrating. Because the error happened outside of a Suspense boundary",
    ] {
        assert!(drops(on(), &error("Error", value)), "{value}");
    }
    assert!(!drops(on(), &error("Error", "Minified React error #310; visit https://react.dev/errors/310")));
}

#[test]
fn chunks_that_could_not_be_loaded() {
    let on = || Settings { chunk_load: true, ..Settings::default() };
    assert!(drops(on(), &error("ChunkLoadError", "Loading chunk 3 failed.")));
    assert!(drops(on(), &error("Error", "Uncaught (in promise) ChunkLoadError: Loading chunk 3 failed.")));
    assert!(!drops(on(), &error("Error", "chunk")));
}

#[test]
fn security_reports_about_extensions_and_unwanted_sources() {
    let report = |blocked: &str| json!({ "csp": { "blocked_uri": blocked, "document_uri": "https://shop.example/" } });
    let on = Settings { csp: true, ..Settings::default() };
    assert!(drops(on.clone(), &report("chrome-extension://abc/x.js")) && drops(on.clone(), &report("about")));
    assert!(!drops(on, &report("https://cdn.example/x.js")));
    let sources = Settings { csp_sources: list(&["*.cdn.example"]), ..Settings::default() };
    assert!(drops(sources.clone(), &report("https://a.cdn.example/x.js")));
    assert!(!drops(sources.clone(), &report("chrome-extension://abc")));
    assert!(!drops(sources, &json!({ "message": "https://a.cdn.example" })), "no report");
}

#[test]
fn addresses_and_blocks_of_them() {
    let on = || Settings { addresses: list(&["203.0.113.0/24", "2001:db8::1"]), ..Settings::default() };
    let from = |ip: &str| json!({ "user": { "ip_address": ip } });
    assert!(drops(on(), &from("203.0.113.77")) && drops(on(), &from("2001:db8::1")));
    assert!(drops(on(), &from("::ffff:203.0.113.1")), "an IPv4 address in IPv6");
    assert!(!drops(on(), &from("203.0.114.1")) && !drops(on(), &from("nonsense")));
    let filters = Filters::new(on(), &[]);
    let event = Event::default();
    assert!(filters.judge(&event, "203.0.113.9".parse().ok()).is_some(), "who sent it counts, too");
    assert!(Settings { addresses: list(&["203.0.113"]), ..Settings::default() }.check().is_err());
}

#[test]
fn releases_and_messages_by_globs() {
    let releases = || Settings { releases: list(&["Shop@1.*", "*-beta"]), ..Settings::default() };
    assert!(drops(releases(), &json!({ "release": "shop@1.2" })) && drops(releases(), &json!({ "release": "x-BETA" })));
    assert!(!drops(releases(), &json!({ "release": "shop@2" })) && !drops(releases(), &json!({})));
    let messages = || Settings { messages: list(&["TypeError: failed to*", "*quota*"]), ..Settings::default() };
    assert!(drops(messages(), &error("TypeError", "Failed to fetch")));
    assert!(drops(messages(), &json!({ "logentry": { "message": "%s", "formatted": "over Quota" } })));
    assert!(!drops(messages(), &error("Error", "Failed to fetch")));
}

#[test]
fn the_machine_of_a_developer() {
    let on = || Settings { localhost: true, ..Settings::default() };
    for event in [
        json!({ "user": { "ip_address": "::1" } }),
        json!({ "request": { "url": "file:///home/x.html" } }),
        json!({ "request": { "url": "http://app.localhost:3000/x" } }),
        json!({ "request": { "headers": [["Host", "127.0.0.1:8000"]] } }),
        json!({ "request": { "headers": [["x-forwarded-host", "shop.example, localhost"]] } }),
    ] {
        assert!(drops(on(), &event), "{event}");
    }
    assert!(!drops(on(), &json!({ "request": { "url": "https://localhost.example/?x=http://localhost/" } })));
}

#[test]
fn code_of_browser_extensions() {
    let on = || Settings { extensions: true, ..Settings::default() };
    let frames = |paths: &[&str]| {
        let frames: Vec<Value> = paths.iter().map(|path| json!({ "abs_path": path })).collect();
        json!({ "exception": { "values": [{ "type": "E", "value": "v", "stacktrace": { "frames": frames } }] } })
    };
    assert!(drops(on(), &error("TypeError", "Extension context invalidated.")));
    assert!(drops(on(), &frames(&["https://shop.example/a.js", "moz-extension://1/x.js", "<anonymous>"])));
    assert!(!drops(on(), &frames(&["chrome-extension://1/x.js", "https://shop.example/a.js"])), "not the innermost");
    let second = json!({ "exception": { "values": [
        { "type": "E", "value": "ours" }, { "type": "E", "value": "top.GLOBALS" }] } });
    assert!(!drops(on(), &second), "only the first exception is asked");
}

#[test]
fn browsers_that_are_too_old_by_the_context_of_the_event() {
    let by = |names: &[&str]| Settings {
        legacy_browsers: names.iter().filter_map(|name| Legacy::find(name)).collect(),
        ..Settings::default()
    };
    let with = |name: &str, version: &str| json!({ "contexts": { "browser": { "name": name, "version": version } } });
    for (sets, name, version, is_dropped) in [
        (&["default"][..], "IE", "9.0", true),
        (&["default"], "IE", "10.0", false),
        (&["default"], "Opera Mini", "7", true),
        (&["ie"], "IE", "11.0", true),
        (&["ie10"], "IE", "11.0", false),
        (&["ie9", "ie11"], "Internet Explorer", "11", true),
        (&["safari"], "Mobile Safari", "15.6.1", true),
        (&["safari"], "Safari", "16.0", false),
        (&["chrome", "firefox"], "Chrome", "110.0.5481", true),
        (&["edge_pre_79"], "Edge", "18.1", true),
        (&["chrome"], "Chrome", "unknown", false),
        (&["chrome"], "Netscape", "4", false),
    ] {
        assert_eq!(drops(by(sets), &with(name, version)), is_dropped, "{sets:?} {name} {version}");
    }
    assert!(!drops(by(&["ie"]), &json!({ "contexts": { "browser": { "name": "IE" } } })));
}

#[test]
fn robots() {
    let on = || Settings { crawlers: true, ..Settings::default() };
    let agent = |text: &str| json!({ "request": { "headers": [["user-agent", text]] } });
    for text in [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "SomeBot/1.0",
        "Mozilla/5.0 (compatible; example-spider)",
        "facebookexternalhit/1.1",
        "Mozilla/5.0 (compatible; GPTBot/1.0)",
    ] {
        assert!(drops(on(), &agent(text)), "{text}");
    }
    for text in [
        "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
        "Slackbot 1.0 (+https://api.slack.com/robots)",
        "SentryUptimeBot/1.0",
        "Mozilla/5.0 (compatible; ChatGPT-User/1.0; +https://openai.com/bot)",
        "Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 20) Chrome/120.0",
        "",
    ] {
        assert!(!drops(on(), &agent(text)), "{text}");
    }
}

/// An event that has something in every field.
fn full() -> Value {
    json!({
        "logentry": { "formatted": "Payment of Mara failed" }, "release": "shop@1.2.3", "environment": "staging",
        "dist": "42", "level": "warning", "logger": "shop.pay", "platform": "python", "transaction": "/pay",
        "server_name": "web-1", "tags": [["plan", "free"], ["region", "eu"]],
        "user": { "id": "7", "email": "mara@acme.example", "username": "mara", "ip_address": "10.1.2.3" },
        "request": { "url": "https://shop.example/pay", "headers": [["User-Agent", "Mozilla/5.0 Firefox"]] },
        "sdk": { "name": "sentry.python", "version": "2.1.0" },
        "contexts": { "browser": { "name": "Firefox", "version": "120" } },
        "exception": { "values": [
            { "type": "KeyError", "value": "'card'" },
            { "type": "PaymentError", "value": "declined", "stacktrace": { "frames": [
                { "function": "pay", "module": "shop.pay", "filename": "shop/pay.py", "abs_path": "/srv/shop/pay.py" }] } },
        ] },
    })
}

#[test]
fn a_rule_reaches_every_field() {
    for (field, op, value) in [
        ("message", "contains", "of MARA"),
        ("error.type", "is", "keyerror"),
        ("error.value", "contains", "'card"),
        ("error.value", "ends", "lined"),
        ("release", "glob", "shop@1.*"),
        ("environment", "is", "staging"),
        ("dist", "is", "42"),
        ("level", "is", "warning"),
        ("logger", "starts", "shop."),
        ("platform", "is", "python"),
        ("transaction", "is", "/pay"),
        ("url", "contains", "shop.example"),
        ("user_agent", "contains", "firefox"),
        ("user.id", "is", "7"),
        ("user.email", "glob", "*@acme.example"),
        ("user.username", "is", "mara"),
        ("ip", "range", "10.0.0.0/8"),
        ("ip", "is", "10.1.2.3"),
        ("sdk", "is", "sentry.python"),
        ("sdk", "glob", "sentry.python/2.*"),
        ("server_name", "is", "web-1"),
        ("stack.function", "is", "pay"),
        ("stack.module", "is", "shop.pay"),
        ("stack.path", "starts", "/srv/"),
        ("browser", "is", "firefox 120"),
        ("tag:plan", "is", "free"),
    ] {
        let test = |value: &str| json!({ "test": { "field": field, "op": op, "values": [value] } });
        assert!(holds(test(value), &full()), "{field} {op} {value}");
        let other = if field == "ip" { "192.0.2.1" } else { "zzz" };
        assert!(!holds(test(other), &full()), "{field} {op} {other}");
        let set = json!({ "test": { "field": field, "op": "set" } });
        assert!(holds(set.clone(), &full()), "{field} is set");
        let always = matches!(field, "level" | "platform");
        assert_eq!(holds(set, &json!({})), always, "{field} is not set");
    }
    for (known, _) in FIELDS {
        assert_eq!(Field::try_from(known.to_string()).map(String::from), Ok(known.to_string()));
    }
}

#[test]
fn conditions_combine() {
    let yes = || json!({ "test": { "field": "level", "op": "is", "values": ["info", "warning"] } });
    let no = || json!({ "test": { "field": "tag:none", "op": "set" } });
    assert!(holds(json!({ "all": [yes(), { "not": no() }] }), &full()));
    assert!(!holds(json!({ "all": [yes(), no()] }), &full()));
    assert!(holds(json!({ "any": [no(), yes()] }), &full()));
    assert!(!holds(json!({ "not": { "any": [no(), yes()] } }), &full()));
    let other = json!({ "not": { "test": { "field": "release", "op": "is", "values": ["x"] } } });
    assert!(holds(other, &json!({})), "a field without a value fits nothing");
}

#[test]
fn a_rule_that_is_too_much_or_empty_is_told() {
    let check = |when: Value| {
        let rule = json!({ "name": "r", "isActive": true, "when": when });
        let rule: Result<Rule, _> = serde_json::from_value(rule);
        rule.map_err(|error| error.to_string()).and_then(|rule| rule::check(&rule)).expect_err("is refused")
    };
    let test =
        |field: &str, op: &str, values: &[&str]| json!({ "test": { "field": field, "op": op, "values": values } });
    assert!(check(json!({ "all": [] })).contains("would drop everything"));
    assert!(check(test("nothing", "is", &["x"])).contains("no field"));
    assert!(check(test("release", "like", &["x"])).contains("like"));
    assert!(check(test("release", "is", &[])).contains("nothing to compare"));
    assert!(check(test("release", "is", &[" "])).contains("nothing to compare"));
    assert!(check(test("release", "range", &["10.0.0.0/8"])).contains("addresses"));
    assert!(check(test("ip", "range", &["10.0.0.0/99"])).contains("no address"));
    assert!(check(test("release", "glob", &[&"a*".repeat(100)])).contains("stars"));
    assert!(check(test("release", "is", &[&"a".repeat(1_000)])).contains("characters"));
    assert!(check(test("tag:", "set", &[])).contains("key"));
    let deep = (0..10).fold(test("release", "set", &[]), |inner, _| json!({ "not": inner }));
    assert!(check(deep).contains("deep"));
    let many: Vec<Value> = (0..=rule::TESTS_MAX).map(|_| test("release", "set", &[])).collect();
    assert!(check(json!({ "any": many })).contains("at most"));
}

#[test]
fn a_rule_that_is_off_drops_nothing() {
    let mut off = rule(json!({ "test": { "field": "level", "op": "set" } }));
    off.is_active = false;
    assert_eq!(judge(&Filters::new(Settings::default(), &[off]), &full()), None);
}

#[test]
fn fields_are_read_once_however_many_rules_ask() {
    let rules: Vec<Rule> = (0..rule::RULES_MAX)
        .map(|n| rule(json!({ "test": { "field": "message", "op": "contains", "values": [format!("nothing {n}")] } })))
        .collect();
    let filters = Filters::new(Settings::default(), &rules);
    assert_eq!((filters.fields.len(), filters.rules.len()), (1, rule::RULES_MAX));
    assert_eq!(judge(&filters, &full()), None);
}

proptest! {
    #[test]
    fn any_json_can_be_judged(text in "\\PC{0,200}", kind in "[a-zA-Z]{0,9}", url in "\\PC{0,40}") {
        let settings = Settings {
            react_hydration: true, chunk_load: true, csp: true, csp_sources: vec![url.clone()],
            addresses: vec!["0.0.0.0/0".into()], releases: vec!["x*".into()], messages: vec!["x?*".into()],
            localhost: true, extensions: true, legacy_browsers: Legacy::all().collect(), crawlers: true,
        };
        let filters = Filters::new(settings, &[]);
        filters.judge(&Event::stored(&text), None);
        judge(&filters, &json!({
            "exception": { "values": [{ "type": kind, "value": text }, 7] }, "release": text,
            "request": { "url": url, "headers": [["host", url], ["user-agent", text]] },
            "user": { "ip_address": text }, "csp": { "blocked_uri": url },
            "contexts": { "browser": { "name": "IE", "version": text } },
        }));
    }
}
