//! All events of the issue: what they have in common, and why they are one issue.

use super::{Sheet, value};
use crate::issue::Issue;
use crate::issue::key::Key;
use crate::issue::tags::{OTHER, Tag};
use crate::ui::address::with_query;
use crate::ui::icon::icon;
use crate::ui::number::{counted, exact, share};
use bugle_event::Event;
use bugle_event::group::{self, Because, Kind};
use maud::{Markup, html};

/// Tags that are shown at once; the rest is folded.
const TAGS_SHOWN: usize = 8;
/// Tags that are shown at all.
const TAGS_MAX: usize = 40;
/// Bars in the folded part.
const BARS_FOLDED: usize = 30;
/// Parts of a key that are shown.
const PARTS_MAX: usize = 12;
/// Parts that were not used, by name, for one reason.
const UNUSED_MAX: usize = 12;
/// Keys of the issue that are named.
pub(super) const KEYS_MAX: i64 = 40;

/// The column on the right.
pub(super) fn rail(sheet: &Sheet, event: Option<&Event<'_>>) -> Markup {
    // What is the same in every event takes a line; what differs has bars, and its own place before the rest.
    let is_same = |tag: &&Tag| sheet.issue.events > 1 && tag.values == 1 && tag.events >= sheet.issue.events;
    let (same, varied): (Vec<&Tag>, Vec<&Tag>) = sheet.tags.iter().partition(is_same);
    let (first, rest) = varied.split_at(varied.len().min(TAGS_SHOWN));
    let bars = rest.iter().scan(0, |bars, tag| {
        *bars += tag.top.len();
        Some(*bars)
    });
    let folded = bars.take_while(|bars| *bars <= BARS_FOLDED).count();
    html! {
        aside aria-label="All events of this issue" {
            div.bar {
                h2 { "All " (counted(sheet.issue.events, "event", "events")) }
                a href={ "/issues/" (sheet.issue.id) "/events" } { "list" }
            }
            @if !sheet.tags.is_empty() {
                section.hang #tags {
                    h3 { "Tags" small { "share of the events" } }
                    @for one in first { (tag(&sheet.issue, one)) }
                    @if !rest.is_empty() {
                        details {
                            summary.dim { (counted(rest.len() as i64, "more tag", "more tags")) }
                            @for one in rest.iter().take(folded) { (tag(&sheet.issue, one)) }
                            @if rest.len() > folded { p.because { (rest[folded..].iter().take(TAGS_MAX).map(|tag| value::cut(&tag.key, 80).0).collect::<Vec<_>>().join(", ")) } }
                        }
                    }
                    @if !same.is_empty() { (constants(&sheet.issue, &same)) }
                }
            }
            @if let Some(event) = event { (why(&group::explain(event), &sheet.keys)) }
        }
    }
}

fn tag(issue: &Issue, tag: &Tag) -> Markup {
    let shown: i64 = tag.top.iter().map(|value| value.events).sum();
    let has_more = tag.values > tag.top.len() as i64;
    html! {
        div.tag {
            @for found in &tag.top {
                @let part = share(found.events, issue.events.max(tag.events));
                @let width = format!("{:.1}%", 100.0 * found.events as f64 / issue.events.max(tag.events).max(1) as f64);
                @let named = if found.value == OTHER { "all others" } else { value::cut(&found.value, 200).0 };
                @let bar = html! {
                    samp { i { (value::cut(&tag.key, 80).0) } " " (named) } b { (part) }
                    svg aria-hidden="true" { line.base x1="0" x2="100%" y1="9" y2="9" {} rect.b1 width=(width) height="9" {} }
                    small { (exact(found.events)) }
                };
                @match found.value == OTHER {
                    true => div.share { (bar) },
                    false => a.share href=(with_query("/issues", &[("q", &term(&tag.key, &found.value)), ("project", &issue.project_slug)])) { (bar) },
                }
            }
            @if has_more {
                p.because { (counted(tag.values - tag.top.len() as i64, "further value", "further values")) " in " (counted(tag.events - shown, "event", "events")) }
            }
        }
    }
}

/// Tags with one value that every event has.
fn constants(issue: &Issue, tags: &[&Tag]) -> Markup {
    let link = |tag: &Tag, value: &str| {
        let href = with_query("/issues", &[("q", &term(&tag.key, value)), ("project", &issue.project_slug)]);
        html! { a href=(href) { (value::cut(value, 200).0) } }
    };
    html! {
        p.because { "The same in every event:" }
        dl.kv {
            @for tag in tags.iter().take(TAGS_MAX) {
                dt { (value::cut(&tag.key, 80).0) }
                dd { @for found in &tag.top { (link(tag, &found.value)) } }
            }
        }
    }
}

/// The search for issues with this value.
fn term(key: &str, value: &str) -> String {
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/@+".contains(&byte));
    let value = if is_plain(value) {
        value.to_string()
    } else {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    };
    if is_plain(key) { format!("tags[{key}]:{value}") } else { format!("\"tags[{key}]\":{value}") }
}

