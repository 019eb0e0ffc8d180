//! Bytes in, understanding out: everything Bugle knows about an event before it is kept.
//!
//! The crate is pure. It does no I/O and reads no clock (the received time is an argument), so the same bytes
//! give the same event, the same keys and the same title on every build and machine. Nothing here fails on
//! bad input: reading returns a value *and* its [`Problem`]s, because an exception tracker that refuses a
//! broken report has lost a real one. The exceptions are framings that cannot be read at all
//! ([`envelope::EnvelopeError`], [`inflate::InflateError`]), which the sender is told about.
//!
//! The order in which a request passes through:
//!
//! ```text
//! auth ▶ inflate ▶ envelope ▶ dialect::* ▶ normalize ▶ filter ▶ scrub ▶ (kept) ▶ group, title
//! ```
//!
//! An event is a lossless [`json::Json`] tree in Sentry's schema (snake case), with typed views over it
//! ([`event`]), the way a compiler front end lays a typed syntax over a concrete one: what an SDK sent and we
//! have no name for is still there, and the stored form is the tree itself.

pub mod agent;
pub mod auth;
pub mod dialect;
pub mod envelope;
pub mod event;
pub mod filter;
pub mod frame;
pub mod group;
pub mod id;
pub mod inflate;
pub mod json;
pub mod mask;
mod meta;
pub mod normalize;
pub mod path;
pub mod problem;
pub mod release;
pub mod scrub;
pub mod session;
pub mod time;
pub mod title;

pub use event::Event;
pub use id::EventId;
pub use problem::Problem;
