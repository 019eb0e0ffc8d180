//! Takes secrets out of an event before anything of it touches a disk.
//!
//! Protocol reference §14.1, default behaviour; [`rule`] has the rules that people write (§14.2), [`Settings`] what else
//! they may want. A secret is told by its **key** (`password`, `api_key`, a header, a
//! cookie, a variable), by its **shape** (cards, accounts, keys in armour, signed tokens, `user:password@`), or by
//! the **word before it** inside of text (`password=…`, `Authorization: Bearer …`). An SDK can put one anywhere, so
//! everything is walked that is not known to be harmless; keys are looked at like values, and strings that hold
//! JSON or a form are opened.
//!
//! By key the whole value becomes `[Filtered]`; inside of text only the secret does. What was taken out is noted in
//! `_meta` (§8.7), so that the page can say which rule did it; the value itself is gone.
//!
//! Left alone: a frame's function, module and file (a file that is a URL loses its secrets, too), names of
//! software, debug images, ids. Of releases and environments goes only what stands behind a `password=`. Scrubbing twice changes nothing more. Time is linear in the size of the event.
//!
//! This runs for every event on the way in, and nearly every string is harmless: see `telltale` for how that costs
//! little. `cargo test --release -p bugle-event -- --ignored --nocapture cost` measures it.

mod attachment;
mod body;
mod memo;
mod message;
mod meta;
mod name;
mod rule;
mod shape;
mod telltale;
mod text;
mod walk;
mod word;

use crate::event::Event;
use std::sync::Arc;
use telltale::Telltale;

pub use attachment::TEXT_BYTES_MAX;
pub use rule::{Fault, Rules};

/// What somebody wants taken out, beside or instead of what is by default.
pub struct Settings {
    /// Whether the default rules run: words, shapes, cookies.
    pub defaults: bool,
    /// Further words that name a secret, anywhere in a name.
    pub sensitive: Vec<String>,
    /// As `sensitive`, and no safe name takes them back.
    pub required: Vec<String>,
    /// Names that are never a secret, with everything in them.
    pub safe: Vec<String>,
    /// Rules that run before all others, in this order.
    pub rules: Vec<Arc<Rules>>,
}

impl Default for Settings {
    fn default() -> Self {
        let (sensitive, required, safe) = (Vec::new(), Vec::new(), Vec::new());
        Settings { defaults: true, sensitive, required, safe, rules: Vec::new() }
    }
}

/// The rules by which secrets are taken out. Built once, used for every event.
pub struct Scrubber {
    telltale: Telltale,
    defaults: bool,
    /// Further words that name a secret, folded.
    sensitive: Vec<String>,
    /// Of these, the ones that no safe name takes back.
    required: Vec<String>,
    /// Names that never do, folded.
    safe: Vec<String>,
    rules: Vec<Arc<Rules>>,
    /// Under which harmless strings are remembered.
    seed: u64,
}

impl Default for Scrubber {
    fn default() -> Self {
        Scrubber::new(Settings::default())
    }
}

impl Scrubber {
    /// Made of these settings. Names count in any case and without their separators.
    pub fn new(settings: Settings) -> Scrubber {
        let folded = |fields: &[String]| -> Vec<String> {
            fields.iter().map(|field| name::fold(field)).filter(|field| !field.is_empty()).collect()
        };
        let required = folded(&settings.required);
        let sensitive = [folded(&settings.sensitive), required.clone()].concat();
        Scrubber {
            telltale: if settings.defaults { Telltale::new(&sensitive) } else { Telltale::only(&sensitive) },
            defaults: settings.defaults,
            sensitive,
            required,
            safe: folded(&settings.safe),
            rules: settings.rules.into_iter().filter(|rules| !rules.is_empty()).collect(),
            seed: memo::seed(),
        }
    }

    /// Takes the secrets out of `event`, which is in canonical shape.
    pub fn scrub(&self, event: &mut Event<'_>) {
        let message = message::before(&event.json);
        let mut removed = Vec::new();
        for rules in &self.rules {
            rules.event(&mut event.json, &mut removed);
        }
        removed.extend(walk::event(self, event));
        if let Some(message) = message {
            message::after(&mut event.json, &message, &mut removed);
        }
        if !removed.is_empty() {
            meta::note(&mut event.json, &removed);
        }
    }

    /// What becomes of `value` as the field `name` of an event; `None`: a rule takes it away. For what comes beside events
    /// and has to agree with them, such as the release of a session.
    pub fn field(&self, name: &str, value: &str) -> Option<String> {
        let mut event = Event::default();
        event.json.set(name, value.to_string());
        self.scrub(&mut event);
        event.json.text(name).map(str::to_string)
    }

    /// Whether `name` is worth a closer look.
    fn is_suspicious(&self, name: &str) -> bool {
        self.telltale.find(name.as_bytes(), 0).is_some() || name.len() < 3 && !self.sensitive.is_empty()
    }

    /// Whether what is called `name` is a secret.
    fn is_secret(&self, name: &str) -> bool {
        if self.defaults && self.sensitive.is_empty() && self.safe.is_empty() {
            return name::is_secret(name);
        }
        let folded = name::fold(name);
        let has = |words: &[String]| words.iter().any(|word| folded.contains(word.as_str()));
        has(&self.required)
            || !self.safe.contains(&folded) && (self.defaults && name::is_secret(name) || has(&self.sensitive))
    }

    /// Whether what is called `name` is to be left alone.
    fn is_safe(&self, name: &str) -> bool {
        if self.safe.is_empty() {
            return false;
        }
        let folded = name::fold(name);
        self.safe.contains(&folded) && !self.required.iter().any(|word| folded.contains(word.as_str()))
    }

    /// Which cookies are secrets, beside those whose name says so.
    fn cookies(&self) -> fn(&str) -> bool {
        if self.defaults { name::is_session_cookie } else { |_| false }
    }
}

#[cfg(test)]
mod tests;
