//! A release, as far as events tell of it: its version, and when it was first and last seen.

use super::date;
use crate::project::Project;
use bugle_db::{DbError, Tx, params};
use serde_json::{Value, json};

/// The release with this version; null when there is none. Its id is a number, as clients expect of releases.
pub fn of(tx: &mut Tx<'_>, project: &Project, version: Option<&str>) -> Result<Value, DbError> {
    let Some(version) = version else { return Ok(Value::Null) };
    let row = tx.first(
        "SELECT id, first_ms, last_ms FROM releases WHERE project = $1 AND version = $2",
        params![project.id, version],
    )?;
    let Some(row) = row else { return Ok(Value::Null) };
    let (id, first_ms, last_ms): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(json!({
        "id": id,
        "version": version,
        "shortVersion": short(version),
        "versionInfo": null,
        "status": "open",
        "ref": null,
        "url": null,
        "dateCreated": date(first_ms),
        "dateReleased": null,
        "dateStarted": null,
        "firstEvent": date(first_ms),
        "lastEvent": date(last_ms),
        "data": {},
        "owner": null,
        "authors": [],
        "commitCount": 0,
        "lastCommit": null,
        "deployCount": 0,
        "lastDeploy": null,
        "projects": [{
            "id": project.id, "slug": project.slug, "name": project.name, "platform": project.platform,
        }],
    }))
}

/// Without the package, and a build hash cut to 12 characters (protocol reference, section 20).
fn short(version: &str) -> String {
    let bare = match version.rsplit_once('@') {
        Some((package, bare)) if !package.is_empty() && !bare.is_empty() => bare,
        _ => version,
    };
    let is_hash = matches!(bare.len(), 12 | 16 | 20 | 32 | 40 | 64) && bare.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hash { bare[..12].into() } else { bare.into() }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn short_versions() {
        for (version, expected) in [
            ("shop@1.2.3", "1.2.3"),
            ("@acme/shop@1.2", "1.2"),
            ("1.2.3", "1.2.3"),
            ("@acme", "@acme"),
            ("9ec79c33ec9942ab8353589fcb2e04dc", "9ec79c33ec99"),
        ] {
            assert_eq!(short(version), expected, "{version}");
        }
    }
}
