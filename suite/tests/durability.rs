//! Acknowledged means durable, and counted once: whatever happens between the answer and the shelf.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

use suite::door::Request;
use suite::envelope::{self, exception, with_event};
use suite::rest::{count, text};
use suite::{Bugle, Project};

#[test]
fn a_kill_after_the_last_answer_loses_nothing() {
    let mut bugle = Bugle::start();
    let project = bugle.project("Killed");
    let acknowledged = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for worker in 0..8 {
            let (bugle, project, acknowledged) = (&bugle, &project, &acknowledged);
            scope.spawn(move || {
                for n in 0..25 {
                    let id = envelope::id(worker * 1000 + n);
                    let answer = post(bugle, project, &id, &format!("drawer {n} is stuck"));
                    assert_eq!(answer, 200);
                    acknowledged.lock().expect("no worker panics").insert(id);
                }
            });
        }
    });
    bugle.kill();
    let acknowledged = acknowledged.into_inner().expect("no worker panics");
    assert_eq!(acknowledged.len(), 200);
    after_the_restart(&mut bugle, &project, &acknowledged);
}

/// The kill falls into the middle: what was answered must be there; what was not may be, but once.
#[test]
fn a_kill_amid_the_rush_loses_nothing_that_was_answered() {
    let mut bugle = Bugle::start();
    let project = bugle.project("Killed amid");
    let acknowledged = Mutex::new(BTreeSet::new());
    let enough = 60;
    thread::scope(|scope| {
        for worker in 0..8_u64 {
            let (acknowledged, address, project) = (&acknowledged, bugle.address(), &project);
            scope.spawn(move || {
                for n in 0..10_000 {
                    let id = envelope::id(worker * 100_000 + n);
                    let body = with_event(&id, &exception("TillError", &format!("drawer {n} is stuck")));
                    let request = Request::post(envelope::path(project), body).key(&project.key);
                    match request.send(address) {
                        Ok(answer) if answer.status == 200 => acknowledged.lock().expect("no worker panics").insert(id),
                        _ => return,
                    };
                }
            });
        }
        suite::wait::until("a rush", || (acknowledged.lock().expect("no worker panics").len() >= enough).then_some(()));
        bugle.kill();
    });
    let acknowledged = acknowledged.into_inner().expect("no worker panics");
    bugle.serve();
    bugle.settle();
    let rest = bugle.rest();
    for id in &acknowledged {
        assert_eq!(text(&rest.stored(&project, id), "event_id"), id);
    }
    let issues = rest.issues(&project);
    assert_eq!(issues.len(), 1);
    assert!(count(&issues[0]) >= acknowledged.len() as u64, "{} of {}", count(&issues[0]), acknowledged.len());
    bugle.stop();
    bugle.check();
}

#[test]
fn the_same_event_five_times_and_across_a_restart_counts_once() {
    let mut bugle = Bugle::start();
    let project = bugle.project("Repeats");
    let id = envelope::id(7);
    for _ in 0..3 {
        assert_eq!(post(&bugle, &project, &id, "the drawer is stuck"), 200);
    }
    bugle.kill();
    bugle.serve();
    for _ in 0..2 {
        assert_eq!(post(&bugle, &project, &id, "the drawer is stuck"), 200);
    }
    bugle.settle();
    let issues = bugle.rest().issues(&project);
    assert_eq!(issues.iter().map(count).collect::<Vec<_>>(), [1]);
    bugle.stop();
    bugle.check();
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let bugle = Bugle::start();
    let refused = bugle.try_command(&["serve", "--listen", &suite::bugle::free_address().to_string()], "");
    assert!(!refused.status.success());
    assert!(!refused.stderr.is_empty(), "it says why");
    let again = bugle.try_command(&["init", "--owner", "b@example.com", "--password-stdin"], "another long password");
    assert!(!again.status.success(), "a second init is refused");
}

fn after_the_restart(bugle: &mut Bugle, project: &Project, acknowledged: &BTreeSet<String>) {
    bugle.serve();
    bugle.settle();
    let rest = bugle.rest();
    let issues = rest.issues(project);
    assert_eq!(issues.iter().map(count).collect::<Vec<_>>(), [acknowledged.len() as u64]);
    for id in acknowledged {
        assert_eq!(text(&rest.stored(project, id), "event_id"), id);
    }
    bugle.stop();
    bugle.check();
}

fn post(bugle: &Bugle, project: &Project, id: &str, value: &str) -> u16 {
    envelope::send(bugle, project, with_event(id, &exception("TillError", value))).status
}
