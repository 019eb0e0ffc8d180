//! What was sent, what was answered, and what must therefore be stored.
//!
//! An envelope is delivered once or, as SDKs retry and networks repeat, several times; each delivery ends acknowledged
//! (200), refused (429) or unanswered. An unanswered one may have been kept or not, but as a whole.

use std::collections::{BTreeMap, HashMap, HashSet};

/// An event's id.
pub type Id = [u8; 16];

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 200: it must be there from now on.
    Acknowledged,
    /// 429: it must not be there by this delivery.
    Refused,
    /// None, or one that promises nothing.
    Unanswered,
}

#[derive(Debug)]
struct Envelope {
    project: i64,
    ids: Vec<Id>,
    /// Deliveries by how they ended.
    acknowledged: u64,
    refused: u64,
    unanswered: u64,
}

/// All envelopes of a directory's life.
#[derive(Debug, Default)]
pub struct Books {
    envelopes: Vec<Envelope>,
    /// Events that retention may remove, or has removed.
    pub over_age: HashSet<(i64, Id)>,
    /// Answers that are neither 200 nor 429, by status.
    pub odd: BTreeMap<u16, u64>,
}

/// What the directory holds: `verify.rs` reads it.
#[derive(Debug, Default)]
pub struct Stored {
    /// Rows of each event, by project and id.
    pub rows: HashMap<(i64, Id), u64>,
    /// Records that were ever filed.
    pub filed: u64,
    /// Positions that the journal ever gave.
    pub positions: u64,
    /// Rows that retention has removed.
    pub expired: u64,
    /// Records put aside as impossible to file.
    pub quarantined: u64,
    /// What the ledger says of events: stored.
    pub ledger_stored: u64,
    /// What it says of them: refused as repeats.
    pub ledger_repeats: u64,
    /// What it says of them: any other outcome at filing, by its name.
    pub ledger_other: BTreeMap<String, u64>,
}

/// What a comparison found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Events that were acknowledged.
    pub acknowledged: u64,
    /// Events that are stored.
    pub stored: u64,
    /// Events in deliveries after the first acknowledged one.
    pub repeats_sent: u64,
    /// Repeats that the ledger counts.
    pub repeats_refused: u64,
    /// Everything that must not be.
    pub differences: Vec<String>,
}

impl Books {
    /// An envelope that is about to be sent for the first time: its number.
    pub fn open(&mut self, project: i64, ids: Vec<Id>) -> usize {
        self.envelopes.push(Envelope { project, ids, acknowledged: 0, refused: 0, unanswered: 0 });
        self.envelopes.len() - 1
    }

    /// A delivery of it has ended.
    pub fn settle(&mut self, envelope: usize, answer: Answer) {
        let envelope = &mut self.envelopes[envelope];
        match answer {
            Answer::Acknowledged => envelope.acknowledged += 1,
            Answer::Refused => envelope.refused += 1,
            Answer::Unanswered => envelope.unanswered += 1,
        }
    }

    /// Compares with what is stored while nothing waits in the journal.
    pub fn compare(&self, stored: &Stored) -> Findings {
        let mut findings = Findings { stored: stored.rows.len() as u64, ..Findings::default() };
        let mut known = 0;
        // Repeats that must have been filed, and that may.
        let (mut repeats_min, mut repeats_max) = (0, 0);
        for envelope in &self.envelopes {
            let events = envelope.ids.len() as u64;
            let event = |id: &Id| (envelope.project, *id);
            let rows: Vec<u64> = envelope.ids.iter().map(|id| stored.of(event(id))).collect();
            known += rows.iter().filter(|rows| **rows > 0).count() as u64;
            // What retention has removed was there.
            let was_there = |(id, rows): &(&Id, &u64)| **rows > 0 || self.over_age.contains(&event(id));
            let present = envelope.ids.iter().zip(&rows).filter(was_there).count() as u64;
            if envelope.acknowledged > 0 {
                findings.acknowledged += events;
                findings.repeats_sent += events * (envelope.acknowledged - 1);
            }
            if let Some(what) = envelope.difference(present, &rows) {
                findings.differences.push(format!("{what}: project {}, {}", envelope.project, hex(&envelope.ids[0])));
            }
            if present > 0 {
                repeats_min += events * envelope.acknowledged.saturating_sub(1);
                repeats_max += events * (envelope.acknowledged + envelope.unanswered).saturating_sub(1);
            }
        }
        let invented = findings.stored - known;
        findings.must(invented == 0, || format!("{invented} events are stored that were never sent"));
        findings.repeats_refused = stored.ledger_repeats;
        findings.must((repeats_min..=repeats_max).contains(&stored.ledger_repeats), || {
            let counted = stored.ledger_repeats;
            format!("the ledger counts {counted} repeats, and {repeats_min} to {repeats_max} were sent")
        });
        findings.books(stored);
        findings
    }
}

