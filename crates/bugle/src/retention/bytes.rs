//! By bytes: a project within its own bound, the database within the server's.
//!
//! **Who loses.** When the database is over, what is too much is taken from the biggest projects, each down to the same level,
//! and of each its oldest events first. So a project never loses anything for another that is bigger: a loud one pays for
//! itself, and a small one keeps its whole retention. The oldest of all, whoever's they are, would do the reverse: a burst of
//! one project would push the history of every quiet one out.
//!
//! **What is too much.** The database is measured by its live pages. It comes down to a twentieth below the bound, so that the
//! next event does not start it again. Pages come free only when all their rows have gone, so a round may not suffice; the next
//! measures anew. Counters of issues stay when events go and may grow beyond any bound: events are therefore not taken below
//! half of it, and [`Done::is_over`](super::Done::is_over) says so.

use super::{PAGE_ROWS, Round, attachment, remove_events};
use crate::storage::bounds::Bounds;
use crate::storage::{self, ROW_BYTES, Size};
use bugle_db::{DbError, params};
use std::collections::BTreeMap;

/// Removes what is over. How many events.
pub(super) fn remove(
    round: &mut Round<'_>,
    bounds: &BTreeMap<i64, Bounds>,
    store_bytes_max: i64,
    is_over: &mut bool,
) -> Result<i64, DbError> {
    if store_bytes_max == 0 && bounds.values().all(|bounds| bounds.bytes_max == 0) {
        return Ok(0);
    }
    let (sizes, live_bytes) = round.db.read_now(|tx| Ok((storage::of_projects(tx)?, tx.live_bytes()?)))?;
    let mut needs = own(&sizes, bounds);
    if store_bytes_max > 0 && live_bytes > store_bytes_max {
        let all: i64 = sizes.values().map(|size| size.bytes()).sum();
        let excess = live_bytes - (store_bytes_max - store_bytes_max / 20);
        let room = (all - store_bytes_max / 2).max(0);
        *is_over = room < excess;
        for (project, bytes) in shares(&sizes, excess.min(room)) {
            let need = needs.entry(project).or_default();
            *need = bytes.max(*need);
        }
    }
    walk(round, needs)
}

/// What projects are over bounds of their own.
fn own(sizes: &BTreeMap<i64, Size>, bounds: &BTreeMap<i64, Bounds>) -> BTreeMap<i64, i64> {
    let over = |(project, size): (&i64, &Size)| {
        let max = bounds.get(project).map(|bounds| bounds.bytes_max).filter(|max| *max > 0)?;
        Some((*project, (size.bytes() - max).min(size.event_bytes() + size.attached_bytes())))
            .filter(|(_, bytes)| *bytes > 0)
    };
    sizes.iter().filter_map(over).collect()
}

/// How much each project gives of `excess` bytes, so that the biggest come down to one level.
fn shares(sizes: &BTreeMap<i64, Size>, excess: i64) -> BTreeMap<i64, i64> {
    let mut biggest: Vec<(i64, i64)> = sizes.iter().map(|(project, size)| (size.bytes(), *project)).collect();
    biggest.sort_unstable_by(|one, other| other.cmp(one));
    let (mut above, mut level) = (0, 0);
    for (at, (bytes, _)) in biggest.iter().enumerate() {
        above += bytes;
        let next = biggest.get(at + 1).map_or(0, |(bytes, _)| *bytes);
        // With this many projects brought down, all of the excess is found at or above the next one's size.
        level = (above - excess).max(0) / (at as i64 + 1);
        if level >= next {
            break;
        }
    }
    let share = |(bytes, project): (i64, i64)| (project, bytes - level);
    biggest.into_iter().map(share).filter(|(_, bytes)| excess > 0 && *bytes > 0).collect()
}

/// Walks from the oldest row on and takes rows of projects until each has given what it must.
fn walk(round: &mut Round<'_>, mut needs: BTreeMap<i64, i64>) -> Result<i64, DbError> {
    let (mut after, mut count) = (0, 0);
    while needs.values().any(|need| *need > 0) {
        let page = round.db.read_now(move |tx| {
            let rows = tx.query(
                "SELECT e.id, e.project, CAST(LENGTH(e.payload) + COALESCE((SELECT SUM(a.stored_bytes) FROM attachments a \
                 WHERE a.project = e.project AND a.event_id = e.event_id), 0) AS BIGINT) \
                 FROM events e WHERE e.id > $1 ORDER BY e.id LIMIT $2",
                params![after, PAGE_ROWS],
            )?;
            rows.iter()
                .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .collect::<Result<Vec<(i64, i64, i64)>, DbError>>()
        })?;
        let Some(&(last, ..)) = page.last() else { break };
        let mut rows: Vec<i64> = Vec::new();
        for (id, project, bytes) in page {
            if let Some(need) = needs.get_mut(&project).filter(|need| **need > 0) {
                *need -= bytes + ROW_BYTES;
                rows.push(id);
            }
        }
        let (removed, goes_on) = remove_events(round, &rows)?;
        count += removed;
        if !goes_on {
            return Ok(count);
        }
        after = last;
    }
    // What no event is left for.
    attachment::remove_bytes(round, needs)?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(bytes: &[i64]) -> BTreeMap<i64, Size> {
        (1..).zip(bytes).map(|(project, bytes)| (project, Size { payload_bytes: *bytes, ..Size::default() })).collect()
    }

    #[test]
    fn the_biggest_come_down_to_one_level() {
        for (bytes, excess, given) in [
            (&[100, 50, 10][..], 20, vec![(1, 20)]),
            (&[100, 50, 10], 70, vec![(1, 60), (2, 10)]),
            (&[100, 50, 10], 130, vec![(1, 90), (2, 40)]),
            (&[100, 50, 10], 145, vec![(1, 95), (2, 45), (3, 5)]),
            (&[100, 100], 50, vec![(1, 25), (2, 25)]),
            (&[100, 50], 1_000, vec![(1, 100), (2, 50)]),
            (&[100, 50], 0, vec![]),
            (&[], 10, vec![]),
        ] {
            assert_eq!(shares(&sizes(bytes), excess).into_iter().collect::<Vec<_>>(), given, "{bytes:?} {excess}");
        }
    }
}
