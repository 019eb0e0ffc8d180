//! Threads: the one that crashed or sent the event first and open, the others folded.

use super::frame::{self, Scene};
use super::room::Room;
use super::value::{self, Meta};
use crate::ui::number::counted;
use bugle_event::Event;
use bugle_event::event::{Exception, Frame, Thread};
use bugle_event::json::{Json, Object};
use maud::{Markup, html};

/// Threads that are shown.
const THREADS_MAX: usize = 30;
/// Locks of a thread that are shown.
const LOCKS_MAX: usize = 10;
/// Elements that all of them may take.
const ELEMENTS_MAX: usize = 400;

/// The section.
pub fn section(event: &Event<'_>, room: &mut Room) -> Markup {
    let mut threads: Vec<(usize, Thread<'_>)> = event.threads().enumerate().collect();
    threads.sort_by_key(|(_, thread)| (!is(thread, "crashed"), !is(thread, "current"), !is(thread, "main")));
    html! {
        @if !threads.is_empty() {
            section.part #threads {
                header { h2 { "Threads" } small { (threads.len()) } }
                div {
                    (room.share(ELEMENTS_MAX, |room| list(event, &threads, room)))
                }
            }
        }
    }
}

fn list(event: &Event<'_>, threads: &[(usize, Thread<'_>)], room: &mut Room) -> Markup {
    html! {
        @for (order, (at, thread)) in threads.iter().take(THREADS_MAX).enumerate() {
            @if room.take(12) {
                (one(event, *at, thread, order == 0 && (is(thread, "crashed") || is(thread, "current")), room))
            }
        }
        @if threads.len() > THREADS_MAX { p.because { (threads.len() - THREADS_MAX) " more are in the JSON." } }
    }
}

fn one(event: &Event<'_>, at: usize, thread: &Thread<'_>, is_open: bool, room: &mut Room) -> Markup {
    let frames: Vec<Frame<'_>> = thread.stack().map(|stack| stack.frames().rev().collect()).unwrap_or_default();
    let meta = Meta::of(event).at("threads").at("values").at(at).at("stacktrace").at("frames");
    let scene = Scene { platform: event.platform(), meta };
    let threw = event.exceptions().next_back().filter(|exception| has_thrown(exception, thread));
    // Without an exception the stack of this one stands at the top of the page already.
    let is_told = event.exceptions().next().is_none() && is_open;
    html! {
        details.frame open[is_open && !frames.is_empty() && !is_told] {
            summary {
                code.fn { (value::cut(thread.0.text("name").unwrap_or("thread"), 100).0) } " "
                @if let Some(id) = id(thread.0) { code { (id) } " " }
                small { (marks(thread, frames.len()).join(", ")) }
            }
            div.body {
                @if frames.is_empty() && threw.is_some() {
                    p.because { "Its stack is the one of the exception." }
                } @else if frames.is_empty() {
                    p.because { "No stack came with this thread." }
                } @else if is_open {
                    (frame::stack(&frames, None, scene, room))
                } @else {
                    (frame::folded(&frames, event.platform()))
                }
                (locks(thread.0, room))
            }
        }
    }
}

/// `crashed, main, blocked, 12 frames`.
fn marks(thread: &Thread<'_>, frames: usize) -> Vec<String> {
    let flags = ["crashed", "current", "main"].iter().filter(|flag| is(thread, flag)).map(|flag| flag.to_string());
    let state = thread.0.text("state").map(|state| value::cut(state, 40).0.to_lowercase());
    flags.chain(state).chain([counted(frames as i64, "frame", "frames")]).collect()
}

/// What it holds or waits for.
fn locks(thread: &Object<'_>, room: &mut Room) -> Markup {
    let locks: Vec<&Object<'_>> = thread
        .object("held_locks")
        .into_iter()
        .flat_map(Object::iter)
        .filter_map(|(_, lock)| lock.object())
        .take(LOCKS_MAX)
        .collect();
    html! {
        @if !locks.is_empty() && room.take(1 + 2 * locks.len()) {
            dl.kv {
                @for lock in locks {
                    dt { (lock_kind(lock)) }
                    dd {
                        code { (lock_name(lock)) }
                        @if let Some(holder) = lock.get("thread_id").filter(|id| !id.is_empty()) { " held by thread " (value::inline(holder, Meta::default())) }
                    }
                }
            }
        }
    }
}

fn lock_kind(lock: &Object<'_>) -> &'static str {
    match lock.get("type").and_then(Json::int) {
        Some(1) => "holds",
        Some(2) => "waits for",
        Some(4) => "sleeps on",
        Some(8) => "is blocked by",
        _ => "lock",
    }
}

fn lock_name(lock: &Object<'_>) -> String {
    let names: Vec<&str> = ["package_name", "class_name"].iter().filter_map(|key| lock.text(key)).collect();
    let name = names.join(".");
    let name = [Some(name.as_str()).filter(|name| !name.is_empty()), lock.text("address")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    value::cut(&name, 200).0.to_string()
}

fn has_thrown(exception: &Exception<'_>, thread: &Thread<'_>) -> bool {
    id(exception.0).is_some_and(|own| id(thread.0) == Some(own))
}

/// The id of a thread, or of the thread of an exception.
fn id(own: &Object<'_>) -> Option<String> {
    let id = own.get("thread_id").or_else(|| own.get("id")).filter(|id| !id.is_empty())?;
    Some(value::cut(&id.text().map_or_else(|| id.to_string(), String::from), 40).0.to_string())
}

fn is(thread: &Thread<'_>, flag: &str) -> bool {
    thread.0.get(flag).and_then(Json::bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crashed_thread_stands_first_and_open() {
        let text = r#"{"exception":{"values":[{"type":"ANR","thread_id":9}]},"threads":{"values":[
            {"id":1,"name":"idle","state":"SLEEPING","stacktrace":{"frames":[{"function":"wait"}]}},
            {"id":2,"name":"worker","crashed":true,"stacktrace":{"frames":[{"function":"boom","in_app":true}]},
             "held_locks":{"0x1":{"type":2,"address":"0x1","package_name":"java.lang","class_name":"Object","thread_id":1}}},
            {"id":9,"name":"thrower"}]}}"#;
        let page = section(&Event::stored(text), &mut Room::default()).into_string();
        let places = ["worker", "boom", "waits for", "java.lang.Object 0x1", "idle", "thrower"]
            .map(|word| page.find(word).unwrap_or(0));
        assert!(places.is_sorted() && places[0] > 0, "{places:?} {page}");
        assert_eq!(page.matches("open>").count(), 1, "{page}");
        assert!(
            page.contains("sleeping, 1 frame") && page.contains("Its stack is the one of the exception."),
            "{page}"
        );
    }
}
