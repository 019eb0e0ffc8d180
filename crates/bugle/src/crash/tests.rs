//! Dumps and reports made for these tests, by us: nobody's memory is in them.

use super::*;
use minidump_synth::{
    DumpString, Exception, Memory, Module, SynthMinidump, SystemInfo, Thread, ThreadName, amd64_context,
};
use proptest::prelude::*;
use serde_json::json;
use test_assembler::{Endian, Section};

const BASE: u64 = 0x1_4000_0000;

/// A dump of a Windows program that read where nothing is: two threads, one module with a debug id.
pub(crate) fn dump() -> Vec<u8> {
    let name = DumpString::new("C:\\shop\\shop.exe", Endian::Little);
    let pdb = Section::with_endian(Endian::Little)
        .append_bytes(b"RSDS")
        .D32(0x9f8e_7d6c)
        .D16(0x5b4a)
        .D16(0x3928)
        .append_bytes(&[1, 2, 3, 4, 5, 6, 7, 8])
        .D32(3)
        .append_bytes(b"C:\\build\\shop.pdb\0");
    let module = Module::new(Endian::Little, BASE, 0x10_0000, &name, 0x6000_0000, 0, None).cv_record(&pdb);
    let context = amd64_context(Endian::Little, BASE + 0x1234, 0x7000);
    let other = amd64_context(Endian::Little, BASE + 0x5678, 0x9000);
    let stack = Memory::with_section(Section::with_endian(Endian::Little).append_repeated(0, 64), 0x7000);
    let second = Memory::with_section(Section::with_endian(Endian::Little).append_repeated(0, 64), 0x9000);
    let worker = DumpString::new("worker", Endian::Little);
    let mut exception = Exception::new(Endian::Little);
    exception.thread_id = 7;
    exception.exception_record.exception_code = 0xc000_0005;
    exception.exception_record.exception_address = BASE + 0x1234;
    exception.exception_record.number_parameters = 2;
    exception.exception_record.exception_information[1] = 0x45;
    let dump = SynthMinidump::with_endian(Endian::Little)
        .add_system_info(SystemInfo::new(Endian::Little).set_processor_architecture(9).set_platform_id(2))
        .add_thread(Thread::new(Endian::Little, 3, &second, &other))
        .add_thread(Thread::new(Endian::Little, 7, &stack, &context))
        .add_thread_name(ThreadName::new(Endian::Little, 3, Some(&worker)))
        .add_exception(exception)
        .add_module(module)
        .add(name)
        .add(pdb)
        .add(worker)
        .add(context)
        .add(other)
        .add_memory(stack)
        .add_memory(second);
    dump.finish().expect("a dump")
}

pub(crate) const REPORT: &str = "Incident Identifier: 6156848E-344E-4D9E-84E0-87AFD0D0AE7B
Hardware Model:      iPhone14,2
Process:             Shop [519]
Identifier:          com.example.shop
Version:             2.1 (7)
Code Type:           ARM-64 (Native)
Date/Time:           2026-04-01 12:20:30.5000 +0200
OS Version:          iPhone OS 19.1 (23B74)
Report Version:      104

Exception Type:  EXC_BAD_ACCESS (SIGSEGV)
Exception Subtype: KERN_INVALID_ADDRESS at 0x0000000000000010
Triggered by Thread:  1

Thread 0 name:  Dispatch queue: com.apple.main-thread
Thread 0:
0   libsystem_kernel.dylib        \t0x00000001b9e7a334 mach_msg_trap + 8

Thread 1 Crashed:
0   Shop                          \t0x0000000104a4c2f0 pay(card:) + 88 (Pay.swift:12)
1   Shop                          \t0x0000000104a4c000 0x104a40000 + 49152

Thread 1 crashed with ARM Thread State (64-bit):
    x0: 0x0000000000000010   x1: 0x0000000000000000

Binary Images:
0x104a40000 - 0x104a5ffff Shop arm64  <9f8e7d6c5b4a39281706f5e4d3c2b1a0> /var/containers/Shop.app/Shop
0x1b9e53000 - 0x1b9e9efff libsystem_kernel.dylib arm64e  <6156848e344e4d9e84e087afd0d0ae7b> /usr/lib/system/libsystem_kernel.dylib
";

