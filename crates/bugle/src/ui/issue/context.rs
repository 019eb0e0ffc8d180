//! Context: the request, the person, where it ran, and everything else that was sent along, under its own name.

use super::known;
use super::room::Room;
use super::value::{self, Meta};
use crate::ui::number::counted;
use bugle_event::Event;
use bugle_event::event::pairs;
use bugle_event::json::{Json, Object};
use maud::{Markup, html};

/// Contexts that are shown.
const CONTEXTS_MAX: usize = 40;
/// Fields of one of them that are shown.
const FIELDS_MAX: usize = 50;

/// The section.
pub fn section(event: &Event<'_>, room: &mut Room) -> Markup {
    html! {
        section.part #context {
            header { h2 { "Context" } }
            div {
                div.cols {
                    (request(event, room))
                    (person(event, room))
                    (ran(event, room))
                    (tags(event, room))
                    (contexts(event, room))
                    @if let Some(extra) = event.json.object("extra") { (fields("Extra", "", extra, Meta::of(event).at("extra"), room)) }
                    (more(event, room))
                }
                (modules(event))
            }
        }
    }
}

fn request(event: &Event<'_>, room: &mut Room) -> Markup {
    let Some(request) = event.json.object("request") else { return html! {} };
    let meta = Meta::of(event).at("request");
    if !room.take(14) {
        return html! {};
    }
    let headers: Vec<(&str, &str)> = pairs(request.array("headers")).take(FIELDS_MAX).collect();
    let has_headers = !headers.is_empty() && room.take(4 + 2 * headers.len());
    html! {
        div #request {
            h3 { "Request" }
            dl.kv {
                @if let Some(url) = request.text("url") {
                    dt { (value::cut(request.text("method").unwrap_or("URL"), 20).0) } dd { (value::address(url, meta.at("url"))) }
                }
                (several("query", request, "query_string", meta))
                @if let Some(body) = request.get("data").filter(|body| !body.is_empty()) {
                    dt { "body" } dd { (value::value(body, meta.at("data"))) }
                }
                (several("cookies", request, "cookies", meta))
                @if let Some(env) = request.get("env").filter(|env| !env.is_empty()) {
                    dt { "environment" } dd { (value::value(env, meta.at("env"))) }
                }
            }
            @if has_headers {
                details {
                    summary.dim { (counted(headers.len() as i64, "header", "headers")) }
                    dl.kv {
                        @for (at, (key, text)) in headers.into_iter().enumerate() {
                            dt { (value::cut(key, 80).0) } dd { (value::noted(text, meta.at("headers").pair(key, at))) }
                        }
                    }
                }
            }
        }
    }
}

/// A list of pairs in one line; whatever else stands there as it is.
fn several(name: &str, request: &Object<'_>, key: &str, meta: Meta<'_>) -> Markup {
    let list = request.array(key);
    html! {
        @if !list.is_empty() {
            dt { (name) }
            dd {
                @for (at, (key_of_pair, text)) in pairs(list).take(FIELDS_MAX).enumerate() {
                    @if at > 0 { ", " }
                    (value::cut(key_of_pair, 80).0)
                    @if !text.is_empty() { "=" (value::noted(text, meta.at(key).pair(key_of_pair, at))) }
                }
                @if list.len() > FIELDS_MAX { ", and " (list.len() - FIELDS_MAX) " more" }
            }
        } @else if let Some(other) = request.get(key).filter(|other| !other.is_empty()) {
            dt { (name) } dd { (value::value(other, meta.at(key))) }
        }
    }
}

