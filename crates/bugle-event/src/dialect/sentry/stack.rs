//! Stacks and their frames.
//!
//! Frames are where an event's weight is, so a frame is gone over once, in place, and a frame that is right is not
//! written to.

use crate::dialect::lenient;
use crate::json::{Json, Object};
use crate::path::Path;
use crate::problem::Problem;
use std::borrow::Cow;

/// Reads a stack trace; a bare array is its frames. One without frames goes.
pub(super) fn read(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    if let Json::Array(_) = value {
        let mut stack = Object::default();
        stack.set("frames", value.take());
        *value = Json::Object(stack);
    }
    lenient::object(value, at, problems, |stack, at, problems| {
        stack.retain(|key, value| match key {
            "frames" => lenient::list(value, &at.key(key), problems, |element, at, problems| {
                lenient::object(element, at, problems, frame)
            }),
            "registers" => registers(value, &at.key(key), problems),
            "lang" | "instruction_addr_adjustment" => lenient::text(value, &at.key(key), problems),
            "snapshot" => lenient::bool(value, &at.key(key), problems),
            _ => true,
        });
        stack.has("frames")
    })
}

/// Registers by name: addresses. What is none stays as it is, since new processors have other registers.
fn registers(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    lenient::object(value, at, problems, |registers, at, _| {
        registers.retain(|name, value| {
            if matches!(value, Json::Text(_) | Json::Number(_)) {
                let mut address = value.clone();
                if lenient::address(&mut address, &at.key(name), &mut Vec::new()) {
                    *value = address;
                }
            }
            !value.is_null()
        });
        !registers.is_empty()
    })
}

/// Moves a stack at the top level, where the first SDKs put it, to the exception thrown last if no exception has one.
/// Without an exception it is the current thread's, which is how today's SDKs send the stack of a message.
pub(super) fn place_legacy(event: &mut Object<'_>) {
    let has_exception = last_exception(event).is_some();
    if !has_exception && (event.has("exception") || event.has("threads")) {
        return;
    }
    let Some(stack) = event.remove("stacktrace") else { return };
    match last_exception(event) {
        Some(last) => last.set("stacktrace", stack),
        None => {
            let (mut thread, mut threads) = (Object::default(), Object::default());
            thread.set("current", true);
            thread.set("stacktrace", stack);
            threads.set("values", vec![Json::Object(thread)]);
            event.set("threads", threads);
        }
    }
}

/// The exception thrown last, if none has a stack.
fn last_exception<'e, 'a>(event: &'e mut Object<'a>) -> Option<&'e mut Object<'a>> {
    let Json::Array(exceptions) = event.get_mut("exception")?.object_mut()?.get_mut("values")? else { return None };
    let has_stack = |exception: &Json<'_>| exception.object().is_some_and(|exception| exception.has("stacktrace"));
    if exceptions.iter().any(has_stack) {
        return None;
    }
    exceptions.last_mut()?.object_mut()
}

/// Reads the template that an error happened in: one frame, of which only the place and the source are known.
pub(super) fn read_template(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    if let Json::Text(_) = value {
        let mut template = Object::default();
        template.set("filename", value.take());
        *value = Json::Object(template);
    }
    lenient::object(value, at, problems, frame)
}

/// Reads one frame. One that says nothing about where it was goes.
fn frame(frame: &mut Object<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    let (mut has_filename, mut has_abs_path, mut has_place) = (false, false, false);
    frame.retain(|key, value| {
        let at = &at.key(key);
        let keep = match key {
            "function" => lenient::text(value, at, problems) && value.text() != Some("?"),
            "filename" | "abs_path" | "module" | "package" | "platform" | "raw_function" | "symbol" | "trust"
            | "lang" | "addr_mode" | "source_link" | "file_revision" => lenient::text(value, at, problems),
            "lineno" | "colno" => lenient::position(value, at, problems),
            "context_line" => lenient::line(value, at, problems),
            "pre_context" | "post_context" => source(value, at, problems),
            // Older SDKs sent names here; those say nothing.
            "in_app" => matches!(value, Json::Bool(_)),
            "vars" | "data" => lenient::bag(value, at, problems),
            "instruction_addr" | "image_addr" | "symbol_addr" | "function_id" => lenient::address(value, at, problems),
            "stack_start" => lenient::bool(value, at, problems),
            "lock" => lenient::bag(value, at, problems),
            _ => true,
        };
        match key {
            "filename" => has_filename = keep,
            "abs_path" => has_abs_path = keep,
            "function" | "module" | "instruction_addr" | "symbol_addr" => has_place |= keep,
            _ => {}
        }
        keep
    });
    match (has_filename, has_abs_path) {
        (false, true) => copy(frame, "abs_path", "filename", path_of_url),
        (true, false) => {
            // Browser SDKs send the URL as the file name only.
            copy(frame, "filename", "abs_path", |name| name);
            copy(frame, "abs_path", "filename", path_of_url);
        }
        _ => {}
    }
    if has_place || has_filename || has_abs_path {
        return true;
    }
    Problem::note(problems, "missing_attribute", at, "A frame without function, file, module and address; left out.");
    false
}

