//! Minidumps: what a crashed process' dump says without symbols.
//!
//! Owns: undoing what a dump was compressed with, [`bounds`] before anything is allocated by a number in it, and the event:
//! the reason as the exception's type, threads with addresses, modules as `debug_meta.images`, OS and CPU as contexts.
//!
//! **Hostile dumps.** The reader behind this trusts counts and lengths, and strings of a dump may overlap, so a dump of a
//! megabyte can name gigabytes. [`bounded`] walks the directory first and adds up what the lists that are read would take.
//!
//! **Stacks.** The first frame is the instruction pointer (`trust: context`). Where code keeps frame pointers, their chain
//! gives the callers (`fp`). Nothing is guessed from what else lies on the stack: without symbols it would group wrongly.

use super::{Said, hex, object, skeleton};
use bugle_event::inflate;
use bzip2::read::BzDecoder;
use lzma_rust2::XzReader;
use minidump::system_info::{Cpu, Os, PointerWidth};
use minidump::{
    Minidump, MinidumpContext, MinidumpException, MinidumpMiscInfo, MinidumpModule, MinidumpModuleList,
    MinidumpSystemInfo, MinidumpThread, MinidumpThreadList, MinidumpThreadNames, Module, UnifiedMemoryList,
};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::io::Read;

/// A dump when it is unpacked, in bytes: as much as a body may unpack to.
pub const DUMP_BYTES_MAX: usize = crate::receive::INFLATED_BYTES_MAX;
/// What an xz dump may need for its dictionary, in KiB: what `xz -9` needs.
const XZ_MEMORY_KIB_MAX: u32 = 66 << 10;
/// Streams of a dump; real ones have some twenty.
const STREAMS_MAX: usize = 256;
/// Modules, threads, and ranges of memory that are read.
const MODULES_MAX: usize = 4_096;
const THREADS_MAX: usize = 4_096;
const RANGES_MAX: usize = 65_536;
/// What the names and records of modules and threads may take together, in bytes.
const NAMES_BYTES_MAX: usize = 16 << 20;
/// Images that an event has.
const IMAGES_MAX: usize = 1_500;
/// Threads that an event has.
const THREADS_SHOWN: usize = 256;
/// Frames of the crashed thread, and of every other.
const FRAMES_MAX: usize = 250;
const FRAMES_OF_OTHERS_MAX: usize = 32;

/// Whether these bytes begin as a minidump does.
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"MDMP") || bytes.starts_with(b"PMDM")
}

/// The dump itself, whatever it was compressed with; a sentence when it is none.
pub fn unpacked(bytes: &[u8]) -> Result<Cow<'_, [u8]>, &'static str> {
    let read = |reader: &mut dyn Read| -> Result<Cow<'_, [u8]>, &'static str> {
        let mut plain = Vec::new();
        let broken = |_| "The minidump's compression cannot be read.";
        reader.take(DUMP_BYTES_MAX as u64 + 1).read_to_end(&mut plain).map_err(broken)?;
        Ok(plain.into())
    };
    let plain = match bytes {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => read(&mut XzReader::new_mem_limit(bytes, true, XZ_MEMORY_KIB_MAX))?,
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => read(&mut BzDecoder::new(bytes))?,
        // gzip and zstd, by their magic.
        _ => inflate::inflate(None, bytes, DUMP_BYTES_MAX).map_err(|_| "The minidump's compression cannot be read.")?,
    };
    if plain.len() > DUMP_BYTES_MAX {
        return Err("The minidump is too large once it is unpacked.");
    }
    if is_one(&plain) { Ok(plain) } else { Err("The minidump does not begin with MDMP.") }
}

/// The event of a dump.
pub fn event(bytes: &[u8]) -> Said {
    let read = unpacked(bytes).and_then(|dump| bounded(&dump).and_then(|()| understood(&dump)));
    read.unwrap_or_else(|why| skeleton("Minidump", "minidump", why))
}

struct Dump<'d> {
    system: Option<MinidumpSystemInfo>,
    misc: Option<MinidumpMiscInfo>,
    modules: MinidumpModuleList,
    memory: UnifiedMemoryList<'d>,
    names: Option<MinidumpThreadNames>,
}

