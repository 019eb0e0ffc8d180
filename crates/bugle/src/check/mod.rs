//! Check: reads everything and verifies it.
//!
//! The invariants that filing promises, recomputed from the rows: counters against events, people and tags against
//! payloads, payloads against their exemplars, sizes against what lies there ([`storage`]), foreign keys, the journal against
//! how far it was filed. Works on a snapshot beside a running server. Says what it looked at and every disagreement it found;
//! never mends anything.
//!
//! **Issues that have lost payloads** (capped, expired) can no longer be asked in full: their events and buckets must still sum
//! up exactly, and people, tags and buckets must say no less than the payloads that are left.

mod feedback;
mod filter;
mod monitor;
mod sessions;
mod storage;

use crate::config::Config;
use crate::journals;
use crate::outcome::{self, HOUR_MS};
use crate::payload;
use crate::process::digest;
use crate::record::Entry;
use crate::serve::JOURNAL_FILE;
use crate::store::{FILE, Store};
use anyhow::Context;
use bugle_db::{DbError, Engine, Tx, params};
use bugle_event::Event;
use bugle_journal::Journal;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// Disagreements that are listed; further ones are only counted.
const LISTED_MAX: usize = 100;
/// Events read at a time.
const PAGE: i64 = 2_000;

/// What was looked at, and what is wrong.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Issues compared with their rows.
    pub issues: i64,
    /// Events whose payload was read.
    pub events: i64,
    /// Records in the journal that are not filed.
    pub backlog: i64,
    /// Whether everything agrees.
    pub agrees: bool,
    /// How many disagreements there are.
    pub disagreements: usize,
    /// The first of them, each a sentence.
    pub found: Vec<String>,
}

impl Report {
    fn say(&mut self, sentence: String) {
        self.disagreements += 1;
        if self.found.len() < LISTED_MAX {
            self.found.push(sentence);
        }
    }

    /// Like [`Report::compare`], where some rows have gone and what they were still counts.
    fn compare_least(&mut self, what: impl FnOnce() -> String, counted: i64, rows: i64) {
        if counted < rows {
            self.say(format!("{}: counted {counted}, and the rows that are left say {rows}.", what()));
        }
    }

    fn compare(&mut self, what: impl FnOnce() -> String, counted: i64, rows: i64) {
        if counted != rows {
            self.say(format!("{}: counted {counted}, rows say {rows}.", what()));
        }
    }
}

/// Verifies the data directory, prints the report and says whether all agrees.
pub fn run(config: &Config, json: bool) -> anyhow::Result<bool> {
    let data = config.data.as_path();
    if config.database.is_none() && !data.join(FILE).exists() {
        anyhow::bail!("There is no Bugle database in {}. Name the directory with --data.", data.display());
    }
    let report = report(data, &Store::at(data, config.database.as_deref())?)?;
    print(&report, json)?;
    Ok(report.agrees)
}

/// Verifies a database, and the journal in `data`.
pub fn report(data: &Path, store: &Store) -> anyhow::Result<Report> {
    let mut report = store.blocking().read_now(database)?;
    journal(data, store, &mut report)?;
    report.agrees = report.disagreements == 0;
    Ok(report)
}

/// Verifies what a database says of itself, without the journal beside it.
pub fn database(tx: &mut Tx<'_>) -> Result<Report, DbError> {
    let mut report = Report::default();
    foreign_keys(tx, &mut report)?;
    events(tx, &mut report)?;
    storage::verify(tx, &mut report)?;
    sessions::verify(tx, &mut report)?;
    feedback::verify(tx, &mut report)?;
    ledger(tx, &mut report)?;
    filter::verify(tx, &mut report)?;
    monitor::verify(tx, &mut report)?;
    Ok(report)
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    println!("{} issues, {} events, {} waiting in the journal.", report.issues, report.events, report.backlog);
    for sentence in &report.found {
        println!("  {sentence}");
    }
    match report.disagreements {
        0 => println!("Everything agrees."),
        count => println!("{count} disagreements."),
    }
    Ok(())
}

