//! Tags: an event's tags as one interned set and a few that are counted by themselves.
//!
//! Owns: which tags belong into sets, the sets, and what an issue's tags are counted by. Counting each of fifteen tags
//! for each event would cost as many rows; but most events of an issue have the same tags as another, so one row per
//! issue and *set* counts them all.
//!
//! **Invariants**
//! * Each tag of an event is counted once: in its set, or, if the tag is *wide*, by its value.
//! * A tag becomes wide in a project when it has brought [`NARROW_VALUES_MAX`] values, and stays so. What was counted in
//!   sets until then remains there; pages read the sum of both (the view `issue_tags`).
//! * An issue has at most [`SETS_MAX`] sets; the tags of what comes beyond are counted by value too. So reading an
//!   issue's tags is bounded, whatever an application does.
//! * A wide tag has at most [`VALUES_MAX`] values by name in an issue; what comes beyond is counted under [`OTHER`].

use super::memory::Memory;
use super::rollup::Sum;
use crate::issue::tags::{OTHER, VALUES_MAX};
use bugle_db::{DbError, Tx, params};
use std::collections::{BTreeMap, HashSet};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Values of one tag in a project's sets; a tag with more is counted by itself.
pub const NARROW_VALUES_MAX: usize = 64;

/// Sets of one issue.
pub const SETS_MAX: i64 = 500;

/// What is known of a tag in a project.
#[derive(Debug, Clone)]
pub(super) enum Width {
    /// It is part of sets; hashes of the values it has had.
    Narrow(HashSet<u64>),
    /// It is counted by itself.
    Wide,
}

/// An event's tags, parted.
#[derive(Debug, Clone, Default)]
pub(super) struct Parted {
    /// The set of its narrow tags.
    pub(super) set: i64,
    /// Which of its tags are wide.
    pub(super) wide: Vec<usize>,
}

/// Parts an event's tags and interns their set.
pub(super) fn part(
    tx: &mut Tx<'_>,
    memory: &mut Memory,
    project: i64,
    tags: &[(String, String)],
) -> Result<Parted, DbError> {
    loop {
        let mut parted = Parted::default();
        let mut narrow: Vec<usize> = Vec::with_capacity(tags.len());
        for (at, (tag, _)) in tags.iter().enumerate() {
            match memory.width(tx, project, tag)? {
                Width::Narrow(_) => narrow.push(at),
                Width::Wide => parted.wide.push(at),
            }
        }
        // SDKs send maps: the order of keys says nothing.
        narrow.sort_unstable_by(|&a, &b| tags[a].0.cmp(&tags[b].0));
        let hash = hash(narrow.iter().map(|&at| &tags[at]));
        if let Some(set) = memory.tag_set(project, &hash) {
            return Ok(Parted { set, ..parted });
        }
        if !learn_values(tx, memory, project, narrow.iter().map(|&at| &tags[at]))? {
            // A tag has become wide just now.
            continue;
        }
        parted.set = intern(tx, project, &hash, narrow.iter().map(|&at| &tags[at]))?;
        memory.remember_tag_set(project, hash, parted.set);
        return Ok(parted);
    }
}

/// What a tag is in a project, from the database.
pub(super) fn width(tx: &mut Tx<'_>, project: i64, tag: &str) -> Result<Width, DbError> {
    let wide = tx.first("SELECT 1 FROM wide_tags WHERE project = $1 AND tag = $2", params![project, tag])?;
    if wide.is_some() {
        return Ok(Width::Wide);
    }
    let rows = tx.query("SELECT value FROM tag_values WHERE project = $1 AND tag = $2", params![project, tag])?;
    let values = rows.iter().map(|row| row.get::<String>(0).map(|value| xxh3_64(value.as_bytes())));
    values.collect::<Result<_, _>>().map(Width::Narrow)
}

fn hash<'t>(tags: impl Iterator<Item = &'t (String, String)>) -> [u8; 16] {
    let mut hasher = Xxh3::new();
    for (tag, value) in tags {
        for text in [tag, value] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }
    hasher.digest128().to_le_bytes()
}

/// Notes values that are new. False when that made a tag wide.
fn learn_values<'t>(
    tx: &mut Tx<'_>,
    memory: &mut Memory,
    project: i64,
    tags: impl Iterator<Item = &'t (String, String)>,
) -> Result<bool, DbError> {
    let mut all_narrow = true;
    for (tag, value) in tags {
        let Width::Narrow(values) = memory.width(tx, project, tag)? else { continue };
        if !values.insert(xxh3_64(value.as_bytes())) {
            continue;
        }
        if values.len() > NARROW_VALUES_MAX {
            tx.execute(
                "INSERT INTO wide_tags (project, tag) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                params![project, tag],
            )?;
            tx.execute("DELETE FROM tag_values WHERE project = $1 AND tag = $2", params![project, tag])?;
            *memory.width(tx, project, tag)? = Width::Wide;
            all_narrow = false;
        } else {
            tx.execute(
                "INSERT INTO tag_values (project, tag, value) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                params![project, tag, value],
            )?;
        }
    }
    Ok(all_narrow)
}

