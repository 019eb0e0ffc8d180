//! Makes events near Sentry's schema, for property tests: mostly right, each place wrong now and then.
//!
//! Random JSON rarely gets past the first key. Here every interface is made in its own shape, and a share of its values is
//! swapped for something of another type, too long, or too deep; so readers, limits and scrubbing see what is nearly
//! right, which is where they differ from each other. Fuzzing starts from the same events.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;

type Made = BoxedStrategy<String>;

/// An event as JSON.
pub(crate) fn event() -> Made {
    object(vec![
        ("event_id", select(vec!["\"9ec79c33ec9942ab8353589fcb2e04dc\"", "\"x\"", "7"]).prop_map(String::from).boxed()),
        ("timestamp", time()),
        ("platform", words(&["python", "javascript", "native", "cocoa", "java", "toaster"])),
        ("level", words(&["error", "log", "critical", "loud", "40"])),
        ("logger", text()),
        ("transaction", text()),
        ("server_name", text()),
        ("release", words(&["shop@4.18.2", "latest", " 1.0 ", "a/b"])),
        ("environment", words(&["production", "none", " qa "])),
        ("dist", words(&["7", "a b"])),
        ("message", prop_oneof![text(), object(vec![("message", template()), ("params", free())])].boxed()),
        ("logentry", object(vec![("message", template()), ("params", free()), ("formatted", text())])),
        ("exception", values(exception())),
        ("stacktrace", stack()),
        ("threads", values(thread())),
        ("breadcrumbs", values(breadcrumb())),
        ("request", request()),
        ("user", user()),
        ("contexts", contexts()),
        ("tags", pairs()),
        ("extra", free()),
        ("modules", object(vec![("django", text()), ("flask", text())])),
        (
            "sdk",
            object(vec![("name", text()), ("version", text()), ("packages", list(package())), ("settings", free())]),
        ),
        ("debug_meta", object(vec![("images", list(image())), ("sdk_info", free())])),
        (
            "fingerprint",
            list(prop_oneof![text(), Just("7".to_string()), Just("\"{{ default }}\"".to_string())].boxed()),
        ),
        ("template", frame()),
        (
            "csp",
            object(vec![
                ("effective-directive", words(&["img-src", "x"])),
                ("blockedURL", address()),
                ("status_code", number()),
            ]),
        ),
        ("errors", list(object(vec![("type", text()), ("name", text())]))),
        ("sentry.interfaces.Http", request()),
        ("_meta", meta()),
        ("never_heard_of", free()),
    ])
}

fn exception() -> Made {
    object(vec![
        ("type", text()),
        ("value", prop_oneof![text(), free()].boxed()),
        ("module", text()),
        ("thread_id", number()),
        ("stacktrace", stack()),
        ("mechanism", mechanism()),
    ])
}

fn mechanism() -> Made {
    object(vec![
        ("type", text()),
        ("handled", flag()),
        ("synthetic", flag()),
        ("exception_id", number()),
        ("parent_id", number()),
        ("is_exception_group", flag()),
        ("source", text()),
        ("data", free()),
        (
            "meta",
            object(vec![
                ("signal", object(vec![("number", number()), ("code", number())])),
                ("errno", object(vec![("number", number())])),
            ]),
        ),
        ("posix_signal", object(vec![("signal", number())])),
    ])
}

fn stack() -> Made {
    object(vec![
        ("frames", list(frame())),
        ("registers", object(vec![("rip", number()), ("rsp", text())])),
        ("lang", text()),
    ])
}

fn frame() -> Made {
    object(vec![
        ("function", text()),
        ("filename", address()),
        ("abs_path", address()),
        ("module", text()),
        ("lineno", number()),
        ("colno", number()),
        ("context_line", text()),
        ("pre_context", list(text())),
        ("post_context", list(text())),
        ("in_app", flag()),
        ("vars", free()),
        ("instruction_addr", number()),
    ])
}

fn thread() -> Made {
    object(vec![
        ("id", number()),
        ("name", text()),
        ("crashed", flag()),
        ("current", flag()),
        ("stacktrace", stack()),
        ("held_locks", free()),
    ])
}

