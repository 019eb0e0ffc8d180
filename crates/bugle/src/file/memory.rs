//! What filing remembers between batches: ids of projects, environments, releases, key sets and issues.
//!
//! Every map is a cache of unique rows and bounded by [`ENTRIES_MAX`]; a full one is emptied, which costs look-ups
//! only. Project rows are read again when the revision rises, issues forgotten when any was removed, and what other servers
//! count too (hours, capped ids) when one of them has filed since. There is one writer at a time, so what is known after
//! [`Memory::refresh`] holds until the commit.

use super::feedback;
use super::tags::{self, Width};
use crate::{journals, store};
use bugle_db::{DbError, Tx, params};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

/// Entries of one map.
const ENTRIES_MAX: usize = 50_000;

/// Tags whose values are remembered, over all projects.
const WIDTHS_MAX: usize = 10_000;

/// What filing needs to know of a project.
#[derive(Debug, Clone)]
pub struct ProjectRow {
    /// Whose it is.
    pub organization: i64,
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its own cap, if it has one.
    pub issue_cap_per_hour: Option<i64>,
    /// Whether an event was ever filed in it.
    pub has_events: bool,
}

/// What filing is told once.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The journal that is filed.
    pub journal: i64,
    /// The server's address, for links in notices.
    pub public_url: String,
    /// Payloads kept of one issue in one hour.
    pub issue_cap_per_hour: i64,
    /// Whether mail can leave this server. If not, no notice is written for it: it would only wait to fail.
    pub has_mail: bool,
}

/// See the module comment.
#[derive(Debug, Default)]
pub struct Memory {
    /// What does not change while the process lives.
    pub settings: Settings,
    revision: i64,
    removals: i64,
    others: i64,
    projects: HashMap<i64, Option<ProjectRow>>,
    environments: HashMap<(i64, String), i64>,
    releases: HashMap<(i64, String), i64>,
    groupings: HashMap<Vec<u8>, i64>,
    /// The issue that a whole set of keys was filed in, all of them attached.
    issues: HashMap<(i64, Vec<u8>), i64>,
    /// Payloads kept per issue and hour, and how many of them because they were rare.
    hours: HashMap<(i64, i64), Kept>,
    /// By how much those of `hours` have risen since they were written.
    risen: BTreeMap<(i64, i64), Kept>,
    /// Tags of projects, and the sets that they come in.
    widths: HashMap<i64, HashMap<String, Width>>,
    tag_sets: HashMap<(i64, [u8; 16]), i64>,
    /// Tags of issues that have as many values as are counted by name.
    full: HashSet<(i64, String)>,
    /// Whether anything of a project was capped within the last day, as far as this process has seen or asked.
    has_capped: HashMap<i64, bool>,
    /// The events of projects that feedback waits for.
    waiting: HashMap<i64, HashSet<[u8; 16]>>,
}

/// Payloads of one issue and hour.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kept {
    pub(super) kept: i64,
    pub(super) rare: i64,
}

impl Memory {
    /// Remembers nothing yet.
    pub fn new(settings: Settings) -> Memory {
        Memory { settings, ..Memory::default() }
    }

    /// Forgets what may have changed since the last batch.
    pub(super) fn refresh(&mut self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        let (revision, removals) = (store::state(tx, "revision")?, store::state(tx, "removals")?);
        if revision != self.revision {
            self.projects.clear();
            self.revision = revision;
        }
        if removals != self.removals {
            let settings = std::mem::take(&mut self.settings);
            *self = Memory { revision, removals, ..Memory::new(settings) };
        }
        let others = journals::filed_by_others(tx, self.settings.journal)?;
        if others != self.others {
            self.hours.clear();
            self.has_capped.clear();
            self.waiting.clear();
            self.others = others;
        }
        Ok(())
    }

