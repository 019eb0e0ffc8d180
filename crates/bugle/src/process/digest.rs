//! A digest: what filing needs to know of an event, and nothing else.
//!
//! It is a pure function of the event, made at the door while the event is parsed anyway and carried in memory
//! beside the record; after a restart it is made again from the payload. So the common case parses once, the
//! journal holds only what cannot be computed, and both ways give the same result.

use bugle_event::event::Event;
use bugle_event::group::{self, Kind};
use bugle_event::title;
use xxhash_rust::xxh3::xxh3_64;

/// Tags of one event that are counted; further ones stay in its payload.
pub const TAGS_MAX: usize = 64;

/// What filing needs to know of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest {
    /// When it happened, Unix ms.
    pub timestamp_ms: i64,
    /// Its level.
    pub level: String,
    /// Its platform.
    pub platform: String,
    /// Its logger, or empty.
    pub logger: String,
    /// The type of what was raised; empty for a message.
    pub kind: String,
    /// The first line of its value, or of the message.
    pub title: String,
    /// Where it was raised.
    pub culprit: String,
    /// The line of code that raised it and its place, if the SDK sent it.
    pub crash_line: Option<(String, String)>,
    /// Its environment.
    pub environment: Option<String>,
    /// Its release.
    pub release: Option<String>,
    /// A hash of who was affected; 0 when nobody is known.
    pub person: i64,
    /// Whether nothing caught it.
    pub is_unhandled: bool,
    /// Its tags, each key once.
    pub tags: Vec<(String, String)>,
    /// Which version of grouping made the keys.
    pub grouping_version: u8,
    /// Its keys, the one that decides first. Never empty.
    pub keys: Vec<(Kind, [u8; 16])>,
}

/// Makes the digest of a normalised, scrubbed event.
pub fn digest(event: &Event<'_>) -> Digest {
    let grouping = group::group(event);
    let title = title::title(event);
    let mut tags: Vec<(String, String)> = Vec::with_capacity(16);
    for (key, value) in event.tags().take(TAGS_MAX) {
        if !value.is_empty() && !tags.iter().any(|(known, _)| known == key) {
            tags.push((key.to_string(), value.to_string()));
        }
    }
    Digest {
        timestamp_ms: event.timestamp_ms(),
        level: event.level().to_string(),
        platform: event.platform().to_string(),
        logger: event.text("logger").unwrap_or_default().to_string(),
        kind: title.kind,
        title: title.text,
        culprit: title.culprit,
        crash_line: title::crash_line(event),
        environment: event.text("environment").map(str::to_string),
        release: event.text("release").map(str::to_string),
        person: event.user_ident().map_or(0, |ident| person(&ident)),
        is_unhandled: event.is_unhandled(),
        tags,
        grouping_version: grouping.version,
        keys: grouping.keys.iter().map(|key| (key.kind, key.hash)).collect(),
    }
}

/// The number under which a person is counted. Never 0.
fn person(ident: &str) -> i64 {
    match xxh3_64(ident.as_bytes()) as i64 {
        0 => 1,
        hash => hash,
    }
}
