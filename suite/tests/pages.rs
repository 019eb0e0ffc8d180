//! A person's way through the pages without a script: sign in, look around, work on an issue, sign out.

use std::collections::BTreeSet;

use suite::bugle::{OWNER, PASSWORD};
use suite::envelope::{self, exception, with_event};
use suite::rest::text;
use suite::{Bugle, Person};

/// A page links to pages without end (older and newer events, filters); this many show that none is broken.
const PAGES_MAX: usize = 200;

#[test]
fn every_page_that_links_lead_to_is_there() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop");
    for n in 0..3 {
        let event = exception(&format!("Till{n}Error"), "the drawer is stuck");
        assert_eq!(envelope::send(&bugle, &project, with_event(&envelope::id(n), &event)).status, 200);
    }
    bugle.rest().await_events(&project, 3);
    let owner = bugle.owner();
    let mut seen = BTreeSet::new();
    let mut waiting = vec!["/".to_string()];
    while let Some(path) = waiting.pop().filter(|_| seen.len() < PAGES_MAX) {
        if seen.insert(path.clone()) {
            waiting.extend(owner.page(&path).links());
        }
    }
    assert!(seen.iter().any(|path| path.starts_with("/issues/")), "{seen:#?}");
    assert!(seen.len() > 8, "{seen:#?}");
    // What the API calls an issue's address leads to it.
    let issue = bugle.rest().issues(&project)[0].clone();
    let permalink = text(&issue, "permalink").trim_start_matches(&bugle.url("")).to_string();
    owner.page(&permalink).shows(&["the drawer is stuck"]);
}

#[test]
fn a_stranger_meets_the_door_alone() {
    let bugle = Bugle::start();
    let project = bugle.project("Shop");
    let event = exception("TillError", "the drawer is stuck");
    assert_eq!(envelope::send(&bugle, &project, with_event(&envelope::id(1), &event)).status, 200);
    let issue = bugle.rest().await_events(&project, 1)[0].clone();
    let stranger = Person::new(&bugle.url(""));
    for path in ["/", "/issues", &format!("/issues/{}", text(&issue, "id")), "/settings"] {
        let page = stranger.get(path);
        assert!(page.status != 200 || page.form_with("password").is_some(), "{path} is open to strangers");
        assert!(!page.html.contains("the drawer is stuck"), "{path} tells strangers");
    }
    let door = stranger.get("/").form_with("password").expect("a form");
    let refused = stranger.submit(&door.with("email", OWNER).with("password", "guessed wrongly"));
    assert!(refused.form_with("password").is_some(), "still at the door");
    let mut person = stranger;
    person.sign_in(OWNER, PASSWORD);
    person.page("/issues").shows(&["the drawer is stuck"]);
}
