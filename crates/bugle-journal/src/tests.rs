//! The journal's promises. What a torn file keeps is in `torn`, a failing disk in `disk`.

mod disk;
mod torn;

use super::*;

fn journal(folder: &Path) -> Journal {
    Journal::open(&folder.join("journal.db"), 1 << 20, 0).expect("opens")
}

fn append(journal: &Journal, bodies: &[&[u8]]) -> Result<Position, JournalError> {
    let (sender, answer) = mpsc::channel();
    journal.append(bodies.iter().map(|body| body.to_vec()).collect(), move |result| {
        sender.send(result).expect("the test waits");
    });
    answer.recv().expect("an answer")
}

#[test]
fn positions_rise_by_one_and_survive() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let first = journal(folder.path());
    assert_eq!(append(&first, &[b"a"]).expect("kept"), 1);
    assert_eq!(append(&first, &[b"b", b"c"]).expect("kept"), 3);
    first.forget(3);
    first.stop();
    let second = journal(folder.path());
    assert_eq!(second.last(), 3);
    assert!(second.read(0, 1000).expect("reads").is_empty());
    assert_eq!(append(&second, &[b"d"]).expect("kept"), 4, "a position is never used twice");
    assert_eq!(second.read(3, 1000).expect("reads"), [(4, b"d".to_vec())]);
}

#[test]
fn reading_is_in_order_and_bounded() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let journal = journal(folder.path());
    for at in 0..10u8 {
        append(&journal, &[&[at; 100]]).expect("kept");
    }
    let some = journal.read(2, 250).expect("reads");
    assert_eq!(some.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [3, 4, 5]);
}

#[test]
fn callbacks_come_in_the_order_of_positions() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let journal = journal(folder.path());
    let (sender, answers) = mpsc::channel();
    for at in 0..500u16 {
        let sender = sender.clone();
        journal.append(vec![at.to_le_bytes().to_vec()], move |result| {
            sender.send(result.expect("kept")).expect("the test waits");
        });
    }
    let positions: Vec<_> = answers.iter().take(500).collect();
    assert_eq!(positions, (1..=500).collect::<Vec<_>>());
}

#[test]
fn what_waits_is_bounded() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let journal = journal(folder.path());
    assert!(matches!(append(&journal, &[&vec![0; (1 << 20) + 1]]), Err(JournalError::Busy { .. })));
    assert_eq!(append(&journal, &[b"small"]).expect("kept"), 1);
}

#[test]
fn positions_go_on_behind_what_was_filed_when_the_file_has_lost_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("journal.db");
    let first = Journal::open(&path, 1 << 20, 40).expect("opens");
    assert_eq!(first.last(), 40);
    assert_eq!(append(&first, &[b"a"]).expect("kept"), 41);
    first.stop();
    let second = Journal::open(&path, 1 << 20, 7).expect("opens");
    assert_eq!(append(&second, &[b"b"]).expect("kept"), 42, "what the journal knows better stays");
}

/// A writer on the test's own thread, so that the test can reach its connection.
fn writer(folder: &Path) -> Writer {
    let connection = connect(&folder.join("journal.db")).expect("opens");
    let shared = Shared {
        waiting_bytes: AtomicI64::new(0),
        waiting_bytes_max: i64::MAX,
        last: AtomicI64::new(0),
        failure: OnceLock::new(),
    };
    Writer { connection, shared: Arc::new(shared), last: 0, forget: None }
}

fn commit(writer: &mut Writer, body: &[u8]) -> Result<Position, JournalError> {
    let (sender, answer) = mpsc::channel();
    let done = move |result| sender.send(result).expect("the test waits");
    writer.commit(vec![Append { bodies: vec![body.to_vec()], bytes: 0, done: Box::new(done) }], 0);
    answer.recv().expect("an answer")
}

#[test]
fn a_full_disk_refuses_and_what_was_kept_stays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut writer = writer(folder.path());
    // SQLite gives the same SQLITE_FULL for this as for a disk without room.
    writer.connection.execute_batch("PRAGMA max_page_count = 12").expect("a bound");
    let body = [7; 3000];
    let kept = (0..100).take_while(|_| commit(&mut writer, &body).is_ok()).count() as i64;
    assert!((2..20).contains(&kept), "{kept}");
    writer.forget = Some(1);
    assert!(matches!(commit(&mut writer, &body), Err(JournalError::Full(_))));
    assert_eq!(writer.shared.failure.get(), None, "room may come back");

    writer.connection.execute_batch("PRAGMA max_page_count = 10000").expect("room");
    assert_eq!(commit(&mut writer, b"later").expect("kept"), kept + 1, "refused records took no position");
    let journal = journal(folder.path());
    let positions: Vec<_> = journal.read(0, 1 << 20).expect("reads").into_iter().map(|record| record.0).collect();
    assert_eq!(positions, (2..=kept + 1).collect::<Vec<_>>(), "and what could not be forgotten then is forgotten now");
}

#[test]
fn a_failed_write_poisons() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut writer = writer(folder.path());
    assert_eq!(commit(&mut writer, b"a").expect("kept"), 1);
    writer.connection.execute_batch("PRAGMA query_only = ON").expect("writes fail from now on");
    assert!(matches!(commit(&mut writer, b"b"), Err(JournalError::Poisoned(_))));
    writer.connection.execute_batch("PRAGMA query_only = OFF").expect("writes would work again");
    assert!(matches!(commit(&mut writer, b"c"), Err(JournalError::Poisoned(_))), "for good");
    assert_eq!(journal(folder.path()).read(0, 1000).expect("reads"), [(1, b"a".to_vec())]);
}
