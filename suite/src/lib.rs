//! The harness of the end-to-end suite: what a test needs to be an operator, an SDK, a script and a person.
//!
//! The tests beside it (`tests/*.rs`) start the real server, let the real SDKs report to it and look at the outcome
//! where people and scripts look: on the page and by REST. Nothing here knows a type of the server; `contract.md`'s
//! command line, paths and JSON are all there is, so the suite fails when the promise to the outside is broken and
//! only then.
//!
//! | module | plays |
//! |---|---|
//! | [`bugle`] | the operator: data directory, commands, start, stop, kill |
//! | [`door`] | an SDK without mercy: raw HTTP to the intake |
//! | [`rest`] | a script with a token |
//! | [`person`] | a person with a browser that runs no script |
//! | [`browser`] | a person with headless Chromium, and the site that Chromium visits |
//! | [`shop`] | the programs under `apps/`, which report through real SDKs |
//! | [`matrix`] | one program per SDK, all telling the same stories (`cargo xtask sdks`) |
//! | [`mailbox`], [`hook`] | where alerts arrive |
//! | [`secrets`] | someone who searches the disk |
//!
//! Nothing waits for a fixed time: [`wait::until`] polls with a deadline. `cargo xtask test` prepares what the
//! suite needs ([`tools`] says what); a missing part is a failure that names it, never a skipped test.

pub mod browser;
pub mod bugle;
pub mod door;
pub mod envelope;
pub mod hook;
pub mod mailbox;
pub mod matrix;
pub mod person;
pub mod rest;
pub mod secrets;
pub mod shop;
pub mod tools;
pub mod wait;
pub mod web;

pub use bugle::{Bugle, Project};
pub use person::Person;
pub use rest::Rest;