/// Lines of source. A line that is null is an empty one: dropping it would shift the others.
fn source(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    let Json::Array(lines) = value else {
        return !value.is_empty() && lenient::refuse(value, "a list of lines", at, problems);
    };
    for (index, line) in lines.iter_mut().enumerate() {
        if !matches!(line, Json::Text(_)) && !lenient::line(line, &at.index(index), problems) {
            *line = Json::from("");
        }
    }
    !lines.is_empty()
}

/// Puts `part` of one attribute at another.
fn copy<'a>(frame: &mut Object<'a>, from: &str, to: &'static str, part: fn(&str) -> &str) {
    let copy: Cow<'a, str> = match frame.get(from) {
        Some(Json::Text(Cow::Borrowed(text))) => Cow::Borrowed(part(text)),
        Some(Json::Text(Cow::Owned(text))) => Cow::Owned(part(text).to_string()),
        _ => return,
    };
    frame.set(to, copy);
}

/// The path of a URL without query and fragment; what is no URL, as it is.
fn path_of_url(text: &str) -> &str {
    let Some(scheme) = text.find("://") else { return text };
    let rest = &text[scheme + 3..];
    let path = rest.find('/').map_or("", |slash| &rest[slash..]);
    let path = path.split(['?', '#']).next().unwrap_or("");
    if path.len() > 1 { path } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(json: &str) -> (String, usize) {
        let mut problems = Vec::new();
        let mut value = crate::json::read(json, &mut problems);
        let kept = read(&mut value, &Path::root("stacktrace"), &mut problems);
        (if kept { value.object().unwrap().get("frames").unwrap().to_string() } else { String::new() }, problems.len())
    }

    fn frame_of(json: &str) -> String {
        let (text, problems) = frames(&format!("[{json}]"));
        assert_eq!(problems, 0, "{json}");
        text[1..text.len() - 1].to_string()
    }

    #[test]
    fn a_frame_that_is_right_stays_as_it_is() {
        let json = concat!(
            r#"{"filename":"app/views.py","abs_path":"/srv/app/views.py","function":"index","module":"app.views","lineno":12,"#,
            r#""pre_context":["a","",""],"context_line":"","post_context":[""],"in_app":true,"vars":{"x":"1"},"own":null}"#
        );
        assert_eq!(frame_of(json), json);
    }

    #[test]
    fn what_is_odd_in_a_frame_is_repaired() {
        for (json, expected) in [
            (r#"{"filename":"a.py","function":"?","lineno":0,"colno":-1}"#, r#"{"filename":"a.py","abs_path":"a.py"}"#),
            (r#"{"module":"m","in_app":"maybe","vars":null,"data":{}}"#, r#"{"module":"m","data":{}}"#),
            (r#"{"module":"m","pre_context":[null,1]}"#, r#"{"module":"m","pre_context":["","1"]}"#),
            (r#"{"instruction_addr":4096}"#, r#"{"instruction_addr":"0x1000"}"#),
        ] {
            assert_eq!(frame_of(json), expected, "{json}");
        }
    }

    #[test]
    fn a_missing_file_name_comes_from_the_path() {
        for (path, name) in [
            ("https://x.example/js/app.min.js?v=3#top", "/js/app.min.js"),
            ("app:///index.js", "/index.js"),
            ("/srv/app/a.py", "/srv/app/a.py"),
            ("https://x.example", "https://x.example"),
            ("<anonymous>", "<anonymous>"),
        ] {
            let text = frame_of(&format!(r#"{{"abs_path":"{path}"}}"#));
            assert_eq!(text, format!(r#"{{"abs_path":"{path}","filename":"{name}"}}"#));
            let text = frame_of(&format!(r#"{{"filename":"{path}"}}"#));
            assert_eq!(text, format!(r#"{{"filename":"{name}","abs_path":"{path}"}}"#));
        }
    }

    #[test]
    fn frames_that_say_nothing_go_and_so_does_an_empty_stack() {
        assert_eq!(frames(r#"{"frames":[null,{"lineno":1},{"function":"f"},3]}"#), (r#"[{"function":"f"}]"#.into(), 2));
        assert_eq!(frames(r#"{"frames":[]}"#).0, "");
        assert_eq!(frames(r#"{"frames":{"function":"f"}}"#).0, r#"[{"function":"f"}]"#);
    }
}
