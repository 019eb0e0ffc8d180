//! A small shop that fails in the ways Rust programs fail: `suite-shop KIND…`, one run for all the kinds named.
//!
//! What each kind must become in Bugle is in `suite/tests/rust.rs`. Functions whose names a test looks for are
//! never inlined, else an optimised build has no frame for them.

use std::error::Error;
use std::fmt;
use std::num::ParseIntError;

use sentry::protocol::{Context, Map, User, Value};
use sentry::{Breadcrumb, ClientOptions, Level};

fn main() {
    let dsn = std::env::var("SENTRY_DSN").expect("SENTRY_DSN names where to report");
    let options = ClientOptions::new()
        .dsn(&dsn)
        .release("shop-rust@0.9.0")
        .environment("staging")
        .server_name("till-5")
        .attach_stacktrace(true)
        .send_default_pii(true);
    let _guard = sentry::init(options);
    sentry::configure_scope(|scope| {
        scope.set_user(Some(User { id: Some("u-3".into()), email: Some("u-3@example.com".into()), ..User::default() }));
        scope.set_tag("channel", "till");
    });
    for kind in std::env::args().skip(1) {
        match kind.as_str() {
            "chain" => report_chain(42),
            "library" => report_library("twelve"),
            "message" => drop(sentry::capture_message("the stock of tea is low", Level::Warning)),
            "secrets" => report_secrets(),
            "panic" => drop(std::panic::catch_unwind(|| open_till(7))),
            "crash" => close_day(8),
            other => panic!("no such kind: {other}"),
        }
    }
}

/// An order that cannot be priced.
#[derive(Debug)]
struct PriceError {
    order: u32,
    source: RateError,
}

impl fmt::Display for PriceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order {} cannot be priced", self.order)
    }
}

impl Error for PriceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// A currency without a rate.
#[derive(Debug)]
struct RateError(ParseIntError);

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rate cannot be read")
    }
}

impl Error for RateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[inline(never)]
fn rate_for(text: &str) -> Result<u32, RateError> {
    text.parse().map_err(RateError)
}

#[inline(never)]
fn report_chain(order: u32) {
    sentry::add_breadcrumb(Breadcrumb {
        category: Some("basket".into()),
        message: Some("basket opened".into()),
        data: Map::from_iter([("lines".to_string(), Value::from(2))]),
        ..Breadcrumb::default()
    });
    if let Err(source) = rate_for("1,09") {
        sentry::capture_error(&PriceError { order, source });
    }
}

#[inline(never)]
fn report_library(text: &str) {
    if let Err(error) = text.parse::<u32>() {
        sentry::capture_error(&error);
    }
}

#[inline(never)]
fn open_till(number: u32) {
    panic!("till {number} is locked");
}

#[inline(never)]
fn close_day(day: u32) {
    panic!("day {day} cannot be closed");
}

/// Everything secret that a program may hand over when it fails.
fn report_secrets() {
    let marker = std::env::var("PLANT").unwrap_or_else(|_| "plant".into());
    let plant = |place: &str| format!("{marker}-{place}");
    sentry::with_scope(
        |scope| {
            scope.set_tag("auth_token", plant("tag-token"));
            scope.set_extra("api_key", plant("extra-key").into());
            let payment = Map::from_iter([
                ("client_secret".to_string(), Value::from(plant("context-secret"))),
                ("card".to_string(), Value::from("4012888888881881")),
            ]);
            scope.set_context("payment", Context::Other(payment));
        },
        || {
            sentry::add_breadcrumb(Breadcrumb {
                category: Some("db".into()),
                message: Some(format!("connect postgres://shop:{}@db.internal/shop", plant("crumb-dsn"))),
                ..Breadcrumb::default()
            });
            sentry::capture_message(&format!("Authorization: Bearer {}", plant("message-bearer")), Level::Error);
        },
    );
}
