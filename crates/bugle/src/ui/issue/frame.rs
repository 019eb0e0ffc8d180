//! Frames: the application's own can be opened, runs of library frames are folded to one line.

use super::room::Room;
use super::source::{self, Notes};
use super::value::{self, Meta};
use crate::ui::number::{counted, exact};
use bugle_event::event::Frame;
use maud::{Markup, html};

/// Lines of source before and after the one that matters.
const LINES_AROUND: usize = 5;
/// Local variables that are shown of one frame.
const LOCALS_MAX: usize = 40;
/// Frames of a folded run that are listed.
const LISTED_MAX: usize = 60;

/// What surrounds the frames of one stack.
#[derive(Clone, Copy)]
pub struct Scene<'e> {
    /// The event's platform.
    pub platform: &'e str,
    /// What `_meta` says about the frames, which it numbers from the outermost.
    pub meta: Meta<'e>,
}

/// The frames of a stack, innermost first. `open` is the one to show open; `None`: none of this stack.
/// When no frame is the application's own, all are shown like it: somebody has to be.
pub fn stack(frames: &[Frame<'_>], open: Option<usize>, scene: Scene<'_>, room: &mut Room) -> Markup {
    let platform = scene.platform;
    let has_own = frames.iter().any(Frame::in_app);
    let mut at = 0;
    html! {
        @while at < frames.len() {
            @let run = frames[at..].iter().take_while(|frame| has_own && !frame.in_app()).count();
            @if run > 0 {
                (folded(&frames[at..at + run], platform))
                ({ at += run; html! {} })
            } @else if room.take(8) {
                @let scene = Scene { meta: scene.meta.at(frames.len() - 1 - at), ..scene };
                (own(frames[at], open == Some(at), scene, room))
                ({ at += 1; html! {} })
            } @else {
                (folded(&frames[at..], platform))
                ({ at = frames.len(); html! {} })
            }
        }
        @if let Some(count) = scene.meta.length(frames.len()) {
            p.because { "Of " (exact(count)) " frames those in the middle were left out." }
        }
    }
}

/// One frame; `scene.meta` is what `_meta` says about it.
fn own(frame: Frame<'_>, is_open: bool, scene: Scene<'_>, room: &mut Room) -> Markup {
    let platform = frame.0.text("platform").unwrap_or(scene.platform);
    html! {
        details.frame open[is_open] {
            summary {
                // A template has no function; its file is all the name it needs.
                @if frame.function().is_none() && frame.filename().is_some() { code.fn { (place(frame)) } }
                @else { code.fn { (name(frame)) } " " code { (place(frame)) } }
                @if let Some(note) = note(frame) { small { (note) } }
            }
            div.body {
                (lines(frame, platform, room))
                @if frame.vars().is_none() && scene.meta.at("vars").loss().is_some() {
                    p.because { "Its variables were left out because only some frames of a long stack keep them." }
                }
                (locals(frame, scene.meta.at("vars"), platform, room))
            }
        }
    }
}

/// What is odd about a frame, or where it is from.
fn note(frame: Frame<'_>) -> Option<String> {
    match frame.0.text("symbolicator_status") {
        Some("missing_symbol" | "missing" | "missing_debug_file") => return Some("its symbols are missing".into()),
        Some("malformed") => return Some("its symbols cannot be read".into()),
        _ => {}
    }
    frame.0.text("package").map(|package| package.rsplit(['/', '\\']).next().unwrap_or(package).to_string())
}

/// What a frame is called.
pub fn name<'f>(frame: Frame<'f>) -> &'f str {
    value::cut(frame.function().unwrap_or("?"), 200).0
}

/// Where it is: `payments/wallet.py:88`.
pub fn place(frame: Frame<'_>) -> String {
    let file = frame.filename().or_else(|| frame.module()).or_else(|| frame.abs_path());
    let file = file.or_else(|| frame.0.text("instruction_addr")).unwrap_or("?");
    let (file, is_cut) = value::cut(file, 200);
    let mut place = format!("{file}{}", if is_cut { "…" } else { "" });
    for number in [frame.lineno(), frame.lineno().and(frame.colno())].into_iter().flatten() {
        place.push_str(&format!(":{number}"));
    }
    place
}

fn lines(frame: Frame<'_>, platform: &str, room: &mut Room) -> Markup {
    let Some(line) = frame.context_line() else {
        return html! { p.because { "No source came with this frame." @if let Some(path) = frame.abs_path() { " " code { (value::cut(path, 300).0) } } } };
    };
    let notes = Notes::of(frame.filename().or_else(|| frame.abs_path()).unwrap_or(""), platform);
    let before: Vec<&str> = frame.pre_context().collect();
    let after: Vec<&str> = frame.post_context().take(LINES_AROUND).collect();
    let before = &before[before.len().saturating_sub(LINES_AROUND)..];
    let number = frame.lineno().unwrap_or(before.len() as i64 + 1);
    let first = number - before.len() as i64;
    let shown = before.iter().map(|text| (*text, false)).chain([(line, true)]);
    let shown: Vec<(String, bool)> = shown
        .chain(after.iter().map(|text| (*text, false)))
        .map(|(text, is_hit)| (source::window(text, frame.colno().filter(|_| is_hit)), is_hit))
        .collect();
    if !room.take(shown.len() + 2) {
        return html! { p.because { "Its source is in the JSON." } };
    }
    let colours: usize = shown.iter().map(|(text, _)| source::elements(text, notes)).sum();
    let has_colours = colours < 150 && room.take(colours);
    html! {
        pre.src {
            code {
                @for (at, (text, is_hit)) in shown.iter().enumerate() {
                    span class=[is_hit.then_some("hit")] data-n=(first + at as i64) {
                        @if has_colours { (source::line(text, notes)) } @else { (text) } "\n"
                    }
                }
            }
        }
    }
}

