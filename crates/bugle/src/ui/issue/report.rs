//! What stands in place of an exception: a browser's report about a policy or a certificate, and the template that an
//! error happened in.

use super::frame;
use super::room::Room;
use super::value::{self, Meta};
use bugle_event::Event;
use bugle_event::event::Frame;
use bugle_event::json::Object;
use maud::{Markup, html};

/// Fields of a report that are shown.
const FIELDS_MAX: usize = 30;

/// Kinds of reports: key, heading, and what the report says, in words.
const KINDS: [(&str, &str, &str); 4] = [
    ("csp", "Policy", "A browser reported what the page's content security policy does not allow."),
    ("expectct", "Certificate", "A browser missed a proof that the certificate was logged (Expect-CT)."),
    ("expectstaple", "Certificate", "A browser missed the status that comes with the certificate (Expect-Staple)."),
    ("hpkp", "Certificate", "A browser was given no certificate with one of the pinned keys (HPKP)."),
];

/// The section of a security report.
pub fn section(event: &Event<'_>, room: &mut Room) -> Markup {
    let found = KINDS.iter().find_map(|(key, heading, said)| Some((*key, *heading, *said, event.json.object(key)?)));
    let Some((key, heading, said, report)) = found else { return html! {} };
    let meta = Meta::of(event).at(key);
    html! {
        @if room.take(8 + 2 * report.len().min(FIELDS_MAX)) {
            section.part #report {
                header { h2 { (heading) } small { "a browser's report" } }
                div {
                    p.because { (if key == "csp" { policy(report) } else { said }) }
                    dl.kv {
                        @for (name, found) in ordered(report).into_iter().take(FIELDS_MAX) {
                            dt { (value::cut(name, 60).0.replace('_', " ")) }
                            dd {
                                @match found.text() {
                                    Some(text) if name.ends_with("_uri") || name == "source_file" => (value::address(text, meta.at(name))),
                                    _ => (value::value(found, meta.at(name))),
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Whether the browser has blocked it, or only would have.
fn policy(report: &Object<'_>) -> &'static str {
    match report.text("disposition") {
        Some("report") => "The policy only reports: the browser loaded it all the same.",
        _ => KINDS[0].2,
    }
}

/// The directive and what was blocked first; the policy itself, which is long, last.
fn ordered<'r, 'a>(report: &'r Object<'a>) -> Vec<(&'r str, &'r bugle_event::json::Json<'a>)> {
    const FIRST: [&str; 6] =
        ["effective_directive", "blocked_uri", "document_uri", "source_file", "line_number", "hostname"];
    let rank = |name: &str| match name {
        "original_policy" => FIRST.len() + 1,
        name => FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len()),
    };
    let mut fields: Vec<_> = report.iter().filter(|(_, found)| !found.is_empty()).collect();
    fields.sort_by_key(|(name, _)| rank(name));
    fields
}

/// The template, as a frame that is open.
pub fn template(event: &Event<'_>, room: &mut Room) -> Markup {
    let Some(template) = event.json.object("template") else { return html! {} };
    let scene = frame::Scene { platform: event.platform(), meta: Meta::default() };
    html! {
        section.part #template {
            header { h2 { "Template" } }
            div { (frame::stack(&[Frame(template)], Some(0), scene, room)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_was_blocked_first() {
        let text = r#"{"csp":{"original_policy":"img-src 'self'","document_uri":"https://shop.example/<x>","blocked_uri":"https://evil.example/a.png",
            "effective_directive":"img-src","disposition":"report"}}"#;
        let page = section(&Event::stored(text), &mut Room::default()).into_string();
        let places = ["only reports", "img-src", "evil.example", "shop.example/&lt;x&gt;", "original policy"]
            .map(|word| page.find(word).unwrap_or(0));
        assert!(places.is_sorted() && places[0] > 0, "{places:?} {page}");
        assert_eq!(section(&Event::stored("{}"), &mut Room::default()).into_string(), "");
    }

    #[test]
    fn a_template_shows_its_line() {
        let text = r#"{"template":{"filename":"pay.html","lineno":14,"pre_context":["<form>"],"context_line":"{{ total|money }}"}}"#;
        let page = template(&Event::stored(text), &mut Room::default()).into_string();
        assert!(
            page.contains("pay.html:14") && page.contains("total|money") && page.contains("&lt;form&gt;"),
            "{page}"
        );
    }
}