fn understood(bytes: &[u8]) -> Result<Said, &'static str> {
    let dump = Minidump::read(bytes).map_err(|_| "The minidump's head or directory cannot be read.")?;
    let facts = Dump {
        system: dump.get_stream().ok(),
        misc: dump.get_stream().ok(),
        modules: dump.get_stream().unwrap_or_default(),
        memory: dump.get_memory().unwrap_or_default(),
        names: dump.get_stream().ok(),
    };
    let threads: Option<MinidumpThreadList<'_>> = dump.get_stream().ok();
    let exception: Option<MinidumpException<'_>> = dump.get_stream().ok();
    let crashed = exception.as_ref().map(MinidumpException::get_crashing_thread_id);
    let mut frames = Vec::new();
    let mut listed = Vec::new();
    let all = threads.as_ref().map_or(&[][..], |threads| &threads.threads[..]);
    // The crashed one is never among those that are left out.
    let (first, others): (Vec<_>, Vec<_>) = all.iter().partition(|thread| Some(thread.raw.thread_id) == crashed);
    let crashed_thread = first.first().copied();
    for thread in first.into_iter().chain(others).take(THREADS_SHOWN) {
        let id = thread.raw.thread_id;
        let is_crashed = Some(id) == crashed;
        let own = if is_crashed { exception.as_ref().and_then(|one| facts.context_of(one)) } else { None };
        let stack = facts.stack(thread, own, if is_crashed { FRAMES_MAX } else { FRAMES_OF_OTHERS_MAX });
        let name = facts.names.as_ref().and_then(|names| names.get_name(id).map(Cow::into_owned));
        let mut shown = json!({ "id": id, "name": name, "crashed": is_crashed, "current": is_crashed });
        match is_crashed {
            true => frames = stack,
            false if !stack.is_empty() => shown["stacktrace"] = json!({ "frames": stack }),
            false => {}
        }
        listed.push(shown);
    }
    let mut said = object(json!({
        "platform": "native",
        "level": "fatal",
        "timestamp": dump.header.time_date_stamp,
        "exception": { "values": [facts.exception(exception.as_ref(), crashed_thread, frames)] },
        "threads": { "values": listed },
        "debug_meta": { "images": facts.modules.iter().take(IMAGES_MAX).map(|module| facts.image(module)).collect::<Vec<_>>() },
    }));
    if dump.header.time_date_stamp == 0 {
        said.remove("timestamp");
    }
    if let Some(system) = &facts.system {
        said.insert("contexts".into(), contexts(system));
    }
    Ok(said)
}

impl<'d> Dump<'d> {
    fn context_of(&self, exception: &MinidumpException<'_>) -> Option<MinidumpContext> {
        exception.context(self.system.as_ref()?, self.misc.as_ref()).map(Cow::into_owned)
    }

    /// The reason, as far as the dump has one. A dump may be made of a process that lives.
    fn exception(
        &self,
        exception: Option<&MinidumpException<'_>>,
        thread: Option<&MinidumpThread<'_>>,
        frames: Vec<Value>,
    ) -> Value {
        let (Some(exception), Some(system)) = (exception, &self.system) else {
            let value = match exception {
                Some(_) => "The minidump does not say on which system it was made.",
                None => "The minidump has no exception: the process was not crashing when it was made.",
            };
            return json!({
                "type": "Minidump", "value": value,
                "mechanism": { "type": "minidump", "handled": exception.is_none(), "synthetic": true },
            });
        };
        let reason = exception.get_crash_reason(system.os, system.cpu).to_string();
        let address = exception.get_crash_address(system.os, system.cpu);
        let mut shown = json!({
            "type": reason,
            "value": format!("Fatal Error: {reason} at {}", hex(address)),
            "thread_id": exception.get_crashing_thread_id(),
            "mechanism": {
                "type": "minidump", "handled": false, "synthetic": true,
                "data": { "crash_address": hex(address) },
            },
        });
        if !frames.is_empty() {
            let mut registers = Said::new();
            let of_thread = || thread?.context(system, self.misc.as_ref()).map(Cow::into_owned);
            if let Some(context) = self.context_of(exception).or_else(of_thread) {
                registers.extend(context.valid_registers().map(|(name, value)| (name.to_string(), hex(value).into())));
            }
            shown["stacktrace"] = json!({ "frames": frames, "registers": registers });
        }
        shown
    }

    /// The frames of a thread, the oldest call first.
    fn stack(&self, thread: &MinidumpThread<'d>, own: Option<MinidumpContext>, frames_max: usize) -> Vec<Value> {
        let Some(system) = &self.system else { return Vec::new() };
        let context = own.or_else(|| thread.context(system, self.misc.as_ref()).map(Cow::into_owned));
        let Some(context) = context else { return Vec::new() };
        let mut frames = vec![self.frame(context.get_instruction_pointer(), "context")];
        let (pointer, width) = match (system.cpu, system.cpu.pointer_width()) {
            (Cpu::X86, _) => ("ebp", 4),
            (Cpu::X86_64, _) => ("rbp", 8),
            (_, PointerWidth::Bits64) => ("fp", 8),
            _ => ("", 4),
        };
        let stack = thread.stack_memory(&self.memory);
        let word = |at: u64| -> Option<u64> {
            let stack = stack.as_ref()?;
            if width == 8 {
                stack.get_memory_at_address::<u64>(at)
            } else {
                stack.get_memory_at_address::<u32>(at).map(u64::from)
            }
        };
        let mut at = context.get_register(pointer).unwrap_or(0);
        while frames.len() < frames_max {
            let (Some(next), Some(back)) = (word(at), at.checked_add(width).and_then(word)) else { break };
            // A return address stands in code; anything else is no chain of frames.
            if self.modules.module_at_address(back).is_none() {
                break;
            }
            frames.push(self.frame(back, "fp"));
            // Callers lie above those they call, so this ends.
            if next <= at {
                break;
            }
            at = next;
        }
        frames.reverse();
        frames
    }

