//! What is read of sessions: counts of sessions and of people in a span of whole hours, by release, environment and time.
//!
//! Sessions are sums of sums. People are sets, so those of a span are counted anew from its days: a row has the hours of one
//! person's day as bits, and a slot of time is a list of days with the hours of each that belong to it. So both are exact to
//! the hour.

use super::Counts;
use bugle_db::{DbError, Tx, params};
use std::collections::HashMap;
use std::fmt::Write;

/// Hours of a day.
const HOURS: i64 = 24;

/// Which sessions.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Of these projects. None: nothing is found.
    pub projects: Vec<i64>,
    /// Of these releases, by their ids; `None`: all.
    pub releases: Option<Vec<i64>>,
    /// In these environments, by their ids (0: none is named); `None`: all.
    pub environments: Option<Vec<i64>>,
    /// The first hour, since 1970.
    pub since_hour: i64,
    /// The hour behind the last.
    pub until_hour: i64,
}

/// By what counts are told apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct By {
    /// Each project by itself.
    pub project: bool,
    /// Each release; that of another project is another one.
    pub release: bool,
    /// Each environment, likewise.
    pub environment: bool,
    /// Slots of so many hours, the first of which begins with the scope; `None`: one slot.
    pub step_hours: Option<i64>,
}

/// Where counts belong; 0 for what is not told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Group {
    /// The project.
    pub project: i64,
    /// The release's id.
    pub release: i64,
    /// The environment's id.
    pub environment: i64,
    /// The slot of time, from 0.
    pub slot: i64,
}

impl Scope {
    fn condition(&self) -> String {
        let list = |ids: &[i64]| ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        let mut sql = format!("t.project IN ({})", list(&self.projects));
        for (column, ids) in [("release_id", &self.releases), ("environment", &self.environments)] {
            if let Some(ids) = ids {
                // An id that nothing has, since an empty list is no SQL.
                let ids = if ids.is_empty() { "-1".to_string() } else { list(ids) };
                let _ = write!(sql, " AND t.{column} IN ({ids})");
            }
        }
        sql
    }

    fn is_nothing(&self) -> bool {
        self.projects.is_empty() || self.since_hour >= self.until_hour
    }

    fn step(&self, by: By) -> i64 {
        by.step_hours.unwrap_or(self.until_hour - self.since_hour).max(1)
    }
}

impl By {
    fn columns(self) -> String {
        let column = |is_told: bool, name: &str| if is_told { format!("t.{name}") } else { "0".to_string() };
        let columns = [(self.project, "project"), (self.release, "release_id"), (self.environment, "environment")];
        columns.map(|(is_told, name)| format!("CAST({} AS BIGINT)", column(is_told, name))).join(", ")
    }
}

/// Sessions. Groups without any are left out.
pub fn sessions(tx: &mut Tx<'_>, scope: &Scope, by: By) -> Result<Vec<(Group, Counts)>, DbError> {
    let kinds = ["sessions", "errored", "unhandled", "abnormal", "crashed"];
    counted(tx, scope, by, "session_hours", &kinds)
}

/// Events, as sessions without a severity.
pub fn events(tx: &mut Tx<'_>, scope: &Scope, by: By) -> Result<Vec<(Group, i64)>, DbError> {
    let found = counted(tx, scope, by, "release_hours", &["events"])?;
    Ok(found.into_iter().map(|(group, counts)| (group, counts.total())).collect())
}

fn counted(
    tx: &mut Tx<'_>,
    scope: &Scope,
    by: By,
    table: &str,
    kinds: &[&str],
) -> Result<Vec<(Group, Counts)>, DbError> {
    if scope.is_nothing() {
        return Ok(Vec::new());
    }
    let sums = kinds.iter().map(|kind| format!("CAST(SUM(t.{kind}) AS BIGINT)")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT {}, CAST((t.hour - $1) / {} AS BIGINT), {sums} FROM {table} t \
         WHERE {} AND t.hour >= $1 AND t.hour < $2 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
        by.columns(),
        scope.step(by),
        scope.condition()
    );
    read(tx, &sql, params![scope.since_hour, scope.until_hour], kinds.len())
}

/// People. The kinds are sets that may overlap, so `errored` is what the set of those who fared badly has beyond the others, as the
/// protocol counts it (section 9.3); it may be below zero, and healthy people are exact.
pub fn people(tx: &mut Tx<'_>, scope: &Scope, by: By) -> Result<Vec<(Group, Counts)>, DbError> {
    if scope.is_nothing() {
        return Ok(Vec::new());
    }
    let set = |kind: &str| format!("COUNT(DISTINCT CASE WHEN (t.{kind} & s.mask) <> 0 THEN t.person END)");
    let sql = format!(
        "WITH slots (slot, day, mask) AS (VALUES {}) \
         SELECT {}, CAST(s.slot AS BIGINT), COUNT(DISTINCT t.person), {}, {}, {}, {} \
         FROM slots s CROSS JOIN session_people t \
         WHERE t.day = s.day AND {} AND (t.hours & s.mask) <> 0 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
        slots(scope, scope.step(by)),
        by.columns(),
        set("errored"),
        set("unhandled"),
        set("abnormal"),
        set("crashed"),
        scope.condition()
    );
    let mut found = read(tx, &sql, &[], 5)?;
    for (_, Counts(counts)) in &mut found {
        counts[1] -= counts[2] + counts[3] + counts[4];
    }
    Ok(found)
}

