//! Counters: summed over a batch in memory, then written once per issue and bucket.

use super::tags::{self, Parted};
use super::{Memory, Work};
use crate::alert::enqueue::{Cause, News};
use crate::issue::series::BUCKET_MS;
use crate::live::Fact;
use crate::process::digest::Digest;
use bugle_db::{DbError, Param, Tx, params};
use std::collections::{BTreeMap, BTreeSet};

/// Events, and the span of time that they were in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum {
    pub(super) events: i64,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
}

impl Sum {
    /// Of no event.
    pub(super) const NOTHING: Sum = Sum { events: 0, first_ms: i64::MAX, last_ms: i64::MIN };

    /// Adds what another sum counts.
    pub(super) fn join(&mut self, other: Sum) {
        self.events += other.events;
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
    }
}

/// Where an event was filed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) issue: i64,
    /// 0: none.
    pub(super) environment: i64,
    /// 0: none.
    pub(super) release: i64,
}

/// What a batch adds to one issue.
#[derive(Debug)]
pub struct Addition<'b> {
    /// The project.
    pub project: i64,
    /// The newest event of the batch.
    pub newest: &'b Work,
    /// The release of the newest event that has one; 0: none.
    newest_release: i64,
    sum: Sum,
    capped: i64,
    is_unhandled: bool,
    /// (half hour, environment) → events.
    buckets: BTreeMap<(i64, i64), i64>,
    /// (person, environment) → first and last half hour.
    people: BTreeMap<(i64, i64), (i64, i64)>,
    /// (set, environment) → its sum, and an event that has it.
    sets: BTreeMap<(i64, i64), (Sum, &'b Work)>,
    /// (tag, value, environment) of wide tags.
    values: BTreeMap<(&'b str, &'b str, i64), Sum>,
}

impl<'b> Addition<'b> {
    fn new(work: &'b Work) -> Addition<'b> {
        Addition {
            project: work.record.project,
            newest: work,
            newest_release: 0,
            sum: Sum::NOTHING,
            capped: 0,
            is_unhandled: false,
            buckets: BTreeMap::new(),
            people: BTreeMap::new(),
            sets: BTreeMap::new(),
            values: BTreeMap::new(),
        }
    }

    /// The digest of the newest event.
    pub fn digest(&self) -> &'b Digest {
        &self.newest.digest
    }
}

/// What a batch adds, by issue. In order, so that two processes lock rows in the same one.
#[derive(Debug, Default)]
pub struct Rollups<'b>(pub(crate) BTreeMap<i64, Addition<'b>>);

impl<'b> Rollups<'b> {
    /// Adds one event, whether its payload is kept or not.
    pub(super) fn add(&mut self, place: Place, work: &'b Work, parted: &Parted, is_kept: bool) {
        let digest = &work.digest;
        let (at_ms, environment) = (digest.timestamp_ms, place.environment);
        let one = Sum { events: 1, first_ms: at_ms, last_ms: at_ms };
        let addition = self.0.entry(place.issue).or_insert_with(|| Addition::new(work));
        if at_ms >= addition.newest.digest.timestamp_ms {
            addition.newest = work;
            if place.release != 0 {
                addition.newest_release = place.release;
            }
        }
        addition.sum.join(one);
        addition.capped += i64::from(!is_kept);
        addition.is_unhandled |= digest.is_unhandled;
        let bucket = at_ms.div_euclid(BUCKET_MS);
        *addition.buckets.entry((bucket, environment)).or_default() += 1;
        if digest.person != 0 {
            let (first, last) = addition.people.entry((digest.person, environment)).or_insert((bucket, bucket));
            (*first, *last) = (bucket.min(*first), bucket.max(*last));
        }
        addition.sets.entry((parted.set, environment)).or_insert((Sum::NOTHING, work)).0.join(one);
        for &at in &parted.wide {
            let (tag, value) = &digest.tags[at];
            addition.values.entry((tag, value, environment)).or_insert(Sum::NOTHING).join(one);
        }
    }

    /// Whether an event of this batch has brought a tag's value to an issue.
    pub(super) fn has_tag(&self, issue: i64, tag: &str, value: &str) -> bool {
        let Some(addition) = self.0.get(&issue) else { return false };
        let is_it = |(known, its): &(String, String)| known == tag && its == value;
        addition.values.range((tag, value, i64::MIN)..=(tag, value, i64::MAX)).next().is_some()
            || addition.sets.values().any(|(_, work)| work.digest.tags.iter().any(is_it))
    }

    /// Writes everything and says what changed.
    pub(super) fn write(&self, tx: &mut Tx<'_>, memory: &mut Memory, news: &[News]) -> Result<Vec<Fact>, DbError> {
        let mut facts = Vec::with_capacity(self.0.len());
        for (&issue, addition) in &self.0 {
            write_buckets(tx, issue, addition)?;
            let people = write_people(tx, issue, addition)?;
            write_tags(tx, memory, issue, addition)?;
            let (events, people, last_ms) = write_issue(tx, issue, addition, people)?;
            let Some(project) = memory.project(tx, addition.project)? else { continue };
            let news = match news.iter().find(|news| news.issue == issue).map(|news| news.cause) {
                Some(Cause::New) => "new",
                Some(Cause::Regressed) => "regressed",
                _ => "",
            };
            let (organization, has_events) = (project.organization, project.has_events);
            facts.push(Fact::Issue { organization, project: addition.project, issue, events, people, last_ms, news });
            if !has_events {
                tx.execute(
                    "UPDATE projects SET first_event_ms = $2 WHERE id = $1 AND first_event_ms IS NULL",
                    params![addition.project, addition.sum.first_ms],
                )?;
                memory.project_has_events(addition.project);
            }
        }
        Ok(facts)
    }
}

