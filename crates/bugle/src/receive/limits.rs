//! Limits: whether one more event may come, judged in one place and under one lock.
//!
//! | limit | whose setting | opens again |
//! |---|---|---|
//! | rate limit of a key | the project's | with the next window ([`super::window`]) |
//! | rate limit of a project | the project's | with the next window |
//! | spike protection | the project's | with the next ten minutes ([`limit::usual`]) |
//! | monthly quota of a project, of an organization | the project's, the organization's | with the next month, UTC |
//! | shares of the guards | the server's | see [`super::room`] |
//!
//! An event takes from all of them or, if one is used up, from none. No SQL here: settings come as a snapshot, what was
//! used is counted in memory.
//!
//! **Quotas are exact.** What is used of a month is what the ledger says (kept or counted) and what waits to be filed:
//! both are read at the start, then each event that is taken adds one, and each that in the end is not kept (a repeat, a
//! record that cannot be filed) gives its place back ([`Place`]). So no event is refused while places are free, a kill
//! costs no place, and the quota is exceeded by none. Where several servers share a database, each would count its own;
//! then a month may exceed its quota by what the others have taken since they started.

use super::closed::{Closed, Use};
use super::guard::Guard;
use super::room::Room;
use super::share::Roster;
use super::window::{Counted, Windows};
use crate::limit::usual::WINDOW_S as SPIKE_WINDOW_S;
use crate::limit::{Month, Rate, Settings, is_counted};
use crate::outcome::{Outcome, Reason};
use crate::project::Key;
use crate::record::Sender;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// See the module comment.
pub struct Limits {
    guard: Arc<Guard>,
    state: Mutex<State>,
}

struct State {
    settings: Arc<Settings>,
    roster: Roster,
    windows: Windows,
    month: Month,
    /// Used of the month, by project and by organization.
    projects: HashMap<i64, i64>,
    organizations: HashMap<i64, i64>,
    /// What is usual for a project in a spike's window, where that is known.
    usual: HashMap<i64, i64>,
    room: Room,
}

/// The place that a taken event has in the quotas of its month. Dropped without [`Place::keep`], it is free again.
#[must_use]
pub struct Place {
    limits: Arc<Limits>,
    project: i64,
    key: i64,
    /// The span of the key's rate limit.
    key_window_s: Option<i64>,
    received_ms: i64,
    is_kept: bool,
}

