//! The worker on a journal that a former process left.

use crate::app::Shared;
use crate::config::{Config, Overrides};
use crate::record::{Record, Sender};
use crate::serve;
use std::path::Path;
use std::time::{Duration, Instant};

fn open(folder: &Path) -> (Shared, super::Worker) {
    let none = Overrides::default;
    let config = Config::resolve(folder.into(), None, none(), none()).expect("resolves");
    let (app, worker, _) = serve::open(config).expect("opens");
    (app, worker)
}

#[test]
fn damaged_records_are_put_aside_and_the_books_balance() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cut = {
        // Its head is whole and names a project that is not there; the rest is missing.
        let Sender { dialect, category, .. } = Sender::unknown(0);
        let whole = Record {
            dialect,
            category,
            project: 77,
            key: 1,
            received_ms: 1,
            event_id: bugle_event::EventId([3; 16]),
            exemplar: 1,
            family: 1,
            exemplar_body: Vec::new(),
            json_bytes: 0,
            payload: Vec::new(),
        };
        whole.write()[..40].to_vec()
    };
    let (former, _never_run) = open(folder.path());
    let (sender, durable) = std::sync::mpsc::channel();
    former.door.journal.append(vec![b"\xffdust".to_vec(), cut], move |result| {
        let _ = sender.send(result.is_ok());
    });
    assert_eq!(durable.recv(), Ok(true));

    let (app, worker) = open(folder.path());
    let running = std::thread::spawn(move || worker.run());
    let start = Instant::now();
    while app.backlog() > 0 {
        assert!(start.elapsed() < Duration::from_secs(30), "the worker stands still");
        std::thread::yield_now();
    }
    app.door.backlog.stop();
    running.join().expect("the worker ends");
    let metrics = app.metrics.text();
    for line in [
        "bugle_items_received_total{category=\"error\",dialect=\"sentry\"} 2",
        "bugle_items_discarded_total{category=\"error\",outcome=\"discarded\",reason=\"quarantined\"} 2",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    let nobodys = "SELECT CAST(SUM(quantity) AS BIGINT) FROM ledger WHERE project = 0 AND reason = 'quarantined'";
    let counted: i64 = app.store.blocking().read_now(move |tx| tx.one(nobodys, &[])).expect("reads");
    assert_eq!(counted, 2, "what says nothing, or names nobody, counts for the server");
    app.assert_balanced();
}