impl Envelope {
    fn difference(&self, present: u64, rows: &[u64]) -> Option<&'static str> {
        if rows.iter().any(|rows| *rows > 1) {
            Some("stored more than once")
        } else if self.acknowledged > 0 && present < self.ids.len() as u64 {
            Some("acknowledged and lost")
        } else if present > 0 && present < self.ids.len() as u64 {
            Some("stored in part")
        } else if present > 0 && self.acknowledged + self.unanswered == 0 {
            Some("refused and stored all the same")
        } else {
            None
        }
    }
}

impl Stored {
    fn of(&self, event: (i64, Id)) -> u64 {
        self.rows.get(&event).copied().unwrap_or_default()
    }
}

impl Findings {
    fn must(&mut self, holds: bool, sentence: impl FnOnce() -> String) {
        if !holds {
            self.differences.push(sentence());
        }
    }

    /// Rows, ledger and journal count the same events.
    fn books(&mut self, stored: &Stored) {
        let rows = stored.rows.values().sum::<u64>() + stored.expired;
        self.must(stored.ledger_stored == rows, || {
            format!("the ledger says that {} events were stored, and {rows} are there or expired", stored.ledger_stored)
        });
        self.must(stored.quarantined == 0, || format!("{} records were put aside", stored.quarantined));
        self.must(stored.ledger_other.is_empty(), || format!("unexpected outcomes: {:?}", stored.ledger_other));
        let outcomes = stored.ledger_stored + stored.ledger_repeats;
        self.must(stored.filed == outcomes, || {
            format!("{} records were filed, and the ledger knows of {outcomes}", stored.filed)
        });
        self.must(stored.filed == stored.positions, || {
            format!("the journal gave {} positions, and {} were filed", stored.positions, stored.filed)
        });
    }
}

/// An id as its digits.
pub fn hex(id: &Id) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three envelopes: acknowledged twice, unanswered, refused.
    fn books() -> Books {
        let mut books = Books::default();
        for (first, answers) in [
            (1, &[Answer::Acknowledged, Answer::Unanswered, Answer::Acknowledged][..]),
            (3, &[Answer::Unanswered][..]),
            (5, &[Answer::Refused][..]),
        ] {
            let envelope = books.open(7, vec![[first; 16], [first + 1; 16]]);
            answers.iter().for_each(|answer| books.settle(envelope, *answer));
        }
        books
    }

    fn stored(ids: &[u8], repeats: u64) -> Stored {
        let filed = ids.len() as u64 + repeats;
        Stored {
            rows: ids.iter().map(|id| ((7, [*id; 16]), 1)).collect(),
            filed,
            positions: filed,
            ledger_stored: ids.len() as u64,
            ledger_repeats: repeats,
            ..Stored::default()
        }
    }

    fn differences(stored: &Stored) -> String {
        books().compare(stored).differences.join("; ")
    }

    #[test]
    fn what_may_be_is_no_difference() {
        for (ids, repeats) in [(&[1, 2][..], 2), (&[1, 2][..], 4), (&[1, 2, 3, 4][..], 2)] {
            let findings = books().compare(&stored(ids, repeats));
            assert_eq!(findings.differences, Vec::<String>::new());
            assert_eq!((findings.acknowledged, findings.repeats_sent), (2, 2));
        }
    }

    #[test]
    fn what_must_not_be_is_told() {
        for (ids, repeats, told) in [
            (&[1][..], 2, "acknowledged and lost"),
            (&[1, 2, 3][..], 2, "stored in part"),
            (&[1, 2, 5, 6][..], 2, "refused and stored"),
            (&[1, 2, 99][..], 2, "1 events are stored that were never sent"),
            (&[1, 2][..], 0, "0 repeats, and 2 to 4"),
            (&[1, 2][..], 5, "5 repeats, and 2 to 4"),
        ] {
            let found = differences(&stored(ids, repeats));
            assert!(found.contains(told), "{ids:?} {repeats}: {found}");
        }
        let mut twice = stored(&[1, 2], 2);
        twice.rows.insert((7, [1; 16]), 2);
        assert!(differences(&twice).contains("more than once"));
    }

    #[test]
    fn what_retention_removes_is_not_lost() {
        let mut books = books();
        books.over_age.insert((7, [2; 16]));
        let expired = Stored { ledger_stored: 2, filed: 4, positions: 4, expired: 1, ..stored(&[1], 2) };
        assert_eq!(books.compare(&expired).differences, Vec::<String>::new());
        let uncounted = Stored { expired: 0, ..expired };
        assert!(books.compare(&uncounted).differences[0].contains("2 events were stored, and 1 are there or expired"));
    }

    #[test]
    fn books_that_do_not_balance_are_told() {
        let good = || stored(&[1, 2], 2);
        for (wrong, told) in [
            (Stored { filed: 5, positions: 5, ..good() }, "5 records were filed, and the ledger knows of 4"),
            (Stored { positions: 6, ..good() }, "gave 6 positions, and 4 were filed"),
            (Stored { quarantined: 1, ..good() }, "put aside"),
            (Stored { ledger_stored: 3, ..good() }, "says that 3 events were stored, and 2 are there"),
        ] {
            let found = differences(&wrong);
            assert!(found.contains(told), "{found}");
        }
    }
}
