//! Unreal Engine's crash reports: an archive of files, and what its XML and its log tell (protocol reference, section 12).
//!
//! **The archive**, once its zlib stream is undone. Numbers are 32 bits, little-endian; a text is its length and so many
//! bytes, padded with NUL.
//!
//! | part | what |
//! |---|---|
//! | head | in newer engines: `CR1`, directory (text), file name (text), bytes in all, number of files |
//! | each file | its index, its name (text), its length, its bytes |
//!
//! Older engines have no `CR1`: their files begin at the start, or behind such a head, and the head follows them. So a
//! file is believed when its index is the next one.

use super::{Part, Said, add, apple, hex, minidump, object, read};
use roxmltree::{Document, ParsingOptions};
use serde_json::{Value, json};

/// Files of an archive.
const FILES_MAX: usize = 100;
/// The longest text in the archive; engines write 260 bytes.
const TEXT_BYTES_MAX: usize = 4_096;
/// The largest XML that is read, in bytes, and its nodes.
const XML_BYTES_MAX: usize = 4 << 20;
const NODES_MAX: u32 = 50_000;
/// Properties that an event gets of a section of the XML.
const PROPERTIES_MAX: usize = 200;
/// Lines of the log that become breadcrumbs.
const LINES_MAX: usize = 100;
/// Frames of the engine's own stack.
const FRAMES_MAX: usize = 250;

/// One file of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File<'a> {
    /// Its name.
    pub name: &'a str,
    /// Itself.
    pub body: &'a [u8],
}

impl File<'_> {
    /// Sentry's `attachment_type` for it.
    pub fn kind(&self) -> &'static str {
        let name = self.name.to_lowercase();
        match () {
            () if minidump::is_one(self.body) => super::MINIDUMP,
            () if apple::is_one(self.body) => super::APPLE,
            () if name == "__sentry-event" => super::PAYLOAD,
            () if name.starts_with("__sentry-breadcrumb") => super::BREADCRUMBS,
            () if name.ends_with(".runtime-xml") => CONTEXT,
            () if name.ends_with(".log") => LOGS,
            () => "event.attachment",
        }
    }
}

/// The XML.
pub const CONTEXT: &str = "unreal.context";
/// The log.
pub const LOGS: &str = "unreal.logs";

/// The files of an archive that is inflated already; none when it is no archive.
pub fn files(archive: &[u8]) -> Vec<File<'_>> {
    let starts = match archive.strip_prefix(b"CR1") {
        Some(rest) => vec![behind_head(rest)],
        None => vec![behind_head(archive), Some(archive)],
    };
    starts.into_iter().flatten().map(files_at).find(|files| !files.is_empty()).unwrap_or_default()
}

fn behind_head(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    text(&mut rest)?;
    text(&mut rest)?;
    number(&mut rest)?;
    number(&mut rest)?;
    Some(rest)
}

fn files_at(mut rest: &[u8]) -> Vec<File<'_>> {
    let mut files = Vec::new();
    while files.len() < FILES_MAX {
        let mut one = || -> Option<File<'_>> {
            let index = number(&mut rest)?;
            let name = text(&mut rest)?;
            let length = number(&mut rest)?;
            let body = rest.get(..length)?;
            rest = &rest[length..];
            (index == files.len()).then_some(File { name, body })
        };
        let Some(file) = one() else { break };
        files.push(file);
    }
    files
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let (four, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(u32::from_le_bytes(*four) as usize)
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = number(rest).filter(|length| *length <= TEXT_BYTES_MAX)?;
    let bytes = rest.get(..length)?;
    *rest = &rest[length..];
    std::str::from_utf8(bytes.split(|byte| *byte == 0).next()?).ok()
}

