//! The current Python SDK in a Flask app and in plain scripts: what people see of it, by REST and on the page.

use serde_json::{Value, json};
use suite::rest::{entry, exceptions, frame, frames, source_line, summary, tag, text};
use suite::shop::{Shop, python_job};
use suite::{Bugle, Person, Project, Rest, door};

/// A port that refuses connections: the supplier whom the shop asks in vain.
const NOBODYS_PORT: u16 = 9;

#[test]
fn a_flask_app_in_trouble() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop");
    let (rest, owner) = (bugle.rest(), bugle.owner());
    trouble(&project);

    let issues = rest.await_events(&project, 16);
    assert_eq!(
        summary(&issues),
        [
            "1× ConnectionError: HTTPConnectionPool(host='#.#.#.#', port=#): @ stock (error, unhandled)",
            "1× ExceptionGroup: the day cannot be closed @ close (error, unhandled)",
            "1× JSONDecodeError: Expecting property name enclosed in double  @ catalogue (error, unhandled)",
            "1× KeyError: 'EUR' @ checkout (error)",
            "1× the stock of tea is low @ notice (warning)",
            "3× LookupError: customer # has no account @ customer (error, unhandled)",
            "3× payment # was refused after # ms @ refusal (error)",
            "5× PriceError: order # cannot be priced @ order (error, unhandled)",
        ]
    );
    the_chained_error(&rest, &project, &owner);
    the_error_in_a_library(&rest, &project);
    the_chain_of_four(&rest, &project);
    the_handled_error(&rest, &project, &owner);
    the_list_shows_them(&owner);
    bugle.settle();
}

fn trouble(project: &Project) {
    let shop = Shop::flask(project, None);
    for customer in ["u-1", "u-1", "u-1", "u-2", "u-2"] {
        assert_eq!(shop.visit(customer, "/orders/42?channel=phone").status, 500);
    }
    let broken = door::Request::post("/catalogue", "{broken").header("Content-Type", "application/json");
    assert_eq!(shop.send(broken).status, 500);
    assert_eq!(shop.get(&format!("/stock/{NOBODYS_PORT}")).status, 500);
    assert_eq!(shop.get("/checkout").status, 200);
    assert_eq!(shop.get("/notice").status, 200);
    for id in [101, 202, 303] {
        assert_eq!(shop.get(&format!("/customers/{id}")).status, 500);
        assert_eq!(shop.get(&format!("/refusals/{id}")).status, 200);
    }
    assert_eq!(shop.get("/close").status, 500);
    shop.close();
}

fn the_chained_error(rest: &Rest, project: &Project, owner: &Person) {
    let issue = rest.issue_titled(project, "PriceError: order 42 cannot be priced");
    assert_eq!(issue["userCount"], 2, "{issue}");
    assert_eq!(issue["metadata"]["type"], "PriceError");
    let event = rest.latest(text(&issue, "id"));
    let chain = exceptions(&event);
    let types: Vec<&Value> = chain.iter().map(|exception| &exception["type"]).collect();
    assert_eq!(types, ["KeyError", "PriceError"]);
    assert_eq!(chain[1]["module"], "shop.pricing");
    assert_eq!(chain[1]["mechanism"]["type"], "flask");

    let crash = frame(&chain[0], "rate_for");
    assert_eq!(crash["module"], "shop.pricing");
    assert_eq!(crash["filename"], "shop/pricing.py");
    assert_eq!(crash["inApp"], true);
    assert_eq!(source_line(crash), "return rates[wanted]");
    assert_eq!(crash["vars"]["wanted"], "'GBP'");
    assert_eq!(frame(&chain[1], "price_of")["vars"]["basket"], "<Basket of 2>");
    assert_eq!(frame(&chain[1], "dispatch_request")["inApp"], false);

    assert_eq!(event["user"]["id"], "u-2");
    assert_eq!(event["user"]["email"], "u-2@example.com");
    for (key, value) in [
        ("channel", "phone"),
        ("release", "shop@4.18.2"),
        ("environment", "staging"),
        ("server_name", "till-3"),
        ("level", "error"),
    ] {
        assert_eq!(tag(&event, key), Some(value), "tag {key}");
    }
    let crumbs = entry(&event, "breadcrumbs")["values"].as_array().expect("a list");
    assert!(crumbs.iter().any(|crumb| crumb["message"] == "basket opened" && crumb["data"] == json!({"lines": 2})));
    let request = entry(&event, "request");
    assert_eq!(request["method"], "GET");
    assert!(text(request, "url").ends_with("/orders/42"), "{request}");
    assert_eq!(request["query"], json!([["channel", "phone"]]));

    owner.issue(text(&issue, "id")).shows(&[
        "PriceError",
        "order 42 cannot be priced",
        "KeyError",
        "rate_for",
        "return rates[wanted]",
        "price_of",
        "shop/pricing.py",
        "'GBP'",
        "<Basket of 2>",
        "basket opened",
        "/orders/42",
        "u-2@example.com",
        "shop@4.18.2",
        "staging",
        "till-3",
        "dispatch_request",
    ]);
}

