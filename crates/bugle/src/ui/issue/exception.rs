//! The exception: its chain inside out. Reading down leads from where it broke to where it entered.
//!
//! The root cause stands first, its innermost frame on top; below it "was caught, and became" and the next one. An
//! event without an exception shows its message here, and the stack of its thread.

use super::frame::{self, Scene};
use super::room::Room;
use super::value::{self, Meta};
use crate::ui::number::counted;
use bugle_event::Event;
use bugle_event::event::{Exception, Frame, Thread};
use bugle_event::json::Json;
use maud::{Markup, html};

/// Exceptions of a chain that are shown.
const CHAIN_MAX: usize = 20;
/// Threads that are shown.
const THREADS_MAX: usize = 30;
/// Elements that the chain with its stacks may take.
const ELEMENTS_MAX: usize = 1_050;

/// The section.
pub fn section(event: &Event<'_>, room: &mut Room) -> Markup {
    room.share(ELEMENTS_MAX, |room| chain(event, room))
}

fn chain(event: &Event<'_>, room: &mut Room) -> Markup {
    let meta = Meta::of(event).at("exception").at("values");
    let chain: Vec<Exception<'_>> = event.exceptions().collect();
    if chain.is_empty() {
        return html! { (message(event)) (bare_stack(event, room)) };
    }
    let open = chain.iter().position(|one| frames(one).iter().any(Frame::in_app));
    let open = open.or_else(|| chain.iter().position(|one| one.stack().is_some()));
    html! {
        section.part #frame {
            header {
                h2 { "Exception" }
                @if chain.len() > 1 { small { (chain.len()) " in a chain, " br; "inside out" } }
            }
            div {
                @for (at, exception) in chain.iter().take(CHAIN_MAX).enumerate() {
                    (head(exception, at.checked_sub(1).map(|before| &chain[before]), meta.at(at)))
                    @let frames = frames(exception);
                    @let first_own = frames.iter().position(Frame::in_app).unwrap_or(0);
                    @let scene = Scene { platform: event.platform(), meta: meta.at(at).at("stacktrace").at("frames") };
                    (frame::stack(&frames, (open == Some(at)).then_some(first_own), scene, room))
                }
                @if chain.len() > CHAIN_MAX { p.because { (chain.len() - CHAIN_MAX) " more of the chain are in the JSON." } }
            }
        }
        @if event.message().is_some() { (message(event)) }
    }
}

/// The frames of an exception, innermost first.
fn frames<'e>(exception: &Exception<'e>) -> Vec<Frame<'e>> {
    exception.stack().map(|stack| stack.frames().rev().collect()).unwrap_or_default()
}

fn head(exception: &Exception<'_>, cause: Option<&Exception<'_>>, meta: Meta<'_>) -> Markup {
    html! {
        p.exc {
            @if let Some(cause) = cause { span.say { (became(exception, cause)) } " " }
            samp {
                b { (value::cut(exception.kind().unwrap_or("Error"), 300).0) } " " (value::noted(exception.value().unwrap_or(""), meta.at("value")))
            }
            @if let Some(how) = how(exception) { " " small.dim { (how) } }
        }
    }
}

/// How one led to the next.
fn became(exception: &Exception<'_>, cause: &Exception<'_>) -> &'static str {
    let mechanism = |one: &Exception<'_>, key: &str| one.mechanism().and_then(|m| m.text(key)).map(String::from);
    let is_group = exception.mechanism().and_then(|m| m.get("is_exception_group")).and_then(Json::bool) == Some(true);
    match mechanism(cause, "source").as_deref() {
        _ if is_group => "was gathered with others into",
        Some("__context__") => "was being handled when this was raised:",
        _ => "was caught, and became",
    }
}

/// `not handled, by django`.
fn how(exception: &Exception<'_>) -> Option<String> {
    let by = exception.mechanism().and_then(|m| m.text("type")).filter(|by| !matches!(*by, "generic" | "chained"));
    let handled = match exception.handled()? {
        // A cause that was caught is what the chain says anyway.
        true if by.is_none() => return None,
        true => "handled",
        false => "not handled",
    };
    Some(by.map_or_else(|| handled.to_string(), |by| format!("{handled}, by {}", value::cut(by, 80).0)))
}