    /// The project, if it is still there.
    pub fn project(&mut self, tx: &mut Tx<'_>, id: i64) -> Result<Option<&ProjectRow>, DbError> {
        if !self.projects.contains_key(&id) {
            let row = tx.first(
                "SELECT p.organization, p.slug, p.name, p.first_event_ms IS NOT NULL, b.issue_cap_per_hour \
                 FROM projects p LEFT JOIN project_bounds b ON b.project = p.id WHERE p.id = $1",
                params![id],
            )?;
            let project = match row {
                None => None,
                Some(row) => Some(ProjectRow {
                    organization: row.get(0)?,
                    slug: row.get(1)?,
                    name: row.get(2)?,
                    has_events: row.get(3)?,
                    issue_cap_per_hour: row.get(4)?,
                }),
            };
            insert(&mut self.projects, id, project);
        }
        Ok(self.projects.get(&id).and_then(Option::as_ref))
    }

    /// Payloads kept of one issue of a known project in one hour.
    pub(super) fn issue_cap_per_hour(&self, project: i64) -> i64 {
        let known = self.projects.get(&project).and_then(Option::as_ref);
        known.and_then(|project| project.issue_cap_per_hour).unwrap_or(self.settings.issue_cap_per_hour)
    }

    pub(super) fn project_has_events(&mut self, id: i64) {
        if let Some(Some(project)) = self.projects.get_mut(&id) {
            project.has_events = true;
        }
    }

    pub(super) fn environment(&mut self, tx: &mut Tx<'_>, project: i64, name: &str) -> Result<i64, DbError> {
        let key = (project, name.to_string());
        if let Some(&id) = self.environments.get(&key) {
            return Ok(id);
        }
        let known = tx.first("SELECT id FROM environments WHERE project = $1 AND name = $2", params![project, name])?;
        let id = match known {
            Some(row) => row.get(0)?,
            None => {
                let id = tx.next_id("environments")?;
                tx.execute(
                    "INSERT INTO environments (id, project, name) VALUES ($1, $2, $3)",
                    params![id, project, name],
                )?;
                id
            }
        };
        insert(&mut self.environments, key, id);
        Ok(id)
    }

    pub(super) fn release(&mut self, tx: &mut Tx<'_>, project: i64, version: &str, at_ms: i64) -> Result<i64, DbError> {
        let key = (project, version.to_string());
        if let Some(&id) = self.releases.get(&key) {
            return Ok(id);
        }
        let known =
            tx.first("SELECT id FROM releases WHERE project = $1 AND version = $2", params![project, version])?;
        let id = match known {
            Some(row) => row.get(0)?,
            None => {
                let id = tx.next_id("releases")?;
                tx.execute(
                    "INSERT INTO releases (id, project, version, first_ms, last_ms) VALUES ($1, $2, $3, $4, $4)",
                    params![id, project, version, at_ms],
                )?;
                id
            }
        };
        insert(&mut self.releases, key, id);
        Ok(id)
    }

    pub(super) fn grouping(&mut self, tx: &mut Tx<'_>, bytes: &[u8]) -> Result<i64, DbError> {
        if let Some(&id) = self.groupings.get(bytes) {
            return Ok(id);
        }
        let id = match tx.first("SELECT id FROM groupings WHERE keys = $1", params![bytes])? {
            Some(row) => row.get(0)?,
            None => {
                let id = tx.next_id("groupings")?;
                let version = bytes.first().map_or(0, |&version| i64::from(version));
                tx.execute(
                    "INSERT INTO groupings (id, version, keys) VALUES ($1, $2, $3)",
                    params![id, version, bytes],
                )?;
                id
            }
        };
        insert(&mut self.groupings, bytes.to_vec(), id);
        Ok(id)
    }

    /// What was kept of an issue in an hour.
    pub(super) fn kept(&mut self, tx: &mut Tx<'_>, issue: i64, hour: i64) -> Result<Kept, DbError> {
        if let Some(kept) = self.hours.get(&(issue, hour)) {
            return Ok(*kept);
        }
        let row =
            tx.first("SELECT kept, rare FROM issue_hours WHERE issue = $1 AND hour = $2", params![issue, hour])?;
        let kept = match row {
            Some(row) => Kept { kept: row.get(0)?, rare: row.get(1)? },
            None => Kept::default(),
        };
        if self.hours.len() >= ENTRIES_MAX {
            self.write_hours(tx)?;
            self.hours.clear();
        }
        self.hours.insert((issue, hour), kept);
        Ok(kept)
    }

