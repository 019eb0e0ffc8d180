//! Feedback into its table, and to its issue, whichever of the two is filed first.
//!
//! Filing an event must cost nothing where nobody waits for it. So the ids that feedback waits for are remembered per
//! project ([`Memory::waiting`]), and an event is one look into a set.

use super::{Memory, Piece};
use crate::feedback::Said;
use crate::live::Fact;
use crate::outcome::{Outcome, Reason};
use crate::record::{Item, Kind};
use bugle_db::{DbError, Tx, params};
use bugle_event::EventId;
use std::collections::{BTreeSet, HashSet};

/// For how long feedback waits for its event, in ms: longer than SDKs keep what they could not send.
const WAITING_MS: i64 = 30 * 86_400_000;
/// Ids that are waited for in one project. What is beyond shows without its error.
const WAITING_MAX: i64 = 10_000;

/// Files one.
pub(super) fn file(tx: &mut Tx<'_>, item: &Item) -> Result<(Outcome, Reason), DbError> {
    let said: Option<Said> = serde_json::from_str(&item.about).ok();
    let Some((said, id)) = said.and_then(|said| EventId::parse(&said.id).map(|id| (said, id))) else {
        return Ok((Outcome::Invalid, Reason::Unreadable));
    };
    let row = tx.next_id("feedback")?;
    let added = tx.execute(
        "INSERT INTO feedback (id, project, feedback_id, event_id, received_ms, name, email, message, url) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (project, feedback_id) DO NOTHING",
        params![
            row,
            item.sender.project,
            &id.0,
            item.event_id.as_ref().map(|id| &id.0[..]),
            item.sender.received_ms,
            &said.name,
            &said.email,
            &said.message,
            &said.url
        ],
    )?;
    Ok(if added == 0 { (Outcome::Invalid, Reason::Duplicate) } else { (Outcome::Stored, Reason::None) })
}

/// Links what can be linked now that the batch's rows are written: its feedback to events of any age, feedback of any age
/// to its events. What changed, for open pages.
pub(super) fn settle(tx: &mut Tx<'_>, memory: &mut Memory, batch: &[Piece], now_ms: i64) -> Result<Vec<Fact>, DbError> {
    let mut due = BTreeSet::new();
    for piece in batch {
        match piece {
            Piece::Event(work) => {
                let (project, id) = (work.record.project, work.record.event_id.0);
                if memory.waiting(tx, project, now_ms)?.contains(&id) {
                    due.insert((project, id));
                }
            }
            Piece::Item(_, item) => {
                if let (Kind::Feedback, Some(id)) = (item.kind, item.event_id) {
                    let project = item.sender.project;
                    memory.waiting(tx, project, now_ms)?.insert(id.0);
                    due.insert((project, id.0));
                }
            }
        }
    }
    let mut facts = Vec::new();
    for (project, id) in due {
        let Some(issue) = issue_of(tx, project, &id)? else { continue };
        memory.waiting(tx, project, now_ms)?.remove(&id);
        tx.execute(
            "UPDATE feedback SET issue = $3 WHERE project = $1 AND event_id = $2 AND issue IS NULL",
            params![project, &id, issue],
        )?;
        if let Some(row) = memory.project(tx, project)? {
            facts.push(Fact::Changed { organization: row.organization, project, issue });
        }
    }
    Ok(facts)
}

/// The issue of an event that was filed, its payload kept or not.
fn issue_of(tx: &mut Tx<'_>, project: i64, id: &[u8; 16]) -> Result<Option<i64>, DbError> {
    for sql in [
        "SELECT i.id FROM events e JOIN issues i ON i.id = e.issue WHERE e.project = $1 AND e.event_id = $2",
        "SELECT i.id FROM capped_events e JOIN issues i ON i.id = e.issue WHERE e.project = $1 AND e.event_id = $2",
    ] {
        if let Some(row) = tx.first(sql, params![project, id])? {
            return Ok(Some(row.get(0)?));
        }
    }
    Ok(None)
}