fn foreign_keys(tx: &mut Tx<'_>, report: &mut Report) -> Result<(), DbError> {
    for (table, parent, count) in dangling(tx)? {
        report.say(format!("{count} rows of {table} point to a row of {parent} that is not there."));
    }
    for row in tx.query("SELECT id FROM events WHERE exemplar NOT IN (SELECT id FROM exemplars)", &[])? {
        report.say(format!("Event row {} needs an exemplar that is not there.", row.get::<i64>(0)?));
    }
    // Filing does not pay for foreign keys of events, so they are looked at here.
    for (column, table) in [("issue", "issues"), ("project", "projects"), ("tag_set", "tag_sets")] {
        let sql = format!("SELECT id FROM events WHERE {column} NOT IN (SELECT id FROM {table})");
        for row in tx.query(&sql, &[])? {
            report.say(format!("The {column} of event row {} is not there.", row.get::<i64>(0)?));
        }
    }
    Ok(())
}

/// Rows that point nowhere: (table, the table pointed to, how many).
fn dangling(tx: &mut Tx<'_>) -> Result<Vec<(String, String, i64)>, DbError> {
    let mut found = Vec::new();
    match tx.engine() {
        Engine::Sqlite => {
            let sql = "SELECT \"table\", parent, COUNT(*) FROM pragma_foreign_key_check GROUP BY \"table\", parent";
            for row in tx.query(sql, &[])? {
                found.push((row.get(0)?, row.get(1)?, row.get(2)?));
            }
        }
        Engine::Postgres => {
            // The server has no such check of its own: every reference is asked as its constraint is written down.
            let sql = "SELECT CAST(c.conrelid::regclass AS TEXT), CAST(c.confrelid::regclass AS TEXT), \
                         CAST(a.attname AS TEXT), CAST(f.attname AS TEXT) FROM pg_constraint c \
                       JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] \
                       JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = c.confkey[1] \
                       WHERE c.contype = 'f' AND c.connamespace = CAST(current_schema() AS regnamespace)";
            for row in tx.query(sql, &[])? {
                let (table, parent): (String, String) = (row.get(0)?, row.get(1)?);
                let (column, key): (String, String) = (row.get(2)?, row.get(3)?);
                let sql = format!(
                    "SELECT COUNT(*) FROM {table} t WHERE t.{column} IS NOT NULL \
                     AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE p.{key} = t.{column})"
                );
                let count: i64 = tx.one(&sql, &[])?;
                if count > 0 {
                    found.push((table, parent, count));
                }
            }
        }
    }
    Ok(found)
}

/// What the payloads of one issue say.
#[derive(Default)]
struct Recount {
    events: i64,
    people: BTreeSet<i64>,
    spans: BTreeMap<(i64, i64), (i64, i64)>,
    buckets: BTreeMap<(i64, i64), i64>,
    tags: BTreeMap<String, i64>,
    first_ms: i64,
    last_ms: i64,
}

fn events(tx: &mut Tx<'_>, report: &mut Report) -> Result<(), DbError> {
    let mut recounts: BTreeMap<i64, Recount> = BTreeMap::new();
    let mut exemplars: HashMap<i64, Vec<u8>> = HashMap::new();
    let mut after = 0;
    loop {
        let rows = tx.query(
            "SELECT id, issue, environment, person, timestamp_ms, exemplar, payload, payload_bytes FROM events \
             WHERE id > $1 ORDER BY id LIMIT $2",
            params![after, PAGE],
        )?;
        let Some(last) = rows.last() else { break };
        after = last.get(0)?;
        for row in &rows {
            let (id, issue, environment, person): (i64, i64, i64, i64) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            let (at_ms, exemplar): (i64, i64) = (row.get(4)?, row.get(5)?);
            if exemplars.len() > 1_000 {
                exemplars.clear();
            }
            let json = match expand(tx, &mut exemplars, exemplar, &row.get::<Vec<u8>>(6)?) {
                Ok(json) => json,
                Err(error) => {
                    report.say(format!("The payload of event row {id} cannot be read: {error}."));
                    continue;
                }
            };
            report.events += 1;
            report.compare(|| format!("The length of event row {id}"), row.get(7)?, json.len() as i64);
            let text = String::from_utf8_lossy(&json);
            let digest = digest::digest(&Event::stored(&text));
            if digest.timestamp_ms != at_ms || digest.person != person {
                report.say(format!("Event row {id} and its payload disagree on time or person."));
            }
            let recount = recounts.entry(issue).or_insert_with(|| Recount {
                first_ms: i64::MAX,
                last_ms: i64::MIN,
                ..Recount::default()
            });
            recount.add(at_ms, environment, person, &digest.tags);
        }
    }
    issues(tx, report, &recounts)
}

