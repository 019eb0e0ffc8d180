//! Takes secrets out of an event before anything of it touches a disk.
//!
//! Protocol reference §14.1, default behaviour. A secret is told by its **key** (`password`, `api_key`, a header, a
//! cookie, a variable), by its **shape** (cards, accounts, keys in armour, signed tokens, `user:password@`), or by
//! the **word before it** inside of text (`password=…`, `Authorization: Bearer …`). An SDK can put one anywhere, so
//! everything is walked that is not known to be harmless; keys are looked at like values, and strings that hold
//! JSON or a form are opened.
//!
//! By key the whole value becomes `[Filtered]`; inside of text only the secret does. What was taken out is noted in
//! `_meta` (§8.7), so that the page can say which rule did it; the value itself is gone.
//!
//! Left alone: a frame's function, module and file (a file that is a URL loses its secrets, too), names of
//! software, debug images, ids. Scrubbing twice changes nothing more. Time is linear in the size of the event.
//!
//! This runs for every event on the way in, and nearly every string is harmless: see `telltale` for how that costs
//! little. `cargo test --release -p bugle-event -- --ignored --nocapture cost` measures it.

mod body;
mod memo;
mod message;
mod meta;
mod name;
mod shape;
mod telltale;
mod text;
mod walk;
mod word;

use crate::event::Event;
use telltale::Telltale;

/// The rules by which secrets are taken out. Built once, used for every event.
pub struct Scrubber {
    telltale: Telltale,
    /// Further words that name a secret, folded.
    sensitive: Vec<String>,
    /// Names that never do, folded.
    safe: Vec<String>,
    /// Under which harmless strings are remembered.
    seed: u64,
}

impl Default for Scrubber {
    fn default() -> Self {
        Scrubber::with(&[], &[])
    }
}

impl Scrubber {
    /// The default rules, with the project's own words: what has one of `sensitive_fields` anywhere in its name is
    /// a secret; what is called like one of `safe_fields` is left alone with everything in it. Both in any case.
    pub fn with(sensitive_fields: &[String], safe_fields: &[String]) -> Scrubber {
        let folded = |fields: &[String]| -> Vec<String> {
            fields.iter().map(|field| name::fold(field)).filter(|field| !field.is_empty()).collect()
        };
        let sensitive = folded(sensitive_fields);
        Scrubber { telltale: Telltale::new(&sensitive), sensitive, safe: folded(safe_fields), seed: memo::seed() }
    }

    /// Takes the secrets out of `event`, which is in canonical shape.
    pub fn scrub(&self, event: &mut Event<'_>) {
        let message = message::before(&event.json);
        let mut removed = walk::event(self, event);
        if let Some(message) = message {
            message::after(&mut event.json, &message, &mut removed);
        }
        if !removed.is_empty() {
            meta::note(&mut event.json, &removed);
        }
    }

    /// Whether `name` is worth a closer look.
    fn is_suspicious(&self, name: &str) -> bool {
        self.telltale.find(name.as_bytes(), 0).is_some() || name.len() < 3 && !self.sensitive.is_empty()
    }

    /// Whether what is called `name` is a secret.
    fn is_secret(&self, name: &str) -> bool {
        if self.sensitive.is_empty() && self.safe.is_empty() {
            return name::is_secret(name);
        }
        let folded = name::fold(name);
        let sensitive = || self.sensitive.iter().any(|word| folded.contains(word.as_str()));
        !self.safe.contains(&folded) && (name::is_secret(name) || sensitive())
    }

    /// Whether what is called `name` is to be left alone.
    fn is_safe(&self, name: &str) -> bool {
        !self.safe.is_empty() && self.safe.contains(&name::fold(name))
    }
}

#[cfg(test)]
mod tests;
