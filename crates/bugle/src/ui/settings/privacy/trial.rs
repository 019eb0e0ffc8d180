//! Tries rules on an event: what would go, and why.
//!
//! Pure: an event and a scrubber in, lines out. What was pasted is in the answer to the form and nowhere else.

use bugle_event::json::{Json, Object};
use bugle_event::normalize::{self, Arrival};
use bugle_event::scrub::Scrubber;
use bugle_event::{Event, EventId, dialect, frame};
use maud::{Markup, html};

/// The longest event that may be pasted, in bytes.
pub const SAMPLE_BYTES_MAX: usize = 512 << 10;
/// Lines that are shown.
const LINES_MAX: usize = 200;
/// What is shown of a value: the change, and around it.
const CHANGE_CHARS_MAX: usize = 160;
const AROUND_CHARS_MAX: usize = 40;

/// Something that would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    place: String,
    rules: Vec<String>,
    /// Before, what changes, behind; before it and after it.
    before: [String; 3],
    after: [String; 3],
}

/// Reads what was pasted as the door would.
pub fn pasted(text: &str, now_ms: i64) -> Event<'_> {
    let mut event = dialect::sentry::read(text);
    let arrival =
        Arrival { received_ms: now_ms, sent_at_ms: None, event_id: EventId([0; 16]), client: None, client_ip: None };
    normalize::normalize(&mut event, &arrival);
    frame::decide_in_app(&mut event);
    event
}

/// What `scrubber` would take out of `event`, in the event's order.
pub fn run(event: &Event<'_>, scrubber: &Scrubber) -> Vec<Gone> {
    let before = event.json.clone();
    // Remarks of an earlier time are not what this would do.
    let mut fresh = event.json.clone();
    fresh.remove("_meta");
    let mut scrubbed = Event { json: fresh, problems: Vec::new() };
    scrubber.scrub(&mut scrubbed);
    let mut gone = Vec::new();
    if let Some(meta) = scrubbed.json.object("_meta") {
        remarks(meta, &mut Vec::new(), &mut |path, rules| {
            let (before, after) = (at(&before, path), at(&scrubbed.json, path));
            let (before, after) = changes(&before.unwrap_or_default(), &after.unwrap_or_default());
            gone.push(Gone { place: path.join("."), rules, before, after });
        });
    }
    gone.truncate(LINES_MAX);
    gone
}

/// Calls `each` with the path and the rules of every remark.
fn remarks(meta: &Object<'_>, path: &mut Vec<String>, each: &mut dyn FnMut(&[String], Vec<String>)) {
    for (key, inner) in meta.iter() {
        let Json::Object(inner) = inner else { continue };
        if key.is_empty() {
            let mut rules: Vec<String> = Vec::new();
            for remark in inner.array("rem") {
                let rule = remark.array().and_then(|remark| remark.first()?.text());
                rules.extend(rule.map(String::from).filter(|rule| !rules.contains(rule)));
            }
            if !rules.is_empty() {
                each(path, rules);
            }
            continue;
        }
        path.push(key.to_string());
        remarks(inner, path, each);
        path.pop();
    }
}

/// The value at a path, as text.
fn at(event: &Object<'_>, path: &[String]) -> Option<String> {
    let (first, rest) = path.split_first()?;
    let mut here = event.get(first)?;
    for step in rest {
        here = match here {
            Json::Object(object) => object.get(step)?,
            Json::Array(values) => values.get(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(here.text().map_or_else(|| here.to_string(), String::from))
}

/// Both texts in three parts: what they begin with, what differs, what they end with.
fn changes(before: &str, after: &str) -> ([String; 3], [String; 3]) {
    let same = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| -> usize {
        a.zip(b).take_while(|(a, b)| a == b).count()
    };
    let (old, new): (Vec<char>, Vec<char>) = (before.chars().collect(), after.chars().collect());
    let start = same(&mut old.iter().copied(), &mut new.iter().copied());
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let end = same(&mut old_rest.iter().rev().copied(), &mut new_rest.iter().rev().copied());
    let parts = |all: &[char]| {
        let (head, change, tail) = (&all[..start], &all[start..all.len() - end], &all[all.len() - end..]);
        let cut = head.len().saturating_sub(AROUND_CHARS_MAX);
        let head: String =
            if cut > 0 { "…".chars().chain(head[cut..].iter().copied()).collect() } else { head.iter().collect() };
        [head, shortened(change, CHANGE_CHARS_MAX), shortened(tail, AROUND_CHARS_MAX)]
    };
    (parts(&old), parts(&new))
}

fn shortened(text: &[char], chars_max: usize) -> String {
    match text.len() > chars_max {
        true => text[..chars_max].iter().chain(&['…']).collect(),
        false => text.iter().collect(),
    }
}

/// The lines as a table.
pub fn table(caption: &str, gone: &[Gone]) -> Markup {
    if gone.is_empty() {
        return html! { p.say { (caption) ": nothing would go." } };
    }
    let value =
        |parts: &[String; 3]| html! { code { (parts[0]) @if !parts[1].is_empty() { mark { (parts[1]) } } (parts[2]) } };
    html! {
        h3 { (caption) }
        div.snip {
            table.books {
                caption.sr { (caption) }
                thead { tr { th scope="col" { "Where" } th scope="col" { "Comes" } th scope="col" { "Is kept" } th scope="col" { "Rule" } } }
                tbody {
                    @for one in gone {
                        tr {
                            th scope="row" { code { (one.place) } }
                            td { (value(&one.before)) }
                            td { @if one.after.concat().is_empty() || one.after.concat() == "null" { span.gone { "removed" } } @else { (value(&one.after)) } }
                            td.dim { (one.rules.join(", ")) }
                        }
                    }
                }
            }
        }
        @if gone.len() == LINES_MAX { p.because { "The first " (LINES_MAX) " places." } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_is_told_with_its_place_and_rule() {
        let event = pasted(
            r#"{"extra":{"password":"hunter2","n":1},"message":"see /home/jo/x","_meta":{"extra":{"n":{"":{"rem":[["old","x"]]}}}}}"#,
            0,
        );
        let gone = run(&event, &Scrubber::default());
        let told: Vec<(&str, String)> = gone.iter().map(|one| (one.place.as_str(), one.rules.join(","))).collect();
        assert!(told.contains(&("extra.password", "@password:filter".into())), "{told:?}");
        assert!(told.iter().all(|(_, rule)| rule != "old"), "{told:?}");
        let home = gone.iter().find(|one| one.rules[0].contains("userpath")).expect("told");
        assert_eq!((home.before.concat(), home.after.concat()), ("see /home/jo/x".into(), "see /home/[user]/x".into()));
        assert_eq!((&home.before[1][..], &home.after[1][..]), ("jo", "[user]"));
    }
}
