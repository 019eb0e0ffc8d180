//! Filing, on a real database: what joins, what counts, what comes back, and that nothing happens twice.

use super::*;
use crate::issue::{self, Status, workflow};
use crate::payload;
use crate::project;
use crate::retention::{self, Done, Retention, Round};
use crate::storage::bounds::Bounds;
use crate::store::Store;
use bugle_event::EventId;
use bugle_event::group::Kind;

pub(super) const NOW_MS: i64 = 1_780_000_000_000;
const HOUR_MS: i64 = 3_600_000;

pub(super) struct Bench {
    _folder: tempfile::TempDir,
    pub(super) store: Store,
    pub(super) memory: Memory,
    position: Position,
}

impl Bench {
    pub(super) fn new() -> Bench {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(folder.path()).expect("opens");
        let made = store.blocking().write_now(|tx| {
            crate::journals::register(tx, "mine", NOW_MS)?;
            tx.execute("INSERT INTO organizations (id, slug, name, created_ms) VALUES (1, 'acme', 'Acme', 0)", &[])?;
            project::create(tx, 1, "Shop", "python", &"a".repeat(32), 0)?;
            tx.execute(
                "INSERT INTO targets (id, project, kind, label, address, secret, is_active, created_ms) \
                 VALUES (77, 1, 'slack', 'chat.example', $1, $1, TRUE, 0)",
                params![&[][..]],
            )
        });
        made.expect("a project");
        Bench {
            _folder: folder,
            store,
            memory: Memory::new(Settings {
                journal: 1,
                public_url: "http://bugle.example".into(),
                issue_cap_per_hour: 1_100,
                has_mail: false,
            }),
            position: 0,
        }
    }

    pub(super) fn work(&mut self, id: u8, keys: &[(Kind, u8)], at_ms: i64) -> Work {
        self.position += 1;
        let json = format!("{{\"event_id\":\"{id}\"}}").into_bytes();
        let record = Record {
            dialect: Dialect::Sentry,
            category: Category::Error,
            project: 1,
            key: 1,
            received_ms: at_ms,
            event_id: EventId([id; 16]),
            exemplar: 5,
            family: 5,
            exemplar_body: payload::compress(&json, None).expect("compresses"),
            json_bytes: json.len() as u32,
            payload: payload::compress(&json, Some(&json)).expect("compresses"),
        };
        let digest = Digest {
            timestamp_ms: at_ms,
            level: "error".into(),
            platform: "python".into(),
            logger: String::new(),
            kind: "KeyError".into(),
            title: format!("'sku{id}'"),
            culprit: "cart.add".into(),
            crash_line: None,
            environment: Some("production".into()),
            release: Some("shop@1.0".into()),
            person: i64::from(id % 2) + 1,
            is_unhandled: true,
            tags: vec![("level".into(), "error".into()), ("sku".into(), format!("{id}"))],
            grouping_version: 1,
            keys: keys.iter().map(|&(kind, byte)| (kind, [byte; 16])).collect(),
        };
        Work { position: self.position, record, digest }
    }

    pub(super) fn file(&mut self, batch: Vec<Work>) -> Filed {
        let mut memory = std::mem::take(&mut self.memory);
        let batch: Vec<Piece> = batch.into_iter().map(Piece::Event).collect();
        let result = self.store.blocking().write_now(move |tx| {
            let filed = file(tx, &mut memory, &batch, NOW_MS)?;
            Ok((filed, memory))
        });
        let (filed, memory) = result.expect("files");
        self.memory = memory;
        filed
    }

    pub(super) fn one(&self, sql: &'static str) -> i64 {
        self.store.blocking().read_now(move |tx| tx.one(sql, &[])).expect("a number")
    }

    fn issue(&self, id: i64) -> issue::Issue {
        self.store.blocking().read_now(move |tx| issue::get(tx, 1, id)).expect("reads").expect("is there")
    }

    fn resolve(&self, id: i64, at_ms: i64) {
        let issue = self.issue(id);
        let resolved =
            self.store.blocking().write_now(move |tx| workflow::set_status(tx, &issue, Status::Resolved, None, at_ms));
        assert!(resolved.expect("resolves"));
    }
}

fn outcomes(filed: &Filed) -> Vec<(Outcome, Reason)> {
    filed.fates.iter().map(|fate| (fate.2, fate.3)).collect()
}

