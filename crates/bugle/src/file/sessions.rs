//! Sessions, counted: sums by release, environment and hour, kept exact by sets of ids and of people.
//!
//! **Once each.** A session's row in `session_ids` says whether its first update has come and the gravest that was said of it.
//! An update can only add to that, so whatever the order and however often it comes, the sums end up the same. The hour,
//! release and environment are those of the update that came first. Sums that SDKs send have no id: one that is delivered
//! twice counts twice.
//!
//! **Cheap at high rates.** A batch is joined in memory first: one write per session, per person and day, per sum. What changes
//! nothing is not written.
//!
//! **Bounds.** A project has at most [`IDS_PER_DAY_MAX`] ids and [`PEOPLE_PER_DAY_MAX`] rows of people on one day. Beyond, sessions
//! are counted when they begin and end as if each update came once, people are left out, and `session_days` says how often
//! that was, which pages tell.

use super::Memory;
use super::release::Releases;
use crate::health::form::{self, Said};
use crate::health::{Counts, Severity};
use crate::outcome::{HOUR_MS, Outcome, Reason};
use crate::record::Item;
use bugle_db::{DbError, Param, Row, Tx};
use std::collections::BTreeMap;

/// Ids of sessions of one project and day: some 40 MB while updates may come.
pub(super) const IDS_PER_DAY_MAX: i64 = 1_000_000;
/// People by release and environment, of one project and day: some 50 MB, as long as the project keeps events.
pub(super) const PEOPLE_PER_DAY_MAX: i64 = 1_000_000;

/// Where sessions are counted: hour, release, environment (0: none).
type Place = (i64, i64, i64);

/// What is known of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    place: Place,
    is_init: bool,
    is_final: bool,
    severity: Severity,
}

/// What a batch says of sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// (project, day, id).
    updates: BTreeMap<(i64, i64, i64), Known>,
    /// (project, place, whether counted by ids).
    sums: BTreeMap<(i64, Place, bool), Counts>,
    /// (project, day, release, environment, person) → hours, by severity: any, not healthy, then each kind.
    people: BTreeMap<(i64, i64, i64, i64, i64), [i64; 5]>,
    days: BTreeMap<(i64, i64), Day>,
}

/// Rows of one project and day, and what was beyond their bounds.
#[derive(Debug, Clone, Copy, Default)]
struct Day {
    ids: i64,
    people: i64,
    ids_over: i64,
    people_over: i64,
}

impl Sessions {
    /// Adds an item.
    pub(super) fn add(
        &mut self,
        tx: &mut Tx<'_>,
        memory: &mut Memory,
        item: &Item,
    ) -> Result<(Outcome, Reason), DbError> {
        let (Some((version, environment)), Some(said)) = (form::read_about(&item.about), form::read(&item.body)) else {
            return Ok((Outcome::Invalid, Reason::Unreadable));
        };
        let (project, at_ms) = (item.sender.project, item.sender.received_ms);
        let release = memory.release(tx, project, version, at_ms)?;
        let environment = match environment {
            Some(name) => memory.environment(tx, project, name)?,
            None => 0,
        };
        match said {
            Said::Update { sid, person, hour, is_init, is_final, severity } => {
                let place = (hour, release, environment);
                self.add_update(project, sid, Known { place, is_init, is_final, severity });
                self.add_person(project, place, person, |kind| kind == 0 || is_among(kind, severity));
            }
            Said::Sums(lines) => {
                for ((hour, person), by_severity) in lines {
                    let place = (hour, release, environment);
                    let [_, bad @ ..] = by_severity;
                    let counts = Counts([by_severity.iter().sum(), bad[0], bad[1], bad[2], bad[3]]);
                    self.sums.entry((project, place, false)).or_default().join(&counts);
                    let has = |severity: Severity| severity != Severity::Healthy && by_severity[severity as usize] > 0;
                    let is_in = |kind: usize| Severity::ALL.into_iter().any(|one| has(one) && is_among(kind, one));
                    self.add_person(project, place, person, |kind| (kind == 0 && counts.total() > 0) || is_in(kind));
                }
            }
        }
        Ok((Outcome::Stored, Reason::None))
    }

    fn add_update(&mut self, project: i64, sid: i64, update: Known) {
        let known = self.updates.entry((project, update.place.0.div_euclid(24), sid)).or_insert(update);
        *known = known.joined(update);
    }

