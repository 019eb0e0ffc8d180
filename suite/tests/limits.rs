//! Limits as an operator and a team meet them: over kills, by mail, in the header that SDKs obey.

use serde_json::json;
use suite::door::Answer;
use suite::envelope::{self, exception, with_event};
use suite::mailbox::Mailbox;
use suite::{Bugle, Project};

/// A quota is used up to the last event and not beyond, whatever kills the server, and people are told once.
#[test]
fn a_quota_is_exact_over_kills_and_told_once() {
    let mailbox = Mailbox::start();
    let mut bugle = Bugle::start_with(&[("BUGLE_SMTP_URL", &mailbox.url()), ("BUGLE_MAIL_FROM", "bugle@example.com")]);
    let (shop, other) = (bugle.project("Shop"), bugle.project("Other"));
    let path = format!("/projects/shop/{}/limits/", shop.slug);
    bugle.rest().put(&path, &json!({"monthlyQuota": 20}));

    let mut taken = 0;
    for n in 0..30 {
        if n % 7 == 6 {
            bugle.kill();
            bugle.serve();
        }
        let answer = send(&bugle, &shop, n);
        match answer.status {
            200 => {
                taken += 1;
                // The new issue, 80%, the end. A mail that is being handed over when the server is killed waits for
                // its lease, which is longer than this test.
                if let Some(letters) = [1, 16, 20].iter().position(|at| *at == taken) {
                    mailbox.await_letters(letters + 1);
                }
            }
            status => {
                assert_eq!((status, taken), (429, 20), "refused before the quota was used up");
                let limits = answer.header("x-sentry-rate-limits").unwrap_or_default();
                assert!(limits.contains(":error;default:project:project_quota"), "{limits}");
                assert!(answer.header("retry-after").is_some());
            }
        }
    }
    assert_eq!(taken, 20);
    assert_eq!(send(&bugle, &other, 100).status, 200, "the other project goes on");
    bugle.rest().await_events(&shop, 20);
    assert_eq!(bugle.rest().get(&path)["usedThisMonth"], 20);

    // Now the new issue of the other project.
    let mut subjects: Vec<String> = mailbox.await_letters(4).into_iter().map(|letter| letter.subject).collect();
    subjects.sort();
    assert!(subjects[0].starts_with("[Other] ") && subjects[3].starts_with("[Shop] TillError"), "{subjects:?}");
    assert!(subjects[1].starts_with("[Shop] Shop has used 80% of its quota"), "{subjects:?}");
    assert!(subjects[2].starts_with("[Shop] Shop has used up its quota"), "{subjects:?}");
    bugle.settle();
    assert_eq!(mailbox.letters().len(), 4);
}

fn send(bugle: &Bugle, project: &Project, n: u64) -> Answer {
    envelope::send(bugle, project, with_event(&envelope::id(n), &exception("TillError", "the drawer is stuck")))
}