fn message(event: &Event<'_>) -> Markup {
    let template = event.message_template().filter(|template| Some(*template) != event.message());
    let params = event.json.object("logentry").and_then(|entry| entry.get("params"));
    html! {
        @if let Some(said) = event.message() {
            section.part {
                header { h2 { "Message" } }
                div {
                    p.exc { samp { (value::noted(said, Meta::of(event).at("logentry").at("formatted"))) } }
                    @if let Some(template) = template {
                        dl.kv {
                            dt { "written as" } dd { (value::text(template)) }
                            @if let Some(params) = params { dt { "with" } dd { (value::value(params, Meta::of(event).at("logentry").at("params"))) } }
                        }
                    }
                }
            }
        }
    }
}

/// The stack of an event that has no exception.
fn bare_stack(event: &Event<'_>, room: &mut Room) -> Markup {
    let Some(stack) = event.stack() else { return html! {} };
    let frames: Vec<Frame<'_>> = stack.frames().rev().collect();
    let open = frames.iter().position(Frame::in_app).or(Some(0));
    html! {
        section.part #frame {
            header { h2 { "Stack" } small { "innermost first" } }
            div { (frame::stack(&frames, open, Scene { platform: event.platform(), meta: Meta::default() }, room)) }
        }
    }
}

/// All threads, the crashed one first.
pub fn threads(event: &Event<'_>, room: &mut Room) -> Markup {
    let mut threads: Vec<Thread<'_>> = event.threads().collect();
    threads.sort_by_key(|thread| !is(thread, "crashed"));
    html! {
        @if !threads.is_empty() {
            section.part {
                header { h2 { "Threads" } small { (threads.len()) } }
                div {
                    @for thread in threads.iter().take(THREADS_MAX) {
                        @if room.take(30) { (one_thread(thread, event.platform())) }
                    }
                    @if threads.len() > THREADS_MAX { p.because { (threads.len() - THREADS_MAX) " more are in the JSON." } }
                }
            }
        }
    }
}

fn one_thread(thread: &Thread<'_>, platform: &str) -> Markup {
    let name = thread.0.text("name").map(String::from);
    let id = thread.0.get("id").map(|id| id.text().map_or_else(|| id.to_string(), String::from)).unwrap_or_default();
    let frames: Vec<Frame<'_>> =
        thread.stack().map(|stack| stack.frames().rev().take(20).collect()).unwrap_or_default();
    let marks = [("crashed", "crashed"), ("current", "current"), ("main", "main")];
    let marks: Vec<&str> = marks.iter().filter(|(key, _)| is(thread, key)).map(|(_, word)| *word).collect();
    html! {
        p.exc {
            samp { b { (name.as_deref().map_or("thread", |name| value::cut(name, 100).0)) } " " (value::cut(&id, 40).0) }
            @if !marks.is_empty() { " " small.dim { (marks.join(", ")) } }
            @if frames.is_empty() { " " small.dim { (counted(0, "frame", "frames")) } }
        }
        @if !frames.is_empty() { (frame::folded(&frames, platform)) }
    }
}

fn is(thread: &Thread<'_>, flag: &str) -> bool {
    thread.0.get(flag).and_then(Json::bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_reads_inside_out() {
        let text = r#"{"exception":{"values":[
            {"type":"KeyError","value":"'a'","mechanism":{"source":"__context__"},
             "stacktrace":{"frames":[{"function":"outer","in_app":true},{"function":"inner","in_app":true}]}},
            {"type":"ShopError","value":"<script>","mechanism":{"type":"django","handled":false},
             "stacktrace":{"frames":[{"function":"view","in_app":true}]}}]}}"#;
        let page = section(&Event::stored(text), &mut Room::default()).into_string();
        let order = ["KeyError", "inner", "outer", "was being handled", "ShopError", "not handled, by django", "view"];
        let places: Vec<usize> = order.iter().map(|word| page.find(word).unwrap_or(0)).collect();
        assert!(places.is_sorted() && places[0] > 0, "{places:?}");
        assert_eq!(page.matches(" open>").count(), 1);
        assert!(!page.contains("<script>"));
    }

    #[test]
    fn a_message_shows_what_it_was_made_of() {
        let text = r#"{"logentry":{"message":"slow %s","formatted":"slow db","params":["db"]}}"#;
        let page = section(&Event::stored(text), &mut Room::default()).into_string();
        assert!(page.contains("slow db") && page.contains("slow %s"), "{page}");
    }
}
