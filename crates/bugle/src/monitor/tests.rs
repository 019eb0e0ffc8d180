//! Monitors on a real database: what begins, ends, is missed and takes too long, and that nothing is found twice.

use super::check_in::CheckIn;
use super::overdue::{Found, find};
use super::runs::{self, RUNS_MS, Run, Status};
use super::*;
use crate::outcome::{Category, Dialect, Outcome, Reason};
use crate::project;
use crate::record::{Item, Kind, Sender};
use crate::store::Store;
use bugle_event::scrub::Scrubber;

/// 2026-08-01T12:00:00Z.
const NOON_MS: i64 = 1_785_585_600_000;
const MINUTE_MS: i64 = 60_000;

struct Bench {
    _folder: tempfile::TempDir,
    store: Store,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(folder.path()).expect("opens");
        let bench = Bench { _folder: folder, store };
        bench.write(|tx| {
            tx.execute("INSERT INTO organizations (id, slug, name, created_ms) VALUES (1, 'acme', 'Acme', 0)", &[])?;
            project::create(tx, 1, "Shop", "python", &"a".repeat(32), 0).map(drop)
        });
        bench
    }

    fn write<T: Send + 'static>(&self, job: impl FnOnce(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static) -> T {
        self.store.blocking().write_now(job).expect("writes")
    }

    /// Files a check-in that was received so many minutes after noon. `said` is what the SDK sends beside the slug.
    fn say(&self, minute: i64, said: &str) -> (Outcome, Reason) {
        let check_in =
            CheckIn::read(format!("{{\"monitor_slug\":\"nightly\",{said}}}").as_bytes(), &Scrubber::default())
                .expect("a check-in");
        let received_ms = NOON_MS + minute * MINUTE_MS;
        let (dialect, category) = (Dialect::Sentry, Category::Monitor);
        let sender = Sender { dialect, category, project: 1, key: 1, received_ms };
        let body = check_in.to_bytes();
        let item = Item { sender, kind: Kind::CheckIn, event_id: None, about: String::new(), body };
        let fate = self.write(move |tx| filing::file(tx, &item));
        self.verify();
        fate
    }

    fn find(&self, minute: i64) -> Found {
        let found = self.write(move |tx| find(tx, NOON_MS + minute * MINUTE_MS));
        self.verify();
        found
    }

    fn verify(&self) {
        let report = self.store.blocking().read_now(crate::check::database).expect("reads");
        assert_eq!(report.found, Vec::<String>::new());
    }

    /// Status, begin in minutes after noon, duration in seconds; the oldest first.
    fn runs(&self) -> Vec<(Status, i64, Option<i64>)> {
        let of = |run: &Run| (run.status, (run.began_ms - NOON_MS) / MINUTE_MS, run.duration_ms.map(|ms| ms / 1000));
        let runs = self.write(|tx| runs::list(tx, 1, None, 0, 1000));
        runs.iter().rev().map(of).collect()
    }

    fn monitor(&self) -> Monitor {
        self.write(|tx| get(tx, 1, 1)).expect("a monitor")
    }

    fn is_failing(&self) -> bool {
        self.monitor().environments[0].is_failing
    }
}

const HOURLY: &str =
    r#""monitor_config":{"schedule":{"type":"crontab","value":"0 * * * *"},"checkin_margin":5,"max_runtime":10}"#;
const STORED: (Outcome, Reason) = (Outcome::Stored, Reason::None);
const DUPLICATE: (Outcome, Reason) = (Outcome::Invalid, Reason::Duplicate);

fn run(id: u32, status: &str, more: &str) -> String {
    format!("\"check_in_id\":\"{id:032x}\",\"status\":\"{status}\"{}{more}", if more.is_empty() { "" } else { "," })
}

fn said(status: &str, more: &str) -> String {
    format!("\"status\":\"{status}\"{}{more}", if more.is_empty() { "" } else { "," })
}