impl Recount {
    fn add(&mut self, at_ms: i64, environment: i64, person: i64, tags: &[(String, String)]) {
        self.events += 1;
        self.first_ms = self.first_ms.min(at_ms);
        self.last_ms = self.last_ms.max(at_ms);
        *self.buckets.entry((at_ms.div_euclid(HOUR_MS / 2), environment)).or_default() += 1;
        if person != 0 {
            self.people.insert(person);
            let bucket = at_ms.div_euclid(HOUR_MS / 2);
            let (first, last) = self.spans.entry((person, environment)).or_insert((bucket, bucket));
            (*first, *last) = (bucket.min(*first), bucket.max(*last));
        }
        for (key, _) in tags {
            *self.tags.entry(key.clone()).or_default() += 1;
        }
    }
}

fn expand(tx: &mut Tx<'_>, exemplars: &mut HashMap<i64, Vec<u8>>, id: i64, body: &[u8]) -> anyhow::Result<Vec<u8>> {
    if let std::collections::hash_map::Entry::Vacant(slot) = exemplars.entry(id) {
        let stored = crate::event::exemplar(tx, id)?.context("its exemplar is missing")?;
        slot.insert(payload::expand(&stored, None)?);
    }
    Ok(payload::expand(body, exemplars.get(&id).map(Vec::as_slice))?)
}

/// Counters of each issue against what its payloads say.
fn issues(tx: &mut Tx<'_>, report: &mut Report, recounts: &BTreeMap<i64, Recount>) -> Result<(), DbError> {
    let rows = tx.query(
        "SELECT id, events, people, first_ms, last_ms, comments, capped, expired FROM issues ORDER BY id",
        &[],
    )?;
    let none = Recount::default();
    for row in &rows {
        let id: i64 = row.get(0)?;
        let recount = recounts.get(&id).unwrap_or(&none);
        report.issues += 1;
        let gone = row.get::<i64>(6)? + row.get::<i64>(7)?;
        report.compare(|| format!("Events of issue {id}"), row.get(1)?, recount.events + gone);
        let comments: i64 =
            tx.one("SELECT COUNT(*) FROM activity WHERE issue = $1 AND kind = 'comment'", params![id])?;
        report.compare(|| format!("Comments of issue {id}"), row.get(5)?, comments);
        buckets(tx, report, id, row.get(1)?)?;
        if gone > 0 {
            // Payloads that were not kept can no longer be asked who and what they had.
            leftover(tx, report, id, row.get(2)?, recount)?;
            continue;
        }
        report.compare(|| format!("People of issue {id}"), row.get(2)?, recount.people.len() as i64);
        if recount.events > 0 {
            report.compare(|| format!("First seen of issue {id}"), row.get(3)?, recount.first_ms);
            report.compare(|| format!("Last seen of issue {id}"), row.get(4)?, recount.last_ms);
        }
        rollups(tx, report, id, recount)?;
    }
    Ok(())
}

/// The buckets of an issue sum up to its events, kept or not.
fn buckets(tx: &mut Tx<'_>, report: &mut Report, id: i64, events: i64) -> Result<(), DbError> {
    let sum =
        tx.one("SELECT CAST(COALESCE(SUM(events), 0) AS BIGINT) FROM issue_buckets WHERE issue = $1", params![id])?;
    report.compare(|| format!("The buckets of issue {id} in all"), sum, events);
    Ok(())
}

/// Counters of an issue that has lost payloads: no less than what is left.
fn leftover(tx: &mut Tx<'_>, report: &mut Report, id: i64, people: i64, recount: &Recount) -> Result<(), DbError> {
    report.compare_least(|| format!("People of issue {id}"), people, recount.people.len() as i64);
    for (&(bucket, environment), &events) in &recount.buckets {
        let sql = "SELECT CAST(COALESCE(SUM(events), 0) AS BIGINT) FROM issue_buckets \
                   WHERE issue = $1 AND bucket = $2 AND environment = $3";
        let counted = tx.one(sql, params![id, bucket, environment])?;
        report.compare_least(|| format!("Bucket {bucket} of issue {id}"), counted, events);
    }
    for (key, &events) in &recount.tags {
        let sql = "SELECT CAST(COALESCE(SUM(events), 0) AS BIGINT) FROM issue_tags WHERE issue = $1 AND tag = $2";
        let counted = tx.one(sql, params![id, key])?;
        report.compare_least(|| format!("Tag {key} of issue {id}"), counted, events);
    }
    Ok(())
}

