//! What an event has to say for grouping, gathered once for keys and for their explanation.
//!
//! Everything is borrowed from the event. With `notes`, what was left out is written down with its reason; without,
//! that costs nothing.

use super::chain::Chain;
use super::explain::Ignored;
use super::fingerprint;
use crate::event::{Event, Frame, Stack};
use crate::frame::{Identity, identity};
use crate::mask::mask;
use std::borrow::Cow;

/// The longest cycle of calls that counts as recursion, in frames.
const CYCLE_FRAMES_MAX: usize = 4;

/// The parts that keys are made of. Texts that take no part are empty.
pub(super) struct Evidence<'e> {
    pub(super) custom: Option<Vec<String>>,
    pub(super) salt: Vec<String>,
    pub(super) types: Vec<&'e str>,
    pub(super) main_type: &'e str,
    /// The usable frames that count, crash site first, recursion collapsed.
    pub(super) frames: Vec<Identity<'e>>,
    pub(super) template: Cow<'e, str>,
    pub(super) logger: &'e str,
    pub(super) transaction: &'e str,
    pub(super) directive: &'e str,
    pub(super) host: &'e str,
}

impl<'e> Evidence<'e> {
    pub(super) fn of(event: &'e Event<'_>, notes: Option<&mut Vec<Ignored>>) -> Evidence<'e> {
        let mut notes = Notes(notes);
        let fingerprint = fingerprint::of(event);
        let chain = Chain::of(event);
        for kind in &chain.synthetic {
            notes.add("made up by the SDK", || format!("type {kind}"));
        }
        let mut evidence = Evidence {
            custom: fingerprint.custom,
            salt: fingerprint.salt,
            main_type: chain.main_type().unwrap_or(""),
            frames: Vec::new(),
            template: Cow::Borrowed(""),
            logger: "",
            transaction: "",
            directive: "",
            host: "",
            types: chain.types,
        };
        if evidence.custom.is_some() {
            notes.add("the event has a fingerprint of its own", || "type, frames and message".into());
            return evidence;
        }
        let stack = chain.main.and_then(|main| main.stack()).or_else(|| event.stack());
        if let Some(stack) = stack {
            evidence.frames = frames_that_count(stack, event.platform(), &mut notes);
        }
        let message = chain.main.map_or_else(|| event.message_template(), |main| main.value());
        evidence.template = mask(message.unwrap_or(""));
        if evidence.frames.is_empty() {
            evidence.add_what_replaces_a_stack(event, chain.main.is_none(), &mut notes);
        }
        evidence
    }

    fn add_what_replaces_a_stack(&mut self, event: &'e Event<'_>, is_message: bool, notes: &mut Notes<'_>) {
        if let Some(csp) = event.json.object("csp") {
            self.directive = csp.text("effective_directive").or_else(|| csp.text("violated_directive")).unwrap_or("");
            self.directive = self.directive.split(' ').next().unwrap_or("");
            self.host = blocked_host(csp.text("blocked_uri").unwrap_or(""), csp.text("document_uri").unwrap_or(""));
            if !self.directive.is_empty() {
                notes.add("a security report groups by directive and host", || format!("message {}", self.template));
                self.template = Cow::Borrowed("");
                return;
            }
        }
        if is_message {
            self.logger = event.text("logger").unwrap_or("");
        }
        if self.template.is_empty() {
            // The type alone would hide everything of that type behind one issue.
            self.transaction = event.text("transaction").unwrap_or("");
            if !self.transaction.is_empty() {
                notes.add("empty, so the transaction stands in for it", || "message".into());
            }
        }
        if self.template.is_empty() && self.main_type.is_empty() && self.transaction.is_empty() {
            notes
                .add("it has no type, frame, message or transaction: all such events are one issue", || "event".into());
        }
    }
}

/// The frames that count: the in-app ones if there are any, else all; of those the usable ones.
fn frames_that_count<'e>(stack: Stack<'e>, platform: &str, notes: &mut Notes<'_>) -> Vec<Identity<'e>> {
    let only_in_app = stack.frames().any(|frame| frame.in_app());
    let mut kept: Vec<Identity<'e>> = Vec::with_capacity(16);
    for frame in stack.frames().rev() {
        if only_in_app && !frame.in_app() {
            notes.add("not in-app", || describe(frame, platform));
            continue;
        }
        let Some(identity) = identity(frame, platform) else {
            notes.add("unusable: minified, engine-native or without a name", || describe(frame, platform));
            continue;
        };
        kept.push(identity);
        if let Some(cycle) = (1..=CYCLE_FRAMES_MAX).find(|cycle| ends_in_repeat(&kept, *cycle)) {
            notes.add("recursion", || describe(frame, platform));
            kept.truncate(kept.len() - cycle);
        }
    }
    kept
}

/// Whether the last `cycle` frames are those before them.
fn ends_in_repeat(frames: &[Identity<'_>], cycle: usize) -> bool {
    let Some(before) = frames.len().checked_sub(2 * cycle) else { return false };
    frames[before..before + cycle] == frames[before + cycle..]
}

/// The host of what was blocked; `inline`, `eval` and the like as they are; `self` for the page's own host.
fn blocked_host<'e>(blocked: &'e str, document: &str) -> &'e str {
    let host = |uri: &'e str| uri.split_once("://").map(|(_, rest)| rest.split(['/', '?', ':']).next().unwrap_or(rest));
    let own = document.split_once("://").map(|(_, rest)| rest.split(['/', '?', ':']).next().unwrap_or(rest));
    match host(blocked) {
        Some(host) if Some(host) == own => "self",
        Some(host) => host,
        None if blocked.is_empty() => "self",
        // `data:…` and the like: the scheme.
        None => blocked.split(':').next().unwrap_or(blocked),
    }
}

fn describe(frame: Frame<'_>, platform: &str) -> String {
    match identity(frame, platform) {
        Some(identity) => identity.to_string(),
        None => {
            let place = frame.module().or_else(|| frame.filename()).or_else(|| frame.abs_path()).unwrap_or("?");
            format!("{place}: {}", frame.function().unwrap_or("?"))
        }
    }
}

struct Notes<'n>(Option<&'n mut Vec<Ignored>>);

impl Notes<'_> {
    fn add(&mut self, why: &'static str, text: impl FnOnce() -> String) {
        if let Some(notes) = &mut self.0 {
            notes.push(Ignored { text: text(), why });
        }
    }
}
