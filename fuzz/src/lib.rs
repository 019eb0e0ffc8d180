//! What must hold for any bytes at all. Each function is one fuzz target; the binaries in `targets/` only call them.
//!
//! A target fails by a panic, by taking longer than a second or by using more memory than `cargo xtask fuzz` allows. What
//! it asserts beyond that is said at each. Odd inputs that are worth keeping lie in `corpus/<target>/`, where the fuzzer begins.

use bugle_event::event::Event;
use bugle_event::normalize::{self, Arrival};
use bugle_event::scrub::{self, Scrubber};
use bugle_event::session::{self, Clock};
use bugle_event::{agent, auth, dialect, envelope, frame, group, id::EventId, inflate, json, mask, release, time, title};
use std::cell::OnceCell;
use std::sync::Arc;

/// Inflating stops here, in bytes.
const INFLATED_BYTES_MAX: usize = 1 << 20;
/// When everything came, Unix ms: results do not depend on the day.
const RECEIVED_MS: i64 = 1_780_000_000_000;

/// Splitting an envelope yields only bytes that are there, and at most so many items.
pub fn envelope(body: &[u8]) {
    let Ok(envelope) = envelope::split(body) else { return };
    assert!(envelope.items.len() <= envelope::ITEMS_MAX);
    let all: usize = envelope.items.iter().map(|item| item.payload.len()).sum();
    assert!(all <= body.len(), "payloads do not overlap");
    for item in &envelope.items {
        let (from, to) = (body.as_ptr() as usize, body.as_ptr() as usize + body.len());
        let at = item.payload.as_ptr() as usize;
        assert!(item.payload.is_empty() || (from..=to).contains(&at) && at + item.payload.len() <= to);
    }
}

/// Inflating stays within its bound, whatever the encoding; the first byte says which.
pub fn inflate(input: &[u8]) {
    const ENCODINGS: [Option<&str>; 8] = [
        None,
        Some("gzip"),
        Some("deflate"),
        Some("br"),
        Some("zstd"),
        Some(""),
        Some("UTF-8"),
        Some("gzip, br"),
    ];
    let Some((first, body)) = input.split_first() else { return };
    let encoding = ENCODINGS[usize::from(*first) % ENCODINGS.len()];
    if let Ok(inflated) = inflate::inflate(encoding, body, INFLATED_BYTES_MAX) {
        assert!(inflated.len() <= INFLATED_BYTES_MAX || encoding.is_none());
    }
    if let Ok(unwrapped) = dialect::sentry::unwrap_store_body(body, INFLATED_BYTES_MAX) {
        assert!(unwrapped.len() <= INFLATED_BYTES_MAX.max(body.len()));
    }
}

/// An event of any bytes is read, normalised, grouped and titled; normalising again changes nothing; what is written
/// reads back as the same.
pub fn read(payload: &[u8]) {
    let (text, _) = dialect::text(payload);
    let event = understood(&text);
    let _ = (group::group(&event), title::title(&event), title::crash_line(&event), group::family(&event, 1));
    let once = written(&event);
    let mut again = Event::stored(&once);
    assert!(again.problems.is_empty(), "what is stored reads back without a problem: {:?}", again.problems);
    normalize::normalize(&mut again, &arrival());
    assert_eq!(once, written(&again), "normalising twice is normalising once");
}

/// Scrubbing again changes nothing.
pub fn scrub(payload: &[u8]) {
    thread_local!(static SCRUBBER: OnceCell<Scrubber> = const { OnceCell::new() });
    let (text, _) = dialect::text(payload);
    let mut event = understood(&text);
    SCRUBBER.with(|scrubber| {
        let scrubber = scrubber.get_or_init(Scrubber::default);
        scrubber.scrub(&mut event);
        let once = written(&event);
        let mut again = Event::stored(&once);
        scrubber.scrub(&mut again);
        assert_eq!(once, written(&again), "scrubbing twice is scrubbing once");
    });
}

/// Credentials of any form are read or refused.
pub fn auth(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut parts = text.splitn(3, '\n');
    let mut part = || parts.next().filter(|part| !part.is_empty());
    let (sentry, authorization, query) = (part(), part(), part());
    if let Ok(Some(auth)) = auth::read(sentry, authorization, query.unwrap_or_default()) {
        assert!(!auth.key.is_empty());
    }
    let _ = auth::Dsn::parse(&text);
}

/// Sessions, one or summed, are read or refused, and never more of them than were sent.
pub fn session(input: &[u8]) {
    let Some((first, payload)) = input.split_first() else { return };
    let clock = Clock { received_ms: RECEIVED_MS, sent_at_ms: (first & 2 == 2).then_some(RECEIVED_MS - 7_200_000) };
    let _ = if first & 1 == 0 { session::read_update(payload, clock) } else { session::read_sums(payload, clock) };
}

/// A browser's reports become an envelope that can be split.
pub fn report(body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    let about = dialect::sentry::security::About::default();
    if let Ok(envelope) = dialect::sentry::security::envelope(&text, &about) {
        self::envelope(&envelope);
        envelope::split(&envelope).expect("what was made here can be read here");
    }
}

/// Rules of scrubbing that people write: read or refused with a reason, and harmless to an event. The rules come first, then
/// a NUL, then the event.
pub fn rules(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (rules, payload) = text.split_once('\0').unwrap_or((&text, "{\"message\":\"a 10.0.0.1 b\"}"));
    let Ok(rules) = scrub::Rules::read(rules) else { return };
    let mut event = understood(payload);
    let settings = scrub::Settings { rules: vec![Arc::new(rules)], ..scrub::Settings::default() };
    Scrubber::new(settings).scrub(&mut event);
    let kept = written(&event);
    assert!(Event::stored(&kept).problems.is_empty(), "what is stored reads back");
}

/// Texts with a meaning: times, ids, messages that are masked, releases, user agents.
pub fn text(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Some(unix_ms) = time::parse(&text) {
        let _ = time::rfc3339(unix_ms);
    }
    if let Some(id) = EventId::parse(&text) {
        assert_eq!(EventId::parse(&id.to_string()), Some(id));
    }
    let _ = mask::mask(&text);
    let _ = (release::short(&text), release::is_release(&text), agent::parse(&text));
    let _ = json::read_whole(&text);
}

fn understood(text: &str) -> Event<'_> {
    let mut event = dialect::sentry::read(text);
    normalize::normalize(&mut event, &arrival());
    frame::decide_in_app(&mut event);
    event
}

fn arrival() -> Arrival<'static> {
    Arrival {
        received_ms: RECEIVED_MS,
        sent_at_ms: None,
        event_id: EventId([7; 16]),
        client: Some("fuzz/1.0"),
        client_ip: Some(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)),
    }
}

fn written(event: &Event<'_>) -> String {
    let mut out = Vec::new();
    event.json.write(&mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}