    fn frame(&self, address: u64, trust: &str) -> Value {
        let module = self.modules.module_at_address(address);
        json!({
            "instruction_addr": hex(address),
            "package": module.map(|module| module.code_file().into_owned()),
            "image_addr": module.map(|module| hex(module.base_address())),
            "trust": trust,
        })
    }

    fn image(&self, module: &MinidumpModule) -> Value {
        let kind = match self.system.as_ref().map(|system| system.os) {
            Some(Os::Windows) => "pe",
            Some(Os::MacOs | Os::Ios) => "macho",
            _ => "elf",
        };
        json!({
            "type": kind,
            "code_file": module.code_file(),
            "code_id": module.code_identifier().map(|id| id.to_string()),
            "debug_file": module.debug_file(),
            "debug_id": module.debug_identifier().map(|id| id.to_string()),
            "image_addr": hex(module.base_address()),
            "image_size": module.size(),
            "arch": self.system.as_ref().map(|system| arch(system.cpu)),
        })
    }
}

fn contexts(system: &MinidumpSystemInfo) -> Value {
    let name = match system.os {
        Os::Windows => "Windows",
        Os::MacOs => "macOS",
        Os::Ios => "iOS",
        Os::Linux => "Linux",
        Os::Android => "Android",
        _ => "",
    };
    let (version, build) = system.os_parts();
    json!({
        "os": { "type": "os", "name": name, "version": version, "build": build },
        "device": { "type": "device", "arch": arch(system.cpu) },
    })
}

fn arch(cpu: Cpu) -> String {
    match cpu {
        Cpu::X86_64 => "x86_64".into(),
        cpu => cpu.to_string(),
    }
}

/// Whether what the dump says of sizes and counts can be true and is within bounds.
fn bounded(dump: &[u8]) -> Result<(), &'static str> {
    let raw = Raw { bytes: dump, is_big: dump.starts_with(b"PMDM") };
    const BROKEN: &str = "The minidump's head or directory cannot be read.";
    const TOO_MUCH: &str = "The minidump names more threads, modules or memory than a process has.";
    let (count, directory) = (raw.number(8).ok_or(BROKEN)?, raw.number(12).ok_or(BROKEN)?);
    if count > STREAMS_MAX {
        return Err(TOO_MUCH);
    }
    let mut names_bytes = 0usize;
    for at in 0..count {
        let entry = directory + 12 * at;
        let kind = raw.number(entry).ok_or(BROKEN)?;
        let (size, start) = (raw.number(entry + 4).ok_or(BROKEN)?, raw.number(entry + 8).ok_or(BROKEN)?);
        if start + size > dump.len() {
            continue; // The reader refuses such a stream by itself.
        }
        let (max, entry_bytes) = match kind {
            THREADS => (THREADS_MAX, 48),
            MODULES => (MODULES_MAX, 108),
            MEMORY | MEMORY_64 => (RANGES_MAX, 16),
            NAMES => (THREADS_MAX, 12),
            _ => continue,
        };
        let items = raw.number(start).unwrap_or(0);
        if items > max || size > max * entry_bytes + 16 {
            return Err(TOO_MUCH);
        }
        // Four bytes more than the entries need are padding before them.
        let first = if size == 8 + items * entry_bytes { start + 8 } else { start + 4 };
        for item in 0..items {
            let at = first + item * entry_bytes;
            let string = |rva: usize| raw.number(raw.number(rva)?);
            let bytes = match kind {
                MODULES => {
                    string(at + 20).unwrap_or(0) + raw.number(at + 76).unwrap_or(0) + raw.number(at + 84).unwrap_or(0)
                }
                NAMES => string(at + 4).unwrap_or(0),
                _ => 0,
            };
            names_bytes = names_bytes.saturating_add(bytes.min(dump.len()));
        }
    }
    if names_bytes > NAMES_BYTES_MAX { Err(TOO_MUCH) } else { Ok(()) }
}

/// Numbers of the streams that are looked at.
const THREADS: usize = 3;
const MODULES: usize = 4;
const MEMORY: usize = 5;
const MEMORY_64: usize = 9;
const NAMES: usize = 24;

struct Raw<'d> {
    bytes: &'d [u8],
    is_big: bool,
}

impl Raw<'_> {
    /// The 32-bit number at an offset.
    fn number(&self, at: usize) -> Option<usize> {
        let four = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) } as usize)
    }
}
