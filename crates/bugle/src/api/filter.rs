//! Filters of a project. The built-in ones as Sentry's clients set them (protocol reference, §13.1): `filters/`, and the lists
//! among the project's `options`. Rules and dry runs are Bugle's own (`docs/filters.md`). Changes act at once.

use super::PROJECT_WRITE;
use super::ask::Ask;
use super::project::only_known;
use super::reply::{Refusal, Reply};
use super::shape::date;
use crate::app::App;
use crate::filter::drops::{self, DAYS_SHOWN, Dropped};
use crate::filter::trial::{self, DAYS_USUAL, Report};
use crate::filter::{self, name};
use axum::extract::Request;
use bugle_db::{DbError, Tx};
use bugle_event::filter::{BUILT_IN, BuiltIn, By, Filters, Legacy, Rule, Settings};
use serde_json::{Map, Value, json};

/// `GET /projects/{org}/{project}/filters/`
pub fn list(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    let settings = filter::settings(tx, project.id)?;
    let dropped = drops::of_project(tx, project.id, ask.now_ms)?;
    let one = |(filter, id): &(BuiltIn, &str)| {
        let mut one = json!({ "id": id, "active": active(&settings, *filter) });
        add_dropped(&mut one, dropped.get(*id));
        one
    };
    Ok(Reply::ok(&BUILT_IN.iter().map(one).collect::<Vec<_>>().into()))
}

/// `PUT /projects/{org}/{project}/filters/{filter}/`
pub fn update(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    let filter = BuiltIn::find(ask.part("filter"))
        .ok_or_else(|| Refusal::NotFound(format!("There is no filter {:?}.", ask.part("filter"))))?;
    let body = ask.json()?;
    only_known(&body, &["active", "subfilters"])?;
    let mut settings = filter::settings(tx, project.id)?;
    let wanted = body.get("subfilters").or(body.get("active"));
    let wanted = wanted.ok_or_else(|| Refusal::Invalid("Say active or subfilters. Nothing was changed.".into()))?;
    set_switch(&mut settings, filter, wanted)?;
    filter::set_settings(tx, project.id, &settings)?;
    Ok(Reply::empty())
}

/// Whether a filter is on; for browsers, which sets are.
fn active(settings: &Settings, filter: BuiltIn) -> Value {
    match filter {
        BuiltIn::LegacyBrowsers if !settings.legacy_browsers.is_empty() => {
            settings.legacy_browsers.iter().map(|set| set.name()).collect::<Vec<_>>().into()
        }
        filter => settings.is_on(filter).into(),
    }
}

fn set_switch(settings: &mut Settings, filter: BuiltIn, value: &Value) -> Result<(), Refusal> {
    let is_on = match value {
        Value::Bool(is_on) => Ok(*is_on),
        Value::String(text) if text == "0" || text == "1" => Ok(text == "1"),
        Value::Number(number) if matches!(number.as_i64(), Some(0 | 1)) => Ok(number.as_i64() == Some(1)),
        _ => Err(Refusal::Invalid(format!("{} is true or false. Nothing was changed.", filter.id()))),
    };
    match filter {
        BuiltIn::ReactHydration => settings.react_hydration = is_on?,
        BuiltIn::ChunkLoad => settings.chunk_load = is_on?,
        BuiltIn::Csp => settings.csp = is_on?,
        BuiltIn::Localhost => settings.localhost = is_on?,
        BuiltIn::Extensions => settings.extensions = is_on?,
        BuiltIn::Crawlers => settings.crawlers = is_on?,
        BuiltIn::LegacyBrowsers => settings.legacy_browsers = browsers(value, is_on)?,
        BuiltIn::Address | BuiltIn::Release | BuiltIn::Message => {
            let option = OPTIONS.iter().find(|(_, of)| *of == filter).map_or("", |(name, _)| *name);
            let detail =
                format!("This filter is on when its list has entries: set the option {option} of the project.");
            return Err(Refusal::Invalid(detail));
        }
    }
    Ok(())
}

fn browsers(value: &Value, is_on: Result<bool, Refusal>) -> Result<Vec<Legacy>, Refusal> {
    let Value::Array(names) = value else {
        return Ok(if is_on? { Legacy::find("default").into_iter().collect() } else { Vec::new() });
    };
    let one = |name: &Value| {
        let known = name.as_str().and_then(Legacy::find);
        let all = || Legacy::all().map(|set| set.name()).collect::<Vec<_>>().join(", ");
        known.ok_or_else(|| Refusal::Invalid(format!("{name} is no set of browsers. There are {}.", all())))
    };
    names.iter().map(one).collect()
}

