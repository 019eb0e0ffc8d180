//! No secret of an app is left anywhere: not in a file of the data directory while the server runs, not after it
//! has stopped, not in its log, not in an event as REST tells it, not on a page, not in a mail, a chat or a webhook.

use suite::door::Request;
use suite::hook::Hook;
use suite::mailbox::Mailbox;
use suite::rest::text;
use suite::secrets::{Plant, wire};
use suite::shop::{Shop, rust_job};
use suite::{Bugle, Project};

#[test]
fn a_flask_app_with_everything_to_hide() {
    let mut house = House::new("Python");
    let shop = Shop::flask(&house.project, Some(&house.plant));
    log_in(&shop, &house.plant);
    shop.close();
    // Two log-ins, each with a log line, a message and an exception.
    house.nothing_is_left(6, "till-");
}

#[test]
fn an_express_app_with_everything_to_hide() {
    let mut house = House::new("Node");
    let shop = Shop::express(&house.project, Some(&house.plant));
    log_in(&shop, &house.plant);
    shop.close();
    house.nothing_is_left(4, "till-");
}

#[test]
fn a_rust_program_with_everything_to_hide() {
    let mut house = House::new("Rust");
    assert_eq!(rust_job(&["secrets"], &house.project, Some(&house.plant)), Some(0));
    house.nothing_is_left(1, "till-");
}

#[test]
fn raw_requests_through_every_door_with_everything_to_hide() {
    let mut house = House::new("Wire");
    wire::send(&house.bugle, &house.project, &house.plant);
    house.bugle.settle();
    let owner = house.bugle.owner();
    owner.page("/monitors").shows(&["job-password-filtered", "nightly-token-filtered"]);
    owner.page("/feedback").shows(&["I typed password=[Filtered]", "jo@example.com"]);
    house.nothing_is_left(wire::EVENTS, "img-src");
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

/// A server that tells a mailbox, a chat and a webhook of every issue.
struct House {
    bugle: Bugle,
    mailbox: Mailbox,
    hook: Hook,
    project: Project,
    plant: Plant,
}

impl House {
    fn new(name: &str) -> House {
        let (mailbox, hook) = (Mailbox::start(), Hook::start());
        let bugle = Bugle::start_with(&[
            ("BUGLE_SMTP_URL", &mailbox.url()),
            ("BUGLE_MAIL_FROM", "bugle@example.com"),
            ("BUGLE_ALLOW_PRIVATE_TARGETS", "true"),
        ]);
        let (project, owner) = (bugle.project(name), bugle.owner());
        owner.add_target(&project, "mail", "team@example.com");
        owner.add_target(&project, "slack", &hook.url("/slack"));
        owner.add_target(&project, "webhook", &hook.url("/signed"));
        House { bugle, mailbox, hook, project, plant: Plant::new() }
    }

    /// `kept` stands in the newest event and is no secret.
    fn nothing_is_left(&mut self, events: u64, kept: &str) {
        let House { bugle, project, plant, .. } = &*self;
        let (rest, owner) = (bugle.rest(), bugle.owner());
        let issues = rest.await_events(project, events);
        bugle.settle();
        plant.assert_gone(bugle, &rest, project);
        let pages = issues.iter().map(|issue| format!("/issues/{}", text(issue, "id")));
        let lists = ["/", "/feedback", "/monitors", "/releases"].map(String::from);
        for page in lists.into_iter().chain(pages).map(|path| owner.page(&path)) {
            assert_eq!(plant.found_in(page.html.as_bytes()), Vec::<String>::new(), "{}", page.path);
        }
        // What was no secret is still there: scrubbing that empties the event would pass every search.
        let stored = rest.stored(project, text(&rest.project_events(project)[0], "eventID")).to_string();
        assert!(stored.contains("[Filtered]") && stored.contains(kept), "{stored}");
        self.nothing_is_told(issues.len());

        self.bugle.stop();
        assert_eq!(self.plant.on_disk(self.bugle.home()), "");
    }

    /// Every issue is told to everybody, and none of it with a secret.
    fn nothing_is_told(&self, issues: usize) {
        // The owner and the team.
        let letters = self.mailbox.await_letters(2 * issues);
        assert!(letters.iter().all(|letter| letter.text.contains("/issues/")), "{letters:?}");
        for path in ["/slack", "/signed"] {
            self.hook.await_delivery(path, issues);
        }
        self.plant.assert_untold(&self.mailbox, &self.hook);
    }
}
