//! Events by release: how many of each came in which hour and environment, and when it was last heard of.
//!
//! Events that are counted and not kept count here too. Summed over the batch and written once per release and hour.

use crate::outcome::HOUR_MS;
use bugle_db::{DbError, Param, Tx};
use std::collections::BTreeMap;

/// What a batch says of releases.
#[derive(Debug, Default)]
pub(super) struct Releases {
    /// (project, hour, release, environment) → events.
    hours: BTreeMap<(i64, i64, i64, i64), i64>,
    /// Release → when it was last heard of, Unix ms.
    last_ms: BTreeMap<i64, i64>,
}

impl Releases {
    /// One event; `release` is 0 for none.
    pub(super) fn add_event(&mut self, project: i64, release: i64, environment: i64, at_ms: i64) {
        if release != 0 {
            *self.hours.entry((project, at_ms.div_euclid(HOUR_MS), release, environment)).or_default() += 1;
            self.hear(release, at_ms);
        }
    }

    /// Something was heard of a release.
    pub(super) fn hear(&mut self, release: i64, at_ms: i64) {
        let last_ms = self.last_ms.entry(release).or_insert(at_ms);
        *last_ms = at_ms.max(*last_ms);
    }

    /// Writes the sums.
    pub(super) fn write(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        let rows: Vec<[Param<'_>; 5]> = self
            .hours
            .iter()
            .map(|(&(project, hour, release, environment), &events)| {
                [project.into(), hour.into(), release.into(), environment.into(), events.into()]
            })
            .collect();
        tx.execute_each(
            "INSERT INTO release_hours (project, hour, release_id, environment, events) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (project, hour, release_id, environment) \
             DO UPDATE SET events = release_hours.events + excluded.events",
            &rows,
        )?;
        let rows: Vec<[Param<'_>; 2]> =
            self.last_ms.iter().map(|(&release, &last_ms)| [release.into(), last_ms.into()]).collect();
        tx.execute_each("UPDATE releases SET last_ms = $2 WHERE id = $1 AND last_ms < $2", &rows)?;
        Ok(())
    }
}
