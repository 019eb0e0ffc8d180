//! Bugle: an exception tracker that a team runs itself.
//!
//! The rooms, in the order in which an event passes through them (ARCHITECTURE.md walks through it):
//!
//! * [`receive`]: HTTP bodies in, [`record`]s into the journal, and only then 200.
//! * [`process`]: the worker that takes records from the journal and hands them on in batches.
//! * [`file`]: one transaction per batch: issues, events, counts, the outbox, and how far the journal was filed.
//! * [`alert`]: the outbox out to people.
//!
//! And around them: [`issue`], [`event`], [`project`], [`access`] (what there is), [`outcome`] (the ledger),
//! [`payload`] (how events lie on disk), [`storage`] (what they take there), [`store`] (the database), [`ui`] and [`api`] (who asks), [`live`] (who
//! listens), [`command`], [`config`], [`serve`], [`check`], [`metrics`] (how it runs).

pub mod access;
pub mod alert;
pub mod api;
pub mod app;
pub mod attachment;
pub mod check;
pub mod client_address;
pub mod client_report;
pub mod command;
pub mod config;
pub mod crash;
pub mod event;
pub mod fate;
pub mod feedback;
pub mod file;
pub mod filter;
pub mod geography;
pub mod health;
pub mod heard;
pub mod issue;
pub mod journals;
pub mod limit;
pub mod live;
pub mod metrics;
pub mod monitor;
pub mod options;
pub mod outcome;
pub mod payload;
pub mod policy;
pub mod process;
pub mod project;
pub mod receive;
pub mod record;
pub mod release;
pub mod retention;
pub mod seal;
pub mod serve;
pub mod storage;
pub mod store;
pub mod ui;
