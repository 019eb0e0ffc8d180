//! `sessions`: sums and shares of sessions and people over time (protocol reference, sections 9 and 18).
//!
//! Fields are `sum(session)`, `count_unique(user)` and the rates of either; groups are by project, release, environment and
//! `session.status`. Spans are widened to whole hours and a finer interval becomes an hour, since nothing finer is kept. A rate of
//! nothing is null. How long sessions last is not kept.

use super::ask::Ask;
use super::reply::{Refusal, Reply};
use super::shape::date;
use super::span::{self, Span};
use crate::health::read::{self, By, Group, Scope};
use crate::health::{Counts, Severity};
use crate::issue::series::length_ms;
use crate::outcome::HOUR_MS;
use bugle_db::Tx;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// What is looked at when no span is asked for: 90 days.
const SPAN_MS: i64 = 90 * 24 * HOUR_MS;
/// Points of one series; more are refused.
const POINTS_MAX: i64 = 10_000;
/// Points of all series together.
const POINTS_TOTAL_MAX: i64 = 500_000;
/// Groups of one answer.
const GROUPS_MAX: usize = 1_000;
const STATUS: &str = "session.status";

/// `GET /organizations/{org}/sessions/`
pub fn get(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let question = Question::read(tx, ask)?;
    let (scope, by) = (&question.scope, question.by);
    let steps = By { step_hours: Some(question.interval_ms / HOUR_MS), ..by };
    let needs_people = question.fields.iter().any(|field| field.of_people);
    let mut found = Found::default();
    found.add_totals(read::sessions(tx, scope, by)?, false);
    if needs_people {
        found.add_totals(read::people(tx, scope, by)?, true);
    }
    if found.0.is_empty() && by == By::default() {
        found.0.insert(Group::default(), Numbers::default());
    }
    if found.0.len() as i64 * question.points > POINTS_TOTAL_MAX {
        return Err(Refusal::Invalid("These are too many numbers. Ask for a longer interval or fewer groups.".into()));
    }
    if question.has_series {
        found.add_series(read::sessions(tx, scope, steps)?, false);
        if needs_people {
            found.add_series(read::people(tx, scope, steps)?, true);
        }
    }
    let names = Names::read(tx, &question)?;
    let mut groups = question.groups(&found, &names);
    groups.truncate(question.limit);
    let intervals: Vec<String> =
        (0..question.points).map(|at| date(question.span.since_ms + at * question.interval_ms)).collect();
    Ok(Reply::ok(&json!({
        "start": date(question.span.since_ms),
        "end": date(question.span.until_ms),
        "query": ask.first("query").unwrap_or_default(),
        "intervals": intervals,
        "groups": groups,
    })))
}

/// One number that is asked for.
#[derive(Debug, Clone)]
struct Field {
    name: String,
    of_people: bool,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Count,
    /// The share of those that are so; for `None`, of all that were not healthy.
    Rate(Option<Severity>),
    /// The share of the others.
    Free(Option<Severity>),
}

impl Field {
    fn read(name: &str) -> Option<Field> {
        let field = |of_people, what| Some(Field { name: name.into(), of_people, what });
        match name {
            "sum(session)" => return field(false, What::Count),
            "count_unique(user)" => return field(true, What::Count),
            _ => {}
        }
        let (rate, of) = name.strip_suffix(')')?.split_once('(')?;
        let of_people = match of {
            "session" => false,
            "user" => true,
            _ => return None,
        };
        match rate {
            "crash_rate" => field(of_people, What::Rate(Some(Severity::Crashed))),
            "crash_free_rate" => field(of_people, What::Free(Some(Severity::Crashed))),
            "abnormal_rate" => field(of_people, What::Rate(Some(Severity::Abnormal))),
            "unhandled_rate" => field(of_people, What::Rate(Some(Severity::Unhandled))),
            "errored_rate" => field(of_people, What::Rate(Some(Severity::Errored))),
            "unhealthy_rate" => field(of_people, What::Rate(None)),
            "healthy_rate" => field(of_people, What::Free(None)),
            _ => None,
        }
    }

    fn value(&self, counts: &Counts, status: Option<Severity>) -> Value {
        match (self.what, status) {
            (What::Count, None) => counts.total().into(),
            (What::Count, Some(status)) => counts.of(status).max(0).into(),
            (What::Rate(kind), _) => rate(counts, kind).into(),
            (What::Free(kind), _) => rate(counts, kind).map(|rate| 1.0 - rate).into(),
        }
    }
}

fn rate(counts: &Counts, kind: Option<Severity>) -> Option<f64> {
    let bad = kind.map_or_else(|| counts.bad(), |kind| counts.of(kind)).max(0);
    (counts.total() > 0).then(|| (bad as f64 / counts.total() as f64).min(1.0))
}

/// Sessions, then people: in all, and by slot.
#[derive(Debug, Default)]
struct Numbers {
    totals: [Counts; 2],
    series: [HashMap<i64, Counts>; 2],
}

#[derive(Default)]
struct Found(BTreeMap<Group, Numbers>);