/// An archive of Unreal's reporter, not compressed.
pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let text = |out: &mut Vec<u8>, text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(260, 0);
        out.extend(260u32.to_le_bytes());
        out.extend(bytes);
    };
    let mut out = b"CR1".to_vec();
    text(&mut out, "UECC-Windows-1");
    text(&mut out, "UECC-Windows-1.uecrash");
    out.extend(0u32.to_le_bytes());
    out.extend((files.len() as u32).to_le_bytes());
    for (index, (name, body)) in files.iter().enumerate() {
        out.extend((index as u32).to_le_bytes());
        text(&mut out, name);
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(*body);
    }
    out
}

fn part(kind: &str, body: impl Into<Vec<u8>>) -> Part {
    Part { kind: kind.into(), body: body.into() }
}

fn of(event: &[u8]) -> Value {
    serde_json::from_slice(event).expect("JSON")
}

#[test]
fn a_minidump_says_what_broke_where_and_on_what() {
    let event = of(&event(b"{\"tags\":{\"shop\":\"1\"},\"exception\":[]}", &[part(MINIDUMP, dump())]));
    let exception = &event["exception"]["values"][0];
    assert_eq!(exception["type"], "EXCEPTION_ACCESS_VIOLATION_READ");
    assert_eq!(exception["value"], "Fatal Error: EXCEPTION_ACCESS_VIOLATION_READ at 0x45");
    assert_eq!((&exception["thread_id"], &exception["mechanism"]["handled"]), (&json!(7), &json!(false)));
    let frame = &exception["stacktrace"]["frames"][0];
    assert_eq!((&frame["instruction_addr"], &frame["trust"]), (&json!("0x140001234"), &json!("context")));
    assert_eq!(frame["package"], "C:\\shop\\shop.exe");
    assert_eq!(exception["stacktrace"]["registers"]["rip"], "0x140001234");
    let threads = event["threads"]["values"].as_array().expect("threads");
    assert_eq!((&threads[0]["id"], &threads[0]["crashed"]), (&json!(7), &json!(true)), "the crashed one first");
    assert_eq!((&threads[1]["name"], &threads[1]["crashed"]), (&json!("worker"), &json!(false)));
    assert_eq!(threads[1]["stacktrace"]["frames"][0]["instruction_addr"], "0x140005678");
    let image = &event["debug_meta"]["images"][0];
    assert_eq!((&image["type"], &image["image_addr"]), (&json!("pe"), &json!("0x140000000")));
    assert_eq!(image["debug_id"], "9f8e7d6c-5b4a-3928-0102-030405060708-3");
    assert_eq!(image["debug_file"], "C:\\build\\shop.pdb");
    assert_eq!(
        (&event["contexts"]["os"]["name"], &event["contexts"]["device"]["arch"]),
        (&json!("Windows"), &json!("x86_64"))
    );
    assert_eq!(
        (&event["level"], &event["platform"], &event["tags"]["shop"]),
        (&json!("fatal"), &json!("native"), &json!("1"))
    );
}

#[test]
fn a_dump_comes_as_it_is_or_compressed() {
    use std::io::Write;
    let dump = dump();
    let mut bzip = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip.write_all(&dump).expect("packs");
    let zstd = zstd::bulk::compress(&dump, 1).expect("packs");
    for packed in [dump.clone(), zstd, bzip.finish().expect("packs")] {
        assert_eq!(minidump::unpacked(&packed).as_deref(), Ok(&dump[..]));
    }
    let zeros = zstd::bulk::compress(&vec![0; minidump::DUMP_BYTES_MAX + 1], 1).expect("packs");
    assert!(minidump::unpacked(&zeros).is_err(), "a bomb");
    assert!(minidump::unpacked(b"MDMX").is_err());
}

