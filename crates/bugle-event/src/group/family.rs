//! The family of an event: which stored event it probably resembles most.
//!
//! Chosen at the door, before anything is grouped, to pick the exemplar that the payload is compressed against.
//! A wrong guess costs bytes and nothing else, so it takes no masks and looks at one frame only.

use super::chain::Chain;
use crate::event::Event;
use crate::frame::identity;
use xxhash_rust::xxh3::Xxh3Default;

/// XXH3-64 of project, platform, exception types and crash frame; for messages of logger and template.
///
/// Equal on every build, but free to change between releases: it only chooses a compression exemplar.
pub fn family(event: &Event<'_>, project_id: i64) -> u64 {
    let mut hash = Xxh3Default::new();
    let mut add = |text: &str| {
        hash.update(text.as_bytes());
        hash.update(&[0xff]);
    };
    add(event.platform());
    let chain = Chain::of(event);
    chain.types.iter().for_each(|kind| add(kind));
    let stack = chain.main.and_then(|main| main.stack()).or_else(|| event.stack());
    match stack.and_then(|stack| stack.culprit()).and_then(|frame| identity(frame, event.platform())) {
        Some(frame) => {
            add(&frame.place);
            add(&frame.function);
        }
        None => {
            add(event.text("logger").unwrap_or(""));
            // A template that the SDK sent apart from its parameters; a finished text would be a family of one.
            add(event.json.object("logentry").and_then(|entry| entry.text("message")).unwrap_or(""));
        }
    }
    hash.update(&project_id.to_le_bytes());
    hash.digest()
}