impl Found {
    fn add_totals(&mut self, found: Vec<(Group, Counts)>, of_people: bool) {
        for (group, counts) in found {
            self.0.entry(group).or_default().totals[usize::from(of_people)] = counts;
        }
    }

    fn add_series(&mut self, found: Vec<(Group, Counts)>, of_people: bool) {
        for (group, counts) in found {
            let numbers = self.0.entry(Group { slot: 0, ..group }).or_default();
            numbers.series[usize::from(of_people)].insert(group.slot, counts);
        }
    }
}

struct Question {
    span: Span,
    interval_ms: i64,
    points: i64,
    scope: Scope,
    group_by: Vec<String>,
    by: By,
    fields: Vec<Field>,
    statuses: Vec<Severity>,
    order: Option<(Field, bool)>,
    limit: usize,
    has_series: bool,
    has_totals: bool,
}

impl Question {
    fn read(tx: &mut Tx<'_>, ask: &Ask) -> Result<Question, Refusal> {
        let (span, interval_ms, points) = times(ask)?;
        let mut fields = Vec::new();
        for name in ask.all("field").filter(|name| !name.is_empty()) {
            fields.push(Field::read(name).ok_or_else(|| unknown_field(name))?);
        }
        if fields.is_empty() {
            return Err(Refusal::Invalid("Ask for a field, for example field=sum(session).".into()));
        }
        let group_by: Vec<String> = ask.all("groupBy").filter(|name| !name.is_empty()).map(String::from).collect();
        if let Some(odd) =
            group_by.iter().find(|name| !["project", "release", "environment", STATUS].contains(&&***name))
        {
            let detail = format!("Invalid groupBy {odd:?}. There are project, release, environment, {STATUS}.");
            return Err(Refusal::Invalid(detail));
        }
        let has = |name: &str| group_by.iter().any(|one| one == name);
        if has(STATUS) && fields.iter().any(|field| field.what != What::Count) {
            return Err(Refusal::Invalid(format!("A rate cannot be grouped by {STATUS}.")));
        }
        let by =
            By { project: has("project"), release: has("release"), environment: has("environment"), step_hours: None };
        let mut question = Question {
            scope: Scope {
                projects: projects(tx, ask)?,
                since_hour: span.since_ms / HOUR_MS,
                until_hour: span.until_ms / HOUR_MS,
                ..Scope::default()
            },
            span,
            interval_ms,
            points,
            by,
            statuses: Severity::ALL.to_vec(),
            order: order(ask, &fields)?,
            limit: ask.page_of(GROUPS_MAX as i64)?.limit as usize,
            has_series: ask.first("includeSeries") != Some("0"),
            has_totals: ask.first("includeTotals") != Some("0"),
            group_by,
            fields,
        };
        let names = ask.environments();
        if !names.is_empty() {
            question.scope.environments = Some(read::environments(tx, &question.scope.projects, &names)?);
        }
        for (key, values, is_not) in super::query::terms(ask.first("query").unwrap_or_default())? {
            question.narrow(tx, &key, &values, is_not)?;
        }
        Ok(question)
    }

    /// Narrows the scope by one term of the query.
    fn narrow(&mut self, tx: &mut Tx<'_>, key: &str, values: &[String], is_not: bool) -> Result<(), Refusal> {
        let projects = self.scope.projects.clone();
        let keep = |all: Option<Vec<i64>>, named: &[i64]| match all {
            None => named.to_vec(),
            Some(all) => all.into_iter().filter(|id| named.contains(id)).collect(),
        };
        match key {
            "release" => {
                let mut named = read::releases(tx, &projects, values)?;
                if is_not {
                    named = read::other_releases(tx, &projects, &named)?;
                }
                self.scope.releases = Some(keep(self.scope.releases.take(), &named));
            }
            "environment" => {
                let mut named = read::environments(tx, &projects, values)?;
                if is_not {
                    named = read::other_environments(tx, &projects, &named)?;
                }
                self.scope.environments = Some(keep(self.scope.environments.take(), &named));
            }
            STATUS => self.statuses.retain(|one| values.iter().any(|value| value == one.as_str()) != is_not),
            odd => {
                let detail =
                    format!("Sessions cannot be searched by {odd:?}, only by release, environment and {STATUS}.");
                return Err(Refusal::Invalid(detail));
            }
        }
        Ok(())
    }

    fn groups(&self, found: &Found, names: &Names) -> Vec<Value> {
        let is_by_status = self.group_by.iter().any(|name| name == STATUS);
        let narrowed = self.statuses.len() < Severity::ALL.len();
        // Versions and environments of several projects are one group unless projects are told apart.
        let mut merged: BTreeMap<(i64, String, String), Numbers> = BTreeMap::new();
        for (group, numbers) in &found.0 {
            let into = merged.entry(names.of(group)).or_default();
            for which in [0, 1] {
                into.totals[which].join(&numbers.totals[which]);
                for (slot, counts) in &numbers.series[which] {
                    into.series[which].entry(*slot).or_default().join(counts);
                }
            }
        }
        let mut lines: Vec<(f64, Value)> = Vec::new();
        for (place, numbers) in &merged {
            let rank = self.order.as_ref().map_or(0.0, |(field, is_falling)| {
                let value = field.value(&numbers.totals[usize::from(field.of_people)], None).as_f64().unwrap_or(-1.0);
                if *is_falling { -value } else { value }
            });
            match is_by_status || narrowed {
                false => lines.push((rank, self.group(place, numbers, None))),
                true => {
                    let statuses = self.statuses.iter().map(|status| (rank, self.group(place, numbers, Some(*status))));
                    lines.extend(statuses);
                }
            }
        }
        lines.sort_by(|a, b| a.0.total_cmp(&b.0));
        lines.into_iter().map(|(_, line)| line).collect()
    }