#[test]
fn any_known_key_joins_and_attaches_the_others() {
    let mut bench = Bench::new();
    let first = bench.work(1, &[(Kind::Full, 1), (Kind::Site, 2)], NOW_MS);
    bench.file(vec![first]);
    // Another whole stack at the same site, then that stack with another site: one issue, by way of the middle one.
    let second = bench.work(2, &[(Kind::Full, 3), (Kind::Site, 2)], NOW_MS + 1);
    let third = bench.work(3, &[(Kind::Full, 3), (Kind::Site, 4)], NOW_MS + 2);
    let other = bench.work(4, &[(Kind::Full, 9), (Kind::Site, 8)], NOW_MS + 3);
    bench.file(vec![second, third, other]);
    assert_eq!(bench.one("SELECT COUNT(*) FROM issues"), 2);
    let issue = bench.issue(1);
    assert_eq!((issue.events, issue.people, issue.short_id().as_str()), (3, 2, "SHOP-1"));
    assert_eq!(issue.title, "'sku3'", "called after its newest event");
    assert_eq!(bench.one("SELECT COUNT(*) FROM issue_keys WHERE issue = 1"), 4);
}

#[test]
fn a_repeat_changes_nothing_but_the_ledger() {
    let mut bench = Bench::new();
    let work = bench.work(1, &[(Kind::Full, 1)], NOW_MS);
    let mut again = work.clone();
    again.position = 2;
    let filed = bench.file(vec![work, again.clone()]);
    assert_eq!(outcomes(&filed), [(Outcome::Stored, Reason::None), (Outcome::Invalid, Reason::Duplicate)]);
    again.position = 3;
    assert_eq!(outcomes(&bench.file(vec![again])), [(Outcome::Invalid, Reason::Duplicate)]);
    let issue = bench.issue(1);
    assert_eq!((issue.events, issue.people), (1, 1));
    assert_eq!(bench.one("SELECT CAST(SUM(events) AS BIGINT) FROM issue_tags WHERE tag = 'level'"), 1);
    assert_eq!(bench.one("SELECT quantity FROM ledger WHERE outcome = 'received'"), 3);
    assert_eq!(bench.one("SELECT quantity FROM ledger WHERE reason = 'duplicate'"), 2);
    assert_eq!(bench.one("SELECT filed FROM journals"), 3);
}

#[test]
fn a_late_event_moves_first_seen_and_nothing_else() {
    let mut bench = Bench::new();
    let newest = bench.work(1, &[(Kind::Full, 1)], NOW_MS);
    bench.file(vec![newest]);
    let late = bench.work(2, &[(Kind::Full, 1)], NOW_MS - HOUR_MS);
    bench.file(vec![late]);
    let issue = bench.issue(1);
    assert_eq!((issue.first_ms, issue.last_ms, issue.title.as_str()), (NOW_MS - HOUR_MS, NOW_MS, "'sku1'"));
    assert_eq!(bench.one("SELECT COUNT(*) FROM issue_buckets"), 2);
}

#[test]
fn what_comes_after_it_was_resolved_comes_back_once() {
    let mut bench = Bench::new();
    let first = bench.work(1, &[(Kind::Full, 1)], NOW_MS);
    assert!(bench.file(vec![first]).has_notices);
    bench.resolve(1, NOW_MS + 1_000);
    // Received before somebody resolved it, and filed only now: no regression.
    let in_flight = bench.work(2, &[(Kind::Full, 1)], NOW_MS + 500);
    assert!(!bench.file(vec![in_flight]).has_notices);
    assert_eq!(bench.issue(1).status, Status::Resolved);
    let (again, more) =
        (bench.work(3, &[(Kind::Full, 1)], NOW_MS + 2_000), bench.work(4, &[(Kind::Full, 1)], NOW_MS + 2_001));
    assert!(bench.file(vec![again, more]).has_notices);
    let issue = bench.issue(1);
    assert_eq!((issue.status, issue.regressed_ms), (Status::Unresolved, Some(NOW_MS + 2_000)));
    assert_eq!(bench.one("SELECT COUNT(*) FROM activity WHERE kind = 'regressed'"), 1);
    assert_eq!(
        bench.one("SELECT COUNT(*) FROM outbox WHERE target = 77"),
        2,
        "one for the first event, one for the regression"
    );
    assert_eq!(bench.one("SELECT COUNT(*) FROM outbox WHERE target <> 77"), 0, "no mail server, no mail that waits");
}

#[test]
fn an_archived_issue_stays_quiet() {
    let mut bench = Bench::new();
    let first = bench.work(1, &[(Kind::Full, 1)], NOW_MS);
    bench.file(vec![first]);
    let issue = bench.issue(1);
    let archive = move |tx: &mut Tx<'_>| workflow::set_status(tx, &issue, Status::Archived, None, NOW_MS + 1);
    bench.store.blocking().write_now(archive).expect("archives");
    let later = bench.work(2, &[(Kind::Full, 1)], NOW_MS + HOUR_MS);
    assert!(!bench.file(vec![later]).has_notices);
    let issue = bench.issue(1);
    assert_eq!((issue.status, issue.events), (Status::Archived, 2));
}

