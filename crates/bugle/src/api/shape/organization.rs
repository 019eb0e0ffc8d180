//! The organization and the one team that it shows as.

use super::date;
use crate::access::Role;
use crate::access::organization::Organization;
use serde_json::{Value, json};

/// In a list.
pub fn summary(organization: &Organization, base: &str) -> Value {
    json!({
        "id": organization.id.to_string(),
        "slug": organization.slug,
        "name": organization.name,
        "status": { "id": "active", "name": "active" },
        "dateCreated": date(organization.created_ms),
        "isEarlyAdopter": false,
        "require2FA": false,
        "requireEmailVerification": false,
        "avatar": { "avatarType": "letter_avatar", "avatarUuid": null },
        "features": [],
        "links": { "organizationUrl": base, "regionUrl": base },
    })
}

/// Alone, with its teams and projects.
pub fn detail(organization: &Organization, base: &str, role: Role, teams: Value, projects: Value) -> Value {
    let mut shape = summary(organization, base);
    shape["role"] = role.as_str().into();
    shape["orgRole"] = role.as_str().into();
    shape["allowMemberProjectCreation"] = true.into();
    shape["isDefault"] = true.into();
    shape["teams"] = teams;
    shape["projects"] = projects;
    shape
}

/// The team in which everybody is.
pub fn team(organization: &Organization, members: i64, projects: Vec<Value>) -> Value {
    json!({
        "id": organization.id.to_string(),
        "slug": organization.slug,
        "name": organization.name,
        "dateCreated": date(organization.created_ms),
        "isMember": true,
        "hasAccess": true,
        "isPending": false,
        "memberCount": members,
        "avatar": { "avatarType": "letter_avatar", "avatarUuid": null },
        "projects": projects,
    })
}