/// Options of a project that are lists, one entry per line, and their filters.
const OPTIONS: [(&str, BuiltIn); 4] = [
    ("filters:blacklisted_ips", BuiltIn::Address),
    ("filters:releases", BuiltIn::Release),
    ("filters:error_messages", BuiltIn::Message),
    ("filters:csp_disallowed_sources", BuiltIn::Csp),
];

fn list_of(settings: &mut Settings, filter: BuiltIn) -> &mut Vec<String> {
    match filter {
        BuiltIn::Address => &mut settings.addresses,
        BuiltIn::Release => &mut settings.releases,
        BuiltIn::Message => &mut settings.messages,
        _ => &mut settings.csp_sources,
    }
}

/// The options of a project that are about filters.
pub fn options(tx: &mut Tx<'_>, project: i64) -> Result<Value, DbError> {
    let mut settings = filter::settings(tx, project)?;
    let mut options = Map::new();
    for (filter, id) in BUILT_IN {
        if !matches!(filter, BuiltIn::Address | BuiltIn::Release | BuiltIn::Message) {
            options.insert(format!("filters:{id}"), active(&settings, filter));
        }
    }
    for (name, filter) in OPTIONS {
        options.insert(name.into(), list_of(&mut settings, filter).join("\n").into());
    }
    Ok(options.into())
}

/// Sets the options of a project that are about filters: those whose names begin with `filters:`.
pub fn set_options(tx: &mut Tx<'_>, project: i64, options: &Map<String, Value>) -> Result<(), Refusal> {
    let mut settings = filter::settings(tx, project)?;
    let before = settings.clone();
    for (name, value) in options.iter().filter(|(name, _)| name.starts_with("filters:")) {
        if let Some((_, filter)) = OPTIONS.iter().find(|(known, _)| known == name) {
            *list_of(&mut settings, *filter) = lines(name, value)?;
            continue;
        }
        let filter = name.strip_prefix("filters:").and_then(BuiltIn::find);
        let filter =
            filter.ok_or_else(|| Refusal::Invalid(format!("There is no filter {name:?}. Nothing was changed.")))?;
        set_switch(&mut settings, filter, value)?;
    }
    if settings != before {
        filter::set_settings(tx, project, &settings)?;
    }
    Ok(())
}

fn lines(name: &str, value: &Value) -> Result<Vec<String>, Refusal> {
    let wrong = || Refusal::Invalid(format!("{name} is text with one entry on each line. Nothing was changed."));
    let texts: Vec<&str> = match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.lines().collect(),
        Value::Array(list) => list.iter().map(|one| one.as_str().ok_or_else(wrong)).collect::<Result<_, _>>()?,
        _ => return Err(wrong()),
    };
    let said = texts.iter().map(|text| text.trim().replace('\0', "\u{fffd}")).filter(|text| !text.is_empty());
    Ok(said.collect())
}

/// `GET /projects/{org}/{project}/filter-rules/`
pub fn rules(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    let dropped = drops::of_project(tx, project.id, ask.now_ms)?;
    let rules = filter::rules(tx, project.id)?;
    let shown = rules.list.iter().map(|rule| shape(rule, dropped.get(&name(By::Rule(rule.id)))));
    Ok(Reply::ok(&shown.collect::<Vec<_>>().into()))
}

/// `POST /projects/{org}/{project}/filter-rules/`
pub fn create_rule(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    let rule = Rule { id: 0, ..read(ask.json()?)? };
    let rule = filter::save_rule(tx, project.id, rule)?.ok_or_else(missing)?;
    Ok(Reply::created(&shape(&rule, None)))
}

/// `GET /projects/{org}/{project}/filter-rules/{rule}/`
pub fn rule(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    let id = id_of(ask)?;
    let rule = filter::rules(tx, project.id)?.list.into_iter().find(|rule| rule.id == id).ok_or_else(missing)?;
    let dropped = drops::of_project(tx, project.id, ask.now_ms)?;
    Ok(Reply::ok(&shape(&rule, dropped.get(&name(By::Rule(id))))))
}

/// `PUT /projects/{org}/{project}/filter-rules/{rule}/`: the whole rule.
pub fn update_rule(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    let rule = Rule { id: id_of(ask)?, ..read(ask.json()?)? };
    let rule = filter::save_rule(tx, project.id, rule)?.ok_or_else(missing)?;
    let dropped = drops::of_project(tx, project.id, ask.now_ms)?;
    Ok(Reply::ok(&shape(&rule, dropped.get(&name(By::Rule(rule.id))))))
}

