//! Crash reports of Apple's systems, as text: what broke, threads, frames, images.
//!
//! A report is lines under headings: facts (`Exception Type:`), `Thread 3 Crashed:` with a line for each frame, and
//! `Binary Images:`. What is not understood is passed over, since reports differ from system to system.

use super::{Said, hex, object, skeleton};
use serde_json::{Value, json};

/// Bytes that are read; reports have some hundred kilobytes.
const BYTES_MAX: usize = 4 << 20;
const THREADS_MAX: usize = 256;
const FRAMES_MAX: usize = 250;
const IMAGES_MAX: usize = 1_500;
/// Facts that are remembered.
const FACTS_MAX: usize = 200;

/// Whether a text begins as such a report does.
pub fn is_one(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(2_000)]);
    start.contains("Incident Identifier:") || (start.contains("Process:") && start.contains("Report Version:"))
}

#[derive(Default)]
struct Report {
    facts: Vec<(String, String)>,
    /// Lines under `Application Specific Information:`.
    specific: Vec<String>,
    threads: Vec<Thread>,
    images: Vec<Image>,
}

#[derive(Default)]
struct Thread {
    /// `None`: the backtrace of the exception that was thrown.
    id: Option<u32>,
    name: Option<String>,
    is_crashed: bool,
    /// The innermost first, as written.
    frames: Vec<Value>,
}

struct Image {
    start: u64,
    end: u64,
    shown: Value,
}

#[derive(PartialEq)]
enum Part {
    Facts,
    Specific,
    Thread,
    Images,
    Other,
}

/// The event of a report.
pub fn event(bytes: &[u8]) -> Said {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(BYTES_MAX)]);
    let report = read(&text);
    if report.threads.is_empty() && report.fact("Exception Type").is_none() {
        return skeleton(
            "AppleCrashReport",
            "applecrashreport",
            "The crash report has neither threads nor an exception.",
        );
    }
    report.event()
}

fn read(text: &str) -> Report {
    let (mut report, mut part) = (Report::default(), Part::Facts);
    for line in text.lines() {
        let trimmed = line.trim();
        if let Some(thread) = heading(trimmed) {
            part = Part::Thread;
            report.begin(thread);
        } else if trimmed == "Binary Images:" {
            part = Part::Images;
        } else if trimmed.starts_with("Application Specific Information:") {
            part = Part::Specific;
        } else if part == Part::Thread && trimmed.contains(" crashed with ") && trimmed.ends_with(':') {
            part = Part::Other; // Registers.
        } else if trimmed.is_empty() {
            part = if matches!(part, Part::Thread | Part::Specific) { Part::Facts } else { part };
        } else {
            report.line(&part, trimmed);
        }
    }
    report
}

impl Report {
    fn begin(&mut self, thread: Thread) {
        // A thread has a heading for its name and one for its frames, one after the other.
        match self.threads.iter().position(|known| known.id == thread.id && thread.id.is_some()) {
            Some(at) => {
                let mut known = self.threads.remove(at);
                known.is_crashed |= thread.is_crashed;
                known.name = known.name.or(thread.name);
                self.threads.push(known);
            }
            None if self.threads.len() < THREADS_MAX => self.threads.push(thread),
            None => {}
        }
    }

    fn line(&mut self, part: &Part, line: &str) {
        match part {
            Part::Facts if self.facts.len() < FACTS_MAX => {
                if let Some((name, value)) = line.split_once(':') {
                    self.facts.push((name.trim().into(), value.trim().into()));
                }
            }
            Part::Specific if self.specific.len() < 20 => self.specific.push(line.into()),
            Part::Thread => {
                if let Some(thread) = self.threads.last_mut().filter(|thread| thread.frames.len() < FRAMES_MAX) {
                    thread.frames.extend(frame(line));
                }
            }
            Part::Images if self.images.len() < IMAGES_MAX => self.images.extend(image(line)),
            _ => {}
        }
    }

    fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The thread that crashed, by its heading, or by what the facts say.
    fn crashed(&self) -> Option<u32> {
        let said = self.fact("Triggered by Thread").or_else(|| self.fact("Crashed Thread"));
        let by_fact = said.and_then(|said| said.split_whitespace().next()?.parse().ok());
        self.threads.iter().find(|thread| thread.is_crashed).and_then(|thread| thread.id).or(by_fact)
    }

    fn event(mut self) -> Said {
        let crashed = self.crashed();
        let kind = self.fact("Exception Type").unwrap_or("AppleCrashReport").to_string();
        let value = [self.fact("Exception Subtype"), self.fact("Termination Reason"), self.fact("Exception Codes")];
        let value = self.specific.first().map(String::as_str).or(value.into_iter().flatten().next());
        let value = value.unwrap_or("The process crashed.").to_string();
        let signal = kind.split_once('(').map(|(_, signal)| signal.trim_end_matches(')').to_string());
        let name = kind.split('(').next().unwrap_or_default().trim().to_string();
        let mut exception = json!({
            "type": name, "value": value, "thread_id": crashed,
            "mechanism": { "type": "applecrashreport", "handled": false, "synthetic": true,
                "meta": { "signal": signal.map(|name| json!({ "name": name })), "mach_exception": { "name": name } } },
        });
        let (images, mut threads) = (std::mem::take(&mut self.images), std::mem::take(&mut self.threads));
        for thread in &mut threads {
            thread.frames.reverse();
            for frame in &mut thread.frames {
                place(frame, &images);
            }
        }
        // What was thrown has its own backtrace; the thread's shows only how the process was ended.
        let of_exception = threads.iter().position(|thread| thread.id.is_none() && !thread.frames.is_empty());
        let of_exception =
            of_exception.or_else(|| threads.iter().position(|thread| thread.id.is_some() && thread.id == crashed));
        if let Some(at) = of_exception {
            exception["stacktrace"] = json!({ "frames": std::mem::take(&mut threads[at].frames) });
        }
        let threads: Vec<Value> = threads.into_iter().filter_map(|thread| shown(thread, crashed)).collect();
        let mut said = object(json!({
            "platform": "native", "level": "fatal",
            "exception": { "values": [exception] },
            "threads": { "values": threads },
            "debug_meta": { "images": images.into_iter().map(|image| image.shown).collect::<Vec<_>>() },
            "contexts": self.contexts(),
        }));
        if let Some(ms) = self.fact("Date/Time").and_then(when) {
            said.insert("timestamp".into(), json!(ms as f64 / 1_000.0));
        }
        if let (Some(app), Some(version)) = (self.fact("Identifier"), self.fact("Version")) {
            let version = version.split_whitespace().next().unwrap_or_default();
            said.insert("release".into(), format!("{app}@{version}").into());
        }
        said
    }

    fn contexts(&self) -> Value {
        let os = self.fact("OS Version").unwrap_or_default();
        let (name, build) =
            os.split_once('(').map_or((os, None), |(name, build)| (name, Some(build.trim_end_matches(')'))));
        let (name, version) = name.trim().rsplit_once(' ').unwrap_or((name.trim(), ""));
        let arch = self.fact("Code Type").and_then(|kind| kind.split_whitespace().next()).map(|kind| match kind {
            "X86-64" => "x86_64".to_string(),
            "ARM-64" => "arm64".to_string(),
            other => other.to_lowercase(),
        });
        json!({
            "os": { "type": "os", "name": name.replace("iPhone OS", "iOS"), "version": version, "build": build },
            "device": { "type": "device", "model": self.fact("Hardware Model"), "arch": arch },
            "app": { "type": "app", "app_name": self.fact("Process"), "app_identifier": self.fact("Identifier") },
        })
    }
}

fn shown(thread: Thread, crashed: Option<u32>) -> Option<Value> {
    let id = thread.id?;
    let is_crashed = crashed == Some(id);
    let mut shown = json!({ "id": id, "name": thread.name, "crashed": is_crashed, "current": is_crashed });
    if !thread.frames.is_empty() {
        shown["stacktrace"] = json!({ "frames": thread.frames });
    }
    Some(shown)
}