/// The ids of events that feedback of a project waits for.
pub(super) fn waiting(tx: &mut Tx<'_>, project: i64, now_ms: i64) -> Result<HashSet<[u8; 16]>, DbError> {
    let rows = tx.query(
        "SELECT event_id FROM feedback WHERE project = $1 AND received_ms > $2 AND issue IS NULL \
         AND event_id IS NOT NULL ORDER BY received_ms DESC LIMIT $3",
        params![project, now_ms - WAITING_MS, WAITING_MAX],
    )?;
    rows.iter().map(|row| row.get(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Bench, NOW_MS};
    use super::*;
    use crate::file;
    use crate::outcome::{Category, Dialect};
    use crate::record::Sender;
    use bugle_event::group::Kind as Key;

    impl Bench {
        fn feedback(&mut self, position: i64, id: u8, event: Option<u8>) -> Piece {
            let said = Said { id: EventId([id; 16]).to_string(), message: "It broke.".into(), ..Said::default() };
            let sender = Sender {
                dialect: Dialect::Sentry,
                category: Category::Feedback,
                project: 1,
                key: 1,
                received_ms: NOW_MS,
            };
            let about = serde_json::to_string(&said).expect("JSON");
            let event_id = event.map(|event| EventId([event; 16]));
            Piece::Item(position, Box::new(Item { sender, kind: Kind::Feedback, event_id, about, body: Vec::new() }))
        }

        fn pieces(&mut self, batch: Vec<Piece>) -> Vec<(Outcome, Reason)> {
            let mut memory = std::mem::take(&mut self.memory);
            let filed = self.store.blocking().write_now(move |tx| {
                let filed = file::file(tx, &mut memory, &batch, NOW_MS)?;
                Ok((filed, memory))
            });
            let (filed, memory) = filed.expect("files");
            self.memory = memory;
            filed.fates.iter().map(|fate| (fate.2, fate.3)).collect()
        }

        fn linked(&self) -> i64 {
            self.one("SELECT COUNT(*) FROM feedback WHERE issue = 1")
        }
    }

    const STORED: (Outcome, Reason) = (Outcome::Stored, Reason::None);

    #[test]
    fn feedback_may_come_before_its_event_with_it_or_after() {
        let mut bench = Bench::new();
        let early = bench.feedback(1, 1, Some(9));
        assert_eq!(bench.pieces(vec![early]), [STORED]);
        assert_eq!(bench.linked(), 0);
        let mut work = bench.work(9, &[(Key::Full, 1)], NOW_MS);
        work.position = 2;
        let beside = bench.feedback(3, 2, Some(9));
        assert_eq!(bench.pieces(vec![Piece::Event(work), beside]), [STORED, STORED]);
        assert_eq!(bench.linked(), 2);
        let late = bench.feedback(4, 3, Some(9));
        let of_none = bench.feedback(5, 4, None);
        assert_eq!(bench.pieces(vec![late, of_none]), [STORED, STORED]);
        assert_eq!((bench.linked(), bench.one("SELECT COUNT(*) FROM feedback")), (3, 4));
    }

    #[test]
    fn what_waits_is_found_after_a_restart_and_a_repeat_is_one() {
        let mut bench = Bench::new();
        let early = bench.feedback(1, 1, Some(9));
        let again = bench.feedback(2, 1, Some(9));
        assert_eq!(bench.pieces(vec![early, again]), [STORED, (Outcome::Invalid, Reason::Duplicate)]);
        bench.memory = Memory::new(bench.memory.settings.clone());
        let mut work = bench.work(9, &[(Key::Full, 1)], NOW_MS);
        work.position = 3;
        bench.pieces(vec![Piece::Event(work)]);
        assert_eq!(bench.linked(), 1);
        let removed = bench.store.blocking().write_now(|tx| tx.execute("DELETE FROM issues WHERE id = 1", &[]));
        removed.expect("removes");
        assert_eq!(bench.one("SELECT COUNT(*) FROM feedback WHERE issue IS NULL"), 1, "it outlives its issue");
    }

    bugle_db::on_postgres_too![
        feedback_may_come_before_its_event_with_it_or_after,
        what_waits_is_found_after_a_restart_and_a_repeat_is_one,
    ];
}