    fn group(&self, place: &(i64, String, String), numbers: &Numbers, status: Option<Severity>) -> Value {
        let mut by = Map::new();
        for name in &self.group_by {
            let value = match name.as_str() {
                "project" => Value::from(place.0),
                "release" => Value::from(place.1.as_str()),
                "environment" => Value::from(place.2.as_str()),
                _ => status.map_or(Value::Null, |status| status.as_str().into()),
            };
            by.insert(name.clone(), value);
        }
        let (mut totals, mut series) = (Map::new(), Map::new());
        for field in &self.fields {
            let which = usize::from(field.of_people);
            totals.insert(field.name.clone(), field.value(&numbers.totals[which], status));
            let none = Counts::default();
            let point = |slot| field.value(numbers.series[which].get(&slot).unwrap_or(&none), status);
            series.insert(field.name.clone(), (0..self.points).map(point).collect());
        }
        let mut line = json!({ "by": by });
        if self.has_totals {
            line["totals"] = totals.into();
        }
        if self.has_series {
            line["series"] = series.into();
        }
        line
    }
}

/// Names of what groups are told apart by.
struct Names {
    releases: HashMap<i64, String>,
    environments: HashMap<i64, String>,
}

impl Names {
    fn read(tx: &mut Tx<'_>, question: &Question) -> Result<Names, Refusal> {
        let projects = &question.scope.projects;
        let releases = if question.by.release { read::versions(tx, projects)? } else { HashMap::new() };
        let environments =
            if question.by.environment { read::environment_names(tx, projects)? } else { HashMap::new() };
        Ok(Names { releases, environments })
    }

    fn of(&self, group: &Group) -> (i64, String, String) {
        let name = |names: &HashMap<i64, String>, id: i64| names.get(&id).cloned().unwrap_or_default();
        (group.project, name(&self.releases, group.release), name(&self.environments, group.environment))
    }
}

fn times(ask: &Ask) -> Result<(Span, i64, i64), Refusal> {
    let interval_ms = match ask.first("interval") {
        None | Some("") => HOUR_MS,
        Some(text) => length_ms(text)
            .ok_or_else(|| Refusal::Invalid(format!("Invalid interval {text:?}. It must look like 1h or 1d.")))?,
    };
    let interval_ms = interval_ms.max(HOUR_MS).div_euclid(HOUR_MS) * HOUR_MS;
    let asked = span::asked(ask)?.unwrap_or(Span { since_ms: ask.now_ms - SPAN_MS, until_ms: ask.now_ms + 1 });
    let since_ms = asked.since_ms.div_euclid(interval_ms) * interval_ms;
    let points = (asked.until_ms - since_ms - 1).div_euclid(interval_ms) + 1;
    if points > POINTS_MAX {
        return Err(Refusal::Invalid(format!(
            "The span has {points} intervals; {POINTS_MAX} are the most. Ask for a longer interval."
        )));
    }
    Ok((Span { since_ms, until_ms: since_ms + points * interval_ms }, interval_ms, points))
}

/// The projects that are asked about, all of them when none is named.
pub fn projects(tx: &mut Tx<'_>, ask: &Ask) -> Result<Vec<i64>, Refusal> {
    let named = ask.projects(tx)?;
    if !named.is_empty() {
        return Ok(named);
    }
    Ok(crate::project::list(tx, ask.organization())?.iter().map(|project| project.id).collect())
}

fn order(ask: &Ask, fields: &[Field]) -> Result<Option<(Field, bool)>, Refusal> {
    let Some(text) = ask.first("orderBy").filter(|text| !text.is_empty()) else { return Ok(None) };
    let (name, is_falling) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    match fields.iter().find(|field| field.name == name) {
        Some(field) => Ok(Some((field.clone(), is_falling))),
        None => Err(Refusal::Invalid(format!("orderBy {name:?} is not among the fields that are asked for."))),
    }
}

fn unknown_field(name: &str) -> Refusal {
    let detail = match name.contains("duration") {
        true => format!("Bugle does not keep how long sessions last, so there is no {name:?}."),
        false => format!(
            "Invalid field {name:?}. There are sum(session), count_unique(user), and crash_rate, crash_free_rate, \
             abnormal_rate, unhandled_rate, errored_rate, unhealthy_rate and healthy_rate of (session) or (user)."
        ),
    };
    Refusal::Invalid(detail)
}