fn person(event: &Event<'_>, room: &mut Room) -> Markup {
    match event.json.object("user").filter(|user| !user.is_empty()) {
        Some(user) => html! { div #people { (fields("Person", "", user, Meta::of(event).at("user"), room)) } },
        None => html! {},
    }
}

fn ran(event: &Event<'_>, room: &mut Room) -> Markup {
    let sdk = event
        .json
        .object("sdk")
        .map(|sdk| [sdk.text("name"), sdk.text("version")].into_iter().flatten().collect::<Vec<_>>().join(" "));
    let rows = [
        ("server", event.text("server_name")),
        ("environment", event.text("environment")),
        ("release", event.text("release")),
        ("dist", event.text("dist")),
        ("transaction", event.text("transaction")),
        ("logger", event.text("logger")),
        ("platform", event.text("platform")),
        ("SDK", sdk.as_deref()),
    ];
    html! {
        @if room.take(18) {
            div {
                h3 { "Where it ran" }
                dl.kv {
                    @for (name, text) in rows {
                        @if let Some(text) = text.filter(|text| !text.is_empty()) { dt { (name) } dd { (value::noted(text, Meta::of(event).at(name))) } }
                    }
                }
            }
        }
    }
}

fn tags(event: &Event<'_>, room: &mut Room) -> Markup {
    let meta = Meta::of(event).at("tags");
    let tags = event.tags().enumerate().filter(|(_, (key, text))| !is_told(event, key, text));
    let tags: Vec<(usize, (&str, &str))> = tags.take(FIELDS_MAX).collect();
    html! {
        @if !tags.is_empty() && room.take(2 + 2 * tags.len()) {
            div {
                h3 { "Tags" }
                dl.kv { @for (at, (key, text)) in tags { dt { (value::cut(key, 80).0) } dd { (value::noted(text, meta.pair(key, at))) } } }
            }
        }
    }
}

/// Whether a tag only repeats what the event says elsewhere: most were made from it.
fn is_told(event: &Event<'_>, key: &str, text: &str) -> bool {
    let context = event.json.object("contexts").and_then(|contexts| contexts.object(key.split('.').next()?));
    let is_of =
        |context: &Object<'_>| context.iter().any(|(_, found)| found.text().is_some_and(|part| text.starts_with(part)));
    match key {
        "handled" | "mechanism" | "level" => true,
        "url" => event
            .json
            .object("request")
            .and_then(|request| request.text("url"))
            .is_some_and(|url| url.starts_with(text)),
        key => event.text(key) == Some(text) || context.is_some_and(is_of),
    }
}

fn contexts(event: &Event<'_>, room: &mut Room) -> Markup {
    let Some(contexts) = event.json.object("contexts") else { return html! {} };
    const FIRST: [&str; 9] = ["runtime", "browser", "os", "client_os", "device", "app", "trace", "response", "flags"];
    let rank = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
    let mut all: Vec<(&str, &Json<'_>)> = contexts.iter().collect();
    all.sort_by_key(|(name, _)| rank(name));
    html! {
        @for (name, context) in all.into_iter().take(CONTEXTS_MAX) {
            @match context {
                Json::Object(object) if name == "flags" && !object.array("values").is_empty() => (flags(object, room)),
                Json::Object(object) if !object.is_empty() => (fields(&title(name), own_name(name), object, Meta::of(event).at("contexts").at(name), room)),
                _ => {},
            }
        }
    }
}

/// Contexts that the application made up say so.
fn own_name(name: &str) -> &'static str {
    const KNOWN: [&str; 22] = [
        "client_runtime",
        "memory_info",
        "threadpool_info",
        "replay",
        "unity",
        "ota_updates",
        "runtime",
        "browser",
        "os",
        "device",
        "app",
        "trace",
        "response",
        "culture",
        "gpu",
        "cloud_resource",
        "state",
        "otel",
        "profile",
        "flags",
        "react",
        "client_os",
    ];
    if KNOWN.contains(&name) { "" } else { "sent as a context" }
}

fn title(name: &str) -> String {
    match name {
        "os" => "System".into(),
        "client_os" => "Client's system".into(),
        "client_runtime" => "Client's runtime".into(),
        "memory_info" => "Memory".into(),
        "threadpool_info" => "Thread pool".into(),
        "cloud_resource" => "Cloud".into(),
        "ota_updates" => "Updates over the air".into(),
        "gpu" => "GPU".into(),
        "otel" => "OpenTelemetry".into(),
        name => {
            let (name, _) = value::cut(name, 80);
            let mut letters = name.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        }
    }
}

/// Feature flags as a table: the one that was evaluated last first.
fn flags(context: &Object<'_>, room: &mut Room) -> Markup {
    let all = known::flags(context);
    let shown = &all[..all.len().min(FIELDS_MAX)];
    html! {
        @if room.take(4 + 2 * shown.len()) {
            div {
                h3 { "Flags" " " small.fine { "newest first" } }
                dl.kv {
                    @for (flag, result) in shown { dt { (value::cut(flag, 80).0) } dd { (value::text(result)) } }
                    @if all.len() > shown.len() { dt { "…" } dd.dim { (all.len() - shown.len()) " more, in the JSON" } }
                }
            }
        }
    }
}

fn fields(title: &str, note: &str, object: &Object<'_>, meta: Meta<'_>, room: &mut Room) -> Markup {
    let shown: Vec<(&str, &Json<'_>)> =
        object.iter().filter(|(key, found)| *key != "type" && !found.is_null()).take(FIELDS_MAX).collect();
    let lost = meta.lost(object);
    let context = title.to_ascii_lowercase();
    html! {
        @if (!shown.is_empty() || !lost.is_empty()) && room.take(3 + 2 * (shown.len() + lost.len().min(FIELDS_MAX))) {
            div {
                h3 { (title) @if !note.is_empty() { " " small.fine { (note) } } }
                dl.kv {
                    @for (key, found) in shown {
                        dt { (value::cut(key, 80).0.replace('_', " ")) }
                        dd {
                            @match known::shown(&context, key, found).filter(|_| !["extra", "person"].contains(&&*context)) {
                                Some(told) => (value::noted(&told, meta.at(key))),
                                None => (value::value(found, meta.at(key))),
                            }
                        }
                    }
                    @for (key, told) in lost.into_iter().take(FIELDS_MAX) {
                        dt { (value::cut(key, 80).0.replace('_', " ")) } dd { span.gone { (told) } }
                    }
                    @if object.len() > FIELDS_MAX + 1 { dt { "…" } dd.dim { "more, in the JSON" } }
                }
            }
        }
    }
}

/// What has no place of its own: kept under the key it came with.
fn more(event: &Event<'_>, room: &mut Room) -> Markup {
    const PLACED: [&str; 38] = [
        "event_id",
        "timestamp",
        "received",
        "platform",
        "level",
        "logger",
        "transaction",
        "server_name",
        "release",
        "dist",
        "environment",
        "logentry",
        "exception",
        "threads",
        "breadcrumbs",
        "tags",
        "fingerprint",
        "user",
        "contexts",
        "extra",
        "request",
        "sdk",
        "modules",
        "errors",
        "_meta",
        "type",
        "version",
        "debug_meta",
        "message",
        "template",
        "csp",
        "expectct",
        "expectstaple",
        "hpkp",
        "title",
        "culprit",
        "key_id",
        "project",
    ];
    let rest: Vec<(&str, &Json<'_>)> =
        event.json.iter().filter(|(key, found)| !PLACED.contains(key) && !found.is_empty()).take(FIELDS_MAX).collect();
    html! {
        @if !rest.is_empty() && room.take(3 + 2 * rest.len()) {
            div { h3 { "Also sent" } dl.kv { @for (key, found) in rest { dt { (value::cut(key, 80).0) } dd { (value::value(found, Meta::of(event).at(key))) } } } }
        }
    }
}

/// Packages and their versions, as one text: there may be hundreds.
fn modules(event: &Event<'_>) -> Markup {
    let Some(modules) = event.json.object("modules").filter(|modules| !modules.is_empty()) else { return html! {} };
    let mut list: Vec<String> =
        modules.iter().take(2_000).map(|(name, version)| format!("{name} {}", version.text().unwrap_or(""))).collect();
    list.sort();
    html! {
        details { summary.dim { (counted(modules.len() as i64, "module", "modules")) } p.mono.packages { (list.join(" · ")) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_was_sent_has_a_place() {
        let text = r#"{"request":{"method":"POST","url":"https://a.example/<x>","query_string":[["q","1"]],"headers":[["Cookie","[Filtered]"]],"data":{"a":1}},
            "user":{"id":"58121"},"contexts":{"order":{"total":"64.90"},"os":{"name":"Linux","type":"os"}},"tags":[["k","v"],["os","Linux 6"]],
            "extra":{"deep":{"a":[1]}},"modules":{"django":"5"},"odd_key":"kept","sdk":{"name":"sentry.python","version":"2"},
            "errors":[{"type":"clock_drift","name":"timestamp","value":"an hour ahead"}]}"#;
        let event = Event::stored(text);
        let mut room = Room::default();
        let page = section(&event, &mut room).into_string();
        for expected in [
            "POST",
            "https://a.example/&lt;x&gt;",
            "q=1",
            "{a: <i class=\"n\">1</i>}",
            "58121",
            "64.90",
            "sent as a context",
            "System",
            "Linux",
            "{a: [<i class=\"n\">1</i>]}",
            "django 5",
            "odd_key",
            "kept",
            "sentry.python 2",
            "class=\"gone\"",
        ] {
            assert!(page.contains(expected), "{expected} in {page}");
        }
        assert!(!page.contains("Linux 6"), "a tag made of a context is not said twice: {page}");
        assert!(page.contains("rel=\"noreferrer noopener\">https://a.example/"), "{page}");
    }
}