#[test]
fn a_run_begins_and_ends_by_its_id_or_as_the_newest() {
    let bench = Bench::new();
    assert_eq!(bench.say(0, &run(1, "in_progress", HOURLY)), STORED);
    assert_eq!(bench.say(2, &run(1, "ok", "\"duration\":90.5")), STORED);
    assert_eq!(bench.say(3, &run(1, "ok", "")), DUPLICATE, "SDKs send again");
    assert_eq!(bench.say(3, &run(1, "in_progress", "")), DUPLICATE, "late news");
    bench.say(10, &said("in_progress", ""));
    let nil = "\"check_in_id\":\"00000000-0000-0000-0000-000000000000\"";
    assert_eq!(bench.say(13, &said("error", nil)), STORED, "the nil id is the newest in progress");
    assert!(bench.is_failing());
    bench.say(20, &said("ok", "\"duration\":60"));
    let expected = [(Status::Ok, 0, Some(90)), (Status::Error, 10, Some(180)), (Status::Ok, 19, Some(60))];
    assert_eq!(bench.runs(), expected);
    assert!(!bench.is_failing());
    let monitor = bench.monitor();
    assert_eq!((monitor.slug.as_str(), monitor.environments.len()), ("nightly", 1));
    assert_eq!(monitor.environments[0].next_ms, Some(NOON_MS + 60 * MINUTE_MS));
}

#[test]
fn what_does_not_come_is_missed_once() {
    let bench = Bench::new();
    bench.say(0, &said("ok", HOURLY));
    assert_eq!(bench.find(65), Found::default(), "within its margin");
    assert_eq!(bench.find(66), Found { missed: 1, timed_out: 0 });
    assert_eq!(bench.find(66), Found::default());
    assert!(bench.is_failing());
    // A server that was off, and one beside it.
    assert_eq!(bench.find(60 * 4), Found { missed: 2, timed_out: 0 });
    assert_eq!(bench.find(60 * 4), Found::default());
    let expected = [(Status::Ok, 0), (Status::Missed, 60), (Status::Missed, 120), (Status::Missed, 180)];
    assert_eq!(bench.runs().iter().map(|(status, at, _)| (*status, *at)).collect::<Vec<_>>(), expected);
    let in_a_year = bench.find(60 * 24 * 365).missed;
    assert_eq!((in_a_year, bench.find(60 * 24 * 365).missed), (168, 0), "bounded, and then it goes on from now");
    assert_eq!(bench.find(60 * 24 * 365 + 66).missed, 1);
}

#[test]
fn a_check_in_that_is_filed_late_was_not_missed() {
    let bench = Bench::new();
    bench.say(0, &said("ok", HOURLY));
    assert_eq!(bench.find(66).missed, 1);
    assert_eq!(bench.say(62, &said("ok", "")), STORED, "it had come in time, to another server");
    assert_eq!(bench.runs(), [(Status::Ok, 0, None), (Status::Ok, 62, None)]);
    assert!(!bench.is_failing());
    assert_eq!(bench.monitor().environments[0].next_ms, Some(NOON_MS + 120 * MINUTE_MS));
    bench.find(126);
    bench.say(127, &said("ok", ""));
    assert_eq!(bench.runs().len(), 4, "what comes after its margin does not take back what was missed");
}

#[test]
fn what_does_not_end_has_timed_out() {
    let bench = Bench::new();
    bench.say(0, &run(1, "in_progress", HOURLY));
    assert_eq!(bench.find(10), Found::default());
    assert_eq!(bench.find(11), Found { missed: 0, timed_out: 1 });
    assert_eq!(bench.find(11), Found::default());
    assert_eq!(bench.say(12, &run(1, "ok", "")), STORED);
    assert_eq!(bench.runs(), [(Status::Timeout, 0, Some(720))], "it ended, but too late");
    bench.say(20, &run(2, "in_progress", ""));
    bench.say(29, &run(2, "in_progress", ""));
    assert_eq!(bench.find(31), Found::default(), "it said that it is still there");
    bench.find(40);
    assert_eq!(bench.runs()[1].0, Status::Timeout);
    assert_eq!(bench.say(25, &run(2, "ok", "")), STORED);
    assert_eq!(bench.runs()[1].0, Status::Ok, "it had come in time");
}

