//! What Bugle runs in other people's pages, in headless Chromium under a strict content policy: the loader with the current
//! SDK behind it, and the feedback dialog that the SDK opens.

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::routing::get;
use serde_json::{Value, json};
use std::net::SocketAddr;
use suite::browser::Browser;
use suite::bugle::ORGANIZATION;
use suite::rest::text;
use suite::{Bugle, Project, Rest, tools, wait, web};

/// Serves the SDK's bundle, as a site's own copy of it.
fn bundle() -> SocketAddr {
    let sdk = std::fs::read_to_string(tools::browser_sdk()).expect("the bundle");
    let headers = [("content-type", "text/javascript"), ("access-control-allow-origin", "*")];
    web::serve(Router::new().route("/sdk.js", get(async move || (headers, sdk))))
}

/// A page whose errors come before any SDK could be there. It names the sources of scripts and connections, and allows no
/// inline style.
fn shop(bugle: &Bugle, project: &Project, bundle: SocketAddr) -> SocketAddr {
    let policy = format!(
        "default-src 'none'; script-src 'self' {0} http://{bundle}; connect-src {0}; style-src 'none'",
        bugle.url("").trim_end_matches('/')
    );
    let page = format!(
        "<!doctype html><title>Shop</title><h1>Shop</h1><button id=pay>Pay</button>\
         <script src=\"{}\" crossorigin=anonymous></script><script src=/shop.js></script>",
        bugle.url(&format!("/js-sdk-loader/{}.min.js", project.key))
    );
    let script = "Sentry.setTag('till', 'seven');\
        Sentry.onLoad(() => Sentry.init({ release: 'shop@9' }));\
        document.querySelector('#pay').addEventListener('click', () => Sentry.showReportDialog({\
            eventId: Sentry.lastEventId(), title: '<b>Sorry</b>', onClose: () => { document.title = 'closed'; } }));\
        throw new TypeError('the drawer is missing');";
    let html = [(CONTENT_TYPE, "text/html".to_string()), (CONTENT_SECURITY_POLICY, policy)];
    let router = Router::new()
        .route("/", get(async move || (html, page)))
        .route("/shop.js", get(async move || ([(CONTENT_TYPE, "text/javascript")], script)));
    web::serve(router)
}

/// Runs a script in the dialog's root, `root`.
fn in_dialog(browser: &Browser, script: &str) -> Value {
    browser.evaluate(&format!(
        "const host = document.querySelector('[data-bugle]'); if (!host) return null; const root = host.shadowRoot; {script}"
    ))
}

fn feedback(rest: &Rest) -> Vec<Value> {
    rest.get(&format!("/organizations/{ORGANIZATION}/user-feedback/")).as_array().expect("a list").clone()
}

#[test]
fn an_early_error_reaches_bugle_by_the_loader_and_a_person_says_what_happened() {
    let bundle = bundle();
    let bugle = Bugle::start_with(&[("BUGLE_BROWSER_SDK_URL", &format!("http://{bundle}/sdk.js"))]);
    let project = bugle.project("Shop");
    let (rest, browser) = (bugle.rest(), Browser::start());
    browser.visit(&format!("http://{}/", shop(&bugle, &project, bundle)));
    let events = rest.await_events(&project, 1);
    let issue = rest.issue_titled(&project, "TypeError: the drawer is missing");
    let event = rest.latest(text(&issue, "id"));
    let tag = |key| suite::rest::tag(&event, key);
    assert_eq!((tag("till"), tag("release"), tag("handled")), (Some("seven"), Some("shop@9"), Some("no")));
    assert_eq!(events.len(), 1, "the loader and the SDK do not both report it");

    browser.click("#pay");
    wait::until_ok("the dialog", || match in_dialog(&browser, "return root.querySelector('h2')?.textContent") {
        Value::String(title) if title == "<b>Sorry</b>" => Ok(()),
        other => Err(other.to_string()),
    });
    let styled = in_dialog(&browser, "return getComputedStyle(root.querySelector('dialog')).borderRadius");
    assert_eq!(styled, "6px", "its style holds under a policy that allows none");
    let focus = "return root.activeElement?.name";
    assert_eq!(in_dialog(&browser, focus), "name", "the first field has the focus");
    in_dialog(&browser, "root.querySelector('form').requestSubmit()");
    wait::until_ok("what is missing is told", || {
        match in_dialog(&browser, "return root.querySelector('textarea').getAttribute('aria-invalid')") {
            Value::String(is) if is == "true" => Ok(()),
            other => Err(other.to_string()),
        }
    });
    in_dialog(
        &browser,
        "root.querySelector('[name=name]').value = 'Ada'; root.querySelector('textarea').value = 'The drawer was gone';\
         root.querySelector('form').requestSubmit()",
    );
    wait::until_ok("the feedback", || match &feedback(&rest)[..] {
        [one] if one["issue"]["id"] == issue["id"] => Ok(()),
        other => Err(json!(other).to_string()),
    });
    let one = &feedback(&rest)[0];
    assert_eq!((&one["name"], &one["comments"]), (&json!("Ada"), &json!("The drawer was gone")));
    assert_eq!(one["eventID"], event["eventID"]);
    in_dialog(&browser, "root.querySelector('button').click()");
    wait::until_ok("the SDK hears that it was closed", || match browser.evaluate("return document.title") {
        Value::String(title) if title == "closed" => Ok(()),
        other => Err(other.to_string()),
    });
    bugle.owner().issue(text(&issue, "id")).shows(&["Ada", "The drawer was gone"]);
    bugle.settle();
}
