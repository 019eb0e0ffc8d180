//! A release: what events, sessions and builds tell of it.

use super::date;
use crate::health::adoption::Adoption;
use crate::health::{Counts, Severity};
use crate::outcome::HOUR_MS;
use crate::project::Project;
use crate::release::{self, Deploy, Line, Record};
use bugle_db::{DbError, Tx};
use bugle_event::release::{Release, short};
use serde_json::{Value, json};

const DAY_MS: i64 = 24 * HOUR_MS;

/// The release with this version; null when there is none. Its id is a number, as clients expect of releases.
pub fn of(tx: &mut Tx<'_>, project: &Project, version: Option<&str>) -> Result<Value, DbError> {
    let Some(version) = version else { return Ok(Value::Null) };
    let Some(record) = release::named(tx, &[project.id], version)?.pop() else { return Ok(Value::Null) };
    Ok(bare(&record, vec![of_project(project)]))
}

fn bare(record: &Record, projects: Vec<Value>) -> Value {
    json!({
        "id": record.id,
        "version": record.version,
        "shortVersion": short(&record.version),
        "versionInfo": version_info(&record.version),
        "status": "open",
        "ref": record.reference,
        "url": record.url,
        "dateCreated": date(record.first_ms),
        "dateReleased": record.released_ms.map(date),
        "dateStarted": record.started_ms.map(date),
        "firstEvent": date(record.first_ms),
        "lastEvent": date(record.last_ms),
        "data": {},
        "owner": null,
        "authors": [],
        "commitCount": 0,
        "lastCommit": null,
        "deployCount": 0,
        "lastDeploy": null,
        "projects": projects,
    })
}

fn of_project(project: &Project) -> Value {
    json!({ "id": project.id, "slug": project.slug, "name": project.name, "platform": project.platform })
}

/// What the name says, taken apart; null where it names no package.
fn version_info(version: &str) -> Value {
    let release = Release::read(version);
    let Some(package) = release.package else { return Value::Null };
    let parts = release.parts.map(|parts| {
        let [major, minor, patch, revision] = parts.numbers;
        json!({
            "raw": release.version,
            "major": major,
            "minor": minor,
            "patch": patch,
            "revision": revision,
            "pre": parts.pre,
            "buildCode": parts.build,
            "components": parts.written,
        })
    });
    json!({
        "package": package,
        "version": parts.unwrap_or_else(|| json!({ "raw": release.version })),
        "description": release.short(),
        "buildHash": release.build_hash(),
    })
}

/// A version with everything that is known of it in its projects.
pub fn whole(version: &str, parts: &[(Project, Line, Vec<Deploy>)], has_health: bool, now_ms: i64) -> Value {
    let projects = parts.iter().map(|(project, line, _)| {
        let mut shape = of_project(project);
        shape["platforms"] = json!([project.platform]);
        shape["newGroups"] = line.new_issues.into();
        if has_health {
            shape["healthData"] = health(line, now_ms);
        }
        shape
    });
    let projects: Vec<Value> = projects.collect();
    let records = || parts.iter().map(|(_, line, _)| &line.release);
    let Some(first) = records().min_by_key(|record| (record.first_ms, record.id)) else { return Value::Null };
    let mut shape = bare(first, projects);
    let mut deploys: Vec<&Deploy> = parts.iter().flat_map(|(_, _, deploys)| deploys).collect();
    deploys.sort_by_key(|deploy| (deploy.finished_ms, deploy.id));
    deploys.dedup_by_key(|deploy| (&deploy.environment, &deploy.name, deploy.finished_ms));
    shape["version"] = version.into();
    shape["lastEvent"] = records().map(|record| record.last_ms).max().map(date).into();
    shape["newGroups"] = parts.iter().map(|(_, line, _)| line.new_issues).sum::<i64>().into();
    shape["deployCount"] = deploys.len().into();
    shape["lastDeploy"] = deploys.last().map_or(Value::Null, |deploy| self::deploy(deploy));
    shape["currentProjectMeta"] = json!({});
    shape["userAgent"] = Value::Null;
    let stages = parts.iter().map(|(project, line, _)| (project.slug.clone(), stage(&line.adoption)));
    shape["adoptionStages"] = stages.collect::<serde_json::Map<_, _>>().into();
    shape
}

fn stage(adoption: &Adoption) -> Value {
    let day = |day: i64| date(day * DAY_MS);
    let is_replaced = adoption.stage == Some(crate::health::adoption::Stage::Replaced);
    json!({
        "stage": adoption.stage.map(|stage| stage.as_str()),
        "adopted": adoption.adopted_days.map(|(first, _)| day(first)),
        "unadopted": adoption.adopted_days.filter(|_| is_replaced).map(|(_, last)| day(last + 1)),
    })
}

/// Shares in percent; null where there is nothing to say them of.
fn health(line: &Line, now_ms: i64) -> Value {
    let percent = |share: Option<f64>| share.map(|share| share * 100.0);
    let adoption = &line.adoption;
    let part = |part: i64, whole: i64| (whole > 0).then(|| part as f64 / whole as f64);
    let Counts([total, ..]) = line.sessions;
    let now_hour = now_ms.div_euclid(HOUR_MS);
    let first = now_hour - line.series.len() as i64 + 1;
    let day = line.series.iter().enumerate().map(|(at, count)| ((first + at as i64), *count));
    let day: Vec<[i64; 2]> =
        day.filter(|(hour, _)| *hour > now_hour - 24).map(|(hour, count)| [hour * 3_600, count]).collect();
    json!({
        "hasHealthData": total > 0,
        "totalSessions": total,
        "sessionsCrashed": line.sessions.of(Severity::Crashed),
        "sessionsErrored": line.sessions.of(Severity::Errored),
        "sessionsUnhandled": line.sessions.of(Severity::Unhandled),
        "sessionsAbnormal": line.sessions.of(Severity::Abnormal),
        "totalUsers": line.people.total(),
        "crashFreeSessions": percent(line.sessions.crash_free()),
        "crashFreeUsers": percent(line.people.crash_free()),
        "adoption": percent(part(adoption.people, adoption.of_people)),
        "sessionsAdoption": percent(part(adoption.sessions, adoption.of_sessions)),
        "totalUsers24h": adoption.people,
        "totalProjectUsers24h": adoption.of_people,
        "totalSessions24h": adoption.sessions,
        "totalProjectSessions24h": adoption.of_sessions,
        "durationP50": null,
        "durationP90": null,
        "stats": { "24h": day },
    })
}

/// A deploy.
pub fn deploy(deploy: &Deploy) -> Value {
    let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    json!({
        "id": deploy.id.to_string(),
        "environment": deploy.environment,
        "name": text(&deploy.name),
        "url": text(&deploy.url),
        "dateStarted": deploy.started_ms.map(date),
        "dateFinished": date(deploy.finished_ms),
    })
}