fn intern<'t>(
    tx: &mut Tx<'_>,
    project: i64,
    hash: &[u8; 16],
    tags: impl Iterator<Item = &'t (String, String)>,
) -> Result<i64, DbError> {
    let known = tx.first("SELECT id FROM tag_sets WHERE project = $1 AND hash = $2", params![project, hash])?;
    if let Some(row) = known {
        return row.get(0);
    }
    let id = tx.next_id("tag_sets")?;
    tx.execute("INSERT INTO tag_sets (id, project, hash) VALUES ($1, $2, $3)", params![id, project, hash])?;
    for (tag, value) in tags {
        tx.execute("INSERT INTO tag_set_values (tag_set, tag, value) VALUES ($1, $2, $3)", params![id, tag, value])?;
    }
    Ok(id)
}

/// Counts a set in an issue. False when the issue has too many: then its tags are to be counted by value.
pub(super) fn add_set(tx: &mut Tx<'_>, issue: i64, set: i64, environment: i64, sum: Sum) -> Result<bool, DbError> {
    let changed = tx.execute(
        "UPDATE issue_tag_sets SET events = events + $4, \
           first_ms = CASE WHEN $5 < first_ms THEN $5 ELSE first_ms END, \
           last_ms = CASE WHEN $6 > last_ms THEN $6 ELSE last_ms END \
         WHERE issue = $1 AND tag_set = $2 AND environment = $3",
        params![issue, set, environment, sum.events, sum.first_ms, sum.last_ms],
    )?;
    if changed > 0 {
        return Ok(true);
    }
    if tx.one::<i64>("SELECT COUNT(*) FROM issue_tag_sets WHERE issue = $1", params![issue])? >= SETS_MAX {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO issue_tag_sets (issue, tag_set, environment, events, first_ms, last_ms) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![issue, set, environment, sum.events, sum.first_ms, sum.last_ms],
    )?;
    Ok(true)
}

/// Counts values of tags in an issue, by (tag, value, environment).
pub(super) fn add_values(
    tx: &mut Tx<'_>,
    memory: &mut Memory,
    issue: i64,
    sums: &BTreeMap<(&str, &str, i64), Sum>,
) -> Result<(), DbError> {
    let mut beyond: BTreeMap<(&str, i64), Sum> = BTreeMap::new();
    for (&(tag, value, environment), &sum) in sums {
        if raise(tx, issue, (tag, value), environment, sum)? {
            continue;
        }
        if has_room(tx, memory, issue, tag)? {
            insert(tx, issue, (tag, value), environment, sum)?;
        } else {
            beyond.entry((tag, environment)).or_insert(Sum::NOTHING).join(sum);
        }
    }
    for ((tag, environment), sum) in beyond {
        if !raise(tx, issue, (tag, OTHER), environment, sum)? {
            insert(tx, issue, (tag, OTHER), environment, sum)?;
        }
    }
    Ok(())
}

/// Whether one more value of a tag is counted by name. Rows are not removed while their issue is there, so what is
/// full stays full.
fn has_room(tx: &mut Tx<'_>, memory: &mut Memory, issue: i64, tag: &str) -> Result<bool, DbError> {
    if memory.is_full(issue, tag) {
        return Ok(false);
    }
    let values: i64 =
        tx.one("SELECT COUNT(*) FROM issue_tag_values WHERE issue = $1 AND tag = $2", params![issue, tag])?;
    if values >= VALUES_MAX {
        memory.remember_full(issue, tag);
    }
    Ok(values < VALUES_MAX)
}

fn raise(tx: &mut Tx<'_>, issue: i64, (tag, value): (&str, &str), environment: i64, sum: Sum) -> Result<bool, DbError> {
    let changed = tx.execute(
        "UPDATE issue_tag_values SET events = events + $5, \
           first_ms = CASE WHEN $6 < first_ms THEN $6 ELSE first_ms END, \
           last_ms = CASE WHEN $7 > last_ms THEN $7 ELSE last_ms END \
         WHERE issue = $1 AND tag = $2 AND value = $3 AND environment = $4",
        params![issue, tag, value, environment, sum.events, sum.first_ms, sum.last_ms],
    )?;
    Ok(changed > 0)
}

