//! How an exception was caught, or what the system said of a crash, in a few words each.

use super::value::{self, Meta};
use bugle_event::event::Exception;
use bugle_event::json::{Json, Object};
use maud::{Markup, html};

/// Fields of `data` that are shown.
const DATA_MAX: usize = 20;

/// `not handled, by django`, `signal SIGSEGV (SEGV_MAPERR)`, `the SDK made its type up`.
pub fn told(exception: &Exception<'_>) -> Vec<String> {
    let mut told: Vec<String> = handled(exception).into_iter().collect();
    let Some(mechanism) = exception.mechanism() else { return told };
    if exception.is_synthetic() {
        told.push("its type was made up by the SDK".into());
    }
    let Some(meta) = mechanism.object("meta") else { return told };
    if let Some(signal) = meta.object("signal") {
        let code = word(signal, "code_name", "code").map(|code| format!(" ({code})")).unwrap_or_default();
        told.extend(word(signal, "name", "number").map(|name| format!("signal {name}{code}")));
    }
    if let Some(mach) = meta.object("mach_exception") {
        let numbers: Vec<String> = ["code", "subcode"].iter().filter_map(|key| word(mach, key, key)).collect();
        let numbers = if numbers.is_empty() { String::new() } else { format!(" (code {})", numbers.join(", ")) };
        told.extend(word(mach, "name", "exception").map(|name| format!("Mach exception {name}{numbers}")));
    }
    if let Some(errno) = meta.object("errno") {
        told.extend(word(errno, "name", "number").map(|name| format!("error number {name}")));
    }
    if let Some(error) = meta.object("ns_error") {
        let code = word(error, "code", "code").unwrap_or_default();
        told.extend(word(error, "domain", "domain").map(|domain| format!("{domain} {code}").trim_end().to_string()));
    }
    told
}

/// What the SDK adds: addresses, the name of a handler, a link to its documentation.
pub fn data(exception: &Exception<'_>, meta: Meta<'_>) -> Markup {
    let Some(mechanism) = exception.mechanism() else { return html! {} };
    let data: Vec<(&str, &Json<'_>)> = mechanism
        .object("data")
        .into_iter()
        .flat_map(Object::iter)
        .filter(|(_, found)| !found.is_empty())
        .take(DATA_MAX)
        .collect();
    let (description, link) = (mechanism.text("description"), mechanism.text("help_link"));
    html! {
        @if !data.is_empty() || description.is_some() || link.is_some() {
            details {
                summary.dim { "how it was caught" }
                dl.kv {
                    @if let Some(text) = description { dt { "description" } dd { (value::text(text)) } }
                    @if let Some(link) = link { dt { "more" } dd { (value::address(link, Meta::default())) } }
                    @for (key, found) in data { dt { (value::cut(key, 80).0) } dd { (value::value(found, meta.at(key))) } }
                }
            }
        }
    }
}

/// `not handled, by django`.
fn handled(exception: &Exception<'_>) -> Option<String> {
    let by = exception.mechanism().and_then(|m| m.text("type")).filter(|by| !matches!(*by, "generic" | "chained"));
    let handled = match exception.handled()? {
        // A cause that was caught is what the chain says anyway.
        true if by.is_none() => return None,
        true => "handled",
        false => "not handled",
    };
    Some(by.map_or_else(|| handled.to_string(), |by| format!("{handled}, by {}", value::cut(by, 80).0)))
}

/// The text at `name`, else what stands at `number`.
fn word(object: &Object<'_>, name: &str, number: &str) -> Option<String> {
    let found = object.text(name).map(String::from);
    let found = found.or_else(|| {
        object
            .get(number)
            .filter(|value| !value.is_empty())
            .map(|value| value.text().map_or_else(|| value.to_string(), String::from))
    });
    found.map(|word| value::cut(&word, 80).0.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_event::Event;

    #[test]
    fn a_crash_says_what_the_system_said() {
        for (mechanism, expected) in [
            (r#"{"type":"django","handled":false}"#, vec!["not handled, by django"]),
            (
                r#"{"type":"signalhandler","handled":false,"synthetic":true,"meta":{"signal":{"number":11,"name":"SIGSEGV","code":1,"code_name":"SEGV_MAPERR"}}}"#,
                vec![
                    "not handled, by signalhandler",
                    "its type was made up by the SDK",
                    "signal SIGSEGV (SEGV_MAPERR)",
                ],
            ),
            (
                r#"{"type":"generic","meta":{"mach_exception":{"exception":1,"name":"EXC_BAD_ACCESS","code":1,"subcode":16},"errno":{"number":2},"ns_error":{"domain":"NSCocoaErrorDomain","code":4}}}"#,
                vec!["Mach exception EXC_BAD_ACCESS (code 1, 16)", "error number 2", "NSCocoaErrorDomain 4"],
            ),
            (r#"{"type":"chained","handled":true}"#, vec![]),
        ] {
            let text = format!(r#"{{"exception":{{"values":[{{"type":"E","mechanism":{mechanism}}}]}}}}"#);
            let event = Event::stored(&text);
            assert_eq!(told(&event.exceptions().next().expect("one")), expected, "{mechanism}");
        }
    }
}