    /// One more payload was kept.
    pub(super) fn keep(&mut self, issue: i64, hour: i64, is_rare: bool) {
        for kept in [self.hours.entry((issue, hour)).or_default(), self.risen.entry((issue, hour)).or_default()] {
            kept.kept += i64::from(!is_rare);
            kept.rare += i64::from(is_rare);
        }
    }

    /// Writes what has risen, once per batch.
    pub(super) fn write_hours(&mut self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        for ((issue, hour), kept) in std::mem::take(&mut self.risen) {
            tx.execute(
                "INSERT INTO issue_hours (issue, hour, kept, rare) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (issue, hour) DO UPDATE SET \
                   kept = issue_hours.kept + excluded.kept, rare = issue_hours.rare + excluded.rare",
                params![issue, hour, kept.kept, kept.rare],
            )?;
        }
        Ok(())
    }

    /// Whether an id may be among the capped ones, so that it is worth asking.
    pub(super) fn has_capped(&mut self, tx: &mut Tx<'_>, project: i64) -> Result<bool, DbError> {
        if let Some(&known) = self.has_capped.get(&project) {
            return Ok(known);
        }
        let row = tx.first("SELECT 1 FROM capped_events WHERE project = $1 LIMIT 1", params![project])?;
        insert(&mut self.has_capped, project, row.is_some());
        Ok(row.is_some())
    }

    pub(super) fn remember_capped(&mut self, project: i64) {
        insert(&mut self.has_capped, project, true);
    }

    /// The events that feedback of a project waits for.
    pub(super) fn waiting(
        &mut self,
        tx: &mut Tx<'_>,
        project: i64,
        now_ms: i64,
    ) -> Result<&mut HashSet<[u8; 16]>, DbError> {
        if !self.waiting.contains_key(&project) {
            if self.waiting.values().map(HashSet::len).sum::<usize>() >= ENTRIES_MAX {
                self.waiting.clear();
            }
            let waiting = feedback::waiting(tx, project, now_ms)?;
            insert(&mut self.waiting, project, waiting);
        }
        Ok(self.waiting.entry(project).or_default())
    }

    /// What a tag is in a project.
    pub(super) fn width(&mut self, tx: &mut Tx<'_>, project: i64, tag: &str) -> Result<&mut Width, DbError> {
        let known = self.widths.get(&project).is_some_and(|tags| tags.contains_key(tag));
        if !known {
            if self.widths.values().map(HashMap::len).sum::<usize>() >= WIDTHS_MAX {
                self.widths.clear();
            }
            let width = tags::width(tx, project, tag)?;
            self.widths.entry(project).or_default().insert(tag.to_string(), width);
        }
        let tags = self.widths.entry(project).or_default();
        Ok(tags.entry(tag.to_string()).or_insert(Width::Wide))
    }

    pub(super) fn tag_set(&self, project: i64, hash: &[u8; 16]) -> Option<i64> {
        self.tag_sets.get(&(project, *hash)).copied()
    }

    pub(super) fn remember_tag_set(&mut self, project: i64, hash: [u8; 16], set: i64) {
        insert(&mut self.tag_sets, (project, hash), set);
    }

    pub(super) fn is_full(&self, issue: i64, tag: &str) -> bool {
        self.full.contains(&(issue, tag.to_string()))
    }

    pub(super) fn remember_full(&mut self, issue: i64, tag: &str) {
        if self.full.len() >= ENTRIES_MAX {
            self.full.clear();
        }
        self.full.insert((issue, tag.to_string()));
    }

    pub(super) fn issue(&self, project: i64, keys: &[u8]) -> Option<i64> {
        self.issues.get(&(project, keys.to_vec())).copied()
    }

    pub(super) fn remember_issue(&mut self, project: i64, keys: Vec<u8>, issue: i64) {
        insert(&mut self.issues, (project, keys), issue);
    }
}

fn insert<K: Eq + Hash, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= ENTRIES_MAX {
        map.clear();
    }
    map.insert(key, value);
}