/// `DELETE /projects/{org}/{project}/filter-rules/{rule}/`
pub fn delete_rule(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    match filter::delete_rule(tx, project.id, id_of(ask)?)? {
        true => Ok(Reply::empty()),
        false => Err(missing()),
    }
}

fn id_of(ask: &Ask) -> Result<i64, Refusal> {
    ask.part("rule").parse().ok().filter(|id| *id > 0).ok_or_else(missing)
}

fn missing() -> Refusal {
    Refusal::NotFound("There is no such rule.".into())
}

/// A rule as it was sent; what is only shown is left out.
fn read(mut body: Map<String, Value>) -> Result<Rule, Refusal> {
    for shown in ["id", "dropped", "lastDropped"] {
        body.remove(shown);
    }
    let rule = serde_json::from_value(Value::Object(body));
    rule.map_err(|error| Refusal::Invalid(format!("The rule cannot be read: {error}. Nothing was changed.")))
}

fn shape(rule: &Rule, dropped: Option<&Dropped>) -> Value {
    let mut shape = serde_json::to_value(rule).unwrap_or_default();
    shape["id"] = rule.id.to_string().into();
    add_dropped(&mut shape, dropped);
    shape
}

/// What it has dropped in [`DAYS_SHOWN`] days, and when the last one came.
fn add_dropped(shape: &mut Value, dropped: Option<&Dropped>) {
    const _: () = assert!(DAYS_SHOWN == 14, "docs/filters.md says so");
    shape["dropped"] = dropped.map_or(0, |dropped| dropped.lately).into();
    shape["lastDropped"] = dropped.map(|dropped| date(dropped.last_ms)).into();
}

/// `POST /projects/{org}/{project}/filter-trials/` with `{"rule": …}` or `{"filter": id}`, and `{"days": 7}`: the dry run.
///
/// Not a function of a transaction as the other answers are, because it takes seconds and many of them.
pub async fn try_out(app: &App, request: Request, now_ms: i64) -> Result<Reply, Refusal> {
    let ask = Ask::read(app, PROJECT_WRITE, request, now_ms).await?;
    let mut body = ask.json()?;
    only_known(&body, &["rule", "filter", "days"])?;
    let days = body.get("days").map_or(Some(DAYS_USUAL), Value::as_i64);
    let days = days
        .filter(|days| (1..=trial::DAYS_MAX).contains(days))
        .ok_or_else(|| Refusal::Invalid(format!("days is a number from 1 to {}.", trial::DAYS_MAX)))?;
    let (project, settings) = app
        .store
        .read(move |tx| {
            let project = match ask.project(tx) {
                Ok(project) => project,
                Err(refusal) => return Ok(Err(refusal)),
            };
            Ok(Ok((project.id, filter::settings(tx, project.id)?)))
        })
        .await??;
    let filters = match (body.remove("rule"), body.get("filter").and_then(Value::as_str)) {
        (Some(Value::Object(mut rule)), None) => {
            rule.entry("name").or_insert_with(|| "dry run".into());
            rule.insert("isActive".into(), true.into());
            let rule = read(rule)?;
            bugle_event::filter::rule::check(&rule).map_err(Refusal::Invalid)?;
            Filters::new(Settings::default(), &[rule])
        }
        (None, Some(id)) => {
            let filter = BuiltIn::find(id).ok_or_else(|| Refusal::Invalid(format!("There is no filter {id:?}.")))?;
            Filters::new(settings.only(filter), &[])
        }
        _ => return Err(Refusal::Invalid("Say either rule or filter.".into())),
    };
    Ok(Reply::ok(&shape_of_trial(&trial::run(app, project, filters, days, now_ms).await?)))
}

fn shape_of_trial(report: &Report) -> Value {
    let issue = |one: &trial::Issue| json!({ "id": one.id.to_string(), "shortId": one.short_id, "type": one.kind, "title": one.title, "dropped": one.dropped });
    let event = |one: &trial::Hit| {
        json!({
            "eventID": one.event_id.to_string(), "groupID": one.issue.to_string(), "title": one.title,
            "dateReceived": date(one.received_ms),
        })
    };
    json!({
        "days": report.days,
        "looked": report.looked,
        "stored": report.stored,
        "reached": report.reached_ms.map(date),
        "isWhole": report.is_whole,
        "unread": report.unread,
        "dropped": report.dropped,
        "issues": report.issues.iter().map(issue).collect::<Vec<_>>(),
        "issuesCount": report.issues_count,
        "events": report.events.iter().map(event).collect::<Vec<_>>(),
    })
}