impl Limits {
    /// Nothing is used yet.
    pub fn new(guard: Arc<Guard>, settings: Arc<Settings>, now_ms: i64) -> Limits {
        let mut state = State {
            room: Room::new(*guard.bounds()),
            settings: Arc::default(),
            roster: Roster::default(),
            windows: Windows::default(),
            month: Month::at(now_ms),
            projects: HashMap::new(),
            organizations: HashMap::new(),
            usual: HashMap::new(),
        };
        state.learn(&settings);
        Limits { guard, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one event, and says which limits it has used up; or says which limits are used up already.
    pub fn take(
        self: &Arc<Self>,
        settings: &Arc<Settings>,
        key: &Key,
        now_ms: i64,
    ) -> Result<(Place, Vec<Closed>), Vec<Closed>> {
        let free = self.guard.disk_free_bytes();
        let mut state = self.lock();
        state.turn(settings, free, now_ms);
        let (mut closed, mut closing) = (Vec::new(), Vec::new());
        for one in state.uses(key, now_ms).into_iter().flatten() {
            match one.max - one.used {
                ..=0 => closed.push(one.closed(now_ms)),
                1 => closing.push(one.closed(now_ms)),
                _ => {}
            }
        }
        closed.extend(state.lacks(key, free, now_ms));
        if !closed.is_empty() {
            return Err(closed);
        }
        state.take(key, now_ms);
        let place = Place {
            limits: Arc::clone(self),
            project: key.project,
            key: key.id,
            key_window_s: rate_of(key).map(|rate| rate.window_s),
            received_ms: now_ms,
            is_kept: false,
        };
        Ok((place, closing))
    }

    /// Which limits of this key are used up.
    pub fn closed(&self, settings: &Arc<Settings>, key: &Key, now_ms: i64) -> Vec<Closed> {
        let free = self.guard.disk_free_bytes();
        let mut state = self.lock();
        state.turn(settings, free, now_ms);
        let uses = state.uses(key, now_ms).into_iter().flatten();
        let mut closed: Vec<Closed> = uses.filter(|one| one.used >= one.max).map(|one| one.closed(now_ms)).collect();
        closed.extend(state.lacks(key, free, now_ms));
        closed
    }

    /// The limits that a key has, with their present use.
    pub fn uses(&self, settings: &Arc<Settings>, key: &Key, now_ms: i64) -> Vec<Use> {
        let mut state = self.lock();
        state.turn(settings, self.guard.disk_free_bytes(), now_ms);
        let mut uses: Vec<Use> = state.uses(key, now_ms).into_iter().flatten().collect();
        let portion = |reason, shares: &super::share::Shares, opens_ms| {
            let (used, max) = (shares.used_by(key.project), shares.part(&state.roster, key.project));
            Use { reason, used, max, opens_ms }
        };
        let [items, _] = state.room.shares_of_backlog();
        uses.push(portion(Reason::OverloadShare, items, now_ms));
        uses.extend(state.room.accepted().map(|shares| {
            let minute_ms = 60_000;
            portion(Reason::AcceptedPerMinute, shares, (now_ms / minute_ms + 1) * minute_ms)
        }));
        uses
    }

    /// Events of the present month, of a project and of its organization.
    pub fn used_of_month(&self, settings: &Arc<Settings>, project: i64, organization: i64, now_ms: i64) -> (i64, i64) {
        let mut state = self.lock();
        state.turn(settings, self.guard.disk_free_bytes(), now_ms);
        let of = |map: &HashMap<i64, i64>, id| map.get(&id).copied().unwrap_or_default();
        (of(&state.projects, project), of(&state.organizations, organization))
    }

    /// What the ledger says was used in `month`: (project, organization, events). For the start, before anything is taken.
    pub fn begin(&self, month: &Month, used: &[(i64, i64, i64)]) {
        let mut state = self.lock();
        state.month = *month;
        for (project, organization, events) in used {
            *state.projects.entry(*project).or_default() += events;
            *state.organizations.entry(*organization).or_default() += events;
        }
    }

    /// What waits in the journal. For the start.
    pub fn found(&self, head: &Sender, bytes: i64) {
        let mut state = self.lock();
        if head.category.is_event() {
            state.move_place(head.project, head.received_ms, 1);
        }
        state.append(head, bytes);
        self.tell_guard(&state);
    }

    /// Records became durable; their places are kept.
    pub fn append(&self, records: impl Iterator<Item = (Sender, i64)>) {
        let mut state = self.lock();
        records.for_each(|(head, bytes)| state.append(&head, bytes));
        self.tell_guard(&state);
    }

    /// Records were filed, each with its fate.
    pub fn file(&self, records: impl Iterator<Item = (Sender, i64, (Outcome, Reason))>) {
        let mut state = self.lock();
        for (head, bytes, (outcome, reason)) in records {
            let State { room, roster, .. } = &mut *state;
            room.file(roster, &head, bytes);
            if head.category.is_event() && !is_counted(outcome, reason) {
                state.move_place(head.project, head.received_ms, -1);
            }
        }
        self.tell_guard(&state);
    }

    fn tell_guard(&self, state: &State) {
        let (items, bytes) = state.room.backlog();
        self.guard.set_backlog(items, bytes);
    }

    /// What is usual for the projects that are protected from their own spikes.
    pub fn set_usual(&self, usual: HashMap<i64, i64>) {
        self.lock().usual = usual;
    }

    /// Projects that have reached what is usual for them in the present ten minutes, with what that is.
    pub fn spikes(&self, now_ms: i64) -> Vec<(i64, i64)> {
        let state = self.lock();
        let count = |project| state.windows.look(Counted::Spike(project), SPIKE_WINDOW_S, now_ms).0;
        state.usual.iter().filter(|(project, max)| count(**project) >= **max).map(|(id, max)| (*id, *max)).collect()
    }
}

impl State {
    fn learn(&mut self, settings: &Arc<Settings>) {
        // A request may come with a snapshot that another has overtaken.
        if Arc::ptr_eq(settings, &self.settings) || settings.revision < self.settings.revision {
            return;
        }
        self.settings = Arc::clone(settings);
        let active = settings.projects.iter().filter(|(_, project)| !project.keys.is_empty());
        self.roster = active.map(|(id, project)| (*id, project.keys.clone())).collect();
        self.room.divide(&self.roster);
        self.windows.retain(|counted| match counted {
            Counted::Key(id) => settings.projects.values().any(|project| project.keys.contains(&id)),
            Counted::Project(id) | Counted::Spike(id) => settings.projects.contains_key(&id),
        });
        self.usual.retain(|id, _| settings.projects.get(id).is_some_and(|one| one.limits.is_spike_protected));
    }

    /// Brings everything to the present.
    fn turn(&mut self, settings: &Arc<Settings>, disk_free_bytes: i64, now_ms: i64) {
        self.learn(settings);
        self.room.turn(disk_free_bytes, now_ms);
        if now_ms >= self.month.until_ms {
            self.month = Month::at(now_ms);
            self.projects.clear();
            self.organizations.clear();
        }
    }

    /// The limits that an event of this key takes from, but for the guards.
    fn uses(&self, key: &Key, now_ms: i64) -> [Option<Use>; 5] {
        let window = |reason, counted, rate: Option<Rate>| {
            let Rate { count: max, window_s } = rate?;
            let (used, opens_ms) = self.windows.look(counted, window_s, now_ms);
            Some(Use { reason, used, max, opens_ms })
        };
        let project = self.settings.projects.get(&key.project);
        let limits = project.map(|project| project.limits).unwrap_or_default();
        let organization = project.map_or(0, |project| project.organization);
        let month = |reason, used: Option<&i64>, max: Option<i64>| {
            Some(Use { reason, used: used.copied().unwrap_or(0), max: max?, opens_ms: self.month.until_ms })
        };
        let usual = self.usual.get(&key.project).map(|&count| Rate { count, window_s: SPIKE_WINDOW_S });
        [
            window(Reason::KeyQuota, Counted::Key(key.id), rate_of(key)),
            window(Reason::ProjectRateLimit, Counted::Project(key.project), limits.rate),
            window(Reason::Spike, Counted::Spike(key.project), usual),
            month(Reason::ProjectQuota, self.projects.get(&key.project), limits.month_events_max),
            month(
                Reason::OrganizationQuota,
                self.organizations.get(&organization),
                self.settings.organizations.get(&organization).copied(),
            ),
        ]
    }

    fn lacks(&self, key: &Key, disk_free_bytes: i64, now_ms: i64) -> Option<Closed> {
        let lack = self.room.lacks(&self.roster, key.project, key.id, disk_free_bytes, now_ms)?;
        Some(Closed { reason: lack.0, after_s: lack.1 })
    }

    fn take(&mut self, key: &Key, now_ms: i64) {
        let limits = self.settings.projects.get(&key.project).map(|project| project.limits).unwrap_or_default();
        if let Some(rate) = rate_of(key) {
            self.windows.count(Counted::Key(key.id), rate.window_s, now_ms);
        }
        if let Some(rate) = limits.rate {
            self.windows.count(Counted::Project(key.project), rate.window_s, now_ms);
        }
        if limits.is_spike_protected {
            self.windows.count(Counted::Spike(key.project), SPIKE_WINDOW_S, now_ms);
        }
        self.move_place(key.project, now_ms, 1);
        self.room.take(&self.roster, key.project, key.id);
    }

    /// As if it had never been taken, but for the month, which follows the place itself.
    fn give_back(&mut self, place: &Place) {
        let at_ms = place.received_ms;
        let limits = self.settings.projects.get(&place.project).map(|project| project.limits).unwrap_or_default();
        if let Some(window_s) = place.key_window_s {
            self.windows.uncount(Counted::Key(place.key), window_s, at_ms);
        }
        if let Some(rate) = limits.rate {
            self.windows.uncount(Counted::Project(place.project), rate.window_s, at_ms);
        }
        if limits.is_spike_protected {
            self.windows.uncount(Counted::Spike(place.project), SPIKE_WINDOW_S, at_ms);
        }
        self.room.give_back(&self.roster, place.project, place.key, at_ms);
    }

    fn append(&mut self, head: &Sender, bytes: i64) {
        self.room.append(&self.roster, head, bytes);
    }

    /// One place more or less is taken in the quotas. An event of an earlier month has none in the present one.
    fn move_place(&mut self, project: i64, received_ms: i64, by: i64) {
        if received_ms < self.month.from_ms {
            return;
        }
        let organization = self.settings.projects.get(&project).map_or(0, |project| project.organization);
        *self.projects.entry(project).or_default() += by;
        *self.organizations.entry(organization).or_default() += by;
    }
}

fn rate_of(key: &Key) -> Option<Rate> {
    key.rate_count.zip(key.rate_window_s).map(|(count, window_s)| Rate { count, window_s })
}

impl Place {
    /// The event is durable: filing decides whether the place stays taken.
    pub fn keep(mut self) {
        self.is_kept = true;
    }

    /// The event uses up nothing, because a filter dropped it.
    pub fn give_back(self) {
        self.limits.lock().give_back(&self);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_kept {
            self.limits.lock().move_place(self.project, self.received_ms, -1);
        }
    }
}

#[cfg(test)]
mod tests;
