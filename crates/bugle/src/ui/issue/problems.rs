//! Problems: everything odd about one event, in words, and whether the page had room for all of it.

use super::room::Room;
use super::value;
use crate::ui::icon::icon;
use crate::ui::number::counted;
use bugle_event::Event;
use bugle_event::json::{Json, Object};
use bugle_event::problem::PROBLEMS_MAX;
use maud::{Markup, html};

/// Problems that stand open; the others are folded.
const PROBLEMS_OPEN: usize = 8;

/// What was odd about this event, each with where and what.
pub fn section(event: &Event<'_>, room: &mut Room) -> Markup {
    let problems: Vec<(&str, &str, &str)> = event.stored_problems().take(PROBLEMS_MAX).collect();
    let rows: Vec<Markup> = problems.iter().map_while(|found| room.fit(problem(found))).collect();
    let (open, folded) = rows.split_at(rows.len().min(PROBLEMS_OPEN));
    html! {
        @if !problems.is_empty() || room.is_short() || marks(event).is_some() {
            section.part #problems {
                header { h2 { "Problems" } small { (counted(problems.len() as i64, "problem", "problems")) " in this event" } }
                div {
                    ul.because {
                        @if room.is_short() {
                            li { (icon("warn")) " The event is larger than a page. What is missing here is in its JSON." }
                        }
                        @for row in open { (row) }
                        @if let Some(told) = marks(event) { li { (icon("warn")) " " (told) } }
                    }
                    @if !folded.is_empty() {
                        details {
                            summary.dim { (folded.len()) " more" }
                            ul.because { @for row in folded { (row) } }
                        }
                    }
                }
            }
        }
    }
}

/// How many values were cut or removed, by whom: `12 values were cut; 2 were removed by rules`.
fn marks(event: &Event<'_>) -> Option<String> {
    let (mut cut, mut ruled, mut by_sdk) = (0, 0, 0);
    if let Some(meta) = event.json.object("_meta") {
        count(meta, &mut |about| {
            let is_by = |rule: &str| {
                about.array("rem").iter().filter_map(|one| one.array()?.first()?.text()).any(|one| one == rule)
            };
            let rules = || about.array("rem").iter().filter_map(|one| one.array()?.first()?.text());
            cut += i64::from(about.has("len") || is_by("!limit"));
            by_sdk += i64::from(is_by("!config") || is_by("!raw"));
            ruled += i64::from(rules().any(|rule| !rule.starts_with('!')));
        });
    }
    let was = |count: i64, how: &str| match count {
        0 => None,
        1 => Some(format!("1 value was {how}")),
        many => Some(format!("{} were {how}", counted(many, "value", "values"))),
    };
    let told = [was(cut, "cut"), was(ruled, "removed by rules"), was(by_sdk, "left out by the SDK")];
    let told: Vec<String> = told.into_iter().flatten().collect();
    (!told.is_empty()).then(|| format!("{}. Each is marked where it stood.", told.join("; ")))
}

fn count(node: &Object<'_>, tell: &mut dyn FnMut(&Object<'_>)) {
    for (key, child) in node.iter() {
        match child {
            Json::Object(about) if key.is_empty() => tell(about),
            Json::Object(child) => count(child, tell),
            _ => {}
        }
    }
}

fn problem(&(kind, name, told): &(&str, &str, &str)) -> Markup {
    html! {
        li {
            (icon("warn")) " "
            @if !name.is_empty() { code { (value::cut(name, 200).0) } ": " }
            @match meaning(kind) {
                _ if !told.is_empty() => (value::text(told)),
                Some(meaning) => (meaning),
                None => (value::cut(&kind.replace('_', " "), 100).0),
            }
        }
    }
}

/// What a kind means, for problems that came without a sentence: those that an SDK or a relay has noted.
fn meaning(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "invalid_data" | "invalid_attribute" => "This is not what belongs here, and was left out.",
        "missing_attribute" => "Something that belongs here is missing.",
        "value_too_long" => "It was longer than the limit and was cut.",
        "clock_drift" => "The sender's clock was wrong; times were moved by the difference.",
        "past_timestamp" => "Its time is too long ago; the time of receipt was taken.",
        "future_timestamp" => "Its time has not come yet; the time of receipt was taken.",
        "invalid_environment" => "This cannot be the name of an environment, and was left out.",
        "js_no_source" | "js_generic_fetch_error" => "The source of this file is not there.",
        "js_invalid_sourcemap" => "The source map cannot be read.",
        "native_missing_dsym" => "The symbols of this image were not uploaded.",
        "proguard_missing_mapping" => "The mapping file of this build was not uploaded.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_sentences() {
        let text = r#"{"errors":[{"type":"value_too_long","name":"extra.<b>","value":"Cut from 20 KB."},{"type":"clock_drift"},{"type":"some_other"}]}"#;
        let page = section(&Event::stored(text), &mut Room::default()).into_string();
        assert!(
            page.contains("<code>extra.&lt;b&gt;</code>: Cut from 20 KB.") && page.contains("3 problems in this event")
        );
        assert!(page.contains("The sender's clock was wrong") && page.contains("some other"), "{page}");
        let cut = r#"{"_meta":{"a":{"":{"len":9}},"b":{"0":{"":{"rem":[["!limit","x"]]}},"1":{"":{"rem":[["@ip:replace","s",0,4]]}}},"c":{"":{"rem":[["!config","x"]]}}}}"#;
        let page = section(&Event::stored(cut), &mut Room::default()).into_string();
        let told = "2 values were cut; 1 value was removed by rules; 1 value was left out by the SDK. Each is marked where it stood.";
        assert!(page.contains(told), "{page}");
        assert_eq!(section(&Event::stored("{}"), &mut Room::default()).into_string(), "");
    }
}
