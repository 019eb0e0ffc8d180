//! Sessions against a naive model: the same sums, whatever comes in whatever order and however often.

use super::*;
use crate::file::tests::{Bench, NOW_MS};
use crate::file::{Filed, Piece, file};
use crate::health::read::{self, By, Scope};
use crate::outcome::{Category, Dialect};
use crate::record::{Kind, Sender};
use crate::retention::{self, Retention, Round};
use crate::storage::bounds::Bounds;
use bugle_event::session::{Attributes, Line, Sessions as Said, Update};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeSet;

const HOUR: i64 = NOW_MS / HOUR_MS;

fn item(release: &str, said: &Said) -> Item {
    let (dialect, category) = (Dialect::Sentry, Category::Session);
    let environment = Some("production".to_string());
    let attributes = Attributes { release: release.into(), environment, user_agent: None };
    Item {
        sender: Sender { dialect, category, project: 1, key: 1, received_ms: NOW_MS },
        kind: Kind::Sessions,
        event_id: None,
        about: form::write_about(&attributes),
        body: form::write(said, 1, 1),
    }
}

/// The first (not `is_init`: a later) update of a session that began an hour ago.
fn update(sid: u8, did: u8, is_init: bool, severity: Severity) -> Said {
    Said::Update(Update {
        sid: Some(sid.to_string()),
        did: (did > 0).then(|| did.to_string()),
        started_ms: (HOUR - 1) * HOUR_MS + 7,
        is_init,
        is_final: severity > Severity::Errored,
        severity,
    })
}

fn send(bench: &mut Bench, position: &mut i64, items: Vec<Item>) -> Filed {
    let pieces = items.into_iter().map(|item| {
        *position += 1;
        Piece::Item(*position, Box::new(item))
    });
    let batch: Vec<Piece> = pieces.collect();
    let mut memory = std::mem::take(&mut bench.memory);
    let done = bench.store.blocking().write_now(move |tx| {
        let filed = file(tx, &mut memory, &batch, NOW_MS)?;
        Ok((filed, memory))
    });
    let (filed, memory) = done.expect("files");
    bench.memory = memory;
    filed
}

fn counts(bench: &Bench, by: By) -> (Vec<Counts>, Vec<Counts>) {
    let scope = Scope { projects: vec![1], since_hour: HOUR - 48, until_hour: HOUR + 1, ..Scope::default() };
    let read = move |tx: &mut Tx<'_>| Ok((read::sessions(tx, &scope, by)?, read::people(tx, &scope, by)?));
    let (sessions, people) = bench.store.blocking().read_now(read).expect("reads");
    let alone = |found: Vec<(read::Group, Counts)>| found.into_iter().map(|(_, counts)| counts).collect();
    (alone(sessions), alone(people))
}

fn checked(bench: &Bench) {
    let found = bench.store.blocking().read_now(crate::check::database).expect("reads").found;
    assert_eq!(found, [""; 0]);
}

/// §21.13, the first half: errored is a set of ids, `init` counts, later updates repeat.
#[test]
fn errored_is_a_set_of_ids_and_init_counts_once() {
    let (mut bench, mut at) = (Bench::new(), 0);
    let first = item("shop@1", &update(1, 1, true, Severity::Healthy));
    let errored = item("shop@1", &update(1, 1, false, Severity::Errored));
    let filed = send(&mut bench, &mut at, vec![first.clone(), errored.clone(), errored.clone()]);
    assert!(filed.fates.iter().all(|(_, _, outcome, ..)| *outcome == Outcome::Stored));
    send(&mut bench, &mut at, vec![first, errored]);
    assert_eq!(counts(&bench, By::default()), (vec![Counts([1, 1, 0, 0, 0])], vec![Counts([1, 1, 0, 0, 0])]));
    let both = item("shop@1", &update(2, 2, true, Severity::Crashed));
    send(&mut bench, &mut at, vec![both.clone(), both]);
    let (sessions, people) = counts(&bench, By::default());
    assert_eq!(sessions, [Counts([2, 1, 0, 0, 1])], "an update may begin a session and end it");
    assert_eq!((sessions[0].crash_free(), people[0].crash_free()), (Some(0.5), Some(0.5)));
    let crashed = item("shop@1", &update(1, 1, false, Severity::Crashed));
    send(&mut bench, &mut at, vec![crashed]);
    assert_eq!(counts(&bench, By::default()).0, [Counts([2, 0, 0, 0, 2])], "what crashed is not errored beside it");
    checked(&bench);
}

/// §21.13, the second half: aggregates are disjoint, while what is shown as errored excludes crashed.
#[test]
fn aggregates_are_disjoint() {
    let (mut bench, mut at) = (Bench::new(), 0);
    let line = |hours: i64, did: Option<&str>, counts| Line {
        started_ms: (HOUR - hours) * HOUR_MS,
        did: did.map(String::from),
        counts,
    };
    let lines = vec![
        line(0, None, [90, 5, 2, 1, 2]),
        line(30, Some("ada"), [1, 0, 0, 0, 0]),
        line(0, Some("ada"), [0, 0, 0, 0, 1]),
    ];
    send(&mut bench, &mut at, vec![item("shop@1", &Said::Sums(lines))]);
    let (sessions, people) = counts(&bench, By::default());
    assert_eq!(sessions, [Counts([102, 5, 2, 1, 3])]);
    assert_eq!(sessions[0].of(Severity::Healthy), 91);
    assert_eq!(people, [Counts([1, 0, 0, 0, 1])], "one person on two days");
    let by_day = By { step_hours: Some(24), ..By::default() };
    assert_eq!(counts(&bench, by_day).0.iter().map(Counts::total).sum::<i64>(), 102);
    assert_eq!(counts(&bench, by_day).1.len(), 2, "and in each of them");
    checked(&bench);
}

