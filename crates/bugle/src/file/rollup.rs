//! Counters: summed over a batch in memory, then written once per issue and bucket.

use super::{Memory, Work};
use crate::alert::enqueue::{Cause, News};
use crate::issue::series::BUCKET_MS;
use crate::issue::tags::{OTHER, VALUES_MAX};
use crate::live::Fact;
use crate::process::digest::Digest;
use bugle_db::{DbError, Tx, params};
use std::collections::{BTreeMap, BTreeSet};

/// What a batch adds to one issue.
#[derive(Debug)]
pub struct Addition {
    /// The project.
    pub project: i64,
    /// The newest event of the batch.
    pub newest: Digest,
    /// Its id, as hex digits.
    pub newest_event: String,
    /// The release of the newest event that has one; 0: none.
    newest_release: i64,
    events: i64,
    capped: i64,
    is_unhandled: bool,
    first_ms: i64,
    buckets: BTreeMap<(i64, i64), i64>,
    people: BTreeSet<(i64, i64, i64)>,
    /// (tag, value, environment) → (events, first, last).
    tags: BTreeMap<(String, String, i64), (i64, i64, i64)>,
}

/// What a batch adds, by issue. In order, so that two processes lock rows in the same one.
#[derive(Debug, Default)]
pub struct Rollups(pub(crate) BTreeMap<i64, Addition>);

impl Rollups {
    /// Adds one event, whether its payload is kept or not.
    pub(super) fn add(&mut self, issue: i64, environment: i64, release: i64, work: &Work, is_kept: bool) {
        let (record, digest) = (&work.record, &work.digest);
        let at_ms = digest.timestamp_ms;
        let addition = self.0.entry(issue).or_insert_with(|| Addition {
            project: record.project,
            newest: digest.clone(),
            newest_event: record.event_id.to_string(),
            newest_release: 0,
            events: 0,
            capped: 0,
            is_unhandled: false,
            first_ms: at_ms,
            buckets: BTreeMap::new(),
            people: BTreeSet::new(),
            tags: BTreeMap::new(),
        });
        if at_ms >= addition.newest.timestamp_ms {
            addition.newest = digest.clone();
            addition.newest_event = record.event_id.to_string();
            if release != 0 {
                addition.newest_release = release;
            }
        }
        addition.events += 1;
        addition.capped += i64::from(!is_kept);
        addition.is_unhandled |= digest.is_unhandled;
        addition.first_ms = addition.first_ms.min(at_ms);
        *addition.buckets.entry((at_ms.div_euclid(BUCKET_MS), environment)).or_default() += 1;
        if digest.person != 0 {
            addition.people.insert((at_ms.div_euclid(86_400_000), environment, digest.person));
        }
        for (tag, value) in &digest.tags {
            let sum = addition.tags.entry((tag.clone(), value.clone(), environment)).or_insert((0, at_ms, at_ms));
            *sum = (sum.0 + 1, sum.1.min(at_ms), sum.2.max(at_ms));
        }
    }

    /// Whether an event of this batch has brought a tag's value to an issue.
    pub(super) fn has_tag(&self, issue: i64, tag: &str, value: &str) -> bool {
        let place = |environment| (tag.to_string(), value.to_string(), environment);
        self.0.get(&issue).is_some_and(|added| added.tags.range(place(i64::MIN)..=place(i64::MAX)).next().is_some())
    }

    /// Writes everything and says what changed.
    pub(super) fn write(&self, tx: &mut Tx<'_>, memory: &mut Memory, news: &[News]) -> Result<Vec<Fact>, DbError> {
        let mut facts = Vec::with_capacity(self.0.len());
        for (&issue, addition) in &self.0 {
            write_buckets(tx, issue, addition)?;
            let people = write_people(tx, issue, addition)?;
            write_tags(tx, issue, addition)?;
            let (events, people, last_ms) = write_issue(tx, issue, addition, people)?;
            let Some(project) = memory.project(tx, addition.project)? else { continue };
            let news = match news.iter().find(|news| news.issue == issue).map(|news| news.cause) {
                Some(Cause::New) => "new",
                Some(Cause::Regressed) => "regressed",
                Some(Cause::Test) | None => "",
            };
            let (organization, has_events) = (project.organization, project.has_events);
            facts.push(Fact::Issue { organization, project: addition.project, issue, events, people, last_ms, news });
            if !has_events {
                tx.execute(
                    "UPDATE projects SET first_event_ms = $2 WHERE id = $1 AND first_event_ms IS NULL",
                    params![addition.project, addition.first_ms],
                )?;
                memory.project_has_events(addition.project);
            }
        }
        Ok(facts)
    }
}

fn write_issue(tx: &mut Tx<'_>, issue: i64, addition: &Addition, people: i64) -> Result<(i64, i64, i64), DbError> {
    let newest = &addition.newest;
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
            addition.events,
            people,
            addition.is_unhandled,
            addition.first_ms,
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

fn write_buckets(tx: &mut Tx<'_>, issue: i64, addition: &Addition) -> Result<(), DbError> {
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
fn write_people(tx: &mut Tx<'_>, issue: i64, addition: &Addition) -> Result<i64, DbError> {
    let mut added = 0;
    for &(day, environment, person) in &addition.people {
        let is_new_today = tx.execute(
            "INSERT INTO issue_people_days (issue, day, environment, person) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING",
            params![issue, day, environment, person],
        )?;
        if is_new_today > 0 {
            added += tx.execute(
                "INSERT INTO issue_people (issue, person) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                params![issue, person],
            )?;
        }
    }
    Ok(added as i64)
}

fn write_tags(tx: &mut Tx<'_>, issue: i64, addition: &Addition) -> Result<(), DbError> {
    for ((tag, value, environment), &sum) in &addition.tags {
        if !add_to_tag(tx, issue, tag, value, *environment, sum)? {
            let values: i64 =
                tx.one("SELECT COUNT(*) FROM issue_tags WHERE issue = $1 AND tag = $2", params![issue, tag])?;
            let value = if values >= VALUES_MAX { OTHER } else { value };
            if values < VALUES_MAX || !add_to_tag(tx, issue, tag, OTHER, *environment, sum)? {
                tx.execute(
                    "INSERT INTO issue_tags (issue, tag, value, environment, events, first_ms, last_ms) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7)",
                    params![issue, tag, value, *environment, sum.0, sum.1, sum.2],
                )?;
            }
        }
    }
    Ok(())
}

fn add_to_tag(
    tx: &mut Tx<'_>,
    issue: i64,
    tag: &str,
    value: &str,
    environment: i64,
    (events, first_ms, last_ms): (i64, i64, i64),
) -> Result<bool, DbError> {
    let changed = tx.execute(
        "UPDATE issue_tags SET events = events + $5, \
           first_ms = CASE WHEN $6 < first_ms THEN $6 ELSE first_ms END, \
           last_ms = CASE WHEN $7 > last_ms THEN $7 ELSE last_ms END \
         WHERE issue = $1 AND tag = $2 AND value = $3 AND environment = $4",
        params![issue, tag, value, environment, events, first_ms, last_ms],
    )?;
    Ok(changed > 0)
}