#[test]
fn a_deleted_issue_is_forgotten_and_its_id_is_not_used_again() {
    let mut bench = Bench::new();
    let first = bench.work(1, &[(Kind::Full, 1)], NOW_MS);
    bench.file(vec![first]);
    bench.store.blocking().write_now(|tx| workflow::delete(tx, 1)).expect("deletes");
    let second = bench.work(2, &[(Kind::Full, 1)], NOW_MS);
    assert!(bench.file(vec![second]).has_notices, "it is a new issue, and people are told");
    assert_eq!(bench.one("SELECT id FROM issues"), 2);
}

#[test]
fn values_of_a_tag_are_bounded_and_their_sum_is_not() {
    let mut bench = Bench::new();
    let narrow = tags::NARROW_VALUES_MAX as i64;
    let count = narrow + issue::tags::VALUES_MAX + 5;
    let batch: Vec<Work> = (0..count)
        .map(|at| {
            let mut work = bench.work(1, &[(Kind::Full, 1)], NOW_MS);
            work.record.event_id = EventId((at as u128 + 1).to_le_bytes());
            work.digest.tags = vec![("request".into(), at.to_string())];
            work
        })
        .collect();
    bench.file(batch);
    assert_eq!(bench.one("SELECT COUNT(*) FROM issue_tag_values"), issue::tags::VALUES_MAX + 1);
    assert_eq!(bench.one("SELECT CAST(SUM(events) AS BIGINT) FROM issue_tags"), count);
}

#[test]
fn events_of_a_project_that_is_gone_have_an_outcome() {
    let mut bench = Bench::new();
    let mut work = bench.work(1, &[(Kind::Full, 1)], NOW_MS);
    work.record.project = 99;
    assert_eq!(outcomes(&bench.file(vec![work])), [(Outcome::Invalid, Reason::ProjectGone)]);
}

#[test]
fn a_record_that_is_put_aside_leaves_its_exemplar_to_those_that_need_it() {
    let mut bench = Bench::new();
    let (first, mut second) = (bench.work(1, &[(Kind::Full, 1)], NOW_MS), bench.work(2, &[(Kind::Full, 1)], NOW_MS));
    second.record.exemplar_body.clear();
    let (entry_bytes, entry) = (first.record.write(), Entry::Event(Box::new(first.record.clone())));
    let put_aside = bench
        .store
        .blocking()
        .write_now(move |tx| quarantine(tx, 1, 1, &entry_bytes, Some(&entry), "it failed", NOW_MS));
    assert_eq!(outcomes(&put_aside.expect("is put aside")), [(Outcome::Discarded, Reason::Quarantined)]);
    assert_eq!(outcomes(&bench.file(vec![second])), [(Outcome::Stored, Reason::None)]);
    assert_eq!(bench.one("SELECT COUNT(*) FROM events WHERE exemplar NOT IN (SELECT id FROM exemplars)"), 0);
    assert_eq!(bench.one("SELECT quantity FROM ledger WHERE outcome = 'received'"), 2);
}

#[test]
fn a_clock_set_back_by_a_day_moves_no_count() {
    let mut bench = Bench::new();
    let (first, mut back) = (bench.work(1, &[(Kind::Full, 1)], NOW_MS), bench.work(2, &[(Kind::Full, 1)], NOW_MS));
    // Received a day before the first by the server's clock, and normalised to that.
    (back.record.received_ms, back.digest.timestamp_ms) = (NOW_MS - 24 * HOUR_MS, NOW_MS - 24 * HOUR_MS);
    let mut repeat = first.clone();
    (repeat.position, repeat.record.received_ms) = (3, NOW_MS - 24 * HOUR_MS);
    let filed = bench.file(vec![first, back, repeat]);
    assert_eq!(outcomes(&filed)[1..], [(Outcome::Stored, Reason::None), (Outcome::Invalid, Reason::Duplicate)]);
    let issue = bench.issue(1);
    assert_eq!((issue.events, issue.first_ms, issue.last_ms), (2, NOW_MS - 24 * HOUR_MS, NOW_MS));
    assert_eq!(bench.one("SELECT CAST(SUM(events) AS BIGINT) FROM issue_buckets"), 2);
    let received = "SELECT CAST(SUM(quantity) AS BIGINT) FROM ledger WHERE outcome = 'received'";
    assert_eq!(bench.one(received), 3);
    assert_eq!(bench.one("SELECT COUNT(DISTINCT hour) FROM ledger"), 2);
}

