//! The current Rust SDK: errors with sources, an error of the standard library, a message, panics.
//!
//! An error reported by this SDK has no stack of its own; the stack is that of the current thread, with the SDK's
//! own frames on top.

use serde_json::Value;
use suite::rest::{entry, exceptions, frame, frames, summary, tag, text};
use suite::shop::rust_job;
use suite::{Bugle, Person, Project, Rest};

#[test]
fn a_rust_program_in_trouble() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop rust");
    let (rest, owner) = (bugle.rest(), bugle.owner());
    let kinds = ["chain", "chain", "chain", "chain", "chain", "library", "message", "panic", "panic", "crash"];
    assert_eq!(rust_job(&kinds, &project, None), Some(101), "a panic ends it");

    let issues = rest.await_events(&project, 10);
    assert_eq!(
        summary(&issues),
        [
            "1× ParseIntError: invalid digit found in string @ suite_shop::report_library (error)",
            "1× panic: day # cannot be closed @ suite_shop::close_day (fatal, unhandled)",
            "1× the stock of tea is low @ suite_shop::main (warning)",
            "2× panic: till # is locked @ suite_shop::open_till (fatal, unhandled)",
            "5× PriceError: order # cannot be priced @ suite_shop::report_chain (error)",
        ]
    );
    the_chained_error(&rest, &project, &owner);
    the_panic(&rest, &project, &owner);
    bugle.settle();
}

fn the_chained_error(rest: &Rest, project: &Project, owner: &Person) {
    let issue = rest.issue_titled(project, "PriceError: order 42 cannot be priced");
    let event = rest.latest(text(&issue, "id"));
    let types: Vec<&Value> = exceptions(&event).iter().map(|exception| &exception["type"]).collect();
    assert_eq!(types, ["ParseIntError", "RateError", "PriceError"]);
    let thread = &entry(&event, "threads")["values"][0];
    let own = frame(thread, "suite_shop::report_chain");
    assert_eq!((&own["inApp"], own["filename"].as_str()), (&Value::Bool(true), Some("main.rs")));
    assert_eq!(event["user"]["id"], "u-3");
    assert_eq!(tag(&event, "channel"), Some("till"));
    assert_eq!(tag(&event, "release"), Some("shop-rust@0.9.0"));
    assert_eq!(tag(&event, "environment"), Some("staging"));

    owner.issue(text(&issue, "id")).shows(&[
        "PriceError",
        "order 42 cannot be priced",
        "RateError",
        "the rate cannot be read",
        "ParseIntError",
        "report_chain",
        "basket opened",
        "u-3@example.com",
        "shop-rust@0.9.0",
    ]);
}

fn the_panic(rest: &Rest, project: &Project, owner: &Person) {
    let issue = rest.issue_titled(project, "panic: day 8 cannot be closed");
    let event = rest.latest(text(&issue, "id"));
    let exception = &exceptions(&event)[0];
    let in_app: Vec<&Value> = frames(exception).iter().filter(|f| f["inApp"] == true).map(|f| &f["function"]).collect();
    assert_eq!(in_app.last(), Some(&&Value::from("suite_shop::close_day")), "{in_app:#?}");
    assert_eq!(tag(&event, "handled"), Some("no"));
    owner.issue(text(&issue, "id")).shows(&["panic", "day 8 cannot be closed", "close_day"]);
}
