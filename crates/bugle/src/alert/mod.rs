//! Telling people: what a message says, and how it leaves this machine.
//!
//! Three steps, in three rooms. [`enqueue`] decides *whether* to speak and writes rows of the outbox, in the
//! transaction that files the event. [`delivery`] takes due rows and hands each to the [`Sender`], with retries. The
//! channels put a [`Notice`] into their own form and touch no database.
//!
//! ```text
//! filing ─▶ outbox row ─▶ delivery ─▶ Sender ─┬─ mail  ▶ smtp ─────────────▶ the operator's mail server
//!                                             ├─ slack ──┐
//!                                             └─ webhook ┴▶ outbound (guard) ▶ a URL that a person typed
//! ```
//!
//! Three rules hold everywhere here:
//! * Words of an event are a stranger's words: they are escaped for the place they go to, cut to a bound, and
//!   cannot start a new header, ping a channel or forge a link ([`line`]).
//! * A URL is a person's words: it is parsed once, and only addresses of the public internet are dialled
//!   ([`outbound`]).
//! * No text handed back holds a secret: of a URL only the host is ever named.

pub mod address;
pub mod delivery;
pub mod enqueue;
pub mod line;
pub mod mail;
pub mod notice;
pub mod outbound;
pub mod outbox;
pub mod send;
pub mod slack;
pub mod smtp;
pub mod target;
pub mod webhook;

pub use notice::{Cause, CrashLine, Notice};
pub use send::{SendError, Sender, SenderSettings, Target, backoff_ms};
