//! The current Node SDK in an Express app and in a plain script.

use serde_json::{Value, json};
use suite::rest::{entry, exceptions, frame, frames, source_line, summary, tag, text};
use suite::shop::{Shop, node_job};
use suite::{Bugle, Person, Project, Rest, wait};

#[test]
fn an_express_app_in_trouble() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop node");
    let (rest, owner) = (bugle.rest(), bugle.owner());
    trouble(&project);

    let issues = rest.await_events(&project, 12);
    assert_eq!(
        summary(&issues),
        [
            "1× Error: stock of tea-# could not be reserved @ GET /reserve/tea-1 (error, unhandled)",
            "1× TypeError: Cannot read properties of undefined (reading 'val @ GET /checkout (error)",
            "1× TypeError: Invalid Version: not-a-version @ GET /versions/not-a-version (error, unhandled)",
            "1× the stock of tea is low @ GET /notice (warning)",
            "3× RangeError: customer # has no account @ GET /customers/303 (error, unhandled)",
            "5× PriceError: order # cannot be priced @ GET /orders/42 (error, unhandled)",
        ]
    );
    the_chained_error(&rest, &project, &owner);
    the_error_in_a_library(&rest, &project);
    the_message(&rest, &project, &owner);
    bugle.settle();
}

fn trouble(project: &Project) {
    let shop = Shop::express(project, None);
    // The SDK drops an error that equals the one before, so something else happens in between.
    let between = [
        ("u-1", "/versions/not-a-version", 500),
        ("u-1", "/checkout", 200),
        ("u-1", "/notice", 200),
        ("u-2", "/customers/101", 500),
        ("u-2", "/customers/202", 500),
    ];
    for (customer, other, status) in between {
        assert_eq!(shop.visit(customer, "/orders/42?channel=phone").status, 500);
        assert_eq!(shop.get(other).status, status);
    }
    assert_eq!(shop.get("/customers/303").status, 500);
    assert_eq!(shop.get("/reserve/tea-1").status, 200);
    shop.close();
}

fn the_chained_error(rest: &Rest, project: &Project, owner: &Person) {
    let issue = rest.issue_titled(project, "PriceError: order 42 cannot be priced");
    assert_eq!(issue["userCount"], 2, "{issue}");
    let event = rest.latest(text(&issue, "id"));
    let chain = exceptions(&event);
    let types: Vec<&Value> = chain.iter().map(|exception| &exception["type"]).collect();
    assert_eq!(types, ["TypeError", "PriceError"]);

    let crash = frame(&chain[0], "rateFor");
    assert_eq!(crash["inApp"], true);
    assert_eq!(source_line(crash), "return rates[wanted].value;");
    assert_eq!(frame(&chain[1], "Object.priceOf")["inApp"], true);
    assert!(frames(&chain[1]).iter().any(|frame| frame["inApp"] == false), "the router is a library");

    assert_eq!(event["user"]["id"], "u-2");
    assert_eq!(tag(&event, "channel"), Some("phone"));
    assert_eq!(tag(&event, "release"), Some("shop-node@2.1.0"));
    assert_eq!(tag(&event, "environment"), Some("staging"));
    let crumbs = entry(&event, "breadcrumbs")["values"].as_array().expect("a list");
    let said: Vec<&Value> = crumbs.iter().map(|crumb| &crumb["message"]).collect();
    assert!(said.contains(&&json!("basket opened")) && said.contains(&&json!("pricing order 42")), "{said:?}");

    owner.issue(text(&issue, "id")).shows(&[
        "PriceError",
        "order 42 cannot be priced",
        "Cannot read properties of undefined (reading 'value')",
        "rateFor",
        "return rates[wanted].value;",
        "priceOf",
        "basket opened",
        "pricing order 42",
        "u-2@example.com",
        "shop-node@2.1.0",
        "phone",
    ]);
}

fn the_error_in_a_library(rest: &Rest, project: &Project) {
    let issue = rest.issue_titled(project, "TypeError: Invalid Version: not-a-version");
    let event = rest.latest(text(&issue, "id"));
    let exception = &exceptions(&event)[0];
    let last = frames(exception).last().expect("a frame");
    assert_eq!((&last["function"], &last["inApp"]), (&json!("new SemVer"), &json!(false)));
    assert_eq!(frame(exception, "Object.readVersion")["inApp"], true);
}

/// The SDK adds an exception without a type to a message, only to carry the stack. It is no error for that.
fn the_message(rest: &Rest, project: &Project, owner: &Person) {
    let issue = rest.issue_titled(project, "the stock of tea is low");
    assert_eq!(issue["level"], "warning");
    owner.issue(text(&issue, "id")).shows(&["the stock of tea is low", "serve.js"]);
}

/// The SDK asks a debugger thread for local variables, which takes a while to come up and may be late for an event.
#[test]
fn local_variables_of_an_express_app() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop node");
    let rest = bugle.rest();
    let shop = Shop::express(&project, None);
    let vars = wait::until("an event with local variables", || {
        // The SDK drops an error that equals the one before, so something else happens in between.
        assert_eq!(shop.get("/orders/42").status, 500);
        assert_eq!(shop.get("/notice").status, 200);
        rest.project_events(&project).iter().find_map(|event| {
            let stored = rest.stored(&project, text(event, "eventID"));
            let frames = stored["exception"]["values"][1]["stacktrace"]["frames"].as_array()?.clone();
            frames.into_iter().map(|frame| frame["vars"].clone()).find(|vars| vars["orderId"] == "42")
        })
    });
    assert_eq!(vars["lines"], json!(["tea", "cup"]));
    shop.close();
    bugle.settle();
}

#[test]
fn a_plain_script() {
    let bugle = Bugle::start();
    let project = bugle.project("Job");
    let rest = bugle.rest();
    assert_eq!(node_job(&project), Some(1));

    let issues = rest.await_events(&project, 1);
    assert_eq!(issues[0]["title"], "RangeError: customer 7 has no account");
    assert_eq!(issues[0]["isUnhandled"], true);
    assert_eq!(issues[0]["level"], "fatal");
    assert_eq!(issues[0]["culprit"], "pricing in Object.findCustomer");
}
