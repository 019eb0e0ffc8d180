//! The stories of the matrix as a Rust program tells them: `suite-matrix STORY`. `suite/src/matrix/mod.rs` says what
//! they are.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use sentry::protocol::{Attachment, User, Value};
use sentry::{Breadcrumb, ClientOptions, Level, SessionMode};

const FLOOD_EVENTS: usize = 500;
/// The SDK's queue holds 30 envelopes; a program that reports more at once waits for it.
const FLOOD_AT_ONCE: usize = 25;
const FLUSH_WITHIN: Duration = Duration::from_secs(20);

fn main() {
    let dsn = std::env::var("SENTRY_DSN").expect("SENTRY_DSN names where to report");
    let options = ClientOptions::new()
        .dsn(&dsn)
        .release("matrix@1.0.0")
        .environment("matrix")
        .attach_stacktrace(true)
        .session_mode(SessionMode::Application)
        .debug(true);
    let guard = sentry::init(options);
    let story = std::env::args().nth(1).expect("a story is named");
    match story.as_str() {
        "handled" => handled(),
        "unhandled" => unhandled(),
        "attachment" => attachment(),
        "session" => {
            sentry::start_session();
            sentry::end_session();
        }
        "oversize" => oversize(),
        "flood" => flood(),
        other => panic!("no such story: {other}"),
    }
    drop(guard);
    println!("done {story}");
}

/// An order that cannot be priced.
#[derive(Debug)]
struct PriceError(RateError);

impl fmt::Display for PriceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("order 42 cannot be priced")
    }
}

impl Error for PriceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// A currency without a rate.
#[derive(Debug)]
struct RateError;

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no rate for GBP")
    }
}

impl Error for RateError {}

fn handled() {
    sentry::configure_scope(|scope| {
        let user = User { id: Some("u-7".into()), email: Some("mia@example.com".into()), ..User::default() };
        scope.set_user(Some(user));
        scope.set_tag("wallet", "apple_pay");
    });
    sentry::add_breadcrumb(Breadcrumb {
        category: Some("basket".into()),
        message: Some("basket opened".into()),
        ..Breadcrumb::default()
    });
    sentry::capture_error(&PriceError(RateError));
}

fn unhandled() {
    panic!("the basket fell over");
}

fn attachment() {
    let file = Attachment {
        buffer: b"two cups of tea".to_vec(),
        filename: "receipt.txt".into(),
        content_type: Some("text/plain".into()),
        ty: None,
    };
    sentry::with_scope(
        |scope| scope.add_attachment(file),
        || sentry::capture_message("the till printed nonsense", Level::Warning),
    );
}

fn oversize() {
    sentry::with_scope(
        |scope| {
            (0..3000).for_each(|number| scope.set_extra(&format!("item-{number}"), Value::from("tea ".repeat(256))))
        },
        || sentry::capture_message("the list is too long", Level::Info),
    );
    flush();
    sentry::capture_message("after the long list", Level::Info);
}

fn flood() {
    for number in 0..FLOOD_EVENTS {
        let what = ["tea", "cups"][number % 2];
        sentry::capture_message(&format!("the stock of {what} is low"), Level::Info);
        if number % FLOOD_AT_ONCE == FLOOD_AT_ONCE - 1 {
            flush();
        }
    }
}

fn flush() {
    if let Some(client) = sentry::Hub::current().client() {
        client.flush(Some(FLUSH_WITHIN));
    }
}