#[test]
fn thresholds_decide_what_fails() {
    let bench = Bench::new();
    let config = r#""monitor_config":{"failure_issue_threshold":2,"recovery_threshold":3}"#;
    let fails = |minute, status| {
        bench.say(minute, &said(status, config));
        bench.is_failing()
    };
    let words = ["error", "ok", "error", "error", "ok", "ok", "error", "ok", "ok", "ok"];
    let failing: Vec<bool> = (0..).zip(words).map(|(minute, word)| fails(minute, word)).collect();
    assert_eq!(failing, [false, false, false, true, true, true, true, true, true, false]);
    assert_eq!(bench.find(100_000), Found::default(), "without a schedule nothing is missed");
}

#[test]
fn a_new_schedule_holds_from_now_on() {
    let bench = Bench::new();
    bench.say(0, &said("ok", &format!("{HOURLY},\"environment\":\"staging\"")));
    let daily = r#""monitor_config":{"schedule":{"type":"interval","value":10,"unit":"minute"}}"#;
    bench.say(55, &said("ok", daily));
    assert_eq!(bench.find(60), Found::default());
    let next: Vec<Option<i64>> = bench.monitor().environments.iter().map(|one| one.next_ms).collect();
    assert_eq!(next, [Some(NOON_MS + 65 * MINUTE_MS); 2]);
    let odd = r#""monitor_config":{"schedule":{"type":"crontab","value":"whenever"}}"#;
    bench.say(56, &said("ok", odd));
    assert_eq!(bench.monitor().environments[0].next_ms, None, "what cannot be understood expects nothing");
    assert_eq!(bench.find(10_000), Found::default());
}

#[test]
fn there_are_bounds() {
    let bench = Bench::new();
    for n in 0..ENVIRONMENTS_MAX {
        assert_eq!(bench.say(n, &said("ok", &format!("\"environment\":\"e{n}\""))), STORED);
    }
    assert_eq!(bench.say(99, &said("ok", "\"environment\":\"one more\"")).0, Outcome::Discarded);
    bench.write(|tx| {
        for n in 1..MONITORS_MAX {
            create(tx, 1, &format!("m{n}"), &Config::default(), 0)?.expect("there is room");
        }
        assert_eq!(create(tx, 1, "one more", &Config::default(), 0)?, None);
        Ok(())
    });
    let removed = bench.write(|tx| runs::trim(tx, NOON_MS + MINUTE_MS * 3, 2));
    assert_eq!((removed, bench.runs().len()), (2, 18), "in steps");
    assert_eq!(bench.write(|tx| runs::trim(tx, NOON_MS + MINUTE_MS * 3, 100)), 1);
    assert_eq!(RUNS_MS, 90 * 86_400_000);
    assert!(bench.write(|tx| delete(tx, 1, 1)));
    assert_eq!(bench.write(|tx| tx.one::<i64>("SELECT COUNT(*) FROM check_ins", &[])), 0, "its history goes with it");
    bench.write(|tx| tx.execute("DELETE FROM projects", &[]).map(drop));
    assert_eq!(bench.write(|tx| tx.one::<i64>("SELECT COUNT(*) FROM monitors", &[])), 0);
}

bugle_db::on_postgres_too![
    a_run_begins_and_ends_by_its_id_or_as_the_newest,
    what_does_not_come_is_missed_once,
    a_check_in_that_is_filed_late_was_not_missed,
    what_does_not_end_has_timed_out,
    thresholds_decide_what_fails,
    a_new_schedule_holds_from_now_on,
    there_are_bounds,
];