fn rollups(tx: &mut Tx<'_>, report: &mut Report, id: i64, recount: &Recount) -> Result<(), DbError> {
    let buckets = tx.query("SELECT bucket, environment, events FROM issue_buckets WHERE issue = $1", params![id])?;
    report.compare(|| format!("Buckets of issue {id}"), buckets.len() as i64, recount.buckets.len() as i64);
    for row in &buckets {
        let place: (i64, i64) = (row.get(0)?, row.get(1)?);
        let rows = recount.buckets.get(&place).copied().unwrap_or(0);
        report.compare(|| format!("Bucket {} of issue {id}", place.0), row.get(2)?, rows);
    }
    people(tx, report, id, recount)?;
    let tags =
        tx.query("SELECT tag, CAST(SUM(events) AS BIGINT) FROM issue_tags WHERE issue = $1 GROUP BY tag", params![id])?;
    report.compare(|| format!("Tags of issue {id}"), tags.len() as i64, recount.tags.len() as i64);
    for row in &tags {
        let key: String = row.get(0)?;
        let rows = recount.tags.get(&key).copied().unwrap_or(0);
        report.compare(|| format!("Tag {key} of issue {id}"), row.get(1)?, rows);
    }
    Ok(())
}

fn people(tx: &mut Tx<'_>, report: &mut Report, id: i64, recount: &Recount) -> Result<(), DbError> {
    let sql = "SELECT person, environment, first_bucket, last_bucket FROM issue_people WHERE issue = $1";
    let rows = tx.query(sql, params![id])?;
    report.compare(|| format!("Rows of people of issue {id}"), rows.len() as i64, recount.spans.len() as i64);
    for row in &rows {
        let (person, environment): (i64, i64) = (row.get(0)?, row.get(1)?);
        let span = (row.get(2)?, row.get(3)?);
        if recount.spans.get(&(person, environment)).is_some_and(|counted| *counted != span) {
            report.say(format!("Person {person} of issue {id} was affected in another time than the row says."));
        }
    }
    Ok(())
}

/// The books: per project and category, received equals the sum of all outcomes (what waits in the journal is in
/// neither yet).
fn ledger(tx: &mut Tx<'_>, report: &mut Report) -> Result<(), DbError> {
    for sums in outcome::imbalances(tx)? {
        let what = || format!("The ledger of project {}, {}", sums.project, sums.category);
        report.compare(what, sums.received, sums.settled);
    }
    Ok(())
}

/// Every record that waits can be read, and none is missing in between.
fn journal(data: &Path, store: &Store, report: &mut Report) -> anyhow::Result<()> {
    let path = data.join(JOURNAL_FILE);
    if !path.exists() {
        return Ok(());
    }
    let name = Journal::name(&path)?;
    let id = store.blocking().read_now(move |tx| journals::find(tx, &name))?.unwrap_or(0);
    // A server beside us goes on filing and forgets what it has filed. So how far it has come is asked before the
    // journal is opened, and again before a record is called missing.
    let filed = || store.blocking().read_now(move |tx| journals::filed(tx, id));
    let mut after = filed()?;
    let journal = Journal::open(&path, 0, 0)?;
    if journal.last() < after {
        report.say(format!("The journal ends at {} but {after} has been filed.", journal.last()));
    }
    loop {
        let records = journal.read(after, 4 << 20)?;
        let Some((first, _)) = records.first() else { break };
        let now = filed()?;
        if *first != after + 1 && now > after {
            after = now;
            continue;
        }
        for (position, body) in records {
            if position != after + 1 {
                report.say(format!("Records {} to {} are missing from the journal.", after + 1, position - 1));
            }
            if Entry::read(&body).is_none() {
                report.say(format!("Record {position} of the journal is damaged."));
            }
            report.backlog += 1;
            after = position;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_to_nothing_is_found_on_postgres_too() {
        bugle_db::trial::on_postgres(|| {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let store = Store::open(folder.path()).expect("opens");
            assert!(report(folder.path(), &store).expect("reads").agrees);
            let breach = |tx: &mut Tx<'_>| {
                tx.execute("SET LOCAL session_replication_role = replica", &[])?;
                tx.execute("INSERT INTO environments (id, project, name) VALUES (1, 99, 'x')", &[])
            };
            store.blocking().write_now(breach).expect("is not looked at");
            let found = report(folder.path(), &store).expect("reads").found;
            assert_eq!(found, ["1 rows of environments point to a row of projects that is not there."]);
        });
    }
}
