//! The organization, its members, its one team, and its environments.
//!
//! Bugle has no teams. Clients cannot do without, so the organization shows as one team of the same slug and id, in
//! which everybody is and to which every project belongs.

use super::ask::Ask;
use super::privacy;
use super::reply::{Refusal, Reply};
use super::shape::{date, organization, project};
use crate::access::organization::Organization;
use crate::options::Scope;
use crate::project as projects;
use bugle_db::{Tx, params};
use serde_json::{Value, json};

/// `GET /organizations/`: the one that the token is for.
pub fn list(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let reply = Reply::ok(&json!([organization::summary(&own(tx, ask)?, &ask.base)]));
    Ok(ask.page()?.link(reply, ask, false))
}

/// `GET /organizations/{org}/`
pub fn get(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let own = own(tx, ask)?;
    let mut all = Vec::new();
    for one in projects::list(tx, own.id)? {
        all.push(project::summary(&one, &ask.caller.person));
    }
    let teams = json!([team_shape(tx, ask, &own)?]);
    let mut shape = organization::detail(&own, &ask.base, ask.caller.person.role, teams, all.into());
    privacy::show(tx, Scope::Organization(own.id), &mut shape)?;
    Ok(Reply::ok(&shape))
}

/// `GET /organizations/{org}/members/`
pub fn members(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let page = ask.page()?;
    let rows = tx.query(
        "SELECT u.id, u.email, u.name, m.role, u.created_ms FROM members m JOIN users u ON u.id = m.user_id \
         WHERE m.organization = $1 ORDER BY u.name, u.id LIMIT $2 OFFSET $3",
        params![ask.organization(), page.limit + 1, page.offset],
    )?;
    let mut people = Vec::new();
    for row in rows.iter().take(page.limit as usize) {
        let (id, email, name): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let role: String = row.get(3)?;
        people.push(json!({
            "id": id.to_string(), "email": email, "name": name, "role": role, "orgRole": role,
            "user": { "id": id.to_string(), "email": email, "name": name, "username": email, "isActive": true },
            "pending": false, "expired": false, "inviteStatus": "approved", "flags": {},
            "dateCreated": date(row.get(4)?),
        }));
    }
    Ok(page.link(Reply::ok(&Value::Array(people)), ask, rows.len() as i64 > page.limit))
}

/// `GET /organizations/{org}/teams/`
pub fn teams(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let own = own(tx, ask)?;
    let reply = Reply::ok(&json!([team_shape(tx, ask, &own)?]));
    Ok(ask.page()?.link(reply, ask, false))
}

/// `GET /teams/{org}/{team}/`
pub fn team(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    check_team(ask)?;
    let own = own(tx, ask)?;
    Ok(Reply::ok(&team_shape(tx, ask, &own)?))
}

/// Refuses when the path names another team than the one there is.
pub fn check_team(ask: &Ask) -> Result<(), Refusal> {
    let (team, own) = (ask.part("team"), &ask.caller.person);
    match team.is_empty() || team == own.organization_slug || team == own.organization.to_string() {
        true => Ok(()),
        false => Err(Refusal::NotFound(format!(
            "There is no team {team:?}. Bugle has one, called as the organization: {:?}.",
            own.organization_slug
        ))),
    }
}

/// `GET /organizations/{org}/environments/` and `GET /projects/{org}/{project}/environments/`
pub fn environments(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let only = match ask.part("project") {
        "" => ask.projects(tx)?,
        _ => vec![ask.project(tx)?.id],
    };
    let mut sql = String::from(
        "SELECT MIN(e.id), e.name FROM environments e JOIN projects p ON p.id = e.project WHERE p.organization = $1",
    );
    if !only.is_empty() {
        let ids: Vec<String> = only.iter().map(i64::to_string).collect();
        sql.push_str(&format!(" AND e.project IN ({})", ids.join(", ")));
    }
    sql.push_str(" GROUP BY e.name ORDER BY e.name LIMIT 1000");
    let mut found = Vec::new();
    for row in tx.query(&sql, params![ask.organization()])? {
        let (id, name): (i64, String) = (row.get(0)?, row.get(1)?);
        found.push(json!({ "id": id.to_string(), "name": name, "isHidden": false }));
    }
    Ok(Reply::ok(&Value::Array(found)))
}

fn own(tx: &mut Tx<'_>, ask: &Ask) -> Result<Organization, Refusal> {
    crate::access::organization::get(tx, &ask.organization().to_string())?
        .ok_or_else(|| Refusal::NotFound("The organization was deleted a moment ago.".into()))
}

fn team_shape(tx: &mut Tx<'_>, ask: &Ask, own: &Organization) -> Result<Value, Refusal> {
    let members: i64 = tx.one("SELECT COUNT(*) FROM members WHERE organization = $1", params![own.id])?;
    let all = projects::list(tx, own.id)?;
    let all = all.iter().map(|one| project::summary(one, &ask.caller.person)).collect();
    Ok(organization::team(own, members, all))
}