#[test]
fn a_dump_that_names_more_than_there_is_is_not_read() {
    let good = dump();
    let directory = u32::from_le_bytes(good[12..16].try_into().expect("four")) as usize;
    let count = u32::from_le_bytes(good[8..12].try_into().expect("four")) as usize;
    for (kind, lie) in [(3u32, 1 << 30), (4, 1 << 20), (5, 1 << 28), (24, 1 << 24)] {
        let mut bad = good.clone();
        let entry = (0..count).map(|at| directory + 12 * at).find(|at| good[*at..at + 4] == kind.to_le_bytes());
        let entry = entry.expect("the stream is there");
        let start = u32::from_le_bytes(good[entry + 8..entry + 12].try_into().expect("four")) as usize;
        bad[start..start + 4].copy_from_slice(&(lie as u32).to_le_bytes());
        let said = of(&event(b"", &[part(MINIDUMP, bad)]));
        let value = said["exception"]["values"][0]["value"].as_str().expect("a sentence");
        assert!(value.contains("more threads, modules or memory"), "stream {kind}: {value}");
    }
    let mut many = good;
    many[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    let said = of(&event(b"", &[part(MINIDUMP, many)]));
    assert_eq!(said["exception"]["values"][0]["type"], "Minidump");
}

#[test]
fn an_apple_report_says_what_broke_where_and_on_what() {
    let event = of(&event(b"{}", &[part(APPLE, REPORT)]));
    let exception = &event["exception"]["values"][0];
    assert_eq!((&exception["type"], &exception["thread_id"]), (&json!("EXC_BAD_ACCESS"), &json!(1)));
    assert_eq!(exception["value"], "KERN_INVALID_ADDRESS at 0x0000000000000010");
    let frames = exception["stacktrace"]["frames"].as_array().expect("frames");
    assert_eq!(frames.len(), 2, "registers are no frames: {frames:?}");
    assert_eq!(
        (&frames[1]["function"], &frames[1]["filename"], &frames[1]["lineno"]),
        (&json!("pay(card:)"), &json!("Pay.swift"), &json!(12))
    );
    assert_eq!(
        (&frames[0]["function"], &frames[0]["package"]),
        (&Value::Null, &json!("/var/containers/Shop.app/Shop"))
    );
    let threads = event["threads"]["values"].as_array().expect("threads");
    assert_eq!((&threads[0]["name"], threads.len()), (&json!("Dispatch queue: com.apple.main-thread"), 2));
    assert_eq!((&threads[0]["crashed"], &threads[1]["crashed"]), (&json!(false), &json!(true)));
    let image = &event["debug_meta"]["images"][0];
    assert_eq!((&image["debug_id"], &image["arch"]), (&json!("9f8e7d6c-5b4a-3928-1706-f5e4d3c2b1a0"), &json!("arm64")));
    assert_eq!((&image["image_addr"], &image["image_size"]), (&json!("0x104a40000"), &json!(0x20000)));
    assert_eq!(
        (&event["contexts"]["os"]["name"], &event["contexts"]["os"]["version"]),
        (&json!("iOS"), &json!("19.1"))
    );
    assert_eq!((&event["timestamp"], &event["release"]), (&json!(1_775_038_830.5), &json!("com.example.shop@2.1")));
}

#[test]
fn an_unreal_archive_tells_by_its_dump_its_xml_and_its_log() {
    let xml = br#"<?xml version="1.0" encoding="UTF-8"?><FGenericCrashContext><RuntimeProperties>
        <CrashType>Assert</CrashType><ErrorMessage>Assertion failed: card &lt; 4</ErrorMessage><BuildVersion>shop@7</BuildVersion>
        <LoginId>abc</LoginId><Misc.OSVersionMajor>Windows 11</Misc.OSVersionMajor><TimeOfCrash>639106464300000000</TimeOfCrash>
        <PCallStack>Shop 0x0000000140000000 + 1234
Engine 0x0000000150000000 + 10</PCallStack></RuntimeProperties>
        <GameData><__sentry>{"tags":{"level":"cave"}}</__sentry><Map>cave</Map></GameData></FGenericCrashContext>"#;
    let log = b"\xef\xbb\xbf[2026.04.01-10.20.30:123][  7]LogNet: Warning: lost\nplain\n";
    let files: Vec<(&str, &[u8])> = vec![("CrashContext.runtime-xml", xml), ("Shop.log", log), ("config.ini", b"x=1")];
    let archive = archive(&files);
    let found = unreal::files(&archive);
    assert_eq!(found.iter().map(|file| (file.name, file.body)).collect::<Vec<_>>(), files);
    let (said, parts) = unreal::event(&found, Some("player"));
    let event = of(&event(&serde_json::to_vec(&said).expect("JSON"), &parts));
    let exception = &event["exception"]["values"][0];
    assert_eq!((&exception["type"], &exception["value"]), (&json!("Assert"), &json!("Assertion failed: card < 4")));
    assert_eq!(exception["stacktrace"]["frames"][1]["instruction_addr"], "0x140001234");
    assert_eq!(
        (&event["user"]["id"], &event["release"], &event["tags"]["level"]),
        (&json!("abc"), &json!("shop@7"), &json!("cave"))
    );
    assert_eq!(
        (&event["contexts"]["game"]["Map"], &event["contexts"]["os"]["name"]),
        (&json!("cave"), &json!("Windows 11"))
    );
    let crumbs = &event["breadcrumbs"]["values"];
    assert_eq!(
        (&crumbs[0]["category"], &crumbs[0]["level"], &crumbs[0]["message"]),
        (&json!("LogNet"), &json!("warning"), &json!("lost"))
    );
    assert_eq!((&crumbs[0]["timestamp"], &crumbs[1]["message"]), (&json!(1_775_038_830.123), &json!("plain")));

    let dump = dump();
    let mut files = files;
    files.push(("UEMinidump.dmp", &dump));
    let archive = super::tests::archive(&files);
    let (said, parts) = unreal::event(&unreal::files(&archive), None);
    let event = of(&super::event(&serde_json::to_vec(&said).expect("JSON"), &parts));
    assert_eq!(event["exception"]["values"][0]["type"], "EXCEPTION_ACCESS_VIOLATION_READ");
    assert_eq!(event["breadcrumbs"]["values"].as_array().map(Vec::len), Some(2));
}

#[test]
fn rings_of_breadcrumbs_are_merged_by_time() {
    let ring = |seconds: &[f64]| -> Vec<u8> {
        let mut out = Vec::new();
        for at in seconds {
            let pairs = vec![("timestamp".into(), (*at).into()), ("message".into(), at.to_string().into())];
            rmpv::encode::write_value(&mut out, &rmpv::Value::Map(pairs)).expect("writes");
        }
        out
    };
    let mut payload = Vec::new();
    let pairs = vec![("release".into(), "shop@1".into()), ("level".into(), "error".into())];
    rmpv::encode::write_value(&mut payload, &rmpv::Value::Map(pairs)).expect("writes");
    let parts =
        [part(PAYLOAD, payload), part(BREADCRUMBS, ring(&[5.0, 3.0])), part(BREADCRUMBS, ring(&[1.0, 2.0, 4.0]))];
    let event = of(&event(b"", &parts));
    let messages: Vec<&Value> =
        event["breadcrumbs"]["values"].as_array().expect("a list").iter().map(|one| &one["message"]).collect();
    assert_eq!(messages, ["3", "4", "5"], "as many as the longer ring");
    assert_eq!((&event["release"], &event["level"]), (&json!("shop@1"), &json!("error")));
}

#[test]
fn a_crash_of_many_threads_stays_within_an_event() {
    let frames: Vec<Value> =
        (0..32).map(|at| json!({"instruction_addr": hex(at), "package": "p".repeat(200)})).collect();
    let threads: Vec<Value> = (0..256).map(|id| json!({"id": id, "stacktrace": {"frames": frames}})).collect();
    let mut said = skeleton("Minidump", "minidump", "x");
    said.insert("threads".into(), json!({ "values": threads }));
    assert!(write(said).len() < crate::receive::EVENT_BYTES_MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_broken_dump_is_an_event(at in 0usize..2_000, bytes in proptest::collection::vec(any::<u8>(), 1..12), cut in 0usize..4_000) {
        let mut dump = dump();
        let at = at % dump.len();
        for (place, byte) in dump[at..].iter_mut().zip(bytes) {
            *place = byte;
        }
        dump.truncate(cut.max(at));
        let said = of(&event(b"", &[part(MINIDUMP, dump)]));
        prop_assert!(said["exception"]["values"][0]["type"].is_string());
    }

    #[test]
    fn broken_text_and_archives_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0usize..2_000) {
        let mut report = REPORT.as_bytes().to_vec();
        let from = at % report.len();
        report.splice(from..from, bytes.iter().copied());
        prop_assert!(apple::event(&report).contains_key("exception"));
        let mut packed = archive(&[("a.log", &bytes), ("CrashContext.runtime-xml", &bytes)]);
        let from = at % packed.len();
        packed.splice(from..from, bytes.iter().copied());
        unreal::event(&unreal::files(&packed), None);
        msgpack::objects(&bytes);
    }
}