fn breadcrumb() -> Made {
    object(vec![
        ("timestamp", time()),
        ("type", text()),
        ("category", text()),
        ("level", words(&["info", "log", "odd"])),
        ("message", text()),
        ("data", free()),
    ])
}

fn request() -> Made {
    object(vec![
        ("url", address()),
        ("method", words(&["get", "POST", "no method"])),
        ("query_string", prop_oneof![Just("\"?password=hunter2&a=b\"".to_string()), pairs()].boxed()),
        ("headers", pairs()),
        ("cookies", prop_oneof![Just("\"sessionid=s3cr3t; a=b\"".to_string()), pairs()].boxed()),
        (
            "data",
            prop_oneof![
                Just(r#""{\"password\":\"hunter2\",\"n\":[1]}""#.to_string()),
                Just("\"a=1&token=abcdef\"".to_string()),
                free()
            ]
            .boxed(),
        ),
        ("env", object(vec![("REMOTE_ADDR", text()), ("SECRET_KEY", text())])),
        ("fragment", text()),
    ])
}

fn user() -> Made {
    object(vec![
        ("id", prop_oneof![text(), number()].boxed()),
        ("email", text()),
        ("username", text()),
        ("ip_address", words(&["{{auto}}", "203.0.113.9", "::1", "here"])),
        ("plan", free()),
        ("data", free()),
    ])
}

fn contexts() -> Made {
    object(vec![
        (
            "os",
            object(vec![
                ("name", words(&["Linux", "macOS"])),
                ("version", text()),
                ("raw_description", words(&["Linux 6.1", "Microsoft Windows 10.0.22631"])),
            ]),
        ),
        ("client_os", object(vec![("raw_description", words(&["iOS 17.5 (21F90)", "x"]))])),
        ("runtime", object(vec![("raw_description", words(&[".NET Framework 528372"]))])),
        ("trace", object(vec![("trace_id", text()), ("span_id", text())])),
        ("flags", object(vec![("values", list(object(vec![("flag", text()), ("result", flag())])))])),
        ("reprocessing", free()),
        ("ours", free()),
    ])
}

fn image() -> Made {
    object(vec![
        ("type", words(&["apple", "elf", "proguard", "later"])),
        ("uuid", words(&["7B3A6F0C1B2C4D5E8F90A1B2C3D4E5F6", "x"])),
        ("code_id", words(&["AB-CD", "x y"])),
        ("image_addr", number()),
        ("image_size", number()),
        ("name", text()),
    ])
}

fn package() -> Made {
    prop_oneof![text(), object(vec![("name", text()), ("version", text())])].boxed()
}

fn meta() -> Made {
    let about = object(vec![
        ("len", number()),
        ("rem", Just(r#"[["!limit","s",0,3],["x"],7]"#.to_string()).boxed()),
        ("err", Just(r#"["invalid_data",["odd",{"a":1}]]"#.to_string()).boxed()),
        ("val", free()),
    ]);
    let node = about.prop_map(|about| format!(r#"{{"":{about}}}"#)).boxed();
    object(vec![
        ("extra", object(vec![("a", node.clone()), ("password", node.clone())])),
        ("breadcrumbs", object(vec![("values", object(vec![("0", node.clone()), ("5", node)]))])),
    ])
}

/// Free-form values with names that tell secrets and values that are some.
fn free() -> Made {
    let leaf = prop_oneof![text(), number(), flag(), Just("null".to_string())];
    let key = select(vec![
        "a",
        "b",
        "password",
        "Authorization",
        "api_key",
        "name",
        "value",
        "stacktrace",
        "cookies",
        "",
        "token=abcdef",
    ]);
    let inner = leaf.prop_recursive(9, 40, 5, move |inner| {
        let entries = proptest::collection::vec((key.clone(), inner.clone()), 0..5);
        prop_oneof![
            proptest::collection::vec(inner, 0..5).prop_map(|values| format!("[{}]", values.join(","))),
            entries.prop_map(|entries| written(&entries)),
        ]
    });
    inner.boxed()
}

fn text() -> Made {
    prop_oneof![
        6 => select(vec![
            "", "a", "KeyError: 'sku'", "mail ann@example.com from 203.0.113.9", "password=hunter2", "4111111111111111", "?",
            "Bearer abcdefghijklmnop", "{\\\"password\\\":\\\"x\\\"}", "-----BEGIN PRIVATE KEY-----", "lång\\nline", "\\ud800", "[Filtered]", "…", "...",
        ]).prop_map(|text| format!("\"{text}\"")),
        1 => (1usize..3_000).prop_map(|count| format!("\"{}\"", "ä b=".repeat(count))),
    ]
    .boxed()
}

fn template() -> Made {
    words(&["%s is %(who)s", "{} {0} {who} {{", "100%", "%5.2f"])
}

fn address() -> Made {
    words(&[
        "https://ann:pw@x.example/a/b.js?token=abcdef#top",
        "/srv/app/a.py",
        "app:///index.js",
        "<anonymous>",
        "C:\\\\a.cs",
    ])
}

fn time() -> Made {
    words_or(&["1785578399.123456", "\"2026-08-01T10:00:00Z\"", "\"1785578399\"", "1785578399123", "\"soon\"", "-5"])
}

fn number() -> Made {
    words_or(&["0", "1", "-1", "11", "\"12\"", "4096", "\"0x1F\"", "1.5", "99999999999999999999", "NaN", "-Infinity"])
}

fn flag() -> Made {
    words_or(&["true", "false", "\"True\"", "1", "\"maybe\""])
}

/// A list in one of its three forms, or with nulls.
fn values(element: Made) -> Made {
    let elements = proptest::collection::vec(prop_oneof![9 => element.clone(), 1 => Just("null".to_string())], 0..4);
    prop_oneof![
        3 => elements.clone().prop_map(|all| format!("{{\"values\":[{}]}}", all.join(","))),
        1 => elements.prop_map(|all| format!("[{}]", all.join(","))),
        1 => element,
    ]
    .boxed()
}

fn list(element: Made) -> Made {
    proptest::collection::vec(prop_oneof![9 => element, 1 => odd()], 0..5)
        .prop_map(|all| format!("[{}]", all.join(",")))
        .boxed()
}

fn pairs() -> Made {
    let key = select(vec!["a", "environment", "release", "Cookie", "content-type", "my key", "X-Api-Key", "ключ"]);
    let entries = proptest::collection::vec((key, prop_oneof![8 => text(), 1 => odd()]), 0..5);
    prop_oneof![
        entries.clone().prop_map(|entries| written(&entries)),
        entries.prop_map(|entries| {
            let pairs: Vec<String> = entries.iter().map(|(key, value)| format!("[\"{key}\",{value}]")).collect();
            format!("[{}]", pairs.join(","))
        }),
    ]
    .boxed()
}

/// An object with about half of these entries, some of them odd.
fn object(entries: Vec<(&'static str, Made)>) -> Made {
    let some: Vec<BoxedStrategy<Option<(&'static str, String)>>> = entries
        .into_iter()
        .map(|(key, value)| {
            let value = prop_oneof![12 => value, 1 => odd()];
            prop_oneof![Just(None), value.prop_map(move |value| Some((key, value)))].boxed()
        })
        .collect();
    some.prop_map(|entries| written(&entries.into_iter().flatten().collect::<Vec<_>>())).boxed()
}

/// What belongs nowhere.
fn odd() -> Made {
    words_or(&[
        "null",
        "true",
        "7",
        "\"\"",
        "\"text\"",
        "[]",
        "{}",
        "[1,[2]]",
        "{\"a\":{\"b\":1}}",
        "[null]",
        "[[\"a\"]]",
    ])
}

fn words(words: &[&'static str]) -> Made {
    select(words.to_vec()).prop_map(|word| format!("\"{word}\"")).boxed()
}

fn words_or(words: &[&'static str]) -> Made {
    select(words.to_vec()).prop_map(String::from).boxed()
}

fn written(entries: &[(&str, String)]) -> String {
    let entries: Vec<String> = entries.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", entries.join(","))
}
