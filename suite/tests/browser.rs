//! The current browser SDK in headless Chromium, from another origin; and the pages of Bugle in the same browser.

use serde_json::{Value, json};
use suite::browser::{Browser, site};
use suite::bugle::{OWNER, PASSWORD};
use suite::rest::{entry, exceptions, frame, frames, summary, tag, text};
use suite::secrets::Plant;
use suite::{Bugle, Person, Project, Rest};

#[test]
fn a_page_in_trouble() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop web");
    let (rest, owner, plant) = (bugle.rest(), bugle.owner(), Plant::new());
    let browser = Browser::start();
    browser.visit(&format!("http://{}/", site(&project, &plant)));
    let buttons = ["uncaught", "rejection", "chained", "message", "customer", "customer", "customer", "secrets"];
    for (sent, button) in buttons.iter().enumerate() {
        browser.click(&format!("#{button}"));
        // One after the other, so that each event's breadcrumbs tell of the buttons before.
        rest.await_events(&project, sent as u64 + 1);
    }

    assert_eq!(
        summary(&rest.issues(&project)).into_iter().map(without_sdk).collect::<Vec<_>>(),
        [
            "1× Error: password=[Filtered] was refused @ PLACE in signIn (error, unhandled)",
            "1× Error: stock of tea-# could not be reserved @ PLACE in reserve (error, unhandled)",
            "1× PriceError: order # cannot be priced @ PLACE in priceOf (error)",
            "1× TypeError: Cannot read properties of undefined (reading 'lin @ PLACE in openBasket (error, unhandled)",
            "1× the stock of tea is low @ /sdk.js (warning)",
            "3× RangeError: customer # has no account @ PLACE in findCustomer (error, unhandled)",
        ]
        .map(|line| line.replace("PLACE", "/shop.js"))
    );
    the_uncaught_error(&rest, &project, &owner);
    the_chained_error(&rest, &project, &owner);
    plant.assert_gone(&bugle, &rest, &project);
    bugle.settle();
}

/// The SDK's own frame is on top of a message's stack, and its minified name is another in each version.
fn without_sdk(line: String) -> String {
    match line.split_once("/sdk.js in ") {
        Some((before, name)) => format!("{before}/sdk.js{}", name.find(" (").map_or("", |at| &name[at..])),
        None => line,
    }
}

fn the_uncaught_error(rest: &Rest, project: &Project, owner: &Person) {
    let issue = rest.issue_titled(project, "TypeError: Cannot read properties of undefined (reading 'lines')");
    let event = rest.latest(text(&issue, "id"));
    let crash = frames(&exceptions(&event)[0]).last().expect("a frame");
    assert_eq!(crash["function"], "openBasket");
    assert!(text(crash, "absPath").ends_with("/shop.js"), "{crash}");
    assert_eq!(event["user"]["username"], "mia");
    for (key, value) in
        [("theme", "dark"), ("release", "shop-web@7.0.1"), ("environment", "staging"), ("handled", "no")]
    {
        assert_eq!(tag(&event, key), Some(value), "tag {key}");
    }
    owner.issue(text(&issue, "id")).shows(&["openBasket", "shop.js", "button#uncaught", "mia@example.com", "Chrom"]);
}

fn the_chained_error(rest: &Rest, project: &Project, owner: &Person) {
    let issue = rest.issue_titled(project, "PriceError: order 42 cannot be priced");
    let event = rest.latest(text(&issue, "id"));
    let types: Vec<&Value> = exceptions(&event).iter().map(|exception| &exception["type"]).collect();
    assert_eq!(types, ["SyntaxError", "PriceError"]);
    assert_eq!(frame(&exceptions(&event)[0], "readRate")["inApp"], true);
    assert_eq!(tag(&event, "wallet"), Some("apple_pay"));
    let crumbs = entry(&event, "breadcrumbs")["values"].as_array().expect("a list");
    let has = |category: &str, message: &str| {
        crumbs.iter().any(|crumb| crumb["category"] == category && crumb["message"] == json!(message))
    };
    assert!(has("ui.click", "body > p > button#chained"), "{crumbs:#?}");
    assert!(has("console", "paying order 42"), "{crumbs:#?}");
    owner.issue(text(&issue, "id")).shows(&[
        "PriceError",
        "SyntaxError",
        "priceOf",
        "paying order 42",
        "button#chained",
    ]);
}

/// The way of a new user's first event, with a real browser: sign in, look at the list, see the event arrive
/// without loading again.
#[test]
fn an_event_arrives_on_an_open_page() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop");
    let browser = Browser::start();
    browser.visit(&bugle.url("/"));
    browser.fill("input[type=email]", OWNER);
    browser.fill("input[type=password]", PASSWORD);
    browser.click("main form button");
    browser.visit(&bugle.url("/issues"));
    let send = |number, kind, text| {
        let event = suite::envelope::exception(kind, text);
        let envelope = suite::envelope::with_event(&suite::envelope::id(number), &event);
        assert_eq!(suite::envelope::send(&bugle, &project, envelope).status, 200);
    };
    // An inbox that waits for its first event turns into the list.
    send(1, "TillError", "the drawer is stuck");
    browser.await_text("the drawer is stuck");
    // Rows of a list never appear by themselves: the page says that something changed, and shows it when asked.
    send(2, "ScaleError", "the scale shows nothing");
    browser.await_text("1 changed since");
    browser.click("a[data-fresh]");
    browser.await_text("the scale shows nothing");
}