#[test]
fn beyond_the_bound_sessions_are_counted_without_their_ids_and_that_is_known() {
    let (mut bench, mut at) = (Bench::new(), 0);
    let day = (HOUR - 1).div_euclid(24);
    let full = move |tx: &mut Tx<'_>| {
        tx.execute(
            "INSERT INTO session_days (project, day, ids, people, ids_over, people_over) VALUES (1, $1, $2, $3, 0, 0)",
            bugle_db::params![day, IDS_PER_DAY_MAX, PEOPLE_PER_DAY_MAX],
        )
    };
    bench.store.blocking().write_now(full).expect("is full");
    let [first, later, last] = [(true, Severity::Healthy), (false, Severity::Errored), (false, Severity::Crashed)]
        .map(|(is_init, severity)| item("shop@1", &update(1, 1, is_init, severity)));
    for one in [first, later, last] {
        send(&mut bench, &mut at, vec![one]);
    }
    assert_eq!(counts(&bench, By::default()), (vec![Counts([1, 0, 0, 0, 1])], vec![]));
    let scope = Scope { projects: vec![1], since_hour: HOUR - 1, until_hour: HOUR, ..Scope::default() };
    assert_eq!(bench.store.blocking().read_now(move |tx| read::over(tx, &scope)).expect("reads"), (3, 3));
}

#[test]
fn ids_go_first_then_people_then_sums() {
    for (days, expected) in [(7, [1, 1, 1]), (8, [0, 1, 1]), (91, [0, 0, 1]), (402, [0, 0, 0])] {
        let (mut bench, mut at) = (Bench::new(), 0);
        send(&mut bench, &mut at, vec![item("shop@1", &update(1, 1, true, Severity::Crashed))]);
        let bounds = Bounds { retention_days: 90, issue_cap_per_hour: 1, issue_events_max: 0, bytes_max: 0 };
        let mut retention = Retention::new(retention::Settings { bounds, store_bytes_max: 0 });
        let began = (HOUR - 1).div_euclid(24) * 24 * HOUR_MS;
        let done = retention.round(Round {
            db: bench.store.blocking(),
            now_ms: began + days * 24 * HOUR_MS,
            lived_ms: 0,
            forget: &|_| (),
            has_filed: &|| true,
            breathe: &mut || true,
        });
        done.expect("removes");
        let left = ["session_ids", "session_people", "session_hours"].map(|table| {
            let sql = format!("SELECT COUNT(*) FROM {table}");
            bench.store.blocking().read_now(move |tx| tx.one::<i64>(&sql, &[])).expect("reads")
        });
        assert_eq!(left, expected, "after {days} days");
        checked(&bench);
    }
}

#[test]
fn any_interleaving_and_repetition_gives_what_a_naive_model_counts() {
    let severity = (0_u8..5).prop_map(|number| Severity::from_u8(number).expect("is one"));
    // Session, person of the session, whether it begins, how bad, release.
    let one = (0_u8..12, any::<bool>(), severity);
    let story = proptest::collection::vec((one, 1_usize..4), 1..60);
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&(story, 1_usize..9), |(story, batch)| {
        let (mut bench, mut at) = (Bench::new(), 0);
        let mut known: BTreeMap<u8, (bool, Severity)> = BTreeMap::new();
        let mut people: [BTreeSet<u8>; 5] = Default::default();
        let mut items = Vec::new();
        for &((sid, is_init, severity), times) in &story {
            let session = known.entry(sid).or_insert((false, Severity::Healthy));
            *session = (session.0 || is_init, session.1.max(severity));
            let did = sid % 4;
            if did > 0 {
                people[0].insert(did);
                people.iter_mut().enumerate().filter(|(kind, _)| is_among(*kind, severity)).for_each(|(_, set)| {
                    set.insert(did);
                });
            }
            let release = format!("shop@{}", sid % 3);
            items.extend(std::iter::repeat_n(item(&release, &update(sid, did, is_init, severity)), times));
        }
        for batch in items.chunks(batch) {
            send(&mut bench, &mut at, batch.to_vec());
        }
        let mut expected = [0; 5];
        for (is_init, severity) in known.into_values() {
            expected[0] += i64::from(is_init);
            if severity != Severity::Healthy {
                expected[severity as usize] += 1;
            }
        }
        let (sessions, found) = counts(&bench, By::default());
        prop_assert_eq!(sessions.first().copied().unwrap_or_default(), Counts(expected));
        let mut sets = people.map(|set| set.len() as i64);
        sets[1] -= sets[2..].iter().sum::<i64>();
        prop_assert_eq!(found.first().copied().unwrap_or_default(), Counts(sets));
        checked(&bench);
        Ok(())
    });
    result.expect("holds");
}

bugle_db::on_postgres_too![
    errored_is_a_set_of_ids_and_init_counts_once,
    aggregates_are_disjoint,
    beyond_the_bound_sessions_are_counted_without_their_ids_and_that_is_known,
    ids_go_first_then_people_then_sums,
    any_interleaving_and_repetition_gives_what_a_naive_model_counts,
];
