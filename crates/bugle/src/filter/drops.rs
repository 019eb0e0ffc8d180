//! Drops: how many events each filter has dropped, per day, and when the last one was.
//!
//! Summed in memory and written with the door's books ([`crate::outcome::Entries`]), each second and in one transaction, so
//! that they agree with the ledger: the drops of a project and day are its `filtered` events of that day. Kept for
//! [`DAYS_KEPT`].

use super::name;
use bugle_db::{DbError, Tx, params};
use bugle_event::filter::By;
use std::collections::{BTreeMap, HashMap};

/// How long drops are counted, in days: as far as the ledger page looks back.
pub const DAYS_KEPT: i64 = 92;
/// How far back a page tells of them, in days.
pub const DAYS_SHOWN: i64 = 14;

const DAY_MS: i64 = 86_400_000;

/// Sums that wait to be written: events and the time of the last, by project, filter and day.
#[derive(Debug, Default)]
pub struct Sums(HashMap<(i64, By, i64), (i64, i64)>);

impl Sums {
    /// An event of a project, which came at `received_ms`, was dropped.
    pub fn add(&mut self, project: i64, by: By, received_ms: i64) {
        self.add_many((project, by, received_ms.div_euclid(DAY_MS)), (1, received_ms));
    }

    fn add_many(&mut self, place: (i64, By, i64), (quantity, last_ms): (i64, i64)) {
        let sum = self.0.entry(place).or_default();
        *sum = (sum.0 + quantity, sum.1.max(last_ms));
    }

    /// Adds everything of another.
    pub fn merge(&mut self, other: Sums) {
        for (place, sum) in other.0 {
            self.add_many(place, sum);
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds everything to the table. A project that was deleted meanwhile has no drops any more.
    pub fn write(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        for (&(project, by, day), &(quantity, last_ms)) in &self.0 {
            tx.execute(
                "INSERT INTO filter_drops (project, filter, day, quantity, last_ms) \
                 SELECT id, CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS BIGINT) \
                 FROM projects WHERE id = $1 ON CONFLICT (project, filter, day) DO UPDATE SET \
                 quantity = filter_drops.quantity + excluded.quantity, last_ms = CASE \
                 WHEN excluded.last_ms > filter_drops.last_ms THEN excluded.last_ms ELSE filter_drops.last_ms END",
                params![project, &name(by), day, quantity, last_ms],
            )?;
        }
        Ok(())
    }
}

/// What one filter has dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Events within [`DAYS_SHOWN`] days.
    pub lately: i64,
    /// When the last one came, Unix ms.
    pub last_ms: i64,
}

/// What the filters of a project have dropped, by their names ([`name`]).
pub fn of_project(tx: &mut Tx<'_>, project: i64, now_ms: i64) -> Result<BTreeMap<String, Dropped>, DbError> {
    let rows = tx.query(
        "SELECT filter, CAST(SUM(CASE WHEN day > $2 THEN quantity ELSE 0 END) AS BIGINT), MAX(last_ms) \
         FROM filter_drops WHERE project = $1 GROUP BY filter ORDER BY filter",
        params![project, now_ms.div_euclid(DAY_MS) - DAYS_SHOWN],
    )?;
    rows.iter().map(|row| Ok((row.get(0)?, Dropped { lately: row.get(1)?, last_ms: row.get(2)? }))).collect()
}

/// What a filter of a project has dropped, by day, the newest first: days since 1970 and events.
pub fn by_day(tx: &mut Tx<'_>, project: i64, filter: &str) -> Result<Vec<(i64, i64)>, DbError> {
    let rows = tx.query(
        "SELECT day, quantity FROM filter_drops WHERE project = $1 AND filter = $2 ORDER BY day DESC LIMIT $3",
        params![project, filter, DAYS_KEPT],
    )?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}
