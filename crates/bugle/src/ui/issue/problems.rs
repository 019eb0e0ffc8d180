//! Problems: everything odd about one event, in words, and whether the page had room for all of it.

use super::room::Room;
use super::value;
use crate::ui::icon::icon;
use crate::ui::number::counted;
use bugle_event::Event;
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
        @if !problems.is_empty() || room.is_short() {
            section.part #problems {
                header { h2 { "Problems" } small { (counted(problems.len() as i64, "problem", "problems")) " in this event" } }
                div {
                    ul.because {
                        @if room.is_short() {
                            li { (icon("warn")) " The event is larger than a page. What is missing here is in its JSON." }
                        }
                        @for row in open { (row) }
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
        assert_eq!(section(&Event::stored("{}"), &mut Room::default()).into_string(), "");
    }
}