fn insert(tx: &mut Tx<'_>, issue: i64, (tag, value): (&str, &str), environment: i64, sum: Sum) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO issue_tag_values (issue, tag, value, environment, events, first_ms, last_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![issue, tag, value, environment, sum.events, sum.first_ms, sum.last_ms],
    )
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::Work;
    use super::super::tests::{Bench, NOW_MS};
    use super::*;
    use bugle_event::EventId;
    use bugle_event::group::Kind;

    bugle_db::on_postgres_too![
        events_with_the_same_tags_share_one_row_whatever_their_order,
        a_tag_with_many_values_leaves_the_sets_and_every_event_still_counts,
        an_issue_with_too_many_sets_counts_by_value,
    ];

    fn work(bench: &mut Bench, at: usize, tags: &[(&str, String)]) -> Work {
        let mut work = bench.work(1, &[(Kind::Full, 1)], NOW_MS);
        work.record.event_id = EventId((at as u128 + 1).to_le_bytes());
        work.digest.tags = tags.iter().map(|(tag, value)| (tag.to_string(), value.clone())).collect();
        work
    }

    /// Events per tag, as pages read them.
    fn events_of(bench: &Bench, tag: &'static str) -> i64 {
        let sql = "SELECT CAST(COALESCE(SUM(events), 0) AS BIGINT) FROM issue_tags WHERE issue = 1 AND tag = $1";
        bench.store.blocking().read_now(move |tx| tx.one(sql, params![tag])).expect("a number")
    }

    #[test]
    fn events_with_the_same_tags_share_one_row_whatever_their_order() {
        let mut bench = Bench::new();
        let (level, region) = (("level", "error".to_string()), ("region", "eu".to_string()));
        let first = work(&mut bench, 1, &[level.clone(), region.clone()]);
        let second = work(&mut bench, 2, &[region, level]);
        bench.file(vec![first]);
        bench.file(vec![second]);
        assert_eq!(
            (bench.one("SELECT COUNT(*) FROM tag_sets"), bench.one("SELECT COUNT(*) FROM issue_tag_sets")),
            (1, 1)
        );
        assert_eq!((events_of(&bench, "level"), events_of(&bench, "region")), (2, 2));
        assert_eq!(bench.one("SELECT COUNT(DISTINCT tag_set) FROM events"), 1);
    }

    #[test]
    fn a_tag_with_many_values_leaves_the_sets_and_every_event_still_counts() {
        let mut bench = Bench::new();
        let count = NARROW_VALUES_MAX + 40;
        for at in 0..count {
            let work = work(&mut bench, at, &[("level", "error".into()), ("url", format!("/order/{at}"))]);
            bench.file(vec![work]);
        }
        assert_eq!(bench.one("SELECT COUNT(*) FROM wide_tags WHERE tag = 'url'"), 1);
        assert_eq!(bench.one("SELECT COUNT(*) FROM wide_tags"), 1);
        assert!(bench.one("SELECT COUNT(*) FROM tag_sets") <= NARROW_VALUES_MAX as i64 + 2);
        assert_eq!(bench.one("SELECT COUNT(*) FROM tag_values WHERE tag = 'url'"), 0, "no longer needed");
        assert_eq!((events_of(&bench, "level"), events_of(&bench, "url")), (count as i64, count as i64));
        // A process that starts knows what the one before it knew.
        bench.memory = Memory::new(bench.memory.settings.clone());
        let again = work(&mut bench, count, &[("level", "error".into()), ("url", "/order/1".into())]);
        bench.file(vec![again]);
        assert_eq!(events_of(&bench, "url"), count as i64 + 1);
        assert_eq!(bench.one("SELECT COUNT(*) FROM wide_tags"), 1);
    }

    #[test]
    fn an_issue_with_too_many_sets_counts_by_value() {
        let mut bench = Bench::new();
        let count = SETS_MAX as usize + 30;
        let works = (0..count)
            .map(|at| {
                let tag = |by: usize| (at / by % 10).to_string();
                work(&mut bench, at, &[("a", tag(1)), ("b", tag(10)), ("c", tag(100))])
            })
            .collect();
        bench.file(works);
        assert_eq!(bench.one("SELECT COUNT(*) FROM issue_tag_sets"), SETS_MAX);
        assert_eq!(bench.one("SELECT COUNT(*) FROM wide_tags"), 0);
        for tag in ["a", "b", "c"] {
            assert_eq!(events_of(&bench, tag), count as i64, "{tag}");
        }
    }
}
