//! Stack traces: frames, oldest call first, with keys renamed and the source as `[[line, text], …]`.

use super::field;
use bugle_event::event::Frame;
use bugle_event::json::{Json, Object};
use serde_json::{Value, json};

/// A stack trace.
pub fn stacktrace(stack: &Object<'_>) -> Value {
    let frames: Vec<&Object<'_>> = stack.array("frames").iter().filter_map(Json::object).collect();
    let in_app = frames.iter().filter(|frame| Frame(frame).in_app()).count();
    json!({
        "frames": frames.iter().map(|frame| frame_shape(frame)).collect::<Vec<_>>(),
        "framesOmitted": field(stack, "frames_omitted"),
        "registers": field(stack, "registers"),
        "hasSystemFrames": in_app > 0 && in_app < frames.len(),
    })
}

/// A thread's stack trace; null when it has none.
pub fn thread_stack(thread: &Object<'_>, key: &str) -> Option<Value> {
    thread.object(key).map(stacktrace)
}

/// The lines of source around a place, each with its number.
pub fn context(own: &Object<'_>) -> Vec<Value> {
    let frame = Frame(own);
    let (Some(line), Some(text)) = (frame.lineno(), own.get("context_line").and_then(Json::text)) else {
        return Vec::new();
    };
    let before = frame.pre_context();
    let first = line - before.len() as i64;
    let lines = before.chain([text]).chain(frame.post_context());
    lines.enumerate().map(|(at, text)| json!([first + at as i64, text])).collect()
}

fn frame_shape(own: &Object<'_>) -> Value {
    json!({
        "filename": field(own, "filename"),
        "absPath": field(own, "abs_path"),
        "module": field(own, "module"),
        "package": field(own, "package"),
        "platform": field(own, "platform"),
        "instructionAddr": field(own, "instruction_addr"),
        "symbolAddr": field(own, "symbol_addr"),
        "addrMode": field(own, "addr_mode"),
        "function": field(own, "function"),
        "rawFunction": field(own, "raw_function"),
        "symbol": field(own, "symbol"),
        "context": context(own),
        "lineNo": field(own, "lineno"),
        "colNo": field(own, "colno"),
        "inApp": Frame(own).in_app(),
        "trust": field(own, "trust"),
        "vars": field(own, "vars"),
        "sourceLink": field(own, "source_link"),
        "lock": field(own, "lock"),
        "errors": null,
        "map": null,
        "mapUrl": null,
        "origAbsPath": null,
    })
}
