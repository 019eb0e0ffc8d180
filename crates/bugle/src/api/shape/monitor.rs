//! A monitor and its check-ins, as Sentry's API shows them.

use super::date;
use crate::monitor::runs::{Run, Status};
use crate::monitor::schedule::Schedule;
use crate::monitor::{Config, Environment, Monitor};
use crate::project::Project;
use bugle_event::EventId;
use serde_json::{Value, json};

/// A monitor with its environments.
pub fn monitor(monitor: &Monitor, projects: &[Project]) -> Value {
    let project = projects.iter().find(|project| project.id == monitor.project);
    json!({
        "id": monitor.id.to_string(),
        "name": monitor.slug,
        "slug": monitor.slug,
        "type": "cron_job",
        "status": "active",
        "isMuted": monitor.is_muted,
        "isUpserting": true,
        "config": config(&monitor.config),
        "dateCreated": date(monitor.created_ms),
        "owner": null,
        "project": project.map(|project| json!({
            "id": project.id.to_string(), "slug": project.slug, "name": project.name, "platform": project.platform,
        })),
        "environments": monitor.environments.iter().map(|one| environment(one, monitor)).collect::<Vec<_>>(),
        "alertRule": null,
    })
}

fn environment(environment: &Environment, monitor: &Monitor) -> Value {
    json!({
        "name": environment.name,
        "status": if environment.is_failing { "error" } else { "ok" },
        "isMuted": monitor.is_muted,
        "dateCreated": date(monitor.created_ms),
        "lastCheckIn": date(environment.last_ms),
        "nextCheckIn": environment.next_ms.map(date),
        "nextCheckInLatest": environment.due_ms.map(date),
        "activeIncident": null,
    })
}

fn config(config: &Config) -> Value {
    let (kind, schedule, zone) = match &config.schedule {
        None => (Value::Null, Value::Null, Value::Null),
        Some(Schedule::Crontab { line, zone }) => {
            let zone = if zone.is_empty() { "UTC" } else { zone };
            ("crontab".into(), line.as_str().into(), zone.into())
        }
        Some(Schedule::Interval { every, unit }) => ("interval".into(), json!([every, unit.as_str()]), "UTC".into()),
    };
    json!({
        "schedule_type": kind,
        "schedule": schedule,
        "timezone": zone,
        "checkin_margin": config.margin_min,
        "max_runtime": config.runtime_min,
        "failure_issue_threshold": config.failures,
        "recovery_threshold": config.recoveries,
        "alert_rule_id": null,
    })
}

/// One run.
pub fn check_in(run: &Run, monitor: &Monitor) -> Value {
    let is_missed = run.status == Status::Missed;
    json!({
        "id": EventId(run.check_in_id).dashed(),
        "environment": run.environment,
        "status": run.status.as_str(),
        "duration": run.duration_ms,
        "dateAdded": date(run.began_ms),
        "dateCreated": date(run.began_ms),
        "dateInProgress": (!is_missed).then(|| date(run.began_ms)),
        "dateUpdated": date(run.began_ms + run.duration_ms.unwrap_or(0)),
        "expectedTime": is_missed.then(|| date(run.began_ms)),
        "monitorConfig": config(&monitor.config),
        "groups": [],
    })
}
