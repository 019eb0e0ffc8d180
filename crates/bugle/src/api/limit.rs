//! Limits of a project: its rate limit, monthly quota and spike protection. Bugle's own, beside the protocol; changes act
//! at once.

use super::ask::Ask;
use super::project::only_known;
use super::reply::{Refusal, Reply};
use super::shape::date;
use crate::limit::{self, Month, ProjectLimits, Rate, month};
use crate::project::Project;
use bugle_db::Tx;
use serde_json::{Value, json};

/// `GET /projects/{org}/{project}/limits/`
pub fn get(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    shown(tx, ask, &project)
}

/// `PUT /projects/{org}/{project}/limits/`: what is absent stays, null lifts.
pub fn update(tx: &mut Tx<'_>, ask: &Ask) -> Result<Reply, Refusal> {
    let project = ask.project(tx)?;
    ask.caller.must_own("set limits")?;
    let body = ask.json()?;
    only_known(&body, &["rateLimit", "monthlyQuota", "spikeProtection"])?;
    let mut limits = limit::of_project(tx, project.id)?;
    if let Some(rate) = body.get("rateLimit") {
        limits.rate = rate_of(rate)?;
    }
    if let Some(quota) = body.get("monthlyQuota") {
        limits.month_events_max = match quota {
            Value::Null => None,
            quota => Some(quota.as_i64().ok_or_else(|| {
                Refusal::Invalid("monthlyQuota must be a whole number of events, or null for none.".into())
            })?),
        };
    }
    if let Some(protection) = body.get("spikeProtection") {
        limits.is_spike_protected =
            protection.as_bool().ok_or_else(|| Refusal::Invalid("spikeProtection must be true or false.".into()))?;
    }
    limit::set_project(tx, project.id, &limits)?;
    shown(tx, ask, &project)
}

fn rate_of(limit: &Value) -> Result<Option<Rate>, Refusal> {
    if limit.is_null() {
        return Ok(None);
    }
    let number = |name: &str| limit.get(name).and_then(Value::as_i64);
    match (number("count"), number("window")) {
        (Some(count), Some(window_s)) => Ok(Some(Rate { count, window_s })),
        _ => Err(Refusal::Invalid("rateLimit must be null or {\"window\": seconds, \"count\": events}.".into())),
    }
}

/// The limits, with what was filed of the month; what still waits is not in it.
fn shown(tx: &mut Tx<'_>, ask: &Ask, project: &Project) -> Result<Reply, Refusal> {
    let ProjectLimits { rate, month_events_max, is_spike_protected } = limit::of_project(tx, project.id)?;
    let month = Month::at(ask.now_ms);
    Ok(Reply::ok(&json!({
        "rateLimit": rate.map(|rate| json!({ "window": rate.window_s, "count": rate.count })),
        "monthlyQuota": month_events_max,
        "usedThisMonth": month::used(tx, project.id, &month)?,
        "monthEnds": date(month.until_ms),
        "spikeProtection": is_spike_protected,
    })))
}