/// `Thread 0 Crashed:: Dispatch queue: x`, `Thread 1 name: y`, `Thread 2:`, `Last Exception Backtrace:`.
fn heading(line: &str) -> Option<Thread> {
    if line.starts_with("Last Exception Backtrace") {
        return Some(Thread::default());
    }
    let rest = line.strip_prefix("Thread ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    let (id, rest) = (rest[..digits].parse().ok()?, rest[digits..].trim_start());
    let (word, name) = rest.split_once(':')?;
    let is_crashed = word == "Crashed";
    if !matches!(word, "" | "name" | "Crashed") {
        return None;
    }
    let name = name.trim_start_matches(':').trim();
    Some(Thread { id: Some(id), name: (!name.is_empty()).then(|| name.into()), is_crashed, frames: Vec::new() })
}

/// `3   UIKitCore   0x00000001a1b2c3d4 -[UIApplication sendAction:] + 88 (UIApplication.m:12)`.
fn frame(line: &str) -> Option<Value> {
    let (number, rest) = line.split_once(char::is_whitespace)?;
    number.parse::<u32>().ok()?;
    let at = rest.find("0x").filter(|at| rest[..*at].ends_with([' ', '\t']))?;
    let (package, rest) = (rest[..at].trim(), &rest[at..]);
    let (address, what) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let address = number_of(address)?;
    let (function, place) = what.rsplit_once(" + ").unwrap_or((what, ""));
    let is_symbol = !function.trim().is_empty() && number_of(function.trim()).is_none();
    let file = place.split_once('(').map(|(_, file)| file.trim_end_matches(')'));
    let file = file.and_then(|file| file.rsplit_once(':'));
    Some(json!({
        "instruction_addr": hex(address),
        "package": package,
        "function": is_symbol.then(|| function.trim()),
        "filename": file.map(|(name, _)| name),
        "lineno": file.and_then(|(_, line)| line.parse::<u32>().ok()),
    }))
}

/// `0x1024b4000 - 0x1024bffff Shop arm64  <9f8e…> /path/Shop`; on macOS `+com.example.Shop (1.0 - 1) <…> /path`.
fn image(line: &str) -> Option<Image> {
    let (start, rest) = line.split_once(" - ")?;
    let rest = rest.trim_start();
    let (end, rest) = rest.split_once(char::is_whitespace)?;
    let (start, end) = (number_of(start.trim())?, number_of(end)?);
    let (names, path) = rest.split_once('<').map_or((rest, ""), |(names, path)| (names, path));
    let (id, path) = path.split_once('>').unwrap_or(("", path));
    let arch = names
        .split_whitespace()
        .next_back()
        .filter(|word| word.starts_with("arm") || word.starts_with("x86") || *word == "i386");
    let name = names.split_whitespace().next().unwrap_or_default().trim_start_matches('+');
    let path = if path.trim().is_empty() { name } else { path.trim() };
    let id = uuid(id);
    let shown = json!({
        "type": "macho", "code_file": path, "debug_id": id, "arch": arch,
        "image_addr": hex(start), "image_size": end.saturating_sub(start).saturating_add(1),
    });
    Some(Image { start, end, shown })
}

/// Gives a frame the image that its address lies in.
fn place(frame: &mut Value, images: &[Image]) {
    let Some(address) = frame["instruction_addr"].as_str().and_then(number_of) else { return };
    if let Some(image) = images.iter().find(|image| (image.start..=image.end).contains(&address)) {
        frame["image_addr"] = hex(image.start).into();
        frame["package"] = image.shown["code_file"].clone();
    }
}

fn number_of(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

fn uuid(text: &str) -> Option<String> {
    bugle_event::EventId::parse(text).map(|id| id.dashed())
}

/// `2026-04-01 10:20:30.123 +0200`
fn when(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(' ')?;
    let (time, zone) = rest.split_once(' ').unwrap_or((rest, "+0000"));
    let zone = zone.get(..3).zip(zone.get(3..5)).map_or("Z".into(), |(hours, minutes)| format!("{hours}:{minutes}"));
    bugle_event::time::parse(&format!("{date}T{time}{zone}"))
}
