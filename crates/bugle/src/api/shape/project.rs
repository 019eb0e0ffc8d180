//! A project, in a list and alone.

use super::{date, release};
use crate::access::Person;
use crate::api::privacy;
use crate::options::Scope;
use crate::policy::Intake;
use crate::policy::browser::Wishes;
use crate::project::Project;
use bugle_db::{DbError, Tx, params};
use serde_json::{Value, json};

/// In a list.
pub fn summary(project: &Project, person: &Person) -> Value {
    let platform = (!project.platform.is_empty()).then_some(&project.platform);
    let team = json!({
        "id": person.organization.to_string(), "slug": person.organization_slug, "name": person.organization_name,
    });
    json!({
        "id": project.id.to_string(),
        "slug": project.slug,
        "name": project.name,
        "platform": platform,
        "platforms": platform.iter().collect::<Vec<_>>(),
        "dateCreated": date(project.created_ms),
        "firstEvent": project.first_event_ms.map(date),
        "firstTransactionEvent": false,
        "status": "active",
        "features": [],
        "access": [],
        "isBookmarked": false,
        "isMember": true,
        "isPublic": false,
        "isInternal": false,
        "hasAccess": true,
        "hasSessions": false,
        "hasReplays": false,
        "hasProfiles": false,
        "hasLogs": false,
        "hasFeedbacks": false,
        "hasMonitors": false,
        "hasMinifiedStackTrace": false,
        "team": team,
        "teams": [team],
        "organization": {
            "id": person.organization.to_string(),
            "slug": person.organization_slug,
            "name": person.organization_name,
        },
        "avatar": { "avatarType": "letter_avatar", "avatarUuid": null },
    })
}

/// Alone, with its environments and newest release.
pub fn detail(tx: &mut Tx<'_>, project: &Project, person: &Person, base: &str) -> Result<Value, DbError> {
    let mut shape = summary(project, person);
    let mut environments = Vec::new();
    for row in
        tx.query("SELECT name FROM environments WHERE project = $1 ORDER BY name LIMIT 1000", params![project.id])?
    {
        environments.push(Value::String(row.get(0)?));
    }
    let newest = tx.first(
        "SELECT version FROM releases WHERE project = $1 ORDER BY first_ms DESC, id DESC LIMIT 1",
        params![project.id],
    )?;
    let newest: Option<String> = newest.map(|row| row.get(0)).transpose()?;
    shape["environments"] = environments.into();
    shape["latestRelease"] = release::of(tx, project, newest.as_deref())?;
    shape["allowedDomains"] = json!(Wishes::read(tx, project.id)?.allowed_domains);
    shape["options"] = crate::api::filter::options(tx, project.id)?;
    shape["storeCrashReports"] = Intake::of(tx, project.id)?.store_crash_reports.into();
    privacy::show(tx, Scope::Project(project.id), &mut shape)?;
    shape["links"] = json!({ "projectUrl": format!("{base}/projects/{}", project.slug) });
    Ok(shape)
}
