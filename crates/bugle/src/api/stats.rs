//! `stats_v2`: the ledger, the fate of every item received (contract: "Fixed points", "`stats_v2`").
//!
//! What was received is no outcome and is left out; what was stored is called `accepted`; what SDKs dropped themselves
//! stands beside as `client_discard`, with their own reasons. The ledger counts by the
//! hour, so spans are widened to whole hours and a finer interval becomes an hour.

use super::ask::Ask;
use super::reply::{Refusal, Reply};
use super::shape::date;
use super::span::{self, Span};
use crate::client_report;
use crate::issue::series::length_ms;
use crate::outcome::{self, HOUR_MS, Sum};
use bugle_db::Tx;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is looked at when no span is asked for: 90 days.
const SPAN_MS: i64 = 90 * 24 * HOUR_MS;
/// Points of one series; more are refused.
const POINTS_MAX: i64 = 10_000;
/// Points of all series together.
const POINTS_TOTAL_MAX: usize = 2_000_000;
/// Names by which groups can be told apart.
const GROUPS: &[&str] = &["outcome", "reason", "category", "project"];
/// What can be summed; the ledger has one number.
const FIELDS: &[&str] = &["sum(quantity)", "sum(times_seen)"];

/// `GET /organizations/{org}/stats_v2/`
pub fn get(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let question = Question::read(tx, ask)?;
    let since_hour = question.span.since_ms.div_euclid(HOUR_MS);
    let mut sums = outcome::sums(tx, ask.organization(), &question.projects, since_hour)?;
    sums.extend(client_report::sums(tx, ask.organization(), &question.projects, since_hour)?);
    let mut groups: BTreeMap<Vec<String>, Vec<i64>> = BTreeMap::new();
    for sum in sums.iter().filter(|sum| question.asks_for(sum)) {
        let points = groups.entry(question.by(sum)).or_insert_with(|| vec![0; question.points as usize]);
        let at = (sum.hour * HOUR_MS - question.span.since_ms) / question.interval_ms;
        if let Some(point) = points.get_mut(at as usize) {
            *point += sum.quantity;
        }
    }
    if groups.len() * question.points as usize > POINTS_TOTAL_MAX {
        return Err(Refusal::Invalid("These are too many numbers. Ask for a longer interval or fewer groups.".into()));
    }
    let intervals: Vec<String> =
        (0..question.points).map(|at| date(question.span.since_ms + at * question.interval_ms)).collect();
    let groups: Vec<Value> = groups.iter().map(|(by, points)| question.group(by, points)).collect();
    Ok(Reply::ok(&json!({
        "start": date(question.span.since_ms),
        "end": date(question.span.until_ms),
        "intervals": intervals,
        "groups": groups,
    })))
}

struct Question {
    span: Span,
    interval_ms: i64,
    points: i64,
    projects: Vec<i64>,
    group_by: Vec<String>,
    fields: Vec<String>,
    categories: Vec<String>,
    outcomes: Vec<String>,
    reasons: Vec<String>,
}

impl Question {
    fn read(tx: &mut Tx<'_>, ask: &Ask) -> Result<Question, Refusal> {
        let all = |name: &str| ask.all(name).filter(|text| !text.is_empty()).map(str::to_string).collect::<Vec<_>>();
        let known = |name: &str, given: Vec<String>, known: &[&str]| match given
            .iter()
            .find(|one| !known.contains(&one.as_str()))
        {
            Some(odd) => Err(Refusal::Invalid(format!("Invalid {name} {odd:?}. There are {}.", known.join(", ")))),
            None => Ok(given),
        };
        let interval_ms = match ask.first("interval") {
            None | Some("") => HOUR_MS,
            Some(text) => length_ms(text)
                .ok_or_else(|| Refusal::Invalid(format!("Invalid interval {text:?}. It must look like 1h or 1d.")))?,
        };
        // Whole hours, since nothing finer is known.
        let interval_ms = interval_ms.max(HOUR_MS).div_euclid(HOUR_MS) * HOUR_MS;
        let asked = span::asked(ask)?.unwrap_or(Span { since_ms: ask.now_ms - SPAN_MS, until_ms: ask.now_ms + 1 });
        let since_ms = asked.since_ms.div_euclid(interval_ms) * interval_ms;
        let points = (asked.until_ms - since_ms - 1).div_euclid(interval_ms) + 1;
        if points > POINTS_MAX {
            return Err(Refusal::Invalid(format!(
                "The span has {points} intervals; {POINTS_MAX} are the most. Ask for a longer interval."
            )));
        }
        let mut fields = known("field", all("field"), FIELDS)?;
        if fields.is_empty() {
            fields.push(FIELDS[0].into());
        }
        Ok(Question {
            span: Span { since_ms, until_ms: since_ms + points * interval_ms },
            interval_ms,
            points,
            projects: ask.projects(tx)?,
            group_by: known("groupBy", all("groupBy"), GROUPS)?,
            fields,
            categories: all("category"),
            outcomes: all("outcome"),
            reasons: all("reason"),
        })
    }

    fn asks_for(&self, sum: &Sum) -> bool {
        let among = |wanted: &[String], value: &str| wanted.is_empty() || wanted.iter().any(|one| one == value);
        sum.outcome != "received"
            && sum.hour * HOUR_MS < self.span.until_ms
            && among(&self.categories, &sum.category)
            && among(&self.outcomes, outcome(sum))
            && among(&self.reasons, reason(sum))
    }

    fn by(&self, sum: &Sum) -> Vec<String> {
        let value = |name: &String| match name.as_str() {
            "outcome" => outcome(sum).to_string(),
            "reason" => reason(sum).to_string(),
            "category" => sum.category.clone(),
            _ => sum.project.to_string(),
        };
        self.group_by.iter().map(value).collect()
    }

    fn group(&self, by: &[String], points: &[i64]) -> Value {
        let mut names = Map::new();
        for (name, value) in self.group_by.iter().zip(by) {
            // Projects are numbers here, unlike everywhere else.
            let value = match name.as_str() {
                "project" => value.parse::<i64>().map_or(Value::Null, Value::from),
                _ => Value::from(value.as_str()),
            };
            names.insert(name.clone(), value);
        }
        let each = |value: Value| self.fields.iter().map(|field| (field.clone(), value.clone())).collect::<Map<_, _>>();
        let total: i64 = points.iter().sum();
        json!({ "by": names, "totals": each(total.into()), "series": each(json!(points)) })
    }
}

fn outcome(sum: &Sum) -> &str {
    if sum.outcome == "stored" { "accepted" } else { &sum.outcome }
}

fn reason(sum: &Sum) -> &str {
    if sum.reason.is_empty() { "none" } else { &sum.reason }
}