fn locals(frame: Frame<'_>, meta: Meta<'_>, platform: &str, room: &mut Room) -> Markup {
    let Some(vars) = frame.vars() else { return html! {} };
    html! {
        dl.kv.code {
            @for (name, found) in vars.iter().take(LOCALS_MAX) {
                @let row = html! { dt { (value::cut(name, 100).0) } dd { (value::local(found, meta.at(name), platform)) } };
                @if let Some(row) = room.fit(row) { (row) }
            }
            @if vars.len() > LOCALS_MAX { dt { "…" } dd.dim { (vars.len() - LOCALS_MAX) " more, in the JSON" } }
        }
    }
}

/// A run of frames that are not the application's own, in one line. Its list is text: one element per frame.
pub fn folded(frames: &[Frame<'_>], platform: &str) -> Markup {
    let packages = packages(frames, platform);
    html! {
        details.lib {
            summary {
                (counted(frames.len() as i64, "frame", "frames"))
                @if !packages.is_empty() { " in " (packages) }
            }
            ol {
                @for frame in frames.iter().take(LISTED_MAX) {
                    li.mono { (place(*frame)) " in " (name(*frame)) }
                }
                @if frames.len() > LISTED_MAX { li { (frames.len() - LISTED_MAX) " more, in the JSON" } }
            }
        }
    }
}

/// `django, gunicorn`: where the frames are from, at most three.
fn packages(frames: &[Frame<'_>], platform: &str) -> String {
    let mut names: Vec<String> = Vec::new();
    for frame in frames {
        let Some(name) = package(*frame, platform) else { continue };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let more = names.len().saturating_sub(3);
    names.truncate(3);
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn package(frame: Frame<'_>, platform: &str) -> Option<String> {
    let path = frame.filename().or_else(|| frame.abs_path()).unwrap_or("");
    for folder in ["node_modules/", "site-packages/", "vendor/", "gems/"] {
        if let Some((_, rest)) = path.rsplit_once(folder) {
            let parts = if rest.starts_with('@') { 2 } else { 1 };
            return Some(rest.split('/').take(parts).collect::<Vec<_>>().join("/"));
        }
    }
    let name = match frame.module() {
        Some(module) if platform == "java" => module.split('.').take(2).collect::<Vec<_>>().join("."),
        Some(module) => module.split(['.', ':', '/']).next().unwrap_or(module).to_string(),
        None => path.trim_start_matches(['/', '.']).split(['/', ':']).next().unwrap_or("").to_string(),
    };
    (!name.is_empty() && name.len() <= 60).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_event::Event;

    const EVENT: &str = r#"{"exception":{"values":[{"stacktrace":{"frames":[
        {"module":"gunicorn.workers.sync","function":"handle","in_app":false},
        {"filename":"/x/site-packages/django/core/handlers/base.py","function":"inner","in_app":false},
        {"filename":"shop/a.py","function":"<b>f</b>","lineno":7,"in_app":true,"pre_context":["one","two"],
         "context_line":"three","post_context":["four"],"vars":{"x":"'[Filtered]'"}}]}}]}}"#;

    fn page(text: &str, room: &mut Room) -> String {
        let event = Event::stored(text);
        let frames: Vec<Frame<'_>> = event.stack().expect("a stack").frames().rev().collect();
        stack(&frames, Some(0), Scene { platform: "python", meta: Meta::default() }, room).into_string()
    }

    #[test]
    fn own_frames_open_and_library_runs_fold() {
        let page = page(EVENT, &mut Room::default());
        assert!(page.contains("<details class=\"frame\" open>"), "{page}");
        assert!(page.contains("2 frames in django, gunicorn"), "{page}");
        assert!(page.contains("&lt;b&gt;f&lt;/b&gt;") && !page.contains("<b>"), "{page}");
        assert!(
            page.contains("<span data-n=\"5\">one") && page.contains("<span class=\"hit\" data-n=\"7\">three"),
            "{page}"
        );
        assert!(page.contains("class=\"gone\""), "{page}");
    }

    #[test]
    fn a_stack_without_own_frames_can_be_opened_too() {
        let page = page(&EVENT.replace("\"in_app\":true", "\"in_app\":false"), &mut Room::default());
        assert_eq!(page.matches("class=\"frame\"").count(), 3, "{page}");
    }

    #[test]
    fn a_huge_stack_keeps_its_room() {
        let frame = r#"{"function":"f","filename":"a.js","lineno":3,"in_app":true,"context_line":"if a: return 'b'","pre_context":["a","b","c"]}"#;
        let text = format!(
            r#"{{"exception":{{"values":[{{"stacktrace":{{"frames":[{}]}}}}]}}}}"#,
            vec![frame; 5_000].join(",")
        );
        let mut room = Room::default();
        let page = page(&text, &mut room);
        assert!(page.matches("</").count() < 2_500 && room.is_short());
    }
}