fn why(because: &Because, keys: &[Key]) -> Markup {
    // Any key of an event joins it; the first that is known decides.
    let mut kinds: Vec<Kind> = because.parts.iter().map(|part| part.key).collect();
    kinds.dedup();
    let Some((first, others)) = kinds.split_first() else { return html! {} };
    html! {
        section.hang.why #why {
            h3 { "Why these are one issue" }
            (parts(because, *first))
            p.because { (joined(*first, |what| because.parts.iter().any(|part| part.what == what))) }
            @for kind in others {
                details { summary.dim { (otherwise(*kind)) } (parts(because, *kind)) }
            }
            (unused(because))
            @if !keys.is_empty() {
                details {
                    summary.dim {
                        (counted(keys.len() as i64, "key leads", "keys lead")) " here, by version " (group::VERSION) " of grouping"
                    }
                    dl.kv.code { @for key in keys { dt { (key.kind) } dd { (key.hash) } } }
                }
            }
        }
    }
}

fn parts(because: &Because, kind: Kind) -> Markup {
    let parts: Vec<_> = because.parts.iter().filter(|part| part.key == kind).collect();
    html! {
        ul {
            @for part in parts.iter().take(PARTS_MAX) {
                li { (icon("check")) " " @if part.what != "frame" && part.what != "type" { span.dim { (part.what) } " " } code { (value::cut(&part.text, 200).0) } }
            }
            @if parts.len() > PARTS_MAX { li.dim { "and " (parts.len() - PARTS_MAX) " more" } }
        }
    }
}

fn joined(kind: Kind, has: impl Fn(&str) -> bool) -> &'static str {
    match kind {
        Kind::Custom => "Joined by the fingerprint that the application gave.",
        Kind::Full => "Joined by the types and the whole stack of the application's own frames.",
        Kind::Site => "Joined by the type, the crash site and the message.",
        Kind::Message if has("directive") => "Joined by the directive and the host, because it is a security report.",
        Kind::Message if has("type") => "Joined by the type and the message, because no frame can be used.",
        Kind::Message => "Joined by the message, because it has neither a type nor a frame that can be used.",
    }
}

fn otherwise(kind: Kind) -> &'static str {
    match kind {
        Kind::Custom => "or by the fingerprint",
        Kind::Full => "or by the whole stack",
        Kind::Site => "or by the crash site and the message",
        Kind::Message => "or by the type and the message",
    }
}

/// What took no part, by reason.
fn unused(because: &Because) -> Markup {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for ignored in &because.ignored {
        match reasons.iter_mut().find(|(why, _)| *why == ignored.why) {
            Some((_, texts)) => texts.push(&ignored.text),
            None => reasons.push((ignored.why, vec![&ignored.text])),
        }
    }
    let told = |why: &str, count: i64| match why {
        "not in-app" => format!("Not used: {}", counted(count, "library frame", "library frames")),
        "recursion" => format!("Not used: {}", counted(count, "repeated frame", "repeated frames")),
        why => format!("Not used: {} ({why})", counted(count, "part", "parts")),
    };
    html! {
        @for (why, texts) in &reasons {
            details {
                summary.dim { (told(why, texts.len() as i64)) }
                ul {
                    @for text in texts.iter().take(UNUSED_MAX) { li { code { (value::cut(text, 200).0) } } }
                    @if texts.len() > UNUSED_MAX { li.dim { "and " (texts.len() - UNUSED_MAX) " more" } }
                }
            }
        }
        p.because { "Line numbers, variables and what varies in messages are never used." }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_for_a_value_reads_back() {
        use crate::issue::query::{Asker, parse};
        use crate::issue::term::{Pattern, Test};
        let asker = Asker { me: 1, people: &[], now_ms: 0 };
        for (key, value) in [("browser", "Firefox 143"), ("url", "/a/b"), ("wallet", "apple_pay"), ("x", "say \"hi\"")]
        {
            let query = term(key, value);
            let filter = parse(&query, &asker).unwrap_or_else(|wrong| panic!("{query}: {wrong:?}"));
            assert_eq!(filter.terms[0].test, Test::Tag(key.into(), vec![Pattern(value.into())]), "{query}");
        }
    }

    #[test]
    fn the_reason_names_what_was_used_and_what_not() {
        let text = r#"{"exception":{"values":[{"type":"KeyError","value":"'a'","stacktrace":{"frames":[
            {"module":"django.core","function":"run","in_app":false},
            {"module":"shop.cart","function":"total","in_app":true}]}}]}}"#;
        let keys = [Key { kind: "full".into(), hash: "0f".repeat(16) }];
        let page = why(&group::explain(&Event::stored(text)), &keys).into_string();
        assert!(
            page.contains("KeyError") && page.contains("cart: total") && page.contains("1 library frame"),
            "{page}"
        );
        assert!(page.contains("or by the crash site and the message") && page.contains("core: run"), "{page}");
        assert!(page.contains("1 key leads here") && page.contains(&"0f".repeat(16)), "{page}");
    }
}
