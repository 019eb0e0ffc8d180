//! Adoption: which share of a project's sessions and people a release has had in the last 24 hours, and at which stage it is.

use super::read::{self, By, Scope};
use crate::outcome::HOUR_MS;
use bugle_db::{DbError, Tx};
use std::collections::HashMap;

/// The share from which on a release counts as adopted.
const ADOPTED: f64 = 0.1;
/// Days that are looked at to tell a release that was replaced from one that was never adopted.
const DAYS: i64 = 30;

/// How far a release has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Less than a tenth of the sessions are of it.
    Low,
    /// A tenth or more are.
    Adopted,
    /// Less than a tenth are, and on a day of the last 30 it was more.
    Replaced,
}

impl Stage {
    /// As the API and pages say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Low => "low",
            Stage::Adopted => "adopted",
            Stage::Replaced => "replaced",
        }
    }
}

/// A release's part of its project in the last 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Adoption {
    /// Sessions of it.
    pub sessions: i64,
    /// Sessions of the project.
    pub of_sessions: i64,
    /// People who used it.
    pub people: i64,
    /// People who used the project.
    pub of_people: i64,
    /// `None`: it has had no session in 30 days.
    pub stage: Option<Stage>,
    /// The first and the last day of the last 30 on which it was adopted, since 1970.
    pub adopted_days: Option<(i64, i64)>,
}

/// Of every release that has had a session in 30 days, by its id. Of `scope` only projects and environments matter.
pub fn of(tx: &mut Tx<'_>, scope: &Scope, now_ms: i64) -> Result<HashMap<i64, Adoption>, DbError> {
    let until_hour = now_ms.div_euclid(HOUR_MS) + 1;
    let day = Scope { releases: None, since_hour: until_hour - 24, until_hour, ..scope.clone() };
    let mut releases = peaks(tx, &day)?;
    let (each, all) = (By { project: true, release: true, ..By::default() }, By { project: true, ..By::default() });
    let whole = |found: Vec<(read::Group, super::Counts)>| -> HashMap<i64, i64> {
        found.into_iter().map(|(group, counts)| (group.project, counts.total())).collect()
    };
    let (of_sessions, of_people) = (whole(read::sessions(tx, &day, all)?), whole(read::people(tx, &day, all)?));
    for (group, counts) in read::sessions(tx, &day, each)? {
        releases.entry(group.release).or_insert((group.project, Adoption::default())).1.sessions = counts.total();
    }
    for (group, counts) in read::people(tx, &day, each)? {
        releases.entry(group.release).or_insert((group.project, Adoption::default())).1.people = counts.total();
    }
    for (project, adoption) in releases.values_mut() {
        adoption.of_sessions = of_sessions.get(project).copied().unwrap_or(0);
        adoption.of_people = of_people.get(project).copied().unwrap_or(0);
        let share = adoption.sessions as f64 / adoption.of_sessions.max(1) as f64;
        adoption.stage = Some(match adoption.adopted_days {
            _ if share >= ADOPTED => Stage::Adopted,
            Some(_) => Stage::Replaced,
            None => Stage::Low,
        });
    }
    Ok(releases.into_iter().map(|(release, (_, adoption))| (release, adoption)).collect())
}

/// Every release's project and the days on which it was adopted, of the last 30.
fn peaks(tx: &mut Tx<'_>, day: &Scope) -> Result<HashMap<i64, (i64, Adoption)>, DbError> {
    let first = day.until_hour.div_euclid(24) - DAYS + 1;
    let span = Scope { since_hour: first * 24, ..day.clone() };
    let by = By { project: true, release: true, step_hours: Some(24), ..By::default() };
    let found = read::sessions(tx, &span, by)?;
    let mut of_day: HashMap<(i64, i64), i64> = HashMap::new();
    for (group, counts) in &found {
        *of_day.entry((group.project, group.slot)).or_default() += counts.total();
    }
    let mut releases: HashMap<i64, (i64, Adoption)> = HashMap::new();
    for (group, counts) in &found {
        let (_, adoption) = releases.entry(group.release).or_insert((group.project, Adoption::default()));
        let whole = of_day.get(&(group.project, group.slot)).copied().unwrap_or(0).max(1);
        if counts.total() as f64 / whole as f64 >= ADOPTED {
            let day = first + group.slot;
            let (since, _) = adoption.adopted_days.unwrap_or((day, day));
            adoption.adopted_days = Some((since, day));
        }
    }
    Ok(releases)
}
