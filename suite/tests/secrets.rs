//! No secret of an app is left anywhere: not in a file of the data directory while the server runs, not after it
//! has stopped, not in its log, not in an event as REST tells it, not on a page.

use suite::door::Request;
use suite::rest::text;
use suite::secrets::Plant;
use suite::shop::{Shop, rust_job};
use suite::{Bugle, Project};

#[test]
fn a_flask_app_with_everything_to_hide() {
    let (mut bugle, plant) = (Bugle::start(), Plant::new());
    let project = bugle.project("Python");
    let shop = Shop::flask(&project, Some(&plant));
    log_in(&shop, &plant);
    shop.close();
    // Two log-ins, each with a log line, a message and an exception.
    nothing_is_left(&mut bugle, &project, &plant, 6);
}

#[test]
fn an_express_app_with_everything_to_hide() {
    let (mut bugle, plant) = (Bugle::start(), Plant::new());
    let project = bugle.project("Node");
    let shop = Shop::express(&project, Some(&plant));
    log_in(&shop, &plant);
    shop.close();
    nothing_is_left(&mut bugle, &project, &plant, 4);
}

#[test]
fn a_rust_program_with_everything_to_hide() {
    let (mut bugle, plant) = (Bugle::start(), Plant::new());
    let project = bugle.project("Rust");
    assert_eq!(rust_job(&["secrets"], &project, Some(&plant)), Some(0));
    nothing_is_left(&mut bugle, &project, &plant, 1);
}

/// A form and a JSON body, with secrets in every part of the request.
fn log_in(shop: &Shop, plant: &Plant) {
    let form = format!("user=ada&password={}", plant.secret("form-password"));
    let request = |body: String, kind: &str| {
        Request::post(format!("/login?token={}&page=2", plant.secret("query-token")), body)
            .header("Content-Type", kind)
            .header("Authorization", &format!("Bearer {}", plant.secret("header-bearer")))
            .header("X-Api-Key", &plant.secret("header-key"))
            .header("Cookie", &format!("session={}; theme=dark", plant.secret("cookie-session")))
    };
    assert_eq!(shop.send(request(form, "application/x-www-form-urlencoded")).status, 500);
    let json = format!(
        r#"{{"user":{{"password":"{}"}},"card_number":"4012888888881881","theme":"dark"}}"#,
        plant.secret("json-password")
    );
    assert_eq!(shop.send(request(json, "application/json")).status, 500);
}

fn nothing_is_left(bugle: &mut Bugle, project: &Project, plant: &Plant, events: u64) {
    let (rest, owner) = (bugle.rest(), bugle.owner());
    let issues = rest.await_events(project, events);
    plant.assert_gone(bugle, &rest, project);
    for issue in &issues {
        let page = owner.issue(text(issue, "id"));
        assert_eq!(plant.found_in(page.html.as_bytes()), Vec::<String>::new(), "{}", page.path);
    }
    // What was no secret is still there: scrubbing that empties the event would pass every search.
    let stored = rest.stored(project, text(&rest.project_events(project)[0], "eventID")).to_string();
    assert!(stored.contains("[Filtered]"), "{stored}");
    assert!(stored.contains("staging") && stored.contains("till-"), "{stored}");

    bugle.stop();
    assert_eq!(plant.on_disk(bugle.home()), "");
}
