//! Watching the limits: each second, what was used up is told, and each hour, what is usual is read again.
//!
//! What was told lately is remembered, so that a quota that stays used up asks the database nothing; that it is told once
//! over restarts as well is [`warning::give`]'s. What the server itself is short of is its operator's business and goes
//! to the log.

use super::usual;
use super::warning::{self, Level, Sender, Warning};
use super::{Month, Settings};
use crate::app::App;
use crate::outcome::HOUR_MS;
use bugle_db::{DbError, Tx};
use std::collections::{HashMap, HashSet};

const DAY_MS: i64 = 24 * HOUR_MS;

/// What the watch remembers.
#[derive(Debug, Default)]
pub struct Watch {
    /// The hour and the revision of the settings at which the usual was read.
    read: Option<(i64, i64)>,
    /// What was told, with the window in which it was.
    told: HashSet<(Warning, i64)>,
    /// The ten minutes in which the log was last told that a guard is nearly used up.
    logged: i64,
}

/// Warnings that are remembered; more are asked for again.
const TOLD_MAX: usize = 10_000;

impl Watch {
    /// Looks once.
    pub async fn look(&mut self, app: &App, now_ms: i64) -> Result<(), DbError> {
        let settings = app.store.limits();
        let hour = now_ms / HOUR_MS;
        if self.read != Some((hour, settings.revision)) {
            let projects = protected(&settings);
            let usual = if projects.is_empty() {
                HashMap::new()
            } else {
                app.store.read(move |tx| allowances(tx, &projects, hour)).await?
            };
            app.door.limits.set_usual(usual);
            self.read = Some((hour, settings.revision));
        }
        self.log(app, now_ms);
        self.tell(app, &settings, now_ms).await
    }

    /// Says in the log, once in ten minutes, that a guard is used to 80% or the last room on the disk is being shared.
    fn log(&mut self, app: &App, now_ms: i64) {
        let (guard, window) = (&app.door.guard, now_ms / (usual::WINDOW_S * 1000));
        let (items, bytes) = guard.backlog();
        let free_bytes = guard.disk_free_bytes();
        let bounds = guard.bounds();
        let is_near = |used: i64, max: i64| used >= max - max / 5;
        let is_short = is_near(items, bounds.backlog_items_max)
            || is_near(bytes, bounds.backlog_bytes_max)
            || free_bytes / 2 < bounds.disk_free_bytes_min;
        if is_short && self.logged != window {
            self.logged = window;
            tracing::warn!(items, bytes, free_bytes, "the server is short of room; projects are held to their parts");
        }
    }

    async fn tell(&mut self, app: &App, settings: &std::sync::Arc<Settings>, now_ms: i64) -> Result<(), DbError> {
        let window = now_ms / (usual::WINDOW_S * 1000);
        let mut due = quotas(app, settings, now_ms);
        for (project, limited_to) in app.door.limits.spikes(now_ms) {
            let organization = settings.projects.get(&project).map_or(0, |project| project.organization);
            due.push(Warning { organization, project, level: Level::Spike, period: now_ms / DAY_MS, limited_to });
        }
        let moment = |one: &Warning| (*one, if one.level == Level::Spike { window } else { 0 });
        due.retain(|one| !self.told.contains(&moment(one)));
        if due.is_empty() {
            return Ok(());
        }
        let sender = Sender { public_url: app.config.public_url.clone(), has_mail: app.sender.has_mail() };
        let giving = due.clone();
        if app.store.write(move |tx| warning::give(tx, &sender, &giving, now_ms)).await? {
            app.bell.notify_one();
        }
        if self.told.len() > TOLD_MAX {
            self.told.clear();
        }
        self.told.extend(due.iter().map(moment));
        Ok(())
    }
}

/// Quotas of the present month that are nearly or wholly used up.
fn quotas(app: &App, settings: &std::sync::Arc<Settings>, now_ms: i64) -> Vec<Warning> {
    let period = Month::at(now_ms).number;
    let mut due = Vec::new();
    for (&project, one) in &settings.projects {
        let organization = one.organization;
        let of_organization = settings.organizations.get(&organization).copied();
        if one.limits.month_events_max.is_none() && of_organization.is_none() {
            continue;
        }
        let used = app.door.limits.used_of_month(settings, project, organization, now_ms);
        let owners = [(project, used.0, one.limits.month_events_max), (0, used.1, of_organization)];
        for (project, used, max) in owners {
            let Some((level, limited_to)) = max.and_then(|max| Some((Level::of(used, max)?, max))) else { continue };
            due.push(Warning { organization, project, level, period, limited_to });
        }
    }
    due
}

fn protected(settings: &Settings) -> Vec<i64> {
    settings.projects.iter().filter(|(_, one)| one.limits.is_spike_protected).map(|(id, _)| *id).collect()
}

fn allowances(tx: &mut Tx<'_>, projects: &[i64], hour: i64) -> Result<HashMap<i64, i64>, DbError> {
    let mut usual = HashMap::new();
    for &project in projects {
        if let Some(events) = usual::allowance(tx, project, hour)? {
            usual.insert(project, events);
        }
    }
    Ok(usual)
}