/// What an archive says beside its reports, and its parts. `user` is the query's `UserID`.
pub fn event(files: &[File<'_>], user: Option<&str>) -> (Said, Vec<Part>) {
    let mut said = Said::new();
    let has_report = files.iter().any(|file| super::is_report(file.kind()));
    for file in files {
        match file.kind() {
            CONTEXT => add(&mut said, context(file.body, has_report)),
            LOGS if !said.contains_key("breadcrumbs") => {
                said.insert("breadcrumbs".into(), json!({ "values": breadcrumbs(file.body) }));
            }
            _ => {}
        }
    }
    if let Some(user) = user.filter(|user| !user.is_empty()) {
        add(&mut said, object(json!({ "user": { "id": user } })));
    }
    if !has_report && !said.contains_key("exception") {
        add(&mut said, super::skeleton("Unreal crash", "unreal", "The crash report has neither a dump nor a message."));
    }
    said.entry("platform").or_insert_with(|| "native".into());
    let parts = files.iter().filter(|file| super::is_part(file.kind()));
    (said, parts.map(|file| Part { kind: file.kind().into(), body: file.body.to_vec() }).collect())
}

/// What the XML says: everything of it as contexts, what Bugle has a place for in that place.
fn context(xml: &[u8], has_report: bool) -> Said {
    let text = String::from_utf8_lossy(&xml[..xml.len().min(XML_BYTES_MAX)]);
    let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let Ok(document) = Document::parse_with_options(text.trim_start_matches('\u{feff}'), options) else {
        return Said::new();
    };
    let section = |name: &str| -> Said {
        let section = document.root_element().children().find(|node| node.has_tag_name(name));
        let properties = section.into_iter().flat_map(|node| node.children()).filter(|node| node.is_element());
        let property = |node: roxmltree::Node<'_, '_>| {
            let text = node.text().map(str::trim).filter(|text| !text.is_empty())?;
            Some((node.tag_name().name().to_string(), Value::from(text)))
        };
        properties.filter_map(property).take(PROPERTIES_MAX).collect()
    };
    let (mut runtime, mut game) = (section("RuntimeProperties"), section("GameData"));
    let mut said =
        game.remove("__sentry").and_then(|own| own.as_str().map(|own| read(own.as_bytes()))).unwrap_or_default();
    let stack = runtime.remove("PCallStack").or(runtime.remove("CallStack"));
    let get = |name: &str| runtime.get(name).and_then(Value::as_str);
    let mut known = json!({
        "user": { "id": get("LoginId").or(get("EpicAccountId")).or(get("MachineId")), "username": get("UserName") },
        "release": get("BuildVersion"),
        "tags": { "engine_version": get("EngineVersion"), "crash_type": get("CrashType"), "engine_mode": get("EngineMode") },
        "contexts": {
            "os": { "type": "os", "name": get("Misc.OSVersionMajor"), "version": get("Misc.OSVersionMinor") },
            "device": { "type": "device", "cpu_description": get("Misc.CPUBrand") },
            "gpu": { "type": "gpu", "name": get("Misc.PrimaryGPUBrand") },
        },
    });
    if let Some(ticks) =
        get("TimeOfCrash").and_then(|ticks| ticks.parse::<i64>().ok()).filter(|ticks| *ticks > EPOCH_TICKS)
    {
        known["timestamp"] = json!((ticks - EPOCH_TICKS) / 10_000_000);
    }
    if !has_report {
        known["exception"] = json!({ "values": [exception(get("CrashType"), get("ErrorMessage"), stack.as_ref())] });
    }
    let mut contexts = json!({ "unreal": { "type": "unreal" } });
    contexts["unreal"].as_object_mut().into_iter().for_each(|unreal| unreal.extend(runtime.clone()));
    if !game.is_empty() {
        contexts["game"] = Value::Object(game);
    }
    without_null(&mut known);
    add(&mut said, object(known));
    add(&mut said, object(json!({ "contexts": contexts })));
    said
}

/// The epoch of Unix in the engine's ticks: tenths of microseconds since the year 1.
const EPOCH_TICKS: i64 = 621_355_968_000_000_000;

fn exception(kind: Option<&str>, message: Option<&str>, stack: Option<&Value>) -> Value {
    let frames = stack.and_then(Value::as_str).map(frames).unwrap_or_default();
    let mut exception = json!({
        "type": kind.unwrap_or("Crash"),
        "value": message.unwrap_or("The engine gave no message."),
        "mechanism": { "type": "unreal", "handled": false, "synthetic": true },
    });
    if !frames.is_empty() {
        exception["stacktrace"] = json!({ "frames": frames });
    }
    exception
}

/// `Shop 0x00007ff6a0000000 + 12345`, the innermost first.
fn frames(stack: &str) -> Vec<Value> {
    let frame = |line: &str| {
        let mut words = line.split_whitespace();
        let (module, base, plus, offset) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let digits = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
        let (base, offset) = (digits(base)?, digits(offset)?);
        let address = base.checked_add(offset).filter(|_| plus == "+")?;
        Some(
            json!({ "instruction_addr": hex(address), "image_addr": hex(base), "package": module, "trust": "prewalked" }),
        )
    };
    let mut frames: Vec<Value> = stack.lines().filter_map(frame).take(FRAMES_MAX).collect();
    frames.reverse();
    frames
}

/// The last lines of a log: `[2026.04.01-10.20.30:123][  7]LogNet: Warning: text`.
fn breadcrumbs(log: &[u8]) -> Vec<Value> {
    let log = String::from_utf8_lossy(log);
    let mut lines: Vec<&str> = log.lines().rev().filter(|line| !line.trim().is_empty()).take(LINES_MAX).collect();
    lines.reverse();
    lines.into_iter().map(breadcrumb).collect()
}

fn breadcrumb(line: &str) -> Value {
    let mut rest = line.trim_start_matches('\u{feff}');
    let mut timestamp = None;
    while let Some((inside, after)) = rest.strip_prefix('[').and_then(|open| open.split_once(']')) {
        timestamp = timestamp.or_else(|| when(inside));
        rest = after;
    }
    let (category, message) =
        rest.split_once(": ").filter(|(word, _)| word.starts_with("Log") && !word.contains(' ')).unwrap_or(("", rest));
    let (level, message) = match message.split_once(": ") {
        Some(("Error", rest)) => ("error", rest),
        Some(("Fatal", rest)) => ("fatal", rest),
        Some(("Warning", rest)) => ("warning", rest),
        Some(("Display", rest)) => ("info", rest),
        Some(("Verbose" | "VeryVerbose", rest)) => ("debug", rest),
        _ => ("info", message),
    };
    let category = if category.is_empty() { "log" } else { category };
    let mut shown = json!({ "category": category, "level": level, "message": message });
    if let Some(ms) = timestamp {
        shown["timestamp"] = json!(ms as f64 / 1_000.0);
    }
    shown
}

/// `2026.04.01-10.20.30:123`, in UTC.
fn when(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('-')?;
    let (time, millis) = time.split_once(':')?;
    bugle_event::time::parse(&format!("{}T{}.{millis}Z", date.replace('.', "-"), time.replace('.', ":")))
}

fn without_null(value: &mut Value) {
    if let Value::Object(object) = value {
        object.retain(|_, value| {
            without_null(value);
            !value.is_null() && value.as_object().is_none_or(|object| object.keys().any(|key| key != "type"))
        });
    }
}