/// Every slot's days, each with its hours as bits, as rows of SQL.
fn slots(scope: &Scope, step: i64) -> String {
    let mut rows = Vec::new();
    let mut begin = scope.since_hour;
    let mut slot = 0;
    while begin < scope.until_hour {
        let end = (begin + step).min(scope.until_hour);
        for day in begin.div_euclid(HOURS)..=(end - 1).div_euclid(HOURS) {
            let first = (begin - day * HOURS).clamp(0, HOURS);
            let behind = (end - day * HOURS).clamp(0, HOURS);
            let mask = (1_i64 << behind) - (1_i64 << first);
            rows.push(format!("({slot}, {day}, {mask})"));
        }
        (begin, slot) = (end, slot + 1);
    }
    rows.join(", ")
}

fn read(
    tx: &mut Tx<'_>,
    sql: &str,
    parameters: &[bugle_db::Param<'_>],
    kinds: usize,
) -> Result<Vec<(Group, Counts)>, DbError> {
    let mut found = Vec::new();
    for row in tx.query(sql, parameters)? {
        let group = Group { project: row.get(0)?, release: row.get(1)?, environment: row.get(2)?, slot: row.get(3)? };
        let mut counts = Counts::default();
        for (kind, count) in counts.0.iter_mut().enumerate().take(kinds) {
            *count = row.get(4 + kind)?;
        }
        found.push((group, counts));
    }
    Ok(found)
}

/// Sessions and people that came beyond the bounds of their sets in a span, so that counts are not exact.
pub fn over(tx: &mut Tx<'_>, scope: &Scope) -> Result<(i64, i64), DbError> {
    if scope.is_nothing() {
        return Ok((0, 0));
    }
    let projects = Scope { releases: None, environments: None, ..scope.clone() }.condition();
    let sql = format!(
        "SELECT CAST(COALESCE(SUM(t.ids_over), 0) AS BIGINT), CAST(COALESCE(SUM(t.people_over), 0) AS BIGINT) \
         FROM session_days t WHERE {projects} AND t.day >= $1 AND t.day <= $2"
    );
    let days = params![scope.since_hour.div_euclid(HOURS), (scope.until_hour - 1).div_euclid(HOURS)];
    match tx.first(&sql, days)? {
        Some(row) => Ok((row.get(0)?, row.get(1)?)),
        None => Ok((0, 0)),
    }
}

/// The ids of environments by their names, in these projects; an empty name is that of what names none.
pub fn environments(tx: &mut Tx<'_>, projects: &[i64], names: &[String]) -> Result<Vec<i64>, DbError> {
    let mut ids = Vec::new();
    for name in names {
        if name.is_empty() {
            ids.push(0);
            continue;
        }
        for row in tx.query("SELECT id, project FROM environments WHERE name = $1", params![name])? {
            if projects.contains(&row.get::<i64>(1)?) {
                ids.push(row.get(0)?);
            }
        }
    }
    Ok(ids)
}

/// The ids of releases by their versions, in these projects.
pub fn releases(tx: &mut Tx<'_>, projects: &[i64], versions: &[String]) -> Result<Vec<i64>, DbError> {
    let mut ids = Vec::new();
    for version in versions {
        ids.extend(crate::release::named(tx, projects, version)?.into_iter().map(|release| release.id));
    }
    Ok(ids)
}

/// The ids of all releases of these projects but those.
pub fn other_releases(tx: &mut Tx<'_>, projects: &[i64], but: &[i64]) -> Result<Vec<i64>, DbError> {
    Ok(versions(tx, projects)?.into_keys().filter(|id| !but.contains(id)).collect())
}

/// The ids of all environments of these projects but those; 0, which is none, among them.
pub fn other_environments(tx: &mut Tx<'_>, projects: &[i64], but: &[i64]) -> Result<Vec<i64>, DbError> {
    let all = environment_names(tx, projects)?.into_keys().chain([0]);
    Ok(all.filter(|id| !but.contains(id)).collect())
}

/// The versions of these projects' releases, by id.
pub fn versions(tx: &mut Tx<'_>, projects: &[i64]) -> Result<HashMap<i64, String>, DbError> {
    named(tx, "SELECT id, version FROM releases WHERE project", projects)
}

/// The names of these projects' environments, by id.
pub fn environment_names(tx: &mut Tx<'_>, projects: &[i64]) -> Result<HashMap<i64, String>, DbError> {
    named(tx, "SELECT id, name FROM environments WHERE project", projects)
}

fn named(tx: &mut Tx<'_>, sql: &str, projects: &[i64]) -> Result<HashMap<i64, String>, DbError> {
    if projects.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = tx.query(&format!("{sql} IN ({})", crate::release::ids(projects)), &[])?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_cover_their_hours_once() {
        let scope = |since_hour, until_hour| Scope { since_hour, until_hour, ..Scope::default() };
        assert_eq!(slots(&scope(24, 48), 24), "(0, 1, 16777215)");
        assert_eq!(slots(&scope(23, 25), 24), "(0, 0, 8388608), (0, 1, 1)");
        assert_eq!(slots(&scope(24, 27), 1), "(0, 1, 1), (1, 1, 2), (2, 1, 4)");
        assert_eq!(slots(&scope(0, 30), 24), "(0, 0, 16777215), (1, 1, 63)", "the last one is cut");
    }
}
