//! The team is told: on a new issue and when one comes back, by mail, chat and signed webhook, once each.

use serde_json::json;
use suite::envelope::{self, exception, with_event};
use suite::hook::Hook;
use suite::mailbox::Mailbox;
use suite::rest::text;
use suite::{Bugle, Project, wait};

#[test]
fn a_new_issue_and_its_return_are_told_once_each() {
    let (mailbox, hook) = (Mailbox::start(), Hook::start());
    let bugle = Bugle::start_with(&[
        ("BUGLE_SMTP_URL", &mailbox.url()),
        ("BUGLE_MAIL_FROM", "bugle@example.com"),
        ("BUGLE_ALLOW_PRIVATE_TARGETS", "true"),
    ]);
    let project = bugle.project("Shop");
    let (rest, owner) = (bugle.rest(), bugle.owner());
    owner.add_target(&project, "mail", "team@example.com");
    owner.add_target(&project, "slack", &hook.url("/slack"));
    let page = owner.add_target(&project, "webhook", &hook.url("/signed"));
    let secret = page.text_of("#alerts .snip code").expect("the secret is shown once");
    let secret = secret.trim();

    // A receiver that is down at first: the retry is the same delivery.
    hook.answer_next(&[503]);
    for n in 0..3 {
        send(&bugle, &project, n);
    }
    let issue = rest.await_events(&project, 3)[0].clone();
    let link = bugle.url(&format!("/issues/{}", text(&issue, "id")));

    // A new project tells its members too.
    let letters = mailbox.await_letters(2);
    let mut readers: Vec<&str> = letters.iter().map(|letter| letter.to.as_str()).collect();
    readers.sort_unstable();
    assert_eq!(readers, ["owner@example.com", "team@example.com"]);
    let letter = letters[0].clone();
    assert_eq!(letter.subject, "[Shop] TillError: the drawer is stuck");
    for part in [&letter.text, &letter.html] {
        assert!(part.contains("TillError") && part.contains(&link), "{part}");
    }
    delivered(&hook, secret, "new_issue", &link);

    rest.update(text(&issue, "id"), &json!({"status": "resolved"}));
    send(&bugle, &project, 10);
    rest.await_events(&project, 4);
    assert_eq!(rest.issue(text(&issue, "id"))["status"], "unresolved");
    assert_eq!(mailbox.await_letters(4).len(), 4);
    delivered(&hook, secret, "regression", &link);

    // One more event of an open issue is told to nobody.
    send(&bugle, &project, 11);
    rest.await_events(&project, 5);
    bugle.settle();
    assert_eq!(mailbox.letters().len(), 4);
    assert_eq!(causes(&hook, "/signed"), ["new_issue", "regression"]);
}

fn send(bugle: &Bugle, project: &Project, n: u64) {
    let event = exception("TillError", "the drawer is stuck");
    assert_eq!(envelope::send(bugle, project, with_event(&envelope::id(n), &event)).status, 200);
}

/// Waits until chat and webhook have heard of `cause`, and checks what they heard.
fn delivered(hook: &Hook, secret: &str, cause: &str, link: &str) {
    let signed = wait::until(&format!("a signed delivery of {cause}"), || {
        hook.deliveries("/signed").into_iter().find(|delivery| delivery.json()["cause"] == cause)
    });
    assert!(signed.is_signed_with(secret), "{:?}", signed.headers);
    assert!(!signed.is_signed_with("another secret"));
    let body = signed.json();
    assert_eq!(body["issue"]["title"], "TillError: the drawer is stuck");
    assert!(text(&body["issue"], "url").starts_with(link), "{body}");
    assert_eq!(body["project"]["slug"], "shop");

    let number = if cause == "new_issue" { 1 } else { 2 };
    wait::until("a message in the chat", || {
        let told = hook.deliveries("/slack");
        let texts: Vec<String> = told.iter().map(|delivery| delivery.json()["text"].to_string()).collect();
        let distinct: std::collections::BTreeSet<&String> = texts.iter().collect();
        (distinct.len() >= number && texts.iter().all(|text| text.contains("TillError"))).then_some(())
    });
}

/// The causes that were delivered to a path, each delivery once however often it was tried.
fn causes(hook: &Hook, path: &str) -> Vec<String> {
    let mut seen = Vec::new();
    for delivery in hook.deliveries(path) {
        let told = (delivery.header("bugle-delivery").to_string(), text(&delivery.json(), "cause").to_string());
        if !seen.contains(&told) {
            seen.push(told);
        }
    }
    seen.into_iter().map(|(_, cause)| cause).collect()
}
