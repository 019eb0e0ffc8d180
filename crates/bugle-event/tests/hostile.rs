//! Hostile input, as properties of the whole crate: what must hold for any cut, any change and any nesting of what SDKs
//! send. `cargo xtask fuzz` looks further; what it finds ends here or beside the code.

use bugle_event::event::Event;
use bugle_event::normalize::{self, Arrival};
use bugle_event::scrub::Scrubber;
use bugle_event::{EventId, dialect, envelope, frame};
use proptest::prelude::*;
use std::sync::LazyLock;

static ENVELOPE: &[u8] = b"{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\",\"sent_at\":\"2026-08-01T10:00:00Z\"}\n\
    {\"type\":\"event\",\"length\":57}\n{\"message\":\"a\",\"tags\":{\"a\":\"b\"},\"extra\":{\"password\":\"x\"}}\n\
    {\"type\":\"attachment\",\"filename\":\"a.bin\",\"length\":6}\n\x00\xff\n\n{}\n{\"type\":\"session\"}\n{\"sid\":\"1\"}\n";

/// One scrubber for all: building one is not what is tried here.
static SCRUBBER: LazyLock<Scrubber> = LazyLock::new(Scrubber::default);

fn arrival() -> Arrival<'static> {
    Arrival {
        received_ms: 1_780_000_000_000,
        sent_at_ms: None,
        event_id: EventId([7; 16]),
        client: None,
        client_ip: None,
    }
}

/// What the door makes of an event.
fn kept(payload: &[u8]) -> String {
    let (text, _) = dialect::text(payload);
    let mut event = dialect::sentry::read(&text);
    normalize::normalize(&mut event, &arrival());
    frame::decide_in_app(&mut event);
    SCRUBBER.scrub(&mut event);
    written(&event)
}

fn written(event: &Event<'_>) -> String {
    let mut out = Vec::new();
    event.json.write(&mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// Whether the items lie in the body one behind the other.
fn assert_sound(body: &[u8]) {
    let Ok(envelope) = envelope::split(body) else { return };
    let mut end = body.as_ptr() as usize;
    for item in envelope.items.iter().filter(|item| !item.payload.is_empty()) {
        let at = item.payload.as_ptr() as usize;
        assert!(at >= end, "items overlap");
        end = at + item.payload.len();
    }
    assert!(end <= body.as_ptr() as usize + body.len(), "an item goes beyond the body");
}

#[test]
fn an_envelope_may_be_cut_at_any_byte() {
    assert_eq!(envelope::split(ENVELOPE).expect("is one").items.len(), 3);
    for end in 0..=ENVELOPE.len() {
        assert_sound(&ENVELOPE[..end]);
        assert_sound(&ENVELOPE[end..]);
    }
}

/// A tree nested to the limit lies deeper once it was moved to where it belongs, and notes about it deeper still.
#[test]
fn what_is_nested_deeply_reads_back_as_it_was_kept() {
    let secret = format!("{}{{\"password\":\"x\"}}{}", "[".repeat(93), "]".repeat(93));
    for place in ["extra", "contexts", "unheard_of", "user", "message", "tags", "request", "_meta", "breadcrumbs"] {
        for levels in [80, 94, 95, 96, 97, 300] {
            let nested = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
            for value in [nested, secret.clone()] {
                let once = kept(format!("{{\"{place}\":{value}}}").as_bytes());
                let again = Event::stored(&once);
                assert!(again.problems.is_empty(), "{place} {levels}: {:?}", again.problems);
                assert_eq!(once, written(&again), "{place} {levels}");
            }
        }
    }
}

#[test]
fn huge_counts_are_bounded_and_said() {
    let many = |one: &str| vec![one; 100_000].join(",");
    let keys = (0..100_000).map(|at| format!("\"k{at}\":{at}")).collect::<Vec<_>>().join(",");
    let long = "k".repeat(1 << 20);
    for (what, payload) in [
        ("tags", format!("{{\"tags\":{{{keys}}}}}")),
        ("pairs", format!("{{\"tags\":[{}]}}", many("[\"a\",\"b\"]"))),
        ("extra", format!("{{\"extra\":{{{keys}}}}}")),
        (
            "frames",
            format!(
                "{{\"exception\":[{{\"type\":\"T\",\"stacktrace\":{{\"frames\":[{}]}}}}]}}",
                many("{\"function\":\"f\"}")
            ),
        ),
        ("breadcrumbs", format!("{{\"breadcrumbs\":[{}]}}", many("{\"message\":\"m\"}"))),
        ("key", format!("{{\"extra\":{{\"{long}\":1}}}}")),
        ("tag", format!("{{\"tags\":{{\"{long}\":\"1\"}}}}")),
    ] {
        let kept = kept(payload.as_bytes());
        // `extra` may be about 256 KiB, counted without its punctuation; everything else is far smaller.
        assert!(kept.len() <= 400 << 10, "{what}: {} bytes are kept", kept.len());
    }
}

proptest! {
    #[test]
    fn an_envelope_may_be_changed_anywhere(at in 0..ENVELOPE.len(), bytes in proptest::collection::vec(any::<u8>(), 0..8)) {
        let mut changed = ENVELOPE.to_vec();
        changed.splice(at..at, bytes);
        assert_sound(&changed);
    }

    #[test]
    fn what_is_kept_is_json_for_anybody(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut event = b"{\"message\":".to_vec();
        event.extend(payload);
        let kept = kept(&event);
        prop_assert_eq!(&written(&Event::stored(&kept)), &kept);
    }
}
