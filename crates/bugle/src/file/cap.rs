//! The cap: after so many payloads of one issue in one hour, further events are counted everywhere and not kept.
//!
//! Events, people, tags, buckets, state and alerts go on exactly; only the payload is let go, with the outcome
//! `discarded`, reason `issue_cap`. The cap is the project's own, else the server's. Beyond the cap up to a tenth of it is
//! kept all the same: events that bring a tag value which the issue has not had. Nothing stored is evicted for them. The
//! hour is that of receipt, so a device that delivers a week's events at once is capped too.

use super::{Memory, Rollups, Work};
use crate::outcome::HOUR_MS;
use bugle_db::{DbError, Tx, params};
use std::collections::BTreeMap;

/// Whether the payload of this event is kept. Counts it either way.
pub(super) fn keeps(
    tx: &mut Tx<'_>,
    memory: &mut Memory,
    rollups: &Rollups<'_>,
    issue: i64,
    work: &Work,
) -> Result<bool, DbError> {
    let cap = memory.issue_cap_per_hour(work.record.project);
    let hour = work.record.received_ms / HOUR_MS;
    let kept = memory.kept(tx, issue, hour)?;
    let is_rare = match kept.kept < cap {
        true => false,
        false if kept.rare < cap / 10 && brings_news(tx, rollups, issue, work)? => true,
        false => {
            forget(tx, memory, issue, work)?;
            return Ok(false);
        }
    };
    memory.keep(issue, hour, is_rare);
    Ok(true)
}

/// Whether a tag has a value that no event of the issue has had. Tags with a value per event are no news.
fn brings_news(tx: &mut Tx<'_>, rollups: &Rollups<'_>, issue: i64, work: &Work) -> Result<bool, DbError> {
    for (tag, value) in &work.digest.tags {
        if rollups.has_tag(issue, tag, value) {
            continue;
        }
        let known = tx.first(
            "SELECT 1 FROM issue_tags WHERE issue = $1 AND tag = $2 AND value = $3 LIMIT 1",
            params![issue, tag, value],
        )?;
        if known.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Remembers the id for a day, so that a repeat is not counted again.
fn forget(tx: &mut Tx<'_>, memory: &mut Memory, issue: i64, work: &Work) -> Result<(), DbError> {
    memory.remember_capped(work.record.project);
    tx.execute(
        "INSERT INTO capped_events (project, event_id, at_ms, issue) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        params![work.record.project, &work.record.event_id.0, work.record.received_ms, issue],
    )
    .map(drop)
}

/// What a batch has capped, so that the ledger can name the issues: by project, hour of receipt and issue.
#[derive(Debug, Default)]
pub(super) struct Capped(BTreeMap<(i64, i64, i64), i64>);

impl Capped {
    /// One more event was counted and not kept.
    pub(super) fn add(&mut self, issue: i64, work: &Work) {
        *self.0.entry((work.record.project, work.record.received_ms / HOUR_MS, issue)).or_default() += 1;
    }

    /// Written once per batch.
    pub(super) fn write(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        for ((project, hour, issue), events) in &self.0 {
            tx.execute(
                "INSERT INTO capped_hours (project, hour, issue, events) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (project, hour, issue) DO UPDATE SET events = capped_hours.events + excluded.events",
                params![*project, *hour, *issue, *events],
            )?;
        }
        Ok(())
    }
}