fn write_issue(tx: &mut Tx<'_>, issue: i64, addition: &Addition<'_>, people: i64) -> Result<(i64, i64, i64), DbError> {
    let newest = addition.digest();
    let release = (addition.newest_release != 0).then_some(addition.newest_release);
    // What the issue is called follows its newest event, also when an older one is filed late.
    let row = tx.first(
        "UPDATE issues SET events = events + $2, people = people + $3, is_unhandled = (is_unhandled OR $4), \
           first_ms = CASE WHEN $5 < first_ms THEN $5 ELSE first_ms END, \
           kind = CASE WHEN $6 >= last_ms THEN $7 ELSE kind END, \
           title = CASE WHEN $6 >= last_ms THEN $8 ELSE title END, \
           culprit = CASE WHEN $6 >= last_ms THEN $9 ELSE culprit END, \
           level = CASE WHEN $6 >= last_ms THEN $10 ELSE level END, \
           platform = CASE WHEN $6 >= last_ms THEN $11 ELSE platform END, \
           logger = CASE WHEN $6 >= last_ms THEN $12 ELSE logger END, \
           last_release = CASE WHEN $6 >= last_ms THEN COALESCE($13, last_release) ELSE last_release END, \
           last_ms = CASE WHEN $6 > last_ms THEN $6 ELSE last_ms END, capped = capped + $14 \
         WHERE id = $1 RETURNING events, people, last_ms",
        params![
            issue,
            addition.sum.events,
            people,
            addition.is_unhandled,
            addition.sum.first_ms,
            newest.timestamp_ms,
            &newest.kind,
            &newest.title,
            &newest.culprit,
            &newest.level,
            &newest.platform,
            &newest.logger,
            release,
            addition.capped
        ],
    )?;
    let row = row.ok_or_else(|| DbError::Failed(format!("issue {issue} vanished while it was filed in")))?;
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn write_buckets(tx: &mut Tx<'_>, issue: i64, addition: &Addition<'_>) -> Result<(), DbError> {
    for (&(bucket, environment), &events) in &addition.buckets {
        tx.execute(
            "INSERT INTO issue_buckets (issue, bucket, environment, events) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (issue, bucket, environment) DO UPDATE SET events = issue_buckets.events + excluded.events",
            params![issue, bucket, environment, events],
        )?;
    }
    Ok(())
}

/// Returns how many people are new to the issue.
fn write_people(tx: &mut Tx<'_>, issue: i64, addition: &Addition<'_>) -> Result<i64, DbError> {
    let asked: Vec<[Param<'_>; 2]> = addition.people.keys().map(|&(person, _)| [issue.into(), person.into()]).collect();
    let known = tx.query_each("SELECT 1 FROM issue_people WHERE issue = $1 AND person = $2 LIMIT 1", &asked)?;
    // A person in two environments is one.
    let added: BTreeSet<i64> =
        addition.people.keys().zip(known).filter(|(_, rows)| rows.is_empty()).map(|(&(person, _), _)| person).collect();
    let rows: Vec<[Param<'_>; 5]> = addition
        .people
        .iter()
        .map(|(&(person, environment), &(first, last))| {
            [issue.into(), person.into(), environment.into(), first.into(), last.into()]
        })
        .collect();
    tx.execute_each(
        "INSERT INTO issue_people (issue, person, environment, first_bucket, last_bucket) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (issue, person, environment) DO UPDATE SET \
               first_bucket = CASE WHEN excluded.first_bucket < issue_people.first_bucket \
                 THEN excluded.first_bucket ELSE issue_people.first_bucket END, \
               last_bucket = CASE WHEN excluded.last_bucket > issue_people.last_bucket \
                 THEN excluded.last_bucket ELSE issue_people.last_bucket END \
             WHERE excluded.last_bucket > issue_people.last_bucket \
               OR excluded.first_bucket < issue_people.first_bucket",
        &rows,
    )?;
    Ok(added.len() as i64)
}

fn write_tags(tx: &mut Tx<'_>, memory: &mut Memory, issue: i64, addition: &Addition<'_>) -> Result<(), DbError> {
    let mut values = addition.values.clone();
    for (&(set, environment), &(sum, work)) in &addition.sets {
        if tags::add_set(tx, issue, set, environment, sum)? {
            continue;
        }
        for (tag, value) in &work.digest.tags {
            // What is wide has been counted by value already.
            if !addition.values.contains_key(&(tag, value, environment)) {
                values.entry((tag, value, environment)).or_insert(Sum::NOTHING).join(sum);
            }
        }
    }
    tags::add_values(tx, memory, issue, &values)
}
