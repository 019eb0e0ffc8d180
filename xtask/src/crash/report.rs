//! What a run found, as a table.

use super::books::Findings;
use std::time::Duration;

/// How a phase ended.
#[derive(Debug)]
pub enum Verdict {
    /// Everything held; a remark.
    Good(String),
    /// It could not be run here; why.
    NotRun(String),
    /// Something did not hold.
    Bad(Vec<String>),
}

/// Everything a run found.
#[derive(Debug, Default)]
pub struct Report {
    /// Servers that were killed.
    pub kills: u32,
    /// Of them: while they made a new database.
    pub kills_at_birth: u32,
    /// Of them: while they started and filed what they found.
    pub kills_at_start: u32,
    /// Of them: right after an acknowledgement.
    pub kills_after_answer: u32,
    /// Of them: while they stopped, which ends with a checkpoint.
    pub kills_at_stop: u32,
    /// Starts that found something to file in the journal.
    pub replays: u32,
    /// What they found, in all.
    pub replayed: u64,
    /// The longest from a start to the first connection.
    pub slowest_start: Duration,
    /// The last comparison of the directory that was served all the time.
    pub findings: Findings,
    phases: Vec<(String, Verdict)>,
}

impl Report {
    /// A phase has ended.
    pub fn phase(&mut self, name: impl Into<String>, verdict: Verdict) {
        self.phases.push((name.into(), verdict));
    }

    /// Whether everything held.
    pub fn is_good(&self) -> bool {
        !self.phases.iter().any(|(_, verdict)| matches!(verdict, Verdict::Bad(_)))
    }

    /// The table.
    pub fn table(&self) -> String {
        let Findings { acknowledged, stored, repeats_sent, repeats_refused, .. } = &self.findings;
        let kinds = format!(
            "{} at birth, {} at a start, {} at a stop, {} right after an answer",
            self.kills_at_birth, self.kills_at_start, self.kills_at_stop, self.kills_after_answer
        );
        let replays = format!("in {} of the starts", self.replays);
        let mut text = String::from("\n");
        for (name, value, note) in [
            ("kills", self.kills.to_string(), kinds.as_str()),
            ("acknowledged", acknowledged.to_string(), "events of envelopes that were answered 200"),
            ("stored", stored.to_string(), "rows: more by answers that were cut off, fewer by retention"),
            ("repeats sent", repeats_sent.to_string(), "events of envelopes that were acknowledged before"),
            ("repeats refused", repeats_refused.to_string(), "by the ledger, those among cut-off answers included"),
            ("replayed", self.replayed.to_string(), replays.as_str()),
            ("slowest start", format!("{} ms", self.slowest_start.as_millis()), "from the program's start to ready"),
        ] {
            text.push_str(&format!("{name:<16} {value:>10}  {note}\n"));
        }
        text.push('\n');
        for (name, verdict) in &self.phases {
            match verdict {
                Verdict::Good(remark) => text.push_str(&format!("{name:<34} held      {remark}\n")),
                Verdict::NotRun(why) => text.push_str(&format!("{name:<34} not run   {why}\n")),
                Verdict::Bad(found) => {
                    text.push_str(&format!("{name:<34} FAILED    {} differences\n", found.len()));
                    found.iter().take(20).for_each(|what| text.push_str(&format!("    {what}\n")));
                }
            }
        }
        text
    }
}

/// A verdict that is good when nothing was found.
pub fn verdict(differences: Vec<String>, remark: String) -> Verdict {
    if differences.is_empty() { Verdict::Good(remark) } else { Verdict::Bad(differences) }
}