    fn add_person(&mut self, project: i64, place: Place, person: i64, is_in: impl Fn(usize) -> bool) {
        let (hour, release, environment) = place;
        if person == 0 || !(0..5).any(&is_in) {
            return;
        }
        let masks = self.people.entry((project, hour.div_euclid(24), release, environment, person)).or_default();
        let of_kinds = masks.iter_mut().enumerate().filter(|(kind, _)| is_in(*kind));
        of_kinds.for_each(|(_, mask)| *mask |= 1 << hour.rem_euclid(24));
    }

    /// Writes everything.
    pub(super) fn write(mut self, tx: &mut Tx<'_>, releases: &mut Releases) -> Result<(), DbError> {
        if self.updates.is_empty() && self.sums.is_empty() {
            return Ok(());
        }
        self.read_days(tx)?;
        self.write_updates(tx)?;
        self.write_people(tx)?;
        for &(_, (hour, release, _), _) in self.sums.keys() {
            releases.hear(release, hour * HOUR_MS);
        }
        self.write_sums(tx)?;
        self.write_days(tx)
    }

    fn read_days(&mut self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        let updates = self.updates.keys().map(|&(project, day, _)| (project, day));
        let people = self.people.keys().map(|&(project, day, ..)| (project, day));
        self.days = updates.chain(people).map(|key| (key, Day::default())).collect();
        let asked: Vec<[Param<'_>; 2]> = self.days.keys().map(|&(project, day)| [project.into(), day.into()]).collect();
        let sql = "SELECT ids, people, ids_over, people_over FROM session_days WHERE project = $1 AND day = $2";
        for (day, rows) in self.days.values_mut().zip(tx.query_each(sql, &asked)?) {
            if let Some(row) = rows.first() {
                *day = Day { ids: row.get(0)?, people: row.get(1)?, ids_over: row.get(2)?, people_over: row.get(3)? };
            }
        }
        Ok(())
    }

    fn write_updates(&mut self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        let asked: Vec<[Param<'_>; 3]> =
            self.updates.keys().map(|&(project, day, sid)| [project.into(), day.into(), sid.into()]).collect();
        let sql = "SELECT hour, release_id, environment, is_init, severity FROM session_ids \
                   WHERE project = $1 AND day = $2 AND sid = $3";
        let found = tx.query_each(sql, &asked)?;
        let mut rows: Vec<[Param<'_>; 8]> = Vec::new();
        for ((&(project, day, sid), &update), found) in self.updates.iter().zip(found) {
            let before = found.first().map(Known::of_row).transpose()?;
            let count = self.days.entry((project, day)).or_default();
            if before.is_none() && count.ids >= IDS_PER_DAY_MAX {
                count.ids_over += 1;
                self.sums.entry((project, update.place, false)).or_default().join(&update.alone());
                continue;
            }
            let nothing = Known { is_init: false, severity: Severity::Healthy, ..update };
            let after = before.unwrap_or(nothing).joined(update);
            let added = after.beyond(&before.unwrap_or(nothing));
            if added.is_empty() {
                continue;
            }
            count.ids += i64::from(before.is_none());
            self.sums.entry((project, after.place, true)).or_default().join(&added);
            let (hour, release, environment) = after.place;
            rows.push([
                project.into(),
                day.into(),
                sid.into(),
                hour.into(),
                release.into(),
                environment.into(),
                after.is_init.into(),
                i64::from(after.severity as u8).into(),
            ]);
        }
        tx.execute_each(
            "INSERT INTO session_ids (project, day, sid, hour, release_id, environment, is_init, severity) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (project, day, sid) \
             DO UPDATE SET is_init = excluded.is_init, severity = excluded.severity",
            &rows,
        )
        .map(drop)
    }

    fn write_people(&mut self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        let key = |&(project, day, release, environment, person): &(i64, i64, i64, i64, i64)| -> [Param<'_>; 5] {
            [project.into(), day.into(), release.into(), environment.into(), person.into()]
        };
        let asked: Vec<[Param<'_>; 5]> = self.people.keys().map(key).collect();
        let sql = "SELECT hours, errored, unhandled, abnormal, crashed FROM session_people WHERE project = $1 \
                   AND day = $2 AND release_id = $3 AND environment = $4 AND person = $5";
        let found = tx.query_each(sql, &asked)?;
        let mut rows: Vec<[Param<'_>; 10]> = Vec::new();
        for ((at, masks), found) in self.people.iter().zip(found) {
            let count = self.days.entry((at.0, at.1)).or_default();
            let mut after = *masks;
            match found.first() {
                Some(row) => {
                    let mut before = [0; 5];
                    for (kind, mask) in after.iter_mut().enumerate() {
                        before[kind] = row.get(kind)?;
                        *mask |= before[kind];
                    }
                    if before == after {
                        continue;
                    }
                }
                None if count.people >= PEOPLE_PER_DAY_MAX => {
                    count.people_over += 1;
                    continue;
                }
                None => count.people += 1,
            }
            let [a, b, c, d, e] = key(at);
            let [hours, errored, unhandled, abnormal, crashed] = after.map(Param::from);
            rows.push([a, b, c, d, e, hours, errored, unhandled, abnormal, crashed]);
        }
        tx.execute_each(
            "INSERT INTO session_people \
               (project, day, release_id, environment, person, hours, errored, unhandled, abnormal, crashed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (project, day, release_id, environment, person) DO UPDATE SET hours = excluded.hours, \
               errored = excluded.errored, unhandled = excluded.unhandled, abnormal = excluded.abnormal, \
               crashed = excluded.crashed",
            &rows,
        )
        .map(drop)
    }

    fn write_sums(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        let rows: Vec<[Param<'_>; 10]> = self
            .sums
            .iter()
            .filter(|(_, counts)| !counts.is_empty())
            .map(|(&(project, (hour, release, environment), by_id), counts)| {
                let [sessions, errored, unhandled, abnormal, crashed] = counts.0.map(Param::from);
                let [a, b, c, d] = [project, hour, release, environment].map(Param::from);
                [a, b, c, d, by_id.into(), sessions, errored, unhandled, abnormal, crashed]
            })
            .collect();
        tx.execute_each(
            "INSERT INTO session_hours \
               (project, hour, release_id, environment, by_id, sessions, errored, unhandled, abnormal, crashed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (project, hour, release_id, environment, by_id) DO UPDATE SET \
               sessions = session_hours.sessions + excluded.sessions, errored = session_hours.errored + excluded.errored, \
               unhandled = session_hours.unhandled + excluded.unhandled, \
               abnormal = session_hours.abnormal + excluded.abnormal, crashed = session_hours.crashed + excluded.crashed",
            &rows,
        )
        .map(drop)
    }

    fn write_days(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        let rows: Vec<[Param<'_>; 6]> = self
            .days
            .iter()
            .map(|(&(project, day), count)| {
                [project, day, count.ids, count.people, count.ids_over, count.people_over].map(Param::from)
            })
            .collect();
        tx.execute_each(
            "INSERT INTO session_days (project, day, ids, people, ids_over, people_over) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (project, day) DO UPDATE SET ids = excluded.ids, \
               people = excluded.people, ids_over = excluded.ids_over, people_over = excluded.people_over",
            &rows,
        )
        .map(drop)
    }
}

/// Whether a session of this severity belongs to a kind: 1 is every one that was not healthy, the others are each their own.
fn is_among(kind: usize, severity: Severity) -> bool {
    match kind {
        1 => severity != Severity::Healthy,
        kind => kind > 1 && kind == severity as usize,
    }
}

impl Known {
    fn of_row(row: &Row) -> Result<Known, DbError> {
        let severity = u8::try_from(row.get::<i64>(4)?).ok().and_then(Severity::from_u8);
        let place = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Known { place, is_init: row.get(3)?, is_final: false, severity: severity.unwrap_or_default() })
    }

    /// With what an update adds to it.
    fn joined(self, update: Known) -> Known {
        Known {
            place: self.place,
            is_init: self.is_init || update.is_init,
            is_final: self.is_final || update.is_final,
            severity: self.severity.max(update.severity),
        }
    }

    /// What it counts.
    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        counts.0[0] = i64::from(self.is_init);
        if self.severity != Severity::Healthy {
            counts.0[self.severity as usize] = 1;
        }
        counts
    }

    /// What it counts more than before.
    fn beyond(&self, before: &Known) -> Counts {
        let mut counts = self.counts();
        counts.0.iter_mut().zip(before.counts().0).for_each(|(count, before)| *count -= before);
        counts
    }

    /// What it counts if nothing else will be known of it: how bad it was is counted where that is said for the first or the
    /// last time.
    fn alone(&self) -> Counts {
        let is_told = self.is_init || self.is_final;
        let severity = if is_told { self.severity } else { Severity::Healthy };
        Known { severity, ..*self }.counts()
    }
}

#[cfg(test)]
mod tests;
