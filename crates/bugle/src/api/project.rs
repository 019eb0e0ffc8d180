//! Projects: list, make, show, change, delete (protocol reference, sections 18.3 and 18.9).
//!
//! A setting that Bugle does not have is refused by name. Taking it in silence would let a script believe that
//! addresses are scrubbed when they are not.

use super::ask::Ask;
use super::filter;
use super::organization::check_team;
use super::privacy;
use super::reply::{Refusal, Reply};
use super::shape::project as shape;
use crate::access::random;
use crate::options::Scope;
use crate::policy::Intake;
use crate::policy::browser::Wishes;
use crate::project::{self, Project};
use bugle_db::Tx;
use serde_json::{Map, Value};

const PLATFORM_CHARS_MAX: usize = 64;

/// `GET /projects/`, `GET /organizations/{org}/projects/`, `GET /teams/{org}/{team}/projects/`. `query=` finds words
/// in name and slug, `slug:`, `id:`, and the public part of a key.
pub fn list(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    check_team(ask)?;
    let page = ask.page()?;
    let mut found = Vec::new();
    for project in project::list(tx, ask.organization())? {
        if matches(tx, &project, ask.first("query").unwrap_or_default())? {
            found.push(project);
        }
    }
    let (found, has_more) = page.cut(found);
    let found: Vec<Value> = found.iter().map(|project| shape::summary(project, &ask.caller.person)).collect();
    Ok(page.link(Reply::ok(&found.into()), ask, has_more))
}

/// `POST /organizations/{org}/projects/` and `POST /teams/{org}/{team}/projects/`
pub fn create(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    check_team(ask)?;
    let body = ask.json()?;
    only_known(&body, &["name", "slug", "platform", "default_rules"])?;
    let name = text(&body, "name")?.ok_or_else(|| Refusal::Invalid("The project needs a name.".into()))?;
    let platform = platform(&body)?.unwrap_or_default();
    let (project, _) = project::create(tx, ask.organization(), &name, &platform, &random::hex32(), ask.now_ms)?;
    let project = match text(&body, "slug")? {
        None => project,
        Some(slug) => renamed(tx, project, &slug)?,
    };
    crate::store::touch(tx)?;
    Ok(Reply::created(&shape::summary(&project, &ask.caller.person)))
}

/// `GET /projects/{org}/{project}/`
pub fn get(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    Ok(Reply::ok(&shape::detail(tx, &project, &ask.caller.person, &ask.base)?))
}

/// `PUT /projects/{org}/{project}/`
pub fn update(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let mut project = ask.project(tx)?;
    let body = ask.json()?;
    let own = ["name", "slug", "platform", "options", "allowedDomains", "storeCrashReports"];
    only_known(&body, &[&own, &privacy::FIELDS[..]].concat())?;
    if let Some(options) = body.get("options") {
        let options = options.as_object().ok_or_else(|| Refusal::Invalid("options must be an object.".into()))?;
        if let Some(odd) = options.keys().find(|name| !name.starts_with("filters:")) {
            return Err(Refusal::Invalid(format!("Bugle has no option {odd:?}. Nothing was changed.")));
        }
        filter::set_options(tx, project.id, options)?;
    }
    if let Some(domains) = domains(&body)? {
        Wishes { allowed_domains: domains, ..Wishes::read(tx, project.id)? }.write(tx, project.id)?;
    }
    if let Some(slug) = text(&body, "slug")?.filter(|slug| *slug != project.slug) {
        project = renamed(tx, project, &slug)?;
    }
    let name = text(&body, "name")?.unwrap_or_else(|| project.name.clone());
    let platform = platform(&body)?.unwrap_or_else(|| project.platform.clone());
    if let Some(asked) = body.get("storeCrashReports") {
        Intake::set_store_crash_reports(tx, project.id, wished(asked)?)?;
    }
    project::update(tx, project.id, &name, &platform)?;
    privacy::take(tx, Scope::Project(project.id), &body)?;
    let project = project::find(tx, ask.organization(), &project.id.to_string())?.unwrap_or(project);
    Ok(Reply::ok(&shape::detail(tx, &project, &ask.caller.person, &ask.base)?))
}

/// `DELETE /projects/{org}/{project}/`
pub fn delete(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    ask.caller.must_own("delete a project")?;
    project::delete(tx, project.id)?;
    Ok(Reply::empty())
}

/// Refuses fields that mean nothing here, by name.
pub fn only_known(body: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match body.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(odd) => Err(Refusal::Invalid(match known {
            [] => format!("Bugle has no setting {odd:?} yet. Nothing was changed."),
            known => format!("{odd:?} cannot be set here, only {}. Nothing was changed.", known.join(", ")),
        })),
    }
}

/// The string at `key`; none when it is absent or null.
pub fn text(body: &Map<String, Value>, key: &str) -> Result<Option<String>, Refusal> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.replace('\0', "\u{fffd}"))),
        Some(_) => Err(Refusal::Invalid(format!("{key} must be a string."))),
    }
}

/// The sites whose pages may send: a list of texts, or one text with a site on each line.
fn domains(body: &Map<String, Value>) -> Result<Option<Vec<String>>, Refusal> {
    let wrong = || Refusal::Invalid("allowedDomains must be a list of strings.".into());
    match body.get("allowedDomains") {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.lines().map(String::from).collect())),
        Some(Value::Array(list)) => {
            let texts = list.iter().map(|one| one.as_str().map(String::from).ok_or_else(wrong));
            texts.collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(wrong()),
    }
}

/// Sentry counts how many reports it keeps per issue and takes −1 for all; Bugle keeps them or does not.
fn wished(asked: &Value) -> Result<bool, Refusal> {
    let wished = asked.as_bool().or(asked.as_i64().map(|number| number != 0)).or(asked.is_null().then_some(false));
    wished.ok_or_else(|| Refusal::Invalid("storeCrashReports must be true or false.".into()))
}

fn platform(body: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    match text(body, "platform")? {
        Some(text) if text.chars().count() > PLATFORM_CHARS_MAX => {
            Err(Refusal::Invalid(format!("The platform has more than {PLATFORM_CHARS_MAX} characters.")))
        }
        platform => Ok(platform),
    }
}

fn renamed(tx: &mut Tx<'_>, project: Project, slug: &str) -> Result<Project, Refusal> {
    let holder = project::find(tx, project.organization, slug)?.filter(|other| other.slug == slug);
    if holder.is_some_and(|other| other.id != project.id) {
        return Err(Refusal::Conflict("A project with this slug already exists.".into()));
    }
    project::set_slug(tx, project.id, slug)?;
    Ok(Project { slug: slug.into(), ..project })
}

fn matches(tx: &mut Tx<'_>, project: &Project, query: &str) -> Result<bool, Refusal> {
    for word in query.split_whitespace() {
        let lower = word.to_lowercase();
        let is_named = match lower.split_once(':') {
            Some(("slug", slug)) => project.slug == slug,
            Some(("id", id)) => project.id.to_string() == id,
            _ => project.slug.contains(&lower) || project.name.to_lowercase().contains(&lower),
        };
        let key = lower.strip_prefix("dsn:").unwrap_or(&lower);
        if !is_named && !project::keys(tx, project.id)?.iter().any(|own| own.public == key) {
            return Ok(false);
        }
    }
    Ok(true)
}