fn the_error_in_a_library(rest: &Rest, project: &Project) {
    let title = "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)";
    let event = rest.latest(text(&rest.issue_titled(project, title), "id"));
    let exception = &exceptions(&event)[0];
    let last = frames(exception).last().expect("a frame");
    assert_eq!((&last["function"], &last["module"]), (&json!("raw_decode"), &json!("json.decoder")));
    assert_eq!(last["inApp"], false);
    let own = frame(exception, "read_catalogue");
    assert_eq!(own["inApp"], true);
    assert_eq!(own["vars"]["source"], "'supplier'");
}

fn the_chain_of_four(rest: &Rest, project: &Project) {
    let issues = rest.issues(project);
    let issue = issues.iter().find(|issue| issue["metadata"]["type"] == "ConnectionError").expect("the issue");
    let event = rest.latest(text(issue, "id"));
    let types: Vec<&Value> = exceptions(&event).iter().map(|exception| &exception["type"]).collect();
    assert_eq!(types, ["ConnectionRefusedError", "NewConnectionError", "MaxRetryError", "ConnectionError"]);
    assert_eq!(frame(&exceptions(&event)[3], "ask_supplier")["vars"]["port"], NOBODYS_PORT.to_string());
}

fn the_handled_error(rest: &Rest, project: &Project, owner: &Person) {
    let issue = rest.issue_titled(project, "KeyError: 'EUR'");
    let event = rest.latest(text(&issue, "id"));
    assert_eq!(tag(&event, "wallet"), Some("apple_pay"));
    assert_eq!(tag(&event, "handled"), Some("yes"));
    assert_eq!(event["context"]["attempts"], 3);
    assert_eq!(event["contexts"]["order"]["id"], 88213);
    owner.issue(text(&issue, "id")).shows(&["apple_pay", "88213", "64.90 EUR", "attempts"]);
}

fn the_list_shows_them(owner: &Person) {
    owner.page("/issues").shows(&[
        "PriceError",
        "order 42 cannot be priced",
        "JSONDecodeError",
        "ConnectionError",
        "ExceptionGroup",
        "the stock of tea is low",
        "LookupError",
        "'EUR'",
    ]);
}

#[test]
fn plain_scripts() {
    let bugle = Bugle::start();
    let project = bugle.project("Nightly jobs");
    let rest = bugle.rest();
    assert_eq!(python_job("crash", &project), Some(1));
    assert_eq!(python_job("thread", &project), Some(0));

    assert_eq!(
        summary(&rest.await_events(&project, 2)),
        [
            "1× LookupError: customer # has no account @ shop.pricing in find_customer (error, unhandled)",
            "1× ZeroDivisionError: division by zero @ shop.nightly in average (error, unhandled)",
        ]
    );
    let event = rest.latest(text(&rest.issue_titled(&project, "ZeroDivisionError: division by zero"), "id"));
    assert_eq!(exceptions(&event)[0]["mechanism"]["type"], "excepthook");
    assert_eq!(frame(&exceptions(&event)[0], "average")["vars"], json!({"total": "512", "people": "0"}));
    assert_eq!(tag(&event, "job"), Some("nightly"));
}

#[test]
fn one_error_is_one_issue_however_its_place_is_told() {
    let bugle = Bugle::start();
    let project = bugle.project("Three ways");
    let rest = bugle.rest();
    assert_eq!(python_job("places", &project), Some(0));

    let issues = rest.await_events(&project, 3);
    assert_eq!(issues.len(), 1, "{:#?}", summary(&issues));
    let kept = ["module", "filename", "absPath"];
    let mut told: Vec<&str> = Vec::new();
    for event in rest.events(text(&issues[0], "id")) {
        let full = rest.stored(&project, text(&event, "eventID"));
        let frame = &full["exception"]["values"][1]["stacktrace"]["frames"][1];
        assert_eq!(frame["function"], "price_of", "{full}");
        let stored = ["module", "filename", "abs_path"];
        told.extend(kept.iter().zip(stored).filter(|(_, key)| frame[*key].is_string()).map(|(name, _)| *name));
    }
    // Reading may fill in a file from a path; the module was in one report alone.
    assert_eq!(told.iter().filter(|name| **name == "module").count(), 1, "{told:?}");
}