#[test]
fn beyond_the_cap_events_count_and_are_not_kept() {
    let mut bench = Bench::new();
    bench.memory.settings.issue_cap_per_hour = 20;
    let mut batch = Vec::new();
    for at in 0..60u8 {
        let mut work = bench.work(at + 1, &[(Kind::Full, 1)], NOW_MS);
        work.digest.tags = vec![("level".into(), "error".into())];
        // The last ones bring values of their own; a tenth of the cap is kept of them.
        if at >= 50 {
            work.digest.tags.push(("browser".into(), format!("B{at}")));
        }
        batch.push(work);
    }
    let repeat = batch[40].clone();
    let (first, second) = batch.split_at(50);
    bench.file(first.to_vec());
    let filed = bench.file(second.to_vec());
    let capped = outcomes(&filed).iter().filter(|fate| **fate == (Outcome::Discarded, Reason::IssueCap)).count();
    assert_eq!(capped, 8);
    let issue = bench.issue(1);
    assert_eq!((issue.events, issue.people), (60, 2), "everything counts");
    assert_eq!(bench.one("SELECT COUNT(*) FROM events"), 22);
    assert_eq!(bench.one("SELECT capped FROM issues"), 38);
    assert_eq!(bench.one("SELECT CAST(SUM(events) AS BIGINT) FROM issue_tags WHERE tag = 'level'"), 60);
    bench.position += 1;
    let again = bench.file(vec![Work { position: bench.position, ..repeat }]);
    assert_eq!(outcomes(&again), [(Outcome::Invalid, Reason::Duplicate)], "also one that was not kept");
    let mut next_hour = bench.work(200, &[(Kind::Full, 1)], NOW_MS + HOUR_MS);
    next_hour.digest.tags.clear();
    assert_eq!(outcomes(&bench.file(vec![next_hour])), [(Outcome::Stored, Reason::None)]);
}

#[test]
fn retention_removes_rows_and_keeps_counts() {
    let mut bench = Bench::new();
    let day_ms = 24 * HOUR_MS;
    let mut batch = Vec::new();
    for at in 0..30u8 {
        let age = if at < 20 { 100 } else { 1 };
        let mut work = bench.work(at + 1, &[(Kind::Full, 1)], NOW_MS - age * day_ms);
        work.record.exemplar = age;
        batch.push(work);
    }
    bench.file(batch);
    let forgotten = std::cell::RefCell::new(Vec::new());
    let mut retention = Retention::new(retention::Settings {
        bounds: Bounds { retention_days: 90, issue_cap_per_hour: 1_100, issue_events_max: 0, bytes_max: 0 },
        store_bytes_max: 0,
    });
    let mut round = || {
        let done = retention.round(Round {
            db: bench.store.blocking(),
            now_ms: NOW_MS,
            lived_ms: 0,
            forget: &|ids| forgotten.borrow_mut().extend_from_slice(ids),
            has_filed: &|| true,
            breathe: &mut || true,
        });
        done.expect("removes")
    };
    assert_eq!((round().events, forgotten.borrow().clone()), (20, vec![100]));
    assert_eq!(bench.one("SELECT COUNT(*) FROM exemplars"), 2, "it is condemned, and goes a round later");
    assert_eq!(round(), Done { events: 0, exemplars: 1, reckoned_ms: NOW_MS, is_over: false });
    assert_eq!(bench.one("SELECT COUNT(*) FROM events"), 10);
    assert_eq!(bench.one("SELECT expired FROM issues"), 20);
    let issue = bench.issue(1);
    assert_eq!((issue.events, issue.first_ms), (30, NOW_MS - 100 * day_ms));
    assert_eq!(bench.one("SELECT CAST(MIN(id) AS BIGINT) FROM exemplars"), 1, "only what young events need is left");
}

bugle_db::on_postgres_too![
    any_known_key_joins_and_attaches_the_others,
    a_repeat_changes_nothing_but_the_ledger,
    a_late_event_moves_first_seen_and_nothing_else,
    what_comes_after_it_was_resolved_comes_back_once,
    an_archived_issue_stays_quiet,
    a_deleted_issue_is_forgotten_and_its_id_is_not_used_again,
    values_of_a_tag_are_bounded_and_their_sum_is_not,
    events_of_a_project_that_is_gone_have_an_outcome,
    a_record_that_is_put_aside_leaves_its_exemplar_to_those_that_need_it,
    a_clock_set_back_by_a_day_moves_no_count,
    beyond_the_cap_events_count_and_are_not_kept,
    retention_removes_rows_and_keeps_counts,
];
